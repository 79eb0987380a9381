"""Kernels for callers that checked their own arrays: into an array, a block of a table at a time, or as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.kernel.at_once import compiled_for, first_answer
from genolab.kernel.bind import bind_arrays
from genolab.kernel.choice import backend_in_force
from genolab.kernel.driver import DrivenImplementation
from genolab.kernel.recording import record

if TYPE_CHECKING:
    from genolab.kernel.kernel import Kernel


def into(kernel: Kernel, out: np.ndarray, *arrays: Any) -> Any:
    """Run ``kernel`` with its first output in ``out``, which may be the memory of its first input.

    Axes and dtypes are checked, ranges are not: the caller looked at its values, and another look at a large table
    costs as much as the work. The kernel's driver must take ``out``; where another backend is in force than the
    driver's, the result is copied.
    """
    implementation = kernel._implementation
    if (
        backend_in_force(None, kernel.backend) != "numpy"
        or not isinstance(implementation, DrivenImplementation)
        or not implementation.takes_out
    ):
        results = kernel(*arrays)
        out[...] = results[0]
        return kernel.Result(out, *results[1:])
    values = bind_arrays(kernel.name, kernel.inputs, kernel.defaults, arrays, {}, writeable=False, ranges=False)
    record(kernel.name, kernel.static, values)
    answer = first_answer(kernel, values)
    if answer is not None:
        out[...] = answer[0]
        return kernel.Result(out, *(np.asarray(each) for each in answer[1:]))
    results = implementation.bound(kernel.static).run(*values, out=out)
    if kernel.at_once:
        compiled_for(kernel, values)
    return kernel.Result(*(results if isinstance(results, tuple) else (results,)))


def trusted(kernel: Kernel, *arrays: Any) -> Any:
    """Call ``kernel`` with arrays whose ranges the caller looked at; axes and dtypes are checked as ever."""
    backend = backend_in_force(None, kernel.backend)
    if kernel._fits is not None:
        return kernel(*arrays)
    values = bind_arrays(
        kernel.name, kernel.inputs, kernel.defaults, arrays, {}, writeable=backend == "numba", ranges=False
    )
    record(kernel.name, kernel.static, values)
    return kernel.Result(*(np.asarray(result) for result in kernel._run(backend, values)))

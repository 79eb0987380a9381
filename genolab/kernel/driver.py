"""A fast implementation that is a driver in Python: it cuts the work up and hands it to cached Numba loops.

For work that is more than one loop: lengths to sort, widths to choose, threads to share it among. Both the `numpy` and
the `numba` backend run the driver; its loops compile, and load Numba, when they are first needed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from genolab.kernel.fast import FastImplementation
from genolab.kernel.kernel import Kernel


class DrivenImplementation(FastImplementation):
    """A driver takes and returns arrays, as the definition does; PyTensor keeps nothing of it on disk."""

    key = None  # type: ignore[assignment]

    def __init__(self, driver: Callable[..., Any], kinds: tuple[tuple[str, int], ...]) -> None:
        self.run, self._kinds = driver, kinds

    @cached_property
    def loop(self) -> Callable[..., Any]:  # type: ignore[override]
        """What Numba's linker compiles: a call back into Python."""
        import numba

        objmode, run = numba.objmode, self.run
        arrays = [numba.types.Array(numba.from_dtype(np.dtype(dtype)), axes, "C") for dtype, axes in self._kinds]
        kind = arrays[0] if len(arrays) == 1 else numba.types.Tuple(arrays)

        def in_python(*inputs):  # type: ignore[no-untyped-def]
            with objmode(results=kind):
                results = run(*inputs)
            return results  # noqa: RET504 - Numba has no return from inside

        return in_python


def driven(kernel: Kernel) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate the driver of a kernel."""

    def decorate(driver: Callable[..., Any]) -> Callable[..., Any]:
        kinds = tuple((spec.dtype, len(spec.dims)) for spec in kernel.outputs.values())
        kernel._implementation = DrivenImplementation(driver, kinds)
        return driver

    return decorate

"""A fast implementation that is a driver in Python: it cuts the work up and hands it to cached Numba loops.

For work that is more than one loop: lengths to sort, widths to choose, shares for threads. Both the `numpy` and the
`numba` backend run the driver; its loops compile, and load Numba, when they are first needed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from genolab.kernel.implementation import FastImplementation

Driver = Callable[..., Any]


class DrivenImplementation(FastImplementation):
    """A driver takes and returns arrays, as the definition does."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.takes_out = "out" in inspect.signature(driver).parameters

    def bound(self, static: Mapping[str, Any]) -> FastImplementation:
        """The driver and its gradient with the kernel's structure, which they take by name."""
        if not static:
            return self
        made = DrivenImplementation(partial(self.driver, **static))
        made.gradient = None if self.gradient is None else self.gradient.bound(static)
        return made

    def run(self, *inputs: np.ndarray, **named: Any) -> Any:
        """What the Python linker calls. Read-only inputs, so that Numba compiles the loops once and not twice."""
        return self.driver(*(read_only(value) for value in inputs), **named)

    def for_numba(self, types: list[Any]) -> tuple[Any, str | None]:
        """A call back into Python. PyTensor keeps nothing of it on disk: the loops have their own cache."""
        import numba
        from pytensor.link.numba.dispatch.basic import numba_njit

        objmode, run = numba.objmode, self.run
        kinds = tuple(numba.types.Array(numba.from_dtype(np.dtype(each.dtype)), each.ndim, "C") for each in types)
        kind = kinds[0] if len(kinds) == 1 else numba.types.Tuple(kinds)

        def in_python(*inputs):  # type: ignore[no-untyped-def]
            with objmode(results=kind):
                results = run(*inputs)
            return results  # noqa: RET504 - Numba leaves object mode with a value, not with a return

        return numba_njit(in_python), None


def read_only(value: np.ndarray) -> np.ndarray:
    """A view that cannot be written to: Numba takes it for another type, and compiles for each."""
    view = np.asarray(value).view()
    view.flags.writeable = False
    return view

"""A hand-written loop beside a kernel's definition. Neither PyTensor nor Numba is loaded before somebody needs it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.lazy import made_once

if TYPE_CHECKING:
    from genolab.kernel.pullback import DrivenGradient
    from genolab.spec import Spec

Loop = Callable[..., Any]


class FastImplementation:
    """A hand-written loop for one kernel.

    Parameters
    ----------
    loop
        A plain Python function that Numba can compile: arrays in (scalars arrive as 0-d arrays), arrays out.
    arrays
        The same for the `numpy` backend, where NumPy alone is as fast; without it, ``loop`` is compiled and cached.
    """

    gradient: DrivenGradient | None = None

    def __init__(self, loop: Loop, arrays: Loop | None, version: int) -> None:
        self.loop, self.arrays, self.version = loop, arrays, version

    def bound(self, static: Mapping[str, Any]) -> FastImplementation:
        """The same for a kernel's structure, which a loop learns from its arrays."""
        return self

    @made_once
    def key(self) -> str:
        """Changes with the source: a corrected loop must never be served from the disk cache of the wrong one."""
        source = hashlib.sha256(inspect.getsource(self.loop).encode()).hexdigest()[:16]
        return f"genolab-{self.loop.__module__}.{self.loop.__qualname__}-{self.version}-{source}"

    def for_numba(self, types: list[Any]) -> tuple[Any, str | None]:
        """What Numba's linker compiles, for outputs of the given types, and its key in the disk cache."""
        from pytensor.link.numba.dispatch.basic import numba_njit

        return numba_njit(self.loop), self.key

    @made_once
    def run(self) -> Loop:
        """What the Python linker calls."""
        if self.arrays is not None:
            return self.arrays
        import numba

        return numba.njit(nogil=True, cache=True)(self.loop)


def run_implementation(
    implementation: FastImplementation, outputs: Mapping[str, Spec], values: list[np.ndarray]
) -> list[np.ndarray]:
    """What the `numpy` backend does with a loop: it is called, and no graph is built around it.

    Raises
    ------
    TypeError
        If a result is not what its spec states; it is widened, never narrowed.
    """
    results = implementation.run(*values)
    found = []
    for value, (name, spec) in zip(results if isinstance(results, tuple) else (results,), outputs.items(), strict=True):
        array = np.asarray(value)
        if array.ndim != len(spec.dims) or not np.can_cast(array.dtype, spec.dtype):
            made = f"{array.dtype} with {array.ndim} axes"
            raise TypeError(f"the loop's `{name}` must be {spec.dtype} with {len(spec.dims)} axes; got {made}")
        found.append(array.astype(spec.dtype, copy=False))
    return found

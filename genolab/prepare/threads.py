"""Kernels whose loop runs in threads, over shares of the work that do not depend on how many threads there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from genolab.kernel import Kernel
from genolab.kernel.fast import FastImplementation, Loop
from genolab.spec import Spec

PARTS = 16
"""Shares of a loop. Their number is fixed, so the order of summation is too: any number of threads, the same bits."""


def processors() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="genolab-prepare")


def spread(
    loop: Callable[..., Any], length: int, *arguments: Any, parts: int = PARTS, threads: int | None = None
) -> list[Any]:
    """Run ``loop(first, last, *arguments)`` over shares of ``range(length)``; what they return, in order."""
    parts = max(1, min(parts, length))
    edges = [length * part // parts for part in range(parts + 1)]
    shares = list(pairwise(edges))
    threads = min(threads or processors(), parts)
    if threads == 1:
        return [loop(first, last, *arguments) for first, last in shares]
    return list(_pool(threads).map(lambda share: loop(*share, *arguments), shares))


def added(loop: Callable[..., Any], length: int, *arguments: Any) -> np.ndarray:
    """The sum of what the shares of ``loop`` return."""
    total: np.ndarray = sum(spread(loop, length, *arguments))
    return total


class ThreadedImplementation(FastImplementation):
    """A driver in Python that hands shares of the work to cached Numba loops, for the `numpy` and `numba` backends."""

    key = None  # type: ignore[assignment]  # PyTensor keeps nothing of it on disk: the loops have their own cache

    def __init__(self, driver: Loop, outputs: Mapping[str, Spec], version: int) -> None:
        self.driver, self.outputs, self.version = driver, outputs, version

    @cached_property
    def run(self) -> Loop:
        """What the Python linker calls. Read-only inputs, so that Numba compiles its loops once and not twice."""
        return lambda *inputs: self.driver(*(_read_only(value) for value in inputs))

    @cached_property
    def loop(self) -> Loop:  # type: ignore[override]
        """What Numba's linker compiles: a call back into Python, which knows the threads and NumPy's allocator."""
        import numba

        objmode, run = numba.objmode, self.run
        kinds = tuple(
            numba.types.Array(numba.from_dtype(np.dtype(spec.dtype)), len(spec.dims), "C")
            for spec in self.outputs.values()
        )
        kind = kinds[0] if len(kinds) == 1 else numba.types.Tuple(kinds)

        def in_python(*inputs):  # type: ignore[no-untyped-def]
            with objmode(results=kind):
                results = run(*inputs)
            return results  # noqa: RET504 - Numba leaves object mode with a value, not with a return

        return in_python


def _read_only(value: np.ndarray) -> np.ndarray:
    view = np.asarray(value).view()
    view.flags.writeable = False
    return view


def threaded(kernel: Kernel, *, version: int) -> Callable[[Loop], Loop]:
    """Decorate a kernel's driver: arrays in, arrays out, the same as the definition, through :func:`spread`."""

    def decorate(driver: Loop) -> Loop:
        kernel._implementation = ThreadedImplementation(driver, kernel.outputs, version)
        return driver

    return decorate


_wide: dict[str, Kernel] = {}


def in_dtype(kernel: Kernel, dtype: np.dtype[Any] | type) -> Kernel:
    """The kernel in single or double precision: one definition and one driver, each float32 of its specs widened."""
    if np.dtype(dtype) == np.float32:
        return kernel
    if kernel.name not in _wide:
        wide = Kernel(kernel._build, backend=kernel.backend, example=kernel._example)
        wide.inputs, wide.outputs = _widened(kernel.inputs), _widened(kernel.outputs)
        if isinstance(kernel._implementation, ThreadedImplementation):
            threaded(wide, version=kernel._implementation.version)(kernel._implementation.driver)
        _wide[kernel.name] = wide
    return _wide[kernel.name]


def _widened(specs: Mapping[str, Spec]) -> dict[str, Spec]:
    return {name: replace(spec, dtype="float64") if spec.dtype == "float32" else spec for name, spec in specs.items()}

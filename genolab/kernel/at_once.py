"""First answers without compiling: where a kernel's loop was never compiled on this machine, its definition answers.

Only where somebody asked for it, as a panel does while a person waits; a call from Python always runs the loop, so its
numbers never depend on what was compiled before. Both agree to rounding (``tests/kernel/test_at_once.py``).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.kernel.machine import processor
from genolab.kernel.store import kept, load, source_key, store

if TYPE_CHECKING:
    from genolab.kernel.kernel import Kernel

MOST = 2_000_000
"""Values that a definition is given; with more its arrays take longer than the loop takes to compile."""

Place = tuple["Kernel", tuple[str, ...]]


class Behind:
    """The loops that are still to be compiled, each with the arrays that its definition answered."""

    def __init__(self) -> None:
        self._calls: dict[Place, list[np.ndarray]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, other: Behind) -> None:
        """Add the calls of another."""
        with self._lock:
            self._calls = other._calls | self._calls

    def add(self, kernel: Kernel, values: list[np.ndarray]) -> None:
        """Remember a call, once for each kernel and dtypes."""
        self._calls.setdefault((kernel, _kinds(values)), values)

    def compile(self) -> Iterator[str]:
        """Run the loops, which compiles them, until none is left; the name of each before it begins."""
        while self._calls:
            with self._lock:
                (kernel, _), values = self._calls.popitem()
            yield kernel.name
            kernel._run("numpy", values)


_asked: ContextVar[Behind | None] = ContextVar("at_once", default=None)


@contextmanager
def at_once() -> Iterator[Behind]:
    """Inside, in this thread, kernels that say ``at_once`` wait for no compiler; gives what is left to compile."""
    behind = Behind()
    token = _asked.set(behind)
    try:
        yield behind
    finally:
        _asked.reset(token)


def first_answer(kernel: Kernel, values: list[np.ndarray]) -> Any:
    """What the definition says, where that is wanted and the loop would have to be compiled first; None otherwise."""
    behind = _asked.get()
    if behind is None or not kernel.at_once or sum(value.size for value in values) > MOST:
        return None
    kinds = _kinds(values)
    if kinds in kernel._loops_for or load(*_entry(kernel, kinds)) is not None:
        return None
    behind.add(kernel, values)
    return kernel.definition._run("numpy", values)


def compiled_for(kernel: Kernel, values: list[np.ndarray]) -> None:
    """Remember, here and for later processes, that the loop is compiled for arrays of these dtypes."""
    kinds = _kinds(values)
    if kinds in kernel._loops_for:
        return
    kernel._loops_for.add(kinds)
    # the key takes longer to work out than a look at the file; an old one is renewed where an answer was wanted at once
    if _asked.get() is not None or not kept(_name(kernel, kinds)):
        store(*_entry(kernel, kinds), b"")


def _kinds(values: list[np.ndarray]) -> tuple[str, ...]:
    return tuple(f"{value.dtype.str[1:]}x{value.ndim}" for value in values)


def _name(kernel: Kernel, kinds: tuple[str, ...]) -> str:
    package = kernel._build.__module__.rpartition(".")[0]
    return f"{package}.{kernel.name}-{'_'.join(kinds)}.loops"


def _entry(kernel: Kernel, kinds: tuple[str, ...]) -> tuple[str, str]:
    """The name and the key of what a process leaves that compiled the loop."""
    return _name(kernel, kinds), f"{_sources(kernel._build.__module__.rpartition('.')[0])} {kernel.static}"


@cache
def _sources(package: str) -> str:
    """What compiled loops depend on, and where Numba keeps them: beside the sources, or in a folder of its own."""
    place = os.environ.get("NUMBA_CACHE_DIR") or Path(__file__).parents[1]
    return f"{source_key(package, 'numba', 'llvmlite')} {processor()} {place}"

"""First answers without compiling: where a kernel's loop was never compiled on this machine, its definition answers.

Only where somebody asked for it, as a panel does while a person waits; a call from Python always runs the loop, so its
numbers never depend on what was compiled before. Both agree to rounding, which the tests of each
subject's kernels hold (``tests/prepare/test_prepare_kernels.py``).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
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

Kinds = tuple[str, ...]


class Behind:
    """The loops that are still to be compiled, each with a call that compiles it."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, Kinds], Callable[[], object]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, other: Behind) -> None:
        """Add the calls of another."""
        with self._lock:
            self._calls = other._calls | self._calls

    def add(self, name: str, kinds: Kinds, call: Callable[[], object]) -> None:
        """Remember a call, once for each loop and dtypes."""
        self._calls.setdefault((name, kinds), call)

    def compile(self) -> Iterator[str]:
        """Run the loops, which compiles them, until none is left; the name of each before it begins."""
        while self._calls:
            with self._lock:
                (name, _), call = self._calls.popitem()
            yield name.rpartition(".")[2]
            call()


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


def waited_for() -> bool:
    """Whether a person waits for what this thread does."""
    return _asked.get() is not None


def first_answer(kernel: Kernel, values: list[np.ndarray]) -> Any:
    """What the definition says, where that is wanted and the loop would have to be compiled first; None otherwise."""
    if _asked.get() is None or not kernel.at_once or sum(value.size for value in values) > MOST:
        return None
    if not left_to_compile(_name(kernel), kinds_of(values), lambda: kernel._run("numpy", values), str(kernel.static)):
        return None
    return kernel.definition._run("numpy", values)


def compiled_for(kernel: Kernel, values: list[np.ndarray]) -> None:
    """Remember, here and for later processes, that the loop is compiled for arrays of these dtypes."""
    compiled(_name(kernel), kinds_of(values), str(kernel.static))


def left_to_compile(name: str, kinds: Kinds, call: Callable[[], object], static: str = "") -> bool:
    """Whether something else is to answer now: ``call`` would have to compile, and is noted to be made behind it.

    ``name`` begins with the package whose sources the loop is compiled from.
    """
    behind = _asked.get()
    if behind is None or (name, kinds, static) in _compiled or load(*_entry(name, kinds, static)) is not None:
        return False
    behind.add(name, kinds, call)
    return True


def compiled(name: str, kinds: Kinds, static: str = "") -> None:
    """Remember, here and for later processes, that a loop is compiled."""
    if (name, kinds, static) in _compiled:
        return
    _compiled.add((name, kinds, static))
    # the key takes longer to work out than a look at the file; an old one is renewed where an answer was wanted at once
    if _asked.get() is not None or not kept(_file(name, kinds)):
        store(*_entry(name, kinds, static), b"")


_compiled: set[tuple[str, Kinds, str]] = set()


def kinds_of(values: Iterable[Any]) -> Kinds:
    """What machine code depends on: dtypes and axes."""
    arrays = map(np.asarray, values)
    return tuple(f"{array.dtype.str[1:]}x{array.ndim}" for array in arrays)


def _name(kernel: Kernel) -> str:
    return f"{kernel._build.__module__.rpartition('.')[0]}.{kernel.name}"


def _file(name: str, kinds: Kinds) -> str:
    return f"{name}-{'_'.join(kinds)}.loops"


def _entry(name: str, kinds: Kinds, static: str) -> tuple[str, str]:
    """The name and the key of what a process leaves that compiled a loop."""
    return _file(name, kinds), f"{_sources('.'.join(name.split('.')[:2]))} {static}"


@cache
def _sources(package: str) -> str:
    """What compiled loops depend on, and where Numba keeps them: beside the sources, or in a folder of its own."""
    place = os.environ.get("NUMBA_CACHE_DIR") or Path(__file__).parents[1]
    return f"{source_key(package, 'numba', 'llvmlite')} {processor()} {place}"

"""How many threads an alignment may use, told to the loops without being part of what they compute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import numpy as np

from genolab.errors import InputError
from genolab.kernel.threads import processors

T = TypeVar("T")

FEWEST_PAIRS = 256
"""A thread with fewer pairs is not worth its start."""

_threads: ContextVar[int] = ContextVar("threads", default=1)


@contextmanager
def using(threads: int | None, who: str) -> Iterator[None]:
    """Let the loops inside use that many threads; None for all processors."""
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise InputError(who, "threads", "1 or more, or None for all processors", repr(threads))
    token = _threads.set(threads or processors())
    try:
        yield
    finally:
        _threads.reset(token)


def share(work: Callable[[np.ndarray], T], members: np.ndarray) -> list[T]:
    """Run ``work`` on shares of ``members``, one a thread; what it returns, in order."""
    count = min(_threads.get(), max(1, members.size // FEWEST_PAIRS))
    if count == 1:
        return [work(members)]
    with ThreadPoolExecutor(count, thread_name_prefix="genolab-align") as pool:
        return list(pool.map(work, np.array_split(members, count)))

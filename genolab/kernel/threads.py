"""Loops in threads, over shares of the work that do not depend on how many threads there are."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

PARTS = 16
"""Shares of a loop. Their number is fixed, so the order of summation is too: any number of threads, the same bits."""


_most: int | None = None


def allow(threads: int) -> None:
    """Take this process for one of so many processors, as where several share a machine. No result depends on it."""
    global _most
    _most = threads


def processors() -> int:
    """The processors that this process may use."""
    if _most is not None:
        return _most
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="genolab")


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


def added(loop: Callable[..., Any], length: int, *arguments: Any, parts: int = PARTS) -> np.ndarray:
    """The sum of what the shares of ``loop`` return."""
    total: np.ndarray = sum(spread(loop, length, *arguments, parts=parts))
    return total

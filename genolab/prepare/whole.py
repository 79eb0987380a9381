"""Whole numbers as they were given: loops get a few rows at a time, converted while they are in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from genolab.kernel.driver import read_only
from genolab.kernel.threads import spread

EXACT_IN_SINGLE = 2**24
"""Whole numbers up to this are exact in float32."""

CACHED_VALUES = 2**17
"""Values of the rows that are converted together: half a megabyte in single precision."""

MANY = 1_000_000
"""Values from which threads are worth their start."""


def over_samples(
    loop: Callable[..., Any],
    counts: np.ndarray,
    *shared: Any,
    each: Sequence[np.ndarray] = (),
    rows: int | None = None,
    as_given: bool = False,
) -> list[Any]:
    """Run ``loop(first, last, counts, *each, *shared)`` over shares of the samples; what it returns, in order.

    ``each`` has a value per sample. Of whole numbers, ``rows`` samples at a time become floating-point numbers of the
    precision that holds them, so the loop is compiled for those only and no table of them is made. With ``as_given``
    the loop takes int32 too, and then nothing is converted.
    """
    if counts.dtype.kind not in "iub" or (as_given and counts.dtype == np.int32):
        return spread(loop, len(counts), counts, *each, *shared)
    step = rows or max(1, CACHED_VALUES // max(1, counts.shape[1]))

    def share(first: int, last: int) -> list[Any]:
        found = []
        for low in range(first, last, step):
            part = slice(low, min(low + step, last))
            block = read_only(converted(counts[part]))
            found.append(loop(0, len(block), block, *(values[part] for values in each), *shared))
        return found

    return [found for share_found in spread(share, len(counts)) for found in share_found]


def added_over_samples(
    loop: Callable[..., Any], counts: np.ndarray, *shared: Any, as_given: bool = False
) -> np.ndarray:
    """The sum of what the shares of :func:`over_samples` return."""
    total: np.ndarray = sum(over_samples(loop, counts, *shared, as_given=as_given))
    return total


def converted(counts: np.ndarray) -> np.ndarray:
    """Whole numbers in single precision where it holds them, else in double."""
    return counts.astype(precision_of(counts.dtype, *limits(counts)))


def precision_of(dtype: np.dtype[Any], least: int, greatest: int) -> type:
    """Single precision for whole numbers that it holds exactly; double for the rest."""
    if dtype.kind == "b" or dtype.itemsize <= 2 or max(abs(least), greatest) <= EXACT_IN_SINGLE:
        return np.float32
    return np.float64


def limits(values: np.ndarray) -> tuple[int, int]:
    """The least and the greatest of whole numbers, and 0 among them; of a large table by threads."""

    def of(first: int, last: int) -> tuple[int, int]:
        part = values[first:last]
        return int(part.min(initial=0)), int(part.max(initial=0))

    found = spread(of, len(values)) if values.size >= MANY else [of(0, len(values))]
    return min(low for low, _ in found), max(high for _, high in found)


def seen(counts: np.ndarray) -> np.ndarray:
    """Which genes have a count above zero, of whole numbers from 0: by their bits, without converting them."""
    parts = spread(lambda first, last: np.bitwise_or.reduce(counts[first:last], axis=0), len(counts))
    some: np.ndarray = np.bitwise_or.reduce(np.stack(parts), axis=0) > 0
    return some

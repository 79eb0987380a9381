"""Ranks as expressions, for the definitions of the kernels that order values."""

from __future__ import annotations

from typing import Any

import pytensor.tensor as pt


def ordinal_ranks(x: Any) -> Any:
    """Ranks along each row from 1; of equal values the first in the row comes first."""
    return _order(_order(x)) + 1


def ordinal_ranks_then(x: Any, second: Any) -> Any:
    """Ranks along each row from 1, by ``x`` and among equals by ``second``."""
    by_second = _order(second)
    return pick(ordinal_ranks(pick(x, by_second)), _order(by_second))


def mid_ranks(x: Any) -> Any:
    """Ranks along each row from 1; equal values share the mean of their ranks.

    Equal values at ranks a to b get a + p in one direction and b - p in the other: together always a + b.
    """
    return 0.5 * (ordinal_ranks(x) + ordinal_ranks(x[:, ::-1])[:, ::-1])


def median_of_first(sorted_rows: Any, number: Any) -> Any:
    """The median of each row's first ``number`` values, which are sorted; NaN where there is none."""
    last = pt.maximum(number - 1, 0)[:, None]
    places = pt.concatenate([last // 2, pt.minimum((last + 1) // 2, last)], axis=1)
    return pt.switch(pt.gt(number, 0), pick(sorted_rows, places).mean(axis=1), float("nan"))


def pick(x: Any, columns: Any) -> Any:
    """Of each row of ``x`` the entries in its own ``columns``."""
    # rows are numbered by summing what is always true: JAX refuses an `arange` whose length it does not know
    row = pt.cumsum(pt.ge(columns[:, :1], 0).astype("int64"), axis=0) - 1
    return x[row, columns]


def _order(x: Any) -> Any:
    return pt.argsort(x, axis=1, kind="stable")

"""Columns of a source, and how they reach it: only what differs travels to the browser."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource

Columns = dict[str, Any]


def fill(source: ColumnDataSource, columns: Columns) -> bool:
    """Give a source new columns, unless they are what it has; says whether they were new."""
    before = source.data
    if before.keys() == columns.keys() and all(_equal(before[name], columns[name]) for name in columns):
        return False
    source.data = columns
    return True


def empty(source: ColumnDataSource) -> bool:
    """Leave a source its columns' names only."""
    return fill(source, {name: [] for name in source.data})  # an empty array of numbers is no array of colours


def _equal(before: Any, after: Any) -> bool:
    if before is after:
        return True
    one, other = np.asarray(before), np.asarray(after)
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    same = one == other
    if one.dtype.kind == "f":
        same |= np.isnan(one) & np.isnan(other)
    return bool(np.all(same))

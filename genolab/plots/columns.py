"""Columns of a source, and how they reach it: only what differs travels to the browser."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource

from genolab.text import plain

Columns = dict[str, Any]


def fill(source: ColumnDataSource, columns: Columns) -> bool:
    """Give a source new columns, unless they are what it has; says whether any was. Of as many rows, only those go."""
    columns = {name: _plain(values) for name, values in columns.items()}
    before = source.data
    if before.keys() != columns.keys():
        source.data = columns
        return True
    new = {name: values for name, values in columns.items() if not _equal(before[name], values)}
    if len(new) == len(columns) or any(len(before[name]) != len(values) for name, values in new.items()):
        source.data = columns
    elif new:
        source.data.update(new)
    return bool(new)


def _plain(values: Any) -> Any:
    """Names as :func:`~genolab.text.plain` shows them: what turns the direction of text would do so in a hover."""
    if isinstance(values, list) and values and isinstance(values[0], str):
        return [plain(each, lines=True) if isinstance(each, str) else each for each in values]
    if not isinstance(values, np.ndarray) or values.dtype != object:
        return values
    texts = "".join(each for each in values.flat if isinstance(each, str))
    if plain(texts) is texts:  # as nearly always: one look at all of them
        return values
    odd = [k for k, each in enumerate(values.flat) if isinstance(each, str) and plain(each) is not each]
    if odd:
        values = values.copy()
        for k in odd:
            values.flat[k] = plain(values.flat[k], lines=True)
    return values


def empty(source: ColumnDataSource) -> bool:
    """Leave a source its columns' names only."""
    return fill(source, {name: [] for name in source.data})  # an empty array of numbers is no array of colours


def _equal(before: Any, after: Any) -> bool:
    if before is after:
        return True
    if _ragged(before) or _ragged(after):  # outlines and lines: an array for each row
        return len(before) == len(after) and all(map(_equal, before, after))
    one, other = np.asarray(before), np.asarray(after)
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    same = one == other
    if one.dtype.kind == "f":
        same |= np.isnan(one) & np.isnan(other)
    return bool(np.all(same))


def _ragged(column: Any) -> bool:
    return isinstance(column, list) and bool(column) and isinstance(column[0], np.ndarray | list)

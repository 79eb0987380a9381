"""The reads behind an explanation as columns, a row each: what a table and a picture of them are made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Columns = dict[str, np.ndarray]


def ranked(evidence: Mapping[str, Any], others: Mapping[str, Any]) -> Columns:
    """Reads that were judged and reads that say nothing, in one order: evidence first, the largest ``weight`` on top.

    What the others have no column for is NaN in their rows. pandas is not needed: its import takes longer than
    everything else between a click and its reason.
    """
    rows = len(others["name"])
    table = {}
    for name, values in evidence.items():
        rest = others.get(name)
        if rest is None:
            values, rest = np.asarray(values, np.float64), np.full(rows, np.nan)
        table[name] = np.concatenate([_column(values), _column(rest)]) if rows else _column(evidence[name])
    order = np.lexsort((-table["weight"], ~table["used"]))
    return {name: values[order] for name, values in table.items()}


def _column(values: Any) -> np.ndarray:
    """An array; text as objects, as a table keeps it."""
    column = np.asarray(values)
    return column.astype(object) if column.dtype.kind == "U" else column

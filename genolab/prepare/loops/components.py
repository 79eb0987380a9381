"""Products of a sparse matrix with a few columns."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import numpy as np
from numba import njit

from genolab.prepare.loops.basics import SUMS, inner, outer


@njit(fastmath=SUMS, **inner)
def _add_times(x, row, total):
    for k in range(row.size):
        total[k] += x * row[k]


@njit(**outer)
def scores(first, last, value, column, start, shift, loading, out):
    total = np.empty(loading.shape[1], loading.dtype)
    for i in range(first, last):
        total[:] = 0
        for e in range(start[i], start[i + 1]):
            _add_times(value[e], loading[column[e]], total)
        for k in range(shift.size):
            out[i, k] = total[k] - shift[k]


@njit(**outer)
def products(first, last, value, column, start, basis, genes):
    total = np.zeros((genes, basis.shape[1]), basis.dtype)
    for i in range(first, last):
        for e in range(start[i], start[i + 1]):
            _add_times(value[e], basis[i], total[column[e]])
    return total

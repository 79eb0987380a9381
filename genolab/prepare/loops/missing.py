"""Loops over the gaps of a table."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import numpy as np
from numba import njit

from genolab.prepare.loops.basics import SUMS, inner, outer


@njit(**outer)
def fill_from_donors(first, last, rows, gaps, donors, near, wanted, centre, out, short):
    """Each gap: the mean over the nearest donors that know the gene; `short` marks rows that ran out of donors."""
    for q in range(first, last):
        i = rows[q]
        for j in range(gaps.shape[1]):
            if not gaps[i, j]:
                continue
            total, found = 0.0, 0
            for r in near[q]:
                if r < 0 or found == wanted:
                    break
                if donors[r, j] == donors[r, j]:  # not NaN
                    total += donors[r, j]
                    found += 1
            short[q] |= found < wanted
            out[i, j] = total / found if found else centre[j]


@njit(**outer)
def fill_from_factors(first, last, values, centre, loadings, scores, out):
    """Each gap: the factors' expectation, so the whole product is never made; returns the sum of squared changes."""
    change = 0.0
    for i in range(first, last):
        for j in range(values.shape[1]):
            if values[i, j] == values[i, j]:
                continue
            expected = centre[j]
            for k in range(loadings.shape[1]):
                expected += scores[i, k] * loadings[j, k]
            before = out[i, j]
            out[i, j] = expected
            change += (out[i, j] - before) ** 2
    return change


@njit(fastmath=SUMS, **inner)
def _dot(x, y):
    total = x.dtype.type(0)
    for k in range(x.size):
        total += x[k] * y[k]
    return total


@njit(**outer)
def fill_gaps(first, last, column, begin, loadings, scores, out):
    """The same where the gaps are listed and nothing is to be added."""
    change = 0.0
    for i in range(first, last):
        y, z = out[i], scores[i]
        for e in range(begin[i], begin[i + 1]):
            j = column[e]
            expected = _dot(z, loadings[j])
            d = np.float64(expected) - np.float64(y[j])
            y[j] = expected
            change += d * d
    return change

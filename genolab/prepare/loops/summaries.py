"""Loops that count and sum: libraries, and genes of a sparse matrix."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import numpy as np
from numba import njit

from genolab.prepare.loops.basics import SUMS, inner, outer, row_sum


@njit(fastmath=SUMS, **inner)
def _above_zero(x):
    number = np.int32(0)
    for j in range(x.size):
        number += np.int32(x[j] > 0)
    return number


@njit(**outer)
def libraries(first, last, counts, size, detected):
    for i in range(first, last):
        size[i] = row_sum(counts[i])
        detected[i] = _above_zero(counts[i])


@njit(**outer)
def libraries_stored(first, last, value, start, size, detected):
    for i in range(first, last):
        x = value[start[i] : start[i + 1]]
        size[i] = row_sum(x)
        detected[i] = _above_zero(x)


@njit(**outer)
def stored_sums(first, last, value, column, start, genes):
    """Of each gene: the sum, the entries stored, those above zero."""
    total = np.zeros((3, genes))
    for e in range(start[first], start[last]):
        g = column[e]
        total[0, g] += value[e]
        total[1, g] += 1
        total[2, g] += value[e] > 0
    return total


@njit(**outer)
def stored_squares(first, last, value, column, start, mean):
    total = np.zeros(mean.size)
    for e in range(start[first], start[last]):
        d = value[e] - mean[column[e]]
        total[column[e]] += d * d
    return total


def joined(number, seen, mean, squares, detected, mean_before, squares_before, detected_before):
    """Moments of these samples and of those that came before."""
    apart, both = mean - mean_before, max(number + seen, 1)
    squares = squares_before + squares + apart**2 * (number * seen / both)
    return mean_before + apart * (number / both), squares, detected_before + detected

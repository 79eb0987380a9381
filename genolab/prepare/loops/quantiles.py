"""Quantile normalisation: sort each sample once, then write to it by its order."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import numpy as np
from numba import njit

from genolab.prepare.loops.basics import column, outer, sort_row


@njit(**outer)
def sort_rows(first, last, values, order, used, negatives):
    """The order of each row's entries that are not zero goes to ``order``; returns the sum of the sorted rows."""
    genes = values.shape[1]
    keys, spare = np.empty(genes, np.uint64), np.empty(genes, np.uint64)
    count, total = np.zeros((3, 2048), np.int64), np.zeros(genes)
    for i in range(first, last):
        x = values[i]
        a, n, negative = sort_row(x, keys, spare, count)
        used[i], negatives[i] = n, negative
        zeros = genes - n
        for k in range(n):
            j = column(a[k])
            order[i, k] = j
            total[k if k < negative else k + zeros] += x[j]
    return total


@njit(**outer)
def write_rows(first, last, values, order, used, negatives, reference, first_rank, out):
    """Each run of equal values gets the reference at its middle rank, or each of its members at its own rank."""
    genes = values.shape[1]
    held = np.empty(genes, np.int32)
    for i in range(first, last):
        x, y, n, negative = values[i], out[i], used[i], negatives[i]
        for k in range(n):  # `order` may lie in the row that is written
            held[k] = order[i, k]
        zeros = genes - n
        if zeros and not first_rank:
            y[:] = 0.5 * (reference[negative + (zeros - 1) // 2] + reference[negative + zeros // 2])
        elif zeros:
            rank = negative
            for j in range(genes):
                if x[j] == 0:
                    y[j] = reference[rank]
                    rank += 1
        k = 0
        while k < n:
            e = k + 1
            while e < n and x[held[e]] == x[held[k]]:
                e += 1
            shift = 0 if k < negative else zeros
            middle = 0.5 * (reference[shift + (k + e - 1) // 2] + reference[shift + (k + e) // 2])
            for q in range(k, e):
                y[held[q]] = reference[shift + q] if first_rank else middle
            k = e

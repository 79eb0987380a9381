"""Loops over blocks of genes: a block of all samples is read from memory once and stays in the cache."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import math

import numpy as np
from numba import njit

from genolab.prepare.loops.basics import SUMS, add_above_zero, add_row, add_squares, inner, outer

BLOCK_BYTES = 2**19
"""Of a block of genes over all samples: about a second-level cache, so that it is read from memory once."""

NARROWEST = 128
"""Genes of a block at least: where samples are many, calls per row would cost more than the memory."""

ROWS = 128
"""Samples whose differences are summed in the precision of the values, before they are added in double precision."""

WIDE = 1024
"""Genes whose moments are taken together: their sums stay in the cache, and rows are read in pieces that are long."""


def width(samples, itemsize):
    """Genes of a block."""
    return min(512, max(NARROWEST, BLOCK_BYTES // max(samples * itemsize, 1) // 16 * 16))


@njit(fastmath=SUMS, **inner)
def _scale_row(x, centre, per, out):
    for j in range(x.size):
        out[j] = (x[j] - centre[j]) * per[j]


@njit(fastmath=SUMS, **inner)
def _scale_own_row(x, centre, per):
    for j in range(x.size):
        x[j] = (x[j] - centre[j]) * per[j]


@njit(fastmath=SUMS, **inner)
def _add_differences(x, centre, total, squares):
    for j in range(x.size):
        d = x[j] - centre[j]
        total[j] += d
        squares[j] += d * d


@njit(fastmath=SUMS, **inner)
def _add_differences_of_four(x, y, z, w, centre, total, squares):
    for j in range(centre.size):
        c = centre[j]
        a, b, d, e = x[j] - c, y[j] - c, z[j] - c, w[j] - c
        total[j] += (a + b) + (d + e)
        squares[j] += (a * a + b * b) + (d * d + e * e)


@njit(**inner)
def _moments(values, low, high, mean, squares, seen):
    """Means of a block of genes and squared differences from them, in one pass; values above 0 where ``seen`` has room.

    Differences are taken from the mean of the rows before (at first from the first row), which loses nothing where the
    values are far from 0, leaves a constant gene at exactly 0, and is joined by the formula of Chan, Golub and LeVeque.
    """
    n, genes = values.shape[0], high - low
    total, square = np.zeros(genes, values.dtype), np.zeros(genes, values.dtype)
    centre = values[0, low:high].copy()
    for j in range(genes):
        mean[j], squares[j] = centre[j], 0.0
    for first in range(0, n, ROWS):
        last = min(n, first + ROWS)
        i = first
        while i + 4 <= last:
            x, y, z, w = values[i, low:high], values[i + 1, low:high], values[i + 2, low:high], values[i + 3, low:high]
            _add_differences_of_four(x, y, z, w, centre, total, square)
            i += 4
        while i < last:
            _add_differences(values[i, low:high], centre, total, square)
            i += 1
        if seen.size:
            for i in range(first, last):
                add_above_zero(values[i, low:high], seen)
        per, share = 1.0 / (last - first), (last - first) / last
        between = first * share
        for j in range(genes):
            if square[j] != 0:  # else all are the centre, whose rounding must not add up; NaN goes on
                of_these = np.float64(total[j]) * per
                apart = np.float64(centre[j]) - mean[j] + of_these
                squares[j] += max(np.float64(square[j]) - of_these * total[j], 0.0) + apart * apart * between
                mean[j] += apart * share
                centre[j] = mean[j]
                total[j] = square[j] = 0


@njit(**outer)
def gene_moments(first, last, values, genes, mean, squares, detected):
    """``detected`` may be empty: then nobody asks."""
    for low in range(first, last, genes):
        high = min(last, low + genes)
        seen = np.zeros(high - low if detected.size else 0, np.int32)
        _moments(values, low, high, mean[low:high], squares[low:high], seen)
        for j in range(seen.size):
            detected[low + j] = seen[j]


@njit(**outer)
def scale_rows(first, last, values, centre, per, out, own):
    """With ``own``, ``out`` is the memory of ``values``: two names for it would let LLVM take one number at a time."""
    for i in range(first, last):
        if own:
            _scale_own_row(out[i], centre, per)
        else:
            _scale_row(values[i], centre, per, out[i])


@njit(fastmath=SUMS, **inner)
def _affine_row(x, centre, per, add, out):
    for j in range(x.size):
        out[j] = (x[j] - centre[j]) * per[j] + add[j]


@njit(fastmath=SUMS, **inner)
def _affine_own_row(x, centre, per, add):
    for j in range(x.size):
        x[j] = (x[j] - centre[j]) * per[j] + add[j]


@njit(**outer)
def affine(first, last, values, centre, per, add, out, own):
    for i in range(first, last):
        if own:
            _affine_own_row(out[i], centre, per, add)
        else:
            _affine_row(values[i], centre, per, add, out[i])


@njit(**outer)
def affine_stored(first, last, value, column, start, centre, per, add, zero, out):
    """The same of a sparse matrix: what a zero becomes is written once per gene, then the stored entries."""
    for i in range(first, last):
        y = out[i]
        for j in range(y.size):  # as a slice Numba would compile what to say where shapes differ, for three seconds
            y[j] = zero[j]
        for e in range(start[i], start[i + 1]):
            j = column[e]
            y[j] = (value[e] - centre[j]) * per[j] + add[j]


@njit(**inner)
def _residual(x, mu, theta, limit):
    spread = math.sqrt(mu + mu * mu / theta)
    value = (x - mu) / spread if spread > 0 else 0.0
    return min(max(value, -limit), limit)


@njit(**outer)
def residuals(first, last, counts, total, share, theta, limit, out):
    for i in range(first, last):
        x, y = counts[i], out[i]
        for j in range(x.size):
            y[j] = _residual(x[j], total[i] * share[j], theta, limit)


@njit(**outer)
def residual_sums(first, last, counts, total, share, theta, limit):
    sums = np.zeros((2, share.size))
    for i in range(first, last):
        x = counts[i]
        for j in range(x.size):
            value = _residual(x[j], total[i] * share[j], theta, limit)
            sums[0, j] += value
            sums[1, j] += value * value
    return sums


@njit(**outer)
def batch_moments(first, last, values, genes, batch, samples, mean, squares):
    """Two exact passes over a block of genes."""
    for low in range(first, last, genes):
        high = min(last, low + genes)
        for i in range(values.shape[0]):
            add_row(values[i, low:high], mean[batch[i], low:high])
        for b in range(samples.size):
            for j in range(low, high):  # a slice would compile for three seconds
                mean[b, j] /= samples[b]
        for i in range(values.shape[0]):
            add_squares(values[i, low:high], mean[batch[i], low:high], squares[batch[i], low:high])


@njit(**outer)
def correct_batches(first, last, values, batch, centre, per, added, out):
    for i in range(first, last):
        b = batch[i]
        _affine_row(values[i], centre[b], per[b], added[b], out[i])

"""Loops over blocks of genes: a block of all samples is read from memory once and stays in the cache."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import math

import numpy as np
from numba import njit

from genolab.prepare.loops.basics import SUMS, add_above_zero, add_row, add_squares, inner, outer

GENES = 512
"""Genes of a block: with 500 samples of float32 that is 1 MB."""


@njit(fastmath=SUMS, **inner)
def _scale_row(x, centre, per, out):
    for j in range(x.size):
        out[j] = (x[j] - centre[j]) * per[j]


@njit(**inner)
def _moments(values, low, high):
    """Means of a block of genes and squared differences from them, by two exact passes.

    Sums of 32 rows in the precision of the values, and sums of those in double precision.
    """
    n, width = values.shape[0], high - low
    part, square = np.zeros(width, values.dtype), np.zeros(width, values.dtype)
    total, squares = np.zeros(width), np.zeros(width)
    for i in range(n):
        add_row(values[i, low:high], part)
        if i % 32 == 31 or i == n - 1:
            add_row(part, total)
            part[:] = 0
    total /= n
    centre = total.astype(values.dtype)
    for i in range(n):
        add_squares(values[i, low:high], centre, square)
        if i % 32 == 31 or i == n - 1:
            add_row(square, squares)
            square[:] = 0
    for j in range(width):
        lost = np.float64(centre[j]) - total[j]
        squares[j] = max(squares[j] - lost * lost * n, 0.0)
        if squares[j] <= 1e-12 * n * total[j] * total[j] and _constant(values[:, low + j]):
            squares[j], centre[j], total[j] = 0.0, values[0, low + j], values[0, low + j]
    return total, squares, centre


@njit(**outer)
def gene_moments(first, last, values, mean, squares, detected):
    for low in range(first, last, GENES):
        high = min(last, low + GENES)
        mean[low:high], squares[low:high], _ = _moments(values, low, high)
        seen = np.zeros(high - low, np.int32)
        for i in range(values.shape[0]):
            add_above_zero(values[i, low:high], seen)
        detected[low:high] = seen


@njit(**outer)
def z_score(first, last, values, ddof, out, mean, deviation):
    n = values.shape[0]
    kind = values.dtype.type
    for low in range(first, last, GENES):
        high = min(last, low + GENES)
        total, squares, centre = _moments(values, low, high)
        per = np.empty(high - low, values.dtype)
        for j in range(high - low):
            sd = math.sqrt(squares[j] / (n - ddof)) if n > ddof else 0.0
            per[j] = kind(1.0 / sd) if sd > 0 else kind(1)
            mean[low + j], deviation[low + j] = total[j], sd
        for i in range(n):
            _scale_row(values[i, low:high], centre, per, out[i, low:high])


@njit(**inner)
def _constant(x):
    same = 1
    while same < x.size and x[same] == x[0]:
        same += 1
    return same >= x.size


@njit(fastmath=SUMS, **inner)
def _affine_row(x, centre, per, add, out):
    for j in range(x.size):
        out[j] = (x[j] - centre[j]) * per[j] + add[j]


@njit(**outer)
def affine(first, last, values, centre, per, add, out):
    for i in range(first, last):
        _affine_row(values[i], centre, per, add, out[i])


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
def batch_moments(first, last, values, batch, samples, mean, squares):
    """Two exact passes over a block of genes."""
    for low in range(first, last, GENES):
        high = min(last, low + GENES)
        for i in range(values.shape[0]):
            add_row(values[i, low:high], mean[batch[i], low:high])
        for b in range(samples.size):
            mean[b, low:high] /= samples[b]
        for i in range(values.shape[0]):
            add_squares(values[i, low:high], mean[batch[i], low:high], squares[batch[i], low:high])


@njit(**outer)
def correct_batches(first, last, values, batch, centre, per, added, out):
    for i in range(first, last):
        b = batch[i]
        _affine_row(values[i], centre[b], per[b], added[b], out[i])

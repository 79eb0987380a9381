"""Loops over samples: each row is read from memory once and stays in the cache while it is worked on."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import numpy as np
from numba import njit

from genolab.prepare.loops.basics import BLOCK, EXACT, SUMS, inner, log1p, outer, row_sum


@njit(fastmath=EXACT, **inner)
def _log1p_block(x, scale, unit, shift, out):
    for j in range(x.size):
        out[j] = log1p(x[j] * scale) * unit + shift


@njit(**inner)
def _log1p_row(x, scale, unit, shift, buffer, y):
    # through a small buffer: where x is y, LLVM's overlap test would fall back to the scalar loop
    for a in range(0, x.size, buffer.size):
        b = min(x.size, a + buffer.size)
        _log1p_block(x[a:b], scale, unit, shift, buffer)
        for j in range(b - a):  # a slice would compile for a second more, for what to say where lengths differ
            y[a + j] = buffer[j]


@njit(**outer)
def log_scaled(first, last, values, scale, unit, shift, out):
    _log1p_row(values[first:last], scale, unit, shift, np.empty(BLOCK, out.dtype), out[first:last])


@njit(**inner)
def _share(target, total):
    return target / total if total > 0 else 0.0


@njit(**outer)
def log_cpm(first, last, counts, factor, target, offset, unit, shift, out):
    buffer = np.empty(BLOCK, out.dtype)
    for i in range(first, last):
        scale = out.dtype.type(_share(target, row_sum(counts[i]) * factor[i]) / offset)
        _log1p_row(counts[i], scale, unit, shift, buffer, out[i])


@njit(**outer)
def log_cpm_stored(first, last, value, start, factor, target, out):
    buffer = np.empty(BLOCK, out.dtype)
    one, none = out.dtype.type(1), out.dtype.type(0)
    for i in range(first, last):
        x = value[start[i] : start[i + 1]]
        scale = out.dtype.type(_share(target, row_sum(x) * factor[i]))
        _log1p_row(x, scale, one, none, buffer, out[start[i] : start[i + 1]])


@njit(fastmath=SUMS, **inner)
def _scale_row(x, scale, y):
    for j in range(x.size):
        y[j] = x[j] * scale


@njit(**outer)
def scaled(first, last, counts, size, out):
    for i in range(first, last):
        _scale_row(counts[i], out.dtype.type(1 / size[i]), out[i])


@njit(**outer)
def scaled_stored(first, last, value, start, size, out):
    for i in range(first, last):
        part = slice(start[i], start[i + 1])
        _scale_row(value[part], out.dtype.type(1 / size[i]), out[part])


@njit(fastmath=SUMS, **inner)
def _weighted_sum(x, weight):
    total = 0.0
    for j in range(x.size):
        total += x[j] * weight[j]
    return total


@njit(fastmath=SUMS, **inner)
def _weighted_row(x, weight, scale, y):
    for j in range(x.size):
        y[j] = x[j] * weight[j] * scale


@njit(**outer)
def tpm(first, last, counts, per_length, target, out):
    for i in range(first, last):
        scale = _share(target, _weighted_sum(counts[i], per_length))
        _weighted_row(counts[i], per_length, scale, out[i])


@njit(**outer)
def rpkm(first, last, counts, per_length, factor, out):
    for i in range(first, last):
        scale = _share(1e9, row_sum(counts[i]) * factor[i])
        _weighted_row(counts[i], per_length, scale, out[i])


@njit(**inner)
def _unfit(x):
    """Whether any value is no count. Of whole numbers, so that it vectorises without licence to reorder."""
    unfit = np.int32(0)
    for j in range(x.size):
        unfit |= np.int32(not x[j] >= 0) | np.int32(np.floor(x[j]) != x[j]) | np.int32(x[j] - x[j] != 0)
    return unfit


@njit(**inner)
def _not_finite(x):
    unfit = np.int32(0)
    for j in range(x.size):
        unfit |= np.int32(x[j] - x[j] != 0)
    return unfit


@njit(**outer)
def unfit(first, last, values, counts):
    """Whether any value is not finite, or with ``counts`` below 0 or not whole."""
    for low in range(first, last, BLOCK):
        block = values[low : min(last, low + BLOCK)]
        if (_unfit(block) if counts else _not_finite(block)) != 0:
            return 1
    return 0

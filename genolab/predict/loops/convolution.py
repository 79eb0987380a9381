"""Convolution over base codes by tables of three letters, and its gradient the same way back.

Three neighbouring codes are one word of 125; a filter's three weights of a word are added once for all windows, so a
window of 15 bases takes five additions and not fifteen.
"""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import numpy as np
from numba import njit

WORDS = 125
NO_BASE = 4

inner = {"cache": True, "error_model": "numpy"}
outer = {"cache": True, "error_model": "numpy", "nogil": True}


def tables(weight):
    """Sum of the weights of each word, per group of three offsets: [group, word, filter]."""
    width, _, filters = weight.shape
    groups = (width + 2) // 3
    padded = np.zeros((groups * 3, 5, filters), weight.dtype)
    padded[:width, :NO_BASE] = weight
    one, two, three = (padded.reshape(groups, 3, 5, filters)[:, j] for j in range(3))
    table = one[:, :, None, None] + two[:, None, :, None] + three[:, None, None, :]
    return table.reshape(groups, WORDS, filters)


def folded(table, width):
    """The transpose of :func:`tables`: gradients of words gathered into those of single weights."""
    groups, _, filters = table.shape
    each = table.reshape(groups, 5, 5, 5, filters)
    out = np.stack([each.sum(axis=axes) for axes in ((2, 3), (1, 3), (1, 2))], axis=1)
    return np.ascontiguousarray(out.reshape(groups * 3, 5, filters)[:width, :NO_BASE])


@njit(**inner)
def _words(codes, word):
    """Number of the word that starts at each place; beyond the end there is no base."""
    length = codes.size
    for p in range(length):
        a = np.int64(codes[p])
        b = np.int64(codes[p + 1]) if p + 1 < length else NO_BASE
        c = np.int64(codes[p + 2]) if p + 2 < length else NO_BASE
        word[p] = 25 * a + 5 * b + c
    for p in range(length, word.size):
        word[p] = WORDS - 1


@njit(**outer)
def forward(first, last, codes, length, table, bias, width, pool, out, place):
    """Greatest activation of each stretch of windows, at least 0, and where it was (-1 where it is 0)."""
    groups, _, filters = table.shape
    windows = out.shape[1]
    word = np.empty(codes.shape[1] + 3, np.int64)
    value = np.empty(filters, out.dtype)
    for i in range(first, last):
        _words(codes[i], word)
        valid = length[i] - width + 1
        for q in range(windows):
            best, where = out[i, q], place[i, q]
            for f in range(filters):
                best[f] = 0
                where[f] = -1
            for p in range(q * pool, min((q + 1) * pool, valid)):
                row = table[0, word[p]]
                for f in range(filters):
                    value[f] = bias[f] + row[f]
                for g in range(1, groups):
                    row = table[g, word[p + 3 * g]]
                    for f in range(filters):
                        value[f] += row[f]
                for f in range(filters):
                    more = value[f] > best[f]
                    best[f] = value[f] if more else best[f]
                    where[f] = p if more else where[f]


@njit(**outer)
def backward(first, last, codes, place, gradient, groups):
    """Gradient by the table of words (the last row is the bias's), over a share of the sequences."""
    _, windows, filters = gradient.shape
    out = np.zeros((groups * WORDS + 1, filters), gradient.dtype)
    word = np.empty(codes.shape[1] + 3, np.int64)
    for i in range(first, last):
        _words(codes[i], word)
        for q in range(windows):
            for f in range(filters):
                p = place[i, q, f]
                if p >= 0:
                    value = gradient[i, q, f]
                    out[groups * WORDS, f] += value
                    for g in range(groups):
                        out[g * WORDS + word[p + 3 * g], f] += value
    return out

"""Loops over the letters of reads: counts by cycle, means, hashes, adapters."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import numpy as np
from numba import njit

from genolab.prepare.loops.basics import outer


@njit(**outer)
def cycle_counts(letters, quality, edge, code, by_quality, by_base):
    last = by_quality.shape[0] - 1
    for r in range(edge.size - 1):
        for i in range(edge[r], edge[r + 1]):
            cycle = min(i - edge[r], last)
            by_quality[cycle, quality[i] - 33] += 1
            by_base[cycle, code[letters[i]]] += 1


@njit(**outer)
def means(letters, quality, edge, code, gc, mean):
    for r in range(edge.size - 1):
        strong = known = total = 0
        for i in range(edge[r], edge[r + 1]):
            base = code[letters[i]]
            strong += base == 1 or base == 2
            known += base < 4
            total += quality[i] - 33
        length = edge[r + 1] - edge[r]
        gc[r] = strong / known if known else np.nan
        mean[r] = total / length if length else np.nan


@njit(**outer)
def hashes(letters, edge, code, most, out):
    """A number for the first ``most`` bases of each read: FNV-1a, then mixed so that all of its bits are even."""
    for r in range(edge.size - 1):
        h = np.uint64(14695981039346656037)
        for i in range(edge[r], min(edge[r + 1], edge[r] + most)):
            h = (h ^ np.uint64(code[letters[i]])) * np.uint64(1099511628211)
        h ^= h >> np.uint64(30)
        h *= np.uint64(0xBF58476D1CE4E5B9)
        h ^= h >> np.uint64(27)
        h *= np.uint64(0x94D049BB133111EB)
        out[r] = h ^ (h >> np.uint64(31))


@njit(**outer)
def first_adapters(letters, edge, code, adapters, lengths, found):
    """Count at which cycle each adapter begins for the first time in a read; two bits a base, 32 bases at most."""
    last = found.shape[1] - 1
    begins = np.empty(adapters.size, np.int64)
    for r in range(edge.size - 1):
        begins[:] = -1
        window, filled = np.uint64(0), 0
        for i in range(edge[r], edge[r + 1]):
            base = code[letters[i]]
            if base == 4:
                filled = 0
                continue
            window = (window << np.uint64(2)) | np.uint64(base)
            filled += 1
            for a in range(adapters.size):
                if begins[a] < 0 and filled >= lengths[a]:
                    mask = ~np.uint64(0) >> np.uint64(64 - 2 * lengths[a])
                    if window & mask == adapters[a]:
                        begins[a] = i - edge[r] - lengths[a] + 1
        for a in range(adapters.size):
            if begins[a] >= 0:
                found[a, min(begins[a], last)] += 1

"""Shared words counted in bins: each word of the first sequence is looked up among the sorted ones of the second."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import numpy as np

from genolab.align.loops import loop

_BUCKETS = 2**20
"""Entries of a table of first ranks, at most: it stays in the cache where a search would not."""

_MANY = 2**14
"""Places that make a table worth its while."""


@loop
def first_ranks(second_sorted, shift):
    """For each value of a word's upper bits the first rank that has it or a larger one, and the end."""
    size = (second_sorted[-1] >> shift) + 2 if second_sorted.size else 1
    table = np.empty(size, np.int64)
    rank = 0
    for bucket in range(size):
        while rank < second_sorted.size and second_sorted[rank] >> shift < bucket:
            rank += 1
        table[bucket] = rank
    return table


@loop
def count_matches(first, second_sorted, places, window, counts):
    """Add to ``counts[row, column]`` the places of equal words within the window; see :mod:`genolab.align.dots`."""
    rows, columns = counts.shape
    count = second_sorted.size
    if count == 0:
        return
    shift = 0
    while second_sorted[-1] >> shift >= _BUCKETS:
        shift += 1
    by_table = window[2] > _MANY
    table = first_ranks(second_sorted, shift) if by_table else np.empty(0, np.int64)
    for i in range(window[0], min(window[0] + window[2], first.size)):
        word = first[i]
        if word < 0 or word > second_sorted[-1]:
            continue
        if by_table:
            rank = table[word >> shift]
            while second_sorted[rank] < word:
                rank += 1
        else:
            rank = np.searchsorted(second_sorted, word)
        row = (i - window[0]) * rows // window[2]
        while rank < count and second_sorted[rank] == word:
            j = places[rank]
            if j >= window[1] + window[3]:  # places of one word are in order
                break
            if j >= window[1]:
                counts[row, (j - window[1]) * columns // window[3]] += 1
            rank += 1

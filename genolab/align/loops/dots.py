"""Shared words counted in bins: each word of the first sequence is looked up among the sorted ones of the second."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def count_matches(first, second_sorted, places, window, counts):
    """Add to ``counts[row, column]`` the places of equal words within the window; see :mod:`genolab.align.dots`."""
    rows, columns = counts.shape
    for i in range(window[0], min(window[0] + window[2], first.size)):
        word = first[i]
        if word < 0:
            continue
        row = (i - window[0]) * rows // window[2]
        rank = np.searchsorted(second_sorted, word)
        while rank < second_sorted.size and second_sorted[rank] == word:
            j = places[rank]
            if j >= window[1] + window[3]:  # places of one word are in order
                break
            if j >= window[1]:
                counts[row, (j - window[1]) * columns // window[3]] += 1
            rank += 1

"""Edit distances by Myers' bit vectors: 64 rows of the matrix a word, eight pairs at once, long ones in a band.

A column of the matrix is held as steps from row to row: a bit of ``up`` says that the row is one more than that
above, a bit of ``down`` that it is one less. Queries end at the last bit of the last word; the rows above their first
letter repeat the top of the matrix. See Myers 1999, doi:10.1145/316542.316550.
"""
# mypy: disallow-untyped-defs=False

from __future__ import annotations

from functools import partial

import numpy as np
from numba import njit

from genolab.align.loops.lanes import CODES
from genolab.align.loops.vectors import WORD_LANES, edit_words
from genolab.align.threads import share

WORD = 64

FIRST_BAND = 64
"""Distances up to this are found at the first attempt."""

_GROWTH = 4  # of the band at each further attempt
_LONG = 8  # words; shorter queries are not worth a band
_NONE, _ONE, _ALL = np.uint64(0), np.uint64(1), np.uint64(2**64 - 1)


@njit(nogil=True, cache=True)
def fill_equals(members, query, query_start, query_length, partners, partner_at, free_start, words, equals):
    """Bit ``i`` of ``equals[word, code, lane]``: whether the letter of that row counts as the same as the code.

    The codes that a letter equals are ``partners[partner_at[letter]:partner_at[letter + 1]]``.
    """
    equals[:words] = 0
    for lane in range(WORD_LANES):
        k = members[min(lane, members.size - 1)]
        padding, begin = words * WORD - query_length[k], query_start[k]
        if free_start:  # rows above the query then equal everything, so that they stay at 0
            for word in range(padding // WORD + 1):
                above = min(padding - word * WORD, WORD)
                if above > 0:
                    equals[word, :, lane] = _ALL >> np.uint64(WORD - above)
        for i in range(query_length[k]):
            row, letter = padding + i, query[begin + i]
            bit = _ONE << np.uint64(row % WORD)
            for at in range(partner_at[letter], partner_at[letter + 1]):
                equals[row // WORD, partners[at], lane] |= bit


@njit(nogil=True, cache=True)
def fill_steps(members, query_length, words, up, down, heights):
    """Column 0: a step up in every row that holds a letter; ``heights[word, lane]`` is how many those are."""
    down[:words] = 0
    for lane in range(WORD_LANES):
        padding = words * WORD - query_length[members[min(lane, members.size - 1)]]
        for word in range(words):
            above = min(max(padding - word * WORD, 0), WORD)
            heights[word, lane] = WORD - above
            up[word, lane] = _ALL << np.uint64(above) if above < WORD else _NONE


@njit(nogil=True, cache=True)
def fill_targets(members, target, target_start, target_length, columns, letters):
    """The targets' letters in lanes, padded with a code that equals nothing."""
    for lane in range(WORD_LANES):
        k = members[min(lane, members.size - 1)]
        n = min(target_length[k], columns)
        for j in range(n):
            letters[j * WORD_LANES + lane] = target[target_start[k] + j]
        for j in range(n, columns):
            letters[j * WORD_LANES + lane] = CODES - 1


@njit(nogil=True, cache=True, error_model="numpy")
def run_columns(
    members,
    target_length,
    words,
    columns,
    low,
    high,
    free_start,
    free_end,
    equals,
    letters,
    up,
    down,
    heights,
    distances,
):
    """Distances of a block, looking only at diagonals ``low`` to ``high``; too large where a path needs others."""
    distance, least = np.zeros(WORD_LANES, np.int64), np.full(WORD_LANES, 2**30)
    carry = np.empty(2 * WORD_LANES, np.uint64)
    shortest = columns
    for k in members:
        shortest = min(shortest, target_length[k])
    last = -1
    above = np.uint64(0 if free_start else 1)
    if free_end:
        for lane in range(WORD_LANES):
            least[lane] = heights[:words, lane].sum()
    for j in range(columns):
        # the rows of this column that are on a diagonal of the band, in whole words
        first = max(0, (j - high) // WORD)
        until = min(words - 1, max(0, (j - low) // WORD))
        while last < until:
            last += 1
            distance += heights[last]
        if first > last:
            continue
        edit_words(equals, 0, CODES, letters, j * WORD_LANES, up, down, first, last + 1 - first, above, carry)
        for lane in range(WORD_LANES):
            distance[lane] += np.int64(carry[lane]) - np.int64(carry[WORD_LANES + lane])
        if free_end:
            for lane in range(WORD_LANES):
                if j < target_length[members[min(lane, members.size - 1)]]:
                    least[lane] = min(least[lane], distance[lane])
        elif j + 1 >= shortest:
            for lane in range(members.size):
                if j + 1 == target_length[members[lane]] and last == words - 1:
                    least[lane] = distance[lane]
    for lane in range(members.size):
        distances[members[lane]] = least[lane]


def distances_of_pairs(*arrays: np.ndarray) -> np.ndarray:
    """The driver of :data:`genolab.align.edit.edit_distances`: its inputs, in order; the distances."""
    *inputs, ends = arrays
    query_length, target_length = arrays[2], arrays[5]
    free_start, free_end = (bool(end) for end in ends)
    distances = np.empty(query_length.size, np.int32)
    empty = (query_length == 0) | (target_length == 0)
    # nothing against something: its length, unless the target's ends are free
    distances[empty] = np.where(free_end, query_length, np.maximum(query_length, target_length))[empty]
    order = np.lexsort((target_length, query_length // WORD))
    share(partial(_run, inputs, free_start, free_end, distances), order[~empty[order]])
    return distances


def _run(inputs: list, free_start: bool, free_end: bool, distances: np.ndarray, members: np.ndarray) -> None:
    query, query_start, query_length, target, target_start, target_length, equal = inputs
    if not members.size:
        return
    pairs = np.argwhere(equal)
    partners, partner_at = pairs[:, 1].copy(), np.searchsorted(pairs[:, 0], np.arange(len(equal) + 1))
    most = -(-int(query_length[members].max()) // WORD)
    equals = np.empty((most, CODES, WORD_LANES), np.uint64)
    up, down = np.empty((most, WORD_LANES), np.uint64), np.empty((most, WORD_LANES), np.uint64)
    heights = np.empty((most, WORD_LANES), np.int64)
    letters = np.empty(int(target_length[members].max()) * WORD_LANES, np.uint8)
    _run_blocks(
        members, query, query_start, query_length, target, target_start, target_length, partners, partner_at,
        free_start, free_end, FIRST_BAND, equals, letters, up, down, heights, distances,
    )  # fmt: skip


@njit(nogil=True, cache=True)
def _run_blocks(
    members, query, query_start, query_length, target, target_start, target_length, partners, partner_at, free_start,
    free_end, band, equals, letters, up, down, heights, distances,
):  # fmt: skip
    """Block after block; those with long queries in a band, which grows until it holds every distance."""
    for begin in range(0, members.size, WORD_LANES):
        block = members[begin : begin + WORD_LANES]
        rows, columns = 0, 0
        for k in block:
            rows, columns = max(rows, query_length[k]), max(columns, target_length[k])
        words = (rows + WORD - 1) // WORD
        fill_equals(block, query, query_start, query_length, partners, partner_at, free_start, words, equals)
        fill_targets(block, target, target_start, target_length, columns, letters)
        reach = band if not free_end and words >= _LONG else 2**30
        while True:
            # paths of at most |n - m| + reach edits stay on these diagonals: column less row, with the rows above
            low, high = 2**30, -(2**30)
            for k in block:
                m, n = query_length[k], target_length[k]
                limit, above = abs(n - m) + reach, words * WORD - m
                low, high = min(low, (n - m - limit) // 2 - above), max(high, (n - m + limit) // 2 - above + 1)
            fill_steps(block, query_length, words, up, down, heights)
            run_columns(
                block, target_length, words, columns, low, high, free_start, free_end, equals, letters, up, down,
                heights, distances,
            )  # fmt: skip
            beyond = False
            for k in block:
                beyond |= distances[k] > abs(target_length[k] - query_length[k]) + reach
            if not beyond:
                break
            reach *= _GROWTH

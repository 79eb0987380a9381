"""Edit distances by Myers' bit vectors: 64 rows of the matrix a word, eight pairs at once, long ones in a band.

A column of the matrix is held as steps from row to row: a bit of ``up`` says that the row is one more than that
above, a bit of ``down`` that it is one less. Queries end at the last bit of the last word; the rows above their first
letter repeat the top of the matrix. See Myers 1999, doi:10.1145/316542.316550.
"""
# mypy: disallow-untyped-defs=False

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from genolab.align.loops import loop, part
from genolab.align.loops.lanes import CODES, PLAIN, has_other_letters
from genolab.align.loops.tiles import TILE, transpose
from genolab.align.loops.words import (
    ALWAYS,
    FIRST_BIT,
    PLANES,
    ROWS,
    SECOND_BIT,
    WORD,
    WORD_LANES,
    edit_columns,
    which_letters,
)
from genolab.align.threads import share

FIRST_BAND = 64
"""Distances up to this are found at the first attempt."""

_GROWTH = 4  # of the band at each further attempt
_LONG = 8  # words; shorter queries are not worth a band
_NONE, _ALL = np.uint64(0), np.uint64(2**64 - 1)
_FAR = 2**30


@part
def fill_words(block, query, query_start, query_length, partners, partner_at, free_start, words, planes, equals):
    """What the rows of each word equal, by code of the target or in planes; see words.py.

    The codes that a letter equals are ``partners[partner_at[letter]:partner_at[letter + 1]]``. Where the target's start
    is free, rows above the query equal everything, so that they stay at 0.
    """
    for lane in range(WORD_LANES):
        k = block[min(lane, block.size - 1)]
        padding = words * WORD - query_length[k]
        for word in range(words):
            above = min(max(padding - word * WORD, 0), WORD)
            rows = _ALL << np.uint64(above) if above < WORD else _NONE
            always = ~rows if free_start else _NONE
            at = query_start[k] + max(word * WORD - padding, -WORD)
            if planes is not None:
                equals[word, FIRST_BIT, lane], equals[word, SECOND_BIT, lane] = (
                    which_letters(query, at, 1, 1), which_letters(query, at, 2, 2)
                )  # fmt: skip
                equals[word, ROWS, lane], equals[word, ALWAYS, lane] = rows, always
            else:
                equals[word, :, lane] = always
                if above < WORD:
                    for letter in range(partner_at.size - 1):
                        found = which_letters(query, at, 255, letter) & rows
                        for p in range(partner_at[letter], partner_at[letter + 1]):
                            equals[word, partners[p], lane] |= found


@part
def fill_steps(block, query_length, words, up, down, heights):
    """Column 0: a step up in every row that holds a letter; ``heights[word, lane]`` is how many those are."""
    for lane in range(WORD_LANES):
        padding = words * WORD - query_length[block[min(lane, block.size - 1)]]
        for word in range(words):
            above = min(max(padding - word * WORD, 0), WORD)
            heights[word, lane], down[word, lane] = WORD - above, _NONE
            up[word, lane] = _ALL << np.uint64(above) if above < WORD else _NONE


@loop
def align_words(
    members, pairs, partners, partner_at, free_start, planes, free, band, equals, letters, up, down, heights, distances
):  # fmt: skip
    """Block after block; those with long queries in a band, which grows until it holds every distance.

    ``planes`` and ``free`` may be None, see words.py.
    """
    query, query_start, query_length, target, target_start, target_length = pairs
    places, lengths = np.empty(TILE, np.int64), np.empty(WORD_LANES, np.int64)
    distance, least = np.empty(WORD_LANES, np.int64), np.empty(WORD_LANES, np.int64)
    nowhere = np.empty(WORD_LANES, np.int64)
    above = np.uint64(0 if free_start else 1)
    for begin in range(0, members.size, WORD_LANES):
        block = members[begin : begin + WORD_LANES]
        rows, columns = 0, 0
        for lane in range(TILE):
            k = block[min(lane % WORD_LANES, block.size - 1)]
            places[lane] = target_start[k]
            lengths[lane % WORD_LANES] = target_length[k]
            rows, columns = max(rows, query_length[k]), max(columns, target_length[k])
        words = (rows + WORD - 1) // WORD
        fill_words(block, query, query_start, query_length, partners, partner_at, free_start, words, planes, equals)
        transpose(target, places, 0, columns, letters, 0, TILE)
        if planes is None:
            for lane in range(WORD_LANES):
                for j in range(lengths[lane], columns):
                    letters[j * TILE + lane] = 0  # what lies beyond its end may be no letter
        reach = band if free is None and words >= _LONG else _FAR
        while True:
            # paths of at most |n - m| + reach edits stay on these diagonals: column less row, with the rows above
            low, high = _FAR, -_FAR
            for k in block:
                m, n = query_length[k], target_length[k]
                limit, padding = abs(n - m) + reach, words * WORD - m
                low, high = min(low, (n - m - limit) // 2 - padding), max(high, (n - m + limit) // 2 - padding + 1)
            fill_steps(block, query_length, words, up, down, heights)
            for lane in range(WORD_LANES):
                distance[lane], least[lane] = 0, _FAR
                if free is not None:
                    least[lane] = query_length[block[min(lane, block.size - 1)]]
            last, j = -1, 0
            while j < columns:
                # the rows of these columns that are on a diagonal of the band, in whole words
                first, until = (j - high) // WORD, (j - low) // WORD
                stop = min((first + 1) * WORD + high, (until + 1) * WORD + low, columns)
                first, until = max(0, first), min(words - 1, max(0, until))
                while last < until:
                    last += 1
                    for lane in range(WORD_LANES):
                        distance[lane] += heights[last, lane]
                if first <= last:
                    edit_columns(
                        equals, CODES, letters, j, stop, up, down, first, last + 1, above, lengths, distance,
                        least if last == words - 1 else nowhere, planes, free,
                    )  # fmt: skip
                j = stop
            beyond = False
            for lane in range(block.size):
                k = block[lane]
                distances[k] = least[lane]
                beyond |= least[lane] > abs(target_length[k] - query_length[k]) + reach
            if not beyond:
                break
            reach *= _GROWTH


def distances_of_pairs(*arrays: np.ndarray) -> np.ndarray:
    """The driver of :data:`genolab.align.edit.edit_distances`: its inputs, in order; the distances."""
    query, query_start, query_length, target, target_start, target_length, equal, ends = arrays
    room = np.zeros(WORD, np.uint8)
    pairs = (
        np.concatenate([room, query, room]), query_start + WORD, query_length,
        np.concatenate([target, room]), target_start, target_length,
    )  # fmt: skip
    few = min(PLAIN, len(equal))
    other = np.full(query_length.size, True)
    if (equal[:few, :few] == np.eye(few)).all():
        other = has_other_letters(query, query_start, query_length)
        other |= has_other_letters(target, target_start, target_length)
    free_start, free_end = (bool(end) for end in ends)
    distances = np.empty(query_length.size, np.int32)
    empty = (query_length == 0) | (target_length == 0)
    # nothing against something: its length, unless the target's ends are free
    distances[empty] = np.where(free_end, query_length, np.maximum(query_length, target_length))[empty]
    order = np.lexsort((target_length, query_length // WORD))
    for plain, wanted in ((True, ~other & ~empty), (False, other & ~empty)):
        share(partial(_run, pairs, equal, plain, free_start, free_end, distances), order[wanted[order]])
    return distances


def _run(
    pairs: tuple[np.ndarray, ...], equal: np.ndarray, plain: bool, free_start: bool, free_end: bool,
    distances: np.ndarray, members: np.ndarray,
) -> None:  # fmt: skip
    if not members.size:
        return
    equals_at = np.argwhere(equal)
    partners, partner_at = equals_at[:, 1].copy(), np.searchsorted(equals_at[:, 0], np.arange(len(equal) + 1))
    most = -(-int(pairs[2][members].max()) // WORD)

    def words(*shape: int, dtype: Any = np.uint64) -> np.ndarray:
        return np.empty((most, *shape, WORD_LANES), dtype)

    letters = np.empty((int(pairs[5][members].max()) + TILE) * TILE, np.uint8)
    align_words(
        members, pairs, partners, partner_at, free_start, 1 if plain else None, 1 if free_end else None, FIRST_BAND,
        words(PLANES if plain else CODES), letters, words(), words(), words(dtype=np.int64), distances,
    )  # fmt: skip

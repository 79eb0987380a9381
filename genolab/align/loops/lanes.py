"""Pairs in lanes: their letters, or the scores of their letters, so that a vector holds one of each pair."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from genolab.align.loops import part
from genolab.align.loops.columns import PATHS_TOGETHER, TOGETHER, VECTOR_BYTES, lanes_in
from genolab.align.loops.notes import NUMBERS
from genolab.align.loops.tiles import TILE, places_of, transpose
from genolab.kernel.machine import MachineLoop

CODES = 32
"""Letters that an alphabet may have here, with one to spare for padding."""

PLAIN = 4
"""The letters of DNA but for the ambiguous: their codes have two bits."""

QUERY_PADDING, TARGET_PADDING = 254, 255  # equal to nothing

OVERFLOW = -(2**31)
"""The score of a pair that reached the top of its lane."""


class Memory(NamedTuple):
    """What a block works in."""

    state: np.ndarray  # two vectors a row, see columns.py; as carried, whatever a lane is, seen 64 bits at a time
    ours: np.ndarray  # a row's letters, or its scores with the letters of a few columns
    row_at: np.ndarray  # where those scores are
    theirs: np.ndarray
    carried: np.ndarray
    numbers: np.ndarray  # of each lane, see notes.py
    cuts: np.ndarray  # where queries of the block end
    places: np.ndarray
    profiles: np.ndarray


class Tables(NamedTuple):
    """What letters and gaps are worth, in units of their greatest common divisor."""

    by_query: np.ndarray  # bytes, in rows of CODES
    by_target: np.ndarray
    costs: np.ndarray  # see columns.py; the last one is what a gap's further letter costs


def has_other_letters(codes: np.ndarray, start: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Which of these stretches hold a code beyond the first four."""
    if codes.max() < PLAIN:
        return np.zeros(start.size, bool)
    counts = np.concatenate([[0], np.cumsum(codes >= PLAIN)])
    return counts[start + length] > counts[start]


def lanes_of(kind: Any, keep: bool) -> int:
    """How many pairs make a block."""
    return lanes_in(8 * np.dtype(kind).itemsize, keep)


def aligned(size: int, dtype: Any) -> np.ndarray:
    """Room that starts where a vector does."""
    size *= np.dtype(dtype).itemsize
    raw = np.empty(size + VECTOR_BYTES, np.uint8)
    skip = -raw.ctypes.data % VECTOR_BYTES
    return raw[skip : skip + size].view(dtype)


def memory(kind: Any, rows: int, columns: int, by_table: bool, keep: bool) -> Memory:
    """Room for blocks up to a size."""
    width, together = lanes_of(kind, keep), PATHS_TOGETHER if keep else TOGETHER

    def lanes(count: int, dtype: Any) -> np.ndarray:
        return aligned(count * width, dtype)

    return Memory(
        lanes(2 * rows, kind).view(np.int64),
        lanes((max(rows, CODES) + TILE) * together if by_table else rows + TILE, np.uint8),
        np.empty(rows if by_table else 1, np.int64),
        lanes(columns + TILE + together, np.uint8),
        lanes(4 * together, kind).view(np.int64),
        np.empty(NUMBERS * width, np.int32),
        np.empty(width + 1, np.int64),
        np.empty(2 * width + TILE, np.int64),
        np.empty(width * CODES * (rows + TILE) + 2 * TILE if by_table else 1, np.uint8),
    )


def tables(table: np.ndarray, gaps: np.ndarray, unit: int, kind: Any, by_table: bool, by_differences: bool) -> Tables:
    """Scores and costs for a width and a recurrence; what is too low for a byte or a lane is too low to be chosen."""
    opening, extend = (int(cost) // unit for cost in gaps[:2])
    more, in_bytes = 2 * extend if by_differences else 0, np.dtype(kind).itemsize == 1
    scores = np.full((CODES + 1, CODES + 1), -128, np.int64)
    match = mismatch = more
    if by_table:
        rows, columns = table.shape
        scores[:rows, :columns] = np.clip(table.astype(np.int64) // unit + (more if in_bytes else 0), -128, 127)
    else:
        match, mismatch = match + int(table[0, 0]) // unit, mismatch + int(table[0, 1]) // unit
    costs = [opening if by_differences else opening + extend, match, max(mismatch, int(np.iinfo(kind).min)), extend]
    by_query, by_target = (
        np.append(np.ascontiguousarray(each).astype(np.int8).view(np.uint8).ravel(), np.zeros(TILE, np.uint8))
        for each in (scores[:, :CODES], scores[:CODES].T)
    )
    return Tables(by_query, by_target, np.array(costs, np.int32))


@part
def fill_lanes(codes, members, starts, lengths, places, width, rows, padding, result):
    """``result[i, lane]``: letter ``i`` of every member's sequence, padded; lanes without a member repeat the last."""
    for lane in range(width):
        places[lane] = starts[members[min(lane, members.size - 1)]]
    for lane in range(0, width, TILE):
        transpose(codes, places, lane, rows, result, lane, width)
    for lane in range(width):
        for i in range(lengths[members[min(lane, members.size - 1)]], rows):
            result[i * width + lane] = padding


@part
def fill_profiles(query, members, starts, lengths, places, width, together, rows, by_query, row_at, profiles):
    """For every lane and target letter the scores of the query's letters, one profile for equal queries.

    Leaves in ``places[width:]`` where the profile of each lane is; a letter's row has ``rows + TILE`` bytes. Where all
    queries are one, which ``places[2 * width]`` says, its letters alone say where a row's scores are, without profiles.
    """
    first, one = starts[members[0]], True
    for k in members:
        one &= (starts[k] == first) & (lengths[k] == rows)
    places[2 * width] = one
    if one:
        for i in range(rows):
            row_at[i] = query[first + i] * together * width
        for lane in range(width):
            places[width + lane] = 0
        return
    stride, base, previous, longest = rows + TILE, -CODES * (rows + TILE), -1, -1
    for i in range(rows):
        row_at[i] = i * together * width
    for lane in range(width):
        k = members[min(lane, members.size - 1)]
        if starts[k] != previous or lengths[k] != longest:
            previous, longest = starts[k], lengths[k]
            base += CODES * stride
            for i in range(0, rows, TILE):
                for r in range(TILE):
                    places[r] = CODES * (query[starts[k] + i + r] if i + r < lengths[k] else CODES)
                transpose(by_query, places, 0, CODES, profiles, base + i, stride)
        places[width + lane] = base


@part
def fill_scores(theirs, at, places, width, together, count, highest, stride, source, result):
    """The scores of ``count`` rows with the letters of a few columns.

    Those of a lane's letter, at most ``highest``, lie ``stride`` apart from each other in ``source``.
    """
    for column in range(together):
        for lane in range(0, width, TILE):
            places_of(theirs, at + column * width + lane, np.uint8(highest), stride, places, lane, width)
            transpose(source, places, lane, count, result, column * width + lane, together * width)


_NUMBER, _BYTES, _PLACES = ("int64", None), ("uint8", 1), ("int64", 1)

WITH_PROFILES = partial(
    MachineLoop(__name__, "fill_profiles").address,
    (_BYTES, *[_PLACES] * 4, *[_NUMBER] * 3, _BYTES, _PLACES, _BYTES),
)
"""The address of :func:`fill_profiles`, which few alignments want, so that the loop around it compiles without it."""

WITH_SCORES = partial(
    MachineLoop(__name__, "fill_scores").address, (_BYTES, _NUMBER, _PLACES, *[_NUMBER] * 5, *[_BYTES] * 2)
)
"""The address of :func:`fill_scores`."""

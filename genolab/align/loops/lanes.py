"""Many pairs at once, one a lane: vectors of 8, 16 or 32 bits over the columns of their matrices.

For one affine gap cost, without band and X-drop. 8 and 16 bits saturate: a local score that reaches the top has to be
computed again in the next width; for the other modes the caller takes a width in which nothing can saturate.
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from genolab.align.loops.vectors import TILE, VECTOR_BYTES, column, transpose

CODES = 32
"""Letters that an alphabet may have here, with one to spare for padding."""

QUERY_PADDING, TARGET_PADDING = 254, 255  # equal to nothing

OVERFLOW = -(2**31)
"""The score of a pair that reached the top of its lane."""


class Memory(NamedTuple):
    """What a block works in: columns of H and E, the best scores, letters in lanes, profiles."""

    h: np.ndarray
    e: np.ndarray
    best: np.ndarray
    ours: np.ndarray
    theirs: np.ndarray
    profiles: np.ndarray
    places: np.ndarray


def memory(kind: Any, rows: int, columns: int, by_table: bool) -> Memory:
    """Room for blocks up to a size; what vectors go over starts where a vector does."""
    width = VECTOR_BYTES // np.dtype(kind).itemsize

    def lanes(count: int, dtype: Any) -> np.ndarray:
        size = count * width * np.dtype(dtype).itemsize
        raw = np.empty(size + VECTOR_BYTES, np.uint8)
        skip = -raw.ctypes.data % VECTOR_BYTES
        return raw[skip : skip + size].view(dtype)

    profiles = np.empty(width * CODES * (rows + TILE) + 2 * TILE if by_table else 1, np.uint8)
    letters = lanes(rows + TILE, np.uint8), lanes(columns + TILE, np.uint8)
    return Memory(
        lanes(rows, kind), lanes(rows, kind), lanes(3, kind), *letters, profiles, np.empty(2 * width, np.int64)
    )


@njit(nogil=True, cache=True)
def fill_lanes(codes, members, starts, lengths, places, width, rows, padding, result):
    """``result[i, lane]``: letter ``i`` of every member's sequence, padded; lanes without a member repeat the last."""
    for lane in range(width):
        places[lane] = starts[members[min(lane, members.size - 1)]]
    for lane in range(0, width, TILE):
        transpose(codes, places, lane, rows, result, lane, width)
    for lane in range(width):
        for i in range(lengths[members[min(lane, members.size - 1)]], rows):
            result[i * width + lane] = padding


@njit(nogil=True, cache=True)
def fill_profiles(query, members, starts, lengths, places, width, rows, table_bytes, profiles):
    """For every lane and target letter the scores of the query's letters, one profile for equal queries.

    Leaves in ``places[width:]`` where the profile of each lane is; a letter's row has ``rows + TILE`` bytes.
    """
    stride, base, previous = rows + TILE, -CODES * (rows + TILE), -1
    for lane in range(width):
        k = members[min(lane, members.size - 1)]
        if starts[k] != previous:
            previous = starts[k]
            base += CODES * stride
            for i in range(0, rows, TILE):
                for r in range(TILE):
                    places[r] = CODES * (query[starts[k] + i + r] if i + r < lengths[k] else CODES)
                transpose(table_bytes, places, 0, CODES, profiles, base + i, stride)
        places[width + lane] = base


@njit(nogil=True, cache=True, error_model="numpy")
def align_block(
    members,
    query,
    query_start,
    query_length,
    target,
    target_start,
    target_length,
    rows,
    columns,
    h,
    e,
    best,
    ours,
    theirs,
    profiles,
    places,
    table_bytes,
    costs,
    lowest,
    free_ends,
    results,
    by_table,
    anywhere,
    directions,
):
    """Align the pairs ``members``, as many as there are lanes, or fewer; ``rows`` and ``columns`` are their longest.

    ``costs``: a gap with its first letter, a further letter, match, mismatch. ``results[lane]`` becomes score (or
    ``OVERFLOW``), query end and target end; with ``anywhere`` the ends need ``directions``. The byte of cell ``(i,
    j)``, both from 1 on, is at ``((j - 1) * rows + i - 1) * lanes + lane`` of ``directions``. What is None is not
    wanted.
    """
    width = best.size // 3
    opening, extend, zero = costs[0], costs[1], 0
    if free_ends[4]:
        zero = lowest
    fill_lanes(target, members, target_start, target_length, places, width, columns, TARGET_PADDING, theirs)
    if by_table is None:
        fill_lanes(query, members, query_start, query_length, places, width, rows, QUERY_PADDING, ours)
    else:
        fill_profiles(query, members, query_start, query_length, places, width, rows, table_bytes, profiles)
    for i in range(rows):
        edge = zero if free_ends[0] else -(opening + extend * i)
        for lane in range(width):
            h[i * width + lane] = edge
            e[i * width + lane] = max(edge - opening, lowest)
    for lane in range(width):
        best[lane], best[width + lane], best[2 * width + lane] = zero, 0, 0
    if anywhere is None:
        for lane in range(members.size):
            m = query_length[members[lane]]
            results[lane, 0], results[lane, 1], results[lane, 2] = -(2**31), m, 0
            if free_ends[3]:
                results[lane, 0] = h[(m - 1) * width + lane]
    shortest = columns
    for k in members:
        shortest = min(shortest, target_length[k])
    for j in range(columns):
        edge = zero if free_ends[2] else -(opening + extend * j)
        above = zero if j == 0 or free_ends[2] else edge + extend
        if by_table is not None:
            for lane in range(width):
                letter = min(theirs[j * width + lane], CODES - 1)
                places[lane] = places[width + lane] + letter * (rows + TILE)
            for lane in range(0, width, TILE):
                transpose(profiles, places, lane, rows, ours, lane, width)
        column(
            h,
            e,
            ours,
            theirs,
            j * width,
            best,
            rows,
            above,
            max(edge - opening, lowest),
            costs,
            j + 1,
            by_table,
            anywhere,
            directions,
            j * rows * width,
        )
        if anywhere is None and (free_ends[3] or j + 1 >= shortest):
            for lane in range(members.size):
                m, n = query_length[members[lane]], target_length[members[lane]]
                score = np.int64(h[(m - 1) * width + lane])
                if j + 1 == n and free_ends[1]:
                    if edge > results[lane, 0]:
                        results[lane, 0], results[lane, 1], results[lane, 2] = edge, 0, n
                    for i in range(m):
                        score = np.int64(h[i * width + lane])
                        if score > results[lane, 0]:
                            results[lane, 0], results[lane, 1], results[lane, 2] = score, i + 1, n
                elif (j + 1 == n or (free_ends[3] and j + 1 < n)) and score > results[lane, 0]:
                    results[lane, 0], results[lane, 1], results[lane, 2] = score, m, j + 1
    if anywhere is not None:
        for lane in range(members.size):
            results[lane, 0] = np.int64(best[lane]) - zero if best[lane] < -(lowest + 1) else OVERFLOW
            results[lane, 1], results[lane, 2] = best[width + lane], best[2 * width + lane]


def bytes_of_table(table: np.ndarray) -> np.ndarray:
    """Scores by query letter as bytes, in rows of ``CODES``; the unused and a last row for padding are the lowest."""
    result = np.full((CODES + 1, CODES), -128, np.int8)
    result[: table.shape[0], : table.shape[1]] = table
    return np.append(result.view(np.uint8).ravel(), np.zeros(TILE, np.uint8))

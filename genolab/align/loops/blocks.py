"""Blocks of pairs, one a lane, over all columns of their matrices, a few at a time.

For one affine gap cost, without band and X-drop. Where an alignment ends at the end of a sequence, differences of
scores are kept, which fit 8 bits whatever the lengths are. Where it ends anywhere, the scores themselves are: 8 and 16
bits saturate, and a score that reaches the top has to be computed again in the next width.
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import numpy as np

from genolab.align.loops import ZERO, loop, part
from genolab.align.loops.columns import (
    PATH_VECTOR_BYTES,
    PATHS_TOGETHER,
    TOGETHER,
    VECTOR_BYTES,
    difference_columns,
    score_columns,
)
from genolab.align.loops.lanes import (
    CODES,
    OVERFLOW,
    QUERY_PADDING,
    TARGET_PADDING,
    fill_lanes,
    fill_profiles,
    fill_scores,
)
from genolab.align.loops.notes import (
    NUMBERS,
    QUERY_END,
    REACHED,
    SCORE,
    TARGET_END,
    M,
    N,
    note_best,
    note_last_row,
    spread,
)
from genolab.align.loops.tiles import TILE
from genolab.align.loops.walk import NEWLINE, walk_lane

_NEVER = -(2**31)


@part
def open_block(block, query_length, target_length, numbers, cuts):
    """Note the lengths of every lane, and the distinct ones of the queries; returns the longest of either side.

    Lanes without a member repeat the last.
    """
    width, rows, columns = numbers.size // NUMBERS, 0, 0
    for lane in range(width):
        k = block[min(lane, block.size - 1)]
        m, n = query_length[k], target_length[k]
        rows, columns = max(rows, m), max(columns, n)
        numbers[M * width + lane], numbers[N * width + lane] = m, n
    count, cut = 0, 0
    while cut < rows:
        begin, cut = cut, rows
        for lane in range(width):
            m = numbers[M * width + lane]
            if begin < m < cut:
                cut = m
        cuts[count] = cut
        count += 1
    return rows, columns


@part
def note_sides(sides, numbers, j, together, rows, costs, free_start):
    """Where a query's end is free, note the best of the last column of the targets that end among these."""
    width, extend = numbers.size // NUMBERS, np.int64(costs[3])
    for lane in range(width):
        m, n = np.int64(numbers[M * width + lane]), np.int64(numbers[N * width + lane])
        if not j < n <= j + together:
            continue
        at = (n - 1 - j) * rows * width + lane
        score = extend * m - (0 if free_start else costs[0] + extend * n)
        best, best_row = np.int64(numbers[SCORE * width + lane]), -1
        for i in range(m + 1):
            if i > 0:
                score += sides[at + (i - 1) * width] - extend
            if score > best:
                best, best_row = score, i
        if best_row >= 0:
            numbers[SCORE * width + lane], numbers[QUERY_END * width + lane] = best, best_row
            numbers[TARGET_END * width + lane] = n


@loop
def align_blocks(members, pairs, memory, tables, unit, free_ends, anywhere, by_table, sides, scores, directions, again):
    """Align pairs in lanes; returns how many are left in ``again``.

    Left are those whose score overflowed, and, without ``directions``, once most have, the rest too, unseen.
    ``anywhere``, ``by_table``, ``sides`` and ``directions`` may be None: what is not wanted is not compiled. ``sides``
    is for queries whose end is free.

    The half byte of cell ``(i, j)``, both from 0 on, is in ``directions[(j // 2 * rows + i) * lanes + lane]``, where
    :func:`write_paths` reads it: with ``directions``, ``members`` are one block. It is left if it needs more than they
    have.
    """
    query, query_start, query_length, target, target_start, target_length = pairs
    state, ours, row_at, theirs, carried, numbers, cuts, places, profiles = memory
    by_query, by_target, costs = tables
    if directions is None:
        together, width = np.int64(TOGETHER), VECTOR_BYTES // state.itemsize
    else:
        together, width = np.int64(PATHS_TOGETHER), PATH_VECTOR_BYTES // state.itemsize
    lowest = -(1 << (8 * state.itemsize - 1))  # powers take long to compile
    opening, extend = np.int64(costs[0]), np.int64(costs[3])
    zero = lowest if free_ends[4] else 0
    query_padding, target_padding = np.uint8(QUERY_PADDING), np.uint8(TARGET_PADDING)
    count = 0
    last = (members.size - 1) // width * width
    for back in range(0, last + width, width):
        block = members[last - back : last - back + width]
        rows, columns = open_block(block, query_length, target_length, numbers, cuts)
        fits = 2 * count <= back
        if directions is not None:
            fits = (columns + 1) // 2 * rows * width <= directions.size
        if not fits:
            for lane in range(block.size):
                numbers[SCORE * width + lane] = OVERFLOW
            columns = 0
        else:
            fill_lanes(
                target, block, target_start, target_length, places, width, columns + together, target_padding, theirs
            )
            if by_table is None:
                fill_lanes(query, block, query_start, query_length, places, width, rows, query_padding, ours)
            else:
                # what its letters score with the target's: of the one query that all have, or each lane's own
                scored, highest, stride, source = rows, np.uint8(CODES - 1), rows + TILE, profiles
                if fill_profiles(
                    query, block, query_start, query_length, places, width, together, rows, by_query, row_at, profiles
                ):
                    scored, highest, stride, source = CODES, np.uint8(CODES), CODES, by_target
            for i in range(rows):
                if anywhere is None:
                    edge = extend if free_ends[0] else -opening if i == 0 else 0
                    spread(edge, state, 2 * i * width, directions)
                    spread(edge - opening, state, (2 * i + 1) * width, directions)
                else:
                    edge = zero if free_ends[0] else -(opening + extend * i)
                    spread(edge, state, 2 * i * width, directions)
                    spread(max(edge - opening, lowest), state, (2 * i + 1) * width, directions)
            for lane in range(width):
                if anywhere is None:
                    m = numbers[M * width + lane]
                    reached = extend * m if free_ends[0] else -opening
                    numbers[REACHED * width + lane], numbers[QUERY_END * width + lane] = reached, m
                    numbers[SCORE * width + lane] = reached if free_ends[3] else _NEVER
                    numbers[TARGET_END * width + lane] = 0 if free_ends[3] else numbers[N * width + lane]
                else:
                    numbers[SCORE * width + lane] = zero
                    numbers[QUERY_END * width + lane], numbers[TARGET_END * width + lane] = 0, 0
            spread(zero, carried, 2 * together * width, directions)
        for j in range(0, columns, together):
            if by_table is not None:
                fill_scores(theirs, j * width, places, width, together, scored, highest, stride, source, ours)
            to, begin, cut = (j >> 1) * rows * width, 0, 0
            for column in range(together):
                if anywhere is None:
                    edge = extend if free_ends[2] else -opening if j + column == 0 else 0
                    spread(edge, carried, column * width, directions)
                    spread(edge - opening, carried, (together + column) * width, directions)
                else:
                    edge = zero if free_ends[2] else -(opening + extend * (j + column))
                    above_left = zero if j + column == 0 or free_ends[2] else edge + extend
                    spread(above_left, carried, column * width, directions)
                    spread(max(edge - opening, lowest), carried, (together + column) * width, directions)
            while begin < rows:
                if anywhere is None:
                    end = cuts[cut]
                    cut += 1
                    difference_columns(
                        state, ours, row_at, theirs, j * width, carried, begin, end, costs, sides, rows, by_table,
                        directions, to,
                    )  # fmt: skip
                    # a free end of the query is looked at later, from the top of the target's last column
                    beyond = (1 if free_ends[1] else 0) if free_ends[3] else 2**30
                    for column in range(together):
                        here = j + column + 1
                        note_last_row(carried, column * width, numbers, end, here, extend * here, beyond, directions)
                else:
                    end = rows
                    if directions is not None:  # a lane counts rows up to its width
                        end = min(rows, begin + (1 << (8 * state.itemsize)))
                        for each in range(2 * together, 4 * together):
                            spread(lowest, carried, each * width, directions)
                    score_columns(
                        state, ours, row_at, theirs, j * width, carried, begin, end, costs, by_table, directions, to
                    )
                    if directions is not None:
                        for column in range(together):
                            best = (2 * together + column) * width
                            note_best(
                                carried, best, best + together * width, numbers, begin + 1 - lowest, j + column + 1,
                                directions,
                            )  # fmt: skip
                begin = end
            if sides is not None:
                note_sides(sides, numbers, j, together, rows, costs, free_ends[2])
        for lane in range(block.size - 1, -1, -1):
            k, m, n = block[lane], numbers[M * width + lane], numbers[N * width + lane]
            score = int(numbers[SCORE * width + lane])
            if fits:
                if anywhere is None:
                    score -= extend * m
                    if not (free_ends[1] or free_ends[3]):
                        score = numbers[REACHED * width + lane] - extend * (m + n)
                else:
                    if directions is None:
                        score = int(carried[2 * together * width + lane])
                    score = score - zero if score < -(lowest + 1) else OVERFLOW
            if directions is not None:
                numbers[SCORE * width + lane] = score
            if score == OVERFLOW:
                again[count] = k
                count += 1
            else:
                scores[k] = score * unit
    return count


@loop
def write_paths(block, pairs, numbers, directions, free_ends, extended, text, at, table):
    """Follow the directions of each lane of a block, and write its CIGAR and a new line before ``text[at]``.

    The last pair comes first. Those that are left have an empty line. ``table`` gets what :class:`trace.Paths` lists.
    Returns where the text begins. It is a loop of its own so that it compiles once, whatever is aligned.
    """
    query, query_start, query_length, target, target_start, _ = pairs
    width, rows = numbers.size // NUMBERS, ZERO
    for k in block:
        rows = max(rows, query_length[k])
    for lane in range(block.size - 1, -1, -1):
        k = block[lane]
        at -= 1
        text[at] = NEWLINE
        if numbers[SCORE * width + lane] != OVERFLOW:
            i, j = numbers[QUERY_END * width + lane], numbers[TARGET_END * width + lane]
            at = walk_lane(
                directions, lane, width, rows, i, j, query, query_start[k], target, target_start[k], free_ends,
                extended, text, at, table, k,
            )  # fmt: skip
    return at

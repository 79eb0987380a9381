"""Blocks of pairs, one a lane, over all columns of their matrices, a few at a time.

For one affine gap cost, without band and X-drop. Where an alignment ends at the end of a sequence, differences of
scores are kept, which fit 8 bits whatever the lengths are. Where it ends anywhere, the scores themselves are: 8 and 16
bits saturate, and a score that reaches the top has to be computed again in the next width.
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from genolab.align.loops import ZERO, inlined, loop
from genolab.align.loops.calls import call_columns, call_note, call_profiles, call_scores, call_sides, lane_of, spread
from genolab.align.loops.columns import Recurrence
from genolab.align.loops.lanes import (
    CODES,
    OVERFLOW,
    QUERY_PADDING,
    TARGET_PADDING,
    WITH_PROFILES,
    WITH_SCORES,
    fill_lanes,
)
from genolab.align.loops.notes import NUMBERS, QUERY_END, REACHED, SCORE, TARGET_END, M, N, note_of
from genolab.align.loops.sides import WITH_SIDES
from genolab.align.loops.tiles import TILE
from genolab.align.loops.walk import NEWLINE, walk_lane

_NEVER = -(2**31)


class Way(NamedTuple):
    """A recurrence as numbers, so that Numba compiles nothing again for another; ``words`` of 64 bits make a vector.

    A number's bits of ``mask``, times ``ones``, are that number in all lanes of a word.
    """

    bits: int
    mask: int
    ones: int
    words: int
    width: int
    together: int
    differences: int
    by_table: int
    sides: int
    keep: int
    columns: int  # this and what follows are addresses, 0 where it is not wanted
    note: int
    profiles: int
    scores: int
    note_sides: int

    @classmethod
    def of(cls, each: Recurrence) -> Way:
        """The numbers and functions of a recurrence, which are compiled if they are not yet."""
        ones = sum(1 << at for at in range(0, 64, each.bits))
        return cls(
            each.bits, (1 << each.bits) - 1, ones, each.bits * each.width // 64, each.width, each.together,
            int(each.differences), int(each.by_table), int(each.sides), int(each.keep), each.columns, note_of(each),
            WITH_PROFILES() if each.by_table else 0, WITH_SCORES() if each.by_table else 0,
            WITH_SIDES() if each.sides else 0,
        )  # fmt: skip


@inlined
def open_block(block, query_length, target_length, numbers, cuts):
    """Note the lengths of every lane, and the distinct ones of the queries; returns the longest of either side.

    Lanes without a member repeat the last.
    """
    width, rows, columns = numbers.size // NUMBERS, ZERO, ZERO
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


@inlined
def start_block(way, numbers, state, carried, rows, free_ends, opening, extend, zero, lowest):
    """What is left of the first column, row by row, and what is known of each lane before it."""
    width = way.width
    edge, less = zero, zero
    for i in range(rows):
        if way.differences:
            edge = extend if free_ends[0] else -opening if i == 0 else 0
            less = edge - opening
        else:
            edge = zero if free_ends[0] else -(opening + extend * i)
            less = max(edge - opening, lowest)
        spread(edge, state, 2 * i, way)
        spread(less, state, 2 * i + 1, way)
    for lane in range(width):
        if way.differences:
            m = numbers[M * width + lane]
            reached = extend * m if free_ends[0] else -opening
            numbers[REACHED * width + lane], numbers[QUERY_END * width + lane] = reached, m
            numbers[SCORE * width + lane] = reached if free_ends[3] else _NEVER
            numbers[TARGET_END * width + lane] = 0 if free_ends[3] else numbers[N * width + lane]
        else:
            numbers[SCORE * width + lane] = zero
            numbers[QUERY_END * width + lane], numbers[TARGET_END * width + lane] = 0, 0
    spread(zero, carried, 2 * way.together, way)


@inlined
def start_columns(way, carried, j, free_ends, opening, extend, zero, lowest):
    """What comes down into a few columns from above the first row."""
    for column in range(way.together):
        if way.differences:
            above = extend if free_ends[2] else -opening if j + column == 0 else 0
            down = above - opening
        else:
            edge = zero if free_ends[2] else -(opening + extend * (j + column))
            above = zero if j + column == 0 or free_ends[2] else edge + extend
            down = max(edge - opening, lowest)
        spread(above, carried, column, way)
        spread(down, carried, way.together + column, way)


@inlined
def down_columns(
    way, state, ours, row_at, theirs, carried, numbers, cuts, costs, sides, directions, j, rows, to, free_ends, extend,
    lowest,
):  # fmt: skip
    """All rows of a few columns, in as many pieces as there are queries that end, or as lanes can count."""
    width, together, begin, cut = way.width, way.together, 0, 0
    while begin < rows:
        end = rows
        if way.differences:
            end = cuts[cut]
            cut += 1
        elif way.keep:
            end = min(rows, begin + (1 << way.bits))  # a lane counts rows up to its width
            for each in range(2 * together, 4 * together):
                spread(lowest, carried, each, way)
        call_columns(
            way.columns, state, ours, row_at, theirs, j * width, carried, begin, end, costs, sides, rows, directions, to
        )
        for column in range(together):
            here = j + column + 1
            if way.differences:
                # a free end of the query is looked at later, from the top of the target's last column
                beyond = (1 if free_ends[1] else 0) if free_ends[3] else 2**30
                call_note(way.note, carried, column * width, numbers, end, here, extend * here, beyond)
            elif way.keep:
                best = (2 * together + column) * width
                first_row = begin + 1 - lowest
                call_note(way.note, carried, best, numbers, best + together * width, first_row, here, 0)
        begin = end


@inlined
def settle_block(way, block, numbers, carried, fits, free_ends, extend, zero, lowest, unit, scores, again, count):
    """Write the scores of a block and note those that overflowed; returns how many have by now."""
    width = way.width
    for lane in range(block.size - 1, -1, -1):
        k, m, n = block[lane], numbers[M * width + lane], numbers[N * width + lane]
        score = int(numbers[SCORE * width + lane])
        if fits and way.differences:
            score -= extend * m
            if not (free_ends[1] or free_ends[3]):
                score = numbers[REACHED * width + lane] - extend * (m + n)
        elif fits:
            if not way.keep:
                score = lane_of(carried, 2 * way.together * width + lane, way.bits)
            score = score - zero if score < -(lowest + 1) else OVERFLOW
        if way.keep:
            numbers[SCORE * width + lane] = score
        if score == OVERFLOW:
            again[count] = k
            count += 1
        else:
            scores[k] = score * unit
    return count


@loop
def align_blocks(members, pairs, memory, tables, unit, free_ends, way, sides, scores, directions, again):
    """Align pairs in lanes the ``way`` that is given; returns how many are left in ``again``.

    Left are those whose score overflowed, and, without directions, once most have, the rest too, unseen. ``sides``
    is for queries whose end is free, and empty if it is not wanted, as ``directions``.

    The half byte of cell ``(i, j)``, both from 0 on, is in ``directions[(j // 2 * rows + i) * lanes + lane]``, where
    :func:`write_paths` reads it: with directions, ``members`` are one block. It is left if it needs more than they
    have.
    """
    query, query_start, query_length, target, target_start, target_length = pairs
    state, ours, row_at, theirs, carried, numbers, cuts, places, profiles = memory
    by_query, by_target, costs = tables
    together, width = way.together, way.width
    lowest = -(1 << (way.bits - 1))  # powers take long to compile
    opening, extend = np.int64(costs[0]), np.int64(costs[3])
    zero = lowest if free_ends[4] else 0
    query_padding, target_padding = np.uint8(QUERY_PADDING), np.uint8(TARGET_PADDING)
    count, last = ZERO, (members.size - 1) // width * width
    for back in range(0, last + width, width):
        block = members[last - back : last - back + width]
        rows, columns = open_block(block, query_length, target_length, numbers, cuts)
        fits = 2 * count <= back
        if way.keep:
            fits = (columns + 1) // 2 * rows * width <= directions.size
        scored, highest, stride, source = rows, CODES - 1, rows + TILE, profiles
        if not fits:
            for lane in range(block.size):
                numbers[SCORE * width + lane] = OVERFLOW
            columns = 0
        else:
            fill_lanes(
                target, block, target_start, target_length, places, width, columns + together, target_padding, theirs
            )
            if not way.by_table:
                fill_lanes(query, block, query_start, query_length, places, width, rows, query_padding, ours)
            # what its letters score with the target's: of the one query that all have, or each lane's own
            else:
                call_profiles(
                    way.profiles, query, block, query_start, query_length, places, width, together, rows, by_query,
                    row_at, profiles,
                )  # fmt: skip
                if places[2 * width]:
                    scored, highest, stride, source = CODES, CODES, CODES, by_target
            start_block(way, numbers, state, carried, rows, free_ends, opening, extend, zero, lowest)
        for j in range(0, columns, together):
            if way.by_table:
                call_scores(
                    way.scores, theirs, j * width, places, width, together, scored, highest, stride, source, ours
                )
            start_columns(way, carried, j, free_ends, opening, extend, zero, lowest)
            down_columns(
                way, state, ours, row_at, theirs, carried, numbers, cuts, costs, sides, directions, j, rows,
                (j >> 1) * rows * width, free_ends, extend, lowest,
            )  # fmt: skip
            if way.sides:
                call_sides(
                    way.note_sides, width, way.bits, together, way.words, sides, numbers, j, rows, costs,
                    int(free_ends[2]),
                )  # fmt: skip
        count = settle_block(
            way, block, numbers, carried, fits, free_ends, extend, zero, lowest, unit, scores, again, count
        )
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

"""Forward and backward weights of blocks of pairs, in scaled probability space; see :mod:`.soft` for how far it goes.

A number in the arrays times ``2**scale[row]`` is a weight: the sum of ``exp(score / temperature)`` over the beginnings
of alignments. Rows are rescaled by powers of two, which lose nothing. In global mode both sequences end with a letter
that pairs with its like alone, so that lengths may differ within a block and all alignments end with a pair.
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic

from genolab.align.loops import loop, part
from genolab.align.loops.calls import calling
from genolab.align.loops.lanes import aligned
from genolab.align.loops.soft_vectors import (
    BACKWARD,
    BY_LETTER,
    EXPECTED,
    FLOOR,
    FORWARD,
    LANES,
    NEW_ALONG,
    NEW_DOWN,
    ON_ALONG,
    ON_DOWN,
    ONE,
    PLANES,
    SPECIAL,
    TWO,
)

UNIT_BITS = 800
"""The origin weighs ``2**UNIT_BITS``, and rows are kept near it: more room below than above."""

UNIT, HIGH, LOW = 2.0**UNIT_BITS, 2.0**860, 2.0**740
NOTHING = 2.0**-900
MOST_BITS = 960
"""A total is at most ``2**MOST_BITS``."""

LEAK = 1e-11
"""The share of a result that may come from the floor."""

TILTS = np.arange(0, 8, 0.25)

BEGIN, ROWS, COLUMNS, EVERY = range(4)
"""What is known of a block: its first member; rows and columns, the ends among them; how far apart rows are kept."""


class Space(NamedTuple):
    """What blocks are computed in."""

    query: np.ndarray  # [row - 1, lane]: codes
    target: np.ndarray  # [column, lane]
    text: np.ndarray  # the same letters as masks, where they are plain
    cells: np.ndarray  # the row under way, the kept ones, and those between two kept ones
    adjoints: np.ndarray
    shares: np.ndarray
    factor: np.ndarray  # [row, lane]: the row's own factor
    scale: np.ndarray  # the power of two of all factors up to the row
    starts: np.ndarray  # the weight of a new start
    total: np.ndarray  # the weight of all alignments, in the scale of the row
    table: np.ndarray  # weights of a row's pairs, by letter or by column
    numbers: np.ndarray  # see soft_vectors.py
    out: np.ndarray
    counts: np.ndarray  # [query code, target code, lane]
    sums: np.ndarray  # new gaps and further letters of gaps
    ends: np.ndarray  # the row of the end, or -1 for a lane without a pair
    lasts: np.ndarray  # its column


def space(blocks: np.ndarray, letters: tuple[int, int], counted: bool) -> Space:
    """Room for the largest of some blocks, whose letters have so many codes, those of end and padding among them."""
    rows, columns = int(blocks[:, ROWS].max()), int(blocks[:, COLUMNS].max())
    kept = int((_rows_held(blocks) * (blocks[:, COLUMNS] + 2)).max())
    between = columns + 2 if blocks[:, EVERY].any() else 0

    def lanes(count: int, dtype: Any = np.float64) -> np.ndarray:
        return aligned(count * LANES, dtype).reshape(count, LANES)

    numbers = [lanes(count) for count in (3 * kept, 2 * between, 3 * between)]
    by_row = [lanes(rows + 1), lanes(rows + 1, np.int64), lanes(rows + 1), lanes(rows + 1)]
    table, steps, out = lanes(max(columns + 2, 5)), lanes(5), lanes(EXPECTED)
    texts = lanes(max(rows, 1), np.int32), lanes(columns + 2, np.int32), lanes((columns + 2) * PLANES, np.uint8)
    table[...] = 0.0
    texts[0][...] = 0  # a row is looked at even where there is none
    counts = np.zeros((*(letters if counted else (0, 0)), LANES))
    sums, ends, lasts = np.zeros((2, LANES)), np.zeros(LANES, np.int64), np.zeros(LANES, np.int64)
    return Space._make([*texts, *numbers, *by_row, table, steps, out, counts, sums, ends, lasts])


def _rows_held(blocks: np.ndarray) -> np.ndarray:
    every = blocks[:, EVERY]
    held: np.ndarray = 1 + np.where(every > 0, blocks[:, ROWS] // np.maximum(every, 1) + 1 + every, 0)
    return held


@intrinsic
def call_forward(typing, address, cells, before, row, text, table, numbers, out, inner, last):
    """See :func:`~genolab.align.loops.soft_vectors.forward_row`."""
    place = types.intp
    signature = types.void(place, cells, place, place, text, table, numbers, out, place, place)
    return signature, calling(FORWARD)


@intrinsic
def call_backward(typing, address, cells, at, adjoints, text, table, numbers, out, shares, inner, last):
    """See :func:`~genolab.align.loops.soft_vectors.backward_row`."""
    place = types.intp
    signature = types.void(place, cells, place, adjoints, text, table, numbers, out, shares, place, place)
    return signature, calling(BACKWARD)


@part
def fill(members, used, codes, start, length, end, padding, first, size, text):
    """Write each lane's letters from place ``first`` on, then ``end`` (unless negative), then padding."""
    for lane in range(LANES):
        k = members[min(lane, used - 1)]
        at = 0
        while at < first:
            text[at, lane] = padding
            at += 1
        for place in range(start[k], start[k] + length[k]):
            text[at, lane] = codes[place]
            at += 1
        if end >= 0:
            text[at, lane] = end
            at += 1
        while at < size:
            text[at, lane] = padding
            at += 1


@part
def weights_of_row(plain, query, target, weights, factor, used, last, table):
    """Weights of a row's pairs, with the row's scale: by letter, or, unless ``plain``, by column."""
    if plain:
        for lane in range(used):
            for code in range(5):
                table[code, lane] = weights[query[lane], code] * factor[lane]
    else:
        for j in range(last + 2):
            for lane in range(used):
                table[j, lane] = weights[query[lane], target[j, lane]] * factor[lane]


@part
def steps_of_row(gaps, factor, apart, numbers):
    """Costs of a row's gaps, of which those down have the row's scale; a start or an end is each lane's own."""
    for lane in range(LANES):
        numbers[0, lane] = gaps[0] * factor[lane]
        numbers[1, lane] = gaps[1] * factor[lane]
        numbers[2, lane] = gaps[0]
        numbers[3, lane] = gaps[1]
        numbers[4, lane] = apart[lane]


@part
def first_row(local, at, columns, gaps, cells):
    """Row 0: the origin and the gaps along it, or, in local mode, nothing: starts are weighed apart."""
    for k in range(at, at + 3 * columns):
        for lane in range(LANES):
            cells[k, lane] = FLOOR
    if not local:
        for lane in range(LANES):
            cells[at, lane] = UNIT
            gap = gaps[0] * UNIT
            for j in range(1, columns):
                cells[at + 3 * j + 2, lane] = max(gap, FLOOR)
                gap *= gaps[1]


@part
def forward_block(address, local, plain, s, weights, gaps, used, rows, last, inner, every):
    """Forward weights of all rows; every ``every``-th is kept, unless that is 0."""
    size, ends, starts, total, scale = 3 * (last + 2), s.ends, s.starts, s.total, s.scale
    held = size if every > 0 else 0
    first_row(local, held, last + 2, gaps, s.cells)
    for lane in range(LANES):
        scale[0, lane] = -UNIT_BITS
        s.factor[0, lane] = 1.0
        starts[0, lane] = UNIT if local else 0.0
        total[0, lane] = UNIT if local else 0.0
        s.out[0, lane] = UNIT
    for i in range(1, rows + 1):
        for lane in range(LANES):
            change = 1.0
            scale[i, lane] = scale[i - 1, lane]
            top = s.out[0, lane]
            if (top > HIGH or top < LOW) and i <= ends[lane]:
                bits = math.frexp(top)[1] - UNIT_BITS
                if total[i - 1, lane] > 0.0:  # where a long local alignment has ended, rows lie far below the total
                    bits = max(bits, math.frexp(total[i - 1, lane])[1] - MOST_BITS)
                change = math.ldexp(1.0, -bits)
                scale[i, lane] += bits
            s.factor[i, lane] = change
            starts[i, lane] = max(starts[i - 1, lane] * change, FLOOR) if local else 0.0
            s.out[0, lane] = max(starts[i, lane], FLOOR)
            s.out[1, lane] = 0.0
        steps_of_row(gaps, s.factor[i], starts[i - 1], s.numbers)
        weights_of_row(plain, s.query[i - 1], s.target, weights, s.factor[i], used, last, s.table)
        before, held = held, (i // every + 1) * size if every > 0 and i % every == 0 else 0
        call_forward(address, s.cells, before, held, s.text, s.table, s.numbers, s.out, inner, last)
        for lane in range(LANES):
            here = s.out[1, lane]
            if not local:  # all alignments end with the pair of both ends
                here = s.cells[held + 3 * s.lasts[lane], lane] if i == ends[lane] else 0.0
            total[i, lane] = total[i - 1, lane] * s.factor[i, lane] + here
    for i in range(rows, 0, -1):
        for lane in range(LANES):
            total[i - 1, lane] = total[i, lane] / s.factor[i, lane]


@part
def count_row(plain, query, target, last, s):
    """Add what a row pairs to the counts of its lanes."""
    if plain:
        for lane in range(LANES):
            if query[lane] < 4:
                for code in range(4):
                    s.counts[query[lane], code, lane] += s.out[BY_LETTER + code, lane]
    else:
        for j in range(1, last + 1):
            for lane in range(LANES):
                s.counts[query[lane], target[j, lane], lane] += s.shares[3 * j, lane]


@part
def backward_block(again, address, local, plain, s, weights, gaps, used, rows, last, inner, every, posterior):
    """What is expected of a block's alignments, from what :func:`forward_block` left.

    The adjoint of a scaled row, times the row, is a share of alignments as it is. ``again`` computes the rows between
    two kept ones. Where ``posterior[state, row, column]`` is not empty, that of the first lane is written; returned is
    the sum of its adjoints: what a number added to every cell would add, relative to the result.
    """
    everywhere, size = 0.0, 3 * (last + 2)
    between = (rows // every + 2) * size
    cells, out, below, end = s.cells, s.out, np.empty(LANES), np.empty(LANES)
    for k in range(2 * (last + 2)):
        for lane in range(LANES):
            s.adjoints[k, lane] = 0.0
    for piece in range(rows // every, -1, -1):
        begin = piece * every
        kept = (piece + 1) * size
        for i in range(begin + 1, min(begin + every - 1, rows) + 1):
            steps_of_row(gaps, s.factor[i], s.starts[i - 1], s.numbers)
            weights_of_row(plain, s.query[i - 1], s.target, weights, s.factor[i], used, last, s.table)
            row = between + (i - begin - 1) * size
            before = row - size if i > begin + 1 else kept
            call_forward(again, cells, before, row, s.text, s.table, s.numbers, out, inner, last)
        for i in range(min(begin + every - 1, rows), begin - 1, -1):
            for lane in range(LANES):
                below[lane] = s.factor[i + 1, lane] if i < rows else 0.0
                end[lane] = 1.0 / s.total[i, lane] if local or i == s.ends[lane] else 0.0
                for k in range(EXPECTED):
                    out[k, lane] = NOTHING
            steps_of_row(gaps, below, end, s.numbers)
            # nothing is below the last row: any letters will do, with a factor of 0
            weights_of_row(plain, s.query[max(min(i, rows - 1), 0)], s.target, weights, below, used, last, s.table)
            row = between + (i - begin - 1) * size if i > begin else kept
            call_backward(
                address, cells, row, s.adjoints, s.text, s.table, s.numbers, out, s.shares, inner, last
            )  # fmt: skip
            for lane in range(LANES):
                s.sums[0, lane] += gaps[0] * (out[NEW_ALONG, lane] + below[lane] * out[NEW_DOWN, lane])
                s.sums[1, lane] += gaps[1] * (out[ON_ALONG, lane] + below[lane] * out[ON_DOWN, lane])
            if i > 0 and s.counts.size > 0:
                count_row(plain, s.query[i - 1], s.target, last, s)
            if posterior.size > 0:
                everywhere += out[BY_LETTER, 0]
                if i < posterior.shape[1]:
                    for state in range(3):
                        for j in range(posterior.shape[2]):
                            posterior[state, i, j] = s.shares[3 * j + state, 0]
    return everywhere


@part
def judge(local, length, columns, growth, scale, total, rows, lane):
    """Log weight of a lane, and whether the guard refuses it."""
    whole = math.log(total[rows, lane]) + scale[rows, lane] * math.log(2.0)
    m = length + (0 if local else 1)
    best, pace = np.inf, 0.0
    for k in range(growth.size):
        bound = k * 0.25 * (columns + 1) + (m + 1) * max(growth[k], 0.0)
        if bound < best:
            best, pace = bound, max(growth[k], 0.0)
    tilt = best - (m + 1) * pace
    highest = -np.inf
    for i in range(m + 1):
        highest = max(highest, (m - i + 1) * pace + scale[i, lane] * math.log(2.0))
    leak = highest + tilt + math.log(FLOOR) + math.log(3.0 * (columns + 2)) + 2 * math.log(m + 1.0) - whole
    return whole, not (leak < math.log(LEAK) and whole < np.inf)


@loop
def align_blocks(
    addresses, local, plain, blocks, members, query, query_start, query_length, target, target_start, target_length,
    weights, gaps, growth, letters, s, log_weight, counts, opened, gap_letters, refused, posterior,
):  # fmt: skip
    """All pairs of some blocks; what is expected of them where rows are kept. Returns the last block's ``everywhere``.

    ``weights[query code, target code]`` are those of pairs, of the end and of padding behind the ``letters`` of each
    side; ``gaps`` those of a gap's first letter and of a further one; ``growth`` is that of :mod:`.soft`. Each member's
    results are written: ``log_weight``, whether it is ``refused``, and, where they are not empty, the others.
    """
    everywhere = 0.0
    for b in range(blocks.shape[0]):
        begin, rows, last, every = blocks[b, BEGIN], blocks[b, ROWS], blocks[b, COLUMNS], blocks[b, EVERY]
        used = min(LANES, members.size - begin)
        block = members[begin : begin + used]
        ours, theirs = (-1, -1) if local else (letters[0], letters[1])
        fill(block, used, query, query_start, query_length, ours, letters[0] + 1, 0, rows, s.query)
        fill(block, used, target, target_start, target_length, theirs, letters[1] + 1, 1, last + 2, s.target)
        if used < LANES:
            s.table.fill(0.0)  # the other lanes hold nothing
        inner = last
        for lane in range(LANES):
            k = block[min(lane, used - 1)]
            s.ends[lane] = query_length[k] + 1 if lane < used else -1
            s.lasts[lane] = target_length[k] + 1
            inner = min(inner, target_length[k])
        if plain:
            for j in range(last + 2):
                for lane in range(LANES):
                    code = s.target[j, lane]
                    for plane, bit in ((TWO, 2), (ONE, 1), (SPECIAL, 4)):
                        s.text[PLANES * j + plane, lane] = 255 if code & bit else 0
        forward_block(addresses[0], local, plain, s, weights, gaps, used, rows, last, inner, every)
        if every > 0:
            s.sums.fill(0.0)
            s.counts.fill(0.0)
            everywhere = backward_block(
                addresses[1], addresses[2], local, plain, s, weights, gaps, used, rows, last, inner, every, posterior
            )
        for lane in range(used):
            k = block[lane]
            log_weight[k], refused[k] = judge(local, query_length[k], last, growth, s.scale, s.total, rows, lane)
            if every > 0:
                opened[k], gap_letters[k] = s.sums[0, lane], s.sums[0, lane] + s.sums[1, lane]
                refused[k] |= not np.isfinite(gap_letters[k])
                if s.counts.size > 0:
                    for a in range(letters[0]):
                        for c in range(letters[1]):
                            counts[k, a, c] = s.counts[a, c, lane]
    return everywhere

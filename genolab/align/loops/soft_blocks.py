"""Forward and backward weights of a block of pairs, in scaled probability space; see :mod:`.soft` for how far it goes.

A number in the arrays times ``2**scale[row]`` is a weight: the sum of ``exp(score / temperature)`` over the beginnings
of alignments. Rows are rescaled by powers of two, which lose nothing. In global mode both sequences end with a letter
that pairs with its like alone, so that lengths may differ within a block and all alignments end with a pair.
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import math

from genolab.align.loops import loop, part
from genolab.align.loops.soft_vectors import EXPECTED, FLOOR, backward_row, forward_row

UNIT_BITS = 800
"""The origin weighs ``2**UNIT_BITS``, and rows are kept near it: more room below than above."""

UNIT, HIGH, LOW = 2.0**UNIT_BITS, 2.0**860, 2.0**740
NOTHING = 2.0**-900
MOST_BITS = 960
"""A total is at most ``2**MOST_BITS``."""


@loop
def fill(members, codes, start, length, end, padding, first, text):
    """Write each lane's letters from place ``first`` on, then ``end`` (unless negative), then padding."""
    for lane in range(text.shape[1]):
        k = members[min(lane, members.size - 1)]
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
        while at < text.shape[0]:
            text[at, lane] = padding
            at += 1


@part
def weights_of_row(letters, query, target, weights, factor, used, table):
    """Weights of a row's pairs, with the row's scale: by letter, or, where ``letters`` is None, by column."""
    lanes = used
    if letters is not None:
        for code in range(5):
            for lane in range(lanes):
                table[code, lane] = weights[query[lane], code] * factor[lane]
    else:
        for j in range(target.shape[0]):
            for lane in range(lanes):
                table[j, lane] = weights[query[lane], target[j, lane]] * factor[lane]


@part
def first_row(local, row, gaps):
    """Row 0: the origin and the gaps along it, or, in local mode, nothing: starts are weighed apart."""
    for j in range(row.shape[0]):
        for lane in range(row.shape[2]):
            row[j, 0, lane] = FLOOR
            row[j, 1, lane] = FLOOR
            row[j, 2, lane] = FLOOR
    if not local:
        for lane in range(row.shape[2]):
            row[0, 0, lane] = UNIT
            gap = gaps[0] * UNIT
            for j in range(1, row.shape[0]):
                row[j, 2, lane] = max(gap, FLOOR)
                gap *= gaps[1]


@part
def copy(source, to):
    """``to[...] = source``, which Numba is slow to compile."""
    for j in range(source.shape[0]):
        for state in range(3):
            for lane in range(source.shape[2]):
                to[j, state, lane] = source[j, state, lane]


@loop
def forward_block(
    local,
    letters,
    query,
    target,
    weights,
    gaps,
    ends,
    used,
    every,
    rows,
    kept,
    factor,
    scale,
    starts,
    total,
    table,
    steps,
):
    """Forward weights of all rows. ``kept[k]`` becomes row ``k * every``, unless ``every`` is 0.

    ``query[row - 1, lane]``, ``target[column, lane]``: codes. ``weights``: of each pair of codes. ``gaps``: of a gap's
    first letter, of a further one. ``ends[lane]``: the row of the end; the first ``used`` lanes have a pair. ``rows``
    is room for two rows. ``factor`` and ``scale`` become each row's own factor and the power of two of all factors up
    to it; ``starts`` the weight of a new start; ``total[row]`` the weight of all alignments, in the scale of that row.
    ``table`` and ``steps`` are room.
    """
    lanes = query.shape[1]
    last = target.shape[0] - 2
    first_row(local, rows[0], gaps)
    if every > 0:
        copy(rows[0], kept[0])
    for lane in range(lanes):
        scale[0, lane] = -UNIT_BITS
        factor[0, lane] = 1.0
        starts[0, lane] = UNIT if local else 0.0
        total[0, lane] = UNIT if local else 0.0
        steps[0, 0, lane] = UNIT
        steps[1, 2, lane] = gaps[0]
        steps[1, 3, lane] = gaps[1]
    for i in range(1, query.shape[0] + 1):
        for lane in range(lanes):
            change = 1.0
            scale[i, lane] = scale[i - 1, lane]
            top = steps[0, 0, lane]
            if (top > HIGH or top < LOW) and i <= ends[lane]:
                bits = math.frexp(top)[1] - UNIT_BITS
                if total[i - 1, lane] > 0.0:  # where a long local alignment has ended, rows lie far below the total
                    bits = max(bits, math.frexp(total[i - 1, lane])[1] - MOST_BITS)
                change = math.ldexp(1.0, -bits)
                scale[i, lane] += bits
            factor[i, lane] = change
            steps[1, 0, lane] = gaps[0] * change
            steps[1, 1, lane] = gaps[1] * change
            steps[1, 4, lane] = starts[i - 1, lane]
            starts[i, lane] = max(starts[i - 1, lane] * change, FLOOR) if local else 0.0
            steps[0, 0, lane] = max(starts[i, lane], FLOOR)
            steps[0, 1, lane] = 0.0
        weights_of_row(letters, query[i - 1], target, weights, factor[i], used, table)
        forward_row(rows[(i - 1) & 1], rows[i & 1], letters, table, steps[1], steps[0], last)
        if every > 0 and i % every == 0:
            copy(rows[i & 1], kept[i // every])
        for lane in range(lanes):
            here = steps[0, 1, lane] if local or i == ends[lane] else 0.0
            total[i, lane] = total[i - 1, lane] * factor[i, lane] + here
    for i in range(query.shape[0], 0, -1):
        for lane in range(lanes):
            total[i - 1, lane] = total[i, lane] / factor[i, lane]


@loop
def backward_block(
    local, letters, query, target, weights, gaps, ends, used, every, rows, kept, factor, starts, total, table, steps,
    segment, counts, sums, shares, whole, posterior,
):  # fmt: skip
    """What is expected of a block's alignments, from what :func:`forward_block` left.

    The adjoint of a scaled row, times the row, is a share of alignments as it is. ``segment[every]``: room for the rows
    between two kept ones. ``counts[query code, target code, lane]`` are added to; ``sums`` become new gaps, further
    letters of gaps, and more. Unless ``whole`` is None, ``posterior[state, row, column]`` of the first lane is written
    and the sum of its adjoints returned: what a number added to every cell would add, relative to the result.
    """
    everywhere = 0.0
    lanes, count = query.shape[1], query.shape[0]
    last = target.shape[0] - 2
    for state in range(sums.shape[0]):
        for lane in range(lanes):
            sums[state, lane] = NOTHING
    for side in range(2):
        for j in range(last + 2):
            for state in range(3):
                for lane in range(lanes):
                    rows[side, j, state, lane] = 0.0
    for piece in range(count // every, -1, -1):
        begin = piece * every
        end = min(begin + every - 1, count)
        copy(kept[piece], segment[0])
        for i in range(begin + 1, end + 1):
            for lane in range(lanes):
                steps[1, 0, lane] = gaps[0] * factor[i, lane]
                steps[1, 1, lane] = gaps[1] * factor[i, lane]
                steps[1, 2, lane] = gaps[0]
                steps[1, 3, lane] = gaps[1]
                steps[1, 4, lane] = starts[i - 1, lane]
            weights_of_row(letters, query[i - 1], target, weights, factor[i], used, table)
            forward_row(segment[i - 1 - begin], segment[i - begin], letters, table, steps[1], steps[0], last)
        for i in range(end, begin - 1, -1):
            for lane in range(lanes):
                below = factor[i + 1, lane] if i < count else 0.0
                steps[1, 0, lane] = gaps[0] * below
                steps[1, 1, lane] = gaps[1] * below
                steps[1, 2, lane] = gaps[0]
                steps[1, 3, lane] = gaps[1]
                steps[1, 4, lane] = 1.0 / total[i, lane] if local or i == ends[lane] else 0.0
                for code in range(2, EXPECTED):
                    sums[code, lane] = NOTHING
            if i < count:
                weights_of_row(letters, query[i], target, weights, factor[i + 1], used, table)
            else:
                for j in range(table.shape[0]):
                    for lane in range(lanes):
                        table[j, lane] = 0.0
            backward_row(
                segment[i - begin], rows[(i + 1) & 1], rows[i & 1], letters, table, steps[1], sums, shares, whole, last
            )
            if i > 0:
                if letters is not None:
                    for lane in range(lanes):
                        if query[i - 1, lane] < 4:
                            for code in range(4):
                                counts[query[i - 1, lane], code, lane] += sums[2 + code, lane]
                elif whole is None:
                    for j in range(1, last + 1):
                        for lane in range(lanes):
                            counts[query[i - 1, lane], target[j, lane], lane] += shares[j, 0, lane]
            if whole is not None:
                everywhere += first_lane(rows[i & 1])
                if i < posterior.shape[1]:
                    save(shares, i, posterior)
    return everywhere


@part
def first_lane(row):
    """The sum of a row's numbers in the first lane."""
    total = 0.0
    for j in range(row.shape[0]):
        total += row[j, 0, 0] + row[j, 1, 0] + row[j, 2, 0]
    return total


@part
def save(shares, i, posterior):
    """Keep a row of the first lane."""
    for j in range(posterior.shape[2]):
        for state in range(3):
            posterior[state, i, j] = shares[j, state, 0]

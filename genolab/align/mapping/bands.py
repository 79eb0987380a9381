"""Reads along their bands: :data:`genolab.align.pairwise.pairwise_scores` in local mode, 32 reads at once, in 16 bits.

A band is ``slots`` diagonals wide; slot ``b`` of row ``i`` is read letter ``i`` against reference letter
``first + i + b``. It is what :func:`genolab.align.align` computes in mode ``local`` with ``band=0`` for the read and
the ``length + slots - 1`` letters from ``first`` on, and a test holds the two together. Among equally good alignments
the end is the first in the read, then in the reference; walking back, a pair goes before a gap, a gap in the read
(``D``) before one in the reference (``I``), and an alignment starts as soon as it may.
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from genolab.align.loops import inlined, loop
from genolab.align.loops.columns import VECTOR_BYTES
from genolab.align.loops.directions import (
    ALONG_QUERY,
    ALONG_TARGET,
    DIAGONAL,
    QUERY_GAP_GOES_ON,
    SOURCE,
    START,
    TARGET_GAP_GOES_ON,
)
from genolab.align.loops.emit import Vectors
from genolab.align.mapping import chains as c

LANES = VECTOR_BYTES // 2
LOWEST = -(2**15)
"""A score of nothing: saturating differences end here, and so an alignment may start."""

LONGEST = 60_000
"""Letters of a read that 16 bits have room for."""

_NO_REFERENCE, _OUTSIDE = 5, 7  # letters that equal nothing
_INDEX = ir.IntType(64)


@intrinsic
def band_row(typing, h, f, read, at, reference, reference_at, best, slots, number, costs, directions, to):
    """One row of the bands of 32 reads: their letter from ``at`` on, against the reference's from ``reference_at`` on.

    ``h`` and ``f`` hold the row before, a vector a slot and one more behind the last, and become this one; ``f`` is
    what a gap is worth that goes on downwards. ``best``: the best scores, their rows and slots. ``costs``: a gap with
    its first letter, a further letter, match, mismatch. The byte of slot ``b`` goes to ``directions[to + 32 * b]``.
    """
    place = types.intp
    signature = types.void(h, f, read, place, reference, place, best, place, place, costs, directions, place)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = Vectors(context, builder, 16, LANES, saturating=True)
        h_rows, f_rows, reads, letters, best_lanes, numbers, bytes_out = (
            v.pointer(signature.args[k], arguments[k]) for k in (0, 1, 2, 4, 6, 9, 10)
        )
        *gap_costs, match, mismatch = (v.splat(builder.load(builder.gep(numbers, [_INDEX(k)]))) for k in range(4))
        ours = v.load(reads, arguments[3], v.bytes)
        start, one = (ir.Constant(v.type, [number] * LANES) for number in (LOWEST, 1))
        row, lanes = v.splat(arguments[8]), _INDEX(LANES)
        highest, its_row, its_slot = (v.load(best_lanes, _INDEX(k * LANES)) for k in range(3))

        def slot(b: Any, carried: list[Any]) -> list[Any]:
            along, highest, its_row, its_slot, this_slot = carried
            here = builder.mul(b, lanes)
            theirs = v.load(letters, builder.add(arguments[5], here), v.bytes)
            worth = v.choose(ours, "==", theirs, match, mismatch)
            down = v.load(f_rows, builder.add(here, lanes))
            pair = v.add(v.load(h_rows, here), worth)
            cell = v.maximum(v.maximum(pair, along), down)
            v.store(cell, h_rows, here)
            v.store(v.leaving(cell, down, gap_costs), f_rows, here)
            its_row = v.choose(cell, ">", highest, row, its_row)
            its_slot = v.choose(cell, ">", highest, this_slot, its_slot)
            source = v.choose(cell, "==", along, ALONG_TARGET, ALONG_QUERY)
            source = v.choose(cell, "==", pair, DIAGONAL, source)
            source = v.choose(cell, "==", start, START, source)
            byte = builder.or_(source, v.goes_on(cell, along, gap_costs, TARGET_GAP_GOES_ON))
            byte = builder.or_(byte, v.goes_on(cell, down, gap_costs, QUERY_GAP_GOES_ON))
            v.store(byte, bytes_out, builder.add(arguments[11], here))
            highest = v.maximum(highest, cell)
            return [v.leaving(cell, along, gap_costs), highest, its_row, its_slot, builder.add(this_slot, one)]

        zero = ir.Constant(v.type, [0] * LANES)
        results = v.loop(arguments[7], 1, [start, highest, its_row, its_slot, zero], slot)
        for k in range(3):
            v.store(results[k + 1], best_lanes, _INDEX(k * LANES))
        return context.get_dummy_value()

    return signature, generate


@inlined
def fill(members, candidates, codes, start, length, reference, starts, lengths, rows, slots, ours, theirs):
    """The letters of up to 32 reads and of the reference beside them, in lanes; beyond their ends, equal to nothing."""
    for lane in range(LANES):
        row = candidates[members[min(lane, members.size - 1)]]
        r, strand = row[c.READ], row[c.STRAND]
        size = length[r]
        if strand == 0:
            for i in range(size):
                ours[i * LANES + lane] = codes[start[r] + i]
        else:  # what is no base wraps round to 255
            for i in range(size):
                ours[i * LANES + lane] = np.uint8(3 - codes[start[r] + size - 1 - i])
        for i in range(size, rows):
            ours[i * LANES + lane] = _OUTSIDE
        low = starts[row[c.CONTIG]]
        high, first = low + lengths[row[c.CONTIG]], row[c.FIRST]
        begin, end = max(low - first, 0), min(high - first, rows + slots - 1)
        for j in range(begin):
            theirs[j * LANES + lane] = _NO_REFERENCE
        for j in range(begin, end):
            code = reference[first + j]
            theirs[j * LANES + lane] = code + (code >> 2)  # 5 for what is no base, which a read's 4 does not equal
        for j in range(max(end, 0), rows + slots - 1):
            theirs[j * LANES + lane] = _NO_REFERENCE


@inlined
def walk(row, directions, lane, slots, i, b, operations, at):
    """From the end of an alignment to its start: sets the ends in ``row``, and its operations, as BAM packs them."""
    row[c.READ_END], row[c.END] = i + 1, row[c.FIRST] + i + b + 1
    gap, kind, run, count = DIAGONAL, -1, 0, 0
    while i >= 0 and 0 <= b < slots:
        byte = directions[(i * slots + b) * LANES + lane]
        if (gap == ALONG_TARGET and not byte & TARGET_GAP_GOES_ON) or (
            gap == ALONG_QUERY and not byte & QUERY_GAP_GOES_ON
        ):
            gap = DIAGONAL
        if gap == DIAGONAL:
            gap = byte & SOURCE
        if gap == START:
            break
        if gap == DIAGONAL:
            now = 0
            i -= 1
        elif gap == ALONG_TARGET:
            now = 2
            b -= 1
        else:
            now = 1
            i -= 1
            b += 1
        if now == kind:
            run += 1
        else:
            if run > 0:
                operations[at + count] = run << 4 | kind
                count += 1
            kind, run = now, 1
    if run > 0:
        operations[at + count] = run << 4 | kind
        count += 1
    for z in range(count // 2):
        other = at + count - 1 - z
        operations[at + z], operations[other] = operations[other], operations[at + z]
    row[c.READ_START], row[c.START] = i + 1, row[c.FIRST] + i + b + 1
    row[c.COUNT] = count


@loop
def align_bands(
    members, candidates, codes, start, length, reference, starts, lengths, costs, operations, ours, theirs, h, f,
    directions,
):  # fmt: skip
    """Align the candidates ``members``, neighbours with equal ``SLOTS`` together, and fill in their rows."""
    best = np.empty(3 * LANES, np.int16)
    begin = 0
    while begin < members.size:
        slots = candidates[members[begin], c.SLOTS]
        end, rows = begin, 0
        while end < members.size and end - begin < LANES and candidates[members[end], c.SLOTS] == slots:
            rows = max(rows, length[candidates[members[end], c.READ]])
            end += 1
        block = members[begin:end]
        fill(block, candidates, codes, start, length, reference, starts, lengths, rows, slots, ours, theirs)
        for z in range((slots + 1) * LANES):
            h[z] = f[z] = LOWEST
        for z in range(3 * LANES):
            best[z] = LOWEST if z < LANES else 0
        for i in range(rows):
            band_row(
                h, f, ours, i * LANES, theirs, i * LANES, best, slots, i, costs, directions, i * slots * LANES
            )  # fmt: skip
        for lane in range(block.size):
            row = candidates[block[lane]]
            row[c.SCORE] = np.int64(best[lane]) - LOWEST
            at_row, at_slot = np.int64(best[LANES + lane]) & 0xFFFF, np.int64(best[2 * LANES + lane]) & 0xFFFF
            walk(row, directions, lane, slots, at_row, at_slot, operations, row[c.OPERATIONS])
        begin = end

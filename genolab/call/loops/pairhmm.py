"""The pair-HMM's forward sums of many pairs, 16 at once: one pair a lane of single-precision vectors.

Column ``c`` of a lane's matrix is column ``c - shift`` of its haplotype, where each lane's shift puts its band over the
same columns as the others'. LLVM gives up on vectorising the plain loop (too many arrays that may alias), so a row is
written as vector instructions. Every sum starts at 2**100; the few that fall out of single precision are computed
again in double precision, and those that fall out of that one by one, each row scaled. No loop allocates anything, so
that its machine code can be kept (:mod:`genolab.kernel.machine`).
"""
# mypy: disallow-untyped-defs=False

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

from genolab.call.forward import BEYOND, LANES, NOTHING

loop = njit(nogil=True, cache=True, error_model="numpy", no_cfunc_wrapper=True)
part = njit(nogil=True, cache=True, error_model="numpy", no_cfunc_wrapper=True, no_cpython_wrapper=True)
inlined = njit(nogil=True, cache=True, error_model="numpy", no_cfunc_wrapper=True, inline="always")
"""As in :mod:`genolab.align.loops`: for Python to call, for compiled code only, and to compile with its caller."""


@intrinsic
def _row(typing_context, state, letters, opening, right, wrong, code, first, last, extension, floor):
    """One row of the matrix, columns ``first`` to ``last``: ``state[c]`` holds M, I and D of the row before, then it.

    ``state`` is (column, 3, lane); ``letters`` and ``opening`` are (column, lane); ``right``, ``wrong`` and ``code``
    are (lane,): the emission where letters are equal, where not, and the read's letter. ``first`` is 1 or more.
    """
    signature = types.void(state, letters, opening, right, wrong, code, first, last, extension, floor)

    def generate(context, builder, signature, arguments):
        number = ir.FloatType() if state.dtype == types.float32 else ir.DoubleType()
        size = 4 if state.dtype == types.float32 else 8
        floats, bytes_, index = ir.VectorType(number, LANES), ir.VectorType(ir.IntType(8), LANES), ir.IntType(64)

        def data(position, kind):
            array = context.make_array(signature.args[position])(context, builder, arguments[position])
            return builder.bitcast(array.data, kind.as_pointer())

        def load(pointer, align):
            value = builder.load(pointer)
            value.align = align
            return value

        def spread(value):
            one = builder.insert_element(ir.Constant(floats, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
            mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
            return builder.shuffle_vector(one, ir.Constant(floats, ir.Undefined), mask)

        def at(pointer, place, plane):
            place = builder.add(builder.mul(place, ir.Constant(index, 3)), ir.Constant(index, plane))
            return builder.gep(pointer, [place])

        # no fused multiply-add: NumPy's arrays then give the same bits
        times, plus = builder.fmul, builder.fadd

        states, codes, openings = data(0, floats), data(1, bytes_), data(2, floats)
        if_same, if_not, own = load(data(3, floats), size), load(data(4, floats), size), load(data(5, bytes_), 1)
        begin, end = arguments[6], arguments[7]
        extend, lowest = spread(arguments[8]), spread(arguments[9])
        one, zero = ir.Constant(floats, [1.0] * LANES), ir.Constant(floats, [0.0] * LANES)
        closing = builder.fsub(one, extend)
        outside = builder.sub(begin, ir.Constant(index, 1))
        corner_m = load(at(states, outside, 0), size)
        corner_gap = plus(load(at(states, outside, 1), size), load(at(states, outside, 2), size))

        entry = builder.block
        loop, done = builder.append_basic_block("column"), builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed("<", begin, end), loop, done)
        builder.position_at_end(loop)
        c = builder.phi(index)
        diagonal_m, diagonal_gap, left_m, left_d = (builder.phi(floats) for _ in range(4))
        places = [at(states, c, plane) for plane in range(3)]
        above_m, above_i, above_d = (load(place, size) for place in places)
        open_ = load(builder.gep(openings, [c]), size)
        letter = load(builder.gep(codes, [c]), 1)
        emitted = builder.select(builder.icmp_unsigned("==", letter, own), if_same, if_not)
        going_on = builder.fsub(one, plus(open_, open_))
        m = plus(times(emitted, plus(times(diagonal_m, going_on), times(diagonal_gap, closing))), lowest)
        inserted = plus(times(open_, above_m), times(extend, above_i))
        deleted = plus(times(open_, left_m), times(extend, left_d))
        for value, place in zip((m, inserted, deleted), places, strict=True):
            builder.store(value, place).align = size
        following = builder.add(c, ir.Constant(index, 1))
        steps = (
            (c, begin, following),
            (diagonal_m, corner_m, above_m),
            (diagonal_gap, corner_gap, plus(above_i, above_d)),
            (left_m, zero, m),
            (left_d, zero, deleted),
        )
        for phi, at_first, then in steps:
            phi.add_incoming(at_first, entry)
            phi.add_incoming(then, loop)
        builder.cbranch(builder.icmp_signed("<", following, end), loop, done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return signature, generate


@inlined
def _forward(
    members, base, right_of, wrong_of, read_start, read_length, haplotype, opening, haplotype_start, haplotype_length,
    diagonal, band, extension, start, floor, state, letters, gaps, codes, right, wrong, sums,
):  # fmt: skip
    """Sums of up to 16 pairs; ``sums[lane]`` becomes ``start`` * P(read | haplotype)."""
    zero, rows, columns, shortest = floor - floor, np.int64(0), np.int64(0), np.int64(2**40)
    banded = False
    for p in members:
        rows = max(rows, read_length[p])
        shortest = min(shortest, read_length[p])
        farthest = max(haplotype_length[p] - 1 - diagonal[p], read_length[p] - 1 + diagonal[p])
        banded |= farthest > band
        columns = max(columns, haplotype_length[p])
    # column 0 stands before everything that may be reached; a band of row i is over columns i + 1 to i + 2 band + 1
    width = rows + 2 * band + 2 if banded else columns + 1
    starts = 2 * band + 1 if banded else columns
    begin = start / (start / start - extension)
    for c in range(width):  # a slice would compile for longer
        for lane in range(LANES):
            state[c, 0, lane] = state[c, 1, lane] = state[c, 2, lane] = gaps[c, lane] = zero
            letters[c, lane] = BEYOND
    for i in range(rows):
        for lane in range(LANES):
            codes[i, lane] = NOTHING
            right[i, lane] = wrong[i, lane] = zero
    for lane in range(LANES):
        p = members[min(lane, members.size - 1)]
        shift = band + 1 - diagonal[p] if banded else np.int64(1)
        n, at = haplotype_length[p], haplotype_start[p] - shift
        for c in range(max(shift, 0), min(shift + n, width)):
            letters[c, lane] = haplotype[at + c]
            gaps[c, lane] = opening[at + c]
        for c in range(max(shift - 1, 0), min(shift + n - 1, starts)):  # the start before column c + 1
            state[c, 2, lane] = begin
        at = read_start[p]
        for i in range(read_length[p]):
            codes[i, lane] = base[at + i]
            right[i, lane] = right_of[at + i]
            wrong[i, lane] = wrong_of[at + i]
    for i in range(rows):
        first = i + 1 if banded else np.int64(1)
        last = i + 2 * band + 2 if banded else columns + 1
        _row(state, letters, gaps, right[i], wrong[i], codes[i], first, last, extension, floor)
        if i == 0:
            for lane in range(LANES):
                state[0, 0, lane] = state[0, 1, lane] = state[0, 2, lane] = zero
        if i + 1 < shortest:
            continue
        for lane in range(LANES):
            p = members[min(lane, members.size - 1)]
            if read_length[p] == i + 1:
                shift = band + 1 - diagonal[p] if banded else np.int64(1)
                total = zero
                for c in range(max(first, shift), min(last, shift + haplotype_length[p])):
                    total += state[c, 0, lane] + state[c, 1, lane]
                sums[lane] = total


@inlined
def _forward_scaled(base, error, haplotype, opening, diagonal, band, extension, rows):
    """log10 P of one pair in double precision, each row scaled by its largest value."""
    n = haplotype.size
    m, ins, deleted = rows[0, : n + 1], rows[1, : n + 1], rows[2, : n + 1]  # place j + 1 holds column j
    for j in range(n + 1):
        m[j] = ins[j] = 0.0
        deleted[j] = 1.0 / (1.0 - extension) if j < n else 0.0
    scale = 0.0
    for i in range(base.size):
        e = error[i]
        corner_m, corner_gap, left_m, left_d, largest = m[0], ins[0] + deleted[0], 0.0, 0.0, 0.0
        m[0] = ins[0] = deleted[0] = 0.0
        for j in range(n):
            above_m, above_i, above_d = m[j + 1], ins[j + 1], deleted[j + 1]
            if abs(j - i - diagonal) <= band:
                g = opening[j]
                emitted = 1.0 - e if base[i] == haplotype[j] and base[i] < 4 else e / 3.0
                m[j + 1] = emitted * ((1.0 - 2.0 * g) * corner_m + (1.0 - extension) * corner_gap)
                ins[j + 1] = 0.0 if i == 0 else g * above_m + extension * above_i
                deleted[j + 1] = g * left_m + extension * left_d
                largest = max(largest, m[j + 1], ins[j + 1])
            else:
                m[j + 1] = ins[j + 1] = deleted[j + 1] = 0.0
            left_m, left_d = m[j + 1], deleted[j + 1]
            corner_m, corner_gap = above_m, above_i + above_d
        if largest <= 1e-300:
            return scale - 300.0 * (base.size - i)
        for j in range(n + 1):
            m[j] /= largest
            ins[j] /= largest
            deleted[j] /= largest
        scale += math.log10(largest)
    matched, inserted = 0.0, 0.0
    for j in range(n + 1):
        matched += m[j]
        inserted += ins[j]
    return scale + math.log10(matched + inserted)


@loop
def one_by_one(
    members, codes, error, read_start, read_length, haplotype, opening, haplotype_start, haplotype_length, diagonal,
    band, extension, rows, result,
):  # fmt: skip
    """The likelihoods of some pairs; ``rows`` is room for three rows of the longest haplotype and one more column."""
    for p in members:
        r, h = read_start[p], haplotype_start[p]
        m, n = read_length[p], haplotype_length[p]
        result[p] = _forward_scaled(
            codes[r : r + m], error[r : r + m], haplotype[h : h + n], opening[h : h + n], diagonal[p], band, extension,
            rows,
        )  # fmt: skip


@part
def sums_of_pairs(
    order, base, right_of, wrong_of, read_start, read_length, haplotype, opening, haplotype_start, haplotype_length,
    diagonal, band, extension, start, floor, state, letters, gaps, codes, right, wrong, sums, result,
):  # fmt: skip
    """The sums of pairs that come in an order which puts like lengths beside each other; from ``state`` on it is room.

    :func:`genolab.call.forward.sums_in_lanes` makes the room.
    """
    for at in range(0, order.size, LANES):
        members = order[at : at + LANES]
        _forward(
            members, base, right_of, wrong_of, read_start, read_length, haplotype, opening, haplotype_start,
            haplotype_length, diagonal, band, extension, start, floor, state, letters, gaps, codes, right, wrong, sums,
        )  # fmt: skip
        for lane in range(members.size):
            result[at + lane] = sums[lane]


def exact_likelihoods(*arrays: np.ndarray) -> np.ndarray:
    """The same in double precision throughout, one pair after the other: what the lanes are measured against."""
    base, quality, read_start = arrays[:3]
    error, codes = np.minimum(10.0 ** (quality / -10.0), 0.75), np.where(base < 4, base, np.uint8(NOTHING))
    result = np.empty(read_start.size)
    extension = float(arrays[10]) if len(arrays) > 10 else 0.1
    rows = np.empty((3, int(arrays[7].max(initial=0)) + 1))
    one_by_one(np.arange(read_start.size), codes, error, *arrays[2:9], int(arrays[9]), extension, rows, result)
    return result

"""Vector code that the compiler cannot be trusted to find: Gotoh's recurrence for many cells at once.

It is written for LLVM, not for a processor: the same code becomes AVX-512, AVX2 or NEON, whatever the machine has. Each
intrinsic takes arrays and offsets into them, and works through rows of vectors; nothing is checked here.
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

# where a score came from, the low three bits of a direction byte
DIAGONAL, ALONG_TARGET, ALONG_QUERY, ALONG_TARGET_2, ALONG_QUERY_2, START = range(6)
SOURCE = 7
# the gap that leaves this cell is one that already was open when it came in
TARGET_GAP_GOES_ON, QUERY_GAP_GOES_ON, TARGET_GAP_2_GOES_ON, QUERY_GAP_2_GOES_ON = 8, 16, 32, 64

_INDEX = ir.IntType(64)


class Vectors:
    """Emits operations on vectors of ``width`` integers of ``bits`` bits; 8 and 16 bits saturate."""

    def __init__(self, context: Any, builder: ir.IRBuilder, bits: int, width: int) -> None:
        self.context, self.builder, self.bits, self.width = context, builder, bits, width
        self.lane = ir.IntType(bits)
        self.type = ir.VectorType(self.lane, width)
        self.bytes = ir.VectorType(ir.IntType(8), width)

    def pointer(self, array_type: Any, array: Any) -> Any:
        """The address of an array's first item."""
        return self.context.make_array(array_type)(self.context, self.builder, array).data

    def load(self, pointer: Any, at: Any, kind: Any = None) -> Any:
        """A vector from item ``at`` on; ``kind`` where the items are not lanes."""
        kind = kind or self.type
        address = self.builder.bitcast(self.builder.gep(pointer, [at]), kind.as_pointer())
        return self.builder.load(address, align=kind.element.width // 8)

    def store(self, value: Any, pointer: Any, at: Any) -> None:
        """A vector to item ``at`` and the following."""
        address = self.builder.bitcast(self.builder.gep(pointer, [at]), value.type.as_pointer())
        self.builder.store(value, address, align=value.type.element.width // 8)

    def splat(self, number: Any) -> Any:
        """A scalar of any integer type in every lane."""
        lane = self.lane
        cast = self.builder.trunc if number.type.width > lane.width else self.builder.sext
        number = number if number.type.width == lane.width else cast(number, lane)
        none = ir.Constant(self.type, ir.Undefined)
        first = self.builder.insert_element(none, number, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        return self.builder.shuffle_vector(first, none, zeros)

    def maximum(self, a: Any, b: Any) -> Any:
        return self._call("smax", a, b)

    def add(self, a: Any, b: Any) -> Any:
        return self.builder.add(a, b) if self.bits == 32 else self._call("sadd.sat", a, b)

    def subtract(self, a: Any, b: Any) -> Any:
        return self.builder.sub(a, b) if self.bits == 32 else self._call("ssub.sat", a, b)

    def byte(self, number: int) -> Any:
        """A constant byte for every lane."""
        return ir.Constant(self.bytes, [number] * self.width)

    def choose(self, a: Any, relation: str, b: Any, yes: Any, no: Any) -> Any:
        """Lane by lane ``yes`` where the relation holds, else ``no``; plain numbers stand for bytes."""
        pick = [self.byte(x) if isinstance(x, int) else x for x in (yes, no)]
        return self.builder.select(self.builder.icmp_signed(relation, a, b), *pick)

    def _call(self, name: str, a: Any, b: Any) -> Any:
        full = f"llvm.{name}.v{self.width}i{self.bits}"
        kind = ir.FunctionType(self.type, [self.type, self.type])
        known = self.builder.module.globals.get(full)
        return self.builder.call(known or ir.Function(self.builder.module, kind, full), [a, b])

    def leaving(self, h: Any, gap: Any, costs: list[Any]) -> Any:
        """What a gap is worth when it leaves a cell; ``costs``: a new gap with its first letter, a further letter."""
        return self.maximum(self.subtract(gap, costs[1]), self.subtract(h, costs[0]))

    def goes_on(self, h: Any, gap: Any, costs: list[Any], bit: int) -> Any:
        """``bit`` where the gap that leaves was open before, which a new one of equal worth goes before."""
        return self.choose(self.subtract(gap, costs[1]), ">", self.subtract(h, costs[0]), bit, 0)

    def loop(self, count: Any, step: int, carried: list[Any], body: Callable[[Any, list[Any]], list[Any]]) -> list[Any]:
        """Emit ``for at in range(0, count, step)``, at least once; ``body`` takes and returns what is carried."""
        builder = self.builder
        before, inside = builder.block, builder.append_basic_block("loop")
        builder.branch(inside)
        builder.position_at_end(inside)
        at = builder.phi(_INDEX)
        at.add_incoming(_INDEX(0), before)
        phis = [builder.phi(value.type) for value in carried]
        for phi, value in zip(phis, carried, strict=True):
            phi.add_incoming(value, before)
        results = body(at, phis)
        following = builder.add(at, _INDEX(step))
        at.add_incoming(following, builder.block)
        for phi, value in zip(phis, results, strict=True):
            phi.add_incoming(value, builder.block)
        after = builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed("<", following, count), inside, after)
        builder.position_at_end(after)
        return results


WAVE = 16
"""Cells of an anti-diagonal that are computed at once, in 32 bits; arrays need as much room behind their last."""


@intrinsic
def diagonal(
    typing,
    state,
    h,
    h_diagonal,
    e,
    f_in,
    f,
    e_2,
    f_in_2,
    f_2,
    scores,
    at_score,
    count,
    gaps,
    floor,
    two_pieces,
    directions,
    to,
):
    """Compute ``count`` neighbouring cells of one anti-diagonal, and a few of no meaning behind them.

    ``h``, ``e``, ``f`` ... are offsets into ``state``, ``at_score`` and ``to`` into their arrays. ``floor`` is what an
    alignment is worth that starts in a cell. ``two_pieces`` and ``directions`` may be None: what is not wanted is not
    compiled.
    """
    keep, second_piece = not isinstance(directions, types.NoneType), not isinstance(two_pieces, types.NoneType)
    offsets = [types.intp] * 8
    signature = types.void(
        state, *offsets, scores, types.intp, types.intp, gaps, types.int32, two_pieces, directions, types.intp
    )

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = Vectors(context, builder, 32, WAVE)
        base, letters, costs = (v.pointer(signature.args[k], arguments[k]) for k in (0, 9, 12))
        h, h_diagonal, e, f_in, f, e_2, f_in_2, f_2 = arguments[1:9]
        at_score, count, to = arguments[10], arguments[11], arguments[16]
        cost = [builder.load(builder.gep(costs, [_INDEX(k)])) for k in range(4)]
        first = [v.splat(builder.add(cost[0], cost[1])), v.splat(cost[1])]
        second = [v.splat(builder.add(cost[2], cost[3])), v.splat(cost[3])]
        start = v.splat(arguments[13])

        def vector(at: Any, _: list[Any]) -> list[Any]:
            def here(row: Any) -> Any:
                return builder.add(row, at)

            pair = v.add(v.load(base, here(h_diagonal)), v.load(letters, here(at_score)))
            gap_e, gap_f = v.load(base, here(e)), v.load(base, here(f_in))
            best = v.maximum(v.maximum(v.maximum(pair, gap_e), gap_f), start)
            if second_piece:
                gap_e2, gap_f2 = v.load(base, here(e_2)), v.load(base, here(f_in_2))
                best = v.maximum(v.maximum(best, gap_e2), gap_f2)
                v.store(v.leaving(best, gap_e2, second), base, here(e_2))
                v.store(v.leaving(best, gap_f2, second), base, here(f_2))
            v.store(best, base, here(h))
            v.store(v.leaving(best, gap_e, first), base, here(e))
            v.store(v.leaving(best, gap_f, first), base, here(f))
            if keep:
                source = v.byte(ALONG_QUERY)
                if second_piece:
                    source = v.choose(best, "==", gap_e2, ALONG_TARGET_2, ALONG_QUERY_2)
                    source = v.choose(best, "==", gap_f, ALONG_QUERY, source)
                source = v.choose(best, "==", gap_e, ALONG_TARGET, source)
                source = v.choose(best, "==", pair, DIAGONAL, source)
                source = v.choose(best, "==", start, START, source)
                byte = builder.or_(source, v.goes_on(best, gap_e, first, TARGET_GAP_GOES_ON))
                byte = builder.or_(byte, v.goes_on(best, gap_f, first, QUERY_GAP_GOES_ON))
                if second_piece:
                    byte = builder.or_(byte, v.goes_on(best, gap_e2, second, TARGET_GAP_2_GOES_ON))
                    byte = builder.or_(byte, v.goes_on(best, gap_f2, second, QUERY_GAP_2_GOES_ON))
                v.store(byte, v.pointer(signature.args[15], arguments[15]), here(to))
            return []

        v.loop(count, WAVE, [], vector)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def compare_letters(typing, query, at_query, target, at_target, match, mismatch, scores, at_score, count):
    """``scores[k] = match if query[k] == target[k] else mismatch``, for ``count`` letters from the offsets on."""
    place, number = types.intp, types.int32
    signature = types.void(query, place, target, place, number, number, scores, place, place)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = Vectors(context, builder, 32, WAVE)
        some, others = v.pointer(query, arguments[0]), v.pointer(target, arguments[2])
        result, yes, no = v.pointer(scores, arguments[6]), v.splat(arguments[4]), v.splat(arguments[5])

        def vector(at: Any, _: list[Any]) -> list[Any]:
            a = v.load(some, builder.add(arguments[1], at), v.bytes)
            b = v.load(others, builder.add(arguments[3], at), v.bytes)
            v.store(v.choose(a, "==", b, yes, no), result, builder.add(arguments[7], at))
            return []

        v.loop(arguments[8], WAVE, [], vector)
        return context.get_dummy_value()

    return signature, generate


VECTOR_BYTES = 64
"""Vectors of lanes have that many bytes: 64 pairs in 8 bits, 32 in 16; narrower processors take them in parts."""

TILE = 16


@intrinsic
def transpose(typing, source, offsets, at, count, result, to, stride):
    """Bytes of ``TILE`` rows to columns: ``result[to + k * stride + r] = source[offsets[at + r] + k]``.

    ``count`` is rounded up to whole tiles, which the arrays must have room for.
    """
    place = types.intp
    signature = types.void(source, offsets, place, place, result, place, place)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = Vectors(context, builder, 8, TILE)
        rows, places, columns = v.pointer(source, arguments[0]), v.pointer(offsets, arguments[1]), arguments[4]
        columns = v.pointer(result, arguments[4])
        starts = [builder.load(builder.gep(places, [builder.add(arguments[2], _INDEX(r))])) for r in range(TILE)]

        def zipped(a: Any, b: Any, half: int) -> Any:
            picks = [x for k in range(TILE // 2) for x in (half + k, TILE + half + k)]
            return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), TILE), picks))

        def tile(k: Any, _: list[Any]) -> list[Any]:
            held = [v.load(rows, builder.add(start, k)) for start in starts]
            for _stage in range(4):  # four perfect shuffles of 16 rows are a transposition
                pairs = list(zip(held[: TILE // 2], held[TILE // 2 :], strict=True))
                held = [zipped(a, b, half) for a, b in pairs for half in (0, TILE // 2)]
            for r, column in enumerate(held):
                row = builder.add(k, _INDEX(r))
                v.store(column, columns, builder.add(arguments[5], builder.mul(row, arguments[6])))
            return []

        v.loop(arguments[3], TILE, [], tile)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def column(
    typing, h, e, letters, target, at, best, rows, diagonal, gap, costs, number, by_table, anywhere, directions, to
):
    """Compute one column of the matrices of as many pairs as there are lanes; the type of ``h`` tells their width.

    ``h`` and ``e``, rows of lanes, hold the column before and become this one. ``letters``, rows of lanes too, are the
    codes of the queries, to be compared with those of ``target`` from ``at`` on, or, ``by_table``, scores. ``diagonal``
    and ``gap`` are ``H`` of the row above in the column before, and the gap that comes down from there. ``costs``: a
    gap with its first letter, a further letter, match, mismatch. ``anywhere`` keeps the best score of each lane in
    ``best``, followed, with ``directions``, by its row and its column; direction bytes are written from ``to`` on.
    ``by_table``, ``anywhere`` and ``directions`` may be None: what is not wanted is not compiled. A score at the lower
    end of its width starts an alignment.
    """
    place, score, bits = types.intp, types.int32, h.dtype.bitwidth
    width = 8 * VECTOR_BYTES // bits
    scored, local, keep = (not isinstance(each, types.NoneType) for each in (by_table, anywhere, directions))
    signature = types.void(
        h, e, letters, target, place, best, place, score, score, costs, place, by_table, anywhere, directions, place
    )

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = Vectors(context, builder, bits, width)
        h_rows, e_rows, letter_rows, best_lanes, numbers = (
            v.pointer(signature.args[k], arguments[k]) for k in (0, 1, 2, 5, 9)
        )
        *gap_costs, match, mismatch = (v.splat(builder.load(builder.gep(numbers, [_INDEX(k)]))) for k in range(4))
        theirs = v.load(v.pointer(target, arguments[3]), arguments[4], v.bytes)
        start = ir.Constant(v.type, [-(2 ** (bits - 1))] * width)
        one = ir.Constant(v.type, [1] * width)
        best_before, best_row = v.load(best_lanes, _INDEX(0)), v.load(best_lanes, _INDEX(width))

        def row(at: Any, carried: list[Any]) -> list[Any]:
            above_left, down, highest, its_row, this_row = carried
            here = builder.mul(at, _INDEX(width))
            value = v.load(letter_rows, here, v.bytes)
            if not scored:
                value = v.choose(value, "==", theirs, match, mismatch)
            elif bits > 8:
                value = builder.sext(value, v.type)
            left, along = v.load(h_rows, here), v.load(e_rows, here)
            pair = v.add(above_left, value)
            cell = v.maximum(v.maximum(pair, along), down)
            v.store(cell, h_rows, here)
            v.store(v.leaving(cell, along, gap_costs), e_rows, here)
            if local and keep:
                its_row = v.choose(cell, ">", highest, this_row, its_row)
                this_row = builder.add(this_row, one)
            if local:
                highest = v.maximum(highest, cell)
            if keep:
                source = v.choose(cell, "==", along, ALONG_TARGET, ALONG_QUERY)
                source = v.choose(cell, "==", pair, DIAGONAL, source)
                if local:
                    source = v.choose(cell, "==", start, START, source)
                byte = builder.or_(source, v.goes_on(cell, along, gap_costs, TARGET_GAP_GOES_ON))
                byte = builder.or_(byte, v.goes_on(cell, down, gap_costs, QUERY_GAP_GOES_ON))
                v.store(byte, v.pointer(signature.args[13], arguments[13]), builder.add(arguments[14], here))
            return [left, v.leaving(cell, down, gap_costs), highest, its_row, this_row]

        carried = [v.splat(arguments[7]), v.splat(arguments[8]), best_before, best_row, one]
        *_, highest, its_row, _ = v.loop(arguments[6], 1, carried, row)
        if local:
            v.store(highest, best_lanes, _INDEX(0))
        if local and keep:
            v.store(its_row, best_lanes, _INDEX(width))
            its_column = v.load(best_lanes, _INDEX(2 * width))
            its_column = v.choose(highest, ">", best_before, v.splat(arguments[10]), its_column)
            v.store(its_column, best_lanes, _INDEX(2 * width))
        return context.get_dummy_value()

    return signature, generate


WORD_LANES = 8
"""Pairs whose words of 64 rows are worked on at once."""


@intrinsic
def edit_words(typing, equals, at, codes, letters, column, up, down, first, count, above, carry):
    """Work through ``count`` words of one column of :mod:`genolab.align.loops.edit`, from word ``first`` on.

    ``equals[word, code, lane]`` starts at ``at``; ``letters[column + lane]`` are the codes of the column. ``above`` is
    the step of the row above the first word, 0 or 1; that of the last row is left in ``carry``: ups, then downs.
    """
    place = types.intp
    signature = types.void(equals, place, place, letters, place, up, down, place, place, types.uint64, carry)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = Vectors(context, builder, 64, WORD_LANES)
        tables, text, ups, downs, out = (v.pointer(signature.args[k], arguments[k]) for k in (0, 3, 5, 6, 10))
        lanes = _INDEX(WORD_LANES)
        rows = []
        for lane in range(WORD_LANES):
            letter = builder.load(builder.gep(text, [builder.add(arguments[4], _INDEX(lane))]))
            row = builder.add(builder.mul(builder.zext(letter, _INDEX), lanes), _INDEX(lane))
            rows.append(builder.add(row, arguments[1]))
        top, one = (ir.Constant(v.type, [number] * WORD_LANES) for number in (63, 1))

        def word(k: Any, carried: list[Any]) -> list[Any]:
            plus, minus = carried
            here = builder.add(k, arguments[7])
            table = builder.mul(builder.mul(here, arguments[2]), lanes)
            same = ir.Constant(v.type, ir.Undefined)
            for lane, row in enumerate(rows):
                bits = builder.load(builder.gep(tables, [builder.add(table, row)]))
                same = builder.insert_element(same, bits, ir.IntType(32)(lane))
            at_word = builder.mul(here, lanes)
            more, less = v.load(ups, at_word), v.load(downs, at_word)
            vertical = builder.or_(same, less)
            same = builder.or_(same, minus)
            horizontal = builder.or_(builder.xor(builder.add(builder.and_(same, more), more), more), same)
            grows = builder.or_(less, builder.not_(builder.or_(horizontal, more)))
            falls = builder.and_(more, horizontal)
            carries = [builder.lshr(grows, top), builder.lshr(falls, top)]
            grows = builder.or_(builder.shl(grows, one), plus)
            falls = builder.or_(builder.shl(falls, one), minus)
            v.store(builder.or_(falls, builder.not_(builder.or_(vertical, grows))), ups, at_word)
            v.store(builder.and_(grows, vertical), downs, at_word)
            return carries

        plus, minus = v.loop(arguments[8], 1, [v.splat(arguments[9]), ir.Constant(v.type, [0] * WORD_LANES)], word)
        v.store(plus, out, _INDEX(0))
        v.store(minus, out, lanes)
        return context.get_dummy_value()

    return signature, generate

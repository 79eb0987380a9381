"""Vectors of 64-bit words: what :mod:`genolab.align.loops.edit` runs."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from genolab.align.loops.emit import INDEX, Vectors
from genolab.align.loops.tiles import TILE

WORD = 64

WORD_LANES = 8
"""Pairs whose words of 64 rows are worked on at once."""

FIRST_BIT, SECOND_BIT, ROWS, ALWAYS, PLANES = range(5)
"""Vectors of each word where letters are A, C, G and T: the bits of their codes, which rows hold a letter, and which
equal everything."""


@intrinsic
def which_letters(typing, codes, at, mask, value):
    """A word whose bit ``k`` says whether ``codes[at + k] & mask == value``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = Vectors(context, builder, 8, WORD)
        letters = v.load(v.pointer(codes, arguments[0]), arguments[1])
        mask, value = (v.splat(number) for number in arguments[2:])
        return builder.bitcast(builder.icmp_signed("==", builder.and_(letters, mask), value), INDEX)

    return types.uint64(codes, types.intp, types.intp, types.intp), generate


@intrinsic
def edit_columns(
    typing, equals, codes, letters, begin, end, up, down, first, until, above, lengths, distances, least, planes, free
):
    """Work through the words ``first`` to ``until - 1`` of the columns ``begin`` to ``end - 1``.

    ``up`` and ``down`` hold the steps of every word, ``letters[column * TILE + lane]`` the targets' codes. ``above`` is
    the step of the row above the first word, 0 or 1. ``distances`` is added the steps of the last row; what it is in
    the last column of a target, or the least that it was where the ``free`` end costs nothing, goes to ``least``.
    ``equals[word, code, lane]`` are the rows that a letter equals; or, with ``planes``, ``equals[word, plane, lane]``.
    ``planes`` and ``free`` may be None: what is not wanted is not compiled.
    """
    place = types.intp
    signature = types.void(
        equals, place, letters, place, place, up, down, place, place, types.uint64, lengths, distances, least, planes,
        free,
    )  # fmt: skip
    by_planes, free_end = not isinstance(planes, types.NoneType), not isinstance(free, types.NoneType)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v, lanes = Vectors(context, builder, 64, WORD_LANES), INDEX(WORD_LANES)

        def array(number: int) -> Any:
            return v.pointer(signature.args[number], arguments[number])

        tables, text, ups, downs, distance_at, least_at = (array(k) for k in (0, 2, 5, 6, 11, 12))
        begin, first, count = arguments[3], arguments[7], builder.sub(arguments[8], arguments[7])
        ends, above = v.load(array(10), INDEX(0)), v.splat(arguments[9])
        zero, one, top = v.constant(0), v.constant(1), v.constant(WORD - 1)
        eight = ir.VectorType(ir.IntType(8), WORD_LANES)

        def column(k: Any, held: list[Any]) -> list[Any]:
            distance, least = held
            j = builder.add(begin, k)
            at = builder.mul(j, INDEX(TILE))
            if by_planes:
                codes = builder.zext(v.load(text, at, eight), v.type)
                theirs = [builder.sub(zero, builder.and_(builder.lshr(codes, v.constant(bit)), one)) for bit in (0, 1)]
            else:
                rows = []
                for lane in range(WORD_LANES):
                    code = builder.load(builder.gep(text, [builder.add(at, INDEX(lane))]))
                    rows.append(builder.add(builder.mul(builder.zext(code, INDEX), lanes), INDEX(lane)))

            def same_as_theirs(here: Any) -> Any:
                if by_planes:
                    base = builder.mul(here, INDEX(PLANES * WORD_LANES))
                    plane = [v.load(tables, builder.add(base, INDEX(k * WORD_LANES))) for k in range(PLANES)]
                    differ = builder.or_(builder.xor(plane[0], theirs[0]), builder.xor(plane[1], theirs[1]))
                    return builder.or_(builder.and_(builder.not_(differ), plane[ROWS]), plane[ALWAYS])
                base, same = builder.mul(builder.mul(here, arguments[1]), lanes), ir.Constant(v.type, ir.Undefined)
                for lane, row in enumerate(rows):
                    bits = builder.load(builder.gep(tables, [builder.add(base, row)]))
                    same = builder.insert_element(same, bits, ir.IntType(32)(lane))
                return same

            def word(k: Any, carried: list[Any]) -> list[Any]:
                plus, minus = carried
                here = builder.add(k, first)
                same, at_word = same_as_theirs(here), builder.mul(here, lanes)
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

            plus, minus = v.loop(count, 1, [above, zero], word)
            distance = builder.sub(builder.add(distance, plus), minus)
            here = v.splat(builder.add(j, INDEX(1)))
            if free_end:
                better = builder.and_(builder.icmp_signed("<=", here, ends), builder.icmp_signed("<", distance, least))
            else:
                better = builder.icmp_signed("==", here, ends)
            return [distance, builder.select(better, distance, least)]

        held = [v.load(distance_at, INDEX(0)), v.load(least_at, INDEX(0))]
        for value, where in zip(
            v.loop(builder.sub(arguments[4], begin), 1, held, column), (distance_at, least_at), strict=True
        ):
            v.store(value, where, INDEX(0))
        return context.get_dummy_value()

    return signature, generate

"""Vectors along an anti-diagonal of one pair, in 32 bits: what :mod:`genolab.align.loops.wavefront` runs."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from genolab.align.loops.directions import (
    ALONG_QUERY,
    ALONG_QUERY_2,
    ALONG_TARGET,
    ALONG_TARGET_2,
    DIAGONAL,
    QUERY_GAP_2_GOES_ON,
    QUERY_GAP_GOES_ON,
    START,
    TARGET_GAP_2_GOES_ON,
    TARGET_GAP_GOES_ON,
)
from genolab.align.loops.emit import INDEX, Vectors

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
        cost = [builder.load(builder.gep(costs, [INDEX(k)])) for k in range(4)]
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

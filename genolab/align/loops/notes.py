"""Vectors over what is known of each lane: its lengths, the best score and where it ends."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from genolab.align.loops.columns import shape
from genolab.align.loops.emit import INDEX, Vectors

M, N, SCORE, QUERY_END, TARGET_END, REACHED, NUMBERS = range(7)
"""Rows of a block's numbers, 32 bits a lane: the lengths, the best score, its ends, the score of the last row."""


class _Lanes:
    """The numbers of all lanes, and those of another width made as wide."""

    def __init__(self, context: Any, builder: Any, state: Any, width: int, numbers: Any) -> None:
        self.v, self.numbers, self.width = Vectors(context, builder, 32, width), numbers, width
        self.narrow = Vectors(context, builder, state.dtype.bitwidth, width)

    def __getitem__(self, row: int) -> Any:
        return self.v.load(self.numbers, INDEX(row * self.width))

    def __setitem__(self, row: int, value: Any) -> None:
        self.v.store(value, self.numbers, INDEX(row * self.width))

    def widened(self, array: Any, at: Any) -> Any:
        """A vector of lanes of any width, in 32 bits."""
        value = self.narrow.load(array, at)
        return value if self.narrow.bits == 32 else self.v.builder.sext(value, self.v.type)


@intrinsic
def spread(typing, number, array, at, directions):
    """``array[at + lane] = number`` in all lanes."""
    width, _ = shape(array, directions)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = Vectors(context, builder, array.dtype.bitwidth, width)
        v.store(v.splat(arguments[0]), v.pointer(array, arguments[1]), arguments[2])
        return context.get_dummy_value()

    return types.void(types.intp, array, types.intp, directions), generate


@intrinsic
def note_last_row(typing, carried, at, numbers, row, column, slope, last, directions):
    """Add the steps ``carried[at:]`` to what queries that end at ``row`` have reached, and note where that is best.

    ``slope`` is subtracted before comparing; a target's end counts where it lies ``last`` beyond ``column`` or more.
    """
    width, _ = shape(carried, directions)
    place, number = types.intp, types.int32

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = _Lanes(
            context, builder, carried, width, Vectors(context, builder, 32, width).pointer(numbers, arguments[2])
        )
        v = lanes.v
        row, column, slope, last = (v.splat(each) for each in arguments[3:7])
        ends, zero = lanes[N], v.constant(0)
        inside = builder.and_(builder.icmp_signed("==", lanes[M], row), builder.icmp_signed("<=", column, ends))
        steps = builder.select(inside, lanes.widened(v.pointer(carried, arguments[0]), arguments[1]), zero)
        reached = builder.add(lanes[REACHED], steps)
        lanes[REACHED] = reached
        score, best = builder.sub(reached, slope), lanes[SCORE]
        may_end = builder.icmp_signed("<=", builder.add(column, last), ends)
        better = builder.and_(builder.and_(inside, may_end), builder.icmp_signed(">", score, best))
        lanes[SCORE] = builder.select(better, score, best)
        lanes[TARGET_END] = builder.select(better, column, lanes[TARGET_END])
        return context.get_dummy_value()

    return types.void(carried, place, numbers, number, number, number, number, directions), generate


@intrinsic
def note_best(typing, carried, at, at_row, numbers, first_row, column, directions):
    """Note the best scores ``carried[at:]`` of a column, at the rows ``carried[at_row:]``, where none was as good."""
    width, _ = shape(carried, directions)
    place, number = types.intp, types.int32

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = _Lanes(
            context, builder, carried, width, Vectors(context, builder, 32, width).pointer(numbers, arguments[3])
        )
        v, source = lanes.v, Vectors(context, builder, 32, width).pointer(carried, arguments[0])
        score, best = lanes.widened(source, arguments[1]), lanes[SCORE]
        row = builder.add(lanes.widened(source, arguments[2]), v.splat(arguments[4]))
        better = builder.icmp_signed(">", score, best)
        lanes[SCORE] = builder.select(better, score, best)
        lanes[QUERY_END] = builder.select(better, row, lanes[QUERY_END])
        lanes[TARGET_END] = builder.select(better, v.splat(arguments[5]), lanes[TARGET_END])
        return context.get_dummy_value()

    return types.void(carried, place, place, numbers, number, number, directions), generate

"""Vectors over what is known of each lane: its lengths, the best score and where it ends."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]

from genolab.align.loops.columns import LETTERS, Recurrence
from genolab.align.loops.emit import INDEX, Vectors
from genolab.kernel.emitted import address_of

M, N, SCORE, QUERY_END, TARGET_END, REACHED, NUMBERS = range(7)
"""Rows of a block's numbers, 32 bits a lane: the lengths, the best score, its ends, the score of the last row."""

NOTE = [LETTERS, INDEX, LETTERS, INDEX, INDEX, INDEX, INDEX]
"""What :func:`note_last_row` and :func:`note_best` take: ``carried, at, numbers`` and four numbers of their own."""


def note_of(recurrence: Recurrence) -> int:
    """The address of what notes the ends of alignments after each column; 0 where only the best score is wanted."""
    if recurrence.differences:
        emit = note_last_row
    elif recurrence.keep:
        emit = note_best
    else:
        return 0
    width, bits = recurrence.width, recurrence.bits
    name = f"{emit.__name__}-{width}x{bits}"
    return address_of("genolab.align", name, lambda module, name: emit(module, name, width, bits))


class _Lanes:
    """A function over the numbers of all lanes, and those of another width made as wide."""

    def __init__(self, module: Any, name: str, width: int, bits: int) -> None:
        made = ir.Function(module, ir.FunctionType(ir.VoidType(), NOTE), name)
        builder = ir.IRBuilder(made.append_basic_block("entry"))
        self.v, self.narrow = Vectors(None, builder, 32, width), Vectors(None, builder, bits, width)
        carried, self.at, numbers, *self.given = made.args
        self.carried = builder.bitcast(carried, ir.IntType(bits).as_pointer())
        self.numbers, self.width = builder.bitcast(numbers, ir.IntType(32).as_pointer()), width

    def __getitem__(self, row: int) -> Any:
        return self.v.load(self.numbers, INDEX(row * self.width))

    def __setitem__(self, row: int, value: Any) -> None:
        self.v.store(value, self.numbers, INDEX(row * self.width))

    def widened(self, at: Any) -> Any:
        """A vector of what is carried, in 32 bits."""
        value = self.narrow.load(self.carried, at)
        return value if self.narrow.bits == 32 else self.v.builder.sext(value, self.v.type)


def note_last_row(module: Any, name: str, width: int, bits: int) -> None:
    """Add the steps ``carried[at:]`` to what queries that end at ``row`` have reached, and note where that is best.

    Takes ``row, column, slope, last``: ``slope`` is subtracted before comparing; a target's end counts where it lies
    ``last`` beyond ``column`` or more.
    """
    lanes = _Lanes(module, name, width, bits)
    v, builder = lanes.v, lanes.v.builder
    row, column, slope, last = (v.splat(each) for each in lanes.given)
    ends, zero = lanes[N], v.constant(0)
    inside = builder.and_(builder.icmp_signed("==", lanes[M], row), builder.icmp_signed("<=", column, ends))
    reached = builder.add(lanes[REACHED], builder.select(inside, lanes.widened(lanes.at), zero))
    lanes[REACHED] = reached
    score, best = builder.sub(reached, slope), lanes[SCORE]
    may_end = builder.icmp_signed("<=", builder.add(column, last), ends)
    better = builder.and_(builder.and_(inside, may_end), builder.icmp_signed(">", score, best))
    lanes[SCORE] = builder.select(better, score, best)
    lanes[TARGET_END] = builder.select(better, column, lanes[TARGET_END])
    builder.ret_void()


def note_best(module: Any, name: str, width: int, bits: int) -> None:
    """Note the best scores ``carried[at:]`` of a column, at the rows ``carried[at_row:]``, where none was as good.

    Takes ``at_row, first_row, column``, and a number that it does not look at.
    """
    lanes = _Lanes(module, name, width, bits)
    v, builder = lanes.v, lanes.v.builder
    at_row, first_row, column, _ = lanes.given
    score, best = lanes.widened(lanes.at), lanes[SCORE]
    row = builder.add(lanes.widened(at_row), v.splat(first_row))
    better = builder.icmp_signed(">", score, best)
    lanes[SCORE] = builder.select(better, score, best)
    lanes[QUERY_END] = builder.select(better, row, lanes[QUERY_END])
    lanes[TARGET_END] = builder.select(better, v.splat(column), lanes[TARGET_END])
    builder.ret_void()

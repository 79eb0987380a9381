"""Vectors down a few columns of as many matrices as there are lanes: the inner loops of blocks.py.

Two or four columns go down together, so that what one leaves for the next stays in registers. They are emitted for
each width and recurrence and called by address, so that Numba compiles the loop around them once (calls.py).
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from llvmlite import ir  # type: ignore[import-untyped]

from genolab.align.loops.directions import (
    ALONG_QUERY,
    ALONG_TARGET,
    DIAGONAL,
    HALF_QUERY_GAP_GOES_ON,
    HALF_TARGET_GAP_GOES_ON,
    START,
)
from genolab.align.loops.emit import INDEX, Vectors
from genolab.align.loops.tiles import TILE
from genolab.kernel.emitted import address_of

VECTOR_BYTES, TOGETHER = 64, 4
"""Bytes of a vector of lanes, and columns that go down together. Narrower processors take a vector in parts."""

PATH_VECTOR_BYTES, PATHS_TOGETHER = 32, 2
"""The same where directions are kept: more would not fit in the registers of most processors, nor in their cache."""


LETTERS = ir.IntType(8).as_pointer()

COLUMNS = [LETTERS] * 4 + [INDEX, LETTERS, INDEX, INDEX, LETTERS, LETTERS, INDEX, LETTERS, INDEX]
"""What :func:`difference_columns` and :func:`score_columns` take: ``state, letters, row_at, theirs, at, carried, begin,
end, costs, sides, rows, directions, to``, of each array its address."""


def lanes_in(bits: int, keep: bool) -> int:
    """How many pairs make a block: at least a tile, which letters are turned in."""
    return max(TILE, 8 * (PATH_VECTOR_BYTES if keep else VECTOR_BYTES) // bits)


class Recurrence(NamedTuple):
    """What to compute in lanes of how many bits, by differences or by scores, and what of the rest is wanted."""

    bits: int
    differences: bool
    by_table: bool
    sides: bool
    keep: bool

    @property
    def width(self) -> int:
        """Lanes of a vector."""
        return lanes_in(self.bits, self.keep)

    @property
    def together(self) -> int:
        """Columns that go down together."""
        return PATHS_TOGETHER if self.keep else TOGETHER

    @property
    def columns(self) -> int:
        """The address of the function that goes down a few columns."""
        emit = partial(difference_columns if self.differences else score_columns, recurrence=self)
        wanted = [name for name in ("by_table", "sides", "keep") if getattr(self, name)]
        kind = "differences" if self.differences else "scores"
        return address_of("genolab.align", "-".join([f"{kind}{self.bits}", *wanted]), emit)


class _Block:
    """What both recurrences share: the letters or scores of a row, and direction bytes, two columns in each."""

    def __init__(
        self, v: Vectors, letters: Any, row_at: Any, theirs: list[Any], numbers: tuple[Any, Any], scored: bool
    ) -> None:
        self.v, self.letters, self.row_at, self.theirs, self.scored = v, letters, row_at, theirs, scored
        self.numbers = numbers

    def scores(self, row: Any) -> list[Any]:
        """The scores of a row's letters with those of each column."""
        v, builder = self.v, self.v.builder
        if not self.scored:
            ours = v.load(self.letters, builder.mul(row, INDEX(v.width)), v.bytes)
            return [v.choose(ours, "==", theirs, *self.numbers) for theirs in self.theirs]
        at, scores = builder.load(builder.gep(self.row_at, [row])), []
        for column in range(len(self.theirs)):
            score = v.load(self.letters, builder.add(at, INDEX(column * v.width)), v.bytes)
            scores.append(score if v.bits == 8 else v.add(builder.sext(score, v.type), self.numbers[0]))
        return scores

    def direction(self, column: int, cell: Any, pair: Any, along: Any, start: Any, goes_on: tuple[Any, Any]) -> Any:
        """Half a byte of a cell; ``goes_on``: for either gap, what it is worth further on and what a new one is."""
        v, shift = self.v, 4 * (column % 2)
        byte = v.choose(cell, "==", along, ALONG_TARGET << shift, ALONG_QUERY << shift)
        byte = v.choose(cell, "==", pair, DIAGONAL, byte)
        if start is not None:
            byte = v.choose(cell, "==", start, START << shift, byte)
        bits = HALF_TARGET_GAP_GOES_ON << shift, HALF_QUERY_GAP_GOES_ON << shift
        for (further, new), bit in zip(goes_on, bits, strict=True):
            byte = v.builder.or_(byte, v.choose(further, ">", new, bit, 0))
        return byte


def difference_columns(module: Any, name: str, recurrence: Recurrence) -> None:
    r"""Go down a few columns from row ``begin`` to ``end - 1`` by differences of neighbouring scores.

    With :math:`G_{ij} = H_{ij} + x (i + j)`, in which a gap's further letters cost nothing, and relative to
    :math:`G_{i-1,j-1}`: ``state`` holds by row the step :math:`G_{i,j-1} - G_{i-1,j-1}` and the gap that comes in along
    the target, ``carried`` for each column the step :math:`G_{i-1,j} - G_{i-1,j-1}`, then for each the gap that comes
    down; both become what they are for the next columns and the next row. All of them stay within the greatest score
    and a few gap costs, whatever the lengths are. ``costs``: opening a gap, match, mismatch, the latter two with twice
    :math:`x`; ``by_table``, ``letters`` are scores, each row's at ``row_at``, and ``costs[1]`` is what they lack. The
    steps down each column are kept in ``sides[(column * rows + row) * lanes + lane]``. See Suzuki and Kasahara 2018,
    doi:10.1186/s12859-018-2014-8.
    """
    bits, width, together = recurrence.bits, recurrence.width, recurrence.together
    keep = recurrence.keep
    made = ir.Function(module, ir.FunctionType(ir.VoidType(), COLUMNS), name)
    builder = ir.IRBuilder(made.append_basic_block("entry"))
    v, lanes = Vectors(None, builder, bits, width), INDEX(width)
    state, letters, row_at, theirs, at, carried, begin, end, costs, sides, rows, directions, to = made.args

    def items(address: Any, size: int) -> Any:
        return builder.bitcast(address, ir.IntType(size).as_pointer())

    state_rows, carries, numbers = items(state, bits), items(carried, bits), items(costs, 32)
    opening, match, mismatch = (v.splat(builder.load(builder.gep(numbers, [INDEX(k)]))) for k in range(3))
    block = _Block(
        v, letters, items(row_at, 64),
        [v.load(theirs, builder.add(at, INDEX(c * width)), v.bytes) for c in range(together)],
        (match, mismatch), recurrence.by_table,
    )  # fmt: skip

    def row(k: Any, held: list[Any]) -> list[Any]:
        i = builder.add(begin, k)
        above, down = list(held[:together]), list(held[together:])
        here = builder.mul(i, INDEX(2 * width))
        left, along = v.load(state_rows, here), v.load(state_rows, builder.add(here, lanes))
        steps, halves = [], []
        for c, pair in enumerate(block.scores(i)):
            cell = v.maximum(v.maximum(pair, along), down[c])
            new = v.subtract(cell, opening)
            if keep:
                halves.append(block.direction(c, cell, pair, along, None, ((along, new), (down[c], new))))
            down[c] = v.subtract(v.maximum(down[c], new), left)
            along = v.subtract(v.maximum(along, new), above[c])
            above[c], left = v.subtract(cell, left), v.subtract(cell, above[c])
            steps.append(left)
        v.store(left, state_rows, here)
        v.store(along, state_rows, builder.add(here, lanes))
        if keep:
            byte = builder.or_(*halves)
            v.store(byte, directions, builder.add(to, builder.mul(i, lanes)))
        if recurrence.sides:
            for c, step in enumerate(steps):
                row_of_side = builder.add(builder.mul(rows, INDEX(c)), i)
                v.store(step, items(sides, bits), builder.mul(row_of_side, lanes))
        return above + down

    held = [v.load(carries, INDEX(k * width)) for k in range(2 * together)]
    held = v.loop(builder.sub(end, begin), 1, held, row)
    for k, vector in enumerate(held):
        v.store(vector, carries, INDEX(k * width))
    builder.ret_void()


def score_columns(module: Any, name: str, recurrence: Recurrence) -> None:
    """Go down a few columns from row ``begin`` to ``end - 1`` by the scores themselves, for ends anywhere.

    ``state`` holds by row ``H`` of the column before and the gap that comes in along the target; ``carried`` for each
    column ``H`` of the row above in the column before, then for each the gap that comes down, then the best score of
    all columns, or, with ``directions``, the best of each and its row, counted from ``begin`` on and from the lowest
    number of the width on. ``costs``: a gap with its first letter, match, mismatch, a further letter. The rest is as
    for :func:`difference_columns`. Sums saturate; a score at the lower end of its width starts an
    alignment.
    """
    bits, width, together = recurrence.bits, recurrence.width, recurrence.together
    keep, bests = recurrence.keep, together if recurrence.keep else 1
    made = ir.Function(module, ir.FunctionType(ir.VoidType(), COLUMNS), name)
    builder = ir.IRBuilder(made.append_basic_block("entry"))
    v, lanes = Vectors(None, builder, bits, width, saturating=True), INDEX(width)
    state, letters, row_at, theirs, at, carried, begin, end, costs, _, _, directions, to = made.args

    def items(address: Any, size: int) -> Any:
        return builder.bitcast(address, ir.IntType(size).as_pointer())

    states, carries, numbers = items(state, bits), items(carried, bits), items(costs, 32)
    opening, match, mismatch, extend = (v.splat(builder.load(builder.gep(numbers, [INDEX(k)]))) for k in range(4))
    block = _Block(
        v, letters, items(row_at, 64),
        [v.load(theirs, builder.add(at, INDEX(c * width)), v.bytes) for c in range(together)],
        (match, mismatch), recurrence.by_table,
    )  # fmt: skip
    start, one = v.constant(-(2 ** (bits - 1))), v.constant(1)

    def row(k: Any, held: list[Any]) -> list[Any]:
        i = builder.add(begin, k)
        above_left, down, best, best_row = (
            list(held[a:b])
            for a, b in (
                (0, together), (together, 2 * together), (2 * together, 2 * together + bests),
                (2 * together + bests, -1),
            )
        )  # fmt: skip
        this_row = held[-1]
        here = builder.mul(i, INDEX(2 * width))
        left, along = v.load(states, here), v.load(states, builder.add(here, lanes))
        halves = []
        for c, score in enumerate(block.scores(i)):
            pair = v.add(above_left[c], score)
            cell = v.maximum(v.maximum(pair, along), down[c])
            new = v.subtract(cell, opening)
            further = v.subtract(along, extend), v.subtract(down[c], extend)
            if keep:
                best_row[c] = builder.select(builder.icmp_signed(">", cell, best[c]), this_row, best_row[c])
                best[c] = v.maximum(best[c], cell)
                halves.append(block.direction(c, cell, pair, along, start, ((further[0], new), (further[1], new))))
            else:
                best[0] = v.maximum(best[0], cell)
            above_left[c], left = left, cell
            along, down[c] = v.maximum(further[0], new), v.maximum(further[1], new)
        v.store(left, states, here)
        v.store(along, states, builder.add(here, lanes))
        if keep:
            byte = builder.or_(*halves)
            v.store(byte, directions, builder.add(to, builder.mul(i, lanes)))
        return [*above_left, *down, *best, *best_row, builder.add(this_row, one)]

    held = [v.load(carries, INDEX(k * width)) for k in range(2 * together + bests)]
    held += [start] * (bests * keep + 1)
    *held, _ = v.loop(builder.sub(end, begin), 1, held, row)
    for k, vector in enumerate(held):
        v.store(vector, carries, INDEX(k * width))
    builder.ret_void()

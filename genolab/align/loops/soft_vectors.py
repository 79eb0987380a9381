"""Vector code for soft alignment: one row of forward weights, or of backward ones with what is expected from them.

As :mod:`genolab.align.loops.emit`, it is written for LLVM and not for a processor, but for the number of lanes. A
vector holds one number for each of ``LANES`` pairs; a row of forward weights has the numbers of paired letters, of
query letters alone and of target letters alone, ``row[column, state, lane]``; one of adjoints has the first two.

Every number is at least ``FLOOR``: the floor is added where products are summed, which costs nothing, keeps numbers
from becoming denormal (ten times slower), and makes the error a sum that can be bounded (:mod:`.soft`).
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]

from genolab.kernel.emitted import address_of
from genolab.kernel.machine import processor

LANES = 8 if "+avx512f" in processor() else 4
"""Pairs at once: as many doubles as a register holds. With twice as many, half of a row's numbers were in memory."""

FLOOR = 2.0**-1000
"""The least weight; doubles go down to 2**-1022."""

BACKWARD_FLOOR = 2.0**-960

END, PADDING = 4, 5
"""Codes of the letter that ends both sequences, and of those behind it, where scores are those of four letters."""

NEW_ALONG, NEW_DOWN, ON_DOWN, ON_ALONG, BY_LETTER = range(5)
"""What a backward row sums up, for each further letter of a gap or new gap, without what it costs; then by letter."""

EXPECTED = BY_LETTER + 4

_INDEX = ir.IntType(64)
_WIDE = ir.VectorType(_INDEX, LANES)
_NUMBERS = ir.VectorType(ir.DoubleType(), LANES)
_BYTES = ir.VectorType(ir.IntType(8), LANES)
_CELLS, _LETTERS = _NUMBERS.as_pointer(), _BYTES.as_pointer()

FORWARD = [_CELLS, _INDEX, _INDEX, _LETTERS, _CELLS, _CELLS, _CELLS, _INDEX, _INDEX]
"""What :func:`forward_row` takes: ``cells, before, row, text, table, numbers, out, inner, last``."""

BACKWARD = [_CELLS, _INDEX, _CELLS, _LETTERS, _CELLS, _CELLS, _CELLS, _CELLS, _INDEX, _INDEX]
"""What :func:`backward_row` takes: ``cells, at, adjoints, text, table, numbers, out, shares, inner, last``."""

TWO, ONE, SPECIAL, PLANES = range(4)
"""Bytes of a letter, each all ones or nothing, ``text[column, byte, lane]``: the two bits of the codes of A, C, G, T,
and whether it is the end or, with ``ONE``, padding. A processor's masks are whole, so that nothing is left to test."""


def addresses(local: bool, plain: bool, each_state: bool) -> tuple[int, int, int]:
    """Of the forward row, of the same without its sums, and of the backward row."""

    def of(emit: Callable[..., None], *flags: bool) -> int:
        name = "-".join([emit.__name__, str(LANES), *(str(int(flag)) for flag in flags)])
        return address_of("genolab.align", name, lambda module, name: emit(module, name, *flags))

    both = of(forward_row, local, plain, True), of(forward_row, local, plain, False)
    return *both, of(backward_row, plain, each_state)


class Numbers:
    """A vector of doubles whose operators emit instructions, so that a recurrence reads as arithmetic."""

    def __init__(self, builder: ir.IRBuilder, value: Any) -> None:
        self.builder, self.value = builder, value

    def __add__(self, other: Numbers) -> Numbers:
        return Numbers(self.builder, self.builder.fadd(self.value, other.value, flags=("contract",)))

    def __mul__(self, other: Numbers) -> Numbers:
        return Numbers(self.builder, self.builder.fmul(self.value, other.value, flags=("contract",)))

    def larger(self, other: Numbers) -> Numbers:
        """The larger of both, lane by lane."""
        builder = self.builder
        return Numbers(
            builder, builder.select(builder.fcmp_ordered(">", self.value, other.value), self.value, other.value)
        )

    def where(self, mask: Any, other: Numbers) -> Numbers:
        """This where the mask is set, else the other."""
        return Numbers(self.builder, self.builder.select(mask, self.value, other.value))


class Rows:
    """A function over arrays of lanes, and what it may do with them."""

    def __init__(self, module: Any, name: str, kinds: list[Any]) -> None:
        made = ir.Function(module, ir.FunctionType(ir.VoidType(), kinds), name)
        self.builder, self.given = ir.IRBuilder(made.append_basic_block("entry")), made.args

    def load(self, pointer: Any, at: Any) -> Numbers:
        """The vector at a place."""
        return Numbers(self.builder, self.builder.load(self.builder.gep(pointer, [at]), align=8))

    def numbers(self, pointer: Any, count: int) -> list[Numbers]:
        """The first few vectors."""
        return [self.load(pointer, _INDEX(k)) for k in range(count)]

    def store(self, value: Numbers, pointer: Any, at: Any) -> None:
        """Put a vector at a place."""
        self.builder.store(value.value, self.builder.gep(pointer, [at]), align=8)

    def constant(self, number: float) -> Numbers:
        """One number in every lane."""
        return Numbers(self.builder, ir.Constant(_NUMBERS, [number] * LANES))

    def letters(self, text: Any, at: Any) -> list[Any]:
        """The masks of each lane's letter of a column."""
        builder = self.builder
        first = builder.mul(at, _INDEX(PLANES))
        places = [builder.gep(text, [builder.add(first, _INDEX(k))]) for k in range(PLANES)]
        return [builder.sext(builder.load(place, align=1), _WIDE) for place in places]

    def masked(self, value: Numbers, mask: Any, inverted: bool = False) -> Numbers:
        """A number where the mask is set, or where it is not, and nothing elsewhere."""
        builder = self.builder
        bits = builder.bitcast(value.value, _WIDE)
        kept = builder.and_(bits, builder.not_(mask) if inverted else mask)
        return Numbers(builder, builder.bitcast(kept, _NUMBERS))

    def weight(self, table: list[Numbers], letters: list[Any], special: bool) -> Numbers:
        """The weight of each lane's letter: of A, C, G, T and, where there may be, of the end; none for padding."""
        zero = ir.Constant(_WIDE, [0] * LANES)
        two, one, end = (self.builder.icmp_signed("<", mask, zero) for mask in letters)
        bases = table[3].where(one, table[2]).where(two, table[1].where(one, table[0]))
        return self.constant(0.0).where(one, table[END]).where(end, bases) if special else bases

    def by_letter(self, share: Numbers, letters: list[Any], special: bool) -> list[Numbers]:
        """A share for the letter of each lane, and nothing for the others."""
        share = self.masked(share, letters[SPECIAL], True) if special else share
        halves = [self.masked(share, letters[TWO], inverted) for inverted in (True, False)]
        return [self.masked(half, letters[ONE], inverted) for half in halves for inverted in (True, False)]

    def loop(
        self, first: Any, end: Any, step: int, carried: list[Numbers], body: Callable[[Any, list[Numbers]], Any]
    ) -> list[Numbers]:
        """Emit ``for at in range(first, end, step)``; ``body`` takes and returns the carried."""
        builder = self.builder
        before, inside = builder.block, builder.append_basic_block("loop")
        after = builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed("!=", first, end), inside, after)
        builder.position_at_end(inside)
        at = builder.phi(_INDEX)
        at.add_incoming(first, before)
        phis = [builder.phi(_NUMBERS) for _ in carried]
        for phi, value in zip(phis, carried, strict=True):
            phi.add_incoming(value.value, before)
        results = body(at, [Numbers(builder, phi) for phi in phis])
        following, bottom = builder.add(at, _INDEX(step)), builder.block
        at.add_incoming(following, bottom)
        for phi, value in zip(phis, results, strict=True):
            phi.add_incoming(value.value, bottom)
        builder.cbranch(builder.icmp_signed("!=", following, end), inside, after)
        builder.position_at_end(after)
        left = []
        for value, result in zip(carried, results, strict=True):
            phi = builder.phi(_NUMBERS)
            phi.add_incoming(value.value, before)
            phi.add_incoming(result.value, bottom)
            left.append(Numbers(builder, phi))
        return left


def forward_row(module: Any, name: str, local: bool, plain: bool, summed: bool) -> None:
    """Compute a row, columns 0 to ``last``, from the row ``before``, which may be the same memory.

    ``before`` and ``row`` say where the rows begin in ``cells``, in vectors. ``table[letter]`` with ``text[column]``,
    or, unless ``plain``, ``table[column]``: the weight of a pair; behind column ``inner`` are ends and padding.
    ``numbers``: a gap's first letter and a further one, down (with the row's scale) and along; a new start. ``out``,
    where ``summed``, is added to: the largest number; where ``local``, the sum over paired letters. Without ``local``
    there are no starts, and no sums that would take a register from what is needed in each column.
    """
    v = Rows(module, name, FORWARD)
    cells, before, row, text, table, numbers, out, inner, last = v.given
    builder = v.builder
    old, new = builder.gep(cells, [before]), builder.gep(cells, [row])
    open_down, on_down, open_along, on_along = v.numbers(numbers, 4)
    bases = v.numbers(table, 5) if plain else []
    floor, zero = v.constant(FLOOR), v.constant(0.0)

    def column(special: bool, at: Any, carried: list[Numbers]) -> list[Numbers]:
        diagonal, left, left_gap, *sums = carried
        # read in each column, for there are more numbers than registers, and the compiler would choose the sums
        start = v.load(numbers, _INDEX(4)) if local else zero
        here = builder.mul(at, _INDEX(3))
        pair, down, along = (v.load(old, builder.add(here, _INDEX(k))) for k in range(3))
        weight = v.weight(bases, v.letters(text, at), special) if plain else v.load(table, at)
        now = weight * diagonal + floor
        now_down = open_down * pair + (on_down * down + floor)
        now_along = on_along * left_gap + (open_along * left + floor)
        for k, value in enumerate((now, now_down, now_along)):
            v.store(value, new, builder.add(here, _INDEX(k)))
        both = now + now_down
        if summed:
            sums = [sums[0].larger(both + now_along), *(total + now for total in sums[1:])]
        return [(pair + down) + (along + start if local else along), both, now_along, *sums]

    carried = [zero, zero, zero, *v.numbers(out, summed * (1 + local))]
    behind = builder.add(last, _INDEX(1))
    middle = builder.add(inner, _INDEX(1)) if plain else behind
    carried = v.loop(_INDEX(0), middle, 1, carried, lambda at, values: column(False, at, values))
    if plain:
        carried = v.loop(middle, behind, 1, carried, lambda at, values: column(True, at, values))
    for k, total in enumerate(carried[3:]):
        v.store(total, out, _INDEX(k))
    builder.ret_void()


def backward_row(module: Any, name: str, plain: bool, each_state: bool) -> None:
    """Turn ``adjoints[column, state]`` of the row below into those of the row ``at`` in ``cells``; add to ``out``.

    ``text`` and ``table`` are as for :func:`forward_row`, of the row below. ``numbers``: a gap's first letter and a
    further one, down (with the scale of the row below) and along; an end. ``out`` is added to: the sums of
    ``NEW_ALONG`` and so on; then, where ``plain``, the shares of pairs with each letter, or, for ``each_state``, the
    adjoints. Unless ``plain``, ``shares[column, 0]`` becomes the share that pairs the two letters; for ``each_state``,
    ``shares[column, state]`` is that of each state.
    """
    v = Rows(module, name, BACKWARD)
    cells, row, adjoints, text, table, numbers, out, shares, inner, last = v.given
    builder = v.builder
    ahead = builder.gep(cells, [row])
    open_down, on_down, open_along, on_along, end = v.numbers(numbers, 5)
    bases = v.numbers(table, 5) if plain else []
    floor, tiny = v.constant(BACKWARD_FLOOR), v.constant(FLOOR)
    count = BY_LETTER + (4 if plain else each_state)

    def column(special: bool, at: Any, carried: list[Numbers]) -> list[Numbers]:
        right, paired, new_along, new_down, further_down, further_along, *others = carried
        here, two = builder.mul(at, _INDEX(3)), builder.mul(at, _INDEX(2))
        down_at = builder.add(two, _INDEX(1))
        pair, down, along = (v.load(ahead, builder.add(here, _INDEX(k))) for k in range(3))
        below, below_gap = v.load(adjoints, two), v.load(adjoints, down_at)
        base = open_along * right + paired
        now, now_down = (open_down * below_gap + base) + end, on_down * below_gap + base
        now_along = on_along * right + paired
        v.store(now, adjoints, two)
        v.store(now_down, adjoints, down_at)
        share = pair * now + tiny
        letters = v.letters(text, at) if plain else []
        if plain:
            by_letter = v.by_letter(share, letters, special)
            others = [total + each for total, each in zip(others, by_letter, strict=True)]
        else:
            v.store(share, shares, here)
        if each_state:
            for k, value in enumerate((down * now_down + tiny, along * now_along + tiny), 1):
                v.store(value, shares, builder.add(here, _INDEX(k)))
            others = [others[0] + ((now + now_down) + now_along)]
        sums = [
            right * (pair + down) + new_along, below_gap * pair + new_down,
            below_gap * down + further_down, right * along + further_along,
        ]  # fmt: skip
        weight = v.weight(bases, letters, special) if plain else v.load(table, at)
        return [now_along, weight * below + floor, *sums, *others]

    carried = [v.constant(0.0), floor, *v.numbers(out, count)]
    bottom, middle = _INDEX(-1), inner if plain else last
    if plain:
        carried = v.loop(last, middle, -1, carried, lambda at, values: column(True, at, values))
    carried = v.loop(middle, bottom, -1, carried, lambda at, values: column(False, at, values))
    for k, total in enumerate(carried[2:]):
        v.store(total, out, _INDEX(k))
    builder.ret_void()

"""Vector code for soft alignment: one row of forward weights, or of backward ones with what is expected from them.

As :mod:`genolab.align.loops.emit`, it is written for LLVM and not for a processor. A vector holds one number for
each of ``LANES`` pairs; a row of the matrix has the numbers of paired letters, of query letters alone and of target
letters alone, ``row[column, state, lane]``.

Every number is at least ``FLOOR``: the floor is added where products are summed, which costs nothing, keeps numbers
from becoming denormal (ten times slower), and makes the error a sum that can be bounded (:mod:`.soft`).
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

LANES = 8
"""Pairs at once: more, and their rows would not stay in the cache. Narrower processors take a vector in parts."""

FLOOR = 2.0**-1000
"""The least weight; doubles go down to 2**-1022."""

END, PADDING = 4, 5
"""Codes of the letter that ends both sequences, and of those behind it, where scores are those of four letters."""

_INDEX = ir.IntType(64)
_NUMBERS = ir.VectorType(ir.DoubleType(), LANES)
_BYTES = ir.VectorType(ir.IntType(8), LANES)


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
    """Arrays of lanes, by their place among an intrinsic's arguments."""

    def __init__(self, context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> None:
        self.context, self.builder, self.signature, self.arguments = context, builder, signature, arguments

    def pointer(self, place: int, kind: Any = _NUMBERS) -> Any:
        """The address of an argument's first vector."""
        array = self.context.make_array(self.signature.args[place])(
            self.context, self.builder, self.arguments[place]
        ).data
        return self.builder.bitcast(array, kind.as_pointer())

    def load(self, pointer: Any, at: Any) -> Numbers:
        """The vector at a place."""
        return Numbers(self.builder, self.builder.load(self.builder.gep(pointer, [at]), align=8))

    def store(self, value: Numbers, pointer: Any, at: Any) -> None:
        """Put a vector at a place."""
        self.builder.store(value.value, self.builder.gep(pointer, [at]), align=8)

    def codes(self, pointer: Any, at: Any) -> Any:
        """The letters of a column."""
        return self.builder.load(self.builder.gep(pointer, [at]), align=1)

    def constant(self, number: float) -> Numbers:
        """One number in every lane."""
        return Numbers(self.builder, ir.Constant(_NUMBERS, [number] * LANES))

    def has(self, codes: Any, bit: int) -> Any:
        """Which lanes' codes have a bit."""
        none = ir.Constant(_BYTES, [0] * LANES)
        return self.builder.icmp_unsigned("!=", self.builder.and_(codes, ir.Constant(_BYTES, [bit] * LANES)), none)

    def equal(self, codes: Any, code: int) -> Any:
        """Which lanes have a code."""
        return self.builder.icmp_unsigned("==", codes, ir.Constant(_BYTES, [code] * LANES))

    def weight(self, table: list[Numbers], codes: Any) -> Numbers:
        """The weight of each lane's letter: of A, C, G, T, the end; none for padding."""
        one, two, end = (self.has(codes, bit) for bit in (1, 2, 4))
        bases = table[3].where(one, table[2]).where(two, table[1].where(one, table[0]))
        return self.constant(0.0).where(one, table[4]).where(end, bases)

    def loop(
        self, first: Any, last: Any, step: int, carried: list[Numbers], body: Callable[[Any, list[Numbers]], Any]
    ) -> list[Numbers]:
        """Emit ``for at in range(first, last + step, step)``, at least once; ``body`` takes and returns the carried."""
        builder = self.builder
        before, inside = builder.block, builder.append_basic_block("loop")
        builder.branch(inside)
        builder.position_at_end(inside)
        at = builder.phi(_INDEX)
        at.add_incoming(first, before)
        phis = [builder.phi(_NUMBERS) for _ in carried]
        for phi, value in zip(phis, carried, strict=True):
            phi.add_incoming(value.value, before)
        results = body(at, [Numbers(builder, phi) for phi in phis])
        at.add_incoming(builder.add(at, _INDEX(step)), builder.block)
        for phi, value in zip(phis, results, strict=True):
            phi.add_incoming(value.value, builder.block)
        after = builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed("!=", at, last), inside, after)
        builder.position_at_end(after)
        return results


@intrinsic
def forward_row(typing, before, row, letters, table, constants, results, last):
    """Compute ``row``, columns 0 to ``last``, from the row ``before``.

    ``letters[column]`` and ``table[letter]``, or, where ``letters`` is None, ``table[column]``: the weight of a pair.
    ``constants``: a gap's first letter and a further one, down (with the row's scale) and along; a new start.
    ``results``, added to: the largest number; the sum over paired letters.
    """
    plain = not isinstance(letters, types.NoneType)
    signature = types.void(before, row, letters, table, constants, results, last)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = Rows(context, builder, signature, arguments)
        old, new, weights, numbers, out = (v.pointer(k) for k in (0, 1, 3, 4, 5))
        text = v.pointer(2, _BYTES) if plain else None
        open_down, on_down, open_along, on_along, start = (v.load(numbers, _INDEX(k)) for k in range(5))
        bases = [v.load(weights, _INDEX(k)) for k in range(5)] if plain else []
        floor, zero = v.constant(FLOOR), v.constant(0.0)

        def column(at: Any, carried: list[Numbers]) -> list[Numbers]:
            diagonal, left, left_gap, top, total = carried
            here = builder.mul(at, _INDEX(3))
            pair, down, along = (v.load(old, builder.add(here, _INDEX(k))) for k in range(3))
            weight = v.weight(bases, v.codes(text, at)) if plain else v.load(weights, at)
            now = weight * diagonal + floor
            now_down = open_down * pair + (on_down * down + floor)
            now_along = on_along * left_gap + (open_along * left + floor)
            for k, value in enumerate((now, now_down, now_along)):
                v.store(value, new, builder.add(here, _INDEX(k)))
            both = now + now_down
            return [(pair + down) + (along + start), both, now_along, top.larger(both + now_along), total + now]

        carried = [zero, zero, zero, v.load(out, _INDEX(0)), v.load(out, _INDEX(1))]
        *_, top, total = v.loop(_INDEX(0), arguments[6], 1, carried, column)
        v.store(top, out, _INDEX(0))
        v.store(total, out, _INDEX(1))
        return context.get_dummy_value()

    return signature, generate


EXPECTED = 6
"""What a backward row sums up: new gaps, further letters of gaps, and pairs with each of four letters."""

BACKWARD_FLOOR = 2.0**-960


@intrinsic
def backward_row(typing, forward, below, row, letters, table, constants, sums, shares, whole, last):
    """Compute ``row``, the adjoint of ``forward``, columns ``last`` to 0, from the row ``below``; add to ``sums``.

    ``letters`` and ``table`` are as for :func:`forward_row`, of the row below. ``constants``: a gap's first letter and
    a further one, down (with the scale of the row below) and along; an end. Without ``letters``, ``shares[column,
    0]`` becomes the share that pairs the two letters; unless ``whole`` is None, ``shares[column, state]`` is that of
    each state.
    """
    plain, each_state = (not isinstance(given, types.NoneType) for given in (letters, whole))
    signature = types.void(forward, below, row, letters, table, constants, sums, shares, whole, last)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = Rows(context, builder, signature, arguments)
        ahead, old, new, weights, numbers, out, held = (v.pointer(k) for k in (0, 1, 2, 4, 5, 6, 7))
        text = v.pointer(3, _BYTES) if plain else None
        open_down, on_down, open_along, on_along, end = (v.load(numbers, _INDEX(k)) for k in range(5))
        bases = [v.load(weights, _INDEX(k)) for k in range(5)] if plain else []
        floor, tiny = v.constant(BACKWARD_FLOOR), v.constant(FLOOR)
        count = EXPECTED if plain else 2

        def column(at: Any, carried: list[Numbers]) -> list[Numbers]:
            right, opened, extended, *by_letter = carried
            here, beside = builder.mul(at, _INDEX(3)), builder.add(at, _INDEX(1))
            weight = v.weight(bases, v.codes(text, beside)) if plain else v.load(weights, beside)
            paired = weight * v.load(old, builder.mul(beside, _INDEX(3))) + floor
            below_gap = v.load(old, builder.add(here, _INDEX(1)))
            new_down, new_along, further = open_down * below_gap, open_along * right, on_down * below_gap
            base = paired + new_along
            now, now_down = base + (new_down + end), base + further
            on = on_along * right
            now_along = paired + on
            for k, value in enumerate((now, now_down, now_along)):
                v.store(value, new, builder.add(here, _INDEX(k)))
            pair, down, along = (v.load(ahead, builder.add(here, _INDEX(k))) for k in range(3))
            share = pair * now + tiny
            if each_state:
                for k, value in enumerate((share, down * now_down + tiny, along * now_along + tiny)):
                    v.store(value, held, builder.add(here, _INDEX(k)))
            elif not plain:
                v.store(share, held, here)
            opened = pair * (new_down + new_along) + (down * new_along + opened)
            extended = down * further + (along * on + extended)
            if plain:
                codes = v.codes(text, at)
                by_letter = [(total + share).where(v.equal(codes, code), total) for code, total in enumerate(by_letter)]
            return [now_along, opened, extended, *by_letter]

        carried = [v.constant(0.0), *(v.load(out, _INDEX(k)) for k in range(count))]
        _, *totals = v.loop(arguments[9], _INDEX(0), -1, carried, column)
        for k, total in enumerate(totals):
            v.store(total, out, _INDEX(k))
        return context.get_dummy_value()

    return signature, generate

"""Vector code that the compiler cannot be trusted to find, one operation at a time.

It is written for LLVM, not for a processor: the same code becomes AVX-512, AVX2 or NEON, whatever the machine has. The
intrinsics made of it take arrays and offsets into them, and work through rows of vectors; nothing is checked there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]

INDEX = ir.IntType(64)


class Vectors:
    """Emits operations on vectors of ``width`` integers of ``bits`` bits, whose sums may be asked to saturate."""

    def __init__(self, context: Any, builder: ir.IRBuilder, bits: int, width: int, saturating: bool = False) -> None:
        self.context, self.builder, self.bits, self.width = context, builder, bits, width
        self.saturating = saturating
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
        return self._call("sadd.sat", a, b) if self.saturating else self.builder.add(a, b)

    def subtract(self, a: Any, b: Any) -> Any:
        return self._call("ssub.sat", a, b) if self.saturating else self.builder.sub(a, b)

    def byte(self, number: int) -> Any:
        """A constant byte for every lane."""
        return ir.Constant(self.bytes, [number] * self.width)

    def constant(self, number: int) -> Any:
        """A constant for every lane."""
        return ir.Constant(self.type, [number] * self.width)

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
        at = builder.phi(INDEX)
        at.add_incoming(INDEX(0), before)
        phis = [builder.phi(value.type) for value in carried]
        for phi, value in zip(phis, carried, strict=True):
            phi.add_incoming(value, before)
        results = body(at, phis)
        following = builder.add(at, INDEX(step))
        at.add_incoming(following, builder.block)
        for phi, value in zip(phis, results, strict=True):
            phi.add_incoming(value, builder.block)
        after = builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed("<", following, count), inside, after)
        builder.position_at_end(after)
        return results

"""Bytes of many sequences turned so that each letter of all of them is one vector."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from genolab.align.loops.emit import INDEX, Vectors

TILE = 16


@intrinsic
def transpose(typing, source, offsets, at, count, result, to, stride):
    """Bytes of ``TILE`` rows to columns: ``result[to + k * stride + r] = source[offsets[at + r] + k]``.

    ``count`` is rounded up to whole tiles, which the arrays must have room for.
    """
    place = types.intp
    signature = types.void(source, offsets, place, place, result, place, place)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v, given = Vectors(context, builder, 8, TILE), list(arguments)
        for number in (0, 1, 4):
            given[number] = v.pointer(signature.args[number], arguments[number])
        builder.call(_transposing(context, builder.module), given)
        return context.get_dummy_value()

    return signature, generate


def _transposing(context: Any, module: Any) -> Any:
    """The function that :func:`transpose` calls. LLVM must not copy it into every place that does: that takes long."""
    name = f"genolab.transpose.{TILE}"
    if name in module.globals:
        return module.globals[name]
    letters = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [letters, INDEX.as_pointer(), INDEX, INDEX, letters, INDEX, INDEX])
    made = ir.Function(module, kind, name)
    made.linkage = "linkonce_odr"
    made.attributes.add("noinline")
    made.attributes.add("nounwind")
    builder = ir.IRBuilder(made.append_basic_block("entry"))
    v = Vectors(context, builder, 8, TILE)
    rows, places, at, count, columns, to, stride = made.args
    starts = [builder.load(builder.gep(places, [builder.add(at, INDEX(r))])) for r in range(TILE)]

    def zipped(a: Any, b: Any, half: int) -> Any:
        picks = [x for k in range(TILE // 2) for x in (half + k, TILE + half + k)]
        return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), TILE), picks))

    def tile(k: Any, _: list[Any]) -> list[Any]:
        held = [v.load(rows, builder.add(start, k)) for start in starts]
        for _stage in range(4):  # four perfect shuffles of 16 rows are a transposition
            pairs = list(zip(held[: TILE // 2], held[TILE // 2 :], strict=True))
            held = [zipped(a, b, half) for a, b in pairs for half in (0, TILE // 2)]
        for r, column in enumerate(held):
            v.store(column, columns, builder.add(to, builder.mul(builder.add(k, INDEX(r)), stride)))
        return []

    v.loop(count, TILE, [], tile)
    builder.ret_void()
    return made


@intrinsic
def places_of(typing, letters, at, highest, stride, places, lane, width):
    """``places[lane + r] = places[width + lane + r] + min(letters[at + r], highest) * stride`` for a tile."""
    place = types.intp
    signature = types.void(letters, place, types.uint8, place, places, place, place)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v, wide = Vectors(context, builder, 8, TILE), Vectors(context, builder, 64, TILE)
        codes = v.load(v.pointer(letters, arguments[0]), arguments[1])
        limit, result = v.splat(arguments[2]), wide.pointer(places, arguments[4])
        codes = builder.select(builder.icmp_unsigned("<", codes, limit), codes, limit)
        steps = builder.mul(builder.zext(codes, wide.type), wide.splat(arguments[3]))
        base = wide.load(result, builder.add(arguments[6], arguments[5]))
        wide.store(builder.add(base, steps), result, arguments[5])
        return context.get_dummy_value()

    return signature, generate

"""Calls, from a loop that Numba compiles, of what columns.py and notes.py emit; and what such a loop knows of lanes."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from functools import partial
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from genolab.align.loops import part
from genolab.align.loops.columns import COLUMNS
from genolab.align.loops.emit import INDEX, Vectors
from genolab.align.loops.notes import NOTE

_SPREADING = "mask", "ones", "words"  # of a way, see blocks.py


def calling(kinds: list[Any]) -> Any:
    """Generates a call of the address that comes first with the addresses of arrays, and numbers."""
    return partial(_call, kinds)


def _call(kinds: list[Any], context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    address, *given = arguments
    plain = []
    for kind, value, wanted in zip(signature.args[1:], given, kinds, strict=True):
        if isinstance(kind, types.Array):
            value = builder.bitcast(context.make_array(kind)(context, builder, value).data, wanted)
        plain.append(value)
    function = ir.FunctionType(ir.VoidType(), kinds).as_pointer()
    builder.call(builder.inttoptr(address, function), plain)
    return context.get_dummy_value()


@intrinsic
def call_columns(
    typing, address, state, letters, row_at, theirs, at, carried, begin, end, costs, sides, rows, directions, to
):
    """Go down a few columns, see :func:`~genolab.align.loops.columns.difference_columns`."""
    place = types.intp
    signature = types.void(
        place, state, letters, row_at, theirs, place, carried, place, place, costs, sides, place, directions, place
    )
    return signature, calling(COLUMNS)


@intrinsic
def call_note(typing, address, carried, at, numbers, first, second, third, fourth):
    """Note the ends of alignments, see :func:`~genolab.align.loops.notes.note_last_row`."""
    place = types.intp
    signature = types.void(place, carried, place, numbers, place, place, place, place)
    return signature, calling(NOTE)


def _loop_call(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Generates a call of a :class:`~genolab.kernel.machine.MachineLoop`, whose status says nothing here."""
    pointer, given = ir.IntType(8).as_pointer(), []
    for kind, value in zip(signature.args[1:], arguments[1:], strict=True):
        if isinstance(kind, types.Array):
            array = context.make_array(kind)(context, builder, value)
            given += [builder.bitcast(array.data, pointer), *cgutils.unpack_tuple(builder, array.shape)]
        else:
            given.append(value)
    places = [cgutils.alloca_once(builder, pointer) for _ in ("result", "exception")]
    places = [builder.bitcast(each, pointer) for each in places]
    taken = [*places, *given]
    function = ir.FunctionType(ir.IntType(32), [each.type for each in taken]).as_pointer()
    builder.call(builder.inttoptr(arguments[0], function), taken)
    return context.get_dummy_value()


@intrinsic
def call_profiles(
    typing, address, query, members, starts, lengths, places, width, together, rows, by_query, row_at, profiles
):
    """See :func:`~genolab.align.loops.lanes.fill_profiles`."""
    place = types.intp
    signature = types.void(
        place, query, members, starts, lengths, places, place, place, place, by_query, row_at, profiles
    )
    return signature, _loop_call


@intrinsic
def call_scores(typing, address, theirs, at, places, width, together, count, highest, stride, source, result):
    """See :func:`~genolab.align.loops.lanes.fill_scores`."""
    place = types.intp
    return types.void(place, theirs, place, places, place, place, place, place, place, source, result), _loop_call


@intrinsic
def call_sides(typing, address, width, bits, together, words, sides, numbers, j, rows, costs, free_start):
    """See :func:`~genolab.align.loops.sides.note_sides`."""
    place = types.intp
    return types.void(*[place] * 5, sides, numbers, place, place, costs, place), _loop_call


@intrinsic
def spread(typing, number, vectors, at, way):
    """Put a number into all lanes of vector ``at``; ``vectors`` are seen 64 bits at a time."""
    place = types.intp
    half = 4  # words of a vector where directions are kept; it is twice as long where they are not

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v, (number, array, at, numbers) = Vectors(context, builder, 64, half), arguments
        mask, ones, words = (builder.extract_value(numbers, way.fields.index(each)) for each in _SPREADING)
        pattern = v.splat(builder.mul(builder.and_(number, mask), ones))
        address, begin = v.pointer(vectors, array), builder.mul(at, words)
        v.store(pattern, address, begin)
        # where there is no second half this writes the first again
        v.store(pattern, address, builder.add(begin, builder.sub(words, INDEX(half))))
        return context.get_dummy_value()

    return types.void(place, vectors, place, way), generate


@part
def lane_of(vectors, at, bits):
    """The number in lane ``at`` of ``vectors``, which are read 64 bits at a time."""
    lanes = 64 // bits
    return (vectors[at // lanes] << (64 - bits - at % lanes * bits)) >> (64 - bits)

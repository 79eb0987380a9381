"""A kernel's `numpy` form kept as text: the calls of NumPy in their order, so that the next process needs no PyTensor.

PyTensor makes the graph and rewrites it; what its Python linker would then call, node by node, is written down as JSON
and called the same way. Every call is one of a short list here, and a kernel with another node is compiled anew in each
process. A program is kept only after it gave the bits of PyTensor's function for the kernel's example.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.kernel.store import kept, load, source_key, store

if TYPE_CHECKING:
    from genolab.kernel.kernel import Kernel

Call = Callable[..., Any]
_MOST = 100_000  # values of a constant that is written down


def _elementwise(function: str, dtype: str, signature: str | None) -> Call:
    ufunc = getattr(np, function)
    if not isinstance(ufunc, np.ufunc) and function != "where":
        raise ValueError(function)
    options = {} if signature is None else {"sig": signature}

    def call(*values: Any) -> Any:
        result = np.asarray(ufunc(*values, **options), dtype)
        return result if result.flags.owndata else result.copy()

    return call


def _reduced(function: str, axis: Any, within: str, dtype: str) -> Call:
    ufunc, axes = getattr(np, function), axis if axis is None else tuple(axis)

    def call(value: Any) -> Any:
        return np.asarray(ufunc.reduce(np.array(value, within), axis=axes, dtype=within), dtype)

    return call


def _shuffled(order: list[int], kept: int, new: list[int]) -> Call:
    def call(value: Any) -> Any:
        value = value.transpose(order)
        shape = list(value.shape[:kept])
        for place in new:
            shape.insert(place, 1)
        return value.reshape(shape)

    return call


def _indices(index: list[Any], values: tuple[Any, ...]) -> tuple[Any, ...]:
    """An index as written down: a place among the values, or a slice of three of them."""
    return tuple(
        slice(*(None if each is None else values[each] for each in entry)) if isinstance(entry, list) else values[entry]
        for entry in index
    )


def _taken(index: list[Any]) -> Call:
    return lambda value, *values: np.asarray(value[_indices(index, values)])


def _gathered(index: list[Any]) -> Call:
    def call(value: Any, *values: Any) -> Any:
        found = value[_indices(index, values)]
        return found.copy() if found.base is not None else found

    return call


def _added_at(index: list[Any]) -> Call:
    def call(value: Any, more: Any, *values: Any) -> Any:
        result = value.copy()
        np.add.at(result, _indices(index, values), more)
        return result

    return call


def _put(index: list[Any], added: bool) -> Call:
    def call(value: Any, new: Any, *values: Any) -> Any:
        result = value.copy()
        place = _indices(index, values)
        if added:
            result[place] += new
        else:
            result[place] = new
        return result

    return call


def _joined(dtype: str, axis: int | None) -> Call:
    if axis is None:
        return lambda axis, *values: np.concatenate(values, axis=int(axis), dtype=dtype)
    return lambda *values: np.concatenate(values, axis=axis, dtype=dtype)


def _filled(value: Any, *shape: Any) -> Any:
    lengths = tuple(int(each) for each in shape)
    if value.size == 1 and value.item() == 0:
        return np.zeros(lengths, value.dtype)
    result = np.empty(lengths, value.dtype)
    result[...] = value
    return result


CALLS: dict[str, Callable[..., Call]] = {
    "elementwise": _elementwise,
    "reduced": _reduced,
    "shuffled": _shuffled,
    "taken": _taken,
    "gathered": _gathered,
    "added_at": _added_at,
    "put": _put,
    "product": lambda: lambda one, other: np.asarray(np.dot(one, other)),
    "scalar": lambda: lambda value: value[()],
    "filled": lambda: _filled,
    "cast": lambda dtype: lambda value: np.asarray(value).astype(dtype),
    "shape": lambda: lambda value: np.asarray(np.shape(value), "int64"),
    "joined": _joined,
    "running_sum": lambda axis: lambda value: np.cumsum(value, axis=axis),
    "array": lambda: np.asarray,
    "copy": lambda: np.array,
}
"""Every call that a program may hold, by its name; parameters give the function of arrays."""


class Program:
    """Calls in their order. Slots hold the inputs, the constants and what each call makes.

    It keeps nothing between two runs, so several threads may run it.
    """

    def __init__(self, text: dict[str, Any]) -> None:
        self.inputs: int = text["inputs"]
        self._constants = [_constant(each) for each in text["constants"]]
        self._outputs: list[int] = text["outputs"]
        first = self.inputs + len(self._constants)
        last = {slot: at for at, (_, _, slots) in enumerate(text["steps"]) for slot in slots}
        keep = {*self._outputs, *range(first)}
        self._steps = [
            (CALLS[name](*parameters), slots, [s for s in {*slots} if last[s] == at and s not in keep])
            for at, (name, parameters, slots) in enumerate(text["steps"])
        ]

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        slots: list[Any] = [*values, *self._constants]
        with np.errstate(all="ignore"):
            for call, given, done in self._steps:
                slots.append(call(*[slots[slot] for slot in given]))
                for slot in done:  # a large array goes as soon as nobody needs it
                    slots[slot] = None
        return tuple(slots[slot] for slot in self._outputs)


def _constant(text: dict[str, Any]) -> Any:
    array = np.array(text["values"], text["dtype"]).reshape(text["shape"])
    return array[()] if text["scalar"] else array


def kept_program(kernel: Kernel) -> Program | None:
    """The program that an earlier process kept, of these sources."""
    name = _place(kernel)
    key = _key(kernel) if kept(name) else None
    body = None if key is None else load(name, key)
    try:
        return None if body is None else Program(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError):  # written by something else than this file
        return None


def keep_program(kernel: Kernel) -> Program | None:
    """Write down what PyTensor compiled; None where it holds a node that is not on the list, or the bits differ."""
    from genolab.kernel.translation import translated

    function = kernel.compiled("numpy").function
    text = translated(function.maker.fgraph, _MOST)
    if text is None:
        return None
    body = json.dumps(text)
    program = Program(json.loads(body))
    values = [np.asarray(v, spec.dtype) for v, spec in zip(kernel.example(), kernel.inputs.values(), strict=True)]
    try:
        found = program(*values)
    except (TypeError, ValueError, IndexError):  # a later PyTensor gives a node other inputs
        return None
    for one, other in zip(found, function(*values), strict=True):
        if one.dtype != other.dtype or one.shape != other.shape or one.tobytes() != other.tobytes():
            return None
    key = _key(kernel)
    if key is not None:
        store(_place(kernel), key, body.encode())
    return program


def _place(kernel: Kernel) -> str:
    """The name of a kernel's entry."""
    variant = "".join(c if c.isalnum() else "-" for c in _variant(kernel)).strip("-")
    return f"{_package(kernel)}.{kernel.name}-{variant}.json"


def _key(kernel: Kernel) -> str | None:
    """What the entry depends on, beside the kernel's name; None where that cannot be told."""
    sources = source_key(_package(kernel), "pytensor", "numpy")
    return None if sources is None else f"{sources} {_variant(kernel)}"


def _package(kernel: Kernel) -> str:
    return kernel._build.__module__.rpartition(".")[0]


def _variant(kernel: Kernel) -> str:
    return json.dumps([kernel.static, kernel._dtype, kernel.simplify], sort_keys=True, default=str)

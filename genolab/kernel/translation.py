"""From a graph compiled for the `numpy` backend to the calls that its nodes are; see :mod:`genolab.kernel.program`."""

from __future__ import annotations

from typing import Any

import numpy as np
from pytensor.compile.ops import DeepCopyOp
from pytensor.graph.basic import Constant
from pytensor.tensor.basic import Alloc, Join, ScalarFromTensor, TensorFromScalar
from pytensor.tensor.blas import Dot22
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.extra_ops import CumOp
from pytensor.tensor.shape import Shape
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
    unflatten_index_variables,
)
from pytensor.tensor.type import discrete_dtypes, float_dtypes

from genolab.kernel.backends import AsType

Translated = tuple[str, list[Any]]


def translated(fgraph: Any, most: int) -> dict[str, Any] | None:
    """The program of a graph, as plain data; None where a node is not one of those known, or a constant is large."""
    constants = sorted({v for node in fgraph.apply_nodes for v in node.inputs if isinstance(v, Constant)}, key=id)
    slots = {variable: at for at, variable in enumerate([*fgraph.inputs, *constants])}
    steps = []
    for node in fgraph.toposort():
        known = None if node.op.destroy_map or len(node.outputs) != 1 else _call(node)
        if known is None:
            return None
        name, parameters = known
        steps.append([name, parameters, [slots[variable] for variable in node.inputs]])
        slots[node.outputs[0]] = len(slots)
    written = [_written(constant.data) for constant in constants]
    if any(len(each["values"]) > most for each in written) or not all(v in slots for v in fgraph.outputs):
        return None
    outputs = [slots[variable] for variable in fgraph.outputs]
    return {"inputs": len(fgraph.inputs), "constants": written, "steps": steps, "outputs": outputs}


def _written(data: Any) -> dict[str, Any]:
    array = np.asarray(data)
    scalar = not isinstance(data, np.ndarray)
    return {"dtype": array.dtype.name, "shape": array.shape, "scalar": scalar, "values": array.ravel().tolist()}


def _call(node: Any) -> Translated | None:
    op, out = node.op, node.outputs[0]
    if isinstance(op, Elemwise):
        return _elementwise(node)
    if isinstance(op, CAReduce):
        axis = None if op.axis is None else [int(each) for each in op.axis]
        dtype = out.type.dtype
        return "reduced", [op.ufunc.__name__, axis, getattr(op, "acc_dtype", None) or dtype, dtype]
    if isinstance(op, DimShuffle):
        return "shuffled", [list(op._transposition), len(op.shuffle), list(op.augment)]
    if isinstance(op, Subtensor):
        return "taken", [_index(op, len(node.inputs) - 1)]
    if isinstance(op, AdvancedSubtensor):
        return "gathered", [_index(op, len(node.inputs) - 1)]
    if isinstance(op, AdvancedIncSubtensor):
        plain = op.set_instead_of_inc or op.ignore_duplicates
        return None if plain else ("added_at", [_index(op, len(node.inputs) - 2)])
    if isinstance(op, IncSubtensor):
        return "put", [_index(op, len(node.inputs) - 2), not op.set_instead_of_inc]
    if isinstance(op, AsType):
        return "cast", [op.dtype]
    if isinstance(op, Join):
        return "joined", [out.type.dtype, getattr(op, "axis", None)]  # an input of the node until PyTensor 3.2
    if isinstance(op, CumOp):
        return ("running_sum", [op.axis]) if op.mode == "add" else None
    plain_calls = {
        Alloc: "filled", Shape: "shape", TensorFromScalar: "array", DeepCopyOp: "copy", ScalarFromTensor: "scalar",
        Dot22: "product",
    }  # fmt: skip
    found = plain_calls.get(type(op))
    return None if found is None else (found, [])


def _elementwise(node: Any) -> Translated | None:
    """As `Elemwise.perform`: a ufunc, told to compute in the result's dtype where that is real and the input is not."""
    spec, out = getattr(node.op, "nfunc_spec", None), node.outputs[0]
    if spec is None or len(node.inputs) != spec[1] or "." in spec[0] or not hasattr(np, spec[0]):
        return None
    signature = None
    is_ufunc = isinstance(getattr(np, spec[0]), np.ufunc)
    if is_ufunc and out.type.dtype in float_dtypes and node.inputs[0].type.dtype in discrete_dtypes:
        char = np.dtype(out.type.dtype).char
        signature = f"{char * len(node.inputs)}->{char}"
    if not is_ufunc and spec[0] != "where":
        return None
    return "elementwise", [spec[0], out.type.dtype, signature]


def _index(op: Any, values: int) -> list[Any]:
    index = unflatten_index_variables(list(range(values)), op.idx_list)
    return [[each.start, each.stop, each.step] if isinstance(each, slice) else each for each in index]

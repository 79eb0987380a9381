"""A PyTensor graph read into plain data: what each node does, in the words of a person.

`model_of` reads; `GraphModel.draw` and `GraphModel.to_json` (see `graph_drawing`) place the nodes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from io import StringIO
from typing import Any

import numpy as np
from pytensor.compile.builders import OpFromGraph
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import HasInnerGraph, Op
from pytensor.printing import debugprint
from pytensor.scalar.basic import Cast, Composite
from pytensor.scan.op import Scan
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.subtensor import IncSubtensor, Subtensor

from genolab.kernel.graph_drawing import GraphDrawing, GraphEdge, GraphModel, GraphNode, Kind

__all__ = ["GraphDrawing", "GraphEdge", "GraphModel", "GraphNode", "Kind", "graph_text", "model_of"]

DEEPEST = 6  # graphs inside graphs; a scan of a scan of a kernel is three


def model_of(
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    input_names: Sequence[str] = (),
    output_names: Sequence[str] = (),
    marked: Collection[Apply] = (),
) -> GraphModel:
    """Return the model of the graph from `inputs` to `outputs`, as written or (a FunctionGraph's) as compiled.

    Names that are not given are those of the variables, or "input 1", "output 1". The nodes of `marked` operations are
    marked in the drawing.
    """
    return _Reader("", 0, marked).read(inputs, outputs, input_names, output_names)


def model_and_nodes(
    inputs: Sequence[Variable], outputs: Sequence[Variable], output_names: Sequence[str] = ()
) -> tuple[GraphModel, dict[Variable, str]]:
    """The model, and for each variable of the graph the id of the node that gives it."""
    reader = _Reader("", 0)
    return reader.read(inputs, outputs, (), output_names), reader.ids


def label_of(apply: Apply) -> str:
    """What an operation is called in the drawing."""
    found = _index_label(apply)
    return shorten(found[0] if found else _label(apply.op))


def graph_text(outputs: Sequence[Variable]) -> str:
    """Return the graph as text, for a terminal."""
    page = StringIO()
    debugprint(list(outputs), file=page, print_type=True)
    return page.getvalue()


class _Reader:
    """Reads one graph; ids are the place in the order of computation, so the same graph always gets the same ids."""

    def __init__(self, prefix: str, depth: int, marked: Collection[Apply] = ()) -> None:
        self.prefix, self.depth, self.marked = prefix, depth, marked
        self.nodes: list[GraphNode] = []
        self.edges: list[GraphEdge] = []
        self.ids: dict[Variable, str] = {}

    def read(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        input_names: Sequence[str],
        output_names: Sequence[str],
    ) -> GraphModel:
        for i, variable in enumerate(inputs):
            given = input_names[i] if i < len(input_names) else ""
            self._source(variable, given or variable.name or f"input {i + 1}", "input")
        for apply in _in_order(outputs, set(inputs)):
            if not _only_broadcasts_a_constant(apply):
                self._operation(apply)
        for i, variable in enumerate(outputs):
            given = output_names[i] if i < len(output_names) else ""
            self._sink(variable, given or variable.name or (f"output {i + 1}" if len(outputs) > 1 else "output"))
        return GraphModel(tuple(self.nodes), tuple(self.edges))

    def _new(self, label: str, kind: Kind, variable: Variable, **more: Any) -> str:
        identity = f"{self.prefix}{len(self.nodes)}"
        dtype, shape = _dtype(variable), _shape(variable)
        values = {"op": "", "name": variable.name or "", **more}
        self.nodes.append(GraphNode(identity, shorten(label), kind, dtype=dtype, shape=shape, **values))
        return identity

    def _source(self, variable: Variable, label: str, kind: Kind) -> None:
        shared = "a shared variable" if hasattr(variable, "get_value") else ""
        self.ids[variable] = self._new(label, kind, variable, op=shared)

    def _operation(self, apply: Apply) -> None:
        label, inputs = _index_label(apply) or (_label(apply.op), apply.inputs)
        sources = [self._input(variable) for variable in inputs]
        identity = f"{self.prefix}{len(self.nodes)}"
        result = apply.outputs[0]
        self._new(
            label,
            _kind(apply.op),
            result,
            op=_text(apply.op),
            name=next((out.name for out in apply.outputs if out.name), ""),
            in_place=bool(apply.op.destroy_map),
            view=bool(apply.op.view_map),
            marked=apply in self.marked,
            inner=self._inside(apply, f"{identity}/"),
        )
        self.ids.update(dict.fromkeys(apply.outputs, identity))
        for source, variable in zip(sources, inputs, strict=True):
            self._edge(source, identity, variable)

    def _input(self, variable: Variable) -> str:
        """Return the node that gives a variable; a constant gets a node for each use, beside its user."""
        constant = _constant_behind(variable)
        if constant is None:
            if variable not in self.ids:  # a shared variable, or an input that the caller did not list
                self._source(variable, variable.name or "input", "input")
            return self.ids[variable]
        op = "" if constant is variable else f"broadcast by {_text(variable.owner.op)}"
        return self._new(_value(constant), "constant", variable, op=op)

    def _sink(self, variable: Variable, label: str) -> None:
        source = self._input(variable)
        self._edge(source, self._new(label, "output", variable), variable)

    def _edge(self, source: str, target: str, variable: Variable) -> None:
        kind, shape = _dtype(variable), _shape(variable)
        text = kind if shape == "scalar" else f"{kind} {shape}"
        edge = GraphEdge(source, target, text, variable.name or "")
        if edge not in self.edges[-8:]:  # x * x is one line
            self.edges.append(edge)

    def _inside(self, apply: Apply, prefix: str) -> GraphModel | None:
        graph = _inner_graph(apply.op)
        if graph is None or self.depth >= DEEPEST:
            return None
        names = [variable.name or "" for variable in apply.inputs]
        results = [variable.name or "" for variable in apply.outputs]
        if isinstance(apply.op, Scan):
            names, results = _scan_names(apply.op), []
        elif isinstance(apply.op, OpFromGraph):
            names, results = _kernel_names(apply.op) or (names, results)
        return _Reader(prefix, self.depth + 1).read(graph.inputs, graph.outputs, names, results)


def _in_order(outputs: Sequence[Variable], stop: set[Variable]) -> list[Apply]:
    """The operations that the outputs need, each after those it needs, in an order that depends on the graph alone."""
    order: list[Apply] = []
    seen: set[Apply] = set()
    stack = [(v.owner, False) for v in reversed(outputs) if v.owner is not None and v not in stop]
    while stack:
        apply, is_done = stack.pop()
        if is_done:
            order.append(apply)
        elif apply not in seen:
            seen.add(apply)
            stack.append((apply, True))
            waiting = [v.owner for v in reversed(apply.inputs) if v.owner is not None and v not in stop]
            stack.extend((owner, False) for owner in waiting if owner not in seen)
    return order


def _constant_behind(variable: Variable) -> Constant | None:
    if isinstance(variable, Constant):
        return variable
    owner = variable.owner
    return _constant_behind(owner.inputs[0]) if owner is not None and _only_broadcasts_a_constant(owner) else None


def _only_broadcasts_a_constant(apply: Apply) -> bool:
    return isinstance(apply.op, DimShuffle) and _constant_behind(apply.inputs[0]) is not None


def _inner_graph(op: Op) -> FunctionGraph | None:
    if isinstance(op, Blockwise):
        return _inner_graph(op.core_op)
    if isinstance(op, Elemwise):
        return op.scalar_op.fgraph if isinstance(op.scalar_op, Composite) else None
    if isinstance(op, HasInnerGraph):
        return op.fgraph
    return None


def _kernel_names(op: OpFromGraph) -> tuple[list[str], list[str]] | None:
    """PyTensor forgets what the inputs of an inner graph were called; the kernel of that name knows."""
    from genolab.kernel.kernel import registered

    kernel = next((kernel for kernel in registered() if kernel.name == op.name), None)
    if kernel is None or len(kernel.inputs) != len(op.inner_inputs) or len(kernel.outputs) != len(op.inner_outputs):
        return None
    return list(kernel.inputs), list(kernel.outputs)


def _scan_names(op: Scan) -> list[str]:
    inputs = op.inner_inputs
    groups = (*op.inner_mitmot(inputs), *op.inner_mitsot(inputs))  # lists, or variables, as the scan has been rewritten
    before = [v for group in groups for v in (group if isinstance(group, list | tuple) else [group])]
    roles = (
        ("step", op.inner_seqs(inputs)),
        ("before", [*before, *op.inner_sitsot(inputs), *op.inner_untraced_sit_sot(inputs)]),
        ("fixed", op.inner_non_seqs(inputs)),
    )
    role_of: dict[Variable, str] = {}
    for role, variables in roles:
        for i, variable in enumerate(variables):
            role_of[variable] = f"{role} {i + 1}" if len(variables) > 1 else role
    return [variable.name or role_of.get(variable, "") for variable in inputs]


# --- words

_SIGNS = {"Add": "+", "Mul": "×", "Sub": "−", "TrueDiv": "÷", "Neg": "negate", "Sqr": "square", "Sqrt": "√"}
_SIGNS |= {"LT": "<", "GT": ">", "LE": "≤", "GE": "≥", "EQ": "=", "NEQ": "≠", "AND": "and", "OR": "or", "Invert": "not"}
_SIGNS |= {"Switch": "where", "Maximum": "maximum", "Minimum": "minimum", "IntDiv": "÷ whole"}
_SHAPES = {"Reshape", "Shape", "Shape_i", "MakeVector", "SpecifyShape", "Join", "Split", "Alloc", "AllocEmpty"}
_SHAPES |= {"Unbroadcast", "JoinDims", "SplitDims", "TensorFromScalar", "ScalarFromTensor", "ARange", "Eye", "Tri"}
_REDUCTIONS = {"CumOp", "Argmax", "Max", "Softmax", "LogSoftmax", "Sort", "ArgSort"}


def _kind(op: Op) -> Kind:
    name, module = type(op).__name__, type(op).__module__
    if isinstance(op, Blockwise):
        return "matrix product" if "Dot" in type(op.core_op).__name__ else _kind(op.core_op)
    if isinstance(op, Scan):
        return "scan"
    if isinstance(op, OpFromGraph):
        return "kernel"
    if isinstance(op, Elemwise) or name == "AsType":  # a cast of the numpy backend
        return "elementwise"
    if isinstance(op, CAReduce) or name in _REDUCTIONS:
        return "reduction"
    if "blas" in module or "Dot" in name or "Gemm" in name or "Gemv" in name:
        return "matrix product"
    if isinstance(op, DimShuffle) or name in _SHAPES:
        return "shape"
    if "subtensor" in module:
        return "index"
    return "random" if ".random." in module else "other"


def _label(op: Op) -> str:
    if isinstance(op, Blockwise):
        return _label(op.core_op)
    if isinstance(op, OpFromGraph):
        return op.name or _words(type(op).__name__)
    if isinstance(op, Elemwise):
        scalar = op.scalar_op
        if isinstance(scalar, Composite):
            return f"{len(scalar.fgraph.apply_nodes)} fused"
        if isinstance(scalar, Cast):
            return f"to {scalar.o_type.dtype}"
        name = type(scalar).__name__
        return _SIGNS.get(name) or (name.lower() if name.isupper() else _words(name))
    if isinstance(op, CAReduce):
        axes = "all" if op.axis is None else ", ".join(str(axis) for axis in op.axis)
        name = type(op).__name__ if type(op) is not CAReduce else type(op.scalar_op).__name__
        return f"{_words(name)} over {axes}" if axes == "all" else f"{_words(name)} over axis {axes}"
    if type(op).__name__ == "AsType":
        return f"to {op.dtype}"
    if isinstance(op, Scan):
        return "scan" if op.name in (None, "", "scan_fn") else f"scan {op.name}"
    text = str(op)
    if type(op).__name__ in ("AdvancedSubtensor", "AdvancedSubtensor1"):
        return "take"
    if type(op).__name__ in ("AdvancedIncSubtensor", "AdvancedIncSubtensor1"):
        return "set" if "Set" in text else "add at"
    return _words(re.split(r"[{<(\[]", text)[0] or type(op).__name__)


def _index_label(apply: Apply) -> tuple[str, list[Variable]] | None:
    """Of `Subtensor{:, i}(x, 0)` return "take [:, 0]" and the inputs that are still to be drawn."""
    op = apply.op
    if not isinstance(op, Subtensor | IncSubtensor):
        return None
    taken = 1 if isinstance(op, Subtensor) else 2
    inputs, places = list(apply.inputs[:taken]), iter(apply.inputs[taken:])

    def fill(found: re.Match[str]) -> str:
        place = next(places)
        if isinstance(place, Constant):
            return _value(place)
        inputs.append(place)
        return place.name or found[0]

    text = str(op)
    inside = re.search(r"\{(.*)\}", text)
    indices = re.sub(r"\b(i|start|stop|step)\b", fill, inside[1]) if inside else "…"
    verb = "take" if taken == 1 else "set" if op.set_instead_of_inc else "add at"
    return f"{verb} [{indices}]", inputs


def _words(name: str) -> str:
    """`ExpandDims` as people write it: expand dims."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name).strip().lower()


def shorten(text: str, most: int = 30) -> str:
    """Cut text that would make a box too wide; the whole of it is in the tooltip."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _text(op: Op) -> str:
    return shorten(str(op), 400)


def _value(constant: Constant) -> str:
    data = constant.data
    if isinstance(data, np.ndarray | np.generic | int | float) and np.size(data) == 1:
        value = np.asarray(data).item()
        return f"{value:.6g}" if isinstance(value, float) else str(value)
    if isinstance(data, np.ndarray):
        return constant.name or f"{data.size:,} numbers"
    return constant.name or str(constant)


def _dtype(variable: Variable) -> str:
    return str(getattr(variable.type, "dtype", None) or type(variable.type).__name__)


def _shape(variable: Variable) -> str:
    lengths = getattr(variable.type, "shape", None)
    if lengths is None:
        return ""
    if len(lengths) == 0:
        return "scalar"
    texts = ["?" if length is None else str(length) for length in lengths]
    return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"

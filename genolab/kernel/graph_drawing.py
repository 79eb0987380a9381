"""A graph as plain data, and where to draw its nodes: no interface, and no PyTensor either."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from genolab.kernel.graph_layout import Box, Flow, Route, layered_layout, text_width

Kind = Literal[
    "input", "constant", "elementwise", "reduction", "matrix product", "shape", "index", "scan", "kernel", "random",
    "other", "output",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class GraphNode:
    """One node: an operation, or a variable that nobody in the graph computes."""

    id: str
    label: str
    kind: Kind
    op: str  # PyTensor's own text
    name: str  # of the variable, or of the first result that has one
    dtype: str
    shape: str  # "(?, 40)": lengths that are known, else a question mark; "scalar"
    in_place: bool = False
    view: bool = False
    marked: bool = False  # such as what a rewrite has just put in
    share: float | None = None  # of the time or the memory of the whole, 0 to 1, where it was measured
    measured: str = ""  # the same in words
    inner: GraphModel | None = None

    @property
    def type(self) -> str:
        """The dtype and the shape as one line."""
        return self.dtype if self.shape in ("scalar", "") else f"{self.dtype} {self.shape}"


@dataclass(frozen=True)
class GraphEdge:
    """A value that flows from one node to another."""

    source: str
    target: str
    type: str
    name: str = ""


@dataclass(frozen=True)
class PlacedNode:
    """A node and its box; `parent` is the open node around it; an open node is the frame around its inner graph."""

    node: GraphNode
    x: float  # left
    y: float  # top
    width: float
    height: float
    parent: str = ""
    is_open: bool = False


@dataclass(frozen=True)
class PlacedEdge:
    """An edge and the points it passes."""

    edge: GraphEdge
    points: tuple[tuple[float, float], ...]
    parent: str = ""


@dataclass(frozen=True)
class GraphDrawing:
    """Where everything is; units are pixels at zoom 1."""

    nodes: tuple[PlacedNode, ...]
    edges: tuple[PlacedEdge, ...]
    width: float
    height: float


@dataclass(frozen=True)
class GraphModel:
    """Nodes in the order of computation, and the edges between them."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]

    def walk(self) -> Iterator[GraphNode]:
        """Every node, the ones inside others after the node that holds them."""
        for node in self.nodes:
            yield node
            if node.inner is not None:
                yield from node.inner.walk()

    def find(self, identity: str) -> GraphNode | None:
        """Return the node of that id, at any depth."""
        return next((node for node in self.walk() if node.id == identity), None)

    def draw(self, opened: Collection[str] = (), flow: Flow = "down") -> GraphDrawing:
        """Place the nodes in layers, with the nodes of these ids opened to show what is inside."""
        drawings = {
            node.id: node.inner.draw(opened, flow)
            for node in self.nodes
            if node.inner is not None and node.id in opened
        }
        boxes = [_box(node, drawings.get(node.id)) for node in self.nodes]
        routes = [Route(edge.source, edge.target) for edge in self.edges]
        placed = layered_layout(boxes, routes, flow)
        nodes: list[PlacedNode] = []
        edges = [PlacedEdge(edge, points) for edge, points in zip(self.edges, placed.routes, strict=True)]
        for node, box in zip(self.nodes, boxes, strict=True):
            x, y = placed.corners[node.id]
            inner = drawings.get(node.id)
            nodes.append(PlacedNode(node, x, y, box.width, box.height, is_open=inner is not None))
            if inner is not None:
                dx, dy = x + (box.width - inner.width) / 2, y + FRAME_TOP
                nodes += [replace(n, x=n.x + dx, y=n.y + dy, parent=n.parent or node.id) for n in inner.nodes]
                edges += [
                    replace(e, points=tuple((px + dx, py + dy) for px, py in e.points), parent=e.parent or node.id)
                    for e in inner.edges
                ]
        return GraphDrawing(tuple(nodes), tuple(edges), placed.width, placed.height)

    def to_json(self, opened: Collection[str] = (), flow: Flow = "down") -> dict[str, Any]:
        """The drawing as plain data: its size, `nodes` (id, label, x, y ...), `edges` (source, target, points ...)."""
        drawing = self.draw(opened, flow)
        nodes = [
            {
                "id": n.node.id, "label": n.node.label, "kind": n.node.kind, "op": n.node.op, "name": n.node.name,
                "dtype": n.node.dtype, "shape": n.node.shape, "type": n.node.type,
                "in_place": n.node.in_place, "view": n.node.view, "parent": n.parent,
                "marked": n.node.marked, "share": n.node.share, "measured": n.node.measured,
                "openable": n.node.inner is not None, "open": n.is_open,
                "inside": 0 if n.node.inner is None else len(n.node.inner.nodes),
                "x": _round(n.x), "y": _round(n.y), "width": _round(n.width), "height": _round(n.height),
            }
            for n in drawing.nodes
        ]  # fmt: skip
        edges = [
            {
                "source": e.edge.source, "target": e.edge.target, "type": e.edge.type, "name": e.edge.name,
                "parent": e.parent, "points": [[_round(x), _round(y)] for x, y in e.points],
            }
            for e in drawing.edges
        ]  # fmt: skip
        size = {"width": _round(drawing.width), "height": _round(drawing.height)}
        return {"nodes": nodes, "edges": edges, "flow": flow, **size}


LABEL_SIZE, TYPE_SIZE = 13.0, 10.5  # pixels; what the widget draws with
PADDING, NODE_HEIGHT, CONSTANT_HEIGHT = 14.0, 42.0, 26.0
FRAME_SIDE, FRAME_TOP, FRAME_BOTTOM = 18.0, 40.0, 18.0


def _box(node: GraphNode, inner: GraphDrawing | None) -> Box:
    marks = 22.0 if node.inner is not None else 0.0  # the sign that it opens
    label = text_width(node.label, LABEL_SIZE) + marks
    if node.kind == "constant":
        return Box(node.id, label + 2 * PADDING, CONSTANT_HEIGHT)
    width = max(label, text_width(node.measured or node.type, TYPE_SIZE)) + 2 * PADDING
    if inner is None:
        return Box(node.id, width, NODE_HEIGHT)
    width = max(label + text_width(node.type, TYPE_SIZE) + 3 * PADDING, inner.width + 2 * FRAME_SIDE)
    return Box(node.id, width, inner.height + FRAME_TOP + FRAME_BOTTOM)


def _round(number: float) -> float:
    return round(number, 1)

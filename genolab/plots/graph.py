"""A compute graph as a drawing that opens, zooms and answers; the model and its layout come from `genolab.kernel`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from genolab.kernel.graph_drawing import GraphModel
from genolab.kernel.graph_layout import Flow


class GraphView(anywidget.AnyWidget):
    """One graph, drawn in layers from inputs to outputs; kernels, scans and fused operations open when clicked.

    `text` is what a terminal or an export without widgets shows instead.
    """

    _esm = "\n".join(
        Path(__file__).with_name(name).read_text() for name in ("formula.js", "graph_picture.js", "graph.js")
    )
    _css = Path(__file__).with_name("graph.css")
    graph = traitlets.Dict(help="the drawing: nodes, edges, width, height").tag(sync=True)
    opened = traitlets.List(traitlets.Unicode(), help="ids of the nodes that are open").tag(sync=True)
    selected = traitlets.Unicode(help="id of the node that was clicked last").tag(sync=True)
    flow = traitlets.Enum(["down", "right"], "down", help="where the results are").tag(sync=True)
    name = traitlets.Unicode(help="what exported files are called").tag(sync=True)
    heading = traitlets.Unicode(help="one line above the drawing").tag(sync=True)
    about = traitlets.List(help="what is said below the heading: text, code and formulas, see `formula`").tag(sync=True)
    height = traitlets.Int(460, help="of the drawing, in pixels").tag(sync=True)

    def __init__(
        self,
        model: GraphModel,
        *,
        name: str = "graph",
        text: str = "",
        opened: Sequence[str] = (),
        height: int = 460,
    ) -> None:
        self.model, self.text = model, text
        flow = _better_flow(model, height)
        drawing = model.to_json(opened, flow)
        super().__init__(name=name, height=height, flow=flow, opened=list(opened), graph=drawing)

    def show(self, model: GraphModel, *, name: str | None = None, text: str = "", same_way: bool = False) -> None:
        """Draw another graph, with everything closed; `same_way` keeps the direction, as from rewrite to rewrite."""
        self.model, self.text = model, text
        with self.hold_sync():
            self.name = self.name if name is None else name
            self.selected = ""
            self.opened = []
            if not same_way:
                self.flow = _better_flow(model, self.height)
            self.graph = model.to_json(flow=self.flow)

    @traitlets.validate("opened")
    def _only_what_opens(self, proposal: Any) -> list[str]:
        can = {node.id for node in self.model.walk() if node.inner is not None}
        return [identity for identity in dict.fromkeys(proposal["value"]) if identity in can]

    @traitlets.observe("opened", "flow")
    def _lay_out(self, _change: Any) -> None:
        drawing = self.model.to_json(self.opened, self.flow)
        if drawing != self.graph:
            self.graph = drawing

    def _repr_mimebundle_(self, **options: Any) -> Any:
        shown = super()._repr_mimebundle_(**options)
        if shown is not None and self.text:
            data = shown[0] if isinstance(shown, tuple) else shown
            data["text/plain"] = self.text
        return shown


class NodeTable(anywidget.AnyWidget):
    """The nodes that a `GraphView` draws, as a table; what is chosen in one is chosen in the other."""

    _esm = Path(__file__).with_name("graph_table.js")
    _css = Path(__file__).with_name("graph_table.css")
    nodes = traitlets.List(traitlets.Dict()).tag(sync=True)
    rest = traitlets.List(traitlets.Unicode(), help="what no node took and how much, below the nodes").tag(sync=True)
    selected = traitlets.Unicode().tag(sync=True)

    def __init__(self, view: GraphView) -> None:
        super().__init__(nodes=view.graph["nodes"])
        traitlets.dlink((view, "graph"), (self, "nodes"), lambda graph: graph["nodes"])
        traitlets.link((view, "selected"), (self, "selected"))


_SIGNS = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "theta": "θ", "lambda": "λ", "mu": "μ"}
_SIGNS |= {"pi": "π", "rho": "ρ", "sigma": "σ", "phi": "φ", "sum": "∑", "prod": "∏", "cdot": "·", "times": "×"}
_SIGNS |= {
    "le": "≤",
    "ge": "≥",
    "ne": "≠",
    "infty": "∞",
    "in": "∈",
    "eta": "η",
    "tau": "τ",
    "Delta": "Δ",
    "leftarrow": "←",
}
_SIGNS |= {
    "quad": "  ",
    "qquad": "    ",
    "partial": "∂",
    "langle": "⟨",
    "rangle": "⟩",
    "to": "→",
    "left": "",
    "right": "",
}
_SIGNS |= {"propto": "∝", "mid": "|", "wedge": "∧", "odot": "⊙", "ell": "ℓ", "dots": "…", "leftarrow": "←", "right": ""}
_INSIDE = r"\{((?:[^{}]|\{[^{}]*\})*)\}"  # braces, with at most one more pair inside


def readable(docstring: str) -> str:
    """Return a docstring without its markup: roles and backticks go, Greek letters and signs stand for their names."""
    text = re.sub(r":[a-z]+:`~?([^`]*)`", r"\1", docstring).replace("``", "").replace(".. math:: ", "")
    text = text.replace(r"\\", "").replace("&=", "=").replace(r"\{", "{").replace(r"\}", "}").replace(r"\#", "#")
    text = re.sub(rf"\\(?:text|mathrm|mathit|operatorname){_INSIDE}", r"\1", text)
    text = re.sub(r"\\[td]?frac(\d)(\d)", r"\1/\2", text)
    text = re.sub(rf"\\[td]?frac{_INSIDE}{_INSIDE}", lambda found: f"{_whole(found[1])}/{_whole(found[2])}", text)
    text = re.sub(rf"\\sqrt{_INSIDE}", r"√(\1)", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda found: _SIGNS.get(found[1], found[1]), text)
    return re.sub(r"\\[,;:! ]\s?", " ", text)


def _whole(term: str) -> str:
    """A part of a fraction, in parentheses where it is more than one name or number."""
    return term if re.fullmatch(r"\w+", term) else f"({term})"


USUAL_WIDTH = 1040  # pixels, of a panel on a small laptop


def _better_flow(model: GraphModel, height: int) -> Flow:
    """The direction in which more of the graph can be read at once."""
    scales: dict[Flow, float] = {}
    for flow in ("down", "right"):
        drawing = model.draw(flow=flow)
        scales[flow] = min(USUAL_WIDTH / max(drawing.width, 1), height / max(drawing.height, 1), 1.0)
    return "right" if scales["right"] > scales["down"] else "down"

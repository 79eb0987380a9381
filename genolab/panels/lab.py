"""The workbench: every panel that works today under one roof, and what was found in one handed to the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab.panels.call import GRAPH, CallPanel
from genolab.panels.graph import GraphPanel
from genolab.panels.page import Says
from genolab.panels.parts import button

if TYPE_CHECKING:
    from genolab.panels.play import PlayPanel

_TABS = {
    "Prepare": "counts to comparable expression, every step beside the raw table",
    "Align": "two sequences, every cell of their matrix, and all best alignments",
    "Call": "reads to variants, with a reason for every position",
    "Graph": "the computation behind every result, node by node",
}
_HOME = {"Prepare": "genolab.panels.prepare.PreparePanel", "Align": "genolab.panels.align.AlignPanel"}
"""Panels that need nothing to start, and the class of each: made when their tab is first opened."""


class Lab(ipywidgets.VBox):
    """Header with tabs, the open panel, and the status bar at the bottom.

    A panel is made when its tab is first opened. It has ``body``, ``bar``, ``place`` (what it shows, in words),
    and takes ``on_graph``, which brings the graph view to the front.
    """

    def __init__(self, call: CallPanel | None = None, first: str = "Call") -> None:
        self.panels: dict[str, Any] = {} if call is None else {"Call": call}
        self.graph: GraphPanel | None = None
        self.play: PlayPanel | None = None
        self._graph_place = ipywidgets.VBox([], layout=ipywidgets.Layout(display="none", width="100%"))
        self.tabs = {name: ipywidgets.Button(description=name, tooltip=about) for name, about in _TABS.items()}
        name = Says("genolab", "title")
        name.add_class("genolab-name")
        row = ipywidgets.HBox(list(self.tabs.values())).add_class("genolab-tabs")
        self._places = ipywidgets.HBox([]).add_class("genolab-place")
        self._bodies, self._bars = ipywidgets.VBox([]), ipywidgets.VBox([])
        head = ipywidgets.HBox([name, row, self._places]).add_class("genolab-head")
        super().__init__([head, self._bodies, self._graph_place, self._bars])
        self.add_class("genolab-panel").add_class("genolab-lab")
        for tab, opener in self.tabs.items():
            opener.on_click(lambda _, tab=tab: self.bring(tab))
        for made in self.panels.values():
            self._hold(made)
        self.bring(first)

    @property
    def call(self) -> CallPanel:
        """The call panel."""
        panel: CallPanel = self.panel("Call")
        return panel

    def panel(self, tab: str) -> Any:
        """The panel of a tab, made now if it was not before."""
        if tab not in self.panels:
            make: Callable[[], Any] = CallPanel
            if tab in _HOME:
                module, _, name = _HOME[tab].rpartition(".")
                make = getattr(import_module(module), name)
            self.panels[tab] = make()
            self._hold(self.panels[tab])
        return self.panels[tab]

    def bring(self, tab: str, kernel: str | None = None) -> None:
        """Bring a tab to the front; the graph view opens on a kernel if one is named."""
        for name, opener in self.tabs.items():
            (opener.add_class if name == tab else opener.remove_class)("genolab-open")
        if tab == "Graph":
            if self.graph is None:
                self.graph = GraphPanel(kernel or GRAPH, self._arguments)
                own = button("Write your own", "type an expression and watch its graph", self._play)
                own.add_class("genolab-own")
                self._graph_place.children = (own, self.graph)
            elif kernel is not None:
                self.graph.chooser.value = kernel
        else:
            self.panel(tab)
        for name, panel in self.panels.items():
            # behind the graph, the panel that led there keeps its line
            shown = {panel.body: name == tab}
            if tab != "Graph":
                shown |= {panel.bar: name == tab, panel.place: name == tab}
            for widget, visible in shown.items():
                widget.layout.display = "flex" if visible else "none"
        self._graph_place.layout.display = "flex" if tab == "Graph" else "none"

    def open_reads(self, reads: Path, reference: Path) -> None:
        """Bring the call panel to the front with a file that another panel wrote."""
        made = self.panels.get("Call")
        if made is None:
            self.panels["Call"] = made = CallPanel(reads, reference)
            self._hold(made)
        else:
            made.open_files(reads, reference)
        self.bring("Call")

    def _play(self) -> None:
        """The place where a person writes an expression, instead of the kernels; and back."""
        from genolab.panels.play import PlayPanel

        own, shown = self._graph_place.children
        assert self.graph is not None
        playing = shown is self.graph
        if playing and self.play is None:
            self.play = PlayPanel()
        own.description = "Back to the kernels" if playing else "Write your own"
        self._graph_place.children = (own, self.play if playing else self.graph)

    def _arguments(self, kernel: str) -> Any:
        """What a panel last gave this kernel: the data on screen; None where no panel uses it."""
        for panel in self.panels.values():
            arguments = panel.arguments(kernel) if hasattr(panel, "arguments") else None
            if arguments is not None:
                return arguments
        return None

    def _hold(self, panel: Any) -> None:
        panel.on_graph = lambda kernel: self.bring("Graph", kernel)
        if hasattr(panel, "on_reads"):
            panel.on_reads = self.open_reads
        self._bodies.children = (*self._bodies.children, panel.body)
        self._bars.children = (*self._bars.children, panel.bar)
        self._places.children = (*self._places.children, panel.place)


def lab(
    reads: str | os.PathLike[str] | None = None,
    reference: str | os.PathLike[str] | None = None,
    region: str | None = None,
    *,
    truth: str | os.PathLike[str] | None = None,
    roots: Sequence[str | os.PathLike[str]] | None = None,
) -> Lab:
    """The workbench on your files, or on an example that ships with genolab; `roots` as for :class:`CallPanel`."""
    return Lab(CallPanel(reads, reference, region, truth=truth, roots=roots))

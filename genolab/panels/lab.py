"""The workbench: every panel that works today under one roof, and what was found in one handed to the other."""

from __future__ import annotations

import os
from collections.abc import Sequence

import ipywidgets

from genolab.panels.call import CallPanel
from genolab.panels.graph import GraphPanel
from genolab.panels.page import Says


class Lab(ipywidgets.VBox):
    """Header with tabs, the open panel, and the status bar at the bottom."""

    def __init__(self, call: CallPanel | None = None) -> None:
        self.call = CallPanel() if call is None else call
        self.graph: GraphPanel | None = None
        self._graph_place = ipywidgets.VBox([], layout=ipywidgets.Layout(display="none", width="100%"))
        self.tabs = {name: ipywidgets.Button(description=name, tooltip=about) for name, about in _TABS.items()}
        name = Says("genolab", "title")
        name.add_class("genolab-name")
        row = ipywidgets.HBox(list(self.tabs.values())).add_class("genolab-tabs")
        self.call.place.add_class("genolab-place")
        head = ipywidgets.HBox([name, row, self.call.place]).add_class("genolab-head")
        super().__init__([head, self.call.body, self._graph_place, self.call.bar])
        self.add_class("genolab-panel").add_class("genolab-lab")
        for tab, button in self.tabs.items():
            button.on_click(lambda _, tab=tab: self.bring(tab))
        self.call.on_graph = lambda kernel: self.bring("Graph", kernel)
        self.bring("Call")

    def bring(self, tab: str, kernel: str | None = None) -> None:
        """Bring a tab to the front; the graph view is made when it is first asked for."""
        for name, button in self.tabs.items():
            (button.add_class if name == tab else button.remove_class)("genolab-open")
        if tab == "Graph":
            if self.graph is None:
                self.graph = GraphPanel(kernel)
                self._graph_place.children = (self.graph,)
            elif kernel is not None:
                self.graph.chooser.value = kernel
        self.call.body.layout.display = "flex" if tab == "Call" else "none"
        self._graph_place.layout.display = "flex" if tab == "Graph" else "none"


_TABS = {
    "Call": "reads to variants, with a reason for every position",
    "Graph": "the computation behind every result, node by node",
}


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

"""The workbench: every panel under one roof, one selection in all, and what was found in one handed to another."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab.panels.board import Board
from genolab.panels.call import GRAPH, CallPanel
from genolab.panels.history import History
from genolab.panels.lab_head import SelectionBoxes, SessionMenu, Tools
from genolab.panels.lab_seam import LabSeam
from genolab.panels.page import Says
from genolab.panels.parameters import Parameters
from genolab.panels.parts import button
from genolab.panels.paths import Allowed
from genolab.panels.seam import Selection
from genolab.panels.shelf import ShelfPart
from genolab.panels.trust import guard
from genolab.panels.warming import Warming
from genolab.panels.workbench import Keys
from genolab.scale import Job, Latest, Progress, State

if TYPE_CHECKING:
    from genolab.panels.graph import GraphPanel
    from genolab.panels.play import PlayPanel
    from genolab.panels.session import Restored

_TABS = {
    "Prepare": "counts to comparable expression, every step beside the raw table",
    "Align": "two sequences, every cell of their matrix, and all best alignments",
    "Call": "reads to variants, with a reason for every position",
    "Predict": "models on sequences, expression and genotypes, with what they look at",
    "Graph": "the computation behind every result, node by node",
}
_HOME = {
    "Align": "genolab.panels.align.AlignPanel",
    "Predict": "genolab.panels.predict.PredictPanel",
    "Prepare": "genolab.panels.prepare.PreparePanel",
}
"""Panels that need nothing to start: made when their tab is first opened, loaded before that in this order."""


class Lab(LabSeam, ipywidgets.VBox):
    """Header with tabs and the selection, data shelf, the open panel, status bar with the drawer of jobs and notices.

    A panel is made when its tab is first opened; what it may offer and ask is in :mod:`genolab.panels.seam`. With
    ``warm`` the kernels of an open tab are compiled in the background, once its panel has answered.
    """

    def __init__(
        self,
        call: CallPanel | None = None,
        first: str = "Call",
        roots: Sequence[str | os.PathLike[str]] | None = None,
        warm: bool = False,
    ) -> None:
        self.panels: dict[str, Any] = {} if call is None else {"Call": call}
        self.graph: GraphPanel | None = None
        self.play: PlayPanel | None = None
        self.roots = roots
        self.selection = Selection()
        self.shown = first
        self._untold: set[str] = set()
        self._lock = threading.RLock()
        self._opening = Latest(self._opened)
        self._graph_place = ipywidgets.VBox([], layout=ipywidgets.Layout(display="none", width="100%"))
        self._graph_place.add_class("genolab-graph-place")
        known = [name for name in _TABS if name not in _HOME or find_spec(_HOME[name].rpartition(".")[0])]
        self.tabs = {name: ipywidgets.Button(description=name, tooltip=_TABS[name]) for name in known}
        self.board = Board()
        self.settling = Latest(self.board.watcher("session"))
        """What a session still has to do once its panels have computed."""
        ahead = {name: place for name, place in _HOME.items() if name in known}
        self.warming = Warming(self.board.watcher("lab"), self._busy, ahead) if warm else None
        self.history = History(self._history_moved, on_move=lambda number: self.keyboard.settle(number))
        self.boxes = SelectionBoxes(self._chosen_here)
        self.tools = Tools(self.undo, self.redo, self._toggle_menu)
        self.menu = SessionMenu(self)
        self.shelf = ShelfPart(Allowed(roots, "shelf"), lambda: self.panels, self._tabs_for, self._open_held)
        self.keyboard = Keys(self._key, self.history.settled)
        self._places = ipywidgets.HBox([]).add_class("genolab-place")
        self._bodies, self._bars = ipywidgets.VBox([]), ipywidgets.VBox([])
        self._waiting = Says("", "soft")
        self._waiting.add_class("genolab-waiting")
        self._waiting.layout.display = "none"
        super().__init__(self._lay_out())
        guard(self)
        self.add_class("genolab-panel").add_class("genolab-lab")
        for tab, opener in self.tabs.items():
            opener.on_click(lambda _, tab=tab: self.open_tab(tab))
        for name, made in self.panels.items():
            self._hold(name, made)
        self.bring(first)

    # --- panels and tabs

    @property
    def call(self) -> CallPanel:
        """The call panel."""
        panel: CallPanel = self.panel("Call")
        return panel

    def panel(self, tab: str) -> Any:
        """The panel of a tab, made now if it was not before."""
        with self._lock:
            if tab not in self.panels:
                make: Callable[..., Any] = CallPanel
                if tab in _HOME:
                    module, _, name = _HOME[tab].rpartition(".")
                    make = getattr(import_module(module), name)
                self.panels[tab] = made = make() if self.roots is None else make(roots=self.roots)
                self._hold(tab, made)
            return self.panels[tab]

    def bring(self, tab: str, kernel: str | None = None) -> None:
        """Bring a tab to the front; the graph view opens on a kernel if one is named."""
        if tab == "Graph":
            self._need_graph(kernel)
        else:
            self.panel(tab)
        self._show(tab)

    def open_tab(self, tab: str, kernel: Any = None) -> None:
        """The same without waiting: the tab is in front at once, its panel follows where it has to be made."""
        made = self.graph is not None if tab == "Graph" else tab in self.panels
        if made:
            self.bring(tab, kernel)
            return
        self._show(tab)
        self._waiting.say(f"Opening {tab} …", "soft")
        self._waiting.layout.display = "flex"

        def work(_progress: Progress) -> None:
            if tab == "Graph":
                self._need_graph(kernel)
            else:
                self.panel(tab)
            self._show(self.shown)  # a person may have gone elsewhere meanwhile

        self._opening.submit(work, name=f"open {tab}", cancel_running=False)

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until nothing is opened, no panel works and every digest is known; False when one took longer."""
        if not self._opening.wait(timeout):
            return False
        if not self.settling.wait(timeout):
            return False
        waited = [panel.wait(timeout) for panel in list(self.panels.values())]
        return all(waited) and self.shelf.queue.wait(timeout)

    def _busy(self) -> bool:
        """Whether a tab is being opened, or a panel works."""
        return not (self._opening.wait(0) and all(panel.wait(0) for panel in list(self.panels.values())))

    def _show(self, tab: str) -> None:
        self.shown = tab
        self._waiting.layout.display = "none"
        for name, opener in self.tabs.items():
            (opener.add_class if name == tab else opener.remove_class)("genolab-open")
        for name, panel in self.panels.items():
            # behind the graph, the panel that led there keeps its line
            visible = {panel.body: name == tab}
            if tab != "Graph":
                visible |= {panel.bar: name == tab, panel.place: name == tab}
            for widget, seen in visible.items():
                display = "flex" if seen else "none"
                if widget.layout.display != display:
                    widget.layout.display = display
        self._graph_place.layout.display = "flex" if tab == "Graph" else "none"
        if self.warming is not None and tab in self.panels:
            self.warming.begin(tab, self.panels[tab])

    def _need_graph(self, kernel: Any) -> None:
        with self._lock:
            if self.graph is None:
                from genolab.panels.graph import GraphPanel

                self.graph = GraphPanel(kernel or GRAPH, self._arguments)
                self.graph.watchers.append(self.board.watcher("Graph"))
                own = button("Write your own", "type an expression and watch its graph", self._play)
                own.add_class("genolab-own")
                self._graph_place.children = (own, self.graph)
            elif isinstance(kernel, str):
                self.graph.chooser.value = kernel
            elif kernel is not None:  # one that was made just now, such as a network's training step
                self.graph.show(kernel)

    def _opened(self, job: Job[Any]) -> None:
        if job.state is State.REFUSED:
            self._waiting.say(f"It could not be opened: {job.error}", "error")
            self._waiting.layout.display = "flex"
            self.board.add("lab", str(job.error), "error")

    def _hold(self, name: str, panel: Any) -> None:
        panel.on_graph = lambda kernel: self.open_tab("Graph", kernel)
        for seam, act in (("on_reads", self.open_reads), ("on_variants", self.open_variants)):
            if hasattr(panel, seam):
                setattr(panel, seam, act)
        if hasattr(panel, "onward") and "Predict" in self.tabs:
            panel.onward.layout.display = None
        if hasattr(panel, "on_counts"):
            panel.on_counts = self.open_counts
        if hasattr(panel, "on_need_counts"):
            panel.on_need_counts = self._prepared
        if hasattr(panel, "on_select"):
            panel.on_select = lambda selection, name=name: self._chosen_in(name, selection)
        panel.bar.watchers.append(self.board.watcher(name))
        panel.bar.watchers.append(lambda job, name=name: self._worked(name, job))
        panel.bar.on_note = lambda notices, name=name: self.board.of_panel(name, notices)
        self.history.hold(name, panel.body)
        panel.body.add_class(f"genolab-of-{name}")
        told = Parameters(panel.body).controls().values()
        self.keyboard.explain(name, {each.description: each.tooltip for each in told if getattr(each, "tooltip", "")})
        if self.selection != Selection():
            self._untold.add(name)
        for part in (panel.body, panel.bar, panel.place):  # until it is brought to the front
            part.layout.display = "none"
        self._bodies.children = (*self._bodies.children, panel.body)
        self._bars.children = (*self._bars.children, panel.bar)
        self._places.children = (*self._places.children, panel.place)

    def _worked(self, name: str, job: Job[Any]) -> None:
        if job.state.finished:
            self._tell_new(name)
            self.history.watch(name)
            self.shelf.refresh()

    # --- undo

    def undo(self) -> None:
        """Take the last change of a parameter back, in whatever panel it was."""
        step = self.history.undo()
        if step is not None:
            self.bring(step.panel)

    def redo(self) -> None:
        """Make a change again that was taken back."""
        step = self.history.redo()
        if step is not None:
            self.bring(step.panel)

    def _history_moved(self) -> None:
        history = self.history
        self.tools.offer(history.words(history.past), history.words(history.future))

    def _key(self, what: str) -> None:
        match what.split():
            case ["undo"]:
                self.undo()
            case ["redo"]:
                self.redo()
            case ["save"]:
                self.menu.save()
            case ["tab", number] if number.isdigit() and 1 <= int(number) <= len(self.tabs):
                self.open_tab(list(self.tabs)[int(number) - 1])

    # --- ways out

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Save parameters, references to data with digests, and results into a folder; see :func:`~.session.save`."""
        from genolab.panels import session

        return session.save(self, folder)

    def restore(self, folder: str | os.PathLike[str]) -> Restored:
        """Take up a session that was saved, also on another machine; returns what was found, missing or changed."""
        from genolab.panels import session

        return session.restore(self, folder)

    def export_notebook(self, path: str | os.PathLike[str]) -> Path:
        """Write a notebook of plain calls that gives the results on screen."""
        from genolab.panels import export

        return export.write(self, path)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one HTML file with what is on screen: live plots, tables, and where everything is from."""
        from genolab.panels import export

        return export.report(self, path)

    # --- widgets

    def _lay_out(self) -> list[ipywidgets.Widget]:
        name = Says("genolab", "title")
        name.add_class("genolab-name")
        row = ipywidgets.HBox(list(self.tabs.values())).add_class("genolab-tabs")
        head = ipywidgets.HBox([name, row, self.boxes, self.tools]).add_class("genolab-head")
        main = ipywidgets.VBox([self._waiting, self._bodies, self._graph_place]).add_class("genolab-main")
        middle = ipywidgets.HBox([self.shelf.widget, main]).add_class("genolab-middle")
        self._bars.add_class("genolab-bars-place")
        foot = ipywidgets.HBox([self._bars, self._places, self.board.drawer]).add_class("genolab-foot")
        return [head, self.menu, middle, foot, self.keyboard]

    def _toggle_menu(self) -> None:
        self.menu.toggle()

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
        for panel in list(self.panels.values()):
            arguments = panel.arguments(kernel) if hasattr(panel, "arguments") else None
            if arguments is not None:
                return arguments
        return None


def lab(
    reads: str | os.PathLike[str] | None = None,
    reference: str | os.PathLike[str] | None = None,
    region: str | None = None,
    *,
    truth: str | os.PathLike[str] | None = None,
    roots: Sequence[str | os.PathLike[str]] | None = None,
    session: str | os.PathLike[str] | None = None,
) -> Lab:
    """The workbench on your files, or on an example that ships with genolab; `roots` as for :class:`CallPanel`.

    ``session`` is a folder that :meth:`Lab.save` wrote: everything is as it was, and what is missing or has changed
    since is said in the notices.
    """
    made = Lab(CallPanel(reads, reference, region, truth=truth, roots=roots), roots=roots, warm=True)
    if session is not None:
        made.restore(session)
    return made

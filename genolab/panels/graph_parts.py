"""The parts of the graph panel: stepping through rewrites, measuring, reading the code, comparing backends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab.kernel.flow import duration
from genolab.panels.page import Code, Facts, Says
from genolab.panels.parts import button
from genolab.plots.highlight import marks_of
from genolab.plots.value import ValueView

if TYPE_CHECKING:
    from genolab.kernel.comparison import BackendRow
    from genolab.kernel.flow import DataFlow
    from genolab.kernel.graph_model import GraphModel
    from genolab.kernel.rewrites import RewriteHistory
    from genolab.kernel.source import Source

_BEAT = 0.9  # seconds a step is shown while it plays


class RewriteBar(ipywidgets.VBox):
    """Back, forward, play and search through the steps of a history; `on_step(model)` draws each."""

    def __init__(self, on_step: Callable[[GraphModel], None]) -> None:
        self.history: RewriteHistory | None = None
        self._on_step, self._playing = on_step, threading.Event()
        self.back = button("◀", "one rewrite back", lambda: self.go(-1))
        self.forward = button("▶", "one rewrite further", lambda: self.go(1))
        self.play = ipywidgets.ToggleButton(description="play", tooltip="one after another")
        for each in (self.back, self.forward, self.play):
            each.layout = ipywidgets.Layout(width="56px", flex="0 0 auto")
        self.slider = ipywidgets.IntSlider(0, 0, 0, description="step", layout=ipywidgets.Layout(width="330px"))
        self.search = ipywidgets.Text(placeholder="find: fused, log, canonizer ...", continuous_update=False)
        self.search.layout.width = "210px"
        self.said = Says("", "title")
        self.about = Says("", "soft")
        row = ipywidgets.HBox([self.back, self.forward, self.play, self.slider, self.search])
        row.add_class("genolab-buttons").add_class("genolab-small")
        super().__init__([row, self.said, self.about])
        self.slider.observe(self._moved, "value")
        self.play.observe(self._play, "value")
        self.search.observe(lambda change: self._find(change["new"]), "value")

    def show(self, history: RewriteHistory) -> None:
        """Begin at the graph as written."""
        self.history = history
        with self.slider.hold_sync():
            self.slider.value, self.slider.max = 0, len(history)
        self._moved(None)

    def go(self, by: int) -> None:
        """Some steps further, or back."""
        self.slider.value = min(max(self.slider.value + by, 0), self.slider.max)

    def stop(self) -> None:
        """Stop playing."""
        self.play.value = False

    def _moved(self, _change: Any) -> None:
        history, step = self.history, self.slider.value
        if history is None:
            return
        if step:
            rewrite = history.steps[step - 1]
            said = str(rewrite)
            said = said if said.startswith(rewrite.effect) else f"{rewrite.effect}: {said}"
            self.said.say(f"{step} of {len(history)}, {said}", "title")
            self.about.say(f"{rewrite.about} {rewrite.nodes} operations are left.".strip(), "soft")
        else:
            self.said.say(f"The graph as written; {len(history)} rewrites follow.", "title")
            self.about.say("Each shows what it put in, dashed.", "soft")
        self._on_step(history.model(step))

    def _play(self, change: Any) -> None:
        self._playing.clear()
        if not change["new"] or self.history is None:
            return
        if self.slider.value == self.slider.max:
            self.slider.value = 0
        going = self._playing = threading.Event()
        going.set()

        def beat() -> None:
            pause = threading.Event()
            while going.is_set() and self.slider.value < self.slider.max:
                self.go(1)
                pause.wait(_BEAT)
            if going.is_set():
                self.play.value = False

        threading.Thread(target=beat, name="genolab rewrites", daemon=True).start()

    def _find(self, words: str) -> None:
        """Go to the next step that has the words in its name, effect or nodes; from the start after the last."""
        if self.history is None or not words.strip():
            return
        texts = [f"{each.effect} {each} {each.about}".lower() for each in self.history.steps]
        hits = [number for number, text in enumerate(texts, 1) if words.strip().lower() in text]
        if not hits:
            self.about.say(f"No rewrite has {words.strip()!r} in it.", "warning")
            return
        later = [number for number in hits if number > self.slider.value]
        self.slider.value = (later or hits)[0]
        self.about.say(f"{hits.index(self.slider.value) + 1} of {len(hits)} with {words.strip()!r}.", "soft")


class FlowBox(ipywidgets.VBox):
    """Colours the compiled graph by time or memory, and shows the value of the node that is chosen."""

    def __init__(self, on_measure: Callable[[], None], on_colour: Callable[[], None]) -> None:
        self.flow: DataFlow | None = None
        self.measure = button("Measure", "run node by node, on numpy or c", on_measure)
        self.colour = ipywidgets.ToggleButtons(
            options=["plain", "time", "memory"],
            style={"button_width": "86px"},
            layout=ipywidgets.Layout(flex="0 0 auto", min_width="276px"),
            tooltips=["no colour", "share of the time of the call", "share of the memory of all results"],
        )
        self.said = Says("", "soft")
        self.view = ValueView()
        row = ipywidgets.HBox([self.measure, self.colour, self.said], layout=ipywidgets.Layout(align_items="center"))
        row.add_class("genolab-buttons").add_class("genolab-small")
        super().__init__([row])
        self.colour.observe(lambda _: on_colour(), "value")

    def show(self, flow: DataFlow, origin: str) -> None:
        """Keep what was measured; `origin` says with which data."""
        self.flow = flow
        found = flow.profile
        self.said.say(
            f"{origin}: {duration(found.total_seconds)} a call; with a clock around each node "
            f"{duration(found.seconds)}, {duration(found.node_seconds)} of it in the nodes, the rest PyTensor's own "
            f"({found.backend} backend, best of {found.repeats}, the first run left out)",
            "soft",
        )

    def forget(self) -> None:
        """Another graph is drawn, of which nothing is known."""
        self.flow = None
        self.colour.value = "plain"
        self.said.say("", "soft")
        self.value("")

    def model(self) -> GraphModel | None:
        """The measured graph in the colours that are chosen."""
        if self.flow is None:
            return None
        return self.flow.model if self.colour.value == "plain" else self.flow.coloured(self.colour.value)

    def rest(self) -> list[str]:
        """The row below the nodes while they are coloured by time."""
        return list(self.flow.rest()) if self.flow is not None and self.colour.value == "time" else []

    def value(self, identity: str) -> None:
        """Show what left a node."""
        flow = self.flow
        if flow is None:
            self.view.say("", "Press Measure, then click a node or a row to see the array that left it.")
            return
        summary, node = flow.values.get(identity), flow.model.find(identity)
        if node is None:
            self.view.say("", "Click a node or a row to see the array that left it.")
        elif summary is None:
            unknown = "Constants, and what is inside a node, have no value of their own here."
            if flow.profile.backend == "c":
                unknown = "PyTensor's profile on c knows times alone; the numpy backend shows values and memory."
            self.view.say(node.label, unknown)
        else:
            time = flow.times.get(identity)
            self.view.show(
                node.name or node.label, summary, "" if time is None else f"made in {duration(time.seconds)}"
            )


class SourceBox(ipywidgets.VBox):
    """The code of a kernel on a backend, part by part."""

    def __init__(self, on_machine: Callable[[], None]) -> None:
        self.sources: dict[str, Source] = {}
        self.part = ipywidgets.Dropdown(description="part", layout=ipywidgets.Layout(width="420px"))
        self.machine = button("LLVM and machine code", "compiles once more, without the cache: seconds", on_machine)
        self.notes = Says("", "soft")
        self.code = Code(title="What runs")
        self.code.layout.display = "block"
        self.code.add_class("genolab-source")
        row = ipywidgets.HBox([self.part, self.machine]).add_class("genolab-buttons").add_class("genolab-small")
        super().__init__([row, self.notes, self.code])
        self.part.observe(self._choose, "value")

    def show(self, sources: Iterable[Source], conversions: Iterable[str], numba: bool) -> None:
        """Show these parts; the last one is chosen if it is machine code."""
        self.sources = {f"{each.title} ({each.language})": each for each in sources}
        found = list(conversions)
        summary = f"{len(found)} conversions and copies" if found else "No conversions, no copies."
        self.notes.say("" if found else summary, "soft", found, summary)
        self.machine.layout.display = None if numba else "none"
        self.part.options = list(self.sources)
        self.part.value = next(iter(self.sources), None)
        self._choose(None)

    def clear(self, why: str) -> None:
        """Take away what is shown, which is of another kernel or backend."""
        self.show([], [], numba=False)
        self.notes.say(why, "soft")

    def _choose(self, _change: Any) -> None:
        source = self.sources.get(self.part.value)
        if source is None:
            self.code.text = ""
        else:
            self.code.show(source.text, marks_of(source.text, source.language))


class BackendBox(ipywidgets.VBox):
    """Every backend beside the others; `on_stop` is for the one that takes too long."""

    def __init__(self, on_stop: Callable[[], None]) -> None:
        self.facts = Facts()
        self.rows: list[BackendRow] = []
        self.stop = button("Stop", "end the process that is being measured", on_stop)
        self.stop.layout = ipywidgets.Layout(width="72px")
        super().__init__([self.facts, self.stop])

    def show(self, rows: Iterable[BackendRow], origin: str, waiting: tuple[str, str] | None = None) -> None:
        """List the rows that are known, and the backend that is being measured with what it does."""
        self.rows = list(rows)
        lines = [(row.backend, str(row)) for row in self.rows]
        lines += [] if waiting is None else [(waiting[0], f"{waiting[1]} …")]
        self.facts.show(lines, f"Run with {origin}")
        self.stop.disabled = waiting is None

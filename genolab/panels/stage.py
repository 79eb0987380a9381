"""What the call panel shows: the genome, the table, the reasons, and what was refused; each pane gets its own frame."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab.call import explain
from genolab.panels.against import Against
from genolab.panels.page import Says, Why
from genolab.panels.parts import Refusal, button
from genolab.panels.rests import Rests, drawn
from genolab.plots import call_table, sites
from genolab.plots.genome import GenomeView
from genolab.plots.joint_sites import joint_columns
from genolab.plots.pane import BokehPane
from genolab.plots.why import WhyView

if TYPE_CHECKING:
    from genolab.call import Explanation
    from genolab.panels.source import Loaded


class Stage:
    """Genome view, table and reasons, linked: a position chosen in one is shown in the others.

    `on_pick(position, centre)` and `on_move()` ask the panel to call `select` and `redraw` in its own time; `backend()`
    says what answers at once.
    """

    def __init__(
        self,
        on_pick: Callable[[int, bool], None],
        on_move: Callable[[], None],
        on_build: Callable[[str], None],
        backend: Callable[[], str | None],
        on_against: Callable[[], None],
        on_rest: Callable[[], None],
    ) -> None:
        self.loaded: Loaded | None = None
        self.explanation: Explanation | None = None
        self.lock = threading.RLock()
        self._on_pick, self._on_move, self._backend = on_pick, on_move, backend
        self.genome = GenomeView(lambda position: on_pick(position, False), on_move)
        self.pane = BokehPane(self.genome.layout)
        self.pane.observe(self._resized, "size")
        self.table = call_table.CallTable(lambda position: on_pick(position, True))
        self.table_pane = BokehPane(self.table.layout)
        self.why_view = WhyView()
        self.why_pane = BokehPane(self.why_view.layout)
        self.why = Why()
        self.against = Against(lambda position: on_pick(position, True), self._swap)
        self.rests = Rests(self._swap_rests)
        self._on_against, self._on_rest = on_against, on_rest
        self.title = Says(tone="title")
        self.counted = Says(tone="soft")
        self.refusal = Refusal(on_build)
        self.top = self._build_top()
        self.bottom = self._build_bottom()

    # --- drawing; in a worker's thread

    def show(self, loaded: Loaded) -> None:
        """Draw calls. Another source or region starts anew; the same one keeps its window and its position."""
        with self.lock:
            before, self.loaded = self.loaded, loaded
            new = before is None or before.region != loaded.region or before.source.reads != loaded.source.reads
            calls, truth = loaded.calls, loaded.truth
            position = None if self.explanation is None else self.explanation.position - 1
            with self.pane.hold():
                if new:
                    self.genome.forget()
                    passed = calls.position[calls.passed]
                    position = int(passed[0]) if len(passed) else None
                self.genome.show(calls, truth, loaded.source.sample)
                if new:
                    self.genome.select(position)
            rows, known = self.genome.rows, self.genome.known
            with self.table_pane.hold():
                missed = sites.missed_columns(calls, known) if truth is not None else None
                if loaded.joint is not None:
                    self.table.show_together(joint_columns(loaded.joint, calls.sample), loaded.joint.samples)
                else:
                    self.table.show(rows, missed)
                self.table.select(position)
            self._explain(position)
            self._tell(known)
            self.against.offer(truth is not None)
            self.against.threshold(calls.thresholds.min_quality)

    def select(self, position: int, centre: bool = False) -> None:
        """Mark a position (0-based) everywhere and say why it was or was not called."""
        with self.lock:
            if self.loaded is None:
                return
            with self.pane.hold():
                self.genome.select(position, centre)
            with self.table_pane.hold():
                self.table.select(position)
            self._explain(position)

    def redraw(self) -> None:
        """Draw what the moved window shows."""
        with self.lock, self.pane.hold():
            self.genome.redraw()

    def _resized(self, change: Any) -> None:
        with self.lock, self.pane.hold():
            self.genome.resize(*change["new"])

    def _explain(self, position: int | None) -> None:
        loaded, evidence = self.loaded, None if position is None else self.genome.evidence
        inside = evidence is not None and evidence.region.start <= (position or 0) < evidence.region.end
        if loaded is None or position is None or evidence is None or not inside:
            self.explanation = None
            self.why.show(None, "" if position is None else "Zoom in to see why: these reads are not in memory.")
        else:
            if loaded.joint is not None:
                contig, sample = evidence.region.contig, loaded.calls.sample
                self.explanation = loaded.joint.explain(contig, position + 1, sample)
            else:
                self.explanation = explain(
                    evidence, position, loaded.calls.thresholds, loaded.calls.ploidy, self._backend()
                )
            self.why.show(self.explanation)
        with self.why_pane.hold():
            self.why_view.show(self.explanation)
        if self.rests.shown:
            self._on_rest()

    def rest(self, explanation: Explanation | None) -> None:
        """Draw what a verdict rests on, unless another position was chosen meanwhile."""
        sentence, pane = drawn(explanation)
        with self.lock:
            if self.rests.shown and explanation is self.explanation:
                self.rests.show(pane)
                self.why.rests(sentence)

    def _tell(self, known: dict[str, Any]) -> None:
        loaded = self.loaded
        assert loaded is not None
        calls = loaded.calls
        passed = int(calls.passed.sum())
        said = f"{calls.sample}: {passed:,} calls pass, {len(calls) - passed:,} filtered"
        if loaded.joint is not None:
            said += f"; {len(loaded.joint):,} sites of {len(loaded.joint.samples)} samples"
        if loaded.truth is not None:
            states = list(known["state"])
            said += f"; {states.count(sites.FOUND):,} of {len(states) - states.count(sites.OTHER):,} known found"
        self.title.say(said, "title")
        self._count()

    def _count(self) -> None:
        shown, there = self.table.count
        self.counted.say(f"{shown:,} of {there:,}" if shown != there else f"{there:,} rows", "soft")

    # --- widgets

    def _build_top(self) -> ipywidgets.VBox:
        buttons = [
            button("◀ call", "the call before (filtered ones too)", lambda: self._step(-1)),
            button("call ▶", "the next call (filtered ones too)", lambda: self._step(1)),
            button("−", "wider; the wheel does the same", lambda: self._zoom(2.0)),
            button("+", "narrower; the wheel does the same", lambda: self._zoom(0.5)),
            button("all", "the whole region", self._whole),
        ]
        self.title.layout.flex = "1 1 auto"
        nav = ipywidgets.HBox([self.title, *buttons]).add_class("genolab-nav")
        self.pane.add_class("genolab-plot").add_class("genolab-fill")
        return ipywidgets.VBox([nav, self.refusal, self.pane]).add_class("genolab-stage")

    def _build_bottom(self) -> ipywidgets.HBox:
        shown = ipywidgets.Dropdown(
            options=call_table.SHOWN, tooltip="which rows", layout=ipywidgets.Layout(width="96px")
        )
        words = ipywidgets.Text(
            placeholder="find: position, A>G, filter ...", layout=ipywidgets.Layout(flex="1 1 auto", width="auto")
        )

        def narrow(_change: Any) -> None:
            with self.lock, self.table_pane.hold():
                self.table.narrow(shown.value, words.value)
            self._count()

        shown.observe(narrow, "value")
        words.observe(narrow, "value")
        head = ipywidgets.HBox([shown, words, self.counted, self.rests.button, self.against.button]).add_class(
            "genolab-nav"
        )
        self.table_pane.add_class("genolab-plot").add_class("genolab-fill")
        self._listed = ipywidgets.VBox([head, self.table_pane]).add_class("genolab-list")
        self.why.add_class("genolab-words")
        self.why_pane.add_class("genolab-bars")
        return ipywidgets.HBox([self._listed, self.why, self.why_pane, self.rests.box]).add_class("genolab-bottom")

    def _swap(self, against: bool) -> None:
        """Show the differences from the truth and its curve in the places of the calls and of the reads' weights."""
        if against:
            self.rests.button.value = False
        pairs = (
            (self._listed, self.table_pane, self.against.table_pane),
            (self.bottom, self.why_pane, self.against.curve_pane),
        )
        for box, usual, other in pairs:
            if other not in box.children:
                box.children = (*box.children, other)
            usual.layout.display = "none" if against else None
            other.layout.display = None if against else "none"
        self._on_against()

    def _swap_rests(self, shown: bool) -> None:
        """Show what the verdict rests on in the place of the reads' weights."""
        if shown:
            self.against.button.value = False
        self.why_pane.layout.display = "none" if shown else None
        self.rests.box.layout.display = None if shown else "none"
        if shown:
            self._on_rest()
        elif self.explanation is not None:
            self.why.rests(self.explanation.flip)

    def _step(self, by: int) -> None:
        """Go to the call after or before the position that is chosen, or else before or after the window's middle."""
        if self.loaded is None or not len(self.loaded.joint or self.loaded.calls):
            return
        start, end = self.genome.window.view
        here = self.genome.selected if self.genome.selected is not None else (start + end) // 2
        positions = (self.loaded.joint or self.loaded.calls).position
        later, earlier = positions[positions > here], positions[positions < here]
        if by > 0 and len(later):
            self._on_pick(int(later[0]), True)
        elif by < 0 and len(earlier):
            self._on_pick(int(earlier[-1]), True)

    def _zoom(self, factor: float) -> None:
        if self.loaded is not None:
            with self.pane.hold():
                self.genome.window.zoom(factor, self.genome.selected)

    def _whole(self) -> None:
        if self.loaded is not None:
            with self.pane.hold():
                self.genome.window.whole()

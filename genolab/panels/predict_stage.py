"""What the predict panel shows of sequences: the training, the filters, and one sequence explained and edited."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab.panels.page import Says
from genolab.panels.parts import Refusal, button
from genolab.plots.pane import BokehPane
from genolab.plots.predict_sequence import FiltersView, SequenceView
from genolab.plots.predict_training import JUDGED, METRICS, TrainingView
from genolab.text import plain

if TYPE_CHECKING:
    import numpy as np

    from genolab.panels.predict_runs import Run
    from genolab.predict.attribution import Motif
    from genolab.predict.one_sequence import SequenceExplanation

_METRICS = {"score": "score", "gradient": "gradient", "rate": "rate"}


class PredictStage(ipywidgets.VBox):
    """Three pictures below each other, with a line of choices above each.

    `on_pick(number)` is called when a held-out sequence was chosen, `on_codes(codes)` when it was edited (None: back
    to what it was), `on_target()` when another class is to be explained.
    """

    def __init__(
        self, on_pick: Callable[[int], None], on_codes: Callable[[np.ndarray | None], None],
        on_target: Callable[[], None],
    ) -> None:  # fmt: skip
        self._on_pick, self._on_codes, self._on_target, self._quiet = on_pick, on_codes, on_target, False
        self.lock = threading.RLock()
        self.run: Run | None = None
        self.number: int | None = None
        self.original: np.ndarray | None = None
        self.before: np.ndarray | None = None
        self.motifs: list[Motif] | None = None
        self.training, self.filters = TrainingView(self._picked), FiltersView()
        self.sequence = SequenceView(self._edited)
        self.panes = {
            "training": BokehPane(self.training.layout), "filters": BokehPane(self.filters.layout),
            "sequence": BokehPane(self.sequence.layout),
        }  # fmt: skip
        self.refusal = Refusal()
        self.metric, self.judged = _toggles(METRICS), _toggles(JUDGED)
        self.metric.observe(self._looked, "value")
        self.judged.observe(self._looked, "value")
        self.said, self.of_filters = Says("", "plain"), Says("", "soft")
        self.said.add_class("genolab-chosen")
        back = button("◀", "the test sequence before", partial(self._step, -1))
        on = button("▶", "the next test sequence", partial(self._step, 1))
        self.which = Says("", "soft")
        self.letters = ipywidgets.Text(
            continuous_update=False, tooltip="change letters and press Enter", layout={"width": "300px"}
        )  # fmt: skip
        self.letters.observe(self._typed, "value")
        self.undo = button("undo edits", "the sequence as it was", lambda: on_codes(None))
        self.undo.layout.visibility = "hidden"
        self.target = ipywidgets.Dropdown(
            description="explain", options=[("value", 0)], style={"description_width": "48px"},
            layout={"width": "170px"}, tooltip="the class whose log odds are explained",
        )  # fmt: skip
        self.target.observe(lambda _change: None if self._quiet else on_target(), "value")
        navs = [
            [self.metric, self.judged, self.said], [self.of_filters],
            [back, on, self.which, self.target, self.letters, self.undo],
        ]  # fmt: skip
        rows: list[ipywidgets.Widget] = [self.refusal]
        for nav, pane in zip(navs, self.panes.values(), strict=True):
            rows += [ipywidgets.HBox(nav).add_class("genolab-nav"), pane]
        super().__init__(rows)
        self.add_class("genolab-stage").add_class("genolab-tall").add_class("genolab-predict")

    # --- drawing; in a worker's thread

    def show_run(self, run: Run, runs: list[Run]) -> None:
        """Draw a run as far as it has come, among the others."""
        with self.lock:
            self.run = run
            with self.panes["training"].hold():
                self.training.show_progress(run.steps, run.history, run.compared(runs))

    def show_judged(self, run: Run) -> None:
        """Draw what a run is worth; before it is judged, nothing."""
        with self.lock, self.panes["training"].hold():
            self.training.show_judged(run.judged, run.study.test)
        if run.judged is None:
            self.said.say("the test part is judged when training ends", "soft")
        else:
            self.said.say(run.judged.sentence)

    def show_filters(self, motifs: list[Motif] | None, settled: bool) -> None:
        """Draw what the filters look for; None where there are none."""
        with self.lock, self.panes["filters"].hold():
            self.motifs = motifs
            if motifs is None:
                self.filters.clear()
                self.of_filters.say("linear in its words: no filters", "soft")
            else:
                self.filters.show(motifs, settled)
                shown = sum(each is not None for each in self.filters.shown)
                self.of_filters.say(f"filters of the first layer: {shown} of {len(motifs)}, those of most information; "
                                    "letters as high as their bits", "soft")  # fmt: skip

    def offer(self, run: Run) -> None:
        """Say which classes may be explained."""
        names = run.study.names
        shown = [plain(name) for name in names]
        options = [(shown[1], 0)] if len(shown) == 2 else [(name, k) for k, name in enumerate(shown)] or [("value", 0)]
        with self._unheard():
            self.target.options = options
        self.target.layout.display = None if len(options) > 1 else "none"

    def explain(self, explained: SequenceExplanation, run: Run) -> None:
        """Draw one sequence explained; the first after another was chosen is the one to compare edits with."""
        with self.lock:
            if self.original is None or self.before is None or self.original.size != explained.codes.size:
                self.original, self.before = explained.codes, explained.prediction
            with self.panes["sequence"].hold():
                self.sequence.show(explained, self.original, self.before, run.study.names)
        edits = int((explained.codes != self.original).sum())
        self.undo.layout.visibility = "visible" if edits else "hidden"
        place, base, change = explained.greatest()
        truth = "" if self.number is None else f", truly {run.study.labels[self.number]}"
        number = "typed" if self.number is None else f"sequence {self.number:,}"
        strongest = f"{explained.text[place]}{place + 1:,}{'ACGT'[base]} {change:+.2f}"
        self.which.say(f"{number}{truth}; strongest change: {strongest}", "soft")
        with self._unheard():
            self.letters.value = explained.text

    def choose(self, number: int | None, target: int | None = None) -> None:
        """Another sequence is to be explained: what was edited is forgotten."""
        self.number, self.original, self.before = number, None, None
        if target is not None and target in [value for _, value in self.target.options]:
            with self._unheard():
                self.target.value = target

    # --- what a person chose

    def _unheard(self) -> _Unheard:
        return _Unheard(self)

    def _looked(self, _change: Any) -> None:
        with self.lock, self.panes["training"].hold():
            self.training.look(self.metric.value, self.judged.value)

    def _picked(self, number: int) -> None:
        self._on_pick(number)

    def _step(self, by: int) -> None:
        if self.run is None:
            return
        test = self.run.study.test.tolist()
        place = test.index(self.number) if self.number in test else -by
        self._on_pick(test[(place + by) % len(test)])

    def _edited(self, position: int, base: int) -> None:
        from genolab.predict.one_sequence import changed

        explained = self.sequence.explained
        if explained is not None:
            self._on_codes(changed(explained.codes, position, base))

    def _typed(self, change: Any) -> None:
        if self._quiet:
            return
        from genolab.errors import GenolabError
        from genolab.predict.bases import encode

        try:
            self._on_codes(encode("predict panel", "sequence", ["".join(change["new"].split())])[0])
        except GenolabError as error:
            self.refusal.show(error)


class _Unheard:
    """While it is entered, controls are set by the program."""

    def __init__(self, stage: PredictStage) -> None:
        self.stage = stage

    def __enter__(self) -> None:
        self.was, self.stage._quiet = self.stage._quiet, True

    def __exit__(self, *_: Any) -> None:
        self.stage._quiet = self.was


def _toggles(names: tuple[str, ...]) -> ipywidgets.ToggleButtons:
    return ipywidgets.ToggleButtons(options=names, style={"button_width": "auto"}).add_class("genolab-views")

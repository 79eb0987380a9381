"""The predict panel: sequences with a label, a leak check before any score, training live, and why."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab.errors import GenolabError
from genolab.panels.page import Code, Downloads, Facts, Says
from genolab.panels.parts import Listener, StatusBar, button
from genolab.panels.paths import LOOK, Allowed
from genolab.panels.predict_code import code_of
from genolab.panels.predict_controls import Settings
from genolab.panels.predict_seam import PredictSeam
from genolab.panels.predict_source import FIRST, NET, WHO, Inputs, Loaded, leak_words, load
from genolab.panels.predict_stage import PredictStage
from genolab.panels.predict_train import TrainingPart
from genolab.panels.trust import guard
from genolab.plots.predict_columns import score_rows
from genolab.predict.one_sequence import explain_sequence
from genolab.scale import Job, Latest, Progress
from genolab.text import plain

if TYPE_CHECKING:
    import numpy as np

    from genolab.panels.predict_expression import ExpressionPart
    from genolab.panels.predict_risk import RiskPart
    from genolab.panels.predict_runs import Run

WAYS = {
    "CSV": "save truth and prediction of every test sequence or sample, and the weights",
    "Model": "save weights and model card; gl.predict.load reads it",
    "PNG": "save the pictures as pixels",
    "SVG": "save the pictures as vectors",
}


class PredictPanel(PredictSeam, ipywidgets.VBox):
    """Train a model of sequences, see what it is worth and why; or of a gene's expression, or a risk score.

    Parameters
    ----------
    sequences, labels
        Texts with a class or a number each; or the path of a CSV with the columns ``sequence`` and ``label``. The
        first example where they are left out.
    columns
        What is known of the sequences beside it, by name: groups that a split may keep together.
    split
        Where the control starts: ``similarity``, ``random`` or the name of a column.
    architecture, epochs
        Where the controls start.
    train
        Whether training starts by itself.
    roots
        The folders that the path box may name; by default the working folder and the home folder.
    """

    def __init__(
        self, sequences: Any = None, labels: Any = None, *, columns: dict[str, Any] | None = None,
        split: str | None = None, architecture: str | None = None, epochs: int = 12, train: bool = True,
        roots: Sequence[str | os.PathLike[str]] | None = None,
    ) -> None:  # fmt: skip
        self.on_graph: Callable[[Any], None] | None = None
        self.bar = StatusBar(self.cancel)
        listener = Listener(self.bar, self._refuse, self._ended)
        self._reading = Latest(listener)
        self._explaining = Latest(Listener(self.bar, self._refuse))
        self.allowed = Allowed(roots, WHO)
        self.inputs, self.settings = Inputs(self.allowed, self.read), Settings(self._arrange)
        self.stage = PredictStage(self.explain, self._edit, self._explain_again)
        self.stage.refusal.again = self.read
        self.training = TrainingPart(self.stage, listener, self._explaining, self._offer_runs, self._judged)
        self.risk: RiskPart | None = None
        self.expression: ExpressionPart | None = None
        self.loaded: Loaded | None = None
        self.leaks, self.scores, self.place = Says("", "soft"), Facts(), Says("", "soft")
        self.code_box, self.downloads = Code(), Downloads()
        self._train_when_read = train
        self.body = ipywidgets.VBox(self._lay_out()).add_class("genolab-body")
        super().__init__([self.body, self.bar])
        guard(self)
        self.add_class("genolab-panel")
        self.settings.epochs.value = epochs
        self._start(sequences, labels, columns or {}, split, architecture)

    # --- what can be asked of it

    @property
    def run(self) -> Run | None:
        """The run on screen."""
        return self.stage.run

    @property
    def runs(self) -> list[Run]:
        """Every run so far."""
        return self.training.runs

    @property
    def refusal(self) -> str:
        """What was refused, in a sentence; empty where nothing was."""
        return self.stage.refusal.text

    @property
    def code(self) -> str:
        """Plain calls that reproduce what is on screen."""
        if self.part is not None:
            return self.part.code
        explained = self.stage.sequence.explained
        return "" if self.run is None else code_of(
            self.run, None if explained is None else explained.text, self.stage.target.value
        )  # fmt: skip

    def read(self) -> None:
        """Read what the boxes name, divide it and look for leaks; training then waits for its button."""
        self._arrange()
        if self.inputs.is_cohort:
            self._risk_part().simulate()
            return
        if self.inputs.is_expression:
            self._expression_part().judge()
            return
        train, self._train_when_read = self._train_when_read, False

        def work(progress: Progress) -> None:
            source = self.inputs.source()
            loaded = load(source, progress)
            self._begin(loaded)
            if train and self.part is None:
                self.train()
            elif train:  # a person went on to expression or risk meanwhile: once sequences are shown again
                self._train_when_read = True

        self.stage.refusal.clear()
        self._reading.submit(work, name="read")

    def train(self, shuffled: bool = False) -> None:
        """Train a new model with the settings as they are, in the background; ``shuffled``: on labels mixed up."""
        loaded = self.loaded
        if loaded is not None:
            study = loaded.study.permuted() if shuffled else loaded.study
            self.training.begin(loaded.source, study, self.settings.architecture.value, self._values())

    def resume(self) -> None:
        """Go on with the run that was stopped; or with one of these settings that an earlier session left behind."""
        loaded = self.loaded
        if loaded is not None:
            self.training.resume(loaded.source, loaded.study, self.settings.architecture.value, self._values())

    def stop(self) -> None:
        """Stop the training before its next step; it can be resumed."""
        self.training.queue.cancel()

    def cancel(self) -> None:
        """Stop whatever runs; what is on screen stays."""
        for queue in (self._reading, self.training.queue, self._explaining):
            queue.cancel()
        for part in self._parts:
            part.queue.cancel()

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until nothing runs, as a test or a script needs; False when a queue took longer."""
        queues = [self._reading, self.training.queue, self._explaining]
        queues += [part.queue for part in self._parts]
        return all(queue.wait(timeout) for queue in (*queues, *queues))

    def explain(self, number: int) -> None:
        """Explain a sequence of the data by the model on screen."""
        run = self.run
        if run is None or not 0 <= number < len(run.study.bases):
            return
        target = None
        if len(run.study.names) > 2:
            target = run.study.names.index(str(run.study.labels[number]))
        self.stage.choose(number, target)
        self._explain(run.study.bases[number])

    def _values(self) -> dict[str, Any]:
        return self.settings.values(self.inputs.seed.value)

    # --- reading

    def _start(self, sequences: Any, labels: Any, columns: dict[str, Any], split: str | None, net: str | None) -> None:
        titles = {name: title for title, name in self.inputs.examples.items()}
        if sequences is None:
            self.inputs.name(titles[FIRST], split or "similarity")
        elif isinstance(sequences, str | os.PathLike):
            self.allowed.add([sequences])
            self.inputs.name(os.fspath(sequences), split or "similarity")
        else:
            self.inputs.hand((list(sequences), labels, columns), split or "similarity")
        if net is not None:
            self.settings.architecture.value = net
        self.read()

    def _begin(self, loaded: Loaded) -> None:
        source = loaded.source
        before, self.loaded = self.loaded, loaded
        if source.example in NET and (before is None or before.source.example != source.example) and before is not None:
            self.settings.architecture.value = NET[source.example]
        self.inputs.offer(
            (source.target or "label", *(name for name in loaded.columns if name != source.target)), loaded.columns,
        )  # fmt: skip
        said, tone, details = leak_words(loaded.study)
        self.leaks.say(f"Leak check: {said}", tone, details, "which")  # type: ignore[arg-type]
        study = loaded.study
        parts = f"{len(study.train):,} to train, {len(study.validation):,} to stop by, {len(study.test):,} to judge"
        kind = f"{len(study.names)} classes" if study.classes else "numbers"
        self.place.say(f"{source.name}: {len(study.bases):,} sequences, {kind}", "soft")
        self.bar.note((f"{parts}.", *loaded.notices))
        self._arrange()

    # --- what a training tells

    def _judged(self, run: Run) -> None:
        test = run.study.test
        if self.stage.number is None or self.stage.number not in test:
            self.explain(int(test[0]))
        else:
            self._explain_again()

    def _offer_runs(self, run: Run) -> None:
        options = [(plain(each.name), each.number) for each in self.training.runs[::-1]]
        self._quiet = True
        try:
            self.chooser.options = options
            self.chooser.value = run.number
        finally:
            self._quiet = False
        self._say_scores(run)
        self.bar.engine.say("numpy, first layer by numba" if run.fused else "numpy", "soft")
        self._arrange()

    _quiet = False

    def _say_scores(self, run: Run) -> None:
        rows = [] if run.judged is None else score_rows(run.judged)
        self.scores.show(rows, "test part, 95 % interval" if rows else "")

    # --- one sequence

    def _explain(self, codes: np.ndarray) -> None:
        run, target = self.run, self.stage.target.value
        if run is None or not hasattr(run.model, "card_"):
            return

        def work(_progress: Progress) -> None:
            explained = explain_sequence(run.model, codes, target)
            self.stage.explain(explained, run)
            self.code_box.text = self.code

        self._explaining.submit(work, name="explain")

    def _edit(self, codes: np.ndarray | None) -> None:
        if codes is None:
            codes = self.stage.original
        elif self.stage.original is not None and codes.size != self.stage.original.size:
            self.stage.choose(None)
        if codes is not None:
            self._explain(codes)

    def _explain_again(self) -> None:
        explained = self.stage.sequence.explained
        if explained is not None:
            self.stage.before = None
            self._explain(explained.codes)

    # --- state in words

    def _ended(self, _job: Job[Any]) -> None:
        self.stage.refusal.clear()
        self._arrange()

    def _refuse(self, error: BaseException | None) -> None:
        if self.part is not None:
            self.part.refusal.show(error)
            return
        self.stage.refusal.show(error, "" if self.run is None else f"run {self.run.name}")

    def _chosen(self, change: Any) -> None:
        run = next((each for each in self.training.runs if each.number == change["new"]), None)
        if self._quiet or run is None or run is self.run:
            return

        def work(_progress: Progress) -> None:
            self.stage.choose(None)
            self.training.show(run)
            if run.judged is not None:
                self.training.judge(run)

        self._explaining.submit(work, name="run")

    def _arrange(self) -> None:
        """Which buttons mean something now, and whether sequences or a cohort are shown."""
        sequences, run = not (self.inputs.is_cohort or self.inputs.is_expression), self.run
        busy = run is not None and run.state == "training"
        self.buttons["stop"].disabled = not busy
        self.buttons["train"].disabled = self.loaded is None
        loaded = self.loaded
        self.buttons["resume"].disabled = busy or loaded is None or not self.training.may_resume(
            loaded.source, loaded.study, self.settings.architecture.value, self._values()
        )  # fmt: skip
        for widget in self._of_sequences:
            widget.layout.display = None if sequences else "none"
        for part in self._parts:
            for widget in (part.stage, part.controls):
                widget.layout.display = None if part is self.part else "none"

    # --- ways out

    def export(self, kind: str) -> None:
        """Have the browser save what is on screen: ``csv``, ``model``, ``png`` or ``svg``."""
        run = self.run
        try:
            if self.part is not None:
                self.part.export(kind, self.downloads)
            elif run is None:
                return
            elif kind == "csv" and run.judged is not None:
                frame = run.judged.to_frame()
                frame.insert(0, "sequence", [run.study.bases.text(k) for k in run.study.test])
                self.downloads.offer(f"{run.source.name}_test.csv", frame.to_csv(index=False).encode())
            elif kind == "model":
                self.downloads.offer(f"{run.source.name}_{run.architecture}.glmodel", run.model.to_bytes())
            elif kind in ("png", "svg"):
                for name, pane in self.stage.panes.items():
                    pane.download("svg" if kind == "svg" else "png", f"{run.source.name}_{name}")
        except (GenolabError, OSError) as error:
            self._refuse(error)

    # --- widgets

    def _lay_out(self) -> list[ipywidgets.Widget]:
        self.buttons = {
            "train": button("Train", "a new run with these settings", self.train),
            "stop": button("Stop", "stop before the next step; it can be resumed", self.stop),
            "resume": button("Resume", "go on where it was stopped, with the same numbers", self.resume),
        }
        self.buttons["train"].button_style = "primary"
        self.chooser = ipywidgets.Dropdown(description="run", options=[], tooltip="every run so far", **LOOK)
        self.chooser.observe(self._chosen, "value")
        control = button("Permutation control", "train on labels in another order: a score above chance is a fault",
                         partial(self.train, True))  # fmt: skip
        more = ipywidgets.Accordion(
            [ipywidgets.VBox([*self.settings.more, self.inputs.seed, control])], titles=["More"]
        ).add_class("genolab-more")
        ways = [button(text, about, partial(self.export, text.lower())) for text, about in WAYS.items()]
        look = [
            button("Copy as code", "the plain calls that give what is on screen", self._show_code),
            button("Graph: step", "the step of the training or of the score", partial(self._open_graph, "step")),
            button("Graph: forward", "what predicts, node by node", partial(self._open_graph, "forward")),
        ]
        self._of_sequences = [
            self.inputs.target, self.inputs.split, self.leaks, *self.settings.main, more, self.chooser, self.scores,
            ipywidgets.HBox(list(self.buttons.values())).add_class("genolab-buttons"), self.stage, look[2],
            ways[1],
        ]  # fmt: skip
        action = self._of_sequences[-4]
        rows = [
            self.inputs.what, self.inputs.data, self.inputs.target, self.inputs.split, self.leaks,
            *self.settings.main, action,
            self.chooser, self.scores, more,
            *(ipywidgets.HBox(each).add_class("genolab-buttons").add_class("genolab-small") for each in (ways, look)),
        ]  # fmt: skip
        self.leaks.add_class("genolab-leaks")
        column = ipywidgets.VBox([*rows, self.downloads]).add_class("genolab-column").add_class("genolab-tall")
        return [ipywidgets.HBox([column, self.stage]), self.code_box]

    def _show_code(self) -> None:
        self.code_box.text = self.code
        self.code_box.toggle()

"""The predict panel: sequences with a label, a leak check before any score, training live, and why."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np

from genolab.errors import Cancelled, GenolabError
from genolab.panels.page import Code, Downloads, Facts, Says
from genolab.panels.parts import Listener, StatusBar, button
from genolab.panels.paths import LOOK, Allowed
from genolab.panels.predict_code import code_of
from genolab.panels.predict_controls import Settings
from genolab.panels.predict_runs import CHECKPOINT_SECONDS, LOOPS, Run
from genolab.panels.predict_source import FIRST, NET, WHO, Inputs, Loaded, leak_words, load
from genolab.panels.predict_stage import PredictStage
from genolab.plots.predict_columns import spoken
from genolab.predict.one_sequence import explain_sequence
from genolab.predict.opened import forward_kernel, step_kernel
from genolab.scale import Job, Latest, Progress

if TYPE_CHECKING:
    from genolab.panels.graph import GraphPanel
    from genolab.panels.predict_risk import RiskPart

REDRAW = 0.12  # seconds between two pictures of a running training
_LOOKED_AT = 300  # sequences that a filter's picture is made from while it trains


class PredictPanel(ipywidgets.VBox):
    """Train a model of sequences, see what it is worth and why; or a risk score of genotypes.

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
        self._reading, self._training = Latest(listener), Latest(listener)
        self._explaining = Latest(Listener(self.bar, self._refuse))
        self.allowed = Allowed(roots, WHO)
        self.inputs, self.settings = Inputs(self.allowed, self.read), Settings(self._arrange)
        self.stage = PredictStage(self.explain, self._edit, self._explain_again)
        self.risk: RiskPart | None = None
        self.loaded: Loaded | None = None
        self.runs: list[Run] = []
        self.leaks, self.scores, self.place = Says("", "soft"), Facts(), Says("", "soft")
        self.code_box, self.downloads = Code(), Downloads()
        self._drawn = 0.0
        self._train_when_read = train
        self.body = ipywidgets.VBox(self._lay_out()).add_class("genolab-body")
        super().__init__([self.body, self.bar])
        self.add_class("genolab-panel")
        self.settings.epochs.value = epochs
        self._start(sequences, labels, columns or {}, split, architecture)

    # --- what can be asked of it

    @property
    def run(self) -> Run | None:
        """The run on screen."""
        return self.stage.run

    @property
    def refusal(self) -> str:
        """What was refused, in a sentence; empty where nothing was."""
        return self.stage.refusal.text

    @property
    def code(self) -> str:
        """Plain calls that reproduce what is on screen."""
        if self.inputs.is_cohort and self.risk is not None:
            return self.risk.code
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
        train, self._train_when_read = self._train_when_read, False

        def work(progress: Progress) -> None:
            source = self.inputs.source()
            loaded = load(source, progress)
            self._begin(loaded)
            if train:
                self.train()

        self.stage.refusal.clear()
        self._reading.submit(work, name="read")

    def train(self, shuffled: bool = False) -> None:
        """Train a new model with the settings as they are, in the background; ``shuffled``: on labels mixed up."""
        loaded = self.loaded
        if loaded is None:
            return
        study = loaded.study.permuted() if shuffled else loaded.study
        settings = self.settings.values(self.inputs.seed.value)
        number = self.runs[-1].number + 1 if self.runs else 1
        self._work_on(lambda: Run(number, loaded.source, study, self.settings.architecture.value, settings, LOOPS.ready))

    def resume(self) -> None:
        """Go on with the run that was stopped; or with one of these settings that an earlier session left behind."""
        stopped = self.run
        if stopped is not None and stopped.state == "stopped":
            self._work_on(lambda: stopped, resume=True)
        elif self.loaded is not None and (left := self._left_behind()) is not None:
            self._work_on(lambda: left, resume=True)

    def stop(self) -> None:
        """Stop the training before its next step; it can be resumed."""
        self._training.cancel()

    def cancel(self) -> None:
        """Stop whatever runs; what is on screen stays."""
        for queue in (self._reading, self._training, self._explaining):
            queue.cancel()
        if self.risk is not None:
            self.risk.queue.cancel()

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until nothing runs, as a test or a script needs; False when a queue took longer."""
        queues = [self._reading, self._training, self._explaining, *([] if self.risk is None else [self.risk.queue])]
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

    # --- reading

    def _start(self, sequences: Any, labels: Any, columns: dict[str, Any], split: str | None, net: str | None) -> None:
        titles = {name: title for title, name in self.inputs.examples.items()}
        if sequences is None:
            self.inputs.name(titles[FIRST], split or "similarity")
        elif isinstance(sequences, str | os.PathLike):
            self.allowed.add([sequences])
            self.inputs.name(os.fspath(sequences), split or "similarity")
        else:
            known = {name: np.asarray(held).astype(str) for name, held in columns.items()}
            self.inputs.hand((list(sequences), np.asarray(labels), known), split or "similarity")
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

    # --- training: a job that reports each step and each epoch, and can be stopped before any

    def _work_on(self, make: Callable[[], Run], resume: bool = False) -> None:
        def work(progress: Progress) -> None:
            run = make()
            run.state = "training"
            if run not in self.runs:
                self.runs.append(run)
            self._show(run)
            try:
                self._fit(run, progress, resume)
            except Cancelled:
                run.state = "stopped"
                self._offer_runs(run)
                self._explaining.submit(lambda _progress: self._judge(run), name="judge")
                raise
            except BaseException:
                self.runs.remove(run)
                raise
            progress(None, "judging")
            run.state = "done"
            run.checkpoint.unlink(missing_ok=True)
            self._judge(run)

        self.stage.refusal.clear()
        self._training.submit(work, name="train")

    def _fit(self, run: Run, progress: Progress, resume: bool) -> None:
        each = run.steps_an_epoch

        def on_step(step: int, loss: float, norm: float) -> None:
            run.steps.append((step / each, loss, norm))
            if time.monotonic() - self._drawn > REDRAW:
                self._draw(run)
            if not LOOPS.ready:
                LOOPS.prepare()  # after the first step: nobody waits for the compiler

        def on_epoch(record: dict[str, float]) -> None:
            run.history.append(record)
            self._draw(run)
            self._draw_filters(run, settled=False)

        if resume:
            run.steps[:] = []
        run.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        if run.linear:
            run.study.fit(run.model, progress=progress)
        else:
            watch = {"on_epoch": on_epoch, "on_step": on_step, "fused": run.fused, "resume": resume}
            file = run.checkpoint if resume and not hasattr(run.model, "_state") else None
            run.study.fit(
                run.model, progress=progress, checkpoint=file or run.checkpoint, checkpoint_seconds=CHECKPOINT_SECONDS,
                **watch,
            )  # fmt: skip
        run.history[:] = run.model.history_

    def _left_behind(self) -> Run | None:
        """A run of these data and settings whose checkpoint is there."""
        assert self.loaded is not None
        settings = self.settings.values(self.inputs.seed.value)
        number = self.runs[-1].number + 1 if self.runs else 1
        run = Run(number, self.loaded.source, self.loaded.study, self.settings.architecture.value, settings, False)
        return run if not run.linear and run.checkpoint.exists() else None

    def _draw(self, run: Run) -> None:
        self._drawn = time.monotonic()
        if self.run is run:
            self.stage.show_run(run, self.runs)

    def _draw_filters(self, run: Run, settled: bool) -> None:
        if self.run is not run:
            return
        has = not run.linear and run.architecture != "positional"
        some = run.study.bases.take(run.study.train[:_LOOKED_AT] if not settled else run.study.train[:2_000])
        self.stage.show_filters(run.model.filters(some) if has else None, settled)

    def _show(self, run: Run) -> None:
        self.stage.run = run
        self.stage.show_run(run, self.runs)
        self.stage.show_judged(run)
        self.stage.offer(run)
        self._offer_runs(run)
        self._say_scores(run)
        self.bar.engine.say("numpy, first layer by numba" if run.fused else "numpy", "soft")

    def _judge(self, run: Run) -> None:
        run.judged = run.study.judge(run.model)
        if self.run is not run:
            return
        self.stage.show_run(run, self.runs)
        self.stage.show_judged(run)
        self._draw_filters(run, settled=True)
        self._offer_runs(run)
        self._say_scores(run)
        test = run.study.test
        if self.stage.number is None or self.stage.number not in test:
            self.explain(int(test[0]))
        else:
            self._explain_again()

    def _say_scores(self, run: Run) -> None:
        rows = []
        if run.judged is not None:
            table = run.judged.table
            for score in dict.fromkeys(table["score"]):
                held = table[table["score"] == score].set_index("of")
                model, plain = held.loc["model"], held.loc["baseline (word counts)"]
                rows.append((spoken(score), f"{model['value']:.3f} ({model['low']:.2f}–{model['high']:.2f})"))
                rows.append(("  word counts", f"{plain['value']:.3f}"))
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
        self.stage.refusal.show(error, "" if self.run is None else f"run {self.run.name}")

    def _offer_runs(self, run: Run) -> None:
        options = [(each.name, each.number) for each in self.runs[::-1]]
        self._quiet = True
        try:
            self.chooser.options = options
            self.chooser.value = run.number
        finally:
            self._quiet = False
        self._arrange()

    _quiet = False

    def _chosen(self, change: Any) -> None:
        run = next((each for each in self.runs if each.number == change["new"]), None)
        if self._quiet or run is None or run is self.run:
            return

        def work(_progress: Progress) -> None:
            self.stage.choose(None)
            self._show(run)
            if run.judged is not None:
                self._judge(run)

        self._explaining.submit(work, name="run")

    def _arrange(self) -> None:
        """Which buttons mean something now, and whether sequences or a cohort are shown."""
        cohort, run = self.inputs.is_cohort, self.run
        busy = run is not None and run.state == "training"
        self.buttons["stop"].disabled = not busy
        self.buttons["train"].disabled = self.loaded is None
        left = run is not None and run.state == "stopped"
        self.buttons["resume"].disabled = busy or not (left or (self.loaded is not None and self._left_behind() is not None))
        for widget in self._of_sequences:
            widget.layout.display = "none" if cohort else None
        if self.risk is not None:
            for widget in (self.risk.stage, self.risk.controls):
                widget.layout.display = None if cohort else "none"

    def _risk_part(self) -> RiskPart:
        if self.risk is None:
            from genolab.panels.predict_risk import RiskPart

            self.risk = RiskPart(self.bar, self.inputs, self.code_box)
            tops = self.body.children[0]
            tops.children = (*tops.children, self.risk.stage)
            column = tops.children[0]
            column.children = (*column.children[:1], self.risk.controls, *column.children[1:])
            self._arrange()
        return self.risk

    # --- ways out

    def export(self, kind: str) -> None:
        """Have the browser save what is on screen: ``csv``, ``model``, ``png`` or ``svg``."""
        run = self.run
        try:
            if self.inputs.is_cohort and self.risk is not None:
                self.risk.export(kind, self.downloads)
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

    def _open_graph(self, which: str) -> None:
        run = self.run
        try:
            if run is None or run.linear or not hasattr(run.model, "trainer_"):
                kernel: Any = "penalised_loss"
            else:
                kernel = (step_kernel if which == "step" else forward_kernel)(run.model.trainer_)
            if self.on_graph is not None:
                self.on_graph(kernel)
            elif self._graph is None:
                from genolab.panels.graph import GraphPanel

                self._graph = GraphPanel(kernel)
                self.body.children = (*self.body.children, self._graph)
            elif isinstance(kernel, str):
                self._graph.chooser.value = kernel
            else:
                self._graph.show(kernel)
        except Exception as error:  # a widget's callback has nobody else to tell
            self._refuse(error)

    _graph: GraphPanel | None = None

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
        ways = [
            button(text, about, partial(self.export, kind))
            for text, kind, about in (
                ("CSV", "csv", "save truth and prediction of every test sequence"),
                ("Model", "model", "save weights and model card; gl.predict.load reads it"),
                ("PNG", "png", "save the pictures as pixels"),
                ("SVG", "svg", "save the pictures as vectors"),
            )
        ]
        look = [
            button("Copy as code", "the plain calls that give what is on screen", self._show_code),
            button("Graph: step", "the training step, node by node", partial(self._open_graph, "step")),
            button("Graph: forward", "what predicts, node by node", partial(self._open_graph, "forward")),
        ]
        self._of_sequences = [
            self.inputs.target, self.inputs.split, self.leaks, *self.settings.main, more, self.chooser, self.scores,
            ipywidgets.HBox(list(self.buttons.values())).add_class("genolab-buttons"), self.stage, look[1], look[2],
            ways[1],
        ]  # fmt: skip
        action = self._of_sequences[-5]
        rows = [
            self.inputs.data, self.inputs.target, self.inputs.split, self.leaks, *self.settings.main, action,
            self.chooser, self.scores, more, ipywidgets.HBox(ways).add_class("genolab-buttons").add_class("genolab-small"),
            ipywidgets.HBox(look).add_class("genolab-buttons").add_class("genolab-small"),
        ]  # fmt: skip
        self.leaks.add_class("genolab-leaks")
        column = ipywidgets.VBox([*rows, self.downloads]).add_class("genolab-column").add_class("genolab-tall")
        return [ipywidgets.HBox([column, self.stage]), self.code_box]

    def _show_code(self) -> None:
        self.code_box.text = self.code
        self.code_box.toggle()



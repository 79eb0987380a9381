"""Training in the predict panel: a job that draws as it goes, stops before any step, and can be resumed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from genolab.errors import Cancelled
from genolab.kernel.recording import recorded
from genolab.panels.predict_runs import CHECKPOINT_SECONDS, LOOPS, Run
from genolab.scale import Latest, Progress

if TYPE_CHECKING:
    from genolab.panels.parts import Listener
    from genolab.panels.predict_source import Source
    from genolab.panels.predict_stage import PredictStage
    from genolab.predict.study import Study

REDRAW = 0.12  # seconds between two pictures of a running training
_LOOKED_AT = 300  # sequences that a filter's picture is made from while it trains
_AT_THE_END = 2_000


class TrainingPart:
    """The runs and the queue they train in. `on_run` is called when a run has changed, `on_judged` when it has scores.

    What a run is worth after a stop is found out in the queue `after`.
    """

    def __init__(
        self, stage: PredictStage, listener: Listener, after: Latest, on_run: Callable[[Run], None],
        on_judged: Callable[[Run], None],
    ) -> None:  # fmt: skip
        self.stage, self.after, self.on_run, self.on_judged = stage, after, on_run, on_judged
        self.queue = Latest(listener)
        self.runs: list[Run] = []
        self._drawn = 0.0

    def begin(self, source: Source, study: Study, architecture: str, settings: dict[str, Any]) -> None:
        """Train a new run."""
        self._work_on(lambda: Run(self._next(), source, study, architecture, settings, LOOPS.ready))

    def resume(self, source: Source, study: Study, architecture: str, settings: dict[str, Any]) -> None:
        """Go on with the run on screen if it was stopped, else with the one that an earlier session left behind."""
        stopped = self.stage.run
        if stopped is not None and stopped.state == "stopped":
            self._work_on(lambda: stopped, resume=True)
        elif (left := self._left_behind(source, study, architecture, settings)) is not None:
            self._work_on(lambda: left, resume=True)

    def may_resume(self, source: Source, study: Study, architecture: str, settings: dict[str, Any]) -> bool:
        """Whether :meth:`resume` would do anything."""
        run = self.stage.run
        if run is not None and run.state == "stopped":
            return True
        return self._left_behind(source, study, architecture, settings) is not None

    def _left_behind(self, source: Source, study: Study, net: str, settings: dict[str, Any]) -> Run | None:
        for fused in (LOOPS.ready, not LOOPS.ready):  # it goes on by the loops that it was begun with
            run = Run(self._next(), source, study, net, settings, fused)
            if not run.linear and run.checkpoint.exists():
                return run
        return None

    def _next(self) -> int:
        return self.runs[-1].number + 1 if self.runs else 1

    # --- the job

    def _work_on(self, make: Callable[[], Run], resume: bool = False) -> None:
        def work(progress: Progress) -> None:
            run = make()
            run.state = "training"
            if run not in self.runs:
                self.runs.append(run)
            self.show(run)
            try:
                self._fit(run, progress, resume)
            except Cancelled:
                run.state = "stopped"
                self.on_run(run)
                self.after.submit(lambda _progress: self.judge(run), name="judge")
                raise
            except BaseException:
                self.runs.remove(run)
                raise
            progress(None, "judging")
            run.state = "done"
            run.checkpoint.unlink(missing_ok=True)
            self.judge(run)

        self.stage.refusal.clear()
        self.queue.submit(work, name="train")

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

        if run.linear:
            with recorded() as run.calls:
                run.study.fit(run.model, progress=progress)
            return
        run.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        from_file = resume and not hasattr(run.model, "_state")
        if not from_file:
            run.checkpoint.unlink(missing_ok=True)
        run.study.fit(
            run.model, progress=progress, on_epoch=on_epoch, on_step=on_step, fused=run.fused, resume=resume,
            checkpoint=run.checkpoint, checkpoint_seconds=CHECKPOINT_SECONDS,
        )  # fmt: skip
        run.history[:] = run.model.history_

    # --- pictures

    def show(self, run: Run) -> None:
        """Bring a run to the screen."""
        self.stage.run = run
        self.stage.show_run(run, self.runs)
        self.stage.show_judged(run)
        self.stage.offer(run)
        self.on_run(run)

    def judge(self, run: Run) -> None:
        """Find out what a run is worth, and draw that."""
        run.judged = run.study.judge(run.model)
        if self.stage.run is run:
            self.stage.show_run(run, self.runs)
            self.stage.show_judged(run)
            self._draw_filters(run, settled=True)
            self.on_run(run)
            self.on_judged(run)

    def _draw(self, run: Run) -> None:
        self._drawn = time.monotonic()
        if self.stage.run is run:
            self.stage.show_run(run, self.runs)

    def _draw_filters(self, run: Run, settled: bool) -> None:
        if self.stage.run is not run:
            return
        has = not run.linear and run.architecture != "positional"
        some = run.study.bases.take(run.study.train[: _AT_THE_END if settled else _LOOKED_AT])
        self.stage.show_filters(run.model.filters(some) if has else None, settled)

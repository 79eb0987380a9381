"""Runs of the predict panel: what was trained with which settings, how it went, and what it is worth."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolab import io
from genolab.kernel.recording import Recorded
from genolab.predict.model import LINEAR, SequenceModel
from genolab.predict.network.convolution import warm_loops
from genolab.predict.step import batch_of, forward_kernel, step_kernel
from genolab.predict.study import Judged, Study

if TYPE_CHECKING:
    from genolab.kernel import Kernel
    from genolab.panels.predict_source import Source

CHECKPOINT_SECONDS = 3.0
GRAPH_OF_LINEAR = "penalised_loss"


@dataclass(eq=False)
class Run:
    """One training. ``steps`` hold (epochs done, loss, gradient norm); ``state`` is training, stopped or done."""

    number: int
    source: Source
    study: Study
    architecture: str
    settings: dict[str, Any]
    fused: bool
    model: SequenceModel = field(init=False)
    steps: list[tuple[float, float, float]] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    judged: Judged | None = None
    state: str = "training"
    calls: Recorded = field(default_factory=dict, repr=False)
    """What a linear model's kernel was last given."""

    def __post_init__(self) -> None:
        self.model = self.study.model(self.architecture, **self.settings)

    @property
    def linear(self) -> bool:
        """Whether it has no steps, and no filters."""
        return self.architecture in LINEAR

    @property
    def steps_an_epoch(self) -> int:
        """Batches of an epoch."""
        return max(1, -(-len(self.study.train) // int(self.settings["batch_size"])))

    @property
    def name(self) -> str:
        """What it is called in the list of runs."""
        control = ", labels shuffled" if self.study.shuffled else ""
        reached = f" · {self.judged.first.replace('auroc', 'AUROC')} {self.judged.value():.3f}" if self.judged else ""
        state = "" if self.state == "done" else f" ({self.state})"
        return f"{self.number} {self.architecture}{control}{reached}{state}"

    @property
    def checkpoint(self) -> Path:
        """Where its state is kept while it trains: the same for the same data and settings."""
        told = [self.architecture, self.settings, self.study.split, self.study.seed, self.study.shuffled, self.fused]
        key = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode())
        key.update(self.study.bases.digest().encode())
        key.update("".join(map(str, self.study.labels)).encode())
        return io.cache_folder() / "training" / f"{key.hexdigest()[:24]}.checkpoint"

    def opened(self, which: str) -> Kernel | str:
        """The ``step`` of the network on a batch of its training, ``forward`` on one of its test; a name if linear."""
        if self.linear or not hasattr(self.model, "trainer_"):
            return GRAPH_OF_LINEAR
        study = self.study
        numbers = (study.train if which == "step" else study.test)[: int(self.settings["batch_size"])]
        batch = batch_of(self.model, study.bases.take(numbers), study.labels[numbers])
        return (step_kernel if which == "step" else forward_kernel)(self.model.trainer_, batch=batch)

    def compared(self, others: list[Run]) -> list[tuple[str, list[dict[str, float]]]]:
        """The runs that may stand beside this one: of the same parts of the same data."""
        same = [each for each in others if each is not self and each.study.split == self.study.split]
        return [
            (each.name, each.history) for each in same
            if each.history and each.study.seed == self.study.seed and each.source.name == self.source.name
        ]  # fmt: skip


class Loops:
    """The compiled loop of the first layer: made in the background, taken up only between runs."""

    def __init__(self) -> None:
        self.ready = False
        self._thread: threading.Thread | None = None

    def prepare(self) -> None:
        """Compile it, or load it from the disk, unless that was begun."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._warm, name="genolab loops", daemon=True)
            self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is ready."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self.ready

    def _warm(self) -> None:
        warm_loops()
        self.ready = True


LOOPS = Loops()

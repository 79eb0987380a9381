"""Models fitted to all folds but one, and what they say of that one: here, or on the workers of a Dask cluster."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from genolab.errors import GenolabWarning
from genolab.predict.bases import Bases
from genolab.predict.kmers import Words
from genolab.predict.linear import fit_linear
from genolab.predict.model import LINEAR, PENALTY, SequenceModel
from genolab.predict.training import Progress

MODEL, BASELINE, SHUFFLED = "model", "baseline (word counts)", "model, labels shuffled"


class Fit(NamedTuple):
    """One model to fit: its number; to the labels, other labels, or the baseline in its place; without which fold."""

    model: int
    of: str
    fold: int


@dataclass(frozen=True)
class Folds:
    """Sequences with labels, the fold of each, and the models that are fitted to them; they draw by their own seed."""

    models: tuple[SequenceModel, ...]
    bases: Bases
    labels: np.ndarray
    other: np.ndarray  # the labels in another order
    target: np.ndarray
    fold: np.ndarray

    def parts(self, fold: int) -> tuple[Bases, Bases]:
        """The sequences outside a fold, and those in it."""
        return self.bases.take(np.flatnonzero(self.fold != fold)), self.bases.take(np.flatnonzero(self.fold == fold))

    def output(self, fit: Fit) -> np.ndarray:
        """What a model says of a fold that it has not seen [sequence, output]."""
        train = np.flatnonzero(self.fold != fit.fold)
        inside, held = self.parts(fit.fold)
        judge, target = self.models[fit.model], self.target[train]
        if fit.of == BASELINE:
            sizes = (1, 2) if judge.architecture in LINEAR else (3, 4)
            plain = Words("kmer_logistic", None, judge.strands != "one", {"sizes": sizes, "at_positions": False})
            loss = judge._loss()
            kind = loss if loss in ("binary", "multiclass") else "squared"
            weight = np.ones(len(target), np.float32)
            found = fit_linear(plain(inside), target, weight, PENALTY / len(target), kind)
            baseline: np.ndarray = plain(held) @ found["weight"] + found["intercept"]
            return baseline
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GenolabWarning)
            model = clone(judge).fit(inside, (self.labels if fit.of == MODEL else self.other)[train])
        return model._raw(held)


def fitted(
    work: Folds, fits: Sequence[Fit], who: str, progress: Progress | None, client: Any
) -> Iterator[tuple[Fit, np.ndarray]]:
    """Each fit with its output, in order."""
    if client is None:
        for number, fit in enumerate(fits):
            if progress is not None:
                progress(number / len(fits), _name(fit))
            yield fit, work.output(fit)
        return
    from genolab.scale import Cluster, Tile

    cluster = Cluster(client, who, "fitting", progress)
    for tile, output in cluster.map(Folds.output, work, [Tile(_name(fit), 1 / len(fits), fit) for fit in fits]):
        yield tile.value, output
    cluster.check_complete(None)


def _name(fit: Fit) -> str:
    return f"fold {fit.fold + 1}, {fit.of}" + (f" {fit.model + 1}" if fit.model else "")

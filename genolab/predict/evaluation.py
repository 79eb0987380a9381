"""Honest scores: folds that keep relatives together, a baseline beside the model, intervals, a permutation control."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from genolab.errors import InputError
from genolab.predict.bases import Bases, encode
from genolab.predict.folds import BASELINE, MODEL, SHUFFLED, Fit, Folds, fitted
from genolab.predict.leaks import Leaks, check_leaks, similarity_clusters
from genolab.predict.metrics import intervals, scores_of
from genolab.predict.model import SequenceModel
from genolab.predict.splits import fold_numbers
from genolab.predict.training import Progress

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("similarity", "random", "group", "leave_one_out")
CLEARLY = 0.05
"""How far above chance shuffled labels must lie before the evaluation itself is blamed."""


@dataclass(frozen=True)
class Evaluation:
    """What cross-validation found.

    ``table`` has a row for the model, the baseline and the shuffled control, and for each score its value over all
    held-out sequences with a 95 % interval; ``folds`` the scores of each fold; ``leaks`` what ties each fold's held-out
    sequences to its training set; ``output`` the model's outputs, each made without its sequence.
    """

    table: pd.DataFrame
    folds: pd.DataFrame
    leaks: tuple[Leaks, ...] = field(repr=False)
    fold: np.ndarray = field(repr=False)
    output: np.ndarray = field(repr=False)
    split: str
    notices: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """The table: score, value, low, high for each model."""
        return self.table

    def value(self, score: str, of: str = MODEL) -> float:
        """One score of one model."""
        rows = self.table[(self.table["of"] == of) & (self.table["score"] == score)]
        return float(rows["value"].iloc[0])

    def __str__(self) -> str:
        lines = [f"{row.of}: {row.score} {row.value:.3f} ({row.low:.3f} to {row.high:.3f})"
                 for row in self.table.itertuples()]  # fmt: skip
        return "\n".join([*lines, *self.notices])


def cross_validate(
    model: SequenceModel, sequences: Any, labels: Any, *, split: str = "similarity", groups: Any = None,
    folds: int = 5, shuffled: bool = True, seed: int = 0, progress: Progress | None = None, client: Any = None,
) -> Evaluation:  # fmt: skip
    """Judge a model by sequences that it has not seen, and by what it would have to beat.

    Parameters
    ----------
    split
        ``similarity``: similar sequences stay in one fold (:func:`similarity_clusters`). ``group``: those of one
        group do, such as a chromosome, a gene family or a human family, named in ``groups``. ``random``: each
        sequence by itself; ``leave_one_out``: as many folds as sequences.
    shuffled
        Also train on labels in another order: a score well above chance there is a fault of the evaluation.
    client
        A ``distributed.Client``, whose workers fit the models. Sums of matrix products may round otherwise where they
        run on another number of threads, as workers of Dask do unless told otherwise.

    Raises
    ------
    InputError
        An unknown split, groups without ``split="group"`` or fewer of them than folds, sequences or labels that the
        model refuses.
    IncompleteError, ClusterLost
        With a client: a model could not be fitted, or the scheduler is gone.
    """
    who = "cross_validate"
    bases = encode(who, "sequences", sequences)
    judge = clone(model)
    target = judge._targets(labels, fitting=True)
    if len(target) != len(bases):
        raise InputError(who, "labels", f"one for each of {len(bases):,} sequences", f"{len(target):,}")
    fold, units = folds_of(who, bases, target, split, groups, folds, seed)
    loss, given = judge._loss(), np.asarray(labels)
    other = given[np.random.default_rng(seed + 1).permutation(len(given))]
    outputs = {MODEL: np.zeros((len(bases), judge._outputs(target.shape[1]))), BASELINE: np.zeros(target.shape)}
    if shuffled:
        outputs[SHUFFLED] = np.zeros_like(outputs[MODEL])
    rows, number = [], int(fold.max()) + 1
    work = Folds((judge,), bases, given, other, target, fold)
    leaks = [check_leaks(*work.parts(k), seed=seed) for k in range(number)]
    for fit, output in fitted(
        work, [Fit(0, name, k) for k in range(number) for name in outputs], who, progress, client
    ):
        test = np.flatnonzero(fold == fit.fold)
        outputs[fit.of][test] = output
        if number <= 20:
            found = scores_of(_loss_of(fit.of, loss), output, target[test])
            rows += [{"fold": fit.fold, "of": fit.of, "score": score, "value": value} for score, value in found.items()]
    import pandas as pd

    table = pd.DataFrame([row for name in outputs for row in _summary(name, loss, outputs[name], target, units, seed)])
    return Evaluation(table, pd.DataFrame(rows), tuple(leaks), fold, outputs[MODEL], split,
                      _notices(split, leaks, table, loss))  # fmt: skip


def folds_of(
    who: str, bases: Bases, target: np.ndarray, split: str, groups: Any, folds: int, seed: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """The fold of each sequence, and what is kept together (None: each by itself)."""
    if split not in SPLITS:
        raise InputError(who, "split", f"one of {', '.join(SPLITS)}", repr(split))
    if (split == "group") != (groups is not None):
        raise InputError(who, "groups", 'given with split="group", and only then', "one without the other")
    if split == "leave_one_out":
        return np.arange(len(bases)), None
    units = np.asarray(groups) if groups is not None else similarity_clusters(bases) if split == "similarity" else None
    if split == "similarity" and units is not None and np.unique(units).size < folds:
        fix = 'They are variants of few sequences: say split="random", and read what the leak check finds.'
        raise InputError(who, "sequences", f"of at least {folds} clusters", f"{np.unique(units).size}", fix)
    return fold_numbers(who, target, units, folds, seed), units


def _loss_of(name: str, loss: str) -> str:
    return "squared" if name == BASELINE and loss not in ("binary", "multiclass") else loss


def _summary(
    name: str, loss: str, output: np.ndarray, target: np.ndarray, units: np.ndarray | None, seed: int
) -> list[dict[str, Any]]:
    kind, none = _loss_of(name, loss), (float("nan"), float("nan"))
    sure = intervals(lambda a, b: scores_of(kind, a, b), output, target, groups=units, draws=100, seed=seed)
    return [
        {"of": name, "score": score, "value": value, "low": sure.get(score, none)[0], "high": sure.get(score, none)[1]}
        for score, value in scores_of(kind, output, target).items()
    ]


def _notices(split: str, leaks: list[Leaks], table: pd.DataFrame, loss: str) -> tuple[str, ...]:
    said, leaking = [], sum(len(set(each.test.tolist())) for each in leaks)
    tested = sum(each.checked for each in leaks)
    if leaking:
        kinds = {kind: sum(each.counts()[kind] for each in leaks) for kind in leaks[0].counts()}
        found = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
        said.append(
            f"Leaks: {leaking:,} of {tested:,} held-out sequences have a relative in their training set ({found}); "
            f"the {split} split flatters the model."
        )
    first = table["score"].iloc[0]
    scores = {row.of: row for row in table[table["score"] == first].itertuples()}
    if scores[MODEL].low <= scores[BASELINE].value:
        said.append(f"The model is not clearly better than the baseline by {first}.")
    chance = 0.5 if first == "auroc" else 0.0
    if SHUFFLED in scores and loss != "multiclass" and scores[SHUFFLED].low > chance + CLEARLY:
        said.append(f"With shuffled labels {first} is above chance: something in the evaluation leaks.")
    return tuple(said)

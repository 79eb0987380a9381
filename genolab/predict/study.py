"""A study: sequences with a target, parts to learn from and to be judged by, what ties them, and a baseline."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import InputError
from genolab.predict.bases import Bases, encode
from genolab.predict.expression import ExpressionRegressor
from genolab.predict.leaks import Leaks, check_leaks, similarity_clusters
from genolab.predict.metrics import interval, scores_of
from genolab.predict.model import SequenceModel
from genolab.predict.sequence import SequenceClassifier
from genolab.predict.splits import fold_numbers

if TYPE_CHECKING:
    import pandas as pd

WHO = "study"
MOST_CLASSES = 20
"""Whole numbers of more values than this are taken for measurements."""
SCORED = {"binary": "auroc", "multiclass": "accuracy"}
"""The score that is named first, by loss; Pearson's r for numbers."""


@dataclass(frozen=True)
class Study:
    """Sequences with a class or a number each, divided into three: to learn, to stop by (validation), to be judged by.

    ``train``, ``validation`` and ``test`` are numbers of sequences. ``leaks`` ties the test part to the two others,
    ``split`` says how they were divided, and ``units`` what was kept together (None: each sequence by itself).
    """

    bases: Bases = field(repr=False)
    labels: np.ndarray = field(repr=False)
    classes: bool
    split: str
    units: np.ndarray | None = field(repr=False)
    train: np.ndarray = field(repr=False)
    validation: np.ndarray = field(repr=False)
    test: np.ndarray = field(repr=False)
    leaks: Leaks = field(repr=False)
    seed: int = 0
    shuffled: bool = False

    @property
    def known(self) -> np.ndarray:
        """Numbers of all sequences that a model may see."""
        return np.concatenate([self.train, self.validation])

    @property
    def names(self) -> tuple[str, ...]:
        """The classes; empty for numbers."""
        return tuple(str(name) for name in np.unique(self.labels)) if self.classes else ()

    def model(self, architecture: str, **settings: Any) -> SequenceModel:
        """A classifier or a regressor that suits the target, unfitted."""
        kind = SequenceClassifier if self.classes else ExpressionRegressor
        return kind(architecture, **settings)

    def fit(self, model: SequenceModel, **watch: Any) -> SequenceModel:
        """Fit a model to the training part; it stops by the validation part. ``watch`` as for its ``fit``."""
        held = self.bases.take(self.validation), self.labels[self.validation]
        fitted: SequenceModel = model.fit(
            self.bases.take(self.train), self.labels[self.train], validation=held, check=False, **watch
        )
        return fitted

    def permuted(self) -> Study:
        """The same with the labels of all but the test part in another order: a model must then know nothing."""
        labels, known = self.labels.copy(), self.known
        labels[known] = np.random.default_rng([self.seed, 3]).permutation(labels[known])
        return replace(self, labels=labels, shuffled=True)

    @cached_property
    def baseline(self) -> np.ndarray:
        """What a linear model of word counts says of the test part, as :func:`predictions` gives it."""
        sizes = (1, 2) if self.bases.positions is not None and self.bases.positions < 5 else (3, 4)
        model = self.model("kmer_logistic", options={"sizes": sizes, "at_positions": False})
        known = self.known
        return predictions(model.fit(self.bases.take(known), self.labels[known]), self.bases.take(self.test))

    def judge(self, model: SequenceModel) -> Judged:
        """A fitted model on the test part, beside the baseline."""
        made = predictions(model, self.bases.take(self.test))
        truth = self.labels[self.test]
        return Judged(made, self.baseline, truth, self.names, self._summary(made, truth))

    def _summary(self, made: np.ndarray, truth: np.ndarray) -> pd.DataFrame:
        import pandas as pd

        units, rows = None if self.units is None else self.units[self.test], []
        for name, guess in (("model", made), ("baseline (word counts)", self.baseline)):
            for score, value in _scores(guess, truth, self.names).items():
                low, high = interval(
                    lambda g, t, score=score: _scores(g, t, self.names).get(score, float("nan")), guess, truth,
                    groups=units, draws=100, seed=self.seed,
                )  # fmt: skip
                rows.append({"of": name, "score": score, "value": value, "low": low, "high": high})
        return pd.DataFrame(rows)


@dataclass(frozen=True)
class Judged:
    """What a model and the baseline say of sequences that neither has seen, and what is true.

    ``output`` and ``baseline`` are probabilities [sequence, class], or numbers [sequence]; ``table`` has a row per
    model and score with a 95 % interval over the test sequences (over whole groups where the split kept them).
    """

    output: np.ndarray = field(repr=False)
    baseline: np.ndarray = field(repr=False)
    truth: np.ndarray = field(repr=False)
    names: tuple[str, ...]
    table: pd.DataFrame = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """A row per test sequence: the truth, what the model and what the baseline say."""
        import pandas as pd

        made: dict[str, Any] = {"truth": self.truth}
        for of, output in (("model", self.output), ("baseline", self.baseline)):
            columns = [(of, output)] if not self.names else [
                (f"{of}: {name}", output[:, k]) for k, name in enumerate(self.names)
            ]  # fmt: skip
            made |= dict(columns)
        return pd.DataFrame(made)

    def plot(self) -> Any:
        """Curves and confusion as a live figure, the baseline beside the model."""
        return import_module("genolab.plots.predict").plot(self)

    @property
    def first(self) -> str:
        """The score that counts most."""
        return str(self.table["score"].iloc[0])

    def value(self, score: str | None = None, of: str = "model") -> float:
        """One score of one model."""
        rows = self.table[(self.table["of"] == of) & (self.table["score"] == (score or self.first))]
        return float(rows["value"].iloc[0])

    @property
    def sentence(self) -> str:
        """What it comes to, with the baseline beside it."""
        rows = self.table[self.table["score"] == self.first].set_index("of")
        model, plain = rows.loc["model"], rows.loc["baseline (word counts)"]
        clear = model["low"] > plain["value"]
        verdict = "better than" if clear else "not clearly better than"
        return (
            f"{self.first.replace('auroc', 'AUROC').replace('_', ' ')} {model['value']:.3f} "
            f"({model['low']:.3f}–{model['high']:.3f}), {verdict} word counts ({plain['value']:.3f})."
        )


def make_study(
    sequences: Any, labels: Any, *, split: str = "similarity", groups: Any = None, share: float = 0.2, seed: int = 0,
) -> Study:  # fmt: skip
    """Divide sequences into training, validation and test parts, and look for what ties the test part to the others.

    Parameters
    ----------
    sequences, labels
        As :meth:`genolab.predict.SequenceClassifier.fit` takes them; whole numbers of at most 20 values are classes.
    split
        ``random``, ``similarity`` (:func:`genolab.predict.similarity_clusters` stay together), or any other word with
        ``groups``: what has the same group stays together, such as a chromosome or a family.
    share
        Of the sequences that are held out for judging; of the rest as much is held out to stop by.

    Raises
    ------
    InputError
        Groups missing or too few, one similarity cluster, labels of one class, letters that are not bases.
    """
    bases, target = encode(WHO, "sequences", sequences), np.asarray(labels)
    if target.shape != (len(bases),):
        raise InputError(WHO, "labels", f"one for each of {len(bases):,} sequences", f"shape {target.shape}")
    if not 0.02 <= share <= 0.5:
        raise InputError(WHO, "share", "between 0.02 and 0.5", f"{share:g}")
    classes = target.dtype.kind not in "f" and np.unique(target).size <= MOST_CLASSES
    if target.dtype.kind in "US" or target.dtype == object:
        target, classes = target.astype(str), True
    if np.unique(target).size < 2:
        raise InputError(WHO, "labels", "of two values or more", f"{target[0].item()!r} alone")
    units = _units(bases, split, groups)
    folds = max(2, round(1 / share))
    number = np.unique(target, return_inverse=True)[1] if classes else target
    kept = len(bases) if units is None else np.unique(units).size
    if kept < 3:
        raise InputError(WHO, "groups", "three or more: to learn, to stop and to judge by", str(kept))
    test = fold_numbers(WHO, number, units, min(folds, kept), seed) == 0
    rest = np.flatnonzero(~test)
    left = None if units is None else units[rest]
    folds = min(folds, len(rest) if left is None else np.unique(left).size)
    inner = fold_numbers(WHO, number[rest], left, folds, seed + 1) == 0
    train, validation, held = rest[~inner], rest[inner], np.flatnonzero(test)
    if classes:
        for name, part in (("training", train), ("test", held)):
            lacking = sorted(set(np.unique(target).tolist()) - set(np.unique(target[part]).tolist()))
            if lacking:
                fix = "Take another split or seed: the groups hold whole classes together."
                raise InputError(WHO, "split", f"with every class in the {name} part", f"none of {lacking[0]!r}", fix)
    known = np.concatenate([train, validation])
    families = {} if groups is None or units is None else {"train_groups": units[known], "test_groups": units[held]}
    leaks = check_leaks(bases.take(known), bases.take(held), seed=seed, **families)
    return Study(bases, target, classes, split, units, train, validation, held, leaks, seed)


def _units(bases: Bases, split: str, groups: Any) -> np.ndarray | None:
    if split == "random":
        return None
    if split == "similarity":
        clusters = similarity_clusters(bases)
        largest = int(np.bincount(clusters).max())
        if largest > 0.5 * len(bases):
            fix = "They are variants of one sequence: split at random, and read what the leak check finds."
            expected = "clusters of similar sequences, none with more than half of all"
            raise InputError(WHO, "split", expected, f"{largest:,} of {len(bases):,} in one", fix)
        return clusters
    if groups is None:
        raise InputError(WHO, "groups", f"the {split} of each sequence", "nothing", "Name a column of the table.")
    units = np.asarray(groups).astype(str)
    if units.shape != (len(bases),):
        raise InputError(WHO, "groups", f"one for each of {len(bases):,} sequences", f"shape {units.shape}")
    return np.unique(units, return_inverse=True)[1]


def predictions(model: SequenceModel, sequences: Any) -> np.ndarray:
    """Probabilities [sequence, class] of a classifier, or numbers [sequence] of a regressor."""
    if isinstance(model, SequenceClassifier):
        return model.predict_proba(sequences)
    made: np.ndarray = model.predict(sequences)
    return made


def _scores(guess: np.ndarray, truth: np.ndarray, names: tuple[str, ...]) -> dict[str, float]:
    if not names:
        return scores_of("squared", guess[:, None], truth[:, None])
    number = np.searchsorted(np.array(names), truth.astype(str))
    log = np.log(np.clip(guess, 1e-12, 1))
    if len(names) == 2:
        return scores_of("binary", (log[:, 1] - log[:, 0])[:, None], (number == 1).astype(np.float32)[:, None])
    return scores_of("multiclass", log, np.eye(len(names), dtype=np.float32)[number])

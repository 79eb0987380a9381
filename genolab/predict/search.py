"""Settings tried one by one, each judged by cross-validation; said of the best: how much of it is luck is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from genolab.errors import InputError
from genolab.predict.bases import encode
from genolab.predict.evaluation import folds_of
from genolab.predict.folds import MODEL, Fit, Folds, fitted
from genolab.predict.metrics import interval, scores_of
from genolab.predict.model import SequenceModel
from genolab.predict.training import Progress

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Settings:
    """What each combination of settings reached.

    ``table`` has a row per combination: its settings, the first score of the model's kind over all held-out sequences
    with a 95 % interval, the best first. ``best`` is the settings of the first row, and ``model`` the model with them,
    not fitted. The best of many is flattered by having been chosen: judge it on sequences that took no part.
    """

    table: pd.DataFrame
    best: dict[str, Any]
    model: SequenceModel = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table


def search_settings(
    model: SequenceModel, settings: Mapping[str, Sequence[Any]], sequences: Any, labels: Any, *,
    split: str = "similarity", groups: Any = None, folds: int = 5, seed: int = 0, progress: Progress | None = None,
    client: Any = None,
) -> Settings:  # fmt: skip
    """Try every combination of settings of a model, each by cross-validation on the same folds.

    Parameters
    ----------
    settings
        Parameters of the model, each with the values to try: ``{"learning_rate": (1e-3, 3e-3), "strands": ("one",)}``.
    split, groups, folds, seed, client
        As for :func:`genolab.predict.cross_validate`.

    Raises
    ------
    InputError
        A parameter that the model has not, no value for one, and what :func:`genolab.predict.cross_validate` refuses.
    """
    who = "search_settings"
    known = model.get_params()
    for name, values in settings.items():
        if name not in known:
            raise InputError(who, "settings", f"parameters of the model ({', '.join(known)})", repr(name))
        if isinstance(values, str) or not len(values):
            raise InputError(who, f"settings[{name!r}]", "a list of values", repr(values))
    bases = encode(who, "sequences", sequences)
    tried = [dict(zip(settings, values, strict=True)) for values in product(*settings.values())]
    models = tuple(clone(model).set_params(**each) for each in tried)
    targets = [each._targets(labels, fitting=True) for each in models]
    target = targets[0]
    if len(target) != len(bases):
        raise InputError(who, "labels", f"one for each of {len(bases):,} sequences", f"{len(target):,}")
    fold, units = folds_of(who, bases, target, split, groups, folds, seed)
    given = np.asarray(labels)
    outputs = [np.zeros((len(bases), each._outputs(own.shape[1]))) for each, own in zip(models, targets, strict=True)]
    fits = [Fit(number, MODEL, k) for number in range(len(models)) for k in range(int(fold.max()) + 1)]
    for fit, output in fitted(Folds(models, bases, given, given, target, fold), fits, who, progress, client):
        outputs[fit.model][fold == fit.fold] = output
    rows = []
    for each, judge, output, own in zip(tried, models, outputs, targets, strict=True):
        loss = judge._loss()
        score, value = next(iter(scores_of(loss, output, own).items()))
        low, high = interval(
            lambda a, b, loss=loss, score=score: scores_of(loss, a, b).get(score, float("nan")), output, own,
            groups=units, draws=100, seed=seed,
        )  # fmt: skip
        rows.append({**each, "score": score, "value": value, "low": low, "high": high})
    import pandas as pd

    order = sorted(range(len(rows)), key=lambda at: -rows[at]["value"])
    table = pd.DataFrame([rows[at] for at in order])
    return Settings(table, tried[order[0]], models[order[0]])

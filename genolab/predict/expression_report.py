"""How well a gene is predicted on samples that the model has not seen: nested cross-validation beside a baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import InputError
from genolab.predict.cohort import covariates_of
from genolab.predict.expression_leaks import ExpressionLeaks, check_expression_leaks
from genolab.predict.expression_linear import CisExpression, GeneExpression
from genolab.predict.metrics import interval, pearson, r_squared
from genolab.predict.splits import fold_numbers
from genolab.predict.training import Progress

if TYPE_CHECKING:
    import pandas as pd

    from genolab.predict.cis import CisWindow

WHO = "judge_expression"
_DRAWS = 400


@dataclass(frozen=True)
class ExpressionReport:
    """How well one gene is predicted on held-out samples, and what carries it.

    ``samples`` has a row per sample: ``sample``, ``fold``, ``measured``, ``predicted`` and ``baseline``, both by
    models that have not seen it. ``scores`` has a row for the model and the baseline: ``r`` and ``R2`` over all
    held-out samples with 95 % bootstrap intervals; ``folds`` the same of each fold. ``added`` is what the model's R2
    has over the baseline's. ``weights`` are those of a model of all samples, for predictors of standard deviation 1,
    and in how many of the folds' models each is used.
    """

    gene: str
    predictors: str
    baseline: str
    samples: pd.DataFrame = field(repr=False)
    scores: pd.DataFrame = field(repr=False)
    folds: pd.DataFrame = field(repr=False)
    weights: pd.DataFrame = field(repr=False)
    added: float
    added_interval: tuple[float, float]
    leaks: ExpressionLeaks = field(repr=False)
    notices: tuple[str, ...] = ()
    shuffled: bool = False

    @property
    def r(self) -> float:
        """Pearson's correlation of predicted and measured over the held-out samples."""
        return float(self.scores["r"].iloc[0])

    @property
    def r2(self) -> float:
        """One less the squared errors over those of the mean, over the held-out samples."""
        return float(self.scores["R2"].iloc[0])

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of ``r2``."""
        return float(self.scores["R2 low"].iloc[0]), float(self.scores["R2 high"].iloc[0])

    def __str__(self) -> str:
        low, high = self.interval
        worth = f"held-out R2 {self.r2:.3f} ({low:.3f} to {high:.3f}), r {self.r:.3f}"
        said = f"{self.gene} from {self.predictors}: {worth}; {self.added:+.3f} over {self.baseline}"
        return "\n".join([f"Leak check: {self.leaks}", said, *self.notices])

    def to_frame(self) -> pd.DataFrame:
        """Measured and predicted expression, a row per sample."""
        return self.samples.copy()

    def plot(self) -> Any:
        """Predicted against measured, the scores beside the baseline, and the weights, as a live picture."""
        from genolab.plots.predict_expression import plot

        return plot(self)


def judge_expression(
    expression: pd.DataFrame, gene: str, *, genotypes: CisWindow | None = None, covariates: Any = None,
    groups: Any = None, related: Any = None, folds: int = 5, share: float = 0.5, seed: int = 0, shuffle: bool = False,
    progress: Progress | None = None,
) -> ExpressionReport:  # fmt: skip
    r"""Predict a gene from other genes, or from genotypes nearby, on samples held out in turn.

    In each fold the covariates are fitted by least squares to the training samples, an elastic net
    (:class:`GeneExpression`, :class:`CisExpression`) to what they leave, its penalty chosen by an inner
    cross-validation; both then predict the samples of the fold.

    .. math:: R^2 = 1 - \frac{\sum_i (y_i - \hat y_i)^2}{\sum_i (y_i - \bar y)^2}

    Parameters
    ----------
    expression
        A pandas table [sample, gene] of logarithms, such as log2(CPM + 1).
    gene
        The column to be predicted.
    genotypes
        The variants around the gene for the same samples, from :func:`cis_window`; other genes where left out.
    covariates
        Numbers [sample, covariate] that predict beside, and are the baseline; the mean of the training samples else.
    groups
        A label per sample; samples of one label stay in one fold.
    related
        A label per sample that relatives share (family, donor), for the leak check.
    folds, seed
        Of the outer cross-validation; the inner one has as many.
    share
        Of the elastic net's penalty on absolute weights, above 0 and at most 1.
    shuffle
        Take the gene's values in another order, as a control: no score should be left.

    Raises
    ------
    InputError
        A gene that is not in the table, does not vary or is missing in a sample; gaps among the other genes where
        these predict; too few samples; covariates or groups of another number of samples.
    """
    import pandas as pd

    notices = () if genotypes is None else genotypes.notices
    if genotypes is not None:
        rows = genotypes.rows(getattr(expression, "index", ()))
        expression = expression.iloc[rows]
        covariates, groups, related = (
            None if each is None else np.asarray(each)[rows] for each in (covariates, groups, related)
        )  # fmt: skip
    values = _target(expression, gene, folds)
    if genotypes is None:
        _check_known(expression)
    extra = covariates_of(WHO, covariates, len(values))
    groups = None if groups is None else np.asarray(groups).astype(str)
    if shuffle:
        values = values[np.random.default_rng(seed).permutation(len(values))]
    fold = fold_numbers(WHO, values, groups, folds, seed)
    leaks = check_expression_leaks(expression, gene, fold, related)
    predicted, baseline = np.zeros(len(values)), np.zeros(len(values))
    used: dict[str, int] = {}
    for k in range(folds):
        if progress is not None:
            progress(k / (folds + 1), f"fold {k + 1} of {folds}")
        inside, held = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        line = _line(extra[inside], values[inside])
        baseline[held] = line[0] + extra[held] @ line[1:]
        left = values[inside] - line[0] - extra[inside] @ line[1:]
        model = _fitted(expression, gene, genotypes, inside, left, groups, folds, share, seed)
        predicted[held] = baseline[held] + _predicted(model, expression, gene, genotypes, held)
        for name in _names(model, gene, genotypes):
            used[name] = used.get(name, 0) + 1
    if progress is not None:
        progress(folds / (folds + 1), "all samples")
    every = np.arange(len(values))
    line = _line(extra, values)
    whole = _fitted(expression, gene, genotypes, every, values - line[0] - extra @ line[1:], groups, folds, share, seed)
    weights = _weights(whole, gene, genotypes, used)
    low, high = interval(
        lambda y, a, b: r_squared(a, y) - r_squared(b, y), values, predicted, baseline, groups=groups, draws=_DRAWS
    )  # fmt: skip
    word = "covariates" if extra.shape[1] else "the mean"
    what = "other genes" if genotypes is None else f"{genotypes.dosages.shape[1]:,} variants nearby"
    if low <= 0:
        notices = (*notices, f"{what[0].upper()}{what[1:]} add nothing over {word}.")
    table = pd.DataFrame({
        "sample": [str(name) for name in expression.index], "fold": fold + 1, "measured": values,
        "predicted": predicted, "baseline": baseline,
    })  # fmt: skip
    return ExpressionReport(
        gene, what, word, table, _scores(values, predicted, baseline, word, groups), _by_fold(table), weights,
        r_squared(predicted, values) - r_squared(baseline, values), (low, high), leaks, notices, shuffle,
    )  # fmt: skip


def _target(expression: Any, gene: str, folds: int) -> np.ndarray:
    if not hasattr(expression, "columns"):
        raise InputError(WHO, "expression", "a pandas table [sample, gene]", type(expression).__name__)
    found = np.flatnonzero(np.asarray(expression.columns).astype(str) == gene)
    if found.size != 1:
        have = f"{len(expression.columns):,} others" if not found.size else f"{found.size} of that name"
        raise InputError(WHO, "gene", "a column of the table", f"{gene[:40]!r}; {have}", "Choose one of its genes.")
    if not 2 <= folds <= 20:
        raise InputError(WHO, "folds", "2 to 20", f"{folds}")
    if len(expression) < 3 * folds:
        fix = "Take fewer folds." if len(expression) >= 6 else ""
        raise InputError(WHO, "expression", f"at least 3 samples a fold, {3 * folds}", f"{len(expression):,}", fix)
    values = expression.iloc[:, found[0]].to_numpy(np.float64)
    if not np.isfinite(values).all():
        name = expression.index[int(np.flatnonzero(~np.isfinite(values))[0])]
        raise InputError(WHO, "gene", f"{gene!r} known for every sample", f"nothing for {str(name)!r}", "Impute it.")
    if np.ptp(values) == 0:
        raise InputError(WHO, "gene", "one that varies", f"{gene!r} is {values[0]:g} in all", "Choose another one.")
    return values


def _check_known(expression: Any) -> None:
    """Refuse gaps among the genes that predict, by name."""
    row, column = np.nonzero(~np.isfinite(expression.to_numpy(np.float64)))
    if row.size:
        more = f" and {row.size - 1:,} more" if row.size > 1 else ""
        found = f"nothing for {str(expression.columns[column[0]])!r} in {str(expression.index[row[0]])!r}{more}"
        raise InputError(WHO, "expression", "every gene known in every sample", found, "Impute them in Prepare.")


def _line(extra: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Intercept and slopes of the covariates."""
    found: np.ndarray = np.linalg.lstsq(np.column_stack([np.ones(len(values)), extra]), values, rcond=None)[0]
    return found


def _fitted(
    expression: Any, gene: str, cis: CisWindow | None, inside: np.ndarray, left: np.ndarray, groups: Any, folds: int,
    share: float, seed: int,
) -> CisExpression | GeneExpression:  # fmt: skip
    import pandas as pd

    apart = None if groups is None else groups[inside]
    inner = folds if apart is None else min(folds, np.unique(apart).size)
    wanted = pd.DataFrame({gene: left}, index=expression.index[inside])
    if cis is None:
        model = GeneExpression(share=share, folds=inner, seed=seed)
        return model.fit(expression.iloc[inside], wanted, groups=apart)
    place = pd.DataFrame([{"contig": cis.contig, "start": cis.start, "end": cis.end}])
    contigs = np.full(cis.dosages.shape[1], cis.contig)
    return CisExpression(share=share, window=cis.window, folds=inner, seed=seed).fit(
        cis.dosages.iloc[inside], wanted, place, contig=contigs, position=cis.position, groups=apart
    )


def _predicted(model: Any, expression: Any, gene: str, cis: CisWindow | None, held: np.ndarray) -> np.ndarray:
    table = expression if cis is None else cis.dosages
    found: np.ndarray = model.predict(table.iloc[held])[gene].to_numpy()
    return found


def _names(model: Any, gene: str, cis: CisWindow | None) -> list[str]:
    labels = model.known_ if cis is None else list(cis.dosages.columns)
    return [str(labels[k]) for k in model.models_[gene].features]


def _weights(model: Any, gene: str, cis: CisWindow | None, used: dict[str, int]) -> pd.DataFrame:
    """The predictors in use, the strongest first."""
    import pandas as pd

    held, names = model.models_[gene], _names(model, gene, cis)
    table = pd.DataFrame({"predictor": names, "weight": held.weights, "folds": [used.get(name, 0) for name in names]})
    if cis is not None:
        table.insert(1, "position", cis.position[held.features] + 1)
    order = table["weight"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _scores(values: np.ndarray, predicted: np.ndarray, baseline: np.ndarray, word: str, groups: Any) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name, guess in (("model", predicted), (word, baseline)):
        row: dict[str, Any] = {"predicted by": name}
        # held-out means are lower where the held-out values are higher: a correlation with them says nothing
        for score, found in (("r", pearson), ("R2", r_squared)):
            known = score == "R2" or name != "the mean"
            low, high = interval(found, guess, values, groups=groups, draws=_DRAWS) if known else (float("nan"),) * 2
            row |= {score: found(guess, values) if known else float("nan"), f"{score} low": low, f"{score} high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def _by_fold(table: pd.DataFrame) -> pd.DataFrame:
    """Errors of each fold against those of the mean of all samples."""
    import pandas as pd

    middle, rows = float(table["measured"].mean()), []
    for number, part in table.groupby("fold"):
        y = part["measured"].to_numpy()
        spread = max(float(((y - middle) ** 2).sum()), 1e-300)
        guess, plain = part["predicted"].to_numpy(), part["baseline"].to_numpy()
        rows.append({
            "fold": number, "samples": len(part), "r": pearson(guess, y),
            "R2": 1 - float(((guess - y) ** 2).sum()) / spread,
            "R2 baseline": 1 - float(((plain - y) ** 2).sum()) / spread,
        })  # fmt: skip
    return pd.DataFrame(rows)

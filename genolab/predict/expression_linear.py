"""Expression from genotypes nearby (as PrediXcan does) and from other genes: elastic nets along their whole path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from genolab.errors import InputError
from genolab.predict import cohort as cohorts
from genolab.predict import effects
from genolab.predict.metrics import pearson
from genolab.predict.splits import fold_numbers
from genolab.predict.training import Progress

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class GeneModel:
    """One gene's model: the features it may use, their weights, and the correlation that cross-validation found."""

    features: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    intercept: float
    r: float


def _fitted(columns: np.ndarray, target: np.ndarray, share: float, fold: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights at the best penalty [feature] and the held-out correlation at it; ``columns`` [feature, sample]."""
    centred = (target - target.mean()).astype(np.float32)
    penalties = effects.sparse_penalties(columns, centred, share)
    guess = np.zeros((len(penalties), len(target)))
    for k in np.unique(fold):
        inside = fold != k
        mean = columns[:, inside].mean(axis=1, keepdims=True)
        part = np.ascontiguousarray(columns[:, inside] - mean)
        found = effects.sparse_path(part, centred[inside] - centred[inside].mean(), share, penalties)
        guess[:, ~inside] = found @ (columns[:, ~inside] - mean) + centred[inside].mean()
    r = [pearson(row, centred) for row in guess]
    best = int(np.argmax(r))
    return effects.sparse_path(columns, centred, share, penalties)[best].astype(np.float64), float(r[best])


def _expression(who: str, name: str, table: Any, samples: int) -> tuple[np.ndarray, list[str]]:
    names = [str(column) for column in table.columns] if hasattr(table, "columns") else None
    try:
        values = np.asarray(table, np.float64)
    except (TypeError, ValueError):
        raise InputError(who, name, "a table of numbers [sample, gene]", "text") from None
    if values.ndim != 2 or len(values) != samples:
        raise InputError(who, name, f"a row for each of {samples:,} samples", f"shape {values.shape}")
    if not np.isfinite(values).all():
        row, column = (int(place[0]) for place in np.nonzero(~np.isfinite(values)))
        raise InputError(who, name, "known for every sample", f"NaN in row {row}, column {column}", "Impute it.")
    return values, names or [f"gene {k + 1}" for k in range(values.shape[1])]


class CisExpression(BaseEstimator):
    r"""Expression of each gene from the variants around it, by an elastic net.

    .. math:: \hat e_{ig} = \mu_g + \sum_{v \in W_g} x_{iv} w_{vg}

    with the variants :math:`W_g` at most ``window`` bases from the gene and standardised dosages x. See Gamazon et al.
    2015, doi:10.1038/ng.3367.

    Parameters
    ----------
    share
        Of the penalty on absolute weights (0.5 as PrediXcan has it).
    window
        Bases to either side of a gene.
    folds, seed
        Of the cross-validation that chooses the penalty.

    Attributes
    ----------
    models_ : by gene, a :class:`GeneModel`
    scores_ : pandas table
        For each gene: variants in the window and used, and the correlation in cross-validation.
    """

    def __init__(self, *, share: float = 0.5, window: int = 1_000_000, folds: int = 5, seed: int = 0) -> None:
        self.share, self.window, self.folds, self.seed = share, window, folds, seed

    def fit(
        self, X: Any, expression: Any, genes: Any, *, contig: Any = None, position: Any = None, groups: Any = None,
        progress: Progress | None = None,
    ) -> CisExpression:  # fmt: skip
        """Learn from genotypes (PLINK, VCF, or dosages [sample, variant]) and expression [sample, gene].

        ``genes`` is a table with ``contig``, ``start`` and ``end`` (0-based, half-open) and a row per gene, in the
        order of the columns of ``expression``. ``contig`` and ``position`` (0-based) of the variants are the file's own
        where it has them. ``groups`` (families) stay together in the folds.

        Raises
        ------
        InputError
            Places missing, another number of genes than columns, expression that is missing.
        """
        who = "CisExpression"
        if not 0 < self.share <= 1:
            raise InputError(who, "share", "above 0 and at most 1", f"{self.share:g}")
        cohort = cohorts.cohort_of(who, X)
        values, names = _expression(who, "expression", expression, cohort.shape[0])
        missing = [column for column in ("contig", "start", "end") if column not in genes]
        if missing or len(genes) != len(names):
            found = f"no {missing[0]}" if missing else f"{len(genes):,} rows"
            raise InputError(who, "genes", f"contig, start and end of each of {len(names):,} genes", found)
        contigs = getattr(cohort.source, "contig", None) if contig is None else contig
        places = getattr(cohort.source, "position", None) if position is None else position
        if contigs is None or places is None or len(places) != cohort.shape[1] or len(contigs) != cohort.shape[1]:
            raise InputError(who, "position", f"a place for each of {cohort.shape[1]:,} variants", "another number")
        every = np.arange(cohort.shape[0])
        self.standard_ = cohorts.standard_of(cohort, every)
        fold = fold_numbers(who, every.astype(float), groups, self.folds, self.seed)
        known, place = np.asarray(contigs).astype(str), np.asarray(places, np.int64)
        self.models_: dict[str, GeneModel] = {}
        rows = []
        for number, (name, gene) in enumerate(zip(names, genes.itertuples(), strict=True)):
            if progress is not None:
                progress(number / len(names), name)
            near = (known == str(gene.contig)) & (place >= gene.start - self.window) & (place < gene.end + self.window)
            variants = np.flatnonzero(near & (self.standard_.scale > 0))
            weights, r = np.zeros(0), float("nan")
            if variants.size:
                columns = cohorts.unpacked(cohort, self.standard_, every, variants)
                weights, r = _fitted(columns, values[:, number], self.share, fold)
            used = weights != 0
            self.models_[name] = GeneModel(variants[used], weights[used], float(values[:, number].mean()), r)
            rows.append({"gene": name, "variants": variants.size, "used": int(used.sum()), "r": r})
        import pandas as pd

        self.scores_ = pd.DataFrame(rows)
        return self

    def predict(self, X: Any) -> pd.DataFrame:
        """The expected expression of each gene [sample, gene]."""
        import pandas as pd

        check_is_fitted(self, "models_")
        cohort = cohorts.cohort_of("CisExpression", X)
        if cohort.shape[1] != len(self.standard_.mean):
            expected = f"the {len(self.standard_.mean):,} variants it learnt from"
            raise InputError("CisExpression", "X", expected, f"{cohort.shape[1]:,}")
        weights = np.zeros((cohort.shape[1], len(self.models_)))
        for number, model in enumerate(self.models_.values()):
            weights[model.features, number] = model.weights
        made = cohorts.scores(cohort, self.standard_, weights) + [model.intercept for model in self.models_.values()]
        return pd.DataFrame(made, columns=list(self.models_), index=cohort.samples)


class GeneExpression(BaseEstimator):
    """Expression of some genes from that of others, by an elastic net for each; a gene never predicts itself.

    ``share``, ``folds`` and ``seed`` as for :class:`CisExpression`; give logarithms, such as log2(CPM + 1).
    """

    def __init__(self, *, share: float = 0.5, folds: int = 5, seed: int = 0) -> None:
        self.share, self.folds, self.seed = share, folds, seed

    def fit(self, X: Any, y: Any, *, groups: Any = None, progress: Progress | None = None) -> GeneExpression:
        """Learn from known genes [sample, gene] and those to be predicted [sample, gene].

        A known gene of the same name as a predicted one is left out of its model.

        Raises
        ------
        InputError
            Tables of different samples, or with missing values.
        """
        who = "GeneExpression"
        known, self.known_ = _expression(who, "X", X, len(X))
        wanted, names = _expression(who, "y", y, len(known))
        self.mean_, scale = known.mean(axis=0), known.std(axis=0)
        self.scale_ = np.where(scale > 0, scale, 1)
        columns = np.ascontiguousarray(((known - self.mean_) / self.scale_).T, np.float32)
        fold = fold_numbers(who, np.arange(len(known), dtype=float), groups, self.folds, self.seed)
        self.models_: dict[str, GeneModel] = {}
        for number, name in enumerate(names):
            if progress is not None:
                progress(number / len(names), name)
            own = hasattr(X, "columns") and hasattr(y, "columns")
            used = np.flatnonzero((scale > 0) & ~(own & (np.array(self.known_) == name)))
            weights, r = _fitted(np.ascontiguousarray(columns[used]), wanted[:, number], self.share, fold)
            held = weights != 0
            self.models_[name] = GeneModel(used[held], weights[held], float(wanted[:, number].mean()), r)
        return self

    def predict(self, X: Any) -> pd.DataFrame:
        """The expected expression [sample, gene]."""
        import pandas as pd

        check_is_fitted(self, "models_")
        known, names = _expression("GeneExpression", "X", X, len(X))
        if names != self.known_:
            raise InputError("GeneExpression", "X", f"the {len(self.known_):,} genes it learnt from", f"{len(names):,}")
        columns = (known - self.mean_) / self.scale_
        made = {name: model.intercept + columns[:, model.features] @ model.weights
                for name, model in self.models_.items()}  # fmt: skip
        return pd.DataFrame(made, index=getattr(X, "index", None))

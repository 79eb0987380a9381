"""Risk and trait scores from genotypes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from genolab.errors import InputError
from genolab.predict import cohort as cohorts
from genolab.predict import effects
from genolab.predict.cohort import Cohort, cohort_of, covariates_of
from genolab.predict.linear import fit_linear
from genolab.predict.metrics import auroc, interval, pearson
from genolab.predict.splits import fold_numbers
from genolab.predict.training import Progress

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("lasso", "elastic_net", "ridge", "ldpred", "clump_threshold", "logistic")


class RiskScore(BaseEstimator):
    """A trait or a disease from many variants and covariates.

    Genotypes are copies of one allele (0 to 2); each variant is brought to mean 0 and variance 1 by the training
    samples, a missing one counts as the mean. Covariates and principal components are fitted first and taken out of
    trait and genotypes, so the score explains what they do not.

    Parameters
    ----------
    method
        ``lasso`` and ``elastic_net`` (paths of 30 penalties), ``ridge`` (all variants, the heritability by restricted
        likelihood: GBLUP), ``ldpred`` (Gibbs sampling of effects given linkage), ``clump_threshold``, ``logistic``
        (all variants, squared penalty). What a method has to choose is chosen by cross-validation within ``fit``.
    share
        Of the elastic net's penalty on absolute weights.
    components
        Principal components of the genotypes used as covariates.
    folds
        Of the inner cross-validation.
    window
        Neighbours of a variant whose linkage ``ldpred`` follows, to each side.
    seed
        Of the folds and of the sampling.

    Attributes
    ----------
    weights_ : variant
        Effects of standardised genotypes. ``variants_`` are the numbers of those that are not 0.
    heritability_
        By restricted likelihood, where the method needs it.
    candidates_ : pandas table
        What was tried, and the correlation that cross-validation gave it.
    binary_
        Whether the trait is 0 or 1: :meth:`predict` then gives probabilities.
    notices_
        What was decided for you.
    """

    def __init__(
        self, method: str = "lasso", *, share: float = 0.5, components: int = 0, folds: int = 5, window: int = 30,
        seed: int = 0,
    ) -> None:  # fmt: skip
        self.method, self.share, self.components, self.folds = method, share, components, folds
        self.window, self.seed = window, seed

    # ------------------------------------------------------------------ fitting

    def fit(self, X: Any, y: Any = None, covariates: Any = None, *, groups: Any = None,
            progress: Progress | None = None) -> RiskScore:  # fmt: skip
        """Learn from genotypes (PLINK, by object or path, or dosages [sample, variant]) and a trait.

        ``y`` defaults to the fam file's phenotype, whose samples without one are left out. A pandas Series or table
        with sample names is matched by name. ``groups`` (families) are kept together in the inner folds.

        Raises
        ------
        InputError
            Dosages outside 0 to 2, a trait of one value, samples that do not match, missing covariates.
        """
        who = "RiskScore"
        self._check(who)
        cohort = cohort_of(who, X)
        trait = self._trait(who, cohort, y)
        table = covariates_of(who, _matched(who, "covariates", covariates, cohort), cohort.shape[0])
        self.notices_: list[str] = []
        chosen = np.flatnonzero(~np.isnan(trait))
        if chosen.size < len(trait):
            self.notices_.append(f"{len(trait) - chosen.size:,} samples without a trait were left out.")
        trait, table = trait[chosen], table[chosen]
        values = np.unique(trait)
        if values.size < 2:
            raise InputError(who, "y", "of two values or more", f"{values[0]:g} alone" if values.size else "none known")
        self.binary_ = bool(values.size == 2 and set(values.tolist()) <= {0.0, 1.0, 2.0})
        if self.binary_:
            trait = (trait == values[1]).astype(np.float64)
        self._say(progress, 0.0, "reading genotypes")
        self.standard_ = cohorts.standard_of(cohort, chosen)
        kinship = None
        if self.components or self.method in ("ridge", "ldpred"):
            kinship = cohorts.relationship(cohort, self.standard_, chosen)
        table = self._with_components(cohort, chosen, table, kinship)
        design = np.column_stack([np.ones(len(trait)), table])
        self.coefficients_, *_ = np.linalg.lstsq(design, trait, rcond=None)
        basis = np.linalg.qr(design)[0]
        left = trait - basis @ (basis.T @ trait)
        kept = np.asarray(groups)[chosen] if groups is not None else None
        self._learn(cohort, chosen, left, basis, kinship, trait, kept, progress)
        self.variants_ = np.flatnonzero(self.weights_)
        self._calibrate(trait, design, cohorts.scores(cohort, self.standard_, self.weights_[:, None])[chosen, 0])
        return self

    def _check(self, who: str) -> None:
        if self.method not in METHODS:
            raise InputError(who, "method", f"one of {', '.join(METHODS)}", repr(self.method))
        if not 0 < self.share <= 1:
            raise InputError(who, "share", "above 0 and at most 1", f"{self.share:g}")
        for name, low in (("components", 0), ("folds", 2), ("window", 1)):
            if not isinstance(getattr(self, name), int | np.integer) or getattr(self, name) < low:
                raise InputError(who, name, f"a whole number from {low}", repr(getattr(self, name)))

    def _trait(self, who: str, cohort: Cohort, y: Any) -> np.ndarray:
        if y is None:
            if not hasattr(cohort.source, "phenotype"):
                raise InputError(who, "y", "a trait for each sample", "nothing")
            return np.asarray(cohort.source.phenotype, np.float64)
        trait = np.asarray(_matched(who, "y", y, cohort), np.float64)
        if trait.shape != (cohort.shape[0],):
            raise InputError(who, "y", f"one per sample ({cohort.shape[0]:,})", f"shape {trait.shape}")
        if np.isinf(trait).any():
            raise InputError(who, "y", "finite, or NaN where it is not known", "inf")
        return trait

    def _with_components(
        self, cohort: Cohort, chosen: np.ndarray, table: np.ndarray, kinship: np.ndarray | None
    ) -> np.ndarray:
        self.loadings_ = np.zeros((cohort.shape[1], 0))
        if not self.components:
            return table
        assert kinship is not None
        values, vectors = np.linalg.eigh(kinship)
        top = vectors[:, ::-1][:, : self.components]
        size = np.maximum(values[::-1][: self.components], 1e-9) * max(int((self.standard_.scale > 0).sum()), 1)
        self.loadings_ = cohorts.products(cohort, self.standard_, chosen, top) / size
        return np.column_stack([table, top])

    def _learn(self, cohort: Cohort, chosen: np.ndarray, left: np.ndarray, basis: np.ndarray,
               kinship: np.ndarray | None, trait: np.ndarray, groups: np.ndarray | None,
               progress: Progress | None) -> None:  # fmt: skip
        import pandas as pd

        self.candidates_ = pd.DataFrame({"candidate": [], "r": []})
        if kinship is not None:
            projected = kinship - basis @ (basis.T @ kinship)
            projected = projected - (projected @ basis) @ basis.T
            values, vectors = np.linalg.eigh(projected)
            self.heritability_ = effects.restricted_likelihood(values, vectors.T @ left)
            if self.method == "ridge":
                penalty = (1 - self.heritability_) / self.heritability_
                dual = vectors @ ((vectors.T @ left) / (np.maximum(values, 0) + penalty))
                number = max(int((self.standard_.scale > 0).sum()), 1)
                self.weights_ = cohorts.products(cohort, self.standard_, chosen, dual[:, None])[:, 0] / number
                return
        variants = self._affordable(cohort, chosen, left)
        columns = cohorts.unpacked(cohort, self.standard_, chosen, variants)
        columns -= (columns @ basis.astype(np.float32)) @ basis.T.astype(np.float32)
        target = left.astype(np.float32)
        labels, weights = self._candidates(columns, target, trait, None)
        fold = fold_numbers("RiskScore", trait, groups, self.folds, self.seed)
        guess = np.zeros((len(labels), len(left)))
        for k in range(self.folds if len(labels) > 1 else 0):
            self._say(progress, (k + 1) / (self.folds + 2), f"fold {k + 1} of {self.folds}")
            inside = fold != k
            part = np.ascontiguousarray(columns[:, inside])
            part -= part.mean(axis=1, keepdims=True)
            inner = target[inside] - target[inside].mean()
            found = self._candidates(part, inner, trait[inside], labels)[1]
            guess[:, ~inside] = found @ columns[:, ~inside]
        r = [pearson(row, left) for row in guess]
        self.candidates_ = pd.DataFrame({"candidate": labels, "r": r})
        best = int(np.argmax(r)) if len(labels) > 1 else 0
        self.weights_ = np.zeros(cohort.shape[1])
        self.weights_[variants] = weights[best]

    def _affordable(self, cohort: Cohort, chosen: np.ndarray, left: np.ndarray) -> np.ndarray:
        """The variants that are unpacked: all that vary, or as many of the strongest as memory holds."""
        variants = np.flatnonzero(self.standard_.scale > 0)
        if not variants.size:
            raise InputError("RiskScore", "X", "with a variant that varies", "none")
        most = max(1, cohorts.MOST_BYTES // (4 * chosen.size))
        if variants.size <= most:
            return variants
        strength = np.abs(cohorts.products(cohort, self.standard_, chosen, left[:, None])[:, 0])
        kept = np.sort(np.argsort(-strength, kind="stable")[:most])
        self.notices_.append(
            f"{most:,} of {variants.size:,} variants, those of strongest effect by themselves, fit in memory and were "
            "used. They were chosen by all samples, so the inner cross-validation is too hopeful."
        )
        return kept

    def _candidates(
        self, columns: np.ndarray, target: np.ndarray, trait: np.ndarray, labels: list[float] | None
    ) -> tuple[list[float], np.ndarray]:
        """What the method chooses from: labels, and weights [candidate, variant]."""
        if self.method in ("lasso", "elastic_net"):
            share = 1.0 if self.method == "lasso" else float(self.share)
            penalties = effects.sparse_penalties(columns, target, share) if labels is None else np.array(labels)
            return penalties.tolist(), effects.sparse_path(columns, target, share, penalties)
        if self.method == "clump_threshold":
            return list(effects.THRESHOLDS), effects.clumped(columns, target)
        if self.method == "ldpred":
            found = effects.ldpred(columns, target, self.heritability_, self.window, self.seed)
            return list(effects.INCLUSIONS), found
        weight, rows = np.ones(len(trait), np.float32), np.ascontiguousarray(columns.T)
        penalties = np.geomspace(0.03, 30, 5) if labels is None else np.array(labels)
        kind, goal = ("binary", trait) if self.binary_ else ("squared", target)
        goal = goal[:, None].astype(np.float32)
        fitted = [fit_linear(rows, goal, weight, float(each), kind)["weight"][:, 0] for each in penalties]
        return penalties.tolist(), np.array(fitted)

    def _calibrate(self, trait: np.ndarray, design: np.ndarray, score: np.ndarray) -> None:
        self.mean_score_ = float(score.mean())
        self.spread_ = float(score.std()) or 1.0
        if self.binary_:
            rows = np.column_stack([design[:, 1:], (score - self.mean_score_) / self.spread_])
            self.link_centre_, self.link_scale_ = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
            used = ((rows - self.link_centre_) / self.link_scale_).astype(np.float32)
            ones = np.ones(len(trait), np.float32)
            self.link_ = fit_linear(used, trait[:, None].astype(np.float32), ones, 1 / len(trait), "binary")

    def _say(self, progress: Progress | None, fraction: float, text: str) -> None:
        if progress is not None:
            progress(fraction, text)

    # ------------------------------------------------------------------ predicting

    def score_samples(self, X: Any) -> np.ndarray:
        """The score of each sample by its genotypes alone, in the trait's unit (before any link)."""
        check_is_fitted(self, "weights_")
        cohort = self._same_variants(X)
        return cohorts.scores(cohort, self.standard_, self.weights_[:, None])[:, 0]

    def predict(self, X: Any, covariates: Any = None) -> np.ndarray:
        """The expected trait of each sample; its probability where the trait is 0 or 1."""
        check_is_fitted(self, "weights_")
        cohort = self._same_variants(X)
        table = covariates_of("RiskScore", _matched("RiskScore", "covariates", covariates, cohort), cohort.shape[0])
        wanted = len(self.coefficients_) - 1 - self.components
        if table.shape[1] != wanted:
            raise InputError("RiskScore", "covariates", f"{wanted}, as learnt", f"{table.shape[1]}")
        both = cohorts.scores(cohort, self.standard_, np.column_stack([self.weights_, self.loadings_]))
        score, table = both[:, 0], np.column_stack([table, both[:, 1:]])
        if self.binary_:
            rows = np.column_stack([table, (score - self.mean_score_) / self.spread_])
            used = (rows - self.link_centre_) / self.link_scale_
            odds = used @ self.link_["weight"][:, 0] + self.link_["intercept"][0]
            probability: np.ndarray = 0.5 * (1 + np.tanh(odds / 2))
            return probability
        expected: np.ndarray = self.coefficients_[0] + table @ self.coefficients_[1:] + score
        return expected

    def evaluate(self, X: Any, y: Any, covariates: Any = None, prevalence: float | None = None) -> RiskReport:
        """Judge the score on samples that it has not seen, beside covariates alone; see :class:`RiskReport`."""
        cohort = cohort_of("RiskScore", X)
        trait = self._trait("RiskScore", cohort, y)
        table = covariates_of("RiskScore", _matched("RiskScore", "covariates", covariates, cohort), len(trait))
        known = ~np.isnan(trait)
        return report_on(trait[known], self.score_samples(X)[known], table[known], self.binary_, prevalence)

    def _same_variants(self, X: Any) -> Cohort:
        cohort = cohort_of("RiskScore", X)
        if cohort.shape[1] != len(self.weights_):
            found = f"{cohort.shape[1]:,}"
            raise InputError("RiskScore", "X", f"the {len(self.weights_):,} variants it learnt from", found)
        return cohort


def _matched(who: str, name: str, values: Any, cohort: Cohort) -> Any:
    """A Series or table with sample names in the order of the genotypes' samples."""
    plain = cohort.samples is None or not hasattr(values, "reindex") or values.index.dtype.kind in "iu"
    if values is None or plain:
        return values
    text = [str(sample) for sample in cohort.samples]  # type: ignore[union-attr]
    held = values.set_axis([str(label) for label in values.index])
    if held.index.has_duplicates:
        raise InputError(who, name, "one row per sample", f"{held.index[held.index.duplicated()][0]!r} twice")
    missing = [label for label in text if label not in held.index]
    if missing:
        found = f"{len(missing):,} of {len(text):,} samples without one ({', '.join(missing[:3])})"
        raise InputError(who, name, "a row for each sample of the genotypes", found, "Give NaN where it is not known.")
    return held.loc[text].to_numpy()


@dataclass(frozen=True)
class RiskReport:
    """What a score adds on samples that it has not seen.

    ``r2`` of the score with covariates, ``r2_covariates`` of those alone, ``added`` their difference with its 95 %
    interval; ``auc`` likewise for a disease (None else); ``deciles`` the mean trait and, for a disease, the odds ratio
    of each tenth of the score against the middle two; ``liability_r2`` where the prevalence is known.
    """

    r2: float
    r2_covariates: float
    added: float
    added_interval: tuple[float, float]
    auc: float | None
    auc_covariates: float | None
    liability_r2: float | None
    deciles: pd.DataFrame = field(repr=False)
    notices: tuple[str, ...] = ()


def report_on(trait: np.ndarray, score: np.ndarray, covariates: np.ndarray, binary: bool,
              prevalence: float | None = None) -> RiskReport:  # fmt: skip
    """The report on a score of samples with a trait; a line through score and covariates is fitted to them."""
    import pandas as pd

    if binary:
        trait = (trait == trait.max()).astype(np.float64)
    both, alone = np.column_stack([score, covariates]), covariates

    def added(y: np.ndarray, full: np.ndarray, part: np.ndarray) -> float:
        return _r2(y, full) - _r2(y, part)

    low, high = interval(added, trait, both, alone, draws=200)
    # a line through noise explains 1 / n of a trait by chance
    nothing = low <= 1 / len(trait) or not score.any()
    notices = ("SNPs add nothing over covariates." if covariates.size else "SNPs predict nothing.",) if nothing else ()
    place = np.argsort(np.argsort(score, kind="stable"), kind="stable") * 10 // len(score)
    rows: list[dict[str, float]] = []
    middle = trait[(place == 4) | (place == 5)]
    for decile in range(10):
        held = trait[place == decile]
        row = {"decile": decile + 1, "samples": held.size, "mean score": float(score[place == decile].mean()),
               "mean trait": float(held.mean())}  # fmt: skip
        if binary:
            row["odds ratio"] = _odds(held) / _odds(middle)
        rows.append(row)
    r2 = _r2(trait, both)
    liability = (
        liability_r2(_r2(trait, score[:, None]), float(trait.mean()), prevalence) if binary and prevalence else None
    )
    return RiskReport(
        r2, _r2(trait, alone), r2 - _r2(trait, alone), (low, high),
        auroc(trait, _line(trait, both)) if binary else None,
        (auroc(trait, _line(trait, alone)) if covariates.size else 0.5) if binary else None,
        liability, pd.DataFrame(rows), notices,
    )  # fmt: skip


def _line(trait: np.ndarray, table: np.ndarray) -> np.ndarray:
    design = np.column_stack([np.ones(len(trait)), table])
    fitted: np.ndarray = design @ np.linalg.lstsq(design, trait, rcond=None)[0]
    return fitted


def _r2(trait: np.ndarray, table: np.ndarray) -> float:
    return pearson(_line(trait, table), trait) ** 2 if table.size else 0.0


def _odds(trait: np.ndarray) -> float:
    return (float(trait.sum()) + 0.5) / (float((1 - trait).sum()) + 0.5)


def liability_r2(observed: float, cases: float, prevalence: float) -> float:
    r"""The explained share of the liability, from that of the 0/1 trait, the share of cases and the prevalence K.

    See Lee et al. 2012, doi:10.1002/gepi.21614.
    """
    from scipy.stats import norm

    if not 0 < prevalence < 1:
        raise InputError("liability_r2", "prevalence", "between 0 and 1", f"{prevalence:g}")
    threshold = float(norm.isf(prevalence))
    height = float(norm.pdf(threshold))
    mean = height / prevalence
    scale = (prevalence * (1 - prevalence) / height) ** 2 / (cases * (1 - cases))
    shift = (cases - prevalence) / (1 - prevalence)
    theta = mean * shift * (mean * shift - threshold)
    return observed * scale / (1 + observed * theta * scale)

"""What a fitted risk score says of samples, and how it is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from genolab.errors import InputError
from genolab.predict import cohort as cohorts
from genolab.predict import survival
from genolab.predict.cohort import Cohort, cohort_of, covariates_of
from genolab.predict.perceptron import Weights, run_perceptron
from genolab.predict.risk_report import RiskReport, report_on, report_on_times


class FittedRisk(BaseEstimator):
    """The half of :class:`genolab.predict.RiskScore` that needs no training."""

    method: str
    components: int
    standard_: cohorts.Standard
    weights_: np.ndarray
    loadings_: np.ndarray
    used_: np.ndarray
    network_: Weights
    coefficients_: np.ndarray
    link_: Weights
    link_centre_: np.ndarray
    link_scale_: np.ndarray
    mean_score_: float
    spread_: float
    binary_: bool
    timed_: bool

    def score_samples(self, X: Any) -> np.ndarray:
        """The score of each sample by its genotypes alone, in the trait's unit (before any link).

        From times to an event it is in events per sample, and a log hazard by ``mlp``: a high score is an early event.
        """
        check_is_fitted(self, "weights_")
        cohort = self._same_variants(X)
        return self._scored(cohort)[:, 0]

    def predict(self, X: Any, covariates: Any = None) -> np.ndarray:
        """The expected trait of each sample; its probability where the trait is 0 or 1.

        From times to an event: the logarithm of its hazard ratio to the mean training sample.
        """
        check_is_fitted(self, "weights_")
        cohort = self._same_variants(X)
        table = covariates_of("RiskScore", matched("RiskScore", "covariates", covariates, cohort), cohort.shape[0])
        wanted = len(self.coefficients_) - 1 - self.components  # an intercept, or the score in a Cox model
        if table.shape[1] != wanted:
            raise InputError("RiskScore", "covariates", f"{wanted}, as learnt", f"{table.shape[1]}")
        both = self._scored(cohort)
        score, table = both[:, 0], np.column_stack([table, both[:, 1:]])
        rows = np.column_stack([table, (score - self.mean_score_) / self.spread_])
        if self.timed_:
            hazard: np.ndarray = (rows - self.link_centre_) @ self.coefficients_
            return hazard
        if self.binary_:
            used = (rows - self.link_centre_) / self.link_scale_
            odds = used @ self.link_["weight"][:, 0] + self.link_["intercept"][0]
            probability: np.ndarray = 0.5 * (1 + np.tanh(odds / 2))
            return probability
        expected: np.ndarray = self.coefficients_[0] + table @ self.coefficients_[1:] + score
        return expected

    def evaluate(self, X: Any, y: Any, covariates: Any = None, prevalence: float | None = None, *,
                 event: Any = None) -> RiskReport:  # fmt: skip
        """Judge the score on samples that it has not seen, beside covariates alone; see :class:`RiskReport`."""
        check_is_fitted(self, "weights_")
        if (event is not None) != self.timed_:
            wanted = "given, as to fit" if self.timed_ else "left out, as from fit"
            raise InputError("RiskScore", "event", wanted, "none" if event is None else "some")
        cohort = cohort_of("RiskScore", X)
        trait = self._trait("RiskScore", cohort, y)
        table = covariates_of("RiskScore", matched("RiskScore", "covariates", covariates, cohort), len(trait))
        if self.timed_:
            trait, happened = survival.times_of("RiskScore", trait, matched("RiskScore", "event", event, cohort))
        known = ~np.isnan(trait)
        if self.timed_:
            return report_on_times(trait[known], happened[known], self.score_samples(X)[known], table[known])
        if self.binary_ and known.any():  # cases are 2 in PLINK's files
            trait = np.where(known, trait == trait[known].max(), np.nan)
        return report_on(trait[known], self.score_samples(X)[known], table[known], self.binary_, prevalence)

    def _same_variants(self, X: Any) -> Cohort:
        cohort = cohort_of("RiskScore", X)
        if cohort.shape[1] != len(self.weights_):
            found = f"{cohort.shape[1]:,}"
            raise InputError("RiskScore", "X", f"the {len(self.weights_):,} variants it learnt from", found)
        return cohort

    def _scored(self, cohort: Cohort) -> np.ndarray:
        """The score, and each principal component [sample, 1 + components]."""
        both = cohorts.scores(cohort, self.standard_, np.column_stack([self.weights_, self.loadings_]))
        if self.method == "mlp":
            rows = cohorts.unpacked(cohort, self.standard_, np.arange(cohort.shape[0]), self.used_).T
            both[:, 0] = run_perceptron(rows, self.network_)
        return both

    def _trait(self, who: str, cohort: Cohort, y: Any) -> np.ndarray:
        if y is None:
            if not hasattr(cohort.source, "phenotype"):
                raise InputError(who, "y", "a trait for each sample", "nothing")
            return np.asarray(cohort.source.phenotype, np.float64)
        trait = np.asarray(matched(who, "y", y, cohort), np.float64)
        if trait.shape != (cohort.shape[0],):
            raise InputError(who, "y", f"one per sample ({cohort.shape[0]:,})", f"shape {trait.shape}")
        if np.isinf(trait).any():
            raise InputError(who, "y", "finite, or NaN where it is not known", "inf")
        return trait


def matched(who: str, name: str, values: Any, cohort: Cohort) -> Any:
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

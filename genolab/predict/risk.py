"""Risk and trait scores from genotypes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from genolab.errors import InputError
from genolab.predict import cohort as cohorts
from genolab.predict import effects, linkage, survival
from genolab.predict.cohort import Cohort, cohort_of, covariates_of
from genolab.predict.linear import fit_linear
from genolab.predict.metrics import pearson
from genolab.predict.perceptron import fit_perceptron
from genolab.predict.risk_card import card_of, save_risk
from genolab.predict.risk_fitted import FittedRisk, matched
from genolab.predict.splits import fold_numbers
from genolab.predict.training import Progress

METHODS = ("lasso", "elastic_net", "ridge", "ldpred", "clump_threshold", "logistic", "mlp")


class RiskScore(FittedRisk):
    """A trait or a disease from many variants and covariates.

    Genotypes are copies of one allele (0 to 2); each variant is brought to mean 0 and variance 1 by the training
    samples, a missing one counts as the mean. Covariates and principal components are fitted first and taken out of
    trait and genotypes, so the score explains what they do not.

    Parameters
    ----------
    method
        ``lasso`` and ``elastic_net`` (paths of 30 penalties), ``ridge`` (all variants, the heritability by restricted
        likelihood: GBLUP), ``ldpred`` (Gibbs sampling of effects given linkage), ``clump_threshold``, ``logistic``
        (all variants, squared penalty), ``mlp`` (a hidden layer over the 1,000 strongest variants, early stopping;
        its ``weights_`` are what each variant does near the mean). What a method has to choose is chosen by
        cross-validation within ``fit``.
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
    timed_
        Whether it was learnt from times to an event: linear methods then learn the martingale residuals that covariates
        leave in a Cox model, ``mlp`` the partial likelihood, and :meth:`predict` gives log hazard ratios.
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

    def fit(self, X: Any, y: Any = None, covariates: Any = None, *, event: Any = None, groups: Any = None,
            progress: Progress | None = None) -> RiskScore:  # fmt: skip
        """Learn from genotypes (PLINK, by object or path, or dosages [sample, variant]) and a trait.

        ``y`` defaults to the fam file's phenotype, whose samples without one are left out. A pandas Series or table
        with sample names is matched by name. ``groups`` (families) are kept together in the inner folds. With
        ``event`` (1 where it happened, 0 where follow-up ended before), ``y`` is the time until then.

        Raises
        ------
        InputError
            Dosages outside 0 to 2, a trait of one value, samples that do not match, missing covariates; no event.
        """
        who = "RiskScore"
        self._check(who)
        cohort = cohort_of(who, X)
        trait = self._trait(who, cohort, y)
        table = covariates_of(who, matched(who, "covariates", covariates, cohort), cohort.shape[0])
        self.notices_: list[str] = []
        self.timed_ = event is not None
        happened = np.zeros(len(trait))
        if self.timed_:
            trait, happened = survival.times_of(who, trait, matched(who, "event", event, cohort))
        chosen = np.flatnonzero(~np.isnan(trait))
        if chosen.size < len(trait):
            self.notices_.append(f"{len(trait) - chosen.size:,} samples without a trait were left out.")
        trait, table, happened = trait[chosen], table[chosen], happened[chosen]
        values = np.unique(trait)
        if values.size < 2:
            raise InputError(who, "y", "of two values or more", f"{values[0]:g} alone" if values.size else "none known")
        self.binary_ = not self.timed_ and bool(values.size == 2 and set(values.tolist()) <= {0.0, 1.0, 2.0})
        if self.binary_:
            trait = (trait == values[1]).astype(np.float64)
        self._say(progress, 0.0, "reading genotypes")
        self.standard_ = cohorts.standard_of(cohort, chosen)
        kinship = None
        if self.components or self.method in ("ridge", "ldpred"):
            kinship = cohorts.relationship(cohort, self.standard_, chosen)
        table = self._with_components(cohort, chosen, table, kinship)
        design = np.column_stack([np.ones(len(trait)), table])
        basis = np.linalg.qr(design)[0]
        if self.timed_:
            hazards = survival.fit_hazards(table, trait, happened, 0.0)
            left = survival.martingale_residuals(trait, happened, table @ hazards)
        else:
            self.coefficients_, *_ = np.linalg.lstsq(design, trait, rcond=None)
            left = trait
        left = left - basis @ (basis.T @ left)
        kept = np.asarray(groups)[chosen] if groups is not None else None
        goal = np.column_stack([trait, happened]) if self.timed_ else trait
        self._learn(cohort, chosen, left, basis, kinship, goal, kept, progress)
        self.variants_ = np.flatnonzero(self.weights_)
        self._calibrate(goal, design, self._scored(cohort)[chosen, 0])
        self.card_ = card_of(self, trait, chosen.size, groups)
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write weights and model card to one file; :func:`genolab.predict.load` reads it. Nothing in it is code."""
        check_is_fitted(self, "weights_")
        save_risk(self, path)

    def _check(self, who: str) -> None:
        if self.method not in METHODS:
            raise InputError(who, "method", f"one of {', '.join(METHODS)}", repr(self.method))
        if not 0 < self.share <= 1:
            raise InputError(who, "share", "above 0 and at most 1", f"{self.share:g}")
        for name, low in (("components", 0), ("folds", 2), ("window", 1)):
            if not isinstance(getattr(self, name), int | np.integer) or getattr(self, name) < low:
                raise InputError(who, name, f"a whole number from {low}", repr(getattr(self, name)))

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
        if self.method == "mlp":
            self._learn_network(cohort, columns, variants, left, trait, groups, progress)
            return
        self._sampled: list[linkage.Sampled] = []
        labels, weights = self._candidates(columns, target, trait, None)
        fold = fold_numbers("RiskScore", left if self.timed_ else trait, groups, self.folds, self.seed)
        guess = np.zeros((len(labels), len(left)))
        for k in range(self.folds if len(labels) > 1 else 0):
            self._say(progress, (k + 1) / (self.folds + 2), f"fold {k + 1} of {self.folds}")
            inside = fold != k
            part = np.ascontiguousarray(columns[:, inside])
            part -= part.mean(axis=1, keepdims=True)
            inner = target[inside] - target[inside].mean()
            found = self._candidates(part, inner, trait[inside], labels)[1]
            guess[:, ~inside] = found @ columns[:, ~inside]
        usable = np.isfinite(guess).all(axis=1) & np.isfinite(weights).all(axis=1)
        r = [pearson(row, left) if used else float("nan") for row, used in zip(guess, usable, strict=True)]
        self.candidates_ = pd.DataFrame({"candidate": labels, "r": r})
        if self._sampled:
            widened, dropped = (np.array([getattr(each, name) for each in self._sampled])
                                for name in ("widened", "dropped"))  # fmt: skip
            self.notices_ += linkage.words_for(self.window, widened, dropped, self.folds)
        del self._sampled
        if not usable.any():
            fix = "Use ridge, or more samples."
            raise InputError("RiskScore", "method", "effects that can be sampled", "no chain that settles", fix)
        best = int(np.nanargmax(r)) if len(labels) > 1 else 0
        self.weights_ = np.zeros(cohort.shape[1])
        self.weights_[variants] = weights[best]

    def _learn_network(self, cohort: Cohort, columns: np.ndarray, variants: np.ndarray, left: np.ndarray,
                       trait: np.ndarray, groups: np.ndarray | None, progress: Progress | None) -> None:  # fmt: skip
        loss = "cox" if self.timed_ else "binary" if self.binary_ else "squared"
        goal = left / max(float(left.std()), 1e-12) if loss == "squared" else trait
        used, self.network_, self.history_ = fit_perceptron(columns, goal, left, loss, groups, self.seed, progress)
        self.used_ = variants[used]
        if loss == "squared":
            scale = np.float32(left.std())
            self.network_["last"], self.network_["last_bias"] = (
                self.network_[name] * scale for name in ("last", "last_bias")
            )  # fmt: skip
        active = (self.network_["hidden_bias"] > 0).astype(np.float32)[:, None]
        self.weights_ = np.zeros(cohort.shape[1])
        self.weights_[self.used_] = (self.network_["hidden"] @ (self.network_["last"] * active))[:, 0]

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
            found = linkage.ldpred(columns, target, self.heritability_, self.window, self.seed)
            self._sampled.append(found)
            return list(linkage.INCLUSIONS), found.weights
        weight, rows = np.ones(len(trait), np.float32), np.ascontiguousarray(columns.T)
        penalties = np.geomspace(0.03, 30, 5) if labels is None else np.array(labels)
        kind, goal = ("binary", trait) if self.binary_ else ("squared", target)
        goal = goal[:, None].astype(np.float32)
        fitted = [fit_linear(rows, goal, weight, float(each), kind)["weight"][:, 0] for each in penalties]
        return penalties.tolist(), np.array(fitted)

    def _calibrate(self, trait: np.ndarray, design: np.ndarray, score: np.ndarray) -> None:
        self.mean_score_ = float(score.mean())
        self.spread_ = float(score.std()) or 1.0
        if self.timed_:
            rows = np.column_stack([design[:, 1:], (score - self.mean_score_) / self.spread_])
            self.coefficients_ = survival.fit_hazards(rows, trait[:, 0], trait[:, 1], 1 / len(trait))
            self.link_centre_ = rows.mean(axis=0)
        elif self.binary_:
            rows = np.column_stack([design[:, 1:], (score - self.mean_score_) / self.spread_])
            self.link_centre_, self.link_scale_ = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
            used = ((rows - self.link_centre_) / self.link_scale_).astype(np.float32)
            ones = np.ones(len(trait), np.float32)
            self.link_ = fit_linear(used, trait[:, None].astype(np.float32), ones, 1 / len(trait), "binary")

    def _say(self, progress: Progress | None, fraction: float, text: str) -> None:
        if progress is not None:
            progress(fraction, text)

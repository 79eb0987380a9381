"""Estimators that fill gaps from a few factors that genes share."""

from __future__ import annotations

from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.kernel.into import into
from genolab.prepare import impute_factors
from genolab.prepare.estimators.base import run
from genolab.prepare.estimators.imputers import Imputer, positive
from genolab.prepare.table import Table


class _FactorImputer(Imputer):
    """Gaps from ``centre_`` and ``loadings_``: the scores of a sample come from its own known values, by ridge."""

    def _ridge(self) -> float:
        raise NotImplementedError

    def _scores(self, table: Table) -> Any:
        return run(impute_factors.factor_scores, table, self.centre_, self.loadings_, self._ridge())

    def _apply(self, table: Table) -> np.ndarray:
        scores = self._scores(table).scores
        filled = run(impute_factors.factor_impute, table, self.centre_, self.loadings_, scores)
        completed: np.ndarray = filled.completed
        return completed


def _means(values: np.ndarray) -> np.ndarray:
    """Mean of the known values of each gene; 0 where there is none."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(axis=0, dtype=np.float64)
    means: np.ndarray = total / np.maximum(known.sum(axis=0), 1)
    return means


def _leading(x: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest singular values and their right vectors, by the smaller matrix of products."""
    from scipy.linalg import eigh

    samples, genes = x.shape
    by_genes, last = genes <= samples, min(x.shape) - 1
    product = (x.T @ x if by_genes else x @ x.T).astype(np.float64)
    wanted = [max(0, last - number + 1), last]
    squares, vectors = eigh(product, subset_by_index=wanted, overwrite_a=True, check_finite=False)
    squares, vectors = squares[::-1], vectors[:, ::-1]
    right = vectors if by_genes else np.linalg.qr(x.T @ vectors.astype(x.dtype))[0]
    return np.sqrt(np.maximum(squares, 0)), np.ascontiguousarray(right, np.float64)


class PPCAImputer(_FactorImputer):
    """Fill gaps with what probabilistic principal components expect, and say how far that may be off.

    Genes are a mean, a few factors and noise of one variance, fitted by EM to the known values alone. Genes on one
    scale (logarithms) are meant.

    Parameters
    ----------
    n_components
        Factors; never more than samples less one, or genes less one.
    max_iter, tol
        EM steps at most; it stops when the log-likelihood per known value rises by less than ``tol``.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``imputed``.

    Attributes
    ----------
    imputed_ : bool, sample by gene
        Which values of the samples learnt from were missing.
    standard_error_ : sample by gene
        Standard error of their imputed values, 0 where known; :meth:`standard_errors` gives those of other samples.
    centre_, loadings_, noise_variance_, log_likelihood_
        The model, and its log-likelihood before each step (nats).
    n_iter_
        Steps taken; where it is ``max_iter``, they were not enough for ``tol``.
    """

    def __init__(self, n_components: int = 5, max_iter: int = 200, tol: float = 1e-5, layer: str | None = None) -> None:
        self.n_components, self.max_iter, self.tol, self.layer = n_components, max_iter, tol, layer

    def standard_errors(self, X: Any) -> Any:
        """Standard errors of what :meth:`transform` imputes, 0 where known; AnnData: layer ``imputed_error``."""
        table = self._read(X, fitting=False)
        return table.rebuilt(self._errors(table), "imputed_error")

    def _errors(self, table: Table) -> np.ndarray:
        covariance = self._scores(table).covariance
        found = run(impute_factors.factor_errors, table, self.loadings_, covariance, self.noise_variance_)
        errors: np.ndarray = found.standard_error
        return errors

    def _ridge(self) -> float:
        return self.noise_variance_

    def _learn(self, table: Table, y: Any) -> None:
        wanted = positive("PPCAImputer", "n_components", self.n_components)
        steps = positive("PPCAImputer", "max_iter", self.max_iter)
        values = table.values
        factors = max(1, min(wanted, *(length - 1 for length in values.shape)))
        known = int((~np.isnan(values)).sum())
        centre = _means(values)
        x = np.where(np.isnan(values), 0, values - centre)
        total = float(np.vdot(x, x)) / known
        floor = max(1e-9 * total, 1e-30)  # without noise there is no likelihood
        singular, right = _leading(x, factors)
        variance = max(total - float((singular**2).sum()) / known, floor)
        loadings = right * np.sqrt(np.maximum(singular**2 / len(values) - variance, 0))
        step, likelihood = impute_factors.ppca_step.at(values.dtype), []
        for _ in range(steps):
            *model, found = step(values, centre, loadings, variance, floor)
            centre, loadings, variance = model[0], model[1], float(model[2])
            likelihood.append(float(found))
            if len(likelihood) > 1 and likelihood[-1] - likelihood[-2] < self.tol * known:
                break
        self.n_iter_, self.log_likelihood_ = len(likelihood), np.array(likelihood)
        self.centre_, self.loadings_, self.noise_variance_ = centre, loadings, variance
        self.standard_error_ = self._errors(table)


HELD_OUT = 0.1
"""Share of the known values that the choice of a penalty is judged by."""

CANDIDATES = tuple(np.geomspace(1, 0.01, 16)[1:])
"""Penalties tried, as shares of the largest singular value."""

STOPS = CANDIDATES[4::5]
"""Larger penalties on the way to one that is given."""

ROUGH, ROUGH_STEPS = 1e-3, 10
"""How far the solutions on the way are taken: it is the last one that counts."""

DEFAULT_SHARE = 0.1
"""The share taken where a table is too small to hold anything out."""


class SoftImpute(_FactorImputer):
    r"""Fill gaps from the table of least nuclear norm near the known values: soft-thresholded singular values.

    .. math:: \min_Z \; \tfrac{1}{2} \sum_{(s, g) \in K} (x_{sg} - \mu_g - z_{sg})^2 + \lambda \lVert Z \rVert_*

    Each penalty starts from the solution of the next larger one. A sample's factors are the ridge regression of its
    known values on the loadings, which for the samples learnt from is the same solution. Genes on one scale are meant.
    See Mazumder, Hastie and Tibshirani 2010, https://jmlr.org/papers/v11/mazumder10a.html.

    Parameters
    ----------
    penalty
        :math:`\lambda`, in the unit of singular values of the table less its genes' means. ``None`` chooses it: a
        tenth of the known values is held out, 15 penalties from 0.74 down to 0.01 of the largest singular value are
        tried until the error has risen twice, and the best is fitted to all known values. Where nothing can be held
        out it is 0.1 of the largest singular value.
    max_rank
        Factors at most; ``None`` is 30.
    max_iter, tol
        Steps at most; it stops when the imputed values move by less than ``tol`` of the table. The larger penalties
        on the way are solved roughly, in ten steps at most.
    random_state
        Seed of what is held out.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``imputed``.

    Attributes
    ----------
    imputed_ : bool, sample by gene
        Which values of the samples learnt from were missing.
    penalty_, penalties_, held_out_errors_
        What was used; what was tried, and its root mean squared error on what was held out (empty where given).
    n_iter_
        Steps taken at that penalty; where it is ``max_iter``, they were not enough for ``tol``.
    centre_, loadings_
        The genes' means, and right singular vectors times the root of their shrunken singular values.
    """

    def __init__(
        self, penalty: float | None = None, max_rank: int | None = None, max_iter: int = 100, tol: float = 1e-4,
        random_state: int = 0, layer: str | None = None,
    ) -> None:  # fmt: skip
        self.penalty, self.max_rank, self.max_iter, self.tol = penalty, max_rank, max_iter, tol
        self.random_state, self.layer = random_state, layer

    def _ridge(self) -> float:
        return self.penalty_

    def _learn(self, table: Table, y: Any) -> None:
        if self.penalty is not None and not self.penalty > 0:
            raise InputError("SoftImpute", "penalty", "a number above 0, or None", repr(self.penalty))
        rank = min(positive("SoftImpute", "max_rank", 30 if self.max_rank is None else self.max_rank), *table.shape)
        positive("SoftImpute", "max_iter", self.max_iter)
        path = _SoftPath(table.values, rank, self.max_iter, self.tol)
        largest = path.largest or 1.0  # nothing varies: any penalty leaves the means
        self.penalties_, self.held_out_errors_ = np.empty(0), np.empty(0)
        self.penalty_ = float(self.penalty) if self.penalty is not None else self._chosen(table.values, rank, largest)
        for share in CANDIDATES if self.penalty is None else STOPS:
            if share * largest > self.penalty_:
                path.solve(share * largest, rough=True)
        right, strength = path.solve(self.penalty_)
        self.n_iter_ = path.taken
        kept = max(1, int((strength[:rank] > 0).sum()))
        self.centre_, self.loadings_ = path.centre, right[:, :kept] * np.sqrt(strength[:kept])

    def _chosen(self, values: np.ndarray, rank: int, largest: float) -> float:
        held = _held_out(values, self.random_state)
        if not held.any():
            return DEFAULT_SHARE * largest
        path = _SoftPath(np.where(held, np.nan, values), rank, self.max_iter, self.tol)
        truth = (values - path.centre)[held]
        errors: list[float] = []
        for share in CANDIDATES:
            path.solve(share * largest, rough=True)
            errors.append(float(np.sqrt(((path.filled[held] - truth) ** 2).mean())))
            if len(errors) > 2 and errors[-1] > errors[-2] > errors[-3]:
                break
        self.penalties_, self.held_out_errors_ = np.array(CANDIDATES[: len(errors)]) * largest, np.array(errors)
        return float(self.penalties_[self.held_out_errors_.argmin()])


class _SoftPath:
    """Solutions for one penalty after the other, each from where the last one ended."""

    def __init__(self, values: np.ndarray, rank: int, steps: int, tolerance: float) -> None:
        self.centre = _means(values)
        gaps = np.isnan(values)
        self.filled = values - self.centre.astype(values.dtype)
        self.filled[gaps] = 0
        self.column = np.nonzero(gaps)[1].astype(np.int32)
        self.begin = np.append(0, np.cumsum(gaps.sum(axis=1)))
        singular, self.right = _leading(self.filled, min(rank + 4, *values.shape))
        self.largest = float(singular[0])
        self.steps, self.tolerance, self.rank = steps, tolerance, rank
        self.square = float(np.vdot(self.filled, self.filled))

    def solve(self, penalty: float, rough: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Right singular vectors and shrunken singular values; the filled table stays in ``filled``."""
        step = impute_factors.soft_step.at(self.filled.dtype)
        steps = min(self.steps, ROUGH_STEPS) if rough else self.steps
        tolerance = max(self.tolerance, ROUGH) if rough else self.tolerance
        self.taken, change = 0, np.inf
        while self.taken < steps and change > tolerance**2 * self.square:
            held = (self.filled, self.column, self.begin, self.right)
            _, self.right, strength, change = into(step, self.filled, *held, penalty, self.rank)
            self.taken += 1
        return self.right, strength


def _held_out(values: np.ndarray, seed: int) -> np.ndarray:
    """Known values to judge by; every sample and gene keeps one."""
    known = ~np.isnan(values)
    held: np.ndarray = known & (np.random.default_rng(seed).random(values.shape) < HELD_OUT)
    held[~(known & ~held).any(axis=1)] = False
    held[:, ~(known & ~held).any(axis=0)] = False
    return held

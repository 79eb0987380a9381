"""Missing values from a few factors: soft-thresholded singular values, and probabilistic principal components."""

from __future__ import annotations

import math
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.errors import InputError
from genolab.kernel import kernel
from genolab.kernel.threads import spread
from genolab.prepare.depth import row_of_each
from genolab.prepare.impute_neighbours import Completed, Gapped
from genolab.spec import Spec, Symbol

NEGLIGIBLE = 1e-7
"""Singular values below this share of the largest are rounding errors of the matrix of products."""

ROUNDING = 2.0**-44
"""The least pull, as a share of the trace: a smaller one is lost in the rounding of the sum, which may be singular."""

_LEAST = 1e-300  # the pull of a sum of nothing

Centre = Annotated[Symbol, Spec("gene", "float64", "mean of the gene", symbol=r"\mu")]
Loadings = Annotated[Symbol, Spec("gene factor", "float64", "how much one unit of a factor moves the gene", symbol="w")]
Scores = Annotated[Symbol, Spec("sample factor", "float64", "how much of a factor the sample has", symbol="z")]
Covariance = Annotated[
    Symbol,
    Spec(
        "sample factor factor", "float64", "covariance of the sample's scores", unit="noise variance", symbol="M_s^{-1}"
    ),
]
Variance = Annotated[
    Symbol, Spec("", "float64", "variance of the noise", low=1e-300, symbol=r"\sigma; \sigma^2; \lambda")
]


class FactorScores(NamedTuple):
    """What the known values of each sample say of its factors."""

    scores: Scores
    covariance: Covariance


def _identity(loadings: Any) -> Any:
    number = pt.cumsum(pt.ge(loadings[0], -np.inf).astype("int64"))
    return pt.eq(number[:, None], number[None, :]).astype("float64")


def _precision(known: Any, loadings: Any, ridge: Any) -> Any:
    outer = loadings[:, :, None] * loadings[:, None, :]
    sums = (known[:, :, None, None] * outer[None]).sum(axis=1)
    return _pulled_sums(sums, ridge, _identity(loadings))


def _pulled_sums(sums: Any, ridge: Any, identity: Any) -> Any:
    trace = (sums * identity).sum(axis=(1, 2))[:, None, None]
    pulled = sums + pt.maximum(ridge, ROUNDING * trace) * identity
    return pt.switch(pt.lt(trace, np.inf), pulled, np.nan)  # the inverse of infinity is an error on some backends


def _solved(inverse: Any, matrix: Any, right: Any) -> Any:
    """The solution of each system from the inverse of its matrix, made better by what that leaves."""
    first = (inverse * right[:, None, :]).sum(axis=2)
    rest = right - (matrix * first[:, None, :]).sum(axis=2)
    return first + (inverse * rest[:, None, :]).sum(axis=2)


@kernel(backend="numpy", example=lambda: (np.ones((2, 2), np.float32), np.ones(2), np.ones((2, 1)), 1.0))
def factor_scores(
    values: Gapped,
    centre: Centre,
    loadings: Loadings,
    ridge: Annotated[Symbol, Spec("", "float64", "pull of the scores to 0", low=1e-300, symbol=r"\lambda")],
) -> FactorScores:
    r"""Ridge regression of each sample's known values on the loadings of those genes.

    .. math:: M_s = \sum_{g \in K_s} w_g w_g^T + \lambda I, \qquad
              z_s = M_s^{-1} \sum_{g \in K_s} w_g (x_{sg} - \mu_g)

    A :math:`\lambda` below :math:`2^{-44}` of the sum's trace would be lost in rounding and counts as that much; where
    the sum is not finite, the answer is not a number.
    """
    known = pt.invert(pt.isnan(values)).astype("float64")
    x = pt.switch(pt.isnan(values), 0.0, values - centre)
    precision = _precision(known, loadings, ridge)
    covariance = pt.linalg.inv(precision)
    return FactorScores(_solved(covariance, precision, pt.dot(x, loadings)), covariance)


@factor_scores.driven
def _factor_scores(
    values: np.ndarray, centre: np.ndarray, loadings: np.ndarray, ridge: Any
) -> tuple[np.ndarray, np.ndarray]:
    gaps = np.isnan(values)
    precision = _precisions(~gaps, loadings, float(ridge))
    x = np.where(gaps, 0, values - centre)
    covariance = np.linalg.inv(precision)
    return _better(covariance, precision, x @ loadings), covariance


def _better(inverse: np.ndarray, matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """What :func:`_solved` states."""
    wanted = right[:, :, None]
    first = inverse @ wanted
    return (first + inverse @ (wanted - matrix @ first))[:, :, 0]


def _products(rows: np.ndarray) -> np.ndarray:
    """Each row times itself, flat."""
    return (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)


def _precisions(known: np.ndarray, loadings: np.ndarray, ridge: float) -> np.ndarray:
    factors = loadings.shape[1]
    one, other = np.triu_indices(factors)  # the products are symmetric: half of them do
    full = np.empty((len(known), factors, factors))
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is no number, as stated
        sums = known.astype(np.float64) @ (loadings[:, one] * loadings[:, other])
        full[:, one, other] = full[:, other, one] = sums
        return _pulled(full, ridge)


def _pulled(sums: np.ndarray, ridge: float) -> np.ndarray:
    """Each sum, in place, with what its diagonal is pulled by; no number where it is not finite."""
    trace = np.trace(sums, axis1=1, axis2=2)
    diagonal = np.arange(sums.shape[1])
    sums[:, diagonal, diagonal] += np.maximum(ridge, ROUNDING * trace)[:, None]
    sums[~(trace < np.inf)] = np.nan
    return sums


class FactorResult(NamedTuple):
    """A table without gaps."""

    completed: Completed


@kernel(
    backend="numpy",
    example=lambda: (np.ones((2, 2), np.float32), np.ones(2), np.ones((2, 1)), np.ones((2, 1))),
    at_once=True,
)
def factor_impute(values: Gapped, centre: Centre, loadings: Loadings, scores: Scores) -> FactorResult:
    r"""Each missing value becomes what the factors expect; known values stay.

    .. math:: y_{sg} = \mu_g + w_g \cdot z_s
    """
    expected = centre + pt.dot(scores, loadings.T)
    return FactorResult(pt.switch(pt.isnan(values), expected, values).astype(values.dtype))


@factor_impute.driven
def _factor_impute(values: np.ndarray, centre: np.ndarray, loadings: np.ndarray, scores: np.ndarray) -> np.ndarray:
    from genolab.prepare.loops import missing as loops

    out = values.copy()
    spread(loops.fill_from_factors, len(values), values, centre, loadings, scores, out)
    return out


class FactorErrors(NamedTuple):
    """How far imputed values may be off."""

    standard_error: Annotated[
        Symbol, Spec("sample gene", "float32", "standard error; 0 where the value is known", symbol=r"\mathrm{se}")
    ]


@kernel(backend="numpy", example=lambda: (np.ones((2, 2), np.float32), np.ones((2, 1)), np.ones((2, 1, 1)), 1.0))
def factor_errors(values: Gapped, loadings: Loadings, covariance: Covariance, variance: Variance) -> FactorErrors:
    r"""Standard deviation of what is missing, given what is known: noise, and uncertainty of the scores.

    .. math:: \mathrm{se}_{sg} = \sigma \sqrt{1 + w_g^T M_s^{-1} w_g}

    The loadings count as known exactly, so with few samples errors are larger than stated.
    """
    outer = loadings[:, :, None] * loadings[:, None, :]
    leverage = (covariance[:, None] * outer[None]).sum(axis=(2, 3))
    error = pt.sqrt(variance * (1 + leverage))
    return FactorErrors(pt.switch(pt.isnan(values), error, 0.0).astype(values.dtype))


@factor_errors.driven
def _factor_errors(values: np.ndarray, loadings: np.ndarray, covariance: np.ndarray, variance: Any) -> np.ndarray:
    error = covariance.reshape(len(values), -1) @ _products(loadings).T
    error += 1
    error *= float(variance)
    np.sqrt(error, out=error)
    error[~np.isnan(values)] = 0
    return error.astype(values.dtype)


class SoftStep(NamedTuple):
    """One step of soft imputation."""

    completed: Completed
    right: Annotated[
        Symbol, Spec("gene factor", "float64", "right singular vectors, each with a sum from 0: the next step's start")
    ]
    strength: Annotated[Symbol, Spec("factor", "float64", "singular values less the penalty, from 0")]
    change: Annotated[Symbol, Spec("", "float64", "sum of squared changes of the imputed values")]


def _two_gaps() -> tuple[Any, ...]:
    return np.ones((2, 2), np.float32), np.array([0, 1], np.int32), np.array([0, 1, 2]), np.ones((2, 1)), 1.0


@kernel(backend="numpy", example=_two_gaps)
def soft_step(
    filled: Annotated[
        Symbol,
        Spec("sample gene", "float32", "expression less the gene's mean, with the gaps as filled so far", symbol="X"),
    ],
    column: Annotated[Symbol, Spec("gap", "int32", "gene of each gap, row by row", index="gene")],
    begin: Annotated[Symbol, Spec("edge", "int64", "where each sample's gaps begin, and the number of gaps")],
    start: Annotated[Symbol, Spec("gene factor", "float64", "columns that span the factors so far", symbol="V_0")],
    penalty: Annotated[Symbol, Spec("", "float64", "taken off every singular value", low=0, symbol=r"\lambda")],
    rank: Annotated[Symbol, Spec("", "int64", "factors that fill; the others only help to find them", low=1)] = 30,
) -> SoftStep:
    r"""Fill the gaps from the soft-thresholded singular values of the filled table.

    With one pass of subspace iteration from where the last step ended, :math:`Q = \mathrm{qr}(X V_0)` and
    :math:`X^T Q = V \Sigma U^T`,

    .. math:: Y = Q U \max(\Sigma - \lambda, 0) V^T \quad \text{in the gaps}

    See Mazumder, Hastie and Tibshirani 2010, https://jmlr.org/papers/v11/mazumder10a.html.
    """
    x = filled.astype("float64")
    basis = pt.linalg.qr(pt.dot(x, start), mode="economic")[0]
    right, singular, turn = pt.linalg.svd(pt.dot(x.T, basis), full_matrices=False)
    place = pt.cumsum(pt.ge(singular, 0).astype("int64"))
    strength = pt.switch(pt.le(place, rank), pt.maximum(singular - penalty, 0.0), 0.0)
    row = row_of_each(column, begin)
    expected = ((pt.dot(basis, turn.T) * strength)[row] * right[column]).sum(axis=1).astype(filled.dtype)
    completed = pt.set_subtensor(filled[row, column], expected)
    right = right * pt.switch(pt.lt(right.sum(axis=0), 0), -1.0, 1.0)
    return SoftStep(completed, right, strength, ((completed - filled).astype("float64") ** 2).sum())


@soft_step.driven
def _soft_step(
    filled: np.ndarray, column: np.ndarray, begin: np.ndarray, start: np.ndarray, penalty: Any, rank: Any,
    out: np.ndarray | None = None,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    from genolab.prepare.loops import missing as loops

    dtype = filled.dtype
    basis = np.linalg.qr((filled @ start.astype(dtype)).astype(np.float64))[0]
    wide = (filled.T @ basis.astype(dtype)).astype(np.float64)
    # by the small matrix of products: a singular value decomposition of a tall one takes many times longer
    products = wide.T @ wide
    if not np.isfinite(products).all():
        expected = "values and a start whose products have a finite sum"
        raise InputError("soft_step", "filled", expected, "what is infinite or no number there", "Filter first.")
    squares, turn = np.linalg.eigh(products)
    singular, turn = np.sqrt(np.maximum(squares[::-1], 0)), turn[:, ::-1]
    used = singular > NEGLIGIBLE * singular[0]
    right = wide @ (turn / np.where(used, singular, np.inf))
    singular = np.where(used, singular, 0)
    flip = np.where(right.sum(axis=0) < 0, -1.0, 1.0)
    right, turn = right * flip, turn * flip
    strength = np.maximum(singular - float(penalty), 0)
    strength[int(rank) :] = 0
    kept = max(1, int((strength > 0).sum()))
    scores, loadings = (basis @ turn * strength)[:, :kept].astype(dtype), right[:, :kept].astype(dtype)
    done = filled.copy() if out is None else out
    change = spread(loops.fill_gaps, len(filled), column, begin, loadings, scores, done)
    return done, right, strength, np.asarray(math.fsum(change))


class PPCAStep(NamedTuple):
    """One step of expectation and maximisation."""

    centre: Centre
    loadings: Loadings
    variance: Variance
    log_likelihood: Annotated[Symbol, Spec("", "float64", "of the known values, before the step", unit="nats")]


@kernel(backend="numpy", example=lambda: (np.ones((2, 2), np.float32), np.ones(2), np.ones((2, 1)), 1.0))
def ppca_step(
    values: Gapped, centre: Centre, loadings: Loadings, variance: Variance, floor: Variance = 1e-12
) -> PPCAStep:
    r"""One EM step of probabilistic principal components, over the known values only.

    With :math:`z_s, M_s` as in :func:`factor_scores` at :math:`\lambda = \sigma^2`, :math:`t_s = (z_s, 1)` and
    :math:`C_s = \sigma^2 M_s^{-1}`, bordered with zeros,

    .. math:: (w_g, \mu_g) = \Big(\sum_{s \in K_g} t_s t_s^T + C_s\Big)^{-1} \sum_{s \in K_g} t_s x_{sg}, \qquad
              \sigma^2 = \frac{1}{|K|} \sum_{(s, g) \in K} (x_{sg} - \mu_g - w_g \cdot z_s)^2 + w_g^T C_s w_g

    A sum is pulled to a solution by at least :math:`2^{-44}` of its trace, as in :func:`factor_scores`; a gene of which
    nothing is known keeps its mean and has no loadings.
    See Tipping and Bishop 1999, doi:10.1111/1467-9868.00196.
    """
    known = pt.invert(pt.isnan(values)).astype("float64")
    x = pt.switch(pt.isnan(values), 0.0, values - centre)
    precision = _precision(known, loadings, variance)
    inverse, projected = pt.linalg.inv(precision), pt.dot(x, loadings)
    scores = _solved(inverse, precision, projected)
    triangle = pt.linalg.cholesky(precision)
    halves = pt.log((triangle * _identity(loadings)).sum(axis=2)).sum()
    number = known.sum()
    free = number - scores.shape[0] * loadings.shape[1]
    misfit = ((x**2).sum() - (scores * projected).sum()) / variance
    likelihood = -0.5 * (number * math.log(2 * math.pi) + free * pt.log(variance) + misfit) - halves

    one = pt.gt(scores[:, :1], -np.inf)  # by comparing: JAX refuses ones and zeros whose shape it does not know
    border = pt.concatenate([scores, one.astype("float64")], axis=1)
    wide = pt.concatenate([inverse * variance, pt.lt(inverse[:, :1], -np.inf).astype("float64")], axis=1)
    wide = pt.concatenate([wide, pt.lt(wide[:, :, :1], -np.inf).astype("float64")], axis=2)
    moments = wide + border[:, :, None] * border[:, None, :]
    left = (known[:, :, None, None] * moments[:, None]).sum(axis=0)
    each = pt.concatenate([_identity(loadings), pt.lt(loadings[:1], -np.inf).astype("float64")], axis=0)
    corner = pt.eq(each.sum(axis=1, keepdims=True), 0).astype("float64")
    left = _pulled_sums(left, _LEAST, pt.concatenate([each, corner], axis=1))
    right = pt.dot(x.T, border)
    found = _solved(pt.linalg.inv(left), left, right)
    noise = ((x**2).sum() - (found * right).sum()) / number
    return PPCAStep(centre + found[:, -1], found[:, :-1], pt.maximum(noise, floor), likelihood)


@ppca_step.driven
def _ppca_step(
    values: np.ndarray, centre: np.ndarray, loadings: np.ndarray, variance: Any, floor: Any
) -> tuple[np.ndarray, ...]:
    variance, (samples, factors) = float(variance), (len(values), loadings.shape[1])
    known = ~np.isnan(values)
    x = np.where(known, values - centre, 0)
    precision = _precisions(known, loadings, variance)
    inverse, projected = np.linalg.inv(precision), x @ loadings
    scores = _better(inverse, precision, projected)
    number, total = int(known.sum()), float(np.vdot(x, x))
    free, misfit = number - samples * factors, (total - np.vdot(scores, projected)) / variance
    halves = np.linalg.slogdet(precision)[1].sum() / 2
    likelihood = -0.5 * (number * math.log(2 * math.pi) + free * math.log(variance) + misfit) - halves

    border = np.column_stack([scores, np.ones(samples)])
    moments = border[:, :, None] * border[:, None, :]
    moments[:, :-1, :-1] += variance * inverse
    left = (known.T.astype(np.float64) @ moments.reshape(samples, -1)).reshape(-1, factors + 1, factors + 1)
    right = x.T @ border
    found = np.linalg.solve(_pulled(left, _LEAST), right[:, :, None])[:, :, 0]
    noise = max((total - np.vdot(found, right)) / number, float(floor))
    return centre + found[:, -1], np.ascontiguousarray(found[:, :-1]), np.asarray(noise), np.asarray(likelihood)

"""The dispersion of counts, its trend over the mean, and the transform that makes their variance even."""

from __future__ import annotations

import math
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.errors import InputError
from genolab.kernel import kernel
from genolab.kernel.threads import spread
from genolab.prepare.depth import Counts, Size
from genolab.spec import Spec, Symbol

LEAST = 1e-8
"""The floor of a dispersion: counts that vary as Poisson's do, or less."""

STEPS = 50
"""Newton steps at most; most genes need six."""

Group = Annotated[Symbol, Spec("sample", "int64", "number of the condition that the sample has", low=0)]
GroupMean = Annotated[Symbol, Spec("group gene", "float64", "mean of the counts divided by size factors", symbol="m")]


class Dispersions(NamedTuple):
    """Overdispersion, gene by gene."""

    dispersion: Annotated[Symbol, Spec("gene", "float64", "variance = mean + dispersion mean^2", symbol=r"\alpha")]


def _log_likelihood(y: Any, mu: Any, alpha: Any, indicator: Any) -> Any:
    r = 1 / alpha
    each = pt.gammaln(y + r) - pt.gammaln(r) - y * pt.log(mu + r) - r * pt.log1p(mu * alpha)
    return each.sum(axis=0) - 0.5 * pt.log(pt.dot(indicator, 1 / (1 / mu + alpha))).sum(axis=0)


def _newton_step(a: Any, y: Any, mu: Any, indicator: Any) -> Any:
    alpha = pt.exp(a)
    r, u = 1 / alpha, 1 + mu * alpha
    w = mu / u
    S = (pt.log(u) + pt.digamma(r) - pt.digamma(y + r) - w * alpha + y * alpha / u).sum(axis=0)
    D = (r * r * (pt.polygamma(1, y + r) - pt.polygamma(1, r)) + w - w / u + y / u**2).sum(axis=0)
    w1, w2, w3 = (pt.dot(indicator, w**power) for power in (1, 2, 3))
    c1 = (0.5 * w2 / w1).sum(axis=0)
    c2 = (0.5 * ((w2 / w1) ** 2 - 2 * w3 / w1)).sum(axis=0)
    slope = r * S + alpha * c1
    bend = -r * S + D + alpha * c1 + alpha**2 * c2
    uphill = pt.switch(pt.gt(slope, 0), 1.0, -1.0)
    move = pt.clip(pt.switch(pt.lt(bend, 0), -slope / pt.switch(pt.lt(bend, 0), bend, -1.0), uphill), -2.0, 2.0)
    settled = pt.le(a, math.log(1e-9))
    return pt.switch(settled, a, pt.clip(a + move, math.log(1e-9), 15.0))


def _example() -> tuple[Any, ...]:
    counts = np.array([[1, 4], [3, 2]], np.float32)
    return counts, np.ones(2), np.zeros(2, np.int64), np.full((1, 2), 2.0), np.full(2, 0.1)


@kernel(backend="numpy", example=_example)
def dispersions(
    counts: Counts,
    size: Size,
    group: Group,
    group_mean: GroupMean,
    start: Annotated[Symbol, Spec("gene", "float64", "where the search begins")],
) -> Dispersions:
    r"""Maximum-likelihood dispersion of each gene, adjusted for the estimated means (Cox and Reid).

    With :math:`\mu_{sg} = \max(s_s m_g, 1/2)` and :math:`w = (1 / \mu + \alpha)^{-1}`, Newton steps in
    :math:`\log \alpha` maximise

    .. math:: \sum_s \log \operatorname{NB}(x_{sg}; \mu_{sg}, \alpha_g) - \tfrac{1}{2} \sum_k \log \sum_{s \in k} w_{sg}

    and, as in DESeq2, the start is kept where that gains less than a millionth or where it is the floor of 1e-8.
    See Love, Huber and Anders 2014, doi:10.1186/s13059-014-0550-8.
    """
    y = counts.astype("float64")
    mu = pt.maximum(group_mean[group] * size[:, None], 0.5)
    # a condition's number against each of the group means' rows: one row of ones and zeros per condition
    number = pt.cumsum(pt.ge(group_mean[:, 0], -np.inf).astype("int64")) - 1
    indicator = pt.eq(number[:, None], group[None, :]).astype("float64")
    a = pytensor.scan(
        _newton_step, outputs_info=[pt.log(start)], non_sequences=[y, mu, indicator], n_steps=STEPS,
        return_updates=False,
    )[-1]  # fmt: skip
    most = pt.maximum(10.0, counts.shape[0])
    found = pt.minimum(pt.exp(a), most)
    before, after = (_log_likelihood(y, mu, alpha, indicator) for alpha in (start, found))
    stays = pt.lt(after, before + abs(before) / 1e6) | pt.le(start, LEAST)
    return Dispersions(pt.clip(pt.switch(stays, start, found), LEAST, most))


@dispersions.driven
def _dispersions(
    counts: np.ndarray, size: np.ndarray, group: np.ndarray, group_mean: np.ndarray, start: np.ndarray
) -> np.ndarray:
    from genolab.prepare.loops import dispersion

    out = np.empty(start.size)
    most = max(10.0, len(counts))
    order = np.argsort(group, kind="stable")
    edge = np.searchsorted(group[order], np.arange(len(group_mean) + 1))
    spread(dispersion.estimate, start.size, counts, group_mean, size, order, edge, start, most, out)
    return out


class Stabilised(NamedTuple):
    """Counts on a scale where their variance hardly depends on their mean."""

    stabilised: Annotated[Symbol, Spec("sample gene", "float32", "about log2 of the normalised count", symbol="y")]


@kernel(backend="numpy", at_once=True)
def variance_stabilised(
    counts: Counts,
    size: Size,
    asymptotic: Annotated[
        Symbol, Spec("", "float64", "dispersion of highly expressed genes", low=1e-8, high=10, symbol="a_0")
    ],
    extra: Annotated[
        Symbol, Spec("", "float64", "how much the dispersion rises as the mean falls", low=0, high=1e6, symbol="a_1")
    ],
) -> Stabilised:
    r"""Variance-stabilising transform for the dispersion trend :math:`\alpha(\mu) = a_0 + a_1 / \mu`.

    .. math:: y = \log_2 \frac{1 + a_1 + 2 a_0 q + 2 \sqrt{a_0 q (1 + a_1 + a_0 q)}}{4 a_0}, \qquad q = x_{sg} / s_s

    See Anders and Huber 2010, doi:10.1186/gb-2010-11-10-r106.
    """
    aq = asymptotic * counts / size[:, None]
    inside = extra + 2 * aq + 2 * pt.sqrt(aq * (1 + extra + aq))
    return Stabilised((pt.log1p(inside) / math.log(2) - pt.log2(4 * asymptotic)).astype(counts.dtype))


@variance_stabilised.driven
def _variance_stabilised(counts: np.ndarray, size: np.ndarray, asymptotic: Any, extra: Any) -> np.ndarray:
    from genolab.prepare.loops import dispersion

    out = np.empty_like(counts)
    spread(dispersion.stabilise, len(counts), counts, size, float(asymptotic), float(extra), out)
    return out


def starting_dispersions(counts: np.ndarray, size: np.ndarray, group: np.ndarray, group_mean: np.ndarray) -> np.ndarray:
    """The smaller of two moment estimates, within DESeq2's bounds: where the search begins."""
    n, groups = len(counts), len(group_mean)
    overall = sum(group_mean[g] * (group == g).sum() for g in range(groups)) / n
    variance, rough = np.zeros(counts.shape[1]), np.zeros(counts.shape[1])
    expected = np.maximum(group_mean, 1)
    for i in range(n):  # row by row: no second matrix
        normalised, mean = counts[i] / size[i], expected[group[i]]
        variance += (normalised - overall) ** 2
        rough += ((normalised - mean) ** 2 - mean) / mean**2
    variance /= max(n - 1, 1)
    moments = (variance - (1 / size).mean() * overall) / np.where(overall > 0, overall, 1) ** 2
    start = np.minimum(np.maximum(rough / max(n - groups, 1), 0), moments)
    return np.clip(start, LEAST, max(10.0, n))


def dispersion_trend(mean: np.ndarray, dispersion: np.ndarray) -> tuple[float, float]:
    """Fit the trend a0 + a1 / mean to genes' dispersions; returns (a0, a1).

    A gamma regression with identity link, refitted without the genes far off it until it stays, as in DESeq2.
    """
    use = dispersion > 100 * LEAST
    mean, dispersion = mean[use], dispersion[use]
    now = np.array([0.1, 1.0])
    for _ in range(11):
        ratio = dispersion / (now[0] + now[1] / mean)
        near = (ratio > 1e-4) & (ratio < 15)
        if near.sum() < 2:
            break
        before, now = now, _gamma_regression(np.column_stack([np.ones(near.sum()), 1 / mean[near]]), dispersion[near])
        if not (now > 0).all():
            break
        if (np.log(now / before) ** 2).sum() < 1e-6:
            return float(now[0]), float(now[1])
    raise InputError(
        "VST", "X", "counts whose dispersion falls with the mean towards a constant", "no such trend",
        "Use LogCPM, or give more samples.",
    )  # fmt: skip


def _gamma_regression(design: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Gamma regression with identity link by reweighted least squares, to 1e-8 of the deviance."""
    fit, before = np.array([0.1, 1.0]), np.inf
    level = design @ fit
    for _ in range(25):
        fit = np.linalg.lstsq(design / level[:, None], response / level, rcond=None)[0]
        level = design @ fit
        if not (level > 0).all():
            break
        deviance = -2 * (np.log(response / level) - (response - level) / level).sum()
        if abs(deviance - before) / (abs(deviance) + 0.1) < 1e-8:
            break
        before = deviance
    return fit

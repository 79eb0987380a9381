"""One robust number per sample: upper quartile and median of ratios. TMM is in ``tmm.py``."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.prepare.depth import Counts
from genolab.prepare.ranks import median_of_first
from genolab.prepare.whole import added_over_samples, over_samples
from genolab.spec import Spec, Symbol


class Detection(NamedTuple):
    """How widely each gene is seen."""

    samples: Annotated[Symbol, Spec("gene", "int64", "samples with a count above zero", symbol="d")]


@kernel(backend="numpy", at_once=True)
def detected(counts: Counts) -> Detection:
    r"""Count the samples in which each gene is seen.

    .. math:: d_g = \#\{s : x_{sg} > 0\}
    """
    return Detection(pt.gt(counts, 0).sum(axis=0, dtype="int64"))


@detected.driven
def _detected(counts: np.ndarray) -> np.ndarray:
    from genolab.prepare.loops import factors

    return added_over_samples(factors.detected, counts, as_given=True).astype(np.int64)


class QuantileOfCounts(NamedTuple):
    """A quantile of every sample's counts."""

    quantile: Annotated[Symbol, Spec("sample", "float64", "the quantile of the sample's counts", symbol="q")]


@kernel(backend="numpy", example=lambda: (np.ones((2, 2), np.float32), np.ones(2, bool), 0.75), at_once=True)
def count_quantiles(
    counts: Counts,
    used: Annotated[Symbol, Spec("gene", "bool", "the gene takes part")],
    probability: Annotated[
        Symbol, Spec("", "float64", "share of the genes below", low=0, high=1, step=0.05, symbol="p")
    ] = 0.75,
) -> QuantileOfCounts:
    r"""The quantile of every sample's counts over the genes used, between order statistics (R's type 7).

    With :math:`h = (n - 1) p` and :math:`x_{(k)}` the counts in order from :math:`k = 0`,

    .. math:: q = x_{(\lfloor h \rfloor)} + (h - \lfloor h \rfloor)
              \left(x_{(\lfloor h \rfloor + 1)} - x_{(\lfloor h \rfloor)}\right)
    """
    in_order = pt.sort(pt.switch(used[None, :], counts.astype("float64"), np.inf), axis=1)
    last = used.sum(dtype="int64") - 1
    at = last * probability
    below = pt.floor(at + 4e-15)
    low = in_order[:, below.astype("int64")]
    high = in_order[:, pt.minimum(below.astype("int64") + 1, last)]
    return QuantileOfCounts(low + (at - below) * (high - low))


@count_quantiles.driven
def _count_quantiles(counts: np.ndarray, used: np.ndarray, probability: Any) -> np.ndarray:
    from genolab.prepare.loops import factors

    if not used.any():  # of nothing, as the definition has it
        return np.full(len(counts), np.nan)
    out = np.empty(len(counts))
    over_samples(factors.quantiles, counts, np.flatnonzero(used), float(probability), each=[out], as_given=True)
    return out


LogGeometricMean = Annotated[
    Symbol,
    Spec("gene", "float64", "logarithm of the gene's geometric mean; -inf where the gene is left out", symbol="c"),
]


class GeometricMeans(NamedTuple):
    """The reference sample of the median of ratios."""

    log_geometric_mean: LogGeometricMean


@kernel(backend="numpy", at_once=True)
def log_geometric_means(
    counts: Counts,
    poscounts: Annotated[
        Symbol, Spec("", "int64", "0: genes with a zero are left out; 1: zeros count as one", low=0, high=1)
    ] = 0,
) -> GeometricMeans:
    r"""Logarithm of each gene's geometric mean over the samples.

    .. math:: c_g = \frac{1}{S} \sum_{s\,:\,x_{sg} > 0} \log x_{sg}

    A gene that is zero in some sample (with ``poscounts``: in every sample) is left out, :math:`c_g = -\infty`.
    See Anders and Huber 2010, doi:10.1186/gb-2010-11-10-r106.
    """
    seen = pt.gt(counts, 0)
    logs = pt.switch(seen, pt.log(pt.switch(seen, counts, 1).astype("float64")), 0.0)
    enough = pt.switch(pt.eq(poscounts, 1), seen.any(axis=0), seen.all(axis=0))
    return GeometricMeans(pt.switch(enough, logs.mean(axis=0), -np.inf))


@log_geometric_means.driven
def _log_geometric_means(counts: np.ndarray, poscounts: Any) -> np.ndarray:
    from genolab.prepare.loops import factors

    samples = _detected(counts)
    genes = np.flatnonzero(samples > 0 if poscounts else samples == len(counts))
    means = np.full(counts.shape[1], -np.inf)
    sums = added_over_samples(factors.log_sums, counts, genes, _logarithms(), as_given=True)
    means[genes] = sums / len(counts)
    return means


class SizeFactors(NamedTuple):
    """How much deeper each sample is than the reference."""

    size_factor: Annotated[Symbol, Spec("sample", "float64", "size factor; NaN where no gene can tell", symbol="s")]


@kernel(backend="numpy", at_once=True)
def median_of_ratios(counts: Counts, log_geometric_mean: LogGeometricMean) -> SizeFactors:
    r"""Size factors: the median over the genes of a sample's counts over the reference's.

    .. math:: s_s = \exp \operatorname*{median}_{g\,:\,x_{sg} > 0} \left(\log x_{sg} - c_g\right)

    See Anders and Huber 2010, doi:10.1186/gb-2010-11-10-r106.
    """
    use = pt.gt(counts, 0) & pt.gt(log_geometric_mean, -np.inf)[None, :]
    centre = pt.switch(pt.isinf(log_geometric_mean), 0.0, log_geometric_mean)
    ratio = pt.log(pt.switch(use, counts, 1).astype("float64")) - centre[None, :]
    in_order = pt.sort(pt.switch(use, ratio, np.inf), axis=1)
    return SizeFactors(pt.exp(median_of_first(in_order, use.sum(axis=1, dtype="int64"))))


@median_of_ratios.driven
def _median_of_ratios(counts: np.ndarray, log_geometric_mean: np.ndarray) -> np.ndarray:
    from genolab.prepare.loops import factors

    genes = np.flatnonzero(np.isfinite(log_geometric_mean))
    out = np.empty(len(counts))
    centre = log_geometric_mean[genes]
    over_samples(factors.median_ratios, counts, genes, centre, _logarithms(), each=[out], as_given=True)
    return out


def _logarithms() -> np.ndarray:
    from genolab.prepare.loops.factors import TABLE

    return np.log(np.maximum(np.arange(TABLE), 1))

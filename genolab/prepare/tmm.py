"""Trimmed mean of M values: the factor between two samples over the genes that hardly change."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.prepare.depth import Counts
from genolab.prepare.ranks import mid_ranks, ordinal_ranks, ordinal_ranks_then
from genolab.prepare.whole import over_samples
from genolab.spec import Spec, Symbol

Total = Annotated[Symbol, Spec("sample", "float64", "library size", unit="counts", symbol="N")]
Reference = Annotated[Symbol, Spec("gene", "float64", "counts of the reference sample", low=0, symbol="x_r")]
ReferenceTotal = Annotated[Symbol, Spec("", "float64", "library size of the reference sample", unit="counts")]
RatioTrim = Annotated[Symbol, Spec("", "float64", "share of M values cut at each end", low=0, high=0.49, step=0.01)]
SumTrim = Annotated[Symbol, Spec("", "float64", "share of A values cut at each end", low=0, high=0.49, step=0.01)]


class TrimmedMeans(NamedTuple):
    """Composition of each sample against the reference."""

    factor: Annotated[Symbol, Spec("sample", "float64", "2 to the trimmed mean of M, before centring", symbol="f")]


@kernel(backend="numpy", at_once=True)
def tmm(
    counts: Counts,
    total: Total,
    reference: Reference,
    reference_total: ReferenceTotal,
    ratio_trim: RatioTrim = 0.3,
    sum_trim: SumTrim = 0.05,
) -> TrimmedMeans:
    r"""Weighted trimmed mean of M values of each sample against a reference sample.

    Over the genes seen in both, with :math:`p = x / N` and :math:`q` the reference's share,

    .. math:: M = \log_2 \frac{p}{q}, \quad A = \tfrac{1}{2} \log_2 p q, \quad
              \frac{1}{w} = \frac{1 - p}{x} + \frac{1 - q}{x_r}, \quad \log_2 f = \frac{\sum w M}{\sum w}

    where the sums leave out the outermost shares of M and of A, by their mid ranks. Infinite counts are
    left out; where the library size is infinite, the factor is not a number.
    See Robinson and Oshlack 2010, doi:10.1186/gb-2010-11-3-r25.
    """
    seen = _finite(counts) & _finite(reference)[None, :]
    x, r = pt.switch(seen, counts, 1).astype("float64"), pt.switch(seen, reference[None, :], 1.0)
    n, n_r = total[:, None], reference_total
    ratio = pt.log2((x / n) / (r / n_r))
    level = (pt.log2(x / n) + pt.log2(r / n_r)) / 2
    variance = (n - x) / n / x + (n_r - r) / n_r / r
    number = seen.sum(axis=1, keepdims=True)
    keep = seen
    for value, trim in ((ratio, ratio_trim), (level, sum_trim)):
        rank = mid_ranks(pt.switch(seen, value, np.inf))
        edge = pt.floor(number * trim)
        keep = keep & pt.ge(rank, edge + 1) & pt.le(rank, number - edge)  # of a half rank as edgeR's
    return TrimmedMeans(_two_to_the_mean(ratio, 1 / variance, keep, seen, total))


def _finite(counts: Any) -> Any:
    """What is above zero and has an end."""
    return pt.gt(counts, 0) & pt.lt(counts, np.inf)


def _two_to_the_mean(ratio: Any, weight: Any, keep: Any, seen: Any, total: Any) -> Any:
    weight = pt.switch(keep, weight, 0.0)
    under = weight.sum(axis=1)
    mean = pt.switch(keep, weight * ratio, 0.0).sum(axis=1) / pt.switch(pt.gt(under, 0), under, 1.0)
    differs = pt.ge(pt.switch(seen, abs(ratio), 0.0).max(axis=1), 1e-6)
    return pt.switch(pt.lt(total, np.inf), pt.switch(differs, 2.0**mean, 1.0), np.nan)


@tmm.driven
def _tmm(
    counts: np.ndarray, total: np.ndarray, reference: np.ndarray, reference_total: Any, ratio_trim: Any, sum_trim: Any
) -> np.ndarray:
    from genolab.prepare.loops import factors

    genes = np.flatnonzero((reference > 0) & (reference < np.inf))
    out = np.empty(len(counts))
    against = (genes, reference[genes], float(reference_total), float(ratio_trim), float(sum_trim))
    over_samples(factors.trimmed_means, counts, *against, each=[total, out], rows=32)
    return out


@kernel(backend="numpy")
def tmm_with_singleton_pairing(
    counts: Counts,
    total: Total,
    reference: Reference,
    reference_total: ReferenceTotal,
    ratio_trim: RatioTrim = 0.3,
    sum_trim: SumTrim = 0.05,
) -> TrimmedMeans:
    r"""TMM for sparse counts (edgeR's TMMwsp): genes seen in one of the two samples only are paired by size and kept.

    The largest count seen only in the sample is set against the largest seen only in the reference, and so on.

    .. math:: w = \frac{1 + \epsilon}{v + \epsilon}, \quad v = \frac{1 - p}{x} + \frac{1 - q}{x_r},
              \quad \epsilon = 10^{-6}

    Equal values of M are trimmed by M with half a count added to both sides.
    """
    x = pt.switch(_finite(counts), counts, 0).astype("float64")
    r = pt.broadcast_to(pt.switch(_finite(reference), reference, 0.0)[None, :], counts.shape)
    both = pt.gt(x, 0) & pt.gt(r, 0)
    only_x, only_r = (-pt.sort(-pt.switch(pt.gt(other, 0), 0.0, value), axis=1) for value, other in ((x, r), (r, x)))
    paired = pt.gt(only_x, 0) & pt.gt(only_r, 0)
    seen = pt.concatenate([both, paired], axis=1)
    x = pt.switch(seen, pt.concatenate([x, only_x], axis=1), 1.0)
    r = pt.switch(seen, pt.concatenate([r, only_r], axis=1), 1.0)
    n, n_r = total[:, None], reference_total
    p, q = x / n, r / n_r
    ratio, level = pt.log2(p / q), 0.5 * pt.log2(p * q)
    shrunken = pt.log2((x + 0.5) / (n + 0.5) / ((r + 0.5) / (n_r + 0.5)))
    number = seen.sum(axis=1, keepdims=True)
    keep = seen
    ranks = (
        (ordinal_ranks_then(pt.switch(seen, ratio, np.inf), pt.switch(seen, shrunken, np.inf)), ratio_trim),
        (ordinal_ranks(pt.switch(seen, level, np.inf)), sum_trim),
    )
    for rank, trim in ranks:
        edge = pt.floor(number * trim)
        keep = keep & pt.gt(rank, edge) & pt.le(rank, number - edge)
    variance = (1 - p) / p / n + (1 - q) / q / n_r
    return TrimmedMeans(_two_to_the_mean(ratio, (1 + 1e-6) / (variance + 1e-6), keep, seen, total))

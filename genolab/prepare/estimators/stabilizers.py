"""Estimators for counts whose variance depends on their mean: VST and voom."""

from __future__ import annotations

from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.prepare import batch, dispersion, voom
from genolab.prepare.estimators.base import Preparation, run
from genolab.prepare.estimators.size_factors import TMM, geometric_means, size_factors
from genolab.prepare.table import Table

SAMPLES_AT_ONCE = 8
"""Samples whose counts are doubles at the same time."""


class VST(Preparation):
    """Variance-stabilising transform with the parametric dispersion trend, as DESeq2's.

    Learnt are ``size_factors_``, ``dispersions_`` of the genes in ``trend_genes_`` and the trend ``trend_``, (a0, a1).

    Parameters
    ----------
    blind
        Whether dispersions are estimated without regard to the conditions; else :meth:`fit` needs them as ``y``.
    n_genes
        Genes that the trend is fitted to, spread evenly over those with a mean count above 5 (1,000 in DESeq2's
        ``vst``); ``None`` takes all (``varianceStabilizingTransformation``).
    poscounts
        Whether size factors use genes with zeros; see :class:`MedianOfRatios`.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``vst``.
    """

    _takes_counts = True
    _takes_sparse = False
    _writes = "vst"

    def __init__(
        self, blind: bool = True, n_genes: int | None = None, poscounts: bool = False, layer: str | None = None
    ) -> None:
        self.blind, self.n_genes, self.poscounts, self.layer = blind, n_genes, poscounts, layer

    def _learn(self, table: Table, y: Any) -> None:
        counts = table.dense()
        group = self._groups(y, len(counts))
        if len(counts) <= group.max() + 1:
            found = f"{len(counts)} sample(s), n_samples = {len(counts)}"
            raise InputError("VST", "X", "more samples than conditions", found, "A dispersion needs replicates.")
        self.log_geometric_means_ = geometric_means(table, self.poscounts)
        self.size_factors_ = size = size_factors(table, self.log_geometric_means_)
        mean = _sums(1 / size[None], counts)[0] / len(counts)
        self.trend_genes_ = genes = self._trend_genes(mean)
        most = 2 * genes.size > counts.shape[1]  # then all are searched: a gene without counts costs less than a copy
        some = counts if most else np.ascontiguousarray(counts[:, genes])
        weight = np.array([(group == k) / size / (group == k).sum() for k in range(group.max() + 1)])
        group_mean = _sums(weight, some)
        start = dispersion.starting_dispersions(some, size, group, group_mean)
        found = run(dispersion.dispersions, table, size, group, group_mean, start, values=some).dispersion
        self.dispersions_ = found[genes] if most else found
        self.trend_ = dispersion.dispersion_trend(mean[genes], self.dispersions_)

    def _apply(self, table: Table) -> np.ndarray:
        return self._with(table, size_factors(table, self.log_geometric_means_))

    def _learn_and_apply(self, table: Table, y: Any) -> np.ndarray:
        self._learn(table, y)
        return self._with(table, self.size_factors_)

    def _with(self, table: Table, size: np.ndarray) -> np.ndarray:
        stabilised: np.ndarray = run(dispersion.variance_stabilised, table, size, *self.trend_).stabilised
        return stabilised

    def _groups(self, y: Any, samples: int) -> np.ndarray:
        if self.blind:
            return np.zeros(samples, np.int64)
        if y is None or len(y) != samples:
            found = "nothing" if y is None else f"{len(y)} labels"
            raise InputError("VST", "y", f"the condition of each of {samples} samples, as blind=False", found)
        return np.unique(np.asarray(y), return_inverse=True)[1].astype(np.int64)

    def _trend_genes(self, mean: np.ndarray) -> np.ndarray:
        if self.n_genes is None:
            return np.flatnonzero(mean > 0)
        high = np.flatnonzero(mean > 5)
        if high.size < self.n_genes:
            found = f"{high.size:,} with a mean count above 5"
            raise InputError("VST", "n_genes", "fewer genes than are well counted", found, "Use n_genes=None.")
        high = high[np.argsort(mean[high], kind="stable")]
        return high[np.round(np.linspace(1, high.size, self.n_genes)).astype(int) - 1]


def _sums(weight: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Weighted sums over the samples in double precision, a few samples at a time: no second table of doubles."""
    total = np.zeros((len(weight), counts.shape[1]))
    for first in range(0, len(counts), SAMPLES_AT_ONCE):
        part = slice(first, first + SAMPLES_AT_ONCE)
        total += weight[:, part] @ counts[part]
    return total


class Voom(Preparation):
    """Log2 CPM with a precision weight for every value, as limma's voom.

    ``transform`` gives log2 CPM (half a count added); ``weights_`` are those of the samples learnt from.

    Parameters
    ----------
    span
        Share of the genes that each piece of the trend sees.
    normalize
        Whether library sizes are multiplied by TMM factors.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``voom``.
    """

    _takes_counts = True
    _takes_sparse = False
    _writes = "voom"

    def __init__(self, span: float = 0.5, normalize: bool = True, layer: str | None = None) -> None:
        self.span, self.normalize, self.layer = span, normalize, layer

    def _learn(self, table: Table, y: Any) -> None:
        self._learn_and_apply(table, y)

    def _apply(self, table: Table) -> np.ndarray:
        log_cpm: np.ndarray = run(voom.voom_log_cpm, table, self._library(table)).log_cpm
        return log_cpm

    def _learn_and_apply(self, table: Table, y: Any) -> np.ndarray:
        samples = table.shape[0]
        design = _design(y, samples)
        free = samples - np.linalg.matrix_rank(design)
        if free < 1:
            found = f"{samples} sample(s), n_samples = {samples}"
            raise InputError("Voom", "X", "more samples than the design has columns", found)
        self.tmm_ = TMM().fit(table.values) if self.normalize else None
        library = self._library(table)
        log_cpm = self._apply(table)
        exact = log_cpm.astype(np.float64)
        effect = batch.linear_effects.at(np.float64)(exact, np.linalg.pinv(design)).effect
        residual = batch.subtract_effects.at(np.float64)(exact, design, effect).corrected
        seen = table.gene_totals() > 0
        deviation = np.sqrt((residual**2).sum(axis=0) / free)
        self.trend_ = voom.voom_trend(exact.mean(axis=0)[seen], deviation[seen], library, self.span)
        fitted = (exact - residual).astype(log_cpm.dtype)
        if len(self.trend_[0]) > 1:
            self.weights_ = run(voom.voom_weights, table, library, *self.trend_, values=fitted).weight
        else:  # genes of one level only: one weight
            self.weights_ = np.full_like(fitted, self.trend_[1].mean() ** -4.0)
        return log_cpm

    def _library(self, table: Table) -> np.ndarray:
        total = table.totals()
        return total if self.tmm_ is None else total * self.tmm_.factors(table.values)


def _design(y: Any, samples: int) -> np.ndarray:
    """A design matrix as given, or an intercept and a column for each condition but the first."""
    if y is None:
        return np.ones((samples, 1))
    given = np.asarray(y)
    if len(given) != samples:
        raise InputError("Voom", "y", f"one row per sample ({samples})", f"{len(given)}")
    if given.ndim == 2:
        return given.astype(float)
    number = np.unique(given, return_inverse=True)[1]
    return np.column_stack([np.ones(samples), *(number == k for k in range(1, number.max() + 1))])

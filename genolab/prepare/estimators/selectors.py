"""Estimators that keep some of the genes: those counted often enough, and those that vary most."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.prepare import filtering, residuals
from genolab.prepare.estimators.base import Preparation, run
from genolab.prepare.table import Table


class _Selection(Preparation):
    """Genes of ``kept_`` stay, in their order; AnnData gives an AnnData of its own, with its ``X`` and all layers."""

    kept_: np.ndarray

    def get_support(self, indices: bool = False) -> np.ndarray:
        """Which genes are kept: a mask, or their places."""
        return np.flatnonzero(self.kept_) if indices else self.kept_

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """The names of the genes kept."""
        names: np.ndarray = super().get_feature_names_out(input_features)
        return names[self.kept_]

    def _apply(self, table: Table) -> Any:
        return table.selected(self.kept_)

    def _written(self, table: Table, values: Any) -> Any:
        return values

    def _keep(self, who: str, kept: np.ndarray, name: str, expected: str, fix: str) -> None:
        if not kept.any():
            raise InputError(who, name, expected, f"none of {len(kept):,}", fix)
        self.kept_ = kept


class GeneFilter(_Selection):
    """Leave out genes that are counted too rarely to say anything, by the rule of edgeR's ``filterByExpr``.

    A gene stays if in ``min_samples`` samples it has at least as many counts per million as ``min_count`` counts are in
    a library of median size, and ``min_total`` counts in all.

    Parameters
    ----------
    min_count
        Counts, in a library of median size.
    min_samples
        Samples that must reach it: the size of the smallest group that is to be compared.
    min_total
        Counts over all samples.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is a copy with fewer genes.

    Attributes
    ----------
    kept_ : bool, gene
        Which genes stay.
    """

    _takes_counts = True

    def __init__(
        self, min_count: float = 10.0, min_samples: int = 3, min_total: float = 15.0, layer: str | None = None
    ) -> None:
        self.min_count, self.min_samples, self.min_total, self.layer = min_count, min_samples, min_total, layer

    def _learn(self, table: Table, y: Any) -> None:
        total = table.totals()
        cutoff = self.min_count * total / max(float(np.median(total)), 1.0)
        samples = np.zeros(table.shape[1], np.int64)
        for part, counts in table.blocks():
            samples += run(filtering.expressed_genes, table, cutoff[part], values=counts).samples
        needed = min(max(int(self.min_samples), 1), table.shape[0])
        kept = (samples >= needed) & (table.gene_totals() >= self.min_total)
        self._keep(
            "GeneFilter", kept, "min_count", "a cut-off that some gene reaches", "Lower min_count or min_samples."
        )


class HighlyVariableGenes(_Selection):
    r"""Keep the genes that differ most between samples, beyond what depth and chance explain.

    Genes are ordered by the variance of their Pearson residuals, :math:`\frac{1}{S} \sum_s (y_{sg} - \bar{y}_g)^2`
    with :math:`y` as in :func:`genolab.prepare.residuals.pearson_residuals`; equal variances by their place. Counts
    are meant. A library's size is not what is left of it: normalise first and select afterwards with
    :meth:`get_support` where depth must come from all genes.

    Parameters
    ----------
    n_top
        Genes kept; never more than have a count.
    theta, clip
        Overdispersion; residuals are cut at plus and minus ``clip``, by default the root of the number of samples.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``.

    Attributes
    ----------
    kept_ : bool, gene
        Genes kept.
    residual_variance_ : gene
        What they were ordered by; 0 for a gene without counts.

    Source: Lause, Berens and Kobak 2021, doi:10.1186/s13059-021-02451-7.
    """

    _takes_counts = True

    def __init__(
        self, n_top: int = 2000, theta: float = 100.0, clip: float | None = None, layer: str | None = None
    ) -> None:
        self.n_top, self.theta, self.clip, self.layer = n_top, theta, clip, layer

    def _learn(self, table: Table, y: Any) -> None:
        if not isinstance(self.n_top, int | np.integer) or self.n_top < 1:
            raise InputError("HighlyVariableGenes", "n_top", "a whole number from 1", repr(self.n_top))
        self.residual_variance_ = residual_variances(table, self.theta, self.clip)
        counted = int((table.gene_totals() > 0).sum())
        order = np.argsort(-self.residual_variance_, kind="stable")[: min(self.n_top, counted)]
        kept = np.zeros(table.shape[1], bool)
        kept[order] = True
        self._keep("HighlyVariableGenes", kept, "X", "a table with counts", "")


def residual_variances(table: Table, theta: float, clip: float | None) -> np.ndarray:
    """The variance of each gene's Pearson residuals; a sparse table is made dense in blocks."""
    samples, total = table.shape[0], table.gene_totals()
    share, limit = total / max(total.sum(), 1), math.sqrt(samples) if clip is None else float(clip)
    sums = np.zeros((2, table.shape[1]))
    for _, counts in table.blocks():
        sums += run(residuals.residual_sums, table, share, theta, limit, values=counts)
    mean, squares = sums / samples
    return np.maximum(squares - mean**2, 0)

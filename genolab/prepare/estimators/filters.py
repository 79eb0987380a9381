"""The estimator that leaves genes out, and the plain logarithm."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from genolab.errors import InputError
from genolab.prepare import filtering, logarithm
from genolab.prepare.estimators.base import Preparation, run
from genolab.prepare.table import Table, is_anndata, is_frame


class GeneFilter(Preparation):
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

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """The names of the genes that stay."""
        names: np.ndarray = super().get_feature_names_out(input_features)[self.kept_]
        return names

    def _learn(self, table: Table, y: Any) -> None:
        total = table.totals()
        cutoff = self.min_count * total / max(float(np.median(total)), 1.0)
        samples = np.zeros(table.shape[1], np.int64)
        for part, counts in table.blocks():
            samples += run(filtering.expressed_genes, table, cutoff[part], values=counts).samples
        needed = min(max(int(self.min_samples), 1), table.shape[0])
        self.kept_ = (samples >= needed) & (table.gene_totals() >= self.min_total)
        if not self.kept_.any():
            fix = "Lower min_count or min_samples."
            found = f"none of {table.shape[1]:,}"
            raise InputError("GeneFilter", "min_count", "a cut-off that some gene reaches", found, fix)

    def _apply(self, table: Table) -> Any:
        return table.values[:, self.kept_]

    def _written(self, table: Table, values: Any) -> Any:
        if is_anndata(table.given):
            return table.given[:, self.kept_].copy()
        return table.given.loc[:, self.kept_] if is_frame(table.given) else values


class Logarithm(Preparation):
    r"""The logarithm of normalised counts and an offset: :math:`\log_b(x_{sg} + o)`.

    ``layer``: the layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``logarithm``.
    """

    _takes_sparse = False
    _writes = "logarithm"

    def __init__(self, offset: float = 1.0, base: float = 2.0, layer: str | None = None) -> None:
        self.offset, self.base, self.layer = offset, base, layer

    def inverse_transform(self, X: Any) -> Any:
        """Back from the logarithm."""
        check_is_fitted(self)
        table = self._read(X, fitting=False)
        return self._written(table, (self.base**table.values - self.offset).astype(table.values.dtype))

    def _learn(self, table: Table, y: Any) -> None:
        self.n_genes_ = table.shape[1]

    def _apply(self, table: Table) -> np.ndarray:
        values = table.dense()
        least = float(values.min())
        if least < 0 or least + self.offset <= 0:
            fix = "Normalised counts are meant; raise the offset where there are zeros."
            raise InputError("Logarithm", "X", "values from 0, and above 0 with the offset", f"{least:g}", fix)
        found: np.ndarray = run(logarithm.logarithm, table, self.offset, self.base).logarithm
        return found

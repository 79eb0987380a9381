"""The estimator that brings genes to one scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.prepare import scaling
from genolab.prepare.estimators.base import Preparation, in_blocks, run
from genolab.prepare.table import Table

KINDS = ("z", "robust", "minmax", "rank")


class Scaler(Preparation):
    """Bring every gene to one scale; a constant gene becomes 0 and is flagged in ``constant_``.

    Parameters
    ----------
    kind
        ``"z"``: mean 0 and standard deviation 1; ``"robust"``: median 0 and distance of the quartiles 1;
        ``"minmax"``: from 0 to 1; ``"rank"``: normal scores of the ranks among the samples given (nothing is learnt).
    ddof
        Taken off the number of samples in the variance of ``"z"``: 0 as scikit-learn, 1 as scanpy and R.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``scaled``.
    """

    _writes = "scaled"

    def __init__(self, kind: str = "z", ddof: int = 0, layer: str | None = None) -> None:
        self.kind, self.ddof, self.layer = kind, ddof, layer

    def inverse_transform(self, X: Any) -> Any:
        """Back to the genes' own units."""
        if self.kind == "rank":
            raise InputError("Scaler", "kind", "one that can be undone: z, robust or minmax", "'rank'")
        table = self._read(X, fitting=False)
        undone = run(scaling.rescale, table, np.zeros_like(self.centre_), 1 / self._divisor(), self.centre_).scaled
        return self._written(table, undone)

    def _learn(self, table: Table, y: Any) -> None:
        self._learn_and_apply(table, y)

    def _learn_and_apply(self, table: Table, y: Any) -> np.ndarray:
        if self.kind not in KINDS:
            raise InputError("Scaler", "kind", f"one of {', '.join(KINDS)}", repr(self.kind))
        genes, scaled = table.shape[1], None  # z scores come with what is learnt, in one pass
        if self.kind == "z":
            scaled, self.centre_, self.scale_ = self._z_scores(table)
        elif self.kind == "rank":
            self.centre_, self.scale_ = np.zeros(genes), np.ones(genes)
        else:
            quantiles = run(scaling.gene_quantiles, table)
            low, high = (quantiles.lower, quantiles.upper) if self.kind == "robust" else quantiles[::4]
            self.centre_ = quantiles.median if self.kind == "robust" else low
            self.scale_ = high - low
        self.constant_ = self.scale_ == 0
        return self._apply(table) if scaled is None else scaled

    def _z_scores(self, table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scores, means and deviations; a table that is not dense floating-point numbers yet is taken by genes."""
        kernel = scaling.z_score.at(table.dtype)
        if not table.in_blocks:
            scores: tuple[np.ndarray, np.ndarray, np.ndarray] = kernel(table.values, self.ddof)
            return scores
        out, parts = np.empty(table.shape, table.dtype), []
        for genes, values in table.gene_blocks():
            out[:, genes], *learnt = kernel(values, self.ddof)
            parts.append(learnt)
        mean, deviation = (np.concatenate(each) for each in zip(*parts, strict=True))
        return out, mean, deviation

    def _apply(self, table: Table) -> np.ndarray:
        if self.kind == "rank":
            ranks: np.ndarray = run(scaling.normal_scores, table).scaled
            return ranks
        kernel, none = scaling.rescale.at(table.dtype), np.zeros_like(self.centre_)
        return in_blocks(table, lambda _, rows: kernel(rows, self.centre_, self._divisor(), none).scaled)

    def _divisor(self) -> np.ndarray:
        return np.where(self.constant_, 1.0, self.scale_)

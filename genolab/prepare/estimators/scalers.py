"""The estimator that brings genes to one scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.kernel.at_once import waited_for
from genolab.kernel.choice import backend_in_force
from genolab.kernel.into import into
from genolab.prepare import scaling
from genolab.prepare.checks import check_values
from genolab.prepare.estimators.base import Preparation, in_blocks, run
from genolab.prepare.summaries import exact_where_constant, moments_of
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
    copy
        ``False`` overwrites a NumPy array of floating-point numbers and returns it (not for ``"rank"``); a table of
        another kind is left alone. A table that is refused is never changed.
    """

    _writes = "scaled"

    def __init__(self, kind: str = "z", ddof: int = 0, layer: str | None = None, copy: bool = True) -> None:
        self.kind, self.ddof, self.layer, self.copy = kind, ddof, layer, copy

    def inverse_transform(self, X: Any) -> Any:
        """Back to the genes' own units."""
        if self.kind == "rank":
            raise InputError("Scaler", "kind", "one that can be undone: z, robust or minmax", "'rank'")
        table = self._read(X, fitting=False)
        undone = run(scaling.rescale, table, np.zeros_like(self.centre_), 1 / self._divisor(), self.centre_).scaled
        return self._written(table, undone)

    def _looks_itself(self, X: Any) -> bool:
        """z scores of a NumPy array take all moments first; where the definition may answer nothing would look."""
        driven = backend_in_force(None, scaling.z_score.backend) == "numpy" and not waited_for()
        return self.kind == "z" and driven and isinstance(X, np.ndarray) and X.dtype.kind == "f"

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

    def _summary(self, table: Table) -> dict[str, np.ndarray]:
        """What z scores need of some of the samples."""
        mean, squares, _ = moments_of(table)
        held = table.held
        low, high = (
            np.asarray(each.todense() if table.is_sparse else each).ravel() for each in (held.min(0), held.max(0))
        )
        return {"mean": mean, "squares": squares, "low": low, "high": high, "samples": np.array([table.shape[0]])}

    def _joined(self, one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The summary of the samples of both, as :func:`genolab.prepare.summaries.gene_moments` joins them."""
        from genolab.prepare.loops.summaries import joined

        none = np.zeros(len(one["mean"]), np.int64)
        number, seen = int(other["samples"][0]), int(one["samples"][0])
        mean, squares, _ = joined(
            number, seen, other["mean"], other["squares"], none, one["mean"], one["squares"], none
        )
        low, high = np.minimum(one["low"], other["low"]), np.maximum(one["high"], other["high"])
        return {"mean": mean, "squares": squares, "low": low, "high": high, "samples": np.array([number + seen])}

    def _take(self, summary: dict[str, np.ndarray]) -> None:
        """Learn from the summary of all samples; of a constant gene nothing is left of rounding."""
        alike = summary["low"] == summary["high"]
        squares = np.where(alike, 0.0, summary["squares"])
        self.centre_ = np.where(alike, summary["low"], summary["mean"])
        self.scale_ = np.sqrt(squares / max(int(summary["samples"][0]) - self.ddof, 1))
        self.constant_ = self.scale_ == 0

    def _z_scores(self, table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scores, means and deviations; whole numbers and sparse matrices have their moments taken first."""
        if not table.in_blocks:
            kernel = scaling.z_score.at(table.dtype)
            try:
                scores: tuple[np.ndarray, np.ndarray, np.ndarray] = into(
                    kernel, table.room(self.copy), table.values, self.ddof
                )
            except InputError:
                check_values("Scaler", table)  # says where
                raise
            return scores
        mean, squares, _ = exact_where_constant(table, moments_of(table))
        deviation = np.sqrt(squares / max(table.shape[0] - self.ddof, 1))
        return self._rescaled(table, mean, deviation), mean, deviation

    def _apply(self, table: Table) -> np.ndarray:
        if self.kind == "rank":
            ranks: np.ndarray = run(scaling.normal_scores, table).scaled
            return ranks
        return self._rescaled(table, self.centre_, self._divisor())

    def _rescaled(self, table: Table, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
        none = np.zeros_like(centre)
        if not table.is_sparse:
            return in_blocks(scaling.rescale, table, lambda _: (centre, scale, none), self.copy)
        kernel, out = scaling.rescale_stored.at(table.dtype), np.empty(table.shape, table.dtype)
        into(kernel, out, *table.stored(), centre, scale, none)
        return out

    def _divisor(self) -> np.ndarray:
        return np.where(self.constant_, 1.0, self.scale_)

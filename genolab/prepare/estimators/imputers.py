"""Estimators that fill gaps from the gene itself or from near samples, and say which values they made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.prepare import impute_neighbours
from genolab.prepare.estimators.base import Preparation, run
from genolab.prepare.table import Table


class Imputer(Preparation):
    """What they have in common: NaN may stand, known values stay, what cannot be known is refused by name."""

    _takes_missing = True
    _takes_sparse = False
    _writes = "imputed"

    def where_imputed(self, X: Any) -> Any:
        """Which values :meth:`transform` makes, as the kind of table that was given (AnnData: layer ``is_imputed``)."""
        table = self._read(X, fitting=False)
        return table.rebuilt(np.isnan(table.values), "is_imputed")

    def _read(self, X: Any, *, fitting: bool) -> Table:
        table = super()._read(X, fitting=fitting)
        gaps = np.isnan(table.values)
        who = type(self).__name__
        _refuse_empty(who, "sample", gaps.all(axis=1), table.samples)
        if fitting:
            _refuse_empty(who, "gene", gaps.all(axis=0), table.genes)
            self.imputed_ = gaps
        return table


def _refuse_empty(who: str, what: str, empty: np.ndarray, names: np.ndarray | None) -> None:
    if not empty.any():
        return
    first = int(np.flatnonzero(empty)[0])
    name = first if names is None else repr(str(names[first]))
    others = f", nor in {int(empty.sum()) - 1:,} more" if empty.sum() > 1 else ""
    raise InputError(
        who, "X", f"known somewhere in each {what}", f"no value in {what} {name}{others}", "Drop it first."
    )


def positive(who: str, name: str, value: Any) -> int:
    if not isinstance(value, int | np.integer) or value < 1:
        raise InputError(who, name, "a whole number from 1", repr(value))
    return int(value)


class SimpleImputer(Imputer):
    """Fill gaps with one number per gene: its mean or median over the samples learnt from, or a constant.

    Parameters
    ----------
    strategy
        ``"mean"``, ``"median"`` or ``"constant"``.
    fill_value
        The constant.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``imputed``.

    Attributes
    ----------
    imputed_ : bool, sample by gene
        Which values of the samples learnt from were missing.
    statistics_ : gene
        What stands in each gene's gaps.
    """

    def __init__(self, strategy: str = "mean", fill_value: float = 0.0, layer: str | None = None) -> None:
        self.strategy, self.fill_value, self.layer = strategy, fill_value, layer

    def _learn(self, table: Table, y: Any) -> None:
        if self.strategy not in ("mean", "median", "constant"):
            raise InputError("SimpleImputer", "strategy", "'mean', 'median' or 'constant'", repr(self.strategy))
        if self.strategy == "constant":
            if not np.isfinite(self.fill_value):
                raise InputError("SimpleImputer", "fill_value", "a finite number", repr(self.fill_value))
            self.statistics_ = np.full(table.shape[1], float(self.fill_value))
        else:
            self.statistics_ = getattr(run(impute_neighbours.known_centres, table), self.strategy)

    def _apply(self, table: Table) -> np.ndarray:
        completed: np.ndarray = run(impute_neighbours.fill_gaps, table, self.statistics_).completed
        return completed


class KNNImputer(Imputer):
    """Fill gaps with the mean over the nearest samples in which the gene is known, as scikit-learn's of this name.

    Samples are compared over the genes known in both. Where no sample that can be compared knows the gene, its mean
    is taken. Genes on one scale (logarithms) are meant: one large gene would decide who is near.

    Parameters
    ----------
    n_neighbors
        Samples that a value is the mean of.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``imputed``.

    Attributes
    ----------
    imputed_ : bool, sample by gene
        Which values of the samples learnt from were missing.
    """

    def __init__(self, n_neighbors: int = 5, layer: str | None = None) -> None:
        self.n_neighbors, self.layer = n_neighbors, layer

    def _learn(self, table: Table, y: Any) -> None:
        positive("KNNImputer", "n_neighbors", self.n_neighbors)
        # its own: gaps that are filled in the caller's table later must not become donors' values
        self.donors_ = table.values.copy() if np.may_share_memory(table.values, table.held) else table.values

    def _apply(self, table: Table) -> np.ndarray:
        both = np.result_type(table.values, self.donors_)
        wide = replace(table, held=table.values.astype(both, copy=False))
        filled = run(impute_neighbours.neighbour_impute, wide, self.donors_.astype(both, copy=False), self.n_neighbors)
        completed: np.ndarray = filled.completed.astype(table.values.dtype, copy=False)
        return completed

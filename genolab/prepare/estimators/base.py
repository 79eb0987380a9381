"""What every estimator of the room does the same way: scikit-learn's convention over :mod:`genolab.prepare.table`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from genolab.kernel import Kernel
from genolab.kernel.into import into, trusted
from genolab.prepare.checks import checked_table
from genolab.prepare.table import Table, is_anndata


class Preparation(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """The base of the estimators: samples in rows, genes in columns, the same kind of table out as in."""

    _takes_counts = False
    _takes_missing = False
    _takes_sparse = True
    _writes = "prepared"
    """The layer that an AnnData object gets."""

    layer: str | None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self._takes_counts
        tags.input_tags.allow_nan = self._takes_missing
        tags.input_tags.sparse = self._takes_sparse
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn from samples; returns the estimator."""
        self._learn(self._read(X, fitting=True), y)
        return self

    def transform(self, X: Any) -> Any:
        """Samples prepared by what was learnt, as the kind of table that was given."""
        table = self._read(X, fitting=False)
        return self._written(table, self._apply(table))

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Learn from samples and prepare them, checking the table once."""
        table = self._read(X, fitting=True)
        return self._written(table, self._learn_and_apply(table, y))

    def plot(self, X: Any, samples: Any = None, colour: str = "") -> Any:
        """The table and what the fitted estimator makes of it, side by side and live, for a notebook.

        ``samples`` (pandas) is what is known of the samples, in the order of the table; ``colour`` one of its columns.
        """
        # the picture lies above this layer, so it is looked up when somebody asks to see
        return import_module("genolab.plots.prepare").plot(self, X, self.transform(X), samples, colour)

    def _looks_itself(self, X: Any) -> bool:
        """Whether learning from ``X`` meets every value anyway, and refuses what is not finite by itself."""
        return False

    def _learn(self, table: Table, y: Any) -> None:
        """Learn from a checked table; an estimator that learns nothing leaves this."""

    def _apply(self, table: Table) -> Any:
        """The table's values, prepared."""
        raise NotImplementedError

    def _learn_and_apply(self, table: Table, y: Any) -> Any:
        """Both, where one pass can serve them."""
        self._learn(table, y)
        return self._apply(table)

    def _read(self, X: Any, *, fitting: bool) -> Table:
        """The checked table; its genes are remembered when fitting, and must be the same ones afterwards."""
        if not fitting:
            check_is_fitted(self)
        table = checked_table(
            type(self).__name__, X, layer=getattr(self, "layer", None), counts=self._takes_counts,
            missing=self._takes_missing, sparse=self._takes_sparse, values=not (fitting and self._looks_itself(X)),
        )  # fmt: skip
        named = _gene_names(table) if is_anndata(X) else X
        validate_data(self, named, reset=fitting, skip_check_array=True)
        return table

    def _written(self, table: Table, values: Any) -> Any:
        return table.rebuilt(values, self._writes)


def run(kernel: Kernel, table: Table, *arguments: Any, values: np.ndarray | None = None) -> Any:
    """A kernel on a table's dense values (or on ``values``), in their precision; they were checked at the door."""
    held = table.dense() if values is None else values
    return trusted(kernel.at(held.dtype), held, *arguments)


def in_blocks(
    kernel: Kernel, table: Table, arguments: Callable[[slice], tuple[Any, ...]], copy: bool = True
) -> np.ndarray:
    """What a kernel makes of the table's rows, a block at a time where it has several; ``arguments`` are of a block.

    The values were checked at the door. Without ``copy`` a NumPy array of floating-point numbers is overwritten.
    """
    kernel, out = kernel.at(table.dtype), table.room(copy)
    for part, values in table.blocks():
        into(kernel, out[part], values, *arguments(part))
    return out


def _gene_names(table: Table) -> Any:
    import pandas as pd

    return pd.DataFrame(columns=table.genes)

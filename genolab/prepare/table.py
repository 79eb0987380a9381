"""One door for tables: NumPy, pandas, SciPy sparse and AnnData in, the same kind out, names kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from genolab.kernel.threads import spread
from genolab.prepare.whole import MANY, limits, precision_of

BLOCK_BYTES = 4 * 2**20
"""Whole numbers are converted, and a sparse matrix is made dense, in blocks of at most about this size."""

BLOCK_SHARE = 16
"""A block is no more than the table over this, so that what is held for a while is little beside the result."""


@dataclass(frozen=True)
class Table:
    """Samples in rows, genes in columns, names where there are any.

    ``held`` is what there is: dense numbers, or CSR. Whole numbers of a dense table stay as they were given until
    ``values`` is asked for: steps that work on blocks make a block of them at a time.
    """

    held: Any
    given: Any
    samples: np.ndarray | None = None
    genes: np.ndarray | None = None

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The precision that is computed in, float32 or float64."""
        return np.dtype(precision_of(self.held.dtype, *self.limits)) if self.is_whole else self.held.dtype

    @cached_property
    def limits(self) -> tuple[int, int]:
        """The least and the greatest of whole numbers, and 0 among them."""
        return limits(self.held)

    @cached_property
    def values(self) -> Any:
        """All numbers in that precision, dense or CSR."""
        return self.held.astype(self.dtype) if self.is_whole else self.held

    @property
    def is_sparse(self) -> bool:
        """Whether only entries other than zero are stored."""
        return not isinstance(self.held, np.ndarray)

    @property
    def is_whole(self) -> bool:
        """Whether a dense table still holds whole numbers as they were given."""
        return not self.is_sparse and self.held.dtype.kind in "iub"

    @property
    def in_blocks(self) -> bool:
        """Whether :meth:`blocks` are more than one."""
        return self.is_sparse or self.is_whole

    @property
    def shape(self) -> tuple[int, int]:
        """Samples and genes."""
        rows, columns = self.held.shape
        return rows, columns

    def dense(self) -> np.ndarray:
        """All values; a sparse matrix is copied."""
        return self.values.toarray() if self.is_sparse else self.values

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Dense blocks of rows with their place; a dense table of floating-point numbers is one block."""
        rows, columns = self.shape
        each = self._each(rows, columns) if self.in_blocks else max(rows, 1)
        for first in range(0, rows, each):
            part = slice(first, min(first + each, rows))
            yield part, self._block(self.held[part])

    def count_blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """The same for kernels that take counts of any kind: whole numbers come as they were given, in one block."""
        if self.is_one_block:
            yield slice(0, self.shape[0]), self.held
        else:
            yield from self.blocks()

    @property
    def is_one_block(self) -> bool:
        """Whether :meth:`count_blocks` are one: dense numbers that need no copy."""
        return not self.in_blocks or (self.is_whole and self.held.dtype.kind != "b" and self.held.flags.c_contiguous)

    def _block(self, block: Any) -> np.ndarray:
        """Part of what is held, dense and in the precision that is computed in."""
        return block.toarray(order="C") if self.is_sparse else np.ascontiguousarray(block, self.dtype)

    def _each(self, length: int, other: int) -> int:
        """Rows (or genes) of a block: what fits, but of a small table a 16th, or 16."""
        line = max(1, other * self.dtype.itemsize)
        return max(1, min(BLOCK_BYTES // line, max(16, length // BLOCK_SHARE)))

    def gene_blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Dense blocks of genes with their place; a sparse matrix is turned around once."""
        rows, columns = self.shape
        held = self.held.tocsc() if self.is_sparse else self.held
        each = self._each(columns, rows) if self.in_blocks else max(columns, 1)
        for first in range(0, columns, each):
            part = slice(first, min(first + each, columns))
            yield part, self._block(held[:, part])

    def totals(self) -> np.ndarray:
        """The sum of each sample."""
        if self.is_sparse or self.held.size < MANY:
            return np.asarray(self.held.sum(axis=1, dtype=np.float64)).ravel()
        parts = spread(lambda first, last: self.held[first:last].sum(axis=1, dtype=np.float64), len(self.held))
        return np.concatenate(parts)

    def gene_totals(self) -> np.ndarray:
        """The sum of each gene."""
        return np.asarray(self.held.sum(axis=0, dtype=np.float64)).ravel()

    def stored(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of a sparse matrix: the entries row by row, their genes, and where each row begins."""
        values = self.values
        return values.data, values.indices, values.indptr.astype(np.int64, copy=False)

    def selected(self, genes: np.ndarray) -> Any:
        """Some of the genes (a mask), as the kind of table that was given; AnnData gives an AnnData of its own."""
        if is_anndata(self.given):
            return self.given[:, genes].copy()
        if is_frame(self.given):
            return self.given.loc[:, genes]
        return self.values[:, np.flatnonzero(genes)]

    def with_stored(self, stored: np.ndarray) -> Any:
        """A CSR matrix with other entries in the same places, of the class that was given."""
        kind = type(self.values)
        return kind((stored, self.values.indices, self.values.indptr), shape=self.values.shape)

    def room(self, copy: bool) -> np.ndarray:
        """An array for the dense result: what was given itself where it may be overwritten, else a new one."""
        mine = not copy and self.held is self.given and isinstance(self.held, np.ndarray) and self.held.flags.writeable
        return self.held if mine and not self.is_whole else np.empty(self.shape, self.dtype)

    def stored_room(self, copy: bool) -> np.ndarray:
        """The same for the stored entries of a sparse matrix."""
        mine = not copy and self.held is self.given and self.held.data.flags.writeable
        return self.held.data if mine else np.empty_like(self.held.data)

    def rebuilt(self, values: Any, layer: str) -> Any:
        """``values`` as the kind of table that was given; AnnData gets them as a layer and keeps its ``X``."""
        if is_anndata(self.given):
            self.given.layers[layer] = values
            return self.given
        if is_frame(self.given):
            import pandas as pd

            dense = values if isinstance(values, np.ndarray) else values.toarray()
            return pd.DataFrame(dense, index=self.given.index, columns=self.given.columns)
        return values


def table_of(X: Any, layer: str | None = None) -> Table:
    """The numbers and names of what was given, not checked yet."""
    if is_anndata(X):
        held = X.X if layer is None else X.layers[layer]
        return Table(_numbers(held), X, X.obs_names.to_numpy(), X.var_names.to_numpy())
    if is_frame(X):
        return Table(_numbers(X.to_numpy()), X, X.index.to_numpy(), X.columns.to_numpy())
    return Table(_numbers(X), X)


def is_frame(X: Any) -> bool:
    """Whether it is a pandas table."""
    return type(X).__module__.partition(".")[0] == "pandas" and hasattr(X, "columns")


def is_anndata(X: Any) -> bool:
    """Whether it is an AnnData object; AnnData itself need not be installed."""
    return type(X).__module__.partition(".")[0] == "anndata" and hasattr(X, "layers")


def is_sparse(X: Any) -> bool:
    """Whether it is one of SciPy's sparse matrices."""
    return type(X).__module__.startswith("scipy.sparse")


def _numbers(held: Any) -> Any:
    if is_sparse(held):
        rows = held.tocsr()
        if not rows.has_canonical_format:
            rows = rows.copy()
            rows.sum_duplicates()
        wanted = np.dtype(_precision(rows.dtype, rows.data))
        return rows if rows.dtype == wanted else rows.astype(wanted)
    array = np.asarray(held)
    if array.dtype.kind in "iub":
        return array
    return np.ascontiguousarray(array, dtype=_precision(array.dtype, array))


def _precision(dtype: np.dtype[Any], values: np.ndarray) -> type:
    """Single precision for float32 and for integers that it holds exactly; double for the rest."""
    if dtype.kind not in "iub":
        return np.float32 if dtype == np.float32 else np.float64
    return precision_of(dtype, *limits(values))

"""Write a prepared table: text with the names in the first row and column, or AnnData."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import InputError
from genolab.io.atomic import replacing
from genolab.io.paths import PathLike

if TYPE_CHECKING:
    import pandas as pd

ENDS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".h5ad")


def write_counts(table: pd.DataFrame, path: PathLike, genes: str = "rows", samples: pd.DataFrame | None = None) -> Path:
    """Write a table (samples in rows) as its name says: ``.csv`` or ``.tsv``, plain or ``.gz``, or ``.h5ad``.

    Numbers are written with all digits of their precision: what :func:`~genolab.io.read_counts` reads back is the same.

    Parameters
    ----------
    genes
        Of text: whether genes are written in ``"rows"`` or in ``"columns"``.
    samples
        A row per sample in the same order; kept in .h5ad (``obs``) only.

    Raises
    ------
    InputError, FileError
        Another ending, a missing library for .h5ad, a place that cannot be written.
    """
    who, target = "write_counts", Path(path)
    check_ending(target, who)
    if target.name.lower().endswith(".h5ad"):
        check_library(who)
        import anndata
        import h5py
        from anndata.io import write_elem

        # the file that is made is locked already, as every one is that `replacing` makes
        with replacing(target, who=who) as (beside,), h5py.File(beside, "w", locking=False) as file:
            write_elem(file, "/", anndata.AnnData(table, obs=samples))
        return target
    separator = "\t" if ".tsv" in target.name.lower() else ","
    text = (table.T if genes == "rows" else table).to_csv(
        sep=separator, index_label="gene" if genes == "rows" else "sample"
    )
    data = text.encode()
    with replacing(target, who=who) as (beside,):
        # without the time, so that the same table gives the same bytes
        beside.write_bytes(gzip.compress(data, mtime=0) if target.suffix.lower() == ".gz" else data)
    return target


@contextmanager
def writing_counts(
    path: PathLike, samples: pd.DataFrame, genes: pd.DataFrame, who: str = "writing_counts"
) -> Iterator[Callable[[Any], None]]:
    """Write .h5ad block by block: what is yielded takes the next samples, all blocks dense or all CSR.

    ``samples`` and ``genes`` become ``obs`` and ``var``. The file is there when the context ends.
    """
    check_library(who)
    import h5py
    from anndata.io import write_elem

    with replacing(path, who=who) as (beside,), h5py.File(beside, "w", locking=False) as file:
        write_elem(file, "obs", samples)
        write_elem(file, "var", genes)
        for name in ("layers", "obsm", "obsp", "uns", "varm", "varp"):
            write_elem(file, name, {})
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        matrix = _Matrix(file, len(samples), len(genes))
        yield matrix.append
        matrix.close(who)


class _Matrix:
    """``X`` of an open file, which grows by rows."""

    def __init__(self, file: Any, rows: int, columns: int) -> None:
        self._file, self._rows, self._columns = file, rows, columns
        self._done, self._ends = 0, [np.zeros(1, np.int64)]

    def append(self, values: Any) -> None:
        dense = isinstance(values, np.ndarray)
        if "X" not in self._file:
            self._begin(values.dtype, dense)
        node, last = self._file["X"], self._done + values.shape[0]
        if dense:
            node[self._done : last] = values
        else:
            before = node["data"].shape[0]
            for name, added in (("data", values.data), ("indices", values.indices)):
                node[name].resize((before + values.nnz,))
                node[name][before:] = added
            self._ends.append(before + values.indptr[1:].astype(np.int64))
        self._done = last

    def _begin(self, dtype: np.dtype[Any], dense: bool) -> None:
        if dense:
            node = self._file.create_dataset("X", (self._rows, self._columns), dtype)
            node.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
            return
        node = self._file.create_group("X")
        node.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0"})
        node.attrs["shape"] = np.array([self._rows, self._columns])
        for name, kind in (("data", dtype), ("indices", np.dtype(np.int32))):
            node.create_dataset(name, (0,), kind, maxshape=(None,), chunks=(2**17,))

    def close(self, who: str) -> None:
        if self._done != self._rows:
            raise InputError(who, "blocks", f"{self._rows:,} samples", f"{self._done:,}")
        if len(self._ends) > 1:
            self._file["X"]["indptr"] = np.concatenate(self._ends)


def check_library(who: str) -> None:
    """Refuse .h5ad where anndata is not installed."""
    try:
        import anndata  # noqa: F401
    except ImportError:
        fix = 'Install it with `pip install "genolab[anndata]"`.'
        raise InputError(who, "path", "the library anndata for .h5ad", "none installed", fix) from None


def check_ending(path: Path, who: str) -> None:
    """Refuse a name that says no kind of table."""
    if not path.name.lower().endswith(ENDS):
        raise InputError(who, "path", f"a name that ends in {', '.join(ENDS)}", repr(path.name))

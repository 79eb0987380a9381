"""Write a prepared table: text with the names in the first row and column, or AnnData."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

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
        try:
            import anndata
            import h5py
            from anndata.io import write_elem
        except ImportError:
            fix = 'Install it with `pip install "genolab[anndata]"`.'
            raise InputError(who, "path", "the library anndata for .h5ad", "none installed", fix) from None
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


def check_ending(path: Path, who: str) -> None:
    """Refuse a name that says no kind of table."""
    if not path.name.lower().endswith(ENDS):
        raise InputError(who, "path", f"a name that ends in {', '.join(ENDS)}", repr(path.name))

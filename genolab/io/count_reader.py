"""Tables of counts that do not fit in memory, a block of samples at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genolab.errors import FileError, InputError
from genolab.io import anndata_file, hdf5, tenx
from genolab.io.counts import CountTable
from genolab.io.paths import PathLike, checked


@dataclass(frozen=True)
class CountRows:
    """Where the numbers of a 10x HDF5 or .h5ad file are: enough for another process to read some of its samples."""

    path: Path
    layer: str | None
    shape: tuple[int, int]
    kept: np.ndarray | None = field(default=None, repr=False)
    """Columns of the file that are genes; ``None``: all."""

    @contextmanager
    def opened(self) -> Iterator[Callable[[slice], Any]]:
        """A function from a slice of samples to their values, dense or CSR."""
        with hdf5.opened(self.path, "count_blocks") as file:
            tenx_group = tenx.matrix_of(self.path, file)
            node = anndata_file.matrix_of(self.path, file, self.layer) if tenx_group is None else tenx_group
            read = _reader(self.path, node, self.shape)
            yield read if self.kept is None else lambda part: read(part)[:, self.kept]


@dataclass(frozen=True)
class CountFile:
    """What a file of counts holds beside its numbers; they are read block by block, by ``rows``."""

    rows: CountRows
    samples: np.ndarray = field(repr=False)
    genes: np.ndarray = field(repr=False)
    symbols: np.ndarray | None = field(default=None, repr=False)
    sample_columns: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    notices: tuple[str, ...] = ()
    format: str = "h5ad"


def open_counts(path: PathLike, layer: str | None = None) -> CountFile:
    """Names and places of a 10x HDF5 or .h5ad file whose matrix is read a block of samples at a time.

    Raises
    ------
    FileError
        What :func:`read_counts` refuses of a file's names; numbers are checked when they are read.
    """
    found = checked(path, "count_blocks").resolve()
    with hdf5.opened(path, "count_blocks") as file:
        if tenx.is_tenx(file):
            if layer is not None:
                raise InputError("count_blocks", "layer", "None for a file without layers", repr(layer))
            _, shape, held = tenx.parts_of(found, file)
            kept, said = tenx.genes_of(held["kinds"])
            rows = CountRows(found, None, shape, None if kept.all() else np.flatnonzero(kept))
            genes, symbols = (np.array(held[name], object)[kept] for name in ("id", "symbol"))
            return CountFile(rows, held["barcodes"], genes, symbols, {}, said, "10x HDF5")
        samples, genes = (anndata_file.names_of(found, file, axis) for axis in ("obs", "var"))
        columns, said = anndata_file.columns_of(found, file, len(samples))
        return CountFile(CountRows(found, layer, (len(samples), len(genes))), samples, genes, None, columns, said)


def count_blocks(path: PathLike, samples: int = 1000, *, layer: str | None = None) -> Iterator[CountTable]:
    """The samples of a 10x HDF5 or .h5ad file in blocks, in order: only one block is in memory.

    Parameters
    ----------
    path
        A file whose matrix is dense, or sparse by samples (``csr`` in .h5ad; what Cell Ranger writes). Features of a
        10x file that are no genes are left out, as by :func:`read_counts`.
    samples
        Samples of a block.
    layer
        Of .h5ad: the layer to read; ``None`` reads ``X``.

    Raises
    ------
    FileError
        What :func:`read_counts` refuses; a matrix that is stored gene by gene.
    """
    if not isinstance(samples, int | np.integer) or samples < 1:
        raise InputError("count_blocks", "samples", "a whole number from 1", repr(samples))
    about = open_counts(path, layer)
    with about.rows.opened() as read:
        for first in range(0, about.rows.shape[0], int(samples)):
            part = slice(first, min(first + int(samples), about.rows.shape[0]))
            names = about.samples[part]
            yield CountTable(about.rows.path, read(part), names, about.genes, (), about.symbols, format=about.format)


def _reader(path: Path, node: Any, shape: tuple[int, int]) -> Any:
    """A function from a slice of samples to their values."""
    if not hasattr(node, "keys"):
        return lambda part: hdf5.numbers(path, node, part)
    import scipy.sparse

    place = node.name.strip("/")
    if not anndata_file.layout(path, node, shape):
        fix = "Write the matrix as csr, or read it as a whole with read_counts."
        raise FileError(path, field=place, expected="a matrix stored sample by sample", found="csc", fix=fix)
    data, index, pointer = (
        hdf5.member(path, node, name, "dataset", whole=name == "indptr") for name in ("data", "indices", "indptr")
    )
    start = hdf5.numbers(path, pointer).astype(np.int64)
    if data.shape != index.shape or data.ndim != 1:
        found = f"{data.shape} values, {index.shape} indices"
        raise FileError(
            path, field=f"{place}/indices", expected="one for each value", found=found, fix="Write it again."
        )
    hdf5.pointers(path, place, start, None, shape, len(data))

    def read(part: slice) -> Any:
        entries = slice(int(start[part.start]), int(start[part.stop]))
        own = start[part.start : part.stop + 1] - start[part.start]
        values, genes = hdf5.numbers(path, data, entries), hdf5.numbers(path, index, entries)
        sides = (part.stop - part.start, shape[1])
        hdf5.pointers(path, place, own, genes, sides, len(values))
        anndata_file.check_values(path, place, values, entries.start)
        return scipy.sparse.csr_array((values, genes.astype(np.int32), own), shape=sides)

    return read

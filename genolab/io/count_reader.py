"""Tables of counts that do not fit in memory, a block of samples at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from genolab.errors import FileError, InputError
from genolab.io import anndata_file, hdf5, tenx
from genolab.io.counts import CountTable
from genolab.io.paths import PathLike, checked


def count_blocks(path: PathLike, samples: int = 1000, *, layer: str | None = None) -> Iterator[CountTable]:
    """The samples of a 10x HDF5 or .h5ad file in blocks, in order: only one block is in memory.

    Parameters
    ----------
    path
        A file whose matrix is dense, or sparse by samples (``csr`` in .h5ad; what Cell Ranger writes).
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
    found = checked(path, "count_blocks")
    with hdf5.opened(path, "count_blocks") as file:
        what = "10x HDF5" if tenx.is_tenx(file) else "h5ad"
        if what == "10x HDF5":
            node, shape, held = tenx.parts_of(found, file)
            names, genes, symbols = held["barcodes"], held["id"], held["symbol"]
        else:
            names, genes, symbols = (
                anndata_file.names_of(found, file, "obs"),
                anndata_file.names_of(found, file, "var"),
                None,
            )
            node, shape = anndata_file.matrix_of(found, file, layer), (len(names), len(genes))
        read = _reader(found, node, shape)
        for first in range(0, shape[0], int(samples)):
            part = slice(first, min(first + int(samples), shape[0]))
            yield CountTable(found, read(part), names[part], genes, (), symbols, format=what)


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

"""AnnData's files (.h5ad): a matrix or one of its layers, with the names and the columns of its samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from genolab.errors import FileError
from genolab.io import guard, hdf5
from genolab.io.counts import CountTable


def read_file(path: Path, file: Any, layer: str | None) -> CountTable:
    """The matrix of an open file (``X``, or a layer) with names, and the columns of ``obs`` as sample columns."""
    samples, genes = names_of(path, file, "obs"), names_of(path, file, "var")
    node = matrix_of(path, file, layer)
    shape = len(samples), len(genes)
    values = compressed(path, node, shape) if hasattr(node, "keys") else _dense(path, node, shape)
    columns, left = columns_of(path, file, len(samples))
    said = (f"{shape[0]:,} samples, {shape[1]:,} genes of {layer or 'X'}.", *left)
    return CountTable(path, values, samples, genes, said, sample_columns=columns, format="h5ad")


def columns_of(path: Path, file: Any, samples: int) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """What ``obs`` knows of the samples, and a notice of what is left out."""
    columns = _columns(path, file, samples)
    left = sorted(set(hdf5.member(path, file, "obs", "group")) - set(columns) - {"_index", "index", "__categories"})
    said = f"Columns of obs that are no numbers, text or categories are left out: {', '.join(left[:5])}."
    return columns, (said,) if left else ()


def matrix_of(path: Path, file: Any, layer: str | None) -> Any:
    """The group of a sparse matrix, or a dense dataset."""
    place = "X" if layer is None else f"layers/{layer}"
    parent = file if layer is None else hdf5.member(path, file, "layers", "group")
    name = "X" if layer is None else layer
    if name not in parent:
        held = ", ".join(parent) or "nothing"
        raise FileError(
            path, field=place, expected="a matrix", found=f"none beside {held}", fix="Name a layer of these."
        )
    return hdf5.member(path, parent, name, "group" if _is_group(parent, name) else "dataset")


def names_of(path: Path, file: Any, axis: str) -> np.ndarray:
    """The names along an axis; one that comes twice is refused."""
    group = hdf5.member(path, file, axis, "group")
    index = hdf5.attribute(path, group, "_index", "_index")
    if not isinstance(index, str):
        raise FileError(
            path, field=f"{axis}@_index", expected="the name of a column", found=repr(index), fix=guard.SURE
        )
    names = _texts(path, group, index)
    first: dict[str, int] = {}
    for row, name in enumerate(names, 1):
        if name in first:
            fix = f"Call {axis}_names_make_unique() before the file is written."
            found = f"{name!r} twice, first at {first[name]:,}"
            raise FileError(path, field=f"{axis}/{index}", row=row, expected="names that differ", found=found, fix=fix)
        first[name] = row
    return names


def _texts(path: Path, group: Any, name: str) -> np.ndarray:
    """Text as a dataset, or as newer files hold it: values beside a mask of those that are missing (given as empty)."""
    if not _is_group(group, name):
        return hdf5.texts(path, hdf5.member(path, group, name, "dataset"))
    inner = hdf5.member(path, group, name, "group")
    values = hdf5.texts(path, hdf5.member(path, inner, "values", "dataset"))
    mask = hdf5.numbers(path, hdf5.member(path, inner, "mask", "dataset"))
    if mask.shape != values.shape:
        found = f"{mask.shape} for {values.shape}"
        raise FileError(path, field=f"{_place(inner)}/mask", expected="one for each value", found=found, fix=guard.SURE)
    return np.where(mask, "", values).astype(object)


def _is_group(group: Any, name: str) -> bool:
    """Whether a name is a group of this file; what lies behind a link is not looked at."""
    import h5py

    return isinstance(group.get(name, getlink=True), h5py.HardLink) and group.get(name, getclass=True) is h5py.Group


def compressed(path: Path, group: Any, shape: tuple[int, int]) -> Any:
    """A sparse matrix of samples and genes, by rows; its pointers are checked before native code follows them.

    10x files hold genes and barcodes by columns, which is the same as barcodes and genes by rows.
    """
    import scipy.sparse

    place = group.name.strip("/")
    by_rows = layout(path, group, shape)
    parts = {name: hdf5.member(path, group, name, "dataset") for name in ("data", "indices", "indptr")}
    data, index, start = (hdf5.numbers(path, parts[name]) for name in ("data", "indices", "indptr"))
    if data.ndim != 1 or data.shape != index.shape or index.dtype.kind not in "iu" or start.dtype.kind not in "iu":
        found = f"{data.shape} values, {index.shape} indices of {index.dtype}"
        raise FileError(
            path, field=f"{place}/indices", expected="a whole number for each value", found=found, fix=guard.SURE
        )
    sides = shape if by_rows else shape[::-1]
    hdf5.pointers(path, place, start, index, sides, len(data))
    kind = scipy.sparse.csr_array if by_rows else scipy.sparse.csc_array
    matrix = kind((data, index.astype(np.int64), start.astype(np.int64)), shape=shape).tocsr()
    check_values(path, place, matrix.data)
    before = matrix.nnz
    matrix.sum_duplicates()
    if matrix.nnz < before:
        found = f"{before - matrix.nnz:,} places twice"
        raise FileError(path, field=f"{place}/indices", expected="each place once", found=found, fix=guard.SURE)
    small = max(matrix.shape[1], matrix.nnz) < 2**31
    return kind_of(matrix, np.int32) if small else matrix


def kind_of(matrix: Any, index: Any) -> Any:
    """The matrix with smaller indices."""
    parts = matrix.data, matrix.indices.astype(index), matrix.indptr.astype(index)
    return type(matrix)(parts, shape=matrix.shape)


def layout(path: Path, group: Any, shape: tuple[int, int]) -> bool:
    """Whether a sparse matrix is stored sample by sample; its own shape must be that of the names."""
    encoding = hdf5.attribute(path, group, "encoding-type", hdf5.attribute(path, group, "h5sparse_format", ""))
    declared = hdf5.attribute(path, group, "shape", hdf5.attribute(path, group, "h5sparse_shape"))
    place = group.name.strip("/")
    if declared is not None and tuple(np.asarray(declared).tolist()) != shape:
        found = str(tuple(np.asarray(declared).tolist()))
        raise FileError(
            path, field=f"{place}@shape", expected=f"{shape}, as many as names", found=found, fix=guard.SURE
        )
    if encoding not in ("", "csr", "csc", "csr_matrix", "csc_matrix"):
        raise FileError(path, field=place, expected="a csr or csc matrix", found=repr(encoding), fix=guard.SURE)
    return not str(encoding).startswith("csc")


def _dense(path: Path, dataset: Any, shape: tuple[int, int]) -> np.ndarray:
    if dataset.shape != shape:
        found = str(dataset.shape)
        raise FileError(path, field=_place(dataset), expected=f"{shape}, as many as names", found=found, fix=guard.SURE)
    values = hdf5.numbers(path, dataset)
    if np.isinf(values).any():
        raise FileError(path, field=_place(dataset), expected="finite numbers", found="inf", fix=guard.SURE)
    return values


def check_values(path: Path, place: str, data: np.ndarray, first: int = 0) -> None:
    """Refuse values that are not finite; ``first`` is the number of entries before these."""
    wrong = ~np.isfinite(data)
    if wrong.any():
        entry = int(np.flatnonzero(wrong)[0])
        fix = "Leave out what is not known, or keep the matrix dense."
        found = f"{data[entry]} at entry {first + entry + 1:,}"
        raise FileError(path, field=f"{place}/data", expected="finite numbers", found=found, fix=fix)


def _columns(path: Path, file: Any, samples: int) -> dict[str, np.ndarray]:
    """The columns of ``obs`` that are numbers, text or categories."""
    group = hdf5.member(path, file, "obs", "group")
    index, columns = hdf5.attribute(path, group, "_index", "_index"), {}
    for name in group:
        if name in (index, "__categories"):
            continue
        try:
            found = _column(path, group, name)
        except FileError as refusal:
            if "link" in refusal.found or "size" in refusal.expected:
                raise
            continue
        if found is not None and len(found) == samples:
            columns[str(name)] = found
    return columns


def _column(path: Path, group: Any, name: str) -> np.ndarray | None:
    if not _is_group(group, name):
        dataset = hdf5.member(path, group, name, "dataset")
        if dataset.ndim != 1:
            return None
        return hdf5.numbers(path, dataset) if dataset.dtype.kind in "biuf" else hdf5.texts(path, dataset)
    inner = hdf5.member(path, group, name, "group")
    encoding = hdf5.attribute(path, inner, "encoding-type")
    if encoding == "nullable-string-array":
        return _texts(path, group, name)
    if encoding != "categorical":
        return None
    codes = hdf5.numbers(path, hdf5.member(path, inner, "codes", "dataset"))
    categories = _texts(path, inner, "categories")
    if codes.dtype.kind not in "iu" or (codes.size and (codes.min() < -1 or codes.max() >= len(categories))):
        return None
    return np.append(categories, "")[codes]


def _place(dataset: Any) -> str:
    return str(dataset.name).strip("/")

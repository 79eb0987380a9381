"""What Cell Ranger writes: folders of a MatrixMarket file with its names (versions 2 and 3), and its HDF5 file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from genolab.errors import FileError
from genolab.io import guard, hdf5
from genolab.io.counts import CountTable
from genolab.io.market import read_market

EXPRESSION = "Gene Expression"
_NAMES = {"features": ("features.tsv", "genes.tsv"), "barcodes": ("barcodes.tsv",)}


def read_folder(folder: Path, who: str) -> CountTable:
    """The counts of a folder with ``matrix.mtx``, ``features.tsv`` (or ``genes.tsv``) and ``barcodes.tsv``, each plain
    or with ``.gz``; one common prefix of the three may stand before their names.

    Genes are named by their identifier, which is unique; ``symbols`` has their symbols. Features that are no genes are
    left out, with a notice.
    """
    matrix_path = _one(folder, ("matrix.mtx",))
    prefix = matrix_path.name.partition("matrix.mtx")[0]
    features_path = _one(folder, _NAMES["features"], prefix)
    barcodes_path = _one(folder, _NAMES["barcodes"], prefix)
    features, barcodes = _columns(features_path, who), [row[0] for row in _columns(barcodes_path, who)]
    market = read_market(matrix_path, who)
    for path, names, length, what in (
        (features_path, features, market.matrix.shape[0], "rows"),
        (barcodes_path, barcodes, market.matrix.shape[1], "columns"),
    ):
        if len(names) != length:
            expected = f"{length:,} lines, one for each of the {what} of {matrix_path.name}"
            fix = "The three files are not of one run: copy them again."
            raise FileError(path, expected=expected, found=f"{len(names):,}", line=len(names), fix=fix)
    _check_unique(barcodes_path, barcodes)
    _check_unique(features_path, [row[0] for row in features])
    kinds = np.array([row[2] if len(row) > 2 else EXPRESSION for row in features], object)
    symbols = [row[1] if len(row) > 1 else row[0] for row in features]
    genes = [row[0] for row in features]
    return _table(matrix_path, market.matrix.T.tocsr(), barcodes, genes, symbols, kinds, "10x folder")


def is_tenx(file: Any) -> bool:
    """Whether an open HDF5 file is laid out as Cell Ranger does."""
    return _group_name(file) is not None


def _group_name(file: Any) -> str | None:
    for name in ("matrix", *file):
        link = file.get(name, getlink=True) if name in file else None
        if (
            type(link).__name__ == "HardLink"
            and hasattr(file[name], "keys")
            and {"barcodes", "indptr"} <= set(file[name])
        ):
            return str(name)
    return None


def matrix_of(path: Path, file: Any) -> Any:
    """The group of the matrix; None in a file of another kind."""
    name = _group_name(file)
    return None if name is None else hdf5.member(path, file, name, "group")


def genes_of(kinds: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which features are genes, and a notice of those that are not."""
    kept = kinds == EXPRESSION
    others = ", ".join(sorted(set(kinds[~kept])))
    left = f"{int((~kept).sum()):,} features that are no genes are left out ({others})."
    return kept, () if kept.all() else (left,)


def parts_of(path: Path, file: Any) -> tuple[Any, tuple[int, int], dict[str, Any]]:
    """The group of the matrix, its samples and genes, and their names."""
    group = hdf5.member(path, file, _group_name(file) or "matrix", "group")
    names = {"barcodes": hdf5.texts(path, hdf5.member(path, group, "barcodes", "dataset"))}
    third = "features" in group
    for key, (new, old) in {"id": ("features/id", "genes"), "symbol": ("features/name", "gene_names")}.items():
        names[key] = hdf5.texts(path, hdf5.member(path, group, new if third else old, "dataset"))
    kinds = np.full(len(names["id"]), EXPRESSION, object)
    if third and "feature_type" in group["features"]:
        kinds = hdf5.texts(path, hdf5.member(path, group, "features/feature_type", "dataset"))
    shape = hdf5.numbers(path, hdf5.member(path, group, "shape", "dataset")).tolist()
    expected = [len(names["id"]), len(names["barcodes"])]
    if shape != expected or len(names["symbol"]) != shape[0] or len(kinds) != shape[0]:
        where = f"{group.name.strip('/')}/shape"
        raise FileError(path, field=where, expected=f"{expected}, as many as names", found=str(shape), fix=guard.SURE)
    return group, (shape[1], shape[0]), names | {"kinds": kinds}


def read_file(path: Path, file: Any) -> CountTable:
    """The counts of an open HDF5 file of Cell Ranger, version 2 (of its first genome) or 3."""
    from genolab.io.anndata_file import compressed

    group, shape, names = parts_of(path, file)
    matrix = compressed(path, group, shape)
    _check_unique(path, list(names["barcodes"]))
    _check_unique(path, list(names["id"]))
    return _table(path, matrix, names["barcodes"], names["id"], names["symbol"], names["kinds"], "10x HDF5")


def _table(
    path: Path, matrix: Any, barcodes: Any, genes: Any, symbols: Any, kinds: np.ndarray, what: str
) -> CountTable:
    kept, left = genes_of(kinds)
    notices = [f"{matrix.shape[0]:,} barcodes as samples, {int(kept.sum()):,} genes.", *left]
    if left:
        matrix = matrix[:, np.flatnonzero(kept)]
    named = np.array(genes, object)[kept], np.array(symbols, object)[kept]
    return CountTable(path, matrix, np.array(barcodes, object), named[0], tuple(notices), named[1], format=what)


def _one(folder: Path, names: tuple[str, ...], prefix: str | None = None) -> Path:
    """The one file of these names in a folder, with the prefix where it is known."""
    found = sorted(
        path for path in folder.iterdir() for name in names
        if path.name.removesuffix(".gz").endswith(name) and (prefix is None or path.name.startswith(prefix + name))
    )  # fmt: skip
    if len(found) == 1:
        return found[0]
    wanted = " or ".join(f"{prefix or ''}{name}" for name in names)
    held = ", ".join(path.name for path in found or sorted(folder.iterdir())[:6]) or "an empty folder"
    fix = (
        "Name the folder that Cell Ranger calls filtered_feature_bc_matrix." if not found else "Give one run a folder."
    )
    raise FileError(folder, field=wanted, expected=f"one file {wanted}, plain or .gz", found=held, fix=fix)


def _columns(path: Path, who: str) -> list[list[str]]:
    """The cells of a file of names, without a header."""
    seen = guard.nature(path, who)
    guard.whole(seen)
    rows = []
    for number, line in enumerate(guard.text_of(seen).splitlines(), 1):
        cells = guard.decoded(line, path, number).split("\t")
        if not cells[0].strip():
            raise FileError(path, line=number, expected="a name", found="an empty line", fix=guard.SURE)
        rows.append(cells)
    return rows


def _check_unique(path: Path, names: list[str]) -> None:
    lines: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if name in lines:
            found = f"{name!r} twice, first at {lines[name]:,}"
            raise FileError(path, row=number, expected="names that differ", found=found, fix="Rename or add them up.")
        lines[name] = number

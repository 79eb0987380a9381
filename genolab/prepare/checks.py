"""What is refused at an estimator's door, with row, column and what to do about it."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from typing import Any

import numpy as np

from genolab.errors import GenolabWarning, InputError
from genolab.io.counts import spoilt_names
from genolab.kernel.threads import spread
from genolab.prepare.table import Table, is_anndata, is_frame, is_sparse, table_of

MANY = 1_000_000
"""Values from which a threaded look at a table is faster than NumPy's three."""

_GENE = re.compile(r"(?:ENS[A-Z]{0,4}G\d{11}|FBgn\d{7}|WBGene\d{8}|AT[1-5CM]G\d{5})(?:\.\d+)?")


def checked_table(
    who: str, X: Any, *, layer: str | None = None, counts: bool = False, missing: bool = False, sparse: bool = True,
    values: bool = True,
) -> Table:  # fmt: skip
    """The table, once every rule holds; with ``counts`` whole numbers from 0, with ``missing`` NaN may stand.

    Without ``values`` the caller looks at them itself, and calls :func:`check_values` where something is wrong.

    Raises
    ------
    InputError
        A text column, ragged rows, a name that comes twice, a value that is NaN, infinite, negative or fractional
        where it must not be, no samples or no genes.
    """
    _check_kind(who, X, layer, sparse)
    table = table_of(X, layer)
    if table.held.ndim == 2 and min(table.shape) < 1:
        rows, columns = table.shape
        what = f"0 sample(s) (shape=({rows}, {columns}))" if not rows else f"0 feature(s) (shape=({rows}, {columns}))"
        raise InputError(who, "X", "at least one sample and one gene", f"{what} while a minimum of 1 is required")
    for name, labels in (("samples", table.samples), ("genes", table.genes)):
        if labels is not None:
            _check_names(who, name, labels)
    if table.samples is not None:
        _flag_orientation(who, table.samples, table.genes)
    if values:
        check_values(who, table, counts, missing)
    return table


def _check_kind(who: str, X: Any, layer: str | None, sparse: bool) -> None:
    if is_anndata(X):
        if layer is not None and layer not in X.layers:
            raise InputError(who, "layer", f"one of {', '.join(X.layers) or 'no layers at all'}", repr(layer))
        return
    if is_frame(X):
        for column, dtype in X.dtypes.items():
            if not (hasattr(dtype, "kind") and dtype.kind in "biuf"):
                _refuse_text(who, X[column], column)
        return
    if is_sparse(X):
        if not sparse:
            raise InputError(who, "X", "dense", "a sparse matrix", "Its zeros would not stay zeros: use X.toarray().")
        array = X
    else:
        try:
            array = np.asarray(X)
        except ValueError:
            raise InputError(who, "X", "rows of equal length", _ragged(X)) from None
    if array.dtype.kind == "c":
        raise InputError(who, "X", "real numbers", "Complex data not supported")
    if array.dtype.kind not in "biuf":
        try:
            np.asarray(array, float)
        except (TypeError, ValueError) as error:
            raise InputError(who, "X", "numbers", f"dtype {array.dtype} ({error})") from None
    if array.ndim != 2:
        fix = "Reshape your data: samples in rows, genes in columns."
        raise InputError(who, "X", "a table with two axes (sample, gene)", f"shape {array.shape}", fix)


def _refuse_text(who: str, values: Any, column: Any) -> None:
    for row, value in zip(values.index, values, strict=True):
        try:
            float(value)
        except (TypeError, ValueError):
            fix = "Make it the index, or drop it with X.drop(columns=...)."
            raise InputError(
                who, "X", "numbers", f"{value!r} in row {row!r}, column {column!r}", fix
            ) from None  # fmt: skip


def _ragged(X: Any) -> str:
    lengths = [len(row) for row in X]
    odd = next((k for k, length in enumerate(lengths) if length != lengths[0]), 0)
    return f"{lengths[odd]} in row {odd} and {lengths[0]} in row 0"


def _check_names(who: str, what: str, labels: np.ndarray) -> None:
    text = [str(label) for label in labels]
    if len(set(text)) < len(text):
        twice, _ = Counter(text).most_common(1)[0]
        fix = "Sum or rename them first." if what == "genes" else "Rename or average them first."
        number = len(text) - len(set(text))
        raise InputError(
            who, "X", f"{what} with names of their own", f"{twice!r} twice ({number:,} repeats in all)", fix
        )
    if what == "genes":
        spoilt = spoilt_names(text)
        if spoilt:
            _warn(
                f"{who}: {len(spoilt):,} gene names look like dates or powers of ten made by a spreadsheet "
                f"({', '.join(spoilt[:3])}). Take the names from the original file."
            )


def _flag_orientation(who: str, samples: np.ndarray, genes: np.ndarray | None) -> None:
    rows = sum(bool(_GENE.fullmatch(str(label))) for label in samples[:1000]) / max(len(samples[:1000]), 1)
    columns = 0 if genes is None else sum(bool(_GENE.fullmatch(str(label))) for label in genes[:1000])
    if rows > 0.5 and not columns:
        _warn(f"{who}: the rows are named like genes ({samples[0]} ...). Samples belong in rows: give X.T.")


def check_values(who: str, table: Table, counts: bool = False, missing: bool = False) -> None:
    """Refuse the first value that breaks a rule, by its row and column."""
    values = table.held.data if table.is_sparse else table.held
    if table.is_whole:
        if counts and table.limits[0] < 0:
            fix = "Counts are meant: give the values before any normalisation."
            _refuse(who, table, values < 0, "counts from 0", "a negative value", fix)
        return
    if not _unfit(values.reshape(-1), counts):
        return
    if not missing:
        _refuse(who, table, np.isnan(values), "numbers", "NaN", "Impute it first, or drop the gene or sample.")
    _refuse(who, table, np.isinf(values), "finite numbers", "inf", "A logarithm of zero, or a division by it?")
    if counts:
        fix = "Counts are meant: give the values before any normalisation."
        _refuse(who, table, values < 0, "counts from 0", "a negative value", fix)
        fix = "Counts are meant. Round estimated counts first; give no TPM or logarithms."
        _refuse(who, table, values != np.floor(values), "whole counts", "a fraction", fix)


def _unfit(values: np.ndarray, counts: bool) -> bool:
    """Whether any value is not finite, or no count where counts are meant: one look, at the speed of memory."""
    if values.size < MANY:  # not worth loading Numba
        return not np.isfinite(values).all() or (counts and bool(((values < 0) | (values != np.floor(values))).any()))
    from genolab.prepare.loops import rows

    return any(spread(rows.unfit, values.size, values, counts))


def _refuse(who: str, table: Table, wrong: np.ndarray, expected: str, what: str, fix: str) -> None:
    """Name the first wrong entry, and say how many there are; nothing happens where there is none."""
    number = int(wrong.sum())
    if not number:
        return
    if table.is_sparse:
        entry = int(np.flatnonzero(wrong)[0])
        row, column = (
            int(np.searchsorted(table.held.indptr, entry, side="right")) - 1,
            int(table.held.indices[entry]),
        )
        value = table.held.data[entry]
    else:
        row, column = (int(place[0]) for place in np.nonzero(wrong))
        value = table.held[row, column]
    sample = repr(str(table.samples[row])) if table.samples is not None else row
    gene = repr(str(table.genes[column])) if table.genes is not None else column
    others = f", and {number - 1:,} more" if number > 1 else ""
    shown = what if what in ("NaN", "inf") else f"{what}, {value:g},"
    raise InputError(who, "X", expected, f"{shown} in row {sample}, column {gene}{others}", fix)


def _warn(message: str) -> None:
    warnings.warn(message, GenolabWarning, stacklevel=6)

"""Tables of counts or expression as text (CSV, TSV), plain or compressed: samples in rows once they are read."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import FileError, InputError
from genolab.io import guard
from genolab.io.paths import PathLike

if TYPE_CHECKING:
    import pandas as pd

_MISSING = ("", "NA", "NaN", "nan", "null", "N/A")
_SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons"}


@dataclass(frozen=True)
class CountTable:
    """Numbers (float64 or int64) with ``samples`` in rows and ``genes`` in columns; a missing one is NaN."""

    path: Path
    values: np.ndarray = field(repr=False)
    samples: np.ndarray = field(repr=False)
    genes: np.ndarray = field(repr=False)
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    def to_frame(self) -> pd.DataFrame:
        """A row per sample, a column per gene."""
        import pandas as pd

        return pd.DataFrame(self.values, self.samples, self.genes)


def read_counts(path: PathLike, genes: str = "rows") -> CountTable:
    """Read a table with names in its first row and first column; ``genes`` says if they are in its rows or columns.

    Most files have genes in rows, so that is the default; the result always has samples in rows. The separator (tab,
    comma, semicolon) is taken from the header, which may lack the corner cell, as R writes it.

    Raises
    ------
    FileError
        By line and column: rows of unequal length, text where a number must be, a name that comes twice or is empty.
    """
    if genes not in ("rows", "columns"):
        raise InputError("read_counts", "genes", "'rows' or 'columns'", repr(genes))
    seen = guard.nature(path, "read_counts")
    if seen.format:
        guard.expect(path, "read_counts", "a table of text")
    guard.whole(seen)
    text = guard.text_of(seen).removeprefix(b"\xef\xbb\xbf")
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    separator = separator_of(seen.path, lines)
    columns = _checked_header(seen.path, lines, separator)
    _check_widths(seen.path, lines, separator, len(columns) + 1)
    rows, values = _numbers(seen.path, b"\n".join(lines[1:]), separator, columns)
    _check_names(seen.path, columns, "column")
    _check_names(seen.path, rows, "row")
    names, others = np.array(rows, object), np.array(columns, object)
    missing = int(np.isnan(values).sum()) if values.dtype.kind == "f" else 0
    shape = f"{len(rows):,} rows taken as {'genes' if genes == 'rows' else 'samples'}"
    notices = [f"{shape}, {len(columns):,} columns as {'samples' if genes == 'rows' else 'genes'}."]
    if missing:
        notices.append(f"{missing:,} values are missing.")
    if genes == "rows":
        return CountTable(seen.path, np.ascontiguousarray(values.T), others, names, tuple(notices))
    return CountTable(seen.path, values, names, others, tuple(notices))


def separator_of(path: Path, lines: list[bytes]) -> str:
    """What stands between the cells of a table's header."""
    if len(lines) < 2:
        raise FileError(path, expected="a header and at least one row", found=f"{len(lines)} lines")
    header = guard.decoded(lines[0], path, 1)
    best = max(_SEPARATORS, key=header.count)
    if not header.count(best):
        wanted = "a header of names between tabs, commas or semicolons"
        raise FileError(path, line=1, expected=wanted, found=repr(header[:40]), fix="Save the table as CSV or TSV.")
    return best


def cells_of(path: Path, line: bytes, number: int, separator: str) -> list[str]:
    """The cells of a line (counted from 1), unquoted."""
    text = guard.decoded(line, path, number)
    if '"' not in text:
        return text.split(separator)
    return next(csv.reader([text], delimiter=separator))


def _checked_header(path: Path, lines: list[bytes], separator: str) -> list[str]:
    """The names of the columns; the corner cell is left out where there is one."""
    names = cells_of(path, lines[0], 1, separator)
    width = len(cells_of(path, lines[1], 2, separator))
    if len(names) not in (width, width - 1):
        found = f"{width} cells below {len(names)} names"
        raise FileError(path, line=2, expected="as many cells as the header has names", found=found)
    return names[1:] if len(names) == width else names


def _check_widths(path: Path, lines: list[bytes], separator: str, width: int) -> None:
    mark = separator.encode()
    for number, line in enumerate(lines[1:], 2):
        if not line.isascii():
            guard.decoded(line, path, number)
        # counting is enough, and fast, unless a name is quoted and may hold the separator
        cells = line.count(mark) + 1 if b'"' not in line else len(cells_of(path, line, number, separator))
        if cells != width:
            wanted, fix = f"{width:,} cells, as on the first rows", "Complete the row, or remove what is too much."
            raise FileError(path, line=number, expected=wanted, found=f"{cells:,}", fix=fix)


def _numbers(path: Path, body: bytes, separator: str, columns: list[str]) -> tuple[list[str], np.ndarray]:
    import pandas as pd

    missing: Any = {place: list(_MISSING) for place in range(1, len(columns) + 1)}  # a row may be named NA
    read = pd.read_csv(
        BytesIO(body), sep=separator, header=None, dtype={0: str}, na_values=missing, keep_default_na=False,
        low_memory=False,
    )  # fmt: skip
    for place, name in enumerate(columns, 1):
        cells = read.iloc[:, place]
        if cells.dtype.kind not in "iuf":
            is_number = pd.to_numeric(cells, errors="coerce").notna() & (cells.dtype.kind != "b")
            wrong = int(np.flatnonzero(~is_number & cells.notna())[0])
            found = repr(str(cells.iloc[wrong])[:40])
            fix = "Remove the column, or correct the cell; a decimal comma must be a point."
            raise FileError(path, line=wrong + 2, field=f"column {name!r}", expected="a number", found=found, fix=fix)
    return [str(name) for name in read.iloc[:, 0]], read.iloc[:, 1:].to_numpy()


def _check_names(path: Path, names: list[str], what: str) -> None:
    lines: dict[str, int] = {}
    for number, name in enumerate(names):
        line = number + 2 if what == "row" else 1
        if not name.strip():
            raise FileError(path, line=line, expected=f"a name for every {what}", found="an empty one")
        if name in lines:
            place = f"{name!r} twice" + (f", first on line {lines[name]:,}" if what == "row" else "")
            fix = "Sum or rename them first."
            raise FileError(path, line=line, expected=f"{what} names that differ", found=place, fix=fix)
        lines[name] = line

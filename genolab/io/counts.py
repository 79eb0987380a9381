"""Tables of counts or expression: one door for text, MatrixMarket, 10x and .h5ad; samples in rows once read."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import FileError, InputError
from genolab.io import guard
from genolab.io.paths import PathLike, checked

if TYPE_CHECKING:
    import pandas as pd

_MISSING = ("", "NA", "NaN", "nan", "null", "N/A")
_SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons"}


_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec"
_DATE = re.compile(rf"(?:\d{{1,2}}-(?:{_MONTH})|(?:{_MONTH})-\d{{1,2}}|\d{{4}}-\d\d-\d\d(?: 00:00:00)?)", re.IGNORECASE)
_POWER = re.compile(r"\d+(?:\.\d+)?E\+\d+")

MOST_DENSE = 2**30
"""Bytes that a sparse table may take as a frame."""

EXACT = 2**53
"""Whole numbers above this are not all exact in double precision."""


@dataclass(frozen=True)
class CountTable:
    """Numbers (dense with NaN for a gap, or SciPy's CSR), ``samples`` in rows and ``genes`` in columns.

    ``format`` is what the file was. ``symbols`` are other names of the genes, and ``sample_columns`` what else is known
    of the samples, where the file holds them.
    """

    path: Path
    values: Any = field(repr=False)
    samples: np.ndarray = field(repr=False)
    genes: np.ndarray = field(repr=False)
    notices: tuple[str, ...] = ()
    symbols: np.ndarray | None = field(default=None, repr=False)
    sample_columns: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    format: str = "text"

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def is_sparse(self) -> bool:
        """Whether only values other than zero are stored."""
        return not isinstance(self.values, np.ndarray)

    def to_frame(self) -> pd.DataFrame:
        """A row per sample, a column per gene; refused where a sparse table would take more than 1 GB."""
        import pandas as pd

        if not self.is_sparse:
            return pd.DataFrame(self.values, self.samples, self.genes)
        size = len(self.samples) * len(self.genes) * self.values.dtype.itemsize
        if size > MOST_DENSE:
            fix = "Use .values (sparse) or .to_anndata()."
            raise InputError("CountTable", "values", "at most 1 GB when dense", f"{size / 2**30:,.1f} GB", fix)
        return pd.DataFrame(self.values.toarray(), self.samples, self.genes)

    def to_anndata(self) -> Any:
        """An AnnData object; needs the ``anndata`` extra."""
        import pandas as pd

        try:
            import anndata
        except ImportError:
            fix = 'Install it with `pip install "genolab[anndata]"`.'
            raise InputError("CountTable", "to_anndata", "the library anndata", "none installed", fix) from None
        genes = pd.DataFrame({} if self.symbols is None else {"symbol": self.symbols}, index=self.genes)
        return anndata.AnnData(self.values, pd.DataFrame(self.sample_columns, index=self.samples), genes)

    def with_symbols(self) -> CountTable:
        """The genes named by their symbol, and by symbol and identifier where the symbol comes more than once."""
        if self.symbols is None:
            raise InputError("CountTable", "symbols", "other names of the genes", "none in this file")
        repeats = Counter(self.symbols)
        pairs = zip(self.symbols, self.genes, strict=True)
        named = [symbol if repeats[symbol] == 1 else f"{symbol}_{gene}" for symbol, gene in pairs]
        return replace(self, genes=np.array(named, object))


def read_counts(path: PathLike, genes: str = "rows", *, layer: str | None = None, values: str = "any") -> CountTable:
    """Read a table of counts or expression: text (CSV, TSV), MatrixMarket, a 10x folder or HDF5 file, or .h5ad.

    What the file is is seen from its content. The result always has samples in rows.

    Parameters
    ----------
    path
        A file, plain or gzipped where it is text, or the folder of a 10x run.
    genes
        Of text and MatrixMarket: whether genes are in ``"rows"``, as in most files, or in ``"columns"``. Text has names
        in its first row and column; its separator (tab, comma, semicolon) is taken from the header, which may lack
        the corner cell, as R writes it.
    layer
        Of .h5ad: the layer to read; ``None`` reads ``X``.
    values
        ``"any"``; ``"amounts"``, which refuses gaps and what is below zero, by place, and says what is not whole; or
        ``"counts"``, which refuses that too.

    Raises
    ------
    FileError
        By line or field: rows of unequal length, text where a number must be, a name that comes twice or is empty,
        infinite numbers, places off the matrix, sizes that the file cannot hold, links to other files.
    """
    for name, value, known in (("genes", genes, ("rows", "columns")), ("values", values, ("any", "amounts", "counts"))):
        if value not in known:
            raise InputError("read_counts", name, " or ".join(map(repr, known)), repr(value))
    table = _read(path, genes, layer)
    if values != "any":
        table = _checked_counts(table, genes, whole=values == "counts")
    spoilt = spoilt_names(table.genes)
    if spoilt:
        said = f"{len(spoilt):,} gene names look like dates or powers of ten made by a spreadsheet"
        table = replace(table, notices=(*table.notices, f"{said}: {', '.join(spoilt[:3])}."))
    return table


def _read(path: PathLike, genes: str, layer: str | None) -> CountTable:
    folder = checked(path, "read_counts")
    if folder.is_dir():
        from genolab.io import tenx

        return tenx.read_folder(folder, "read_counts")
    seen = guard.nature(path, "read_counts")
    if seen.format == "an HDF5 file":
        from genolab.io import anndata_file, hdf5, tenx

        with hdf5.opened(path, "read_counts") as file:
            if tenx.is_tenx(file):
                return tenx.read_file(seen.path, file)
            return anndata_file.read_file(seen.path, file, layer)
    if layer is not None:
        raise InputError("read_counts", "layer", "None for a file without layers", repr(layer))
    if seen.head.startswith(b"%%MatrixMarket"):
        return _market_table(path, genes)
    return _text_table(seen, genes)


def spoilt_names(names: Iterable[Any]) -> list[str]:
    """Names that a spreadsheet has turned into dates or powers of ten."""
    return [text for text in map(str, names) if _DATE.fullmatch(text) or _POWER.fullmatch(text)]


def _market_table(path: PathLike, genes: str) -> CountTable:
    from genolab.io.market import read_market

    market = read_market(path, "read_counts")
    matrix = (market.matrix.T if genes == "rows" else market.matrix).tocsr()
    said = [
        f"{market.matrix.shape[0]:,} rows taken as {'genes' if genes == 'rows' else 'samples'}. A MatrixMarket file "
        "has no names, so they are numbers: give the folder of a 10x run to have names."
    ]
    if market.kind == "pattern":
        said.append("The file has places without values: each counts as 1.")
    samples, columns = (np.array([str(k + 1) for k in range(length)], object) for length in matrix.shape)
    return CountTable(market.path, matrix, samples, columns, tuple(said), format="MatrixMarket")


def _checked_counts(table: CountTable, genes: str, whole: bool) -> CountTable:
    """Refuse the first value that is no count, by its place; fractions, which estimated counts have, are said."""
    held = table.values.data if table.is_sparse else table.values
    fraction = held != np.floor(held)
    wrong = ~(np.isfinite(held) & (held >= 0))
    if not whole and not wrong.any() and fraction.any():
        said = f"{int(fraction.sum()):,} values are not whole: are these estimated counts, or normalised ones?"
        return replace(table, notices=(*table.notices, said))
    wrong |= fraction & whole
    if not wrong.any():
        return table
    line = None
    if table.is_sparse:
        entry = int(np.flatnonzero(wrong)[0])
        row = int(np.searchsorted(table.values.indptr, entry, side="right")) - 1
        column, value = int(table.values.indices[entry]), held[entry]
        if table.format == "MatrixMarket":
            line = _market_line(table, row, column, genes)
    else:
        by_line = wrong.T if genes == "rows" else wrong
        first = [int(place[0]) for place in np.nonzero(by_line)]
        row, column = first[::-1] if genes == "rows" else first
        value, line = held[row, column], first[0] + 2 if table.format == "text" else None
    found = "a missing value" if np.isnan(value) else f"{value:g}"
    found += f" ({int(wrong.sum()):,} values are no counts)"
    raise FileError(
        table.path, line=line, field=f"sample {str(table.samples[row])!r}, gene {str(table.genes[column])!r}",
        expected="whole counts from 0" if whole else "counts from 0", found=found,
        fix="Give the counts before any normalisation, or read with values='any'.",
    )  # fmt: skip


def _market_line(table: CountTable, row: int, column: int, genes: str) -> int | None:
    from genolab.io.market import read_market

    market = read_market(table.path, "read_counts")
    place = (column, row) if genes == "rows" else (row, column)
    at = np.flatnonzero((market.matrix.row == place[0]) & (market.matrix.col == place[1]))
    return market.line(int(at[0])) if at.size else None


def _text_table(seen: guard.Nature, genes: str) -> CountTable:
    if seen.format:
        guard.expect(seen.path, "read_counts", "a table of text")
    guard.whole(seen)
    text = guard.text_of(seen).removeprefix(b"\xef\xbb\xbf")
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    separator = separator_of(seen.path, lines)
    trailing = all(line.endswith(separator.encode()) for line in lines)
    if trailing:
        lines = [line[:-1] for line in lines]
    columns = _checked_header(seen.path, lines, separator)
    _check_widths(seen.path, lines, separator, len(columns) + 1)
    body = b"\n".join(lines[1:])
    comma = separator == ";" and b"," in body and b"." not in body
    rows, values = _numbers(seen.path, body, separator, columns, "," if comma else ".")
    _check_names(seen.path, columns, "column")
    _check_names(seen.path, rows, "row")
    names, others = np.array(rows, object), np.array(columns, object)
    shape = f"{len(rows):,} rows taken as {'genes' if genes == 'rows' else 'samples'}"
    notices = [f"{shape}, {len(columns):,} columns as {'samples' if genes == 'rows' else 'genes'}."]
    if trailing:
        notices.append("Every line ends with a separator: the empty last column is left out.")
    if comma:
        notices.append("Commas are taken as decimal points.")
    notices += _remarks(seen.path, values, columns)
    if genes == "rows":
        return CountTable(seen.path, np.ascontiguousarray(values.T), others, names, tuple(notices))
    return CountTable(seen.path, values, names, others, tuple(notices))


def _remarks(path: Path, values: np.ndarray, columns: list[str]) -> list[str]:
    """What is worth knowing of the numbers; infinite ones are refused by line."""
    said = []
    if values.dtype.kind == "f":
        infinite = np.argwhere(np.isinf(values))
        if len(infinite):
            row, column = infinite[0]
            fix = "A number above 1.8e308, or a division by zero: correct the cell."
            raise FileError(
                path,
                line=int(row) + 2,
                field=f"column {columns[column]!r}",
                expected="a finite number",
                found="inf",
                fix=fix,
            )
        missing = int(np.isnan(values).sum())
        if missing:
            said.append(f"{missing:,} values are missing.")
    if values.size and np.nanmax(np.abs(values), initial=0) > EXACT:
        said.append(f"Values above {EXACT:,} are not exact in double precision.")
    empty = [name for name, column in zip(columns, values.T, strict=True) if not column.any()]
    if empty:
        said.append(f"Columns without any value but 0: {', '.join(empty[:5])}.")
    return said


def separator_of(path: Path, lines: list[bytes]) -> str:
    """What stands between the cells of a table's header."""
    if len(lines) < 2:
        found, fix = f"{len(lines)} lines", "Save the table with its rows."
        raise FileError(path, line=len(lines) + 1, expected="a header and at least one row", found=found, fix=fix)
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
        fix = "Complete the row or the header."
        raise FileError(path, line=2, expected="as many cells as the header has names", found=found, fix=fix)
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


def _numbers(path: Path, body: bytes, separator: str, columns: list[str], decimal: str) -> tuple[list[str], np.ndarray]:
    import pandas as pd

    missing: Any = {place: list(_MISSING) for place in range(1, len(columns) + 1)}  # a row may be named NA
    try:
        read = pd.read_csv(
            BytesIO(body), sep=separator, header=None, dtype={0: str}, na_values=missing, keep_default_na=False,
            low_memory=False, decimal=decimal,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        row = re.search(r"(?:row|line) (\d+)", str(error))
        line, found = int(row[1]) + 2 if row else 2, str(error).rpartition("error: ")[2]
        fix = "Close the quotation mark, or take it out."
        raise FileError(path, line=line, expected="a table of numbers", found=found, fix=fix) from None
    for place, name in enumerate(columns, 1):
        cells = read.iloc[:, place]
        if cells.dtype.kind not in "iuf":
            is_number = pd.to_numeric(cells, errors="coerce").notna() & (cells.dtype.kind != "b")
            wrong = _first(~is_number & cells.notna(), cells)
            found = repr(str(cells.iloc[wrong])[:40])
            fix = "Remove the column, or correct the cell; a decimal comma must be a point."
            raise FileError(path, line=wrong + 2, field=f"column {name!r}", expected="a number", found=found, fix=fix)
    return [str(name) for name in read.iloc[:, 0]], read.iloc[:, 1:].to_numpy()


def _check_names(path: Path, names: list[str], what: str) -> None:
    lines: dict[str, int] = {}
    for number, name in enumerate(names):
        line = number + 2 if what == "row" else 1
        if not name.strip():
            raise FileError(path, line=line, expected=f"a name for every {what}", found="an empty one", fix="Name it.")
        if name in lines:
            place = f"{name!r} twice" + (f", first on line {lines[name]:,}" if what == "row" else "")
            fix = "Sum or rename them first."
            raise FileError(path, line=line, expected=f"{what} names that differ", found=place, fix=fix)
        lines[name] = line


def _first(wrong: Any, cells: Any) -> int:
    """The first wrong cell; where each is a number, the first that no 64 bits hold."""
    if not wrong.any():
        wrong = np.array([abs(float(cell)) >= 2**63 for cell in cells])
    return int(np.flatnonzero(wrong)[0])

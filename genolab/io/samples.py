"""Sample sheets as text (CSV, TSV): what is known of each sample, joined to a table by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import FileError
from genolab.io import guard
from genolab.io.counts import cells_of, separator_of
from genolab.io.paths import PathLike

if TYPE_CHECKING:
    import pandas as pd

_MISSING = ("", "NA", "NaN", "nan", "null", "N/A")


@dataclass(frozen=True)
class SampleSheet:
    """``columns`` by name, a value per sample: numbers (float64 or int64) where every cell is one, else text."""

    path: Path
    samples: np.ndarray = field(repr=False)
    columns: dict[str, np.ndarray] = field(repr=False)
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    def to_frame(self) -> pd.DataFrame:
        """A row per sample."""
        import pandas as pd

        return pd.DataFrame(self.columns, index=pd.Index(self.samples, name="sample"))


def read_samples(path: PathLike, names: Sequence[str] | None = None) -> SampleSheet:
    """Read a sheet with a row per sample below a header; ``names`` are the samples it is joined to, in their order.

    Names stand in the first column, or with ``names`` in whichever column holds the most of them. Rows of other samples
    are left out with a notice.

    Raises
    ------
    FileError
        A row of another length, a name that comes twice, or a sample of ``names`` without a row.
    """
    seen = guard.nature(path, "read_samples")
    if seen.format:
        guard.expect(path, "read_samples", "a table of text")
    guard.whole(seen)
    lines = guard.text_of(seen).removeprefix(b"\xef\xbb\xbf").splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    separator = separator_of(seen.path, lines)
    rows = [cells_of(seen.path, line, number, separator) for number, line in enumerate(lines, 1)]
    header, body = _header(seen.path, rows)
    table = list(zip(*body, strict=True))
    wanted = None if names is None else [str(name) for name in names]
    at = _name_column(table, wanted)
    found = _checked_names(seen.path, [cell.strip() for cell in table[at]])
    notices: tuple[str, ...] = ()
    order = list(range(len(found)))
    if wanted is not None:
        order, notices = _joined(seen.path, found, wanted)
    columns = {
        name or f"column {place + 1}": _typed([cells[row] for row in order])
        for place, (name, cells) in enumerate(zip(header, table, strict=True))
        if place != at
    }
    return SampleSheet(seen.path, np.array([found[row] for row in order], object), columns, notices)


def _header(path: Path, rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """The names of the columns and the rows below; the corner cell may be missing, as R writes it."""
    header, body = [cell.strip() for cell in rows[0]], rows[1:]
    width = len(body[0])
    if len(header) == width - 1:
        header = ["", *header]
    for number, row in enumerate(body, 2):
        if len(row) != len(header):
            wanted, fix = f"{len(header):,} cells, as in the header", "Complete the row, or remove what is too much."
            raise FileError(path, line=number, expected=wanted, found=f"{len(row):,}", fix=fix)
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise FileError(path, line=1, expected="column names that differ", found=f"{twice!r} twice", fix="Rename one.")
    return header, body


def _name_column(table: list[tuple[str, ...]], wanted: list[str] | None) -> int:
    if wanted is None:
        return 0
    known = set(wanted)
    held = [len(known & {cell.strip() for cell in cells}) for cells in table]
    return held.index(max(held))


def _checked_names(path: Path, names: list[str]) -> list[str]:
    lines: dict[str, int] = {}
    for line, name in enumerate(names, 2):
        if not name:
            raise FileError(path, line=line, expected="a name for every sample", found="an empty one")
        if name in lines:
            found = f"{name!r} twice, first on line {lines[name]:,}"
            raise FileError(path, line=line, expected="one row per sample", found=found, fix="Remove one of them.")
        lines[name] = line
    return names


def _joined(path: Path, found: list[str], wanted: list[str]) -> tuple[list[int], tuple[str, ...]]:
    """Rows in the order of the samples wanted, and what was left out."""
    rows = {name: row for row, name in enumerate(found)}
    absent = [name for name in wanted if name not in rows]
    if absent:
        others = f" and {len(absent) - 1:,} more" if len(absent) > 1 else ""
        close = difflib.get_close_matches(absent[0], found, 1, 0.6)
        near = close[0] if close else found[0]
        fix = f"The sheet has {near!r}. Names must be spelt as in the table of counts."
        raise FileError(
            path, expected="a row for every sample of the counts", found=f"none for {absent[0]!r}{others}", fix=fix
        )
    extra = len(found) - len(wanted)
    said = (f"{extra:,} rows of the sample sheet have no counts and are left out.",) if extra else ()
    return [rows[name] for name in wanted], said


def _typed(cells: list[str]) -> np.ndarray:
    """Whole numbers, numbers, or text; a missing cell is NaN among numbers and stays empty among text."""
    texts = ["" if cell.strip() in _MISSING else cell.strip() for cell in cells]
    for kind in (int, float):
        try:
            numbers: list[Any] = [float("nan") if not text else kind(text) for text in texts]
        except ValueError:
            continue
        if any(texts) and (kind is float or all(texts)):
            return np.array(numbers)
    return np.array(texts, object)

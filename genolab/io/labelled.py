"""Tables of sequences with a label or a value each (CSV or TSV): what a model learns from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genolab.errors import FileError
from genolab.io import guard
from genolab.io.paths import PathLike

if TYPE_CHECKING:
    import pandas as pd

_FIX = "Complete the table."
_WHO = "read_labelled"
_EXACT = 2.0**53  # from here on two whole numbers may be one float64, and so two classes one


@dataclass(frozen=True)
class LabelledSequences:
    """Sequences in rows: ``labels`` are text, or numbers where every one is a number; ``groups`` None or text.

    ``target`` is the column the labels are from; ``columns`` holds the others, as text, by their names.
    """

    path: Path
    sequences: tuple[str, ...] = field(repr=False)
    labels: np.ndarray = field(repr=False)
    groups: np.ndarray | None = field(repr=False, default=None)
    target: str = "label"
    columns: dict[str, np.ndarray] = field(repr=False, default_factory=dict)

    def __len__(self) -> int:
        return len(self.sequences)

    def to_frame(self) -> pd.DataFrame:
        """A row per sequence."""
        import pandas as pd

        table = pd.DataFrame({"sequence": self.sequences, "label": self.labels})
        return table if self.groups is None else table.assign(group=self.groups)


def read_labelled(path: PathLike, target: str | None = None) -> LabelledSequences:
    """Read a table with a header: a column ``sequence``, one ``label`` or ``value``, perhaps one ``set`` or ``group``.

    ``target`` names another column to take the labels from.

    Raises
    ------
    FileError
        A missing column, an empty cell, a value that is no number: with its line.
    """
    import pandas as pd

    seen = guard.nature(path, _WHO)
    if seen.format:
        guard.expect(path, _WHO, "a table of text")
    text = guard.text_of(seen).removeprefix(b"\xef\xbb\xbf")
    head = guard.decoded(text.split(b"\n", 1)[0], seen.path, 1)
    if not text.isascii() or b"\0" in text:
        for number, line in enumerate(text.split(b"\n"), 1):
            guard.decoded(line, seen.path, number)
    separator = "\t" if "\t" in head else ";" if ";" in head else ","
    try:
        table = pd.read_csv(BytesIO(text), sep=separator, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:  # pandas' own parser errors are ValueErrors
        fix = "Save it as CSV with a header."
        place = re.search(r"line (\d+)", str(error))
        at = int(place[1]) if place else 1
        raise FileError(seen.path, line=at, expected="a table", found=str(error).strip()[:160], fix=fix) from None
    names = {str(name).strip().lower(): str(name) for name in table.columns}
    label = names.get("label") or names.get("value")
    if target is not None:
        label = names.get(target.strip().lower())
        if label is None:
            expected, found = f"a column named {target}", ", ".join(map(str, table.columns))[:80]
            raise FileError(seen.path, line=1, expected=expected, found=found)
    if "sequence" not in names or label is None:
        expected = "columns named sequence and label (or value)"
        raise FileError(seen.path, line=1, expected=expected, found=", ".join(map(str, table.columns))[:80], fix=_FIX)
    if not len(table):
        raise FileError(seen.path, line=2, expected="one sequence or more", found="a header alone", fix=_FIX)
    for name in (names["sequence"], label):
        empty = np.flatnonzero(table[name].str.strip() == "")
        if empty.size:
            raise FileError(
                seen.path, line=int(empty[0]) + 2, field=name, expected="something", found="nothing", fix=_FIX
            )
    group = names.get("group") or names.get("set")
    labels = _values(seen.path, table[label], label.lower() == "value")
    others = [name for name in names.values() if name not in (names["sequence"], label)]
    return LabelledSequences(
        seen.path, tuple(table[names["sequence"]].str.strip()), labels,
        None if group is None else table[group].to_numpy(object), label,
        {name: table[name].str.strip().to_numpy(object) for name in others},
    )  # fmt: skip


def _values(path: Path, cells: pd.Series[str], numbers: bool) -> np.ndarray:
    import pandas as pd

    read = pd.to_numeric(cells, errors="coerce").to_numpy(float)
    wrong = np.flatnonzero(~np.isfinite(read))
    if numbers and wrong.size:
        line, found = int(wrong[0]) + 2, repr(str(cells.iloc[wrong[0]])[:40])
        raise FileError(path, line=line, field="value", expected="a finite number", found=found)
    exact = not wrong.size and np.abs(read).max() < _EXACT
    if exact and not numbers and (np.rint(read) == read).all():
        return read.astype(np.int64)
    if not wrong.size and (numbers or exact or not cells.str.strip().str.fullmatch(r"[-+]?\d+").all()):
        return read
    return cells.str.strip().to_numpy(object).astype(str)

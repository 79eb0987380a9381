"""Text from files as text: what a name may do on a page or in a spreadsheet is taken from it, nothing else."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
_FORMULA = re.compile(r"\s*[=+\-@|\t\r＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf|nan", re.I)


def plain(text: str, lines: bool = False) -> str:
    """The text with control and formatting characters shown as U+FFFD: those that turn its direction, hide or move on.

    With ``lines`` the ends of lines and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) in _UNSEEN and sign not in kept else sign
        for sign in text
    )


def cell(value: Any) -> Any:
    """A cell that no spreadsheet runs: an apostrophe before text that begins as a formula does; numbers stay."""
    if isinstance(value, str) and ("\r" in value or "\n" in value):
        value = plain(value)  # a spreadsheet would begin a row there, and perhaps a formula
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value.strip()):
        return "'" + value
    return value


def csv_of(
    frame: pd.DataFrame, index: bool = False, separator: str = ",", path: str | os.PathLike[str] | None = None
) -> str:
    """A table as CSV in which every cell, name of a row and name of a column is safe in a spreadsheet.

    It is written to ``path`` where one is given, and returned otherwise.
    """
    safe = frame.copy(deep=False)
    for place, kind in enumerate(frame.dtypes):
        if getattr(kind, "kind", "O") not in "biufcmM":
            safe.isetitem(place, [cell(value) for value in frame.iloc[:, place]])
    safe.columns = [cell(name) for name in frame.columns]
    if index:
        safe.index = frame.index.map(cell)
    return safe.to_csv(path, sep=separator, index=index) or ""

"""MatrixMarket files of counts: coordinates or a whole array, plain or compressed, checked before they are parsed."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from genolab.errors import FileError
from genolab.io import guard
from genolab.io.paths import PathLike

BANNER = b"%%MatrixMarket"
MOST_PACKED = 1032
"""No deflate stream holds more bytes than this for each of its own."""

_KINDS = ("integer", "real", "pattern", "unsigned-integer")
_ODD_REAL = re.compile(rb"[^0-9a-zA-Z+. \t\r\n-]")
_ODD = re.compile(rb"[^0-9 \t\r\n-]")
_NUMBER = rb"[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|(?i:nan|inf|infinity))"
_NO_NUMBER = re.compile(rb"(?<![^ \t\r\n])(?!" + _NUMBER + rb"(?:[ \t\r\n]|\Z))[^ \t\r\n]+")


@dataclass(frozen=True)
class Market:
    """A matrix as in the file: rows and columns from 0; ``first`` is the line of its first entry."""

    path: Path
    matrix: Any
    first: int
    kind: str

    def line(self, entry: int) -> int | None:
        """The line of an entry, counted from 1; None where entries are not a line each."""
        return self.first + entry if self.kind != "array" else None


def read_market(path: PathLike, who: str) -> Market:
    """The matrix of a MatrixMarket file, as SciPy's COO with int64 or float64 values.

    Raises
    ------
    FileError
        By line: a banner or sizes that are none, more entries than the file can hold, places off the matrix, a place
        that comes twice, text or a fraction where a whole number must be, NaN, lines that are missing or too many.
    """
    seen = guard.nature(path, who)
    if not seen.head.startswith(BANNER):
        found = repr(seen.head[:30].split(b"\n")[0].decode(errors="replace"))
        raise FileError(seen.path, line=1, expected="a MatrixMarket banner", found=found, fix=guard.SURE)
    guard.whole(seen)
    layout, kind = _banner(seen)
    sizes, first = _sizes(seen, layout)
    _check_plausible(seen, layout, sizes, first)
    text = guard.text_of(seen)
    body = text[_offset(text, first - 1) :]
    if kind != "real":
        odd = _ODD.search(body)
        if odd:
            line = first + body.count(b"\n", 0, odd.start())
            raise FileError(
                seen.path, line=line, expected="whole numbers, as the banner says", found=_line(body, odd.start()),
                fix="Correct the line, or write real in the banner.",
            )  # fmt: skip
    odd = _ODD_REAL.search(body)  # SciPy's parser follows a NUL out of its memory
    if odd:
        line = first + body.count(b"\n", 0, odd.start())
        found = _line(body, odd.start())
        raise FileError(seen.path, line=line, expected="numbers", found=found, fix=guard.SURE)
    _check_numbers(seen.path, body, first)
    _check_widths(seen.path, body, {"coordinate": 3 - (kind == "pattern"), "array": 1}[layout], first)
    matrix = _parsed(seen.path, text, sizes, body, first)
    return Market(seen.path, matrix, first, "array" if layout == "array" else kind)


def _banner(seen: guard.Nature) -> tuple[str, str]:
    words = seen.head.split(b"\n", 1)[0].decode(errors="replace").lower().split()[1:]
    fits = len(words) == 4 and words[0] == "matrix" and words[1] in ("coordinate", "array") and words[2] in _KINDS
    if not fits or words[3] != "general" or words[1:3] == ["array", "pattern"]:
        wanted = "matrix, coordinate or array, integer, real or pattern, general"
        fix = "Counts are no symmetric or complex matrix: write it again as a general one."
        raise FileError(seen.path, line=1, field="banner", expected=wanted, found=repr(" ".join(words)), fix=fix)
    return words[1], "real" if words[2] == "real" else "pattern" if words[2] == "pattern" else "integer"


def _sizes(seen: guard.Nature, layout: str) -> tuple[list[int], int]:
    """The numbers below the comments, and the line where entries begin."""
    lines = seen.head.split(b"\n")
    for number, line in enumerate(lines[1:], 2):
        if line.startswith(b"%") or not line.strip():
            continue
        words = line.split()
        wanted = "rows, columns and entries" if layout == "coordinate" else "rows and columns"
        sizes = [int(word) if word.isdigit() else -1 for word in words]
        if len(sizes) != (3 if layout == "coordinate" else 2) or min(sizes) < 0:
            found = repr(line.decode(errors="replace")[:60])
            raise FileError(seen.path, line=number, expected=f"{wanted}, from 0", found=found, fix=guard.SURE)
        return sizes, number + 1
    raise FileError(seen.path, line=len(lines), expected="a line of sizes", found="none", fix=guard.SURE)


def _check_plausible(seen: guard.Nature, layout: str, sizes: list[int], first: int) -> None:
    """Refuse what the file cannot hold before memory is taken for it."""
    rows, columns = sizes[:2]
    entries = sizes[2] if layout == "coordinate" else rows * columns
    room = seen.path.stat().st_size * (MOST_PACKED if seen.compression else 1)
    least = 4 if layout == "coordinate" else 2
    if entries > rows * columns or entries * least > room + least or max(rows, columns) >= 2**31:
        found = f"{entries:,} entries of {rows:,} x {columns:,} in {seen.path.stat().st_size:,} bytes"
        fix = "The sizes are wrong, or the file was cut: " + guard.SURE.lower()
        raise FileError(seen.path, line=first - 1, expected="sizes that the file can hold", found=found, fix=fix)


def _offset(text: bytes, lines: int) -> int:
    at = 0
    for _ in range(lines):
        at = text.find(b"\n", at) + 1
        if at == 0:
            return len(text)
    return at


def _check_widths(path: Path, body: bytes, width: int, first: int) -> None:
    """Each line has as many cells as it must. One count tells, unless spaces are doubled or lines are empty."""
    lines = body.count(b"\n") + (not body.endswith(b"\n") and body != b"")
    marks = body.count(b" ") + body.count(b"\t")
    if marks == lines * (width - 1) and b"\n\n" not in body and width > 1:
        return  # fewer cells on some line would be more on another; the parser finds those with fewer
    for number, line in enumerate(body.split(b"\n"), first):
        cells = len(line.split())
        if cells not in (0, width):
            found = f"{cells}: {line.decode(errors='replace').strip()[:40]!r}"
            raise FileError(path, line=number, expected=f"{width} numbers", found=found, fix=guard.SURE)


def _check_numbers(path: Path, body: bytes, first: int) -> None:
    """Each cell is a number to its end: SciPy's parser takes ``7abc`` and ``7-3`` for 7."""
    if set(body.translate(None, b"0123456789").split()) <= {b"."}:
        return  # what is left of plain numbers without their digits; only others are looked at one by one
    odd = _NO_NUMBER.search(body)
    if odd:
        line, found = first + body.count(b"\n", 0, odd.start()), repr(odd[0].decode(errors="replace")[:40])
        raise FileError(path, line=line, expected="a number", found=found, fix=guard.SURE)


def _parsed(path: Path, text: bytes, sizes: list[int], body: bytes, first: int) -> Any:
    import scipy.io
    import scipy.sparse

    if not text.endswith(b"\n"):
        text += b"\n"  # SciPy's parser looks for the line's end, past the last byte where something follows a number
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the class it returns, which is changed below
            found = scipy.io.mmread(BytesIO(text))
    except (ValueError, OverflowError) as error:
        place = re.match(r"Line (\d+): (.*)", str(error))
        number = int(place[1]) if place else first + body.count(b"\n")
        reason = (place[2] if place else str(error)).rstrip(".")
        expected = f"{sizes[2]:,} entries within {sizes[0]:,} x {sizes[1]:,}" if len(sizes) == 3 else "a whole array"
        fix = "Rows and columns count from 1. " + guard.SURE
        raise FileError(path, line=number, expected=expected, found=reason[0].lower() + reason[1:], fix=fix) from None
    matrix = scipy.sparse.coo_array(found)
    if len(sizes) == 3:
        _check_places(path, matrix, first)
    wrong = ~np.isfinite(matrix.data)
    if wrong.any():
        entry = int(np.flatnonzero(wrong)[0])
        line = first + entry if len(sizes) == 3 else None
        raise FileError(
            path, line=line, expected="finite numbers", found=f"{matrix.data[entry]}",
            fix="Leave out what is not known, or write it as a table of text with NA.",
        )  # fmt: skip
    return matrix


def _check_places(path: Path, matrix: Any, first: int) -> None:
    place = matrix.row.astype(np.int64) * matrix.shape[1] + matrix.col
    in_order = np.sort(place)
    twice = np.flatnonzero(in_order[1:] == in_order[:-1])
    if twice.size:
        row, column = divmod(int(in_order[twice[0]]), matrix.shape[1])
        entry = int(np.flatnonzero(place == in_order[twice[0]])[1])
        found = f"row {row + 1:,}, column {column + 1:,} twice"
        fix = "Add the entries up first, or find out which of them is right."
        raise FileError(path, line=first + entry, expected="each place once", found=found, fix=fix)


def _line(body: bytes, at: int) -> str:
    start, end = body.rfind(b"\n", 0, at) + 1, body.find(b"\n", at)
    return repr(body[start : end if end >= 0 else None].decode(errors="replace").strip()[:40])

"""BED: intervals of contigs, read line by line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genolab.errors import FileError
from genolab.io import guard
from genolab.io.paths import PathLike

if TYPE_CHECKING:
    import pandas as pd

_LARGEST = 2**31 - 1
_NUMBER = re.compile(r"[0-9]{1,10}")
_HEADS = ("track", "browser", "#")
_FIX = "Correct the line: contig, start (0-based), end (exclusive), separated by tabs."


@dataclass(frozen=True)
class BedIntervals:
    """Intervals in file order: ``contig`` and ``name`` (text), ``start`` and ``end`` (int64, half-open)."""

    path: Path
    contig: np.ndarray = field(repr=False)
    start: np.ndarray = field(repr=False)
    end: np.ndarray = field(repr=False)
    name: np.ndarray = field(repr=False)
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.start)

    def to_frame(self) -> pd.DataFrame:
        """Columns contig, start, end, name; 0-based and half-open as in the file."""
        import pandas as pd

        return pd.DataFrame({"contig": self.contig, "start": self.start, "end": self.end, "name": self.name})


def read_bed(path: PathLike, contigs: Mapping[str, int] | None = None) -> BedIntervals:
    """Read a BED file, plain or compressed; with ``contigs`` (name to length) intervals outside them are refused.

    Refused with ``FileError`` by line: fewer than three columns, a number of columns that changes, a start or end that
    is not a whole number, a start after its end. Unsorted, empty and doubtful intervals are kept and said.
    """
    seen = guard.nature(path, "read_bed")
    if seen.format:
        guard.expect(path, "read_bed", "BED")
    guard.whole(seen)
    rows: list[tuple[str, int, int, str]] = []
    width, disordered, empty, scores = 0, 0, 0, 0
    comments: list[int] = []
    places: dict[str, int] = {}
    for number, raw in enumerate(guard.text_of(seen).splitlines(), 1):
        line = guard.decoded(raw, seen.path, number).rstrip()
        if not line or line.startswith(_HEADS):
            comments += [number] if rows and line else []
            continue
        parts = line.split("\t") if "\t" in line else line.split()
        width = width or len(parts)
        contig, start, end = _interval(parts, width, seen.path, number, contigs)
        # BED5's score is only for shading, so a wrong one is said and not refused.
        scores += len(parts) > 4 and not (_NUMBER.fullmatch(parts[4]) and int(parts[4]) <= 1000)
        empty += start == end
        # In order means: starts rise within a contig, and a contig's intervals stand together.
        disordered += contig in places and (start < places[contig] or rows[-1][0] != contig)
        places[contig] = max(places.get(contig, 0), start)
        rows.append((contig, start, end, parts[3] if len(parts) > 3 else ""))
    notices = []
    if not rows:
        notices.append("The file has no intervals.")
    if comments:
        notices.append(f"{len(comments):,} comment lines between intervals are left out (first: line {comments[0]:,}).")
    if disordered:
        notices.append(f"{disordered:,} intervals are not in the order of their positions.")
    if empty:
        notices.append(f"{empty:,} intervals are empty (start = end).")
    if scores:
        notices.append(f"{scores:,} scores are not whole numbers from 0 to 1000; scores are not used.")
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return BedIntervals(
        seen.path, np.array(columns[0], object), np.array(columns[1], np.int64), np.array(columns[2], np.int64),
        np.array(columns[3], object), tuple(notices),
    )  # fmt: skip


def _interval(
    parts: list[str], width: int, path: Path, number: int, contigs: Mapping[str, int] | None
) -> tuple[str, int, int]:
    def refuse(name: str, expected: str, found: str) -> FileError:
        return FileError(path, line=number, field=name, expected=expected, found=found, fix=_FIX)

    if len(parts) < 3:
        raise refuse("columns", "at least contig, start and end", f"{len(parts)}: {' '.join(parts)[:40]!r}")
    if len(parts) != width:
        raise refuse("columns", f"{width}, as on the first line", str(len(parts)))
    contig, *numbers = parts[:3]
    for name, text in zip(("start", "end"), numbers, strict=True):
        if not _NUMBER.fullmatch(text) or int(text) > _LARGEST:
            raise refuse(name, "a whole number from 0 to 2,147,483,647", repr(text[:40]))
    start, end = (int(text) for text in numbers)
    if start > end:
        raise refuse("start, end", "a start not after the end", f"{start:,}, {end:,}")
    if contigs is not None and contig not in contigs:
        raise refuse("contig", f"a contig of the reads ({', '.join(list(contigs)[:3])} ...)", repr(contig))
    if contigs is not None and end > contigs[contig]:
        raise refuse("end", f"at most {contigs[contig]:,}, the length of {contig}", f"{end:,}")
    return contig, start, end

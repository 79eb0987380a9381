"""Pedigrees (.ped, .fam) and tables of ploidy: who is whose child, and how many copies a place has."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from genolab.errors import FileError
from genolab.io import guard
from genolab.io.paths import PathLike


@dataclass(frozen=True)
class Pedigree:
    """``parents`` maps a child to (father, mother), None for one who is not known; ``sex`` is "M" or "F", if known."""

    parents: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    sex: dict[str, str] = field(default_factory=dict)
    path: Path | None = None


def read_pedigree(path: PathLike) -> Pedigree:
    """Read a .ped or .fam file: family, sample, father, mother, sex (1 male, 2 female), whatever follows.

    Raises
    ------
    FileError
        A line with fewer than five columns, a sample that comes twice, one that is its own parent, a father who is
        said to be female or a mother male.
    """
    parents: dict[str, tuple[str | None, str | None]] = {}
    sex: dict[str, str] = {}
    lines: dict[str, int] = {}
    seen = _table(path, "read_pedigree")
    for number, cells in seen:
        if len(cells) < 5:
            expected = "family, sample, father, mother and sex"
            raise FileError(path, line=number, expected=expected, found=f"{len(cells)} columns")
        _, name, father, mother, said = cells[:5]
        if name in lines:
            raise FileError(
                path, line=number, expected="each sample once", found=f"{name!r} again (line {lines[name]})"
            )
        lines[name] = number
        known = tuple(None if each in ("0", ".", "-9") else each for each in (father, mother))
        if name in known:
            raise FileError(path, line=number, expected="other samples as parents", found=f"{name!r} as its own parent")
        if any(known):
            parents[name] = (known[0], known[1])
        if said in ("1", "2"):
            sex[name] = "M" if said == "1" else "F"
    for child, (father_of, mother_of) in parents.items():
        for parent, wrong, word in ((father_of, "F", "father"), (mother_of, "M", "mother")):
            if parent is not None and sex.get(parent) == wrong:
                found = f"{parent!r} as the {word} of {child!r}, with sex {2 if wrong == 'F' else 1}"
                raise FileError(path, line=lines[child], expected="a father of sex 1, a mother of sex 2", found=found)
    return Pedigree(parents, sex, Path(path))


@dataclass(frozen=True)
class PloidyTable:
    """``rows`` of contig, start (0-based), end, sex ("M", "F" or "*") and copies; ``usual`` where no row speaks."""

    rows: tuple[tuple[str, int, int, str, int], ...]
    usual: int


def read_ploidy(path: PathLike) -> PloidyTable:
    """Read a file of contig, first, last (1-based), sex and copies, as ``bcftools call --ploidy-file`` takes it.

    Raises
    ------
    FileError
        A line without five columns, a place or copies that are no whole number, a sex that is not M, F or ``*``.
    """
    rows, usual = [], 2
    for number, cells in _table(path, "read_ploidy"):
        if len(cells) != 5:
            raise FileError(
                path, line=number, expected="contig, first, last, sex and copies", found=f"{len(cells)} columns"
            )
        contig, first, last, sex, copies = cells
        if sex not in ("M", "F", "*") or not copies.isdigit():
            raise FileError(path, line=number, expected="sex M, F or *, then copies", found=f"{sex!r} {copies!r}")
        if contig == "*":
            usual = int(copies)
            continue
        if not (first.isdigit() and last.isdigit()) or not 1 <= int(first) <= int(last):
            raise FileError(path, line=number, expected="first and last, from 1 on", found=f"{first!r} {last!r}")
        rows.append((contig, int(first) - 1, int(last), sex, int(copies)))
    return PloidyTable(tuple(rows), usual)


def _table(path: PathLike, who: str) -> list[tuple[int, list[str]]]:
    """The cells of each line that is neither empty nor a comment, with its number."""
    seen = guard.nature(path, who)
    if seen.format:
        guard.expect(path, who, "a table of text")
    guard.whole(seen)
    lines = enumerate(guard.text_of(seen).splitlines(), 1)
    rows = [(number, guard.decoded(line, seen.path, number).split()) for number, line in lines]
    return [(number, cells) for number, cells in rows if cells and not cells[0].startswith("#")]

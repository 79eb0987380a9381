"""FASTA and FASTQ as plain sequences: names and letters, whatever the alphabet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from genolab.errors import FileError
from genolab.io import guard
from genolab.io.paths import PathLike

MOST = 2**30
"""The most bytes of text that are read: sequences are kept in memory."""

_ODD = re.compile(rb"[^\x01-\x7f]")
_FIX = "Correct the file or download it again."


@dataclass(frozen=True)
class NamedSequences:
    """The records of a file, in order: ``names`` up to the first blank, ``sequences`` as written."""

    path: Path
    names: tuple[str, ...] = field(repr=False)
    sequences: tuple[str, ...] = field(repr=False)


def read_sequences(path: PathLike) -> NamedSequences:
    """Read a FASTA or FASTQ file, plain or gzipped; which letters are allowed is the caller's to say.

    Raises
    ------
    FileError
        If the file is of another kind, is cut, or a record is not whole: with its line.
    """
    seen = guard.expect(path, "read_sequences", "FASTA", "FASTQ")
    guard.whole(seen)
    data = guard.text_of(seen, MOST)
    odd = _ODD.search(data)
    if odd:
        line, found = data.count(b"\n", 0, odd.start()) + 1, guard.shown(odd[0])
        raise FileError(seen.path, line=line, expected="plain text (ASCII)", found=found, fix=_FIX)
    lines = data.decode("ascii").splitlines()
    names, sequences = _fasta(lines, seen.path) if seen.format == "FASTA" else _fastq(lines, seen.path)
    for number, name in enumerate(names, 1):
        if not name:
            raise FileError(seen.path, record=number, field="name", expected="a name", found="nothing", fix=_FIX)
    return NamedSequences(seen.path, tuple(names), tuple(sequences))


def _fasta(lines: list[str], path: Path) -> tuple[list[str], list[str]]:
    heads = [number for number, line in enumerate(lines) if line.startswith(">")]
    before = next((k for k, line in enumerate(lines[: heads[0] if heads else None], 1) if line.strip()), None)
    if before is not None:
        shown = repr(lines[before - 1][:30])
        raise FileError(path, line=before, field="name", expected="a line that starts with >", found=shown, fix=_FIX)
    names = [_name(lines[number]) for number in heads]
    ends = [*heads[1:], len(lines)]
    return names, ["".join(lines[a + 1 : b]).replace(" ", "") for a, b in zip(heads, ends, strict=True)]


def _fastq(lines: list[str], path: Path) -> tuple[list[str], list[str]]:
    """Four lines a record, as every sequencer writes it."""
    while lines and not lines[-1]:
        lines.pop()
    heads, sequences, pluses, qualities = lines[0::4], lines[1::4], lines[2::4], lines[3::4]
    for record in range(len(heads)):
        line = 4 * record + 1
        if not heads[record].startswith("@"):
            raise _broken(path, record, line, "name", "a line that starts with @", repr(heads[record][:30]))
        if record >= len(pluses) or record >= len(qualities):
            raise _broken(
                path, record, len(lines), "record", "four lines", f"{len(lines) - line + 1}: the file was cut"
            )
        if not pluses[record].startswith("+"):
            raise _broken(path, record, line + 2, "separator", "a line that starts with +", repr(pluses[record][:30]))
        bases, scores = len(sequences[record]), len(qualities[record])
        if bases != scores:
            raise _broken(path, record, line + 3, "qualities", f"{bases:,}, one a base", f"{scores:,}")
    return [_name(head) for head in heads], sequences


def _name(head: str) -> str:
    words = head[1:].split(maxsplit=1)
    return words[0] if words else ""


def _broken(path: Path, record: int, line: int, what: str, expected: str, found: str) -> FileError:
    return FileError(path, record=record + 1, line=line, field=what, expected=expected, found=found, fix=_FIX)

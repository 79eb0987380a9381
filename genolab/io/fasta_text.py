"""FASTA as text: checked line by line, kept whole where it is small."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from genolab.errors import FileError
from genolab.io import guard

LETTERS = b"ACGTUNRYSWKMBDHVacgtunryswkmbdhv."
"""What a reference may hold: bases, IUPAC codes for several bases, either case."""

_CALLABLE = b"ACGTUacgtu"
_FIX = "Correct the file or download it again."


@dataclass
class FastaText:
    """Contigs and their lengths; with ``keep``, their sequences in capitals; what should be said."""

    contigs: dict[str, int] = field(default_factory=dict)
    sequences: dict[str, bytes] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def check_fasta(seen: guard.Nature, keep: bool = False) -> FastaText:
    """Read every line; refuses by line a letter that is no base, a name twice or missing, bytes that are not UTF-8."""
    result = FastaText()
    name, parts, length, width, ragged = "", list[bytes](), 0, 0, False
    uneven: list[str] = []
    empty: list[str] = []
    bases = rna = 0

    def close() -> None:
        if name:
            result.contigs[name] = length
            if keep:
                result.sequences[name] = b"".join(parts).upper().replace(b"U", b"T")
            if ragged:
                uneven.append(name)
            if not length:
                empty.append(name)

    for number, raw in enumerate(_lines(seen), 1):
        line = raw.rstrip(b"\r\n")
        if line.startswith(b">"):
            close()
            name = _name(line, seen, number, result)
            parts, length, width, ragged, short = [], 0, 0, False, False
            continue
        if not line:
            short = True
            continue
        if not name:
            raise FileError(seen.path, line=number, expected="> and a name", found=repr(line[:30]), fix=_FIX)
        wrong = line.translate(None, LETTERS)
        if wrong:
            column = line.index(wrong[:1]) + 1
            found = f"{guard.shown(wrong[:1])} at column {column:,}"
            raise FileError(
                seen.path, line=number, field=f"sequence of {name[:60]}", expected="bases (A C G T N and IUPAC codes)",
                found=found, fix=_FIX,
            )  # fmt: skip
        # faidx needs lines of one width; only the last of a contig may be shorter.
        ragged = ragged or short or len(line) > (width or len(line))
        width = width or len(line)
        short = len(line) < width
        length += len(line)
        bases += len(line) - len(line.translate(None, _CALLABLE))
        rna += line.count(b"U") + line.count(b"u")
        if keep:
            parts.append(line)
    close()
    if uneven:
        result.notices.append(
            f"The lines of {', '.join(uneven[:3])} differ in length; samtools faidx would refuse the file."
        )
    if empty:
        result.notices.append(f"{len(empty):,} contigs have no sequence: {', '.join(empty[:3])}.")
    if rna:
        result.notices.append(f"{rna:,} letters are U (RNA) and are read as T.")
    if not bases:
        result.notices.append("The sequence has 0 callable bases: nothing but N.")
    return result


def _name(line: bytes, seen: guard.Nature, number: int, result: FastaText) -> str:
    words = guard.decoded(line[1:], seen.path, number).split(maxsplit=1)
    if not words or line[1:2].isspace():
        raise FileError(
            seen.path, line=number, field="name", expected="a name after >", found=repr(line[:30].decode()), fix=_FIX
        )
    if words[0] in result.contigs:
        raise FileError(
            seen.path, line=number, field="name", expected="each name once", found=f"{words[0]!r} again", fix=_FIX
        )
    return words[0]


def _lines(seen: guard.Nature) -> Iterator[bytes]:
    try:
        if seen.compression:
            with gzip.open(seen.path) as unpacked:
                yield from unpacked
        else:
            with open(seen.path, "rb") as stream:
                yield from stream
    except (OSError, EOFError, zlib.error) as error:
        raise guard.unpacking_fault(seen, error) from None

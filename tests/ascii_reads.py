"""Reads drawn under a reference as an ASCII picture, turned into arrays, SAM, BAM and FASTA.

The first line is the reference, each other line holds one read, or two mates with space between them::

    picture = draw('''
        ACGTAC--GTACGTACGT
        ..T...  ..
         ,,,,,ag,,--,,
        [TT].....   .......  | mapq=20 quality=12 duplicate
    ''')

That is a forward read with a mismatch and without the insertion, a reverse read with AG inserted and AC deleted, and
a clipped read with its mate. ``.`` and ``,`` repeat the reference on the forward and reverse strand; a letter is that
base (capital: forward, small: reverse); ``-`` is a deletion, ``~`` a skipped stretch (N in CIGAR), ``-`` in the
reference an insertion column. A blank in an insertion column inside a read means that the read has no insertion. Bases
in ``[ ]`` are soft-clipped and take no column.

After ``|``: ``name=``, ``mapq=``, ``quality=`` (one phred value for all bases, or a sign of phred + 33 for each base,
its mate's after it),
and ``duplicate``, ``secondary``, ``supplementary``, ``qcfail``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pysam

_FLAGS = {"secondary": 0x100, "qcfail": 0x200, "duplicate": 0x400, "supplementary": 0x800}


@dataclass
class DrawnRead:
    """One read: 0-based ``position``, ``cigar``, ``sequence``, ``qualities`` (phred), SAM ``flag``."""

    name: str
    flag: int
    position: int
    cigar: str
    sequence: str
    qualities: list[int]
    mapping_quality: int = 60


@dataclass
class Picture:
    """A reference and the reads drawn under it."""

    reference: str
    reads: list[DrawnRead] = field(default_factory=list)
    contig: str = "chr1"
    sample: str = "sample"

    def sam(self) -> str:
        """The picture as SAM text, sorted by position."""
        lines = [
            "@HD\tVN:1.6\tSO:coordinate",
            f"@SQ\tSN:{self.contig}\tLN:{len(self.reference)}",
            f"@RG\tID:{self.sample}\tSM:{self.sample}",
        ]
        for read in sorted(self.reads, key=lambda read: read.position):
            quality = "".join(chr(33 + value) for value in read.qualities)
            lines.append(
                f"{read.name}\t{read.flag}\t{self.contig}\t{read.position + 1}\t{read.mapping_quality}\t{read.cigar}"
                f"\t*\t0\t0\t{read.sequence}\t{quality}\tRG:Z:{self.sample}"
            )
        return "\n".join(lines) + "\n"

    def write_bam(self, path: Path) -> Path:
        """Write the reads as a sorted BAM with its index."""
        text = path.with_suffix(".sam")
        text.write_text(self.sam())
        with pysam.AlignmentFile(str(text)) as source, pysam.AlignmentFile(str(path), "wb", template=source) as target:
            for read in source:
                target.write(read)
        text.unlink()
        pysam.index(str(path))
        return path

    def write_fasta(self, path: Path, width: int = 60) -> Path:
        """Write the reference as FASTA, without an index."""
        lines = [self.reference[i : i + width] for i in range(0, len(self.reference), width)]
        path.write_text(f">{self.contig}\n" + "\n".join(lines) + "\n")
        return path


def draw(text: str, contig: str = "chr1", sample: str = "sample") -> Picture:
    """Parse a picture; see the module's docstring."""
    top, *rows = [line for line in dedent(text.strip("\n")).split("\n") if line.strip()]
    top = top.rstrip()
    picture = Picture(top.replace("-", "").upper(), contig=contig, sample=sample)
    for number, row in enumerate(rows, 1):
        body, _, about = row.partition("|")
        options = dict(part.partition("=")[::2] for part in about.split())
        segments = _segments(body, top)
        quality = options.get("quality", "30")
        for i, (start, cells) in enumerate(segments):
            if start + len(cells) > len(top):
                raise ValueError(f"row {number} of the picture is drawn past the end of the reference: {row!r}")
            read = _read(start, cells, top)
            read.name = options.get("name", f"read{number}")
            read.mapping_quality = int(options.get("mapq", 60))
            read.qualities, quality = _qualities(quality, len(read.sequence))
            read.flag |= sum(bit for name, bit in _FLAGS.items() if name in options)
            if len(segments) == 2:
                read.flag |= 0x1 | (0x40 if i == 0 else 0x80)
            picture.reads.append(read)
    return picture


def _segments(body: str, top: str) -> list[tuple[int, list[str]]]:
    """Start column and cells of each read of a row; a soft clip stays with the base beside it."""
    segments: list[tuple[int, list[str]]] = []
    column, waiting, inside = 0, "", False
    for token in re.findall(r"\[[A-Za-z]*\]|.", body.rstrip()):
        if token.startswith("["):
            if inside:
                segments[-1][1][-1] += token
            else:
                waiting = token
            continue
        inserted = top[column : column + 1] == "-"
        if token == " " and not (inside and inserted):
            inside = False
        elif inside:
            segments[-1][1].append(token)
        else:
            segments.append((column, [waiting + token]))
            waiting, inside = "", True
        column += 1
    return segments


def _read(column: int, cells: list[str], top: str) -> DrawnRead:
    operations: list[str] = []
    sequence = ""
    reverse = False
    for offset, cell in enumerate(cells):
        before, sign, after = re.fullmatch(r"(?:\[(.*?)\])?(.)(?:\[(.*?)\])?", cell).groups()  # type: ignore[union-attr]
        inserted = top[column + offset] == "-"
        operations += "S" * len(before or "")
        sequence += before or ""
        if sign in "-~":
            operations += [] if inserted else ["D" if sign == "-" else "N"]
        elif inserted and sign in ".,":
            raise ValueError(f"write the inserted base as a letter in column {column + offset + 1}")
        elif sign != " ":
            operations.append("I" if inserted else "M")
            sequence += top[column + offset] if sign in ".," else sign
            reverse |= sign == "," or sign.islower()
        operations += "S" * len(after or "")
        sequence += after or ""
    cigar = "".join(f"{len(run[0])}{run[1]}" for run in re.findall(r"((.)\2*)", "".join(operations)))
    start = column - top[:column].count("-")
    return DrawnRead("", 0x10 if reverse else 0, start, cigar, sequence.upper(), [])


def _qualities(text: str, size: int) -> tuple[list[int], str]:
    """A read's qualities, and the signs that are left for its mate."""
    if text.isdigit() and len(text) <= 2:
        return [int(text)] * size, text
    if len(text) < size:
        raise ValueError(f"quality has {len(text)} signs for {size} bases")
    return [ord(sign) - 33 for sign in text[:size]], text[size:]

"""Reads for the tests of calls: as SAM text, as files, and as evidence in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import naive
import numpy as np
import pysam

from genolab import io
from genolab.call import Evidence, collect
from genolab.call.pileup import Pileup

HEADER = "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:{contig}\tLN:{length}\n@RG\tID:a\tSM:donor\n"


def sam_text(reads: Sequence[naive.Read], length: int, contig: str = "chr1") -> str:
    """SAM, in the order given."""
    lines = [HEADER.format(contig=contig, length=length)]
    for read in reads:
        cigar = "".join(f"{size}{operation}" for size, operation in read.cigar) or "*"
        qualities = "".join(chr(33 + each) for each in read.qualities) or "*"
        fields = (read.name, read.flag, contig, read.position + 1, read.mapping_quality, cigar, "*", 0, 0)
        lines.append("\t".join(map(str, (*fields, read.bases or "*", qualities, "RG:Z:a"))) + "\n")
    return "".join(lines)


def write_reference(path: Path, sequence: str, contig: str = "chr1") -> Path:
    """FASTA with its index."""
    path.write_text(f">{contig}\n{sequence}\n")
    pysam.faidx(str(path))
    return path


def write_bam(path: Path, text: str) -> Path:
    """SAM text as BAM with its index."""
    source = path.with_suffix(".text.sam")
    source.write_text(text)
    with pysam.AlignmentFile(str(source)) as reads, pysam.AlignmentFile(str(path), "wb", template=reads) as target:
        for read in reads:
            target.write(read)
    pysam.index(str(path))
    source.unlink()
    return path


def pileup_of(
    reads: Sequence[naive.Read], reference: str, folder: Path, region: tuple[int, int] | None = None
) -> Pileup:
    """Reads through a SAM file into a pileup, as a call would have them."""
    path = folder / "reads.sam"
    path.write_text(sam_text(reads, len(reference)))
    start, end = region or (0, len(reference))
    with io.open_alignments(path) as alignments:
        found = alignments.read(io.Region("chr1", start, end))
    return Pileup(found, np.array(["ACGTN".index(base) for base in reference[start:end]], np.uint8))


def evidence_of(reads: Sequence[naive.Read], reference: str, folder: Path) -> Evidence:
    """The same with the files' names, as :func:`genolab.call.collect` makes it."""
    path = folder / "reads.sam"
    path.write_text(sam_text(reads, len(reference)))
    return collect(path, write_reference(folder / "reference.fa", reference), io.Region("chr1", 0, len(reference)))


def simple(
    name: str, position: int, bases: str, quality: int = 30, flag: int = 0, mapping_quality: int = 60
) -> naive.Read:
    """A read that matches without gaps."""
    return naive.Read(name, flag, position, mapping_quality, [(len(bases), "M")], bases, [quality] * len(bases))

"""What a caller is given by mistake: each spoils a good BAM or its reference in one way, for all that call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pysam
from made_reads import sam_text, simple, write_bam, write_reference


def good_input(folder: Path) -> tuple[Path, Path]:
    """A small BAM with an index, and its reference of 2,000 bases."""
    random = np.random.default_rng(8)
    sequence = "".join(random.choice(list("ACGT"), 2_000))
    reads = [simple(f"r{at}", at, sequence[at : at + 100]) for at in range(0, 1_900, 5)]
    return write_bam(folder / "reads.bam", sam_text(reads, 2_000)), write_reference(folder / "reference.fa", sequence)


def truncated(reads: Path, reference: Path) -> dict[str, str]:
    data = reads.read_bytes()
    reads.write_bytes(data[: len(data) // 2])
    return {}


def without_index(reads: Path, reference: Path) -> dict[str, str]:
    Path(f"{reads}.bai").unlink()
    return {}


def outside(reads: Path, reference: Path) -> dict[str, str]:
    return {"region": "chr1:1,990-2,100"}


def unknown_contig(reads: Path, reference: Path) -> dict[str, str]:
    return {"region": "chr7:1-100"}


def empty_region(reads: Path, reference: Path) -> dict[str, str]:
    return {"region": "chr1:200-100"}


def other_contigs(reads: Path, reference: Path) -> dict[str, str]:
    write_reference(reference, "ACGT" * 500, "scaffold_9")
    return {}


def other_length(reads: Path, reference: Path) -> dict[str, str]:
    write_reference(reference, "ACGT" * 499)
    return {}


def other_sequence(reads: Path, reference: Path) -> dict[str, str]:
    write_reference(reference, "".join(np.random.default_rng(9).choice(list("ACGT"), 2_000)))
    return {}


def other_md5(reads: Path, reference: Path) -> dict[str, str]:
    with pysam.AlignmentFile(str(reads)) as file:
        text = str(file.header).replace("LN:2000", "LN:2000\tM5:0123456789abcdef0123456789abcdef")
        body = "".join(f"{read.to_string()}\n" for read in file)
    write_bam(reads, text + body)
    return {}


def web_page(reads: Path, reference: Path) -> dict[str, str]:
    reads.write_text("<!DOCTYPE html><html><body>Please log in</body></html>")
    return {}


def unmapped(reads: Path, reference: Path) -> dict[str, str]:
    Path(f"{reads}.bai").unlink()
    with pysam.AlignmentFile(str(reads), "wb", text="@HD\tVN:1.6\n") as file:
        file.write(pysam.AlignedSegment.fromstring("r\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII", file.header))
    return {}


def no_such_file(reads: Path, reference: Path) -> dict[str, str]:
    reads.unlink()
    return {}


BAD = {
    # what the refusal says: the place, and what is wrong or what to do
    truncated: ("reads.bam", "cut"),
    without_index: ("reads.bam", "genolab index"),
    outside: ("region", "Write chr1:1,990-2,000"),
    unknown_contig: ("chr7", "chr1"),
    empty_region: ("region", "Write chr1:100-200"),
    other_contigs: ("reference.fa", "no such contig (it has scaffold_9)"),
    other_length: ("reference.fa", "chr1 of 1,996"),
    other_sequence: ("reference.fa", "bases alike"),
    other_md5: ("reference.fa", "MD5"),
    web_page: ("reads.bam", "a web page"),
    unmapped: ("reads.bam", "reads mapped to contigs"),
    no_such_file: ("reads.bam", "found nothing at this path"),
}

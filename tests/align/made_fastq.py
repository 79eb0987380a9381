"""References and reads with a known truth, written as files, and a checker of what is written about them."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pysam

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def reverse_complement(text: str) -> str:
    return text.translate(COMPLEMENT)[::-1]


def letters(count: int, seed: int = 1) -> str:
    """Random bases."""
    return "".join(random.Random(seed).choices("ACGT", k=count))


def write_fasta(path: Path, **contigs: str) -> Path:
    path.write_text("".join(f">{name}\n{text}\n" for name, text in contigs.items()))
    return path


def write_fastq(path: Path, reads: dict[str, str]) -> Path:
    path.write_text("".join(f"@{name}\n{text}\n+\n{'I' * len(text)}\n" for name, text in reads.items()))
    return path


class Truth(NamedTuple):
    """Where a simulated read is from: 0-based."""

    contig: str
    start: int
    reverse: bool


def simulated(
    contigs: dict[str, str], count: int, length: int, seed: int = 1, wrong: float = 0.01, insert: int = 0
) -> tuple[dict[str, str], dict[str, str], dict[str, list[Truth]]]:
    """Reads, their mates (with ``insert``), and where both are from, by name."""
    draw = random.Random(seed)
    first, second, truth = {}, {}, {}

    def worn(text: str) -> str:
        return "".join(draw.choice("ACGT") if draw.random() < wrong else letter for letter in text)

    for number in range(count):
        contig = draw.choices(list(contigs), [len(text) for text in contigs.values()])[0]
        size = max(length, round(draw.gauss(insert, insert / 10))) if insert else length
        start = draw.randrange(len(contigs[contig]) - size)
        fragment = contigs[contig][start : start + size]
        left, right = worn(fragment[:length]), worn(reverse_complement(fragment)[:length])
        both = [(left, Truth(contig, start, False)), (right, Truth(contig, start + size - length, True))]
        if draw.random() < 0.5:
            both.reverse()
        name = f"r{number}"
        first[name], second[name] = both[0][0], both[1][0]
        truth[name] = [both[0][1], both[1][1]]
    return first, second, truth


def records(path: Path) -> list[pysam.AlignedSegment]:
    with pysam.AlignmentFile(str(path)) as file:
        return list(file.fetch(until_eof=True))


def faults(path: Path, contigs: dict[str, str]) -> list[str]:
    """What is wrong with a BAM file: mates, flags, CIGARs, NM, MD, bins, order, header."""
    said: list[str] = []
    with pysam.AlignmentFile(str(path)) as file:
        header, reads = file.header.to_dict(), list(file.fetch(until_eof=True))
    if header["HD"].get("SO") != "coordinate":
        said.append("not marked as sorted")
    groups = {group["ID"] for group in header["RG"]}
    for line in header["SQ"]:
        text = contigs[line["SN"]]
        if line["LN"] != len(text) or line["M5"] != hashlib.md5(text.upper().encode()).hexdigest():
            said.append(f"@SQ {line['SN']}")
    places = [(read.reference_id & 0xFFFFFFFF, read.reference_start) for read in reads]
    if places != sorted(places):
        said.append("not sorted")
    primary = {}
    for read in reads:
        if not read.is_secondary and not read.is_supplementary:
            if (read.query_name, read.is_read2) in primary:
                said.append(f"{read.query_name}: two primary records")
            primary[read.query_name, read.is_read2] = read
    parts = Counter((read.query_name, read.is_read2) for read in reads if not read.is_secondary)
    for read in reads:
        name = f"{read.query_name} {read.flag}"
        if read.get_tag("RG") not in groups:
            said.append(f"{name}: RG")
        if (read.query_name, read.is_read2) not in primary:
            said.append(f"{name}: no primary record")
        if read.is_unmapped:
            if read.mapping_quality or read.cigartuples or read.is_proper_pair or read.is_secondary:
                said.append(f"{name}: an unmapped read has MAPQ, CIGAR or flags")
        else:
            said += [f"{name}: {fault}" for fault in _alignment_faults(read, contigs[read.reference_name])]
            if read.has_tag("SA") != (not read.is_secondary and parts[read.query_name, read.is_read2] > 1):
                said.append(f"{name}: SA")
        end = read.reference_end if not read.is_unmapped else read.reference_start + 1
        if read.bin != _bin(read.reference_start, end):
            said.append(f"{name}: bin {read.bin}")
        if not read.is_paired:
            if read.flag & (2 | 8 | 32 | 64 | 128) or read.next_reference_id != -1:
                said.append(f"{name}: mate fields of a single read")
            continue
        mate = primary[read.query_name, not read.is_read2]
        if read.is_read1 == read.is_read2:
            said.append(f"{name}: first or second")
        if (read.mate_is_unmapped, read.mate_is_reverse) != (mate.is_unmapped, mate.is_reverse):
            said.append(f"{name}: mate flags")
        if (read.next_reference_id, read.next_reference_start) != (mate.reference_id, mate.reference_start):
            said.append(f"{name}: mate place")
        if not mate.is_unmapped and read.get_tag("MC") != mate.cigarstring:
            said.append(f"{name}: MC")
        own = primary[read.query_name, read.is_read2]
        if read is own:
            if read.template_length != -mate.template_length or read.is_proper_pair != mate.is_proper_pair:
                said.append(f"{name}: TLEN or proper")
            same = not read.is_unmapped and not mate.is_unmapped and read.reference_id == mate.reference_id
            if same:
                span = max(read.reference_end, mate.reference_end) - min(read.reference_start, mate.reference_start)
                if abs(read.template_length) != span:
                    said.append(f"{name}: TLEN {read.template_length}")
            if read.is_unmapped and not mate.is_unmapped and read.reference_start != mate.reference_start:
                said.append(f"{name}: not beside its mate")
    return said


def _alignment_faults(read: pysam.AlignedSegment, text: str) -> list[str]:
    said = []
    if read.infer_query_length() != len(read.query_sequence):
        said.append("CIGAR does not consume the read")
    if read.reference_end > len(text):
        said.append("past the end of the contig")
    if read.cigartuples[0][0] not in (0, 4) or read.cigartuples[-1][0] not in (0, 4):
        said.append("CIGAR begins or ends with a gap")
    i, j, edits, md, run, score = 0, read.reference_start, 0, "", 0, 0
    for kind, count in read.cigartuples:
        if kind == 4:
            i += count
        elif kind == 0:
            for _ in range(count):
                if read.query_sequence[i] == text[j] != "N":
                    run, score = run + 1, score + 1
                else:
                    md, run, edits, score = f"{md}{run}{text[j]}", 0, edits + 1, score - 4
                i, j = i + 1, j + 1
        else:
            edits, score = edits + count, score - 6 - count
            if kind == 1:
                i += count
            else:
                md, run, j = f"{md}{run}^{text[j : j + count]}", 0, j + count
    if read.get_tag("NM") != edits:
        said.append(f"NM {read.get_tag('NM')}, not {edits}")
    if read.get_tag("MD") != f"{md}{run}":
        said.append(f"MD {read.get_tag('MD')}, not {md}{run}")
    if read.get_tag("AS") != score:
        said.append(f"AS {read.get_tag('AS')}, not {score}")
    if read.has_tag("SA") and not re.fullmatch(r"(\S+,\d+,[+-],\w+,\d+,\d+;)+", read.get_tag("SA")):
        said.append(f"SA {read.get_tag('SA')}")
    return said


def _bin(begin: int, end: int) -> int:
    """The bin of the SAM specification, section 5.3."""
    end -= 1
    for shift, base in ((14, 4681), (17, 585), (20, 73), (23, 9), (26, 1)):
        if begin >> shift == end >> shift:
            return base + (begin >> shift)
    return 0

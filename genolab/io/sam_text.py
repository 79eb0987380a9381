"""SAM as text, read whole and checked line by line (SAM specification 1.6, section 1.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from genolab.errors import FileError
from genolab.io import guard, sam_rules
from genolab.io.header import Header, parse_header
from genolab.io.reads import Columns
from genolab.io.vcf_rules import MOST_SAID, Said

LIMIT = 512 * 2**20
"""SAM text above this size (bytes, unpacked) should be BAM."""

_NUMBER = r"0|[1-9][0-9]{0,9}"
_NAME = r"\*|[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*"
_FIELDS = (
    ("QNAME", r"[!-?A-~]{1,254}", "1 to 254 printable letters without @"),
    ("FLAG", _NUMBER, "a whole number from 0 to 4095"),
    ("RNAME", _NAME, "a contig name or *"),
    ("POS", _NUMBER, "a whole number from 0 to 2,147,483,647"),
    ("MAPQ", _NUMBER, "a whole number from 0 to 255"),
    ("CIGAR", r"\*|(?:[0-9]+[MIDNSHP=X])+", "* or lengths, each before one of MIDNSHP=X"),
    ("RNEXT", rf"=|{_NAME}", "a contig name, = or *"),
    ("PNEXT", _NUMBER, "a whole number from 0 to 2,147,483,647"),
    ("TLEN", r"[-+]?[0-9]{1,10}", "a whole number"),
    ("SEQ", r"\*|[A-Za-z=.]+", "* or letters, = and ."),
    ("QUAL", r"[!-~]+", "* or one sign from ! to ~ for each base"),
)
_CHECKS = {name: re.compile(pattern) for name, pattern, _ in _FIELDS}
_LINE = re.compile("\t".join(f"({pattern})" for _, pattern, _ in _FIELDS) + r"(?:\t(.*))?")
_CLIPS = re.compile(r"(?:[0-9]+H)?(?:[0-9]+S)?(?:[0-9]+[MIDNP=X])*(?:[0-9]+S)?(?:[0-9]+H)?")
_REAL = r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"
_TAG = re.compile(
    rf"[A-Za-z][A-Za-z0-9]:(?:A:[!-~]|i:[-+]?[0-9]+|f:{_REAL}|Z:[^\x00-\x1f\x7f]*|H:(?:[0-9A-F]{{2}})*"
    rf"|B:[cCsSiI](?:,[-+]?[0-9]+)*|B:f(?:,{_REAL})*)"
)
_FIX = "Correct the line, or make the file again."


@dataclass
class SamText:
    """A whole SAM file: its header, and per contig the mapped reads sorted by position, with their read groups."""

    header: Header
    columns: dict[str, Columns] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def read_sam(seen: guard.Nature) -> SamText:
    """Every line of a SAM file, checked; a bad one is refused with its line and field."""
    lines = guard.text_of(seen, LIMIT).split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    texts = [guard.decoded(line, seen.path, number).removesuffix("\r") for number, line in enumerate(lines, 1)]
    head = next((i for i, text in enumerate(texts) if not text.startswith("@")), len(texts))
    sam = SamText(parse_header(texts[:head], seen.path))
    said = Said()
    notices = sam.header.remarks[:MOST_SAID]
    notices += _fill(sam, _records(texts, head, seen, sam.header, said), seen)
    notices += said.sentences()
    if not sam.header.contigs:
        notices.append("The header names no contigs (@SQ).")
    sam.notices = tuple(notices)
    return sam


def _records(
    texts: list[str], head: int, seen: guard.Nature, header: Header, said: Said
) -> Iterator[tuple[int, tuple[str, ...]]]:
    mates = sam_rules.Mates(said, header.order == "queryname")
    for number, text in enumerate(texts[head:], head + 1):
        match = _LINE.fullmatch(text)
        if match is None:
            raise _field_fault(text, seen, number)
        parts = match.groups()
        fault = _value_fault(parts, header)
        if fault:
            name, expected, found = fault
            raise FileError(seen.path, line=number, field=name, expected=expected, found=found, fix=_FIX)
        mates.add(parts, f"line {number:,}")
        if parts[11]:
            sam_rules.of_tags(parts[11], said)
        yield number, parts
    mates.finish()


def _fill(sam: SamText, records: Iterator[tuple[int, tuple[str, ...]]], seen: guard.Nature) -> list[str]:
    """Sort the mapped reads into their contigs; returns what should be said."""
    rank = {name: i for i, name in enumerate(sam.header.contigs)}
    before = (0, 0)
    unsorted: set[str] = set()
    disordered = unplaced = first = 0
    for number, (name, flag, contig, position, mapping, cigar, _, _, _, sequence, quality, tags) in records:
        place = (rank.get(contig, len(rank)), int(position))
        if place < before:
            if sam.header.order == "coordinate":
                raise FileError(
                    seen.path, line=number, field="POS",
                    expected="reads in the order of their positions (@HD SO:coordinate)",
                    found=f"{contig}:{place[1]:,} after a later position", fix="Run: samtools sort",
                )  # fmt: skip
            unsorted.add(contig)
            disordered += 1
            first = first or number
        before = max(before, place)
        if int(flag) & 4:
            continue
        if contig == "*" or position == "0" or cigar == "*":
            unplaced += 1
            continue
        columns = sam.columns.setdefault(contig, Columns())
        columns.name.append(name)
        columns.flag.append(int(flag))
        columns.position.append(place[1] - 1)
        columns.mapping_quality.append(int(mapping))
        columns.cigar.append(cigar)
        columns.sequence.append(None if sequence == "*" else sequence)
        columns.quality.append(None if quality == "*" else quality)
        columns.line.append(number)
        group = re.search(r"(?:^|\t)RG:Z:([^\t]*)", tags or "")
        sam.groups.setdefault(contig, []).append(group[1] if group else "")
    for contig in unsorted & set(sam.columns):
        columns = sam.columns[contig]
        rows = sorted(range(len(columns.name)), key=columns.position.__getitem__)
        sam.columns[contig] = columns.take(rows)
        sam.groups[contig] = [sam.groups[contig][i] for i in rows]
    notices = []
    if disordered:
        notices.append(
            f"{disordered:,} reads were not in the order of their positions (first: line {first:,}); they were sorted."
        )
    if unplaced:
        notices.append(f"{unplaced:,} reads that count as mapped have no position or CIGAR and are left out.")
    return notices


def _field_fault(text: str, seen: guard.Nature, number: int) -> FileError:
    """Which field of a line that does not match is the bad one."""
    parts = text.split("\t")
    if len(parts) < len(_FIELDS):
        return FileError(
            seen.path, line=number, expected="11 tab-separated fields", found=f"{len(parts)}: {text[:40]!r}", fix=_FIX
        )
    for part, (name, _, expected) in zip(parts, _FIELDS, strict=False):
        if not _CHECKS[name].fullmatch(part):
            return FileError(seen.path, line=number, field=name, expected=expected, found=repr(part[:40]), fix=_FIX)
    return FileError(seen.path, line=number, expected="a SAM line", found=repr(text[:40]), fix=_FIX)


def _value_fault(parts: tuple[str, ...], header: Header) -> tuple[str, str, str] | None:
    """Field, expected and found of a value that looks right but is not; None when all is well."""
    _, flag, contig, position, mapping, cigar, mate, mate_position, _, sequence, quality, tags = parts
    if int(flag) > 4095:
        return "FLAG", "a whole number from 0 to 4095", flag
    if int(mapping) > 255:
        return "MAPQ", "a whole number from 0 to 255", mapping
    if int(position) > 2**31 - 1 or int(mate_position) > 2**31 - 1:
        return "POS or PNEXT", "at most 2,147,483,647", max(position, mate_position, key=int)
    if contig != "*" and contig not in header.contigs:
        return "RNAME", "a contig that the header names (@SQ)", repr(contig)
    if mate not in ("*", "=") and mate not in header.contigs:
        return "RNEXT", "a contig that the header names (@SQ)", repr(mate)
    if not _CLIPS.fullmatch(cigar) and cigar != "*":
        return "CIGAR", "clips (H, S) only at the ends", repr(cigar[:40])
    if quality != "*" and len(quality) != (0 if sequence == "*" else len(sequence)):
        found = f"{len(quality):,} for {0 if sequence == '*' else len(sequence):,}"
        return "QUAL", "one value for each base of SEQ", found
    if tags:
        names = set()
        for tag in tags.split("\t"):
            if not _TAG.fullmatch(tag):
                return "optional field", "TAG:TYPE:VALUE", repr(tag[:40])
            names.add(tag[:2])
        if len(names) != tags.count("\t") + 1:
            return "optional field", "each tag once", repr(tags[:40])
    return None

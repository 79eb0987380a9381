"""The header of SAM, BAM and CRAM: contigs, samples, sort order; checked line by line."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from genolab.errors import FileError
from genolab.io import sam_rules

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9]:.*", re.DOTALL)
_CONTIG = re.compile(r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*")
_NEEDED = {"SQ": ("SN", "LN"), "RG": ("ID",), "HD": ("VN",)}
_ORDERS = ("unknown", "unsorted", "queryname", "coordinate")
_LONGEST = 2**31 - 1
Refuse = Callable[..., FileError]
_FIX = "Correct the header (samtools reheader)."


@dataclass
class Header:
    """What genolab uses of an alignment header; ``sample_of`` maps a read group to its sample."""

    contigs: dict[str, int] = field(default_factory=dict)
    md5: dict[str, str] = field(default_factory=dict)
    sample_of: dict[str, str] = field(default_factory=dict)
    order: str = "unknown"
    remarks: list[str] = field(default_factory=list)

    @property
    def samples(self) -> tuple[str, ...]:
        """The samples of the read groups, each once, in the order of the file."""
        return tuple(dict.fromkeys(self.sample_of.values()))


def parse_header(lines: list[str], path: Path, strict: bool = True) -> Header:
    """Header lines to a :class:`Header`; a contig without a length or named twice and the like are refused by line.

    ``strict`` refuses contig names with signs that SAM text has no room for; BAM and CRAM hold them without harm.
    """
    header = Header()
    told: list[tuple[int, str, dict[str, str]]] = []
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(lines, 1):

        def refuse(name: str, expected: str, found: str, number: int = number) -> FileError:
            return FileError(path, line=number, field=name, expected=expected, found=found, fix=_FIX)

        kind, _, rest = line.partition("\t")
        if not re.fullmatch(r"@[A-Za-z]{2}", kind):
            raise refuse("header", "@ and two letters, then tab-separated TAG:VALUE", repr(line[:40]))
        kind = kind[1:]
        if kind not in _NEEDED:
            if kind == "PG":
                told.append((number, kind, {part[:2]: part[3:] for part in rest.split("\t")}))
            continue
        tags: dict[str, str] = {}
        for part in rest.split("\t"):
            if not _TAG.fullmatch(part):
                raise refuse(f"@{kind}", "TAG:VALUE", repr(part[:40]))
            if part[:2] in tags:
                raise refuse(f"@{kind} {part[:2]}", "each tag once", "it twice")
            tags[part[:2]] = part[3:]
        for needed in _NEEDED[kind]:
            if not tags.get(needed):
                raise refuse(f"@{kind}", f"a value for {needed}", "none")
        told.append((number, kind, tags))
        key = (kind, tags.get("SN" if kind == "SQ" else "ID", ""))
        if key in seen:
            what = {"SQ": "each contig name once", "HD": "one @HD line"}.get(kind, "each ID once")
            raise refuse(f"@{kind}", what, f"{key[1]!r} twice" if key[1] else "two")
        seen.add(key)
        if kind == "HD":
            _first_line(header, tags, number, refuse)
        elif kind == "SQ":
            _contig(header, tags, strict, refuse)
        elif kind == "RG":
            header.sample_of[tags["ID"]] = tags.get("SM", tags["ID"])
    header.remarks = sam_rules.of_header(told)
    return header


def _first_line(header: Header, tags: dict[str, str], number: int, refuse: Refuse) -> None:
    if number != 1:
        raise refuse("@HD", "it on the first line", f"it on line {number:,}")
    if not re.fullmatch(r"[0-9]+\.[0-9]+", tags["VN"]):
        raise refuse("@HD VN", "a version such as 1.6", repr(tags["VN"]))
    header.order = tags.get("SO", "unknown")
    if header.order not in _ORDERS:
        raise refuse("@HD SO", " or ".join(_ORDERS), repr(header.order))


def _contig(header: Header, tags: dict[str, str], strict: bool, refuse: Refuse) -> None:
    name, length = tags["SN"], tags["LN"]
    if strict and not _CONTIG.fullmatch(name):
        raise refuse("@SQ SN", "a contig name without spaces, commas, quotes and brackets", repr(name))
    if not re.fullmatch(r"[0-9]{1,10}", length, re.ASCII) or not 1 <= int(length) <= _LONGEST:
        raise refuse(f"@SQ LN of {name}", "a length from 1 to 2,147,483,647", repr(length))
    header.contigs[name] = int(length)
    if "M5" in tags:
        header.md5[name] = tags["M5"].lower()

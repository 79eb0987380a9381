"""The header of a VCF file, checked line by line (VCF specification 4.3, section 1.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from genolab.errors import FileError
from genolab.io import vcf_rules

COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
Refuse = Callable[[int, str, str, str], FileError]
_FIX = "Correct the header (bcftools reheader)."
_PAIRS = re.compile(r'\s*([A-Za-z0-9_.]+)\s*=\s*("(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^,"<>]*)\s*(?:,|$)')
_DEFINED = ("INFO", "FORMAT", "FILTER", "contig")
_NUMBER = re.compile(r"[0-9]+|[AGR.PLM]|LA|LR|LG")
_TYPES = ("Integer", "Float", "Flag", "Character", "String")
_IDENTIFIER = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*|1000G")
_CONTIG = re.compile(r"[^\s,<>\"'`()\[\]{}\\*=][^\s,<>\"'`()\[\]{}\\]*")

# Type and number of what the specification reserves: used where a file does not declare it.
RESERVED = {
    "INFO": {
        "AA": ("String", "1"), "AC": ("Integer", "A"), "AD": ("Integer", "R"), "AF": ("Float", "A"),
        "AN": ("Integer", "1"), "BQ": ("Float", "1"), "CIGAR": ("String", "A"), "DB": ("Flag", "0"),
        "DP": ("Integer", "1"), "END": ("Integer", "1"), "H2": ("Flag", "0"), "H3": ("Flag", "0"),
        "MQ": ("Float", "1"), "MQ0": ("Integer", "1"), "NS": ("Integer", "1"),
        "SOMATIC": ("Flag", "0"), "VALIDATED": ("Flag", "0"), "1000G": ("Flag", "0"),
    },
    "FORMAT": {
        "GT": ("String", "1"), "DP": ("Integer", "1"), "GQ": ("Float", "1"), "AD": ("Integer", "R"),
        "GL": ("Float", "G"), "PL": ("Integer", "G"), "GP": ("Float", "G"), "FT": ("String", "1"),
    },
}  # fmt: skip


@dataclass
class VcfHeader:
    """What genolab uses of a VCF header; ``kinds`` maps "INFO" and "FORMAT" to name -> (type, number)."""

    version: str = ""
    contigs: dict[str, int] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    filters: set[str] = field(default_factory=lambda: {"PASS"})
    kinds: dict[str, dict[str, tuple[str, str]]] = field(default_factory=lambda: {"INFO": {}, "FORMAT": {}})
    samples: tuple[str, ...] = ()
    lines: int = 0
    remarks: list[str] = field(default_factory=list)


def parse_vcf_header(lines: list[str], path: Path) -> VcfHeader:
    """The lines up to and with ``#CHROM``; a wrong version, definition or column name is refused by line."""
    header = VcfHeader(lines=len(lines))

    def refuse(number: int, name: str, expected: str, found: str) -> FileError:
        return FileError(path, line=number, field=name, expected=expected, found=found, fix=_FIX)

    for number, line in enumerate(lines, 1):
        if number == 1:
            if not re.fullmatch(r"##fileformat=VCFv[1-9]\.[0-9]", line):
                raise refuse(1, "fileformat", "##fileformat=VCFv4.3 or another version", repr(line[:40]))
            header.version = line[-3:]
        elif line.startswith("##"):
            key, equals, value = line[2:].partition("=")
            if not equals or not key or not value:
                raise refuse(number, "header", "##key=value", repr(line[:60]))
            pairs = None
            if value.startswith("<") and key in _DEFINED:
                value = value.rstrip(" ")
                pairs = _pairs(value, number, refuse)
                _definition(header, key, pairs, number, refuse)
            elif value.startswith("<") and not value.endswith(">"):
                raise refuse(number, key, "a definition that ends with >", repr(line[:60]))
            elif key in ("INFO", "FORMAT", "contig"):
                raise refuse(number, key, f"##{key}=<ID=...>", repr(line[:60]))
            if against := vcf_rules.of_line(key, value, header.version, pairs):
                header.remarks.append(f"Line {number:,}, {against}.")
        else:
            _columns(header, line, number, refuse)
            return header
    raise refuse(len(lines), "header", "a line that begins #CHROM", "none: the file may have been cut in its header")


def _pairs(value: str, number: int, refuse: Refuse) -> dict[str, str]:
    pairs: dict[str, str] = {}
    inner, at = value[1:-1], 0
    while value.endswith(">") and at < len(inner):
        match = _PAIRS.match(inner, at)
        if match is None or match[1] in pairs:
            break
        pairs[match[1]] = match[2].strip()
        at = match.end()
    if not pairs or at < len(inner) or not value.endswith(">"):
        raise refuse(number, "header", 'key=value pairs in < >, text in "quotes"', repr(value[:60]))
    return pairs


def _definition(header: VcfHeader, key: str, pairs: dict[str, str], number: int, refuse: Refuse) -> None:
    name = pairs.get("ID", "")
    if not name:
        raise refuse(number, key, "an ID", "none")
    if key != "contig" and not pairs.get("Description", '"').startswith('"'):
        raise refuse(number, f"{key} {name}", 'a Description in "quotes"', pairs["Description"][:40])
    if key in ("INFO", "FORMAT"):
        kind, count = pairs.get("Type", ""), pairs.get("Number", "")
        if kind not in _TYPES or (key == "FORMAT" and kind == "Flag"):
            raise refuse(number, f"{key} {name} Type", "Integer, Float, Flag (INFO), Character or String", repr(kind))
        if not _NUMBER.fullmatch(count):
            raise refuse(number, f"{key} {name} Number", "a whole number, A, R, G or .", repr(count))
        if not _IDENTIFIER.fullmatch(name):
            raise refuse(number, f"{key} ID", "letters, digits, _ and .", repr(name))
        # Only what genolab reads must be as reserved: older callers declare other fields differently.
        if (key, name) == ("FORMAT", "GT") and (kind, count) != ("String", "1"):
            raise refuse(number, "FORMAT GT", "Number=1, Type=String", f"Number={count}, Type={kind}")
        if name in ("DP", "GQ") and (kind not in ("Integer", "Float") or count != "1"):
            raise refuse(number, f"{key} {name}", "Number=1, Type=Integer (or Float)", f"Number={count}, Type={kind}")
        header.kinds[key][name] = (kind, count)
    elif key == "FILTER":
        if re.search(r"[\s;,]", name) or name == "0":
            raise refuse(number, "FILTER ID", "a name without spaces, semicolons and commas, and not 0", repr(name))
        header.filters.add(name)
    elif key == "contig":
        if not _CONTIG.fullmatch(name):
            raise refuse(number, "contig ID", "a name without spaces, commas, quotes and brackets", repr(name))
        length = pairs.get("length", "")
        if length and not (re.fullmatch(r"[0-9]{1,12}", length) and int(length)):
            raise refuse(number, f"contig {name} length", "a whole number above 0", repr(length))
        if length and name in header.contigs and int(length) != header.contigs[name]:
            raise refuse(number, "contig", "one length for each contig", f"another for {name!r}")
        header.named.add(name)
        if length:
            header.contigs[name] = int(length)


def _columns(header: VcfHeader, line: str, number: int, refuse: Refuse) -> None:
    names = tuple(line.split("\t"))
    if names[:8] != COLUMNS:
        raise refuse(number, "header", "\\t".join(COLUMNS) + " (tab-separated)", repr(line[:70]))
    if len(names) == 8:
        return
    if names[8] != "FORMAT":
        raise refuse(number, "header", "FORMAT as the ninth column", repr(names[8][:40]))
    header.samples = names[9:]
    if not header.samples or "" in header.samples:
        raise refuse(number, "header", "a sample name after each tab", "none" if not header.samples else "an empty one")
    twice = {name for name in header.samples if header.samples.count(name) > 1} if len(header.samples) < 5000 else set()
    if len(set(header.samples)) < len(header.samples):
        raise refuse(number, "header", "each sample name once", f"{sorted(twice)[:3]} again")

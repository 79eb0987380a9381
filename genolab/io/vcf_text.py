"""VCF records as text, checked line by line (VCF specification 4.3, section 1.6); BCF is made this text first."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from genolab.errors import FileError
from genolab.io import vcf_rules
from genolab.io.vcf_header import RESERVED, VcfHeader

_FIX = "Correct the line, or make the file again."
_WHOLE = re.compile(r"-?[0-9]{1,10}")
_REAL = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?|inf(?:inity)?|nan)", re.I)
_BASES = re.compile(r"[ACGTNRYSWKMBDHVacgtnryswkmbdhv]+")
_END = r"[\[\]][^\s\[\]<>]+:[0-9]+[\[\]]|[\[\]]<[^\s<>]+>:[0-9]+[\[\]]"
_SIDE = "[ACGTNacgtn.]+"
_ALTERNATE = re.compile(
    rf"[ACGTNacgtn]+|\*|<[^\s<>,]+>|{_SIDE}(?:{_END})|(?:{_END}){_SIDE}|[ACGTNacgtn]+\.|\.[ACGTNacgtn]+"
)
_CONTIG = re.compile(r"[^\s,<>\"'`()\[\]{}\\*=][^\s,<>\"'`()\[\]{}\\]*|<[^\s<>]+>")
_NAMES = re.compile(r"[^\s;]+(?:;[^\s;]+)*")
_GENOTYPE = re.compile(r"[/|]?(?:[0-9]+|\.)(?:[/|](?:[0-9]+|\.))*")
_KEY = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*|1000G")
_PLAIN = re.compile(r"[ACGTNacgtn]+")
_RECENT = 1000
_SMALLEST, _LARGEST = -(2**31) + 8, 2**31 - 1


@dataclass
class VcfRows:
    """The columns of the records read so far, and counts of what should be said."""

    contig: list[str] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    identifier: list[str] = field(default_factory=list)
    reference: list[str] = field(default_factory=list)
    alternates: list[tuple[str, ...]] = field(default_factory=list)
    quality: list[float] = field(default_factory=list)
    filters: list[tuple[str, ...]] = field(default_factory=list)
    genotype: list[tuple[int | None, ...]] = field(default_factory=list)
    phased: list[bool] = field(default_factory=list)
    genotype_quality: list[float] = field(default_factory=list)
    depth: list[float] = field(default_factory=list)
    said: vcf_rules.Said = field(default_factory=vcf_rules.Said)


class VcfReader:
    """Turns lines into rows; ``column`` is the index of the sample whose genotypes are kept, None for no sample."""

    def __init__(self, path: Path, header: VcfHeader, column: int | None) -> None:
        self.path, self.header, self.column, self.rows = path, header, column, VcfRows()
        self._last: tuple[str, int] = ("", 0)
        self._recent: dict[tuple[int, str, str], None] = {}
        self._seen: set[str] = set()

    def add(self, text: str, line: int | None, record: int | None = None) -> None:
        """Check one record and keep it; a bad value is refused with its line (or record) and field."""
        self.rows.said.place = f"line {line:,}" if line else f"record {record:,}" if record else ""
        try:
            self._add(text)
        except _FaultError as fault:
            raise FileError(
                self.path,
                line=line,
                record=record,
                field=fault.name,
                expected=fault.expected,
                found=fault.found,
                fix=_FIX,
            ) from None

    def _add(self, text: str) -> None:
        parts = text.split("\t")
        header, rows = self.header, self.rows
        wanted = 9 + len(header.samples) if header.samples else 8
        if len(parts) != wanted and not (not header.samples and len(parts) == 9):
            raise _FaultError("columns", f"{wanted} tab-separated ({len(header.samples)} samples)", str(len(parts)))
        contig, position, names, reference, alternate, quality, filters, info = parts[:8]
        start = self._place(contig, position, reference)
        if names != "." and (not _NAMES.fullmatch(names) or len(set(names.split(";"))) != names.count(";") + 1):
            raise _FaultError("ID", "names separated by semicolons, each once, or .", repr(names[:40]))
        alternates = self._alternates(reference, alternate)
        self._check_repeats(int(position), reference, alternates)
        score = self._quality(quality)
        rows.filters.append(self._filters(filters))
        depth = self._info(info, len(alternates))
        genotype: tuple[int | None, ...] = ()
        phased, genotype_quality = False, math.nan
        if header.samples:
            keys = _format_keys(parts[8])
            if "_" in parts[8] and header.version < "4.2":
                rows.said["records have _ in a FORMAT key, which VCF 4.1 has not"] += 1
            for i, values in enumerate(parts[9:]):
                seen = self._sample(keys, values, len(alternates), header.samples[i])
                if i == self.column:
                    genotype, phased, genotype_quality, own = seen
                    depth = own if not math.isnan(own) or len(header.samples) > 1 else depth
        if depth < 0:
            rows.said["records have a negative depth (DP), read as missing"] += 1
            depth = math.nan
        rows.contig.append(contig)
        rows.position.append(start)
        rows.identifier.append("" if names == "." else names)
        rows.reference.append(reference.upper())
        rows.alternates.append(alternates)
        rows.quality.append(score)
        rows.genotype.append(genotype)
        rows.phased.append(phased)
        rows.genotype_quality.append(genotype_quality)
        rows.depth.append(depth)

    def _place(self, contig: str, position: str, reference: str) -> int:
        header, said = self.header, self.rows.said
        if not _CONTIG.fullmatch(contig):
            raise _FaultError("CHROM", "a contig name", repr(contig[:40]))
        if header.named and contig not in header.named:
            if header.contigs:
                raise _FaultError("CHROM", "a contig that the header names (##contig)", repr(contig[:40]))
            said["records are on contigs that the header does not name"] += 1
        if not _WHOLE.fullmatch(position) or not 0 <= int(position) <= _LARGEST:
            raise _FaultError("POS", "a whole number from 0 to 2,147,483,647", repr(position[:40]))
        if not _BASES.fullmatch(reference):
            raise _FaultError("REF", "bases (A C G T N)", repr(reference[:40]))
        at, length = int(position), header.contigs.get(contig)
        if length is not None and at + len(reference) - 1 > length + 1:
            raise _FaultError(
                "POS", f"inside {contig}, which has {length:,} positions", f"{at:,} with {len(reference)} bases in REF"
            )
        if at == 0:
            said["records are at position 0 (before the first base)"] += 1
        if (contig == self._last[0] and at < self._last[1]) or (contig != self._last[0] and contig in self._seen):
            said["records are not in the order of their positions"] += 1
        if self._last[0] != contig:
            self._recent.clear()
            if ":" in contig or "*" in contig:
                said["contigs have : or * in their names"] += 1
        if "*" not in reference and not _PLAIN.fullmatch(reference):
            said["records have letters other than A C G T N in REF"] += 1
        self._last = (contig, at)
        self._seen.add(contig)
        return at - 1

    def _check_repeats(self, position: int, reference: str, alternates: tuple[str, ...]) -> None:
        """Say which records name a variant that one of the last thousand named, perhaps with more bases around it."""
        recent = self._recent
        again = False
        for other in alternates:
            key = position, reference, other
            if len(reference) > 1 and other.isalpha():
                key = vcf_rules.trimmed(*key)
            again |= key in recent
            recent[key] = None
        if again:
            self.rows.said["records repeat an earlier one (same position and alleles)"] += 1
        while len(recent) > _RECENT:
            del recent[next(iter(recent))]

    def _alternates(self, reference: str, alternate: str) -> tuple[str, ...]:
        if alternate == ".":
            return ()
        alternates = tuple(alternate.split(","))
        for other in alternates:
            if not _ALTERNATE.fullmatch(other):
                raise _FaultError("ALT", "bases, *, <name> or a breakend", repr(other[:40]))
            if other.upper() == reference.upper():
                raise _FaultError("ALT", "something other than REF", repr(other[:40]))
        if len(set(alternates)) < len(alternates):
            raise _FaultError("ALT", "each allele once", repr(alternate[:40]))
        if len(alternates) > 20:
            self.rows.said["records have more than 20 alternate alleles"] += 1
        return alternates

    def _quality(self, quality: str) -> float:
        if quality == ".":
            return math.nan
        if not _REAL.fullmatch(quality) or float(quality) < 0:
            raise _FaultError("QUAL", "a number of 0 or more, or .", repr(quality[:40]))
        if math.isnan(float(quality)):
            self.rows.said["records have QUAL nan, read as missing"] += 1
        return float(quality)

    def _filters(self, filters: str) -> tuple[str, ...]:
        if filters in ("PASS", "."):
            return (filters,) if filters == "PASS" else ()
        names = tuple(filters.split(";"))
        if "PASS" in names:
            self.rows.said["records have PASS beside other filters"] += 1
        if not _NAMES.fullmatch(filters) or {"0", "."} & set(names) or len(set(names)) < len(names):
            raise _FaultError("FILTER", "PASS, . or names separated by semicolons, each once", repr(filters[:40]))
        if not self.header.filters.issuperset(names):
            self.rows.said["records have a FILTER that the header does not declare"] += 1
        return names

    def _info(self, info: str, alternates: int) -> float:
        """Check INFO; returns its depth, NaN when it has none."""
        depth = math.nan
        if info == ".":
            return depth
        seen = set()
        for entry in info.split(";"):
            key, equals, value = entry.partition("=")
            if not _KEY.fullmatch(key) or (equals and not value) or " " in entry:
                raise _FaultError("INFO", "KEY=value or KEY, separated by semicolons", repr(entry[:40]))
            if key in seen:
                raise _FaultError(f"INFO {key}", "each key once", "it twice")
            seen.add(key)
            kind = self._kind("INFO", key)
            if kind is None:
                continue
            if kind[0] == "Flag":
                if equals and value not in ("0", "1"):
                    raise _FaultError(f"INFO {key}", "a flag without a value", repr(value[:40]))
            elif not equals:
                raise _FaultError(f"INFO {key}", "a value", "none")
            else:
                self._check(f"INFO {key}", key in RESERVED["INFO"], kind, value, alternates, None)
                if against := vcf_rules.of_info(key, value):
                    self.rows.said[against] += 1
                if key == "DP" and value != ".":
                    depth = float(value)
                elif key == "AF" and any(text != "." and float(text) > 1 for text in value.split(",")):
                    self.rows.said["records have an allele frequency (AF) above 1"] += 1
        return depth

    def _kind(self, column: str, key: str) -> tuple[str, str] | None:
        kind = self.header.kinds[column].get(key)
        if kind is None:
            self.rows.said[f"{column} values are of fields that the header does not declare"] += 1
            return RESERVED[column].get(key)
        return kind

    def _check(
        self, name: str, reserved: bool, kind: tuple[str, str], value: str, alternates: int, ploidy: int | None
    ) -> None:
        """Refuse a wrong value of a field that the specification names; those of a caller's own are only said."""
        try:
            _check_values(name, kind, value, alternates, ploidy)
        except _FaultError as fault:
            if reserved:
                raise
            field_name = name.partition(" of sample")[0]
            self.rows.said[f"values of {field_name} are not what the header declares ({fault.expected})"] += 1

    def _sample(
        self, keys: tuple[str, ...], text: str, alternates: int, sample: str
    ) -> tuple[tuple[int | None, ...], bool, float, float]:
        values = text.split(":")
        if not keys and text == ".":
            return (), False, math.nan, math.nan
        if len(values) > len(keys):
            raise _FaultError(f"sample {sample[:40]}", f"at most {len(keys)} values, as FORMAT has", str(len(values)))
        genotype: tuple[int | None, ...] = ()
        phased, quality, depth, ploidy = False, math.nan, math.nan, None
        for key, value in zip(keys, values, strict=False):
            name = f"{key} of sample {sample[:40]}"
            if key == "GT":
                if not _GENOTYPE.fullmatch(value):
                    raise _FaultError(name, "allele numbers joined by / or |", repr(value[:40]))
                genotype, phased = _genotype(value)
                ploidy = len(genotype)
                if max((allele for allele in genotype if allele is not None), default=0) > alternates:
                    if not alternates:  # as some callers write where they saw no other base
                        self.rows.said["genotypes name an allele though ALT is ., read as missing"] += 1
                        genotype = tuple(None if allele else allele for allele in genotype)
                        continue
                    raise _FaultError(name, f"allele numbers up to {alternates}", repr(value[:40]))
                continue
            kind = self._kind("FORMAT", key)
            if kind is None or value == "." or (not value and self.header.version >= "4.4"):
                continue
            self._check(name, key in RESERVED["FORMAT"], kind, value, alternates, ploidy)
            if key == "GQ":
                quality = float(value)
            elif key == "DP":
                depth = float(value)
        return genotype, phased, quality, depth


class _FaultError(Exception):
    """A value that is wrong, before its line is known."""

    def __init__(self, name: str, expected: str, found: str) -> None:
        super().__init__(name)
        self.name, self.expected, self.found = name, expected, found


@lru_cache(maxsize=1024)
def _genotype(text: str) -> tuple[tuple[int | None, ...], bool]:
    bare = text.lstrip("/|")
    alleles = tuple(None if allele == "." else int(allele) for allele in re.split(r"[/|]", bare))
    return alleles, "|" in text and "/" not in text


@lru_cache(maxsize=1024)
def _format_keys(text: str) -> tuple[str, ...]:
    keys = tuple(text.split(":"))
    if not all(_KEY.fullmatch(key) for key in keys) and text != ".":
        raise _FaultError("FORMAT", "keys of letters, digits, _ and . joined by colons", repr(text[:40]))
    if len(set(keys)) < len(keys):
        raise _FaultError("FORMAT", "each key once", repr(text[:40]))
    if "GT" in keys[1:]:
        raise _FaultError("FORMAT", "GT as the first key", repr(text[:40]))
    return () if text == "." else keys


def _check_values(name: str, kind: tuple[str, str], value: str, alternates: int, ploidy: int | None) -> None:
    """Refuse values of another type or count than declared; a single . is a missing value."""
    form, number = kind
    if value == ".":
        return
    values = value.split(",")
    wanted = _count(number, alternates, ploidy)
    if wanted is not None and len(values) != wanted and (form, number) != ("String", "1"):
        raise _FaultError(name, f"{wanted} values (Number={number})", str(len(values)))
    if form == "Integer":
        for text in values:
            if text != "." and not (_WHOLE.fullmatch(text) and _SMALLEST <= int(text) <= _LARGEST):
                raise _FaultError(name, "a whole number of 32 bits", repr(text[:40]))
    elif form == "Float":
        for text in values:
            if text != "." and not _REAL.fullmatch(text):
                raise _FaultError(name, "a number", repr(text[:40]))
    elif form == "Character" and any(len(text) != 1 for text in values):
        raise _FaultError(name, "one character", repr(value[:40]))


def _count(number: str, alternates: int, ploidy: int | None) -> int | None:
    if number.isdigit():
        return int(number)
    if number == "A":
        return alternates or None  # AC=0 is usual where ALT is .
    if number == "R":
        return alternates + 1
    if number == "G" and ploidy and alternates:  # without ALT some callers keep the values of a biallelic site
        return math.comb(alternates + ploidy, ploidy)
    return None

"""What is written to a VCF file: columns of equal length, checked before a byte is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.io.region import unknown_contig

_WHO = "write_variants"
_BASES = re.compile(r"[ACGTN]+", re.I)
_ALTERNATE = re.compile(r"[ACGTN]+|\*|<[^\s<>,]+>", re.I)
_NAME = re.compile(r"[^\s;,\"<>]+")
_KEY = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*")
_NUMBER = re.compile(r"[0-9]+|[ARG.]")
_TYPES = ("Integer", "Float", "Flag", "Character", "String")


@dataclass(frozen=True)
class Field:
    """A declared INFO or FORMAT field; ``number`` is "1", "A", "R", "G" or ".", ``type`` "Integer" and so on."""

    number: str
    type: str
    description: str


@dataclass(frozen=True)
class VariantRecords:
    """Records for :func:`genolab.io.write_variants`, sorted by contig (in the order of ``contigs``) and position.

    ``position`` is 0-based; ``quality`` NaN where missing; ``filter`` () for PASS, or names that ``filters`` declares.
    ``info_values[name]`` has a value per record (None: absent; a sequence for several numbers; True for a flag);
    ``format_values[name]`` has per record a list with a value per sample; GT is text such as "0/1".
    """

    contigs: dict[str, int]
    samples: tuple[str, ...]
    filters: dict[str, str]
    info: dict[str, Field]
    format: dict[str, Field]
    contig: list[str] = field(repr=False)
    position: np.ndarray = field(repr=False)
    reference: list[str] = field(repr=False)
    alternates: list[tuple[str, ...]] = field(repr=False)
    quality: np.ndarray = field(repr=False)
    filter: list[tuple[str, ...]] = field(repr=False)
    info_values: dict[str, list[Any]] = field(default_factory=dict, repr=False)
    format_values: dict[str, list[Any]] = field(default_factory=dict, repr=False)
    header_lines: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.contig)

    def to_plain(self) -> dict[str, Any]:
        """As what JSON can hold, NaN and NumPy's numbers besides; :meth:`from_plain` makes equal records of it."""
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        for name in ("info", "format"):
            held[name] = {key: [kind.number, kind.type, kind.description] for key, kind in held[name].items()}
        return held | {name: np.asarray(held[name]).tolist() for name in ("position", "quality")}

    @classmethod
    def from_plain(cls, held: dict[str, Any]) -> VariantRecords:
        """The records of which :meth:`to_plain` was made."""
        kinds = {name: {key: Field(*kind) for key, kind in held[name].items()} for name in ("info", "format")}
        columns = {"position": np.array(held["position"], np.int64), "quality": np.array(held["quality"], np.float64)}
        tuples = {name: [tuple(each) for each in held[name]] for name in ("alternates", "filter")}
        whole = {name: tuple(held[name]) for name in ("samples", "header_lines")}
        return cls(**(held | kinds | columns | tuples | whole))


def check(records: VariantRecords) -> None:
    """Refuse with ``InputError`` what VCF cannot hold: columns of other lengths, unsorted rows, undeclared names."""
    _check_header(records)
    count = len(records)
    sizes = {
        "position": len(records.position), "reference": len(records.reference), "alternates": len(records.alternates),
        "quality": len(records.quality), "filter": len(records.filter),
        **{f"info_values[{name!r}]": len(values) for name, values in records.info_values.items()},
        **{f"format_values[{name!r}]": len(values) for name, values in records.format_values.items()},
    }  # fmt: skip
    for name, size in sizes.items():
        if size != count:
            raise InputError(_WHO, name, f"as long as contig ({count:,})", f"{size:,}")
    for name, declared, given in (("info_values", records.info, records.info_values),
                                  ("format_values", records.format, records.format_values)):  # fmt: skip
        if extra := set(given) - set(declared):
            raise InputError(_WHO, name, "declared fields only", f"{sorted(extra)}", f"Declare them in {name[:-7]}.")
    if records.format_values and not records.samples:
        raise InputError(_WHO, "samples", "one or more samples for format_values", "none")
    _check_places(records)
    _check_alleles(records)


def check_follows(records: VariantRecords, last: tuple[str, int] | None) -> None:
    """Refuse a part whose first record stands before the last one (contig, position) of the parts before it."""
    if last is None or not len(records):
        return
    rank = {name: at for at, name in enumerate(records.contigs)}
    here = (records.contig[0], int(records.position[0]))
    if (rank[here[0]], here[1]) < (rank[last[0]], last[1]):
        found = f"{here[0]}:{here[1] + 1:,} after {last[0]}:{last[1] + 1:,}"
        raise InputError(_WHO, "records", "sorted by contig and position", found, "Sort them first.")


def _check_header(records: VariantRecords) -> None:
    for what, names, pattern in (
        ("contigs", records.contigs, _NAME), ("filters", records.filters, _NAME), ("info", records.info, _KEY),
        ("format", records.format, _KEY),
    ):  # fmt: skip
        for name in names:
            if not pattern.fullmatch(name) or name in ("0", "PASS"):
                raise InputError(_WHO, what, "names that VCF allows", repr(name[:60]))
    for name in records.samples:
        if not name or re.search(r"[\t\r\n]", name):
            raise InputError(_WHO, "samples", "names without tabs and line ends", repr(name[:60]))
    if len(set(records.samples)) < len(records.samples):
        raise InputError(_WHO, "samples", "different names", repr(records.samples)[:80])
    for name, kind in {**records.info, **records.format}.items():
        if (
            kind.type not in _TYPES
            or not _NUMBER.fullmatch(kind.number)
            or (kind.type == "Flag") != (kind.number == "0")
        ):
            raise InputError(_WHO, name, "a Field of a VCF type and number", f"{kind.type}, Number={kind.number}")
    for line in records.header_lines:
        if not re.fullmatch(r"##[A-Za-z][\w.]*=[^\r\n]+", line) or line.startswith(
            ("##fileformat", "##contig", "##INFO", "##FORMAT", "##FILTER")
        ):
            raise InputError(
                _WHO, "header_lines", "##key=value lines beside the ones that are written anyway", repr(line[:60])
            )
    for text in [
        *records.filters.values(),
        *(kind.description for kind in [*records.info.values(), *records.format.values()]),
    ]:
        if re.search(r"[\r\n]", text):
            raise InputError(_WHO, "description", "one line", repr(text[:60]))


def _check_places(records: VariantRecords) -> None:
    rank = {name: i for i, name in enumerate(records.contigs)}
    unknown = set(records.contig) - set(rank)
    if unknown:
        raise unknown_contig(sorted(unknown)[0], rank, _WHO, "contig")
    position = np.asarray(records.position)
    if not np.issubdtype(position.dtype, np.integer):
        if len(position):
            raise InputError(_WHO, "position", "whole numbers", str(position.dtype))
        return
    owner = np.array([rank[name] for name in records.contig], np.int64)
    length = np.array(list(records.contigs.values()) or [0], np.int64)
    end = position + np.array([len(text) for text in records.reference], np.int64)
    for rows, expected in (
        (position < 0, "0 or more"), (end > length[owner] if len(owner) else owner > 0, "inside its contig"),
    ):  # fmt: skip
        if rows.any():
            i = int(np.flatnonzero(rows)[0])
            raise InputError(_WHO, "position", expected, f"{records.contig[i]}:{position[i] + 1:,} (row {i + 1:,})")
    falls = (owner[1:] < owner[:-1]) | ((owner[1:] == owner[:-1]) & (position[1:] < position[:-1]))
    if falls.any():
        i = int(np.flatnonzero(falls)[0]) + 1
        found = f"{records.contig[i]}:{position[i] + 1:,} after {records.contig[i - 1]}:{position[i - 1] + 1:,}"
        raise InputError(
            _WHO, "records", "sorted by contig and position", f"{found} (row {i + 1:,})", "Sort them first."
        )
    quality = np.asarray(records.quality, np.float64)
    if (np.isinf(quality) | (quality < 0)).any():
        i = int(np.flatnonzero(np.isinf(quality) | (quality < 0))[0])
        raise InputError(_WHO, "quality", "0 or more, or NaN", f"{quality[i]} (row {i + 1:,})")


def _check_alleles(records: VariantRecords) -> None:
    fine: set[tuple[str, tuple[str, ...]]] = set()
    for i, pair in enumerate(zip(records.reference, records.alternates, strict=True)):
        if pair in fine:
            continue
        reference, alternates = pair
        if not _BASES.fullmatch(reference):
            raise InputError(_WHO, "reference", "bases (A C G T N)", f"{reference[:40]!r} (row {i + 1:,})")
        wrong = [text for text in alternates if not _ALTERNATE.fullmatch(text) or text == reference]
        if wrong or len(set(alternates)) < len(alternates):
            raise InputError(
                _WHO,
                "alternates",
                "different alleles other than REF: bases, * or <name>",
                f"{alternates!r:.60} (row {i + 1:,})",
            )
        if len(fine) < 100_000:
            fine.add((reference, tuple(alternates)))
    declared = {(), ("PASS",)}
    for i, names in enumerate(records.filter):
        if tuple(names) in declared:
            continue
        if not set(names) <= set(records.filters):
            raise InputError(_WHO, "filter", "names that filters declares", f"{names!r:.60} (row {i + 1:,})")
        declared.add(tuple(names))

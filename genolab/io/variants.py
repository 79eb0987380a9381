"""VCF and BCF, read as columns; every record is checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pysam

from genolab.errors import FileError, InputError
from genolab.io import guard, htslib
from genolab.io.index import find_index
from genolab.io.looking import first_look
from genolab.io.paths import PathLike
from genolab.io.region import Region, parse_region
from genolab.io.vcf_header import VcfHeader, parse_vcf_header
from genolab.io.vcf_rules import MOST_SAID
from genolab.io.vcf_text import VcfReader, VcfRows

if TYPE_CHECKING:
    import pandas as pd

LIMIT = 1024 * 2**20
"""A text VCF above this size (bytes, unpacked) is read by region only, with its index."""

_WHO = "read_variants"
_BROKEN = (OSError, ValueError, EOFError)


@dataclass(frozen=True)
class Variants:
    """Records of a VCF or BCF file, a column each; genotypes, GQ and DP are those of one ``sample``.

    ``position`` is 0-based int64; ``quality``, ``genotype_quality`` and ``depth`` are float64 with NaN where missing;
    ``filters`` is ("PASS",), () where not filtered, or the names; ``genotype`` holds allele numbers, None for a missing
    one, () without GT. ``depth`` is the sample's DP, or INFO's where a file has one sample or none.
    """

    path: Path
    samples: tuple[str, ...]
    sample: str | None
    contigs: dict[str, int] = field(repr=False)
    contig: list[str] = field(repr=False)
    position: np.ndarray = field(repr=False)
    identifier: list[str] = field(repr=False)
    reference: list[str] = field(repr=False)
    alternates: list[tuple[str, ...]] = field(repr=False)
    quality: np.ndarray = field(repr=False)
    filters: list[tuple[str, ...]] = field(repr=False)
    genotype: list[tuple[int | None, ...]] = field(repr=False)
    phased: np.ndarray = field(repr=False)
    genotype_quality: np.ndarray = field(repr=False)
    depth: np.ndarray = field(repr=False)
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.contig)

    def to_frame(self) -> pd.DataFrame:
        """One row per record; ``position`` is 1-based as in the file, lists are joined as VCF writes them."""
        import pandas as pd

        joint = ["|" if phased else "/" for phased in self.phased]
        return pd.DataFrame({
            "contig": self.contig, "position": self.position + 1, "id": self.identifier, "reference": self.reference,
            "alternate": [",".join(alleles) for alleles in self.alternates], "quality": self.quality,
            "filter": [";".join(names) for names in self.filters],
            "genotype": [sign.join("." if allele is None else str(allele) for allele in alleles)
                         for sign, alleles in zip(joint, self.genotype, strict=True)],
            "genotype_quality": self.genotype_quality, "depth": self.depth,
        })  # fmt: skip


def read_variants(path: PathLike, region: Region | str | None = None, sample: str | None = None) -> Variants:
    """Read a VCF or BCF file, plain or compressed; with ``region`` the records whose REF overlaps it.

    ``sample`` chooses whose genotypes are kept; without it the first one's are, and that is said. An index is used
    where there is one. Refused: an unknown sample or region (``InputError``), a file that is cut, of another kind, or
    has a value that is not what its header declares (``FileError`` with line and field).
    """
    seen = guard.expect(path, _WHO, "VCF", "BCF")
    guard.whole(seen)
    if seen.format == "BCF":
        first_look(seen.path)
    reader, notices = _from_bcf(seen, region, sample) if seen.format == "BCF" else _from_text(seen, region, sample)
    rows = reader.rows
    if not rows.contig:
        notices.append("The file has 0 variants." if region is None else f"0 variants overlap {region}.")
    if sample is None and len(reader.header.samples) > 1:
        notices.append(
            f"Genotypes are those of {reader.header.samples[0]}, the first of {len(reader.header.samples)} samples."
        )
    remarks = reader.header.remarks
    notices += remarks[:MOST_SAID]
    if len(remarks) > MOST_SAID:
        notices.append(f"{len(remarks) - MOST_SAID:,} more lines of the header are not as the specification asks.")
    notices += rows.said.sentences()
    return _columns(seen.path, reader, rows, notices)


def _from_text(seen: guard.Nature, region: Region | str | None, sample: str | None) -> tuple[VcfReader, list[str]]:
    index = find_index(seen.path, "VCF") if region is not None and seen.compression == "bgzf" else None
    if index is not None:
        return _from_tabix(seen, index, region, sample), []
    lines = guard.text_of(seen, LIMIT).split(b"\n")
    notices = []
    if lines[-1] == b"":
        lines.pop()
    else:
        notices.append(f"The last line has no end (line {len(lines):,}); the file may have been cut.")
    returns = sum(line.endswith(b"\r") for line in lines)
    if returns:
        notices.append(f"{returns:,} lines end in CR LF (Windows); the CR is left out.")
    texts = [guard.decoded(line, seen.path, number).removesuffix("\r") for number, line in enumerate(lines, 1)]
    head = next((i for i, text in enumerate(texts) if not text.startswith("##")), len(texts) - 1) + 1
    reader = _reader(seen.path, texts[:head], sample)
    place = _place(region, reader.header, (text.partition("\t")[0] for text in texts[head:]))
    for number, text in enumerate(texts[head:], head + 1):
        if not text and number == len(texts):
            continue
        if place is None or _overlaps(text, place):
            reader.add(text, number)
    return reader, notices


def _overlaps(text: str, place: Region) -> bool:
    parts = text.split("\t", 4)
    if len(parts) < 5 or not parts[1].isdigit():
        return True  # a line that is wrong is refused, wherever it is
    start = int(parts[1]) - 1
    return parts[0] == place.contig and start < place.end and start + len(parts[3]) > place.start


def _from_tabix(seen: guard.Nature, index: Path, region: Region | str | None, sample: str | None) -> VcfReader:
    try:
        with htslib.quiet(), pysam.TabixFile(str(seen.path), index=str(index), encoding="utf-8") as file:
            reader = _reader(seen.path, list(file.header), sample)
            place = _place(region, reader.header, file.contigs)
            if place is not None and place.contig in file.contigs:
                for text in file.fetch(place.contig, place.start, place.end):
                    if _overlaps(text, place):
                        reader.add(text, None)
    except _BROKEN as error:
        raise _refusal(seen.path, error) from error
    return reader


def _from_bcf(seen: guard.Nature, region: Region | str | None, sample: str | None) -> tuple[VcfReader, list[str]]:
    index = find_index(seen.path, "BCF") if region is not None else None
    number = 0
    try:
        with htslib.quiet(), pysam.VariantFile(str(seen.path), index_filename=str(index) if index else None) as file:
            reader = _reader(seen.path, str(file.header).rstrip("\n").split("\n"), sample)
            place = _place(region, reader.header, ())
            for number, record in enumerate(file if place is None or index is None else file.fetch(*_span(place)), 1):
                text = str(record).rstrip("\n")
                if place is None or _overlaps(text, place):
                    reader.add(text, None, number)
    except FileError:
        raise
    except (*_BROKEN, UnicodeDecodeError) as error:
        raise _refusal(seen.path, error, number + 1) from error
    return reader, []


def _span(place: Region) -> tuple[str, int, int]:
    return place.contig, place.start, place.end


def _refusal(path: Path, error: Exception, record: int | None = None) -> Exception:
    if isinstance(error, InputError | FileError):
        return error

    def again() -> None:
        with pysam.VariantFile(str(path)) as file:
            for _ in file:
                pass

    said = htslib.quote(htslib.words(again) or str(error))
    return FileError(
        path, record=record, expected="undamaged records", found=f"one that cannot be read{said}", fix=guard.SURE
    )


def _reader(path: Path, lines: list[str], sample: str | None) -> VcfReader:
    header = parse_vcf_header(lines, path)
    if sample is not None and sample not in header.samples:
        known = ", ".join(header.samples[:10]) or "no samples"
        raise InputError(_WHO, "sample", "a sample of the file", repr(sample), f"It has {known}.")
    column = header.samples.index(sample) if sample is not None else 0 if header.samples else None
    return VcfReader(path, header, column)


def _place(
    region: Region | str | None, header: VcfHeader, seen: Iterator[str] | tuple[str, ...] | list[str]
) -> Region | None:
    """The region on this file's contigs; where the header gives no length any position is inside."""
    if region is None:
        return None
    return parse_region(region, {**dict.fromkeys([*header.named, *seen], 2**31 - 1), **header.contigs}, _WHO)


def _columns(path: Path, reader: VcfReader, rows: VcfRows, notices: list[str]) -> Variants:
    header = reader.header
    return Variants(
        path=path, samples=header.samples, sample=None if reader.column is None else header.samples[reader.column],
        contigs=header.contigs, contig=rows.contig, position=np.array(rows.position, np.int64),
        identifier=rows.identifier,
        reference=rows.reference, alternates=rows.alternates, quality=np.array(rows.quality, np.float64),
        filters=rows.filters, genotype=rows.genotype, phased=np.array(rows.phased, bool),
        genotype_quality=np.array(rows.genotype_quality, np.float64), depth=np.array(rows.depth, np.float64),
        notices=tuple(notices),
    )  # fmt: skip

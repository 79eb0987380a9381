"""Variant records to VCF 4.3 text, then through htslib into the file: plain, bgzip + index, or BCF + index."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from genolab.errors import FileError, InputError
from genolab.io import htslib, index
from genolab.io.atomic import replacing
from genolab.io.paths import PathLike
from genolab.io.records import Field, VariantRecords, check, check_follows

_WHO = "write_variants"
_MODES = {".vcf": "w", ".vcf.gz": "wz", ".vcf.bgz": "wz", ".bcf": "wb"}
_RESERVED = re.compile(r"[:;=%,\s]")
_GENOTYPE = re.compile(r"(?:[0-9]+|\.)(?:[/|](?:[0-9]+|\.))*")
_LARGEST = 2**31 - 1
_TALLEST_TBI = 2**29


def write_variants(
    records: VariantRecords | Iterable[VariantRecords],
    path: PathLike,
    late_lines: Callable[[], Iterable[str]] = tuple,
) -> int:
    """Write a VCF 4.3 file; the suffix decides: ``.vcf``, ``.vcf.gz`` (bgzip and .tbi) or ``.bcf`` (and .csi).

    Records may come in parts, one after the other, of which none but the last read is held; the header is the first
    part's. Missing values are ".", no filter is PASS. The file and its index are written beside and renamed together,
    so an error or an interrupt leaves what was there. ``late_lines`` gives header lines (``##key=value``) that are
    known only when all parts have come. Returns how many records were written. Refused with ``InputError``: records
    that are not sorted or that VCF cannot hold; with ``FileError``: a place that cannot be written.
    """
    name = Path(path).name.lower()
    suffix = next((suffix for suffix in _MODES if name.endswith(suffix)), None)
    if suffix is None:
        raise InputError(_WHO, "path", "a name that ends in .vcf, .vcf.gz or .bcf", repr(Path(path).name[:60]))
    parts = iter([records]) if isinstance(records, VariantRecords) else iter(records)
    first = next(parts, None)
    if first is None:
        raise InputError(_WHO, "records", "one part or more, if an empty one", "none")
    check(first)
    lines = _lines(first)  # the first part's values are formatted, and refused, before a file is made
    with replacing(path, ".tbi", ".csi", who=_WHO) as (new, tbi, csi):
        draft = new.with_name(new.name + ".txt")
        with open(draft, "w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(_header(first))
            stream.writelines(lines)
            count, last = len(first), _last(first, None)
            for part in parts:
                check(part)
                check_follows(part, last)
                stream.writelines(_lines(part))
                count, last = count + len(part), _last(part, last)
        _convert(draft, new, _MODES[suffix], count, Path(path), late_lines())
        if suffix == ".bcf":
            index.make("BCF", new, (csi,), ".csi")
        elif suffix != ".vcf":
            tall = max(first.contigs.values(), default=0) >= _TALLEST_TBI
            index.make("VCF", new, (csi if tall else tbi,), ".csi" if tall else ".tbi")
    return count


def _last(part: VariantRecords, before: tuple[str, int] | None) -> tuple[str, int] | None:
    return (part.contig[-1], int(part.position[-1])) if len(part) else before


def variant_bytes(records: VariantRecords, suffix: str = ".vcf") -> bytes:
    """The file that :func:`write_variants` would write, for a browser to save."""
    with tempfile.TemporaryDirectory(prefix="genolab-") as folder:
        path = Path(folder) / f"calls{suffix}"
        write_variants(records, path)
        return path.read_bytes()


def _convert(draft: Path, new: Path, mode: str, count: int, path: Path, late_lines: Iterable[str]) -> None:
    """Let htslib read the text and write the file, so that what it would not take is found now."""

    def read() -> None:
        with pysam.VariantFile(str(draft)) as source:
            for _ in source:
                pass

    written = 0
    try:
        with htslib.quiet(), pysam.VariantFile(str(draft)) as source:
            for line in late_lines:
                source.header.add_line(line)
            with pysam.VariantFile(str(new), mode, header=source.header) as target:
                for record in source:
                    target.write(record)
                    written += 1
    except OSError as error:
        if error.errno:  # a full disk and the like: said by the one who makes the file
            raise
        said = htslib.quote(htslib.words(read) or str(error))
        raise FileError(path, record=written + 1, expected="to write this record", found=f"an error{said}") from error
    if written != count:
        said = htslib.quote(htslib.words(read))
        raise FileError(path, record=written + 1, expected=f"to write {count:,} records", found=f"{written:,}{said}")


def _header(records: VariantRecords) -> Iterator[str]:
    yield "##fileformat=VCFv4.3\n"
    for line in records.header_lines:
        yield f"{line}\n"
    yield '##FILTER=<ID=PASS,Description="All filters passed">\n'
    for name, text in records.filters.items():
        yield f'##FILTER=<ID={name},Description="{_quoted(text)}">\n'
    for name, length in records.contigs.items():
        yield f"##contig=<ID={name},length={length}>\n"
    for column, fields in (("INFO", records.info), ("FORMAT", records.format)):
        for name, kind in fields.items():
            about = f'Number={kind.number},Type={kind.type},Description="{_quoted(kind.description)}"'
            yield f"##{column}=<ID={name},{about}>\n"
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
    if records.samples:
        columns += ["FORMAT", *records.samples]
    yield "\t".join(columns) + "\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _lines(records: VariantRecords) -> list[str]:
    count = len(records)
    alternates = [",".join(alleles) or "." for alleles in records.alternates]
    alleles = [len(others) for others in records.alternates]
    quality = ["." if math.isnan(value) else f"{value:.6g}" for value in np.asarray(records.quality, float).tolist()]
    filters = [";".join(names) or "PASS" for names in records.filter]
    positions = (np.asarray(records.position, np.int64) + 1).tolist()
    entries = [
        _entries(name, _column(name, kind, records.info_values[name], alleles, None))
        for name, kind in records.info.items()
        if name in records.info_values
    ]
    info = [";".join(filter(None, row)) or "." for row in zip(*entries, strict=True)] if entries else ["."] * count
    samples = _samples(records, alleles) if records.samples else repeat("", count)
    return [
        f"{contig}\t{position}\t.\t{reference}\t{alternate}\t{score}\t{names}\t{about}{own}\n"
        for contig, position, reference, alternate, score, names, about, own in zip(
            records.contig, positions, records.reference, alternates, quality, filters, info, samples, strict=True
        )
    ]


def _entries(name: str, values: list[str]) -> list[str]:
    """INFO entries: ``name=value``, ``name`` for a set flag, "" where absent."""
    return ["" if text == "." else name if text == "\0" else f"{name}={text}" for text in values]


def _samples(records: VariantRecords, alleles: list[int]) -> list[str]:
    """FORMAT and sample columns per record; a field that no sample of a record has is left out of it."""
    names = sorted((name for name in records.format if name in records.format_values), key=lambda name: name != "GT")
    size = len(records.samples)
    if not names:
        return ["\t." + "\t." * size] * len(records)
    columns: list[list[list[str]]] = []
    genotypes: list[list[str]] | None = None
    for name in names:
        flat: list[Any] = []
        for i, row in enumerate(records.format_values[name]):
            values = [None] * size if row is None else row
            if len(values) != size:
                raise InputError(
                    _WHO, f"format_values[{name!r}]", f"{size} values per record", f"{len(values)} (row {i + 1:,})"
                )
            flat.extend(values)
        repeated = [count for count in alleles for _ in range(size)]
        ploidy = [text for row in genotypes for text in row] if genotypes else None
        texts = _column(name, records.format[name], flat, repeated, ploidy)
        rows = [texts[i : i + size] for i in range(0, len(texts), size)]
        columns.append(rows)
        if name == "GT":
            genotypes = rows
    lines = []
    for row in zip(*columns, strict=True):
        present = [i for i, texts in enumerate(row) if names[i] == "GT" or texts.count(".") < size]
        keys = ":".join([names[i] for i in present]) or "."
        own = "\t".join([":".join(parts) for parts in zip(*[row[i] for i in present], strict=True)]) if present else ""
        lines.append(f"\t{keys}\t{own or chr(9).join(['.'] * size)}")
    return lines


def _column(
    name: str, kind: Field, values: Sequence[Any], alleles: Sequence[int], genotypes: Sequence[str] | None
) -> list[str]:
    """One field's values as text, checked against its type and number; "." is missing, NUL is a set flag."""
    one = _FORMATS.get(kind.type, _text)
    if isinstance(values, np.ndarray):
        values = values.tolist()
    texts: list[str] = []
    for i, value in enumerate(values):
        if value is None:
            texts.append(".")
            continue
        try:
            if kind.type == "Flag":
                texts.append("\0" if value else ".")
            elif name == "GT":
                texts.append(_genotype(value, alleles[i]))
            elif isinstance(value, list | tuple | np.ndarray):
                several = value.tolist() if isinstance(value, np.ndarray) else value
                wanted = _wanted(kind.number, alleles[i], genotypes[i] if genotypes else None)
                if not several or (wanted is not None and len(several) != wanted):
                    raise ValueError(f"{len(several)} values for Number={kind.number}")
                texts.append(",".join(["." if item is None else one(item) for item in several]))
            elif kind.number in "1." or _wanted(kind.number, alleles[i], genotypes[i] if genotypes else None) == 1:
                texts.append(one(value))
            else:
                raise ValueError(f"one value for Number={kind.number}")
        except (ValueError, TypeError) as error:
            expected = f"{kind.type}, Number={kind.number}, as declared"
            raise InputError(
                _WHO, name, expected, f"{value!r:.40} ({error})", f"Value {i + 1:,} of the column."
            ) from None
    return texts


def _wanted(number: str, alternates: int, genotype: str | None) -> int | None:
    if number.isdigit():
        return int(number)
    ploidy = len(re.split(r"[/|]", genotype)) if genotype and genotype != "." else 2
    return {"A": alternates, "R": alternates + 1, "G": math.comb(alternates + ploidy, ploidy)}.get(number)


def _genotype(value: Any, alternates: int) -> str:
    if not isinstance(value, str) or not _GENOTYPE.fullmatch(value):
        raise ValueError("not alleles joined by / or |")
    if len(value) > 3 and any(text != "." and int(text) > alternates for text in re.split(r"[/|]", value)):
        raise ValueError(f"an allele above {alternates}")
    if len(value) <= 3 and any(sign.isdigit() and int(sign) > alternates for sign in value):
        raise ValueError(f"an allele above {alternates}")
    return value


def _integer(value: Any) -> str:
    whole = int(value)
    if whole != value or not -(2**31) + 8 <= whole <= _LARGEST:
        raise ValueError("not a whole number of 32 bits")
    return str(whole)


def _float(value: Any) -> str:
    return "." if value != value else f"{value:.6g}"


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or (not value.isprintable() and not _RESERVED.search(value)):
        raise ValueError("not text")
    return _RESERVED.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), value)


_FORMATS = {"Integer": _integer, "Float": _float, "Character": _text, "String": _text}

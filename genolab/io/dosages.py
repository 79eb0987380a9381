"""Dosages of a VCF or BCF, read block by block: the whole file is never held unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from genolab.errors import FileError
from genolab.io import guard, htslib
from genolab.io.paths import PathLike

_WHO = "read_dosages"
BLOCK = 1024
_BROKEN = (OSError, ValueError, EOFError)


@dataclass(frozen=True)
class Dosages:
    """Samples by alternate alleles: expected copies of each (0 to 2), read again from the file for every pass.

    A record with several alternates gives a row for each. ``field`` is ``DS`` where the header has it, else ``GT``:
    copies counted, missing where any allele is. ``position`` is 0-based. ``notices`` say what was left out.
    """

    path: Path
    samples: np.ndarray = field(repr=False)
    contig: np.ndarray = field(repr=False)
    position: np.ndarray = field(repr=False)
    identifier: np.ndarray = field(repr=False)
    reference: np.ndarray = field(repr=False)
    alternate: np.ndarray = field(repr=False)
    field: str
    notices: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Samples and variants."""
        return len(self.samples), len(self.position)

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[slice, np.ndarray]]:
        """All variants in turn [variant, sample], float32, -1 where missing, with their place."""
        held: list[np.ndarray] = []
        first = 0
        with _opened(self.path) as file:
            for number, record in _records(file, self.path):
                held += _rows(record, self.field, len(self.samples), self.path, number)
                while len(held) >= size:
                    yield slice(first, first + size), np.array(held[:size])
                    first, held = first + size, held[size:]
        if held:
            yield slice(first, first + len(held)), np.array(held)


def read_dosages(path: PathLike) -> Dosages:
    """Open a VCF or BCF for its dosages: sites are read now, dosages when they are asked for.

    Raises
    ------
    FileError
        A file without samples or records, cut, with dosages outside 0 to 2, or without DS and GT.
    """
    found = guard.nature(path, _WHO).path
    contig, position, identifier, reference, alternate = [], [], [], [], []
    without = 0
    with _opened(found) as file:
        samples = np.array(list(file.header.samples), object)
        if not samples.size:
            raise FileError(found, expected="samples with genotypes", found="sites alone")
        kind = "DS" if "DS" in file.header.formats else "GT" if "GT" in file.header.formats else ""
        if not kind:
            raise FileError(found, field="FORMAT", expected="DS or GT", found="neither in the header")
        for _, record in _records(file, found):
            if not record.alts:
                without += 1
            for alt in record.alts or ():
                contig.append(record.chrom)
                position.append(record.start)
                identifier.append(record.id or ".")
                reference.append(record.ref)
                alternate.append(alt)
    if not position:
        raise FileError(found, expected="one variant or more", found="none")
    notices = (f"{without:,} records without an alternate allele were left out.",) if without else ()
    contigs, names, references, alternates = (
        np.array(column, object) for column in (contig, identifier, reference, alternate)
    )
    places = np.array(position, np.int64)
    return Dosages(found, samples, contigs, places, names, references, alternates, kind, notices)


def _opened(path: Path) -> Any:
    try:
        with htslib.quiet():
            return pysam.VariantFile(str(path))
    except _BROKEN as error:
        raise FileError(path, expected="a VCF or BCF file", found=str(error)) from None


def _records(file: Any, path: Path) -> Iterator[tuple[int, Any]]:
    number = 0
    records = iter(file)
    while True:
        try:
            with htslib.quiet():
                record = next(records)
        except StopIteration:
            return
        except _BROKEN as error:
            fix = "Check it with `genolab check`."
            raise FileError(path, record=number + 1, expected="a whole record", found=str(error), fix=fix) from None
        number += 1
        yield number, record


def _rows(record: Any, kind: str, samples: int, path: Path, number: int) -> list[np.ndarray]:
    alternates = len(record.alts or ())
    made = np.full((alternates, samples), -1, np.float32)
    for column, call in enumerate(record.samples.values()):
        if kind == "DS":
            value = call.get("DS")
            given = value if isinstance(value, tuple) else (value,)
            for k in range(min(alternates, len(given))):
                if given[k] is not None:
                    made[k, column] = given[k]
        else:
            alleles = call.get("GT") or ()
            if alleles and None not in alleles:
                for k in range(alternates):
                    made[k, column] = sum(allele == k + 1 for allele in alleles)
    known = made[made != -1]
    if known.size and not (np.isfinite(known).all() and known.min() >= 0 and known.max() <= 2):
        wrong = float(known[~((known >= 0) & (known <= 2))][0])
        raise FileError(path, record=number, field=kind, expected="dosages from 0 to 2", found=f"{wrong:g}")
    return list(made)

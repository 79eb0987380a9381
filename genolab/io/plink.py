"""PLINK 1 genotypes (bed, bim, fam), unpacked block by block: the whole file is never held unpacked."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import FileError, InputError
from genolab.io import guard
from genolab.io.paths import PathLike, readable

if TYPE_CHECKING:
    import pandas as pd

_WHO = "read_plink"
_MAGIC, _BY_SAMPLE = b"\x6c\x1b\x01", b"\x6c\x1b\x00"
# two bits a genotype, the first sample in the lowest: 00 two copies of A1, 10 one, 11 none, 01 missing
_DOSAGE = np.array([2, -1, 1, 0], np.int8)
_UNPACKED = _DOSAGE[(np.arange(256)[:, None] >> np.array([0, 2, 4, 6])) & 3]
BLOCK = 1024
_FIX = "Correct the line, or write the three files again with `plink --make-bed`."
_MISSING_PHENOTYPE = ("-9", "NA", "nan", "NaN")


@dataclass(frozen=True)
class Genotypes:
    """Samples by variants, as copies of allele A1 (0, 1, 2; -1 where missing), read block by block.

    ``position`` is 0-based. ``phenotype`` is NaN where the fam file has -9 or NA; ``sex`` 0 unknown, 1 male, 2 female.
    """

    path: Path
    samples: np.ndarray = field(repr=False)
    families: np.ndarray = field(repr=False)
    sex: np.ndarray = field(repr=False)
    phenotype: np.ndarray = field(repr=False)
    contig: np.ndarray = field(repr=False)
    position: np.ndarray = field(repr=False)
    identifier: np.ndarray = field(repr=False)
    a1: np.ndarray = field(repr=False)
    a2: np.ndarray = field(repr=False)
    packed: np.ndarray = field(repr=False)
    notices: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Samples and variants."""
        return len(self.samples), len(self.identifier)

    def block(self, first: int, last: int) -> np.ndarray:
        """Dosages [variant, sample] of some neighbouring variants, int8."""
        rows = _UNPACKED[self.packed[first:last]]
        return rows.reshape(len(rows), -1)[:, : len(self.samples)]

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[slice, np.ndarray]]:
        """All variants in turn, as :meth:`block` gives them, with their place."""
        for first in range(0, len(self.identifier), size):
            part = slice(first, min(first + size, len(self.identifier)))
            yield part, self.block(part.start, part.stop)

    def to_frame(self) -> pd.DataFrame:
        """A row per variant; ``position`` is 1-based as in the file."""
        import pandas as pd

        return pd.DataFrame({
            "contig": self.contig, "position": self.position + 1, "id": self.identifier, "a1": self.a1, "a2": self.a2,
        })  # fmt: skip


def read_plink(prefix: PathLike) -> Genotypes:
    """Open ``PREFIX.bed`` with its ``.bim`` and ``.fam`` (or any of the three names); each may be gzipped.

    A bed of the old kind, with a row per sample, is turned round, which is said in ``notices``.
    Of a fam file with more traits (columns beyond the sixth) the first is ``phenotype``; give the others as ``y``.

    Raises
    ------
    FileError
        A missing companion, a bed of another size than samples and variants make,
        a row with too few columns, a position or phenotype that is no number, a sample or variant that comes twice.
    """
    stem = str(prefix)
    for suffix in (".gz", ".bed", ".bim", ".fam"):
        stem = stem.removesuffix(suffix)
    bed = _companion(stem, "bed")
    head = _first_bytes(bed)
    if head not in (_MAGIC, _BY_SAMPLE):
        found = f"bytes {head.hex(' ') or 'none'}"
        raise FileError(bed, offset=0, expected="a PLINK 1 bed file", found=found, fix=guard.SURE)
    paths = {"bed": bed} | {kind: _companion(stem, kind, bed) for kind in ("bim", "fam")}
    people = _rows(paths["fam"], 6, more=True)
    variants = _rows(paths["bim"], 6)
    names = [row[1] for row in people]
    _check_once(paths["fam"], [f"{row[0]} {row[1]}" for row in people], "samples")
    phenotype = np.array([_number(paths["fam"], line, row[5]) for line, row in enumerate(people, 1)])
    position = np.array([_position(paths["bim"], line, row[3]) for line, row in enumerate(variants, 1)], np.int64)
    packed, notices = _packed(paths["bed"], len(people), len(variants))
    columns = [np.array(column, object) for column in zip(*variants, strict=True)]
    sex = np.array([int(row[4]) if row[4] in ("1", "2") else 0 for row in people], np.int8)
    return Genotypes(
        paths["bed"], np.array(names, object), np.array([row[0] for row in people], object), sex, phenotype,
        columns[0], position - 1, columns[1], columns[4], columns[5], packed, notices,
    )  # fmt: skip


def _companion(stem: str, kind: str, bed: Path | None = None) -> Path:
    plain, packed = Path(f"{stem}.{kind}"), Path(f"{stem}.{kind}.gz")
    if bed is not None and not plain.exists() and not packed.exists():
        fix = "Copy the .bed, .bim and .fam of one run of PLINK into one folder."
        expected, found = "its .bim and .fam beside it", f"no {plain.name}"
        raise FileError(bed, offset=0, field=f".{kind}", expected=expected, found=found, fix=fix)
    if not plain.exists() and packed.exists():
        return readable(packed, _WHO)
    return readable(plain, _WHO)


def _rows(path: Path, width: int, more: bool = False) -> list[list[str]]:
    seen = guard.nature(path, _WHO)
    if seen.format:
        guard.expect(path, _WHO, "a table of text")
    lines = guard.text_of(seen).splitlines()
    rows = []
    for number, line in enumerate(lines, 1):
        cells = guard.decoded(line, path, number).split()
        if not cells and number == len(lines):
            continue
        if len(cells) != width and not (more and len(cells) > width):
            raise FileError(path, line=number, expected=f"{width} columns", found=str(len(cells)), fix=_FIX)
        rows.append(cells)
    if not rows:
        raise FileError(path, expected="one row or more", found="none", line=1, fix=_FIX)
    return rows


def _check_once(path: Path, names: list[str], what: str) -> None:
    first: dict[str, int] = {}
    for line, name in enumerate(names, 1):
        if name in first:
            found = f"{name!r} again, first on line {first[name]:,}"
            raise FileError(path, line=line, expected=f"{what} that differ", found=found, fix=_FIX)
        first[name] = line


def _number(path: Path, line: int, cell: str) -> float:
    if cell in _MISSING_PHENOTYPE:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        fix = "Write -9 where it is missing."
        raise FileError(path, line=line, field="phenotype", expected="a number", found=repr(cell), fix=fix) from None


def _position(path: Path, line: int, cell: str) -> int:
    if not cell.removeprefix("-").isdigit():
        raise FileError(path, line=line, field="position", expected="a whole number", found=repr(cell[:40]), fix=_FIX)
    return int(cell)


def _packed(path: Path, samples: int, variants: int) -> tuple[np.ndarray, tuple[str, ...]]:
    by_sample = _first_bytes(path) == _BY_SAMPLE
    rows, cells = (samples, variants) if by_sample else (variants, samples)
    width = -(-cells // 4)
    expected = 3 + width * rows
    fix = "The bed, bim and fam must come from one run of PLINK; copy all three again."
    if path.suffix == ".gz":
        try:
            with gzip.open(path) as stream:
                data = stream.read(expected + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(path, offset=0, expected="gzip data", found=str(error), fix=guard.SURE) from None
        size, held = len(data), np.frombuffer(data, np.uint8)
    else:
        size = path.stat().st_size
        held = np.memmap(path, np.uint8, "r") if size else np.empty(0, np.uint8)
    if size != expected:
        what = f"{expected:,} bytes for {samples:,} samples and {variants:,} variants"
        more = f"more than {expected:,}" if size > expected else f"{size:,}"
        raise FileError(path, offset=min(size, expected), expected=what, found=more, fix=fix)
    packed = np.asarray(held[3:]).reshape(rows, width)
    if not by_sample:
        return packed, ()
    return _turned(packed, samples, variants), ("The bed file has a row per sample; it was turned round.",)


def _first_bytes(path: Path) -> bytes:
    return guard.nature(path, _WHO).head[:3]


def _turned(packed: np.ndarray, samples: int, variants: int) -> np.ndarray:
    """Rows of samples to rows of variants, still packed; a block of variants at a time."""
    turned = np.zeros((variants, -(-samples // 4)), np.uint8)
    for first in range(0, variants, 4 * BLOCK):
        part = packed[:, first // 4 : first // 4 + BLOCK]
        codes = (part[:, :, None] >> np.array([0, 2, 4, 6], np.uint8)) & 3
        codes = codes.reshape(samples, -1)[:, : variants - first].T
        codes = np.pad(codes, ((0, 0), (0, -samples % 4))).reshape(len(codes), -1, 4)
        turned[first : first + len(codes)] = (codes << np.array([0, 2, 4, 6], np.uint8)).sum(axis=2, dtype=np.uint8)
    return turned


def genotypes_of(dosages: Any, samples: Any = None, identifiers: Any = None) -> np.ndarray:
    """Dosages [sample, variant] that were given as a table: float32 from 0 to 2, NaN where missing.

    Raises
    ------
    InputError
        A value outside 0 to 2 (with its row and column), or no table.
    """
    table = np.asarray(dosages)
    if table.ndim != 2 or table.dtype.kind not in "biuf" or not table.size:
        raise InputError("genotypes", "X", "dosages [sample, variant]", f"dtype {table.dtype}, shape {table.shape}")
    table = table.astype(np.float32)
    with np.errstate(invalid="ignore"):
        wrong = ~((table >= 0) & (table <= 2)) & ~np.isnan(table)
    if wrong.any():
        row, column = (int(place[0]) for place in np.nonzero(wrong))
        others = f", and {int(wrong.sum()) - 1:,} more" if wrong.sum() > 1 else ""
        found = f"{table[row, column]:g} in row {row}, column {column}{others}"
        raise InputError("genotypes", "X", "dosages from 0 to 2", found, "Code missing genotypes as NaN.")
    return table

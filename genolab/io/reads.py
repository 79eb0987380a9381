"""Aligned reads as flat arrays: never one Python object per base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from genolab.errors import FileError
from genolab.io.region import Region

_CODE = np.full(256, 4, np.uint8)
for _code, _letters in enumerate(("Aa", "Cc", "Gg", "Tt")):
    _CODE[[ord(letter) for letter in _letters]] = _code
CODES = _CODE.tobytes()
"""A 256-byte table from a letter to its code: A 0, C 1, G 2, T 3, everything else 4; case does not matter."""

_PHRED = bytes([(letter - 33) % 256 for letter in range(256)])
_OPERATION = np.full(256, 9, np.uint8)
_OPERATION[list(b"MIDNSHP=X")] = np.arange(9)
_TAKES_READ = np.array([1, 1, 0, 0, 1, 0, 0, 1, 1, 0], bool)
_TAKES_REFERENCE = np.array([1, 0, 1, 1, 0, 0, 0, 1, 1, 0], bool)
_SOFT, _HARD = 4, 5
_LONGEST = 2**28 - 1
MISSING = 255
"""A base quality or mapping quality that the file does not give."""


@dataclass(frozen=True)
class AlignedReads:
    """The mapped reads that overlap a region, in file order, as flat arrays.

    ``n`` reads; all their bases one after the other (``base`` axis), all their CIGAR operations (``operation`` axis):
    read ``i`` has ``base[base_offset[i]:base_offset[i + 1]]``, and likewise its operations. Positions are 0-based,
    ``reference_end`` exclusive (as in htslib a read that spans no position ends after one). ``fragment`` is the same
    number for reads of one name (mates). Base codes are A 0, C 1, G 2, T 3, other 4; qualities are phred, 255 where
    missing; operations as in BAM (M0 I1 D2 N3 S4 H5 P6 =7 X8).
    """

    region: Region
    sample: str | None
    names: list[str] = field(repr=False)
    fragment: np.ndarray = field(repr=False)
    position: np.ndarray = field(repr=False)
    reference_end: np.ndarray = field(repr=False)
    flag: np.ndarray = field(repr=False)
    mapping_quality: np.ndarray = field(repr=False)
    base_offset: np.ndarray = field(repr=False)
    base: np.ndarray = field(repr=False)
    quality: np.ndarray = field(repr=False)
    operation_offset: np.ndarray = field(repr=False)
    operation: np.ndarray = field(repr=False)
    length: np.ndarray = field(repr=False)
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


@dataclass
class Columns:
    """Reads as the file gives them, a list per field; ``sequence`` and ``quality`` (phred + 33) None where ``*``."""

    name: list[str] = field(default_factory=list)
    flag: list[int] = field(default_factory=list)
    position: list[int] = field(default_factory=list)
    mapping_quality: list[int] = field(default_factory=list)
    cigar: list[str | None] = field(default_factory=list)
    sequence: list[str | None] = field(default_factory=list)
    quality: list[str | None] = field(default_factory=list)
    line: list[int] = field(default_factory=list)

    def take(self, rows: Sequence[int]) -> Columns:
        """These rows of every column, in this order."""
        return Columns(**{name: [column[i] for i in rows] for name, column in vars(self).items() if column})


def assemble(columns: Columns, path: Path, region: Region, sample: str | None, contig_length: int) -> AlignedReads:
    """Columns to arrays, checked: operations that use the bases there are, an end inside the contig, known letters."""
    where = _Where(path, columns)
    count = len(columns.name)
    fragment = _fragments(columns.name)
    position = np.array(columns.position, np.int32)
    base_offset = _offsets(_lengths(columns.sequence, count))
    letters = _join(columns.sequence)
    base = np.frombuffer(letters.translate(CODES), np.uint8)
    quality = _qualities(columns, base_offset, where)
    operation_offset, operation, length = parse_cigars(columns.cigar, where)
    used, spanned = _sums(operation_offset, operation, length, count)
    reads = AlignedReads(
        region=region, sample=sample, names=columns.name, fragment=fragment.astype(np.int32), position=position,
        reference_end=(position + np.maximum(spanned, 1)).astype(np.int32), flag=np.array(columns.flag, np.uint16),
        mapping_quality=np.array(columns.mapping_quality, np.uint8), base_offset=base_offset, base=base,
        quality=quality, operation_offset=operation_offset, operation=operation, length=length,
    )  # fmt: skip
    sizes = np.diff(base_offset)
    idle = np.zeros(count, bool)
    idle[np.repeat(np.arange(count), np.diff(operation_offset))[length == 0]] = True
    last = position.astype(np.int64) + np.maximum(spanned, 1)
    inside = f"an end inside {region.contig} ({contig_length:,} positions)"
    where.refuse(idle & (sizes > 0), "CIGAR", "operations of length 1 or more", lambda i: repr(columns.cigar[i])[:60])
    where.refuse(
        (sizes > 0) & (used != sizes), "CIGAR", "as many bases as SEQ has", lambda i: f"{used[i]:,} for {sizes[i]:,}"
    )
    where.refuse(last > contig_length, "POS and CIGAR", inside, lambda i: f"an alignment to {last[i]:,}")
    return replace(reads, notices=_notices(reads, letters, count))


def parse_cigars(cigars: Sequence[str | None], where: _Where) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """CIGAR strings to ``operation_offset``, ``operation`` and ``length``; each different string is parsed once."""
    seen, which = _numbered(cigars)
    distinct = [cigar or "" for cigar in seen]
    data = np.frombuffer("".join(distinct).encode("latin-1", "replace"), np.uint8)
    end = np.flatnonzero((data < 48) | (data > 57))
    operation = _OPERATION[data[end]]
    before = np.concatenate(([-1], end[:-1])) if len(end) else end
    digits = end - before - 1
    length = np.zeros(len(end), np.int64)
    for place in range(min(int(digits.max(initial=0)), 10)):
        has = digits > place
        length[has] += (data[end[has] - 1 - place].astype(np.int64) - 48) * 10**place
    text_end = np.cumsum([len(text) for text in distinct], dtype=np.int64)
    owner = np.searchsorted(text_end, end, side="right")
    closed = np.bincount(owner, minlength=len(distinct)) if len(end) else np.zeros(len(distinct), np.int64)
    wrong = (operation > 8) | (digits < 1) | (digits > 10) | (length > _LONGEST)
    bad = set(owner[wrong].tolist())
    # A string that ends in a digit would lend it to the next one.
    bad.update(i for i, text in enumerate(distinct) if text and text[-1].isdigit())
    if bad:
        rows = np.isin(which, sorted(bad))
        where.refuse(
            rows, "CIGAR", "lengths up to 268,435,455, each before one of MIDNSHP=X", lambda i: repr(cigars[i])[:60]
        )
    starts = _offsets(closed)
    misplaced = np.unique(owner[_clipped_inside(operation, starts[owner], starts[owner + 1] - 1)])
    if misplaced.size:  # C code reads it, and the bases behind would move
        expected = "clips (H, S) only at the ends"
        where.refuse(np.isin(which, misplaced), "CIGAR", expected, lambda i: repr(cigars[i])[:60])
    counts = closed[which] if len(which) else closed[:0]
    offset = _offsets(counts)
    pick = np.repeat(starts[:-1][which] - offset[:-1], counts) + np.arange(offset[-1]) if len(which) else which
    return offset, operation[pick], length[pick].astype(np.int32)


def _clipped_inside(operation: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Whether each operation is a clip that is not at an end; ``first`` and ``last`` are those of its CIGAR."""
    number, soft, hard = np.arange(operation.size), operation == _SOFT, operation == _HARD
    after_hard = (number == first + 1) & hard[first] | (number == last - 1) & hard[last]
    inside: np.ndarray = (soft & ~after_hard | hard) & (number > first) & (number < last)
    return inside


class _Where:
    """Says where a read stands in its file, and refuses it."""

    def __init__(self, path: Path, columns: Columns) -> None:
        self.path, self.columns = path, columns

    def refuse(self, rows: np.ndarray, name: str, expected: str, found: Any) -> None:
        """Refuse the first of the rows that are true, if any."""
        if rows.any():
            i = int(np.flatnonzero(rows)[0])
            shown = self.columns.name[i][:80]
            at = f"{shown!r} at position {self.columns.position[i] + 1:,}"
            raise FileError(
                self.path, line=self.columns.line[i] if self.columns.line else None, field=f"{name} of read {at}",
                expected=expected, found=found(i), fix="Remove the read, or make the file again.",
            )  # fmt: skip


def _numbered(texts: Sequence[str | None]) -> tuple[dict[str | None, int], np.ndarray]:
    """Different texts, numbered as they come, and the number of each text."""
    numbers = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    return numbers, np.array(list(map(numbers.__getitem__, texts)), np.int64)


def _fragments(names: list[str]) -> np.ndarray:
    """The same number for reads of one name; a read without a name (``*``) has no known mate."""
    numbers, which = _numbered(names)
    if "*" in numbers:
        nameless = which == numbers["*"]
        which[nameless] = len(numbers) + np.arange(np.count_nonzero(nameless))
    return which


def _offsets(sizes: np.ndarray) -> np.ndarray:
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def _lengths(texts: Sequence[str | None], count: int) -> np.ndarray:
    try:
        return np.fromiter(map(len, texts), np.int64, count)  # type: ignore[arg-type]
    except TypeError:  # some are None
        return np.fromiter((len(text) if text else 0 for text in texts), np.int64, count)


def _join(texts: Sequence[str | None]) -> bytes:
    try:
        return "".join(texts).encode("ascii")  # type: ignore[arg-type]
    except TypeError:
        return "".join([text or "" for text in texts]).encode("ascii")


def _qualities(columns: Columns, base_offset: np.ndarray, where: _Where) -> np.ndarray:
    """Qualities one after the other; 255 for every base of a read that has none."""
    texts = columns.quality
    given = _lengths(texts, len(texts))
    sizes = np.diff(base_offset)
    lacking = (given == 0) & (sizes > 0)
    where.refuse(
        ~lacking & (given != sizes), "QUAL", "one value for each base", lambda i: f"{given[i]:,} for {sizes[i]:,}"
    )
    values = np.frombuffer(_join(texts).translate(_PHRED), np.uint8)
    over = values > 93
    if over.any():
        owner = np.searchsorted(np.cumsum(given), np.flatnonzero(over)[:1], side="right")
        where.refuse(np.arange(len(texts)) == owner, "QUAL", "phred 0 to 93", lambda i: str(int(values[over][0])))
    if not lacking.any():
        return values
    quality = np.full(base_offset[-1], MISSING, np.uint8)
    quality[np.repeat(~lacking, sizes)] = values
    return quality


def _sums(offset: np.ndarray, operation: np.ndarray, length: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Per read: bases that its operations use, and reference positions that they span."""
    sums = []
    for takes in (_TAKES_READ, _TAKES_REFERENCE):
        running = _offsets(np.where(takes[operation], length, 0))
        sums.append(running[offset[1:]] - running[offset[:-1]])
    return sums[0], sums[1]


def _notices(reads: AlignedReads, letters: bytes, count: int) -> tuple[str, ...]:
    said = []
    if not count:
        said.append(f"No reads overlap {reads.region}.")
    if unknown := int(np.count_nonzero(np.diff(reads.base_offset) == 0)):
        said.append(f"{unknown:,} reads have no sequence (SEQ is *).")
    if lacking := int(np.count_nonzero(reads.quality == MISSING)):
        said.append(f"{lacking:,} bases have no quality.")
    if unmapped := int(np.count_nonzero(reads.mapping_quality == MISSING)):
        said.append(f"{unmapped:,} reads have no mapping quality (255).")
    primary = (reads.flag & 0x900) == 0
    key = (reads.fragment.astype(np.int64) << 16 | reads.flag)[primary]
    order = np.argsort(key, kind="stable")  # reads are in the order of their positions, and so are those of one key
    key, place = key[order], reads.position[primary][order]
    if again := int(np.count_nonzero((key[1:] == key[:-1]) & (place[1:] == place[:-1]))):
        said.append(f"{again:,} reads appear twice (same name, flags and position).")
    if equal := letters.count(b"="):
        said.append(f"{equal:,} bases are written as = (same as the reference) and are read as N.")
    return tuple(said)

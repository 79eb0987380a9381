"""The alleles of a file of calls or of a truth, each in the one spelling that compares: trimmed and left-aligned."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from genolab import io
from genolab.errors import InputError
from genolab.io import Region
from genolab.io.region import plain_name

if TYPE_CHECKING:
    from genolab.call.calls import VariantCalls
    from genolab.call.joint_calls import JointCalls
    from genolab.io import Variants
    from genolab.io.reference import Reference

SNV, INSERTION, DELETION, COMPLEX = "SNV", "insertion", "deletion", "complex"
KINDS = (SNV, INSERTION, DELETION, COMPLEX)
"""What an allele is; of one length with the reference it is taken apart into SNVs."""

LOW_QUALITY = "LowQual"
"""The filter that a threshold of QUAL makes; a curve against QUAL looks behind it."""

_PIECE = 65_536  # positions of the reference that are fetched at a time
_FARTHEST = 10_000  # positions that an indel is moved to the left at most


@dataclass(frozen=True)
class Allele:
    """One alternate allele that a sample carries, with what its file says of it."""

    contig: str  # the plain name: 20 for chr20
    position: int  # 0-based
    reference: str
    alternate: str
    copies: int | None = field(compare=False)  # None where the file has no genotypes
    ploidy: int = field(compare=False, default=2)
    quality: float = field(compare=False, default=float("nan"))
    filters: tuple[str, ...] = field(compare=False, default=())
    row: int = field(compare=False, default=-1)  # the record of the file

    @property
    def key(self) -> tuple[str, int, str, str]:
        """What makes two alleles one."""
        return self.contig, self.position, self.reference, self.alternate

    @property
    def end(self) -> int:
        """One past the last reference base."""
        return self.position + len(self.reference)

    @property
    def kind(self) -> str:
        """One of :data:`KINDS`."""
        before, now = len(self.reference), len(self.alternate)
        if before == now == 1:
            return SNV
        if before > 1 and now > 1:
            return COMPLEX
        return INSERTION if now > before else DELETION

    @property
    def size(self) -> int:
        """Bases more (positive) or fewer (negative) than the reference."""
        return len(self.alternate) - len(self.reference)

    @property
    def passes(self) -> bool:
        """Whether it fails no filter."""
        return not self.filters


@dataclass(frozen=True)
class Alleles:
    """All of one sample, sorted; ``left_out`` counts what is no allele that can be compared, by reason."""

    alleles: tuple[Allele, ...]
    left_out: dict[str, int]
    notices: tuple[str, ...] = ()


Base = Callable[[int, int], str]
"""Letters of the reference from a start to an end."""


class Letters:
    """The letters of one contig, fetched a piece at a time; beyond its ends there are none."""

    def __init__(self, reference: Reference, contig: str) -> None:
        self._reference, self._contig = reference, contig
        self._length = reference.contigs[contig]
        self._pieces: dict[int, str] = {}

    def __call__(self, start: int, end: int) -> str:
        start, end = max(start, 0), min(end, self._length)
        parts = []
        for piece in range(start // _PIECE, (max(end, start + 1) - 1) // _PIECE + 1):
            if piece not in self._pieces:
                low = piece * _PIECE
                self._pieces[piece] = self._reference.fetch_text(self._contig, low, min(low + _PIECE, self._length))
            text, low = self._pieces[piece], piece * _PIECE
            parts.append(text[max(start - low, 0) : max(end - low, 0)])
        return "".join(parts)


def normalised(letters: Base, position: int, reference: str, alternate: str) -> tuple[int, str, str]:
    """The same change with as few letters as it goes, as far to the left as it goes (Tan et al. 2015, vt normalize).

    See doi:10.1093/bioinformatics/btv112. An indel keeps the base before it.
    """
    lowest = max(position - _FARTHEST, 0)
    while reference[-1] == alternate[-1] and (len(reference) > 1 or len(alternate) > 1):
        if len(reference) == 1 or len(alternate) == 1:
            before = letters(position - 1, position) if position > lowest else ""
            if before in ("", "N"):
                break
            reference, alternate, position = before + reference, before + alternate, position - 1
        reference, alternate = reference[:-1], alternate[:-1]
    shared = 0
    while min(len(reference), len(alternate)) - shared > 1 and reference[shared] == alternate[shared]:
        shared += 1
    return position + shared, reference[shared:], alternate[shared:]


def alleles_of(
    rows: VariantCalls | Variants, reference: Reference, region: Region | None = None, margin: int = 200
) -> Alleles:
    """The alleles that a sample carries, of records or of calls.

    Left out, and counted: records without a genotype where the file has samples, symbolic alleles and ``*``, contigs
    that the reference has not. A record of the reference genotype is no allele. With a region what is farther from it
    than ``margin`` is not looked at.
    """
    by_plain = {plain_name(name): name for name in reference.contigs}
    letters: dict[str, Letters] = {}
    found: dict[tuple[str, int, str, str], Allele] = {}
    left_out: Counter[str] = Counter()
    for row, contig, position, text, alternates, genotype, quality, filters in _records(rows):
        plain = plain_name(contig)
        if region is not None and (
            plain != plain_name(region.contig)
            or position + len(text) < region.start - margin
            or position > region.end + margin
        ):
            continue
        if plain not in by_plain:
            left_out["on a contig that the reference has not"] += 1
            continue
        if genotype is not None and all(allele is None for allele in genotype):
            left_out["without a genotype"] += 1
            continue
        if plain not in letters:
            letters[plain] = Letters(reference, by_plain[plain])
        _agree(letters[plain], contig, position, text, reference)
        for number, alternate in enumerate(alternates, 1):
            copies = None if genotype is None else sum(allele == number for allele in genotype)
            if copies == 0 or alternate.upper() == text:
                continue
            if set(alternate.upper()) - set("ACGTN"):
                left_out["symbolic or of another record (*)"] += 1
                continue
            ploidy = len(genotype) if genotype else 2
            for parts in _parts(letters[plain], position, text, alternate.upper()):
                made = Allele(plain, *parts, copies, ploidy, quality, filters, row)
                before = found.get(made.key)
                found[made.key] = made if before is None else _both(before, made)
    ordered = sorted(found.values(), key=lambda each: each.key)
    return Alleles(tuple(ordered), dict(left_out), rows.notices)


def _both(one: Allele, other: Allele) -> Allele:
    """Two records of one allele: their copies add up."""
    copies = None if one.copies is None or other.copies is None else min(one.copies + other.copies, other.ploidy)
    best = one if not other.passes or (one.passes and not one.quality < other.quality) else other
    return replace(best, copies=copies)


def _parts(letters: Base, position: int, reference: str, alternate: str) -> Iterator[tuple[int, str, str]]:
    if len(reference) == len(alternate):
        for at, (before, now) in enumerate(zip(reference, alternate, strict=True)):
            if before != now:
                yield position + at, before, now
    else:
        yield normalised(letters, position, reference, alternate)


def _agree(letters: Letters, contig: str, position: int, text: str, reference: Reference) -> None:
    there = letters(position, position + len(text))
    if len(there) != len(text) or any(a != b and a in "ACGT" and b in "ACGT" for a, b in zip(there, text, strict=True)):
        raise InputError(
            "compare", "reference", f"the one that the calls were made with ({contig}:{position + 1:,} {text[:20]})",
            f"{there[:20] or 'no base'} there in {reference.path.name}", "Give the FASTA file of these variants.",
        )  # fmt: skip


_Row = tuple[int, str, int, str, tuple[str, ...], "tuple[int | None, ...] | None", float, tuple[str, ...]]


def _records(rows: VariantCalls | Variants) -> Iterator[_Row]:
    if isinstance(rows, io.Variants):
        for at in range(len(rows)):
            genotype = rows.genotype[at] if rows.samples else None
            if genotype == () and rows.samples:
                genotype = (None,)
            filters = tuple(name for name in rows.filters[at] if name != "PASS")
            quality = float(rows.quality[at])
            yield (
                at, rows.contig[at], int(rows.position[at]), rows.reference[at], rows.alternates[at], genotype,
                quality, filters,
            )  # fmt: skip
        return
    quality_of = rows.columns["quality"].round(2).tolist()  # as the file has it, so that both compare alike
    for at in range(len(rows)):
        yield (
            at, str(rows.contig[at]), int(rows.position[at]), rows.reference[at], rows.alternates[at],
            tuple(rows.genotype[at]), quality_of[at], rows.filters[at],
        )  # fmt: skip


def read_rows(
    source: VariantCalls | JointCalls | Variants | str | os.PathLike[str],
    region: Region | None,
    sample: str | None,
    length: int,
    name_of_sample: str = "sample",
) -> VariantCalls | Variants:
    """Calls or records as they are; a path is read, a region of it under either name of its contig, of a ``length``.

    Of joint calls those of the one sample, which may be left out where there is no other.
    """
    from genolab.call.joint_calls import JointCalls

    if isinstance(source, JointCalls):
        if sample is None and len(source.samples) > 1:
            some = ", ".join(source.samples[:10])
            fix = f"There are {some}."
            raise InputError("compare", name_of_sample, "the name of one sample", "joint calls and no name", fix)
        return source.of(source.samples[0] if sample is None else sample)
    if not isinstance(source, str | os.PathLike):
        return source
    if region is None:
        return io.read_variants(source, None, sample)
    bare = region.contig.removeprefix("chr")
    aliases = ("MT", "chrM", "M") if plain_name(bare) == "m" else (bare, f"chr{bare}")
    names = dict.fromkeys([region.contig, *aliases])
    wide = max(region.start - 1_000, 0), min(region.end + 1_000, length)
    refusal: InputError | None = None
    for name in names:
        try:
            return io.read_variants(source, Region(name, *wide), sample)
        except InputError as error:
            refusal = refusal or error
    assert refusal is not None
    raise refusal


def quality_order(values: np.ndarray) -> np.ndarray:
    """QUAL with missing values as 0, as every tool that ranks by it takes them."""
    return np.where(np.isnan(values), 0.0, values)

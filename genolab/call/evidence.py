"""Reads and reference of one region, in memory: what a panel keeps while its sliders move."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from genolab import io
from genolab.call.counts import ALLELES
from genolab.call.pileup import Pileup
from genolab.call.tally import Tally
from genolab.call.thresholds import Thresholds
from genolab.call.windows import HALO, Kept
from genolab.errors import FileError
from genolab.io import AlignedReads, Alignments, Region

if TYPE_CHECKING:
    from genolab.call.calls import VariantCalls
    from genolab.call.error_model import ErrorModel

T = TypeVar("T")

LEAST_AGREEMENT = 0.75
"""Share of the bases that must agree with the reference. Reads of another genome agree by a quarter to a third."""
_ENOUGH_BASES, _ENOUGH_POSITIONS = 1_000, 500  # fewer may differ for their own reasons, such as a variant


@dataclass(frozen=True)
class Evidence:
    """The reads of a region beside its reference.

    Attributes
    ----------
    region
        The region, on the reads' contig.
    wide
        Reads and reference codes of the region and its surroundings: what a window at the region's edge needs.
    contigs
        Name to length, of every contig of the reads, for a file's header.
    notices
        What was decided while reading, in sentences.
    error_model
        What gave the reads their qualities, where it was not the sequencer.
    """

    region: Region
    wide: Pileup
    reads_path: Path
    reference_path: Path
    contigs: dict[str, int]
    sample: str
    notices: tuple[str, ...]
    error_model: ErrorModel | None = None
    _kept: dict[str, tuple[Any, Any]] = field(default_factory=dict, repr=False, compare=False)
    aligned: Kept = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def pileup(self) -> Pileup:
        """Reads and reference codes of the region alone, as pictures need them."""
        around = self.wide.reads.region
        inside = self.wide.reference[self.region.start - around.start : self.region.end - around.start]
        return Pileup(_over(self.wide.reads, self.region), inside)

    def counts(self, thresholds: Thresholds) -> np.ndarray:
        """:meth:`Pileup.counts` of the region."""
        before = self.region.start - self.wide.reads.region.start
        return self.wide_counts(thresholds)[before : before + self.region.length]

    def wide_counts(self, thresholds: Thresholds) -> np.ndarray:
        """:meth:`Pileup.counts` of the surroundings too, kept until the base or mapping quality threshold moves."""
        key = (thresholds.min_base_quality, thresholds.min_mapping_quality)
        moved = "counts" in self._kept and self._kept["counts"][0] != key
        if moved:  # it will move again: worth keeping the bases in order
            return self.kept("counts", key, lambda: self._tally.counts(thresholds))
        return self.kept("counts", key, lambda: self.wide.counts(thresholds))

    @cached_property
    def _tally(self) -> Tally:
        return Tally(self.wide)

    def kept(self, name: str, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` returned for this key, or returns now; the newest of each name is kept."""
        held = self._kept.get(name)
        if held is None or held[0] != key:
            held = self._kept[name] = key, make()
        made: T = held[1]
        return made


def collect(
    reads: str | os.PathLike[str],
    reference: str | os.PathLike[str],
    region: str | Region,
    sample: str | None = None,
    index: Literal["build", "cache"] | None = None,
    progress: Callable[[float], None] | None = None,
    error_model: ErrorModel | None = None,
) -> Evidence:
    """Read one region of an alignment file and its reference.

    ``region`` is text in 1-based inclusive coordinates, or a :class:`~genolab.io.Region`. ``index`` is None,
    ``"build"`` or ``"cache"``, as for :func:`genolab.io.open_alignments`. ``progress`` is told the share that is read,
    and ends the reading with what it raises.

    Raises
    ------
    FileError, InputError
        If a file cannot be read, the contigs do not match, the region is outside them, or the reads are plainly
        those of another reference.
    """
    with io.open_reference(reference) as opened, io.open_alignments(reads, reference, index) as alignments:
        if not isinstance(region, Region):
            region = io.parse_region(region, alignments.contigs)
        match = io.match_contigs(alignments, opened, region.contig)
        around = widened(region, alignments.contigs[region.contig])
        found = alignments.read(around, sample, progress)
        codes = opened.fetch(match.name(region.contig), around.start, around.end)
        notices = dict.fromkeys((*alignments.notices, *opened.notices, *match.notices, *notices_of(found, region)))
        evidence = make_evidence(found, codes, region, alignments, opened.path, tuple(notices), error_model)
    check_agreement(evidence.region, evidence.reads_path, evidence.reference_path, agreement(evidence))
    return evidence


def evidence_at(calls: VariantCalls, contig: str, position: int) -> Evidence:
    """The evidence that calls were made from, at a position (0-based): what they hold, or read again."""
    held = calls.evidence
    if held is not None and held.region.contig == contig and held.region.start <= position < held.region.end:
        return held
    place = Region(contig, position, position + 1)
    return collect(calls.reads_path, calls.reference_path, place, calls.sample_in_file, error_model=calls.error_model)


def widened(region: Region, length: int) -> Region:
    """A region with the surroundings that windows at its edges need, inside a contig of this length."""
    return Region(region.contig, max(region.start - HALO, 0), min(region.end + HALO, length))


def make_evidence(
    reads: AlignedReads,
    codes: np.ndarray,
    region: Region,
    alignments: Alignments,
    reference: Path,
    notices: tuple[str, ...] = (),
    error_model: ErrorModel | None = None,
) -> Evidence:
    """Evidence of a region from reads and reference of it :func:`widened`, in memory already.

    Reads that name no sample have the file's, where it has one.
    """
    own = alignments.samples[0] if len(alignments.samples) == 1 else alignments.path.name.split(".")[0]
    wide = Pileup(reads if error_model is None else error_model.apply(reads), codes)
    return Evidence(
        region, wide, alignments.path, reference, alignments.contigs, reads.sample or own, notices, error_model
    )


def notices_of(found: AlignedReads, region: Region) -> list[str]:
    """What was noticed while reading a region's surroundings, said of the region itself."""
    nobody = "No reads overlap "
    said = [notice for notice in found.notices if not notice.startswith(nobody)]
    if not ((found.position < region.end) & (found.reference_end > region.start)).any():
        said.append(f"{nobody}{region}.")
    return said


def _over(reads: AlignedReads, region: Region) -> AlignedReads:
    """The reads that overlap a region."""
    chosen = np.flatnonzero((reads.position < region.end) & (reads.reference_end > region.start))
    if chosen.size == len(reads):
        return replace(reads, region=region)

    def parts(offset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        number = np.diff(offset)[chosen]
        ends = np.cumsum(number)
        return np.append(0, ends), np.repeat(offset[chosen] - (ends - number), number) + np.arange(number.sum())

    base_offset, base = parts(reads.base_offset)
    operation_offset, operation = parts(reads.operation_offset)
    return replace(
        reads,
        region=region,
        names=[reads.names[at] for at in chosen.tolist()],
        **{
            name: getattr(reads, name)[chosen]
            for name in ("fragment", "position", "reference_end", "flag", "mapping_quality")
        },
        base_offset=base_offset.astype(reads.base_offset.dtype),
        base=reads.base[base],
        quality=reads.quality[base],
        operation_offset=operation_offset.astype(reads.operation_offset.dtype),
        operation=reads.operation[operation],
        length=reads.length[operation],
    )


def agreement(evidence: Evidence) -> np.ndarray:
    """Bases that agree with the reference, all bases over a known reference, and positions that they cover."""
    before = evidence.region.start - evidence.wide.reads.region.start
    counts = evidence.counts(Thresholds())
    reference = evidence.wide.reference[before : before + evidence.region.length]
    known = reference < ALLELES
    depth = counts[known].sum(axis=1)
    return np.array([counts[known, reference[known]].sum(), depth.sum(), np.count_nonzero(depth)])


def check_agreement(region: Region, reads: Path, reference: Path, tally: np.ndarray) -> None:
    """Refuse reads that disagree with the reference as those of another genome or build do.

    ``tally`` is the :func:`agreement` so far: tiles are added up, so that their size does not matter.
    """
    alike, total, positions = (int(each) for each in tally)
    if total < _ENOUGH_BASES or positions < _ENOUGH_POSITIONS or alike >= LEAST_AGREEMENT * total:
        return
    raise FileError(
        reference,
        field=str(region),
        expected=f"the reference that {reads.name} was mapped to (at least {LEAST_AGREEMENT:.0%} of the bases alike)",
        found=f"{alike / total:.0%} of {total:,} bases alike",
        fix="Give the FASTA file that the reads were mapped to.",
    )

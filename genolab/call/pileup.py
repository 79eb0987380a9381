"""Reads over positions: which base of which fragment covers a site, and why some are not evidence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from genolab.call.counts import ALLELES, allele_counts
from genolab.call.thresholds import EXCLUDED_FLAGS, MISSING_QUALITY, Thresholds
from genolab.io import AlignedReads

MATCH, INSERTION, DELETION, SKIP, SOFT_CLIP, EQUAL, DIFFERENT = 0, 1, 2, 3, 4, 7, 8
READ_REVERSE, SECOND_MATE = 0x10, 0x80

USED = 0
REASONS = (
    "used",
    *EXCLUDED_FLAGS.values(),
    "mapping quality too low",
    "base quality too low",
    "base is not A, C, G or T",
    "mate covers the site with the better base",
    "mates disagree",
    "the read has no bases",
    "deleted or skipped here",
)
"""Why a fragment is not evidence at a site; an index into this tuple is its reason."""


@dataclass(frozen=True)
class Observations:
    """Bases over sites, in order of site and read; ``reason`` 0 marks the evidence, one per fragment and site."""

    site: np.ndarray  # int64, index into the sites asked for
    read: np.ndarray  # int64, index into the reads
    base: np.ndarray  # uint8 code
    base_quality: np.ndarray  # float64 phred, after mates are weighed
    mapping_quality: np.ndarray  # float64 phred
    reverse: np.ndarray  # bool
    end_distance: np.ndarray  # int64, bases to the nearer end of the read
    reason: np.ndarray  # uint8, index into REASONS

    def where(self, keep: np.ndarray) -> Observations:
        """Those that a mask keeps, or that an index lists."""
        return Observations(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))

    @property
    def used(self) -> Observations:
        """The evidence alone."""
        return self.where(self.reason == USED)


@dataclass(frozen=True)
class Pileup:
    """Reads of a region beside its reference, as aligned blocks (runs of M, = or X).

    Attributes
    ----------
    reads
        The reads, whatever their flags.
    reference
        uint8 base codes of ``reads.region``.
    """

    reads: AlignedReads
    reference: np.ndarray

    @cached_property
    def exclusion(self) -> np.ndarray:
        """The reason, by its flags, that a read is never evidence; 0 where there is none. ``(read,)`` uint8."""
        reason = np.zeros(self.reads.flag.size, np.uint8)
        for index, flag in reversed(list(enumerate(EXCLUDED_FLAGS, start=1))):
            reason[(self.reads.flag & flag) != 0] = index
        return reason

    @cached_property
    def mapping_quality(self) -> np.ndarray:
        """Mapping qualities with missing ones (255) replaced, ``(read,)`` uint8."""
        quality = self.reads.mapping_quality
        return np.where(quality == 255, np.uint8(MISSING_QUALITY), quality)

    @cached_property
    def base_quality(self) -> np.ndarray:
        """Base qualities with missing ones (255) replaced, ``(base,)`` uint8."""
        quality = self.reads.quality
        missing = quality == 255
        return np.where(missing, np.uint8(MISSING_QUALITY), quality) if missing.any() else quality

    @cached_property
    def operations(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each CIGAR operation: its read, where it starts on the reference, and at which flat base."""
        reads = self.reads
        kind, length = reads.operation, reads.length.astype(np.int64)
        read = np.repeat(np.arange(reads.position.size), np.diff(reads.operation_offset))
        on_reference = np.where(np.isin(kind, (MATCH, DELETION, SKIP, EQUAL, DIFFERENT)), length, 0)
        on_query = np.where(np.isin(kind, (MATCH, INSERTION, SOFT_CLIP, EQUAL, DIFFERENT)), length, 0)
        first = reads.operation_offset[:-1]

        def starts(consumed: np.ndarray, origin: np.ndarray) -> np.ndarray:
            before = np.cumsum(consumed) - consumed
            padded = np.append(before, 0)  # a read without operations may point past the end
            return before - padded[first][read] + origin[read]

        return read, starts(on_reference, reads.position.astype(np.int64)), starts(on_query, reads.base_offset[:-1])

    @cached_property
    def blocks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Aligned runs: read, first position, flat index of the first base, length; reads without bases have none."""
        read, position, query = self.operations
        has_bases = np.diff(self.reads.base_offset) > 0
        aligned = np.isin(self.reads.operation, (MATCH, EQUAL, DIFFERENT)) & has_bases[read]
        return read[aligned], position[aligned], query[aligned], self.reads.length[aligned].astype(np.int64)

    def counts(self, thresholds: Thresholds) -> np.ndarray:
        """Usable bases of each kind at each position of the region, mates both counted. ``(site, allele)`` int64."""
        usable = (self.exclusion == 0) & (self.mapping_quality >= thresholds.min_mapping_quality)
        counts = np.zeros((self.reference.size, ALLELES), np.int64)
        _, position, query, length = self._blocks_inside(usable)
        # a piece at a time stays in the processor's cache, and needs a hundredth of the memory
        pieces = np.searchsorted(np.cumsum(length), np.arange(_PIECE, length.sum() + _PIECE, _PIECE), side="right")
        for first, beyond in pairwise(np.unique([0, *pieces]).tolist()):
            blocks = slice(first, beyond)
            low, high = position[blocks].min(), (position[blocks] + length[blocks]).max()
            where, at = _spread(length[blocks], position[blocks] - low, query[blocks])
            base = self.reads.base[at]
            good = (self.base_quality[at] >= thresholds.min_base_quality) & (base < ALLELES)
            counts[low:high] += allele_counts(where[good], base[good], self.reference[low:high]).counts
        return counts

    def bases(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Every base that some threshold may use: position in the region, code, base quality, mapping quality."""
        read, position, query, length = self._blocks_inside(self.exclusion == 0)
        where, at = _spread(length, position, query)
        base = self.reads.base[at]
        known = base < ALLELES
        mapping_quality = np.repeat(self.mapping_quality[read], length)
        return where[known], base[known], self.base_quality[at[known]], mapping_quality[known]

    def _blocks_inside(self, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """:attr:`blocks` of some reads, cut to the region and counted from its start: no test per base is needed."""
        read, position, query, length = self.blocks
        begin = self.reads.region.start
        cut = np.maximum(begin - position, 0)
        last = np.minimum(length, begin + self.reference.size - position)
        keep = usable[read] & (last > cut)
        return read[keep], (position + cut - begin)[keep], (query + cut)[keep], (last - cut)[keep]

    def observe(self, sites: np.ndarray, thresholds: Thresholds) -> Observations:
        """Every base over the given positions (sorted, 0-based), with the reason where it is not evidence.

        Of two mates that cover one site, the better base counts, once; of equally good ones, the first mate's. Where
        they differ, its quality is lowered by the other's, and both are set aside if that leaves less than
        ``min_base_quality``.
        """
        read, position, query, length = self.blocks
        first = np.searchsorted(sites, position)
        number = np.searchsorted(sites, position + length) - first
        block = np.repeat(np.arange(read.size), number)
        site = np.repeat(first - (np.cumsum(number) - number), number) + np.arange(number.sum())
        at = query[block] + sites[site] - position[block]
        read = read[block]
        quality = self.base_quality[at]
        second = (self.reads.flag[read] & SECOND_MATE) != 0
        order = np.lexsort((read, second, 255 - quality, self.reads.fragment[read], site))
        site, at, read, quality = site[order], at[order], read[order], quality[order].astype(np.float64)
        base, mapping_quality = self.reads.base[at], self.mapping_quality[read].astype(np.float64)
        reason = self.exclusion[read]
        for failed, name in (
            (mapping_quality < thresholds.min_mapping_quality, "mapping quality too low"),
            (base >= ALLELES, "base is not A, C, G or T"),
            (quality < thresholds.min_base_quality, "base quality too low"),
        ):
            reason[failed & (reason == USED)] = REASONS.index(name)
        self._weigh_mates(site, self.reads.fragment[read], base, quality, reason, thresholds)
        in_read = at - self.reads.base_offset[read]
        to_end = np.diff(self.reads.base_offset)[read] - 1 - in_read
        reverse = (self.reads.flag[read] & READ_REVERSE) != 0
        found = Observations(site, read, base, quality, mapping_quality, reverse, np.minimum(in_read, to_end), reason)
        # the file's order, whatever the numbers of the fragments: sums then round alike in tiles of any size
        return found.where(np.lexsort((read, site)))

    @staticmethod
    def _weigh_mates(
        site: np.ndarray,
        fragment: np.ndarray,
        base: np.ndarray,
        quality: np.ndarray,
        reason: np.ndarray,
        thresholds: Thresholds,
    ) -> None:
        """Leave one observation per site and fragment; changes ``quality`` and ``reason`` in place."""
        used = np.flatnonzero(reason == USED)
        same = (site[used][1:] == site[used][:-1]) & (fragment[used][1:] == fragment[used][:-1])
        better, worse = used[:-1][same], used[1:][same]  # they stand in order of falling quality
        reason[worse] = REASONS.index("mate covers the site with the better base")
        differ = base[better] != base[worse]
        better, worse = better[differ], worse[differ]
        quality[better] -= quality[worse]
        lost = quality[better] < thresholds.min_base_quality
        reason[better[lost]] = reason[worse[lost]] = REASONS.index("mates disagree")


_PIECE = 100_000  # bases


def _spread(length: np.ndarray, *starts: np.ndarray) -> list[np.ndarray]:
    """For runs of these lengths, the numbers from each start on, one after the other, as int32."""
    steps = np.arange(length.sum(), dtype=np.int32)
    before = np.cumsum(length) - length
    return [np.repeat((start - before).astype(np.int32), length) + steps for start in starts]

"""Variants worth a closer look: what alignments, clipped ends and mismatches beside a run suggest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from genolab.call.clips import clipped_alleles
from genolab.call.counts import ALLELES
from genolab.call.likelihood import TRANSITION_SHARE
from genolab.call.pileup import DELETION, INSERTION, Pileup
from genolab.call.repeats import gap_phred, indel_prior, repeats
from genolab.call.thresholds import Thresholds

FARTHEST_SHIFT = 200
"""Positions that an indel is moved to the left at most; repeats longer than that are rare, and reads shorter."""

LONGEST_REPEAT = 120
"""Bases of a repeat beyond which it counts as this long."""

SURE = 35.0
"""Phred of a gap in the sequencing below which a single read is no reason to look."""

SHALLOW = 15
"""Fragments below which one read that shows an indel outside of a repeat is reason to look."""

_RUN = 6  # bases of a run beside which a mismatch may be an indel that the aligner did not open
_POOLED = 6  # bases; longer insertions that differ by errors are one


@dataclass(frozen=True, order=True)
class Variant:
    """One change of the reference: ``deleted`` bases from ``position`` on, ``inserted`` codes in their place.

    ``low`` to ``high`` are the positions among which it could as well be placed, and one to each side. A substitution
    has one base of each.
    """

    position: int
    deleted: int
    inserted: bytes
    low: int = field(compare=False)
    high: int = field(compare=False)
    prior: float = field(compare=False)
    gap_quality: float = field(compare=False, default=60.0)
    shown: int = field(compare=False, default=0)  # fragments that are aligned with it

    @cached_property
    def is_substitution(self) -> bool:
        """One base for another."""
        return self.deleted == 1 and len(self.inserted) == 1

    @property
    def end(self) -> int:
        """One past the last position that it takes."""
        return self.position + self.deleted

    @property
    def size(self) -> int:
        """Bases inserted or deleted, whichever are more."""
        return max(self.deleted, len(self.inserted))


Allele = tuple[int, int, bytes]  # position, deleted, inserted


class Reference:
    """Codes of a stretch of the reference, by position."""

    def __init__(self, codes: np.ndarray, start: int) -> None:
        self.codes, self.start, self.end = codes, start, start + codes.size
        self.text = codes.tobytes()

    @cached_property
    def _repeats(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        unit, length = repeats(self.codes)
        length = np.minimum(length, LONGEST_REPEAT)  # or its length would depend on what else was fetched
        return unit, length, gap_phred(unit, length)

    def slice(self, low: int, high: int) -> bytes:
        """The codes from ``low`` to ``high``, as far as they are known."""
        return self.text[max(low - self.start, 0) : max(high - self.start, 0)]

    def left_aligned(self, position: int, deleted: int, inserted: bytes) -> Allele:
        """The same change as far to the left as it goes; its first position must be behind the start."""
        at, text = position - self.start, self.text
        lowest = max(at - FARTHEST_SHIFT, 1)
        if deleted and not inserted:
            while at > lowest and text[at - 1] == text[at - 1 + deleted]:
                at -= 1
            return at + self.start, deleted, b""
        shift, size = 0, len(inserted)
        while at - shift > lowest and text[at - shift - 1] == inserted[(size - 1 - shift) % size]:
            shift += 1
        turn = shift % size
        return at - shift + self.start, 0, inserted[size - turn :] + inserted[: size - turn]

    def variant(self, allele: Allele, shown: int, substitution_rate: float) -> Variant:
        """The change with what is known of its place."""
        position, deleted, inserted = allele
        if deleted == 1 and len(inserted) == 1:
            transition = self.text[position - self.start] ^ inserted[0] == 2  # A 0 and G 2, C 1 and T 3
            share = TRANSITION_SHARE if transition else (1 - TRANSITION_SHARE) / 2
            return Variant(*allele, position, position + 1, substitution_rate * share, shown=shown)
        sequence = inserted or self.slice(position, position + deleted)
        end = at = position + deleted - self.start
        while (
            at < len(self.text) and at - end < FARTHEST_SHIFT and self.text[at] == sequence[(at - end) % len(sequence)]
        ):
            at += 1
        unit, length, phred = self._repeats
        here = min(position - self.start, len(self.text) - 1)
        size = max(deleted, len(inserted))
        prior = indel_prior(size, int(unit[here]), int(length[here]), at - end + 1 >= size)
        quality = float(phred[here])
        return Variant(*allele, position - 1, at + self.start + 1, prior, quality, shown)


def find_substitutions(
    counts: np.ndarray, reference: Reference, thresholds: Thresholds, rows: np.ndarray, candidate: np.ndarray
) -> list[Variant]:
    """A variant for each base that was seen often enough; ``candidate`` is (row, allele) of those rows."""
    found = []
    for row, code in np.argwhere(candidate).tolist():
        at = int(rows[row])
        allele = (at + reference.start, 1, bytes([code]))
        found.append(reference.variant(allele, int(counts[at, code]), thresholds.heterozygosity))
    return found


def find_indels(
    samples: Sequence[dict[Allele, set[int]]],
    counts: Sequence[np.ndarray],
    reference: Reference,
    thresholds: Thresholds,
    substitutions: list[Variant],
) -> list[Variant]:
    """Indels that enough fragments are aligned with or clipped at, or that would explain mismatches beside a run.

    Enough: ``min_alternate_count`` fragments, and ``min_alternate_fraction`` of those that cover the place or a gap of
    four bases and more outside of repeats, which is hardly ever an error. In shallow reads (below 15) one fragment
    with an indel outside of repeats is reason to look, for aligners lose more of an indel's reads than they show; not
    so where more than two are asked for. Of several samples (what :func:`shown_by` their reads, and their counts) those
    with the share that is asked for are counted together.
    """
    seen: dict[Allele, set[int]] = defaultdict(set)
    for number, own in enumerate(samples):
        for allele, fragments in own.items():
            seen[allele] |= {fragment + number * _APART for fragment in fragments}
    _pool_insertions(seen)
    depths = [each.sum(axis=1) for each in counts]
    found: dict[Allele, Variant] = {}
    for allele in sorted(seen):
        place = max(allele[0] - 1 - reference.start, 0)
        owners = Counter(fragment // _APART for fragment in seen[allele])
        variant = reference.variant(allele, len(seen[allele]), thresholds.heterozygosity)
        sure = variant.gap_quality >= SURE
        enough, alone = 0, False
        for number, shown in owners.items():
            deep = int(depths[number][place])
            often = shown >= thresholds.min_alternate_fraction * deep or (sure and variant.size >= 4)
            enough += shown if often else 0
            alone |= thresholds.min_alternate_count <= 2 and deep < SHALLOW and sure
        if enough >= thresholds.min_alternate_count or alone:
            found[allele] = variant
    for each in substitutions:
        for allele in _beside_run(reference, each.position, each.inserted[0]):
            if allele not in found:
                found[allele] = reference.variant(allele, each.shown, thresholds.heterozygosity)
    return list(found.values())


_APART = 2**40  # between the fragments of one sample and those of the next


def shown_by(pileup: Pileup, reference: Reference, thresholds: Thresholds) -> dict[Allele, set[int]]:
    """The indels that one sample's reads are aligned with or clipped at, with their fragments."""
    seen = aligned_indels(pileup, reference, thresholds)
    for allele, fragments in clipped_alleles(pileup, reference, thresholds).items():
        seen[allele] |= fragments
    return seen


def aligned_indels(
    pileup: Pileup, reference: Reference, thresholds: Thresholds, near: int | None = None
) -> dict[Allele, set[int]]:
    """The indels inside reads' alignments, all or ``near`` a place, moved to the left, with their fragments."""
    reads = pileup.reads
    read, position, query = pileup.operations
    usable = (pileup.exclusion == 0) & (pileup.mapping_quality >= thresholds.min_mapping_quality)
    number = np.arange(read.size)
    inner = (number > reads.operation_offset[read]) & (number < reads.operation_offset[read + 1] - 1)
    kind, length = reads.operation, reads.length
    has_bases = np.diff(reads.base_offset) > 0
    chosen = ((kind == DELETION) | (kind == INSERTION)) & inner & usable[read] & has_bases[read]
    chosen &= (position > reference.start + 1) & (position + np.where(kind == DELETION, length, 0) < reference.end - 1)
    if near is not None:
        chosen &= abs(position - near) <= FARTHEST_SHIFT
    raw: dict[Allele, set[int]] = defaultdict(set)
    bases = reads.base
    first, sizes = _without_padding(np.flatnonzero(chosen), read, kind, position, query, length)
    for at, size in zip(first.tolist(), sizes.tolist(), strict=True):
        place = int(position[at])
        if kind[at] == DELETION:
            allele: Allele = (place, size, b"")
        else:
            allele = (place, 0, bases[query[at] : query[at] + size].tobytes())
        raw[allele].add(int(reads.fragment[read[at]]))
    seen: dict[Allele, set[int]] = defaultdict(set)
    for (place, deleted, inserted), fragments in raw.items():
        gone = reference.slice(place, place + deleted)
        if ALLELES in inserted or ALLELES in gone:
            continue
        seen[reference.left_aligned(place, deleted, inserted)] |= fragments
    return seen


def _without_padding(
    at: np.ndarray, read: np.ndarray, kind: np.ndarray, position: np.ndarray, query: np.ndarray, length: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The first of the operations ``at`` that only padding (P) parts, and their length together: one indel."""
    size, gone = length[at].astype(np.int64), kind[at] == DELETION
    position_after, query_after = position[at] + np.where(gone, size, 0), query[at] + np.where(gone, 0, size)
    goes_on = (read[at][1:] == read[at][:-1]) & (gone[1:] == gone[:-1])
    goes_on &= (position[at][1:] == position_after[:-1]) & (query[at][1:] == query_after[:-1])
    first = np.flatnonzero(np.concatenate(([True], ~goes_on))) if at.size else at
    return at[first], np.add.reduceat(size, first) if at.size else size


def _pool_insertions(seen: dict[Allele, set[int]]) -> None:
    """Insertions of one place and length that differ by a few errors become their consensus."""
    alike: dict[tuple[int, int], list[Allele]] = defaultdict(list)
    for allele in sorted(seen):
        if len(allele[2]) >= _POOLED and not allele[1]:
            alike[allele[0], len(allele[2])].append(allele)
    for (position, size), alleles in alike.items():
        if len(alleles) < 2:
            continue
        best = max(alleles, key=lambda each: len(seen[each]))
        limit = max(1, size // 5)
        near = [each for each in alleles if sum(a != b for a, b in zip(each[2], best[2], strict=True)) <= limit]
        if len(near) < 2:
            continue
        votes = np.zeros((size, ALLELES))
        fragments: set[int] = set()
        for each in near:
            votes[np.arange(size), list(each[2])] += len(seen[each]) + 0.5 * (each == best)
            fragments |= seen.pop(each)
        seen[position, 0, votes.argmax(axis=1).astype(np.uint8).tobytes()] |= fragments


def _beside_run(reference: Reference, position: int, code: int) -> list[Allele]:
    """Indels that would explain a mismatch: a run beside it that grew into it, or its own run that lost its end."""
    text, at = reference.text, position - reference.start
    found: list[Allele] = []
    left = right = at
    while left > 1 and text[left - 1] == code:
        left -= 1
    while right + 1 < len(text) - 1 and text[right + 1] == code:
        right += 1
    grown = bytes([code])
    if at - left >= _RUN:
        found += [(left + reference.start, 0, grown * k) for k in (1, 2, 3)]
    if right - at >= _RUN:
        found += [(at + 1 + reference.start, 0, grown * k) for k in (1, 2, 3)]
    own, left, right = text[at], at, at
    while left > 1 and text[left - 1] == own:
        left -= 1
    while right + 1 < len(text) - 1 and text[right + 1] == own:
        right += 1
    if right - left + 1 >= _RUN and (at - left < 2 or right - at < 2):
        found += [(left + reference.start, k, b"") for k in (1, 2)]
    return found

"""Soft-clipped ends: where several reads are clipped at one place, their consensus may be the far side of an indel."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from genolab.call.counts import ALLELES
from genolab.call.pileup import SOFT_CLIP, Pileup
from genolab.call.thresholds import Thresholds

if TYPE_CHECKING:
    from genolab.call.candidates import Allele, Reference

SHORTEST = 12
"""Clipped bases that a consensus needs, and that must be found again on the other side."""

FARTHEST = 300
"""Positions to each side of a clip that are searched."""

_DIFFERENT = 0.1  # share of the clipped bases that may differ from where they are found
_GOOD = 15  # phred; clipped bases of less do not vote


def clipped_alleles(pileup: Pileup, reference: Reference, thresholds: Thresholds) -> dict[Allele, set[int]]:
    """Indels that clipped ends fit, moved to the left, with the fragments clipped there.

    The consensus of two fragments or more, clipped to the right of position x, is looked for in the reference: behind x
    it shows a deletion, before x a tandem duplication; or the reference at x is looked for in it: what stands before is
    inserted. To the left alike.
    """
    reads = pileup.reads
    read, position, query = pileup.operations
    usable = (pileup.exclusion == 0) & (pileup.mapping_quality >= thresholds.min_mapping_quality)
    clipped = (reads.operation == SOFT_CLIP) & usable[read] & (np.diff(reads.base_offset) > 0)[read]
    clipped &= (position > reference.start + 1) & (position < reference.end - 1)
    at_start = np.arange(read.size) == reads.operation_offset[read]
    sides: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for at in np.flatnonzero(clipped).tolist():
        sides[int(position[at]), bool(at_start[at])].append(at)
    found: dict[Allele, set[int]] = defaultdict(set)
    for (place, leading), members in sorted(sides.items()):
        fragments = {int(reads.fragment[read[at]]) for at in members}
        if len(fragments) < 2 or max(int(reads.length[at]) for at in members) < SHORTEST:
            continue
        parts = []
        for at in members:
            one = slice(query[at], query[at] + reads.length[at])
            codes = np.where(pileup.base_quality[one] >= _GOOD, reads.base[one], ALLELES)
            parts.append(codes[::-1] if leading else codes)
        text = _consensus(parts)
        if len(text) < SHORTEST:
            continue
        for allele in _fitting(reference, place, text, leading):
            found[reference.left_aligned(*allele)] |= fragments
    return found


def _consensus(parts: list[np.ndarray]) -> bytes:
    """The most frequent base, as far as two reads reach and most agree."""
    votes = np.zeros((max(part.size for part in parts), ALLELES), np.int64)
    for part in parts:
        known = part < ALLELES
        votes[np.flatnonzero(known), part[known]] += 1
    agreed = (votes.max(axis=1) >= 2) & (votes.max(axis=1) * 3 >= votes.sum(axis=1) * 2)
    length = int(agreed.argmin()) if not agreed.all() else agreed.size
    return votes[:length].argmax(axis=1).astype(np.uint8).tobytes()


def _fitting(reference: Reference, place: int, text: bytes, leading: bool) -> list[Allele]:
    """Changes of the reference at ``place`` that make it read on as ``text`` (read away from the aligned part)."""
    low, high = max(place - FARTHEST, reference.start + 1), min(place + FARTHEST, reference.end - 1)
    if not low < place < high:
        return []
    stretch = reference.slice(low, high)
    at = place - low
    if leading:  # the same seen from the other side
        stretch, at = stretch[::-1], len(stretch) - at
    seed = text[:SHORTEST]
    changes = []
    here = stretch.find(seed)
    while here >= 0:
        if here != at and _agrees(stretch[here:], text):
            changes.append((here - at, b""))
        here = stretch.find(seed, here + 1)
    onward = stretch[at : at + SHORTEST]
    inside = text.find(onward, 1) if len(onward) == SHORTEST else -1
    if inside > 0 and ALLELES not in text[:inside] and _agrees(stretch[at:], text[inside:]):
        changes.append((0, text[:inside]))
    if len(changes) > 2:  # a repeat: nothing tells which
        return []
    found: list[Allele] = []
    for shift, inserted in changes:
        if inserted:
            found.append((place, 0, inserted[::-1] if leading else inserted))
        elif shift > 0:
            begin = place - shift if leading else place
            found.append((begin, shift, b""))
        else:
            again = stretch[at + shift : at]
            found.append((place, 0, again[::-1] if leading else again))
    known = [
        each for each in found if ALLELES not in each[2] and ALLELES not in reference.slice(each[0], sum(each[:2]))
    ]
    return [each for each in known if reference.start + 1 < each[0] and each[0] + each[1] < reference.end - 1]


def _agrees(stretch: bytes, text: bytes) -> bool:
    size = min(len(stretch), len(text))
    return size >= SHORTEST and sum(a != b for a, b in zip(stretch, text, strict=False)) <= _DIFFERENT * size

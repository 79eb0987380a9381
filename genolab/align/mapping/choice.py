"""Which of a read's candidates is its place, which are further parts of it, and how sure that is."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from math import log

import numpy as np

from genolab.align.loops import inlined, loop, part
from genolab.align.mapping import chains as c

LEAST_SCORE = 30
"""An alignment that is worth less is not written; for reads of less than 40 letters, three quarters of their length."""

CLIP = 5
"""An end is clipped where that is worth so much more than pairing it letter by letter, as in BWA-MEM."""

HIGHEST = 60
"""The highest mapping quality."""

_UNSEEN = 19  # what a place that was not found could be worth at most
_TIE = 7  # a second place this close to the best counts as one more like it

PRIMARY, SUPPLEMENTARY, SECONDARY = 1, 2, 3
"""Roles of a candidate; 0 is none."""


@inlined
def least_score(length):
    """What an alignment of a read must be worth to be written."""
    return min(LEAST_SCORE, 3 * length // 4)


@part
def drawn(seed, number, place):
    """A number that decides between equals: the same for the same seed, read and place (SplitMix64)."""
    x = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(number)
    x = x * np.uint64(0x9E3779B97F4A7C15) + np.uint64(place)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@loop
def settle_ends(first, last, candidates, codes, start, length, reference, starts, lengths, operations):
    """Pair the ends that clipping gains less than ``CLIP`` by; the operations of what has no gap are written here."""
    for x in range(first, last):
        row = candidates[x]
        r, strand = row[c.READ], row[c.STRAND]
        low, at = starts[row[c.CONTIG]], row[c.OPERATIONS]
        high = low + lengths[row[c.CONTIG]]
        if row[c.GAPPED] == 0:
            operations[at] = (row[c.READ_END] - row[c.READ_START]) << 4
            row[c.COUNT] = 1
        if row[c.COUNT] == 0:
            continue
        for end in range(2):
            tail = row[c.READ_START] if end == 0 else length[r] - row[c.READ_END]
            place = row[c.START] - tail if end == 0 else row[c.END] + tail
            if tail == 0 or place < low or place > high:
                continue
            begin, there = (0, place) if end == 0 else (row[c.READ_END], row[c.END])
            worth = 0
            for i in range(tail):
                letter = c.letter_at(codes, start[r], length[r], strand, begin + i)
                worth += c.MATCH if letter == reference[there + i] and letter < 4 else c.MISMATCH
            if worth <= -CLIP:
                continue
            row[c.SCORE] += worth
            if end == 0:
                row[c.READ_START], row[c.START] = 0, place
                operations[at] += tail << 4
            else:
                row[c.READ_END], row[c.END] = length[r], place
                operations[at + row[c.COUNT] - 1] += tail << 4


@inlined
def _interval(row, length):
    """The part of a read that is aligned, as the read was given."""
    if row[c.STRAND] == 0:
        return row[c.READ_START], row[c.READ_END]
    return length - row[c.READ_END], length - row[c.READ_START]


@part
def _same(a, b):
    """Whether two candidates are one: the same diagonal at an end, or nearly the same letters of both."""
    if a[c.STRAND] != b[c.STRAND] or a[c.CONTIG] != b[c.CONTIG]:
        return False
    on_read = min(a[c.READ_END], b[c.READ_END]) - max(a[c.READ_START], b[c.READ_START])
    on_reference = min(a[c.END], b[c.END]) - max(a[c.START], b[c.START])
    if on_read <= 0 or on_reference <= 0:
        return False
    if a[c.START] - a[c.READ_START] == b[c.START] - b[c.READ_START]:
        return True
    if a[c.END] - a[c.READ_END] == b[c.END] - b[c.READ_END]:
        return True
    shorter = min(a[c.READ_END] - a[c.READ_START], b[c.READ_END] - b[c.READ_START])
    return 20 * min(on_read, on_reference) >= 19 * shorter


@part
def rank(candidates, begin, end, seed, number, order):
    """The candidates of a read from the best to the worst, each place once, into ``order``; returns how many."""
    count = 0
    for x in range(begin, end):
        score = candidates[x, c.SCORE]
        if candidates[x, c.COUNT] == 0 or score <= 0:
            continue
        z = count
        own = drawn(seed, number, candidates[x, c.START])
        while z > 0:
            other = order[z - 1]
            if candidates[other, c.SCORE] > score or (
                candidates[other, c.SCORE] == score and drawn(seed, number, candidates[other, c.START]) <= own
            ):
                break
            order[z] = other
            z -= 1
        order[z] = x
        count += 1
    kept = 0
    for z in range(count):
        again = False
        for y in range(kept):
            if _same(candidates[order[y]], candidates[order[z]]):
                again = True
                break
        if not again:
            order[kept] = order[z]
            kept += 1
    return kept


@inlined
def mapping_quality(score, second, seconds, letters):
    """How unlikely it is that the place is wrong, in Phred: from the lead over the second best, as BWA-MEM has it."""
    second = max(second, _UNSEEN)
    if second >= score or letters == 0:
        return 0
    identity = 1.0 - (letters * c.MATCH - score) / (c.MATCH - c.MISMATCH) / letters
    factor = identity * identity
    if letters >= 50:
        factor *= log(50.0) / log(letters)
    quality = 6.02 * (score - second) / c.MATCH * factor * factor + 0.499
    if seconds > 0:
        quality -= 4.343 * log(seconds + 1.0)
    return min(max(int(quality), 0), HIGHEST)


@loop
def choose(first, last, bounds, candidates, length, seed, numbers, forced):
    """Give the candidates of the reads ``first`` to ``last - 1`` their roles, second scores and qualities.

    Candidates of read ``r`` are ``bounds[r]`` to ``bounds[r + 1] - 1``; ``forced[r]`` goes before the best where it is
    0 or more. A candidate that covers at least half of the same letters as a better one is another place for them and
    secondary; one that does not is a further part of the read, and supplementary.
    """
    order, chosen = np.empty(512, np.int64), np.empty(512, np.int64)
    for r in range(first, last):
        begin, end = bounds[r], bounds[r + 1]
        if end - begin > order.size:
            order, chosen = np.empty(end - begin, np.int64), np.empty(end - begin, np.int64)
        for x in range(begin, end):
            candidates[x, c.ROLE] = 0
        count = rank(candidates, begin, end, seed, numbers[r], order)
        if forced[r] >= 0:
            for z in range(count):
                if order[z] == forced[r]:
                    for y in range(z, 0, -1):
                        order[y] = order[y - 1]
                    order[0] = forced[r]
                    break
        parts, least = 0, least_score(length[r])
        for z in range(count):
            row = candidates[order[z]]
            row[c.SECOND] = row[c.SECONDS] = 0
            begin_z, end_z = _interval(row, length[r])
            instead = -1
            for y in range(parts):
                other = candidates[chosen[y]]
                begin_y, end_y = _interval(other, length[r])
                shared = min(end_y, end_z) - max(begin_y, begin_z)
                if 2 * shared >= min(end_y - begin_y, end_z - begin_z):
                    instead = y
                    break
            if instead >= 0:
                other = candidates[chosen[instead]]
                other[c.SECOND] = max(other[c.SECOND], row[c.SCORE])
                other[c.SECONDS] += row[c.SCORE] + _TIE >= other[c.SCORE]
                if row[c.SCORE] >= least:
                    row[c.ROLE] = SECONDARY
            elif row[c.SCORE] >= least:
                row[c.ROLE] = PRIMARY if parts == 0 else SUPPLEMENTARY
                chosen[parts] = order[z]
                parts += 1
        for y in range(parts):
            row = candidates[chosen[y]]
            span = max(row[c.READ_END] - row[c.READ_START], row[c.END] - row[c.START])
            row[c.QUALITY] = mapping_quality(row[c.SCORE], row[c.SECOND], row[c.SECONDS], span)

"""Mates together: how far apart they lie, which of their places fit, and where to look for a mate that was not found.

Mates are taken to face each other, as those of paired-end libraries do: the forward one to the left.
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from dataclasses import dataclass
from math import erfc, log, sqrt

import numpy as np

from genolab.align.loops import ZERO, inlined, loop
from genolab.align.mapping import chains as c
from genolab.align.mapping.choice import HIGHEST, PRIMARY, rank

UNPAIRED = 17
"""What two places that do not fit together cost, against two that do, as in BWA-MEM."""

SURE = 20
"""Mapping quality from which a read counts for the insert size."""

FEWEST = 16
"""Pairs that an insert size can be estimated from."""

LONGEST = 10_000
"""An insert longer than this is none."""


@dataclass(frozen=True)
class InsertSize:
    """How far it is from the outer end of one mate to that of the other; from ``low`` to ``high`` a pair is proper.

    ``pairs`` is how many it was estimated from, 0 where it was given; ``facing`` the share of pairs on one contig
    within 10,000 letters whose mates face each other.
    """

    mean: float
    deviation: float
    low: int
    high: int
    pairs: int = 0
    facing: float = 1.0

    @staticmethod
    def given(mean: float, deviation: float) -> InsertSize:
        """Proper up to four standard deviations from the mean."""
        reach = 4 * deviation
        return InsertSize(float(mean), float(deviation), max(1, round(mean - reach)), round(mean + reach))

    @staticmethod
    def estimated(inserts: np.ndarray, facing: float) -> InsertSize | None:
        """From the inserts of sure pairs, outliers beyond two interquartile ranges left out; None where too few."""
        if inserts.size < FEWEST:
            return None
        low, high = np.percentile(inserts, (25, 75))
        reach = max(high - low, 1.0)
        kept = inserts[(inserts >= low - 2 * reach) & (inserts <= high + 2 * reach)]
        mean, deviation = float(kept.mean()), max(float(kept.std()), 1.0)
        least = min(low - 3 * reach, mean - 4 * deviation)
        most = max(high + 3 * reach, mean + 4 * deviation)
        return InsertSize(mean, deviation, max(1, round(least)), round(most), int(inserts.size), facing)

    def __str__(self) -> str:
        return f"{self.mean:.0f} ± {self.deviation:.0f} (proper from {self.low:,} to {self.high:,})"


@inlined
def insert_of(a, b, length_a, length_b):
    """From outer end to outer end of two facing candidates, clipped letters counted; 0 where they do not face."""
    if a[c.CONTIG] != b[c.CONTIG] or a[c.STRAND] == b[c.STRAND]:
        return 0
    if a[c.STRAND] == 1:
        a, b, length_b = b, a, length_a
    begin, end = a[c.START] - a[c.READ_START], b[c.END] + length_b - b[c.READ_END]
    return end - begin if a[c.START] <= b[c.END] and end > begin else 0


@loop
def sure_inserts(bounds, candidates, length, inserts):
    """The inserts of pairs that are sure of their places; returns how many, and how many more do not face."""
    count = others = 0
    best = np.empty(2, np.int64)
    for p in range((bounds.size - 1) // 2):
        best[0] = best[1] = -1
        for mate in range(2):
            r = 2 * p + mate
            for x in range(bounds[r], bounds[r + 1]):
                if candidates[x, c.ROLE] == PRIMARY and candidates[x, c.QUALITY] >= SURE:
                    best[mate] = x
        if best[0] < 0 or best[1] < 0:
            continue
        a, b = candidates[best[0]], candidates[best[1]]
        insert = insert_of(a, b, length[2 * p], length[2 * p + 1])
        if 0 < insert <= LONGEST:
            inserts[count] = insert
            count += 1
        elif a[c.CONTIG] == b[c.CONTIG] and abs(a[c.START] - b[c.START]) <= LONGEST:
            others += 1
    return count, others


@loop
def pair_up(first, last, bounds, candidates, length, seed, numbers, mean, deviation, low, high, forced, fit):
    """For the pairs ``first`` to ``last - 1`` the two places that fit best.

    A pair of places within ``low`` to ``high`` is worth its two scores less :math:`-0.721 \\log(2\\,\\mathrm{erfc}(|z|
    / \\sqrt 2))` (Li 2013, arXiv:1303.3997); two that do not fit, their scores less ``UNPAIRED``. ``forced`` becomes
    the candidates that fit, where that is worth more; ``fit[p]``: 0 none fits, 1 some do, 2 they are the best, and its
    further columns the worth of the best and of what comes next.
    """
    ours, theirs = np.empty(512, np.int64), np.empty(512, np.int64)
    for p in range(first, last):
        a, b = 2 * p, 2 * p + 1
        forced[a] = forced[b] = -1
        fit[p] = 0
        if bounds[a + 1] - bounds[a] > ours.size or bounds[b + 1] - bounds[b] > theirs.size:
            size = max(bounds[a + 1] - bounds[a], bounds[b + 1] - bounds[b])
            ours, theirs = np.empty(size, np.int64), np.empty(size, np.int64)
        some = rank(candidates, bounds[a], bounds[a + 1], seed, numbers[a], ours)
        others = rank(candidates, bounds[b], bounds[b + 1], seed, numbers[b], theirs)
        if some == 0 or others == 0:
            continue
        best = second = -1.0
        for x in range(some):
            for y in range(others):
                insert = insert_of(candidates[ours[x]], candidates[theirs[y]], length[a], length[b])
                if not low <= insert <= high:
                    continue
                off = abs(insert - mean) / deviation
                worth = candidates[ours[x], c.SCORE] + candidates[theirs[y], c.SCORE]
                worth += max(0.721 * log(2.0 * erfc(off / sqrt(2.0)) + 1e-300), -float(UNPAIRED) + 1.0)
                if worth > best:
                    second = best
                    best = worth
                    forced[a], forced[b] = ours[x], theirs[y]
                elif worth > second:
                    second = worth
        if best < 0:
            continue
        apart = candidates[ours[0], c.SCORE] + candidates[theirs[0], c.SCORE] - UNPAIRED
        fit[p, 0], fit[p, 1], fit[p, 2] = 1, np.int64(best), np.int64(max(second, apart))
        if best > apart:
            fit[p, 0] = 2
        else:
            forced[a] = forced[b] = -1


@loop
def surer_together(first, last, bounds, candidates, fit, proper):
    """Raise the quality of mates whose places fit: a repeat may be told apart by where the mate is."""
    for p in range(first, last):
        proper[p] = fit[p, 0] == 2
        if not proper[p]:
            continue
        lead = 6.02 * (fit[p, 1] - fit[p, 2]) / c.MATCH
        together = min(max(int(lead + 0.499), 0), HIGHEST)
        for r in range(2 * p, 2 * p + 2):
            found = False
            for x in range(bounds[r], bounds[r + 1]):
                row = candidates[x]
                if row[c.ROLE] == PRIMARY:
                    found = True
                    row[c.QUALITY] = max(row[c.QUALITY], min(together, row[c.QUALITY] + 40))
            proper[p] = proper[p] and found


@loop
def missing_mates(bounds, candidates, length, seed, numbers, starts, lengths, low, high, fit, most):
    """Candidates to try for mates that do not fit: the band where the insert would be right, for each good place.

    Up to ``most`` places of either mate, no more than ``UNPAIRED`` below its best, are looked beside.
    """
    order = np.empty(512, np.int64)
    result = np.zeros((64, c.COLUMNS), np.int64)
    total = ZERO
    for p in range((bounds.size - 1) // 2):
        if fit[p, 0] != 0:
            continue
        for mate in range(2):
            r, other = 2 * p + mate, 2 * p + 1 - mate
            if bounds[r + 1] - bounds[r] > order.size:
                order = np.empty(bounds[r + 1] - bounds[r], np.int64)
            count = rank(candidates, bounds[r], bounds[r + 1], seed, numbers[r], order)
            size = length[other]
            if size < 16:
                continue
            for z in range(min(count, most)):
                row = candidates[order[z]]
                if row[c.SCORE] < candidates[order[0], c.SCORE] - UNPAIRED:
                    break
                own_begin = row[c.START] - row[c.READ_START]
                own_end = row[c.END] + length[r] - row[c.READ_END]
                if row[c.STRAND] == 0:  # the mate ends between low and high letters after this one's begin
                    begin, end = own_begin + low - size, own_begin + high - size
                else:
                    begin, end = own_end - high, own_end - low
                contig = row[c.CONTIG]
                begin = max(begin, starts[contig] - size // 2)
                end = min(end, starts[contig] + lengths[contig] - size // 2)
                if end < begin:
                    continue
                if total == result.shape[0]:
                    result = c.with_rows(result, total, 2 * total)
                new = result[total]
                new[c.READ], new[c.STRAND], new[c.CONTIG], new[c.GAPPED] = other, 1 - row[c.STRAND], contig, 1
                new[c.FIRST] = begin - c.MARGIN
                new[c.SLOTS] = (end - begin + 1 + 2 * c.MARGIN + c.STEP - 1) // c.STEP * c.STEP
                total += 1
    return result[:total]

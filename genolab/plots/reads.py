"""Reads in rows as columns: which row each read lies in, and what of it is drawn in a window."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from genolab.call import Evidence, Thresholds
from genolab.call.counts import ALLELES
from genolab.call.pileup import DELETION, INSERTION, READ_REVERSE, REASONS, SKIP
from genolab.io import AlignedReads
from genolab.plots.columns import Columns
from genolab.spec import BASES

GAP = 4
"""Positions left free between two reads of one row."""
MOST_ROWS = 150
"""Rows drawn; of more, as many at even distances, so that alleles keep their shares."""
MOST_READS = 2_500
"""Reads drawn at once; a wider view has to be narrowed."""
MOST_MARKS = 5_000
"""Mismatching bases drawn at once; those of the best quality first."""
_LETTERS = np.array(list(BASES), dtype=object)


@dataclass(frozen=True)
class Packing:
    """The row of every read, the first row on top; and how many there are."""

    row: np.ndarray  # int64 (read,)
    rows: int


def pack(reads: AlignedReads) -> Packing:
    """Give each read the lowest row that is free, in the order of their starts: O(n log n)."""
    rows = np.zeros(len(reads), np.int64)
    free: list[int] = []  # rows whose last read has ended
    busy: list[tuple[int, int]] = []  # end of the last read, row
    count = 0
    order = np.argsort(reads.position, kind="stable")
    starts, ends = reads.position[order].tolist(), reads.reference_end[order].tolist()
    for index, start, end in zip(order.tolist(), starts, ends, strict=True):
        while busy and busy[0][0] + GAP <= start:
            heappush(free, heappop(busy)[1])
        if free:
            row = heappop(free)
        else:
            row, count = count, count + 1
        rows[index] = row
        heappush(busy, (end, row))
    heapify(free)
    return Packing(rows, count)


def base_at(evidence: Evidence, position: int) -> tuple[np.ndarray, np.ndarray]:
    """The reads that cover a position (0-based), and the base code that each shows there, -1 where it has none."""
    reads = evidence.pileup.reads
    covering = np.flatnonzero((reads.position <= position) & (position < reads.reference_end))
    shown = np.full(len(reads), -1, np.int64)
    read, first, query, length = evidence.pileup.blocks
    over = (first <= position) & (position < first + length)
    shown[read[over]] = reads.base[query[over] + position - first[over]]
    return covering, shown[covering]


def with_indel(evidence: Evidence, position: int) -> np.ndarray:
    """The reads that have an insertion or a deletion right behind a position (0-based), where VCF puts it."""
    read, place, _ = evidence.pileup.operations
    kind = evidence.pileup.reads.operation
    here = (place == position + 1) & ((kind == INSERTION) | (kind == DELETION))
    return np.unique(read[here])


def sort_rows(packing: Packing, evidence: Evidence, position: int | None) -> Packing:
    """The same rows in another order: on top those whose read shows something other than the reference at a position.

    Only whole rows change places, so nothing overlaps. An indel comes first, then bases that differ, the most frequent
    on top.
    """
    if position is None or not packing.rows:
        return packing
    covering, shown = base_at(evidence, position)
    reference = int(evidence.pileup.reference[position - evidence.region.start])
    number = np.bincount(np.maximum(shown, 0), minlength=len(BASES))
    # 0 to 4: another base, the most frequent first; 5: none (a deletion); 6: the reference; 7: the row has no read here
    rank = np.full(len(BASES), 5, np.int64)
    others = [code for code in np.argsort(-number, kind="stable") if code != reference]
    rank[others] = np.arange(len(others))
    rank[reference] = 6
    key = np.full(packing.rows, 7, np.int64)
    key[packing.row[covering]] = np.where(shown < 0, 5, rank[np.maximum(shown, 0)])
    key[packing.row[with_indel(evidence, position)]] = -1
    place = np.empty(packing.rows, np.int64)
    place[np.argsort(key, kind="stable")] = np.arange(packing.rows)
    return Packing(place[packing.row], packing.rows)


@dataclass(frozen=True)
class ReadColumns:
    """What is drawn of the reads in a window, a source each; and which reads those are."""

    bodies: Columns  # aligned blocks: quads
    tips: Columns  # the end of each read that it points to
    joins: Columns  # lines through deletions and skips
    insertions: Columns
    marks: Columns  # bases that differ from the reference
    read: np.ndarray  # the reads drawn, and their rows
    row: np.ndarray
    rows: int


def read_columns(
    evidence: Evidence,
    packing: Packing,
    thresholds: Thresholds,
    start: int,
    end: int,
    pixel: float = 0.25,
    most_rows: int = MOST_ROWS,
    most_reads: int = MOST_READS,
) -> ReadColumns:
    """The reads over ``start`` to ``end`` (0-based); ``pixel`` is its width in positions, so that marks stay visible.

    Reads that are not evidence (``exclusion``, low mapping quality) are faded and say why.
    """
    reads, pileup = evidence.pileup.reads, evidence.pileup
    inside = np.flatnonzero((reads.position < end) & (reads.reference_end > start))
    used, row_of = np.unique(packing.row[inside], return_inverse=True)
    place = np.arange(used.size)
    if used.size > most_rows:
        kept = np.linspace(0, used.size - 1, most_rows).round().astype(np.int64)
        place = np.full(used.size, -1)
        place[kept] = np.arange(most_rows)
    row = place[row_of]
    chosen = row >= 0
    inside, row = inside[chosen], row[chosen]
    if inside.size > most_reads:  # every second, third ... row goes
        keep = max(int(most_reads * (row.max() + 1) / inside.size), 1)
        wanted = np.linspace(0, row.max(), keep).round().astype(np.int64)
        place = np.full(row.max() + 1, -1)
        place[wanted] = np.arange(wanted.size)
        row = place[row]
        inside, row = inside[row >= 0], row[row >= 0]
    rows = int(row.max(initial=-1)) + 1
    row_by_read = np.full(len(reads), -1)
    row_by_read[inside] = row

    reverse = (reads.flag & READ_REVERSE) != 0
    reason = pileup.exclusion.copy()
    reason[(reason == 0) & (pileup.mapping_quality < thresholds.min_mapping_quality)] = REASONS.index(
        "mapping quality too low"
    )
    alpha = np.where(reason == 0, 0.55, 0.2)

    names = np.array(reads.names, dtype=object)

    def about(index: np.ndarray) -> Columns:
        missing = reads.mapping_quality[index] == 255
        return {
            "row": row_by_read[index],
            "alpha": alpha[index],
            "name": names[index],
            "strand": np.where(reverse[index], "reverse", "forward").astype(object),
            "mapping_quality": np.where(missing, "missing", reads.mapping_quality[index].astype(str)).astype(object),
            "first": reads.position[index] + 1,
            "last": reads.reference_end[index],
            "why": np.array(REASONS, dtype=object)[reason[index]],
        }

    read, first, query, length = pileup.blocks
    drawn = (row_by_read[read] >= 0) & (first < end) & (first + length > start)
    read, first, query, length = read[drawn], first[drawn], query[drawn], length[drawn]
    bodies = {"left": first + 0.5, "right": first + length + 0.5, **about(read)}
    tips = {
        "x": np.where(reverse[inside], reads.position[inside] + 0.5, reads.reference_end[inside] + 0.5),
        "row": row,
        "angle": np.where(reverse[inside], np.pi / 2, -np.pi / 2),
        "alpha": np.minimum(alpha[inside] * 1.7, 1.0),
    }
    joins, insertions = _operations(evidence, row_by_read, start, end, pixel)
    marks = _marks(evidence, read, first, query, length, row_by_read, alpha, start, end, pixel)
    return ReadColumns(bodies, tips, joins, insertions, marks, inside, row, rows)


def _operations(
    evidence: Evidence, row_by_read: np.ndarray, start: int, end: int, pixel: float
) -> tuple[Columns, Columns]:
    """Deletions and skips as lines, insertions as bars, with their lengths."""
    reads = evidence.pileup.reads
    read, position, _ = evidence.pileup.operations
    length, kind = reads.length.astype(np.int64), reads.operation
    near = (row_by_read[read] >= 0) & (position <= end) & (position + length >= start)
    gap = near & ((kind == DELETION) | (kind == SKIP))
    inserted = near & (kind == INSERTION)
    half = max(2 * pixel, 0.12) / 2 * 1.5
    joins = {
        "left": position[gap] + 0.5,
        "right": position[gap] + length[gap] + 0.5,
        "row": row_by_read[read[gap]],
        "length": length[gap],
        "kind": np.where(kind[gap] == DELETION, "deletion", "skip").astype(object),
        "first": position[gap] + 1,
    }
    insertions = {
        "left": position[inserted] + 0.5 - half,
        "right": position[inserted] + 0.5 + half,
        "row": row_by_read[read[inserted]],
        "length": length[inserted],
        "first": position[inserted],
    }
    return joins, insertions


def _marks(
    evidence: Evidence,
    read: np.ndarray,
    first: np.ndarray,
    query: np.ndarray,
    length: np.ndarray,
    row_by_read: np.ndarray,
    alpha: np.ndarray,
    start: int,
    end: int,
    pixel: float,
) -> Columns:
    """Bases of the given blocks that differ from the reference; fainter the lower their quality."""
    origin, reference = evidence.region.start, evidence.pileup.reference
    low, high = max(start, origin), min(end, evidence.region.end)
    cut = np.maximum(low - first, 0)
    last = np.minimum(length, high - first)
    keep = last > cut
    read, first, query, length = read[keep], (first + cut)[keep], (query + cut)[keep], (last - cut)[keep]
    steps = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
    at = np.repeat(query, length) + steps
    position = np.repeat(first, length) + steps
    base = evidence.pileup.reads.base[at]
    expected = reference[position - origin]
    differ = np.flatnonzero((base != expected) & (expected < ALLELES))
    quality = evidence.pileup.reads.quality[at[differ]]
    if differ.size > MOST_MARKS:
        best = np.sort(np.argsort(-quality.astype(np.int64), kind="stable")[:MOST_MARKS])
        differ, quality = differ[best], quality[best]
    of = np.repeat(read, length)[differ]
    half = max(2 * pixel, 1.0) / 2
    x = position[differ] + 1
    known = np.where(quality == 255, 20, quality)
    return {
        "left": x - half,
        "right": x + half,
        "position": x,
        "row": row_by_read[of],
        "base": _LETTERS[base[differ]],
        "code": base[differ],
        "reference": _LETTERS[expected[differ]],
        "quality": np.where(quality == 255, "missing", quality.astype(str)).astype(object),
        "alpha": np.clip(known / 30, 0.25, 1.0) * np.where(alpha[of] < 0.5, 0.45, 1.0),
    }

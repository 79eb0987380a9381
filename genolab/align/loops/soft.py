"""Soft alignments of many pairs: blocks of lanes in scaled probability space, and log space where that does not reach.

**The guard.** Every cell of the scaled path holds at least ``FLOOR``, so what is computed is the weight of all
alignments and of those that start from the floor of some cell. From row ``i`` on, the latter weigh at most

.. math:: 3(n+2)\\, e^{\\theta (n+1)} g(\\theta)^{m-i+1}, \\qquad
          g(\\theta) = (w e^{-\\theta} + \\max(o, x)) \\Bigl(1 + o e^{-\\theta} \\sum_k (x e^{-\\theta})^k\\Bigr)

times the floor in the scale of that row, for any :math:`\\theta \\ge 0`, with :math:`w` the largest weight of two
letters and :math:`o, x` those of a gap's first letter and of a further one: a row takes one step down, and any number
along, each column counted as :math:`e^{-\\theta}`. A pair for which the sum over its rows exceeds ``LEAK`` of its
result is computed in log space, and so are all where the weights themselves leave the range. For the posterior of one
pair the adjoints of all cells are at hand, and what the floor adds is their sum times the floor: pairs that the bound
refuses are judged by it.
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from genolab.align.loops import loop
from genolab.align.loops.soft_blocks import backward_block, fill, forward_block
from genolab.align.loops.soft_log import log_pair
from genolab.align.loops.soft_vectors import END, EXPECTED, FLOOR, LANES
from genolab.align.threads import share

LEAK = 1e-11
"""The share of a result that may come from the floor."""

MOST_BYTES = 2**28
"""Memory for the kept rows of a block; pairs that need more go one by one in log space."""

ROWS_APART = 8
"""Rows between two kept ones, where there is memory for so many: few enough to stay in the cache."""


@dataclass(frozen=True, eq=False)
class SoftWork:
    """Pairs and what they cost, divided by the temperature."""

    query: np.ndarray
    query_start: np.ndarray
    query_length: np.ndarray
    target: np.ndarray
    target_start: np.ndarray
    target_length: np.ndarray
    scores: np.ndarray
    gaps: np.ndarray
    local: bool

    @property
    def letters(self) -> int:
        """Codes of each side: rows and columns of the score table may differ."""
        return max(self.scores.shape)

    def plain(self) -> bool:
        """Whether only the first four letters occur."""
        return self.letters >= 4 and max(self.query[:-1].max(initial=0), self.target[:-1].max(initial=0)) < 4

    def weights(self, plain: bool) -> np.ndarray:
        """Weights of pairs of codes; the last two codes are the end and the padding."""
        rows, columns = self.scores.shape
        size = (END, END) if plain else (rows, columns)
        table = np.zeros((size[0] + 2, size[1] + 2))
        table[: size[0], : size[1]] = np.exp(self.scores[: size[0], : size[1]])
        table[size[0], size[1]] = not self.local
        return table

    def in_range(self) -> bool:
        """Whether the weights of single steps stay well within those of doubles."""
        finite = self.scores[np.isfinite(self.scores)]
        highest, lowest = finite.max(initial=0.0), finite.min(initial=0.0)
        return bool(
            highest <= 80 and lowest >= -600 and self.gaps[1] >= 0 and self.gaps[0] >= -80 and self.gaps.sum() <= 600
        )


@dataclass(frozen=True, eq=False)
class Expectations:
    """Log weight of each pair and, where asked for, what is expected of its alignments; pairs computed in log space."""

    log_weight: np.ndarray
    counts: np.ndarray
    gaps: np.ndarray
    gap_letters: np.ndarray
    in_log_space: np.ndarray


def run(work: SoftWork, expected: bool, force_log: bool = False) -> Expectations:
    """Align every pair softly; ``counts`` and gaps are empty unless they are ``expected``."""
    count = work.query_start.size
    size = count if expected else 0
    result = Expectations(
        np.zeros(count),
        np.zeros((size, *work.scores.shape)),
        np.zeros(size),
        np.zeros(size),
        np.zeros(count, bool),
    )
    members = np.lexsort((work.target_length, work.query_length))
    if not force_log and work.in_range():
        again = np.concatenate(share(partial(_run_lanes, work, expected, result), members)) if count else members
    else:
        again = members
    share(partial(_run_log, work, expected, result), again)
    return result


def _rows_apart(rows: int, columns: int) -> int:
    """How many rows apart are kept, or 0 where there is no memory for it."""
    row = (columns + 2) * 3 * LANES * 8
    if rows // ROWS_APART * row <= MOST_BYTES // 8:
        return ROWS_APART
    apart = math.isqrt(rows) + 1
    return apart if (rows // apart + 1 + apart) * row <= MOST_BYTES else 0


def _run_lanes(work: SoftWork, expected: bool, result: Expectations, members: np.ndarray) -> np.ndarray:
    """The pairs in blocks of lanes; returns those that must be computed in log space."""
    plain = work.plain()
    kind = np.uint8 if plain else np.int32
    weights, letters = work.weights(plain), (END, END) if plain else work.scores.shape
    gaps = np.exp(-np.array([work.gaps.sum(), work.gaps[1]]))
    growth = growth_by_tilt(weights, gaps)
    again = [members[:0]]
    for begin in range(0, members.size, LANES):
        block = members[begin : begin + LANES]
        m, n = int(work.query_length[block].max()), int(work.target_length[block].max())
        rows, columns = m + (not work.local), n + (not work.local)
        every = _rows_apart(rows, columns)
        if not every:
            again.append(block)
            continue
        room = Room.of(rows, columns, every if expected else 0, kind, plain, block.size)
        end = (letters[0], letters[1]) if not work.local else (-1, -1)
        fill(block, work.query, work.query_start, work.query_length, end[0], letters[0] + 1, 0, room.query)
        fill(block, work.target, work.target_start, work.target_length, end[1], letters[1] + 1, 1, room.target)
        lanes = block[np.minimum(np.arange(LANES), block.size - 1)]
        ends = np.where(np.arange(LANES) < block.size, work.query_length[lanes] + 1, -1)
        room.forward(work.local, weights, gaps, ends)
        refused, log_weight = np.empty(block.size, np.bool_), np.empty(block.size)
        judge(work.local, work.query_length[block], columns, growth, room.scale, room.total, log_weight, refused)
        result.log_weight[block] = log_weight
        if expected:
            counts = np.zeros((letters[0] + 2, letters[1] + 2, LANES))
            sums = np.empty((EXPECTED, LANES))
            room.backward(work.local, weights, gaps, ends, counts, sums, np.zeros((3, 0, 0)), None)
            result.counts[block, : letters[0], : letters[1]] = counts[
                : letters[0], : letters[1], : block.size
            ].transpose(2, 0, 1)
            result.gaps[block] = sums[0, : block.size]
            result.gap_letters[block] = sums[0, : block.size] + sums[1, : block.size]
            refused = refused | ~np.isfinite(sums[0, : block.size] + sums[1, : block.size])
        again.append(block[refused])
    return np.concatenate(again)


@dataclass(frozen=True, eq=False)
class Room:
    """The arrays of one block."""

    query: np.ndarray
    target: np.ndarray
    rows: np.ndarray
    kept: np.ndarray
    segment: np.ndarray
    factor: np.ndarray
    scale: np.ndarray
    starts: np.ndarray
    total: np.ndarray
    table: np.ndarray
    steps: np.ndarray
    every: int
    plain: bool
    used: int

    @staticmethod
    def of(rows: int, columns: int, every: int, kind: type, plain: bool, used: int) -> Room:
        """Room for so many rows and columns, those of the end among them, and ``used`` lanes with a pair."""
        row = (columns + 2, 3, LANES)
        return Room(
            np.empty((rows, LANES), kind),
            np.empty((columns + 2, LANES), kind),
            np.empty((2, *row)),
            np.empty((rows // every + 1 if every else 0, *row)),
            np.empty((every, *row)),
            np.empty((rows + 1, LANES)),
            np.empty((rows + 1, LANES), np.int64),
            np.empty((rows + 1, LANES)),
            np.empty((rows + 1, LANES)),
            np.zeros((END + 1 if plain else columns + 2, LANES)),
            np.zeros((2, 5, LANES)),
            every,
            plain,
            used,
        )

    def forward(self, local: bool, weights: np.ndarray, gaps: np.ndarray, ends: np.ndarray) -> None:
        """Forward weights; see :func:`forward_block`."""
        forward_block(
            local, self.target if self.plain else None, self.query, self.target, weights, gaps, ends, self.used,
            self.every, self.rows, self.kept, self.factor, self.scale, self.starts, self.total, self.table, self.steps,
        )  # fmt: skip

    def backward(
        self,
        local: bool,
        weights: np.ndarray,
        gaps: np.ndarray,
        ends: np.ndarray,
        counts: np.ndarray,
        sums: np.ndarray,
        posterior: np.ndarray,
        whole: int | None,
    ) -> float:
        """What is expected; see :func:`backward_block`."""
        shares = np.empty((self.target.shape[0], 3, LANES))
        everywhere: float = backward_block(
            local, self.target if self.plain else None, self.query, self.target, weights, gaps, ends, self.used,
            self.every, self.rows, self.kept, self.factor, self.starts, self.total, self.table, self.steps,
            self.segment, counts, sums, shares, whole, posterior,
        )  # fmt: skip
        return everywhere


TILTS = np.arange(0, 8, 0.25)


def growth_by_tilt(weights: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """``log g`` of the guard for each of ``TILTS``, without the cut of the sum where it converges slowly."""
    first, further = gaps
    tilt = np.exp(-TILTS)
    along = 1 / np.maximum(1 - further * tilt, 1e-6)
    with np.errstate(over="ignore"):
        growth: np.ndarray = np.log((weights.max() * tilt + max(first, further)) * (1 + first * tilt * along))
    return growth


@loop
def judge(local, length, columns, growth, scale, total, log_weight, refused):
    """Log weight of each lane, and whether the guard refuses it."""
    rows = total.shape[0] - 1
    for lane in range(length.size):
        whole = math.log(total[rows, lane]) + scale[rows, lane] * math.log(2.0)
        log_weight[lane] = whole
        m = length[lane] + (0 if local else 1)
        best, pace = np.inf, 0.0
        for k in range(growth.size):
            bound = k * 0.25 * (columns + 1) + (m + 1) * max(growth[k], 0.0)
            if bound < best:
                best, pace = bound, max(growth[k], 0.0)
        tilt = best - (m + 1) * pace
        highest = -np.inf
        for i in range(m + 1):
            highest = max(highest, (m - i + 1) * pace + scale[i, lane] * math.log(2.0))
        leak = highest + tilt + math.log(FLOOR) + math.log(3.0 * (columns + 2)) + 2 * math.log(m + 1.0) - whole
        refused[lane] = not (leak < math.log(LEAK) and whole < np.inf)


def _run_log(work: SoftWork, expected: bool, result: Expectations, members: np.ndarray) -> None:
    for k in members.tolist():
        query = work.query[work.query_start[k] : work.query_start[k] + work.query_length[k]]
        target = work.target[work.target_start[k] : work.target_start[k] + work.target_length[k]]
        counts = result.counts[k] if expected else np.zeros((0, 0))
        whole, sums = _log_one(work, query, target, expected, counts, np.zeros((3, 0, 0)))
        result.log_weight[k] = whole
        result.in_log_space[k] = True
        if expected:
            result.gaps[k], result.gap_letters[k] = sums[0], sums[0] + sums[1]


def _log_one(work, query, target, expected, counts, posterior):
    counts[...] = 0
    every = math.isqrt(query.size) + 1 if expected else 0
    row = (3, target.size + 1)
    kept = np.empty((query.size // every + 1 if every else 0, *row))
    sums = np.zeros(2)
    whole = log_pair(
        work.local, query.astype(np.int32), target.astype(np.int32), work.scores, work.gaps, every, kept,
        np.empty((every, *row)), np.full((4, *row), -np.inf), counts, sums, posterior,
    )  # fmt: skip
    return whole, sums


@dataclass(frozen=True, eq=False)
class Cells:
    """Soft alignment of one pair: ``posterior[state, i, j]``, states paired, query alone, target alone."""

    log_weight: float
    posterior: np.ndarray
    gaps: float
    gap_letters: float
    in_log_space: bool


def run_cells(scores: np.ndarray, gaps: np.ndarray, local: bool, expected: bool, force_log: bool = False) -> Cells:
    """Align one pair softly by the score of every cell, divided, as the gap costs are, by the temperature."""
    m, n = scores.shape
    ours, theirs = np.arange(m + 1, dtype=np.int32), np.arange(n + 1, dtype=np.int32)
    work = SoftWork(
        ours,
        np.array([0]),
        np.array([m]),
        theirs,
        np.array([0]),
        np.array([n]),
        np.ascontiguousarray(scores),
        gaps,
        local,
    )
    posterior = np.zeros((3, m + 1, n + 1) if expected else (3, 0, 0))
    rows, columns = m + (not local), n + (not local)
    every = _rows_apart(rows, columns)
    if not force_log and every and work.in_range():
        weights, costs = work.weights(False), np.exp(-np.array([gaps.sum(), gaps[1]]))
        room = Room.of(rows, columns, every if expected else 0, np.int32, False, 1)
        block = np.array([0])
        end = (m, n) if not local else (-1, -1)
        fill(block, ours, work.query_start, work.query_length, end[0], m + 1, 0, room.query)
        fill(block, theirs, work.target_start, work.target_length, end[1], n + 1, 1, room.target)
        lengths = np.array([m])
        ends = np.where(np.arange(LANES) < 1, m + 1, -1)
        room.forward(local, weights, costs, ends)
        log_weight, refused = np.empty(1), np.empty(1, np.bool_)
        judge(local, lengths, columns, growth_by_tilt(weights, costs), room.scale, room.total, log_weight, refused)
        if not refused[0] and not expected:
            return Cells(log_weight[0], posterior, 0.0, 0.0, False)
        if expected and np.isfinite(log_weight[0]):
            sums = np.empty((EXPECTED, LANES))
            everywhere = room.backward(local, weights, costs, ends, np.zeros((0, 0, 0)), sums, posterior, 1)
            # a cell starts from the floor, and so may what starts there: now that all adjoints are known, this is exact
            certain = not refused[0] or 2 * FLOOR * everywhere < LEAK
            if certain and np.isfinite(sums[:2, 0]).all():
                return Cells(log_weight[0], posterior, sums[0, 0], sums[0, 0] + sums[1, 0], False)
    whole, sums = _log_one(work, ours[:-1], theirs[:-1], expected, np.zeros((0, 0)), posterior)
    return Cells(whole, posterior, sums[0], sums[0] + sums[1], True)

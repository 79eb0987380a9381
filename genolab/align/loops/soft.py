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
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from genolab.align.loops.soft_blocks import EVERY, LEAK, TILTS, align_blocks, space
from genolab.align.loops.soft_log import log_pair
from genolab.align.loops.soft_vectors import END, FLOOR, LANES, addresses
from genolab.align.threads import share

TOGETHER = 64
"""Blocks that are computed in one go, and behind which a key can interrupt."""

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
    # one kind of codes, so that the loops compile once
    work = replace(work, query=work.query.astype(np.int32), target=work.target.astype(np.int32))
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
    if not members.size:
        return members
    blocks = _blocks(work, expected, members)
    refused = np.zeros(result.log_weight.size, np.bool_)
    for b in np.flatnonzero(blocks[:, EVERY] < 0).tolist():
        refused[members[b * LANES : (b + 1) * LANES]] = True
    blocks, plain = blocks[blocks[:, EVERY] >= 0], work.plain()
    for begin in range(0, len(blocks), TOGETHER):
        _align(work, plain, blocks[begin : begin + TOGETHER], members, result, refused, np.zeros((3, 0, 0)))
    return members[refused[members]]


def _blocks(work: SoftWork, expected: bool, members: np.ndarray) -> np.ndarray:
    """What is known of each block, see soft_blocks.py; rows -1 apart where there is no memory for it."""
    begin = np.arange(0, members.size, LANES)
    rows, columns = (
        np.maximum.reduceat(length[members], begin) + (not work.local)
        for length in (work.query_length, work.target_length)
    )
    apart = np.array([_rows_apart(*size) or -1 for size in zip(rows.tolist(), columns.tolist(), strict=True)])
    return np.stack([begin, rows, columns, apart if expected else np.minimum(apart, 0)], axis=1).astype(np.int64)


def _align(
    work: SoftWork,
    plain: bool,
    blocks: np.ndarray,
    members: np.ndarray,
    result: Expectations,
    refused: np.ndarray,
    posterior: np.ndarray,
) -> float:
    """Write what some blocks give; of the posterior of one pair, the sum of its adjoints."""
    each_state = posterior.size > 0
    weights, letters = work.weights(plain), (END, END) if plain else work.scores.shape
    gaps = np.exp(-np.array([work.gaps.sum(), work.gaps[1]]))
    sizes = letters[0] + 2, letters[1] + 2
    everywhere: float = align_blocks(
        addresses(work.local, plain, each_state), work.local, plain, blocks, members, work.query, work.query_start,
        work.query_length, work.target, work.target_start, work.target_length,
        weights, gaps, growth_by_tilt(weights, gaps), letters, space(blocks, sizes, not each_state),
        result.log_weight, result.counts, result.gaps, result.gap_letters, refused, posterior,
    )  # fmt: skip
    return everywhere


def growth_by_tilt(weights: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """``log g`` of the guard for each of ``TILTS``, without the cut of the sum where it converges slowly."""
    first, further = gaps
    tilt = np.exp(-TILTS)
    along = 1 / np.maximum(1 - further * tilt, 1e-6)
    with np.errstate(over="ignore"):
        growth: np.ndarray = np.log((weights.max() * tilt + max(first, further)) * (1 + first * tilt * along))
    return growth


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
    if not force_log and work.in_range():
        member, refused = np.array([0]), np.zeros(1, np.bool_)
        blocks = _blocks(work, expected, member)
        size = 1 if expected else 0
        found = Expectations(
            np.zeros(1), np.zeros((size, 0, 0)), np.zeros(size), np.zeros(size), np.zeros(1, np.bool_)
        )  # fmt: skip
        if blocks[0, EVERY] >= 0:
            everywhere = _align(work, False, blocks, member, found, refused, posterior)
            whole = float(found.log_weight[0])
            if not expected and not refused[0]:
                return Cells(whole, posterior, 0.0, 0.0, False)
            # a cell starts from the floor, and so may what starts there: now that all adjoints are known, this is exact
            if expected and np.isfinite([whole, found.gap_letters[0]]).all() and (
                not refused[0] or 2 * FLOOR * everywhere < LEAK
            ):  # fmt: skip
                return Cells(whole, posterior, float(found.gaps[0]), float(found.gap_letters[0]), False)
    whole, sums = _log_one(work, ours[:-1], theirs[:-1], expected, np.zeros((0, 0)), posterior)
    return Cells(whole, posterior, sums[0], sums[0] + sums[1], True)

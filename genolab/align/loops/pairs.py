"""The scores of many pairs, each by the fastest loop that can compute it: what runs in place of the definition."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numba import njit

from genolab.align.loops import lanes
from genolab.align.loops.vectors import TILE, VECTOR_BYTES
from genolab.align.loops.wavefront import BEST, MARKS, NO_DROP, ROWS, advance, fresh_state, stride_of, with_room
from genolab.align.threads import share

FEWEST = 4
"""Pairs that make it worth while to fill lanes."""

BLOCK_BYTES = 2**26
"""Memory for the letters and columns of one block; longer sequences are aligned one pair at a time."""

KINDS = (np.int8, np.int16, np.int32)


@dataclass(frozen=True)
class Work:
    """Pairs to be aligned, as the kernel gets them; the codes have room behind them for reading whole tiles."""

    query: np.ndarray
    query_start: np.ndarray
    query_length: np.ndarray
    target: np.ndarray
    target_start: np.ndarray
    target_length: np.ndarray
    table: np.ndarray
    gaps: np.ndarray
    free_ends: np.ndarray
    band: int = 2**30
    x_drop: int = NO_DROP

    @cached_property
    def one_piece(self) -> bool:
        """Whether the gap cost is plainly affine."""
        return bool((self.gaps[:2] == self.gaps[2:]).all())

    @cached_property
    def costs(self) -> np.ndarray:
        """A gap with its first letter, a further letter, a match, a mismatch."""
        other = self.table[0, min(1, self.table.shape[1] - 1)]
        return np.array([self.gaps[0] + self.gaps[1], self.gaps[1], self.table[0, 0], other], np.int32)

    @cached_property
    def plain(self) -> bool:
        """Whether there are only the first four letters, and these score by equality, as A, C, G and T do."""
        size = min(4, *self.table.shape)
        if size < 2 or self.table[0, 1] > 0 or max(self.query.max(), self.target.max()) >= size:
            return False
        alike = np.where(np.eye(size, dtype=bool), self.table[0, 0], self.table[0, 1])
        return bool((self.table[:size, :size] == alike).all())

    @cached_property
    def kind_of_pair(self) -> np.ndarray:
        """Which of ``KINDS`` to try for each pair; 3 where only the wavefront will do."""
        m, n = self.query_length, self.target_length
        low, high, opening = int(self.table.min()), int(self.table.max()), int(self.gaps[0] + self.gaps[1])
        unfit = (m == 0) | (n == 0) | ((m + n) * VECTOR_BYTES * 4 > BLOCK_BYTES) | (self.band < np.maximum(m, n))
        if (
            not self.one_piece
            or self.x_drop < NO_DROP
            or low < -128
            or high > 127
            or max(self.table.shape) >= lanes.CODES
        ):
            return np.full(m.size, 3)
        if self.free_ends[4]:
            kinds = np.full(m.size, 0 if max(opening, -low) < 128 else 1 if opening < 2**14 else 2)
        else:  # the lowest and the highest score that a cell can have, with room for one step
            depth = 3 * int(self.gaps[0]) + int(self.gaps[1]) * (m + n + 3)
            kinds = np.where(np.maximum(depth, np.minimum(m, n) * max(high, 0)) < 2**15 - 2**9, 1, 2)
        return np.where(unfit, 3, kinds)

    def in_order(self, members: np.ndarray) -> np.ndarray:
        """Like lengths beside each other, so that lanes waste little; where scores are looked up, like queries."""
        first = self.query_length[members] // TILE if self.plain else self.query_start[members]
        second = self.target_length[members]
        if first.size and (first == first[0]).all() and (second == second[0]).all():
            return members
        return members[np.lexsort((second, first))]

    def blocks(self, members: np.ndarray, kind: Any) -> Iterator[tuple[np.ndarray, int, int]]:
        """As many pairs as there are lanes, with their longest query and target."""
        width = VECTOR_BYTES // np.dtype(kind).itemsize
        begins = np.arange(0, members.size, width)
        longest = np.maximum.reduceat(self.query_length[members], begins).tolist()
        farthest = np.maximum.reduceat(self.target_length[members], begins).tolist()
        for begin, rows, columns in zip(begins.tolist(), longest, farthest, strict=True):
            yield members[begin : begin + width], rows, columns


def work_of(*arrays: Any) -> Work:
    """The inputs of :data:`genolab.align.pairwise.pairwise_scores`, in order, as :class:`Work`."""
    query, query_start, query_length, target, target_start, target_length, *rest = arrays
    table, gaps, free_ends, band, x_drop = rest
    room = np.zeros(TILE, np.uint8)
    codes = np.concatenate([query, room]), np.concatenate([target, room])
    return Work(
        codes[0], query_start, query_length, codes[1], target_start, target_length, table, gaps, free_ends,
        int(band), int(x_drop),
    )  # fmt: skip


def scores_of_pairs(*arrays: np.ndarray) -> np.ndarray:
    """The driver of :data:`genolab.align.pairwise.pairwise_scores`: its inputs, in order; the scores."""
    work = work_of(*arrays)
    count = work.query_start.size
    scores = np.empty(count, np.int32)
    left = np.empty(0, np.int64)
    kinds = work.kind_of_pair if count >= FEWEST else np.full(count, 3)
    for number, kind in enumerate(KINDS):
        members = np.concatenate([left, np.flatnonzero(kinds == number)])
        left = members[:0]
        if members.size:
            left = np.concatenate(share(partial(_run_lanes, work, kind, scores), work.in_order(members)))
    share(partial(_run_wavefront, work, scores), np.concatenate([left, np.flatnonzero(kinds == 3)]))
    return scores


def _run_lanes(work: Work, kind: Any, scores: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Score pairs in lanes; returns those that overflowed. Once most have, the rest is returned too, unseen."""
    rows, columns = int(work.query_length[members].max()), int(work.target_length[members].max())
    by_table, anywhere = None if work.plain else 1, 1 if work.free_ends[5] else None
    memory = lanes.memory(kind, rows, columns, not work.plain)
    table_bytes = lanes.bytes_of_table(work.table)
    lowest = np.iinfo(kind).min
    width = memory.best.size // 3
    results = np.empty((width, 3), np.int64)
    again = [np.empty(0, np.int64)]
    seen = overflowed = 0
    for block, longest, farthest in work.blocks(members, kind):
        if 2 * overflowed > seen > 0:
            again.append(members[seen:])
            break
        lanes.align_block(
            block,
            work.query,
            work.query_start,
            work.query_length,
            work.target,
            work.target_start,
            work.target_length,
            longest,
            farthest,
            *memory[:5],
            memory.profiles,
            memory.places,
            table_bytes,
            work.costs,
            lowest,
            work.free_ends,
            results,
            by_table,
            anywhere,
            None,
        )
        best = results[: block.size, 0]
        scores[block] = best
        if anywhere is not None:
            full = block[best == lanes.OVERFLOW]
            overflowed += full.size
            again.append(full)
        seen += block.size
    return np.concatenate(again)


def _run_wavefront(work: Work, scores: np.ndarray, members: np.ndarray) -> None:
    if members.size:
        state = np.empty(ROWS * stride_of(int(work.query_length[members].max())), np.int32)
        _score_one_by_one(
            members,
            work.query,
            work.query_start,
            work.query_length,
            work.target,
            work.target_start,
            work.target_length,
            work.plain,
            work.table,
            work.gaps,
            None if work.one_piece else 1,
            work.free_ends,
            work.band,
            work.x_drop,
            state,
            scores,
        )


@njit(nogil=True, cache=True)
def _score_one_by_one(
    members,
    query,
    query_start,
    query_length,
    target,
    target_start,
    target_length,
    plain,
    table,
    gaps,
    two_pieces,
    free_ends,
    band,
    x_drop,
    state,
    scores,
):
    marks = np.empty(MARKS, np.int64)
    for k in members:
        m, n = query_length[k], target_length[k]
        ours = with_room(query[query_start[k] : query_start[k] + m], False)
        theirs = with_room(target[target_start[k] : target_start[k] + n], True)
        own = state[: ROWS * stride_of(m)]
        fresh_state(own, marks)
        advance(
            ours, theirs, plain, table, gaps, two_pieces, free_ends, band, x_drop, own, marks, 0, m + n + 1, None, None
        )  # fmt: skip
        scores[k] = marks[BEST]

"""The scores of many pairs, each by the fastest loop that can compute it: what runs in place of the definition."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from genolab.align.loops import lanes, loop
from genolab.align.loops.blocks import Way, align_blocks, write_paths
from genolab.align.loops.columns import VECTOR_BYTES, Recurrence
from genolab.align.loops.tiles import TILE
from genolab.align.loops.wavefront import BEST, MARKS, NO_DROP, ROWS, advance, fresh_state, stride_of, with_room
from genolab.align.threads import share
from genolab.kernel.driver import read_only

FEWEST = 8
"""Pairs that make it worth while to fill lanes."""

BLOCK_BYTES = 2**26
"""Memory for the letters and columns of one block; longer sequences are aligned one pair at a time."""

_NOTHING, _NO_TABLE = np.empty(0, np.uint8), np.empty((0, 0), np.int64)

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
    def by_equality(self) -> bool:
        """Whether the first four letters score by equality, as A, C, G and T do."""
        few = min(lanes.PLAIN, *self.table.shape)
        if few < 2 or self.table[0, 1] > 0:
            return False
        alike = np.where(np.eye(few, dtype=bool), self.table[0, 0], self.table[0, 1])
        return bool((self.table[:few, :few] == alike).all())

    @cached_property
    def other(self) -> np.ndarray:
        """Which pairs need the table: those with further letters, or all."""
        if not self.by_equality:
            return np.full(self.query_start.size, True)
        other = lanes.has_other_letters(self.query, self.query_start, self.query_length)
        return other | lanes.has_other_letters(self.target, self.target_start, self.target_length)

    @cached_property
    def plain(self) -> bool:
        """Whether no pair needs the table."""
        return not self.other.any()

    def parts(self) -> list[tuple[np.ndarray, Work]]:
        """The pairs without further letters and those with them, each with their places among all."""
        few = min(np.count_nonzero(self.other), np.count_nonzero(~self.other)) < FEWEST
        groups = [np.arange(self.other.size)] if few else [np.flatnonzero(~self.other), np.flatnonzero(self.other)]
        return [(some, self if few else self.of(some)) for some in groups]

    def of(self, some: np.ndarray) -> Work:
        """Only these pairs."""
        names = ("query_start", "query_length", "target_start", "target_length")
        return replace(self, **{name: getattr(self, name)[some] for name in names})

    @cached_property
    def anywhere(self) -> bool:
        """Whether an alignment may end anywhere."""
        return bool(self.free_ends[5])

    @cached_property
    def unit(self) -> int:
        """The greatest common divisor of all scores and costs: in units of it they fit a narrower width."""
        scores = self.table[:2, :2] if self.plain else self.table
        return int(np.gcd.reduce([*np.unique(scores).tolist(), *self.gaps.tolist()])) or 1

    @cached_property
    def pairs(self) -> tuple[np.ndarray, ...]:
        """Letters, starts and lengths of both sides, as the loops take them."""
        return (
            self.query, self.query_start, self.query_length, self.target, self.target_start, self.target_length,
        )  # fmt: skip

    @cached_property
    def kind_of_pair(self) -> np.ndarray:
        """Which of ``KINDS`` to try for each pair; 3 where only the wavefront will do."""
        m, n = self.query_length, self.target_length
        opening, extend = (int(cost) // self.unit for cost in self.gaps[:2])
        scores = (self.table[:2, :2] if self.plain else self.table) // self.unit
        low, high = int(scores.min()), int(scores.max())
        bytes_a_letter = VECTOR_BYTES * (4 if self.plain else lanes.CODES)
        unfit = (m == 0) | (n == 0) | ((m + n) * bytes_a_letter > BLOCK_BYTES) | (self.band < np.maximum(m, n))
        beyond_bytes = not self.plain and (low < -128 or high > 127)
        if not self.one_piece or self.x_drop < NO_DROP or beyond_bytes or max(self.table.shape) >= lanes.CODES:
            return np.full(m.size, 3)
        if not self.anywhere:  # the greatest difference of neighbours, and the least that is computed
            most, least = max(high + 2 * extend, extend, 0) + opening, 3 * opening
            kinds = np.full(m.size, 0 if most < 2**7 and least < 2**7 else 1 if most < 2**15 and least < 2**15 else 3)
        elif self.free_ends[4]:
            most = max(opening + extend, -low, high)
            kinds = np.full(m.size, 0 if most < 2**7 else 1 if most < 2**14 else 2)
        else:  # the lowest and the highest score that a cell can have, with room for one step
            depth = 3 * opening + extend * (m + n + 3)
            kinds = np.where(np.maximum(depth, np.minimum(m, n) * max(high, 0)) < 2**15 - 2**9, 1, 2)
        return np.where(unfit, 3, kinds)

    def in_order(self, members: np.ndarray) -> np.ndarray:
        """Like lengths beside each other, so that lanes waste little; where scores are looked up, like queries."""
        first = self.query_length[members] // TILE if self.plain else self.query_start[members]
        second = self.target_length[members]
        if first.size and (first == first[0]).all() and (second == second[0]).all():
            return members
        return members[np.lexsort((second, first))]

    def run_lanes(
        self, members: np.ndarray, kind: Any, scores: np.ndarray, directions: np.ndarray | None = None,
        extended: bool = False, text: np.ndarray = _NOTHING, table: np.ndarray = _NO_TABLE,
    ) -> tuple[np.ndarray, int]:  # fmt: skip
        """Align pairs in lanes of a width; see :func:`~genolab.align.loops.blocks.align_blocks`.

        Returns those that are left, and where the text begins.
        """
        rows, columns = int(self.query_length[members].max()), int(self.target_length[members].max())
        keep, by_differences = directions is not None, not self.anywhere
        way = Recurrence(
            8 * np.dtype(kind).itemsize,
            by_differences,
            not self.plain,
            bool(self.free_ends[1]) and by_differences,
            keep,
        )
        numbers = Way.of(way)
        sides = lanes.aligned(numbers.words * rows * way.together if way.sides else 0, np.int64)
        memory = lanes.memory(kind, rows, columns, not self.plain, keep)
        tables = lanes.tables(self.table, self.gaps, self.unit, kind, not self.plain, by_differences)
        again, count, at = np.empty(members.size, np.int64), 0, text.size
        # the same types whoever asks, or Numba compiles everything once more
        pairs, free_ends = tuple(map(read_only, self.pairs)), read_only(self.free_ends)
        found = scores if directions is None else np.full(self.query_start.size, lanes.OVERFLOW, np.int32)

        def aligned(some: np.ndarray) -> int:
            left: int = align_blocks(
                some, pairs, memory, tables, self.unit, free_ends, numbers, sides, found,
                _NOTHING if directions is None else directions, again[count:],
            )  # fmt: skip
            return left

        if directions is None:
            return again[: aligned(members)], at
        for begin in range((members.size - 1) // way.width * way.width, -1, -way.width):
            block = members[begin : begin + way.width]
            count += aligned(block)
            at = write_paths(block, pairs, memory.numbers, directions, free_ends, extended, text, at, table)
        settled = members[found[members] != lanes.OVERFLOW]
        scores[settled] = found[settled]
        return again[:count], at


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
    scores = np.empty(work.query_start.size, np.int32)
    for some, part in work.parts():
        scores[some] = _scores(part)
    return scores


def _scores(work: Work) -> np.ndarray:
    count = work.query_start.size
    scores = np.empty(count, np.int32)
    left = np.empty(0, np.int64)
    kinds = work.kind_of_pair if count >= FEWEST else np.full(count, 3)

    def in_lanes(kind: Any, members: np.ndarray) -> np.ndarray:
        return work.run_lanes(members, kind, scores)[0]

    for number, kind in enumerate(KINDS):
        members = np.concatenate([left, np.flatnonzero(kinds == number)])
        left = members[:0]
        if members.size:
            left = np.concatenate(share(partial(in_lanes, kind), work.in_order(members)))
    share(partial(_run_wavefront, work, scores), np.concatenate([left, np.flatnonzero(kinds == 3)]))
    return scores


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


@loop
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

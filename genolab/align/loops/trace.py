"""Alignments of many pairs: scores, ends and CIGARs, in memory that does not grow with the length squared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from genolab.align.loops import lanes
from genolab.align.loops.diagonals import WAVE
from genolab.align.loops.pairs import FEWEST, KINDS, Work
from genolab.align.loops.walk import COLUMNS, MATCHES, QUERY, TARGET, TEXT, WALK, begin_walk, walk_back
from genolab.align.loops.wavefront import (
    BEST,
    BEST_QUERY,
    BEST_TARGET,
    MARKS,
    ROWS,
    advance,
    fresh_state,
    stride_of,
    with_room,
)
from genolab.align.threads import share

MOST_BYTES = 2**26
"""Direction bytes that are kept at a time."""

_TEXT_BYTES = 2**24

_COLUMNS = ("score", "query_start", "query_end", "target_start", "target_end", "matches", "columns")


@dataclass(frozen=True, eq=False)
class Paths:
    """The best alignment of every pair: ``[query_start, query_end)`` against ``[target_start, target_end)``.

    ``table`` has the columns ``score``, ``query_start``, ``query_end``, ``target_start``, ``target_end``, ``matches``
    (columns of equal letters) and ``columns`` (of the alignment), each also an attribute.
    """

    cigars: list[str]
    table: np.ndarray

    def __getattr__(self, name: str) -> np.ndarray:
        if name not in _COLUMNS:
            raise AttributeError(name)
        return self.table[:, _COLUMNS.index(name)]


def trace_pairs(work: Work, extended: bool, most_bytes: int = MOST_BYTES) -> Paths:
    """Align every pair; ``extended`` writes ``=`` and ``X`` for ``M``. Long ones are computed again, in pieces."""
    parts = work.parts()
    if len(parts) == 1:
        return _trace(work, extended, most_bytes)
    count = work.query_start.size
    paths = Paths([""] * count, np.empty((count, len(_COLUMNS)), np.int64))
    for some, part in parts:
        found = _trace(part, extended, most_bytes)
        paths.table[some] = found.table
        for k, cigar in zip(some.tolist(), found.cigars, strict=True):
            paths.cigars[k] = cigar
    return paths


def _trace(work: Work, extended: bool, most_bytes: int) -> Paths:
    count = work.query_start.size
    paths = Paths([""] * count, np.zeros((count, len(_COLUMNS)), np.int64))
    kinds = work.kind_of_pair if count >= FEWEST else np.full(count, 3)
    left = np.empty(0, np.int64)
    for number, kind in enumerate(KINDS):
        members = np.concatenate([left, np.flatnonzero(kinds == number)])
        size = (work.target_length[members] + 1) // 2 * work.query_length[members] * lanes.lanes_of(kind, True)
        kinds[members[size > most_bytes]] = 3
        members = members[size <= most_bytes]
        left = members[:0]
        if members.size:
            lanes_of_kind = partial(_trace_lanes, work, kind, extended, most_bytes, paths)
            left = np.concatenate(share(lanes_of_kind, work.in_order(members)))

    def one_by_one(members: np.ndarray) -> None:
        for k in members.tolist():
            _trace_one(work, k, extended, most_bytes, paths)

    share(one_by_one, np.concatenate([left, np.flatnonzero(kinds == 3)]))
    return paths


def _trace_lanes(
    work: Work, kind: Any, extended: bool, most_bytes: int, paths: Paths, members: np.ndarray
) -> np.ndarray:
    """Align pairs in lanes; returns those whose score overflowed."""
    rows, columns = work.query_length[members], work.target_length[members]
    width = lanes.lanes_of(kind, True)
    need = int(rows.max()) * int((columns.max() + 1) // 2) * width
    directions = np.empty(min(need, most_bytes), np.uint8)
    room = np.cumsum(2 * (rows + columns) + 2)
    again, begin = [], 0
    while begin < members.size:
        # as many whole blocks at a time as there is room for the longest CIGARs that they could have
        before = int(room[begin - 1]) if begin else 0
        blocks = max((int(np.searchsorted(room, before + _TEXT_BYTES)) - begin) // width, 1)
        some = members[begin : begin + blocks * width]
        text = np.empty(int(room[begin + some.size - 1]) - before, np.uint8)
        left, at = work.run_lanes(some, kind, paths.score, directions, extended, text, paths.table)
        for k, line in zip(some.tolist(), text[at:].tobytes().decode("ascii").split("\n"), strict=False):
            paths.cigars[k] = line
        again.append(left)
        begin += some.size
    return np.concatenate(again)


def _trace_one(work: Work, k: int, extended: bool, most_bytes: int, paths: Paths) -> None:
    """Align one pair along its anti-diagonals, keeping the state where each piece of direction bytes begins."""
    m, n = int(work.query_length[k]), int(work.target_length[k])
    begin, target_begin = int(work.query_start[k]), int(work.target_start[k])
    ours = with_room(work.query[begin : begin + m], False)
    theirs = with_room(work.target[target_begin : target_begin + n], True)
    first, counts = _rows_of_all(m, n, work.band)
    total = np.concatenate([[0], np.cumsum(counts)])
    edges = [0]
    while edges[-1] < m + n + 1:
        edges.append(max(edges[-1] + 1, int(np.searchsorted(total, total[edges[-1]] + most_bytes, "right")) - 1))
    pieces = list(pairwise(edges))
    directions = np.empty(max(int(total[b] - total[a]) for a, b in pieces) + WAVE, np.uint8)
    state, marks = np.empty(ROWS * stride_of(m), np.int32), np.empty(MARKS, np.int64)
    fresh_state(state, marks)

    def run(begin: int, end: int, keep: bool, state: np.ndarray, marks: np.ndarray) -> bool:
        where = total[:-1] - total[begin] - first if keep else None
        alive: bool = advance(
            ours, theirs, work.plain, work.table, work.gaps, None if work.one_piece else 1, work.free_ends, work.band,
            work.x_drop, state, marks, begin, end, where, directions if keep else None,
        )  # fmt: skip
        return alive

    saved = []
    for a, b in pieces:
        saved.append((state.copy(), marks.copy()) if len(pieces) > 1 else (state, marks))
        if not run(a, b, len(pieces) == 1, state, marks):
            break
    score, i, j = int(marks[BEST]), int(marks[BEST_QUERY]), int(marks[BEST_TARGET])
    text = np.empty(2 * (m + n) + 2, np.uint8)
    walk = np.empty(WALK, np.int64)
    begin_walk(walk, i, j, text.size, text)
    for (a, b), (state, marks) in reversed(list(zip(pieces, saved, strict=False))):
        if a > walk[QUERY] + walk[TARGET]:
            continue
        if len(pieces) > 1:
            run(a, min(b, i + j + 1), True, state, marks)
        done = walk_back(
            walk, directions, total[:-1] - total[a] - first, a, work.query, begin, work.target, target_begin,
            work.free_ends, extended, text,
        )  # fmt: skip
        if done:
            break
    paths.cigars[k] = text[walk[TEXT] : -1].tobytes().decode("ascii")
    paths.table[k] = score, walk[QUERY], i, walk[TARGET], j, walk[MATCHES], walk[COLUMNS]


def _rows_of_all(m: int, n: int, band: int) -> tuple[np.ndarray, np.ndarray]:
    """First row and number of rows of every anti-diagonal, as :func:`wavefront.rows_of_diagonal` has them."""
    d = np.arange(m + n + 1)
    low, high = min(0, n - m) - band, max(0, n - m) + band
    first = np.maximum(np.maximum(0, d - n), -((high - d) // 2))
    last = np.minimum(np.minimum(m, d), (d - low) // 2)
    return first, np.maximum(last - first + 1, 0)

"""The matrix of one pair: what competed in each cell, and every alignment that is worth the best score."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from genolab.align.scoring import Scoring
from genolab.align.sequences import SequencesLike, encode
from genolab.errors import InputError
from genolab.kernel.uncompiled import run

MOST_CELLS = 2**21
"""Cells of a matrix that is kept whole: 40 MB. Larger ones are looked at in windows and bins."""

FEW_CELLS = 25_000
"""Cells of a matrix that Python may look at while the loops are compiled: half a second."""

LARGEST = 2**29
"""Cells that are computed at most, kept or not: some seconds."""

_WHO = "fill_matrix"


@dataclass(frozen=True)
class Candidate:
    """One of the ways into a cell: from where (None for a start), its worth, the sum in words, whether it won."""

    name: str
    value: int
    text: str
    origin: tuple[int, int] | None
    won: bool


@dataclass(frozen=True, eq=False)
class Path:
    """One alignment as cells ``(row[k], column[k])``, from start to end, and as CIGAR with ``=`` and ``X``."""

    row: np.ndarray = field(repr=False)
    column: np.ndarray = field(repr=False)
    cigar: str


@dataclass(frozen=True, eq=False)
class ScoreMatrix:
    """The filled matrix of one pair. ``cells`` has the axes ``layer`` (H, E, F, E', F'), ``row`` and ``column``.

    Row ``i`` stands after ``i`` letters of the query, column ``j`` after ``j`` of the target. ``corner`` is the first
    row and column that are kept: 0 and 0 but for the pieces of :func:`candidates_of`.
    """

    cells: np.ndarray = field(repr=False)
    query: np.ndarray = field(repr=False)
    target: np.ndarray = field(repr=False)
    scoring: Scoring
    free_ends: np.ndarray
    corner: tuple[int, int] = (0, 0)

    @property
    def H(self) -> np.ndarray:  # noqa: N802 - as the recurrence has it
        """The score of the best alignment that ends in each cell."""
        return self.cells[0]

    @cached_property
    def best(self) -> int:
        """The score of the best alignment."""
        i, j = np.indices(self.H.shape)
        m, n = self.query.size, self.target.size
        _, query_end, _, target_end, _, anywhere = self.free_ends
        ends = anywhere | ((i == m) & ((j == n) | target_end)) | ((j == n) & query_end)
        return int(self.H[ends].max())

    @property
    def count(self) -> float:
        """How many different alignments are worth the best score; exact up to 2 to the 53rd.

        The empty alignment is one. One that begins with letters worth nothing in sum differs from the one without them.
        """
        return self._counted[0]

    @property
    def moves(self) -> np.ndarray:
        """The moves that leave each cell on some best alignment, ``uint8``: 1 a pair, 2 along target, 4 along query."""
        return self._counted[1]

    @cached_property
    def _counted(self) -> tuple[float, np.ndarray]:
        from genolab.align.loops.cells import count_best

        count, moves = self._run(count_best, *self._arrays, self.best)
        return float(count), moves

    def _run(self, loop: Any, *arguments: Any) -> Any:
        """Run a loop, as plain Python where a person waits for the picture of a small matrix and it is not compiled."""
        return run(loop, *arguments) if self.H.size <= FEW_CELLS else loop(*arguments)

    @property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        gaps = np.array(self.scoring.gaps, np.int32)
        return self.cells, self.query, self.target, self.scoring.table, gaps, self.free_ends

    def candidates(self, i: int, j: int) -> list[Candidate]:
        """The ways into a cell that competed, the pair first; all that reach the cell's score have won.

        Raises
        ------
        InputError
            If there is no such cell.
        """
        m, n = self.query.size, self.target.size
        if not (0 <= i <= m and 0 <= j <= n):
            raise InputError("candidates", "i, j", f"within 0 to {m:,} and 0 to {n:,}", f"{i:,}, {j:,}")
        found: list[tuple[str, int, str, tuple[int, int] | None]] = []
        letters = self.scoring.alphabet.letters

        def at(layer: int, row: int, column: int) -> int:
            return int(self.cells[layer, row - self.corner[0], column - self.corner[1]])

        h = at(0, i, j)
        if i and j:
            a, b = self.query[i - 1], self.target[j - 1]
            before, worth = at(0, i - 1, j - 1), int(self.scoring.table[a, b])
            text = f"{before} {_signed(worth)} for {letters[a]} with {letters[b]}"
            found.append((f"pair {letters[a]}·{letters[b]}", before + worth, text, (i - 1, j - 1)))
        for name, layers, origin in (("along target (D)", (1, 3), (i, j - 1)), ("along query (I)", (2, 4), (i - 1, j))):
            if min(origin) < 0:
                continue
            value, layer = max((at(layer, i, j), -layer) for layer in layers)
            opening, extend = self.scoring.gaps[:2] if layer > -3 else self.scoring.gaps[2:]
            new, longer = at(0, *origin) - opening - extend, at(-layer, *origin) - extend
            if new >= longer:
                text = f"{at(0, *origin)} − {opening + extend} for a new gap"
            else:
                text = f"{at(-layer, *origin)} − {extend} for a longer gap"
            found.append((f"gap {name}", value, text, origin))
        start = self._may_start(i, j)
        if start:
            found.append(("start", 0, "an alignment may start here", None))
        return [Candidate(name, value, text, origin, value == h) for name, value, text, origin in found]

    def _may_start(self, i: int, j: int) -> bool:
        from genolab.align.loops.cells import may_start

        return bool(may_start.py_func(i, j, self.free_ends))

    def ending_at(self, i: int, j: int) -> Path:
        """The best alignment that ends in a cell, by the tie rule of :func:`genolab.align.align`."""
        return next(self._walks(i, j))

    def paths(self) -> Iterator[Path]:
        """Every alignment that is worth the best score, one at a time; the first is the one that ``align`` gives."""
        m, n = self.query.size, self.target.size
        _, query_end, _, target_end, _, anywhere = self.free_ends
        columns, rows = np.nonzero(np.equal(self.H.T, self.best))
        empty = False
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
            if anywhere or (i == m and (j == n or target_end)) or (j == n and query_end):
                for path in self._walks(i, j):
                    if path.cigar or not empty:
                        yield path
                    empty |= not path.cigar

    def _walks(self, i: int, j: int) -> Iterator[Path]:
        """All walks back from a cell, depth first. A walk carries every state it may be in, so none comes twice."""
        from genolab.align.loops.cells import IN_H, next_walk

        longest = i + j + 2
        stack, trail = np.zeros((3 * longest, 5), np.int64), np.zeros(longest, np.uint8)
        stack[0], size = (i, j, IN_H, 0, 0), 1
        while True:
            size, length, row, column = self._run(next_walk, stack, size, trail, *self._arrays)
            if length < 0:
                return
            yield self._path(trail[:length], row, column)

    def _path(self, trail: np.ndarray, i: int, j: int) -> Path:
        """The walk in ``trail``, from the end back to cell ``(i, j)``, the right way round."""
        moves = trail[::-1]
        row = i + np.concatenate([[0], np.cumsum(moves != 2)])
        column = j + np.concatenate([[0], np.cumsum(moves != 4)])
        operations, pairs = np.where(moves == 2, "D", "I"), np.flatnonzero(moves == 1)
        equal = self.query[row[pairs]] == self.target[column[pairs]]
        operations[pairs] = np.where(equal, "=", "X")
        cigar = "".join(f"{sum(1 for _ in run)}{operation}" for operation, run in groupby(operations.tolist()))
        return Path(row, column, cigar)


def _signed(value: int) -> str:
    return f"+ {value}" if value >= 0 else f"− {-value}"


def fill_matrix(
    query: SequencesLike,
    target: SequencesLike,
    *,
    mode: str = "global",
    scoring: Scoring | None = None,
    free_ends: Collection[str] | None = None,
) -> ScoreMatrix:
    """Fill the matrix of one pair of sequences and keep every cell; mode and scoring as :func:`~genolab.align.align`.

    Raises
    ------
    InputError
        If an input is not as ``align`` has it, is more than one sequence, or the matrix has more than 2 million cells.
    """
    from genolab.align.aligner import ends_of

    scoring = Scoring() if scoring is None else scoring
    ours = encode(_WHO, "query", query, scoring.alphabet)
    theirs = encode(_WHO, "target", target, scoring.alphabet)
    for name, given in (("query", ours), ("target", theirs)):
        if len(given) != 1:
            raise InputError(_WHO, name, "one sequence", f"{len(given):,}")
    size = (int(ours.length[0]) + 1, int(theirs.length[0]) + 1)
    if size[0] * size[1] > MOST_CELLS:
        found = f"{size[0]:,} x {size[1]:,} = {size[0] * size[1]:,}"
        raise InputError(_WHO, "query", f"short enough for {MOST_CELLS:,} cells", found, "Align a shorter stretch.")
    return matrix_of(ours.codes[:-1], theirs.codes[:-1], scoring, ends_of(mode, free_ends))


def matrix_of(query: np.ndarray, target: np.ndarray, scoring: Scoring, free_ends: np.ndarray) -> ScoreMatrix:
    """The matrix of two arrays of codes, whole."""
    window = (0, 0, query.size + 1, target.size + 1)
    cells = window_of(query, target, scoring, free_ends, window, (1, 1))
    return ScoreMatrix(cells, query, target, scoring, free_ends)


def candidates_of(
    query: np.ndarray, target: np.ndarray, scoring: Scoring, free_ends: np.ndarray, i: int, j: int
) -> list[Candidate]:
    """What competed in one cell of a matrix that is too large to be kept."""
    corner = max(i - 1, 0), max(j - 1, 0)
    window = (*corner, i - corner[0] + 1, j - corner[1] + 1)
    cells = window_of(query, target, scoring, free_ends, window, (1, 1))
    return ScoreMatrix(cells, query, target, scoring, free_ends, corner).candidates(i, j)


def window_of(
    query: np.ndarray,
    target: np.ndarray,
    scoring: Scoring,
    free_ends: np.ndarray,
    window: tuple[int, int, int, int],
    step: tuple[int, int],
) -> np.ndarray:
    """The five layers of a window (first row and column, rows, columns) of a matrix, in bins of ``step`` cells."""
    from genolab.align.cells import alignment_matrix

    gaps = np.array(scoring.gaps, np.int32)
    return np.stack(alignment_matrix(query, target, scoring.table, gaps, free_ends, np.array(window), np.array(step)))

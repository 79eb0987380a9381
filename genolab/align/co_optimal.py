"""All best alignments of a pair: how many there are, and each of them in turn.

Two alignments differ where their CIGARs or their ends do. Letters alone of one sequence that stand together are one
gap, whatever its cost is made of; the empty alignment is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genolab.align.pairwise import LOW, UNLIMITED
from genolab.errors import InputError

if TYPE_CHECKING:
    from genolab.align.alignments import Alignments

MOST_CELLS = 2**24
"""The largest matrix whose best alignments are looked for: 24 bytes a cell."""

ANY, NOT_TARGET, NOT_QUERY = range(3)
"""What the last step may be: anything, no gap along the target, no gap along the query."""

State = tuple[int, int, int]


class CoOptimal(NamedTuple):
    """One best alignment; positions 0-based, ends exclusive."""

    cigar: str
    query_start: int
    query_end: int
    target_start: int
    target_end: int


class Step(NamedTuple):
    """A step back: what it is, how long, and to where; ``None`` where the alignment starts."""

    operation: str
    length: int
    to: State | None


@dataclass(frozen=True, eq=False)
class Optima:
    """The best alignments of one pair, read from its matrices."""

    query: np.ndarray
    target: np.ndarray
    gap_costs: np.ndarray
    free_ends: np.ndarray
    table: np.ndarray
    best: np.ndarray
    score: int
    extended: bool

    @staticmethod
    def of(result: Alignments, number: int) -> Optima:
        """Those of one pair of a result.

        Raises
        ------
        InputError
            If there is no such pair, or its matrix is too large.
        """
        who = "Alignments.co_optimal"
        if not -len(result) <= number < len(result):
            raise InputError(who, "number", f"below {len(result):,}, the pairs", repr(number))
        ours, theirs = (
            sequences.codes[sequences.start[k] :][: sequences.length[k]]
            for sequences, k in (
                (result.queries, result.query_number[number]),
                (result.targets, result.target_number[number]),
            )
        )
        m, n = ours.size, theirs.size
        if (m + 1) * (n + 1) > MOST_CELLS:
            found = f"{m:,} x {n:,}"
            raise InputError(who, "number", f"a pair of at most {MOST_CELLS:,} cells", found, "Align shorter pieces.")
        from genolab.align.loops.optima import STEPS, fill_optima

        scoring, options = result.scoring, result.options
        free_ends = np.asarray(options["free_ends"], bool)
        band, x_drop = (UNLIMITED if options.get(name) is None else options[name] for name in ("band", "x_drop"))
        best = np.empty((STEPS, m + 1, n + 1), np.int32)
        gaps = np.array(scoring.gaps, np.int64)
        score = fill_optima(ours, theirs, scoring.table, gaps, free_ends, band, x_drop, best)
        extended = result.cigars is None or not any("M" in cigar for cigar in result.cigars)
        lengths = np.arange(max(m, n) + 2)
        costs = np.minimum(gaps[0] + lengths * gaps[1], gaps[2] + lengths * gaps[3]) * (lengths > 0)
        return Optima(ours, theirs, costs, free_ends, scoring.table, best, int(score), extended)

    @cached_property
    def values(self) -> np.ndarray:
        """``[what the last step may be, i, j]``: the best score of each cell."""
        pair, along_target, along_query, start, along_target_2, along_query_2 = self.best
        other = np.maximum(pair, start)
        target, query = np.maximum(along_target, along_target_2), np.maximum(along_query, along_query_2)
        return np.stack(
            [np.maximum(np.maximum(other, target), query), np.maximum(other, query), np.maximum(other, target)]
        )

    @cached_property
    def ends(self) -> list[State]:
        """Where best alignments end, the first in the target first, then the first in the query."""
        whole, (m, n) = self.values[ANY], (self.query.size, self.target.size)
        _, query_end, _, target_end, _, anywhere = self.free_ends
        allowed = np.full(whole.shape, bool(anywhere))
        allowed[m, n] = True
        allowed[m] |= target_end
        allowed[:, n] |= query_end
        columns, rows = np.nonzero((allowed & (whole == self.score)).T)
        return [(int(i), int(j), ANY) for i, j in zip(rows, columns, strict=True)]

    def steps_back(self, state: State) -> Iterator[Step]:
        """The last steps of the best alignments that end in a state, in the order of the tie rule."""
        i, j, last = state
        value = int(self.values[last, i, j])
        if self.best[3, i, j] == value:  # 0, where an alignment may start
            yield Step("", 0, None)
        if self.best[0, i, j] == value:
            equal = self.query[i - 1] == self.target[j - 1]
            yield Step(("=" if equal else "X") if self.extended else "M", 1, (i - 1, j - 1, ANY))
        if self.linear:  # a gap is then no more than its letters, and may go on after any step
            extend = int(self.gap_costs[1])
            if j and self.values[ANY, i, j - 1] - extend == value and self._kept(i, j - 1):
                yield Step("D", 1, (i, j - 1, ANY))
            if i and self.values[ANY, i - 1, j] - extend == value and self._kept(i - 1, j):
                yield Step("I", 1, (i - 1, j, ANY))
            return
        if last != NOT_TARGET:
            for length in self._gaps(self.values[NOT_TARGET, i, : j + 1], self.values[ANY, i, : j + 1], value):
                yield Step("D", length, (i, j - length, NOT_TARGET))
        if last != NOT_QUERY:
            for length in self._gaps(self.values[NOT_QUERY, : i + 1, j], self.values[ANY, : i + 1, j], value):
                yield Step("I", length, (i - length, j, NOT_QUERY))

    @cached_property
    def linear(self) -> bool:
        """Whether opening a gap costs nothing."""
        costs = self.gap_costs
        return bool((costs == np.arange(costs.size) * costs[1]).all())

    def _kept(self, i: int, j: int) -> bool:
        return bool(self.values[ANY, i, j] > LOW // 2)

    def _gaps(self, before: np.ndarray, cells: np.ndarray, value: int) -> list[int]:
        """Lengths of the gaps that lead to a value, the shortest first; a gap leaves no cell that is left out."""
        before, cells = before[-2::-1], cells[-2::-1]
        left_out = np.flatnonzero(cells <= LOW // 2)
        reach = int(left_out[0]) if left_out.size else cells.size
        costs = self.gap_costs[1 : reach + 1]
        return [int(k) + 1 for k in np.flatnonzero(before[:reach] - costs == value)]

    def count(self) -> int:
        """How many there are, exactly."""
        found: dict[State, int] = {}
        total, empty = 0, False
        for end in self.ends:
            stack = [end]
            while stack:
                state = stack[-1]
                if state in found:
                    stack.pop()
                    continue
                back = [step.to for step in self.steps_back(state)]
                missing = [to for to in back if to is not None and to not in found]
                if missing:
                    stack += missing
                    continue
                found[state] = sum(1 if to is None else found[to] for to in back)
                stack.pop()
            starts_here = self.best[3, end[0], end[1]] == self.score
            total += found[end] - bool(starts_here)
            empty |= bool(starts_here)
        return total + empty

    def __iter__(self) -> Iterator[CoOptimal]:
        empty = False
        for end in self.ends:
            path: list[Step] = []
            stack = [self.steps_back(end)]
            while stack:
                step = next(stack[-1], None)
                if step is None:
                    stack.pop()
                    if path:
                        path.pop()
                    continue
                if step.to is not None:
                    path.append(step)
                    stack.append(self.steps_back(step.to))
                elif path or not empty:
                    empty |= not path
                    yield self._alignment(path, end)

    def _alignment(self, path: list[Step], end: State) -> CoOptimal:
        runs: list[list[str | int]] = []
        for step in reversed(path):
            if runs and runs[-1][1] == step.operation:
                runs[-1][0] = int(runs[-1][0]) + step.length
            else:
                runs.append([step.length, step.operation])
        begin = path[-1].to if path else end
        assert begin is not None
        return CoOptimal("".join(f"{k}{operation}" for k, operation in runs), begin[0], end[0], begin[1], end[1])


def co_optimal(result: Alignments, number: int, limit: int | None) -> Iterator[CoOptimal]:
    """See :meth:`Alignments.co_optimal`."""
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise InputError("Alignments.co_optimal", "limit", "0 or more, or None for all", repr(limit))
    optima = Optima.of(result, number)

    def some() -> Iterator[CoOptimal]:
        for place, each in enumerate(optima):
            if place == limit:
                return
            yield each

    return some()

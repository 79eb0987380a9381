"""All best alignments of a pair of a result: its matrix, filled within its band and X-drop.

Two alignments differ where their CIGARs or their ends do. Letters alone of one sequence that stand together are one
gap, whatever its cost is made of; the empty alignment is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genolab.align.pairwise import UNLIMITED
from genolab.align.score_matrix import Path, ScoreMatrix
from genolab.errors import InputError

if TYPE_CHECKING:
    from genolab.align.alignments import Alignments

MOST_CELLS = 2**24
"""The largest matrix whose best alignments are looked for: 21 bytes a cell."""

_WHO = "Alignments.co_optimal"


class CoOptimal(NamedTuple):
    """One best alignment; positions 0-based, ends exclusive."""

    cigar: str
    query_start: int
    query_end: int
    target_start: int
    target_end: int


def matrix_within(result: Alignments, number: int) -> ScoreMatrix:
    """The matrix of one pair of a result, where its band and its X-drop let it be filled.

    Raises
    ------
    InputError
        If there is no such pair, or its matrix is too large.
    """
    if not -len(result) <= number < len(result):
        raise InputError(_WHO, "number", f"below {len(result):,}, the pairs", repr(number))
    query, target = (
        sequences.codes[sequences.start[k] :][: sequences.length[k]]
        for sequences, k in (
            (result.queries, result.query_number[number]),
            (result.targets, result.target_number[number]),
        )
    )
    shape = (query.size + 1, target.size + 1)
    if shape[0] * shape[1] > MOST_CELLS:
        found = f"{query.size:,} x {target.size:,}"
        raise InputError(_WHO, "number", f"a pair of at most {MOST_CELLS:,} cells", found, "Align shorter pieces.")
    from genolab.align.loops.cells import fill_within

    scoring, options = result.scoring, result.options
    free_ends = np.asarray(options["free_ends"], bool)
    band, x_drop = (UNLIMITED if options.get(name) is None else options[name] for name in ("band", "x_drop"))
    cells, gaps = np.empty((5, *shape), np.int32), np.array(scoring.gaps, np.int32)
    fill_within(query, target, scoring.table, gaps, free_ends, band, x_drop, cells)
    return ScoreMatrix(cells, query, target, scoring, free_ends)


def co_optimal(result: Alignments, number: int, limit: int | None) -> Iterator[CoOptimal]:
    """See :meth:`Alignments.co_optimal`."""
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
        raise InputError(_WHO, "limit", "0 or more, or None for all", repr(limit))
    paths = matrix_within(result, number).paths()
    spelled = with_m if any("M" in cigar for cigar in result.cigars or []) else str

    def of(path: Path) -> CoOptimal:
        (first, last), (left, right) = (axis[[0, -1]].tolist() for axis in (path.row, path.column))
        return CoOptimal(spelled(path.cigar), first, last, left, right)

    return map(of, islice(paths, limit))


def with_m(cigar: str) -> str:
    """A CIGAR of ``=`` and ``X`` as one of ``M``."""
    return re.sub(r"(\d+[=X])+", lambda run: f"{sum(map(int, re.findall(r'[0-9]+', run[0])))}M", cigar)

"""The alignment of one small pair without compiled loops: what a panel shows while they compile."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from genolab.align.co_optimal import with_m
from genolab.align.pairwise import UNLIMITED
from genolab.align.score_matrix import FEW_CELLS, matrix_of
from genolab.align.scoring import Scoring
from genolab.kernel.at_once import compiled, left_to_compile

if TYPE_CHECKING:
    from genolab.align.loops.pairs import Work
    from genolab.align.loops.trace import Paths


def trace(work: Work, extended: bool, scoring: Scoring) -> Paths:
    """What :func:`~genolab.align.loops.trace.trace_pairs` finds; from the whole matrix where a person waits for that.

    The first of the best alignments of a matrix is the one that ``align`` gives: both follow one tie rule.
    """
    from genolab.align.loops.trace import Paths, trace_pairs

    cells = (work.query_length + 1) * (work.target_length + 1)
    if cells.size != 1 or cells[0] > FEW_CELLS or min(work.band, work.x_drop) < UNLIMITED:
        return trace_pairs(work, extended)
    name, kinds = "genolab.align.trace", (f"{work.one_piece}", f"{work.plain}", f"{work.free_ends.any()}")
    if not left_to_compile(name, kinds, partial(trace, work, extended, scoring)):
        paths = trace_pairs(work, extended)
        compiled(name, kinds)
        return paths
    query, target = (
        codes[start[0] :][: length[0]]
        for codes, start, length in (
            (work.query, work.query_start, work.query_length), (work.target, work.target_start, work.target_length),
        )
    )  # fmt: skip
    matrix = matrix_of(query, target, scoring, work.free_ends)
    path = next(matrix.paths())
    rows, columns = path.row, path.column
    equal = (np.diff(rows) == 1) & (np.diff(columns) == 1)
    matches = np.count_nonzero(query[rows[1:][equal] - 1] == target[columns[1:][equal] - 1])
    table = [matrix.best, rows[0], rows[-1], columns[0], columns[-1], matches, rows.size - 1]
    return Paths([path.cigar if extended else with_m(path.cigar)], np.array([table], np.int64))

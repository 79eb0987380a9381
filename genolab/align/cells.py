"""Every cell of one pair's matrix: Gotoh's recurrence again, this time to be looked at."""

from __future__ import annotations

from functools import partial
from typing import Annotated, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.align.pairwise import LOW, FreeEnds, Gaps, Substitution
from genolab.align.score_matrix import FEW_CELLS
from genolab.kernel import kernel
from genolab.kernel.uncompiled import run
from genolab.spec import Spec, Symbol

Query = Annotated[Symbol, Spec("query_position", "uint8", "codes of the query", symbol="q")]
Target = Annotated[Symbol, Spec("target_position", "uint8", "codes of the target", symbol="t")]
Window = Annotated[Symbol, Spec("edge=4", "int64", "first row and column that are wanted, rows and columns", low=0)]
Step = Annotated[Symbol, Spec("axis=2", "int64", "rows and columns of a bin; 1 and 1 for every cell", low=1)]

_AXES = "row column"


class Cells(NamedTuple):
    """The largest value of every bin of cells; minus 2 to the 30th where none can be reached."""

    H: Annotated[Symbol, Spec(_AXES, "int32", "score of the best alignment that ends in the cell", symbol="H")]
    E: Annotated[Symbol, Spec(_AXES, "int32", "of those that end in a gap along the target", symbol="E")]
    F: Annotated[Symbol, Spec(_AXES, "int32", "of those that end in a gap along the query", symbol="F")]
    E2: Annotated[Symbol, Spec(_AXES, "int32", "E with the second piece of the gap cost", symbol="E'")]
    F2: Annotated[Symbol, Spec(_AXES, "int32", "F with the second piece of the gap cost", symbol="F'")]


def _smallest() -> tuple[np.ndarray, ...]:
    codes, table = np.zeros(2, np.uint8), np.array([[1, -1], [-1, 1]], np.int32)
    window, step = np.array([0, 0, 3, 3]), np.ones(2, np.int64)
    return codes, codes, table, np.ones(4, np.int32), np.zeros(6, bool), window, step


@kernel(backend="numpy", example=_smallest)
def alignment_matrix(
    query: Query,
    target: Target,
    substitution: Substitution,
    gaps: Gaps,
    free_ends: FreeEnds,
    window: Window,
    step: Step,
) -> Cells:
    r"""Fill the matrix of one pair, or a window of it, in bins where it is too large to be seen cell by cell.

    With :math:`s` the substitution scores and a gap of :math:`k` letters at :math:`\min(o + kx,\; o' + kx')`,

    .. math:: H_{ij} &= \max(H_{i-1,j-1} + s(q_i, t_j),\; E_{ij},\; F_{ij},\; E'_{ij},\; F'_{ij},\;
                        0 \text{ where an alignment may start}) \\
              E_{ij} &= \max(E_{i,j-1},\; H_{i,j-1} - o) - x, \qquad F_{ij} = \max(F_{i-1,j},\; H_{i-1,j} - o) - x

    for rows :math:`i = 0 \ldots m` and columns :math:`j = 0 \ldots n`. The scan goes over anti-diagonals :math:`i + j`,
    whose cells do not depend on each other. See Gotoh 1982, doi:10.1016/0022-2836(82)90398-9.
    """
    m, n = query.shape[0], target.shape[0]
    rows, low = pt.arange(m + 1), np.int32(LOW)
    q = query[pt.clip(rows - 1, 0, m - 1)].astype("int64")
    outside = pt.full((1,), low, dtype="int32")

    def from_above(values: Symbol) -> Symbol:
        return pt.concatenate([outside, values[:-1]])

    def diagonal(d: Symbol, h2: Symbol, h1: Symbol, e: Symbol, f: Symbol, e2: Symbol, f2: Symbol) -> list:
        columns = d - rows
        kept = pt.ge(columns, 0) & pt.le(columns, n)
        t = target[pt.clip(columns - 1, 0, n - 1)].astype("int64")
        top, left = pt.eq(rows, 0), pt.eq(columns, 0)
        starts = free_ends[4] | (top & (left | free_ends[2])) | (left & free_ends[0])
        gap = [
            pt.maximum(e, h1 - gaps[0]) - gaps[1],
            from_above(pt.maximum(f, h1 - gaps[0]) - gaps[1]),
            pt.maximum(e2, h1 - gaps[2]) - gaps[3],
            from_above(pt.maximum(f2, h1 - gaps[2]) - gaps[3]),
        ]
        h = pt.switch(top | left, low, from_above(h2) + substitution[q, t])
        for each in gap:
            h = pt.maximum(h, each)
        h = pt.switch(starts, pt.maximum(h, 0), h)
        # what no alignment reaches is one value, whatever gap costs were subtracted on the way
        return [pt.switch(kept & pt.gt(each, LOW // 2), each, low).astype("int32") for each in (h, *gap)]

    nothing = pt.full((m + 1,), low, dtype="int32")
    results = pytensor.scan(
        diagonal,
        sequences=[pt.arange(m + n + 1)],
        outputs_info=[{"initial": pt.stack([nothing, nothing]), "taps": [-2, -1]}, nothing, nothing, nothing, nothing],
        return_updates=False,
    )

    def binned(of_diagonal: Symbol) -> Symbol:
        """Cell ``(i, j)`` is on anti-diagonal ``i + j``; the last bins are filled up with cells that nobody reaches."""
        bins = [(window[2 + side] + step[side] - 1) // step[side] for side in (0, 1)]
        i = window[0] + pt.arange(bins[0] * step[0])[:, None]
        j = window[1] + pt.arange(bins[1] * step[1])[None, :]
        inside = pt.lt(i - window[0], window[2]) & pt.lt(j - window[1], window[3])
        row, column = pt.minimum(i, m), pt.minimum(j, n)
        cells = pt.switch(inside, of_diagonal[row + column, row], low)
        return cells.reshape((bins[0], step[0], bins[1], step[1])).max(axis=(1, 3)).astype("int32")

    return Cells(*(binned(each) for each in results))


@alignment_matrix.driven
def _cells(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    from genolab.align.loops.cells import fill_cells

    query, target, table, gaps, free_ends, window, step = arrays
    bins = [-(-int(window[2 + side]) // int(step[side])) for side in (0, 1)]
    results = np.full((5, *bins), LOW, np.int32)
    fill = partial(run, fill_cells) if (query.size + 1) * (target.size + 1) <= FEW_CELLS else fill_cells
    fill(query, target, table, gaps, free_ends, window, step, results)
    return tuple(results)

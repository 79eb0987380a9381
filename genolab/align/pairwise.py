"""The best score of every pair: Gotoh's recurrence, all modes in one definition."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.kernel.choice import backend_in_force
from genolab.spec import Spec, Symbol

LOW = -(2**30)
"""Minus infinity, with room below for the costs of gaps that nobody will take."""

UNLIMITED = 2**30
"""A band or an X-drop that limits nothing."""

QueryLetters = Annotated[
    Symbol, Spec("query_letter", "uint8", "codes of all queries, one after the other, and one more", symbol="q")
]
TargetLetters = Annotated[
    Symbol, Spec("target_letter", "uint8", "codes of all targets, one after the other, and one more", symbol="t")
]
QueryStart = Annotated[Symbol, Spec("pair", "int64", "where the pair's query starts", low=0)]
QueryLength = Annotated[Symbol, Spec("pair", "int64", "letters of the pair's query", low=0)]
TargetStart = Annotated[Symbol, Spec("pair", "int64", "where the pair's target starts", low=0)]
TargetLength = Annotated[Symbol, Spec("pair", "int64", "letters of the pair's target", low=0)]
Substitution = Annotated[
    Symbol, Spec("query_code target_code", "int32", "score of a query letter against a target letter", symbol="s")
]
Gaps = Annotated[
    Symbol,
    Spec("cost=4", "int32", "open and extend of a gap's first affine piece, then of its second", symbol="o; x; o'; x'"),
]
FreeEnds = Annotated[
    Symbol,
    Spec(
        "end=6", "bool", "what costs nothing: query start and end, target start and end, starting and ending anywhere"
    ),
]
Band = Annotated[Symbol, Spec("", "int64", "diagonals kept beyond those of the two corners", low=0, high=UNLIMITED)]
XDrop = Annotated[Symbol, Spec("", "int64", "fall below the best score so far that stops", low=0, high=UNLIMITED)]


class PairScores(NamedTuple):
    """What the best alignment of each pair is worth."""

    score: Annotated[Symbol, Spec("pair", "int32", "score of the best alignment", symbol="H")]


def static_lengths(*lengths: np.ndarray) -> dict[str, int]:
    """What the kernels need to know of the lengths of queries and targets beforehand: nothing, unless JAX runs them.

    They are rounded up to powers of two, so that JAX does not compile for each length.
    """
    if backend_in_force(None, pairwise_scores.backend) != "jax":
        return {}
    longest = (2 ** max(int(each.max(initial=1)) - 1, 15).bit_length() for each in lengths)
    return dict(zip(("longest_query", "longest_target"), longest, strict=True))


def _smallest(**_: int) -> tuple[np.ndarray | int, ...]:
    # enough pairs for the lanes that most alignments run in
    codes, start, length = np.zeros(17, np.uint8), np.arange(16), np.ones(16, np.int64)
    table, gaps = np.array([[1, -1], [-1, 1]], np.int32), np.ones(4, np.int32)
    return codes, start, length, codes, start, length, table, gaps, np.zeros(6, bool), UNLIMITED, UNLIMITED


@kernel(backend="numpy", example=_smallest, jax_needs=("longest_query", "longest_target"))
def pairwise_scores(
    query: QueryLetters,
    query_start: QueryStart,
    query_length: QueryLength,
    target: TargetLetters,
    target_start: TargetStart,
    target_length: TargetLength,
    substitution: Substitution,
    gaps: Gaps,
    free_ends: FreeEnds,
    band: Band = UNLIMITED,
    x_drop: XDrop = UNLIMITED,
    longest_query: int = 0,
    longest_target: int = 0,
) -> PairScores:
    r"""Score the best alignment of every pair of sequences.

    With :math:`s` the substitution scores and a gap of :math:`k` letters at :math:`\min(o + kx,\; o' + kx')`,

    .. math:: H_{ij} &= \max(H_{i-1,j-1} + s(q_i, t_j),\; E_{ij},\; F_{ij},\; E'_{ij},\; F'_{ij},\;
                        0 \text{ where an alignment may start}) \\
              E_{ij} &= \max(E_{i,j-1},\; H_{i,j-1} - o) - x, \qquad F_{ij} = \max(F_{i-1,j},\; H_{i-1,j} - o) - x

    and the score is the largest :math:`H_{ij}` where an alignment may end. Where it may start and end makes the mode:
    in the corners only (global), along an edge (a free end), anywhere (local). Cells of an anti-diagonal :math:`i + j
    = d` do not depend on each other, so the scan goes over :math:`d`, and a vector holds a row :math:`i` each. A band
    keeps the diagonals :math:`j - i` between the two corners and ``band`` beyond; an X-drop gives up cells that lie
    more than ``x_drop`` below the best of the anti-diagonals before. JAX has to know lengths beforehand: they then are
    ``longest_query`` and ``longest_target``, and a pair that is longer scores -2**30. See Gotoh 1982,
    doi:10.1016/0022-2836(82)90398-9.
    """
    lengths = (longest_query, longest_target) if longest_query else (query_length.max(), target_length.max())
    rows = pt.arange(lengths[0] + 1)[None, :]
    m, n = query_length[:, None], target_length[:, None]
    q = query[pt.clip(query_start[:, None] + rows - 1, 0, query.shape[0] - 1).astype("int64")].astype("int64")
    low = np.int32(LOW)
    outside = (pt.zeros_like(m) + LOW).astype("int32")
    lowest = pt.minimum(0, n - m) - band
    highest = pt.maximum(0, n - m) + band

    def from_above(values: Symbol) -> Symbol:
        return pt.concatenate([outside, values[:, :-1]], axis=1)

    def diagonal(d: Symbol, h2: Symbol, h1: Symbol, e: Symbol, f: Symbol, e2: Symbol, f2: Symbol, best: Symbol) -> list:
        columns = d - rows
        kept = pt.ge(columns, 0) & pt.le(columns, n) & pt.le(rows, m)
        kept = kept & pt.ge(columns - rows, lowest) & pt.le(columns - rows, highest)
        t = target[pt.clip(target_start[:, None] + columns - 1, 0, target.shape[0] - 1).astype("int64")].astype("int64")
        top, left, bottom, right = pt.eq(rows, 0), pt.eq(columns, 0), pt.eq(rows, m), pt.eq(columns, n)
        starts = free_ends[4] | (top & (left | free_ends[2])) | (left & free_ends[0])
        ends = free_ends[5] | (bottom & (right | free_ends[3])) | (right & free_ends[1])
        gap = [
            pt.maximum(e, h1 - gaps[0]) - gaps[1],
            from_above(pt.maximum(f, h1 - gaps[0]) - gaps[1]),
            pt.maximum(e2, h1 - gaps[2]) - gaps[3],
            from_above(pt.maximum(f2, h1 - gaps[2]) - gaps[3]),
        ]
        h = from_above(h2) + substitution[q, t]
        h = pt.switch(top | left, low, h)
        for each in gap:
            h = pt.maximum(h, each)
        h = pt.switch(starts, pt.maximum(h, 0), h)
        kept = kept & pt.ge(h, best[:, None].astype("int64") - x_drop)
        h, *gap = [pt.switch(kept, each, low).astype("int32") for each in (h, *gap)]
        best = pt.maximum(best, pt.switch(kept & ends, h, low).max(axis=1)).astype("int32")
        return [h, *gap, best]

    nothing = (pt.zeros_like(m) + pt.zeros_like(rows) + LOW).astype("int32")
    before = pt.stack([nothing, nothing])
    results = pytensor.scan(
        diagonal,
        sequences=[pt.arange(sum(lengths) + 1)],
        outputs_info=[{"initial": before, "taps": [-2, -1]}, nothing, nothing, nothing, nothing, nothing[:, 0]],
        return_updates=False,
    )
    best = results[-1][-1]
    if longest_query:
        best = pt.switch(pt.le(query_length, lengths[0]) & pt.le(target_length, lengths[1]), best, low)
    return PairScores(best.astype("int32"))


@pairwise_scores.driven
def _scores(*arrays: np.ndarray, longest_query: int = 0, longest_target: int = 0) -> np.ndarray:
    """Lanes need no lengths beforehand."""
    from genolab.align.loops.pairs import scores_of_pairs

    return scores_of_pairs(*arrays)

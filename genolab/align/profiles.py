"""Two profiles from end to end, and the information of a column: the kernels of multiple alignment."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.spec import Spec, Symbol

LOW = -1e30

First = Annotated[
    Symbol,
    Spec(
        "first_column letter",
        "float64",
        "share of each letter in a column; the rest are gaps",
        low=0,
        high=1,
        symbol="f",
    ),
]
Second = Annotated[
    Symbol, Spec("second_column letter", "float64", "the same of the second profile", low=0, high=1, symbol="g")
]
FirstStarts = Annotated[
    Symbol,
    Spec(
        "first_column", "float64", "share of the sequences in which a gap begins at a column", low=0, high=1, symbol="p"
    ),
]
SecondStarts = Annotated[
    Symbol, Spec("second_column", "float64", "the same of the second profile", low=0, high=1, symbol="q")
]
Table = Annotated[Symbol, Spec("letter letter", "float64", "score of a letter against a letter", symbol="s")]
GapOpen = Annotated[Symbol, Spec("", "float64", "cost of a gap, whatever its length", low=0, high=100, symbol="o")]
GapExtend = Annotated[Symbol, Spec("", "float64", "cost of each column of a gap", low=0, high=100, symbol="x")]


class AlignedProfiles(NamedTuple):
    """How two profiles align best."""

    score: Annotated[Symbol, Spec("", "float64", "of the best alignment", symbol="H")]
    moves: Annotated[
        Symbol,
        Spec(
            "step", "uint8", "from the end back: 1 a column of each, 2 of the second alone, 3 of the first; 0 no more"
        ),
    ]


def _smallest() -> tuple[np.ndarray | float, ...]:
    return np.eye(2), np.eye(2), np.zeros(2), np.zeros(2), np.array([[1.0, -1.0], [-1.0, 1.0]]), 2.0, 1.0


@kernel(backend="numpy", example=_smallest)
def align_profiles(
    first: First,
    second: Second,
    first_starts: FirstStarts,
    second_starts: SecondStarts,
    table: Table,
    gap_open: GapOpen,
    gap_extend: GapExtend,
) -> AlignedProfiles:
    r"""Align two profiles, each a share :math:`f_i(a)` of every letter in every column, from end to end.

    Everything is the mean over the pairs of sequences, one of each profile. With :math:`u_i = \sum_a f_i(a)` and
    :math:`v_j = \sum_b g_j(b)` the shares that have a letter, and :math:`p_i`, :math:`q_j` those whose gap begins,

    .. math:: P_{ij} &= \sum_{ab} f_i(a)\, g_j(b)\, s(a,b) - x\,[(1 - u_i) v_j + u_i (1 - v_j)]
                        - o\,[p_i v_j + u_i q_j] \\
              H_{ij} &= \max(H_{i-1,j-1} + P_{ij},\; E_{ij},\; F_{ij}) \\
              E_{ij} &= \max(E_{i,j-1},\; H_{i,j-1} - o\,u_i v_j) - x\,v_j

    and :math:`F` along the first profile likewise; :math:`u_0 = v_0 = 1`. What gaps that touch older gaps cost is an
    approximation; of two sequences this is exactly the global alignment of :func:`genolab.align.align`. Profiles as
    sums of pairs: Edgar 2004, doi:10.1093/nar/gkh340.
    """
    m, n = first.shape[0], second.shape[0]
    u, v = first.sum(axis=1), second.sum(axis=1)
    pairs = pt.dot(pt.dot(first, table), second.T)
    # the rest of each column: what stands against older gaps
    (p, q), (a, b) = (first_starts[:, None], second_starts[None, :]), (u[:, None], v[None, :])
    pairs = pairs - gap_extend * ((1 - a) * b + a * (1 - b)) - gap_open * (p * b + a * q)
    rows = pt.arange(m + 1)
    outside = pt.full((1,), LOW, dtype="float64")
    up_row = pt.clip(rows - 1, 0, m - 1)
    u_row = pt.switch(pt.eq(rows, 0), 1.0, u[up_row])

    def from_above(values: Symbol) -> Symbol:
        return pt.concatenate([outside, values[:-1]])

    def diagonal(
        d: Symbol, h2: Symbol, h1: Symbol, e: Symbol, f: Symbol, pairs: Symbol, u_row: Symbol, v: Symbol
    ) -> list:
        columns = d - rows
        kept = pt.ge(columns, 0) & pt.le(columns, n)
        column = pt.clip(columns - 1, 0, n - 1)
        v_column = pt.switch(pt.eq(columns, 0), 1.0, v[column])
        opening = gap_open * u_row * v_column
        new_e, new_f = h1 - opening, from_above(h1) - opening
        longer_e, longer_f = pt.gt(e, new_e), pt.gt(from_above(f), new_f)
        left = pt.eq(columns, 0) | pt.eq(rows, 0)
        e = pt.switch(pt.gt(columns, 0), pt.maximum(e, new_e) - gap_extend * v_column, LOW)
        f = pt.switch(pt.gt(rows, 0), pt.maximum(from_above(f), new_f) - gap_extend * u_row, LOW)
        h = pt.switch(left, LOW, from_above(h2) + pairs[up_row, column])
        source = pt.switch(pt.gt(f, pt.maximum(h, e)), 3, pt.switch(pt.gt(e, h), 2, 1))
        h = pt.maximum(pt.maximum(h, e), f)
        first_cell = pt.eq(rows + columns, 0) & pt.eq(rows, 0)
        h = pt.switch(first_cell, 0.0, h)
        byte = pt.switch(first_cell, 0, source) * 16 + longer_e * 4 + longer_f * 8
        h, e, f = [pt.switch(kept, each, LOW) for each in (h, e, f)]
        return [h, e, f, byte.astype("uint8")]

    nothing = pt.full((m + 1,), LOW, dtype="float64")
    h, _, _, bytes_of = pytensor.scan(
        diagonal,
        sequences=[pt.arange(m + n + 1)],
        outputs_info=[{"initial": pt.stack([nothing, nothing]), "taps": [-2, -1]}, nothing, nothing, None],
        non_sequences=[pairs, u_row, v],
        return_updates=False,
    )

    def back(i: Symbol, j: Symbol, gap: Symbol, bytes_of: Symbol) -> list:
        byte = bytes_of[i + j, i].astype("int64")
        done = pt.eq(i + j, 0)
        move = pt.switch(done, 0, pt.switch(pt.gt(gap, 0), gap, byte // 16))
        goes_on = pt.switch(pt.eq(move, 2), byte // 4 % 2, byte // 8 % 2)
        gap = pt.switch(pt.gt(move, 1) & pt.eq(goes_on, 1), move, 0)
        i = i - pt.eq(move, 1) - pt.eq(move, 3)
        j = j - pt.eq(move, 1) - pt.eq(move, 2)
        return [i.astype("int64"), j.astype("int64"), gap.astype("int64"), move.astype("uint8")]

    *_, moves = pytensor.scan(
        back,
        outputs_info=[m.astype("int64"), n.astype("int64"), pt.zeros((), dtype="int64"), None],
        non_sequences=[bytes_of],
        n_steps=m + n,
        return_updates=False,
    )
    return AlignedProfiles(h[m + n, m], moves)


@align_profiles.driven
def _aligned(
    first: np.ndarray,
    second: np.ndarray,
    first_starts: np.ndarray,
    second_starts: np.ndarray,
    table: np.ndarray,
    gap_open: np.ndarray,
    gap_extend: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    from genolab.align.loops.profiles import align_columns

    u, v = first.sum(axis=1), second.sum(axis=1)
    (p, q), (a, b) = (first_starts[:, None], second_starts[None, :]), (u[:, None], v[None, :])
    pairs = first @ table @ second.T
    pairs = pairs - gap_extend * ((1 - a) * b + a * (1 - b)) - gap_open * (p * b + a * q)
    score, moves = align_columns(pairs, u, v, float(gap_open), float(gap_extend))
    return np.asarray(score), moves


Counts = Annotated[Symbol, Spec("column letter", "float64", "how often each letter stands in a column", low=0)]


class ColumnInformation(NamedTuple):
    """What a column of an alignment says."""

    entropy: Annotated[Symbol, Spec("column", "float64", "of its letters", unit="bits", symbol="H")]
    information: Annotated[Symbol, Spec("column", "float64", "that they carry", unit="bits", symbol="R")]


@kernel(backend="numpy")
def column_information(counts: Counts) -> ColumnInformation:
    r"""Shannon entropy of each column's letters and the information that they carry, in bits.

    With :math:`f_a` the share of letter :math:`a` among the :math:`n` letters of a column, of :math:`s` kinds,

    .. math:: H = -\sum_a f_a \log_2 f_a, \qquad R = \max\!\left(0,\; \log_2 s - H - \frac{s - 1}{2 n \ln 2}\right)

    where the last term corrects for few sequences; a column without letters has neither. See Schneider and Stephens
    1990, doi:10.1093/nar/18.20.6097.
    """
    total = counts.sum(axis=1)
    share = counts / pt.maximum(total, 1)[:, None]
    entropy = -(share * pt.log2(pt.switch(pt.gt(share, 0), share, 1.0))).sum(axis=1)
    kinds = counts.shape[1]
    correction = (kinds - 1) / (2 * np.log(2.0) * pt.maximum(total, 1))
    information = pt.maximum(pt.log2(kinds) - entropy - correction, 0.0)
    return ColumnInformation(entropy, pt.switch(pt.gt(total, 0), information, 0.0))

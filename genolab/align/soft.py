"""Soft alignment: all alignments of a pair at once, weighed by their scores; a score that can be differentiated.

One recurrence defines all four kernels. What is expected of the alignments, and the posterior of every cell, is by
definition the gradient of the score; the loops compute it in one backward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.align.pairwise import QueryLength, QueryLetters, QueryStart, TargetLength, TargetLetters, TargetStart
from genolab.kernel import kernel
from genolab.spec import Spec, Symbol

NEVER = -1e30
"""The logarithm of nothing, with room below for the costs of gaps."""

SoftSubstitution = Annotated[
    Symbol, Spec("query_code target_code", "float64", "score of a query letter against a target letter", symbol="s")
]
Similarity = Annotated[
    Symbol,
    Spec("query_place target_place", "float64", "score of pairing a query letter with a target letter", symbol="s"),
]
GapOpen = Annotated[
    Symbol, Spec("", "float64", "cost of a gap, beside that of its letters", low=0, high=100, symbol="o")
]
GapExtend = Annotated[Symbol, Spec("", "float64", "cost of each letter of a gap", low=0, high=100, symbol="x")]
Temperature = Annotated[
    Symbol,
    Spec(
        "", "float64", "score that makes an alignment e times as likely", "score units", low=1e-4, high=1e6, symbol="T"
    ),
]
Local = Annotated[
    Symbol,
    Spec("", "bool", "whether alignments start and end with any pair; else they span both", symbol=r"\text{local}"),
]


class SoftScores(NamedTuple):
    """What all alignments of each pair are worth together."""

    score: Annotated[Symbol, Spec("pair", "float64", "temperature times the log of the summed weights", symbol="F")]


class SoftExpectations(NamedTuple):
    """What all alignments of each pair are worth together, and what they are expected to hold."""

    score: Annotated[Symbol, Spec("pair", "float64", "temperature times the log of the summed weights", symbol="F")]
    pairs: Annotated[
        Symbol,
        Spec("pair query_code target_code", "float64", "expected pairs of letters", symbol=r"\langle n_{ab} \rangle"),
    ]
    gaps: Annotated[Symbol, Spec("pair", "float64", "expected gaps", symbol=r"\langle n_\text{gaps} \rangle")]
    gap_letters: Annotated[
        Symbol, Spec("pair", "float64", "expected letters in gaps", symbol=r"\langle n_\text{letters} \rangle")
    ]


class SoftCellScore(NamedTuple):
    """What all alignments of one pair are worth together."""

    score: Annotated[Symbol, Spec("", "float64", "temperature times the log of the summed weights", symbol="F")]


class SoftPosteriors(NamedTuple):
    """The share of a pair's alignments that go through each cell."""

    score: Annotated[Symbol, Spec("", "float64", "temperature times the log of the summed weights", symbol="F")]
    paired: Annotated[
        Symbol, Spec("query_place target_place", "float64", "share that pairs the two letters", symbol="p")
    ]
    query_alone: Annotated[
        Symbol,
        Spec("query_place target_border", "float64", "share with the query letter in a gap behind so many of target"),
    ]
    target_alone: Annotated[
        Symbol,
        Spec("query_border target_place", "float64", "share with the target letter in a gap behind so many of query"),
    ]
    gaps: Annotated[Symbol, Spec("", "float64", "expected gaps")]
    gap_letters: Annotated[Symbol, Spec("", "float64", "expected letters in gaps")]


def _log_add(*terms: Symbol) -> Symbol:
    top = terms[0]
    for term in terms[1:]:
        top = pt.maximum(top, term)
    # its gradient is nought; cutting it off (`disconnected_grad`) would, inside a scan, cut off more than that
    total = pt.exp(terms[0] - top)
    for term in terms[1:]:
        total = total + pt.exp(term - top)
    return top + pt.log(total)


CellTerm = Callable[[Symbol, Symbol, Symbol], Symbol]


def _score(
    term: CellTerm,
    tables: Sequence[Symbol],
    m: Symbol,
    n: Symbol,
    gap_open: Symbol,
    gap_extend: Symbol,
    temperature: Symbol,
    local: Symbol,
) -> Symbol:
    """The recurrence, ``score[pair]``, for lengths ``m[pair, 1]`` and ``n[pair, 1]``, costs ``[pair, 1]`` or scalar.

    ``term(table, rows, columns)`` is the score of each cell of an anti-diagonal. The first table is for pairs; two more
    may hold what letters alone get on top, of the query and of the target.
    """
    rows = pt.arange(m.max() + 1)[None, :]
    opening, extend = gap_open / temperature, gap_extend / temperature
    never = pt.zeros((m.shape[0], m.max() + 1), dtype="float64") + NEVER
    anywhere = pt.switch(local, 0.0, NEVER)

    def from_above(values: Symbol) -> Symbol:
        return pt.concatenate([never[:, :1], values[:, :-1]], axis=1)

    def diagonal(
        d: Symbol, h2: Symbol, h1: Symbol, p1: Symbol, x1: Symbol, y1: Symbol, whole: Symbol, opening: Symbol,
        extend: Symbol, *tables: Symbol,
    ) -> list:  # fmt: skip
        columns = d - rows
        inside = pt.ge(columns, 0) & pt.le(columns, n) & pt.le(rows, m)
        # no `~`: inside a scan PyTensor's Python linker takes the complement of True for -2, which is true
        within = inside & pt.gt(rows, 0) & pt.gt(columns, 0)
        origin = pt.eq(rows, 0) & pt.eq(columns, 0) & pt.eq(local, np.False_)
        pair = term(tables[0], rows, columns) / temperature + from_above(h2)
        x = _log_add(from_above(p1) - opening, from_above(x1)) - extend
        y = _log_add(p1 - opening, x1 - opening, y1) - extend
        if len(tables) > 1:
            x, y = (
                each + term(table, rows, columns) / temperature for each, table in zip((x, y), tables[1:], strict=True)
            )
        pair = pt.switch(within, pair, pt.switch(origin, 0.0, NEVER))
        x = pt.switch(inside & pt.gt(rows, 0), x, NEVER)
        y = pt.switch(inside & pt.gt(columns, 0), y, NEVER)
        h = _log_add(pair, x, y)
        ends = pt.switch(local, pair, pt.switch(pt.eq(rows, m) & pt.eq(columns, n), h, NEVER))
        top = ends.max(axis=1)
        whole = _log_add(whole, top + pt.log(pt.exp(ends - top[:, None]).sum(axis=1)))
        starting = pt.switch(inside, _log_add(h, anywhere + pt.zeros_like(h)), NEVER)
        return [h1, starting, pair, x, y, whole]

    nothing = pt.zeros((m.shape[0],), dtype="float64") + anywhere
    results = pytensor.scan(
        diagonal,
        sequences=[pt.arange((m + n).max() + 1)],
        outputs_info=[never, never, never, never, never, nothing],
        # what is differentiated must be named: scan computes anew what it finds by itself
        non_sequences=[opening, extend, *tables],
        return_updates=False,
    )
    return temperature * results[-1][-1]


def _smallest() -> tuple[Any, ...]:
    codes, zero, one = np.zeros(2, np.uint8), np.zeros(1, np.int64), np.ones(1, np.int64)
    return codes, zero, one, codes, zero, one, np.eye(2), 1.0, 1.0, 1.0, False


def _smallest_cells() -> tuple[Any, ...]:
    return np.ones((1, 1)), 1.0, 1.0, 1.0, False


def _of_letters(
    query: Symbol,
    query_start: Symbol,
    query_length: Symbol,
    target: Symbol,
    target_start: Symbol,
    target_length: Symbol,
) -> CellTerm:
    """The score of pairing letters, from ``substitution[pair, query code, target code]``."""

    def paired(substitution: Symbol, rows: Symbol, columns: Symbol) -> Symbol:
        i = pt.clip(query_start[:, None] + rows - 1, 0, query.shape[0] - 1).astype("int64")
        j = pt.clip(target_start[:, None] + columns - 1, 0, target.shape[0] - 1).astype("int64")
        pair = pt.arange(query_start.shape[0])[:, None]
        return substitution[pair, query[i].astype("int64"), target[j].astype("int64")]

    return paired


@kernel(backend="numpy", example=_smallest)
def soft_scores(
    query: QueryLetters,
    query_start: QueryStart,
    query_length: QueryLength,
    target: TargetLetters,
    target_start: TargetStart,
    target_length: TargetLength,
    substitution: SoftSubstitution,
    gap_open: GapOpen,
    gap_extend: GapExtend,
    temperature: Temperature = 1.0,
    local: Local = False,
) -> SoftScores:
    r"""Sum over all alignments of every pair: a smooth maximum of their scores.

    .. math:: F = T \log \sum_a e^{S(a) / T}, \qquad
        P_{ij} &= e^{s(q_i, t_j)/T} (P + X + Y + [\text{local}])_{i-1,j-1} \\
        X_{ij} &= e^{-x/T} (e^{-o/T} P + X)_{i-1,j}, \qquad Y_{ij} = e^{-x/T} (e^{-o/T} (P + X) + Y)_{i,j-1}

    with :math:`s` the scores of letters and a gap of :math:`k` letters at :math:`o + kx`. Between two pairs, letters
    of the query alone stand before letters of the target alone, so each set of pairs counts once. Global alignments
    span both sequences; local ones start and end with a pair, and the empty one counts too, with score 0. As
    :math:`T \to 0`, :math:`F` falls to the best score; the gradient is :func:`soft_expectations`. See Durbin, Eddy,
    Krogh and Mitchison 1998, Biological Sequence Analysis, section 4.4; Miyazawa 1995, doi:10.1093/protein/8.10.999.
    """
    each = substitution[None, :, :] + pt.zeros((query_start.shape[0], 1, 1))
    cell = _of_letters(query, query_start, query_length, target, target_start, target_length)
    m, n = query_length[:, None], target_length[:, None]
    return SoftScores(_score(cell, [each], m, n, gap_open, gap_extend, temperature, local))


@kernel(backend="numpy", example=_smallest)
def soft_expectations(
    query: QueryLetters,
    query_start: QueryStart,
    query_length: QueryLength,
    target: TargetLetters,
    target_start: TargetStart,
    target_length: TargetLength,
    substitution: SoftSubstitution,
    gap_open: GapOpen,
    gap_extend: GapExtend,
    temperature: Temperature = 1.0,
    local: Local = False,
) -> SoftExpectations:
    r"""Count what all alignments of every pair hold, each weighed by its share.

    .. math:: \langle n_{ab} \rangle = \partial F / \partial s_{ab}, \qquad
              \langle n_\text{gaps} \rangle = -\partial F / \partial o, \qquad
              \langle n_\text{letters} \rangle = -\partial F / \partial x

    with :math:`F` that of :func:`soft_scores`, of which this is the gradient, pair by pair.
    """
    each = substitution[None, :, :] + pt.zeros((query_start.shape[0], 1, 1))
    opens, extends = (cost + pt.zeros((query_start.shape[0], 1)) for cost in (gap_open, gap_extend))
    cell = _of_letters(query, query_start, query_length, target, target_start, target_length)
    score = _score(cell, [each], query_length[:, None], target_length[:, None], opens, extends, temperature, local)
    pairs, gaps, letters = pytensor.grad(score.sum(), [each, opens, extends])
    return SoftExpectations(score, pairs, -gaps[:, 0], -letters[:, 0])


@kernel(backend="numpy", example=_smallest_cells)
def soft_cell_score(
    similarity: Similarity,
    gap_open: GapOpen,
    gap_extend: GapExtend,
    temperature: Temperature = 1.0,
    local: Local = False,
) -> SoftCellScore:
    r"""Sum over all alignments of one pair whose every cell has a score of its own, as :func:`soft_scores`.

    .. math:: F = T \log \sum_a e^{S(a) / T}, \qquad S(a) = \sum_{(i,j) \in a} s_{ij} - \text{gaps}

    The scores may come from letters, from profiles or from a network; the gradient with respect to them is the
    posterior of every pair (:func:`soft_posteriors`).
    """
    score, *_ = _cells(similarity, gap_open, gap_extend, temperature, local)
    return SoftCellScore(score)


@kernel(backend="numpy", example=_smallest_cells)
def soft_posteriors(
    similarity: Similarity,
    gap_open: GapOpen,
    gap_extend: GapExtend,
    temperature: Temperature = 1.0,
    local: Local = False,
) -> SoftPosteriors:
    r"""Find the share of a pair's alignments that go through each cell: forward times backward, over all.

    .. math:: p_{ij} = \partial F / \partial s_{ij}

    with :math:`F` that of :func:`soft_cell_score`; the shares of letters in gaps are likewise the gradient with respect
    to a score that is added in that cell. In global mode, the shares of each letter sum to 1.
    """
    score, *differentiated = _cells(similarity, gap_open, gap_extend, temperature, local)
    paired, query_alone, target_alone, gaps, letters = pytensor.grad(score, differentiated)
    return SoftPosteriors(score, paired, query_alone[1:], target_alone[:, 1:], -gaps, -letters)


def _cells(
    similarity: Symbol, gap_open: Symbol, gap_extend: Symbol, temperature: Symbol, local: Symbol
) -> tuple[Symbol, ...]:
    """The score of one pair, and what it depends on, under new names: a gradient needs variables of its own."""
    m, n = similarity.shape[0], similarity.shape[1]
    similarity, gap_open, gap_extend = (pt.as_tensor(each) + 0.0 for each in (similarity, gap_open, gap_extend))
    tables = similarity, pt.zeros((m + 1, n + 1)), pt.zeros((m + 1, n + 1)) * 1.0
    # a row and a column more, so that there is something to take where a sequence is empty
    padded = pt.concatenate([pt.zeros((1, n)), similarity], axis=0)
    padded = pt.concatenate([pt.zeros((m + 1, 1)), padded], axis=1)

    def at(table: Symbol, rows: Symbol, columns: Symbol) -> Symbol:
        return table[pt.clip(rows, 0, m).astype("int64"), pt.clip(columns, 0, n).astype("int64")]

    lengths = m.reshape((1, 1)), n.reshape((1, 1))
    score = _score(at, (padded, *tables[1:]), lengths[0], lengths[1], gap_open, gap_extend, temperature, local)[0]
    return score, *tables, gap_open, gap_extend


# ---------------------------------------------------------------- the loops, and the gradient that they make fast


@soft_scores.driven
def _scores(*arrays: np.ndarray) -> np.ndarray:
    return _run(arrays, expected=False)[0]


@soft_expectations.driven
def _expectations(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    return _run(arrays, expected=True)


def _run(arrays: tuple[np.ndarray, ...], expected: bool) -> tuple[np.ndarray, ...]:
    from genolab.align.loops.soft import SoftWork, run

    substitution, gap_open, gap_extend, temperature, local = arrays[6:]
    gaps = np.array([float(gap_open), float(gap_extend)]) / float(temperature)
    q, q_start, q_length, t, t_start, t_length = arrays[:6]
    scores = substitution / float(temperature)
    found = run(SoftWork(q, q_start, q_length, t, t_start, t_length, scores, gaps, bool(local)), expected)
    return float(temperature) * found.log_weight, found.counts, found.gaps, found.gap_letters


@soft_cell_score.driven
def _cell_score(*arrays: np.ndarray) -> np.ndarray:
    return _run_cells(arrays, expected=False)[0]


@soft_posteriors.driven
def _posteriors(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    return _run_cells(arrays, expected=True)


def _run_cells(arrays: tuple[np.ndarray, ...], expected: bool) -> tuple[np.ndarray, ...]:
    from genolab.align.loops.soft import run_cells

    similarity, gap_open, gap_extend, temperature, local = arrays
    gaps = np.array([float(gap_open), float(gap_extend)]) / float(temperature)
    found = run_cells(similarity / float(temperature), gaps, bool(local), expected)
    paired, query_alone, target_alone = found.posterior
    score, opened, letters = (
        np.array(x, np.float64) for x in (float(temperature) * found.log_weight, found.gaps, found.gap_letters)
    )
    return score, paired[1:, 1:].copy(), query_alone[1:].copy(), target_alone[:, 1:].copy(), opened, letters


@soft_scores.gradient
def _gradient(inputs: dict[str, Symbol], outputs: SoftScores) -> dict[str, Symbol]:
    found = soft_expectations.expr(*inputs.values())
    weight, temperature = outputs.score, inputs["temperature"]
    scored = pt.switch(pt.gt(found.pairs, 0), found.pairs * inputs["substitution"], 0.0).sum(axis=(1, 2))
    expected = scored - found.gaps * inputs["gap_open"] - found.gap_letters * inputs["gap_extend"]
    return {
        "substitution": (weight[:, None, None] * found.pairs).sum(axis=0),
        "gap_open": -(weight * found.gaps).sum(),
        "gap_extend": -(weight * found.gap_letters).sum(),
        "temperature": (weight * (found.score - expected)).sum() / temperature,
    }


@soft_cell_score.gradient
def _cell_gradient(inputs: dict[str, Symbol], outputs: SoftCellScore) -> dict[str, Symbol]:
    found = soft_posteriors.expr(*inputs.values())
    weight, temperature = outputs.score, inputs["temperature"]
    scored = pt.switch(pt.gt(found.paired, 0), found.paired * inputs["similarity"], 0.0).sum()
    expected = scored - found.gaps * inputs["gap_open"] - found.gap_letters * inputs["gap_extend"]
    return {
        "similarity": weight * found.paired,
        "gap_open": -weight * found.gaps,
        "gap_extend": -weight * found.gap_letters,
        "temperature": weight * (found.score - expected) / temperature,
    }

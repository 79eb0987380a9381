"""Chains of anchors: what a read and the reference share, where it lines up."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.spec import Spec, Symbol

LOOKBACK = 50
"""An anchor goes on from one of so many before it."""

Group = Annotated[Symbol, Spec("anchor", "int64", "read, strand and contig, as one number; sorted")]
ReferencePlace = Annotated[
    Symbol, Spec("anchor", "int64", "where the shared k-mer is in the reference; sorted", symbol="x")
]
ReadPlace = Annotated[
    Symbol, Spec("anchor", "int64", "where it is in the read, in the strand's direction", low=0, symbol="y")
]
Letters = Annotated[Symbol, Spec("", "int64", "letters of a k-mer", low=1, high=16, symbol="k")]
MostDistance = Annotated[Symbol, Spec("", "int64", "letters from one anchor to the next, at most", low=1)]
MostGap = Annotated[Symbol, Spec("", "int64", "difference of the two distances, at most", low=0)]


class Chains(NamedTuple):
    """The best chain that ends with each anchor."""

    score: Annotated[Symbol, Spec("anchor", "int64", "letters covered, less the cost of gaps", symbol="f")]
    previous: Annotated[Symbol, Spec("anchor", "int64", "the anchor before it in that chain; -1 where it is the first")]


def _smallest() -> tuple[np.ndarray | int, ...]:
    return np.zeros(2, np.int64), np.array([5, 9]), np.array([0, 4]), 15, 100, 10


@kernel(backend="numpy", example=_smallest)
def chain_anchors(
    group: Group,
    reference_place: ReferencePlace,
    read_place: ReadPlace,
    k: Letters,
    most_distance: MostDistance,
    most_gap: MostGap,
) -> Chains:
    r"""Find the best chain of anchors that ends with each of them.

    .. math:: f_i = \max\left(k,\; \max_{j < i} f_j + \min(k, x_i - x_j, y_i - y_j) - \beta(g_{ij})\right), \qquad
              \beta(g) = \begin{cases} 0 & g = 0 \\ 1 + \lfloor g / 4 \rfloor & g > 0 \end{cases}

    with :math:`x` the place in the reference, :math:`y` that in the read and :math:`g_{ij} = |(x_i - x_j) - (y_i -
    y_j)|` the gap. Anchor :math:`j` may come before :math:`i` where it is one of the 50 before it and of its group,
    both distances are from 1 to ``most_distance``, and the gap is at most ``most_gap``. Among equals a chain begins
    anew, else the nearest goes before. After Li 2018, doi:10.1093/bioinformatics/bty191.
    """
    back = pt.arange(1, LOOKBACK + 1)

    def anchor(i: Symbol, score: Symbol, previous: Symbol) -> list[Symbol]:
        j = i - back
        known = pt.ge(j, 0)
        j = pt.maximum(j, 0)
        along_reference, along_read = reference_place[i] - reference_place[j], read_place[i] - read_place[j]
        gap = pt.abs(along_reference - along_read)
        nearer, farther = pt.minimum(along_reference, along_read), pt.maximum(along_reference, along_read)
        known = known & pt.eq(group[i], group[j]) & pt.ge(nearer, 1) & pt.le(farther, most_distance)
        known = known & pt.le(gap, most_gap)
        cost = pt.switch(pt.gt(gap, 0), 1 + gap // 4, 0)
        worth = pt.switch(known, score[j] + pt.minimum(k, nearer) - cost, -1)
        best = worth.max()
        nearest = j[pt.argmax(pt.eq(worth, best))]
        goes_on = pt.gt(best, k)
        score = pt.set_subtensor(score[i], pt.switch(goes_on, best, k))
        return [score, pt.set_subtensor(previous[i], pt.switch(goes_on, nearest, -1))]

    nothing = pt.zeros_like(reference_place)
    score, previous = pytensor.scan(
        anchor,
        sequences=[pt.arange(reference_place.shape[0])],
        outputs_info=[nothing, nothing],
        return_updates=False,
    )
    return Chains(score[-1], previous[-1])


@chain_anchors.driven
def _chain(*arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from genolab.align.mapping.chains import chain_loop

    group, reference_place, read_place, *numbers = arrays
    score, previous = np.empty_like(group), np.empty_like(group)
    chain_loop(group, reference_place, read_place, group.size, *map(int, numbers), score, previous)
    return score, previous

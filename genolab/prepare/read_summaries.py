"""What quality control of reads counts: qualities and bases by cycle, and two means of every read."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.prepare.depth import row_of_each
from genolab.spec import Spec, Symbol

QUALITIES = 94
"""Phred 0 to 93: what one printed character holds."""

CODE = np.full(256, 4, np.int64)
"""Base code of a letter: A 0, C 1, G 2, T and U 3, anything else 4."""
for _code, _letters in enumerate((b"Aa", b"Cc", b"Gg", b"TtUu")):
    CODE[list(_letters)] = _code

Letters = Annotated[Symbol, Spec("place", "uint8", "letters of all reads in a row", symbol="b")]
Quality = Annotated[
    Symbol,
    Spec("place", "uint8", "their qualities as in the file", unit="Phred + 33", low=33, high=126, symbol=r"q; \bar{q}"),
]
Edge = Annotated[Symbol, Spec("edge", "int64", "where each read begins, and the number of letters", low=0)]
ByQuality = Annotated[Symbol, Spec("cycle quality=94", "int64", "bases of each quality", low=0, symbol="Q")]
ByBase = Annotated[Symbol, Spec("cycle base=5", "int64", "bases A, C, G, T and others", low=0, symbol="B")]


class Cycles(NamedTuple):
    """Counts by cycle: the place of a base in its read."""

    by_quality: ByQuality
    by_base: ByBase


def _example() -> tuple[Any, ...]:
    letters, quality, edge = np.full(2, 65, np.uint8), np.full(2, 70, np.uint8), np.array([0, 2])
    return letters, quality, edge, np.zeros((3, QUALITIES), int), np.zeros((3, 5), int)


@kernel(backend="numpy", example=_example, at_once=True)
def cycle_counts(letters: Letters, quality: Quality, edge: Edge, by_quality: ByQuality, by_base: ByBase) -> Cycles:
    r"""Count qualities and bases by cycle, on top of what was counted before.

    .. math:: Q_{cq} \leftarrow Q_{cq} + \#\{i : c_i = c, q_i = q\}, \qquad
              B_{cb} \leftarrow B_{cb} + \#\{i : c_i = c, b_i = b\}

    Cycles past the last row are counted in it.
    """
    read = row_of_each(letters, edge)
    place = pt.cumsum(pt.ge(read, 0).astype("int64")) - 1
    cycle = pt.minimum(place - edge[read], by_quality.shape[0] - 1)
    base = pt.constant(CODE)[letters.astype("int64")]
    one = pt.ge(read, 0).astype("int64")
    counted = pt.inc_subtensor(by_quality[cycle, quality.astype("int64") - 33], one)
    return Cycles(counted, pt.inc_subtensor(by_base[cycle, base], one))


@cycle_counts.driven
def _cycle_counts(
    letters: np.ndarray, quality: np.ndarray, edge: np.ndarray, by_quality: np.ndarray, by_base: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    from genolab.prepare.loops import reads

    found = by_quality.copy(), by_base.copy()
    reads.cycle_counts(letters, quality, edge, CODE, *found)
    return found


class ReadMeans(NamedTuple):
    """Two numbers of every read."""

    gc: Annotated[
        Symbol,
        Spec("read", "float64", "share of G and C among A, C, G and T; NaN where there is none", symbol=r"\mathrm{gc}"),
    ]
    quality: Annotated[
        Symbol, Spec("read", "float64", "mean quality; NaN for a read without bases", unit="Phred", symbol=r"\bar{q}")
    ]


@kernel(
    backend="numpy",
    example=lambda: (np.full(2, 65, np.uint8), np.full(2, 70, np.uint8), np.array([0, 2])),
    at_once=True,
)
def read_means(letters: Letters, quality: Quality, edge: Edge) -> ReadMeans:
    r"""Share of G and C, and mean quality, of every read.

    .. math:: \mathrm{gc}_r = \frac{\#\{i \in r : b_i \in \{G, C\}\}}{\#\{i \in r : b_i \ne N\}}, \qquad
              \bar{q}_r = \frac{1}{n_r} \sum_{i \in r} q_i
    """
    read, none = row_of_each(letters, edge), pt.lt(edge[:-1], -1).astype("float64")
    base = pt.constant(CODE)[letters.astype("int64")]

    def total(value: Any) -> Any:
        return pt.inc_subtensor(none[read], value.astype("float64"))

    known, length = total(pt.lt(base, 4)), (edge[1:] - edge[:-1]).astype("float64")
    gc = total(pt.eq(base, 1) | pt.eq(base, 2)) / pt.switch(pt.gt(known, 0), known, np.nan)
    mean = total(quality.astype("float64") - 33) / pt.switch(pt.gt(length, 0), length, np.nan)
    return ReadMeans(gc, mean)


@read_means.driven
def _read_means(letters: np.ndarray, quality: np.ndarray, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from genolab.prepare.loops import reads

    gc, mean = np.empty(len(edge) - 1), np.empty(len(edge) - 1)
    reads.means(letters, quality, edge, CODE, gc, mean)
    return gc, mean

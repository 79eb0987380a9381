"""How often each base was seen at each position, and which bases are worth a closer look."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from genolab.kernel import kernel, pt
from genolab.spec import Spec, Symbol

ALLELES = 4

Position = Annotated[
    Symbol,
    Spec(
        "base", "int32", "position of the base, from the start of the region", index="site", symbol=r"\mathrm{position}"
    ),
]
BaseCode = Annotated[
    Symbol, Spec("base", "uint8", "base code: A 0, C 1, G 2, T 3", low=0, high=3, symbol=r"\mathrm{base}")
]
ReferenceBase = Annotated[
    Symbol, Spec("site", "uint8", "reference base code; 4 where it is not A, C, G or T", symbol="r")
]
Counts = Annotated[Symbol, Spec("site allele=4", "int64", "usable bases that show the allele", symbol="n")]


class AlleleCounts(NamedTuple):
    """Coverage, by base."""

    counts: Counts


@kernel(backend="numpy", simplify=False)
def allele_counts(position: Position, base: BaseCode, reference_base: ReferenceBase) -> AlleleCounts:
    r"""Count the bases of each kind at each position.

    .. math:: n_{sa} = \#\{i : \mathrm{position}_i = s, \; \mathrm{base}_i = a\}
    """
    none = pt.zeros((reference_base.shape[0], ALLELES), dtype="int64")
    one = pt.ones_like(position, dtype="int64")
    return AlleleCounts(pt.inc_subtensor(none[position.astype("int64"), base.astype("int64")], one))


def _counts_by_bincount(position: np.ndarray, base: np.ndarray, reference_base: np.ndarray) -> np.ndarray:
    cell = position * np.int32(ALLELES)
    cell += base
    return np.bincount(cell, minlength=reference_base.size * ALLELES).reshape(-1, ALLELES)


@allele_counts.fast(version=1, arrays=_counts_by_bincount)
def _counts_by_loop(position, base, reference_base):  # type: ignore[no-untyped-def]
    counts = np.zeros((reference_base.size, 4), np.int64)
    for i in range(position.size):
        counts[position[i], base[i]] += 1
    return counts


class Candidates(NamedTuple):
    """Alleles that are worth a likelihood."""

    candidate: Annotated[
        Symbol,
        Spec(
            "site allele=4",
            "bool",
            "the allele is not the reference's and is seen often enough",
            symbol=r"\mathrm{candidate}",
        ),
    ]


@kernel(backend="numpy", simplify=False)
def candidate_alleles(
    counts: Counts,
    reference_base: ReferenceBase,
    min_count: Annotated[
        Symbol, Spec("", "int64", "times an allele must be seen", low=1, high=1_000_000, symbol=r"n_\min")
    ],
    min_fraction: Annotated[
        Symbol, Spec("", "float64", "share of the depth that it must have", low=0, high=1, symbol=r"f_\min")
    ],
) -> Candidates:
    r"""Mark the alleles other than the reference that are seen often enough.

    .. math:: \mathrm{candidate}_{sa} \Leftrightarrow n_{sa} \ge n_\min \;\wedge\;
              n_{sa} \ge f_\min \textstyle\sum_b n_{sb} \;\wedge\; a \ne r_s
    """
    depth = counts.sum(axis=1, keepdims=True)
    enough = pt.ge(counts, min_count) & pt.ge(counts, min_fraction * depth)
    reference = reference_base[:, None]
    another = pt.neq(np.arange(ALLELES, dtype="uint8")[None, :], reference)
    return Candidates(enough & another & pt.lt(reference, ALLELES))

"""The probability of a read, given a haplotype: the pair hidden Markov model, summed over all alignments."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from genolab.kernel import kernel, pt
from genolab.spec import Spec, Symbol

UNLIMITED = 2**30
"""A band that limits nothing."""

GAP_EXTENSION = 0.1
"""Chance that a gap goes on by one base."""

ReadBases = Annotated[Symbol, Spec("read_base", "uint8", "base codes of all reads, one after the other", high=4)]
ReadQualities = Annotated[Symbol, Spec("read_base", "float64", "base quality", unit="phred", low=0, symbol="Q")]
ReadStart = Annotated[Symbol, Spec("pair", "int64", "where the pair's read starts", low=0)]
ReadLength = Annotated[Symbol, Spec("pair", "int64", "bases of the pair's read", low=1)]
Haplotypes = Annotated[Symbol, Spec("column", "uint8", "base codes of all haplotypes, one after the other", high=4)]
GapOpening = Annotated[
    Symbol,
    Spec(
        "column",
        "float64",
        "chance that a gap opens at the column, as insertion or deletion",
        low=0,
        high=0.5,
        symbol="g",
    ),
]
HaplotypeStart = Annotated[Symbol, Spec("pair", "int64", "where the pair's haplotype starts", low=0)]
HaplotypeLength = Annotated[Symbol, Spec("pair", "int64", "bases of the pair's haplotype", low=1)]
Diagonal = Annotated[Symbol, Spec("pair", "int64", "column over which the read's first base is expected", symbol="d")]


class ReadLikelihoods(NamedTuple):
    """What each read says to each haplotype."""

    log10_likelihood: Annotated[
        Symbol,
        Spec(
            "pair",
            "float64",
            "log10 P(read | haplotype), for any start, each weighed 1",
            symbol=r"\log_{10} \sum_j M_{mj} + I_{mj}",
        ),
    ]


def _smallest() -> tuple[object, ...]:
    zero, four = np.zeros(1, np.int64), np.full(1, 4)
    haplotype = np.arange(4, dtype=np.uint8)
    return haplotype, np.full(4, 30.0), zero, four, haplotype, np.full(4, 1e-4), zero, four, zero


@kernel(backend="numpy", example=_smallest)
def pair_hmm(
    base: ReadBases,
    base_quality: ReadQualities,
    read_start: ReadStart,
    read_length: ReadLength,
    haplotype: Haplotypes,
    gap_opening: GapOpening,
    haplotype_start: HaplotypeStart,
    haplotype_length: HaplotypeLength,
    diagonal: Diagonal,
    band: Annotated[
        Symbol, Spec("", "int64", "columns to each side of the diagonal that are looked at", low=0, high=UNLIMITED)
    ] = UNLIMITED,
    gap_extension: Annotated[
        Symbol, Spec("", "float64", "chance that a gap goes on by one base", low=1e-6, high=0.9, symbol="x")
    ] = GAP_EXTENSION,
) -> ReadLikelihoods:
    r"""Sum the probability of a read over all its alignments to a haplotype; it may start and end anywhere on it.

    With :math:`e_{ij} = 1 - \epsilon_i` where base :math:`i` equals column :math:`j` and :math:`\epsilon_i / 3` where
    not (N equals nothing), :math:`\epsilon = \min(10^{-Q/10}, \tfrac34)`, :math:`g_j` the chance of a gap at a column
    and :math:`x` that of its extension,

    .. math:: M_{ij} &= e_{ij} \left[ (1 - 2 g_j) M_{i-1,j-1} + (1 - x)(I_{i-1,j-1} + D_{i-1,j-1}) \right] \\
              I_{ij} &= g_j M_{i-1,j} + x I_{i-1,j}, \qquad D_{ij} = g_j M_{i,j-1} + x D_{i,j-1}

    from :math:`D_{-1,j} = 1 / (1 - x)` (every start weighs 1, so that haplotypes of any length compare) to
    :math:`\log_{10} \sum_j M_{mj} + I_{mj}`. Cells with :math:`|j - i - d| >` ``band`` are left out, :math:`d` being
    the diagonal. See Durbin et al. 1998, doi:10.1017/CBO9780511790492.
    """
    from pytensor import scan

    rows, columns = pt.arange(read_length.max()), pt.arange(haplotype_length.max())
    n = haplotype_length[:, None]
    on_haplotype = pt.lt(columns[None, :], n)
    at = pt.minimum(haplotype_start[:, None] + pt.minimum(columns[None, :], n - 1), haplotype.shape[0] - 1)
    letters, opening = haplotype[at], gap_opening[at]

    def before(values: Symbol, steps: int = 1) -> Symbol:
        return pt.concatenate([pt.zeros_like(values[:, :steps]), values[:, :-steps]], axis=1)

    def chained(values: Symbol) -> Symbol:
        """D along a row is a geometric sum: twice as many terms with each step; x**128 is nothing."""
        for steps in (1, 2, 4, 8, 16, 32, 64):
            values = values + gap_extension**steps * before(values, steps)
        return values

    def row(i: Symbol, m: Symbol, ins: Symbol, deleted: Symbol, scale: Symbol, total: Symbol) -> list[Symbol]:
        inside = pt.minimum(read_start + pt.minimum(i, read_length - 1), base.shape[0] - 1)
        code, wrong = base[inside], pt.minimum(10.0 ** (-base_quality[inside] / 10.0), 0.75)[:, None]
        same = pt.eq(code[:, None], letters) & pt.lt(code[:, None], 4)
        emitted = pt.switch(same, 1.0 - wrong, wrong / 3.0)
        kept = on_haplotype & pt.le(abs(columns[None, :] - i - diagonal[:, None]), band)
        entering = pt.switch(pt.eq(i, 0), 1.0, (1.0 - gap_extension) * before(ins + deleted))
        new_m = pt.switch(kept, emitted * ((1.0 - 2.0 * opening) * before(m) + entering), 0.0)
        new_i = pt.switch(kept, opening * m + gap_extension * ins, 0.0)
        new_d = pt.switch(kept, chained(opening * before(new_m)), 0.0)
        largest = pt.maximum(pt.maximum(new_m, new_i).max(axis=1), 1e-300)
        new_m, new_i, new_d = (each / largest[:, None] for each in (new_m, new_i, new_d))
        scale = scale + pt.log10(largest)
        ended = scale + pt.log10(pt.maximum((new_m + new_i).sum(axis=1), 1e-300))
        return [new_m, new_i, new_d, scale, pt.switch(pt.eq(i, read_length - 1), ended, total)]

    nothing = pt.zeros_like(opening)
    none = pt.zeros_like(opening[:, 0])
    results = scan(row, sequences=[rows], outputs_info=[nothing, nothing, nothing, none, none], return_updates=False)
    return ReadLikelihoods(results[-1][-1])


@pair_hmm.driven
def _likelihoods(*arrays: np.ndarray) -> np.ndarray:
    from genolab.call.forward import likelihoods_of_pairs

    return likelihoods_of_pairs(*arrays)


@pair_hmm.driven_gradient("base_quality")
def _quality_gradients(*arrays: np.ndarray) -> np.ndarray:
    from genolab.call.backward import quality_gradients

    return quality_gradients(*arrays)

"""Signs of an artefact: an allele on one strand only, near read ends, on badly mapped reads, of low quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np

from genolab.call.counts import ReferenceBase
from genolab.call.likelihood import Site
from genolab.kernel import kernel, pt, zero_rows
from genolab.spec import Spec, Symbol

VALUES = 256
"""Rank sums are taken over whole numbers below this; distances to a read's end are capped here."""


class StrandBias(NamedTuple):
    """Allele against strand."""

    fisher_strand: Annotated[
        Symbol, Spec("site", "float64", "FS: -10 log10 p of Fisher's exact test", unit="phred", symbol=r"\mathrm{FS}")
    ]
    strand_odds_ratio: Annotated[Symbol, Spec("site", "float64", "SOR: log of the symmetric odds ratio, scaled")]


@kernel(backend="numpy", simplify=False)
def strand_bias(
    table: Annotated[
        Symbol,
        Spec(
            "site cell=4",
            "int64",
            "fragments: reference forward, reference reverse, alternate forward, alternate reverse",
        ),
    ],
    ladder: Annotated[Symbol, Spec("count", "int64", "0, 1, 2, ... up to at least the largest row of the table")],
) -> StrandBias:
    r"""Fisher's exact test (two-sided) and the symmetric odds ratio of a 2 x 2 table of allele against strand.

    With rows :math:`r_1, r_2`, first column :math:`c` and total :math:`n`, the chance of :math:`k` in the first cell is
    :math:`p_k = \binom{r_1}{k}\binom{r_2}{c-k} / \binom{n}{c}`, and

    .. math:: \mathrm{FS} = -10 \log_{10} \sum_{k : p_k \le p_\mathrm{seen}} p_k

    SOR adds one to each cell and is :math:`\ln(R + 1/R) + \ln(\min/\max)_\mathrm{ref} - \ln(\min/\max)_\mathrm{alt}`
    with :math:`R` the odds ratio, as GATK's StrandOddsRatio.
    """
    a, b, c, d = (table[:, cell] for cell in range(4))
    first, second, column, total = a + b, c + d, a + c, a + b + c + d
    logs = pt.log(pt.maximum(ladder, 1).astype("float64"))
    log_factorial = pt.cumsum(logs)
    k = ladder[None, :]
    low = pt.maximum(column - second, 0)[:, None]
    high = pt.minimum(first, column)[:, None]
    possible = pt.ge(k, low) & pt.le(k, high)
    inside = pt.minimum(pt.maximum(k, low), high)

    def log_choose(n: Symbol, picked: Symbol) -> Symbol:
        return log_factorial[n] - log_factorial[picked] - log_factorial[n - picked]

    log_p = (
        log_choose(first[:, None], inside)
        + log_choose(second[:, None], column[:, None] - inside)
        - log_choose(total, column)[:, None]
    )
    log_seen = log_choose(first, a) + log_choose(second, c) - log_choose(total, column)
    as_unlikely = possible & pt.le(log_p, log_seen[:, None] + 1e-7)
    p = pt.sum(pt.exp(log_p) * as_unlikely, axis=1)
    fisher = pt.maximum(-10.0 * pt.log10(pt.maximum(pt.minimum(p, 1.0), 1e-300)), 0.0)

    a1, b1, c1, d1 = (each + 1.0 for each in (a, b, c, d))
    odds = (a1 * d1) / (b1 * c1)
    reference_ratio = pt.minimum(a1, b1) / pt.maximum(a1, b1)
    alternate_ratio = pt.minimum(c1, d1) / pt.maximum(c1, d1)
    symmetric = pt.log(odds + 1.0 / odds) + pt.log(reference_ratio) - pt.log(alternate_ratio)
    return StrandBias(fisher, symmetric)


class RankSum(NamedTuple):
    """One value, alternate against reference."""

    z: Annotated[
        Symbol,
        Spec("site", "float64", "negative where the alternate allele has the smaller values", unit="z", symbol="z"),
    ]


@kernel(backend="numpy", simplify=False)
def rank_sum(
    site: Site,
    alternate: Annotated[
        Symbol, Spec("observation", "int64", "1 shows the alternate allele, 0 the reference", low=0, high=1)
    ],
    value: Annotated[Symbol, Spec("observation", "int64", "the value that is ranked", low=0, high=VALUES - 1)],
    reference_base: ReferenceBase,
) -> RankSum:
    r"""Mann-Whitney rank sum of a value, alternate against reference, as a z score with ties at their mid-rank.

    From the histograms :math:`f_v` (reference) and :math:`g_v` (alternate), of sizes :math:`n` and :math:`m`,

    .. math:: U = \sum_v g_v \Big(\sum_{w<v} f_w + \tfrac12 f_v\Big), \quad
              z = \frac{U - nm/2}{\sqrt{\frac{nm}{12}\big(N + 1 - \sum_v \frac{t_v^3 - t_v}{N(N-1)}\big)}}

    with :math:`N = n + m` and :math:`t = f + g`. Zero where either side is empty or all values tie.
    """
    counts = pt.inc_subtensor(zero_rows(reference_base, 2, VALUES)[site, alternate, value], 1.0)
    reference, alternates = counts[:, 0], counts[:, 1]
    below = pt.cumsum(reference, axis=1) - 0.5 * reference
    u = (alternates * below).sum(axis=1)
    n, m = reference.sum(axis=1), alternates.sum(axis=1)
    total = n + m
    tied = reference + alternates
    ties = (tied * tied * tied - tied).sum(axis=1) / pt.maximum(total * (total - 1.0), 1.0)
    variance = n * m / 12.0 * (total + 1.0 - ties)
    return RankSum((u - 0.5 * n * m) / pt.sqrt(pt.maximum(variance, 1e-12)) * pt.gt(variance, 1e-9))


_MOST_CELLS = 4_000_000  # of the strand test's table of sites by counts, so that a deep region stays small


@dataclass(frozen=True)
class Shown:
    """What fragments show at sites: one row an observation that shows the reference or a called allele."""

    site: np.ndarray  # int64
    alternate: np.ndarray  # bool
    reverse: np.ndarray  # bool
    end_distance: np.ndarray
    mapping_quality: np.ndarray
    base_quality: np.ndarray | None = None  # None where a base alone does not show the allele


def annotate(shown: Shown, heterozygous: np.ndarray, backend: str | None = None) -> dict[str, np.ndarray]:
    """The signs of an artefact by site, each under the name of its column; NaN where there is nothing to compare."""
    size = heterozygous.size
    cell = shown.site * 4 + 2 * shown.alternate + shown.reverse
    table = np.bincount(cell, minlength=4 * size).reshape(-1, 4)
    ladder = ladder_for(int(table.sum(axis=1).max(initial=0)))
    block = max(_MOST_CELLS // ladder.size, 1)
    parts = [strand_bias(table[at : at + block], ladder, backend=backend) for at in range(0, max(size, 1), block)]
    fisher, odds = (np.concatenate([part[k] for part in parts]) for k in range(2))
    reference_count, alternate_count = table[:, :2].sum(axis=1), table[:, 2:].sum(axis=1)
    comparable = (reference_count > 0) & (alternate_count > 0)
    ranked = {
        "read_position_rank_sum": shown.end_distance,
        "mapping_quality_rank_sum": shown.mapping_quality,
        "base_quality_rank_sum": shown.base_quality,
    }
    balance = alternate_count / np.maximum(reference_count + alternate_count, 1)
    return {
        "fisher_strand": fisher,
        "strand_odds_ratio": odds,
        **_compared(shown, comparable, ranked, backend),
        "allele_balance": np.where(heterozygous, balance, np.nan),
    }


def _compared(
    shown: Shown, comparable: np.ndarray, ranked: dict[str, np.ndarray | None], backend: str | None
) -> dict[str, np.ndarray]:
    """:func:`rank_sum` of every value, in one call over the sites that show both alleles."""
    found = {name: np.full(comparable.size, np.nan) for name in ranked}
    given = {name: value for name, value in ranked.items() if value is not None}
    sites, kept = int(comparable.sum()), comparable[shown.site]
    if not sites or not given:
        return found
    site = (np.cumsum(comparable) - 1)[shown.site[kept]]
    z = rank_sum(
        np.concatenate([site + sites * number for number in range(len(given))]),
        np.tile(shown.alternate[kept].astype(np.int64), len(given)),
        np.minimum(np.concatenate([value[kept] for value in given.values()]).astype(np.int64), VALUES - 1),
        np.zeros(sites * len(given), np.uint8),
        backend=backend,
    ).z
    for name, values in zip(given, z.reshape(len(given), sites), strict=True):
        found[name][comparable] = values
    return found


def ladder_for(largest: int) -> np.ndarray:
    """0, 1, 2, ... past ``largest``, in a length that is a power of two so that shapes are few."""
    return np.arange(1 << max(int(largest + 1).bit_length(), 6), dtype=np.int64)

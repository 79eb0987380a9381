"""Parents and children: who passes which allele on, and what a family's reads say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, NamedTuple

import numpy as np

from genolab.call.joint import (
    LEAST,
    Composition,
    Copies,
    Inbreeding,
    LogEvidence,
    LogFounders,
    LogPlain,
    LogQuiet,
    LogUnvaried,
    Marginal,
    Node,
    PlainMarginal,
    SampleLikelihood,
    Ways,
    frequencies_of,
    genotype_table,
    hardy_weinberg,
)
from genolab.call.likelihood import genotypes
from genolab.errors import InputError
from genolab.kernel import kernel, pt
from genolab.spec import Spec, Symbol

DE_NOVO_RATE = 1.2e-8
"""Chance that a child has a base that its parent did not pass on: Kong et al. 2012, doi:10.1038/nature11396."""


@dataclass(frozen=True)
class Family:
    """Father, mother (None where not among the samples) and children, as numbers of samples."""

    father: int | None
    mother: int | None
    children: tuple[int, ...]

    @property
    def members(self) -> tuple[int, ...]:
        """The samples in it, parents first."""
        parents = tuple(each for each in (self.father, self.mother) if each is not None)
        return (*parents, *self.children)


def families_of(samples: Sequence[str], parents: Mapping[str, tuple[str | None, str | None]]) -> tuple[Family, ...]:
    """The families among some samples; whoever has no relative among them is in none.

    Raises
    ------
    InputError
        If a sample is in two families (three generations, or half-siblings).
    """
    number = {name: at for at, name in enumerate(samples)}
    groups: dict[tuple[str | None, str | None], list[int]] = {}
    for child, (father, mother) in parents.items():
        if child in number:
            groups.setdefault((father, mother), []).append(number[child])
    found = []
    for (father, mother), children in groups.items():
        known = [None if name is None else number.get(name) for name in (father, mother)]
        if any(each is not None for each in known) or len(children) > 1:
            found.append(Family(known[0], known[1], tuple(sorted(children))))
    seen: set[int] = set()
    for family in found:
        for member in family.members:
            if member in seen:
                fix = "Call two generations at a time."
                raise InputError("call_variants", "pedigree", "families without common members",
                                 f"{samples[member]!r} in two", fix)  # fmt: skip
            seen.add(member)
    return tuple(found)


@lru_cache(maxsize=256)
def transmission(
    father: int, mother: int, child: int, alleles: int, de_novo_rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """P(child's genotype | its parents'), ``(father, mother, child)``: in all, and without a new mutation.

    Of two copies a parent passes either on, of one that one. A child with one copy has the mother's (X of a son, MT),
    or the father's where she has none (Y). A copy becomes each other allele of the site at ``de_novo_rate`` in all.

    Raises
    ------
    InputError
        For other ploidies.
    """
    from_mother = min(1, child, mother)
    from_father = child - from_mother
    if max(father, mother, child) > 2 or from_father > min(1, father):
        found = f"{father}, {mother} and {child} for father, mother and child"
        raise InputError("call_variants", "ploidy", "1 or 2 of each in a pedigree, as they are inherited", found)
    kinds = [genotypes(ploidy, alleles) for ploidy in (father, mother, child)]
    place = {kind: at for at, kind in enumerate(kinds[2])}
    kept = np.zeros([len(each) for each in kinds])
    any_way = kept.copy()

    def passed(parent: tuple[int, ...], copies: int) -> list[tuple[tuple[int, ...], float, float]]:
        """What it gives, the chance in all and the chance without a mutation."""
        if not copies:
            return [((), 1.0, 1.0)]
        clean = np.bincount(np.array(parent), minlength=alleles) / len(parent)
        new = (1.0 - clean) * de_novo_rate / max(alleles - 1, 1)
        stays = clean * (1.0 - de_novo_rate)
        return [((allele,), stays[allele] + new[allele], stays[allele]) for allele in range(alleles)]

    for f, of_father in enumerate(kinds[0]):
        for m, of_mother in enumerate(kinds[1]):
            for one, chance_one, clean_one in passed(of_father, from_father):
                for two, chance_two, clean_two in passed(of_mother, from_mother):
                    at = place[tuple(sorted((*one, *two)))]
                    any_way[f, m, at] += chance_one * chance_two
                    kept[f, m, at] += clean_one * clean_two
    return any_way, kept


class FamilyGivenFrequency(NamedTuple):
    """As :class:`~genolab.call.joint.GivenFrequency`, one unit, its samples father, mother, children."""

    log_evidence: LogEvidence
    log_founders: LogFounders
    marginal: Marginal
    log_plain: LogPlain
    plain_marginal: PlainMarginal
    log_quiet: LogQuiet
    log_unvaried: LogUnvaried
    de_novo: Annotated[
        Symbol, Spec("site node child", "float64", "P(an allele of the child is new, a founder varies | both)")
    ]
    plain_de_novo: Annotated[
        Symbol, Spec("site child", "float64", "P(an allele of the child is new | fragments, no founder varies)")
    ]


def _smallest() -> tuple[object, ...]:
    copies, ways = genotype_table((2, 2, 2), 2)
    any_way, kept = transmission(2, 2, 2, 2, 1e-3)
    return np.full((1, 3, 3), -1.0), copies, ways, np.array([[0.0, 1.0]]), np.array([0.3]), any_way[None], kept[None]


@kernel(backend="numpy", simplify=False, example=_smallest)
def family_given_frequency(
    log10_likelihood: SampleLikelihood,
    copies: Copies,
    ways: Ways,
    composition: Composition,
    node: Node,
    transmission: Annotated[
        Symbol,
        Spec("child genotype genotype genotype", "float64", "P(child | father, mother), the child last", symbol="T"),
    ],
    faithful: Annotated[
        Symbol, Spec("child genotype genotype genotype", "float64", "the part of it without a new mutation")
    ],
    inbreeding: Inbreeding = 0.0,
) -> FamilyGivenFrequency:
    r"""Weigh the genotypes of a father, a mother and their children together, at each of some frequencies.

    .. math:: U(f) = \sum_{g_F, g_M} P(g_F \mid p)\, P(g_M \mid p)\, P(D_F \mid g_F)\, P(D_M \mid g_M)
              \prod_c \sum_{g_c} T(g_c \mid g_F, g_M)\, P(D_c \mid g_c)

    Parents are in Hardy-Weinberg proportions, children have what they were passed on (:func:`transmission`).
    """
    largest = log10_likelihood.max(axis=2, keepdims=True)
    likelihood = 10.0 ** (log10_likelihood - largest)
    prior = hardy_weinberg(frequencies_of(composition, node), copies[:2], ways[:2], inbreeding)
    of_children = likelihood[:, 2:]
    given = (transmission[None] * of_children[:, :, None, None, :]).sum(axis=4)  # site child father mother
    given = pt.maximum(given, LEAST)
    father = prior[:, :, 0, :, None] * likelihood[:, None, 0, :, None]
    mother = prior[:, :, 1, None, :] * likelihood[:, None, 1, None, :]
    joint = father * mother * pt.exp(pt.log(given).sum(axis=1))[:, None]
    total = pt.maximum(joint.sum(axis=(2, 3)), LEAST)
    share = joint / total[:, :, None, None]
    varied = pt.set_subtensor(share[:, :, 0, 0], 0.0)
    per_child = varied[:, :, None] / given[:, None]  # site node child father mother

    def child(table: Symbol) -> Symbol:
        weights = per_child[..., None] * table[None, None]
        return weights.sum(axis=(3, 4)) * of_children[:, None]

    parents = pt.stack([varied.sum(axis=3), varied.sum(axis=2)], axis=2)
    marginal = pt.concatenate([parents, child(transmission)], axis=2)
    # no founder varies: each child on its own
    plain = of_children * transmission[None, :, 0, 0] / given[:, :, 0, 0, None]
    log_quiet = pt.log(pt.maximum(plain[:, :, 0], LEAST)).sum(axis=1)
    quiet = pt.exp(log_quiet)[:, None]
    of_parents = pt.zeros_like(log10_likelihood[:, :2])
    of_parents = pt.set_subtensor(of_parents[:, :, 0], 1.0 - quiet)
    plain_children = pt.inc_subtensor(plain[:, :, 0], -quiet)
    new = (transmission - faithful)[None, :, 0, 0]
    scale = np.log(10.0) * largest[:, :, 0].sum(axis=1)
    log_plain = np.log(10.0) * log10_likelihood[:, :2, 0].sum(axis=1)
    log_plain = log_plain + (pt.log(given[:, :, 0, 0]) + np.log(10.0) * largest[:, 2:, 0]).sum(axis=1)
    return FamilyGivenFrequency(
        (pt.log(total) + scale[:, None])[:, :, None],
        pt.log1p(-pt.minimum(varied.sum(axis=(2, 3)), 1.0 - 1e-16))[:, :, None],
        marginal,
        log_plain[:, None],
        pt.maximum(pt.concatenate([of_parents, plain_children], axis=1), 0.0),
        log_quiet[:, None],
        pt.log(pt.maximum(prior[:, :, :, 0], LEAST)).sum(axis=2)[:, :, None],
        child(transmission - faithful).sum(axis=3),
        (of_children * new / given[:, :, 0, 0, None]).sum(axis=2),
    )


@family_given_frequency.fits
def _parents_first(log10_likelihood: np.ndarray, transmission: np.ndarray, **_: np.ndarray) -> None:
    samples, children = log10_likelihood.shape[1], transmission.shape[0]
    if samples != children + 2:
        expected = f"{children + 2} long along `sample`: a father, a mother and the children of `transmission`"
        raise InputError("family_given_frequency", "log10_likelihood", expected, f"{samples:,}")

"""From bases and their qualities to the probability of each genotype."""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement
from math import log10
from typing import Annotated, NamedTuple

import numpy as np

from genolab.call.counts import ALLELES, ReferenceBase
from genolab.kernel import kernel, pt, zero_rows
from genolab.spec import Spec, Symbol

Site = Annotated[Symbol, Spec("observation", "int64", "index of the site that the fragment covers", index="site")]
Base = Annotated[
    Symbol, Spec("observation", "uint8", "base code that the fragment shows", low=0, high=3, symbol=r"\mathrm{base}")
]
BaseQuality = Annotated[
    Symbol, Spec("observation", "float64", "base quality", unit="phred", low=0, high=93, symbol="Q")
]
MappingQuality = Annotated[
    Symbol, Spec("observation", "float64", "mapping quality", unit="phred", low=0, high=255, symbol="M")
]
Log10Likelihood = Annotated[
    Symbol, Spec("site genotype", "float64", "log10 P(bases | genotype)", symbol=r"P(D \mid g)")
]

TRANSITION_SHARE = 2 / 3
"""Share of new substitutions that are transitions (A-G, C-T): about two to one in most genomes."""


@cache
def genotypes(ploidy: int, alleles: int = ALLELES) -> tuple[tuple[int, ...], ...]:
    """Unordered genotypes in the order of the VCF specification: for two of three alleles 00 01 11 02 12 22."""
    return tuple(sorted(combinations_with_replacement(range(alleles), ploidy), key=lambda genotype: genotype[::-1]))


@cache
def dosages(ploidy: int) -> np.ndarray:
    """Copies of each base in each genotype, ``(genotype, allele)``."""
    return np.array([[genotype.count(a) for a in range(ALLELES)] for genotype in genotypes(ploidy)])


class Likelihoods(NamedTuple):
    """What the fragments say, together and one by one."""

    log10_likelihood: Log10Likelihood
    by_copies: Annotated[
        Symbol,
        Spec(
            "observation copies",
            "float64",
            "log10 P(base | the genotype holds 0, 1, ... copies of it)",
            symbol=r"P(\mathrm{base} \mid k)",
        ),
    ]


@kernel(backend="numpy", simplify=False)
def genotype_likelihoods(
    site: Site,
    base: Base,
    base_quality: BaseQuality,
    mapping_quality: MappingQuality,
    reference_base: ReferenceBase,
    fragment_error: Annotated[
        Symbol, Spec("", "float64", "chance that a whole fragment misleads", low=0, high=0.5, symbol=r"\epsilon")
    ] = 1e-5,
    *,
    ploidy: int = 2,
) -> Likelihoods:
    r"""Likelihood of every genotype of four bases at every site, fragments taken as independent.

    With :math:`e = \min(10^{-Q/10}, \tfrac34)` the chance of a wrong base (a guess is wrong in three of four),
    :math:`m = 10^{-M/10} + \epsilon` that of a misplaced fragment, and a genotype of ploidy :math:`P` that holds
    :math:`k` copies of the base seen,

    .. math:: P(\mathrm{base} \mid k) = (1 - m)\left[\frac{k}{P}(1 - e) + \left(1 - \frac{k}{P}\right)\frac{e}{3}\right]
              + \frac{m}{4}

    A misplaced fragment shows any base. See Li 2011, doi:10.1093/bioinformatics/btr509.
    """
    wrong = pt.minimum(10.0 ** (-base_quality / 10.0), 0.75)[:, None]
    misplaced = pt.minimum(10.0 ** (-mapping_quality / 10.0) + fragment_error, 1.0)[:, None]
    share = np.arange(ploidy + 1)[None, :] / ploidy
    right_place = share * (1.0 - wrong) + (1.0 - share) * (wrong / 3.0)
    by_copies = pt.log10((1.0 - misplaced) * right_place + misplaced / ALLELES)
    # sums over the fragments of one site that show one base; a genotype then picks by its copies of that base
    sums = pt.inc_subtensor(zero_rows(reference_base, ALLELES, ploidy + 1)[site, base.astype("int64")], by_copies)
    log10_likelihood = sum(sums[:, allele, dosages(ploidy)[:, allele]] for allele in range(ALLELES))
    return Likelihoods(log10_likelihood, by_copies)


class Posteriors(NamedTuple):
    """Genotypes weighed by the prior."""

    log10_prior: Annotated[Symbol, Spec("site genotype", "float64", "log10 P(genotype)", symbol="P(g)")]
    log10_posterior: Annotated[
        Symbol, Spec("site genotype", "float64", "log10 P(genotype | bases)", symbol=r"P(g \mid D)")
    ]
    quality: Annotated[
        Symbol, Spec("site", "float64", "QUAL: -10 log10 P(no variant | bases)", unit="phred", symbol=r"\mathrm{QUAL}")
    ]
    genotype_quality: Annotated[
        Symbol, Spec("site", "float64", "GQ: -10 log10 P(the best variant genotype is wrong | it varies)", unit="phred")
    ]


@cache
def _log10_alternate_prior(ploidy: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each reference base and genotype: the prior without heterozygosity, its power, and if it is the reference."""
    copies = dosages(ploidy)
    log10_rest, power = np.zeros((ALLELES + 1, len(copies))), np.zeros((ALLELES + 1, len(copies)))
    for reference in range(ALLELES):
        for g, copy in enumerate(copies):
            for allele in np.flatnonzero(copy):
                if allele != reference:
                    is_transition = abs(allele - reference) == 2  # A 0 and G 2, C 1 and T 3
                    share = TRANSITION_SHARE if is_transition else (1 - TRANSITION_SHARE) / 2
                    log10_rest[reference, g] += log10(share) - log10(copy[allele])
                    power[reference, g] += 1
    reference_only = (power == 0).astype("float64")
    # nothing is known of an unknown reference: each genotype is as probable as the next, and none is the reference's
    log10_rest[ALLELES], reference_only[ALLELES] = -log10(len(copies)), 0.0
    return log10_rest, power, reference_only


def considered_genotypes(candidate: np.ndarray, reference: np.ndarray, ploidy: int) -> np.ndarray:
    """Mark the genotypes that hold no base but the reference's and the site's candidates. ``(site, genotype)`` bool.

    Over an unknown reference every genotype is considered.
    """
    allowed = candidate | (np.arange(ALLELES) == reference[:, None]) | (reference >= ALLELES)[:, None]
    return (allowed[:, None, :] | (dosages(ploidy) == 0)).all(axis=2)


def _smallest_posterior(ploidy: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    shape = 2, len(genotypes(ploidy))
    return np.zeros(shape), np.zeros(2, np.uint8), np.ones(shape, bool), 1e-3


@kernel(backend="numpy", simplify=False, example=_smallest_posterior)
def genotype_posteriors(
    log10_likelihood: Log10Likelihood,
    reference_base: ReferenceBase,
    considered: Annotated[
        Symbol, Spec("site genotype", "bool", "each base of the genotype is the reference's or seen often enough")
    ],
    heterozygosity: Annotated[
        Symbol,
        Spec(
            "", "float64", "prior probability of a heterozygous site", low=1e-6, high=0.1, step=1e-4, symbol=r"\theta"
        ),
    ] = 1e-3,
    *,
    ploidy: int = 2,
) -> Posteriors:
    r"""Posterior of every genotype, and the confidence that the site varies at all.

    A genotype with :math:`k_a` copies of each alternate base :math:`a` has the prior
    :math:`\prod_a \theta \, w_{ra} / k_a`, where :math:`w` shares substitutions out (a transition 2/3, each
    transversion 1/6); the reference genotype has what remains.

    .. math:: P(g \mid D) = \frac{P(D \mid g) P(g)}{\sum_h P(D \mid h) P(h)}, \qquad
              \mathrm{QUAL} = -10 \log_{10} P(g_\mathrm{ref} \mid D)

    GQ is the same for the most probable other genotype that is considered, given that the site varies, as the VCF
    specification has it. An unknown reference has a flat prior and QUAL 0.
    See Li 2011, doi:10.1093/bioinformatics/btr509.
    """
    log10_rest, power, reference_only = _log10_alternate_prior(ploidy)
    alternate = log10_rest + power * pt.log10(heterozygosity)
    remains = 1.0 - (10.0**alternate * (1.0 - reference_only)).sum(axis=1, keepdims=True)
    table = alternate * (1.0 - reference_only) + pt.log10(pt.maximum(remains, 1e-300)) * reference_only
    log10_prior = table[reference_base.astype("int64")]
    joint = log10_likelihood + log10_prior
    largest = joint.max(axis=1, keepdims=True)
    evidence = largest + pt.log10((10.0 ** (joint - largest)).sum(axis=1, keepdims=True))
    log10_posterior = joint - evidence
    is_reference = pt.constant(reference_only)[reference_base.astype("int64")]
    quality = -10.0 * (log10_posterior * is_reference).sum(axis=1)
    # 1 - P(best), taken from the others alone: a sum minus one would leave nothing but rounding above GQ 150
    varying = pt.switch(pt.gt(is_reference, 0.0) | pt.invert(considered), -1e6, joint)
    behind = varying - varying.max(axis=1, keepdims=True)
    equals = pt.eq(behind, 0.0).sum(axis=1) - 1.0
    others = pt.maximum(equals + (10.0**behind * pt.lt(behind, 0.0)).sum(axis=1), 1e-300)
    genotype_quality = -10.0 * pt.log10(others / (1.0 + others))
    return Posteriors(log10_prior, log10_posterior, quality, genotype_quality)

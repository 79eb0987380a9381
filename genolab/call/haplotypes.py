"""From what fragments say to haplotypes to the probability of each genotype, and of an artefact in its place."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Annotated, NamedTuple

import numpy as np

from genolab.call.counts import ReferenceBase
from genolab.call.likelihood import Site
from genolab.kernel import kernel, pt, zero_rows
from genolab.spec import Spec, Symbol

NEVER = -1e6
"""log10 of a probability that is nothing."""


class HaplotypeGenotypes(NamedTuple):
    """Genotypes of haplotypes, and of the sites on them."""

    by_genotype: Annotated[
        Symbol, Spec("fragment genotype", "float64", "log10 P(fragment | genotype)", symbol=r"P(f \mid G)")
    ]
    log10_likelihood: Annotated[Symbol, Spec("genotype", "float64", "log10 P(fragments | genotype)")]
    log10_posterior: Annotated[
        Symbol, Spec("genotype", "float64", "log10 P(genotype | fragments)", symbol=r"P(G \mid D)")
    ]
    site_posterior: Annotated[Symbol, Spec("site kind", "float64", "log10 P(genotype of the site | fragments)")]
    site_prior: Annotated[Symbol, Spec("site kind", "float64", "log10 of the prior of the site's genotype")]


def _smallest() -> tuple[np.ndarray, ...]:
    copies = np.array([[2, 0], [1, 1], [0, 2]])
    return np.zeros((2, 2)), np.full(2, 1e-5), copies, np.log10([0.5, 0.25, 0.25]), np.eye(3, dtype=bool)[None]


@kernel(backend="numpy", simplify=False, example=_smallest)
def haplotype_genotypes(
    fragment_likelihood: Annotated[
        Symbol,
        Spec(
            "fragment haplotype",
            "float64",
            "log10 P(fragment | haplotype), the best of each fragment 0",
            symbol=r"P(f \mid h)",
        ),
    ],
    misplaced: Annotated[
        Symbol, Spec("fragment", "float64", "chance that the fragment is from elsewhere", low=0, high=1, symbol="m")
    ],
    copies: Annotated[
        Symbol, Spec("genotype haplotype", "int64", "how often the genotype holds the haplotype", low=0, symbol="k")
    ],
    log10_prior: Annotated[Symbol, Spec("genotype", "float64", "log10 P(genotype), up to a constant", symbol="P(G)")],
    holds: Annotated[Symbol, Spec("site kind genotype", "bool", "the genotype holds this genotype of the site")],
) -> HaplotypeGenotypes:
    r"""Weigh every genotype of haplotypes, and sum over what the other sites of the window hold.

    With :math:`k_h` copies of haplotype :math:`h` among :math:`P`, and :math:`m` the chance that a fragment is
    misplaced, which then says nothing,

    .. math:: P(f \mid G) = (1 - m) \sum_h \frac{k_h}{P} P(f \mid h) + m, \qquad
              P(G \mid D) \propto P(G) \prod_f P(f \mid G)

    and a site's genotype has the sum of the genotypes that hold it.
    """
    share = copies.astype("float64") / copies.sum(axis=1, keepdims=True)
    mixed = pt.dot(10.0**fragment_likelihood, share.T)
    apart = misplaced[:, None]
    by_genotype = pt.log10(pt.maximum((1.0 - apart) * mixed + apart, 1e-300))
    log10_likelihood = by_genotype.sum(axis=0)

    def normalised(logs: Symbol) -> Symbol:
        largest = logs.max()
        return logs - largest - pt.log10((10.0 ** (logs - largest)).sum())

    log10_posterior = normalised(log10_likelihood + log10_prior)

    def by_kind(logs: Symbol) -> Symbol:
        table = pt.switch(holds, logs[None, None, :], NEVER)
        largest = table.max(axis=2, keepdims=True)
        return largest[:, :, 0] + pt.log10((10.0 ** (table - largest)).sum(axis=2))

    return HaplotypeGenotypes(
        by_genotype, log10_likelihood, log10_posterior, by_kind(log10_posterior), by_kind(normalised(log10_prior))
    )


@haplotype_genotypes.driven
def _by_arrays(
    fragment_likelihood: np.ndarray,
    misplaced: np.ndarray,
    copies: np.ndarray,
    log10_prior: np.ndarray,
    holds: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """The same in fifteen calls of NumPy: there is a window every two thousand positions, and each is small."""
    share = copies / copies.sum(axis=1, keepdims=True)
    apart = misplaced[:, None]
    by_genotype = np.log10(np.maximum((1.0 - apart) * (10.0**fragment_likelihood @ share.T) + apart, 1e-300))
    log10_likelihood = by_genotype.sum(axis=0)

    def normalised(logs: np.ndarray) -> np.ndarray:
        largest = logs.max()
        return np.asarray(logs - largest - np.log10((10.0 ** (logs - largest)).sum()))

    def by_kind(logs: np.ndarray) -> np.ndarray:
        table = np.where(holds, logs, NEVER)
        largest = table.max(axis=2, keepdims=True)
        return np.asarray(largest[:, :, 0] + np.log10((10.0 ** (table - largest)).sum(axis=2)))

    log10_posterior = normalised(log10_likelihood + log10_prior)
    return by_genotype, log10_likelihood, log10_posterior, by_kind(log10_posterior), by_kind(normalised(log10_prior))


FRACTIONS = (np.arange(10) + 0.5) / 20
"""Shares of the fragments that an artefact may mislead: evenly from 0 to a half, for what of more is no artefact."""

_STRANDS = np.array([[True, True], [True, False], [False, True]])  # that are misled: both, forward, reverse

ARTEFACT = 0.01
"""Artefacts of each kind for each true variant, before anything was seen of the site: argued, not fitted."""


class ArtefactOdds(NamedTuple):
    """The competing hypothesis."""

    log10_artefact: Annotated[
        Symbol,
        Spec(
            "site",
            "float64",
            "log10 P(fragments | artefact), with its prior over the variant's",
            symbol=r"P(D \mid \mathrm{artefact})",
        ),
    ]


@kernel(backend="numpy", simplify=False)
def artefact_likelihoods(
    site: Site,
    background: Annotated[
        Symbol, Spec("observation", "float64", "log10 P(fragment | no variant)", symbol=r"P(i \mid \mathrm{ref})")
    ],
    variant: Annotated[
        Symbol,
        Spec(
            "observation", "float64", "log10 P(fragment | the variant on every copy)", symbol=r"P(i \mid \mathrm{alt})"
        ),
    ],
    reverse: Annotated[Symbol, Spec("observation", "bool", "the fragment is of the reverse strand")],
    reference_base: ReferenceBase,
) -> ArtefactOdds:
    r"""How well a systematic error explains the fragments: a share of them, of either or of one strand, is misled.

    .. math:: P(D \mid \mathrm{artefact}) = w \sum_{s} \int_0^{1/2} 2\,df \prod_{i \in s}
              \left[(1 - f) P(i \mid \mathrm{ref}) + f P(i \mid \mathrm{alt})\right] \prod_{i \notin s} P(i \mid
              \mathrm{ref})

    over all fragments, the forward and the reverse ones, with the odds :math:`w` to a variant. A heterozygous site
    shows a half on both strands, which an artefact hardly does; errors that depend on each other it explains.
    """
    strand = reverse.astype("int64")
    mixed = (1.0 - FRACTIONS) * 10.0 ** background[:, None] + FRACTIONS * 10.0 ** variant[:, None]
    mixed = pt.log10(pt.maximum(mixed, 1e-300))
    misled = pt.inc_subtensor(zero_rows(reference_base, 2, FRACTIONS.size)[site, strand], mixed)
    plain = pt.inc_subtensor(zero_rows(reference_base, 2)[site, strand], background)
    table = pt.switch(_STRANDS[:, :, None], misled[:, None], plain[:, None, :, None]).sum(axis=2)
    largest = table.max(axis=(1, 2), keepdims=True)
    total = largest[:, 0, 0] + pt.log10((10.0 ** (table - largest)).sum(axis=(1, 2)) / FRACTIONS.size)
    return ArtefactOdds(total + np.log10(ARTEFACT))


def haplotype_copies(haplotypes: int, ploidy: int) -> np.ndarray:
    """Every genotype of that many haplotypes, as copies. ``(genotype, haplotype)``."""
    chosen = combinations_with_replacement(range(haplotypes), ploidy)
    return np.array([np.bincount(genotype, minlength=haplotypes) for genotype in chosen], dtype=np.int64)

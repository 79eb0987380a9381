"""Reads to fragments to genotypes of a window's haplotypes, and from those to its sites."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from genolab.call.candidates import Reference, Variant
from genolab.call.haplotypes import haplotype_copies, haplotype_genotypes
from genolab.call.likelihood import genotypes
from genolab.call.pileup import READ_REVERSE, Pileup
from genolab.call.thresholds import FRAGMENT_ERROR
from genolab.call.windows import MOST_HAPLOTYPES, Realigned
from genolab.spec import BASES

TOGETHER = 10.0
"""How much likelier a haplotype with a variant carries a second one than chance would have it: they are inherited."""

INFORMATIVE = 0.3
"""log10: a fragment shows an allele if it is twice as probable with it as with any other."""

_MOST_GENOTYPES = 462  # those of six copies that all differ


@dataclass(frozen=True)
class FragmentsOfWindow:
    """The fragments over a window, in the order of their first reads."""

    fragment: np.ndarray  # which of these each read belongs to
    likelihood: np.ndarray  # (fragment, haplotype) log10, the best of each fragment 0
    misplaced: np.ndarray  # chance that it is from elsewhere
    reverse: np.ndarray  # strand of the mate that tells most
    read: np.ndarray  # that mate, as an index into the reads


def fragments_of(realigned: Realigned, pileup: Pileup) -> FragmentsOfWindow:
    """Mates together: their likelihoods multiply, and the better mapping quality speaks for both."""
    reads, by_read = realigned.reads.read, realigned.by_read
    _, first, inverse = np.unique(pileup.reads.fragment[reads], return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first, kind="stable"), kind="stable")
    fragment = rank[inverse]
    likelihood = np.zeros((first.size, by_read.shape[1]))
    np.add.at(likelihood, fragment, by_read)
    likelihood -= likelihood.max(axis=1, keepdims=True, initial=-np.inf)
    mapped = np.zeros(first.size)
    np.maximum.at(mapped, fragment, pileup.mapping_quality[reads].astype(np.float64))
    tells = by_read.max(axis=1, initial=-np.inf) - by_read.min(axis=1, initial=np.inf)
    order = np.lexsort((-np.arange(reads.size), tells, fragment))  # the last of each fragment tells most
    last = np.flatnonzero(np.append(np.diff(fragment[order]) > 0, True)) if reads.size else np.zeros(0, np.int64)
    telling = reads[order[last]]
    return FragmentsOfWindow(
        fragment,
        likelihood,
        np.minimum(10.0 ** (-mapped / 10.0) + FRAGMENT_ERROR, 1.0),
        (pileup.reads.flag[telling] & READ_REVERSE) != 0,
        telling,
    )


@dataclass(frozen=True)
class WindowSite:
    """One site of a window: VCF's position and alleles, and which variant each allele is."""

    position: int
    reference: str
    alternates: tuple[str, ...]
    variants: tuple[int, ...]  # of the window, one an alternate
    allele_of: np.ndarray  # (haplotype,) the allele that each haplotype holds


def sites_of(realigned: Realigned, reference: Reference) -> list[WindowSite]:
    """The window's sites: variants of one place together, an indel with the base before it, the reference in full."""
    variants, holds = realigned.window.variants, realigned.haplotypes.holds
    places: dict[tuple[int, bool], list[int]] = {}
    for at, each in enumerate(variants):
        places.setdefault((each.position - (not each.is_substitution), each.is_substitution), []).append(at)
    sites = []
    for (position, plain), members in sorted(places.items(), key=lambda item: (item[0][0], not item[0][1])):
        end = max(variants[at].end for at in members)
        text = reference.slice(position, max(end, position + 1))
        alternates = [_spelled(variants[at], text, position, plain) for at in members]
        order = sorted(range(len(members)), key=lambda k: (len(alternates[k]), alternates[k]))
        allele_of = np.zeros(holds.shape[0], np.int64)
        for allele, k in enumerate(order, 1):
            allele_of[holds[:, members[k]]] = allele
        sites.append(
            WindowSite(
                position,
                letters(text),
                tuple(letters(alternates[k]) for k in order),
                tuple(members[k] for k in order),
                allele_of,
            )
        )
    return sites


def _spelled(variant: Variant, text: bytes, position: int, plain: bool) -> bytes:
    if plain:
        return variant.inserted
    return text[:1] + variant.inserted + text[1 + variant.deleted :]


def letters(codes: bytes) -> str:
    """Base codes as text."""
    return "".join(BASES[code] for code in codes)


@dataclass(frozen=True)
class WindowAssessment:
    """Everything that is known of a window."""

    realigned: Realigned
    fragments: FragmentsOfWindow
    sites: list[WindowSite]
    copies: np.ndarray  # (genotype, haplotype)
    log10_prior: np.ndarray  # (genotype,)
    by_genotype: np.ndarray  # (fragment, genotype)
    log10_posterior: np.ndarray  # (genotype,)
    site_posterior: list[np.ndarray]  # a site: log10 P(genotype | fragments), in VCF order
    site_prior: list[np.ndarray]
    kind: np.ndarray  # (site, genotype) which of its genotypes the site has


def assess_window(
    realigned: Realigned, pileup: Pileup, reference: Reference, ploidy: int, backend: str | None = None
) -> WindowAssessment:
    """Judge a window: haplotypes that hardly any fragment prefers are let go of first, where there are many."""
    fragments = fragments_of(realigned, pileup)
    most = most_haplotypes(ploidy)
    if realigned.by_read.shape[1] > most:
        weights = 10.0**fragments.likelihood
        score = (weights / weights.sum(axis=1, keepdims=True)).sum(axis=0)
        score[0] = np.inf
        keep = np.sort(np.argsort(-score, kind="stable")[:most])
        realigned = realigned.where(keep)
        fragments = fragments_of(realigned, pileup)
    copies = _copies(realigned.by_read.shape[1], ploidy)
    sites = sites_of(realigned, reference)
    log10_prior = _prior(realigned, copies, ploidy)
    kind = np.zeros((len(sites), copies.shape[0]), np.int64)
    for at, site in enumerate(sites):
        kind[at] = _genotype_of_site(site, copies, ploidy)
    numbers = [len(genotypes(ploidy, len(site.alternates) + 1)) for site in sites]
    holds = kind[:, None, :] == np.arange(max(numbers))[None, :, None]
    found = haplotype_genotypes(fragments.likelihood, fragments.misplaced, copies, log10_prior, holds, backend=backend)
    return WindowAssessment(
        realigned, fragments, sites, copies, log10_prior, found.by_genotype, found.log10_posterior,
        [found.site_posterior[at, :number] for at, number in enumerate(numbers)],
        [found.site_prior[at, :number] for at, number in enumerate(numbers)], kind,
    )  # fmt: skip


@lru_cache(maxsize=64)
def _copies(haplotypes: int, ploidy: int) -> np.ndarray:
    return haplotype_copies(haplotypes, ploidy)


@lru_cache(maxsize=8)
def most_haplotypes(ploidy: int) -> int:
    """Haplotypes that a window keeps: at this ploidy their genotypes stay few."""
    number = MOST_HAPLOTYPES
    while number > 2 and len(_copies(number, ploidy)) > _MOST_GENOTYPES:
        number -= 1
    return number


def _genotype_of_site(site: WindowSite, copies: np.ndarray, ploidy: int) -> np.ndarray:
    """Which of the site's genotypes, in VCF order, each genotype of haplotypes holds."""
    alleles = len(site.alternates) + 1
    dosage = np.stack([copies[:, site.allele_of == allele].sum(axis=1) for allele in range(alleles)], axis=1)
    index = {each: at for at, each in enumerate(genotypes(ploidy, alleles))}
    key = dosage @ (ploidy + 1) ** np.arange(alleles)
    values, inverse = np.unique(key, return_inverse=True)
    which = []
    for value in values.tolist():
        counts = [(value // (ploidy + 1) ** allele) % (ploidy + 1) for allele in range(alleles)]
        which.append(index[tuple(allele for allele in range(alleles) for _ in range(counts[allele]))])
    return np.array(which)[inverse]


def _prior(realigned: Realigned, copies: np.ndarray, ploidy: int) -> np.ndarray:
    """log10 P(genotype of haplotypes), up to a constant.

    A variant in k copies has its prior over k; a further variant on a haplotype that has one is ten times likelier
    than by chance; and the ways to put several heterozygous ones on the chromosomes share the prior of their genotype.
    """
    holds = realigned.haplotypes.holds
    rate = np.log10([each.prior for each in realigned.window.variants])
    dosage = copies @ holds
    log10_prior = np.where(dosage > 0, rate - np.log10(np.maximum(dosage, 1)), 0.0).sum(axis=1)
    most = (holds.sum(axis=1) * (copies > 0)).max(axis=1)
    log10_prior += np.log10(TOGETHER) * np.maximum(most - 1, 0)
    mixed = ((dosage > 0) & (dosage < ploidy)).sum(axis=1)
    return np.asarray(log10_prior - np.log10(2.0) * np.maximum(mixed - 1, 0))

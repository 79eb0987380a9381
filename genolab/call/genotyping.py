"""From evidence and thresholds to calls: the part that runs again whenever a slider moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genolab.call import filters
from genolab.call.annotate import VALUES, ladder_for, rank_sum, strand_bias
from genolab.call.calls import GENOTYPE_QUALITY_CAP, VariantCalls
from genolab.call.counts import ALLELES, candidate_alleles
from genolab.call.evidence import Evidence
from genolab.call.likelihood import (
    considered_genotypes,
    dosages,
    genotype_likelihoods,
    genotype_posteriors,
    genotypes,
)
from genolab.call.pileup import Observations
from genolab.call.thresholds import FRAGMENT_ERROR, Thresholds
from genolab.errors import InputError
from genolab.kernel.backends import backend_in_force

MAX_PLOIDY = 6
_MOST_CELLS = 4_000_000  # of the strand test's table of sites by counts, so that a deep region stays small


@dataclass(frozen=True)
class Assessment:
    """Everything the caller knows about some sites, called or not. First axis ``site``."""

    sites: np.ndarray  # int64, 0-based on the contig, sorted
    reference: np.ndarray  # uint8 base codes
    observations: Observations
    candidate: np.ndarray  # bool (site, allele)
    by_copies: np.ndarray  # (observation used, copies)
    log10_likelihood: np.ndarray  # (site, genotype)
    log10_prior: np.ndarray
    log10_posterior: np.ndarray
    best: np.ndarray  # int64, the most probable genotype of the bases that were seen often enough
    forward: np.ndarray  # int64 (site, allele), fragments by strand of the better mate
    reverse: np.ndarray
    columns: dict[str, np.ndarray]  # float64 (site,), what the filters look at

    @property
    def depth(self) -> np.ndarray:
        """Fragments that are evidence. ``(site, allele)`` int64."""
        return self.forward + self.reverse


def check_ploidy(ploidy: int) -> int:
    """``ploidy`` where it is one that can be called."""
    if isinstance(ploidy, bool) or ploidy not in range(1, MAX_PLOIDY + 1):
        raise InputError("call_variants", "ploidy", f"a whole number from 1 to {MAX_PLOIDY}", repr(ploidy))
    return int(ploidy)


def candidate_sites(evidence: Evidence, thresholds: Thresholds, backend: str | None = None) -> np.ndarray:
    """Positions where enough bases differ from the reference, 0-based on the contig.

    Mates are counted twice here, so the share that is asked for is halved; :func:`assess` then counts fragments.
    """
    counts = evidence.counts(thresholds)
    found = candidate_alleles(
        counts,
        evidence.pileup.reference,
        thresholds.min_alternate_count,
        thresholds.min_alternate_fraction / 2,
        backend=backend,
    )
    return np.flatnonzero(found.candidate.any(axis=1)) + evidence.region.start


def assess(
    evidence: Evidence, sites: np.ndarray, thresholds: Thresholds, ploidy: int = 2, backend: str | None = None
) -> Assessment:
    """Judge the given positions (sorted, 0-based), whether or not anything varies there."""
    pileup = evidence.pileup
    reference = pileup.reference[sites - evidence.region.start]
    observations = pileup.observe(sites, thresholds)
    seen = observations.used
    likelihoods = genotype_likelihoods(
        seen.site,
        seen.base,
        seen.base_quality,
        seen.mapping_quality,
        reference,
        FRAGMENT_ERROR,
        ploidy=ploidy,
        backend=backend,
    )
    cell = seen.site * ALLELES + seen.base
    size = sites.size * ALLELES
    forward = np.bincount(cell[~seen.reverse], minlength=size).reshape(-1, ALLELES)
    reverse = np.bincount(cell[seen.reverse], minlength=size).reshape(-1, ALLELES)
    candidate = candidate_alleles(
        forward + reverse,
        reference,
        thresholds.min_alternate_count,
        thresholds.min_alternate_fraction,
        backend=backend,
    ).candidate
    considered = considered_genotypes(candidate, reference, ploidy)
    posteriors = genotype_posteriors(
        likelihoods.log10_likelihood,
        reference,
        considered,
        thresholds.heterozygosity,
        ploidy=ploidy,
        backend=backend,
    )
    best = np.where(considered, posteriors.log10_posterior, -np.inf).argmax(axis=1)
    columns = _annotations(seen, reference, best, forward, reverse, ploidy, backend)
    columns["quality"] = np.maximum(posteriors.quality, 0.0)  # no -0
    columns["genotype_quality"] = np.minimum(posteriors.genotype_quality, GENOTYPE_QUALITY_CAP)
    columns["indel_share"] = pileup.indel_share(sites, thresholds)
    return Assessment(
        sites,
        reference,
        observations,
        candidate,
        likelihoods.by_copies,
        likelihoods.log10_likelihood,
        posteriors.log10_prior,
        posteriors.log10_posterior,
        best,
        forward,
        reverse,
        columns,
    )


def _annotations(
    seen: Observations,
    reference: np.ndarray,
    best: np.ndarray,
    forward: np.ndarray,
    reverse: np.ndarray,
    ploidy: int,
    backend: str | None,
) -> dict[str, np.ndarray]:
    """What the filters look at, beside the likelihoods. An allele is alternate if the best genotype holds it."""
    copies = dosages(ploidy)[best]
    known = np.minimum(reference, ALLELES - 1)[:, None]
    is_reference = np.arange(ALLELES) == known
    is_alternate = (copies > 0) & ~is_reference
    sides = {
        (name, strand): (counts * mask).sum(axis=1)
        for name, mask in (("reference", is_reference), ("alternate", is_alternate))
        for strand, counts in (("forward", forward), ("reverse", reverse))
    }
    table = np.stack(list(sides.values()), axis=1)
    largest = int(table.sum(axis=1).max(initial=0))
    ladder = ladder_for(largest)
    block = max(_MOST_CELLS // ladder.size, 1)
    parts = [strand_bias(table[at : at + block], ladder, backend=backend) for at in range(0, max(len(table), 1), block)]
    fisher, odds = (np.concatenate([part[k] for part in parts]) for k in range(2))

    reference_count = table[:, :2].sum(axis=1)
    alternate_count = table[:, 2:].sum(axis=1)
    judged = is_reference[seen.site, seen.base] | is_alternate[seen.site, seen.base]
    alternate = is_alternate[seen.site, seen.base].astype(np.int64)[judged]
    comparable = (reference_count > 0) & (alternate_count > 0)

    def compare(value: np.ndarray) -> np.ndarray:
        whole = np.minimum(value[judged].astype(np.int64), VALUES - 1)
        z = rank_sum(seen.site[judged], alternate, whole, reference, backend=backend).z
        return np.where(comparable, z, np.nan)

    heterozygous = is_alternate.any(axis=1) & (copies.max(axis=1) < ploidy)
    shown = np.maximum(reference_count + alternate_count, 1)
    return {
        "depth": (forward + reverse).sum(axis=1).astype(np.float64),
        "fisher_strand": fisher,
        "strand_odds_ratio": odds,
        "read_position_rank_sum": compare(seen.end_distance),
        "mapping_quality_rank_sum": compare(seen.mapping_quality),
        "base_quality_rank_sum": compare(seen.base_quality),
        "allele_balance": np.where(heterozygous, alternate_count / shown, np.nan),
    }


def genotype(
    evidence: Evidence, thresholds: Thresholds | None = None, ploidy: int = 2, backend: str | None = None
) -> VariantCalls:
    """Call the substitutions of a region. Nothing is recompiled when a threshold changes.

    A site is called if a base other than the reference's is seen often enough (``min_alternate_count``,
    ``min_alternate_fraction``) and, of the genotypes of such bases and the reference's, one that holds such a base is
    the most probable; then each filter may set it aside.
    """
    thresholds, ploidy = thresholds or Thresholds(), check_ploidy(ploidy)
    found = _assess_candidates(evidence, thresholds, ploidy, backend)
    chosen = np.flatnonzero(holds_alternate(found.best, found.reference, ploidy))
    kinds = genotypes(ploidy)
    alternates, genotype_index = [], []
    for site in chosen:
        bases = kinds[found.best[site]]
        reference = int(found.reference[site])
        alternate = tuple(sorted({base for base in bases if base != reference}))
        order = (reference, *alternate)
        alternates.append(alternate)
        genotype_index.append(tuple(sorted(order.index(base) for base in bases)))
    columns = {name: values[chosen] for name, values in found.columns.items()}
    return VariantCalls(
        contig=np.full(chosen.size, evidence.region.contig, dtype=object),
        position=found.sites[chosen],
        reference=found.reference[chosen],
        alternates=alternates,
        genotype=genotype_index,
        forward=found.forward[chosen],
        reverse=found.reverse[chosen],
        log10_likelihood=found.log10_likelihood[chosen],
        columns=columns,
        filters=filters.apply(columns, thresholds),
        thresholds=thresholds,
        ploidy=ploidy,
        sample=evidence.sample,
        sample_in_file=evidence.pileup.reads.sample,
        regions=(evidence.region,),
        contigs=evidence.contigs,
        reads_path=evidence.reads_path,
        reference_path=evidence.reference_path,
        notices=evidence.notices,
        evidence=evidence,
    )


def _assess_candidates(evidence: Evidence, thresholds: Thresholds, ploidy: int, backend: str | None) -> Assessment:
    """:func:`assess` of the candidate sites, kept while only thresholds of filters move."""
    moved = tuple(value for name, value in vars(thresholds).items() if name not in filters.THRESHOLDS)

    def judge() -> Assessment:
        return assess(evidence, candidate_sites(evidence, thresholds, backend), thresholds, ploidy, backend)

    kernels = (candidate_alleles, genotype_likelihoods, genotype_posteriors, strand_bias, rank_sum)
    running = tuple(backend_in_force(backend, each.backend) for each in kernels)
    return evidence.kept("candidates", (moved, ploidy, running), judge)


def holds_alternate(best: np.ndarray, reference: np.ndarray, ploidy: int) -> np.ndarray:
    """True where a genotype (by its index) holds a base that is not the reference's; never over an unknown base."""
    copies = dosages(ploidy)[best]
    known = reference < ALLELES
    of_reference = copies[np.arange(len(copies)), np.minimum(reference, ALLELES - 1)]
    return known & (of_reference < ploidy)

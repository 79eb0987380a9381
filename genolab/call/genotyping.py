"""From evidence and thresholds to calls: the part that runs again whenever a slider moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from genolab.call import filters
from genolab.call.annotate import Shown, annotate, rank_sum, strand_bias
from genolab.call.calls import GENOTYPE_QUALITY_CAP, VariantCalls
from genolab.call.candidates import Reference, Variant, find_indels, find_substitutions, shown_by
from genolab.call.counts import ALLELES, candidate_alleles
from genolab.call.evidence import Evidence
from genolab.call.haplotypes import NEVER, artefact_likelihoods
from genolab.call.indels import CalledSite, call_windows, log10_sum
from genolab.call.likelihood import (
    Likelihoods,
    considered_genotypes,
    dosages,
    genotype_likelihoods,
    genotype_posteriors,
    genotypes,
)
from genolab.call.pileup import Observations
from genolab.call.ploidy import check_ploidy
from genolab.call.thresholds import FRAGMENT_ERROR, Thresholds
from genolab.call.unmoved import Judged, judge_moved
from genolab.call.windows import Window, make_windows
from genolab.io import Region
from genolab.kernel.choice import backend_in_force
from genolab.spec import BASES


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


@dataclass(frozen=True)
class Screened:
    """What a region is looked at for: windows around indels, and positions of substitutions that are near none."""

    reference: Reference
    windows: list[Window]
    sites: np.ndarray  # int64, 0-based, sorted


def screen(evidence: Evidence, thresholds: Thresholds, backend: str | None = None) -> Screened:
    """:func:`screen_together` of one sample, kept while only thresholds of filters move."""
    key = _moved(thresholds), backend_in_force(backend, candidate_alleles.backend)
    return evidence.kept("screened", key, lambda: screen_together([evidence], thresholds, backend))


def _moved(thresholds: Thresholds) -> tuple[object, ...]:
    """The thresholds that decide what is judged, and how."""
    return tuple(value for name, value in vars(thresholds).items() if name not in filters.THRESHOLDS)


def screen_together(evidences: Sequence[Evidence], thresholds: Thresholds, backend: str | None = None) -> Screened:
    """Find what enough reads suggest: windows of the region and its surroundings, substitutions of the region.

    Mates are counted twice here, so the share that is asked of a base is halved: no more than half of what covers a
    site is the second look of a mate. :func:`assess` then counts fragments. Of several samples those with the share
    that is asked for are counted together.
    """
    region, wide = evidences[0].region, evidences[0].wide
    counts = [each.wide_counts(thresholds) for each in evidences]
    share = thresholds.min_alternate_fraction
    candidate = enough(counts, wide.reference, thresholds, share / 2, backend)
    reference = evidences[0].kept("reference", None, lambda: Reference(wide.reference, wide.reads.region.start))
    shown = counts[0] if len(counts) == 1 else np.sum(counts, axis=0)
    rows = np.flatnonzero(candidate.any(axis=1))
    often = np.zeros((rows.size, ALLELES), bool)
    for each in counts:
        often |= each[rows] >= share * each[rows].sum(axis=1, keepdims=True)
    substitutions = find_substitutions(shown, reference, thresholds, rows, candidate[rows] & often)
    least = thresholds.min_mapping_quality
    said = [each.kept("indels", least, partial(shown_by, each.wide, reference, thresholds)) for each in evidences]
    indels = find_indels(said, counts, reference, thresholds, substitutions)
    windows, _ = make_windows(substitutions, indels)
    judged = {each.position for window in windows for each in window.variants if each.is_substitution}
    sites = rows + reference.start
    sites = sites[(sites >= region.start) & (sites < region.end)]
    sites = sites[~np.isin(sites, list(judged))] if judged else sites
    return Screened(reference, windows, sites)


def enough(
    counts: Sequence[np.ndarray], reference: np.ndarray, thresholds: Thresholds, share: float, backend: str | None
) -> np.ndarray:
    """Alleles that the samples in which they have their share show often enough together. ``(site, allele)`` bool."""
    least = thresholds.min_alternate_count
    if len(counts) == 1:
        found: np.ndarray = candidate_alleles(counts[0], reference, least, share, backend=backend).candidate
        return found
    total = np.zeros(counts[0].shape, np.int64)
    for each in counts:
        total += each * candidate_alleles(each, reference, 1, share, backend=backend).candidate
    return total >= least


def inside(windows: list[Window], region: Region) -> list[Window]:
    """The windows with a site in the region."""

    def here(variant: Variant) -> bool:
        return region.start <= variant.position - (not variant.is_substitution) < region.end

    return [window for window in windows if any(here(each) for each in window.variants)]


def assess(
    evidence: Evidence, sites: np.ndarray, thresholds: Thresholds, ploidy: int = 2, backend: str | None = None
) -> Assessment:
    """Judge the given positions (sorted, 0-based), whether or not anything varies there."""
    pileup = evidence.wide
    reference = pileup.reference[sites - pileup.reads.region.start]
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
    columns = _annotations(seen, reference, best, ploidy, backend)
    columns["depth"] = (forward + reverse).sum(axis=1).astype(np.float64)
    columns["quality"] = np.maximum(posteriors.quality, 0.0)  # no -0
    columns["genotype_quality"] = np.minimum(posteriors.genotype_quality, GENOTYPE_QUALITY_CAP)
    columns["artefact_quality"] = _artefact_quality(
        seen, likelihoods, posteriors.log10_prior, reference, best, forward + reverse, ploidy, backend
    )
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
    seen: Observations, reference: np.ndarray, best: np.ndarray, ploidy: int, backend: str | None
) -> dict[str, np.ndarray]:
    """What the filters look at, beside the likelihoods. An allele is alternate if the best genotype holds it."""
    copies = dosages(ploidy)[best]
    is_reference = np.arange(ALLELES) == np.minimum(reference, ALLELES - 1)[:, None]
    is_alternate = (copies > 0) & ~is_reference
    alternate = is_alternate[seen.site, seen.base]
    judged = is_reference[seen.site, seen.base] | alternate
    shown = Shown(
        seen.site[judged], alternate[judged], seen.reverse[judged], seen.end_distance[judged],
        seen.mapping_quality[judged], seen.base_quality[judged],
    )  # fmt: skip
    return annotate(shown, is_alternate.any(axis=1) & (copies.max(axis=1) < ploidy), backend)


def _artefact_quality(
    seen: Observations,
    likelihoods: Likelihoods,
    log10_prior: np.ndarray,
    reference: np.ndarray,
    best: np.ndarray,
    depth: np.ndarray,
    ploidy: int,
    backend: str | None,
) -> np.ndarray:
    """AQ by site: the odds of a variant to a systematic error that shows the same alleles."""
    known = np.minimum(reference, ALLELES - 1)
    is_reference = np.arange(ALLELES) == known[:, None]
    is_alternate = (dosages(ploidy)[best] > 0) & ~is_reference
    most = np.where(is_reference, -1, depth).argmax(axis=1)
    without = ~is_alternate.any(axis=1)
    is_alternate[without, most[without]] = True
    copies = (is_reference[seen.site, seen.base] * ploidy)[:, None]
    background = np.take_along_axis(likelihoods.by_copies, copies, axis=1)[:, 0]
    copies = (is_alternate[seen.site, seen.base] * ploidy)[:, None]
    misled = np.take_along_axis(likelihoods.by_copies, copies, axis=1)[:, 0]
    artefact = artefact_likelihoods(seen.site, background, misled, seen.reverse, reference, backend=backend)
    joint = likelihoods.log10_likelihood + log10_prior
    varies = (dosages(ploidy)[None, :, :] * ~is_reference[:, None, :]).sum(axis=2) > 0
    joint = np.where(varies, joint, NEVER)
    top = joint.argmax(axis=1)[:, None]
    prior = np.take_along_axis(log10_prior, top, axis=1)[:, 0]
    return 10.0 * (log10_sum(joint) - artefact.log10_artefact - prior)


def genotype(
    evidence: Evidence, thresholds: Thresholds | None = None, ploidy: int = 2, backend: str | None = None
) -> VariantCalls:
    """Call the substitutions, insertions and deletions of a region. Nothing is recompiled when a threshold changes.

    A base other than the reference's that is seen often enough (``min_alternate_count``, ``min_alternate_fraction``)
    is a candidate, and so is an indel: see :func:`~genolab.call.candidates.find_indels`. Substitutions away from
    indels are judged by the bases over them, what is near an indel by how well each read fits to each haplotype. A
    candidate is called where the most probable genotype holds it; then each filter may set it aside.
    """
    thresholds, ploidy = thresholds or Thresholds(), check_ploidy(ploidy)
    sites, names = _judged(evidence, thresholds, ploidy, backend)
    columns = {name: np.array([each.columns[name] for each in sites], np.float64) for name in names}
    return VariantCalls(
        contig=np.full(len(sites), evidence.region.contig, dtype=object),
        position=np.array([each.position for each in sites], np.int64),
        reference=[each.reference for each in sites],
        alternates=[each.alternates for each in sites],
        genotype=[each.genotype for each in sites],
        forward=[each.forward for each in sites],
        reverse=[each.reverse for each in sites],
        log10_likelihood=[each.log10_likelihood for each in sites],
        columns=columns,
        filters=filters.apply(columns, thresholds),
        thresholds=thresholds,
        ploidy=ploidy,
        sample=evidence.sample,
        sample_in_file=evidence.wide.reads.sample,
        regions=(evidence.region,),
        contigs=evidence.contigs,
        reads_path=evidence.reads_path,
        reference_path=evidence.reference_path,
        notices=evidence.notices,
        evidence=evidence,
        error_model=evidence.error_model,
    )


def _judged(evidence: Evidence, thresholds: Thresholds, ploidy: int, backend: str | None) -> Judged:
    """The called sites, sorted, and the names of their columns; kept while only thresholds of filters move."""

    def judge() -> Judged:
        screened = screen(evidence, thresholds, backend)
        others = replace(thresholds, min_mapping_quality=0)
        key = _moved(others), ploidy, running
        substitutions, names = judge_moved(evidence, screened.sites, thresholds.min_mapping_quality, key, judge_sites)
        windows = inside(screened.windows, evidence.region)
        near = call_windows(evidence, screened.reference, windows, thresholds, ploidy, backend)
        near = [each for each in near if evidence.region.start <= each.position < evidence.region.end]
        return sorted([*substitutions, *near], key=lambda each: (each.position, each.reference, each.alternates)), names

    def judge_sites(sites: np.ndarray) -> Judged:
        found = assess(evidence, sites, thresholds, ploidy, backend)
        return called_substitutions(found, ploidy), list(found.columns)

    kernels = (
        candidate_alleles,
        genotype_likelihoods,
        genotype_posteriors,
        strand_bias,
        rank_sum,
        artefact_likelihoods,
    )
    running = tuple(backend_in_force(backend, each.backend) for each in kernels)
    return evidence.kept("sites", (_moved(thresholds), ploidy, running), judge)


def called_substitutions(found: Assessment, ploidy: int) -> list[CalledSite]:
    """The sites whose most probable genotype holds an alternate base."""
    chosen = np.flatnonzero(holds_alternate(found.best, found.reference, ploidy))
    kinds = genotypes(ploidy)
    index = {genotype: at for at, genotype in enumerate(kinds)}
    columns = {name: values.tolist() for name, values in found.columns.items()}
    sites = []
    for at in chosen.tolist():
        bases, reference = kinds[found.best[at]], int(found.reference[at])
        alternates = sorted({base for base in bases if base != reference})
        order = [reference, *alternates]
        wanted = [index[tuple(sorted(order[a] for a in each))] for each in genotypes(ploidy, len(order))]
        likelihood = found.log10_likelihood[at][wanted]
        sites.append(
            CalledSite(
                position=int(found.sites[at]),
                reference=BASES[reference],
                alternates=tuple(BASES[code] for code in alternates),
                genotype=tuple(sorted(order.index(base) for base in bases)),
                forward=tuple(found.forward[at][order].tolist()),
                reverse=tuple(found.reverse[at][order].tolist()),
                log10_likelihood=likelihood - likelihood.max(),
                columns={name: values[at] for name, values in columns.items()},
            )
        )
    return sites


def holds_alternate(best: np.ndarray, reference: np.ndarray, ploidy: int) -> np.ndarray:
    """True where a genotype (by its index) holds a base that is not the reference's; never over an unknown base."""
    copies = dosages(ploidy)[best]
    known = reference < ALLELES
    of_reference = copies[np.arange(len(copies)), np.minimum(reference, ALLELES - 1)]
    return known & (of_reference < ploidy)

"""From judged windows to called sites: quality, allele depths and annotations of what stands near an indel."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np

from genolab.call.annotate import Shown, annotate, rank_sum, strand_bias
from genolab.call.candidates import Reference
from genolab.call.fragments import INFORMATIVE, WindowAssessment, assess_window
from genolab.call.haplotypes import NEVER, artefact_likelihoods, haplotype_genotypes
from genolab.call.likelihood import genotypes
from genolab.call.pairhmm import pair_hmm
from genolab.call.pileup import Pileup
from genolab.call.thresholds import Thresholds
from genolab.call.windows import Cuts, realign
from genolab.kernel.choice import backend_in_force

if TYPE_CHECKING:
    from genolab.call.evidence import Evidence
    from genolab.call.windows import Window

MOST_GENOTYPE_QUALITY = 99.0


@dataclass(frozen=True)
class CalledSite:
    """One record to be: alleles, genotype, fragments by allele, likelihoods in VCF order, and its columns."""

    position: int
    reference: str
    alternates: tuple[str, ...]
    genotype: tuple[int, ...]
    forward: tuple[int, ...]
    reverse: tuple[int, ...]
    log10_likelihood: np.ndarray
    columns: dict[str, float]


def log10_sum(logs: np.ndarray) -> np.ndarray:
    """log10 of the sum of what these are logarithms of, along the last axis."""
    largest = logs.max(axis=-1, keepdims=True)
    return np.asarray(largest[..., 0] + np.log10((10.0 ** (logs - largest)).sum(axis=-1)))


@dataclass(frozen=True)
class SiteOfWindow:
    """A site of a judged window, called or not."""

    window: WindowAssessment
    number: int  # which of the window's sites
    position: int
    best: tuple[int, ...]  # genotype, alleles of the site
    shows: np.ndarray  # (fragment,) the allele that it shows, -1 where it does not tell
    by_allele: np.ndarray  # (fragment, allele) log10 P, the best of each fragment 0
    background: np.ndarray  # (fragment,) log10 P with the best genotype without an alternate of this site
    misled: np.ndarray  # (fragment,) log10 P with the best alternate alone
    quality: float
    genotype_quality: float
    log10_odds: float  # log10 P(varies) over P(best genotype that varies), and over what the artefact is held against


def judge_sites(window: WindowAssessment, ploidy: int) -> list[SiteOfWindow]:
    """What the window's genotypes say of each of its sites."""
    judged = []
    for number, site in enumerate(window.sites):
        posterior = window.site_posterior[number]
        kinds = genotypes(ploidy, len(site.alternates) + 1)
        varies = posterior[1:]
        best = int(posterior.argmax())
        some = log10_sum(varies)
        order = np.sort(varies)[::-1]
        others = log10_sum(order[1:]) if order.size > 1 else NEVER
        shown = np.full((window.fragments.misplaced.size, len(site.alternates) + 1), NEVER)
        for allele in range(shown.shape[1]):
            holds = site.allele_of == allele
            if holds.any():
                shown[:, allele] = window.fragments.likelihood[:, holds].max(axis=1)
        ranked = np.sort(shown, axis=1)
        tells = ranked[:, -1] - ranked[:, -2] >= INFORMATIVE
        # the genotype that varies, the likeliest, and the likeliest that does not
        kind = window.kind[number]
        top = int(np.where(kind > 0, window.log10_posterior, NEVER).argmax())
        plain = int(np.where(kind == 0, window.log10_posterior, NEVER).argmax())
        carried = (window.copies[top] > 0) & (site.allele_of > 0)
        if not carried.any():
            carried = site.allele_of > 0
        misplaced = window.fragments.misplaced
        alone = window.fragments.likelihood[:, carried].max(axis=1, initial=NEVER if carried.any() else 0.0)
        misled = np.log10((1.0 - misplaced) * 10.0**alone + misplaced)
        joint = window.by_genotype[:, top].sum() - window.log10_posterior[top]
        judged.append(
            SiteOfWindow(
                window, number, site.position, kinds[best],
                np.where(tells, shown.argmax(axis=1), -1), shown, window.by_genotype[:, plain], misled,
                max(float(-10.0 * posterior[0]), 0.0),
                float(min(max(10.0 * (some - others), 0.0), MOST_GENOTYPE_QUALITY)),
                float(some + joint),
            )
        )  # fmt: skip
    return judged


def columns_of(sites: list[SiteOfWindow], pileup: Pileup, backend: str | None) -> dict[str, np.ndarray]:
    """What the filters look at, of all sites in one go."""
    size = len(sites)
    nobody = np.zeros(size, np.uint8)
    site = np.repeat(np.arange(size), [each.shows.size for each in sites])

    def joined(parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([np.zeros(0), *parts])

    reads = pileup.reads
    read = joined([each.window.fragments.read for each in sites]).astype(np.int64)
    reverse = joined([each.window.fragments.reverse for each in sites]) > 0
    shows = joined([each.shows for each in sites]).astype(np.int64)
    in_best = joined([np.isin(each.shows, [0, *each.best]) for each in sites]) > 0
    position = np.array([each.position for each in sites], np.int64)[site]
    distance = np.minimum(position - reads.position[read], reads.reference_end[read] - 1 - position)
    told = (shows >= 0) & in_best
    heterozygous = np.array([sum(map(bool, each.best)) > 0 and len(set(each.best)) > 1 for each in sites], bool)
    columns = annotate(
        Shown(
            site[told], shows[told] > 0, reverse[told], np.maximum(distance[told], 0),
            pileup.mapping_quality[read[told]].astype(np.float64),
        ),
        heterozygous, backend,
    )  # fmt: skip
    artefact = artefact_likelihoods(
        site, joined([each.background for each in sites]), joined([each.misled for each in sites]), reverse, nobody,
        backend=backend,
    ).log10_artefact  # fmt: skip
    odds = np.array([each.log10_odds for each in sites], np.float64)
    return columns | {
        "depth": np.array([each.shows.size for each in sites], np.float64),
        "quality": np.array([each.quality for each in sites], np.float64),
        "genotype_quality": np.array([each.genotype_quality for each in sites], np.float64),
        "artefact_quality": 10.0 * (odds - artefact),
    }


def call_windows(
    evidence: Evidence,
    reference: Reference,
    windows: list[Window],
    thresholds: Thresholds,
    ploidy: int,
    backend: str | None = None,
) -> list[CalledSite]:
    """The sites of all windows whose most probable genotype holds an alternate allele."""
    sites = [
        each
        for each in judge_windows(evidence, reference, windows, thresholds, ploidy, backend, every=True)
        if any(each.best)
    ]
    kernels = (strand_bias, rank_sum, artefact_likelihoods)
    running = tuple(backend_in_force(backend, each.backend) for each in kernels)
    # a site that was not judged again is the same object; it is kept beside its record, so that it stays the only one
    records: dict[int, tuple[SiteOfWindow, CalledSite]] = evidence.kept("records", (ploidy, running), dict)
    held = dict(records)
    new = [each for each in sites if id(each) not in held]
    known = {id(each): held[id(each)] for each in sites if id(each) in held}
    if new:
        columns = {name: values.tolist() for name, values in columns_of(new, evidence.wide, backend).items()}
        for at, each in enumerate(new):
            known[id(each)] = each, _record(each, {name: values[at] for name, values in columns.items()}, ploidy)
    records.clear()
    records.update(known)
    return [known[id(each)][1] for each in sites]


def judge_windows(
    evidence: Evidence,
    reference: Reference,
    windows: list[Window],
    thresholds: Thresholds,
    ploidy: int,
    backend: str | None = None,
    every: bool = False,
) -> list[SiteOfWindow]:
    """Every site of the windows, called or not.

    A window whose candidates and reads are as before is not judged again. With ``every`` these are all windows of the
    region, and what was kept of others goes.
    """
    pileup = evidence.wide
    running = tuple(backend_in_force(backend, each.backend) for each in (pair_hmm, haplotype_genotypes))
    kept: dict[object, list[SiteOfWindow]] = evidence.kept("windows", (ploidy, running), dict)
    aligned, judged = dict(evidence.aligned), dict(kept)
    least = thresholds.min_mapping_quality
    cuts: Cuts = evidence.kept("cuts", least, dict)
    realigned = realign(windows, pileup, reference, least, evidence.aligned, backend, dict(cuts) if not every else cuts)
    if every:
        kept.clear()
    else:
        evidence.aligned.update(aligned)
    sites = []
    for each in realigned:
        if each.reads.read.size:
            key = tuple(astuple(variant) for variant in each.window.variants), each.reads.read.tobytes()
            if key not in judged:
                judged[key] = judge_sites(assess_window(each, pileup, reference, ploidy, backend), ploidy)
            kept[key] = judged[key]
            sites += judged[key]
    return sites


def _record(site: SiteOfWindow, columns: dict[str, float], ploidy: int) -> CalledSite:
    """With the alleles of the best genotype alone, spelled as short as they go."""
    about = site.window.sites[site.number]
    kept, reference, alternates = kept_alleles(site)
    index = {each: at for at, each in enumerate(genotypes(ploidy, len(about.alternates) + 1))}
    wanted = [index[tuple(sorted(kept[allele] for allele in each))] for each in genotypes(ploidy, len(kept))]
    likelihood = (site.window.site_posterior[site.number] - site.window.site_prior[site.number])[wanted]
    likelihood = np.where(site.window.site_posterior[site.number][wanted] <= NEVER / 2, NEVER, likelihood)
    reverse = site.window.fragments.reverse

    def shown(strand: np.ndarray) -> tuple[int, ...]:
        return tuple(int(np.count_nonzero((site.shows == allele) & strand)) for allele in kept)

    return CalledSite(
        position=site.position,
        reference=reference,
        alternates=tuple(alternates),
        genotype=tuple(kept.index(allele) for allele in site.best),
        forward=shown(~reverse),
        reverse=shown(reverse),
        log10_likelihood=likelihood - likelihood.max(),
        columns=columns,
    )


def kept_alleles(site: SiteOfWindow) -> tuple[list[int], str, list[str]]:
    """The alleles of a record of the site, the reference first, then those of the best genotype; and their spelling."""
    about = site.window.sites[site.number]
    kept = [0, *sorted({allele for allele in site.best if allele})]
    return kept, *trimmed(about.reference, [about.alternates[allele - 1] for allele in kept[1:]])


def trimmed(reference: str, alternates: list[str]) -> tuple[str, list[str]]:
    """Without the letters that all alleles end with, but for the first."""
    alleles = [reference, *alternates]
    while min(map(len, alleles)) > 1 and len({each[-1] for each in alleles}) == 1:
        alleles = [each[:-1] for each in alleles]
    return alleles[0], alleles[1:]

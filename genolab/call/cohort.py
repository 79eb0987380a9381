"""Calling several samples together: candidates of all, likelihoods of each, one verdict a site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from genolab.call import filters
from genolab.call.annotate import Shown, annotate
from genolab.call.candidates import Reference
from genolab.call.counts import ALLELES
from genolab.call.evidence import Evidence
from genolab.call.families import families_of
from genolab.call.fragments import assess_window, fragments_of, most_haplotypes
from genolab.call.genotyping import enough, inside, screen_together
from genolab.call.haplotypes import NEVER, artefact_likelihoods
from genolab.call.indels import SiteOfWindow, judge_sites, trimmed
from genolab.call.joint_calls import JointCalls, JointSite, Prior
from genolab.call.likelihood import TRANSITION_SHARE, Likelihoods, genotype_likelihoods, genotypes
from genolab.call.pileup import Observations
from genolab.call.thresholds import FRAGMENT_ERROR, Thresholds
from genolab.call.together import Judged, Together
from genolab.call.windows import Window, realign
from genolab.spec import BASES

_CALLED = 10.0 * np.log10(2.0)  # phred: it is likelier that it varies than that it does not


@dataclass(frozen=True)
class _Own:
    """What one sample's fragments say to the alleles of one site."""

    likelihood: np.ndarray  # (genotype,) log10, VCF order of all the site's alleles
    allele: np.ndarray  # (fragment,) the allele that it shows, -1 where it does not tell
    reverse: np.ndarray
    end_distance: np.ndarray
    mapping_quality: np.ndarray
    base_quality: np.ndarray | None
    background: np.ndarray  # (fragment,) log10 P with the reference alone
    misled: np.ndarray  # (fragment, alternate) log10 P with that alternate alone
    log10_odds: float | None = None  # near an indel: log10 P of the alternates, over what the artefact is held against


@dataclass(frozen=True)
class _Site:
    """A site with what each sample says to it."""

    position: int
    reference: str
    alternates: tuple[str, ...]
    rates: tuple[float, ...]
    own: list[_Own]


def genotype_together(
    evidences: Sequence[Evidence],
    thresholds: Thresholds | None = None,
    prior: Prior | None = None,
    backend: str | None = None,
) -> JointCalls:
    """Call the variants of a region in several samples at once.

    An allele is looked at in all samples where those that have the share that is asked for show it often enough
    together. What the fragments of a sample say to its genotypes is the same as for a sample alone; the genotypes are
    then weighed together: the alternates' frequency, of which the reads of all samples tell, is integrated out, in
    Hardy-Weinberg proportions (with an inbreeding coefficient, if there is one), children have what their parents
    passed on. The order of the samples changes nothing but the order of the results.
    """
    thresholds, prior = thresholds or Thresholds(), prior or Prior()
    names = [each.sample for each in evidences]
    order = sorted(range(len(names)), key=lambda at: names[at])  # sums are taken in the order of the names
    ordered = [evidences[at] for at in order]
    region = evidences[0].region
    ploidies = tuple(prior.ploidies.at(each.sample, region.contig, region.start) for each in ordered)
    families = families_of([each.sample for each in ordered], prior.parents)
    together = Together(ploidies, families, prior.inbreeding, prior.de_novo_rate, backend)
    screened = screen_together(ordered, thresholds, backend)
    sites = _substitutions(ordered, screened.sites, thresholds, ploidies, backend)
    windows = inside(screened.windows, region)
    sites += _windows(ordered, screened.reference, windows, thresholds, ploidies, backend)
    sites = [each for each in sites if region.start <= each.position < region.end]
    called = _judge(sorted(sites, key=lambda each: (each.position, each.reference, each.alternates)), together)
    back = [order.index(at) for at in range(len(order))]
    columns = {
        name: np.array([each.columns[name] for each in called], np.float64) for name in _columns_of([], [], together)
    }
    first = evidences[0]
    return JointCalls(
        contig=np.full(len(called), region.contig, dtype=object),
        sites=[each.permuted(back) for each in called],
        columns=columns,
        filters=filters.apply(columns, thresholds),
        thresholds=thresholds,
        samples=tuple(names),
        reads_paths=tuple(each.reads_path for each in evidences),
        samples_in_files=tuple(each.wide.reads.sample for each in evidences),
        reference_path=first.reference_path,
        prior=prior,
        regions=(region,),
        contigs=first.contigs,
        notices=tuple(dict.fromkeys(notice for each in evidences for notice in each.notices)),
        evidences=tuple(evidences),
    )


# --- sites away from indels


def _substitutions(
    evidences: Sequence[Evidence],
    positions: np.ndarray,
    thresholds: Thresholds,
    ploidies: tuple[int, ...],
    backend: str | None,
) -> list[_Site]:
    """What each sample's bases say at positions that are near no indel."""
    wide = evidences[0].wide
    reference = wide.reference[positions - wide.reads.region.start]
    seen = [each.wide.observe(positions, thresholds).used for each in evidences]
    size = positions.size * ALLELES
    depth = [np.bincount(each.site * ALLELES + each.base, minlength=size).reshape(-1, ALLELES) for each in seen]
    candidate = enough(depth, reference, thresholds, thresholds.min_alternate_fraction, backend)
    candidate &= (np.arange(ALLELES) != reference[:, None]) & (reference < ALLELES)[:, None]
    likelihoods = [
        genotype_likelihoods(
            each.site, each.base, each.base_quality, each.mapping_quality, reference, FRAGMENT_ERROR,
            ploidy=max(own, 1), backend=backend,
        )
        for each, own in zip(seen, ploidies, strict=True)
    ]  # fmt: skip
    edges = [np.searchsorted(each.site, np.arange(positions.size + 1)) for each in seen]
    sites = []
    for at in np.flatnonzero(candidate.any(axis=1)).tolist():
        code = int(reference[at])
        order = [code, *np.flatnonzero(candidate[at]).tolist()]
        own = [
            _own_bases(each.where(np.arange(edge[at], edge[at + 1])), found, at, int(edge[at]), order, ploidy)
            for each, found, edge, ploidy in zip(seen, likelihoods, edges, ploidies, strict=True)
        ]
        rates = tuple(
            thresholds.heterozygosity * (TRANSITION_SHARE if abs(base - code) == 2 else (1 - TRANSITION_SHARE) / 2)
            for base in order[1:]
        )
        sites.append(_Site(int(positions[at]), BASES[code], tuple(BASES[each] for each in order[1:]), rates, own))
    return sites


def _own_bases(seen: Observations, found: Likelihoods, at: int, first: int, order: list[int], ploidy: int) -> _Own:
    index = {kind: number for number, kind in enumerate(genotypes(max(ploidy, 1)))}
    wanted = [index[tuple(sorted(order[a] for a in kind))] for kind in genotypes(ploidy, len(order))] if ploidy else []
    likelihood = found.log10_likelihood[at][wanted] if ploidy else np.zeros(1)
    allele = np.full(ALLELES, -1)
    allele[order] = np.arange(len(order))
    rows = np.arange(first, first + seen.site.size)
    copies = (np.array(order)[None, :] == seen.base[:, None]) * max(ploidy, 1)
    alone = found.by_copies[rows[:, None], copies]
    return _Own(
        likelihood, allele[seen.base], seen.reverse, seen.end_distance, seen.mapping_quality, seen.base_quality,
        alone[:, 0], alone[:, 1:],
    )  # fmt: skip


# --- sites near indels


def _windows(
    evidences: Sequence[Evidence],
    reference: Reference,
    windows: list[Window],
    thresholds: Thresholds,
    ploidies: tuple[int, ...],
    backend: str | None,
) -> list[_Site]:
    """What each sample's fragments say to the haplotypes of every window, by site."""
    realigned = [
        realign(windows, each.wide, reference, thresholds.min_mapping_quality, each.aligned, backend)
        for each in evidences
    ]
    most = most_haplotypes(max(1, *ploidies))
    sites = []
    for number in range(len(windows)):
        own = [each[number] for each in realigned]
        if not any(each.reads.read.size for each in own):
            continue
        if own[0].by_read.shape[1] > most:
            likelihoods = [
                fragments_of(each, evidence.wide).likelihood for each, evidence in zip(own, evidences, strict=True)
            ]
            weights = 10.0 ** np.concatenate(likelihoods)
            score = (weights / weights.sum(axis=1, keepdims=True)).sum(axis=0)
            score[0] = np.inf
            keep = np.sort(np.argsort(-score, kind="stable")[:most])
            own = [each.where(keep) for each in own]
        judged = [
            judge_sites(assess_window(each, evidence.wide, reference, max(ploidy, 1), backend), max(ploidy, 1))
            for each, evidence, ploidy in zip(own, evidences, ploidies, strict=True)
        ]
        for parts in zip(*judged, strict=True):
            about = parts[0].window.sites[parts[0].number]
            variants = parts[0].window.realigned.window.variants
            rates = tuple(variants[each].prior for each in about.variants)
            said = [
                _own_fragments(each, evidence, ploidy)
                for each, evidence, ploidy in zip(parts, evidences, ploidies, strict=True)
            ]
            sites.append(_Site(about.position, about.reference, about.alternates, rates, said))
    return sites


def _own_fragments(site: SiteOfWindow, evidence: Evidence, ploidy: int) -> _Own:
    posterior, prior = site.window.site_posterior[site.number], site.window.site_prior[site.number]
    likelihood = np.where(posterior <= NEVER / 2, NEVER, posterior - prior) if ploidy else np.zeros(1)
    fragments, reads = site.window.fragments, evidence.wide.reads
    read = fragments.read
    distance = np.minimum(site.position - reads.position[read], reads.reference_end[read] - 1 - site.position)
    alternates = site.by_allele.shape[1] - 1
    return _Own(
        likelihood, site.shows, fragments.reverse, np.maximum(distance, 0),
        evidence.wide.mapping_quality[read].astype(np.float64), None, site.background,
        np.repeat(site.misled[:, None], alternates, axis=1), site.log10_odds,
    )  # fmt: skip


# --- the verdict


def _judge(sites: list[_Site], together: Together) -> list[JointSite]:
    """The sites that vary, with the alleles that somebody has."""
    groups: dict[int, list[int]] = defaultdict(list)
    for at, site in enumerate(sites):
        groups[len(site.alternates)].append(at)
    found: dict[int, tuple[_Site, list[int], Judged, int]] = {}
    for members in groups.values():
        chosen = [sites[at] for at in members]
        likelihoods = [
            np.stack([each.own[sample].likelihood for each in chosen]) for sample in range(len(together.ploidies))
        ]
        judged = together.judge(likelihoods, np.array([each.rates for each in chosen]))
        for row, at in enumerate(members):
            kinds = [genotypes(ploidy, len(sites[at].alternates) + 1) for ploidy in together.ploidies]
            best = [kind[int(own[row])] for kind, own in zip(kinds, judged.best, strict=True)]
            kept = [0, *sorted({allele for each in best for allele in each if allele})]
            if judged.quality[row] >= _CALLED and len(kept) > 1:
                found[at] = sites[at], kept, judged, row
    called = [found[at] for at in sorted(found)]
    records = [_record(*each, together) for each in called]
    columns = _columns_of(called, records, together)
    return [
        replace(each, columns={name: float(values[at]) for name, values in columns.items()})
        for at, each in enumerate(records)
    ]


def _record(site: _Site, kept: list[int], judged: Judged, row: int, together: Together) -> JointSite:
    reference, alternates = trimmed(site.reference, [site.alternates[allele - 1] for allele in kept[1:]])
    related = {member for family in together.families for member in family.members}
    genotype: list[tuple[int, ...] | None] = []
    likelihoods, posteriors = [], []
    for at, (own, ploidy) in enumerate(zip(site.own, together.ploidies, strict=True)):
        kinds = genotypes(ploidy, len(site.alternates) + 1)
        index = {kind: number for number, kind in enumerate(kinds)}
        wanted = [index[tuple(sorted(kept[allele] for allele in kind))] for kind in genotypes(ploidy, len(kept))]
        likelihood = own.likelihood[wanted]
        likelihoods.append(likelihood - likelihood.max())
        posterior = judged.posterior[at][row][wanted]
        posteriors.append(posterior / max(posterior.sum(), 1e-300))
        silent = ploidy == 0 or (not own.allele.size and at not in related)
        best = kinds[int(judged.best[at][row])]
        genotype.append(None if silent else tuple(kept.index(allele) for allele in best))

    def shown(own: _Own, strand: np.ndarray) -> tuple[int, ...]:
        return tuple(int(np.count_nonzero((own.allele == allele) & strand)) for allele in kept)

    return JointSite(
        position=site.position,
        reference=reference,
        alternates=tuple(alternates),
        genotype=genotype,
        forward=[shown(own, ~own.reverse) for own in site.own],
        reverse=[shown(own, own.reverse) for own in site.own],
        log10_likelihood=likelihoods,
        posterior=posteriors,
        genotype_quality=judged.genotype_quality[row],
        depth=np.array([own.allele.size for own in site.own], np.int64),
        de_novo=judged.de_novo[row],
        frequency=tuple(float(each) for each in judged.frequency[row][kept[1:]]),
        columns={"quality": float(judged.quality[row])},
    )


def _columns_of(
    called: Sequence[tuple[_Site, list[int], Judged, int]], records: Sequence[JointSite], together: Together
) -> dict[str, np.ndarray]:
    """What the filters look at, over the fragments of those who carry an alternate."""
    rows: list[int] = []
    parts: list[tuple[np.ndarray, ...]] = []
    balance = np.full(len(records), np.nan)
    owners, backgrounds, misled, strands = [], [], [], []
    odds = np.zeros(len(records))
    none = np.zeros(0)
    for at, ((site, kept, _, _), record) in enumerate(zip(called, records, strict=True)):
        shown = mixed = 0
        for own, genotype in zip(site.own, record.genotype, strict=True):
            if not genotype or not any(genotype):
                continue
            told = np.isin(own.allele, kept)
            quality = own.base_quality if own.base_quality is not None else np.full(own.allele.size, np.nan)
            parts.append(
                tuple(
                    each[told] for each in (own.allele > 0, own.reverse, own.end_distance, own.mapping_quality, quality)
                )
            )
            rows += [at] * int(told.sum())
            if len(set(genotype)) > 1:
                shown += int((own.allele[told] > 0).sum())
                mixed += int(told.sum())
            carried = sorted({kept[allele] for allele in genotype if allele})
            owners.append(np.full(own.allele.size, at))
            backgrounds.append(own.background)
            misled.append(own.misled[:, [allele - 1 for allele in carried]].max(axis=1))
            strands.append(own.reverse)
            odds[at] += _odds(own, genotype, kept, len(site.alternates) + 1)
        if mixed:
            balance[at] = shown / mixed
    site_of = np.array(rows, np.int64)
    joined = [np.concatenate([none, *(part[k] for part in parts)]) for k in range(5)]
    alternate, reverse = joined[0] > 0, joined[1] > 0
    nobody = np.zeros(len(records), np.uint8)
    heterozygous = np.zeros(len(records), bool)
    backend = together.backend
    columns = annotate(Shown(site_of, alternate, reverse, joined[2], joined[3]), heterozygous, backend)
    plain = ~np.isnan(joined[4])
    by_base = annotate(
        Shown(site_of[plain], alternate[plain], reverse[plain], joined[2][plain], joined[3][plain], joined[4][plain]),
        heterozygous, backend,
    )["base_quality_rank_sum"]  # fmt: skip
    # an error that the place makes is one for all carriers: one share of the fragments, on the same strands
    artefact = artefact_likelihoods(
        np.concatenate([none, *owners]).astype(np.int64), np.concatenate([none, *backgrounds]),
        np.concatenate([none, *misled]), np.concatenate([none, *strands]) > 0, nobody, backend=backend,
    ).log10_artefact  # fmt: skip
    carriers = [np.array([any(genotype or ()) for genotype in each.genotype], bool) for each in records]
    return columns | {
        "base_quality_rank_sum": by_base,
        "allele_balance": balance,
        "quality": np.array([each.columns["quality"] for each in records], np.float64),
        "depth": np.array([each.depth.sum() for each in records], np.float64),
        "genotype_quality": np.array(
            [each.genotype_quality[own].max(initial=0.0) for each, own in zip(records, carriers, strict=True)],
            np.float64,
        ),
        "artefact_quality": 10.0 * (odds - artefact),
    }


def _odds(own: _Own, genotype: tuple[int, ...], kept: list[int], alleles: int) -> float:
    """log10 P(fragments | the genotype), on the scale of the artefact's."""
    if own.log10_odds is not None:
        return own.log10_odds
    kinds = genotypes(len(genotype), alleles)
    return float(own.likelihood[kinds.index(tuple(sorted(kept[allele] for allele in genotype)))])

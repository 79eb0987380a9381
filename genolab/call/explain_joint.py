"""Why a sample was called as it was among others: its own reads, and what the other samples and its parents add."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genolab.call.evidence import collect
from genolab.call.explanation import Explanation, explain
from genolab.call.joint_calls import JointCalls, JointSite
from genolab.call.likelihood import genotypes
from genolab.call.steps import CALLED, FILTERED, NOT_CALLED, Step
from genolab.errors import InputError
from genolab.io import Region


def explain_joint(calls: JointCalls, contig: str, position: int, sample: str) -> Explanation:
    """The explanation of a position (1-based) in one sample, and of what the other samples change.

    Where the site was called together, prior and posterior are those of the samples together: the prior is what the
    others' reads say of the allele's frequency (and the parents' of what they passed on), before the sample's own.
    """
    if contig not in calls.contigs or not 1 <= position <= calls.contigs[contig]:
        raise InputError("explain", "position", "a position of the contigs of the calls", f"{contig}:{position:,}")
    at = calls.number(sample)
    place = position - 1
    evidence = None if calls.evidences is None else calls.evidences[at]
    if evidence is None or evidence.region.contig != contig or not evidence.region.start <= place < evidence.region.end:
        region = Region(contig, place, place + 1)
        evidence = collect(calls.reads_paths[at], calls.reference_path, region, calls.samples_in_files[at])
    copies = calls.prior.ploidies.at(sample, contig, place)
    alone = explain(evidence, place, calls.thresholds, max(copies, 1))
    alleles = (alone.reference, alone.alternate)
    # of two records of one place the one that the explanation is of
    sites = sorted(calls.sites_at(contig, place), key=lambda row: calls.sites[row].reference != alleles[0])
    if not sites:
        return replace(alone, sentence=f"{alone.sentence} No sample was called here.")
    return _together(calls, sites[0], at, alone)


def _together(calls: JointCalls, row: int, at: int, alone: Explanation) -> Explanation:
    site, sample = calls.sites[row], calls.samples[at]
    count, number = calls.allele_counts(row)
    genotype, text = site.genotype[at], calls.genotype_text(row, at)
    carriers = sum(any(each or ()) for each in site.genotype)
    shared = (
        f"{carriers} of {len(calls.samples)} samples carry it (allele count {','.join(map(str, count))} of {number}, "
        f"frequency {', '.join(f'{each:.3g}' for each in site.frequency)})"
    )
    filtered = calls.filters[row]
    carried = bool(genotype) and any(genotype or ())
    verdict = NOT_CALLED if not carried else FILTERED if filtered else CALLED
    depth = tuple(a + b for a, b in zip(site.forward[at], site.reverse[at], strict=True))
    names = [site.reference, *site.alternates]
    shown = ", ".join(f"{seen} show {name}" for seen, name in zip(depth, names, strict=True))
    said = f"{shown} of {int(site.depth[at])} fragments in {sample}; {shared}"
    quality = float(site.genotype_quality[at])
    if genotype is None:
        sentence = f"No genotype in {sample}: it has no fragment here. {shared[0].upper()}{shared[1:]}."
    elif verdict == FILTERED:
        sentence = f"Called {text} but filtered ({', '.join(filtered)}): {said}."
    elif verdict == CALLED:
        sentence = f"Called {text}, GQ {quality:.0f}: {said}."
    else:
        sentence = f"Not called in {sample}, which is {text} (GQ {quality:.0f}): {said}."
    if not np.isnan(site.de_novo[at]) and site.de_novo[at] >= 0.01:
        sentence += f" An allele that the parents did not pass on has probability {float(site.de_novo[at]):.3g}."
    likelihood, prior, posterior = _logs(site, at)
    text_of = tuple("/".join(map(str, kind)) for kind in _kinds(site, at))
    step = Step("other samples", float(sum(count)), 1.0, sum(count) > 0, shared)
    return replace(
        alone,
        reference=site.reference,
        alternate=",".join(site.alternates),
        verdict=verdict,
        sentence=sentence,
        steps=(*alone.steps, step),
        genotypes=text_of,
        log10_likelihood=likelihood,
        log10_prior=prior,
        log10_posterior=posterior,
        flip=alone.flip if verdict != NOT_CALLED else "",
    )


def _kinds(site: JointSite, at: int) -> tuple[tuple[int, ...], ...]:
    own, alleles = site.log10_likelihood[at].size, len(site.alternates) + 1
    return next(kinds for ploidy in range(7) if len(kinds := genotypes(ploidy, alleles)) == own)


def _logs(site: JointSite, at: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log10 likelihood, the prior that the others make of it, and the posterior."""
    posterior = np.log10(np.maximum(site.posterior[at], 1e-300))
    prior = posterior - site.log10_likelihood[at]
    prior -= prior.max() + np.log10((10.0 ** (prior - prior.max())).sum())
    return site.log10_likelihood[at], prior, posterior

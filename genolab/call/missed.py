"""Why a variant of the truth was missed: the step of the caller that lost it; and what made a call that is false."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.call.alleles import COMPLEX, SNV, Allele, quality_order
from genolab.call.comparison import DIFFERS, FALSE, FOUND
from genolab.errors import GenolabError
from genolab.io.region import plain_name
from genolab.spec import BASES

if TYPE_CHECKING:
    import pandas as pd

    from genolab.call.calls import VariantCalls
    from genolab.call.candidates import Reference
    from genolab.call.candidates import Variant as Candidate
    from genolab.call.comparison import Comparison, Judged
    from genolab.call.evidence import Evidence

NO_RECORD, OTHER, GENOTYPE = "not called", "another allele", "genotype"
"""Steps that a file alone tells of."""

_NEAR = 10  # bases within which another call is named


@dataclass(frozen=True)
class Loss:
    """The step that lost a variant, and what it saw."""

    step: str
    reason: str


def why_missed(calls: VariantCalls, allele: Allele) -> Loss:
    """The step that lost a variant of the truth which the calls do not hold.

    The steps, in order: coverage, alternate count, alternate fraction or candidate (nothing suggested it), window (more
    candidates than are judged together), haplotypes (no haplotype that was kept holds it), genotype (the reads say
    otherwise), or the name of a filter.
    """
    from genolab.call.evidence import evidence_at
    from genolab.call.genotyping import screen

    name = next((each for each in calls.contigs if plain_name(each) == allele.contig), None)
    if name is None:
        return Loss("coverage", "The reads' file has no such contig.")
    evidence = evidence_at(calls, name, allele.position)
    screened = screen(evidence, calls.thresholds)
    wanted = _candidate(allele)
    if wanted is None:
        return Loss("candidate", "A change of several bases for others is judged as substitutions and indels apart.")
    for window in screened.windows:
        for at, each in enumerate(window.variants):
            if (each.position, each.deleted, each.inserted) == wanted:
                return _of_window(calls, evidence, screened.reference, window, at)
    if allele.kind == SNV:
        return _of_site(calls, evidence, allele)
    return _of_indel(calls, evidence, screened.reference, wanted)


def _candidate(allele: Allele) -> tuple[int, int, bytes] | None:
    """The allele as the caller spells it: position, bases deleted, codes inserted."""
    if set(allele.alternate) - set(BASES) or allele.kind == COMPLEX:
        return None
    if allele.kind == SNV:
        return allele.position, 1, bytes([BASES.index(allele.alternate)])
    inserted = bytes(BASES.index(letter) for letter in allele.alternate[1:])
    return allele.position + 1, len(allele.reference) - 1, inserted


def _of_site(calls: VariantCalls, evidence: Evidence, allele: Allele) -> Loss:
    """A substitution that is near no indel."""
    from genolab.call.explanation import explain
    from genolab.call.genotyping import assess

    thresholds = calls.thresholds
    found = assess(evidence, np.array([allele.position]), thresholds, calls.ploidy)
    depth, base = int(found.depth[0].sum()), BASES.index(allele.alternate)
    shown = int(found.depth[0, base])
    if not depth:
        return Loss("coverage", "No fragment is evidence here.")
    support = f"{shown} of {depth} fragments show {allele.alternate}"
    for step, value, least in (
        ("alternate count", shown, thresholds.min_alternate_count),
        ("alternate fraction", shown / depth, thresholds.min_alternate_fraction),
    ):
        if value < least:
            return Loss(step, f"{support}; at least {least:g}{' of all' if step.endswith('fraction') else ''} must.")
    why = explain(evidence, allele.position, thresholds, calls.ploidy)
    decisive = next((step for step in why.steps if step.decides), None)
    return Loss(decisive.name if decisive is not None else "genotype", f"{support}. {why.sentence}")


def _of_indel(calls: VariantCalls, evidence: Evidence, reference: Reference, wanted: tuple[int, int, bytes]) -> Loss:
    """An indel that was no candidate, or was one too many."""
    from genolab.call.candidates import aligned_indels
    from genolab.call.clips import clipped_alleles

    thresholds, wide = calls.thresholds, evidence.wide
    depth = int(evidence.wide_counts(thresholds)[max(wanted[0] - 1 - reference.start, 0)].sum())
    if not depth:
        return Loss("coverage", "No read is evidence here.")
    seen = aligned_indels(wide, reference, thresholds, wanted[0])
    aligned = seen.get(wanted, set())
    clipped = clipped_alleles(wide, reference, thresholds).get(wanted, set())
    shown = len(aligned | clipped)
    others = [len(fragments) for other, fragments in seen.items() if other != wanted and other[0] == wanted[0]]
    more = f" {max(others)} are aligned with another length there." if others else ""
    about = f"{shown} fragments are aligned with it or clipped at it, of {depth} bases here."
    variant = reference.variant(wanted, shown, thresholds.heterozygosity)
    least = max(thresholds.min_alternate_count, thresholds.min_alternate_fraction * depth)
    if shown < least:
        return Loss("candidate", f"{about} At least {int(np.ceil(least))} must.{more}")
    near = f"positions {variant.low + 1:,}-{variant.high:,}"
    return Loss("window", f"{about} More candidates than are judged together lie around {near}.{more}")


def _of_window(calls: VariantCalls, evidence: Evidence, reference: Reference, window: Any, at: int) -> Loss:
    """A candidate that was held against the reads."""
    from genolab.call.indels import judge_windows

    judged = judge_windows(evidence, reference, [window], calls.thresholds, calls.ploidy)
    candidate: Candidate = window.variants[at]
    for site in judged:
        about = site.window.sites[site.number]
        if at not in about.variants:
            continue
        allele = about.variants.index(at) + 1
        aligned = f"{candidate.shown} fragments are aligned with it"
        if not (about.allele_of == allele).any():
            count = len(site.window.realigned.haplotypes.sequences)
            return Loss("haplotypes", f"{aligned}; none of the {count} haplotypes that were kept holds it.")
        shown, clear = int((site.shows == allele).sum()), int((site.shows >= 0).sum())
        probability = _probability(site, allele)
        best = "/".join(map(str, site.best)) if any(site.best) else "the reference"
        text = f"{aligned}; {shown} of {clear} that tell its alleles apart show it after realignment."
        if allele in site.best:
            failed = _failed(calls, site.position)
            return Loss(failed or GENOTYPE, f"{text} Called {best}{f', set aside by {failed}' if failed else ''}.")
        return Loss(GENOTYPE, f"{text} The most probable genotype is {best}; one that holds it has {probability:.2g}.")
    return Loss("coverage", "No read reaches over it.")


def _probability(site: Any, allele: int) -> float:
    from genolab.call.likelihood import genotypes

    about = site.window.sites[site.number]
    kinds = genotypes(sum(1 for _ in site.best), len(about.alternates) + 1)
    posterior = site.window.site_posterior[site.number]
    return float(sum(10.0**value for kind, value in zip(kinds, posterior, strict=True) if allele in kind))


def _failed(calls: VariantCalls, position: int) -> str:
    return next(
        (";".join(calls.filters[row]) for row in np.flatnonzero(calls.position == position) if calls.filters[row]), ""
    )


def missed_frame(comparison: Comparison) -> pd.DataFrame:
    """One row a variant of the truth that was missed or has another genotype."""
    lost = [each for each in comparison.truth if each.state != FOUND]
    return _frame(lost, [_loss(comparison, each) for each in lost])


def _loss(comparison: Comparison, one: Judged) -> Loss:
    allele = one.allele
    if one.state == DIFFERS:
        other = _called(comparison, allele)
        said = f"Called with {_copies(other)}, the truth has {_copies(allele)}." if other is not None else ""
        return Loss(GENOTYPE, said or "Called in another spelling, with another genotype.")
    aside = next((each for each in comparison.set_aside if each.key == allele.key), None)
    if aside is not None:
        value = float(quality_order(np.array([aside.quality]))[0])
        failed = ";".join(aside.filters) or "LowQual"
        return Loss(failed, f"Called with {_copies(aside)}, QUAL {value:.0f}, set aside by {failed}.")
    if comparison.calls is not None:
        try:
            return why_missed(comparison.calls, allele)
        except GenolabError as error:  # the reads are gone or changed: the differences are still worth listing
            return Loss("unknown", f"The reads cannot be asked: {error}")
    near = [
        each.allele
        for each in comparison.query
        if each.state == FALSE and each.allele.contig == allele.contig
        and abs(each.allele.position - allele.position) <= _NEAR
    ]  # fmt: skip
    if near:
        other = min(near, key=lambda each: abs(each.position - allele.position))
        return Loss(OTHER, f"{other.reference}>{other.alternate} is called at {other.position + 1:,}.")
    return Loss(NO_RECORD, "The calls have no record of it.")


def false_frame(comparison: Comparison) -> pd.DataFrame:
    """One row a call that is not in the truth or has another genotype."""
    wrong = [each for each in comparison.query if each.state != FOUND]
    return _frame(wrong, [_origin(comparison, each) for each in wrong])


def _origin(comparison: Comparison, one: Judged) -> Loss:
    allele, calls = one.allele, comparison.calls
    other = next((each.allele for each in comparison.truth if each.allele.key == allele.key), None)
    if one.state == DIFFERS:
        step, said = GENOTYPE, "Not the genotype of the truth."
        if other is not None:
            said = f"Called with {_copies(allele)}, the truth has {_copies(other)}."
    else:
        near = [
            abs(each.allele.position - allele.position)
            for each in comparison.truth
            if each.allele.contig == allele.contig and abs(each.allele.position - allele.position) <= _NEAR
        ]
        step = OTHER if near else "not in truth"
        said = "The truth has another variant near by." if near else ""
    if calls is not None:
        try:
            name = next(each for each in calls.contigs if plain_name(each) == allele.contig)
            said = f"{said} {calls.explain(name, allele.position + 1).sentence}".strip()
        except GenolabError as error:
            said = f"{said} The reads cannot be asked: {error}".strip()
    return Loss(step, said)


def _called(comparison: Comparison, allele: Allele) -> Allele | None:
    return next((each.allele for each in comparison.query if each.allele.key == allele.key), None)


def _copies(allele: Allele) -> str:
    if allele.copies is None:
        return "no genotype"
    return f"{allele.copies} of {allele.ploidy} copies"


def _frame(judged: Sequence[Judged], losses: Sequence[Loss]) -> pd.DataFrame:
    import pandas as pd

    alleles = [each.allele for each in judged]
    return pd.DataFrame(
        {
            "contig": [each.contig for each in alleles],
            "position": [each.position + 1 for each in alleles],
            "reference": [each.reference for each in alleles],
            "alternate": [each.alternate for each in alleles],
            "type": [each.kind for each in alleles],
            "copies": [each.copies for each in alleles],
            "quality": [each.quality for each in alleles],
            "state": [each.state for each in judged],
            "step": [each.step for each in losses],
            "reason": [each.reason for each in losses],
        }
    )

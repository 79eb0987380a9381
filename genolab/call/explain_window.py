"""Why an indel, or what is near one, was called or not: the haplotypes, and what every fragment says to each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from genolab.call.candidates import Variant
from genolab.call.evidence import Evidence
from genolab.call.explanation import Explanation
from genolab.call.flip import threshold_that_passes
from genolab.call.fragments import letters
from genolab.call.genotyping import screen
from genolab.call.indels import SiteOfWindow, columns_of, judge_windows, trimmed
from genolab.call.likelihood import genotypes
from genolab.call.pileup import READ_REVERSE, REASONS
from genolab.call.read_table import Columns, ranked
from genolab.call.steps import CALLED, FILTER_NAMES, FILTERED, NOT_CALLED, Step, filter_steps, mark_decision
from genolab.call.thresholds import Thresholds
from genolab.call.windows import Window

if TYPE_CHECKING:
    import pandas as pd

    from genolab.call.sensitivity import Sensitivity

UNCLEAR = "?"
"""What a fragment shows that fits two alleles alike, such as one that ends inside a repeat."""

_TOO_SHORT = "too few bases near the indel"


def explain_window(
    evidence: Evidence, position: int, thresholds: Thresholds, ploidy: int, backend: str | None = None
) -> Explanation | None:
    """The explanation of a position that a window has a site for, or where one of its indels could stand; else None."""
    screened = screen(evidence, thresholds, backend)
    windows = [each for each in screened.windows if any(_covers(one, position) for one in each.variants)]
    if not windows:
        return None
    judged = judge_windows(evidence, screened.reference, windows, thresholds, ploidy, backend)
    if not judged:
        return None

    def rank(site: SiteOfWindow) -> tuple[bool, bool, float]:
        variants = site.window.realigned.window.variants
        over = any(_covers(variants[at], position) for at in site.window.sites[site.number].variants)
        return site.position == position, over, site.quality

    site = max(judged, key=rank)
    return _explanation(evidence, site, thresholds, ploidy, backend) if rank(site)[1] else None


def _covers(variant: Variant, position: int) -> bool:
    return variant.position == position if variant.is_substitution else variant.low <= position < variant.high


def _explanation(
    evidence: Evidence, site: SiteOfWindow, thresholds: Thresholds, ploidy: int, backend: str | None
) -> Explanation:
    about = site.window.sites[site.number]
    posterior, prior = site.window.site_posterior[site.number], site.window.site_prior[site.number]
    kinds = genotypes(ploidy, len(about.alternates) + 1)
    likeliest = kinds[1 + int(posterior[1:].argmax())]
    alleles = [0, *sorted({allele for allele in likeliest if allele})]
    index = [at for at, kind in enumerate(kinds) if set(kind) <= set(alleles)]
    names = tuple("/".join(str(alleles.index(allele)) for allele in kinds[at]) for at in index)
    contributions = _contributions(site, index)
    columns = columns_of([site], evidence.wide, backend)
    reference, spelled = trimmed(about.reference, [about.alternates[allele - 1] for allele in alleles[1:]])
    steps = _steps(site, columns, alleles, thresholds, posterior)
    decisive = next((step for step in steps if step.decides), None)
    verdict = CALLED if decisive is None else FILTERED if decisive.name in FILTER_NAMES else NOT_CALLED
    weight = contributions[:, 1:].max(axis=1) - contributions[:, 0]
    flip = _change(posterior, weight, verdict, decisive)
    return Explanation(
        contig=evidence.region.contig,
        position=site.position + 1,
        reference=reference,
        alternate=",".join(spelled),
        verdict=verdict,
        sentence=_sentence(site, columns, alleles, verdict, decisive),
        steps=steps,
        genotypes=names,
        log10_likelihood=(posterior - prior)[index] - (posterior - prior)[index].max(),
        log10_prior=prior[index],
        log10_posterior=posterior[index],
        flip=flip,
        thresholds=thresholds,
        _reads=partial(_reads, evidence, site, contributions, names, weight, thresholds),
        _haplotypes=partial(_haplotypes, site),
        _sensitivity=partial(_sensitivity, evidence, site, flip),
    )


def _sensitivity(evidence: Evidence, site: SiteOfWindow, flip: str) -> Sensitivity:
    from genolab.call.sensitivity import of_window

    return of_window(evidence, site, flip)


def _contributions(site: SiteOfWindow, index: list[int]) -> np.ndarray:
    """log10 P(fragment | genotype of the site), the rest of the window as is likeliest with it."""
    kind, posterior = site.window.kind[site.number], site.window.log10_posterior
    tops = [int(np.where(kind == at, posterior, -np.inf).argmax()) for at in index]
    return site.window.by_genotype[:, tops]


def _counted(site: SiteOfWindow, alleles: list[int]) -> tuple[int, int, int]:
    """Fragments that show one of the alternates, that show any allele, and all."""
    return (
        int(np.isin(site.shows, alleles[1:]).sum()), int((site.shows >= 0).sum()), int(site.shows.size)
    )  # fmt: skip


def _steps(
    site: SiteOfWindow,
    columns: dict[str, np.ndarray],
    alleles: list[int],
    thresholds: Thresholds,
    posterior: np.ndarray,
) -> tuple[Step, ...]:
    window = site.window.realigned.window
    about = site.window.sites[site.number]
    shown, clear, depth = _counted(site, alleles)
    aligned = max(window.variants[about.variants[allele - 1]].shown for allele in alleles[1:])
    count = len(site.window.realigned.haplotypes.sequences)
    best = "/".join(str(alleles.index(allele)) if allele in alleles else "." for allele in site.best)
    probability = float(10.0 ** posterior.max())
    steps = [
        Step("coverage", depth, 1, depth > 0, f"{depth} fragments reach over the window {_span(window)}"),
        Step(
            "candidate", aligned, 1, True,
            f"{aligned} fragments are aligned with it, clipped at it or show a mismatch that it would explain",
        ),
        Step("haplotypes", count, 2, True, f"held against {count} haplotypes of {len(window.variants)} candidates"),
        Step("realigned", shown, 0, True, f"{shown} of the {clear} fragments that tell its alleles apart show it"),
        Step(
            "genotype", probability, 0.0, any(site.best),
            f"the most probable genotype is {best} ({probability:.4g})",
        ),
    ]  # fmt: skip
    return mark_decision([*steps, *filter_steps(columns, thresholds)])


def _span(window: Window) -> str:
    return f"{window.low + 1:,}-{window.high:,}"


def _sentence(
    site: SiteOfWindow, columns: dict[str, np.ndarray], alleles: list[int], verdict: str, decisive: Step | None
) -> str:
    shown, clear, depth = _counted(site, alleles)
    unclear = depth - clear
    support = f"{shown} of {clear} fragments that tell show it"
    support += f", {unclear} fit both alleles and say nothing" if unclear else ""
    text = "/".join(str(alleles.index(allele)) for allele in site.best if allele in alleles)
    if decisive is None:
        return f"Called {text}: {support}; QUAL {columns['quality'][0]:.0f}."
    if verdict == FILTERED:
        return f"Called but filtered ({decisive.name}): {decisive.text}. {support[0].upper()}{support[1:]}."
    return f"Not called: {support}; {decisive.text}."


def _change(posterior: np.ndarray, weight: np.ndarray, verdict: str, decisive: Step | None) -> str:
    """The smallest change that turns the verdict, the rest of the window left as it is."""
    odds = float(posterior[1:].max() - posterior[0])
    if decisive is None:
        lost = np.cumsum(np.sort(weight)[::-1])
        needed = int(np.searchsorted(lost, odds)) + 1
        if needed > weight.size:
            return "No number of fragments decides it: the rest of the window does."
        return f"Without its {needed} strongest fragment{'s' if needed > 1 else ''} it would not be called."
    if verdict == FILTERED:
        change = threshold_that_passes(decisive)
        return f"It would pass this filter with {change}." if change else "No threshold lets it pass this filter."
    typical = float(np.median(weight[weight > 0.3])) if (weight > 0.3).any() else 2.0
    more = max(int(np.ceil(-odds / typical)), 1)
    return f"About {more} more fragment{'s' if more > 1 else ''} that show it would make it a variant."


def _haplotypes(site: SiteOfWindow) -> pd.DataFrame:
    """One row a haplotype: its variants, its probability of being on a chromosome of the sample, its sequence."""
    import pandas as pd

    window, haplotypes = site.window.realigned.window, site.window.realigned.haplotypes
    share = site.window.copies * (10.0**site.window.log10_posterior)[:, None]
    ploidy = int(site.window.copies[0].sum())

    def named(variant: Variant) -> str:
        gone = f"-{variant.deleted}" if variant.deleted else ""
        come = f"+{letters(variant.inserted)}" if variant.inserted else ""
        if variant.is_substitution:
            gone, come = "", f">{letters(variant.inserted)}"
        return f"{variant.position + 1:,}{gone}{come}"

    return pd.DataFrame(
        {
            "variants": [
                ", ".join(named(one) for one, there in zip(window.variants, holds, strict=True) if there) or "reference"
                for holds in haplotypes.holds
            ],
            "expected_copies": share.sum(axis=0),
            "allele": site.window.sites[site.number].allele_of,
            "start": haplotypes.start + 1,
            "sequence": [letters(text) for text in haplotypes.sequences],
            "ploidy": ploidy,
        }
    )


def _reads(
    evidence: Evidence,
    site: SiteOfWindow,
    contributions: np.ndarray,
    names: tuple[str, ...],
    weight: np.ndarray,
    thresholds: Thresholds,
) -> Columns:
    pileup, fragments = evidence.wide, site.window.fragments
    reads, about, cut = pileup.reads, site.window.sites[site.number], site.window.realigned.reads
    reference, spelled = trimmed(about.reference, list(about.alternates))
    alleles = [reference, *spelled]
    sums = np.concatenate([[0.0], np.cumsum(pileup.base_quality, dtype=np.float64)])
    quality = (sums[cut.last] - sums[cut.first]) / np.maximum(cut.last - cut.first, 1)
    of_read = {int(read): float(value) for read, value in zip(cut.read, quality, strict=True)}
    distance = np.minimum(site.position - reads.position, reads.reference_end - 1 - site.position)
    read = fragments.read
    judged = {
        "name": [reads.names[at] for at in read.tolist()],
        "base": [UNCLEAR if allele < 0 else alleles[allele] for allele in site.shows.tolist()],
        "base_quality": [of_read[at] for at in read.tolist()],
        "mapping_quality": pileup.mapping_quality[read].astype(np.float64),
        "strand": np.where(fragments.reverse, "-", "+"),
        "end_distance": np.maximum(distance[read], 0).astype(np.int64),
        "used": np.ones(read.size, bool),
        "reason": np.where(site.shows < 0, "used, but fits several alleles alike", "used"),
        **{f"log10 P(read | {name})": contributions[:, at] for at, name in enumerate(names)},
        "weight": weight,
        **{
            f"log10 P(read | haplotype {number})": fragments.likelihood[:, number]
            for number in range(fragments.likelihood.shape[1])
        },
    }
    window = site.window.realigned.window
    over = (reads.position < window.high) & (reads.reference_end > window.low)
    over[cut.read] = False
    index = np.flatnonzero(over)
    excluded = pileup.exclusion[index]
    poor = pileup.mapping_quality[index] < thresholds.min_mapping_quality
    why = [
        REASONS[code] if code else "mapping quality too low" if low else _TOO_SHORT
        for code, low in zip(excluded.tolist(), poor.tolist(), strict=True)
    ]
    others = {
        "name": [reads.names[at] for at in index.tolist()],
        "base": np.full(index.size, "-"),
        "mapping_quality": pileup.mapping_quality[index].astype(np.float64),
        "strand": np.where((reads.flag[index] & READ_REVERSE) != 0, "-", "+"),
        "used": np.zeros(index.size, bool),
        "reason": why,
    }
    return ranked(judged, others)

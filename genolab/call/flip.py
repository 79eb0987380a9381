"""What would turn a verdict: a threshold, or how many fragments fewer or more."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np

from genolab.call import filters
from genolab.call.counts import ALLELES, candidate_alleles
from genolab.call.genotyping import Assessment, holds_alternate
from genolab.call.likelihood import considered_genotypes, dosages
from genolab.call.pileup import REASONS
from genolab.call.steps import FILTERED, Step
from genolab.call.thresholds import Thresholds


def smallest_change(
    found: Assessment,
    contributions: np.ndarray,
    index: list[int],
    verdict: str,
    decisive: Step | None,
    thresholds: Thresholds,
    ploidy: int,
) -> str:
    """The smallest change that turns the verdict."""
    weight = contributions[:, 1:].max(axis=1) - contributions[:, 0]
    if decisive is None:
        needed = _needed(found, weight, thresholds, ploidy)
        return f"Without its {needed} strongest fragment{'s' if needed > 1 else ''} it would not be called."
    if verdict == FILTERED:
        change = threshold_that_passes(decisive)
        return f"It would pass this filter with {change}." if change else "No threshold lets it pass this filter."
    if decisive.name in _CONSIDERED and decisive.value > 0:
        return f"It would be considered with {_CONSIDERED[decisive.name]} {_rounded(decisive.value, True)}."
    if decisive.name == "genotype":
        joint = found.log10_likelihood[0, index] + found.log10_prior[0, index]
        typical = float(np.median(weight[weight > 0])) if (weight > 0).any() else 2.0
        more = max(int(np.ceil((joint[0] - joint[1:].max()) / max(typical, 1e-6))), 1)
        return f"About {more} more fragments like those would make it a variant."
    reasons = [REASONS[code] for code in found.observations.reason]
    poor = sum(reason in ("mapping quality too low", "base quality too low") for reason in reasons)
    if decisive.name == "reference" or not poor:
        return "No threshold changes this."
    return f"{poor} reads are left out by min_mapping_quality or min_base_quality."


_CONSIDERED = {"alternate count": "min_alternate_count", "alternate fraction": "min_alternate_fraction"}


def _needed(found: Assessment, weight: np.ndarray, thresholds: Thresholds, ploidy: int) -> int:
    """How many of a call's strongest fragments must go before no variant is called, each number tried."""
    order = np.argsort(-weight, kind="stable")
    base = found.observations.used.base[order]
    copies = dosages(ploidy)[:, base].T
    removed = np.cumsum(np.take_along_axis(found.by_copies[order], copies, axis=1), axis=0)
    counts = found.depth - np.cumsum(np.eye(ALLELES, dtype=np.int64)[base], axis=0)
    reference = np.repeat(found.reference, order.size)
    candidate = candidate_alleles(
        counts, reference, thresholds.min_alternate_count, thresholds.min_alternate_fraction
    ).candidate
    joint = found.log10_likelihood - removed + found.log10_prior
    best = np.where(considered_genotypes(candidate, reference, ploidy), joint, -np.inf).argmax(axis=1)
    return int((~holds_alternate(best, reference, ploidy)).argmax()) + 1


def threshold_that_passes(step: Step) -> str:
    """The filter's threshold, rounded to the side that passes, with its name; empty if that is out of its range."""
    about = {each.name: each.metadata for each in fields(Thresholds)}
    rule = next(each for each in filters.FILTERS if each.name == step.name)
    text = _rounded(step.value, rule.at_least)
    low, high = about[rule.threshold]["low"], about[rule.threshold]["high"]
    return f"{rule.threshold} {text}" if low <= float(text) <= high else ""


def _rounded(value: float, down: bool) -> str:
    """A number with three decimals, never rounded to the other side."""
    scaled = math.floor(value * 1000) if down else math.ceil(value * 1000)
    if (scaled / 1000 > value) if down else (scaled / 1000 < value):
        scaled += -1 if down else 1
    return f"{scaled / 1000:.3f}".rstrip("0").rstrip(".")

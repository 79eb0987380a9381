"""The questions that the caller asks of a site, in order, each with its value and threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genolab.call import filters
from genolab.call.counts import ALLELES
from genolab.call.genotyping import Assessment, holds_alternate
from genolab.call.likelihood import genotypes
from genolab.call.thresholds import Thresholds
from genolab.spec import BASES

CALLED, FILTERED, NOT_CALLED = "called", "filtered", "not called"

FILTER_NAMES = {each.name for each in filters.FILTERS}
"""Every filter by name; failing one leaves a call in the file."""


@dataclass(frozen=True)
class Step:
    """One question that the caller asks of a site. ``decides`` marks the first that a call did not survive."""

    name: str
    value: float
    threshold: float
    passed: bool
    text: str
    decides: bool = False


def steps_of(
    found: Assessment, reference: int, alternate: int, thresholds: Thresholds, ploidy: int
) -> tuple[Step, ...]:
    """The questions in order, the first that was answered with no marked as decisive."""
    depth, seen = int(found.depth[0].sum()), int(found.depth[0, alternate])
    share = seen / max(depth, 1)
    base = BASES[alternate]
    steps = [
        Step("reference", reference, ALLELES - 1, reference < ALLELES, f"the reference base is {BASES[reference]}"),
        Step("coverage", depth, 1, depth > 0, f"{depth} fragments are evidence"),
        Step(
            "alternate count",
            seen,
            thresholds.min_alternate_count,
            seen >= thresholds.min_alternate_count,
            f"{seen} show {base}; at least {thresholds.min_alternate_count} must",
        ),
        Step(
            "alternate fraction",
            share,
            thresholds.min_alternate_fraction,
            share >= thresholds.min_alternate_fraction,
            f"{100 * share:.3g}% show {base}; at least {100 * thresholds.min_alternate_fraction:.3g}% must",
        ),
    ]
    variant = bool(holds_alternate(found.best, found.reference, ploidy)[0])
    names = [BASES[code] for code in genotypes(ploidy)[found.best[0]]]
    posterior = 10.0 ** found.log10_posterior[0, found.best[0]]
    steps.append(
        Step("genotype", posterior, 0.0, variant, f"the most probable genotype is {'/'.join(names)} ({posterior:.4g})")
    )
    return mark_decision([*steps, *filter_steps(found.columns, thresholds)])


def filter_steps(columns: Mapping[str, np.ndarray], thresholds: Thresholds, site: int = 0) -> list[Step]:
    """Each filter that has a value to look at, as a question."""
    steps = []
    for each in filters.FILTERS:
        value = columns[each.column][site : site + 1]
        limit = getattr(thresholds, each.threshold)
        if np.isnan(value[0]):
            continue
        word = "at least" if each.at_least else "at most"
        text = f"{each.meaning.partition(':')[0]} {round(float(value[0]), 3):g}; {word} {limit:g} passes"
        steps.append(Step(each.name, float(value[0]), float(limit), bool(each.passes(value, thresholds)[0]), text))
    return steps


def mark_decision(steps: list[Step]) -> tuple[Step, ...]:
    """The same, the first that was answered with no marked."""
    first = next((at for at, step in enumerate(steps) if not step.passed), None)
    return tuple(Step(**{**vars(step), "decides": at == first}) for at, step in enumerate(steps))

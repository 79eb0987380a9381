"""Why a position was called, filtered or passed over: every fragment's say, the prior, and the step that decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from genolab.call import filters
from genolab.call.counts import ALLELES
from genolab.call.evidence import Evidence
from genolab.call.genotyping import Assessment, assess, is_variant
from genolab.call.likelihood import dosages, genotypes
from genolab.call.pileup import REASONS, USED
from genolab.call.thresholds import Thresholds
from genolab.errors import InputError
from genolab.spec import BASES

if TYPE_CHECKING:
    import pandas as pd

CALLED, FILTERED, NOT_CALLED = "called", "filtered", "not called"


@dataclass(frozen=True)
class Step:
    """One question that the caller asks of a site. ``decides`` marks the first that a call did not survive."""

    name: str
    value: float
    threshold: float
    passed: bool
    text: str
    decides: bool = False


@dataclass(frozen=True, eq=False)
class Explanation:
    """What the caller made of one position.

    Attributes
    ----------
    contig, position
        Where, 1-based.
    reference, alternate
        The reference base, and the base that competes with it: the best genotype's, else the most frequent other.
    verdict
        ``"called"``, ``"filtered"`` or ``"not called"``.
    sentence
        The verdict and its reason for a person.
    steps
        The questions asked, in order.
    genotypes, log10_likelihood, log10_prior, log10_posterior
        The genotypes of reference and alternate as VCF writes them, and what speaks for each.
    flip
        The smallest change that would turn the verdict, in words.
    """

    contig: str
    position: int
    reference: str
    alternate: str
    verdict: str
    sentence: str
    steps: tuple[Step, ...]
    genotypes: tuple[str, ...]
    log10_likelihood: np.ndarray = field(repr=False)
    log10_prior: np.ndarray = field(repr=False)
    log10_posterior: np.ndarray = field(repr=False)
    flip: str
    thresholds: Thresholds = field(repr=False)
    _evidence: Evidence = field(repr=False)
    _found: Assessment = field(repr=False)
    _contributions: np.ndarray = field(repr=False)

    @cached_property
    def reads(self) -> pd.DataFrame:
        """One row a read over the position: what it shows, how good it is, and log10 P(read | genotype) for each.

        ``weight`` is what a read adds to the log10 odds of a variant against none; ``reason`` says why a read is not
        evidence. Evidence first, the strongest for a variant on top.
        """
        import pandas as pd

        seen, reads = self._found.observations, self._evidence.pileup.reads
        used = seen.reason == USED
        table = np.full((used.size, len(self.genotypes)), np.nan)
        table[used] = self._contributions
        frame = pd.DataFrame(
            {
                "name": [reads.names[index] for index in seen.read],
                "base": [BASES[code] for code in seen.base],
                "base_quality": seen.base_quality,
                "mapping_quality": seen.mapping_quality,
                "strand": np.where(seen.reverse, "-", "+"),
                "end_distance": seen.end_distance,
                "used": used,
                "reason": [REASONS[code] for code in seen.reason],
                **{f"log10 P(read | {name})": table[:, at] for at, name in enumerate(self.genotypes)},
                "weight": table[:, 1:].max(axis=1) - table[:, 0],
            }
        )
        without_base = self._without_base()
        if len(without_base):
            frame = pd.concat([frame, without_base], ignore_index=True)
        return frame.sort_values(["used", "weight"], ascending=False, ignore_index=True, kind="stable")

    def _without_base(self) -> pd.DataFrame:
        """Reads that span the position without a base there: a deletion or a skip."""
        import pandas as pd

        reads, seen = self._evidence.pileup.reads, self._found.observations
        spans = (reads.position < self.position) & (self.position <= reads.reference_end)
        spans[seen.read] = False
        index = np.flatnonzero(spans)
        return pd.DataFrame(
            {
                "name": [reads.names[at] for at in index],
                "base": "-",
                "mapping_quality": self._evidence.pileup.mapping_quality[index].astype(np.float64),
                "strand": np.where((reads.flag[index] & 0x10) != 0, "-", "+"),
                "used": np.zeros(index.size, dtype=bool),
                "reason": [REASONS[code] if code else REASONS[-1] for code in self._evidence.pileup.exclusion[index]],
            }
        )

    @property
    def excluded(self) -> dict[str, int]:
        """How many reads over the position are not evidence, by reason."""
        left_out = self.reads.loc[~self.reads["used"], "reason"]
        return {str(reason): int(count) for reason, count in left_out.value_counts().items()}

    def to_frame(self) -> pd.DataFrame:
        """The steps as a table."""
        import pandas as pd

        return pd.DataFrame([vars(step) for step in self.steps])

    def __str__(self) -> str:
        lines = [f"{self.contig}:{self.position:,} {self.reference}>{self.alternate}: {self.sentence}"]
        for step in self.steps:
            lines.append(f"  {'ok ' if step.passed else 'no '} {step.text}{'   <- decides' if step.decides else ''}")
        lines.append(f"  {self.flip}")
        return "\n".join(lines)


def explain(evidence: Evidence, position: int, thresholds: Thresholds | None = None, ploidy: int = 2) -> Explanation:
    """Explain one position of the evidence's region (0-based on the contig), called or not.

    Raises
    ------
    InputError
        If the position is outside the region.
    """
    region, thresholds = evidence.region, thresholds or Thresholds()
    if not region.start <= position < region.end:
        raise InputError("explain", "position", f"inside {region}", f"{position + 1:,}")
    found = assess(evidence, np.array([position]), thresholds, ploidy)
    reference = int(found.reference[0])
    alternate = _competitor(found, reference, ploidy)
    steps = _mark_decision(_steps(found, reference, alternate, thresholds, ploidy))
    decisive = next((step for step in steps if step.decides), None)
    verdict = CALLED if decisive is None else FILTERED if decisive.name in _FILTER_NAMES else NOT_CALLED
    shown = _genotypes_of(reference, alternate, ploidy)
    index = [at for _, at in shown]
    seen = found.observations.used
    copies = dosages(ploidy)[index][:, seen.base].T  # (observation, genotype)
    contributions = np.take_along_axis(found.by_copies, copies, axis=1)
    sentence = _sentence(found, reference, alternate, verdict, decisive, ploidy)
    flip = _flip(found, contributions, index, verdict, decisive)
    return Explanation(
        contig=region.contig,
        position=position + 1,
        reference=BASES[reference],
        alternate=BASES[alternate],
        verdict=verdict,
        sentence=sentence,
        steps=steps,
        genotypes=tuple(name for name, _ in shown),
        log10_likelihood=found.log10_likelihood[0, index],
        log10_prior=found.log10_prior[0, index],
        log10_posterior=found.log10_posterior[0, index],
        flip=flip,
        thresholds=thresholds,
        _evidence=evidence,
        _found=found,
        _contributions=contributions,
    )


_FILTER_NAMES = {*(each.name for each in filters.FILTERS), filters.NEAR_INDEL}


def _competitor(found: Assessment, reference: int, ploidy: int) -> int:
    """The base to hold against the reference: the best genotype's, else the most frequent, else the likeliest other."""
    copies = dosages(ploidy)[found.best[0]].copy()
    depth = found.depth[0].copy()
    if reference < ALLELES:
        copies[reference] = depth[reference] = -1
    if copies.max() > 0:
        return int(copies.argmax())
    if depth.max() > 0:
        return int(depth.argmax())
    return (reference + 2) % ALLELES  # nothing was seen: the transition


def _genotypes_of(reference: int, alternate: int, ploidy: int) -> list[tuple[str, int]]:
    """Genotypes of the two alleles: VCF text and index among those of four bases."""
    known = reference if reference < ALLELES else (alternate + 2) % ALLELES
    index = {genotype: at for at, genotype in enumerate(genotypes(ploidy))}
    result = []
    for copies in range(ploidy + 1):
        text = "/".join(["0"] * (ploidy - copies) + ["1"] * copies)
        result.append((text, index[tuple(sorted([known] * (ploidy - copies) + [alternate] * copies))]))
    return result


def _steps(found: Assessment, reference: int, alternate: int, thresholds: Thresholds, ploidy: int) -> list[Step]:
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
            f"{share:.0%} show {base}; at least {thresholds.min_alternate_fraction:.0%} must",
        ),
    ]
    variant = bool(is_variant(found, ploidy)[0])
    names = [BASES[code] for code in genotypes(ploidy)[found.best[0]]]
    posterior = 10.0 ** found.log10_posterior[0, found.best[0]]
    steps.append(
        Step("genotype", posterior, 0.0, variant, f"the most probable genotype is {'/'.join(names)} ({posterior:.4g})")
    )
    for each in filters.FILTERS:
        value = found.columns[each.column]
        limit = getattr(thresholds, each.threshold)
        if np.isnan(value[0]):
            continue
        word = "at least" if each.at_least else "at most"
        text = f"{each.meaning.partition(':')[0]} {round(float(value[0]), 3):g}; {word} {limit:g} passes"
        steps.append(Step(each.name, float(value[0]), float(limit), bool(each.passes(value, thresholds)[0]), text))
    indel = found.columns["indel_share"]
    near = bool(filters.near_indel(indel, thresholds)[0])
    text = (
        f"{indel[0]:.0%} of the reads have an indel within {thresholds.indel_gap} bases; "
        f"less than {thresholds.indel_fraction:.0%} passes"
    )
    steps.append(Step(filters.NEAR_INDEL, float(indel[0]), thresholds.indel_fraction, not near, text))
    return steps


def _mark_decision(steps: list[Step]) -> tuple[Step, ...]:
    first = next((at for at, step in enumerate(steps) if not step.passed), None)
    return tuple(Step(**{**vars(step), "decides": at == first}) for at, step in enumerate(steps))


def _sentence(
    found: Assessment, reference: int, alternate: int, verdict: str, decisive: Step | None, ploidy: int
) -> str:
    depth, seen = int(found.depth[0].sum()), int(found.depth[0, alternate])
    support = f"{seen} of {depth} fragments show {BASES[alternate]}"
    if verdict == CALLED:
        order = [reference, *sorted({code for code in genotypes(ploidy)[found.best[0]] if code != reference})]
        text = "/".join(
            str(allele) for allele in sorted(order.index(code) for code in genotypes(ploidy)[found.best[0]])
        )
        return f"Called {text}: {support}; QUAL {found.columns['quality'][0]:.0f}."
    if decisive is None or decisive.name == "coverage":
        return "Not called: no fragment is evidence here."
    if decisive.name == "reference":
        return "Not called: the reference has no A, C, G or T here."
    if verdict == FILTERED:
        return f"Called but filtered ({decisive.name}): {decisive.text}. {support[0].upper()}{support[1:]}."
    if decisive.name == "genotype":
        return f"Not called: {support}, which is more likely error than variant; {decisive.text}."
    return f"Not called: {decisive.text} ({support})."


def _flip(found: Assessment, contributions: np.ndarray, index: list[int], verdict: str, decisive: Step | None) -> str:
    """The smallest change that turns the verdict."""
    if decisive is not None and verdict == FILTERED:
        return f"It would pass this filter with a threshold of {round(decisive.value, 3):g}."
    if decisive is not None and decisive.name in ("alternate count", "alternate fraction") and decisive.value > 0:
        return f"It would be considered with a threshold of {round(decisive.value, 3):g}."
    if decisive is not None and decisive.name != "genotype":
        return "No threshold changes this."
    joint = found.log10_likelihood[0, index] + found.log10_prior[0, index]
    odds = joint[1:].max() - joint[0]
    weight = contributions[:, 1:][:, joint[1:].argmax()] - contributions[:, 0]
    if verdict == CALLED:
        strongest = np.sort(weight[weight > 0])[::-1]
        needed = int(np.searchsorted(np.cumsum(strongest), odds)) + 1
        if needed > strongest.size:
            return "No fragment could be left out to lose this call."
        return f"Without its {needed} strongest fragments it would not be called."
    typical = float(np.median(weight[weight > 0])) if (weight > 0).any() else 2.0
    return (
        f"About {max(int(np.ceil(-odds / max(typical, 1e-6))), 1)} more fragments like those would make it a variant."
    )

"""Why a position was called, filtered or passed over: every fragment's say, the prior, and the step that decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.call.candidates import Reference, aligned_indels
from genolab.call.counts import ALLELES
from genolab.call.evidence import Evidence
from genolab.call.flip import smallest_change
from genolab.call.genotyping import Assessment, assess
from genolab.call.likelihood import dosages, genotypes
from genolab.call.pileup import READ_REVERSE, REASONS, USED
from genolab.call.read_table import Columns, ranked
from genolab.call.steps import CALLED, FILTER_NAMES, FILTERED, NOT_CALLED, Step, steps_of
from genolab.call.thresholds import Thresholds
from genolab.errors import InputError
from genolab.spec import BASES

if TYPE_CHECKING:
    import pandas as pd

    from genolab.call.sensitivity import Sensitivity


@dataclass(frozen=True, eq=False)
class Explanation:
    """What the caller made of one position.

    Attributes
    ----------
    contig, position
        Where, 1-based.
    reference, alternate
        The reference allele, and what competes with it: the best genotype's, else the most frequent or likeliest other.
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
    _reads: Callable[[], Columns] = field(repr=False)
    _haplotypes: Callable[[], pd.DataFrame] | None = field(default=None, repr=False)
    _sensitivity: Callable[[], Sensitivity] | None = field(default=None, repr=False)

    @cached_property
    def reads(self) -> pd.DataFrame:
        """One row a read over the position: what it shows, how good it is, and log10 P(read | genotype) for each.

        ``weight`` is what a read adds to the log10 odds of a variant against none; ``reason`` says why a read is not
        evidence. Evidence first, the strongest for a variant on top. Near an indel a row is a fragment, with
        log10 P(fragment | haplotype) too.
        """
        import pandas as pd

        return pd.DataFrame(self.read_columns)

    @cached_property
    def read_columns(self) -> Columns:
        """The columns of :attr:`reads` as arrays."""
        return self._reads()

    @cached_property
    def haplotypes(self) -> pd.DataFrame | None:
        """Near an indel the haplotypes that the reads were held against, with their variants and copies; else None."""
        return None if self._haplotypes is None else self._haplotypes()

    def sensitivity(self) -> Sensitivity:
        """How the log odds of a variant change with every base's quality and mapping quality, by gradient.

        Raises
        ------
        InputError
            If no fragment is evidence here.
        """
        if self._sensitivity is None:
            where = f"{self.contig}:{self.position:,}"
            raise InputError("sensitivity", "position", "one that fragments are evidence at", where)
        return self._sensitivity()

    @property
    def excluded(self) -> dict[str, int]:
        """How many reads over the position are not evidence, by reason."""
        left_out = self.read_columns["reason"][~self.read_columns["used"]]
        return dict(Counter(map(str, left_out)).most_common())

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


def explain(
    evidence: Evidence,
    position: int,
    thresholds: Thresholds | None = None,
    ploidy: int = 2,
    backend: str | None = None,
) -> Explanation:
    """Explain one position of the evidence's region (0-based on the contig), called or not.

    An indel is explained from any position that it could be placed at.

    Raises
    ------
    InputError
        If the position is outside the region.
    """
    from genolab.call.explain_window import explain_window

    region, thresholds = evidence.region, thresholds or Thresholds()
    if not region.start <= position < region.end:
        raise InputError("explain", "position", f"inside {region}", f"{position + 1:,}")
    of_window = explain_window(evidence, position, thresholds, ploidy, backend)
    return of_window if of_window is not None else _explain_site(evidence, position, thresholds, ploidy, backend)


def _explain_site(
    evidence: Evidence, position: int, thresholds: Thresholds, ploidy: int, backend: str | None
) -> Explanation:
    """A position that is near no indel."""
    found = assess(evidence, np.array([position]), thresholds, ploidy, backend)
    reference = int(found.reference[0])
    alternate = _competitor(found, reference, ploidy)
    steps = steps_of(found, reference, alternate, thresholds, ploidy)
    decisive = next((step for step in steps if step.decides), None)
    verdict = CALLED if decisive is None else FILTERED if decisive.name in FILTER_NAMES else NOT_CALLED
    shown = _genotypes_of(reference, alternate, ploidy)
    index = [at for _, at in shown]
    names = tuple(name for name, _ in shown)
    seen = found.observations.used
    copies = dosages(ploidy)[index][:, seen.base].T  # (observation, genotype)
    contributions = np.take_along_axis(found.by_copies, copies, axis=1)
    sentence = _sentence(found, reference, alternate, verdict, decisive, ploidy)
    if verdict == NOT_CALLED and (aside := rare_indel(evidence, position, thresholds)):
        sentence = f"{sentence} {aside}"
    flip = smallest_change(found, contributions, index, verdict, decisive, thresholds, ploidy)
    return Explanation(
        contig=evidence.region.contig,
        position=position + 1,
        reference=BASES[reference],
        alternate=BASES[alternate],
        verdict=verdict,
        sentence=sentence,
        steps=steps,
        genotypes=names,
        log10_likelihood=found.log10_likelihood[0, index],
        log10_prior=found.log10_prior[0, index],
        log10_posterior=found.log10_posterior[0, index],
        flip=flip,
        thresholds=thresholds,
        _reads=partial(_reads_of_site, evidence, position, found, contributions, names),
        _sensitivity=partial(_sensitivity_of_site, evidence, position, found, thresholds, ploidy, flip)
        if seen.base.size and reference < ALLELES
        else None,
    )


def _sensitivity_of_site(*about: Any) -> Sensitivity:
    from genolab.call.sensitivity import of_site

    return of_site(*about)


def rare_indel(evidence: Evidence, position: int, thresholds: Thresholds) -> str:
    """What is said of an indel that some reads are aligned with here, but too few for it to be considered."""
    wide = evidence.wide
    reference = Reference(wide.reference, wide.reads.region.start)
    best: tuple[int, str] = (0, "")
    for allele, fragments in aligned_indels(wide, reference, thresholds, position).items():
        variant = reference.variant(allele, len(fragments), thresholds.heterozygosity)
        if variant.low <= position < variant.high and len(fragments) > best[0]:
            kind = f"an insertion of {len(allele[2])}" if allele[2] else f"a deletion of {allele[1]}"
            best = len(fragments), f"{kind} base{'s' if variant.size > 1 else ''}"
    if not best[0]:
        return ""
    return f"{best[0]} fragment{'s are' if best[0] > 1 else ' is'} aligned with {best[1]}, too few to consider it."


def _reads_of_site(
    evidence: Evidence, position: int, found: Assessment, contributions: np.ndarray, genotypes: tuple[str, ...]
) -> Columns:
    """The reads over a position that have a base there, and those that span it without one."""
    seen, reads = found.observations, evidence.wide.reads
    used = seen.reason == USED
    table = np.full((used.size, len(genotypes)), np.nan)
    table[used] = contributions
    judged = {
        "name": [reads.names[index] for index in seen.read],
        "base": [BASES[code] for code in seen.base],
        "base_quality": seen.base_quality,
        "mapping_quality": seen.mapping_quality,
        "strand": np.where(seen.reverse, "-", "+"),
        "end_distance": seen.end_distance,
        "used": used,
        "reason": [REASONS[code] for code in seen.reason],
        **{f"log10 P(read | {name})": table[:, at] for at, name in enumerate(genotypes)},
        "weight": table[:, 1:].max(axis=1) - table[:, 0],
    }
    spans = (reads.position < position + 1) & (position + 1 <= reads.reference_end)
    spans[seen.read] = False
    index = np.flatnonzero(spans)
    without = np.diff(reads.base_offset)[index] == 0
    why = np.where(without, REASONS.index("the read has no bases"), REASONS.index("deleted or skipped here"))
    excluded = evidence.wide.exclusion[index]
    others = {
        "name": [reads.names[at] for at in index],
        "base": np.full(index.size, "-"),
        "mapping_quality": evidence.wide.mapping_quality[index].astype(np.float64),
        "strand": np.where((reads.flag[index] & READ_REVERSE) != 0, "-", "+"),
        "used": np.zeros(index.size, bool),
        "reason": [REASONS[code] for code in np.where(excluded > 0, excluded, why)],
    }
    return ranked(judged, others)


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

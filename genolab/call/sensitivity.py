"""Which evidence carries a call: how its log odds change with each base's quality and each mapping quality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.call.counts import ReferenceBase
from genolab.call.genotyping import Assessment
from genolab.call.haplotypes import haplotype_genotypes
from genolab.call.likelihood import (
    Base,
    BaseQuality,
    MappingQuality,
    dosages,
    genotype_likelihoods,
    genotype_posteriors,
)
from genolab.call.thresholds import FRAGMENT_ERROR, Thresholds
from genolab.kernel import kernel
from genolab.spec import BASES, Spec, Symbol

if TYPE_CHECKING:
    import pandas as pd

    from genolab.call.evidence import Evidence
    from genolab.call.indels import SiteOfWindow

MOST_LOWERED = 60.0
"""Phred by which qualities are lowered at most when the smallest change is looked for."""

_NEVER = -1e6

Odds = Annotated[Symbol, Spec("one", "float64", "log10 odds of the best genotype that varies to none", symbol="L")]


class SiteSensitivity(NamedTuple):
    """Of a position that is near no indel."""

    log10_odds: Odds
    by_base_quality: Annotated[
        Symbol,
        Spec(
            "observation", "float64", "log10 odds per phred of base quality", symbol=r"\frac{\partial L}{\partial Q_i}"
        ),
    ]
    by_mapping_quality: Annotated[
        Symbol,
        Spec(
            "observation",
            "float64",
            "log10 odds per phred of mapping quality",
            symbol=r"\frac{\partial L}{\partial M_i}",
        ),
    ]


def _smallest_site(ploidy: int) -> tuple[Any, ...]:
    number = len(dosages(ploidy))
    quality = np.full(2, 30.0)
    return np.zeros(2, np.uint8), quality, quality, np.zeros(1, np.uint8), np.ones((1, number), bool), 1e-3, 1e-5


@kernel(backend="numpy", example=_smallest_site)
def site_sensitivity(
    base: Base,
    base_quality: BaseQuality,
    mapping_quality: MappingQuality,
    reference_base: ReferenceBase,
    considered: Annotated[Symbol, Spec("site genotype", "bool", "genotypes of the reference and the candidates")],
    heterozygosity: Annotated[Symbol, Spec("", "float64", "prior of a heterozygous site", low=1e-6, high=0.1)] = 1e-3,
    fragment_error: Annotated[
        Symbol, Spec("", "float64", "chance that a whole fragment misleads", low=0, high=0.5)
    ] = FRAGMENT_ERROR,
    *,
    ploidy: int = 2,
) -> SiteSensitivity:
    r"""The derivative of the log odds of a variant with respect to every quality, by PyTensor's ``grad``.

    .. math:: L = \max_{g \ne \mathrm{ref}} \log_{10} P(D \mid g) P(g) - \log_{10} P(D \mid \mathrm{ref})
              P(\mathrm{ref}), \qquad \frac{\partial L}{\partial Q_i}, \frac{\partial L}{\partial M_i}

    through the kernels ``genotype_likelihoods`` and ``genotype_posteriors`` of one site.
    """
    site = pt.zeros_like(base, dtype="int64")
    found = genotype_likelihoods.with_static(ploidy=ploidy).expr(
        site, base, base_quality, mapping_quality, reference_base, fragment_error
    )
    posteriors = genotype_posteriors.with_static(ploidy=ploidy).expr(
        found.log10_likelihood, reference_base, considered, heterozygosity
    )
    joint = (found.log10_likelihood + posteriors.log10_prior)[0]
    copies = pt.constant(dosages(ploidy))
    varies = pt.lt(copies[:, reference_base[0].astype("int64")], ploidy)
    variant = pt.switch(varies & considered[0], joint, _NEVER).max()
    odds = variant - pt.switch(varies, _NEVER, joint).max()
    by_base, by_mapping = pytensor.grad(odds, [base_quality, mapping_quality])
    return SiteSensitivity(odds[None], by_base, by_mapping)


class WindowSensitivity(NamedTuple):
    """Of a site of a window."""

    log10_odds: Odds
    by_likelihood: Annotated[Symbol, Spec("read haplotype", "float64", "log10 odds per log10 P(read | haplotype)")]
    by_mapping_quality: Annotated[Symbol, Spec("fragment", "float64", "log10 odds per phred of mapping quality")]


def _smallest_window() -> tuple[Any, ...]:
    copies = np.array([[2, 0], [1, 1], [0, 2]])
    prior, varies = np.log10([0.5, 0.25, 0.25]), np.array([False, True, True])
    return np.zeros((2, 2)), np.arange(2), np.full(2, 60.0), copies, prior, varies


@kernel(backend="numpy", example=_smallest_window)
def window_sensitivity(
    read_likelihood: Annotated[Symbol, Spec("read haplotype", "float64", "log10 P(read | haplotype)")],
    fragment: Annotated[Symbol, Spec("read", "int64", "which fragment the read belongs to", index="fragment")],
    mapping_quality: Annotated[Symbol, Spec("fragment", "float64", "of the better mate", unit="phred", low=0)],
    copies: Annotated[Symbol, Spec("genotype haplotype", "int64", "how often the genotype holds the haplotype", low=0)],
    log10_prior: Annotated[Symbol, Spec("genotype", "float64", "log10 P(genotype), up to a constant")],
    varies: Annotated[Symbol, Spec("genotype", "bool", "the genotype holds an alternate allele of the site")],
    fragment_error: Annotated[
        Symbol, Spec("", "float64", "chance that a whole fragment misleads", low=0, high=0.5)
    ] = FRAGMENT_ERROR,
) -> WindowSensitivity:
    r"""The derivative of the log odds of a site's variants with respect to what each read says and mapping qualities.

    .. math:: L = \log_{10} \sum_{G \ni \mathrm{alt}} P(G \mid D)
              - \log_{10} \sum_{G \not\ni \mathrm{alt}} P(G \mid D)

    over the genotypes of haplotypes, by PyTensor's ``grad`` through the kernel ``haplotype_genotypes``. The pair-HMM's
    own gradient takes it on to the base qualities.
    """
    none = pt.zeros((mapping_quality.shape[0], copies.shape[1]))
    together = pt.inc_subtensor(none[fragment], read_likelihood)
    together = together - together.max(axis=1, keepdims=True)
    misplaced = pt.minimum(10.0 ** (-mapping_quality / 10.0) + fragment_error, 1.0)
    holds = pt.stack([pt.invert(varies), varies])[None]
    found = haplotype_genotypes.definition.expr(together, misplaced, copies, log10_prior, holds)
    odds = found.site_posterior[0, 1] - found.site_posterior[0, 0]
    by_read, by_mapping = pytensor.grad(odds, [read_likelihood, mapping_quality])
    return WindowSensitivity(odds[None], by_read, by_mapping)


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What the log10 odds of a variant rest on.

    Attributes
    ----------
    log10_odds
        Of a variant to none: above 0 it is the more probable.
    bases
        One row a base that matters: its read, place, quality, and ``per_phred``, the change of the log10 odds where its
        quality rises by 1 phred. Positive speaks for the variant. The strongest first.
    reads
        One row a read: ``bases_per_phred`` where all its bases rise by 1 phred, ``mapping_per_phred`` where its mapping
        quality does.
    lowered
        Phred by which the qualities that speak for the verdict must fall, all together, until it turns; NaN if none do.
    """

    contig: str
    position: int
    log10_odds: float
    bases: pd.DataFrame = field(repr=False)
    reads: pd.DataFrame = field(repr=False)
    lowered: float
    flip: str

    def to_frame(self) -> pd.DataFrame:
        """The bases that matter."""
        return self.bases

    @property
    def sentence(self) -> str:
        """What carries the verdict, and the smallest change that turns it."""
        verdict = "a variant" if self.log10_odds > 0 else "no variant"
        said = f"The log10 odds of a variant are {self.log10_odds:+.1f}: {verdict}."
        for name, column in (("base", "bases_per_phred"), ("mapping", "mapping_per_phred")):
            strongest = self.reads[column].abs().sort_values(ascending=False)
            total = float(strongest.sum())
            if total > 0:
                number = int((strongest.cumsum() < 0.5 * total).sum()) + 1
                what = f"{number} of the {len(strongest)} reads have" if number > 1 else "One read has"
                said += f" {what} half of what rests on {name} qualities ({total:.2f} per phred)."
        if np.isfinite(self.lowered):
            said += f" It turns where the base qualities that speak for it are all {self.lowered:.1f} phred lower."
        else:
            said += f" No lowering of base qualities by up to {MOST_LOWERED:.0f} phred turns it."
        return f"{said} {self.flip}"

    def plot(self) -> Any:
        """Bases by read and place, coloured by what they add, and the reads' sums."""
        return import_module("genolab.plots.sensitivity").plot(self)

    def _repr_html_(self) -> str:
        table: str = self.bases.to_html(max_rows=20, show_dimensions=True, notebook=True)
        return table


def lowered_until(odds: Callable[[float], float]) -> float:
    """The smallest lowering (phred) at which the odds change their sign, by bisection; NaN where none does."""
    sign = odds(0.0) > 0
    if (odds(MOST_LOWERED) > 0) == sign:
        return float("nan")
    low, high = 0.0, MOST_LOWERED
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if (odds(middle) > 0) == sign else (low, middle)
    return high


def of_site(
    evidence: Evidence, position: int, found: Assessment, thresholds: Thresholds, ploidy: int, flip: str
) -> Sensitivity:
    """Of a position near no indel, from its assessment."""
    import pandas as pd

    from genolab.call.likelihood import considered_genotypes

    seen, reads = found.observations.used, evidence.wide.reads
    alternates = np.arange(found.candidate.shape[1]) != np.minimum(found.reference[0], 3)
    everything = np.where(found.candidate.any(), found.candidate, alternates[None, :])
    considered = considered_genotypes(everything, found.reference, ploidy)
    made = partial(
        site_sensitivity, reference_base=found.reference, considered=considered,
        heterozygosity=thresholds.heterozygosity, ploidy=ploidy,
    )  # fmt: skip
    result = made(seen.base, seen.base_quality, seen.mapping_quality)
    odds = float(result.log10_odds[0])
    carries = result.by_base_quality * np.sign(odds) > 0

    def after(lowering: float) -> float:
        quality = np.maximum(seen.base_quality - lowering * carries, 0.0)
        return float(made(seen.base, quality, seen.mapping_quality).log10_odds[0])

    bases = pd.DataFrame(
        {
            "read": [reads.names[at] for at in seen.read.tolist()],
            "strand": np.where(seen.reverse, "-", "+"),
            "position": position + 1,
            "base": [BASES[code] for code in seen.base.tolist()],
            "quality": seen.base_quality,
            "per_phred": result.by_base_quality,
        }
    )
    by_read = pd.DataFrame(
        {
            "read": bases["read"], "strand": bases["strand"], "mapping_quality": seen.mapping_quality,
            "bases_per_phred": result.by_base_quality, "mapping_per_phred": result.by_mapping_quality,
        }
    )  # fmt: skip
    lowered = lowered_until(after) if seen.base.size else float("nan")
    return Sensitivity(evidence.region.contig, position + 1, odds, _ordered(bases), _by_read(by_read), lowered, flip)


def of_window(evidence: Evidence, site: SiteOfWindow, flip: str) -> Sensitivity:
    """Of a site of a window: through the genotypes of haplotypes and the pair-HMM to each base of each read."""
    import pandas as pd

    from genolab.call.backward import quality_gradients
    from genolab.call.pairhmm import GAP_EXTENSION, pair_hmm
    from genolab.call.windows import pairs_of

    window, pileup = site.window, evidence.wide
    realigned, fragments = window.realigned, window.fragments
    varies = window.kind[site.number] > 0
    mapped = -10.0 * np.log10(np.maximum(fragments.misplaced - FRAGMENT_ERROR, 1e-12))
    made = partial(
        window_sensitivity, fragment=fragments.fragment, mapping_quality=mapped, copies=window.copies,
        log10_prior=window.log10_prior, varies=varies,
    )  # fmt: skip
    result = made(realigned.by_read)
    odds = float(result.log10_odds[0])
    flat, pairs = pairs_of([realigned], pileup)
    quality = np.asarray(pairs[1])
    slope = quality_gradients(*pairs, np.float64(GAP_EXTENSION), np.zeros(0), result.by_likelihood.ravel())
    carries = slope * np.sign(odds) > 0

    def after(lowering: float) -> float:
        changed = np.maximum(quality - lowering * carries, 0.0)
        likelihood = pair_hmm(pairs[0], changed, *pairs[2:]).log10_likelihood
        return float(made(likelihood.reshape(realigned.by_read.shape)).log10_odds[0])

    cut, reads = realigned.reads, pileup.reads
    length = cut.last - cut.first
    owner = np.repeat(np.arange(cut.read.size), length)
    offset = np.arange(flat.size) - np.repeat(np.cumsum(length) - length, length)
    names = [reads.names[at] for at in cut.read.tolist()]
    strand = np.where((reads.flag[cut.read] & 0x10) != 0, "-", "+")
    bases = pd.DataFrame(
        {
            "read": np.array(names, dtype=object)[owner],
            "strand": strand[owner],
            "position": np.repeat(cut.position, length) + offset + 1,
            "base": [BASES[code] if code < len(BASES) else "N" for code in reads.base[flat].tolist()],
            "quality": quality,
            "per_phred": slope,
        }
    )
    share = result.by_mapping_quality[fragments.fragment]
    by_read = pd.DataFrame(
        {
            "read": names, "strand": strand, "mapping_quality": pileup.mapping_quality[cut.read].astype(np.float64),
            "bases_per_phred": np.bincount(owner, slope, cut.read.size), "mapping_per_phred": share,
        }
    )  # fmt: skip
    contig = evidence.region.contig
    return Sensitivity(contig, site.position + 1, odds, _ordered(bases), _by_read(by_read), lowered_until(after), flip)


def _ordered(bases: pd.DataFrame) -> pd.DataFrame:
    order = np.argsort(-bases["per_phred"].abs().to_numpy(), kind="stable")
    return bases.iloc[order].reset_index(drop=True)


def _by_read(reads: pd.DataFrame) -> pd.DataFrame:
    total = (reads["bases_per_phred"] + reads["mapping_per_phred"]).to_numpy()
    return reads.iloc[np.argsort(-total, kind="stable")].reset_index(drop=True)

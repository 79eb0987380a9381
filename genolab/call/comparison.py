"""The result of comparing calls with a truth: figures by type and size, a curve against QUAL, and every difference."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from genolab.call.alleles import COMPLEX, DELETION, INSERTION, KINDS, SNV, Allele
from genolab.errors import InputError
from genolab.io import Region

if TYPE_CHECKING:
    import pandas as pd

    from genolab.call.calls import VariantCalls

FOUND, DIFFERS, MISSED, FALSE = "found", "genotype differs", "missed", "false"
"""States: of the truth found, found with another genotype or missed; of the calls found, other genotype or false."""

TYPES: dict[str, tuple[str, ...]] = {
    SNV: (SNV,),
    INSERTION: (INSERTION,),
    DELETION: (DELETION,),
    COMPLEX: (COMPLEX,),
    "indel": (INSERTION, DELETION, COMPLEX),
    "all": KINDS,
}
"""What is counted together, by name."""

_DELETED = ((-(10**9), -50), (-49, -16), (-15, -6), (-5, -2), (-1, -1))
SIZES = (*_DELETED, (0, 0), *((-high, -low) for low, high in reversed(_DELETED)))
"""Classes of size in bases: deletions are negative, 0 are SNVs and what is as long as the reference."""

_TRANSITIONS = {("A", "G"), ("G", "A"), ("C", "T"), ("T", "C")}


@dataclass(frozen=True)
class Judged:
    """One allele and what became of it."""

    allele: Allele
    state: str


@dataclass(frozen=True)
class Score:
    """Figures of some alleles; NaN where nothing was counted. ``f1_genotype`` counts a wrong genotype as an error."""

    truth: int
    called: int
    found: int
    true: int
    genotype_differs: int

    @property
    def false(self) -> int:
        """Calls that are not in the truth."""
        return self.called - self.true

    @property
    def missed(self) -> int:
        """Variants of the truth that were not called."""
        return self.truth - self.found

    @property
    def precision(self) -> float:
        """Share of the calls that are true."""
        return _share(self.true, self.called)

    @property
    def recall(self) -> float:
        """Share of the truth that was found."""
        return _share(self.found, self.truth)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, by allele."""
        return _harmonic(self.precision, self.recall)

    @property
    def f1_genotype(self) -> float:
        """The same, where a wrong genotype is one false and one missed."""
        wrong = self.genotype_differs
        return _harmonic(_share(self.true - wrong, self.called), _share(self.found - wrong, self.truth))

    @property
    def genotype_concordance(self) -> float:
        """Share of what was found that has the right genotype."""
        return _share(self.found - self.genotype_differs, self.found)

    def to_dict(self) -> dict[str, float]:
        """All figures by name."""
        names = (
            "truth", "called", "found", "missed", "true", "false", "precision", "recall", "f1", "genotype_differs",
            "genotype_concordance", "f1_genotype",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _harmonic(one: float, other: float) -> float:
    if np.isnan(one) and np.isnan(other):
        return float("nan")
    one, other = (0.0 if np.isnan(each) else each for each in (one, other))
    return 2 * one * other / (one + other) if one + other else 0.0


@dataclass(frozen=True, eq=False)
class Curve:
    """Counts at every threshold of QUAL, the highest first: calls of at least ``quality`` count.

    ``counts`` is ``(threshold, kind, count)`` of :data:`~genolab.call.alleles.KINDS` and :attr:`COUNTS`.
    """

    COUNTS: ClassVar = ("truth", "called", "found", "true", "genotype_differs")

    quality: np.ndarray
    counts: np.ndarray = field(repr=False)

    @staticmethod
    def count(truth: Sequence[Judged], query: Sequence[Judged]) -> np.ndarray:
        """Counts of some judged alleles, ``(kind, count)``."""
        table = np.zeros((len(KINDS), len(Curve.COUNTS)), np.int64)
        for each in truth:
            row = table[KINDS.index(each.allele.kind)]
            row[0] += 1
            row[2] += each.state != MISSED
            row[4] += each.state == DIFFERS
        for each in query:
            row = table[KINDS.index(each.allele.kind)]
            row[1] += 1
            row[3] += each.state != FALSE
        return table

    def score(self, threshold: float, kind: str = "all") -> Score:
        """Figures of the calls whose QUAL is at least a threshold."""
        at = int(np.searchsorted(-self.quality, -threshold, side="right")) - 1
        return score_of(self.counts[max(at, 0)], kind)

    def to_frame(self, kind: str = "all") -> pd.DataFrame:
        """One row a threshold."""
        import pandas as pd

        scores = [score_of(each, kind).to_dict() for each in self.counts]
        return pd.DataFrame(scores).assign(quality=self.quality)[["quality", *scores[0]]]


def score_of(counts: np.ndarray, kind: str) -> Score:
    """Figures of one type from counts by kind."""
    if kind not in TYPES:
        raise InputError("score", "kind", f"one of {', '.join(TYPES)}", repr(kind))
    rows = [KINDS.index(each) for each in TYPES[kind]]
    return Score(*(int(each) for each in counts[rows].sum(axis=0)))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Calls beside a truth.

    Attributes
    ----------
    truth, query
        Every allele of the truth and of the calls that counts, with its state.
    set_aside
        Calls that a filter or the threshold set aside.
    curve
        Counts at every threshold of QUAL, over calls that fail no filter but that of QUAL.
    confident_bases
        Positions that count.
    """

    truth: tuple[Judged, ...] = field(repr=False)
    query: tuple[Judged, ...] = field(repr=False)
    set_aside: tuple[Allele, ...] = field(repr=False)
    curve: Curve = field(repr=False)
    confident_bases: int
    region: Region | None
    min_quality: float
    notices: tuple[str, ...] = ()
    calls: VariantCalls | None = field(default=None, repr=False)
    sources: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def _counts(self) -> np.ndarray:
        return Curve.count(self.truth, self.query)

    def score(self, kind: str = "all") -> Score:
        """Figures of ``SNV``, ``insertion``, ``deletion``, ``complex``, ``indel`` or ``all``."""
        return score_of(self._counts, kind)

    def to_frame(self) -> pd.DataFrame:
        """One row a type."""
        import pandas as pd

        return pd.DataFrame([{"type": kind, **self.score(kind).to_dict()} for kind in TYPES])

    def by_size(self) -> pd.DataFrame:
        """One row a class of size, in bases more or fewer than the reference; classes without alleles are left out."""
        import pandas as pd

        rows = []
        for low, high in SIZES:
            parts = ([one for one in side if low <= one.allele.size <= high] for side in (self.truth, self.query))
            counts = Curve.count(*parts)
            if counts.any():
                shown = f"{low:+d}" if low == high else f"{low:+d} to {high:+d}"
                shown = "0" if not low and not high else shown
                shown = f"{high:+d} and fewer" if low < -(10**6) else f"{low:+d} and more" if high > 10**6 else shown
                rows.append({"bases": shown, **score_of(counts, "all").to_dict()})
        return pd.DataFrame(rows)

    @property
    def transition_ratio(self) -> float:
        """Ti/Tv of the calls' SNVs; about 2.0 to 2.1 over a human genome, 0.5 for random errors."""
        return _transition_ratio(self.query)

    @property
    def truth_transition_ratio(self) -> float:
        """Ti/Tv of the truth's SNVs."""
        return _transition_ratio(self.truth)

    @cached_property
    def false_negatives(self) -> pd.DataFrame:
        """What was missed or has another genotype, with the reason: the caller's own, where the calls are a result."""
        from genolab.call.missed import missed_frame

        return missed_frame(self)

    @cached_property
    def false_positives(self) -> pd.DataFrame:
        """Calls that are not in the truth, or with another genotype, with what made them."""
        from genolab.call.missed import false_frame

        return false_frame(self)

    def plot(self) -> Any:
        """Precision against recall over QUAL, with a threshold to move."""
        return import_module("genolab.plots.compare").plot(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the figures by type, the curve and every difference as JSON."""
        from genolab.call.comparison_file import write_comparison

        return write_comparison(self, path)

    @property
    def provenance(self) -> dict[str, Any]:
        """The files with digests, the region, and the version."""
        from genolab import __version__, io

        made = {name: None if path is None else io.digest(path) for name, path in self.sources.items()}
        own = {"calls_made_by": self.calls.provenance} if self.calls is not None else {}
        region = None if self.region is None else str(self.region)
        return {"genolab": __version__, "inputs": made, "region": region, "min_quality": self.min_quality, **own}

    def __str__(self) -> str:
        snv, indel = self.score(SNV), self.score("indel")
        lines = [
            f"{name}: precision {one.precision:.3f}, recall {one.recall:.3f}, F1 {one.f1:.3f}, "
            f"genotypes right {one.genotype_concordance:.3f} ({one.missed:,} missed, {one.false:,} false)"
            for name, one in (("SNV", snv), ("indel", indel))
        ]
        return "\n".join([*lines, f"Ti/Tv {self.transition_ratio:.2f} (truth {self.truth_transition_ratio:.2f})"])

    def _repr_html_(self) -> str:
        table: str = self.to_frame().to_html(index=False, notebook=True, float_format="{:.4f}".format)
        return table


def _transition_ratio(side: Sequence[Judged]) -> float:
    pairs = [(one.allele.reference, one.allele.alternate) for one in side if one.allele.kind == SNV]
    transitions = sum(pair in _TRANSITIONS for pair in pairs)
    return _share(transitions, len(pairs) - transitions)

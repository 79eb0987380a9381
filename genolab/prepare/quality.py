"""Quality control of a table of counts: which samples and genes to look at before anything is normalised."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import InputError
from genolab.prepare.checks import checked_table
from genolab.prepare.provenance import provenance_of
from genolab.prepare.summaries import libraries_of, moments_of, robust_deviations
from genolab.prepare.table import Table

if TYPE_CHECKING:
    import pandas as pd

LIMIT = 3.0
"""Median absolute deviations beyond which a sample is an outlier."""


@dataclass(frozen=True)
class Quality:
    r"""What a table of counts looks like, sample by sample and gene by gene.

    A sample is an outlier where :math:`\log(1 + N_s)` or :math:`\log(1 + d_s)` is more than ``limit`` median absolute
    deviations (times 1.4826) from the median of all samples, or its share of a gene set that many above. See
    McCarthy et al. 2017, doi:10.1093/bioinformatics/btw777.

    Attributes
    ----------
    samples, genes
        Their names; numbers from 0 where the table had none.
    library_size, detected, zero_fraction : sample
        Sum of the counts; genes with a count; share of the genes without.
    library_deviation, detected_deviation : sample
        Distance from the median in median absolute deviations, of logarithms.
    shares : name of a gene set to a share per sample
        Share of each sample's counts in the set.
    share_deviations : the same
        Their distances from the median.
    reasons : sample
        Why a sample is an outlier, in words; empty where it is none.
    duplicates
        Groups of samples (rows) whose counts are equal throughout.
    mean, variance, samples_detected : gene
        Mean and variance (divisor S - 1) of the counts, and in how many samples there is one.
    limit
        The rule's limit.
    provenance
        Parameters, kernels and version.
    """

    samples: np.ndarray
    genes: np.ndarray = field(repr=False)
    library_size: np.ndarray = field(repr=False)
    detected: np.ndarray = field(repr=False)
    zero_fraction: np.ndarray = field(repr=False)
    library_deviation: np.ndarray = field(repr=False)
    detected_deviation: np.ndarray = field(repr=False)
    shares: dict[str, np.ndarray] = field(repr=False)
    share_deviations: dict[str, np.ndarray] = field(repr=False)
    reasons: np.ndarray = field(repr=False)
    duplicates: tuple[tuple[int, ...], ...]
    mean: np.ndarray = field(repr=False)
    variance: np.ndarray = field(repr=False)
    samples_detected: np.ndarray = field(repr=False)
    limit: float
    provenance: dict[str, Any] = field(repr=False)

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def outlier(self) -> np.ndarray:
        """Which samples are outliers."""
        return np.array([bool(reason) for reason in self.reasons])

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know, in sentences."""
        said = []
        names = [str(self.samples[row]) for row in np.flatnonzero(self.outlier)]
        if names:
            said.append(f"{len(names):,} of {len(self):,} samples are outliers: {_some(names)}.")
        for group in self.duplicates:
            said.append(f"Samples {_some([str(self.samples[row]) for row in group])} have the same counts.")
        empty = int((self.library_size == 0).sum())
        if empty:
            said.append(f"{empty:,} samples have no count at all.")
        unseen = int((self.samples_detected == 0).sum())
        if unseen:
            said.append(f"{unseen:,} of {len(self.genes):,} genes are counted in no sample.")
        return tuple(said)

    def to_frame(self) -> pd.DataFrame:
        """A row per sample."""
        import pandas as pd

        columns: dict[str, Any] = {
            "library_size": self.library_size, "detected": self.detected, "zero_fraction": self.zero_fraction,
            "library_deviation": self.library_deviation, "detected_deviation": self.detected_deviation,
        }  # fmt: skip
        for name, share in self.shares.items():
            columns |= {f"{name}_share": share, f"{name}_deviation": self.share_deviations[name]}
        columns |= {"outlier": self.outlier, "reasons": self.reasons, "duplicate": self._in_group()}
        return pd.DataFrame(columns, index=pd.Index(self.samples, name="sample"))

    def genes_frame(self) -> pd.DataFrame:
        """A row per gene."""
        import pandas as pd

        columns = {"mean": self.mean, "variance": self.variance, "samples_detected": self.samples_detected}
        return pd.DataFrame(columns, index=pd.Index(self.genes, name="gene"))

    def plot(self) -> Any:
        """The picture of the samples; needs the ``lab`` extra."""
        return import_module("genolab.plots.prepare").quality_plot(self)

    def _in_group(self) -> np.ndarray:
        inside = np.zeros(len(self), bool)
        inside[[row for group in self.duplicates for row in group]] = True
        return inside


def quality_control(
    X: Any, *, gene_sets: Mapping[str, Any] | None = None, limit: float = LIMIT, layer: str | None = None
) -> Quality:
    """Look at a table of counts, samples in rows: libraries, detected genes, zeros, outliers, duplicates, genes.

    ``gene_sets`` names sets whose share of the counts is wanted: a prefix of gene names, such as
    ``{"mitochondrial": "MT-"}``, or a mask of the genes. ``limit`` is the outliers' rule (see :class:`Quality`).

    Raises
    ------
    InputError
        What every estimator for counts refuses: fractions, negative numbers, NaN, names that come twice.
    """
    if not limit > 0:
        raise InputError("quality_control", "limit", "a number above 0", repr(limit))
    table = checked_table("quality_control", X, layer=layer, counts=True)
    size, detected = libraries_of(table)
    genes = table.shape[1]
    shares = {name: _share(table, name, chosen, size) for name, chosen in (gene_sets or {}).items()}
    apart = {"library": _deviation(np.log1p(size)), "detected": _deviation(np.log1p(detected))}
    above = {name: _deviation(share) for name, share in shares.items()}
    mean, squares, seen = moments_of(table)
    return Quality(
        samples=_names(table.samples, table.shape[0]), genes=_names(table.genes, genes), library_size=size,
        detected=detected, zero_fraction=1 - detected / genes, library_deviation=apart["library"],
        detected_deviation=apart["detected"], shares=shares, share_deviations=above,
        reasons=_reasons(apart, above, limit), duplicates=tuple(_equal_samples(table)), mean=mean,
        variance=squares / max(table.shape[0] - 1, 1), samples_detected=seen, limit=float(limit),
        provenance=provenance_of(
            "quality_control", {"limit": limit, "gene_sets": {k: _told(v) for k, v in (gene_sets or {}).items()}},
            table, ("libraries", "gene_moments", "robust_deviations"),
        ),
    )  # fmt: skip


def _deviation(value: np.ndarray) -> np.ndarray:
    deviation: np.ndarray = robust_deviations(value).deviation
    return deviation


def _names(given: np.ndarray | None, number: int) -> np.ndarray:
    return np.arange(number) if given is None else given


def _told(chosen: Any) -> Any:
    return chosen if isinstance(chosen, str) else f"{int(np.sum(chosen)):,} genes"


def _share(table: Table, name: str, chosen: Any, size: np.ndarray) -> np.ndarray:
    """The share of each sample's counts in a gene set; 0 for a sample without counts."""
    who, genes = "quality_control", table.shape[1]
    if isinstance(chosen, str):
        if table.genes is None:
            raise InputError(who, "gene_sets", "a mask, as the genes have no names", f"the prefix {chosen!r}")
        mask = np.array([str(gene).startswith(chosen) for gene in table.genes])
    else:
        mask = np.asarray(chosen)
        if mask.shape != (genes,) or mask.dtype != bool:
            found = f"shape {mask.shape} of {mask.dtype}"
            raise InputError(who, "gene_sets", f"a prefix, or a mask of {genes:,} genes, for {name!r}", found)
    if not mask.any():
        raise InputError(who, "gene_sets", f"a set with genes for {name!r}", "none", "Check the prefix: MT- or mt-?")
    inside: np.ndarray = np.asarray(table.held @ mask.astype(np.float64)).ravel()
    return np.divide(inside, size, out=np.zeros_like(size), where=size > 0)


def _reasons(apart: dict[str, np.ndarray], above: dict[str, np.ndarray], limit: float) -> np.ndarray:
    words = {"library": ("small library", "large library"), "detected": ("few genes detected", "many genes detected")}
    said: list[list[str]] = [[] for _ in next(iter(apart.values()))]
    for name, deviation in apart.items():
        for row in np.flatnonzero(np.abs(deviation) > limit):
            said[row].append(words[name][int(deviation[row] > 0)])
    for name, deviation in above.items():
        for row in np.flatnonzero(deviation > limit):
            said[row].append(f"much {name}")
    return np.array([", ".join(each) for each in said], object)


def _equal_samples(table: Table) -> Iterator[tuple[int, ...]]:
    """Groups of rows that are equal and have a count, found by a digest of each."""
    groups: dict[bytes, list[int]] = {}
    for part, values in table.blocks():
        for row, counts in enumerate(values, part.start):
            if not counts.any():
                continue
            groups.setdefault(hashlib.blake2b(counts.tobytes(), digest_size=16).digest(), []).append(row)
    yield from (tuple(rows) for rows in groups.values() if len(rows) > 1)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")

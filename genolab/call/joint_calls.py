"""The result of calling many samples together: sites as rows, samples as columns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.call.calls import PHRED_CAP, VariantCalls
from genolab.call.families import DE_NOVO_RATE
from genolab.call.ploidy import PloidyMap
from genolab.call.thresholds import Thresholds
from genolab.errors import InputError
from genolab.io import Region

if TYPE_CHECKING:
    import pandas as pd

    from genolab.call.evidence import Evidence
    from genolab.call.explanation import Explanation

Genotype = tuple[int, ...] | None


@dataclass(frozen=True)
class JointSite:
    """One record to be. Every list has a member a sample."""

    position: int
    reference: str
    alternates: tuple[str, ...]
    genotype: list[Genotype]  # None where nothing is known of the sample, or it has no copy
    forward: list[tuple[int, ...]]
    reverse: list[tuple[int, ...]]
    log10_likelihood: list[np.ndarray]
    posterior: list[np.ndarray]
    genotype_quality: np.ndarray
    depth: np.ndarray
    de_novo: np.ndarray
    frequency: tuple[float, ...]  # of the alternates, by EM
    columns: dict[str, float]

    def permuted(self, order: Sequence[int]) -> JointSite:
        """The samples in another order."""

        def listed(values: list[Any]) -> list[Any]:
            return [values[at] for at in order]

        index = np.array(order, np.int64)
        return replace(
            self,
            genotype=listed(self.genotype),
            forward=listed(self.forward),
            reverse=listed(self.reverse),
            log10_likelihood=listed(self.log10_likelihood),
            posterior=listed(self.posterior),
            genotype_quality=self.genotype_quality[index],
            depth=self.depth[index],
            de_novo=self.de_novo[index],
        )


@dataclass(frozen=True)
class Prior:
    """What was said of the samples before their reads: families, inbreeding, rate of new mutations, ploidy."""

    ploidies: PloidyMap = field(default_factory=PloidyMap)
    parents: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    inbreeding: float = 0.0
    de_novo_rate: float = DE_NOVO_RATE


@dataclass(frozen=True, eq=False)
class JointCalls:
    """Called sites of several samples, sorted by contig and position.

    Attributes
    ----------
    contig
        Name of each site's contig.
    sites
        Position (0-based), alleles, and for every sample its genotype, fragments by allele and strand, log10
        likelihoods and posteriors of its genotypes in VCF order, GQ and depth; frequencies of the alternates.
    columns
        What the filters look at, a value a site: ``quality`` (that anybody varies), ``genotype_quality`` and ``depth``
        (the best carrier's GQ, all fragments), strand bias and rank sums over the fragments of carriers,
        ``artefact_quality``.
    filters
        Names of the filters that each site fails; empty where it passes.
    samples, reads_paths, samples_in_files
        A name, a file and the name in the file (None: all its reads) for each sample, in the order asked for.
    """

    contig: np.ndarray = field(repr=False)
    sites: list[JointSite] = field(repr=False)
    columns: dict[str, np.ndarray] = field(repr=False)
    filters: list[tuple[str, ...]] = field(repr=False)
    thresholds: Thresholds
    samples: tuple[str, ...]
    reads_paths: tuple[Path, ...]
    samples_in_files: tuple[str | None, ...]
    reference_path: Path
    prior: Prior
    regions: tuple[Region, ...]
    contigs: dict[str, int] = field(repr=False)
    notices: tuple[str, ...] = ()
    evidences: tuple[Evidence, ...] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.sites)

    @property
    def position(self) -> np.ndarray:
        """0-based position of each site."""
        return np.array([each.position for each in self.sites], np.int64)

    @property
    def passed(self) -> np.ndarray:
        """True where no filter was failed."""
        return np.array([not names for names in self.filters], dtype=bool)

    def genotype_text(self, site: int, sample: int) -> str:
        """A genotype as VCF writes it: ``0/1``, ``1`` for one copy, ``.`` or ``./.`` where nothing is known."""
        found = self.sites[site].genotype[sample]
        if found is not None:
            return "/".join(map(str, found))
        copies = self.copies(site, sample)
        return "/".join(["."] * max(copies, 1))

    def copies(self, site: int, sample: int) -> int:
        """Copies that a sample has at a site."""
        each = self.sites[site]
        return self.prior.ploidies.at(self.samples[sample], str(self.contig[site]), each.position)

    def allele_counts(self, site: int) -> tuple[tuple[int, ...], int]:
        """AC of each alternate, and AN: copies over the samples whose genotype is known."""
        one = self.sites[site]
        known = [allele for genotype in one.genotype if genotype is not None for allele in genotype]
        return tuple(known.count(allele) for allele in range(1, len(one.alternates) + 1)), len(known)

    def phred_likelihoods(self, site: int, sample: int) -> tuple[int, ...]:
        """PL: the sample's genotypes in VCF order, against the likeliest, capped at 9,999."""
        likelihood = self.sites[site].log10_likelihood[sample]
        phred = np.rint(-10.0 * (likelihood - likelihood.max()))
        return tuple(int(min(each, PHRED_CAP)) for each in phred)

    def to_frame(self) -> pd.DataFrame:
        """One row a site, with ``genotype``, ``genotype_quality``, ``depth`` and ``allele_depth`` of each sample."""
        import pandas as pd

        counts = [self.allele_counts(site) for site in range(len(self))]
        sites = self.sites
        frame: dict[str, Any] = {
            "contig": self.contig,
            "position": self.position + 1,
            "reference": [each.reference for each in sites],
            "alternate": [",".join(each.alternates) for each in sites],
            "quality": self.columns["quality"],
            "filter": [";".join(names) or "PASS" for names in self.filters],
            "allele_count": [",".join(map(str, count)) for count, _ in counts],
            "allele_number": np.array([number for _, number in counts], np.int64),
            "frequency": [",".join(f"{each:.3g}" for each in one.frequency) for one in sites],
        }
        for at, name in enumerate(self.samples):
            frame[f"{name} genotype"] = [self.genotype_text(site, at) for site in range(len(self))]
            frame[f"{name} genotype_quality"] = np.array([each.genotype_quality[at] for each in sites], np.float64)
            frame[f"{name} depth"] = np.array([each.depth[at] for each in sites], np.int64)
            frame[f"{name} allele_depth"] = [
                ",".join(str(a + b) for a, b in zip(each.forward[at], each.reverse[at], strict=True)) for each in sites
            ]
        return pd.DataFrame(frame)

    def of(self, sample: str) -> VariantCalls:
        """The sites at which one sample has an alternate allele, as calls of its own, with its reads if in memory."""
        at = self.number(sample)
        chosen = [number for number, each in enumerate(self.sites) if any(each.genotype[at] or ())]
        sites = [self.sites[number] for number in chosen]
        columns = {name: values[chosen] for name, values in self.columns.items()}
        columns["genotype_quality"] = np.array([each.genotype_quality[at] for each in sites], np.float64)
        columns["depth"] = np.array([each.depth[at] for each in sites], np.float64)
        shares = [_share(each.forward[at], each.reverse[at], each.genotype[at]) for each in sites]
        columns["allele_balance"] = np.array(shares, np.float64)
        ploidies = self.prior.ploidies
        return VariantCalls(
            contig=self.contig[chosen],
            position=np.array([each.position for each in sites], np.int64),
            reference=[each.reference for each in sites],
            alternates=[each.alternates for each in sites],
            genotype=[each.genotype[at] or () for each in sites],
            forward=[each.forward[at] for each in sites],
            reverse=[each.reverse[at] for each in sites],
            log10_likelihood=[each.log10_likelihood[at] for each in sites],
            columns=columns,
            filters=[self.filters[number] for number in chosen],
            thresholds=self.thresholds,
            ploidy=ploidies.usual,
            sample=sample,
            sample_in_file=self.samples_in_files[at],
            regions=self.regions,
            contigs=self.contigs,
            reads_path=self.reads_paths[at],
            reference_path=self.reference_path,
            notices=self.notices,
            evidence=None if self.evidences is None else self.evidences[at],
            ploidies=ploidies,
        )

    def number(self, sample: str) -> int:
        """Which of the samples a name is."""
        if sample not in self.samples:
            known = ", ".join(self.samples[:10])
            raise InputError("JointCalls", "sample", "one that was called", repr(sample), f"There are {known}.")
        return self.samples.index(sample)

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write a VCF 4.3 with a column a sample: ``.vcf``, ``.vcf.gz`` with its index, or ``.bcf``."""
        from genolab.call.joint_records import to_joint_records
        from genolab.io import write_variants

        write_variants(to_joint_records(self), path)
        return Path(path)

    def explain(self, contig: str, position: int, sample: str | None = None) -> Explanation:
        """Why a position (1-based) was or was not called in one sample, the first if None: its reads, and the others'.

        What the other samples add is a step of its own.
        """
        from genolab.call.explain_joint import explain_joint

        return explain_joint(self, contig, position, self.samples[0] if sample is None else sample)

    def plot(self, sample: str | None = None) -> Any:
        """Coverage, calls and reads of one sample as a live figure."""
        return self.of(self.samples[0] if sample is None else sample).plot()

    def report(self, path: str | os.PathLike[str], sample: str | None = None, *, code: str = "") -> Path:
        """Write one HTML file: all sites and samples, one sample's live plots and why it was called, and provenance.

        The sample is the first if None; ``code`` are calls to show beside it.

        Raises
        ------
        InputError, FileError
            If the name does not end in .html, the sample was not called, or the file cannot be written.
        """
        write = import_module("genolab.plots.report").write
        sections = import_module("genolab.plots.report_reads").of_joint(self, sample=sample, code=code)
        written: Path = write(sections, path)
        return written

    @property
    def provenance(self) -> dict[str, Any]:
        """What made these calls: inputs with digests, regions, thresholds, priors, kernels and versions."""
        from genolab.call.provenance import provenance_of_joint

        return provenance_of_joint(self)

    @cached_property
    def _rows(self) -> dict[tuple[str, int], list[int]]:
        found: dict[tuple[str, int], list[int]] = {}
        for at, (contig, each) in enumerate(zip(self.contig, self.sites, strict=True)):
            found.setdefault((str(contig), each.position), []).append(at)
        return found

    def sites_at(self, contig: str, position: int) -> list[int]:
        """The sites whose record stands at a position (0-based)."""
        return self._rows.get((contig, position), [])

    def _repr_html_(self) -> str:
        table: str = self.to_frame().to_html(max_rows=20, show_dimensions=True, notebook=True)
        return table


def _share(forward: tuple[int, ...], reverse: tuple[int, ...], genotype: Genotype) -> float:
    """Alternate fragments over all that tell, NaN where the genotype is not heterozygous."""
    if genotype is None or len(set(genotype)) < 2:
        return float("nan")
    depth = [a + b for a, b in zip(forward, reverse, strict=True)]
    return sum(depth[1:]) / max(sum(depth), 1)


def join_joint(parts: list[JointCalls]) -> JointCalls:
    """Calls of consecutive regions as one result; the reads themselves are let go of."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return replace(
        first,
        contig=np.concatenate([part.contig for part in parts]),
        sites=[site for part in parts for site in part.sites],
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns},
        filters=[names for part in parts for names in part.filters],
        regions=tuple(region for part in parts for region in part.regions),
        notices=tuple(dict.fromkeys(notice for part in parts for notice in part.notices)),
        evidences=None,
    )

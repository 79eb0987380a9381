"""The result: called sites as columns, to a table, a file, a picture or an explanation."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.call.ploidy import PloidyMap
from genolab.call.thresholds import Thresholds
from genolab.errors import InputError
from genolab.io import Region

if TYPE_CHECKING:
    import pandas as pd

    from genolab.call.error_model import ErrorModel
    from genolab.call.evidence import Evidence
    from genolab.call.explanation import Explanation

GENOTYPE_QUALITY_CAP = 99
"""GQ beyond this is written as this, as every caller does: no model is that sure."""

PHRED_CAP = 9_999


@dataclass(frozen=True, eq=False)
class VariantCalls:
    """Called sites, sorted by contig and position. All arrays have the axis ``site`` first.

    Attributes
    ----------
    contig, position, reference
        Contig name, 0-based position, reference allele as text; an indel begins with the base before it.
    alternates, genotype
        The alternate alleles; the genotype as indices into reference and alternates.
    forward, reverse
        Fragments that show each allele, by strand. One that ends inside a repeat shows none of its lengths.
    log10_likelihood
        Of every genotype of the alleles, in VCF order, the likeliest 0.
    columns
        What the filters look at: ``quality``, ``genotype_quality``, ``depth``, ``fisher_strand``, ...
    filters
        Names of the filters that each site fails; empty where it passes.
    ploidy, ploidies
        Copies of each chromosome, and where they differ by place the rules.
    sample, sample_in_file
        The sample's name, as the file is written; the sample asked for among several, None where all reads were taken.
    """

    contig: np.ndarray = field(repr=False)
    position: np.ndarray = field(repr=False)
    reference: list[str] = field(repr=False)
    alternates: list[tuple[str, ...]] = field(repr=False)
    genotype: list[tuple[int, ...]] = field(repr=False)
    forward: list[tuple[int, ...]] = field(repr=False)
    reverse: list[tuple[int, ...]] = field(repr=False)
    log10_likelihood: list[np.ndarray] = field(repr=False)
    columns: dict[str, np.ndarray] = field(repr=False)
    filters: list[tuple[str, ...]] = field(repr=False)
    thresholds: Thresholds
    ploidy: int
    sample: str
    sample_in_file: str | None
    regions: tuple[Region, ...]
    contigs: dict[str, int] = field(repr=False)
    reads_path: Path
    reference_path: Path
    notices: tuple[str, ...] = ()
    evidence: Evidence | None = field(default=None, repr=False)
    error_model: ErrorModel | None = field(default=None, repr=False)
    ploidies: PloidyMap | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return self.position.size

    @property
    def passed(self) -> np.ndarray:
        """True where no filter was failed."""
        return np.array([not names for names in self.filters], dtype=bool)

    @property
    def is_indel(self) -> np.ndarray:
        """True where an allele has another length than the reference's."""
        pairs = zip(self.reference, self.alternates, strict=True)
        return np.array([any(len(each) != len(one) for each in others) for one, others in pairs], dtype=bool)

    def where(self, keep: np.ndarray) -> VariantCalls:
        """The calls that a mask keeps."""
        chosen = np.flatnonzero(keep).tolist()

        def listed(values: list[Any]) -> list[Any]:
            return [values[at] for at in chosen]

        return replace(
            self,
            contig=self.contig[chosen],
            position=self.position[chosen],
            reference=listed(self.reference),
            alternates=listed(self.alternates),
            genotype=listed(self.genotype),
            forward=listed(self.forward),
            reverse=listed(self.reverse),
            log10_likelihood=listed(self.log10_likelihood),
            columns={name: values[chosen] for name, values in self.columns.items()},
            filters=listed(self.filters),
        )

    def allele_depth(self, site: int) -> tuple[int, ...]:
        """Fragments that show the reference and each alternate allele."""
        return tuple(a + b for a, b in zip(self.forward[site], self.reverse[site], strict=True))

    def phred_likelihoods(self, site: int) -> tuple[int, ...]:
        """PL: the genotypes of reference and alternates in VCF order, against the likeliest, capped at 9,999."""
        likelihood = self.log10_likelihood[site]
        phred = np.rint(-10.0 * (likelihood - likelihood.max()))
        return tuple(int(min(each, PHRED_CAP)) for each in phred)

    def genotype_text(self, site: int) -> str:
        """The genotype as VCF writes it, such as ``0/1``."""
        return "/".join(map(str, self.genotype[site]))

    def to_frame(self) -> pd.DataFrame:
        """One row a call; ``position`` is 1-based, as in the file."""
        import pandas as pd

        depths = [self.allele_depth(site) for site in range(len(self))]
        return pd.DataFrame(
            {
                "contig": self.contig,
                "position": self.position + 1,
                "reference": self.reference,
                "alternate": [",".join(each) for each in self.alternates],
                "quality": self.columns["quality"],
                "filter": [";".join(names) or "PASS" for names in self.filters],
                "genotype": [self.genotype_text(site) for site in range(len(self))],
                "genotype_quality": self.columns["genotype_quality"],
                "depth": self.columns["depth"].astype(np.int64),
                "allele_depth": [",".join(map(str, each)) for each in depths],
                "allele_balance": self.columns["allele_balance"],
                "fisher_strand": self.columns["fisher_strand"],
                "strand_odds_ratio": self.columns["strand_odds_ratio"],
                "read_position_rank_sum": self.columns["read_position_rank_sum"],
                "mapping_quality_rank_sum": self.columns["mapping_quality_rank_sum"],
                "base_quality_rank_sum": self.columns["base_quality_rank_sum"],
                "artefact_quality": self.columns["artefact_quality"],
            }
        )

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write a VCF 4.3: plain (``.vcf``), compressed and indexed (``.vcf.gz``), or BCF (``.bcf``).

        A name in ``.g.vcf``, ``.g.vcf.gz`` or ``.g.bcf`` gets a gVCF: the reads are gone through once more, for what
        lies between the variants; see :func:`~genolab.call.stream.call_to_file`.
        """
        if Path(path).name.lower().endswith((".g.vcf", ".g.vcf.gz", ".g.vcf.bgz", ".g.bcf")):
            from genolab.call.stream import call_to_file

            call_to_file(
                self.reads_path, self.reference_path, path, self.regions, gvcf=True, sample=self.sample,
                ploidy=self.ploidies or self.ploidy, thresholds=self.thresholds,
            )  # fmt: skip
            return Path(path)
        from genolab.call.records import to_records
        from genolab.io import write_variants

        write_variants(to_records(self), path)
        return Path(path)

    def explain(self, contig: str, position: int) -> Explanation:
        """Why a position (1-based) was or was not called: every fragment, the prior, and the step that decides."""
        from genolab.call.evidence import evidence_at
        from genolab.call.explanation import explain

        if contig not in self.contigs or not 1 <= position <= self.contigs[contig]:
            expected = f"a position of the contigs of {self.reads_path.name}"
            raise InputError("explain", "position", expected, f"{contig}:{position:,}")
        evidence = evidence_at(self, contig, position - 1)
        return explain(evidence, position - 1, self.thresholds, self.ploidy_at(contig, position - 1))

    def ploidy_at(self, contig: str, position: int) -> int:
        """Copies of a position (0-based); at least 1, so that what reads say can be shown where there are none."""
        if self.ploidies is None:
            return self.ploidy
        return max(self.ploidies.at(self.sample, contig, position), 1)

    def plot(self) -> Any:
        """Coverage, calls and reads as a live figure."""
        return import_module("genolab.plots.call").plot(self)

    def report(self, path: str | os.PathLike[str], *, code: str = "") -> Path:
        """Write one HTML file: live plots, why the first call was made, the table, and where all of it is from.

        It opens anywhere and asks for nothing; ``code`` are calls to show beside it.

        Raises
        ------
        InputError, FileError
            If the name does not end in .html, or the file cannot be written.
        """
        write = import_module("genolab.plots.report").write
        written: Path = write(import_module("genolab.plots.report_sections").of_calls(self, code=code), path)
        return written

    @property
    def provenance(self) -> dict[str, Any]:
        """What made these calls: inputs with digests, region, thresholds, kernels and versions."""
        from genolab.call.provenance import provenance_of

        return provenance_of(self)

    def _repr_html_(self) -> str:
        # pandas escapes the text
        table: str = self.to_frame().to_html(max_rows=20, show_dimensions=True, notebook=True)
        return table


def join(parts: list[VariantCalls]) -> VariantCalls:
    """Calls of consecutive regions as one result; the reads themselves are let go of."""
    first = parts[0]
    if len(parts) == 1:
        return first

    def stacked(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    def listed(name: str) -> list[Any]:
        return [each for part in parts for each in getattr(part, name)]

    return replace(
        first,
        contig=stacked("contig"),
        position=stacked("position"),
        reference=listed("reference"),
        alternates=listed("alternates"),
        genotype=listed("genotype"),
        forward=listed("forward"),
        reverse=listed("reverse"),
        log10_likelihood=listed("log10_likelihood"),
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns},
        filters=listed("filters"),
        regions=tuple(region for part in parts for region in part.regions),
        notices=tuple(dict.fromkeys(notice for part in parts for notice in part.notices)),
        evidence=None,
    )

"""The variants around a gene: their dosages for the samples whose expression is known."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import InputError
from genolab.predict import cohort as cohorts

if TYPE_CHECKING:
    import pandas as pd

WHO = "cis_window"
MOST_VARIANTS = 50_000


@dataclass(frozen=True)
class CisWindow:
    """Dosages [sample, variant] (pandas) of the variants within ``window`` bases of a gene, and their ``position``.

    Positions, ``start`` and ``end`` are 0-based and half-open. ``notices`` say which samples had no genotypes.
    """

    dosages: pd.DataFrame = field(repr=False)
    position: np.ndarray = field(repr=False)
    contig: str
    start: int
    end: int
    window: int
    notices: tuple[str, ...] = ()

    def rows(self, index: Any) -> np.ndarray:
        """The numbers of the samples in a table's index, in the order of the dosages.

        Raises
        ------
        InputError
            If a sample of the dosages is not in the index.
        """
        place = {str(name): number for number, name in enumerate(index)}
        missing = [name for name in self.dosages.index if name not in place]
        if missing:
            raise InputError(WHO, "samples", "samples of the table of expression", repr(missing[0]))
        return np.array([place[name] for name in self.dosages.index])


def cis_window(
    genotypes: Any, samples: Any, genes: pd.DataFrame, gene: str, *, window: int = 1_000_000
) -> CisWindow:  # fmt: skip
    """The variants around a gene, for the samples that have both genotypes and expression.

    Parameters
    ----------
    genotypes
        PLINK or VCF genotypes (:func:`genolab.io.read_plink`, :func:`genolab.io.read_dosages`), or a path.
    samples
        The names of the samples of the table of expression, in its order.
    genes
        A table with ``contig``, ``start`` and ``end`` (0-based, half-open) and the gene's name in ``name`` or ``gene``.
    gene
        Which of them.
    window
        Bases to either side of the gene.

    Raises
    ------
    InputError
        A gene without a place, no sample in common, no variant in the window, or more than 50,000.
    """
    import pandas as pd

    cohort = cohorts.cohort_of(WHO, genotypes)
    column = next((name for name in ("name", "gene") if name in genes), None)
    absent = [name for name in ("contig", "start", "end") if name not in genes]
    if column is None or absent:
        raise InputError(WHO, "genes", "columns name, contig, start and end", ", ".join(map(str, genes.columns)))
    rows = genes[genes[column].astype(str) == gene]
    if len(rows) != 1:
        fix = "Add a line with its contig, start, end and name." if not len(rows) else "Keep one of its places."
        raise InputError(WHO, "genes", f"one place of {gene!r}", f"{len(rows)} of {len(genes):,} lines", fix)
    contig, start, end = str(rows["contig"].iloc[0]), int(rows["start"].iloc[0]), int(rows["end"].iloc[0])
    contigs, places = getattr(cohort.source, "contig", None), getattr(cohort.source, "position", None)
    if contigs is None or places is None or cohort.samples is None:
        raise InputError(WHO, "genotypes", "a PLINK or VCF file", "a table, which has no places", "Name the file.")
    near = (contigs.astype(str) == contig) & (places >= start - window) & (places < end + window)
    chosen = np.flatnonzero(near)
    if not chosen.size:
        known = ", ".join(map(str, pd.unique(contigs)[:5]))
        fix = "Widen the window, or spell the contig as in the genotypes."
        raise InputError(WHO, "window", f"variants near {contig}:{start + 1:,}-{end:,}", f"none; contigs {known}", fix)
    if chosen.size > MOST_VARIANTS:
        raise InputError(WHO, "window", f"at most {MOST_VARIANTS:,} variants", f"{chosen.size:,}", "Narrow the window.")
    names = {str(name): number for number, name in enumerate(cohort.samples)}
    wanted = [str(name) for name in samples]
    both = [name for name in wanted if name in names]
    if not both:
        first = f"expression has {wanted[0]!r} ..., genotypes {next(iter(names))!r} ..."
        raise InputError(WHO, "samples", "names that expression and genotypes share", first, "Spell them alike.")
    lost, further = len(wanted) - len(both), len(names) - len(both)
    said = [f"{lost:,} samples of the table have no genotypes"] * bool(lost)
    said += [f"{further:,} samples of the genotypes have no expression"] * bool(further)
    table = np.empty((len(both), chosen.size), np.float32)
    number, column_of = np.array([names[name] for name in both]), np.full(cohort.shape[1], -1)
    column_of[chosen] = np.arange(chosen.size)
    for part, dosage in cohort.blocks():
        hit = column_of[part] >= 0
        if hit.any():
            table[:, column_of[part][hit]] = dosage[hit][:, number].T
    labels = _labels(cohort.source, chosen)
    return CisWindow(
        pd.DataFrame(table, index=both, columns=labels), np.asarray(places)[chosen].astype(np.int64), contig, start,
        end, window, (*getattr(cohort.source, "notices", ()), *(f"{each}: left out." for each in said)),
    )  # fmt: skip


def _labels(source: Any, chosen: np.ndarray) -> list[str]:
    """A name for each variant: its identifier; its place where it has none or another has the same."""
    names = [str(source.identifier[k]) for k in chosen]
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    return [
        name if name not in (".", "") and seen[name] == 1 else f"{source.contig[k]}:{source.position[k] + 1}#{k + 1}"
        for name, k in zip(names, chosen, strict=True)
    ]


def read_gene_places(path: str | os.PathLike[str]) -> pd.DataFrame:
    """The genes of a BED file with names (contig, start, end, name), 0-based and half-open.

    Raises
    ------
    FileError
        What :func:`genolab.io.read_bed` refuses.
    InputError
        If no line has a name.
    """
    from genolab import io

    table = io.read_bed(path).to_frame()
    if not table["name"].astype(str).str.strip().any():
        raise InputError(WHO, "genes", "a BED file with gene names in its fourth column", "none", "Add the names.")
    return table

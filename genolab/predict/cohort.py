"""Genotypes as risk models take them: from PLINK files or tables, standardised, missing ones at the mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genolab.errors import InputError

MOST_BYTES = 2 * 2**30
"""Memory that unpacked genotypes may take; beyond it only the variants of strongest marginal effect are unpacked."""
BLOCK = 1024


@dataclass(frozen=True)
class Cohort:
    """Samples by variants; ``source`` gives dosages [variant, sample] block by block, NaN or -1 where missing."""

    source: Any = field(repr=False)
    samples: np.ndarray | None
    shape: tuple[int, int]

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Dosages [variant, sample], float32, NaN where missing."""
        if hasattr(self.source, "blocks"):
            for part, held in self.source.blocks(BLOCK):
                dosage = held.astype(np.float32)
                dosage[held < 0] = np.nan
                yield part, dosage
            return
        for first in range(0, self.shape[1], BLOCK):
            part = slice(first, min(first + BLOCK, self.shape[1]))
            yield part, np.ascontiguousarray(self.source[:, part].T)


def cohort_of(who: str, X: Any) -> Cohort:
    """PLINK genotypes, dosages of a VCF or BCF (by object or path), or a table of dosages 0 to 2."""
    import os

    from genolab.io.dosages import Dosages, read_dosages
    from genolab.io.plink import Genotypes, genotypes_of, read_plink

    if isinstance(X, str | os.PathLike):
        is_vcf = os.fspath(X).lower().endswith((".vcf", ".vcf.gz", ".vcf.bgz", ".bcf"))
        X = read_dosages(X) if is_vcf else read_plink(X)
    if isinstance(X, Genotypes | Dosages):
        return Cohort(X, X.samples, X.shape)
    names = X.index.to_numpy() if hasattr(X, "index") else None
    table = genotypes_of(X.to_numpy() if hasattr(X, "to_numpy") else X)
    return Cohort(table, names, (table.shape[0], table.shape[1]))


@dataclass(frozen=True)
class Standard:
    """What brings dosages to mean 0 and variance 1: learnt from the training samples; 0 scale for no variation."""

    mean: np.ndarray
    scale: np.ndarray

    def rows(self, dosage: np.ndarray, part: slice) -> np.ndarray:
        """Standardised [variant, sample]; missing genotypes are at the mean."""
        scale = self.scale[part, None]
        out = (dosage - self.mean[part, None]) / np.where(scale > 0, scale, 1)
        out[np.isnan(out) | (scale == 0)] = 0
        return out.astype(np.float32, copy=False)


def standard_of(cohort: Cohort, chosen: np.ndarray) -> Standard:
    """Mean and standard deviation of each variant over the chosen samples."""
    mean, scale = np.zeros(cohort.shape[1], np.float32), np.zeros(cohort.shape[1], np.float32)
    for part, dosage in cohort.blocks():
        held = dosage[:, chosen]
        known = ~np.isnan(held)
        number = np.maximum(known.sum(axis=1), 1)
        mean[part] = np.where(known, held, 0).sum(axis=1) / number
        centred = np.where(known, held - mean[part, None], 0)
        scale[part] = np.sqrt((centred**2).sum(axis=1) / number)
    scale[scale < 1e-6] = 0
    return Standard(mean, scale)


def relationship(cohort: Cohort, standard: Standard, chosen: np.ndarray) -> np.ndarray:
    """The genetic relationship of the chosen samples: mean product of standardised genotypes."""
    total = np.zeros((chosen.size, chosen.size), np.float64)
    for part, dosage in cohort.blocks():
        rows = standard.rows(dosage[:, chosen], part)
        total += rows.T @ rows
    return total / max(int((standard.scale > 0).sum()), 1)


def products(cohort: Cohort, standard: Standard, chosen: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Standardised genotypes times vectors over the chosen samples [variant, vector]."""
    out = np.zeros((cohort.shape[1], vectors.shape[1]), np.float64)
    for part, dosage in cohort.blocks():
        out[part] = standard.rows(dosage[:, chosen], part) @ vectors.astype(np.float32)
    return out


def scores(cohort: Cohort, standard: Standard, weights: np.ndarray) -> np.ndarray:
    """Sums of standardised genotypes times weights [sample, model], block by block."""
    out = np.zeros((cohort.shape[0], weights.shape[1]))
    for part, dosage in cohort.blocks():
        if weights[part].any():
            out += standard.rows(dosage, part).T @ weights[part].astype(np.float32)
    return out


def unpacked(cohort: Cohort, standard: Standard, chosen: np.ndarray, variants: np.ndarray) -> np.ndarray:
    """Standardised genotypes [variant, sample] of some variants."""
    out, place = np.empty((variants.size, chosen.size), np.float32), np.full(cohort.shape[1], -1)
    place[variants] = np.arange(variants.size)
    for part, dosage in cohort.blocks():
        wanted = place[part] >= 0
        if wanted.any():
            out[place[part][wanted]] = standard.rows(dosage[:, chosen], part)[wanted]
    return out


def covariates_of(who: str, covariates: Any, samples: int) -> np.ndarray:
    """Covariates [sample, covariate], float64; a missing one is refused with its row."""
    if covariates is None:
        return np.zeros((samples, 0))
    table = np.asarray(covariates, np.float64)
    table = table[:, None] if table.ndim == 1 else table
    if table.ndim != 2 or len(table) != samples:
        raise InputError(who, "covariates", f"a row for each of {samples:,} samples", f"shape {table.shape}")
    if not np.isfinite(table).all():
        row, column = (int(place[0]) for place in np.nonzero(~np.isfinite(table)))
        fix = "Impute it, or leave the sample out."
        raise InputError(who, "covariates", "known for every sample", f"NaN in row {row}, column {column}", fix)
    return table

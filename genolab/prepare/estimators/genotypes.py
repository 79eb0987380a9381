"""The estimator that fills gaps in genotypes from reference haplotypes, and says how sure it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.prepare import haplotypes
from genolab.prepare.estimators.base import Preparation
from genolab.prepare.estimators.imputers import positive
from genolab.prepare.table import Table

METHODS = ("hmm", "nearest", "mode")


class GenotypeImputer(Preparation):
    r"""Fill gaps in genotypes from a panel of reference haplotypes; samples in rows, sites in columns.

    :meth:`fit` takes the panel: haplotypes (0 or 1, without gaps) in rows, sites in the order of the chromosome in
    columns. :meth:`transform` takes targets at the same sites: copies of allele 1 (0, 1, 2; with ``ploidy=1`` alleles),
    NaN where not known, not phased. Known values stay.

    The hidden Markov model copies the panel's H haplotypes piece by piece: between sites :math:`d` bases apart a
    haplotype changes with :math:`s = 1 - \exp(-4 N_e \rho d / H)`, and an allele differs from the copied one with
    :math:`\varepsilon = \theta / (2 (\theta + H))`, :math:`\theta = 1 / \sum_{m=1}^{H-1} 1/m`. See Li and Stephens
    2003, doi:10.1093/genetics/165.4.2213. Time and memory grow with :math:`H^2` (``ploidy=1``: H).

    Parameters
    ----------
    method
        ``"hmm"``; ``"nearest"``: the mean over the ``n_neighbors`` haplotypes (pairs of haplotypes) that differ least
        over all known sites; ``"mode"``: the likeliest genotype by the panel's allele frequency.
    positions
        Positions of the sites on one chromosome, in bases, rising; the HMM needs them.
    ploidy
        2 or 1.
    recombination_rate
        :math:`\rho`, per base and generation; 1e-8 is man's.
    effective_size
        :math:`N_e`; 10,000 is man's.
    error
        :math:`\varepsilon`; ``None`` takes the formula above.
    n_neighbors
        Haplotypes, or pairs, of ``"nearest"``.
    output
        ``"genotype"``: the likeliest; ``"dosage"``: the expected number of copies.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``imputed_genotypes``.

    Attributes
    ----------
    panel_ : haplotype by site
        The reference.
    switch_, error_
        What the model uses: the chance of a change before each site, and of another allele.
    """

    _takes_missing = True
    _takes_sparse = False
    _writes = "imputed_genotypes"

    def __init__(
        self, method: str = "hmm", positions: Any = None, ploidy: int = 2, recombination_rate: float = 1e-8,
        effective_size: float = 10_000, error: float | None = None, n_neighbors: int = 5, output: str = "genotype",
        layer: str | None = None,
    ) -> None:  # fmt: skip
        self.method, self.positions, self.ploidy, self.recombination_rate = (
            method,
            positions,
            ploidy,
            recombination_rate,
        )
        self.effective_size, self.error, self.n_neighbors, self.output = effective_size, error, n_neighbors, output
        self.layer = layer

    def posteriors(self, X: Any) -> np.ndarray:
        """The chance of each genotype (target, site, copies of allele 1); of a known value 1 for what is known."""
        table = self._read(X, fitting=False)
        return self._posteriors(self._observed(table))

    def where_imputed(self, X: Any) -> Any:
        """Which values :meth:`transform` makes, as the kind of table that was given (AnnData: layer ``is_imputed``)."""
        table = self._read(X, fitting=False)
        return table.rebuilt(np.isnan(table.values), "is_imputed")

    def _learn(self, table: Table, y: Any) -> None:
        who = "GenotypeImputer"
        for name, known in (("method", METHODS), ("ploidy", (1, 2)), ("output", ("genotype", "dosage"))):
            if getattr(self, name) not in known:
                raise InputError(who, name, f"one of {', '.join(map(str, known))}", repr(getattr(self, name)))
        positive(who, "n_neighbors", self.n_neighbors)
        _check_alleles(table, 1, False, "a panel of haplotypes, 0 or 1 without gaps", "Phase and complete it first.")
        self.panel_ = table.values.astype(np.int8)
        number, sites = table.shape
        theta = 1 / sum(1 / m for m in range(1, number)) if number > 1 else 1.0
        self.error_ = theta / (2 * (theta + number)) if self.error is None else float(self.error)
        if not 0 < self.error_ <= 0.5:
            raise InputError(who, "error", "a chance above 0, at most 0.5", repr(self.error))
        if self.method == "hmm":
            apart = np.diff(self._checked_positions(sites), prepend=np.nan)
            rate = 4 * self.effective_size * self.recombination_rate / number
            if not rate > 0:
                raise InputError(who, "recombination_rate", "rates and sizes above 0", f"{rate:g}")
            self.switch_ = np.where(np.isnan(apart), 1.0, -np.expm1(-rate * apart))

    def _checked_positions(self, sites: int) -> np.ndarray:
        if self.positions is None:
            fix = "Give positions=, in bases."
            raise InputError("GenotypeImputer", "positions", f"the positions of {sites:,} sites", "nothing", fix)
        found = np.asarray(self.positions, float)
        if found.shape != (sites,) or not np.isfinite(found).all():
            raise InputError("GenotypeImputer", "positions", f"{sites:,} numbers, one per site", f"shape {found.shape}")
        back = np.flatnonzero(np.diff(found) < 0)
        if back.size:
            at = int(back[0])
            place = f"{found[at + 1]:,.0f} after {found[at]:,.0f}, at site {at + 1:,}"
            raise InputError("GenotypeImputer", "positions", "positions that rise", place, "One chromosome at a time.")
        return found

    def _observed(self, table: Table) -> np.ndarray:
        ploidy = int(self.ploidy)
        wanted = f"genotypes from 0 to {ploidy}, or NaN"
        _check_alleles(table, ploidy, True, wanted, f"ploidy={ploidy} is what the estimator was told.")
        return np.where(np.isnan(table.values), -1, table.values).astype(np.int8)

    def _apply(self, table: Table) -> np.ndarray:
        observed = self._observed(table)
        gaps = observed < 0
        if not gaps.any():
            return table.values.copy()
        share = self._posteriors(observed)
        copies = share @ np.arange(share.shape[2]) if self.output == "dosage" else share.argmax(axis=2)
        filled: np.ndarray = np.where(gaps, copies, table.values).astype(table.values.dtype)
        return filled

    def _posteriors(self, observed: np.ndarray) -> np.ndarray:
        share = getattr(self, f"_{self.method}")(observed)
        if self.ploidy == 1:
            share = np.stack([1 - share, share], axis=2)
        known = observed >= 0
        certain = np.arange(share.shape[2]) == observed[:, :, None]
        return np.where(known[:, :, None], certain, share)

    def _hmm(self, observed: np.ndarray) -> np.ndarray:
        kernel = haplotypes.copied_haplotypes if self.ploidy == 1 else haplotypes.copied_pairs
        posterior: np.ndarray = kernel(self.panel_, observed, self.switch_, self.error_).posterior
        return posterior

    def _mode(self, observed: np.ndarray) -> np.ndarray:
        """Genotypes by Hardy and Weinberg from the panel's allele frequency."""
        one = np.broadcast_to(self.panel_.mean(axis=0), observed.shape)
        if self.ploidy == 1:
            return one.copy()
        return np.stack([(1 - one) ** 2, 2 * one * (1 - one), one**2], axis=2)

    def _nearest(self, observed: np.ndarray) -> np.ndarray:
        """Shares of the genotypes among the nearest haplotypes or pairs; the first of those at one distance."""
        number = len(self.panel_)
        out = np.zeros((*observed.shape, 3)) if self.ploidy == 2 else np.zeros(observed.shape)
        first, second = np.triu_indices(number)
        for row, target in enumerate(observed):
            if self.ploidy == 1:
                distance = haplotypes.haplotype_distances(self.panel_, target[None]).distance[0]
                near = np.argsort(distance, kind="stable")[: self.n_neighbors]
                out[row] = self.panel_[near].mean(axis=0)
            else:
                distance = haplotypes.pair_distances(self.panel_, target[None]).distance[0][first, second]
                near = np.argsort(distance, kind="stable")[: self.n_neighbors]
                copies = self.panel_[first[near]] + self.panel_[second[near]]
                out[row] = (copies[:, :, None] == np.arange(3)).mean(axis=0)
        return out


def _check_alleles(table: Table, most: int, gaps: bool, expected: str, fix: str) -> None:
    values = table.values
    allowed = (values >= 0) & (values <= most) & (values == np.floor(values))
    wrong = ~(allowed | np.isnan(values)) if gaps else ~allowed
    if wrong.any():
        row, column = (int(place[0]) for place in np.nonzero(wrong))
        found = f"{values[row, column]:g} in row {row}, column {column}"
        raise InputError("GenotypeImputer", "X", expected, found, fix)

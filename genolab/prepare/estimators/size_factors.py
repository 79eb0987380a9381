"""Estimators with one robust number per sample: upper quartile, TMM, median of ratios."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from genolab.errors import GenolabWarning, InputError
from genolab.prepare import factors, tmm
from genolab.prepare.estimators.base import Preparation, run
from genolab.prepare.estimators.normalizers import log_cpm_of, scaled_of
from genolab.prepare.table import Table
from genolab.prepare.whole import seen


class _EffectiveLibrary(Preparation):
    """Counts per million of an effective library: its size times a normalisation factor, as in edgeR.

    ``norm_factors_`` are those of the samples learnt from; their geometric mean is 1. With ``log``, the result is the
    logarithm to base 2 of counts per million and 1.
    """

    _takes_counts = True
    log: bool

    def _learn(self, table: Table, y: Any) -> None:
        self._learn_reference(table)
        raw = self._raw_factors(table)
        known = raw[np.isfinite(raw) & (raw > 0)]
        self.centre_ = float(np.exp(np.log(known).mean())) if known.size else 1.0
        self.norm_factors_ = self._centred(raw)

    def _apply(self, table: Table) -> Any:
        return self._with(table, self._centred(self._raw_factors(table)))

    def _learn_and_apply(self, table: Table, y: Any) -> Any:
        self._learn(table, y)
        return self._with(table, self.norm_factors_)

    def _with(self, table: Table, factor: np.ndarray) -> Any:
        if self.log:
            return log_cpm_of(table, factor, 1e6, 1.0, 2.0)
        total = table.totals()
        return scaled_of(table, np.where(total > 0, total, 1) * factor / 1e6)

    def factors(self, X: Any) -> np.ndarray:
        """The normalisation factors of samples, those learnt from or others."""
        return self._centred(self._raw_factors(self._read(X, fitting=False)))

    def _centred(self, raw: np.ndarray) -> np.ndarray:
        unknown = ~(np.isfinite(raw) & (raw > 0))
        if unknown.any():
            first = int(np.flatnonzero(unknown)[0])
            warnings.warn(
                f"{type(self).__name__}: {int(unknown.sum()):,} samples have too few counts for a factor "
                f"(the first in row {first}); theirs is 1.",
                GenolabWarning,
                stacklevel=4,
            )
        return np.where(unknown, 1.0, raw / self.centre_)

    def _learn_reference(self, table: Table) -> None:
        raise NotImplementedError

    def _raw_factors(self, table: Table) -> np.ndarray:
        raise NotImplementedError


def detected_in(table: Table) -> np.ndarray:
    """The number of samples that each gene is seen in."""
    samples = np.zeros(table.shape[1], np.int64)
    for _, counts in table.count_blocks():
        samples += run(factors.detected, table, values=counts).samples
    return samples


def has_counts(table: Table) -> np.ndarray:
    """Which genes are seen in any sample; of whole numbers from 0 by their bits, without converting them."""
    if table.is_whole and table.held.dtype.kind != "b":
        return seen(table.held)
    return detected_in(table) > 0


def quantile_shares(table: Table, used: np.ndarray, p: float) -> np.ndarray:
    """A quantile of each sample's counts over its library size; NaN for an empty library."""
    share = np.full(table.shape[0], np.nan)
    total = table.totals()
    if used.any():
        for part, counts in table.count_blocks():
            share[part] = run(factors.count_quantiles, table, used, p, values=counts).quantile
        share = np.divide(share, total, out=np.full_like(share, np.nan), where=total > 0)
    return share


class UpperQuartile(_EffectiveLibrary):
    """Normalisation factors from the upper quartile of each sample's counts, as edgeR's.

    ``norm_factors_`` multiply library sizes. Genes without any count are left out; ``p`` is the quantile. See Bullard
    et al. 2010, doi:10.1186/1471-2105-11-94.
    """

    _writes = "upper_quartile"

    def __init__(self, p: float = 0.75, log: bool = False, layer: str | None = None) -> None:
        self.p, self.log, self.layer = p, log, layer

    def _learn_reference(self, table: Table) -> None:
        self.used_ = has_counts(table)

    def _raw_factors(self, table: Table) -> np.ndarray:
        return quantile_shares(table, self.used_, self.p)


class TMM(_EffectiveLibrary):
    """Normalisation factors by the trimmed mean of M values, as edgeR's.

    Parameters
    ----------
    ratio_trim, sum_trim
        Shares of the genes left out at each end of the log ratios and of the mean log levels.
    singleton_pairing
        edgeR's TMMwsp: genes seen in one of two samples only are paired and kept; better for many zeros.
    reference
        Row of the reference sample; by default the one whose upper quartile is nearest to the mean of all
        (with ``singleton_pairing`` the one with the largest sum of roots).
    log
        Whether :meth:`transform` gives the logarithm (base 2, of counts per million and 1).
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``tmm``.
    """

    _writes = "tmm"

    def __init__(
        self,
        ratio_trim: float = 0.3,
        sum_trim: float = 0.05,
        singleton_pairing: bool = False,
        reference: int | None = None,
        log: bool = False,
        layer: str | None = None,
    ) -> None:
        self.ratio_trim, self.sum_trim, self.singleton_pairing = ratio_trim, sum_trim, singleton_pairing
        self.reference, self.log, self.layer = reference, log, layer

    def _learn_reference(self, table: Table) -> None:
        row = self._reference_row(table)
        counts = table.held[[row]]
        counts = counts.toarray() if table.is_sparse else counts
        self.reference_row_ = row
        self.reference_ = np.asarray(counts, float).ravel()

    def _reference_row(self, table: Table) -> int:
        if self.reference is not None:
            if not 0 <= self.reference < table.shape[0]:
                raise InputError("TMM", "reference", f"a row from 0 to {table.shape[0] - 1:,}", str(self.reference))
            return self.reference
        share = np.nan_to_num(quantile_shares(table, has_counts(table), 0.75))
        if self.singleton_pairing or np.median(share) < 1e-20:
            roots = [np.sqrt(counts).sum(axis=1, dtype=float) for _, counts in table.blocks()]
            return int(np.argmax(np.concatenate(roots)))
        return int(np.argmin(np.abs(share - share.mean())))

    def _raw_factors(self, table: Table) -> np.ndarray:
        raw, total = np.ones(table.shape[0]), table.totals()
        known = self.reference_.sum() > 0
        kernel = tmm.tmm_with_singleton_pairing if self.singleton_pairing else tmm.tmm
        # the pairing has no loop of its own: its definition sorts 32 samples at a time
        step = 32 if self.singleton_pairing else max(table.shape[0], 1)
        for part, counts in table.blocks() if self.singleton_pairing else table.count_blocks():
            for first in range(0, len(counts), step):
                rows = slice(first, first + step)
                some, library = counts[rows], total[part][rows]
                if known and (library > 0).any():
                    held = (np.where(library > 0, library, 1), self.reference_, self.reference_.sum())
                    found = run(kernel, table, *held, self.ratio_trim, self.sum_trim, values=some).factor
                    raw[part][rows] = np.where(library > 0, found, np.nan)
        return raw


class MedianOfRatios(Preparation):
    r"""Size factors by the median of ratios, as DESeq2's; :meth:`transform` divides by them.

    ``size_factors_`` are those of the samples learnt from.

    Parameters
    ----------
    poscounts
        Whether genes with zeros take part (zeros count as one in the geometric mean): for sparse counts, where every
        gene is zero in some sample.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``median_of_ratios``.
    """

    _takes_counts = True
    _writes = "median_of_ratios"

    def __init__(self, poscounts: bool = False, layer: str | None = None) -> None:
        self.poscounts, self.layer = poscounts, layer

    def _learn(self, table: Table, y: Any) -> None:
        self.log_geometric_means_ = geometric_means(table, self.poscounts)
        self.size_factors_ = size_factors(table, self.log_geometric_means_)

    def _apply(self, table: Table) -> Any:
        return scaled_of(table, size_factors(table, self.log_geometric_means_))

    def _learn_and_apply(self, table: Table, y: Any) -> Any:
        self._learn(table, y)
        return scaled_of(table, self.size_factors_)

    def factors(self, X: Any) -> np.ndarray:
        """The size factors of samples, those learnt from or others."""
        return size_factors(self._read(X, fitting=False), self.log_geometric_means_)


def geometric_means(table: Table, poscounts: bool) -> np.ndarray:
    """Logarithms of the genes' geometric means, -inf for those left out; refused where no gene is left."""
    samples = table.shape[0]
    if table.is_one_block:
        found = run(factors.log_geometric_means, table, int(poscounts), values=table.held)
        means: np.ndarray = found.log_geometric_mean
    else:
        some = detected_in(table)
        genes = np.flatnonzero(some > 0 if poscounts else some == samples)
        sums, means = np.zeros(genes.size), np.full(table.shape[1], -np.inf)
        for _, counts in table.blocks() if genes.size else ():
            part = run(factors.log_geometric_means, table, 1, values=counts[:, genes]).log_geometric_mean
            sums += np.where(np.isfinite(part), part, 0) * len(counts)
        means[genes] = sums / samples
    if not np.isfinite(means).any():
        fix = (
            "Use poscounts=True, and leave out samples without counts." if not poscounts else "Leave empty samples out."
        )
        raise InputError("MedianOfRatios", "X", "a gene that is counted in every sample", "none", fix)
    return means


def size_factors(table: Table, log_geometric_means: np.ndarray) -> np.ndarray:
    """Size factors; 1 and a warning for a sample that shares no gene with the reference."""
    size = np.empty(table.shape[0])
    for part, counts in table.count_blocks():
        size[part] = run(factors.median_of_ratios, table, log_geometric_means, values=counts).size_factor
    unknown = ~np.isfinite(size)
    if unknown.any():
        first = int(np.flatnonzero(unknown)[0])
        warnings.warn(
            f"MedianOfRatios: {int(unknown.sum()):,} samples have no counted gene in common with the others "
            f"(the first in row {first}); their size factor is 1.",
            GenolabWarning,
            stacklevel=4,
        )
    return np.where(unknown, 1.0, size)

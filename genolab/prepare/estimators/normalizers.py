"""Estimators that look at a sample by itself (log CPM, TPM, RPKM) or learn from genes (residuals, quantiles)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.kernel.into import into
from genolab.prepare import depth, quantile, residuals
from genolab.prepare.estimators.base import Preparation, in_blocks, run
from genolab.prepare.table import Table


class LogCPM(Preparation):
    r"""Logarithm of counts per million: :math:`\log_b(T x_{sg} / \sum_h x_{sh} + o)`.

    Parameters
    ----------
    target
        What every sample's counts are brought to; a million, or 10,000 as is usual for single cells.
    offset
        Added before the logarithm. With 1 a zero stays 0, and a sparse matrix sparse.
    base
        Of the logarithm.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``log_cpm``.
    copy
        ``False`` overwrites a NumPy array or CSR matrix of floating-point numbers, and returns it; a table of another
        kind is left alone. A table that is refused is never changed.
    """

    _takes_counts = True
    _writes = "log_cpm"

    def __init__(
        self, target: float = 1e6, offset: float = 1.0, base: float = math.e, layer: str | None = None,
        copy: bool = True,
    ) -> None:  # fmt: skip
        self.target, self.offset, self.base, self.layer, self.copy = target, offset, base, layer, copy

    def _apply(self, table: Table) -> Any:
        return log_cpm_of(table, np.ones(table.shape[0]), self.target, self.offset, self.base, self.copy)


def log_cpm_of(table: Table, factor: np.ndarray, target: float, offset: float, base: float, copy: bool = True) -> Any:
    """Log CPM of a table whose libraries count ``factor`` times, dense or of its stored entries."""
    if not table.is_sparse:
        return in_blocks(depth.log_cpm, table, lambda part: (factor[part], target, offset, base), copy)
    if offset != 1:
        fix = "Use offset=1, or X.toarray()."
        raise InputError("LogCPM", "offset", "1 for a sparse matrix, whose zeros must stay zeros", f"{offset:g}", fix)
    value, _, start = table.stored()
    stored = table.stored_room(copy)
    into(depth.log_cpm_stored.at(value.dtype), stored, value, start, factor, target)
    if base != math.e:
        stored /= value.dtype.type(math.log(base))
    return table.with_stored(stored)


def scaled_of(table: Table, size: np.ndarray) -> Any:
    """A table whose samples are divided by their size; sparse stays sparse."""
    if not table.is_sparse:
        return in_blocks(depth.scaled, table, lambda part: (size[part],))
    value, _, start = table.stored()
    stored = table.stored_room(copy=True)
    into(depth.scaled_stored.at(value.dtype), stored, value, start, size)
    return table.with_stored(stored)


class _ByLength(Preparation):
    """Estimators that divide by the genes' lengths."""

    _takes_counts = True
    length: Any

    def _learn(self, table: Table, y: Any) -> None:
        self.length_ = self._lengths(table)

    def _lengths(self, table: Table) -> np.ndarray:
        who, genes = type(self).__name__, table.shape[1]
        length = self.length
        if length is None:
            raise InputError(who, "length", "the length of each gene, in bases", "nothing")
        if hasattr(length, "reindex") and table.genes is not None:
            length = length.reindex(table.genes)
            absent = length.index[length.isna()]
            if len(absent):
                raise InputError(
                    who, "length", "a length for every gene", f"none for {absent[0]!r} ({len(absent):,} genes)"
                )
        found = np.asarray(length, float)
        if found.shape != (genes,):
            raise InputError(who, "length", f"{genes:,} numbers, one per gene", f"shape {found.shape}")
        if not (np.isfinite(found) & (found > 0)).all():
            first = int(np.flatnonzero(~(np.isfinite(found) & (found > 0)))[0])
            raise InputError(who, "length", "bases, above 0", f"{found[first]:g} for gene {first}")
        return found

    def _per_length(self, table: Table) -> np.ndarray:
        """The stored entries over their gene's length."""
        stored: np.ndarray = table.values.data / self.length_[table.values.indices]
        return stored


class TPM(_ByLength):
    r"""Transcripts per million: :math:`T (x_{sg} / l_g) / \sum_h (x_{sh} / l_h)`.

    ``length`` is in bases: an array in the order of the genes, or a pandas Series that is matched by their names.
    """

    _writes = "tpm"

    def __init__(self, length: Any = None, target: float = 1e6, layer: str | None = None) -> None:
        self.length, self.target, self.layer = length, target, layer

    def _apply(self, table: Table) -> Any:
        if not table.is_sparse:
            return in_blocks(depth.tpm, table, lambda _: (self.length_, self.target))
        rates = Table(table.with_stored(self._per_length(table)), None)
        total = rates.totals()
        scaled = scaled_of(rates, np.where(total > 0, total, 1) / self.target)
        return scaled.astype(table.values.dtype)


class RPKM(_ByLength):
    r"""Reads (counted in pairs, fragments) per kilobase and million: :math:`10^9 x_{sg} / (l_g \sum_h x_{sh})`.

    ``length`` is in bases: an array in the order of the genes, or a pandas Series that is matched by their names.
    """

    _writes = "rpkm"

    def __init__(self, length: Any = None, layer: str | None = None) -> None:
        self.length, self.layer = length, layer

    def _apply(self, table: Table) -> Any:
        if not table.is_sparse:
            one = np.ones(table.shape[0])
            return in_blocks(depth.rpkm, table, lambda part: (self.length_, one[part]))
        total = table.totals()
        rates = Table(table.with_stored(self._per_length(table)), None)
        scaled = scaled_of(rates, np.where(total > 0, total, 1) / 1e9)
        return scaled.astype(table.values.dtype)


class PearsonResiduals(Preparation):
    r"""Pearson residuals of a negative binomial with the expectation depth times share; see
    :func:`genolab.prepare.residuals.pearson_residuals`.

    ``theta`` is the overdispersion; ``clip`` cuts at plus and minus that value, by default the root of the number of
    samples learnt from. The result is dense.
    """

    _takes_counts = True
    _writes = "pearson_residuals"

    def __init__(self, theta: float = 100.0, clip: float | None = None, layer: str | None = None) -> None:
        self.theta, self.clip, self.layer = theta, clip, layer

    def _learn(self, table: Table, y: Any) -> None:
        self._take(self._summary(table))

    def _summary(self, table: Table) -> dict[str, np.ndarray]:
        """What is needed of some of the samples."""
        return {"total": table.gene_totals(), "samples": np.array([table.shape[0]])}

    def _joined(self, one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The summary of the samples of both."""
        return {name: one[name] + other[name] for name in one}

    def _take(self, summary: dict[str, np.ndarray]) -> None:
        """Learn from the summary of all samples."""
        total = summary["total"]
        self.share_ = total / max(total.sum(), 1)
        self.clip_ = math.sqrt(summary["samples"][0]) if self.clip is None else float(self.clip)

    def _apply(self, table: Table) -> np.ndarray:
        return in_blocks(residuals.pearson_residuals, table, lambda _: (self.share_, self.theta, self.clip_))


class QuantileNormalizer(Preparation):
    """Give every sample the mean distribution of the samples learnt from.

    Parameters
    ----------
    ties
        ``"midrank"``: equal values get one value, at the middle of their ranks, as in preprocessCore;
        ``"first"``: one each, in the order of the genes.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``quantile_normalized``.
    """

    _takes_sparse = False
    _writes = "quantile_normalized"

    def __init__(self, ties: str = "midrank", layer: str | None = None) -> None:
        self.ties, self.layer = ties, layer

    def _learn(self, table: Table, y: Any) -> None:
        self._learn_and_apply(table, y)

    def _apply(self, table: Table) -> np.ndarray:
        done: np.ndarray = run(quantile.quantile_transform, table, self.reference_, self._first_rank()).normalised
        return done

    def _learn_and_apply(self, table: Table, y: Any) -> np.ndarray:
        # one sort serves both
        normalised: np.ndarray
        normalised, self.reference_ = run(quantile.quantile_normalise, table, self._first_rank())
        return normalised

    def _first_rank(self) -> int:
        if self.ties not in ("midrank", "first"):
            raise InputError("QuantileNormalizer", "ties", "'midrank' or 'first'", repr(self.ties))
        return int(self.ties == "first")

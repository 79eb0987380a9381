"""Sequencing depth and gene length taken out: CPM, TPM, RPKM."""

from __future__ import annotations

import math
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.kernel.threads import spread
from genolab.spec import Spec, Symbol

Counts = Annotated[Symbol, Spec("sample gene", "float32", "reads or molecules counted", low=0, symbol="x")]
Factor = Annotated[
    Symbol, Spec("sample", "float64", "normalisation factor: the library counts as so many times larger", symbol="f")
]
Size = Annotated[Symbol, Spec("sample", "float64", "size factor: counts are divided by it", symbol="s")]
Length = Annotated[Symbol, Spec("gene", "float64", "length of the gene's transcript", unit="bases", low=1, symbol="l")]
Target = Annotated[
    Symbol,
    Spec("", "float64", "sum that every sample is brought to", unit="counts", low=1, high=1e9, step=1e4, symbol="T"),
]
Normalised = Annotated[Symbol, Spec("sample gene", "float32", "normalised expression", symbol="y")]
Stored = Annotated[
    Symbol, Spec("stored", "float32", "entries of a sparse matrix that are stored, row by row", low=0, symbol="v_e; x")
]
Start = Annotated[Symbol, Spec("edge", "int64", "where each sample's entries begin, and the number of entries")]


def room_like(values: np.ndarray, out: np.ndarray | None) -> np.ndarray:
    """Where a driver writes: the array it was given, or a new one of the values' shape and dtype."""
    return np.empty_like(values) if out is None else out


def share(target: Any, total: Any) -> Any:
    """``target / total``, and 0 for a sample without a count: nothing over nothing is taken as nothing."""
    return pt.switch(pt.gt(total, 0), target / pt.switch(pt.gt(total, 0), total, 1.0), 0.0)


def totals(counts: Any) -> Any:
    """The sum of each sample's counts, in double precision."""
    return counts.sum(axis=1, dtype="float64", acc_dtype="float64")


class LogCPMResult(NamedTuple):
    """Log counts per million."""

    normalised: Normalised


@kernel(backend="numpy", at_once=True)
def log_cpm(
    counts: Counts,
    factor: Factor,
    target: Target = 1e6,
    offset: Annotated[
        Symbol,
        Spec("", "float64", "added before the logarithm", unit="counts per million", low=1e-3, high=100, symbol="o"),
    ] = 1.0,
    base: Annotated[Symbol, Spec("", "float64", "base of the logarithm", low=1.1, high=10, symbol="b")] = math.e,
) -> LogCPMResult:
    r"""Logarithm of counts per million.

    .. math:: y_{sg} = \log_b\!\left(\frac{T\,x_{sg}}{f_s \sum_h x_{sh}} + o\right)
    """
    scale = (share(target, totals(counts) * factor) / offset).astype(counts.dtype)
    nats = pt.log1p(counts * scale[:, None])
    unit, shift = (1 / pt.log(base)).astype(counts.dtype), (pt.log(offset) / pt.log(base)).astype(counts.dtype)
    return LogCPMResult(nats * unit + shift)


@log_cpm.driven
def _log_cpm(
    counts: np.ndarray, factor: np.ndarray, target: Any, offset: Any, base: Any, out: np.ndarray | None = None
) -> np.ndarray:
    from genolab.prepare.loops import rows

    done = room_like(counts, out)
    unit, shift = counts.dtype.type(1 / math.log(base)), counts.dtype.type(math.log(offset) / math.log(base))
    spread(rows.log_cpm, len(counts), counts, factor, float(target), float(offset), unit, shift, done)
    return done


class StoredResult(NamedTuple):
    """The entries of a sparse matrix, normalised; its zeros stay zeros."""

    normalised: Annotated[
        Symbol, Spec("stored", "float32", "normalised expression where an entry is stored", symbol="y")
    ]


def row_of_each(value: Any, start: Any) -> Any:
    """The row that each stored entry belongs to."""
    begun = pt.inc_subtensor(pt.zeros((value.shape[0] + 1,), dtype="int64")[start[1:]], pt.ones_like(start[1:]))
    return pt.cumsum(begun)[:-1]


def _two_rows() -> tuple[np.ndarray, ...]:
    return np.ones(2, np.float32), np.array([0, 1, 2]), np.ones(2)


@kernel(backend="numpy", example=lambda: (*_two_rows(), 1e6), at_once=True)
def log_cpm_stored(value: Stored, start: Start, factor: Factor, target: Target = 1e6) -> StoredResult:
    r"""Natural logarithm of counts per million plus one, of a sparse matrix: what is zero stays zero.

    .. math:: y_{sg} = \log\!\left(1 + \frac{T\,x_{sg}}{f_s \sum_h x_{sh}}\right)
    """
    row = row_of_each(value, start)
    total = pt.inc_subtensor(pt.zeros_like(factor)[row], value.astype("float64"))
    scale = share(target, total * factor).astype(value.dtype)
    return StoredResult(pt.log1p(value * scale[row]))


@log_cpm_stored.driven
def _log_cpm_stored(
    value: np.ndarray, start: np.ndarray, factor: np.ndarray, target: Any, out: np.ndarray | None = None
) -> np.ndarray:
    from genolab.prepare.loops import rows

    done = room_like(value, out)
    spread(rows.log_cpm_stored, factor.size, value, start, factor, float(target), done)
    return done


@kernel(backend="numpy", example=_two_rows, at_once=True)
def scaled_stored(value: Stored, start: Start, size: Size) -> StoredResult:
    r"""Divide each sample of a sparse matrix by its size factor.

    .. math:: y_{sg} = x_{sg} / s_s
    """
    return StoredResult(value * (1 / size).astype(value.dtype)[row_of_each(value, start)])


@scaled_stored.driven
def _scaled_stored(value: np.ndarray, start: np.ndarray, size: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    from genolab.prepare.loops import rows

    done = room_like(value, out)
    spread(rows.scaled_stored, size.size, value, start, size, done)
    return done


class ScaledResult(NamedTuple):
    """Counts brought to one scale."""

    normalised: Normalised


@kernel(backend="numpy", at_once=True)
def scaled(counts: Counts, size: Size) -> ScaledResult:
    r"""Divide each sample by its size factor.

    .. math:: y_{sg} = x_{sg} / s_s
    """
    return ScaledResult(counts * (1 / size).astype(counts.dtype)[:, None])


@scaled.driven
def _scaled(counts: np.ndarray, size: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    from genolab.prepare.loops import rows

    done = room_like(counts, out)
    spread(rows.scaled, len(counts), counts, size, done)
    return done


class TPMResult(NamedTuple):
    """Transcripts per million."""

    normalised: Normalised


@kernel(backend="numpy", at_once=True)
def tpm(counts: Counts, length: Length, target: Target = 1e6) -> TPMResult:
    r"""Transcripts per million: reads per base of transcript, brought to one sum in every sample.

    .. math:: y_{sg} = T \, \frac{x_{sg} / l_g}{\sum_h x_{sh} / l_h}

    See Wagner, Kin and Lynch 2012, doi:10.1007/s12064-012-0162-3.
    """
    rate = counts / length
    return TPMResult((rate * share(target, rate.sum(axis=1))[:, None]).astype(counts.dtype))


@tpm.driven
def _tpm(counts: np.ndarray, length: np.ndarray, target: Any, out: np.ndarray | None = None) -> np.ndarray:
    from genolab.prepare.loops import rows

    done = room_like(counts, out)
    spread(rows.tpm, len(counts), counts, 1 / length, float(target), done)
    return done


class RPKMResult(NamedTuple):
    """Reads per kilobase of transcript and million reads."""

    normalised: Normalised


@kernel(backend="numpy", at_once=True)
def rpkm(counts: Counts, length: Length, factor: Factor) -> RPKMResult:
    r"""Reads (or, counted in pairs, fragments: FPKM) per kilobase of transcript and million reads.

    .. math:: y_{sg} = \frac{10^9 \, x_{sg}}{l_g \, f_s \sum_h x_{sh}}

    See Mortazavi et al. 2008, doi:10.1038/nmeth.1226.
    """
    return RPKMResult((counts / length * share(1e9, totals(counts) * factor)[:, None]).astype(counts.dtype))


@rpkm.driven
def _rpkm(counts: np.ndarray, length: np.ndarray, factor: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    from genolab.prepare.loops import rows

    done = room_like(counts, out)
    spread(rows.rpkm, len(counts), counts, 1 / length, factor, done)
    return done

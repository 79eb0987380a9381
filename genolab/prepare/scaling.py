"""Genes brought to one scale: z, robust, minimum to maximum, normal scores of ranks."""

from __future__ import annotations

import math
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.errors import InputError
from genolab.kernel import kernel
from genolab.kernel.threads import spread
from genolab.prepare.depth import Start, room_like, row_of_each
from genolab.prepare.ranks import mid_ranks
from genolab.prepare.summaries import Column, Entry
from genolab.spec import Spec, Symbol

Values = Annotated[Symbol, Spec("sample gene", "float32", "expression, finite", symbol="x")]
Scaled = Annotated[Symbol, Spec("sample gene", "float32", "expression on the gene's own scale", symbol="y")]
Centre = Annotated[Symbol, Spec("gene", "float64", "taken off", symbol="c")]
Scale = Annotated[
    Symbol, Spec("gene", "float64", "divided by; 0 marks a constant gene, which is not divided", symbol=r"\sigma")
]
Added = Annotated[Symbol, Spec("gene", "float64", "added last", symbol="a")]


class ZScores(NamedTuple):
    """Genes with mean 0 and standard deviation 1, and what they had."""

    scaled: Scaled
    mean: Annotated[Symbol, Spec("gene", "float64", "mean", symbol=r"\bar{x}")]
    deviation: Annotated[
        Symbol, Spec("gene", "float64", "standard deviation; 0 where the gene is constant", symbol=r"\sigma")
    ]


@kernel(backend="numpy", at_once=True)
def z_score(
    values: Values,
    ddof: Annotated[
        Symbol, Spec("", "int64", "taken off the number of samples in the variance", low=0, high=1, symbol="d")
    ] = 0,
) -> ZScores:
    r"""Each gene minus its mean, over its standard deviation; a constant gene becomes 0.

    In single precision the squares of deviations below 1e-19 vanish: such a gene counts as constant.

    .. math:: y_{sg} = \frac{x_{sg} - \bar{x}_g}{\sigma_g}, \qquad
              \sigma_g^2 = \frac{1}{S - d} \sum_s (x_{sg} - \bar{x}_g)^2
    """
    first = values[0]
    constant = pt.eq(values, first).all(axis=0)
    mean = pt.switch(constant, first, values.mean(axis=0, dtype="float64", acc_dtype="float64"))
    centred = values - mean
    deviation = pt.sqrt((centred**2).sum(axis=0) / pt.maximum(values.shape[0] - ddof, 1))
    scaled = centred / pt.switch(pt.gt(deviation, 0), deviation, 1.0)
    return ZScores(scaled.astype(values.dtype), mean, deviation)


@z_score.driven
def _z_score(values: np.ndarray, ddof: Any, out: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    from genolab.prepare.loops import columns

    # all moments before the first score: a table that turns out to hold no number there is refused as it was
    genes, parts = values.shape[1], max(2, values.shape[1] // columns.WIDE)
    mean, squares, nobody = np.empty(genes), np.empty(genes), np.empty(0, np.int64)
    spread(columns.gene_moments, genes, values, columns.WIDE, mean, squares, nobody, parts=parts)
    _refuse_unfit(values, mean, squares)
    deviation = np.sqrt(squares / max(len(values) - int(ddof), 1))
    done, per = room_like(values, out), (1 / np.where(deviation > 0, deviation, 1)).astype(values.dtype)
    own = np.may_share_memory(done, values)
    spread(columns.scale_rows, len(values), values, mean.astype(values.dtype), per, done, own)
    return done, mean, deviation


def _refuse_unfit(values: np.ndarray, mean: np.ndarray, squares: np.ndarray) -> None:
    """Of what is infinite or no number, the moments are too; they may be of large finite values as well."""
    unfit = np.flatnonzero(~(np.isfinite(mean) & np.isfinite(squares)))
    if unfit.size and not np.isfinite(values[:, unfit]).all():
        raise InputError("z_score", "values", "finite numbers", "NaN or inf", "Impute or filter first.")


class Rescaled(NamedTuple):
    """Genes on a scale that was given."""

    scaled: Scaled


@kernel(backend="numpy", at_once=True)
def rescale(values: Values, centre: Centre, scale: Scale, added: Added) -> Rescaled:
    r"""Shift and divide each gene by what was learnt from other samples; a scale of 0 divides by 1.

    .. math:: y_{sg} = \frac{x_{sg} - c_g}{\sigma_g} + a_g
    """
    return Rescaled(((values - centre) / pt.switch(pt.eq(scale, 0), 1.0, scale) + added).astype(values.dtype))


@rescale.driven
def _rescale(
    values: np.ndarray, centre: np.ndarray, scale: np.ndarray, added: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    from genolab.prepare.loops import columns

    done = room_like(values, out)
    own = np.may_share_memory(done, values)
    spread(columns.affine, len(values), values, centre, 1 / np.where(scale == 0, 1.0, scale), added, done, own)
    return done


def _two_entries() -> tuple[np.ndarray, ...]:
    return np.ones(2, np.float32), np.array([0, 1], np.int32), np.array([0, 1, 2]), *np.ones((2, 2)), np.zeros(2)


@kernel(backend="numpy", example=_two_entries, at_once=True)
def rescale_stored(value: Entry, column: Column, start: Start, centre: Centre, scale: Scale, added: Added) -> Rescaled:
    r"""The same as :func:`rescale` of a sparse matrix; the result is dense.

    .. math:: y_{sg} = \frac{x_{sg} - c_g}{\sigma_g} + a_g
    """
    per = 1 / pt.switch(pt.eq(scale, 0), 1.0, scale)
    zero = added - centre * per
    row, every = row_of_each(value, start), pt.ge(start[:-1], 0).astype("float64")[:, None] * zero
    entries = (value - centre[column]) * per[column] + added[column]
    return Rescaled(pt.set_subtensor(every[row, column], entries).astype(value.dtype))


@rescale_stored.driven
def _rescale_stored(
    value: np.ndarray, column: np.ndarray, start: np.ndarray, centre: np.ndarray, scale: np.ndarray, added: np.ndarray,
    out: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    from genolab.prepare.loops import columns

    samples, per = len(start) - 1, 1 / np.where(scale == 0, 1.0, scale)
    done = np.empty((samples, len(centre)), value.dtype) if out is None else out
    zero = (added - centre * per).astype(value.dtype)
    spread(columns.affine_stored, samples, value, column, start, centre, per, added, zero, done)
    return done


class GeneQuantiles(NamedTuple):
    """Each gene's extremes and quartiles over the samples."""

    minimum: Annotated[Symbol, Spec("gene", "float64", "smallest value")]
    lower: Annotated[Symbol, Spec("gene", "float64", "lower quartile")]
    median: Annotated[Symbol, Spec("gene", "float64", "median")]
    upper: Annotated[Symbol, Spec("gene", "float64", "upper quartile")]
    maximum: Annotated[Symbol, Spec("gene", "float64", "largest value")]


@kernel(backend="numpy")
def gene_quantiles(values: Values) -> GeneQuantiles:
    r"""Minimum, quartiles and maximum of each gene, between order statistics (R's type 7).

    .. math:: q_p = x_{(\lfloor h \rfloor)} + (h - \lfloor h \rfloor)
              \left(x_{(\lfloor h \rfloor + 1)} - x_{(\lfloor h \rfloor)}\right), \qquad h = (S - 1) p
    """
    in_order = pt.sort(values, axis=0).astype("float64")
    last = values.shape[0] - 1

    def at(probability: float) -> Any:
        place = last * probability
        below = pt.floor(place).astype("int64")
        low, high = in_order[below], in_order[pt.minimum(below + 1, last)]
        return low + (place - below) * (high - low)

    return GeneQuantiles(in_order[0], at(0.25), at(0.5), at(0.75), in_order[last])


class NormalScores(NamedTuple):
    """Genes with a standard normal distribution."""

    scaled: Scaled


@kernel(backend="numpy")
def normal_scores(values: Values) -> NormalScores:
    r"""Each gene's ranks as quantiles of the normal distribution; equal values share their mean rank.

    .. math:: y_{sg} = \Phi^{-1}\!\left(\frac{r_{sg} - 3/8}{S + 1/4}\right)

    See Blom 1958; Beasley, Erickson and Allison 2009, doi:10.1007/s10519-009-9281-0.
    """
    rank = mid_ranks(values.T).T
    probability = (rank - 0.375) / (values.shape[0] + 0.25)
    return NormalScores((math.sqrt(2) * pt.erfinv(2 * probability - 1)).astype(values.dtype))

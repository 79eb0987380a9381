"""What a look at a table needs: densities of samples, relative log expression, moments of genes; gaps may stand."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.errors import InputError
from genolab.kernel import kernel
from genolab.spec import Spec, Symbol

PLACES = 128
"""Places at which a density is given; a curve on a screen needs no more."""

Gapped = Annotated[Symbol, Spec("sample gene", "float32", "expression; NaN where it is not known", symbol="x")]


class Densities(NamedTuple):
    """How the values of each sample are distributed."""

    density: Annotated[
        Symbol, Spec("sample place", "float64", "share of the sample's known values per unit", low=0, symbol="f")
    ]


@kernel(backend="numpy", simplify=False, example=lambda: (np.ones((2, 2), np.float32), 0.0, 2.0, 0.5))
def sample_densities(
    values: Gapped,
    low: Annotated[Symbol, Spec("", "float64", "the first place; smaller values are left out")],
    high: Annotated[Symbol, Spec("", "float64", "the last place; larger values are left out")],
    bandwidth: Annotated[Symbol, Spec("", "float64", "standard deviation of the smoothing", low=1e-6, symbol="h")],
) -> Densities:
    r"""Density of each sample's values at evenly spaced places :math:`y_k`, by a Gaussian kernel.

    .. math:: f_{sk} = \frac{1}{n_s} \sum_g \frac{1}{h \sqrt{2 \pi}} \exp\!\left(-\frac{(x_{sg} - y_k)^2}{2 h^2}\right)

    where every value first shares its weight between the two places beside it (linear binning, an error of the order
    of the squared distance of places; see Wand 1994, doi:10.1080/10618600.1994.10474656).
    """
    step = (high - low) / (PLACES - 1)
    inside = pt.ge(values, low) & pt.le(values, high)  # a gap is nowhere
    place = pt.switch(inside, pt.clip((values - low) / step, 0, PLACES - 1), 0.0)
    below = pt.minimum(pt.floor(place), PLACES - 2).astype("int64")
    share, weight = place - below, inside.astype("float64")
    at = (pt.arange(values.shape[0])[:, None] * PLACES + below).flatten()
    mass = pt.zeros((values.shape[0] * PLACES,), "float64")
    mass = pt.inc_subtensor(mass[at], (weight * (1 - share)).flatten())
    mass = pt.inc_subtensor(mass[at + 1], (weight * share).flatten())
    apart = (pt.arange(PLACES)[:, None] - pt.arange(PLACES)[None, :]) * step / bandwidth
    smooth = pt.exp(-0.5 * apart**2) / (bandwidth * np.sqrt(2 * np.pi))
    number = pt.maximum((~pt.isnan(values)).sum(axis=1), 1)
    return Densities(pt.dot(mass.reshape((-1, PLACES)), smooth) / number[:, None])


@sample_densities.fits
def _places_apart(low: np.ndarray, high: np.ndarray, **_: np.ndarray) -> None:
    apart = (float(high) - float(low)) / (PLACES - 1)
    if not 0 < apart < np.inf:
        raise InputError("sample_densities", "high", "a number above `low`", f"{float(low):g} to {float(high):g}")


@sample_densities.driven
def _sample_densities(values: np.ndarray, low: Any, high: Any, bandwidth: Any) -> np.ndarray:
    low, high = np.float64(low), np.float64(high)  # a value is held against them as they are, not rounded to its dtype
    step = (high - low) / (PLACES - 1)
    if not np.isfinite(np.array((low, 1 / step)).astype(values.dtype)).all():  # beyond what float32 holds
        values = values.astype(np.float64)
    mass, number = np.empty((len(values), PLACES)), np.empty(len(values))
    for sample, row in enumerate(values):
        number[sample] = max(int(np.count_nonzero(row == row)), 1)
        inside = row[(row >= low) & (row <= high)]
        place = np.clip((inside - row.dtype.type(low)) * row.dtype.type(1 / step), 0, PLACES - 1)
        below = np.minimum(place.astype(np.int64), PLACES - 2)
        share = place - below
        lower = np.bincount(below, minlength=PLACES)
        upper = np.bincount(below, share, PLACES)  # what each place hands to the next one
        mass[sample] = lower - upper
        mass[sample, 1:] += upper[:-1]
    apart = np.subtract.outer(np.arange(PLACES), np.arange(PLACES)) * (step / bandwidth)
    smooth = np.exp(-0.5 * apart**2) / (bandwidth * np.sqrt(2 * np.pi))
    return mass @ smooth / number[:, None]


def _known_quantiles(rows: Any, probability: Any) -> Any:
    """Quantiles of the known values of each row, between order statistics (R's type 7); NaN for a row without any."""
    in_order = pt.sort(rows, axis=1)  # gaps come last
    number = (~pt.isnan(rows)).sum(axis=1, keepdims=True)
    place = pt.maximum(number - 1, 0) * probability[None, :]
    below = pt.floor(place).astype("int64")
    above = pt.minimum(below + 1, pt.maximum(number - 1, 0))
    low, high = (pt.take_along_axis(in_order, at, axis=1).astype("float64") for at in (below, above))
    return low + (place - below) * (high - low)


Probability = Annotated[Symbol, Spec("quantile", "float64", "shares of the values that lie below", low=0, high=1)]


class RelativeLogExpression(NamedTuple):
    """Each sample beside the typical sample."""

    quantile: Annotated[Symbol, Spec("sample quantile", "float64", "quantiles of the deviations from the medians")]


@kernel(backend="numpy", simplify=False, example=lambda: (np.ones((2, 2), np.float32), np.array([0.5])))
def relative_log_expression(values: Gapped, probability: Probability) -> RelativeLogExpression:
    r"""Quantiles over the genes of each sample's deviation from the gene's median over the samples.

    .. math:: r_{sg} = x_{sg} - \operatorname{med}_t x_{tg}

    Boxes around 0 of equal height are what comparable samples look like. See Gandolfo and Speed 2018,
    doi:10.1371/journal.pone.0191629.
    """
    middle = _known_quantiles(values.T, pt.as_tensor(np.array([0.5])))[:, 0]
    return RelativeLogExpression(_known_quantiles(values - middle.astype(values.dtype), probability))


class KnownMoments(NamedTuple):
    """Each gene over the samples in which it is known."""

    mean: Annotated[Symbol, Spec("gene", "float64", "mean; NaN where nothing is known", symbol=r"\bar{x}")]
    deviation: Annotated[
        Symbol, Spec("gene", "float64", "standard deviation (one less than the known); NaN below two", symbol=r"\sigma")
    ]


@kernel(backend="numpy", simplify=False)
def known_moments(values: Gapped) -> KnownMoments:
    r"""Mean and standard deviation of each gene over its known values.

    .. math:: \bar{x}_g = \frac{1}{n_g} \sum_{s \in K_g} x_{sg}, \qquad
              \sigma_g^2 = \frac{1}{n_g - 1} \sum_{s \in K_g} (x_{sg} - \bar{x}_g)^2
    """
    known = ~pt.isnan(values)
    number = known.sum(axis=0)
    mean = pt.switch(known, values, 0).sum(axis=0, dtype="float64", acc_dtype="float64") / pt.maximum(number, 1)
    squares = pt.switch(known, (values - mean) ** 2, 0.0).sum(axis=0)
    deviation = pt.sqrt(squares / pt.maximum(number - 1, 1))
    return KnownMoments(pt.switch(pt.gt(number, 0), mean, np.nan), pt.switch(pt.gt(number, 1), deviation, np.nan))

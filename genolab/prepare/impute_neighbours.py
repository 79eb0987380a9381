"""Missing values from the nearest samples."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.kernel.threads import spread
from genolab.prepare.ranks import median_of_first
from genolab.spec import Spec, Symbol

REACH = 6
"""Donors ordered at first, per neighbour wanted; a sample for which they are too few gets all donors in order."""

ROWS = 512
"""Samples whose distances are held at one time."""

Gapped = Annotated[Symbol, Spec("sample gene", "float32", "expression; NaN where it is not known", symbol="x")]
Completed = Annotated[Symbol, Spec("sample gene", "float32", "expression, known and imputed", symbol="y; Y")]


class Centres(NamedTuple):
    """The middle of each gene's known values."""

    mean: Annotated[Symbol, Spec("gene", "float64", "mean; 0 where nothing is known", symbol=r"\bar{x}")]
    median: Annotated[Symbol, Spec("gene", "float64", "median; NaN where nothing is known", symbol="m")]


@kernel(backend="numpy")
def known_centres(values: Gapped) -> Centres:
    r"""Mean and median of each gene over the samples in which it is known.

    .. math:: \bar{x}_g = \frac{1}{|K_g|} \sum_{s \in K_g} x_{sg}, \qquad m_g = \mathrm{med}_{s \in K_g}(x_{sg})
    """
    known = pt.invert(pt.isnan(values))
    number = known.sum(axis=0, dtype="int64")
    mean = pt.switch(known, values, 0.0).sum(axis=0, dtype="float64") / pt.maximum(number, 1)
    in_order = pt.sort(pt.switch(known, values, np.inf).astype("float64").T, axis=1)
    return Centres(mean, median_of_first(in_order, number))


class Filled(NamedTuple):
    """A table without gaps."""

    completed: Completed


@kernel(backend="numpy")
def fill_gaps(
    values: Gapped,
    fill: Annotated[Symbol, Spec("gene", "float64", "what stands where the gene is not known", symbol="f")],
) -> Filled:
    r"""Each missing value becomes its gene's number; known values stay.

    .. math:: y_{sg} = x_{sg} \text{ where known, else } f_g
    """
    return Filled(pt.switch(pt.isnan(values), fill, values).astype(values.dtype))


class NeighbourResult(NamedTuple):
    """A table without gaps."""

    completed: Completed


@kernel(backend="numpy", example=lambda: (np.ones((2, 2), np.float32), np.ones((2, 2), np.float32)))
def neighbour_impute(
    values: Gapped,
    donors: Annotated[Symbol, Spec("donor gene", "float32", "samples to take values from; NaN where not known")],
    neighbours: Annotated[
        Symbol, Spec("", "int64", "donors that a value is the mean of", low=1, high=50, symbol="k")
    ] = 5,
) -> NeighbourResult:
    r"""Each missing value becomes the mean over the nearest donors in which the gene is known.

    With :math:`K_{sr}` the genes known in sample s and in donor r, of G genes,

    .. math:: d_{sr}^2 = \frac{G}{|K_{sr}|} \sum_{g \in K_{sr}} (x_{sg} - x_{rg})^2, \qquad
              y_{sg} = \frac{1}{k} \sum_{r \in N_k(s, g)} x_{rg}

    A donor that shares no known gene has no distance and is not used; where no donor can be used, the value is the
    gene's mean. Of donors at one distance the first comes first.
    See Troyanskaya et al. 2001, doi:10.1093/bioinformatics/17.6.520.
    """
    known, given = pt.invert(pt.isnan(values)), pt.invert(pt.isnan(donors))
    held = pt.switch(given, donors, 0.0)
    centre = held.sum(axis=0, dtype="float64") / pt.maximum(given.sum(axis=0), 1)
    centre = centre.astype(values.dtype)
    a, b = pt.switch(known, values - centre, 0.0), pt.switch(given, donors - centre, 0.0)
    in_a, in_b = known.astype(values.dtype), given.astype(values.dtype)
    common = pt.dot(in_a, in_b.T)
    squared = pt.maximum(pt.dot(a**2, in_b.T) + pt.dot(in_a, (b**2).T) - 2 * pt.dot(a, b.T), 0.0)
    near = pt.gt(common, 0)
    distance = pt.switch(near, squared * values.shape[1] / pt.maximum(common, 1), np.inf)
    order = pt.argsort(distance, axis=1, kind="stable")
    usable = given[order] & pt.lt(pt.sort(distance, axis=1), np.inf)[:, :, None]
    used = usable & pt.le(pt.cumsum(usable.astype("int64"), axis=1), neighbours)
    number = used.sum(axis=1)
    total = pt.switch(used, held[order], 0.0).sum(axis=1, dtype="float64")
    mean = pt.switch(pt.gt(number, 0), total / pt.maximum(number, 1), centre)
    return NeighbourResult(pt.switch(known, values, mean).astype(values.dtype))


@neighbour_impute.driven
def _neighbour_impute(values: np.ndarray, donors: np.ndarray, neighbours: Any) -> np.ndarray:
    from genolab.prepare.loops import missing as loops

    out = values.copy()
    gaps, absent = np.isnan(values), np.isnan(donors)
    number = np.maximum((~absent).sum(axis=0), 1)
    centre = (np.where(absent, 0, donors).sum(axis=0, dtype=np.float64) / number).astype(values.dtype)
    given, shifted = (~absent).astype(values.dtype), np.where(absent, 0, donors - centre).astype(values.dtype)
    squares, few = shifted**2, min(len(donors), REACH * int(neighbours) + 8)
    wanting = np.flatnonzero(gaps.any(axis=1))
    for first in range(0, wanting.size, ROWS):
        rows = wanting[first : first + ROWS]
        distance = _distances(values[rows] - centre, shifted, squares, given)
        for take in (few, len(donors)):
            near = _nearest(distance, take)
            short = np.zeros(rows.size, np.bool_)
            spread(loops.fill_from_donors, rows.size, rows, gaps, donors, near, int(neighbours), centre, out, short)
            if take == len(donors) or not short.any():
                break
            rows, distance = rows[short], distance[short]
    return out


def _distances(x: np.ndarray, donors: np.ndarray, squares: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Squared distances by three products; what is centred cancels little."""
    known = ~np.isnan(x)
    x, inside = np.where(known, x, 0).astype(donors.dtype), known.astype(donors.dtype)
    distance = x @ donors.T
    distance *= -2
    distance += x**2 @ given.T
    distance += inside @ squares.T
    np.maximum(distance, 0, out=distance)
    common = inside @ given.T
    distance /= np.maximum(common, 1)
    distance[common == 0] = np.inf
    return distance


def _nearest(distance: np.ndarray, take: int) -> np.ndarray:
    """The nearest donors in order, -1 where there is no distance."""
    if take < distance.shape[1]:
        part = np.sort(np.argpartition(distance, take - 1, axis=1)[:, :take], axis=1)
        distance = np.take_along_axis(distance, part, axis=1)
        order = np.argsort(distance, axis=1, kind="stable")
        near = np.take_along_axis(part, order, axis=1)
    else:
        near = order = np.argsort(distance, axis=1, kind="stable")
    return np.where(np.isinf(np.take_along_axis(distance, order, axis=1)), -1, near)

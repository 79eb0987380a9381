"""What quality control looks at: each sample's library, each gene's moments, how far a sample is from the others."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.kernel.threads import added, spread
from genolab.prepare.depth import Counts, Start, Stored, row_of_each, totals
from genolab.prepare.table import Table
from genolab.spec import Spec, Symbol

FEW = 256
"""Genes looked at together where their values are nearly alike."""

Column = Annotated[Symbol, Spec("stored", "int32", "gene of each stored entry", low=0)]
Entry = Annotated[
    Symbol, Spec("stored", "float32", "entries of a sparse matrix that are stored, row by row", symbol="v_e; x")
]
Library = Annotated[
    Symbol, Spec("sample", "float64", "library size: the sum of the sample's counts", unit="counts", symbol="N")
]
Detected = Annotated[Symbol, Spec("sample", "int64", "genes with a count above zero", symbol="d")]


class Libraries(NamedTuple):
    """How much was counted in each sample."""

    library_size: Library
    detected: Detected


@kernel(backend="numpy", at_once=True)
def libraries(counts: Counts) -> Libraries:
    r"""Library size of each sample, and how many genes it was seen to express.

    .. math:: N_s = \sum_g x_{sg}, \qquad d_s = \#\{g : x_{sg} > 0\}
    """
    return Libraries(totals(counts), pt.gt(counts, 0).sum(axis=1, dtype="int64"))


@libraries.driven
def _libraries(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from genolab.prepare.loops import summaries

    size, detected = np.empty(len(counts)), np.empty(len(counts), np.int64)
    spread(summaries.libraries, len(counts), counts, size, detected)
    return size, detected


@kernel(backend="numpy", example=lambda: (np.ones(2, np.float32), np.array([0, 1, 2])), at_once=True)
def libraries_stored(value: Stored, start: Start) -> Libraries:
    r"""The same as :func:`libraries` of a sparse matrix; an entry that is stored may be zero.

    .. math:: N_s = \sum_{e \in s} v_e, \qquad d_s = \#\{e \in s : v_e > 0\}
    """
    row, none = row_of_each(value, start), pt.lt(start[:-1], -1).astype("int64")  # by comparing, for JAX
    size = pt.inc_subtensor(none.astype("float64")[row], value.astype("float64"))
    return Libraries(size, pt.inc_subtensor(none[row], pt.gt(value, 0).astype("int64")))


@libraries_stored.driven
def _libraries_stored(value: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from genolab.prepare.loops import summaries

    samples = len(start) - 1
    size, detected = np.empty(samples), np.empty(samples, np.int64)
    spread(summaries.libraries_stored, samples, value, start, size, detected)
    return size, detected


Seen = Annotated[Symbol, Spec("", "int64", "samples that came before", low=0, symbol="m")]
Mean = Annotated[Symbol, Spec("gene", "float64", "mean", symbol=r"\bar{x}")]
Squares = Annotated[Symbol, Spec("gene", "float64", "sum of squared differences from the mean", low=0, symbol="Q")]
Expressing = Annotated[Symbol, Spec("gene", "int64", "samples with a value above zero", low=0)]


class Moments(NamedTuple):
    """Each gene over all samples so far."""

    mean: Mean
    squares: Squares
    detected: Expressing


def _joined(new: Moments, number: Any, seen: Any, before: Moments) -> Moments:
    """Moments of two sets of samples from those of each."""
    apart, both = new.mean - before.mean, pt.maximum(number + seen, 1)
    mean = before.mean + apart * (number / both)
    squares = before.squares + new.squares + apart**2 * (number * seen / both)
    return Moments(mean, squares, before.detected + new.detected)


@kernel(backend="numpy", at_once=True)
def gene_moments(
    values: Annotated[Symbol, Spec("sample gene", "float32", "expression, finite", symbol="x")],
    seen: Seen,
    mean: Mean,
    squares: Squares,
    detected: Expressing,
) -> Moments:
    r"""Mean and squared differences of each gene, over these samples and those that came before (at first: zeros).

    With :math:`\bar{x}', Q', n` of these samples and :math:`\delta = \bar{x}' - \bar{x}`,

    .. math:: \bar{x} \leftarrow \bar{x} + \delta\,\frac{n}{n + m}, \qquad
              Q \leftarrow Q + Q' + \delta^2\,\frac{n m}{n + m}

    See Chan, Golub and LeVeque 1983, doi:10.1080/00031305.1983.10483115.
    """
    new = values.mean(axis=0, dtype="float64", acc_dtype="float64")
    found = Moments(new, ((values - new) ** 2).sum(axis=0), pt.gt(values, 0).sum(axis=0, dtype="int64"))
    return _joined(found, values.shape[0], seen, Moments(mean, squares, detected))


@gene_moments.driven
def _gene_moments(values: np.ndarray, seen: Any, *before: np.ndarray) -> tuple[np.ndarray, ...]:
    from genolab.prepare.loops import columns, summaries

    genes = values.shape[1]
    mean, squares, detected = np.empty(genes), np.empty(genes), np.empty(genes, np.int64)
    parts = max(2, genes // columns.WIDE)
    spread(columns.gene_moments, genes, values, columns.WIDE, mean, squares, detected, parts=parts)
    return summaries.joined(len(values), int(seen), mean, squares, detected, *before)


def _two_entries() -> tuple[Any, ...]:
    return (
        np.ones(2, np.float32),
        np.array([0, 1], np.int32),
        np.array([0, 1, 2]),
        0,
        *np.zeros((2, 2)),
        np.zeros(2, int),
    )


@kernel(backend="numpy", example=_two_entries, at_once=True)
def gene_moments_stored(
    value: Entry, column: Column, start: Start, seen: Seen, mean: Mean, squares: Squares, detected: Expressing
) -> Moments:
    r"""The same as :func:`gene_moments` of a sparse matrix.

    With :math:`n_g` entries stored of a gene in n samples,

    .. math:: \bar{x}_g = \tfrac{1}{n} \textstyle\sum_{e \in g} v_e, \qquad
              Q_g = \textstyle\sum_{e \in g} (v_e - \bar{x}_g)^2 + (n - n_g)\,\bar{x}_g^2
    """
    number, none = start.shape[0] - 1, mean * 0
    new = pt.inc_subtensor(none[column], value.astype("float64")) / pt.maximum(number, 1)
    stored = pt.inc_subtensor(none[column], pt.ones_like(value, dtype="float64"))
    around = pt.inc_subtensor(none[column], (value - new[column]) ** 2) + (number - stored) * new**2
    some = pt.inc_subtensor((detected * 0)[column], pt.gt(value, 0).astype("int64"))
    return _joined(Moments(new, around, some), number, seen, Moments(mean, squares, detected))


@gene_moments_stored.driven
def _gene_moments_stored(
    value: np.ndarray, column: np.ndarray, start: np.ndarray, seen: Any, *before: np.ndarray
) -> tuple[np.ndarray, ...]:
    from genolab.prepare.loops import summaries

    samples, genes = len(start) - 1, len(before[0])
    sums = added(summaries.stored_sums, samples, value, column, start, genes)
    mean, (stored, detected) = sums[0] / max(samples, 1), sums[1:]
    squares = added(summaries.stored_squares, samples, value, column, start, mean) + (samples - stored) * mean**2
    return summaries.joined(samples, int(seen), mean, squares, detected.astype(np.int64), *before)


class Deviations(NamedTuple):
    """How far each sample is from the middle of all."""

    deviation: Annotated[
        Symbol, Spec("sample", "float64", "distance from the median", unit="median absolute deviations", symbol="d")
    ]
    centre: Annotated[Symbol, Spec("", "float64", "median", symbol="m")]
    spread: Annotated[Symbol, Spec("", "float64", "median absolute deviation, times 1.4826", symbol=r"\sigma")]


def _median(values: Any) -> Any:
    in_order, last = pt.sort(values), values.shape[0] - 1
    return 0.5 * (in_order[last // 2] + in_order[(last + 1) // 2])


@kernel(backend="numpy")
def robust_deviations(
    value: Annotated[Symbol, Spec("sample", "float64", "a number per sample", symbol="x")],
) -> Deviations:
    r"""Distance of each number from their median, in median absolute deviations.

    .. math:: m = \mathrm{med}(x), \qquad \sigma = 1.4826\,\mathrm{med}(|x - m|), \qquad d_s = (x_s - m) / \sigma

    Where more than half the numbers are equal, :math:`\sigma = 0` and any other is infinitely far.
    See Leys et al. 2013, doi:10.1016/j.jesp.2013.03.013.
    """
    centre = _median(value)
    apart = value - centre
    spread = 1.4826 * _median(pt.abs(apart))
    far = pt.switch(pt.eq(apart, 0), 0.0, pt.sign(apart) * np.inf)
    return Deviations(
        pt.switch(pt.gt(spread, 0), apart / pt.switch(pt.gt(spread, 0), spread, 1.0), far), centre, spread
    )


def libraries_of(table: Table) -> Libraries:
    """The libraries of a table of counts, dense or sparse."""
    if table.is_sparse:
        value, _, start = table.stored()
        found: Libraries = libraries_stored.at(value.dtype)(value, start)
    else:
        parts = [libraries.at(table.dtype)(counts) for _, counts in table.blocks()]
        found = Libraries(*(np.concatenate(each) for each in zip(*parts, strict=True)))
    return found


def moments_of(table: Table, seen: int = 0, before: Moments | None = None) -> Moments:
    """The moments of a table's genes, dense or sparse, joined with those of ``seen`` samples that came before."""
    genes = table.shape[1]
    held = before or Moments(np.zeros(genes), np.zeros(genes), np.zeros(genes, np.int64))
    if table.is_sparse:
        value, column, start = table.stored()
        found: Moments = gene_moments_stored.at(value.dtype)(value, column, start, seen, *held)
    else:
        found = held
        for part, values in table.blocks():
            found = gene_moments.at(table.dtype)(values, seen + part.start, *found)
    return found


def exact_where_constant(table: Table, moments: Moments) -> Moments:
    """The moments with nothing left of rounding where a gene has one value only."""
    mean, squares = moments.mean.copy(), moments.squares.copy()
    near = np.flatnonzero((squares > 0) & (squares <= 1e-12 * table.shape[0] * mean**2))
    for first in range(0, near.size, FEW):
        genes = near[first : first + FEW]
        values = table.held[:, genes]
        values = values.toarray() if table.is_sparse else values
        alike = (values == values[:1]).all(axis=0)
        mean[genes[alike]], squares[genes[alike]] = values[0, alike], 0.0
    return Moments(mean, squares, moments.detected)

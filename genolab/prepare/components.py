"""Principal components, dense and sparse: nothing is centred or made dense as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.errors import InputError
from genolab.kernel import kernel
from genolab.kernel.threads import added, spread
from genolab.prepare.depth import Start, row_of_each
from genolab.prepare.summaries import Column, Entry
from genolab.spec import Spec, Symbol

NEGLIGIBLE = {"float32": 1e-6, "float64": 1e-7}
"""Singular values below this share of the largest are rounding errors, by the precision of the table."""

BUFFER_BYTES = 4 * 2**20
"""A table is centred in parts of at most about this size."""

STORED_PARTS = 4
"""Shares of a sparse product by genes: each has a table of genes and components of its own."""

Values = Annotated[Symbol, Spec("sample gene", "float32", "expression, finite", symbol="x; X")]
Mean = Annotated[Symbol, Spec("gene", "float64", "mean of the gene", symbol=r"\mu")]
Loading = Annotated[Symbol, Spec("gene component", "float32", "weight of the gene in the component", symbol="v")]
Score = Annotated[Symbol, Spec("sample component", "float32", "place of the sample along the component", symbol="t")]
Span = Annotated[Symbol, Spec("sample component", "float32", "columns that span the scores", symbol="T")]


class Products(NamedTuple):
    """What samples have in common, or genes."""

    product: Annotated[
        Symbol, Spec("row other", "float64", "sum over the other axis of products of centred values", symbol="C; K")
    ]


@kernel(backend="numpy")
def sample_products(values: Values, mean: Mean) -> Products:
    r"""Products of every two samples, less the genes' means.

    .. math:: K_{st} = \sum_g (x_{sg} - \mu_g)(x_{tg} - \mu_g)
    """
    x = values - mean
    return Products(pt.dot(x, x.T))


@sample_products.driven
def _sample_products(values: np.ndarray, mean: np.ndarray) -> np.ndarray:
    product = np.zeros((len(values), len(values)))
    for _, part in _centred(values, mean, axis=1):
        product += part @ part.T
    return product


@kernel(backend="numpy")
def gene_products(values: Values, mean: Mean) -> Products:
    r"""Products of every two genes, less their means.

    .. math:: C_{gh} = \sum_s (x_{sg} - \mu_g)(x_{sh} - \mu_h)
    """
    x = values - mean
    return Products(pt.dot(x.T, x))


@gene_products.driven
def _gene_products(values: np.ndarray, mean: np.ndarray) -> np.ndarray:
    product = np.zeros((values.shape[1], values.shape[1]))
    for _, part in _centred(values, mean, axis=0):
        product += part.T @ part
    return product


class Scores(NamedTuple):
    """Where samples are along components."""

    score: Score


@kernel(backend="numpy", example=lambda: (np.ones((2, 2), np.float32), np.ones(2), np.ones((2, 1))))
def component_scores(values: Values, mean: Mean, loading: Loading) -> Scores:
    r"""Place of each sample along each component.

    .. math:: t_{sk} = \sum_g (x_{sg} - \mu_g)\,v_{gk}
    """
    return Scores(pt.dot(values - mean, loading).astype(values.dtype))


@component_scores.driven
def _component_scores(values: np.ndarray, mean: np.ndarray, loading: np.ndarray) -> np.ndarray:
    out = np.empty((len(values), loading.shape[1]), values.dtype)
    for rows, part in _centred(values, mean, axis=0):
        np.matmul(part, loading, out=out[rows])
    return out


def _two_entries(loading: tuple[int, int]) -> tuple[Any, ...]:
    stored = np.ones(2, np.float32), np.array([0, 1], np.int32), np.array([0, 1, 2])
    return *stored, np.ones(2), np.ones(loading, np.float32)


@kernel(backend="numpy", example=lambda: _two_entries((2, 1)), at_once=True)
def component_scores_stored(value: Entry, column: Column, start: Start, mean: Mean, loading: Loading) -> Scores:
    r"""The same as :func:`component_scores` of a sparse matrix, whose zeros are never made.

    .. math:: t_{sk} = \sum_{e \in s} v_e\,v_{g(e) k} - \sum_g \mu_g v_{gk}
    """
    row, shift = row_of_each(value, start), pt.dot(mean, loading)
    none = pt.lt(start[:-1], -1)[:, None] & pt.isnan(shift)  # by comparing: JAX refuses zeros of an unknown shape
    product = pt.inc_subtensor(none.astype("float64")[row], (value[:, None] * loading[column]).astype("float64"))
    return Scores((product - shift).astype(value.dtype))


@component_scores_stored.driven
def _component_scores_stored(
    value: np.ndarray, column: np.ndarray, start: np.ndarray, mean: np.ndarray, loading: np.ndarray
) -> np.ndarray:
    from genolab.prepare.loops import components as loops

    out = np.empty((len(start) - 1, loading.shape[1]), value.dtype)
    spread(loops.scores, len(out), value, column, start, mean @ loading, loading, out)
    return out


class Components(NamedTuple):
    """Components in the order of their singular values."""

    score: Score
    loading: Annotated[Symbol, Spec("gene component", "float64", "weight of the gene; squares sum to 1", symbol="V")]
    singular: Annotated[Symbol, Spec("component", "float64", "root of the sum of squared scores", symbol=r"\Sigma")]


def _components(wide: Any, basis: Any, dtype: str) -> Components:
    """From :math:`X^T Q`: its singular vectors, the largest weight of each positive; 0 where nothing is explained."""
    left, singular, turn = pt.linalg.svd(wide, full_matrices=False)
    used = pt.gt(singular, NEGLIGIBLE[dtype] * singular.max())
    sign = pt.switch(used, pt.switch(pt.ge(left.max(axis=0), -left.min(axis=0)), 1.0, -1.0), 0.0)
    singular = pt.switch(used, singular, 0.0)
    return Components((pt.dot(basis, turn.T) * singular * sign).astype(dtype), left * sign, singular)


@kernel(backend="numpy", example=lambda: (np.ones((2, 2), np.float32), np.ones(2), np.ones((2, 1), np.float32)))
def components_within(values: Values, mean: Mean, span: Span) -> Components:
    r"""The principal components whose scores lie in the span of some columns; of the right span, simply the components.

    With :math:`Q = \mathrm{qr}(T)` and :math:`X_c = X - 1\mu^T`,

    .. math:: X_c^T Q = V \Sigma U^T, \qquad \text{scores } Q U \Sigma, \text{ loadings } V

    The loading furthest from 0 of each component is positive. See Halko, Martinsson and Tropp 2011,
    doi:10.1137/090771806.
    """
    basis = pt.linalg.qr(span.astype("float64"), mode="economic")[0]
    return _components(pt.dot((values - mean).T, basis), basis, values.dtype)


@components_within.driven
def _components_within(values: np.ndarray, mean: np.ndarray, span: np.ndarray) -> tuple[np.ndarray, ...]:
    basis = np.linalg.qr(span.astype(np.float64))[0]
    wide, thin = np.empty((values.shape[1], basis.shape[1])), basis.astype(values.dtype)
    for genes, part in _centred(values, mean, axis=1):
        wide[genes] = part.T @ thin
    return _turned(wide, basis, values.dtype, ("components_within", "values"))


@kernel(backend="numpy", example=lambda: _two_entries((2, 1)), at_once=True)
def components_within_stored(value: Entry, column: Column, start: Start, mean: Mean, span: Span) -> Components:
    r"""The same as :func:`components_within` of a sparse matrix, whose zeros are never made.

    .. math:: (X_c^T Q)_{gk} = \sum_{e \in g} v_e\,q_{s(e) k} - \mu_g \sum_s q_{sk}
    """
    basis = pt.linalg.qr(span.astype("float64"), mode="economic")[0]
    row = row_of_each(value, start)
    shift = mean[:, None] * basis.sum(axis=0)
    wide = pt.inc_subtensor(pt.isinf(shift).astype("float64")[column], value[:, None] * basis[row]) - shift
    return _components(wide, basis, value.dtype)


@components_within_stored.driven
def _components_within_stored(
    value: np.ndarray, column: np.ndarray, start: np.ndarray, mean: np.ndarray, span: np.ndarray
) -> tuple[np.ndarray, ...]:
    from genolab.prepare.loops import components as loops

    basis = np.linalg.qr(span.astype(np.float64))[0]
    thin, samples = basis.astype(value.dtype), len(start) - 1
    wide = added(loops.products, samples, value, column, start, thin, len(mean), parts=STORED_PARTS).astype(np.float64)
    wide -= mean[:, None] * basis.sum(axis=0)
    return _turned(wide, basis, value.dtype, ("components_within_stored", "value"))


def _turned(
    wide: np.ndarray, basis: np.ndarray, dtype: np.dtype[Any], given: tuple[str, str]
) -> tuple[np.ndarray, ...]:
    # by the small matrix of products: a singular value decomposition of a tall one takes many times longer
    products = wide.T @ wide
    if not np.isfinite(products).all():
        found = "what is infinite or no number there"
        raise InputError(
            *given, "values whose squares, less the mean, have a finite sum", found, "Impute or filter first."
        )
    squares, turn = np.linalg.eigh(products)
    turn = turn[:, ::-1]
    singular = np.sqrt(np.maximum(squares[::-1], 0))
    used = singular > NEGLIGIBLE[dtype.name] * singular[0]
    loading = wide @ (turn / np.where(used, singular, np.inf))
    sign = np.where(loading.max(axis=0) >= -loading.min(axis=0), 1.0, -1.0)
    loading *= sign
    singular = np.where(used, singular, 0.0)
    return (basis @ (turn * (singular * sign))).astype(dtype), loading, singular


def _centred(values: np.ndarray, mean: np.ndarray, axis: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Parts of the table less the genes' means, cut along ``axis``, in one buffer."""
    centre = mean.astype(values.dtype)
    length, other = values.shape[axis], values.shape[1 - axis]
    step = max(16, BUFFER_BYTES // max(1, other * values.itemsize))
    room = np.empty(min(step, length) * other, values.dtype)
    for first in range(0, length, step):
        part = slice(first, min(first + step, length))
        block, taken = (values[part], centre) if axis == 0 else (values[:, part], centre[part])
        yield part, np.subtract(block, taken, out=room[: block.size].reshape(block.shape))

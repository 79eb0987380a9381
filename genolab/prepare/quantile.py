"""Quantile normalisation: every sample gets one distribution."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.kernel.threads import added, spread
from genolab.prepare.ranks import mid_ranks, ordinal_ranks
from genolab.spec import Spec, Symbol

Values = Annotated[Symbol, Spec("sample gene", "float32", "expression, finite", symbol="x")]
Reference = Annotated[
    Symbol, Spec("gene", "float64", "the distribution, from its smallest value to its largest", symbol="m")
]
FirstRank = Annotated[
    Symbol, Spec("", "int64", "0: equal values get one value, at their middle rank; 1: one each", low=0, high=1)
]
Normalised = Annotated[Symbol, Spec("sample gene", "float32", "expression in the common distribution", symbol="y")]


class QuantileResult(NamedTuple):
    """Samples with one distribution, and the distribution."""

    normalised: Normalised
    reference: Reference


def _at_ranks(values: Any, reference: Any, first_rank: Any) -> Any:
    middle = mid_ranks(values)
    low, high = pt.floor(middle).astype("int64") - 1, pt.ceil(middle).astype("int64") - 1
    own = ordinal_ranks(values).astype("int64") - 1
    chosen = pt.switch(pt.eq(first_rank, 1), reference[own], 0.5 * (reference[low] + reference[high]))
    return chosen.astype(values.dtype)


@kernel(backend="numpy", at_once=True)
def quantile_normalise(values: Values, first_rank: FirstRank = 0) -> QuantileResult:
    r"""Give every sample the mean distribution of all samples.

    With :math:`x_{s(k)}` the k-th smallest value of sample s and :math:`r_{sg}` a value's rank in its sample,

    .. math:: m_k = \tfrac{1}{S} \textstyle\sum_s x_{s(k)}, \qquad
              y_{sg} = \tfrac{1}{2}\left(m_{\lfloor r_{sg} \rfloor} + m_{\lceil r_{sg} \rceil}\right)

    See Bolstad et al. 2003, doi:10.1093/bioinformatics/19.2.185; ties are treated as in preprocessCore.
    """
    reference = pt.sort(values, axis=1).astype("float64").mean(axis=0)
    return QuantileResult(_at_ranks(values, reference, first_rank), reference)


@quantile_normalise.driven
def _quantile_normalise(values: np.ndarray, first_rank: Any) -> tuple[np.ndarray, np.ndarray]:
    out, state = _sortable(values)
    reference = _sort(values, state)
    _write(values, state, reference, first_rank, out)
    return out, reference


class QuantileTransformed(NamedTuple):
    """Samples with a distribution that was given."""

    normalised: Normalised


@kernel(backend="numpy", at_once=True)
def quantile_transform(values: Values, reference: Reference, first_rank: FirstRank = 0) -> QuantileTransformed:
    r"""Give every sample a distribution learnt from others.

    .. math:: y_{sg} = \tfrac{1}{2}\left(m_{\lfloor r_{sg} \rfloor} + m_{\lceil r_{sg} \rceil}\right)
    """
    return QuantileTransformed(_at_ranks(values, reference, first_rank))


@quantile_transform.driven
def _quantile_transform(values: np.ndarray, reference: np.ndarray, first_rank: Any) -> np.ndarray:
    out, state = _sortable(values)
    _sort(values, state)
    _write(values, state, reference, first_rank, out)
    return out


State = tuple[np.ndarray, np.ndarray, np.ndarray]


def _sortable(values: np.ndarray) -> tuple[np.ndarray, State]:
    """The result, and room for every sample's order: in the result's own memory, so there is no second matrix."""
    out = np.empty_like(values)
    return out, (out.view(np.int32), np.empty(len(values), np.int64), np.empty(len(values), np.int64))


def _sort(values: np.ndarray, state: State) -> np.ndarray:
    from genolab.prepare.loops import quantiles

    return added(quantiles.sort_rows, len(values), values, *state) / max(len(values), 1)


def _write(values: np.ndarray, state: State, reference: np.ndarray, first_rank: Any, out: np.ndarray) -> None:
    from genolab.prepare.loops import quantiles

    spread(quantiles.write_rows, len(values), values, *state, reference, int(first_rank), out)

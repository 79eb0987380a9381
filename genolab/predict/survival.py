"""Time to event: Cox's proportional hazards, and what is left of each sample beyond what was expected of it."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.errors import InputError
from genolab.kernel import kernel
from genolab.spec import Spec, Symbol

LEAST = 1e-300  # of a sum of hazards relative to the greatest; its logarithm stays finite


class Hazard(NamedTuple):
    """How well hazards fit, where that improves, and what they leave."""

    loss: Annotated[Symbol, Spec("", "float64", "negative partial log-likelihood per event, and penalty", symbol="J")]
    by_weight: Annotated[Symbol, Spec("feature", "float64", "its slope along the weights")]
    residual: Annotated[Symbol, Spec("sample", "float64", "martingale residual: event less what was expected")]


def _example() -> tuple[np.ndarray, ...]:
    time, event = np.array([1.0, 1, 3, 4]), np.array([1.0, 0, 1, 0])
    return np.eye(4, 2), event, *_ties(time), np.array([0.5, -0.5])


Place = Annotated[Symbol, Spec("sample", "int64", "first sample of the same time", index="sample", symbol="a")]


@kernel(backend="numpy", example=_example)
def partial_likelihood(
    features: Annotated[Symbol, Spec("sample feature", "float64", "features, samples from early to late", symbol="x")],
    event: Annotated[Symbol, Spec("sample", "float64", "1 for an event, 0 for none", low=0, high=1, symbol="d")],
    first: Place,
    last: Annotated[Symbol, Spec("sample", "int64", "last sample of the same time", index="sample", symbol="b")],
    weight: Annotated[Symbol, Spec("feature", "float64", "log hazard ratio of each feature", symbol="w")],
    penalty: Annotated[Symbol, Spec("", "float64", "on half the squared weights", low=0, symbol=r"\lambda")] = 0.0,
) -> Hazard:
    r"""Cox's partial likelihood of proportional hazards, its gradient and the martingale residuals, ties by Breslow.

    .. math:: J = -\frac{1}{\sum_i d_i} \sum_i d_i \Big( x_i w - \log \sum_{j \ge a_i} e^{x_j w} \Big)
              + \tfrac{\lambda}{2} \lVert w \rVert^2

    Samples are sorted by time; those of one time are :math:`a_i` to :math:`b_i`. The residual is
    :math:`d_i - e^{x_i w} \sum_{j \le b_i} d_j / \sum_{k \ge a_j} e^{x_k w}`, and the gradient is that of the features
    along it. See Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Therneau, Grambsch and Fleming 1990,
    doi:10.1093/biomet/77.1.147.
    """
    relative = pt.dot(features, weight)
    relative = relative - relative.max()  # no exponential overflows
    hazard = pt.exp(relative)
    at_risk = pt.maximum(pt.cumsum(hazard[::-1])[::-1][first], LEAST)
    events = pt.maximum(event.sum(), 1.0)
    loss = (event * (pt.log(at_risk) - relative)).sum() / events + penalty * (weight**2).sum() / 2
    residual = event - hazard * pt.cumsum(event / at_risk)[last]
    return Hazard(loss, penalty * weight - pt.dot(features.T, residual) / events, residual)


def _ties(time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last number of those with the same time; times are sorted."""
    return np.searchsorted(time, time, side="left"), np.searchsorted(time, time, side="right") - 1


def fit_hazards(features: np.ndarray, time: np.ndarray, event: np.ndarray, penalty: float) -> np.ndarray:
    """The log hazard ratio of each feature [feature], per unit, of least penalised loss.

    Features are brought to mean 0 and variance 1 within, where the penalty applies.
    """
    from scipy.optimize import minimize

    if not features.shape[1]:
        return np.zeros(0)
    order = np.argsort(time, kind="stable")
    scale = np.maximum(features.std(axis=0), 1e-12)
    used, ties = ((features - features.mean(axis=0)) / scale)[order], _ties(time[order])

    def value(weight: np.ndarray) -> tuple[float, np.ndarray]:
        loss, slope, _ = partial_likelihood(used, event[order], *ties, weight, penalty)
        return float(loss), slope

    precise = {"ftol": 1e-14, "gtol": 1e-9}
    found = minimize(value, np.zeros(used.shape[1]), jac=True, method="L-BFGS-B", options=precise).x
    weights: np.ndarray = found / scale
    return weights


def martingale_residuals(time: np.ndarray, event: np.ndarray, risk: np.ndarray | None = None) -> np.ndarray:
    """The event of each sample less what was expected of it by its follow-up time and log hazard [sample]."""
    residuals = np.empty(len(time))
    residuals[np.argsort(time, kind="stable")] = _of_risk(time, event, np.zeros(len(time)) if risk is None else risk)[2]
    return residuals


def partial_loss(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> float:
    """The negative partial log-likelihood per event of log hazards [sample]."""
    return float(_of_risk(time, event, risk)[0])


def _of_risk(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> Hazard:
    order = np.argsort(time, kind="stable")
    found: Hazard = partial_likelihood(risk[order, None], event[order], *_ties(time[order]), np.ones(1))
    return found


def times_of(who: str, time: np.ndarray, event: object) -> tuple[np.ndarray, np.ndarray]:
    """Time and event [sample], NaN in both where one is not known.

    Raises
    ------
    InputError
        Times below 0, events that are not 0 or 1, or no event at all.
    """
    happened = np.asarray(event, np.float64)
    if happened.shape != time.shape:
        raise InputError(who, "event", f"one per sample ({time.size:,})", f"shape {happened.shape}")
    unknown = np.isnan(time) | np.isnan(happened)
    wrong = np.flatnonzero(~unknown & (happened != 0) & (happened != 1))
    if wrong.size:
        found = f"{happened[wrong[0]]:g} in row {wrong[0]}"
        raise InputError(who, "event", "1 where it happened, 0 where follow-up ended before", found)
    early = np.flatnonzero(time < 0)
    if early.size:
        raise InputError(who, "y", "times from 0", f"{time[early[0]]:g} in row {early[0]}")
    if not (happened[~unknown] == 1).any():
        raise InputError(who, "event", "an event in one sample or more", "none")
    return np.where(unknown, np.nan, time), np.where(unknown, np.nan, happened)

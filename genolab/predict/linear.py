"""Linear models with a penalty on squared weights: logistic, softmax or least squares, to the optimum by L-BFGS."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.predict.network.losses import softplus
from genolab.spec import Spec, Symbol

Features = Annotated[Symbol, Spec("sample feature", "float32", "features", symbol="x")]
Target = Annotated[Symbol, Spec("sample target", "float32", "targets, 0 or 1 for classes", symbol="y")]
Weights = Annotated[Symbol, Spec("feature target", "float32", "weights", symbol="W")]
Intercept = Annotated[Symbol, Spec("target", "float32", "added to each", symbol="b")]


class Slope(NamedTuple):
    """The penalised loss and where it falls."""

    loss: Annotated[Symbol, Spec("", "float32", "mean loss and penalty", symbol="J")]
    by_weight: Annotated[Symbol, Spec("feature target", "float32", "its slope along the weights")]
    by_intercept: Annotated[Symbol, Spec("target", "float32", "its slope along the intercept")]


@kernel(backend="numpy")
def penalised_loss(
    features: Features,
    target: Target,
    sample_weight: Annotated[Symbol, Spec("sample", "float32", "weight of each sample", low=0, symbol="s")],
    weight: Weights,
    intercept: Intercept,
    penalty: Annotated[Symbol, Spec("", "float32", "on half the squared weights", low=0, symbol=r"\lambda")] = 1.0,
    kind: str = "binary",
) -> Slope:
    r"""The loss of a linear model with an :math:`L_2` penalty, and its gradient.

    .. math:: J = \frac{1}{\sum_i s_i} \sum_i s_i \ell(x_i W + b, y_i) + \tfrac{\lambda}{2} \lVert W \rVert^2

    ``kind`` is ``binary`` (each target by itself), ``multiclass`` (softmax) or ``squared``.
    """
    output = pt.dot(features, weight) + intercept
    share = (sample_weight / sample_weight.sum(dtype=output.dtype))[:, None]
    if kind == "binary":
        loss = ((softplus(output) - target * output) * share).sum(dtype=output.dtype)
        slope = 1 / (1 + pt.exp(-output)) - target
    elif kind == "multiclass":
        centred = output - output.max(axis=1, keepdims=True)
        total = pt.exp(centred).sum(axis=1, keepdims=True, dtype=output.dtype)
        loss = ((pt.log(total) - (target * centred).sum(axis=1, keepdims=True, dtype=output.dtype)) * share).sum(
            dtype=output.dtype
        )
        slope = pt.exp(centred) / total - target
    else:
        slope = output - target
        loss = (slope**2 * share).sum(dtype=output.dtype) / 2
    slope = slope * share
    penalised = loss + penalty * (weight**2).sum(dtype=output.dtype) / 2
    by_weight = pt.dot(features.T, slope) + penalty * weight
    return Slope(*(value.astype(output.dtype) for value in (penalised, by_weight, slope.sum(axis=0))))


def fit_linear(
    features: np.ndarray, target: np.ndarray, sample_weight: np.ndarray, penalty: float, kind: str,
    progress: Any = None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """The weights and intercept of least penalised loss; features are brought to mean squared length 1 within."""
    from scipy.optimize import minimize

    scale = float(np.sqrt(max(np.einsum("ij,ij->", features, features, dtype=np.float64) / len(features), 1e-12)))
    used = (features / np.float32(scale)).astype(np.float32)
    shape = (used.shape[1], target.shape[1])
    step = penalised_loss.with_static(kind=kind)
    calls = 0

    def value(flat: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal calls
        if progress is not None:
            progress(min(0.99, calls / 200), "fitting")
        calls += 1
        held = flat.astype(np.float32)
        loss, by_weight, by_intercept = step(
            used, target, sample_weight, held[: -shape[1]].reshape(shape), held[-shape[1] :], penalty
        )
        return float(loss), np.concatenate([by_weight.ravel(), by_intercept]).astype(np.float64)

    best = minimize(
        value, np.zeros((shape[0] + 1) * shape[1]), jac=True, method="L-BFGS-B",
        options={"maxiter": 500, "ftol": 1e-9, "gtol": 1e-6},
    ).x.astype(np.float32)  # fmt: skip
    return {"weight": best[: -shape[1]].reshape(shape) / np.float32(scale), "intercept": best[-shape[1] :]}

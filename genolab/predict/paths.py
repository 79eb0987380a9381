"""Sparse linear models along a path of penalties: the lasso and the elastic net as scikit-learn defines them."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.spec import Spec, Symbol

MOST_SWEEPS = 1000
STEPS_OF_DEFINITION = 2000


class Path(NamedTuple):
    """Weights along the path."""

    weights: Annotated[Symbol, Spec("penalty feature", "float32", "weights, for each penalty", symbol="w")]


def _example() -> tuple[np.ndarray, ...]:
    return np.eye(3, dtype=np.float32), np.arange(3, dtype=np.float32), np.ones(2)


@kernel(backend="numpy", example=_example)
def elastic_net_path(
    columns: Annotated[Symbol, Spec("feature sample", "float32", "centred features, a row each", symbol="X")],
    target: Annotated[Symbol, Spec("sample", "float32", "centred target", symbol="y")],
    penalties: Annotated[Symbol, Spec("penalty", "float64", "penalties, from large to small", low=0, symbol=r"\alpha")],
    share: Annotated[
        Symbol, Spec("", "float64", "of the penalty on absolute weights; 1: lasso", low=0, high=1, symbol=r"\rho")
    ] = 1.0,
    tolerance: Annotated[Symbol, Spec("", "float64", "change of the fit in the last sweep, squared", low=0)] = 1e-11,
) -> Path:
    r"""The elastic net for each penalty.

    .. math:: \min_w \frac{1}{2n} \lVert y - X w \rVert^2 + \alpha \rho \lVert w \rVert_1
              + \frac{\alpha (1 - \rho)}{2} \lVert w \rVert^2

    The definition takes proximal gradient steps for all penalties at once. The loop descends along one coordinate
    after the other, each penalty from the solution of the one before, and looks only at columns that the strong rule
    lets through, and at the others once they break it. See Friedman, Hastie and Tibshirani 2010,
    doi:10.18637/jss.v033.i01; Tibshirani et al. 2012, doi:10.1111/j.1467-9868.2011.01004.x.
    """
    kind = columns.dtype
    samples = columns.shape[1].astype(kind)
    products, pull = pt.dot(columns, columns.T) / samples, pt.dot(columns, target) / samples
    steepest = pt.abs(products).sum(axis=1, dtype=kind).max()  # no eigenvalue is larger
    lasso, ridge = ((penalties * part).astype(kind)[:, None] for part in (share, 1 - share))

    def step(weight: Any, products: Any, pull: Any, steepest: Any, lasso: Any, ridge: Any) -> Any:
        down = weight * steepest - (pt.dot(weight, products) - pull)
        size = pt.maximum(pt.abs(down) - lasso, np.array(0, kind))
        return pt.sign(down) * size / (steepest + ridge)

    weights = pytensor.scan(
        step, outputs_info=[pt.zeros((penalties.shape[0], columns.shape[0]), dtype=kind)],
        non_sequences=[products, pull, steepest, lasso, ridge], n_steps=STEPS_OF_DEFINITION, return_updates=False,
    )[-1]  # fmt: skip
    return Path(weights + (tolerance * 0).astype(kind))


@elastic_net_path.driven
def _path(columns: np.ndarray, target: np.ndarray, penalties: np.ndarray, share: Any, tolerance: Any) -> np.ndarray:
    from genolab.predict.loops import descent

    features, samples = columns.shape
    square = np.einsum("ij,ij->i", columns, columns, dtype=np.float64)
    weight, residual = np.zeros(features), target.copy()
    out = np.empty((penalties.size, features), columns.dtype)
    slope = np.abs(columns @ residual).astype(np.float64)
    stop, before = float(tolerance) * float(target @ target), max(float(slope.max()) / samples, 1e-300)
    for number, penalty in enumerate(penalties):
        lasso, ridge = float(penalty) * float(share) * samples, float(penalty) * (1 - float(share)) * samples
        strong = (2 * float(penalty) - before) * float(share) * samples  # the strong rule
        kept = (slope >= strong) | (weight != 0)
        while True:
            active = np.flatnonzero(kept)
            descent.sweeps(columns, active, square, residual, weight, lasso, ridge, MOST_SWEEPS, stop)
            slope = np.abs(columns @ residual - (ridge * weight).astype(columns.dtype)).astype(np.float64)
            broken = (slope > lasso * (1 + 1e-5)) & ~kept
            if not broken.any():
                break
            kept |= broken
        out[number], before = weight, float(penalty)
    return out


def penalties_for(columns: np.ndarray, target: np.ndarray, share: float, number: int, ratio: float) -> np.ndarray:
    """Penalties from the least that leaves no weight down to ``ratio`` of it, evenly on a logarithmic scale."""
    most = float(np.abs(columns @ target).max()) / len(target) / max(share, 1e-3)
    return np.geomspace(most, most * ratio, number)

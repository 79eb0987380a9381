"""Batch normalisation as one node, with its gradient."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.spec import Spec, Symbol


def _rows(symbol: str) -> Spec:
    return Spec("row channel", "float32", "a row per position of each sequence", symbol=symbol)


def _channel(symbol: str) -> Spec:
    return Spec("channel", "float32", "a number per channel", symbol=symbol)


class Normed(NamedTuple):
    """Rows on one scale, and what they had."""

    normed: Annotated[Symbol, _rows("y")]
    mean: Annotated[Symbol, _channel(r"\mu")]
    variance: Annotated[Symbol, _channel(r"\sigma^2")]


@kernel(backend="numpy")
def batch_norm(
    value: Annotated[Symbol, _rows("x")],
    inside: Annotated[Symbol, Spec("row", "float32", "1 where the row counts, else 0", low=0, high=1)],
    scale: Annotated[Symbol, _channel(r"\gamma")],
    shift: Annotated[Symbol, _channel(r"\beta")],
    epsilon: Annotated[Symbol, Spec("", "float32", "added to the variance", low=0, symbol=r"\epsilon")] = 1e-5,
) -> Normed:
    r"""Each channel with mean 0 and variance 1 over the rows that count, then scaled and shifted.

    .. math:: y_{rc} = \gamma_c \frac{x_{rc} - \mu_c}{\sqrt{\sigma_c^2 + \epsilon}} + \beta_c

    See Ioffe and Szegedy 2015, arXiv:1502.03167.
    """
    weight = inside[:, None] / pt.maximum(inside.sum(dtype=value.dtype), np.array(1, value.dtype))
    mean = (value * weight).sum(axis=0, dtype=value.dtype)
    variance = ((value - mean) ** 2 * weight).sum(axis=0, dtype=value.dtype)
    return Normed((value - mean) / pt.sqrt(variance + epsilon) * scale + shift, mean, variance)


@batch_norm.driven
def _normed(value: np.ndarray, inside: np.ndarray, scale: np.ndarray, shift: np.ndarray, epsilon: Any) -> Any:
    weight = inside / max(inside.sum(), value.dtype.type(1))
    mean = weight @ value
    out = value - mean
    variance = weight @ (out * out)
    out *= scale / np.sqrt(variance + epsilon)
    out += shift
    return out, mean, variance


@batch_norm.driven_gradient("value", "scale", "shift")
def _gradient(
    value: np.ndarray, inside: np.ndarray, scale: np.ndarray, shift: np.ndarray, epsilon: Any, normed: np.ndarray,
    mean: np.ndarray, variance: np.ndarray, gradient: np.ndarray,
) -> Any:  # fmt: skip
    weight = inside / max(inside.sum(), value.dtype.type(1))
    inverse = 1 / np.sqrt(variance + epsilon)
    unit = (value - mean) * inverse
    by_shift = gradient.sum(axis=0)
    by_scale = np.einsum("rc,rc->c", gradient, unit)
    out = unit * by_scale
    out += by_shift
    out *= -weight[:, None]
    out += gradient
    out *= scale * inverse
    return out, by_scale, by_shift

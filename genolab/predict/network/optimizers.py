"""How weights follow gradients, and how fast: SGD, Adam, AdamW, and schedules of the learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.errors import InputError
from genolab.kernel import kernel
from genolab.spec import Spec, Symbol

Weights = Annotated[Symbol, Spec("weight", "float32", "weights, all in a row", symbol="w")]


class Moved(NamedTuple):
    """Weights after a step, and what the optimiser remembers."""

    weight: Weights
    mean: Annotated[Symbol, Spec("weight", "float32", "running mean of the gradient", symbol="m")]
    square: Annotated[Symbol, Spec("weight", "float32", "running mean of its square", symbol="v")]


@kernel(backend="numpy")
def adam(
    weight: Weights,
    gradient: Annotated[Symbol, Spec("weight", "float32", "gradient of the loss", symbol="g")],
    mean: Annotated[Symbol, Spec("weight", "float32", "running mean of the gradient", symbol="m")],
    square: Annotated[Symbol, Spec("weight", "float32", "running mean of its square", symbol="v")],
    decayed: Annotated[Symbol, Spec("weight", "float32", "1 for weights that decay, 0 for biases and scales")],
    step: Annotated[Symbol, Spec("", "float32", "number of this step, from 1", low=1, symbol="t")],
    rate: Annotated[Symbol, Spec("", "float32", "learning rate", low=0, symbol=r"\eta")] = 1e-3,
    decay: Annotated[
        Symbol, Spec("", "float32", "share of each decayed weight that is taken off, times the rate", symbol=r"\lambda")
    ] = 0.0,
) -> Moved:
    r"""One step of AdamW; without ``decay`` it is Adam.

    .. math:: m \leftarrow 0.9 m + 0.1 g, \quad v \leftarrow 0.999 v + 0.001 g^2, \quad
              w \leftarrow w - \eta \lambda w - \eta \frac{m / (1 - 0.9^t)}{\sqrt{v / (1 - 0.999^t)} + 10^{-8}}

    See Kingma and Ba 2015, arXiv:1412.6980; Loshchilov and Hutter 2019, arXiv:1711.05101.
    """
    kind = weight.dtype
    # 1 - 0.999 as a difference of single-precision numbers is off by 1.3e-5, which training makes a hundred times more
    first, second, new, newer = (np.array(value, kind) for value in (0.9, 0.999, 1 - 0.9, 1 - 0.999))
    mean = first * mean + new * gradient
    square = second * square + newer * gradient**2
    by_mean, by_square = (-pt.expm1(step * np.array(math.log(value), kind)) for value in (0.9, 0.999))  # 1 - value^step
    size = pt.sqrt(square / by_square) + np.array(1e-8, kind)
    moved = weight - rate * decay * decayed * weight - rate * (mean / by_mean) / size
    return Moved(*(value.astype(kind) for value in (moved, mean, square)))


@adam.driven
def _adam(
    weight: np.ndarray, gradient: np.ndarray, mean: np.ndarray, square: np.ndarray, decayed: np.ndarray, step: Any,
    rate: Any, decay: Any,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """In blocks that stay in the cache, so that each value is read once."""
    kind = weight.dtype.type
    moved, new_mean, new_square = np.empty_like(weight), np.empty_like(mean), np.empty_like(square)
    first, second, new, newer = kind(0.9), kind(0.999), kind(1 - 0.9), kind(1 - 0.999)
    lift, drop = kind(1 / (1 - 0.999 ** float(step))), kind(float(rate) / (1 - 0.9 ** float(step)))
    shrink = kind(float(rate) * float(decay))
    for start in range(0, weight.size, BLOCK):
        part = slice(start, start + BLOCK)
        g, m, v, w = gradient[part], new_mean[part], new_square[part], moved[part]
        np.multiply(mean[part], first, out=m)
        m += new * g
        np.multiply(square[part], second, out=v)
        v += newer * (g * g)
        np.multiply(v, lift, out=w)
        np.sqrt(w, out=w)
        w += kind(1e-8)
        np.divide(m, w, out=w)
        w *= -drop
        w += weight[part]
        if shrink:
            w -= shrink * decayed[part] * weight[part]
    return moved, new_mean, new_square


BLOCK = 16_384
"""Weights moved at one time."""


def optimize(
    name: str, weight: Any, gradient: Any, memory: list[Any], decayed: np.ndarray, rate: Any, step: Any, decay: float
) -> dict[Any, Any]:
    """Updates of the shared vector of weights and of the two vectors that the optimiser remembers."""
    if name == "sgd":
        speed = np.float32(0.9) * memory[0] + gradient
        return {memory[0]: speed, weight: weight - rate * speed}
    moved = adam.expr(weight, gradient, *memory, decayed, step, rate, decay if name == "adamw" else 0.0)
    return dict(zip((weight, *memory), moved, strict=True))


OPTIMIZERS = ("adam", "adamw", "sgd")


def constant(done: float) -> float:
    """The learning rate as it was given."""
    return 1.0


def cosine(done: float) -> float:
    """Up over the first twentieth of the steps, then down to 0 along half a cosine."""
    return done / 0.05 if done < 0.05 else 0.5 * (1 + math.cos(math.pi * (done - 0.05) / 0.95))


def one_cycle(done: float) -> float:
    """From a tenth up to all of it over three tenths of the steps, and down to 0."""
    return 0.1 + 0.9 * done / 0.3 if done < 0.3 else (1 - done) / 0.7


SCHEDULES: dict[str, Callable[[float], float]] = {"constant": constant, "cosine": cosine, "one_cycle": one_cycle}


def schedule_of(name: str) -> Callable[[float], float]:
    """The share of the learning rate at each share of the steps."""
    if name not in SCHEDULES:
        raise InputError("training", "schedule", f"one of {', '.join(SCHEDULES)}", repr(name))
    return SCHEDULES[name]

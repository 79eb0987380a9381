"""Layers: each says which parameters it has and what it does with a signal. A network is a list of them.

A signal is codes [sequence, position], shares of bases [sequence, position, base], channels along positions
[sequence, position, channel], or one vector per sequence [sequence, channel].
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.errors import InputError
from genolab.predict.network.convolution import (
    array_convolution,
    base_convolution,
    soft_convolution,
    unfold,
    windows_of,
)
from genolab.predict.network.normal import batch_norm

NO_BASE = 4

Parameters = dict[str, Any]
"""Weights by name: arrays where a network is made, shared variables where it is built."""


class Shape(NamedTuple):
    """What is known of a signal before it is built: channels, and positions where each sequence has as many."""

    channels: int
    positions: int | None
    flat: bool = False


@dataclass(frozen=True)
class Signal:
    """A signal on its way: ``value``, its shape, and ``length``, the positions that count (None: all of them).

    ``count`` and ``positions`` are what the graph knows of the batch: numbers, or variables that hang on nothing but
    the codes, so that asking for them is cheap.
    """

    value: Any
    shape: Shape
    count: Any
    positions: Any
    length: Any = None

    def inside(self) -> Any:
        """Which positions count, as numbers [sequence, position, 1]."""
        held = pt.lt(pt.arange(self.positions)[None, :], self.length[:, None])
        return held.astype(self.value.dtype)[:, :, None]

    def masked(self) -> Any:
        """The value, 0 at positions that do not count."""
        return self.value if self.length is None else self.value * self.inside()

    def with_value(self, value: Any, **changed: Any) -> Signal:
        """The same signal holding something else."""
        return replace(self, value=value, **changed)


@dataclass
class Context:
    """What layers need to know of the run: whether it trains, their noise, and what they change beside gradients.

    ``fused``: whether layers use compiled loops, or NumPy alone; ``drops``: whether dropout drops anything.
    """

    training: bool = False
    fused: bool = True
    drops: bool = True
    noise: list[Any] = field(default_factory=list)
    updates: dict[str, Any] = field(default_factory=dict)


class Layer:
    """The base of the layers. ``name`` is set by the network, and begins the names of its parameters."""

    def out(self, shape: Shape) -> Shape:
        """The shape of what comes out."""
        return shape

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """New parameters, float32."""
        return {}

    def build(self, signal: Signal, own: Parameters, context: Context, name: str) -> Signal:
        """The signal after the layer; ``own`` holds its parameters by their short names."""
        raise NotImplementedError

    def noise(self, shape: Shape, count: int) -> tuple[int, ...] | None:
        """The shape of the uniform numbers that the layer wants in a training step."""
        return None

    fixed: tuple[str, ...] = ()
    """Parameters that no gradient changes."""


def uniform(rng: np.random.Generator, shape: tuple[int, ...], inputs: int) -> np.ndarray:
    """Uniform within one over the root of the inputs, as PyTorch starts its linear layers."""
    return (rng.uniform(-1, 1, shape) / math.sqrt(inputs)).astype(np.float32)


@dataclass(frozen=True)
class BaseConvolution(Layer):
    """Filters over the bases, ReLU, and maximum pooling over ``pool`` windows (0: all), as one node.

    ``same`` keeps the number of positions: half a filter without bases is put before and behind.
    """

    filters: int
    width: int
    pool: int = 1
    same: bool = False

    def out(self, shape: Shape) -> Shape:
        positions = (
            None if shape.positions is None else windows_of(self._padded(shape.positions), self.width, self.pool)
        )
        if positions is not None and positions < 1:
            need = self.width + max(self.pool, 1) - 1
            raise InputError("network", "sequences", f"at least {need} bases long for this net", str(shape.positions))
        return Shape(self.filters, 1 if self.pool == 0 else positions)

    def _padded(self, positions: Any) -> Any:
        return positions + self.width - 1 if self.same else positions

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        inputs = 4 * self.width
        weight = uniform(rng, (self.width, 4, self.filters), inputs)
        return {"weight": weight, "bias": uniform(rng, (self.filters,), inputs)}

    def build(self, signal: Signal, own: Parameters, context: Context, name: str) -> Signal:
        value, weight, bias = signal.value, own["weight"], own["bias"]
        count, positions, soft = signal.count, self._padded(signal.positions), signal.value.ndim == 3
        length = pt.zeros((count,), dtype="int64") + signal.positions if signal.length is None else signal.length
        if self.same:
            sides, last = ((self.width - 1) // 2, self.width // 2), (4,) if soft else ()
            none = np.array(0 if soft else NO_BASE, value.dtype)
            before, after = (pt.alloc(none, count, side, *last) for side in sides)
            value, length = pt.concatenate([before, value, after], axis=1), length + self.width - 1
        if soft:
            pooled, _ = soft_convolution(value, length, weight, bias, self.pool)
        else:
            scan = (base_convolution if context.fused else array_convolution).at(weight.dtype)
            pooled = scan.with_static(pool=self.pool).expr(value, length, weight, bias).activation
        held = None if signal.length is None or self.pool == 0 else windows_of(length, self.width, self.pool)
        return Signal(pooled, self.out(signal.shape), count, windows_of(positions, self.width, self.pool), held)


@dataclass(frozen=True)
class Convolution(Layer):
    """Filters over channels as one matrix product; ``dilation`` spreads their taps. The number of positions stays."""

    filters: int
    width: int
    dilation: int = 1

    def out(self, shape: Shape) -> Shape:
        return Shape(self.filters, shape.positions)

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        inputs = self.width * shape.channels
        weight = uniform(rng, (inputs, self.filters), inputs)
        return {"weight": weight, "bias": uniform(rng, (self.filters,), inputs)}

    def build(self, signal: Signal, own: Parameters, context: Context, name: str) -> Signal:
        value, count, positions = signal.masked(), signal.count, signal.positions
        column = unfold.at(value.dtype).with_static(width=self.width, dilation=self.dilation).expr(value).column
        flat = column.reshape((count * positions, self.width * signal.shape.channels))
        out = (flat @ own["weight"] + own["bias"]).reshape((count, positions, self.filters))
        return signal.with_value(out, shape=self.out(signal.shape))


@dataclass(frozen=True)
class Relu(Layer):
    """What is positive."""

    def build(self, signal: Signal, own: Parameters, context: Context, name: str) -> Signal:
        return signal.with_value(pt.maximum(signal.value, np.float32(0)))


@dataclass(frozen=True)
class Pool(Layer):
    """Each ``size`` neighbouring positions as one (0: the whole sequence): ``max``, ``average`` or ``attention``.

    A rest shorter than ``size`` is left out. Attention weighs positions by the softmax of a learnt score of each.
    """

    kind: str = "max"
    size: int = 0

    def out(self, shape: Shape) -> Shape:
        if self.size == 0:
            return Shape(shape.channels, None, flat=True)
        return Shape(shape.channels, None if shape.positions is None else shape.positions // self.size)

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        if self.kind != "attention":
            return {}
        return {"score": uniform(rng, (shape.channels, 1), shape.channels)}

    def build(self, signal: Signal, own: Parameters, context: Context, name: str) -> Signal:
        value, size, count, positions = signal.value, self.size, signal.count, signal.positions
        channels = signal.shape.channels
        inside = signal.inside() if signal.length is not None else None
        if size:
            stretches = positions // size
            shape = (count, stretches, size, channels)
            value = value[:, : stretches * size].reshape(shape)
            inside = None if inside is None else inside[:, : stretches * size].reshape((count, stretches, size, 1))
        axis = value.ndim - 2
        if self.kind == "max":
            pooled = _maximum(value, inside, axis)
        elif self.kind == "average":
            pooled = _average(value, inside, axis)
        else:
            pooled = _attention(value, inside, axis, own["score"])
        length = None if signal.length is None or not size else pt.maximum(signal.length // size, 1)
        return Signal(pooled, self.out(signal.shape), count, positions // size if size else 1, length)


def _maximum(value: Any, inside: Any, axis: int) -> Any:
    if inside is None:
        return value.max(axis=axis)
    low = np.array(-1e30, value.dtype)
    greatest = pt.switch(pt.gt(inside, 0), value, low).max(axis=axis)
    return pt.switch(pt.gt(greatest, low), greatest, np.array(0, value.dtype))


def _average(value: Any, inside: Any, axis: int) -> Any:
    if inside is None:
        return value.mean(axis=axis, dtype=value.dtype)
    number = pt.maximum(inside.sum(axis=axis, dtype=value.dtype), np.array(1, value.dtype))
    return (value * inside).sum(axis=axis, dtype=value.dtype) / number


def _attention(value: Any, inside: Any, axis: int, weight: Any) -> Any:
    score = pt.dot(value, weight)
    if inside is not None:
        score = pt.switch(pt.gt(inside, 0), score, np.array(-1e30, value.dtype))
    share = pt.exp(score - score.max(axis=axis, keepdims=True))
    if inside is not None:
        share = share * inside
    total = pt.maximum(share.sum(axis=axis, keepdims=True, dtype=value.dtype), np.array(1e-30, value.dtype))
    return (value * share / total).sum(axis=axis, dtype=value.dtype)


@dataclass(frozen=True)
class Flatten(Layer):
    """Positions and channels as one vector; each sequence must have as many positions."""

    def out(self, shape: Shape) -> Shape:
        if shape.flat:
            return shape
        if shape.positions is None:
            fix = 'Cut them to one length, or take architecture="deepbind", "danq" or "dilated".'
            raise InputError("network", "sequences", "of one length for this architecture", "several lengths", fix)
        return Shape(shape.channels * shape.positions, None, flat=True)

    def build(self, signal: Signal, own: Parameters, context: Context, name: str) -> Signal:
        shape = self.out(signal.shape)
        flat = signal.value.reshape((signal.count, shape.channels))
        return signal.with_value(flat, shape=shape, length=None)


@dataclass(frozen=True)
class Dense(Layer):
    """A matrix product with a bias."""

    units: int

    def out(self, shape: Shape) -> Shape:
        return shape._replace(channels=self.units)

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        weight = uniform(rng, (shape.channels, self.units), shape.channels)
        return {"weight": weight, "bias": uniform(rng, (self.units,), shape.channels)}

    def build(self, signal: Signal, own: Parameters, context: Context, name: str) -> Signal:
        return signal.with_value(pt.dot(signal.value, own["weight"]) + own["bias"], shape=self.out(signal.shape))


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Each channel with mean 0 and variance 1 over the batch; afterwards by the running mean and variance."""

    momentum: float = 0.1
    epsilon: float = 1e-5
    fixed = ("mean", "variance")

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        ones, zeros = np.ones(shape.channels, np.float32), np.zeros(shape.channels, np.float32)
        return {"scale": ones, "shift": zeros, "mean": zeros, "variance": ones}

    def build(self, signal: Signal, own: Parameters, context: Context, name: str) -> Signal:
        value, kind = signal.value, signal.value.dtype
        if not context.training:
            deviation = pt.sqrt(own["variance"] + np.array(self.epsilon, kind))
            return signal.with_value((value - own["mean"]) / deviation * own["scale"] + own["shift"])
        flat_already = signal.shape.flat
        rows = signal.count if flat_already else signal.count * signal.positions
        shape = (signal.count, *(() if flat_already else (signal.positions,)), signal.shape.channels)
        if signal.length is None or flat_already:
            inside, count = pt.ones((rows,), dtype=kind), pt.as_tensor_variable(rows).astype(kind)
        else:
            inside = signal.inside().reshape((rows,))
            count = inside.sum(dtype=kind)
        flat = value.reshape((rows, signal.shape.channels))
        normed, mean, variance = batch_norm.at(kind).expr(flat, inside, own["scale"], own["shift"], self.epsilon)
        unbiased, share = variance * (count / pt.maximum(count - 1, np.array(1, kind))), np.array(self.momentum, kind)
        for short, new in (("mean", mean), ("variance", unbiased)):
            context.updates[f"{name}.{short}"] = (1 - share) * own[short] + share * new
        return signal.with_value(normed.reshape(shape))


@dataclass(frozen=True)
class LayerNorm(Layer):
    """The channels of each position with mean 0 and variance 1."""

    epsilon: float = 1e-5

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return {"scale": np.ones(shape.channels, np.float32), "shift": np.zeros(shape.channels, np.float32)}

    def build(self, signal: Signal, own: Parameters, context: Context, name: str) -> Signal:
        value = signal.value
        centred = value - value.mean(axis=-1, keepdims=True, dtype=value.dtype)
        variance = (centred**2).mean(axis=-1, keepdims=True, dtype=value.dtype)
        deviation = pt.sqrt(variance + np.array(self.epsilon, value.dtype))
        return signal.with_value(centred / deviation * own["scale"] + own["shift"])


@dataclass(frozen=True)
class Dropout(Layer):
    """While training, a share of the values is 0 and the others grow so that the sum is as expected.

    The uniform numbers that decide come in from outside, so every backend drops the same values.
    """

    share: float

    def noise(self, shape: Shape, count: int) -> tuple[int, ...] | None:
        if self.share == 0:
            return None
        return (count, shape.channels) if shape.flat else (count, shape.positions or 0, shape.channels)

    def build(self, signal: Signal, own: Parameters, context: Context, name: str) -> Signal:
        if not context.training or not context.drops or self.share == 0:
            return signal
        value = signal.value
        noise = pt.TensorType("float32", shape=value.type.shape)(name=f"{name}.noise")
        context.noise.append(noise)
        kept = pt.ge(noise, np.float32(self.share)).astype(value.dtype)
        return signal.with_value(value * kept * np.float32(1 / (1 - self.share)))


@dataclass(frozen=True)
class Residual(Layer):
    """What comes in, plus what the inner layers make of it; they must keep its channels and positions."""

    layers: tuple[Layer, ...]

    @property
    def fixed(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(f"{k}.{short}" for k, layer in enumerate(self.layers) for short in layer.fixed)

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        made: dict[str, np.ndarray] = {}
        for k, layer in enumerate(self.layers):
            made |= {f"{k}.{short}": value for short, value in layer.initial(shape, rng).items()}
            shape = layer.out(shape)
        return made

    def build(self, signal: Signal, own: Parameters, context: Context, name: str) -> Signal:
        inner = signal
        for k, layer in enumerate(self.layers):
            inner = layer.build(inner, parts_of(own, f"{k}."), context, f"{name}.{k}")
        return signal.with_value(signal.value + inner.value)


def parts_of(own: Parameters, prefix: str) -> Parameters:
    """The parameters whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in own.items() if name.startswith(prefix)}

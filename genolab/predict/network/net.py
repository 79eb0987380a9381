"""A network: a list of layers with their parameters, and the named architectures."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.predict.network.convolution import known_length
from genolab.predict.network.layers import (
    BaseConvolution,
    BatchNorm,
    Context,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Parameters,
    Pool,
    Relu,
    Residual,
    Shape,
    Signal,
    parts_of,
)
from genolab.predict.network.recurrent import Lstm

BASES = Shape(4, None)


class Network:
    """Layers in order. Its parameters have names such as ``0.base_convolution.weight``.

    Parameters
    ----------
    layers
        The first takes bases; the last gives the outputs.
    positions
        The length of every sequence, or None where they differ.
    """

    def __init__(self, layers: tuple[Layer, ...], positions: int | None) -> None:
        self.layers, self.positions = layers, positions
        self.names = [f"{k}.{_snake(type(layer).__name__)}" for k, layer in enumerate(layers)]
        shape, self.shapes = BASES._replace(positions=positions), []
        for layer in layers:
            self.shapes.append(shape)
            shape = layer.out(shape)
        self.outputs = shape.channels

    @property
    def fixed(self) -> set[str]:
        """Names of the parameters that no gradient changes."""
        return {f"{name}.{short}" for name, layer in zip(self.names, self.layers, strict=True) for short in layer.fixed}

    def initial(self, seed: int) -> dict[str, np.ndarray]:
        """New parameters; the same seed gives the same."""
        rng = np.random.default_rng(seed)
        made: dict[str, np.ndarray] = {}
        for name, layer, shape in zip(self.names, self.layers, self.shapes, strict=True):
            made |= {f"{name}.{short}": value for short, value in layer.initial(shape, rng).items()}
        return made

    def noise(self, count: int, positions: int) -> list[tuple[int, ...]]:
        """The shapes of the uniform numbers that a training step on so many sequences takes."""
        shape, wanted = BASES._replace(positions=positions), []
        for layer in self.layers:
            wanted.append(layer.noise(shape, count))
            shape = layer.out(shape)
        return [each for each in wanted if each is not None]

    def build(self, value: Any, length: Any, parameters: Parameters, context: Context) -> Any:
        """The outputs [sequence, output] for codes or shares of bases; ``length`` None where all positions count."""
        count, positions = (known_length(value, axis) for axis in (0, 1))
        signal = Signal(value, self.shapes[0], count, positions, length)
        for name, layer in zip(self.names, self.layers, strict=True):
            signal = layer.build(signal, parts_of(parameters, f"{name}."), context, name)
        return signal.value


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def deepbind(filters: int = 32, width: int = 16, units: int = 32, dropout: float = 0.2) -> tuple[Layer, ...]:
    """One layer of filters, the greatest activation of each, two dense layers. Any lengths.

    After Alipanahi et al. 2015, doi:10.1038/nbt.3300.
    """
    return (BaseConvolution(filters, width, pool=0, same=True), Flatten(), Dropout(dropout), Dense(units), Relu())


def basset(
    filters: int = 64, width: int = 15, pool: int = 6, units: int = 64, dropout: float = 0.2, deeper: int = 0
) -> tuple[Layer, ...]:
    """Filters, maximum pooling, ``deeper`` more convolutions, dense layers over all positions. One length.

    After Kelley, Snoek and Rinn 2016, doi:10.1101/gr.200535.115, which has two more convolutions and more of all.
    """
    more: tuple[Layer, ...] = (Convolution(filters, 5), BatchNorm(), Relu(), Pool("max", 2))
    return (
        BaseConvolution(filters, width, pool, same=True), *more * deeper, Flatten(), Dropout(dropout), Dense(units),
        Relu(), Dropout(dropout),
    )  # fmt: skip


def danq(filters: int = 48, width: int = 15, pool: int = 6, units: int = 24, dropout: float = 0.2) -> tuple[Layer, ...]:
    """Filters, maximum pooling, long short-term memory both ways, attention over the positions. Any lengths.

    After Quang and Xie 2016, doi:10.1093/nar/gkw226, which flattens where this attends.
    """
    return (
        BaseConvolution(filters, width, pool, same=True), Dropout(dropout), Lstm(units), Pool("attention"),
        Dense(32), Relu(),
    )  # fmt: skip


def dilated(filters: int = 32, width: int = 15, blocks: int = 4, dropout: float = 0.1) -> tuple[Layer, ...]:
    """Filters, then residual blocks whose taps lie 1, 2, 4, ... positions apart; attention over them. Any lengths.

    After Kelley et al. 2018, doi:10.1101/gr.227819.117, small.
    """
    inner = tuple(
        Residual((BatchNorm(), Relu(), Convolution(filters, 3, 2**k), BatchNorm(), Relu(), Convolution(filters, 1)))
        for k in range(blocks)
    )
    return (
        BaseConvolution(filters, width, 2, same=True), *inner, BatchNorm(), Relu(), Pool("attention"),
        Dropout(dropout),
    )  # fmt: skip


def positional(units: int = 64, dropout: float = 0.1) -> tuple[Layer, ...]:
    """Every base at its position into two dense layers: for aligned sequences. One length."""
    return (BaseConvolution(16, 1), Flatten(), Dense(units), Relu(), Dropout(dropout), Dense(units), Relu())


ARCHITECTURES: dict[str, Callable[..., tuple[Layer, ...]]] = {
    "deepbind": deepbind, "basset": basset, "danq": danq, "dilated": dilated, "positional": positional,
}  # fmt: skip


def make_network(architecture: str, outputs: int, positions: int | None, options: dict[str, Any]) -> Network:
    """The named architecture with a last dense layer for the outputs; ``options`` are its keyword arguments."""
    if architecture not in ARCHITECTURES:
        raise InputError("network", "architecture", f"one of {', '.join(ARCHITECTURES)}", repr(architecture))
    try:
        layers = ARCHITECTURES[architecture](**options)
    except TypeError as error:
        raise InputError("network", "options", f"options of {architecture}", str(error)) from None
    return Network((*layers, Dense(outputs)), positions)

"""A recurrent layer: long short-term memory, by `scan` as the definition and by NumPy's matrix products as it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.kernel import kernel
from genolab.predict.network.layers import Context, Layer, Parameters, Shape, Signal, uniform
from genolab.spec import Spec, Symbol


class Remembered(NamedTuple):
    """The state after each position, and what its gradient needs."""

    hidden: Annotated[Symbol, Spec("sequence position unit", "float32", "what is passed on", symbol="h")]
    cell: Annotated[Symbol, Spec("sequence position unit", "float32", "what is remembered", symbol="c")]
    gates: Annotated[
        Symbol,
        Spec("sequence position gate", "float32", "input, forget, new and output, after theirs", symbol="(i, f, g, o)"),
    ]


def _example() -> tuple[np.ndarray, ...]:
    return np.ones((2, 3, 8), np.float32), np.ones((2, 8), np.float32), np.ones((2, 3), np.float32)


@kernel(backend="numpy", example=_example)
def lstm(
    drive: Annotated[
        Symbol, Spec("sequence position gate", "float32", "what the input adds to the four gates", symbol="x")
    ],
    recurrent: Annotated[
        Symbol, Spec("unit gate", "float32", "weights from the last hidden state to the gates", symbol="U")
    ],
    inside: Annotated[Symbol, Spec("sequence position", "float32", "1 where the position counts, else 0")],
) -> Remembered:
    r"""Long short-term memory; where a position does not count, the state stays as it was.

    With :math:`(i, f, g, o)` the four quarters of :math:`x_t + h_{t-1} U`,

    .. math:: c_t = \sigma(f) c_{t-1} + \sigma(i) \tanh(g), \qquad h_t = \sigma(o) \tanh(c_t)

    See Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735.
    """
    units = recurrent.shape[0]
    start = pt.zeros((drive.shape[0], units), dtype=drive.dtype)

    def step(x: Any, m: Any, hidden: Any, cell: Any, weight: Any) -> tuple[Any, ...]:
        total = x + pt.dot(hidden, weight)
        i, f, o = (1 / (1 + pt.exp(-total[:, k * units : (k + 1) * units])) for k in (0, 1, 3))
        g = pt.tanh(total[:, 2 * units : 3 * units])
        new_cell = f * cell + i * g
        new_hidden = o * pt.tanh(new_cell)
        keep = m[:, None]
        gates = pt.concatenate([i, f, g, o], axis=1)
        return keep * new_hidden + (1 - keep) * hidden, keep * new_cell + (1 - keep) * cell, gates

    hidden, cell, gates = pytensor.scan(
        step, sequences=[drive.dimshuffle(1, 0, 2), inside.dimshuffle(1, 0)], outputs_info=[start, start, None],
        non_sequences=[recurrent], return_updates=False,
    )  # fmt: skip
    return Remembered(*(value.dimshuffle(1, 0, 2) for value in (hidden, cell, gates)))


@lstm.driven
def _forward(drive: np.ndarray, recurrent: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, ...]:
    count, positions, _ = drive.shape
    units = len(recurrent)
    hidden = np.zeros((positions + 1, count, units), drive.dtype)
    cell = np.zeros_like(hidden)
    gates = np.empty((positions, count, 4 * units), drive.dtype)
    for t in range(positions):
        gate = gates[t]
        np.matmul(hidden[t], recurrent, out=gate)
        gate += drive[:, t]
        new = gate[:, 2 * units : 3 * units]
        kept = np.tanh(new)
        np.negative(gate, out=gate)
        np.exp(np.minimum(gate, 80, out=gate), out=gate)
        gate += 1
        np.reciprocal(gate, out=gate)
        new[...] = kept
        i, f, o = (gate[:, k * units : (k + 1) * units] for k in (0, 1, 3))
        m = inside[:, t, None]
        fresh = f * cell[t] + i * kept
        cell[t + 1] = m * fresh + (1 - m) * cell[t]
        hidden[t + 1] = m * (o * np.tanh(fresh)) + (1 - m) * hidden[t]
    return tuple(np.ascontiguousarray(value.swapaxes(0, 1)) for value in (hidden[1:], cell[1:], gates))


@lstm.driven_gradient("drive", "recurrent")
def _backward(
    drive: np.ndarray, recurrent: np.ndarray, inside: np.ndarray, hidden: np.ndarray, cell: np.ndarray,
    gates: np.ndarray, gradient: np.ndarray,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    count, positions, units = hidden.shape
    by_drive = np.empty_like(drive)
    by_hidden, by_cell = np.zeros((count, units), drive.dtype), np.zeros((count, units), drive.dtype)
    nothing = np.zeros((count, units), drive.dtype)
    for t in range(positions - 1, -1, -1):
        m = inside[:, t, None]
        i, f, g, o = (gates[:, t, k * units : (k + 1) * units] for k in range(4))
        before = cell[:, t - 1] if t else nothing
        squashed = np.tanh(f * before + i * g)
        total = by_hidden + gradient[:, t]
        through, cell_through = m * total, m * by_cell
        cell_total = cell_through + through * o * (1 - squashed**2)
        own = by_drive[:, t]
        own[:, :units] = cell_total * g * i * (1 - i)
        own[:, units : 2 * units] = cell_total * before * f * (1 - f)
        own[:, 2 * units : 3 * units] = cell_total * i * (1 - g**2)
        own[:, 3 * units :] = through * squashed * o * (1 - o)
        by_hidden = (total - through) + own @ recurrent.T
        by_cell = (by_cell - cell_through) + cell_total * f
    earlier = np.concatenate([nothing[:, None], hidden[:, :-1]], axis=1).reshape(-1, units)
    return by_drive, earlier.T @ by_drive.reshape(-1, 4 * units)


@dataclass(frozen=True)
class Lstm(Layer):
    """Long short-term memory along the positions in both directions, their states side by side."""

    units: int

    def out(self, shape: Shape) -> Shape:
        return shape._replace(channels=2 * self.units)

    def initial(self, shape: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
        made = {}
        for way in ("forward", "backward"):
            made[f"{way}_weight"] = uniform(rng, (shape.channels, 4 * self.units), shape.channels)
            made[f"{way}_recurrent"] = uniform(rng, (self.units, 4 * self.units), self.units)
            made[f"{way}_bias"] = uniform(rng, (4 * self.units,), self.units)
        return made

    def build(self, signal: Signal, own: Parameters, context: Context, name: str) -> Signal:
        value = signal.value
        count, positions = signal.count, signal.positions
        inside = pt.ones((count, positions), dtype=value.dtype) if signal.length is None else signal.inside()[:, :, 0]
        flat = value.reshape((count * positions, signal.shape.channels))
        states = []
        for way, turn in (("forward", slice(None)), ("backward", slice(None, None, -1))):
            drive = pt.dot(flat, own[f"{way}_weight"]) + own[f"{way}_bias"]
            drive = drive.reshape((count, positions, 4 * self.units))
            states.append(
                lstm.at(value.dtype).expr(drive[:, turn], own[f"{way}_recurrent"], inside[:, turn]).hidden[:, turn]
            )
        return signal.with_value(pt.concatenate(states, axis=2), shape=self.out(signal.shape))

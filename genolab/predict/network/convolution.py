"""The first layer of a network on DNA: convolution over base codes, fused with ReLU and maximum pooling."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np
import pytensor.tensor as pt

from genolab.errors import InputError
from genolab.kernel import kernel
from genolab.kernel.driver import DrivenImplementation
from genolab.kernel.pullback import DrivenGradient
from genolab.kernel.threads import added, spread
from genolab.spec import Spec, Symbol

SHARES = 4
"""Shares of the gradient's loop; each has a table of its own."""

Codes = Annotated[
    Symbol, Spec("sequence position", "int8", "base code, 4 where no base is known", low=0, high=4, symbol="c")
]
Length = Annotated[Symbol, Spec("sequence", "int64", "positions that belong to the sequence", low=0)]


class Pooled(NamedTuple):
    """Activations, and where each was found."""

    activation: Annotated[
        Symbol, Spec("sequence window filter", "float32", "greatest of its stretch, at least 0", symbol="y")
    ]
    place: Annotated[Symbol, Spec("sequence window filter", "int32", "start of that window; -1 where it is 0")]


def windows_of(positions: Any, width: int, pool: int) -> Any:
    """Stretches of ``pool`` windows in so many positions; a rest is left out, ``pool=0`` is one stretch of all."""
    return 1 if pool == 0 else (positions - width + 1) // pool


@kernel(
    backend="numpy",
    example=lambda pool: (np.zeros((1, 8), np.int8), np.full(1, 8), np.ones((3, 4, 2), np.float32), np.ones(2)),
)
def base_convolution(
    codes: Codes,
    length: Length,
    weight: Annotated[Symbol, Spec("offset base=4 filter", "float32", "what a base adds at an offset", symbol="W")],
    bias: Annotated[Symbol, Spec("filter", "float32", "added to each window", symbol="b")],
    pool: int = 1,
) -> Pooled:
    r"""Scan sequences with filters, keep what is positive, and take the greatest of each ``pool`` neighbouring windows.

    With :math:`c_{bp}` the base at a position (a position without one adds nothing), and :math:`Q_q` the windows of
    stretch q that lie inside the sequence,

    .. math:: y_{bqf} = \max\!\left(0, \max_{p \in Q_q} b_f + \sum_{k=0}^{K-1} W_{k, c_{b, p+k}, f}\right)

    Of equal windows the first counts; the gradient goes there alone. ``pool=0`` pools over the whole sequence.
    """
    bases = pt.eq(codes[:, :, None], np.arange(4, dtype=np.int8)).astype(weight.dtype)
    return Pooled(*soft_convolution(bases, length, weight, bias, pool))


def soft_convolution(bases: Any, length: Any, weight: Any, bias: Any, pool: int) -> tuple[Any, Any]:
    """The same for shares of bases [sequence, position, base]: what attributions differentiate by."""
    count, positions = (known_length(bases, axis) for axis in (0, 1))
    width, filters = known_length(weight, 0), known_length(weight, 2)
    windows = windows_of(positions, width, pool)
    each = positions - width + 1 if pool == 0 else pool
    start = pt.arange(windows * each)
    if isinstance(width, int):
        column = pt.concatenate([bases[:, k : k + windows * each] for k in range(width)], axis=2)
    else:
        column = bases[:, start[:, None] + pt.arange(width)[None, :]]
    value = column.reshape((count * windows * each, 4 * width)) @ weight.reshape((4 * width, filters)) + bias
    inside = pt.lt(start[None, :], (length - width + 1)[:, None])
    value = value.reshape((count, windows * each, filters))
    return _greatest(value, inside, (count, windows, each, filters), start)


def known_length(variable: Any, axis: int) -> Any:
    """A length as a number where it is known before the graph runs, as JAX needs it; else as a variable."""
    known = variable.type.shape[axis]
    return variable.shape[axis] if known is None else known


def _greatest(value: Any, inside: Any, shape: tuple[Any, ...], start: Any) -> tuple[Any, Any]:
    held = pt.switch(inside[:, :, None], value, np.array(-np.inf, value.dtype)).reshape(shape)
    greatest = held.max(axis=2, keepdims=True)
    first = pt.eq(pt.cumsum(pt.eq(held, greatest).astype("int32"), axis=2), 1) & pt.eq(held, greatest)
    at_window = pt.switch(first, start.reshape((1, shape[1], shape[2], 1)), 0).sum(axis=2)
    chosen = pt.switch(first & pt.gt(held, 0), held, np.array(0, value.dtype)).sum(axis=2)
    return chosen, pt.switch(pt.gt(chosen, 0), at_window, -1).astype("int32")


@base_convolution.fits
def _filters_fit(codes: np.ndarray, weight: np.ndarray, **_: np.ndarray) -> None:
    if weight.shape[0] > codes.shape[1]:
        expected = f"at most {codes.shape[1]:,} long along `offset`, the positions of `codes`"
        raise InputError("base_convolution", "weight", expected, f"{weight.shape[0]:,}")


@base_convolution.driven
def _forward(
    codes: np.ndarray, length: np.ndarray, weight: np.ndarray, bias: np.ndarray, pool: int
) -> tuple[np.ndarray, ...]:
    from genolab.predict.loops import convolution as loops

    (count, positions), (width, _, filters) = codes.shape, weight.shape
    windows = windows_of(positions, width, pool)
    out = np.empty((count, windows, filters), weight.dtype)
    place = np.empty(out.shape, np.int32)
    spread(
        loops.forward, count, codes, length, loops.tables(weight), bias, width, pool or positions, out, place
    )  # fmt: skip
    return out, place


@base_convolution.driven_gradient("weight", "bias")
def _backward(
    codes: np.ndarray, length: np.ndarray, weight: np.ndarray, bias: np.ndarray, activation: np.ndarray,
    place: np.ndarray, gradient: np.ndarray, pool: int,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    from genolab.predict.loops import convolution as loops

    groups = -(-len(weight) // 3)
    total = added(loops.backward, len(codes), codes, place, gradient, groups, parts=SHARES)
    return loops.folded(total[:-1].reshape(groups, loops.WORDS, -1), len(weight)), total[-1]


def _windows(codes: np.ndarray, width: int, windows: int) -> np.ndarray:
    """The bases of each window side by side as 0 and 1 [sequence * window, offset * base], float32."""
    bases = np.eye(5, 4, dtype=np.float32)[codes]
    seen = np.lib.stride_tricks.sliding_window_view(bases, width, axis=1)[:, :windows]
    return np.ascontiguousarray(seen.transpose(0, 1, 3, 2)).reshape(len(codes) * windows, 4 * width)


def _forward_arrays(
    codes: np.ndarray, length: np.ndarray, weight: np.ndarray, bias: np.ndarray, pool: int
) -> tuple[np.ndarray, ...]:
    (count, positions), (width, _, filters) = codes.shape, weight.shape
    stretches = windows_of(positions, width, pool)
    each = positions - width + 1 if pool == 0 else pool
    value = _windows(codes, width, stretches * each).astype(weight.dtype) @ weight.reshape(-1, filters) + bias
    value = value.reshape(count, stretches * each, filters)
    value[np.arange(stretches * each)[None, :] >= (length - width + 1)[:, None]] = -np.inf
    value = value.reshape(count, stretches, each, filters)
    out = np.maximum(value.max(axis=2), 0)
    start = (np.arange(stretches) * each)[None, :, None]
    return out, np.where(out > 0, value.argmax(axis=2) + start, -1).astype(np.int32)


def _backward_arrays(
    codes: np.ndarray, length: np.ndarray, weight: np.ndarray, bias: np.ndarray, activation: np.ndarray,
    place: np.ndarray, gradient: np.ndarray, pool: int,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    count, (width, _, filters) = len(codes), weight.shape
    windows = codes.shape[1] - width + 1
    held, moved = place >= 0, np.zeros((count, windows, filters), gradient.dtype)
    sequence, _, which = np.nonzero(held)
    moved[sequence, place[held], which] = gradient[held]  # stretches share no window
    seen = _windows(codes, width, windows).astype(gradient.dtype)
    by_weight = seen.T @ moved.reshape(count * windows, filters)
    return by_weight.reshape(width, 4, filters), (gradient * held).sum(axis=(0, 1))


_arrays = DrivenImplementation(_forward_arrays)
_arrays.gradient = DrivenGradient(_backward_arrays, ("weight", "bias"))
array_convolution = base_convolution._changed(implementation=_arrays)
"""The same kernel driven by NumPy alone: ready at once where the loops have never been compiled."""


def warm_loops() -> None:
    """Compile the loops of the first layer, or load them from the disk: seconds, which nobody should wait for."""
    start = np.zeros((1, 8), np.int8), np.full(1, 8), np.ones((3, 4, 2), np.float32), np.ones(2, np.float32)
    given = [_fixed(value) for value in start]
    made = [_fixed(value) for value in _forward(*given, pool=2)]
    _backward(*given, *made, made[0], pool=2)


def _fixed(value: np.ndarray) -> np.ndarray:
    """Read-only, as the loops get their arrays: Numba would compile another one for arrays that may be written."""
    view = value.view()
    view.flags.writeable = False
    return view


class Unfolded(NamedTuple):
    """Neighbours side by side."""

    column: Annotated[Symbol, Spec("sequence position column", "float32", "channels of each tap in turn", symbol="y")]


@kernel(backend="numpy")
def unfold(
    value: Annotated[Symbol, Spec("sequence position channel", "float32", "channels along positions", symbol="x")],
    width: int = 1,
    dilation: int = 1,
) -> Unfolded:
    r"""The channels of ``width`` neighbours, ``dilation`` positions apart, beside each position; 0 beyond the ends.

    .. math:: y_{b, p, k C + c} = x_{b, p + d (k - \lfloor (K - 1) / 2 \rfloor), c}

    A convolution is then one matrix product.
    """
    count, positions, channels = (known_length(value, axis) for axis in range(3))
    before, after = _edges(width, dilation)
    edges = [pt.zeros((count, side, channels), dtype=value.dtype) for side in (before, after)]
    wide = pt.concatenate([edges[0], value, edges[1]], axis=1)
    taps = [wide[:, k * dilation : k * dilation + positions] for k in range(width)]
    return Unfolded(pt.concatenate(taps, axis=2) if width > 1 else taps[0])


def _edges(width: int, dilation: int) -> tuple[int, int]:
    before = (width - 1) // 2 * dilation
    return before, (width - 1) * dilation - before


def _shares(positions: int, width: int, dilation: int) -> list[tuple[int, slice, slice]]:
    """For each tap the positions that have a neighbour there, and those neighbours."""
    shares = []
    for k in range(width):
        shift = k * dilation - _edges(width, dilation)[0]
        here = slice(max(0, -shift), max(0, min(positions, positions - shift)))
        shares.append((k, here, slice(here.start + shift, max(here.start + shift, here.stop + shift))))
    return shares


@unfold.driven
def _unfold(value: np.ndarray, width: int, dilation: int) -> np.ndarray:
    count, positions, channels = value.shape
    out = np.zeros((count, positions, width, channels), value.dtype)
    for k, here, there in _shares(positions, width, dilation):
        out[:, here, k] = value[:, there]
    return out.reshape(count, positions, width * channels)


@unfold.driven_gradient("value")
def _fold(value: np.ndarray, column: np.ndarray, gradient: np.ndarray, width: int, dilation: int) -> np.ndarray:
    count, positions, channels = value.shape
    out, by_tap = np.zeros_like(value), gradient.reshape(count, positions, width, channels)
    for k, here, there in _shares(positions, width, dilation):
        out[:, there] += by_tap[:, here, k]
    return out

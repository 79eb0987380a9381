"""Why a network says what it says: gradients by bases, changes of bases, and what its filters look for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.errors import InputError
from genolab.kernel.backends import COMPILE_LOCK, compiling_for, mode_of
from genolab.predict.bases import NONE, Bases, _joined
from genolab.predict.network.convolution import array_convolution, base_convolution
from genolab.predict.network.layers import BaseConvolution, Context

if TYPE_CHECKING:
    from genolab.predict.model import SequenceModel

AT_ONCE = 32
"""Sequences whose gradients are taken at one time."""


def saliency(model: SequenceModel, bases: Bases, target: int = 0) -> np.ndarray:
    r"""The gradient of an output by the share of each base, :math:`\partial z / \partial x_{pb}`.

    [sequence, position, base]; 0 behind the end of a shorter sequence. Outputs are before any link: log odds for
    classes. With both strands it is that of their mean.
    """
    out = np.zeros((len(bases), int(bases.length.max()), 4), np.float32)
    for numbers, shares in _alike(bases):
        out[numbers, : shares.shape[1]] = _gradient(model, shares, target)[1]
    return out


def input_times_gradient(model: SequenceModel, bases: Bases, target: int = 0) -> np.ndarray:
    """The gradient at the base that is there; 0 at the others and where no base is known."""
    out = np.zeros((len(bases), int(bases.length.max()), 4), np.float32)
    for numbers, shares in _alike(bases):
        out[numbers, : shares.shape[1]] = _gradient(model, shares, target)[1] * shares
    return out


def integrated_gradients(model: SequenceModel, bases: Bases, target: int = 0, steps: int = 64) -> np.ndarray:
    r"""Shares of the difference to a sequence of unknown bases, by the gradients along the way from there.

    .. math:: a_{pb} = x_{pb} \int_0^1 \frac{\partial z(t x)}{\partial x_{pb}} dt, \qquad
              \sum_{pb} a_{pb} = z(x) - z(0)

    The integral is the mean over the middles of ``steps`` stretches; the sum is as exact as that.
    See Sundararajan, Taly and Yan 2017, arXiv:1703.01365.
    """
    if not isinstance(steps, int | np.integer) or steps < 1:
        raise InputError("integrated_gradients", "steps", "a whole number from 1", repr(steps))
    out = np.zeros((len(bases), int(bases.length.max()), 4), np.float32)
    for numbers, shares in _alike(bases):
        total = np.zeros(shares.shape)
        for step in range(steps):
            total += _gradient(model, shares * np.float32((step + 0.5) / steps), target)[1]
        out[numbers, : shares.shape[1]] = shares * (total / steps)
    return out


def mutagenesis(model: SequenceModel, bases: Bases, target: int = 0) -> np.ndarray:
    """The change of an output by each other base at each position of one sequence [position, base]."""
    codes = bases[0]
    place, base = np.divmod(np.arange(4 * codes.size), 4)
    changed = np.repeat(codes[None], place.size, axis=0)
    changed[np.arange(place.size), place] = base
    output = model._raw(_joined([codes, *changed], 0))
    _check_target(output.shape[1], target)
    found: np.ndarray = (output[1:, target] - output[0, target]).reshape(-1, 4)
    found[np.arange(codes.size)[codes < NONE], codes[codes < NONE]] = 0  # the base itself
    return found


@dataclass(frozen=True)
class Motif:
    """What a filter looks for: shares of the bases at its ``sites`` best places, and their information in bits.

    ``heights`` are the letters of its logo: share times information [position, base].
    """

    filter: int
    sites: int
    shares: np.ndarray = field(repr=False)
    information: np.ndarray = field(repr=False)

    @property
    def heights(self) -> np.ndarray:
        """Heights of the letters, bits."""
        heights: np.ndarray = self.shares * self.information[:, None]
        return heights

    @property
    def consensus(self) -> str:
        """The commonest base at each position; N where it carries less than half a bit."""
        letters = np.array(list("ACGT"))[self.shares.argmax(axis=1)]
        return "".join(np.where(self.information >= 0.5, letters, "N"))


def filter_motifs(model: SequenceModel, bases: Bases | None, share: float = 0.5) -> list[Motif]:
    r"""A motif per filter of the first layer, those of most information first.

    Counted are the windows of ``bases`` that excite the filter to at least ``share`` of its greatest activation there;
    without sequences the shares are the softmax of the weights. The information is
    :math:`2 + \sum_b p_b \log_2 p_b` less the mean bias of so few sites, :math:`3 / (2 n \ln 2)`.
    See Schneider and Stephens 1990, doi:10.1093/nar/18.20.6097.
    """
    weight, bias = _first_filters(model)
    width, _, filters = weight.shape
    if bases is None:
        raised = np.exp(weight - weight.max(axis=1, keepdims=True))
        shares = raised / raised.sum(axis=1, keepdims=True)
        found = [Motif(f, 0, shares[:, :, f], _information(shares[:, :, f], 0)) for f in range(filters)]
        return sorted(found, key=lambda motif: -motif.information.sum())
    if not 0 < share <= 1:
        raise InputError("filters", "share", "above 0 and at most 1", f"{share:g}")
    greatest = np.zeros(filters)
    scan = base_convolution if model.trainer_.fused else array_convolution
    for _, activation in _activations(bases, weight, bias, scan):
        greatest = np.maximum(greatest, activation.max(axis=(0, 1), initial=0))
    counts, sites = np.zeros((filters, width, 4)), np.zeros(filters, np.int64)
    for codes, activation in _activations(bases, weight, bias, scan):
        for f in np.flatnonzero(greatest > 0):
            row, start = np.nonzero(activation[:, :, f] >= share * greatest[f])
            windows = codes[row[:, None], start[:, None] + np.arange(width)[None]]
            sites[f] += row.size
            for base in range(4):
                counts[f, :, base] += (windows == base).sum(axis=0)
    shares = (counts + 0.25) / (counts.sum(axis=2, keepdims=True) + 1)
    found = [Motif(f, int(sites[f]), shares[f], _information(shares[f], int(sites[f]))) for f in range(filters)]
    return sorted(found, key=lambda motif: -motif.information.sum())


def _information(shares: np.ndarray, sites: int) -> np.ndarray:
    bits = 2 + (shares * np.log2(np.maximum(shares, 1e-12))).sum(axis=1)
    return np.maximum(bits - (3 / (2 * np.log(2) * sites) if sites else 0), 0)


def _first_filters(model: SequenceModel) -> tuple[np.ndarray, np.ndarray]:
    network = _network(model)
    if not isinstance(network.layers[0], BaseConvolution):
        raise InputError("filters", "model", "one whose first layer has filters", model.architecture)
    weights = model.trainer_.weights()
    return weights[f"{network.names[0]}.weight"], weights[f"{network.names[0]}.bias"]


def _activations(
    bases: Bases, weight: np.ndarray, bias: np.ndarray, scan: Any
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    used = np.flatnonzero(bases.length >= len(weight))
    for first in range(0, used.size, AT_ONCE):
        codes, length = bases.batch(used[first : first + AT_ONCE])
        yield codes, scan(codes, length, weight, bias, pool=1).activation


def _network(model: SequenceModel) -> Any:
    if not hasattr(model, "trainer_"):
        fix = "mutagenesis() explains every architecture."
        raise InputError("attribution", "model", "a network", f"architecture {model.architecture!r}", fix)
    return model.trainer_.network


def _alike(bases: Bases) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Sequences of one length at a time, as shares of bases [sequence, position, base]."""
    for length in np.unique(bases.length):
        numbers = np.flatnonzero(bases.length == length)
        for first in range(0, numbers.size, AT_ONCE):
            part = numbers[first : first + AT_ONCE]
            yield part, np.eye(5, dtype=np.float32)[bases.batch(part)[0]][:, :, :4]


def _gradient(model: SequenceModel, shares: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
    """An output of shares of bases, and its gradient; the mean of both strands where that was chosen."""
    output, slope = _one_strand(model, shares, target)
    if model.strands in ("average", "both"):
        other, turned = _one_strand(model, np.ascontiguousarray(shares[:, ::-1, ::-1]), target)
        output, slope = (output + other) / 2, (slope + turned[:, ::-1, ::-1]) / 2
    return output, slope


def _one_strand(model: SequenceModel, shares: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
    network = _network(model)
    _check_target(network.outputs, target)
    if network.positions not in (None, shares.shape[1]):
        expected, found = f"{network.positions} bases long, as those it learnt from", f"{shares.shape[1]} bases"
        raise InputError("attribution", "sequences", expected, found)
    if model.trainer_.slope is None:
        model.trainer_.slope = _compiled(model)
    length = [np.full(len(shares), shares.shape[1])] if network.positions is None else []
    output, slope = model.trainer_.slope(np.ascontiguousarray(shares), *length, target)
    return output, slope


def _compiled(model: SequenceModel) -> Any:
    network = model.trainer_.network
    with COMPILE_LOCK, compiling_for("numpy"):
        shares = pt.TensorType("float32", shape=(None, network.positions, 4))(name="bases")
        length = pt.vector("length", dtype="int64") if network.positions is None else None
        target = pt.scalar("target", dtype="int64")
        output = network.build(shares, length, model.trainer_.parameters(), Context())[:, target]
        slope = pytensor.grad(output.sum(dtype="float32"), shares)
        inputs = [shares, *([] if length is None else [length]), target]
        return pytensor.function(inputs, [output, slope], mode=mode_of("numpy"))


def _check_target(outputs: int, target: int) -> None:
    if not isinstance(target, int | np.integer) or not 0 <= target < outputs:
        raise InputError("attribution", "target", f"an output from 0 to {outputs - 1}", repr(target))

"""How the probability of a read given a haplotype depends on each base's quality: forward and backward sums."""

from __future__ import annotations

from typing import Any

import numpy as np

_CELLS = 3_000_000
"""Cells of the forward matrices that are kept at once, 8 bytes each, in two arrays."""


def quality_gradients(*arrays: Any) -> np.ndarray:
    r"""The gradient of :data:`genolab.call.pairhmm.pair_hmm`: inputs, output, its gradient; that of the qualities.

    With :math:`u_i` and :math:`m_i` the posteriors that base :math:`i` stands over a column that differs from it and
    over one that equals it, :math:`\partial \log_{10} P / \partial Q_i = -\frac1{10}
    \left(u_i - m_i \frac{\epsilon_i}{1-\epsilon_i}\right)`, and 0 where :math:`\epsilon_i` stands at its cap.
    """
    base, quality, start, length, haplotype, opening, hap_start, hap_length, diagonal = arrays[:9]
    band, extension, weight = int(arrays[9]), float(arrays[10]), arrays[12]
    result = np.zeros(quality.shape)
    error = 10.0 ** (-quality / 10.0)
    capped = error > 0.75
    error = np.minimum(error, 0.75)
    wanted = np.flatnonzero(weight != 0.0)
    if not wanted.size:
        return result
    size = max(_CELLS // int(length.max() * hap_length.max()), 1)
    for first in range(0, wanted.size, size):
        pairs = wanted[first : first + size]
        same, differ = _posteriors(
            base, error, start[pairs], length[pairs], haplotype, opening, hap_start[pairs], hap_length[pairs],
            diagonal[pairs], band, extension,
        )  # fmt: skip
        rows = np.arange(same.shape[0])[:, None]
        at = start[pairs][None, :] + np.minimum(rows, length[pairs][None, :] - 1)
        odds = error[at] / (1.0 - error[at])
        slope = -0.1 * (differ - same * odds) * weight[pairs][None, :]
        np.add.at(result, at, np.where((rows < length[pairs][None, :]) & ~capped[at], slope, 0.0))
    return result


def _posteriors(
    base: np.ndarray, error: np.ndarray, start: np.ndarray, length: np.ndarray, haplotype: np.ndarray,
    opening: np.ndarray, hap_start: np.ndarray, hap_length: np.ndarray, diagonal: np.ndarray, band: int,
    extension: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """For each row and pair, the posterior that the base stands over an equal column, and over another."""
    rows, columns = int(length.max()), np.arange(int(hap_length.max()))
    on = columns[None, :] < hap_length[:, None]
    at = hap_start[:, None] + np.minimum(columns[None, :], hap_length[:, None] - 1)
    letters, gap = haplotype[at], opening[at]
    offset = columns[None, :] - diagonal[:, None]
    inside = start[None, :] + np.minimum(np.arange(rows)[:, None], length[None, :] - 1)
    code, wrong = base[inside], error[inside]
    going_on, closing = 1.0 - 2.0 * gap, 1.0 - extension

    def kept(i: int) -> np.ndarray:
        return np.asarray(on & (abs(offset - i) <= band))

    def equal(i: int) -> np.ndarray:
        return np.asarray((code[i][:, None] == letters) & (code[i][:, None] < 4))

    def emitted(i: int) -> np.ndarray:
        return np.where(equal(i), 1.0 - wrong[i][:, None], wrong[i][:, None] / 3.0)

    m_rows, i_rows = np.zeros((2, rows, start.size, columns.size))
    m = ins = deleted = np.zeros((start.size, columns.size))
    for i in range(rows):
        here = kept(i)
        entering = np.ones_like(m) if i == 0 else going_on * _before(m) + closing * _before(ins + deleted)
        new = np.where(here, emitted(i) * entering, 0.0)
        ins = np.where(here, gap * m + extension * ins, 0.0)
        deleted = np.where(here, _chained(gap * _before(new), extension, _before), 0.0)
        largest = np.maximum(np.maximum(new, ins).max(axis=1, keepdims=True), 1e-300)
        m, ins, deleted = new / largest, ins / largest, deleted / largest
        m_rows[i], i_rows[i] = m, ins
    same, differ = np.zeros((2, rows, start.size))
    back_m = back_i = np.zeros_like(m)
    for i in range(rows - 1, -1, -1):
        here = kept(i)
        if i + 1 < rows:
            onward = _after(np.where(kept(i + 1), emitted(i + 1) * back_m, 0.0))  # through M of the next base
            ahead = np.where(kept(i + 1), back_i, 0.0)
            leave = np.where(here, _chained(closing * onward, extension, _after), 0.0)
            back_m = _after(going_on) * onward + gap * ahead + _after(gap * leave)
            back_i = closing * onward + extension * ahead
        last = (length - 1 == i)[:, None]
        back_m, back_i = np.where(last, 1.0, back_m), np.where(last, 1.0, back_i)
        largest = np.maximum(np.maximum(back_m, back_i).max(axis=1, keepdims=True), 1e-300)
        back_m, back_i = np.where(here, back_m / largest, 0.0), np.where(here, back_i / largest, 0.0)
        through = m_rows[i] * back_m
        total = np.maximum((through + i_rows[i] * back_i).sum(axis=1), 1e-300)
        alike = equal(i)
        same[i] = (through * alike).sum(axis=1) / total
        differ[i] = (through * ~alike).sum(axis=1) / total
    return same, differ


def _before(values: np.ndarray, steps: int = 1) -> np.ndarray:
    moved = np.zeros_like(values)
    moved[:, steps:] = values[:, :-steps]
    return moved


def _after(values: np.ndarray, steps: int = 1) -> np.ndarray:
    moved = np.zeros_like(values)
    moved[:, :-steps] = values[:, steps:]
    return moved


def _chained(values: np.ndarray, extension: float, move: object) -> np.ndarray:
    """A geometric sum along a row, twice as many terms with each step, as in the kernel's definition."""
    for steps in (1, 2, 4, 8, 16, 32, 64):
        if steps < values.shape[1]:
            values = values + extension**steps * move(values, steps)  # type: ignore[operator]  # one of the two above
    return values

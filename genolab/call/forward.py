"""How the pair-HMM's sums are computed: lanes of vectors in machine code, or NumPy where compiling would take longer.

Both do the same operations in the same order, so the choice changes no call.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from genolab.kernel.machine import MachineLoop

PRECISIONS: tuple[tuple[Any, int, float, float], ...] = (
    (np.float32, 100, 1e-30, 1e-22),
    (np.float64, 900, 1e-290, 1e-282),
)
"""Type, log2 of what a sum starts at, floor, and the least sum that is trusted: smaller ones are computed again.

The floor is added to every M, so that no value is denormal: a hundred times slower, and Numba cannot flush them to 0.
"""

NOTHING, BEYOND = 7, 8  # letters that equal no other: N in a read, and beside the haplotype

LANES = 16
"""Pairs side by side in the vectors of :mod:`genolab.call.loops.pairhmm`."""

FEW_CELLS = 40_000_000
"""Cells that NumPy sums up in half a second; of fewer, nobody waits for the first compilation of the loops."""

_BLOCK = 1_024  # pairs side by side in NumPy's arrays
_SUMS = MachineLoop("genolab.call.loops.pairhmm", "sums_of_pairs")
_ONE_BY_ONE = MachineLoop("genolab.call.loops.pairhmm", "one_by_one")


def likelihoods_of_pairs(*arrays: np.ndarray) -> np.ndarray:
    """The driver of :data:`genolab.call.pairhmm.pair_hmm`: its inputs, in order; the likelihoods."""
    base, quality, read_start, read_length, haplotype, opening, haplotype_start, haplotype_length, diagonal = arrays[:9]
    extension = float(arrays[10])
    result = np.empty(read_start.size)
    if not result.size:
        return result
    longest_read, longest = int(read_length.max()), int(haplotype_length.max())
    # beyond this a band leaves nothing out
    farthest = np.maximum(haplotype_length - 1 - diagonal, read_length - 1 + diagonal)
    band = min(int(arrays[9]), int(farthest.max()))
    error = np.minimum(10.0 ** (quality / -10.0), 0.75)
    left = np.lexsort((haplotype_length, read_length))
    codes = np.where(base < 4, base, np.uint8(NOTHING))
    width = max(longest + 2, longest_read + 2 * band + 2)
    cells = read_length * np.minimum(haplotype_length, 2 * band + 1)
    for kind, start, floor, least in PRECISIONS:
        if not left.size:
            break
        given = (
            left, codes, (1.0 - error).astype(kind), (error / 3.0).astype(kind), read_start, read_length, haplotype,
            opening.astype(kind), haplotype_start, haplotype_length, diagonal, band, kind(extension),
            kind(2.0**start), kind(floor), longest_read, width,
        )  # fmt: skip
        sums = (sums_in_lanes if cells[left].sum() > FEW_CELLS or _lanes_are_ready(*given) else sums_by_arrays)(*given)
        enough = sums > least
        result[left[enough]] = np.log10(sums[enough].astype(np.float64)) - start * math.log10(2.0)
        left = left[~enough]
    if left.size:
        _ONE_BY_ONE(left, codes, error, *arrays[2:9], band, extension, np.empty((3, longest + 1)), result)
    return result


def _room(kind: Any, pairs: int, longest_read: int, width: int) -> tuple[np.ndarray, ...]:
    """What :func:`genolab.call.loops.pairhmm.sums_of_pairs` writes into; the last array becomes its result."""
    rows, columns = (longest_read, LANES), (width, LANES)
    return (
        np.empty((width, 3, LANES), kind), np.empty(columns, np.uint8), np.empty(columns, kind),
        np.empty(rows, np.uint8), np.empty(rows, kind), np.empty(rows, kind), np.empty(LANES, kind),
        np.empty(pairs, kind),
    )  # fmt: skip


def sums_in_lanes(*given: Any) -> np.ndarray:
    """The sums of pairs by vectors; the same arguments as those of :func:`sums_by_arrays`."""
    *arrays, longest_read, width = given
    room = _room(arrays[7].dtype.type, arrays[0].size, longest_read, width)
    _SUMS(*arrays, *room)
    return room[-1]


def _lanes_are_ready(*given: Any) -> bool:
    *arrays, _, _ = given
    return _SUMS.ready(*arrays, *_room(arrays[7].dtype.type, 0, 0, 0))


def compile_lanes() -> None:
    """Compile what calling needs, or load what an earlier process compiled: for ``genolab warmup``.

    Not the lanes of double precision: the few pairs that need it are few cells.
    """
    none, one = np.zeros(0, np.int64), np.ones(1, np.int64)
    byte = np.zeros(1, np.uint8)
    kind, start, floor, _ = PRECISIONS[0]
    real = np.ones(1, kind)
    sums_in_lanes(
        none, byte, real, real, one, one, byte, real, one, one, one, 1, kind(0.1), kind(2.0**start), kind(floor), 1, 8
    )
    real = np.ones(1)
    _ONE_BY_ONE(none, byte, real, one, one, byte, real, one, one, one, 1, 0.1, np.empty((3, 2)), np.empty(1))


def sums_by_arrays(
    order: np.ndarray, base: np.ndarray, right_of: np.ndarray, wrong_of: np.ndarray, read_start: np.ndarray,
    read_length: np.ndarray, haplotype: np.ndarray, opening: np.ndarray, haplotype_start: np.ndarray,
    haplotype_length: np.ndarray, diagonal: np.ndarray, band: int, extension: Any, start: Any, floor: Any,
    longest_read: int, width: int,
) -> np.ndarray:  # fmt: skip
    """:func:`sums_in_lanes` in NumPy: a row of the matrices of 1,024 pairs at a time."""
    parts = [np.zeros(0, opening.dtype)]
    for at in range(0, order.size, _BLOCK):
        members = order[at : at + _BLOCK]
        parts.append(
            _block(
                base, right_of, wrong_of, read_start[members], read_length[members], haplotype, opening,
                haplotype_start[members], haplotype_length[members], diagonal[members], band, extension, start, floor,
            )
        )  # fmt: skip
    return np.concatenate(parts)


def _block(
    base: np.ndarray, right_of: np.ndarray, wrong_of: np.ndarray, read_start: np.ndarray, read_length: np.ndarray,
    haplotype: np.ndarray, opening: np.ndarray, haplotype_start: np.ndarray, haplotype_length: np.ndarray,
    diagonal: np.ndarray, band: int, extension: Any, start: Any, floor: Any,
) -> np.ndarray:  # fmt: skip
    kind, pairs = opening.dtype, read_start.size
    rows, columns = int(read_length.max()), int(haplotype_length.max())
    farthest = np.maximum(haplotype_length - 1 - diagonal, read_length - 1 + diagonal)
    banded = bool((farthest > band).any())
    width = rows + 2 * band + 2 if banded else columns + 1
    shift = band + 1 - diagonal if banded else np.ones(pairs, np.int64)
    j = np.arange(width)[:, None] - shift[None, :]
    there = (j >= 0) & (j < haplotype_length)
    at = np.where(there, haplotype_start + j, 0)
    letters = np.where(there, haplotype[at], np.uint8(BEYOND))
    gaps = np.where(there, opening[at], kind.type(0))
    one = kind.type(1)
    going_on, closing = one - (gaps + gaps), one - extension
    starts = 2 * band + 1 if banded else columns
    m, ins = np.zeros((2, width, pairs), kind)
    deleted = np.where((j >= -1) & (j < haplotype_length - 1), start / closing, kind.type(0))
    deleted[starts:] = 0
    sums = np.zeros(pairs, kind)
    for i in range(rows):
        first, last = (i + 1, i + 2 * band + 2) if banded else (1, columns + 1)
        here, before = slice(first, last), slice(first - 1, last - 1)
        own = read_start + np.minimum(i, read_length - 1)
        emitted = np.where(letters[here] == base[own], right_of[own], wrong_of[own])
        new_m = emitted * (m[before] * going_on[here] + (ins[before] + deleted[before]) * closing) + floor
        ins[here] = gaps[here] * m[here] + extension * ins[here]
        opened = gaps[first + 1 : last] * new_m[:-1]
        chain = deleted[here]
        chain[0] = 0
        for c in range(1, last - first):
            np.multiply(chain[c - 1], extension, out=chain[c])
            chain[c] += opened[c - 1]
        m[here] = new_m
        if i == 0:
            m[0] = ins[0] = deleted[0] = 0
        done = np.flatnonzero(read_length == i + 1)
        if done.size:
            shown = np.where(there[here][:, done], m[here][:, done] + ins[here][:, done], kind.type(0))
            sums[done] = np.add.accumulate(shown, axis=0)[-1]  # one after the other, as the lanes do
    return sums

"""Counts of short words: k-mers, k-mers at their positions, and k-mers with gaps, as rows of numbers."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.predict.bases import NONE, Bases, complement

MOST_FEATURES = 200_000


def positional(bases: Bases, sizes: tuple[int, ...]) -> np.ndarray:
    """Which word of each size starts at each position [sequence, feature]; all sequences of one length."""
    codes = bases.matrix()
    parts = []
    for size in sizes:
        number, known = _words(codes, tuple(range(size)))
        rows = np.zeros((*number.shape, 4**size), np.float32)
        sequence, place = np.nonzero(known)
        rows[sequence, place, number[sequence, place]] = 1
        parts.append(rows.reshape(len(codes), -1))
    return np.hstack(parts)


def counts(bases: Bases, shapes: list[tuple[int, ...]], both_strands: bool) -> np.ndarray:
    """How often each word occurs [sequence, feature]; a shape holds the offsets of a word's letters.

    Rows have Euclidean length 1, so long sequences weigh as much as short ones.
    """
    starts = np.cumsum([0, *(4 ** len(shape) for shape in shapes)])
    out = np.zeros((len(bases), starts[-1]), np.float32)
    for row in range(len(bases)):
        for codes in (bases[row], complement(bases[row]))[: 2 if both_strands else 1]:
            for shape, start in zip(shapes, starts, strict=False):
                number, known = _words(codes[None], shape)
                if number.size:
                    out[row, start : start + 4 ** len(shape)] += np.bincount(number[known], minlength=4 ** len(shape))
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)


def plain_shapes(sizes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Words without gaps."""
    return [tuple(range(size)) for size in sizes]


def gapped_shapes(length: int, informative: int) -> list[tuple[int, ...]]:
    """All ways to keep ``informative`` letters of a word of ``length``, the first among them.

    After Ghandi et al. 2014, doi:10.1371/journal.pcbi.1003711.
    """
    if not 1 <= informative <= length <= 12:
        found = f"{informative} of {length}"
        raise InputError("gkm", "options", "1 to `length` informative letters of a word of at most 12", found)
    return [(0, *rest) for rest in combinations(range(1, length), informative - 1)]


def _words(codes: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The number of the word at each start, and whether all of its letters are known."""
    starts = max(0, codes.shape[1] - shape[-1])
    number, known = np.zeros((len(codes), starts), np.int64), np.ones((len(codes), starts), bool)
    for offset in shape:
        letter = codes[:, offset : offset + starts]
        number = 4 * number + letter
        known &= letter < NONE
    return number, known


class Words:
    """What a linear model sees of a sequence: made once from the training sequences' lengths.

    Parameters
    ----------
    architecture
        ``kmer_logistic`` or ``gkm``.
    positions
        The length of all sequences, or None.
    options
        ``sizes`` and ``at_positions`` (k-mers), ``length`` and ``informative`` (gkm).
    """

    def __init__(self, architecture: str, positions: int | None, both_strands: bool, options: dict[str, Any]) -> None:
        self.positions, self.both_strands = positions, both_strands
        known = {"kmer_logistic": {"sizes", "at_positions"}, "gkm": {"length", "informative"}}[architecture]
        if unknown := set(options) - known:
            raise InputError(architecture, "options", f"among {', '.join(sorted(known))}", sorted(unknown)[0])
        self.at_positions = architecture == "kmer_logistic" and bool(
            options.get("at_positions", positions is not None and positions <= 200)
        )
        if self.at_positions and positions is None:
            fix = "Say at_positions=False."
            raise InputError(architecture, "sequences", "of one length for k-mers at positions", "several lengths", fix)
        if architecture == "gkm":
            self.shapes = gapped_shapes(int(options.get("length", 6)), int(options.get("informative", 4)))
            self.sizes: tuple[int, ...] = ()
        else:
            default = (1, 2, 3) if self.at_positions else (3, 4, 5)
            self.sizes = tuple(int(size) for size in options.get("sizes", default))
            self.shapes = plain_shapes(self.sizes)
        starts = [(positions or 0) - len(shape) + 1 if self.at_positions else 1 for shape in self.shapes]
        self.number = sum(max(0, n) * 4 ** len(shape) for n, shape in zip(starts, self.shapes, strict=True))
        if self.number > MOST_FEATURES:
            fix = "Take shorter words."
            raise InputError(architecture, "options", f"at most {MOST_FEATURES:,} features", f"{self.number:,}", fix)

    def __call__(self, bases: Bases) -> np.ndarray:
        """The features [sequence, feature], float32."""
        if self.at_positions:
            return positional(bases, self.sizes)
        return counts(bases, self.shapes, self.both_strands)

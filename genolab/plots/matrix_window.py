"""What the matrix of a pair shows through a window: bins of scores, ticks with letters, numbers in the cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genolab.align.score_matrix import (
    LARGEST,
    MOST_CELLS,
    Candidate,
    Path,
    ScoreMatrix,
    candidates_of,
    matrix_of,
    window_of,
)
from genolab.align.scoring import Scoring
from genolab.plots import style

MOST_SIDE = 1_000
"""Rows or columns of the picture at most; more are shown in bins, each as its best cell."""

WIDEST_LETTERS = 9.0
"""Pixels that a cell needs for its letter at the axis."""

_NUMBER = (24.0, 14.0)  # pixels that a cell needs for its score: width of three digits, height


@dataclass(frozen=True)
class Window:
    """Cells in sight: rows ``[top, bottom)``, columns ``[left, right)``."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left


@dataclass(frozen=True, eq=False)
class Pair:
    """One pair as the picture needs it: codes, scoring, the best alignment, and the matrix where it can be kept."""

    query: np.ndarray = field(repr=False)
    target: np.ndarray = field(repr=False)
    scoring: Scoring
    free_ends: np.ndarray
    best: Path
    score: int
    matrix: ScoreMatrix | None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix: one more than there are letters."""
        return self.query.size + 1, self.target.size + 1

    @property
    def whole(self) -> Window:
        """All of it."""
        return Window(0, self.shape[0], 0, self.shape[1])

    @property
    def drawable(self) -> bool:
        """Whether the matrix can be computed in a few seconds."""
        return self.shape[0] * self.shape[1] <= LARGEST

    @property
    def dna(self) -> bool:
        """Whether the letters are bases."""
        return self.scoring.alphabet.name == "DNA"

    def scores(self, window: Window, most: int = MOST_SIDE) -> tuple[np.ndarray, tuple[int, int]]:
        """The scores in a window, and how many rows and columns make a bin of it."""
        step = max(1, -(-window.size[0] // most)), max(1, -(-window.size[1] // most))
        if self.matrix is not None and step == (1, 1):
            return self.matrix.H[window.top : window.bottom, window.left : window.right], step
        place = (window.top, window.left, *window.size)
        return window_of(self.query, self.target, self.scoring, self.free_ends, place, step)[0], step

    def candidates(self, i: int, j: int) -> list[Candidate]:
        """What competed in a cell."""
        if self.matrix is not None:
            return self.matrix.candidates(i, j)
        return candidates_of(self.query, self.target, self.scoring, self.free_ends, i, j)

    def letter(self, side: str, number: int) -> str:
        """Letter ``number`` (from 1) of the query or the target; a dash for 0, before the first."""
        codes = self.query if side == "query" else self.target
        return "–" if number == 0 else self.scoring.alphabet.letters[codes[number - 1]]


def pair_of(alignments: Any, number: int = 0) -> Pair:
    """A pair of :class:`genolab.align.Alignments` with a traceback, its matrix filled if that has room."""
    sides = []
    for sequences, numbers in (
        (alignments.queries, alignments.query_number),
        (alignments.targets, alignments.target_number),
    ):
        at = int(numbers[number])
        sides.append(sequences.codes[sequences.start[at] : sequences.start[at] + sequences.length[at]])
    query, target = sides
    ends, scoring = np.asarray(alignments.options["free_ends"]), alignments.scoring
    limited = alignments.options["band"] is not None or alignments.options["x_drop"] is not None
    small = (query.size + 1) * (target.size + 1) <= MOST_CELLS
    matrix = matrix_of(query, target, scoring, ends) if small and query.size and target.size else None
    start = int(alignments.query_start[number]), int(alignments.target_start[number])
    best = path_of(alignments.cigars[number], *start)
    if limited and matrix is not None and matrix.best != int(alignments.scores[number]):
        matrix = None  # the limits kept the best alignment out, so the counts of the best do not apply
    return Pair(query, target, scoring, ends, best, int(alignments.scores[number]), matrix)


def path_of(cigar: str, row: int, column: int) -> Path:
    """A CIGAR from a cell on, as the cells it goes through."""
    from genolab.align.alignments import runs_of

    moves = np.array([o for length, o in runs_of(cigar) for _ in range(length)], dtype="U1")
    rows = row + np.concatenate([[0], np.cumsum(moves != "D")])
    columns = column + np.concatenate([[0], np.cumsum(moves != "I")])
    return Path(rows, columns, cigar)


def ticks(pair: Pair, side: str, first: int, last: int, pixel: float) -> tuple[list[int], dict[int, str]]:
    """Where an axis has ticks between two cells, and their labels: letters where ``pixel`` a cell has room for them."""
    if pixel >= WIDEST_LETTERS:
        numbers = range(first, last + 1)
        every = 1 if pixel >= 26 else 5 if pixel >= 12 else 10
        labels = {}
        for number in numbers:
            letter = pair.letter(side, number)
            numbered = number and number % every == 0
            separator = "\n" if side == "target" else " "
            text = letter if not numbered else f"{letter}{separator}{number:,}"
            if side == "query" and numbered:
                text = f"{number:,} {letter}"
            labels[number] = text
        return list(numbers), labels
    step = _round_step((last - first + 1) / max((last - first + 1) * pixel / 70, 2))
    numbers = range(-(-first // step) * step, last + 1, step)
    return list(numbers), {number: f"{number:,}" for number in numbers}


def numbers_of(pair: Pair, values: np.ndarray, window: Window, width: float, height: float) -> dict[str, Any]:
    """The scores as text, where a cell of ``width`` x ``height`` pixels has room for its own; else nothing."""
    empty: dict[str, Any] = {"x": [], "y": [], "text": [], "ink": [], "halo": []}
    if width < _NUMBER[0] or height < _NUMBER[1] or values.shape != window.size or values.size > 4_000:
        return empty
    i, j = np.indices(values.shape)
    low, high = float(values.min()), float(values.max())
    shades = np.array(style.AMOUNTS, dtype=object)[np.rint((values - low) * (255.0 / max(high - low, 1.0))).astype(int)]
    bright = (values - low) / max(high - low, 1.0) > 0.55
    return {
        "x": (j + window.left).ravel(),
        "y": (i + window.top).ravel(),
        "text": [f"{value:,}".replace("-", "−") for value in values.ravel().tolist()],
        "ink": np.where(bright, "#000000", "#ffffff").astype(object).ravel(),
        "halo": shades.ravel(),  # keeps a number readable where a path runs below it
    }


def edges(moves: np.ndarray, most: int = 20_000) -> dict[str, Any] | None:
    """The steps between cells that lie on some best alignment; None where they are too many to be drawn."""
    found = []
    for bit, di, dj in ((1, 1, 1), (2, 0, 1), (4, 1, 0)):
        i, j = np.nonzero(moves & bit)
        found.append(np.stack([j, i, j - dj, i - di]))
    together = np.concatenate(found, axis=1)
    if together.shape[1] > most:
        return None
    return dict(zip(("x0", "y0", "x1", "y1"), together, strict=True))


def _round_step(value: float) -> int:
    power = 10.0 ** np.floor(np.log10(max(value, 1.0)))
    return max(1, int(next(m for m in (1, 2, 5, 10) if m * power >= value) * power))

"""What letters and gaps are worth: alphabets, score tables and gap costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from genolab.align import matrices
from genolab.errors import InputError

MOST = 30_000
"""Scores and costs are at most this large, so that sums over a whole genome's reads stay within 32 bits."""

IUPAC = {
    "A": "A", "C": "C", "G": "G", "T": "T", "N": "ACGT", "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT",
    "M": "AC", "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG",
}  # fmt: skip
"""The bases that each DNA letter stands for, in the order of their codes: A 0, C 1, G 2, T 3, N 4, ..."""


@dataclass(frozen=True)
class Alphabet:
    """Letters and their codes: a letter's code is its place in ``letters``; lower case is read as upper case.

    ``read_as`` maps further letters to one of ``letters`` (U to T in DNA).
    """

    name: str
    letters: str
    read_as: tuple[tuple[str, str], ...] = ()

    @cached_property
    def codes(self) -> bytes:
        """A table for ``bytes.translate``: the code of every byte, 255 where it is no letter."""
        table = bytearray([255]) * 256
        known = {letter: letter for letter in self.letters} | dict(self.read_as)
        for letter, meant in known.items():
            table[ord(letter)] = table[ord(letter.lower())] = self.letters.index(meant)
        return bytes(table)

    def text(self, codes: np.ndarray) -> str:
        """The letters of an array of codes."""
        return np.frombuffer(self.letters.encode(), np.uint8)[codes].tobytes().decode()


DNA = Alphabet("DNA", "".join(IUPAC), (("U", "T"),))
PROTEIN = Alphabet("protein", matrices.LETTERS, (("U", "X"), ("O", "X"), ("J", "X")))


@dataclass(frozen=True, eq=False)
class Matrix:
    """A score table of the user's own: ``scores[i, j]`` is for ``letters[i]`` in the query against ``letters[j]``.

    Raises
    ------
    InputError
        If the table is not square, not whole numbers, or has not one row a letter.
    """

    letters: str
    scores: np.ndarray = field(repr=False)
    name: str = "user"

    def __post_init__(self) -> None:
        scores, count = np.asarray(self.scores), len(self.letters)
        if not count or len(set(self.letters.upper())) != count or not self.letters.isascii() or count > 64:
            raise InputError("Matrix", "letters", "1 to 64 different ASCII letters", repr(self.letters))
        if scores.shape != (count, count):
            raise InputError("Matrix", "scores", f"a {count} x {count} table, as there are letters", str(scores.shape))
        if scores.dtype.kind not in "iu" or np.abs(scores.astype(np.int64)).max() > MOST:
            raise InputError("Matrix", "scores", f"whole numbers from -{MOST:,} to {MOST:,}", f"dtype {scores.dtype}")
        object.__setattr__(self, "letters", self.letters.upper())
        object.__setattr__(self, "scores", scores.astype(np.int32))

    @staticmethod
    def from_pairs(pairs: Mapping[tuple[str, str], int], name: str = "user") -> Matrix:
        """A table from scores by pair of letters; a pair given in one order only holds for both.

        Raises
        ------
        InputError
            If a pair of the letters that occur has no score.
        """
        letters = "".join(dict.fromkeys(letter for pair in pairs for letter in pair))
        scores = np.zeros((len(letters), len(letters)), np.int64)
        for i, a in enumerate(letters):
            for j, b in enumerate(letters):
                if (a, b) not in pairs and (b, a) not in pairs:
                    raise InputError("Matrix", "pairs", "a score for every pair of its letters", f"none for {a}, {b}")
                scores[i, j] = pairs[a, b] if (a, b) in pairs else pairs[b, a]
        return Matrix(letters, scores, name)


AMBIGUOUS = ("mean", "match", "mismatch")


@dataclass(frozen=True)
class Scoring:
    """What an alignment is worth: scores of paired letters, costs of gaps.

    A gap of ``k`` letters costs ``gap_open + k * gap_extend``; with ``second_gap = (open, extend)``, the lesser of
    that and ``open + k * extend``. ``gap_open=0`` makes the cost linear.

    Parameters
    ----------
    match, mismatch
        Scores of equal and of different bases, where there is no ``matrix``.
    gap_open, gap_extend
        Costs, not scores: 0 or more.
    matrix
        For proteins a name such as ``"BLOSUM62"``; any :class:`Matrix`; a mapping of letter pairs to scores; ``None``
        for DNA.
    second_gap
        A second affine piece, flatter than the first, for long gaps.
    ambiguous
        What IUPAC codes score in DNA. ``"mean"``: the mean over the bases that the two letters stand for, rounded to
        the nearest whole number, halves downwards; ``"match"``: a match where they share a base; ``"mismatch"``: always
        a mismatch, N against N too.

    Raises
    ------
    InputError
        If a cost is negative, a match does not exceed a mismatch, a number is not whole or a matrix is unknown.
    """

    match: int = 2
    mismatch: int = -4
    gap_open: int = 4
    gap_extend: int = 2
    matrix: str | Matrix | Mapping[tuple[str, str], int] | None = None
    second_gap: tuple[int, int] | None = None
    ambiguous: str = "mean"

    def __post_init__(self) -> None:
        for name in ("match", "mismatch", "gap_open", "gap_extend"):
            _check_whole(name, getattr(self, name))
        costs = {"gap_open": self.gap_open, "gap_extend": self.gap_extend}
        if self.second_gap is not None:
            if not isinstance(self.second_gap, tuple) or len(self.second_gap) != 2:
                raise InputError("Scoring", "second_gap", "a pair (open, extend)", repr(self.second_gap))
            costs |= {"second_gap open": self.second_gap[0], "second_gap extend": self.second_gap[1]}
        for name, cost in costs.items():
            _check_whole(name, cost)
            if cost < 0:
                fix = f"A gap is subtracted from the score: write {-cost}."
                raise InputError("Scoring", name, "a cost of 0 or more", f"{cost}", fix)
        if self.matrix is None and self.match <= self.mismatch:
            found = f"match {self.match} and mismatch {self.mismatch}"
            raise InputError("Scoring", "match", "a score above that of a mismatch", found)
        if self.ambiguous not in AMBIGUOUS:
            raise InputError("Scoring", "ambiguous", f"one of {', '.join(AMBIGUOUS)}", repr(self.ambiguous))
        if isinstance(self.matrix, str):
            if self.matrix.upper() not in matrices.NAMES:
                raise InputError("Scoring", "matrix", f"one of {', '.join(matrices.NAMES)}", repr(self.matrix))
            object.__setattr__(self, "matrix", self.matrix.upper())
        elif isinstance(self.matrix, Mapping):
            object.__setattr__(self, "matrix", Matrix.from_pairs(self.matrix))
        elif not isinstance(self.matrix, Matrix | None):
            raise InputError("Scoring", "matrix", "a name, a Matrix or a mapping of letter pairs", repr(self.matrix))

    @cached_property
    def alphabet(self) -> Alphabet:
        """The letters that may be aligned."""
        if isinstance(self.matrix, Matrix):
            return Alphabet(f"{self.matrix.name} matrix", self.matrix.letters)
        return DNA if self.matrix is None else PROTEIN

    @cached_property
    def table(self) -> np.ndarray:
        """The score of every pair of codes, ``int32[query code, target code]``."""
        if isinstance(self.matrix, Matrix):
            return self.matrix.scores
        if isinstance(self.matrix, str):
            return matrices.standard_matrix(self.matrix)
        return self._dna_table()

    @property
    def gaps(self) -> tuple[int, int, int, int]:
        """Open and extend of the first piece and of the second, which repeats the first where there is none."""
        return (self.gap_open, self.gap_extend, *(self.second_gap or (self.gap_open, self.gap_extend)))

    def gap_cost(self, length: int) -> int:
        """What a gap of ``length`` letters costs; 0 for no gap."""
        first, extend, second, second_extend = self.gaps
        return min(first + length * extend, second + length * second_extend) if length else 0

    def _dna_table(self) -> np.ndarray:
        table = np.empty((len(IUPAC), len(IUPAC)), np.int32)
        for i, some in enumerate(IUPAC.values()):
            for j, others in enumerate(IUPAC.values()):
                shared, pairs = len(set(some) & set(others)), len(some) * len(others)
                if self.ambiguous == "mean":
                    total = shared * self.match + (pairs - shared) * self.mismatch
                    table[i, j] = -((pairs - 2 * total) // (2 * pairs))  # the nearest, halves downwards
                else:
                    alike = shared if self.ambiguous == "match" else shared and pairs == 1
                    table[i, j] = self.match if alike else self.mismatch
        return table


def _check_whole(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not -MOST <= int(value) <= MOST:
        raise InputError("Scoring", name, f"a whole number from -{MOST:,} to {MOST:,}", repr(value))

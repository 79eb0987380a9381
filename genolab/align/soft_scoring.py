"""Scores and costs that need not be whole numbers: what soft alignment takes, and what learning gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genolab.align.scoring import MOST, Alphabet, Matrix, Scoring
from genolab.errors import InputError


@dataclass(frozen=True, eq=False)
class SoftScoring:
    """Scores of letters and costs of gaps as real numbers; a gap of ``k`` letters costs ``gap_open + k * gap_extend``.

    Attributes
    ----------
    alphabet
        The letters.
    table
        ``float64[query code, target code]``: scores.
    gap_open, gap_extend
        Costs: 0 or more.

    Raises
    ------
    InputError
        If the table has not a row and a column for each letter, a score is not a number or a cost is negative.
    """

    alphabet: Alphabet
    table: np.ndarray = field(repr=False)
    gap_open: float
    gap_extend: float

    def __post_init__(self) -> None:
        table, count = np.array(self.table, np.float64), len(self.alphabet.letters)
        if table.shape != (count, count):
            raise InputError("SoftScoring", "table", f"{count} x {count}, as there are letters", str(table.shape))
        if not np.isfinite(table).all() or np.abs(table).max(initial=0) > MOST:
            raise InputError("SoftScoring", "table", f"numbers from -{MOST:,} to {MOST:,}", "others among them")
        for name in ("gap_open", "gap_extend"):
            cost = float(getattr(self, name))
            if not 0 <= cost <= MOST:
                raise InputError("SoftScoring", name, f"a cost from 0 to {MOST:,}", f"{cost:g}")
            object.__setattr__(self, name, cost)
        table.flags.writeable = False
        object.__setattr__(self, "table", table)

    @staticmethod
    def of(scoring: Scoring | SoftScoring | None, who: str) -> SoftScoring:
        """The same scores as real numbers.

        Raises
        ------
        InputError
            If it is no scoring, or has gaps of two pieces.
        """
        scoring = Scoring() if scoring is None else scoring
        if isinstance(scoring, SoftScoring):
            return scoring
        if not isinstance(scoring, Scoring):
            raise InputError(who, "scoring", "a Scoring or a SoftScoring", type(scoring).__name__)
        if scoring.second_gap is not None:
            fix = "Leave second_gap out: all alignments are weighed with one affine gap cost."
            raise InputError(who, "scoring", "one with a plain affine gap cost", "a second gap piece", fix)
        return SoftScoring(scoring.alphabet, scoring.table, scoring.gap_open, scoring.gap_extend)

    def scaled(self, factor: float) -> SoftScoring:
        """All scores and costs times a number: the same alignments at ``factor`` times the temperature."""
        return SoftScoring(self.alphabet, self.table * factor, self.gap_open * factor, self.gap_extend * factor)

    def rounded(self) -> Scoring:
        """Whole numbers, for :func:`genolab.align.align`; scale first, so that rounding does little harm."""
        scores = np.rint(self.table).astype(np.int64)
        matrix = Matrix(self.alphabet.letters, scores, "rounded")
        return Scoring(matrix=matrix, gap_open=round(self.gap_open), gap_extend=round(self.gap_extend))

    def to_dict(self) -> dict[str, Any]:
        """Letters, scores and costs as plain data."""
        return {
            "letters": self.alphabet.letters,
            "scores": self.table.tolist(),
            "gap_open": self.gap_open,
            "gap_extend": self.gap_extend,
        }

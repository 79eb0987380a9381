"""One sequence explained: what each base adds, where the output would move, and what every change would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.predict.bases import NONE, Bases
from genolab.predict.model import LINEAR, SequenceModel
from genolab.predict.study import predictions

LONGEST = 1_000
STEPS = 32


@dataclass(frozen=True)
class SequenceExplanation:
    """Why a model says what it says of one sequence.

    ``contribution`` [position, base] is each base's share of the output (integrated gradients; for linear models, which
    have no network, the mean loss of output when the base is changed); ``saliency`` the gradient by each base (None
    for linear models); ``mutagenesis`` the change of the output by each other base. Outputs are before any link: log
    odds for classes. ``prediction`` is what the model says: probabilities of the classes, or one number.
    """

    codes: np.ndarray = field(repr=False)
    target: int
    output: float
    prediction: np.ndarray
    contribution: np.ndarray = field(repr=False)
    saliency: np.ndarray | None = field(repr=False)
    mutagenesis: np.ndarray = field(repr=False)

    @property
    def text(self) -> str:
        """The sequence."""
        return "".join("ACGTN"[code] for code in self.codes)

    def plot(self, names: Sequence[str] = ()) -> Any:
        """Contributions, gradients and changes as a live figure; ``names`` are those of the classes."""
        return import_module("genolab.plots.predict").plot_sequence(self, names)

    def greatest(self) -> tuple[int, int, float]:
        """The change of one base that moves the output most: position (0-based), base, change."""
        place, base = np.unravel_index(int(np.abs(self.mutagenesis).argmax()), self.mutagenesis.shape)
        return int(place), int(base), float(self.mutagenesis[place, base])


def explain_sequence(model: SequenceModel, codes: np.ndarray, target: int = 0) -> SequenceExplanation:
    """Explain one sequence, as base codes; ``target`` is an output of the model.

    Raises
    ------
    InputError
        A sequence of more than 1,000 bases, whose map nobody could read, or of another length than the model takes.
    """
    from genolab.predict import attribution

    if codes.size > LONGEST:
        fix = "Use saliency() and mutagenesis(), which take any length."
        raise InputError("explain_sequence", "codes", f"at most {LONGEST:,} bases", f"{codes.size:,}", fix)
    one = Bases(codes.astype(np.int8), np.zeros(1, np.int64), np.array([codes.size]), int((codes == NONE).sum()))
    changes = attribution.mutagenesis(model, one, target)
    if model.architecture in LINEAR:
        contribution, saliency = np.zeros(changes.shape), None
        known = codes < NONE
        contribution[np.flatnonzero(known), codes[known]] = -changes[known].sum(axis=1) / 3
    else:
        contribution = attribution.integrated_gradients(model, one, target, STEPS)[0]
        saliency = attribution.saliency(model, one, target)[0]
    output = float(model._raw(one)[0, target])
    prediction = np.atleast_1d(predictions(model, one)[0])
    return SequenceExplanation(codes, target, output, prediction, contribution, saliency, changes)


def changed(codes: np.ndarray, position: int, base: int) -> np.ndarray:
    """The sequence with another base at a position (0-based)."""
    if not (0 <= position < codes.size and 0 <= base < NONE):
        raise InputError("changed", "position", f"from 0 to {codes.size - 1}, and a base", f"{position}, {base}")
    made = codes.copy()
    made[position] = base
    return made

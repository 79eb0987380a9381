"""Align sequences: scores, alignments and edit distances of pairs, each mode and gap cost by one recurrence."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genolab.align.aligner import align
    from genolab.align.alignments import Alignments
    from genolab.align.edit import Edits, edit_distance
    from genolab.align.score_matrix import ScoreMatrix, fill_matrix
    from genolab.align.scoring import Matrix, Scoring

_HOME = {
    "align": "aligner",
    "Alignments": "alignments",
    "Edits": "edit",
    "edit_distance": "edit",
    "Matrix": "scoring",
    "Scoring": "scoring",
    "ScoreMatrix": "score_matrix",
    "fill_matrix": "score_matrix",
}

__all__ = ["Alignments", "Edits", "Matrix", "ScoreMatrix", "Scoring", "align", "edit_distance", "fill_matrix"]


def __getattr__(name: str) -> Any:
    """Each name is loaded with its file when it is first used."""
    if name in _HOME:
        return getattr(import_module(f"genolab.align.{_HOME[name]}"), name)
    raise AttributeError(f"module 'genolab.align' has no attribute {name!r}")

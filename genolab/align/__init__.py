"""Align sequences, each mode and gap cost by one recurrence: scores, alignments, edit distances; map reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genolab.lazy import lazy

if TYPE_CHECKING:
    from genolab.align.aligner import align
    from genolab.align.alignments import Alignments
    from genolab.align.dots import DotPlot, dot_plot
    from genolab.align.edit import Edits, edit_distance
    from genolab.align.identity import percent_identity
    from genolab.align.learning import LearnedScoring, LearningStep, learn_scoring
    from genolab.align.mapped import MappedReads, Places
    from genolab.align.mapper import map_reads, map_sequences
    from genolab.align.mapping.index import ReferenceIndex, index_reference
    from genolab.align.multiple_alignment import MultipleAlignment
    from genolab.align.null import ShuffledNull, shuffled_null
    from genolab.align.progressive import multiple
    from genolab.align.score_matrix import ScoreMatrix, fill_matrix
    from genolab.align.score_statistics import KarlinAltschul, karlin_altschul
    from genolab.align.scoring import Matrix, Scoring
    from genolab.align.soft_aligner import soft_align
    from genolab.align.soft_alignments import Posterior, SoftAlignments
    from genolab.align.soft_scoring import SoftScoring

_HOME = {
    "Alignments": "alignments",
    "DotPlot": "dots",
    "Edits": "edit",
    "KarlinAltschul": "score_statistics",
    "LearnedScoring": "learning",
    "LearningStep": "learning",
    "MappedReads": "mapped",
    "Matrix": "scoring",
    "MultipleAlignment": "multiple_alignment",
    "Places": "mapped",
    "Posterior": "soft_alignments",
    "ReferenceIndex": "mapping.index",
    "ScoreMatrix": "score_matrix",
    "Scoring": "scoring",
    "ShuffledNull": "null",
    "SoftAlignments": "soft_alignments",
    "SoftScoring": "soft_scoring",
    "align": "aligner",
    "dot_plot": "dots",
    "edit_distance": "edit",
    "fill_matrix": "score_matrix",
    "index_reference": "mapping.index",
    "karlin_altschul": "score_statistics",
    "learn_scoring": "learning",
    "map_reads": "mapper",
    "map_sequences": "mapper",
    "multiple": "progressive",
    "percent_identity": "identity",
    "shuffled_null": "null",
    "soft_align": "soft_aligner",
}

__all__ = [
    "Alignments",
    "DotPlot",
    "Edits",
    "KarlinAltschul",
    "LearnedScoring",
    "LearningStep",
    "MappedReads",
    "Matrix",
    "MultipleAlignment",
    "Places",
    "Posterior",
    "ReferenceIndex",
    "ScoreMatrix",
    "Scoring",
    "ShuffledNull",
    "SoftAlignments",
    "SoftScoring",
    "align",
    "dot_plot",
    "edit_distance",
    "fill_matrix",
    "index_reference",
    "karlin_altschul",
    "learn_scoring",
    "map_reads",
    "map_sequences",
    "multiple",
    "percent_identity",
    "shuffled_null",
    "soft_align",
]

__getattr__, __dir__ = lazy(__name__, {name: f"align.{file}" for name, file in _HOME.items()})

"""Percent identity: one word for several numbers, each by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from genolab.errors import InputError

if TYPE_CHECKING:
    from genolab.align.alignments import Alignments

DEFINITIONS = {
    "columns": "equal letters / columns of the alignment, gaps among them (BLAST)",
    "pairs": "equal letters / pairs of letters",
    "gap_compressed": "equal letters / (pairs of letters + gaps, however long)",
    "shorter": "equal letters / letters of the shorter sequence, all of it",
    "mean_length": "equal letters / mean length of the two sequences",
}
"""What equal letters are divided by; of one alignment the results may differ by a third."""

_GAP = re.compile(r"\d+[ID]")


def percent_identity(alignments: Alignments, definition: str = "columns") -> np.ndarray:
    """Equal letters of each pair in percent, ``float64[pair]``, by one of :data:`DEFINITIONS`; NaN for none by none.

    See Raghava and Barton 2006, doi:10.1186/1471-2105-7-415.

    Raises
    ------
    InputError
        If the definition is unknown or the alignments have no CIGARs.
    """
    if definition not in DEFINITIONS:
        raise InputError("percent_identity", "definition", f"one of {', '.join(DEFINITIONS)}", repr(definition))
    if alignments.cigars is None:
        fix = "align(..., traceback=True)"
        raise InputError("percent_identity", "alignments", "with CIGARs", "scores only", fix)
    matches, columns = np.asarray(alignments.matches, np.float64), np.asarray(alignments.columns)
    query = np.asarray(alignments.query_end) - np.asarray(alignments.query_start)
    target = np.asarray(alignments.target_end) - np.asarray(alignments.target_start)
    pairs = query + target - columns  # a pair takes a letter of each, a gap's column one of one
    lengths = alignments.queries.length[alignments.query_number], alignments.targets.length[alignments.target_number]
    divisor = {
        "columns": lambda: columns,
        "pairs": lambda: pairs,
        "gap_compressed": lambda: pairs + np.array([len(_GAP.findall(cigar)) for cigar in alignments.cigars or ()]),
        "shorter": lambda: np.minimum(*lengths),
        "mean_length": lambda: (lengths[0] + lengths[1]) / 2,
    }[definition]()
    with np.errstate(invalid="ignore", divide="ignore"):
        result: np.ndarray = 100 * matches / divisor
    return result

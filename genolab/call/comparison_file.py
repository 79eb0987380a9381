"""A comparison as a file: JSON with the figures, the curve and every difference."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolab.io.json_file import write_json

if TYPE_CHECKING:
    from genolab.call.comparison import Comparison


def summary_of(comparison: Comparison) -> dict[str, Any]:
    """The figures as plain data."""
    return {
        "by_type": comparison.to_frame().to_dict("records"),
        "by_size": comparison.by_size().to_dict("records"),
        "transition_ratio": comparison.transition_ratio,
        "truth_transition_ratio": comparison.truth_transition_ratio,
        "confident_bases": comparison.confident_bases,
        "notices": list(comparison.notices),
    }


def write_comparison(comparison: Comparison, path: str | os.PathLike[str]) -> Path:
    """Write the figures, the curves of SNVs and indels, every difference with its reason, and the provenance."""
    return write_json(
        path,
        {
            **summary_of(comparison),
            "curve": {kind: comparison.curve.to_frame(kind).to_dict("records") for kind in ("SNV", "indel")},
            "missed": comparison.false_negatives.to_dict("records"),
            "false": comparison.false_positives.to_dict("records"),
            "provenance": comparison.provenance,
        },
    )

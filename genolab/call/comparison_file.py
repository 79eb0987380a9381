"""A comparison as a file: JSON with the figures, the curve and every difference."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolab.io.atomic import replacing

if TYPE_CHECKING:
    from genolab.call.comparison import Comparison


def comparison_data(comparison: Comparison) -> dict[str, Any]:
    """Plain data; NaN and infinity, which JSON has not, become null."""
    return {
        "by_type": _rows(comparison.to_frame()),
        "by_size": _rows(comparison.by_size()),
        "transition_ratio": _plain(comparison.transition_ratio),
        "truth_transition_ratio": _plain(comparison.truth_transition_ratio),
        "confident_bases": comparison.confident_bases,
        "curve": {kind: _rows(comparison.curve.to_frame(kind)) for kind in ("SNV", "indel")},
        "missed": _rows(comparison.false_negatives),
        "false": _rows(comparison.false_positives),
        "notices": list(comparison.notices),
        "provenance": comparison.provenance,
    }


def write_comparison(comparison: Comparison, path: str | os.PathLike[str]) -> Path:
    """Write :func:`comparison_data`, beside its name first."""
    text = json.dumps(comparison_data(comparison), indent=1, default=str)
    with replacing(path, who="save") as (beside,):
        Path(beside).write_text(f"{text}\n", encoding="utf-8")
    return Path(path)


def _rows(frame: Any) -> list[dict[str, Any]]:
    return [{str(key): _plain(value) for key, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value

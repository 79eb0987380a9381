"""One array that flowed through a graph: its shape, range, histogram and first values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from genolab.kernel.flow import FIRST, ValueSummary


class ValueView(anywidget.AnyWidget):
    """Shows a :class:`~genolab.kernel.flow.ValueSummary`."""

    _esm = Path(__file__).with_name("value.js")
    _css = Path(__file__).with_name("value.css")
    value = traitlets.Dict().tag(sync=True)

    def say(self, title: str, note: str = "") -> None:
        """Show words instead of a value."""
        self.value = {"title": title, "note": note}

    def show(self, title: str, summary: ValueSummary, note: str = "") -> None:
        """Show a value."""
        self.value = {"title": title, "note": note, **value_columns(summary)}


def value_columns(summary: ValueSummary) -> dict[str, Any]:
    """What is drawn of a value, as plain data."""
    rows = [["shape", " × ".join(f"{length:,}" for length in summary.shape) or "a single number"]]
    rows.append(["dtype", summary.dtype])
    if summary.low is not None:
        rows.append(["range", f"{summary.low:.6g} to {summary.high:.6g}"])
        rows.append(["mean", f"{summary.mean:.6g}"])
    odd = (("NaN", summary.nan), ("infinite", summary.infinite), ("zero", summary.zero))
    rows += [[name, f"{count:,} of {summary.size:,}"] for name, count in odd if count]
    more = " ..." if summary.size > FIRST else ""
    counts = list(summary.counts) if summary.size > 1 else []
    return {
        "rows": rows,
        "counts": counts,
        "edges": list(summary.edges),
        "low": "" if summary.low is None else f"{summary.low:.4g}",
        "high": "" if summary.high is None else f"{summary.high:.4g}",
        "first": ", ".join(summary.first) + more,
    }

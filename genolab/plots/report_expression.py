"""What a report says of a gene that was predicted on held-out samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from genolab import __version__
from genolab.io import digest
from genolab.plots.predict_expression import ExpressionView
from genolab.plots.report import Figure, Section

if TYPE_CHECKING:
    from pathlib import Path

    from genolab.predict.expression_report import ExpressionReport


def of_expression(
    report: ExpressionReport, *, name: str, steps: Sequence[str] = (), code: str = "",
    files: Mapping[str, Path] | None = None,
) -> list[Section]:  # fmt: skip
    """The leak check first, then the scores beside the baseline, the pictures, and every sample and weight."""
    view = ExpressionView()
    view.show(report)
    low, high = report.interval
    added_low, added_high = report.added_interval
    plain = report.scores.iloc[1]
    facts = {
        "table": name,
        "steps": " → ".join(steps) or "none",
        "predicted from": report.predictors,
        "held-out samples": f"{len(report.samples):,}",
        "folds": f"{len(report.folds)}",
        "R²": f"{report.r2:.3f} ({low:.3f} to {high:.3f})",
        "r": f"{report.r:.3f}",
        f"R² of {report.baseline}": f"{plain['R2']:.3f}",
        "added": f"{report.added:+.3f} ({added_low:.3f} to {added_high:.3f})",
    }
    tables = {"Scores": report.scores, "Folds": report.folds, "Weights": report.weights, "Samples": report.samples}
    if len(report.leaks.pairs):
        tables["Twins and relatives across folds"] = report.leaks.pairs
    if len(report.leaks.copies):
        tables["Copies of the gene"] = report.leaks.copies
    used = files or {}
    provenance = {
        "genolab": __version__,
        **{kind: {"path": str(path), "digest": digest(path)} for kind, path in used.items()},
        "steps": list(steps),
    }
    caption = "Predicted against measured, each sample held out; what that is worth; the strongest weights."
    said = [f"Leak check: {report.leaks}", *report.notices]
    if report.shuffled:
        said.insert(0, "A control: the gene's values are in another order.")
    return [
        Section(
            f"Expression of {report.gene}",
            sentences=said,
            facts=facts,
            figures=[Figure(view.layout, caption)],
            tables=tables,
            code=code,
            provenance=provenance,
        )
    ]

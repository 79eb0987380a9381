"""A gene predicted on held-out samples: predicted against measured, what that is worth, and what carries it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import (
    ColumnDataSource,
    FactorRange,
    HoverTool,
    Legend,
    LegendItem,
    Range1d,
    Span,
    TapTool,
    Whisker,
)

from genolab.plots import columns, style
from genolab.plots.pane import BokehPane
from genolab.text import plain

if TYPE_CHECKING:
    from genolab.predict.expression_report import ExpressionReport

TOP, BOTTOM = 290, 250
MOST = 20
"""Predictors that are drawn, the strongest; the table has all of them."""
_SAMPLES = ("sample", "x", "y", "baseline", "fold", "off")
_LONGEST = 22


class ExpressionView:
    """Three pictures of a report. `on_pick` is called with the name of a sample that was clicked."""

    def __init__(self, on_pick: Callable[[str], None] | None = None) -> None:
        self.on_pick, self._quiet = on_pick, False
        keys = {
            "samples": _SAMPLES, "chosen": ("sample", "x", "y"), "diagonal": ("x", "y"),
            "folds": ("x", "y", "fold", "samples"), "scores": ("name", "y", "low", "high"),
            "weights": ("name", "weight", "colour", "folds", "where"),
        }  # fmt: skip
        self.sources = {name: ColumnDataSource({each: [] for each in found}, name=f"expression_{name}")
                        for name, found in keys.items()}  # fmt: skip
        self.legends: list[Legend] = []
        self.points, self.worth, self.weights = self._points(), self._worth(), self._weights()
        top = row(self.points, self.worth, sizing_mode="stretch_width")
        self.layout = column(top, self.weights, sizing_mode="stretch_width", name="predict_expression")
        self.sources["samples"].selected.on_change("indices", self._picked)

    def show(self, report: ExpressionReport) -> None:
        """Draw a report."""
        table = report.samples
        x, y = table["measured"].to_numpy(), table["predicted"].to_numpy()
        columns.fill(self.sources["samples"], {
            "sample": table["sample"].tolist(), "x": x, "y": y, "baseline": table["baseline"].to_numpy(),
            "fold": table["fold"].to_numpy(), "off": y - x,
        })  # fmt: skip
        low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
        room = 0.05 * (high - low or 1.0)
        ends = [low - room, high + room]
        columns.fill(self.sources["diagonal"], {"x": ends, "y": ends})
        for each in (self.points.x_range, self.points.y_range):
            each.update(start=ends[0], end=ends[1])
        _say(self.points.xaxis, f"{report.gene[:40]}, measured")
        for legend in self.legends:
            legend.visible = True
        self._show_worth(report)
        self._show_weights(report)
        self.mark("")

    def mark(self, sample: str) -> None:
        """Mark a sample by its name; none where it has none of the name."""
        held = self.sources["samples"].data
        names = list(held["sample"])
        if sample not in names:
            columns.empty(self.sources["chosen"])
            self._select([])
            return
        k = names.index(sample)
        columns.fill(self.sources["chosen"], {
            "sample": [plain(sample)], "x": [float(held["x"][k])], "y": [float(held["y"][k])]
        })  # fmt: skip
        self._select([k])

    def _select(self, indices: list[int]) -> None:
        self._quiet = True
        try:
            self.sources["samples"].selected.indices = indices
        finally:
            self._quiet = False

    def _show_worth(self, report: ExpressionReport) -> None:
        names = list(report.scores["predicted by"])
        if list(self.worth.x_range.factors) != names:
            self.worth.x_range.factors = names
        scores = report.scores
        columns.fill(self.sources["scores"], {
            "name": names, "y": scores["R2"].to_numpy(), "low": scores["R2 low"].to_numpy(),
            "high": scores["R2 high"].to_numpy(),
        })  # fmt: skip
        found, number = report.folds, len(report.folds)
        shift = np.linspace(0.12, 0.3, number)
        columns.fill(self.sources["folds"], {
            "x": [(name, float(each)) for name in names for each in shift],
            "y": np.concatenate([found["R2"], found["R2 baseline"]]),
            "fold": np.tile(found["fold"], 2), "samples": np.tile(found["samples"], 2),
        })  # fmt: skip
        least = min(float(scores["R2 low"].min()), float(found[["R2", "R2 baseline"]].min().min()), 0.0)
        self.worth.y_range.update(start=max(least, -1.5) - 0.08, end=1.05)

    def _show_weights(self, report: ExpressionReport) -> None:
        table = report.weights.head(MOST)
        names = _unlike([str(each) for each in table["predictor"]])
        self.weights.x_range.factors = names
        number = len(report.folds)
        where = [f"{each:,}" for each in table["position"]] if "position" in table else ["–"] * len(table)
        columns.fill(self.sources["weights"], {
            "name": names, "weight": table["weight"].to_numpy(float),
            "colour": [style.BLUE if each > 0 else style.VERMILION for each in table["weight"]],
            "folds": [f"{each} of {number}" for each in table["folds"]], "where": where,
        })  # fmt: skip
        more = f", the strongest {MOST} of {len(report.weights):,}" if len(report.weights) > MOST else ""
        _say(self.weights.xaxis, f"predictor{more}" if len(table) else "no predictor is used")

    # --- figures

    def _points(self) -> Any:
        made = style.figure(
            x_label="measured", y_label="predicted, sample held out", height=TOP, x_range=Range1d(0, 1),
            y_range=Range1d(0, 1), tools="reset,save", name="expression_points",
        )  # fmt: skip
        source = self.sources["samples"]
        line = made.line("x", "y", source=self.sources["diagonal"], color="#999999", line_dash="dotted")
        plain_dots = made.scatter(
            "x", "baseline", source=source, size=5, marker="diamond", fill_color=style.ORANGE, line_color=None,
            fill_alpha=0.6, nonselection_fill_alpha=0.6,
        )  # fmt: skip
        dots = made.scatter(
            "x", "y", source=source, size=8, fill_color=style.BLUE, line_color="white", line_width=0.5, fill_alpha=0.85,
            nonselection_fill_alpha=0.85, name="expression_dots",
        )  # fmt: skip
        made.scatter(
            "x", "y", source=self.sources["chosen"], size=15, fill_alpha=0, line_color=style.VERMILION, line_width=2.2,
        )  # fmt: skip
        made.text("x", "y", text="sample", source=self.sources["chosen"], x_offset=10, y_offset=-6,
                  text_font_size="12px", text_color=style.VERMILION)  # fmt: skip
        items = [("model", dots), ("baseline", plain_dots), ("as measured", line)]
        self._legend(made, items, "top_left")
        tips = [("sample", "@sample"), ("measured", "@x{0.00}"), ("predicted", "@y{0.00}"),
                ("baseline", "@baseline{0.00}"), ("off by", "@off{+0.00}"), ("held out in fold", "@fold")]  # fmt: skip
        made.add_tools(HoverTool(renderers=[dots], tooltips=tips), TapTool(renderers=[dots]))
        return made

    def _worth(self) -> Any:
        made = style.figure(
            y_label="R² on held-out samples", height=TOP, x_range=FactorRange(factors=["model", "the mean"]),
            y_range=Range1d(-0.1, 1), tools="save", name="expression_worth",
        )  # fmt: skip
        made.add_layout(Span(location=0, dimension="width", line_width=1, line_color="#999999"))
        source = self.sources["scores"]
        whisker = Whisker(base="name", upper="high", lower="low", source=source, line_color=style.BLUE)
        for head in (whisker.upper_head, whisker.lower_head):
            head.size, head.line_color = 7, style.BLUE
        made.add_layout(whisker)
        folds = made.scatter(
            "x", "y", source=self.sources["folds"], size=5, fill_color="#999999", line_color=None, fill_alpha=0.9
        )  # fmt: skip
        dots = made.scatter("name", "y", source=source, size=11, fill_color=style.BLUE, line_color="white")
        items = [("all (95 %)", dots), ("a fold", folds)]
        self._legend(made, items, "top_right")
        tips = [("R²", "@y{0.000}"), ("from", "@low{0.000}"), ("to", "@high{0.000}")]
        made.add_tools(HoverTool(renderers=[dots], tooltips=tips))
        of_fold = [("fold", "@fold"), ("samples", "@samples"), ("R²", "@y{0.000}")]
        made.add_tools(HoverTool(renderers=[folds], tooltips=of_fold))
        return made

    def _weights(self) -> Any:
        made = style.figure(
            x_label="predictor", y_label="weight, per s.d.", height=BOTTOM,
            x_range=FactorRange(factors=[]), tools="save", name="expression_weights",
        )  # fmt: skip
        made.add_layout(Span(location=0, dimension="width", line_width=1, line_color="#999999"))
        bars = made.vbar(x="name", top="weight", width=0.7, source=self.sources["weights"], fill_color="colour",
                         line_color=None)  # fmt: skip
        made.xaxis.major_label_orientation = 0.7
        tips = [("predictor", "@name"), ("weight", "@weight{+0.000}"), ("used in folds", "@folds"),
                ("position", "@where")]  # fmt: skip
        made.add_tools(HoverTool(renderers=[bars], tooltips=tips))
        return made

    def _legend(self, figure: Any, items: list[tuple[str, Any]], place: str) -> None:
        """A legend that is seen once there is something to tell apart."""
        found = [LegendItem(label=text, renderers=[each]) for text, each in items]
        self.legends.append(Legend(items=found, location=place, visible=False))
        figure.add_layout(self.legends[-1])

    def _picked(self, _name: str, _old: Any, new: list[int]) -> None:
        names = self.sources["samples"].data["sample"]
        if self._quiet or self.on_pick is None:
            return
        self.on_pick(str(names[new[0]]) if new and 0 <= new[0] < len(names) else "")


def _unlike(names: list[str]) -> list[str]:
    """Names as an axis shows them: cut where they are long, and still unlike each other."""
    found: list[str] = []
    for name in names:
        shown = plain(name) if len(name) <= _LONGEST else f"{plain(name)[: _LONGEST - 1]}…"
        found.append(shown if shown not in found else f"{shown} {len(found) + 1}")
    return found


def _say(axes: Any, text: str) -> None:
    for axis in axes:
        shown = style.escape_text(text).text
        if axis.axis_label is None:
            axis.axis_label = style.escape_text(text)
        elif axis.axis_label.text != shown:
            axis.axis_label.text = shown


class ExpressionPlot(BokehPane):
    """A report as a notebook shows it by itself."""

    def __init__(self, report: ExpressionReport) -> None:
        self.view = ExpressionView()
        self.view.show(report)
        super().__init__(self.view.layout)


def plot(report: ExpressionReport) -> ExpressionPlot:
    """A report as a live picture."""
    return ExpressionPlot(report)

"""How a training goes and what the model is worth: live curves, and the judgement beside the baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bokeh.core.properties import value
from bokeh.layouts import row
from bokeh.models import (
    ColumnDataSource,
    FactorRange,
    HoverTool,
    Legend,
    LegendItem,
    LinearColorMapper,
    Range1d,
    TapTool,
)

from genolab.plots import columns, predict_columns, style

if TYPE_CHECKING:
    import numpy as np

    from genolab.predict.study import Judged

HEIGHT = 184
METRICS = ("score", "gradient", "rate")
JUDGED = ("ROC", "PR", "calibration", "confusion", "sequences")
_TRAIN, _HELD = style.SKY, style.BLUE
_RAMP = style.AMOUNTS[24:]


class TrainingView:
    """Loss by epoch, one more number by epoch, and how the model does on sequences that it has not seen.

    `show_progress` draws a run as it goes, `show_judged` its judgement (None: none yet); `look` chooses what the
    second and third picture show. `on_pick` gets the number of a held-out sequence that was clicked.
    """

    def __init__(self, on_pick: Callable[[int], None] | None = None, height: int = HEIGHT) -> None:
        self.on_pick = on_pick
        self.judged: Judged | None = None
        self.metric, self.kind = METRICS[0], JUDGED[0]
        self._numbers: np.ndarray | None = None
        self._run: tuple[Any, ...] = ((), (), ())
        self.sources = {
            name: ColumnDataSource({each: [] for each in keys}, name=f"predict_{name}")
            for name, keys in {
                "steps": ("x", "y"), "train": ("x", "y"), "held": ("x", "y"), "best": ("x", "y", "text"),
                "others": ("xs", "ys", "name"), "metric": ("x", "y"), "metric_best": ("x", "y", "text"),
                "metric_others": ("xs", "ys", "name"), "curves": ("xs", "ys", "colour", "dash", "label", "width"),
                "diagonal": ("x", "y"), "cells": ("true", "guess", "count", "share", "text", "ink", "plain"),
                "points": ("x", "y", "number", "row", "colour", "marker", "truth", "guess"),
            }.items()
        }  # fmt: skip
        self.loss = self._loss(height)
        self.second = self._metric(height)
        self.curves, self.confusion, self.points = self._curves(height), self._confusion(height), self._points(height)
        self.layout = row(
            self.loss, self.second, self.curves, self.confusion, self.points, sizing_mode="stretch_width",
            name="predict_training",
        )  # fmt: skip
        self.look()

    # --- what is shown

    def show_progress(
        self, steps: Sequence[tuple[float, float, float]], history: Sequence[dict[str, float]],
        others: Sequence[tuple[str, Sequence[dict[str, float]]]] = (),
    ) -> None:  # fmt: skip
        """Draw a run as far as it has come: (epochs done, loss, gradient norm) per step, a record per epoch.

        ``others`` are runs to compare with: name and history.
        """
        self._run = steps, history, others
        made, source = predict_columns, self.sources
        columns.fill(source["steps"], made.step_columns(steps))
        columns.fill(source["train"], made.epoch_columns(history, "loss"))
        columns.fill(source["held"], made.epoch_columns(history, "validation_loss"))
        columns.fill(source["best"], made.best_columns(history, "validation_loss"))
        columns.fill(source["others"], self._lines(others, "validation_loss"))
        self._show_metric()

    def _show_metric(self) -> None:
        steps, history, others = self._run
        made, source = predict_columns, self.sources
        name = {"score": made.score_name(history), "gradient": "gradient_norm", "rate": "learning_rate"}[self.metric]
        label = {"score": f"{made.spoken(name)}, validation", "gradient": "largest gradient norm of the epoch",
                 "rate": "learning rate"}[self.metric]  # fmt: skip
        if self.metric == "gradient" and steps:
            columns.fill(source["metric"], made.step_columns(steps, "norm"))
            label = "gradient norm of each step"
        else:
            columns.fill(source["metric"], made.epoch_columns(history, name))
        columns.fill(source["metric_best"], made.best_columns(history, name))
        columns.fill(source["metric_others"], self._lines(others, name))
        _say(self.second.yaxis, label)

    def _lines(self, others: Sequence[tuple[str, Sequence[dict[str, float]]]], name: str) -> columns.Columns:
        found = [(title, predict_columns.epoch_columns(history, name)) for title, history in others]
        return {
            "xs": [held["x"] for _, held in found], "ys": [held["y"] for _, held in found],
            "name": [title for title, _ in found],
        }  # fmt: skip

    def show_judged(self, judged: Judged | None, numbers: np.ndarray | None = None) -> None:
        """Draw a judgement; ``numbers`` are those of the test sequences."""
        self.judged, self._numbers = judged, numbers
        self._show_judged()

    def look(self, metric: str | None = None, kind: str | None = None) -> None:
        """Choose what the second picture shows (``score gradient rate``) and the third (:data:`JUDGED`)."""
        self.metric, self.kind = metric or self.metric, kind or self.kind
        shown = {"confusion": self.confusion, "sequences": self.points}.get(self.kind, self.curves)
        for figure in (self.curves, self.confusion, self.points):
            figure.visible = figure is shown
        self._show_metric()
        self._show_judged()

    def _show_judged(self) -> None:
        judged, source = self.judged, self.sources
        if judged is None:
            for name in ("curves", "diagonal", "cells", "points"):
                columns.empty(source[name])
            return
        if self.kind in ("ROC", "PR", "calibration"):
            self._show_curves(judged)
        elif self.kind == "confusion" and judged.names:
            self.confusion.x_range.factors = list(judged.names)
            self.confusion.y_range.factors = list(judged.names)[::-1]
            columns.fill(source["cells"], predict_columns.confusion_columns(judged))
        elif self.kind == "sequences":
            self._show_points(judged)

    def _show_curves(self, judged: Judged) -> None:
        x, y = {"ROC": ("false positive rate", "true positive rate"), "PR": ("recall", "precision"),
                "calibration": ("predicted probability", "share that is true")}[self.kind]  # fmt: skip
        if judged.names:
            columns.fill(self.sources["curves"], predict_columns.curve_columns(judged, self.kind))
            ends = (0.0, 1.0)
        else:
            x, y = "predicted, mean of each tenth", "measured, mean"
            made = predict_columns.calibration_of_numbers(judged)
            columns.fill(self.sources["curves"], made)
            every = [float(each) for part in (*made["xs"], *made["ys"]) for each in part]
            ends = (min(every), max(every))
        room = 0.03 * (ends[1] - ends[0])
        for axis in (self.curves.x_range, self.curves.y_range):
            axis.update(start=ends[0] - room, end=ends[1] + room)
        # what chance would give: nothing to compare with for precision
        line = {"x": list(ends), "y": list(ends)} if self.kind != "PR" else {"x": [], "y": []}
        columns.fill(self.sources["diagonal"], line)
        _say(self.curves.xaxis, x)
        _say(self.curves.yaxis, y)

    def _show_points(self, judged: Judged) -> None:
        made = predict_columns.point_columns(judged, self._numbers)  # type: ignore[arg-type]
        figure, names = self.points, judged.names
        columns.fill(self.sources["points"], made)
        if names:
            figure.x_range.update(start=0, end=len(names))
            figure.y_range.update(start=-0.03, end=1.03)
            figure.xaxis.ticker = [k + 0.5 for k in range(len(names))]
            figure.xaxis.major_label_overrides = {k + 0.5: style.escape_text(name[:14]) for k, name in enumerate(names)}
            of = style.escape_text(names[1]).text if len(names) == 2 else "the true class"
            _say(figure.xaxis, "true class")
            _say(figure.yaxis, f"p({of})")
            columns.empty(self.sources["diagonal"])
        else:
            low, high = (float(f([f(made["x"]), f(made["y"])])) for f in (min, max))
            room = 0.04 * (high - low)
            for axis in (figure.x_range, figure.y_range):
                axis.update(start=low - room, end=high + room)
            figure.xaxis.ticker = figure.yaxis.ticker.clone()
            figure.xaxis.major_label_overrides = {}
            _say(figure.xaxis, "measured")
            _say(figure.yaxis, "predicted")
            columns.fill(self.sources["diagonal"], {"x": [low, high], "y": [low, high]})

    # --- figures

    def _loss(self, height: int) -> Any:
        made = style.figure(
            x_label="epoch", y_label="loss", height=height, name="predict_loss", tools="xpan,xwheel_zoom,reset,save",
        )  # fmt: skip
        made.x_range.update(start=0, min_interval=1.0)
        made.y_range.range_padding = 0.16  # room for the word below the best epoch
        made.scatter("x", "y", source=self.sources["steps"], size=2.5, color=_TRAIN, alpha=0.28, name="predict_batches")
        made.multi_line("xs", "ys", source=self.sources["others"], color="#999999", line_width=1.2, name="other_runs")
        train = made.line("x", "y", source=self.sources["train"], color=_TRAIN, line_width=2, name="train_line")
        held = made.line("x", "y", source=self.sources["held"], color=_HELD, line_width=2.4, name="held_line")
        dots = made.scatter("x", "y", source=self.sources["held"], size=5, color=_HELD)
        self._mark(made, "best")
        items = [LegendItem(label="training", renderers=[train]), LegendItem(label="validation", renderers=[held])]
        made.add_layout(Legend(items=items, location="top_right"))
        made.add_tools(HoverTool(renderers=[dots], tooltips=[("epoch", "@x{0}"), ("validation loss", "@y{0.0000}")]))
        return made

    def _metric(self, height: int) -> Any:
        made = style.figure(
            x_label="epoch", y_label="score", height=height, name="predict_metric", tools="xpan,xwheel_zoom,reset,save",
        )  # fmt: skip
        made.x_range = self.loss.x_range
        made.y_range.range_padding = 0.16
        lines = made.multi_line(
            "xs", "ys", source=self.sources["metric_others"], color="#999999", line_width=1.2, name="other_metrics"
        )
        made.line("x", "y", source=self.sources["metric"], color=_HELD, line_width=2.2, name="metric_line")
        dots = made.scatter("x", "y", source=self.sources["metric"], size=4.5, color=_HELD)
        self._mark(made, "metric_best")
        made.add_tools(HoverTool(renderers=[dots], tooltips=[("epoch", "@x{0.0}"), ("value", "@y{0.0000}")]))
        made.add_tools(HoverTool(renderers=[lines], tooltips=[("run", "@name")]))
        return made

    def _mark(self, figure: Any, name: str) -> None:
        figure.scatter(
            "x", "y", source=self.sources[name], size=12, marker="diamond", fill_color=style.VERMILION,
            line_color="white", name=f"predict_{name}_mark",
        )  # fmt: skip
        figure.text(
            "x", "y", "text", source=self.sources[name], text_color=style.VERMILION, text_font_size="11px",
            text_font=value(style.FONT), y_offset=18, text_align="right",
        )  # fmt: skip

    def _curves(self, height: int) -> Any:
        made = style.figure(
            x_label="false positive rate", y_label="true positive rate", height=height, x_range=(-0.03, 1.03),
            y_range=(-0.03, 1.03), tools="reset,save", name="predict_curves",
        )  # fmt: skip
        made.line("x", "y", source=self.sources["diagonal"], color="#999999", line_dash="dotted", line_width=1)
        lines = made.multi_line(
            "xs", "ys", source=self.sources["curves"], line_color="colour", line_dash="dash", line_width="width",
            name="predict_lines",
        )  # fmt: skip
        items = [LegendItem(label={"field": "label"}, renderers=[lines])]
        made.add_layout(Legend(items=items, location="bottom_right"))
        made.add_tools(HoverTool(renderers=[lines], tooltips=[("curve", "@label"), ("at", "$x{0.00}, $y{0.00}")]))
        return made

    def _confusion(self, height: int) -> Any:
        made = style.figure(
            x_label="predicted", y_label="true", height=height, x_range=FactorRange(name="guessed"),
            y_range=FactorRange(name="true"), tools="save", name="predict_confusion", y_grid=False,
        )  # fmt: skip
        cells = made.rect(
            "guess", "true", 0.96, 0.96, source=self.sources["cells"], line_color=None, name="predict_cells",
            fill_color={"field": "share", "transform": LinearColorMapper(palette=_RAMP, low=0, high=1)},
        )  # fmt: skip
        made.text(
            "guess", "true", "text", source=self.sources["cells"], text_color="ink", text_align="center",
            text_baseline="middle", text_font_size="12px", text_font=value(style.FONT),
        )  # fmt: skip
        tips = [("true", "@true"), ("predicted", "@guess"), ("sequences", "@count{0,0}"),
                ("of the true class", "@share{0.0%}"), ("by word counts", "@plain{0,0}")]  # fmt: skip
        made.add_tools(HoverTool(renderers=[cells], tooltips=tips))
        return made

    def _points(self, height: int) -> Any:
        made = style.figure(
            x_label="x", y_label="y", height=height, x_range=Range1d(0, 1), y_range=Range1d(0, 1), tools="reset,save",
            name="predict_points",
        )  # fmt: skip
        made.line("x", "y", source=self.sources["diagonal"], color="#999999", line_dash="dotted", line_width=1)
        dots = made.scatter(
            "x", "y", source=self.sources["points"], size=6, fill_color="colour", marker="marker", line_color=None,
            fill_alpha=0.75, nonselection_fill_alpha=0.35, selection_line_color=style.VERMILION, name="predict_dots",
        )  # fmt: skip
        tips = [("sequence", "@number{0,0}"), ("true", "@truth"), ("predicted", "@guess"), ("click", "to explain it")]
        made.add_tools(HoverTool(renderers=[dots], tooltips=tips), TapTool(renderers=[dots]))
        self.sources["points"].selected.on_change("indices", self._picked)
        return made

    def _picked(self, _name: str, _old: Any, new: list[int]) -> None:
        numbers = self.sources["points"].data["number"]
        if new and self.on_pick is not None and 0 <= new[0] < len(numbers):
            self.on_pick(int(numbers[new[0]]))


def _say(axes: Any, text: str) -> None:
    for axis in axes:
        if axis.axis_label.text != text:
            axis.axis_label.text = text

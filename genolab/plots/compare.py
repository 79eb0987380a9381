"""The picture of a comparison: precision against recall, and both against QUAL, with a threshold to move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import (
    ColumnDataSource,
    HoverTool,
    Legend,
    LegendItem,
    LogScale,
    LogTicker,
    Range1d,
    Slider,
    Span,
    Title,
)

from genolab.plots import columns, style
from genolab.plots.columns import Columns
from genolab.plots.pane import BokehPane

if TYPE_CHECKING:
    from genolab.call import Comparison

KINDS = {"SNV": (style.BLUE, "circle"), "indel": (style.VERMILION, "square")}
"""Colour and marker by what is counted together."""

MOST_POINTS = 2_000
"""Thresholds drawn of each curve; of more, evenly many."""

_CURVE = ("quality", "shown", "recall", "precision", "f1", "true", "false", "missed")
_POINT = ("kind", "recall", "precision", "f1", "f1_genotype", "colour", "marker", "shown")
_LEVELS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
_LEAST = 1.0  # the QUAL that stands for 0 on the logarithmic axis


class CompareView:
    """Two figures: `show` a comparison, move the `threshold`; `slider` is there where it was asked for."""

    def __init__(self, height: int = 300, with_slider: bool = True, compact: bool = False) -> None:
        self._compact = compact
        self.comparison: Comparison | None = None
        self.curves = {kind: ColumnDataSource({name: [] for name in _CURVE}, name=f"curve_{kind}") for kind in KINDS}
        self.points = ColumnDataSource({name: [] for name in _POINT}, name="curve_points")
        self.levels = ColumnDataSource({"x": [], "y": []}, name="curve_levels")
        self.names = ColumnDataSource({"x": [], "y": [], "text": []}, name="curve_level_names")
        self.line = Span(location=20, dimension="height", line_width=2, line_color=style.GREEN, name="threshold")
        self.plane = self._plane(height)
        self.along = self._along(height)
        self.slider: Slider | None = None
        if compact:
            for each in (self.plane, self.along):
                each.toolbar_location = None
                each.title.text_font_size = each.axis.axis_label_text_font_size = "11px"
        figures = row(self.plane, self.along, sizing_mode="stretch_width", spacing=8)
        if with_slider:
            self.slider = Slider(
                start=0, end=200, step=1, value=20, title="count calls of QUAL (phred) at least",
                name="threshold_slider", sizing_mode="stretch_width", bar_color=style.GREEN,
            )  # fmt: skip
            self.slider.on_change("value", lambda _attr, _old, new: self.threshold(float(new)))
        self.layout = column(figures, self.slider, sizing_mode="stretch_width") if self.slider else figures

    def show(self, comparison: Comparison | None) -> None:
        """Draw the curves, and the figures at the comparison's own threshold; None empties them."""
        self.comparison = comparison
        if comparison is None:
            for source in (*self.curves.values(), self.points, self.levels, self.names):
                columns.empty(source)
            self.plane.title.text = self.along.title.text = " "  # an empty title leaves its room
            return
        curve, lowest = comparison.curve, 1.0
        for kind, source in self.curves.items():
            made = curve_columns(comparison, kind)
            columns.fill(source, made)
            values = np.concatenate([made["recall"][-10:], made["precision"]])
            lowest = min(lowest, float(np.nanmin(values, initial=1.0)))
        low = float(np.clip(np.floor(lowest * 20 - 1) / 20, 0.0, 0.9))
        self.plane.x_range.update(start=low, end=1.005)
        self.plane.y_range.update(start=low, end=1.005)
        self._draw_levels(low)
        finite = curve.quality[np.isfinite(curve.quality)]
        most = max(float(finite.max(initial=_LEAST)), 50.0)
        self.along.x_range.update(start=_LEAST, end=most * 1.2)
        self.along.y_range.update(start=0.0, end=1.02)
        if self.slider is not None:
            self.slider.update(end=max(float(np.ceil(np.quantile(finite, 0.9))) if finite.size else 50.0, 50.0))
            self.slider.value = min(comparison.min_quality, self.slider.end)
        self.threshold(comparison.min_quality)

    def threshold(self, quality: float) -> None:
        """Move the line and the markers to a QUAL; nothing is matched again."""
        if self.comparison is None:
            return
        self.line.location = max(quality, _LEAST)
        rows: dict[str, list[Any]] = {name: [] for name in _POINT}
        said = []
        for kind, (colour, marker) in KINDS.items():
            score = self.comparison.curve.score(quality, kind)
            found = score.to_dict() | {"kind": kind, "colour": colour, "marker": marker, "shown": max(quality, _LEAST)}
            for name in _POINT:
                rows[name].append(found[name])
            said.append(f"{kind} F1 {score.f1:.3f} (P {score.precision:.3f}, R {score.recall:.3f})")
        columns.fill(self.points, {name: np.array(values, dtype=object) for name, values in rows.items()})
        if self._compact:
            figures = [f"{kind} {self.comparison.curve.score(quality, kind).f1:.3f}" for kind in KINDS]
            self.plane.title.text = f"F1: {', '.join(figures)}"
            self.along.title.text = f"QUAL \N{GREATER-THAN OR EQUAL TO} {quality:.0f}; dashed P, dotted R"
            return
        self.along.title.text = "F1, precision and recall by threshold"
        self.plane.title.text = f"QUAL \N{GREATER-THAN OR EQUAL TO} {quality:.0f}:  {',  '.join(said)}"

    # --- figures

    def _plane(self, height: int) -> Any:
        made = style.figure(
            height=height, x_label="recall", y_label="precision", tools="pan,wheel_zoom,box_zoom,reset,save",
            x_range=Range1d(0, 1), y_range=Range1d(0, 1), name="precision_recall", x_grid=True,
        )  # fmt: skip
        made.title = Title(text=" ", text_font_size="12px", text_font_style="normal")
        made.multi_line("x", "y", source=self.levels, line_color="#9a9a9a", line_dash="dotted", line_width=1)
        made.text("x", "y", "text", source=self.names, text_font_size="10px", text_color="#8a8a8a", text_align="right")
        for kind, (colour, _) in KINDS.items():
            drawn = made.step(
                "recall", "precision", source=self.curves[kind], line_color=colour, line_width=2, mode="after",
            )  # fmt: skip
            tips = [
                (kind, "QUAL at least @quality{0,0.0}"), ("precision", "@precision{0.000}"),
                ("recall", "@recall{0.000}"), ("F1", "@f1{0.000}"),
                ("calls", "@true{0,0} true, @false{0,0} false, @missed{0,0} missed"),
            ]  # fmt: skip
            made.add_tools(HoverTool(renderers=[drawn], tooltips=tips, visible=False))
        dots = made.scatter(
            "recall", "precision", source=self.points, marker="marker", size=11, fill_color="colour",
            line_color="white", line_width=1.5,
        )  # fmt: skip
        tips = [
            ("@kind", "at the threshold"), ("precision", "@precision{0.000}"), ("recall", "@recall{0.000}"),
            ("F1", "@f1{0.000}"), ("F1 with genotype", "@f1_genotype{0.000}"),
        ]  # fmt: skip
        made.add_tools(HoverTool(renderers=[dots], tooltips=tips, visible=False))
        items = [LegendItem(label=kind, renderers=[dots], index=at) for at, kind in enumerate(KINDS)]
        made.add_layout(Legend(items=items, location="bottom_left", name="kinds"))
        return made

    def _along(self, height: int) -> Any:
        made = style.figure(
            height=height, x_label="QUAL, threshold", x_unit="phred", y_label="share",
            tools="pan,wheel_zoom,reset,save", x_range=Range1d(1, 100), y_range=Range1d(0, 1), name="against_quality",
        )  # fmt: skip
        made.x_scale = LogScale()
        made.xaxis.ticker = LogTicker()
        made.title = Title(text=" ", text_font_size="12px", text_font_style="normal")
        lines = {
            "f1": ("F1", "solid", 2.5),
            "precision": ("precision", "dashed", 1.5),
            "recall": ("recall", "dotted", 1.8),
        }
        items = []
        for kind, (colour, _) in KINDS.items():
            for name, (text, dash, width) in lines.items():
                drawn = made.step(
                    "shown", name, source=self.curves[kind], line_color=colour, line_dash=dash, line_width=width,
                    mode="before",
                )  # fmt: skip
                items.append(LegendItem(label=f"{kind} {text}", renderers=[drawn]))
                if name == "f1":
                    tips = [(kind, "QUAL at least @quality{0,0.0}"), ("F1", "@f1{0.000}")]
                    made.add_tools(HoverTool(renderers=[drawn], tooltips=tips, visible=False))
        made.add_layout(self.line)
        if not self._compact:
            made.add_layout(Legend(items=items, location="bottom_left", name="lines"))
        return made

    def _draw_levels(self, low: float) -> None:
        """Lines of equal F1: precision = F r / (2 r - F)."""
        x, y, named = [], [], []
        for level in _LEVELS:
            if level / (2 - level) >= 1.0 or level < low:
                continue
            recall = np.linspace(max(level / (2 - level), low), 1.0, 60)
            precision = level * recall / (2 * recall - level)
            x.append(recall.tolist())
            y.append(precision.tolist())
            named.append((1.0, level / (2 - level), f"F1 {level:g}"))
        columns.fill(self.levels, {"x": x, "y": y})
        kept = [each for each in named if each[1] > low + 0.02]
        columns.fill(self.names, {key: [each[at] for each in kept] for at, key in enumerate(("x", "y", "text"))})


def curve_columns(comparison: Comparison, kind: str) -> Columns:
    """A row a threshold, from the highest to the lowest; precision of no calls is left out."""
    import pandas as pd

    frame = comparison.curve.to_frame(kind)
    frame = frame[frame["called"] > 0]
    frame = pd.concat([frame, frame.tail(1).assign(quality=0.0)]) if len(frame) else frame  # on to where all count
    if len(frame) > MOST_POINTS:
        frame = frame.iloc[np.linspace(0, len(frame) - 1, MOST_POINTS).round().astype(int)]
    made = {name: frame[name].to_numpy(np.float64) for name in _CURVE if name != "shown"}
    return made | {"shown": np.maximum(made["quality"], _LEAST)}


class ComparePlot(BokehPane):
    """A comparison as a live picture; `view` is what it draws."""

    def __init__(self, comparison: Comparison) -> None:
        self.view = CompareView()
        self.view.show(comparison)
        super().__init__(self.view.layout)


def plot(comparison: Comparison) -> ComparePlot:
    """Precision against recall and both against QUAL: move the slider, hover for the figures of any threshold."""
    return ComparePlot(comparison)

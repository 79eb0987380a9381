"""The recalibration curve: reported quality against observed, with intervals, and what a fitted model makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Range1d

from genolab.plots import style
from genolab.plots.pane import BokehPane

if TYPE_CHECKING:
    from genolab.call.error_model import ErrorModel

_COLUMNS = ("reported", "observed", "low", "high", "fitted", "bases", "errors", "size")


class ErrorModelView:
    """One figure: points of bases by reported quality, their intervals, and the model's line."""

    def __init__(self, model: ErrorModel) -> None:
        frame = model.to_frame()
        share = frame["bases"] / frame["bases"].max()
        frame = frame.assign(size=6 + 12 * np.sqrt(share))
        self.source = ColumnDataSource({name: frame[name].to_numpy(float) for name in _COLUMNS}, name="recalibration")
        most = float(max(frame["reported"].max(), frame["high"].clip(upper=60).max())) + 3
        made: Any = style.figure(
            name="recalibration_curve", height=380, width=520, tools="pan,wheel_zoom,box_zoom,reset,save",
            x_label="reported quality", x_unit="phred", y_label="observed quality", y_unit="phred",
            x_range=Range1d(0, most), y_range=Range1d(0, most), x_grid=True,
        )  # fmt: skip
        made.line([0, most], [0, most], line_color="#9a9a9a", line_dash="dotted", legend_label="as reported")
        made.line(
            "reported", "fitted", source=self.source, line_color=style.VERMILION, line_width=2, legend_label="fitted"
        )
        made.segment("reported", "low", "reported", "high", source=self.source, line_color=style.BLUE, line_width=1.5)
        dots = made.scatter(
            "reported", "observed", source=self.source, size="size", fill_color=style.BLUE, line_color="white",
            legend_label="observed, 95 % interval",
        )  # fmt: skip
        made.legend.location = "top_left"
        tips = [
            ("reported", "@reported{0} phred"), ("observed", "@observed{0.0} (@low{0.0} to @high{0.0}) phred"),
            ("fitted", "@fitted{0.0} phred"), ("wrong", "@errors{0,0} of @bases{0,0} bases"),
        ]  # fmt: skip
        made.add_tools(HoverTool(renderers=[dots], tooltips=tips))
        self.layout = made


class ErrorModelPlot(BokehPane):
    """A recalibration curve as a live picture; `view` is what it draws."""

    def __init__(self, model: ErrorModel) -> None:
        self.view = ErrorModelView(model)
        super().__init__(self.view.layout)


def plot(model: ErrorModel) -> ErrorModelPlot:
    """Reported against observed quality; the larger a point, the more bases."""
    return ErrorModelPlot(model)

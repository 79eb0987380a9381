"""The pane in a real browser: what is drawn is what the kernel has."""

from __future__ import annotations

from typing import Any

PLOT = """
import numpy as np, ipywidgets as W
from bokeh.models import ColumnDataSource
from genolab.plots.pane import BokehPane
from genolab.plots import style
def columns(value): return dict(x=np.arange(100.0), y=np.full(100, float(value)))
source = ColumnDataSource(columns(0), name="source")
fig = style.figure(x_label="position", x_unit="bp", y_label="depth", y_unit="reads", x_format="position",
                   y_format="count", x_range=(0, 100), y_range=(-30, 30), name="figure")
fig.line("x", "y", source=source, line_color=style.BLUE, line_width=2)
fig.x_range.name = "x_range"
pane = BokehPane(fig)
slider = W.IntSlider(0, 0, 20)
slider.observe(lambda change: setattr(source, "data", columns(change["new"])), "value")
display(W.VBox([slider, pane]))
"""
SECOND = "display(pane)"


def test_update_from_python_is_drawn(screens: Any, frontend: str) -> None:
    screen = screens.open(frontend, "pane", [PLOT])
    screen.until(screen.model("source"))
    for value in (7, 3):
        screen.run(f"slider.value = {value}")
        screen.until(f"{screen.model('source')}.data.y[5] === {value}")
    screen.screenshot("pane")
    screen.check()

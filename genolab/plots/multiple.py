"""The picture of a multiple alignment: a logo of its columns above, all rows in blocks below."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.core.properties import value
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, HoverTool, Range1d

from genolab.plots import columns, letters, style
from genolab.plots.align import duration
from genolab.plots.blocks import BlocksView, Rows
from genolab.plots.pane import BokehPane
from genolab.scale import Latest, Progress

if TYPE_CHECKING:
    from genolab.align import MultipleAlignment

_QUIET = 0.03  # seconds without a move of the window before it is drawn again
_LOGO, _BLOCKS = 190, 360  # pixels


def rows_of(made: MultipleAlignment) -> Rows:
    """A multiple alignment as rows to be read, the consensus on top; columns are painted by how well they agree."""
    consensus = made.consensus()
    conservation = made.conservation
    return Rows(
        names=("consensus", *made.names),
        texts=(consensus, *made.texts),
        first=(0,) * (len(made) + 1),
        marks="",
        track=conservation,
        track_name="agree",
        loud=np.where(conservation >= 0.8, 1.0, np.where(conservation >= 0.5, 0.3, 0.0)),
        dna=made.kinds == "ACGT",
    )


def facts_of(made: MultipleAlignment, seconds: float) -> dict[str, str]:
    """The numbers that go with a multiple alignment, named, as text."""
    upper = made.identity[np.triu_indices(len(made), 1)]
    conserved = int((made.counts.max(axis=1) == len(made)).sum())
    gaps = int((made.rows == made.gap).sum())
    return {
        "sequences": f"{len(made):,}",
        "columns": f"{made.length:,}",
        "sum of pairs": f"{made.score:,}".replace("-", "−"),
        "identity": f"{upper.mean():.1%} ({upper.min():.0%}–{upper.max():.0%})",
        "conserved": f"{conserved:,} columns",
        "gaps": f"{gaps / made.rows.size:.1%}",
        "information": f"{made.information.sum():,.0f} bits",
        "guide tree": str(made.options.get("tree", "")),
        "time": duration(seconds),
    }


def logo_columns(made: MultipleAlignment, first: int, last: int) -> columns.Columns:
    """The letters of the logo between two columns: a stack for each, the largest on top.

    A stack is as high as the column's information in bits, less by the share of gaps; a letter has its share of it.
    """
    counts = made.counts[first:last]
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    heights = counts / total * (made.information * made.occupancy)[first:last, None]
    order = np.argsort(heights, axis=1, kind="stable")
    stacked = np.take_along_axis(heights, order, axis=1)
    tops = np.cumsum(stacked, axis=1)
    kinds = np.array(list(made.kinds))
    place = np.broadcast_to(np.arange(first, last)[:, None], stacked.shape)
    shown = stacked > 0.01
    letter = kinds[order][shown]
    share = np.take_along_axis(counts / total, order, axis=1)[shown]
    fill, ink = letters.paint(letter, made.kinds == "ACGT")
    return {
        "x": place[shown] + 1.0,
        "top": tops[shown],
        "bottom": (tops - stacked)[shown],
        "letter": letter.astype(object),
        "share": share,
        "bits": stacked[shown],
        "fill": fill,
        "ink": ink,
    }


class LogoView:
    """Stacks of letters over positions; `layout` is the figure. Wide views show bars, narrow ones letters."""

    def __init__(self, height: int | None = None) -> None:
        self.made: MultipleAlignment | None = None
        self.on_move: Callable[[], None] | None = None
        self.size = (1_000, height or _LOGO)
        self.x_range, self.y_range = Range1d(0.5, 60.5, name="logo_x"), Range1d(0, 2.05)
        self.layout = self._figure(height)
        for name in ("start", "end"):
            self.x_range.on_change(name, self._moved)

    def show(self, made: MultipleAlignment) -> None:
        """Draw a multiple alignment; the window stays where it has as many columns as the one before."""
        same = self.made is not None and self.made.length == made.length
        self.made = made
        if not same:
            self.x_range.update(bounds=None)  # must reach a page before the ends that it would clip
            self.x_range.update(start=0.5, end=made.length + 0.5, bounds=(0.5, made.length + 0.5))
        tallest = float((made.information * made.occupancy).max(initial=0))
        self.y_range.update(start=0, end=max(np.ceil(tallest * 2) / 2, 0.5) + 0.05)
        self.redraw()

    def redraw(self) -> None:
        """Draw what is in sight."""
        made = self.made
        if made is None:
            return
        start, end = sorted((self.x_range.start, self.x_range.end))
        span = end - start
        first, last = max(int(start - 0.5 - span), 0), min(int(end + span) + 1, made.length)
        drawn = logo_columns(made, first, last)
        columns.fill(self.source, drawn)
        # a letter is text as high as its part of the stack allows, in a box of its colour
        pixel = max(self.size[0] - 80, 100) / max(span, 1)
        per_bit = max(self.size[1] - 50, 40) / max(self.y_range.end, 0.1)
        high = (drawn["top"] - drawn["bottom"]) * per_bit
        fits = (pixel >= 6.5) & (high >= 7)
        size = np.minimum(high * 0.95, pixel * 1.35)[fits]
        columns.fill(
            self.words,
            {
                "x": drawn["x"][fits],
                "y": ((drawn["top"] + drawn["bottom"]) / 2)[fits],
                "text": drawn["letter"][fits],
                "ink": drawn["ink"][fits],
                "size": np.array([f"{pixels:.0f}px" for pixels in size], dtype=object),
            },
        )

    def resize(self, width: int, height: int) -> None:
        """Say how many pixels the view has."""
        if (width, height) != self.size:
            self.size = width, height
            self.redraw()

    def _moved(self, _name: str, _old: Any, _new: Any) -> None:
        if self.on_move is None:
            self.redraw()
        else:
            self.on_move()

    def _figure(self, height: int | None) -> Any:
        keys = ("x", "top", "bottom", "letter", "share", "bits", "fill", "ink")
        self.source = ColumnDataSource(name="logo", data={key: [] for key in keys})
        self.words = ColumnDataSource(name="logo_letters", data={key: [] for key in ("x", "y", "text", "ink", "size")})
        figure = style.figure(
            x_label="column", x_format="position", y_label="information", y_unit="bits", x_range=self.x_range,
            y_range=self.y_range, height=height or _LOGO, tools="xpan,xwheel_zoom,reset,save", wheel_zooms=True,
            name="logo_figure",
        )  # fmt: skip
        if height is None:
            figure.sizing_mode = "stretch_both"
        bars = figure.vbar(
            "x", width=0.92, top="top", bottom="bottom", source=self.source, fill_color="fill", line_color=None
        )
        figure.text(
            "x", "y", text="text", text_color="ink", text_font_size="size", source=self.words, text_align="center",
            text_baseline="middle", text_font=value(style.MONOSPACE), text_font_style="bold",
        )  # fmt: skip
        tips = [("column", "@x{0,0}"), ("letter", "@letter"), ("share", "@share{0.0%}"), ("height", "@bits{0.00} bits")]
        figure.add_tools(HoverTool(renderers=[bars], tooltips=tips))
        return figure


class MultiplePlot(BokehPane):
    """A multiple alignment as a live picture: `logo` and `blocks` are what it draws."""

    def __init__(self, made: MultipleAlignment) -> None:
        self._moves = Latest(debounce=_QUIET)
        self.logo, self.blocks = LogoView(_LOGO), BlocksView(height=_BLOCKS)
        self.logo.show(made)
        self.blocks.show(rows_of(made))
        self.logo.on_move = self.blocks.on_move = self._moved
        super().__init__(column(self.logo.layout, self.blocks.layout, sizing_mode="stretch_width", name="multiple"))
        self.observe(self._resized, "size")

    def _moved(self) -> None:
        self._moves.submit(self._redraw, name="view")

    def _redraw(self, _progress: Progress) -> None:
        with self.hold():
            self.logo.redraw()
            self.blocks.redraw()

    def _resized(self, change: Any) -> None:
        with self.hold():
            self.logo.resize(change["new"][0], _LOGO)
            self.blocks.resize(change["new"][0], _BLOCKS)


def plot(made: MultipleAlignment) -> MultiplePlot:
    """Logo and rows of a multiple alignment: turn the wheel over the logo to zoom, over the rows to scroll."""
    return MultiplePlot(made)

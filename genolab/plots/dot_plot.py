"""The picture of a dot plot: shared words as dots, reverse complements in a second colour; zooming compares again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import ColumnDataSource, Legend, LegendItem, LinearColorMapper, Range1d

from genolab.plots import columns, style
from genolab.plots.pane import BokehPane
from genolab.scale import Latest, Progress

if TYPE_CHECKING:
    from genolab.align import DotPlot

_QUIET = 0.03  # seconds without a move of the window before it is drawn again
_HEIGHT = 460  # pixels
_DOT = 2.5  # pixels of a bin: a single word stays visible
LEFT, RIGHT, ABOVE, BELOW = 64, 20, 26, 46


def _ramp(colour: str) -> tuple[str, ...]:
    """Nothing, then from one shared word, which is plain to see, to many."""
    return ("#00000000", *(f"{colour}{120 + round(135 * step / 254):02x}" for step in range(255)))


class DotView:
    """Two images over one another; `layout` is the figure. `on_move` is expected to have :meth:`redraw` called."""

    def __init__(self, height: int | None = None) -> None:
        self.made: DotPlot | None = None
        self.on_move: Callable[[], None] | None = None
        self.size = (900, height or _HEIGHT)
        self.said = ""
        self.x_range, self.y_range = Range1d(0.5, 10.5, name="dots_x"), Range1d(10.5, 0.5, name="dots_y")
        self.layout = self._figure(height)
        for each in (self.x_range, self.y_range):
            each.on_change("start", self._moved)
            each.on_change("end", self._moved)

    def show(self, made: DotPlot) -> None:
        """Draw a dot plot; the window stays where the sequences are as long as before."""
        same = self.made is not None and self.made.lengths == made.lengths
        self.made = made
        if not same:
            self.whole()
        self.redraw()

    def whole(self) -> None:
        """Show all of both sequences."""
        if self.made is not None:
            rows, cells = self.made.lengths
            for each in (self.x_range, self.y_range):
                each.update(bounds=None, min_interval=None)  # these must reach a page before the ends they would clip
            self.x_range.update(start=0.5, end=cells + 0.5, bounds=(0.5, cells + 0.5), min_interval=min(10, cells))
            self.y_range.update(start=rows + 0.5, end=0.5, bounds=(0.5, rows + 0.5), min_interval=min(10, rows))

    @property
    def window(self) -> tuple[int, int, int, int]:
        """First row and column, rows, columns in sight, from 0."""
        assert self.made is not None
        edges = []
        for each, length in ((self.y_range, self.made.lengths[0]), (self.x_range, self.made.lengths[1])):
            low, high = sorted((each.start, each.end))
            first = min(max(int(np.floor(low - 0.5)), 0), length - 1)
            edges.append((first, min(max(int(np.ceil(high - 0.5)), first + 1), length) - first))
        return edges[0][0], edges[1][0], edges[0][1], edges[1][1]

    def redraw(self) -> None:
        """Compare the words of what is in sight and draw them."""
        if self.made is None:
            return
        top, left, rows, cells = self.window
        width, height = max(self.size[0] - LEFT - RIGHT, 80), max(self.size[1] - ABOVE - BELOW, 80)
        found = self.made.bins((top, left, rows, cells), (int(height / _DOT), int(width / _DOT)))
        middle = (self.made.word - 1) / 2  # a word is drawn at its middle, so that both strands meet
        for name, counts in zip(("forward", "backward"), found, strict=True):
            shades = np.minimum(np.rint(40 * np.log2(counts + 1)), 255).astype(np.uint8)
            place: dict[str, Any] = {"x": [left + 0.5 + middle], "y": [top + 0.5 + middle]}
            columns.fill(self.sources[name], {"image": [shades], **place, "dw": [float(cells)], "dh": [float(rows)]})
        forward, backward = (int(counts.sum()) for counts in found)
        said = f"{forward:,} shared words of {self.made.word} in sight"
        if self.made.backward is not None:
            said += f", {backward:,} with the reverse complement"
        bins = found[0].shape
        if bins != (rows, cells):
            said += f"; each point holds {rows / bins[0]:,.1f} × {cells / bins[1]:,.1f} places"
        if said != self.said:
            self.said = said
            self.layout.title.text = style.printable(said)

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
        self.sources = {
            name: ColumnDataSource(name=f"dots_{name}", data={key: [] for key in ("image", "x", "y", "dw", "dh")})
            for name in ("forward", "backward")
        }
        figure = style.figure(
            title=" ", x_label="target", y_label="query", x_unit="position", y_unit="position", x_format="position",
            y_format="position", x_range=self.x_range, y_range=self.y_range, tools="pan,wheel_zoom,box_zoom,reset,save",
            wheel_zooms=True, height=height or _HEIGHT, name="dots", x_grid=True,
        )  # fmt: skip
        if height is None:
            figure.sizing_mode = "stretch_both"
        figure.title.update(text_font_size="12px", text_font_style="normal")
        figure.update(min_border_left=LEFT)
        items = []
        for name, label, colour in (
            ("forward", "same strand", style.BLUE),
            ("backward", "reverse complement", style.VERMILION),
        ):
            mapper = LinearColorMapper(palette=_ramp(colour), low=0, high=255)
            figure.image("image", source=self.sources[name], color_mapper=mapper)
            key = figure.scatter([np.nan], [np.nan], marker="square", size=10, color=colour)
            items.append(LegendItem(label=label, renderers=[key]))
        figure.add_layout(Legend(items=items, location="top_right", orientation="horizontal"))
        return figure


class DotPlotPane(BokehPane):
    """A dot plot as a live picture; `dots` is what it draws."""

    def __init__(self, made: DotPlot) -> None:
        self._moves = Latest(debounce=_QUIET)
        self.dots = DotView(_HEIGHT)
        self.dots.show(made)
        self.dots.on_move = self._moved
        super().__init__(self.dots.layout)
        self.observe(self._resized, "size")

    def _moved(self) -> None:
        self._moves.submit(self._redraw, name="view")

    def _redraw(self, _progress: Progress) -> None:
        with self.hold():
            self.dots.redraw()

    def _resized(self, change: Any) -> None:
        with self.hold():
            self.dots.resize(change["new"][0], _HEIGHT)


def plot(made: DotPlot) -> DotPlotPane:
    """Shared words of two sequences: turn the wheel to zoom, drag to move."""
    return DotPlotPane(made)

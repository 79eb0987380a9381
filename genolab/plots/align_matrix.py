"""The matrix of a pair as a heat-map: paths over it, and for the cell under the mouse what competed there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.events import MouseMove, Tap
from bokeh.models import (
    Arrow,
    BasicTicker,
    ColorBar,
    ColumnDataSource,
    FixedTicker,
    LinearColorMapper,
    NumeralTickFormatter,
    Range1d,
    VeeHead,
)

from genolab.align.score_matrix import Candidate, Path
from genolab.plots import columns, style
from genolab.plots.matrix_window import Pair, Window, edges, numbers_of, ticks

LEFT, RIGHT, ABOVE, BELOW = 58, 74, 26, 46  # pixels around the cells
MOST_PATHS = 1_000
"""Alignments of equal worth that can be looked at one after the other."""

_SHADES = 256
_POSTERIOR = tuple(f"{style.VERMILION}{round(255 * (share / 255) ** 0.5):02x}" for share in range(256))


class MatrixView:
    """The picture of one pair's matrix; `layout` is the figure.

    `on_cell(i, j, candidates)` hears of the cell that was hovered or clicked; `on_move` of a window that was moved, and
    is expected to have :meth:`redraw` called; without it the view redraws itself.
    """

    def __init__(
        self,
        on_cell: Callable[[int, int, list[Candidate]], None] | None = None,
        on_move: Callable[[], None] | None = None,
        on_hover: Callable[[int, int], None] | None = None,
        height: int | None = None,
    ) -> None:
        self.on_cell, self.on_move, self.on_hover = on_cell, on_move, on_hover
        self.pair: Pair | None = None
        self.cell: tuple[int, int] | None = None
        self.said = ""
        self.path_number = 0
        self.paths: list[Path] = []
        self.posterior: np.ndarray | None = None
        self.size = (620, 320)
        self._more: Any = iter(())
        self._drawn: Window | None = None
        self._lock = threading.RLock()
        self.step = (1, 1)
        self._values = np.zeros((1, 1), np.int32)
        self._scale = LinearColorMapper(palette=style.AMOUNTS, low=0, high=1)
        self.x_range, self.y_range = Range1d(-0.5, 10.5, name="matrix_x"), Range1d(10.5, -0.5, name="matrix_y")
        self.layout = self._figure(height)

    # --- what is shown

    def show(self, pair: Pair) -> None:
        """Draw a pair; the window stays if the sequences are as long as before."""
        with self._lock:
            same = self.pair is not None and self.pair.shape == pair.shape
            self.pair = pair
            if self.posterior is not None:
                self.show_posterior(None)
            self._more = pair.matrix.paths() if pair.matrix is not None else iter([pair.best])
            self.paths, self.path_number = [], 0
            if not same:
                self.cell = None
                self.whole()
            self._drawn = None
            self._draw_edges()
            self.choose(0)
            self.redraw()
            if self.cell is not None:
                self.look_at(*self.cell)
            else:
                self._forget_cell()

    def whole(self) -> None:
        """Show all of the matrix."""
        if self.pair is None:
            return
        rows, cells = self.pair.shape
        for each, count, flipped in ((self.x_range, cells, False), (self.y_range, rows, True)):
            first, last = (count - 0.5, -0.5) if flipped else (-0.5, count - 0.5)
            each.update(bounds=None, min_interval=None)  # these must reach a page before the ends that they would clip
            each.update(start=first, end=last, bounds=(-0.5, count - 0.5), min_interval=min(4, count))

    @property
    def window(self) -> Window:
        """The cells in sight."""
        assert self.pair is not None
        rows, cells = self.pair.shape
        left, right = sorted((self.x_range.start, self.x_range.end))
        top, bottom = sorted((self.y_range.start, self.y_range.end))
        low = min(max(int(np.floor(top + 0.5)), 0), rows - 1), min(max(int(np.floor(left + 0.5)), 0), cells - 1)
        high = (
            min(max(int(np.ceil(bottom + 0.5)), low[0] + 1), rows),
            min(max(int(np.ceil(right + 0.5)), low[1] + 1), cells),
        )
        return Window(low[0], high[0], low[1], high[1])

    def redraw(self) -> None:
        """Draw what is in sight: the scores in bins that fit, ticks with letters, numbers where cells have room."""
        with self._lock:
            if self.pair is None:
                return
            window, (width, height) = self.window, self.size
            self._draw_ticks(window, width / window.size[1], height / window.size[0])
            if not self.pair.drawable:
                columns.empty(self.sources["image"])
                self._say()
                return
            rows, cells = self.pair.shape
            seen = window if rows * cells > 2_000_000 or max(rows, cells) > 1_000 else self.pair.whole
            values = self._draw_scores(seen)
            inside = values[
                window.top - seen.top : window.bottom - seen.top, window.left - seen.left : window.right - seen.left
            ]
            shown = inside if self.step == (1, 1) else values
            drawn = numbers_of(self.pair, shown, window, width / window.size[1], height / window.size[0])
            columns.fill(self.sources["numbers"], drawn)
            cell = min(width / window.size[1], height / window.size[0])
            self._steps.glyph.size = float(min(max(cell * 0.22, 0.0), 7.0)) if cell > 8 else 0.0
            self._say()

    def choose(self, number: int) -> None:
        """Draw the alignment of that number (from 0) among the best ones."""
        with self._lock:
            while len(self.paths) <= min(number, MOST_PATHS - 1):
                found = list(islice(self._more, 1))
                if not found:
                    break
                self.paths += found
            self.path_number = max(min(number, len(self.paths) - 1), 0)
            path = self.path
            drawn: columns.Columns = {"x": [], "y": []} if path is None else {"x": path.column, "y": path.row}
            columns.fill(self.sources["path"], drawn)

    @property
    def path(self) -> Path | None:
        """The alignment that is drawn over the matrix."""
        return self.paths[self.path_number] if self.paths else None

    @property
    def count(self) -> float:
        """How many alignments are worth the best score; NaN where the matrix is too large to count them."""
        return float("nan") if self.pair is None or self.pair.matrix is None else self.pair.matrix.count

    def show_posterior(self, posterior: np.ndarray | None) -> None:
        """Lay the probability of every pair ``[query letter, target letter]`` over the scores; None takes it away."""
        with self._lock:
            self.posterior = posterior
            # the scores step back, and the path becomes a thin line, so that the shares are seen
            alone = posterior is None
            self._scores.glyph.global_alpha = 1.0 if alone else 0.3
            for each in self._casings:
                each.visible = alone
            self._line.glyph.update(
                line_width=3.0 if alone else 1.0,
                line_color=style.VERMILION if alone else style.BLACK,
                line_alpha=1.0 if alone else 0.55,
            )
            if posterior is None:
                columns.empty(self.sources["posterior"])
                return
            step = [max(1, -(-side // 1_000)) for side in posterior.shape]
            shades = np.clip(np.rint(_pooled(posterior, step) * 255), 0, 255).astype(np.uint8)
            extent = [size * factor for size, factor in zip(shades.shape, step, strict=True)]
            columns.fill(
                self.sources["posterior"],
                {"image": [shades], "x": [0.5], "y": [0.5], "dw": [float(extent[1])], "dh": [float(extent[0])]},
            )

    def look_at(self, i: int, j: int) -> None:
        """Show what competed in a cell: an arrow for each candidate, and the best alignment that ends there."""
        with self._lock:
            pair = self.pair
            if pair is None or not (0 <= i < pair.shape[0] and 0 <= j < pair.shape[1]):
                return
            if not pair.drawable:
                return
            self.cell = i, j
            found = pair.candidates(i, j)
            from_where = [each for each in found if each.origin is not None]
            columns.fill(
                self.sources["arrows"],
                {
                    "x0": [j for _ in from_where],
                    "y0": [i for _ in from_where],
                    "x1": [each.origin[1] if each.origin else j for each in from_where],
                    "y1": [each.origin[0] if each.origin else i for each in from_where],
                    "width": [3.5 if each.won else 1.5 for each in from_where],
                    "colour": [style.PINK if each.won else "#ffffff" for each in from_where],
                },
            )
            columns.fill(self.sources["cell"], {"x": [j], "y": [i]})
            walk = pair.matrix.ending_at(i, j) if pair.matrix is not None else None
            columns.fill(
                self.sources["walk"], {"x": [], "y": []} if walk is None else {"x": walk.column, "y": walk.row}
            )
            self._say()
            if self.on_cell is not None:
                self.on_cell(i, j, found)

    def resize(self, width: int, height: int) -> None:
        """Say how many pixels the view has: letters and numbers appear where cells have room for them."""
        size = max(width - LEFT - RIGHT, 100), max(height - ABOVE - BELOW, 80)
        if size != self.size:
            self.size = size
            self.redraw()

    # --- drawing

    def _draw_scores(self, window: Window) -> np.ndarray:
        assert self.pair is not None
        if self._drawn == window:
            return self._values
        values, self.step = self.pair.scores(window)
        low, high = float(values.min()), float(values.max())
        shades = np.rint((values - low) * (255.0 / max(high - low, 1.0))).astype(np.uint8)
        columns.fill(
            self.sources["image"],
            {
                "image": [shades],
                "x": [window.left - 0.5],
                "y": [window.top - 0.5],
                "dw": [float(values.shape[1] * self.step[1])],
                "dh": [float(values.shape[0] * self.step[0])],
            },
        )
        self._scale.update(low=low, high=max(high, low + 1))
        self._drawn, self._values = window, values
        return values

    def _draw_ticks(self, window: Window, width: float, height: float) -> None:
        assert self.pair is not None
        for axis, side, first, last, pixel in (
            (self.layout.xaxis[0], "target", window.left, window.right - 1, width),
            (self.layout.yaxis[0], "query", window.top, window.bottom - 1, height),
        ):
            places, labels = ticks(self.pair, side, first, last, pixel)
            axis.ticker.ticks = places
            axis.major_label_overrides = labels
            axis.major_tick_line_alpha = 0.0 if len(places) == last - first + 1 else 1.0

    def _draw_edges(self) -> None:
        assert self.pair is not None
        several = self.pair.matrix is not None and self.pair.matrix.count > 1
        drawn = edges(self.pair.matrix.moves) if several and self.pair.matrix is not None else None
        self._edges_shown = drawn is not None or not several
        columns.fill(self.sources["edges"], drawn or {"x0": [], "y0": [], "x1": [], "y1": []})

    def _forget_cell(self) -> None:
        for name in ("arrows", "cell", "walk"):
            columns.empty(self.sources[name])

    def _say(self) -> None:
        """One line above the matrix: the cell that is looked at, else what is not shown as it is."""
        pair = self.pair
        assert pair is not None
        rows, cells = pair.shape
        if not pair.drawable:
            said = f"{rows:,} × {cells:,} cells are too many to be drawn; the alignment is below."
        elif self.cell is not None:
            i, j = self.cell
            ways = " · ".join(f"{each.name} {each.value:,}{' ✓' if each.won else ''}" for each in pair.candidates(i, j))
            names = f"query {i:,} {pair.letter('query', i)}, target {j:,} {pair.letter('target', j)}"
            said = f"{names}: {ways}".replace("-", "−")
        elif self.step != (1, 1):
            said = f"each point is the best of {self.step[0]} × {self.step[1]} cells; zoom in to see every cell"
        else:
            said = "point at a cell to see what competed there"
        if said != self.said:
            self.said = said
            self.layout.title.text = style.printable(said)

    # --- what a person does

    def _moved(self, _name: str, _old: Any, _new: Any) -> None:
        if self.on_move is not None:
            self.on_move()

    def _pointed(self, event: Any) -> None:
        if event.x is None or self.pair is None:
            return
        i, j = round(event.y), round(event.x)
        if (i, j) == self.cell or not (0 <= i < self.pair.shape[0] and 0 <= j < self.pair.shape[1]):
            return
        if self.on_hover is not None:
            self.on_hover(i, j)
        else:
            self.look_at(i, j)

    # --- models

    def _figure(self, height: int | None) -> Any:
        names = {
            "image": ("image", "x", "y", "dw", "dh"), "posterior": ("image", "x", "y", "dw", "dh"),
            "edges": ("x0", "y0", "x1", "y1"), "path": ("x", "y"), "walk": ("x", "y"), "cell": ("x", "y"),
            "arrows": ("x0", "y0", "x1", "y1", "width", "colour"), "numbers": ("x", "y", "text", "ink", "halo"),
        }  # fmt: skip
        self.sources = {
            name: ColumnDataSource(name=f"matrix_{name}", data={key: [] for key in keys})
            for name, keys in names.items()
        }
        figure = style.figure(
            title=" ",
            x_label="target",
            y_label="query",
            x_unit="position",
            y_unit="position",
            x_range=self.x_range,
            y_range=self.y_range,
            y_grid=False,
            tools="pan,wheel_zoom,box_zoom,reset,save",
            wheel_zooms=True,
            height=height or 320,
            name="matrix",
        )
        figure.update(min_border_left=LEFT, min_border_right=8)
        if height is None:
            figure.sizing_mode = "stretch_both"
        figure.title.update(text_font_size="12px", text_font_style="normal")
        for axis in (figure.xaxis[0], figure.yaxis[0]):
            axis.ticker = FixedTicker(ticks=[])
            axis.update(major_label_text_font=style.MONOSPACE, axis_line_color=None)
        shades = LinearColorMapper(palette=style.AMOUNTS, low=0, high=_SHADES - 1)
        seen = LinearColorMapper(palette=_POSTERIOR, low=0, high=_SHADES - 1)
        self._scores = figure.image("image", source=self.sources["image"], color_mapper=shades)
        figure.image("image", source=self.sources["posterior"], color_mapper=seen)
        segments: dict[str, Any] = {"x0": "x0", "y0": "y0", "x1": "x1", "y1": "y1", "source": self.sources["edges"]}
        self._casings = [
            figure.segment(**segments, line_color=style.BLACK, line_width=4, line_alpha=0.55),
            figure.segment(**segments, line_color="#ffffff", line_width=2),
        ]
        figure.line("x", "y", source=self.sources["walk"], line_color=style.BLACK, line_width=3, line_alpha=0.6)
        figure.line("x", "y", source=self.sources["walk"], line_color=style.PINK, line_width=1.5, line_dash=[4, 4])
        line: dict[str, Any] = {"source": self.sources["path"], "line_join": "round", "line_cap": "round"}
        self._casings.append(figure.line("x", "y", line_color="#ffffff", line_width=5, **line))
        self._line = figure.line("x", "y", line_color=style.VERMILION, line_width=3, **line)
        self._steps = figure.scatter(
            "x", "y", source=self.sources["path"], size=0, fill_color=style.VERMILION, line_color="#ffffff"
        )
        figure.scatter(
            "x", "y", source=self.sources["cell"], marker="square", size=9, fill_color=None, line_color=style.PINK,
            line_width=2,
        )  # fmt: skip
        numbers: dict[str, Any] = {
            "source": self.sources["numbers"], "text": "text", "text_align": "center", "text_baseline": "middle",
            "text_font_size": "10px", "text_font": value(style.FONT),
        }  # fmt: skip
        figure.text("x", "y", text_color="halo", text_outline_color="halo", **numbers)
        figure.text("x", "y", text_color="ink", **numbers)
        head = VeeHead(size=9, fill_color="colour", line_color="colour")
        figure.add_layout(
            Arrow(
                x_start="x0", y_start="y0", x_end="x1", y_end="y1", line_color="colour", line_width="width", end=head,
                source=self.sources["arrows"], start_units="data", end_units="data",
            )
        )  # fmt: skip
        figure.add_layout(
            ColorBar(
                color_mapper=self._scale, title="score", width=10, padding=4, margin=6, bar_line_color=None,
                formatter=NumeralTickFormatter(format="0,0"), ticker=BasicTicker(desired_num_ticks=5),
                major_label_text_font_size="11px", title_text_font_size="11px", title_text_font_style="normal",
            ),
            "right",
        )  # fmt: skip
        figure.on_event(MouseMove, self._pointed)
        figure.on_event(Tap, self._pointed)
        for each in (self.x_range, self.y_range):
            each.on_change("start", self._moved)
            each.on_change("end", self._moved)
        return figure


def _pooled(values: np.ndarray, step: list[int]) -> np.ndarray:
    """The largest value of every bin."""
    if step == [1, 1]:
        return values
    rows, cells = (-(-side // size) * size for side, size in zip(values.shape, step, strict=True))
    padded = np.zeros((rows, cells), values.dtype)
    padded[: values.shape[0], : values.shape[1]] = values
    pooled: np.ndarray = padded.reshape(rows // step[0], step[0], cells // step[1], step[1]).max(axis=(1, 3))
    return pooled

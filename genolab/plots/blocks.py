"""Rows of letters in blocks, as an alignment is read: two sequences with marks between them, or many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FixedTicker, Range1d

from genolab.plots import columns, letters, style

COLUMN, LINE = 14, 16  # pixels of a letter
_NAME = 7.4  # pixels of a letter of a name


@dataclass(frozen=True, eq=False)
class Rows:
    """What is to be read: sequences of equal length with ``-`` for gaps, and what goes with their columns.

    Attributes
    ----------
    names, texts
        Of the rows.
    first
        The position (from 0) of each row's first letter.
    marks
        A row of marks to go below the first sequence, or nothing.
    track
        A share from 0 to 1 for every column, drawn below each block.
    track_name
        What the track is.
    loud
        How strongly each column's letters are painted, from 0 (letters in colour only) to 1.
    dna
        Whether the letters are bases.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...]
    first: tuple[int, ...]
    marks: str
    track: np.ndarray = field(repr=False)
    track_name: str
    loud: np.ndarray = field(repr=False)
    dna: bool

    @property
    def length(self) -> int:
        """Columns."""
        return len(self.texts[0]) if self.texts else 0


class BlocksView:
    """Blocks of letters that scroll; `layout` is the figure. Only what is in sight is drawn."""

    def __init__(self, width: int = 60, height: int | None = None) -> None:
        self.width = width
        self.rows: Rows | None = None
        self.size = (1_000, height or 230)
        self.x_range, self.y_range = Range1d(0, 70, name="blocks_x"), Range1d(12, -0.7, name="blocks_y")
        self.on_move: Callable[[], None] | None = None
        self.layout = self._figure(height)
        self.y_range.on_change("end", self._scrolled)
        self._drawn: tuple[int, int] | None = None

    def show(self, rows: Rows) -> None:
        """Draw other rows; the place stays where they have as many blocks as before."""
        same = self.rows is not None and (self.rows.length, len(self.rows.texts)) == (rows.length, len(rows.texts))
        self.rows, self._drawn = rows, None
        if rows.length:
            grid = np.array([list(text) for text in rows.texts])
            self._grid = grid
            self._fills, self._inks = letters.paint(grid, rows.dna)
            there = grid != "-"
            self._positions = np.cumsum(there, axis=1) + np.array(rows.first)[:, None]
        self._fit(keep=same)
        self.redraw()

    @property
    def lines(self) -> int:
        """Lines of one block, the blank one after it included."""
        rows = self.rows
        assert rows is not None
        return len(rows.texts) + bool(rows.marks) + 2

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return 0 if self.rows is None else -(-self.rows.length // self.width)

    def resize(self, width: int, height: int) -> None:
        """Say how many pixels the view has."""
        if (width, height) != self.size:
            self.size = width, height
            self._fit(keep=True)
            self._drawn = None  # names stand where the range now begins
            self.redraw()

    def redraw(self) -> None:
        """Draw the blocks in sight and one screen around them."""
        rows = self.rows
        if rows is None:
            return
        if not rows.length:
            for source in self.sources.values():
                columns.empty(source)
            return
        top, bottom = sorted((self.y_range.start, self.y_range.end))
        span = bottom - top
        first = max(int((top - span) // self.lines), 0)
        last = min(int((bottom + span) // self.lines) + 1, self.blocks)
        if (first, last) != self._drawn:
            self._drawn = first, last
            self._draw(rows, first, last)

    # --- drawing

    def _fit(self, keep: bool) -> None:
        """Letters have a fixed size, so the ranges follow the pixels."""
        rows = self.rows
        width, height = self.size
        longest = max((len(name) for name in rows.names), default=5) if rows is not None else 5
        gutter = min(max(longest, 8), 16) * _NAME + 50.0
        letter = min(COLUMN, max((width - gutter - 48) / self.width, 5.0))
        left = -gutter / letter
        self.x_range.update(start=left, end=left + width / letter)
        lines = max(height / LINE, 4.0)
        total = self.blocks * self.lines if rows is not None else 0
        top = min(max(self.y_range.end, -0.7), max(total - lines, 0) - 0.7) if keep else -0.7
        low = max(total, lines - 0.7)
        self.y_range.update(bounds=None)  # must reach a page before the ends that it would clip
        self.y_range.update(start=top + lines, end=top, bounds=(-0.7, low))

    def _draw(self, rows: Rows, first: int, last: int) -> None:
        begin, end = first * self.width, min(last * self.width, rows.length)
        place = np.arange(begin, end)
        x, block = place % self.width + 0.5, place // self.width
        count, marked = len(rows.texts), bool(rows.marks)
        line_of = [row + (marked and row > 0) for row in range(count)]
        grid = self._grid[:, begin:end]
        y = block[None, :] * self.lines + np.array(line_of)[:, None] + 0.5
        xs = np.broadcast_to(x, grid.shape)
        share = np.broadcast_to(rows.loud[begin:end][None, :], grid.shape)
        loud = (share > 0) & (grid != "-")
        ink = np.where(loud & (share > 0.5), self._inks[:, begin:end], self._fills[:, begin:end])
        ink = np.where(grid == "-", "#888888", ink)
        self._set("letters", x=xs.ravel(), y=y.ravel(), text=grid.ravel().astype(object), ink=ink.ravel())
        self._set("fills", x=xs[loud], y=y[loud], fill=self._fills[:, begin:end][loud], alpha=share[loud])
        marks = np.array(list(rows.marks[begin:end]), dtype=object) if marked else np.array([], dtype=object)
        seen = marks != " "
        self._set("marks", x=x[seen] if marked else [], y=block[seen] * self.lines + 1.5 if marked else [],
                  text=marks[seen])  # fmt: skip
        share = rows.track[begin:end]
        base = block * self.lines + count + marked + 0.95
        self._set("track", x=x, top=base - 0.9 * share, bottom=base)
        self._draw_names(rows, first, last, line_of)

    def _draw_names(self, rows: Rows, first: int, last: int, line_of: list[int]) -> None:
        """Names at the left, the positions of the first and last letter of every block on both sides."""
        names: dict[str, list[Any]] = {"x": [], "y": [], "text": []}
        numbers: dict[str, list[Any]] = {"x": [], "y": [], "text": [], "align": []}
        left = self.x_range.start + 0.3
        for block in range(first, last):
            begin, end = block * self.width, min((block + 1) * self.width, rows.length)
            for row, line in enumerate(line_of):
                y = block * self.lines + line + 0.5
                names["x"].append(left)
                names["y"].append(y)
                names["text"].append(_short(rows.names[row]))
                start, stop = int(self._positions[row, begin]), int(self._positions[row, end - 1])
                empty = bool((self._grid[row, begin:end] == "-").all())
                start += int(self._grid[row, begin] == "-")
                for x, number, align in ((-0.4, start, "right"), (end - begin + 0.5, stop, "left")):
                    numbers["x"].append(x)
                    numbers["y"].append(y)
                    numbers["text"].append("" if empty else f"{number:,}")
                    numbers["align"].append(align)
            names["x"].append(left)
            names["y"].append(block * self.lines + line_of[-1] + 1.5)
            names["text"].append(rows.track_name)
        self._set("names", **names)
        self._set("numbers", **numbers)

    def _set(self, name: str, **values: Any) -> None:
        columns.fill(self.sources[name], values)

    def _scrolled(self, _name: str, _old: Any, _new: Any) -> None:
        if self.on_move is None:
            self.redraw()
        else:
            self.on_move()

    def _figure(self, height: int | None) -> Any:
        names = {
            "letters": ("x", "y", "text", "ink"), "fills": ("x", "y", "fill", "alpha"), "marks": ("x", "y", "text"),
            "track": ("x", "top", "bottom"), "names": ("x", "y", "text"), "numbers": ("x", "y", "text", "align"),
        }  # fmt: skip
        self.sources = {
            name: ColumnDataSource(name=f"blocks_{name}", data={key: [] for key in keys})
            for name, keys in names.items()
        }
        figure = style.figure(
            x_range=self.x_range, y_range=self.y_range, height=height or 230, tools="ypan,ywheel_pan,save",
            y_grid=False, name="blocks",
        )  # fmt: skip
        if height is None:
            figure.sizing_mode = "stretch_both"
        figure.toolbar.active_scroll = next(t for t in figure.tools if type(t).__name__ == "WheelPanTool")
        figure.xaxis.visible = figure.yaxis.visible = False
        figure.xaxis[0].ticker = FixedTicker(ticks=[])
        figure.update(min_border=0, min_border_right=0)
        figure.rect(
            "x",
            "y",
            source=self.sources["fills"],
            width=1,
            height=0.94,
            fill_color="fill",
            fill_alpha="alpha",
            line_color=None,
        )
        figure.vbar(
            "x", width=1, top="top", bottom="bottom", source=self.sources["track"], fill_color=style.SKY,
            fill_alpha=0.7, line_color=None,
        )  # fmt: skip
        text: dict[str, Any] = {
            "text_baseline": "middle",
            "text_font": value(style.MONOSPACE),
            "text_font_size": "13px",
        }
        figure.text(
            "x", "y", text="text", text_color="ink", source=self.sources["letters"], text_align="center", **text
        )
        soft = {"text_color": "#808080"}
        figure.text("x", "y", text="text", source=self.sources["marks"], text_align="center", **(text | soft))
        small = text | soft | {"text_font_size": "11px", "text_font": value(style.FONT)}
        figure.text("x", "y", text="text", source=self.sources["names"], **small)
        figure.text("x", "y", text="text", source=self.sources["numbers"], text_align="align", **small)
        return figure


def _short(name: str) -> str:
    shown = style.printable(name)
    return shown if len(shown) <= 16 else shown[:15] + "…"

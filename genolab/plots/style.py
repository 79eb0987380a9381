"""The house look of every plot: colours, fonts, light and dark themes, and `figure()` to start from.

Axes, grids and text take their colours from the theme, so a plot follows Jupyter when it goes dark.
Axes of positions are 1-based: a plot draws base `i` (0-based) centred at `x = i + 1`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from bokeh.models import BasicTickFormatter, CustomJSTickFormatter, NumeralTickFormatter, Range, TickFormatter, Title
from bokeh.models.text import PlainText
from bokeh.palettes import Cividis256
from bokeh.plotting import figure as bokeh_figure
from bokeh.themes import Theme

from genolab.text import plain

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILION, YELLOW, BLACK = "#56B4E9", "#D55E00", "#F0E442", "#000000"
CATEGORIES = (BLUE, ORANGE, GREEN, PINK, SKY, VERMILION, YELLOW, BLACK)
"""Okabe and Ito's colours, distinguishable by colour-blind readers, in the order we use them."""

MARKERS = ("circle", "square", "triangle", "diamond", "inverted_triangle", "hex", "plus", "star")
"""One shape per category: never colour alone."""

BASE_COLOURS = {"A": GREEN, "C": BLUE, "G": ORANGE, "T": VERMILION, "N": "#999999", "-": BLACK}
BASE_PALETTE = tuple(BASE_COLOURS[base] for base in "ACGTN")
"""Colours by base code (A 0, C 1, G 2, T 3, other 4)."""

AMOUNTS = tuple(Cividis256)
"""The ramp for amounts, dark is little."""

FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
MONOSPACE = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
TOOLS = "xpan,xwheel_zoom,box_zoom,reset,save"


@dataclass(frozen=True)
class Look:
    """Colours of everything that is not data, for one theme."""

    ink: str  # text and marks that must be read
    soft: str  # labels, ticks
    faint: str  # axis lines, outlines
    grid: str
    background: str
    match: str  # bases and reads that agree with the reference
    shade: str  # bands behind the data


LIGHT = Look("#1a1a1a", "#5c5c5c", "#b8b8b8", "#ececec", "#ffffff", "#d0d0d0", "#f3f5f7")
DARK = Look("#f0f0f0", "#b4b4b4", "#5e5e5e", "#303030", "#111111", "#4a4a4a", "#1d2126")


def look(dark: bool = False) -> Look:
    """Return the colours of the light or the dark theme."""
    return DARK if dark else LIGHT


@cache
def signed_palette(size: int = 255) -> tuple[str, ...]:
    """Return a ramp from blue through white to vermilion for signed values; an odd `size` has white in the middle."""
    low, middle, high = (0, 114, 178), (255, 255, 255), (213, 94, 0)

    def mix(start: tuple[int, ...], end: tuple[int, ...], share: float) -> str:
        return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(start, end, strict=True))

    half = (size - 1) / 2
    return tuple(mix(low, middle, i / half) if i <= half else mix(middle, high, i / half - 1) for i in range(size))


@cache
def theme(dark: bool = False) -> Theme:
    """Return the Bokeh theme; the same object each time, so that setting it again changes nothing."""
    colours = look(dark)
    text = {"text_font": FONT, "text_color": colours.ink}
    return Theme(
        json={
            "attrs": {
                # The page shows through: the plot has whatever background Jupyter has.
                "Plot": {"background_fill_color": None, "border_fill_color": None, "outline_line_color": None},
                "Axis": {
                    "axis_label_text_color": colours.soft,
                    "axis_label_text_font": FONT,
                    "axis_label_text_font_size": "12px",
                    "axis_label_text_font_style": "normal",
                    "axis_label_standoff": 6,
                    "axis_line_color": colours.faint,
                    "major_label_text_color": colours.soft,
                    "major_label_text_font": FONT,
                    "major_label_text_font_size": "11px",
                    "major_tick_in": 0,
                    "major_tick_out": 4,
                    "major_tick_line_color": colours.faint,
                    "minor_tick_line_color": None,
                },
                "Grid": {"grid_line_color": colours.grid},
                "Title": {**text, "text_font_size": "13px", "text_font_style": "bold"},
                "Legend": {
                    "background_fill_alpha": 0.85,
                    "background_fill_color": colours.background,
                    "border_line_color": None,
                    "glyph_height": 14,
                    "glyph_width": 14,
                    "inactive_fill_color": colours.background,
                    "label_standoff": 4,
                    "label_text_color": colours.ink,
                    "label_text_font": FONT,
                    "label_text_font_size": "11px",
                    "margin": 4,
                    "padding": 4,
                    "spacing": 1,
                },
                "BaseColorBar": {
                    "background_fill_color": None,
                    "major_label_text_color": colours.soft,
                    "major_label_text_font": FONT,
                    "title_text_color": colours.soft,
                    "title_text_font": FONT,
                },
                "Label": text,
                "LabelSet": text,
                "Span": {"line_color": colours.soft},
            }
        }
    )


TickFormat = Literal["number", "position", "count", "plain"]

# SI prefixes; the mantissa keeps three significant digits, so neighbouring ticks stay apart.
_SI = """
const size = Math.abs(tick);
for (const [factor, prefix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
  if (size >= factor) return String(Number((tick / factor).toPrecision(3))) + " " + prefix;
}
return String(Number(tick.toPrecision(3)));
"""


def tick_formatter(kind: TickFormat) -> TickFormatter:
    """Return the formatter of an axis: `position` 10,000,001; `count` 1.2 k; `number` 1,234.5; `plain` Bokeh's own."""
    match kind:
        case "position":
            return NumeralTickFormatter(format="0,0")
        case "count":
            return CustomJSTickFormatter(code=_SI)
        case "number":
            return NumeralTickFormatter(format="0,0.[0000]")
        case "plain":
            return BasicTickFormatter()


def with_unit(label: str, unit: str = "") -> str:
    """Return the text of an axis label: `depth (reads)`."""
    return f"{label} ({unit})" if unit else label


def escape_text(text: str) -> PlainText:
    """Return text from a file as Bokeh text drawn as it is: dollar signs make no TeX, control characters are shown."""
    return PlainText(text=plain(text))


def printable(text: str) -> str:
    """Return the same as a string, for a column of texts or the text of a model that is there."""
    return plain(text)


def figure(
    *,
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    x_unit: str = "",
    y_unit: str = "",
    x_format: TickFormat = "number",
    y_format: TickFormat = "number",
    x_range: Range | Sequence[str] | tuple[float, float] | None = None,
    y_range: Range | Sequence[str] | tuple[float, float] | None = None,
    width: int | None = None,
    height: int = 280,
    tools: str = TOOLS,
    wheel_zooms: bool = False,
    x_grid: bool = False,
    y_grid: bool = True,
    output_backend: Literal["canvas", "svg", "webgl"] = "canvas",
    name: str | None = None,
) -> bokeh_figure:
    """Return an empty figure in the house look: it fills the width (or has `width` pixels), its toolbar hides itself.

    Labels are drawn as they are (never TeX). `x_format` and `y_format` are ignored where the range is categorical.
    `wheel_zooms` makes the wheel zoom at once; without it the page scrolls and the tool is a click away.
    """
    made = bokeh_figure(
        title=Title(text=escape_text(title)) if title else None,
        width=600 if width is None else width,
        height=height,
        sizing_mode="stretch_width" if width is None else "inherit",
        tools=tools,
        output_backend=output_backend,
        name=name,
        **{key: value for key, value in (("x_range", x_range), ("y_range", y_range)) if value is not None},
    )
    for axis, label, unit, tick_format, values in (
        (made.xaxis, x_label, x_unit, x_format, x_range),
        (made.yaxis, y_label, y_unit, y_format, y_range),
    ):
        axis.axis_label = escape_text(with_unit(label, unit)) if label else None
        if not _is_categorical(values):
            axis.formatter = tick_formatter(tick_format)
    made.xgrid.visible = x_grid
    made.ygrid.visible = y_grid
    made.toolbar.autohide = True
    made.toolbar.logo = None
    made.min_border = 4
    made.min_border_right = 12  # the last tick label reaches past the axis
    if not wheel_zooms:
        made.toolbar.active_scroll = None
    elif (wheel := next((tool for tool in made.tools if type(tool).__name__ == "WheelZoomTool"), None)) is not None:
        made.toolbar.active_scroll = wheel
    return made


def _is_categorical(values: object) -> bool:
    if type(values).__name__ == "FactorRange":
        return True
    return isinstance(values, Sequence) and bool(values) and isinstance(values[0], str)

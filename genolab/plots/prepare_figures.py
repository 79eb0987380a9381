"""The figures of the prepare view: each draws one kind of columns, and all of them share one selection of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bokeh.layouts import group_tools
from bokeh.models import (
    BoxSelectTool,
    ColumnDataSource,
    HoverTool,
    LassoSelectTool,
    LinearColorMapper,
    LogColorMapper,
    LogScale,
    LogTicker,
    Range1d,
    SaveTool,
    Selection,
    Span,
    TapTool,
    Toolbar,
    ToolProxy,
)
from bokeh.plotting import figure as Figure  # noqa: N812

from genolab.plots import style

FADED = 0.13
"""Opacity of the samples that are not chosen, while some are."""
SEEN = style.AMOUNTS[48:]
"""The ramp for numbers of genes without its darkest end, which a dark page would swallow."""
GAPS = tuple(f"{style.VERMILION}{alpha:02x}" for alpha in range(64, 256))
"""The ramp for missing values, from hardly any to all; none are the page."""
LEFT = 56
"""Pixels left of every frame, so that frames stand below each other."""

_LISTS = ("name", "colour", "marker", "level", "density_x", "density_y")
_NUMBERS = (
    "place", "box_left", "box_right", "row", "rle_low", "rle_lower", "rle_median", "rle_upper", "rle_high",
    "pc1", "pc2", "library", "size_factor",
)  # fmt: skip
SAMPLE_COLUMNS = (*_LISTS, *_NUMBERS)


def sources() -> dict[str, ColumnDataSource]:
    """Empty sources: a row per sample before and after (with one selection), bins of genes, trends, maps of gaps."""
    selection = Selection(name="chosen")
    made = {
        side: ColumnDataSource({name: [] for name in SAMPLE_COLUMNS}, selected=selection, name=f"{side}_samples")
        for side in ("raw", "prepared")
    }
    for side in ("raw", "prepared"):
        made[f"{side}_bins"] = _empty(f"{side}_bins", "left", "right", "bottom", "top", "genes")
        made[f"{side}_gene"] = _empty(f"{side}_gene", "mean", "deviation", "name")
        made[f"{side}_trend"] = _empty(f"{side}_trend", "mean", "deviation")
        made[f"{side}_map"] = _empty(f"{side}_map", "image", "samples", "genes")
    made["line"] = _empty("size_line", "x", "y")
    return made


def _empty(name: str, *columns: str) -> ColumnDataSource:
    return ColumnDataSource({column: [] for column in columns}, name=name)


def toolbar(figures: Sequence[Figure]) -> Toolbar:
    """One toolbar for all figures: what is switched on is switched on in each; dragging chooses samples at first."""
    made = Toolbar(tools=group_tools([tool for each in figures for tool in each.tools], merge=_one), logo=None)
    for wanted, attribute in ((BoxSelectTool, "active_drag"), (TapTool, "active_tap")):
        found = next(each for each in made.tools if isinstance(each, ToolProxy) and isinstance(each.tools[0], wanted))
        setattr(made, attribute, found)
    return made


def _one(kind: type, _group: Any) -> Any:
    return kind() if issubclass(kind, SaveTool) else None


def _hover(renderer: Any, tips: list[tuple[str, str]], **options: Any) -> HoverTool:
    return HoverTool(renderers=[renderer], tooltips=tips, visible=False, **options)


def _figure(name: str, height: int, *, select: tuple[type, ...] = (), **options: Any) -> Figure:
    made = style.figure(height=height, tools="pan,wheel_zoom,reset,save", name=name, **options)
    made.add_tools(*(kind() for kind in select))
    made.toolbar_location = None
    # as the shared toolbar says at first: it hands on what is changed, not how it began
    for attribute, wanted in (("active_drag", BoxSelectTool), ("active_tap", TapTool)):
        setattr(made.toolbar, attribute, next((each for each in made.tools if isinstance(each, wanted)), None))
    made.update(min_border_left=LEFT, min_border_right=8, min_border_top=6, min_border_bottom=4)
    made.yaxis.axis_label_standoff = 4
    for axis in (*made.xaxis, *made.yaxis):
        axis.axis_label = axis.axis_label or style.escape_text("")  # a text that may change
    return made


def _tips(*rows: tuple[str, str]) -> list[tuple[str, str]]:
    return [("sample", "@name"), ("group", "@level"), *rows]


def density(side: str, source: ColumnDataSource) -> Figure:
    """A curve per sample."""
    made = _figure(f"{side}_density", 142, select=(TapTool,), y_label="density" if side == "raw" else "")
    lines = made.multi_line(
        "density_x", "density_y", source=source, line_color="colour", line_width=1.2, line_alpha=0.75,
        nonselection_line_alpha=FADED, selection_line_width=2.2, selection_line_alpha=1.0, name=f"{side}_curves",
    )  # fmt: skip
    made.add_tools(_hover(lines, _tips(), line_policy="nearest"))
    made.y_range.start = 0
    made.yaxis.ticker.desired_num_ticks = 4
    return made


def boxes(side: str, source: ColumnDataSource, limits: Range1d) -> Figure:
    """Relative log expression: a box per sample, whiskers from 5 to 95 % of the genes."""
    made = _figure(
        f"{side}_rle",
        142,
        select=(BoxSelectTool, TapTool),
        y_label="RLE (log2)" if side == "raw" else "",
        y_range=limits,
    )
    look = {"source": source, "line_color": "colour", "nonselection_line_alpha": FADED}
    made.segment("place", "rle_low", "place", "rle_high", line_width=1, **look)
    box = made.vbar(
        "place", 0.8, "rle_upper", "rle_lower", fill_color="colour", fill_alpha=0.45,
        nonselection_fill_alpha=FADED / 2, selection_fill_alpha=0.7, **look,
    )  # fmt: skip
    made.segment("box_left", "rle_median", "box_right", "rle_median", line_width=2, **look)
    tips = _tips(
        ("median", "@rle_median{0.000}"), ("quartiles", "@rle_lower{0.000} to @rle_upper{0.000}"),
        ("5 and 95 %", "@rle_low{0.000} and @rle_high{0.000}"),
    )  # fmt: skip
    made.add_tools(_hover(box, tips))
    made.add_layout(Span(location=0, dimension="width", line_width=1, line_dash="dashed", level="underlay"))
    made.xaxis.update(ticker=[], axis_label_standoff=2)
    made.yaxis.ticker.desired_num_ticks = 4
    return made


def components(side: str, source: ColumnDataSource) -> Figure:
    """Samples along the first two principal components."""
    made = _figure(f"{side}_pca", 205, select=(BoxSelectTool, LassoSelectTool, TapTool), x_label="PC1", y_label="PC2")
    points = _points(made, "pc1", "pc2", source, f"{side}_points")
    made.add_tools(_hover(points, _tips(("PC1", "@pc1{0,0.0}"), ("PC2", "@pc2{0,0.0}"))))
    for axis in (*made.xaxis, *made.yaxis):
        axis.ticker.desired_num_ticks = 4
    return made


def _points(made: Figure, x: str, y: str, source: ColumnDataSource, name: str) -> Any:
    return made.scatter(
        x, y, source=source, marker="marker", size=9, fill_color="colour", fill_alpha=0.75, line_color="colour",
        nonselection_fill_alpha=FADED, nonselection_line_alpha=FADED, selection_fill_alpha=1.0, name=name,
    )  # fmt: skip


def moments(side: str, bins: ColumnDataSource, trend: ColumnDataSource, gene: ColumnDataSource) -> Figure:
    """Genes by mean and standard deviation, binned, with the running median; the chosen gene is ringed."""
    made = _figure(f"{side}_moments", 205, x_label="mean of the gene", y_label="standard deviation")
    colours = LogColorMapper(palette=SEEN, low=1, high=100, name=f"{side}_colours")
    cells = made.quad(
        "left", "right", "top", "bottom", source=bins, line_color=None, name=f"{side}_cells",
        fill_color={"field": "genes", "transform": colours},
    )  # fmt: skip
    made.line("mean", "deviation", source=trend, line_color=style.VERMILION, line_width=2)
    made.scatter("mean", "deviation", source=gene, size=12, fill_alpha=0, line_color=style.VERMILION, line_width=2.2)
    made.text("mean", "deviation", text="name", source=gene, x_offset=9, y_offset=-4, text_font_size="12px",
              text_color=style.VERMILION)  # fmt: skip
    tips = [
        ("genes", "@genes{0,0}"),
        ("mean", "@left{0.00} to @right{0.00}"),
        ("deviation", "@bottom{0.00} to @top{0.00}"),
    ]
    made.add_tools(_hover(cells, tips))
    made.y_range.start = 0
    for axis in (*made.xaxis, *made.yaxis):
        axis.ticker.desired_num_ticks = 4
    return made


def sizes(source: ColumnDataSource, line: ColumnDataSource) -> Figure:
    """Size factors against library sizes; the line is where the library size alone would put them."""
    made = _figure(
        "sizes", 175, select=(BoxSelectTool, LassoSelectTool, TapTool), x_label="library size", x_unit="counts",
        y_label="size factor", x_format="count", y_format="count",
    )  # fmt: skip
    for axis, side in ((made.xaxis, "x"), (made.yaxis, "y")):
        setattr(made, f"{side}_scale", LogScale())
        axis.ticker = LogTicker(desired_num_ticks=5, mantissas=[1, 2, 5])
    made.line("x", "y", source=line, line_dash="dashed", line_color="#8a8a8a", line_width=1.2)
    points = _points(made, "library", "size_factor", source, "size_points")
    tips = _tips(("library", "@library{0,0} counts"), ("size factor", "@size_factor{0.000}"))
    made.add_tools(_hover(points, tips))
    return made


def gaps(side: str, source: ColumnDataSource, rows: ColumnDataSource) -> Figure:
    """Where values are missing; samples that are chosen are marked at the left edge."""
    made = _figure(
        f"{side}_map", 185, x_label="genes, in the table's order", y_label="samples" if side == "raw" else "",
        y_range=Range1d(1, 0), x_range=Range1d(0, 1), y_grid=False,
    )  # fmt: skip
    colours = LinearColorMapper(palette=GAPS, low=1e-6, high=1, low_color="#ffffff00", name=f"{side}_gap_colours")
    drawn = made.image("image", 0, 0, "genes", "samples", source=source, color_mapper=colours)
    tips = [("missing", "@image{0.0 %}"), ("sample", "$y{0}"), ("gene", "$x{0}")]
    made.add_tools(_hover(drawn, tips))
    made.hbar(
        "row", left=-1, right=0, height=1.0, source=rows, fill_color=style.BLUE, line_color=None,
        fill_alpha=0, selection_fill_alpha=1, nonselection_fill_alpha=0, name=f"{side}_rows",
    )  # fmt: skip
    made.yaxis.ticker.desired_num_ticks = 4
    return made

"""The tracks of the genome view as Bokeh figures over one range: overview, coverage, calls, reads."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    Legend,
    LegendItem,
    Range1d,
    RangeTool,
    Title,
)
from bokeh.plotting import figure as Figure  # noqa: N812

from genolab.plots import sites, style
from genolab.plots.coverage import flat_line

LEFT = 66  # pixels left of every track, so that the tracks stand under each other
RIGHT = 14
AXIS = 54  # above and below the reads: their title, ticks and label
TOOLS = "xpan,xwheel_zoom"
PURPLE = "#7b3fa0"  # insertions, as in every genome browser
GREY = "#9a9a9a"  # what agrees: readable on white and on black
TRACKS = {"reference": 0, "calls": 1, "truth": 2}
BASE_LETTERS = "ACGT"


def sources() -> dict[str, ColumnDataSource]:
    """Every source of the view, empty, named for tests and for the browser."""
    empty: dict[str, tuple[str, ...]] = {
        "outline": ("x", "y"),
        "ticks": ("position", "colour", "fill"),
        "steps": ("x", "y"),
        "depth": ("left", "right", "depth", *BASE_LETTERS, "place"),
        "disagreement": (
            "left", "right", "bottom", "top", "base", "colour", "count", "depth", "position", "reference",
        ),
        "reference": ("position", "base", "colour"),
        "calls": (
            "contig", "position", "reference", "alternate", "genotype", "quality", "genotype_quality", "depth",
            "allele_depth", "allele_balance", "fisher_strand", "strand_odds_ratio", "filter", "kind", "marker",
            "colour", "fill", "truth",
        ),
        "truth": ("position", "reference", "alternate", "genotype", "state", "marker", "colour", "fill"),
        "bodies": ("left", "right", "row", "alpha", "name", "strand", "mapping_quality", "first", "last", "why"),
        "tips": ("x", "row", "angle", "alpha"),
        "joins": ("left", "right", "row", "length", "kind", "first"),
        "insertions": ("left", "right", "row", "length", "first"),
        "marks": (
            "left", "right", "position", "row", "base", "colour", "ink", "reference", "quality", "alpha",
        ),
    }  # fmt: skip
    made = {name: ColumnDataSource({key: [] for key in keys}, name=name) for name, keys in empty.items()}
    made["outline"].data = made["steps"].data = flat_line()
    return made


def _track(name: str, x_range: Range1d, height: int, **options: Any) -> Figure:
    made = style.figure(
        x_range=x_range, height=height, tools=TOOLS, wheel_zooms=True, name=name, x_format="position", **options
    )
    made.toolbar_location = None
    made.min_border_left = LEFT
    made.min_border_right = RIGHT
    made.min_border_top = made.min_border_bottom = 2
    return made


def overview(source: dict[str, ColumnDataSource], window: Range1d) -> Figure:
    """The whole region, with the window as a box that can be dragged."""
    made = _track("overview", Range1d(0, 1_000), 56, y_range=Range1d(0, 1.25), y_grid=False)
    made.toolbar.tools = []
    made.varea_step(x="x", y1=0, y2="y", step_mode="after", source=source["outline"], fill_color=GREY, fill_alpha=0.45)
    made.scatter(
        "position", 1.1, source=source["ticks"], marker="dash", angle=np.pi / 2, size=11, line_width=2,
        line_color="colour", line_alpha="fill",
    )  # fmt: skip
    tool = RangeTool(x_range=window)
    tool.overlay.update(
        fill_color=style.BLUE, fill_alpha=0.12, line_color=style.BLUE, line_alpha=0.9, line_dash="solid", line_width=2
    )
    made.add_tools(tool)
    made.yaxis.visible = False
    made.yaxis.ticker = []
    made.xaxis.ticker.desired_num_ticks = 6
    return made


def coverage(source: dict[str, ColumnDataSource], window: Range1d) -> Figure:
    """Depth in grey, and stacked bases where they disagree."""
    made = _track("coverage", window, 96, y_label="depth", y_unit="reads", y_format="count", y_range=Range1d(0, 10))
    made.xaxis.visible = False
    made.min_border_bottom = 7  # the lower half of the 0
    made.yaxis.ticker.desired_num_ticks = 3
    made.varea_step(x="x", y1=0, y2="y", step_mode="after", source=source["steps"], fill_color=GREY, fill_alpha=0.5)
    bins = made.quad(
        "left", "right", "depth", 0, source=source["depth"], fill_alpha=0.0, line_color=None,
        hover_fill_color=GREY, hover_fill_alpha=0.35, hover_line_color=None,
    )  # fmt: skip
    stacked = made.quad(
        left="left", right="right", top="top", bottom="bottom", source=source["disagreement"], fill_color="colour",
        line_color=None,
    )  # fmt: skip
    counts = [(base, f"@{base}{{0,0.[0]}} reads") for base in BASE_LETTERS]
    depth = [("position", "@place"), ("depth", "@depth{0,0.[0]} reads"), *counts]
    made.add_tools(HoverTool(renderers=[bins], tooltips=depth, point_policy="follow_mouse", attachment="below"))
    site = [
        ("position", "@position{0,0}"),
        ("base", "@base (reference @reference)"),
        ("shown by", "@count{0,0} of @depth{0,0} reads"),
    ]
    made.add_tools(HoverTool(renderers=[stacked], tooltips=site, attachment="above"))
    made.add_layout(_legend(made), "above")
    return made


def _legend(made: Figure) -> Legend:
    """What every mark of the view means, in one line above it."""
    het, hom = (sites.KINDS[kind] for kind in (sites.HETEROZYGOUS, sites.HOMOZYGOUS))
    entries = [
        *((base, "square", style.BASE_COLOURS[base], 1.0) for base in BASE_LETTERS),
        ("insertion", "square", PURPLE, 1.0),
        ("0/1", *het, 1.0),
        ("1/1", *hom, 1.0),
        ("filtered", het[0], het[1], 0.0),
        ("in truth", "diamond", style.GREEN, 1.0),
        ("missed", "diamond", style.VERMILION, 0.0),
    ]
    texts, markers, colours, fills = zip(*entries, strict=True)
    nowhere = [np.nan] * len(entries)
    samples = ColumnDataSource(
        {"x": nowhere, "marker": list(markers), "colour": list(colours), "fill": list(fills)}, name="samples"
    )
    marks = made.scatter(
        "x", "x", source=samples, marker="marker", size=9, line_color="colour", fill_color="colour", fill_alpha="fill"
    )
    return Legend(
        items=[LegendItem(label=text, renderers=[marks], index=index) for index, text in enumerate(texts)],
        orientation="horizontal",
        location="right",
        padding=0,
        margin=0,
        spacing=8,
        label_standoff=2,
        glyph_height=12,
        glyph_width=12,
        background_fill_alpha=0,
        name="legend",
    )


def calls(source: dict[str, ColumnDataSource], window: Range1d) -> Figure:
    """Genotypes, what is known, and the reference's letters when they fit."""
    made = _track("calls_track", window, 58, y_range=Range1d(-0.5, 2.5), y_grid=False)
    made.xaxis.visible = False
    made.yaxis.ticker = FixedTicker(ticks=list(TRACKS.values()))
    made.yaxis.major_label_overrides = {place: name for name, place in TRACKS.items()}
    made.yaxis.major_tick_line_color = None
    made.yaxis.axis_line_color = None
    shown = made.scatter(
        "position", TRACKS["calls"], source=source["calls"], marker="marker", size=11, line_width=1.5,
        line_color="colour", fill_color="colour", fill_alpha="fill",
    )  # fmt: skip
    tips = [
        ("call", "@contig:@position{0,0} @reference>@alternate"),
        ("genotype", "@genotype (@kind)"),
        ("filter", "@filter"),
        ("QUAL, GQ", "@quality{0,0.0}, @genotype_quality{0,0} phred"),
        ("depth", "@depth{0,0} fragments (by allele @allele_depth)"),
        ("allele balance", "@allele_balance{0.00}"),
        ("FS, SOR", "@fisher_strand{0.0} phred, @strand_odds_ratio{0.00}"),
        ("truth", "@truth"),
    ]
    made.add_tools(HoverTool(renderers=[shown], tooltips=tips, attachment="below"))
    known = made.scatter(
        "position", TRACKS["truth"], source=source["truth"], marker="marker", size=12, line_width=1.5,
        line_color="colour", fill_color="colour", fill_alpha="fill",
    )  # fmt: skip
    tips = [("truth", "@position{0,0} @reference>@alternate"), ("genotype", "@genotype"), ("called", "@state")]
    made.add_tools(HoverTool(renderers=[known], tooltips=tips, attachment="below"))
    made.text(
        "position", TRACKS["reference"], "base", source=source["reference"], text_color="colour", text_align="center",
        text_baseline="middle", text_font=value(style.MONOSPACE), text_font_size="11px", text_font_style="bold",
        name="letters",
    )  # fmt: skip
    return made


def reads(source: dict[str, ColumnDataSource], window: Range1d) -> Figure:
    """Reads in rows: grey where they agree, coloured where they do not."""
    made = _track("reads_track", window, 210, y_range=Range1d(30, -0.7), y_grid=False, y_label="reads")
    made.toolbar.tools = []
    made.add_tools("pan", "xwheel_zoom")
    made.toolbar.active_scroll = next(tool for tool in made.tools if type(tool).__name__ == "WheelZoomTool")
    made.yaxis.ticker = []
    made.yaxis.axis_line_color = None
    made.xaxis.update(axis_label="position", axis_label_standoff=1)
    made.title = Title(text=style.escape_text(" "), text_font_size="11px", name="said", standoff=2)
    made.title.text_font_style = "normal"
    bodies = _rows(made, source["bodies"], 0.72, fill_color=GREY, fill_alpha="alpha", line_color=None)
    made.scatter(
        "x", "row", source=source["tips"], marker="triangle", angle="angle", size=5, color=GREY, alpha="alpha",
        line_color=None, name="read_tips",
    )  # fmt: skip
    joins = made.segment("left", "row", "right", "row", source=source["joins"], line_color=GREY, line_width=1.5)
    marks = _rows(made, source["marks"], 0.84, fill_color="colour", fill_alpha="alpha", line_color=None)
    made.text(
        "position", "row", "base", source=source["marks"], text_color="ink", text_align="center",
        text_baseline="middle", text_font=value(style.MONOSPACE), text_font_size="10px", text_font_style="bold",
        visible=False, name="mark_letters",
    )  # fmt: skip
    inserted = _rows(made, source["insertions"], 0.92, fill_color=PURPLE, line_color=None)
    for glyphs, tips in (
        (bodies, [
            ("read", "@name"), ("aligned", "@first{0,0}-@last{0,0}, @strand"),
            ("mapping quality", "@mapping_quality phred"),
            ("evidence", "@why"),
        ]),
        (marks, [
            ("base", "@base (reference @reference)"), ("position", "@position{0,0}"),
            ("base quality", "@quality phred"),
        ]),
        (joins, [("@kind", "@length{0,0} bases"), ("from", "@first{0,0}")]),
        (inserted, [("insertion", "@length{0,0} bases"), ("after", "@first{0,0}")]),
    ):  # fmt: skip
        made.add_tools(HoverTool(renderers=[glyphs], tooltips=tips, point_policy="follow_mouse", attachment="above"))
    return made


def _rows(made: Figure, source: ColumnDataSource, height: float, **look: Any) -> Any:
    return made.hbar("row", left="left", right="right", height=height, source=source, **look)


def highlight() -> BoxAnnotation:
    """The band that marks the chosen position."""
    return BoxAnnotation(
        left=0, right=0, visible=False, fill_color=style.YELLOW, fill_alpha=0.35, line_color=style.ORANGE,
        line_alpha=0.8, line_width=1, level="underlay",
    )  # fmt: skip

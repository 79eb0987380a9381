"""Why a position was called or not, as bars: what each read adds, and what prior and likelihood make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.layouts import row
from bokeh.models import (
    ColumnDataSource,
    FactorRange,
    HoverTool,
    LinearColorMapper,
    Range1d,
    Span,
    Title,
)

from genolab.plots import columns, style
from genolab.plots.call_tracks import GREY, PURPLE

if TYPE_CHECKING:
    from genolab.call import Explanation

MOST_READS = 200
"""Reads drawn, at even distances of all that are evidence, so that their shares stay."""
MOST_GENOTYPES = 4
QUANTITIES = {"prior": GREY, "likelihood": style.SKY, "posterior": PURPLE}
HEIGHT = 212


class WhyView:
    """Three figures: the reads' weights as diverging bars, log10 P of each genotype beside them, and the genotypes."""

    def __init__(self) -> None:
        self.reads = ColumnDataSource(name="why_reads", data={key: [] for key in _READS})
        self.cells = ColumnDataSource(name="why_cells", data={key: [] for key in _CELLS})
        self.genotypes = ColumnDataSource(name="why_genotypes", data={key: [] for key in _GENOTYPES})
        self.rows = Range1d(10.5, -0.5)
        self.weights = self._weights()
        self.heat = self._heat()
        self.sums = self._sums()
        self.layout = row(self.weights, self.heat, self.sums, sizing_mode="stretch_width", spacing=4, name="why")

    def show(self, explanation: Explanation | None) -> None:
        """Draw one explanation; None empties the figures."""
        if explanation is None:
            for source in (self.reads, self.cells, self.genotypes):
                columns.empty(source)
            self.weights.title.text = ""
            return
        table = explanation.read_columns
        used = np.flatnonzero(table["used"])
        total = used.size
        if total > MOST_READS:
            used = used[np.linspace(0, total - 1, MOST_READS).round().astype(int)]
        count = used.size
        place = np.arange(count)
        names = explanation.genotypes
        logs = np.stack([table[f"log10 P(read | {name})"][used] for name in names], axis=1)
        base = table["base"][used]
        about = {
            "row": place,
            "base": base,
            "name": table["name"][used],
            "strand": np.where(table["strand"][used] == "-", "reverse", "forward").astype(object),
            **{name: table[name][used].astype(np.float64) for name in _MEASURES},
            "logs": np.array(
                [", ".join(f"{n}: {v:.3g}" for n, v in zip(names, each, strict=True)) for each in logs], dtype=object
            ),
        }
        colour = np.array([_colour(str(each), explanation) for each in base], dtype=object)
        columns.fill(self.reads, {**about, "colour": colour})
        self.heat.x_range.factors = list(names)
        cells = {
            "genotype": np.tile(np.array(names, dtype=object), count),
            "row": np.repeat(place, len(names)),
            "log10": logs.ravel(),
            "name": np.repeat(about["name"], len(names)),
        }
        columns.fill(self.cells, cells)
        self.mapper.update(low=float(logs.min(initial=-1.0)), high=0.0)
        self.rows.update(start=max(count, 8) - 0.5, end=-0.5)
        widest = max(float(np.abs(about["weight"]).max(initial=0.0)), 0.5) * 1.1
        self.weights.x_range.update(start=-widest, end=widest)
        said = f"{total:,} fragments" if count == total else f"{count:,} of {total:,} fragments"
        self.weights.title.text = f"{said} say" if total else "no fragment is evidence here"
        self._show_genotypes(explanation)

    def _show_genotypes(self, explanation: Explanation) -> None:
        order = np.argsort(-explanation.log10_posterior, kind="stable")[:MOST_GENOTYPES]
        kept = [explanation.genotypes[index] for index in sorted(order)]
        kept_index = sorted(order)
        values = {
            "prior": explanation.log10_prior,
            "likelihood": explanation.log10_likelihood - explanation.log10_likelihood.max(),
            "posterior": explanation.log10_posterior,
        }
        factors, logs, colours, said = [], [], [], []
        for name, index in zip(kept, kept_index, strict=True):
            for quantity, colour in QUANTITIES.items():
                value = min(float(values[quantity][index]), 0.0)
                factors.append((name, quantity))
                logs.append(value)
                colours.append(colour)
                said.append(_short(value))
        self.sums.y_range.factors = factors[::-1]
        self.sums.x_range.update(start=min(min(logs) * 1.02, -1.0), end=-min(min(logs), -1.0) * 0.8)
        self.sums.xaxis.bounds = (self.sums.x_range.start, 0)  # to the right stand the labels
        values = {
            "factor": factors,
            "log10": np.array(logs),
            "colour": np.array(colours, dtype=object),
            "said": np.array(said, dtype=object),
            "probability": 10.0 ** np.array(logs),
        }
        columns.fill(self.genotypes, values)

    def _weights(self) -> Any:
        made = style.figure(
            name="why_weights", height=HEIGHT, tools="", x_label="log10 odds of a variant",
            y_range=self.rows, x_range=Range1d(-5, 5), y_grid=False,
        )  # fmt: skip
        made.toolbar_location = None
        made.axis.axis_label_text_font_size = "11px"
        made.title = _title()
        made.yaxis.visible = False
        made.add_layout(Span(location=0, dimension="height", line_width=1))
        bars = made.hbar("row", left=0, right="weight", height=0.8, source=self.reads, color="colour", line_color=None)
        tips = [
            ("read", "@name"), ("shows", "@base, quality @base_quality{0} phred"),
            ("mapping quality", "@mapping_quality{0} phred"),
            ("strand", "@strand"), ("to the read's end", "@end_distance{0} bases"),
            ("adds", "@weight{+0.000} log10 odds"),
            ("log10 P(read | genotype)", "@logs"),
        ]  # fmt: skip
        made.add_tools(HoverTool(renderers=[bars], tooltips=tips, point_policy="follow_mouse", attachment="above"))
        return made

    def _heat(self) -> Any:
        made = style.figure(
            name="why_heat", height=HEIGHT, width=96, tools="", y_range=self.rows, x_range=["0/0", "0/1", "1/1"],
            x_label="log10 P(read)", y_grid=False,
        )  # fmt: skip
        made.toolbar_location = None
        made.axis.axis_label_text_font_size = "11px"
        made.title = _title()
        made.yaxis.visible = False
        made.sizing_mode = "fixed"
        made.xaxis.update(major_label_text_font_size="10px", axis_label_standoff=3)
        made.xaxis.major_tick_line_color = None
        self.mapper = LinearColorMapper(palette=list(style.AMOUNTS), low=-5, high=0)
        cells = made.rect(
            "genotype", "row", width=0.94, height=0.9, source=self.cells, line_color=None,
            fill_color={"field": "log10", "transform": self.mapper},
        )  # fmt: skip
        tips = [("read", "@name"), ("log10 P(read | @genotype)", "@log10{0.000}")]
        made.add_tools(HoverTool(renderers=[cells], tooltips=tips, point_policy="follow_mouse", attachment="above"))
        return made

    def _sums(self) -> Any:
        made = style.figure(
            name="why_sums", height=HEIGHT, tools="", y_range=FactorRange(factors=[("0/0", "prior")]), y_grid=False,
            x_range=Range1d(-10, 2), x_label="log10 probability",
        )  # fmt: skip
        made.toolbar_location = None
        made.axis.axis_label_text_font_size = "11px"
        made.title = _title("genotypes")
        made.xaxis.ticker.update(desired_num_ticks=1, num_minor_ticks=0)  # more run into each other at 86 pixels
        made.y_range.update(group_padding=0.6, factor_padding=0.0, range_padding=0.03)
        made.yaxis.update(major_label_text_font_size="10px", group_text_font_size="12px", separator_line_color=None)
        bars = made.hbar(
            "factor", left="log10", right=0, height=0.8, source=self.genotypes, color="colour", line_color=None
        )
        made.text(
            0, "factor", "said", source=self.genotypes, text_font_size="10px", text_baseline="middle", x_offset=4,
            text_color=GREY,
        )  # fmt: skip
        made.add_layout(Span(location=0, dimension="height", line_width=1))
        tips = [("log10", "@log10{0.000}"), ("as a number", "@probability{0.000e+0}")]
        made.add_tools(HoverTool(renderers=[bars], tooltips=tips, attachment="above"))
        return made


_MEASURES = ("base_quality", "mapping_quality", "end_distance", "weight")
_READS = ("row", "base", "name", "strand", *_MEASURES, "logs", "colour")
_CELLS = ("genotype", "row", "log10", "name")
_GENOTYPES = ("factor", "log10", "colour", "said", "probability")


def _colour(shown: str, explanation: Explanation) -> str:
    """A base's own colour; near an indel that of insertions for what shows it, grey for the rest."""
    if len(explanation.reference) == 1 and all(len(each) == 1 for each in explanation.alternate.split(",")):
        return style.BASE_COLOURS.get(shown, GREY)
    return PURPLE if shown in explanation.alternate.split(",") else GREY


def _title(text: str = "") -> Title:
    return Title(text=text, text_font_size="11px", text_font_style="normal", standoff=2)


def _short(value: float) -> str:
    """A log10 for a label: two decimals where they say something."""
    if value > -0.005:
        return "0"
    return f"{value:.2f}" if value > -10 else f"{value:.0f}"

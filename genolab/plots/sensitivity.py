"""The picture of what carries a call: each base of each read, coloured by what a better quality would add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.layouts import row
from bokeh.models import (
    ColorBar,
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    NumeralTickFormatter,
    Range1d,
    Span,
    Title,
)

from genolab.plots import style
from genolab.plots.pane import BokehPane

if TYPE_CHECKING:
    from genolab.call.sensitivity import Sensitivity

MOST_READS = 80
"""Reads drawn: those that the odds depend on most."""
HEIGHT = 360
_LEAST = 0.002  # share of the strongest below which a base has no colour


class SensitivityView:
    """Left a cell per base, read by read; right each read's sums over its bases and its mapping quality.

    ``compact`` is for a place some 400 pixels wide: shorter words and fewer numbers.
    """

    def __init__(self, found: Sensitivity, height: int = HEIGHT, compact: bool = False) -> None:
        self._height, self._compact = height, compact
        reads = found.reads
        weight = reads["bases_per_phred"].abs() + reads["mapping_per_phred"].abs()
        kept = reads.loc[np.sort(weight.sort_values(ascending=False).index[:MOST_READS].to_numpy())]
        place = {key: at for at, key in enumerate(zip(kept["read"], kept["strand"], strict=True))}
        bases = found.bases
        rows = np.array([place.get(key, -1) for key in zip(bases["read"], bases["strand"], strict=True)])
        bases = bases[rows >= 0]
        limit = max(float(bases["per_phred"].abs().max()) if len(bases) else 0.0, 1e-9)
        ends = bases.assign(row=rows[rows >= 0]).groupby("row")["position"].agg(["min", "max"])
        self.spans = ColumnDataSource(
            {"row": ends.index.to_numpy(), "low": ends["min"].to_numpy() - 0.5, "high": ends["max"].to_numpy() + 0.5},
            name="sensitivity_spans",
        )
        told = (bases["per_phred"].abs() > _LEAST * limit).to_numpy()
        bases, rows = bases[told], rows[rows >= 0][told]
        self.cells = ColumnDataSource(
            {
                "row": rows,
                **{name: bases[name].to_numpy() for name in ("position", "quality", "per_phred")},
                **{name: bases[name].to_numpy(object) for name in ("read", "base")},
            },
            name="sensitivity_cells",
        )
        self.reads = ColumnDataSource(
            {
                "row": np.arange(len(kept)) - 0.2,
                "lower": np.arange(len(kept)) + 0.2,
                "read": kept["read"].to_numpy(object),
                **{name: kept[name].to_numpy(float) for name in
                   ("bases_per_phred", "mapping_per_phred", "mapping_quality")},
            },
            name="sensitivity_reads",
        )  # fmt: skip
        self.rows = Range1d(max(len(kept), 6) - 0.5, -0.5)
        self.said = f"{len(kept):,} of {len(reads):,} reads" if len(kept) < len(reads) else f"{len(reads):,} reads"
        self.layout = row(self._bases(found, limit), self._sums(), sizing_mode="stretch_width", spacing=8)

    def _bases(self, found: Sensitivity, limit: float) -> Any:
        made = style.figure(
            name="sensitivity_bases", height=self._height, tools="pan,xwheel_zoom,reset,save", y_range=self.rows,
            x_label="position" if self._compact else f"position on {found.contig}", x_unit="bp", x_format="position",
            y_grid=False,
        )  # fmt: skip
        place = "" if self._compact else f" at {found.position:,}; {self.said}"
        made.title = _title(f"log10 odds {found.log10_odds:+.1f}{place}")
        made.yaxis.visible = False
        mapper = LinearColorMapper(palette=list(style.signed_palette()), low=-limit, high=limit)
        made.hbar("row", left="low", right="high", height=0.7, source=self.spans, color="#9a9a9a", alpha=0.25)
        cells = made.rect(
            "position", "row", width=1.0, height=0.9, source=self.cells, line_color=None,
            fill_color={"field": "per_phred", "transform": mapper},
        )  # fmt: skip
        tips = [
            ("read", "@read"), ("base", "@base at @position{0,0}"), ("quality", "@quality{0.0} phred"),
            ("one phred more", "@per_phred{+0.0000} log10 odds"),
        ]  # fmt: skip
        made.add_tools(HoverTool(renderers=[cells], tooltips=tips, point_policy="follow_mouse", attachment="above"))
        made.add_layout(Span(location=found.position, dimension="height", line_width=1, line_dash="dashed"))
        bar = ColorBar(color_mapper=mapper, width=8, title="per phred", title_text_font_size="11px", padding=2)
        made.add_layout(bar, "right")
        if self._compact:
            made.xaxis.ticker.desired_num_ticks = 2
            bar.ticker = FixedTicker(ticks=[-limit, 0, limit])
            bar.formatter = NumeralTickFormatter(format="+0.00")
        low = float(np.min(self.spans.data["low"], initial=found.position - 8.0))
        high = float(np.max(self.spans.data["high"], initial=found.position + 8.0))
        made.x_range = Range1d(low - 1, high + 1)
        return made

    def _sums(self) -> Any:
        made = style.figure(
            name="sensitivity_sums", height=self._height, tools="", y_range=self.rows,
            width=190 if self._compact else 300, y_grid=False, x_label="log10 odds per phred",
        )  # fmt: skip
        made.sizing_mode = "fixed"
        made.toolbar_location = None
        made.title = _title("sum of each read" if self._compact else "each read: all bases, mapping quality")
        made.yaxis.visible = False
        if self._compact:
            made.xaxis.ticker.desired_num_ticks = 2
        made.add_layout(Span(location=0, dimension="height", line_width=1))
        kinds = (
            ("row", "bases_per_phred", "bases", style.BLUE),
            ("lower", "mapping_per_phred", "mapping", style.ORANGE),
        )
        for place, name, text, colour in kinds:
            bars = made.hbar(
                place, left=0, right=name, height=0.38, source=self.reads, color=colour, line_color=None,
                legend_label=text,
            )  # fmt: skip
            tips = [("read", "@read"), (text, f"@{name}{{+0.0000}} log10 odds per phred")]
            tips.append(("mapping quality", "@mapping_quality{0} phred"))
            made.add_tools(HoverTool(renderers=[bars], tooltips=tips, attachment="above"))
        made.legend.location = "bottom_right"
        return made


def _title(text: str) -> Title:
    return Title(text=text, text_font_size="12px", text_font_style="normal")


class SensitivityPlot(BokehPane):
    """What a call rests on, as a live picture; `view` is what it draws."""

    def __init__(self, found: Sensitivity) -> None:
        self.view = SensitivityView(found)
        super().__init__(self.view.layout)


def plot(found: Sensitivity) -> SensitivityPlot:
    """Bases by read and place, blue against the variant and vermilion for it; beside them the sums of each read."""
    return SensitivityPlot(found)

"""A risk score on samples it has not seen: the trait by tenths beside covariates only, its effects, what was tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import ColumnDataSource, HoverTool, Legend, LegendItem, Span, Whisker
from bokeh.transform import dodge

from genolab.plots import columns, style
from genolab.plots.predict_columns import spread
from genolab.text import plain

if TYPE_CHECKING:
    import pandas as pd

    from genolab.predict.risk_report import RiskReport

TOP, BOTTOM = 300, 232
MOST = 4_000
"""Variants that are drawn; those without effect are thinned."""


@dataclass(frozen=True)
class RiskShown:
    """What is drawn of a score: its report, effects, the true ones where they are known, and what was tried."""

    report: RiskReport
    weights: np.ndarray = field(repr=False)
    candidates: pd.DataFrame = field(repr=False)
    truth: np.ndarray | None = field(repr=False, default=None)
    binary: bool = False


class RiskView:
    """Three pictures: tenths of the score, the choice by cross-validation, and effects along the variants."""

    def __init__(self) -> None:
        keys = {
            "deciles": ("decile", "mean", "low", "high", "plain", "samples", "odds"), "tried": ("x", "r", "label"),
            "chosen": ("x", "r", "label"), "effects": ("x", "weight"), "truth": ("x", "weight"), "middle": ("x", "y"),
            "person": ("decile", "mean", "name"),
        }  # fmt: skip
        self.sources = {name: ColumnDataSource({each: [] for each in found}, name=f"risk_{name}")
                        for name, found in keys.items()}  # fmt: skip
        self.legends: list[Legend] = []
        self.deciles, self.tried, self.effects = self._deciles(), self._tried(), self._effects()
        top = row(self.deciles, self.tried, sizing_mode="stretch_width")
        self.layout = column(top, self.effects, sizing_mode="stretch_width", name="predict_risk")

    def show(self, shown: RiskShown) -> None:
        """Draw a score."""
        table = shown.report.deciles
        has_plain = "mean trait by covariates" in table
        mean, error = table["mean trait"].to_numpy(), table["error"].to_numpy()
        columns.fill(self.sources["deciles"], {
            "decile": table["decile"].to_numpy(), "mean": mean, "low": mean - 1.96 * error, "high": mean + 1.96 * error,
            "plain": table["mean trait by covariates"].to_numpy() if has_plain else np.full(len(table), np.nan),
            "samples": table["samples"].to_numpy(),
            "odds": [f"{value:.2f}" for value in table["odds ratio"]] if "odds ratio" in table else ["–"] * len(table),
        })  # fmt: skip
        ends = [*(mean - 1.96 * error), *(mean + 1.96 * error)]
        ends += table["mean trait by covariates"].tolist() if has_plain else []
        room = 0.06 * (max(ends) - min(ends))
        self.deciles.y_range.update(start=min(ends) - room, end=max(ends) + 4 * room)  # the legend lies above
        overall = float((mean * table["samples"]).sum() / table["samples"].sum())
        columns.fill(self.sources["middle"], {"x": [0.5, 10.5], "y": [overall, overall]})
        self.deciles.yaxis.axis_label.text = "share of cases" if shown.binary else "mean trait (standard deviations)"
        for legend in self.legends:
            legend.visible = True
        self._true.visible = shown.truth is not None
        self._show_tried(shown.candidates)
        used = np.flatnonzero(shown.weights)
        if used.size > MOST:
            used = used[spread(used.size, MOST)]
        columns.fill(self.sources["effects"], {"x": used + 1.0, "weight": shown.weights[used]})
        true = np.flatnonzero(shown.truth) if shown.truth is not None else np.zeros(0, int)
        held = shown.truth[true] if shown.truth is not None else np.zeros(0)
        columns.fill(self.sources["truth"], {"x": true + 1.0, "weight": held})
        self.effects.x_range.update(start=0, end=len(shown.weights) + 1)

    def mark(self, tenth: int | None, name: str) -> None:
        """Ring the tenth that a person stands in; nothing is ringed for None."""
        shown = list(self.sources["deciles"].data["decile"])
        if tenth is None or tenth not in shown:
            columns.empty(self.sources["person"])
            return
        mean = float(self.sources["deciles"].data["mean"][shown.index(tenth)])
        columns.fill(self.sources["person"], {"decile": [tenth], "mean": [mean], "name": [plain(name)[:40]]})

    def _show_tried(self, table: pd.DataFrame) -> None:
        if table.empty:
            for name in ("tried", "chosen"):
                columns.empty(self.sources[name])
            return
        x, r = np.arange(len(table)) + 1.0, table["r"].to_numpy(float)
        label = [f"{value:.3g}" for value in table["candidate"]]
        columns.fill(self.sources["tried"], {"x": x, "r": r, "label": label})
        best = int(np.nanargmax(r))  # a candidate that was dropped has none
        columns.fill(self.sources["chosen"], {"x": x[best : best + 1], "r": r[best : best + 1], "label": [label[best]]})

    def _deciles(self) -> Any:
        made = style.figure(
            x_label="tenth of the score, low to high", y_label="mean trait", height=TOP, x_range=(0.4, 10.6),
            y_range=(0, 1), tools="save", name="risk_deciles", x_format="plain",
        )  # fmt: skip
        made.xaxis.ticker = list(range(1, 11))
        source = self.sources["deciles"]
        middle = made.line("x", "y", source=self.sources["middle"], color="#999999", line_dash="dotted")
        whisker = Whisker(base=dodge("decile", -0.12), upper="high", lower="low", source=source, line_color=style.BLUE)
        whisker.upper_head.size = whisker.lower_head.size = 5
        whisker.upper_head.line_color = whisker.lower_head.line_color = style.BLUE
        made.add_layout(whisker)
        score = made.scatter(dodge("decile", -0.12), "mean", source=source, size=10, color=style.BLUE)
        plain = made.scatter(
            dodge("decile", 0.12), "plain", source=source, size=9, marker="diamond", color=style.ORANGE
        )  # fmt: skip
        person = self.sources["person"]
        made.scatter(dodge("decile", -0.12), "mean", source=person, size=18, fill_alpha=0, line_width=2.2,
                     line_color=style.VERMILION)  # fmt: skip
        made.text(dodge("decile", -0.12), "mean", text="name", source=person, y_offset=-12, text_align="center",
                  text_font_size="12px", text_color=style.VERMILION)  # fmt: skip
        items = [("SNPs (95 % interval)", score), ("covariates only", plain), ("everybody", middle)]
        self._legend(made, [LegendItem(label=text, renderers=[each]) for text, each in items], location="top_left")
        tips = [("tenth", "@decile"), ("by SNPs", "@mean{0.000}"), ("by covariates only", "@plain{0.000}"),
                ("odds ratio to the middle", "@odds"), ("samples", "@samples")]  # fmt: skip
        made.add_tools(HoverTool(renderers=[score], tooltips=tips))
        return made

    def _tried(self) -> Any:
        made = style.figure(
            x_label="what was tried, strict to loose", y_label="r in inner cross-validation", height=TOP, tools="save",
            name="risk_tried", x_format="plain",
        )  # fmt: skip
        made.line("x", "r", source=self.sources["tried"], color=style.BLUE, line_width=2)
        dots = made.scatter("x", "r", source=self.sources["tried"], size=5, color=style.BLUE)
        made.scatter(
            "x", "r", source=self.sources["chosen"], size=12, marker="diamond", fill_color=style.VERMILION,
            line_color="white",
        )  # fmt: skip
        tips = [("penalty, threshold or share", "@label"), ("r", "@r{0.000}")]
        made.add_tools(HoverTool(renderers=[dots], tooltips=tips))
        return made

    def _effects(self) -> Any:
        made = style.figure(
            x_label="variant", y_label="effect", height=BOTTOM, x_range=(0, 1), tools="xpan,xwheel_zoom,reset,save",
            name="risk_effects", x_format="position",
        )  # fmt: skip
        made.add_layout(Span(location=0, dimension="width", line_width=1, line_color="#999999"))
        stems = made.segment("x", 0, "x", "weight", source=self.sources["effects"], color=style.BLUE, line_width=1.6)
        true = made.scatter(
            "x", "weight", source=self.sources["truth"], size=9, marker="diamond", fill_alpha=0,
            line_color=style.VERMILION, line_width=1.6, name="risk_true",
        )  # fmt: skip
        self._true = LegendItem(label="true", renderers=[true])
        items = [LegendItem(label="estimated", renderers=[stems]), self._true]
        self._legend(made, items, location="top_right", orientation="horizontal")
        made.add_tools(HoverTool(renderers=[stems], tooltips=[("variant", "@x{0,0}"), ("effect", "@weight{+0.000}")]))
        return made

    def _legend(self, figure: Any, items: list[LegendItem], **where: str) -> None:
        """A legend that is seen once there is something to tell apart."""
        self.legends.append(Legend(items=items, visible=False, **where))
        figure.add_layout(self.legends[-1])

"""What a network looks for, and one sequence explained: logos, a map of gradients, a map of changes to click."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.core.properties import value
from bokeh.events import Tap
from bokeh.layouts import column, row
from bokeh.models import (
    BasicTicker,
    ColorBar,
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    Range1d,
    Span,
)

from genolab.plots import columns, predict_columns, style
from genolab.plots.logo_letters import stacked

if TYPE_CHECKING:
    from genolab.predict.attribution import Motif
    from genolab.predict.one_sequence import SequenceExplanation

ACROSS, SLOTS = 6, 12
"""Logos in a row, and in all."""
FILTERS_HEIGHT, LOGO, MAP = 104, 70, 54
LEFT = 56
_KEYS = ("xs", "ys", "fill", "letter", "position", "height")
_SIGNED = style.signed_palette()


class FiltersView:
    """Logos of the first layer's filters, twelve at most; a filter that stays among them keeps its place."""

    def __init__(self, height: int = FILTERS_HEIGHT) -> None:
        self._slots: list[int | None] = [None] * SLOTS
        self.shown: list[Motif | None] = []
        self.letters = ColumnDataSource({name: [] for name in (*_KEYS, "filter")}, name="predict_filters")
        self.labels = ColumnDataSource({name: [] for name in ("x", "y", "text")}, name="predict_filter_labels")
        self.layout = style.figure(
            height=height, x_range=Range1d(-0.5, 100), y_range=Range1d(-0.1, 5.6), tools="save", name="predict_logos",
            y_grid=False,
        )  # fmt: skip
        self.layout.axis.visible = False
        made = self.layout.patches("xs", "ys", source=self.letters, fill_color="fill", line_color=None)
        self.layout.text(
            "x", "y", "text", source=self.labels, text_color="#808080", text_font_size="10px",
            text_font=value(style.FONT), text_baseline="bottom",
        )  # fmt: skip
        tips = [("filter", "@filter"), ("position", "@position"), ("letter", "@letter")]
        tips.append(("height", "@height{0.00} bits"))
        self.layout.add_tools(HoverTool(renderers=[made], tooltips=tips))

    def show(self, motifs: Sequence[Motif], settled: bool = True) -> None:
        """Draw the motifs, best first; ``settled`` puts them in order, else those already there stay in place."""
        best = list(motifs[:SLOTS])
        if settled:
            self._slots = [each.filter for each in best] + [None] * (SLOTS - len(best))
        else:
            chosen = {each.filter for each in best}
            self._slots = [each if each in chosen else None for each in self._slots]
            rest = [each.filter for each in best if each.filter not in self._slots]
            for slot, held in enumerate(self._slots):
                if held is None and rest:
                    self._slots[slot] = rest.pop(0)
        by_number = {each.filter: each for each in best}
        self.shown = [None if number is None else by_number[number] for number in self._slots]
        letters, labels, (width, rows) = predict_columns.filter_columns(self.shown, ACROSS)
        self.layout.x_range.update(start=-0.5, end=ACROSS * (width + 2.0))
        self.layout.y_range.update(start=-0.1, end=2.9 * rows)
        columns.fill(self.letters, letters)
        columns.fill(self.labels, labels)

    def clear(self) -> None:
        """Show none."""
        self._slots, self.shown = [None] * SLOTS, []
        columns.empty(self.letters)
        columns.empty(self.labels)


class SequenceView:
    """One sequence: what its bases contribute as a logo, the gradient by each base, the change by each other base.

    `on_edit(position, base)` is called with a cell of the map of changes that was clicked (0-based).
    """

    def __init__(self, on_edit: Callable[[int, int], None] | None = None) -> None:
        self.on_edit = on_edit
        self.explained: SequenceExplanation | None = None
        self.x_range = Range1d(0.5, 60.5, name="predict_positions")
        self.sources = {
            name: ColumnDataSource({each: [] for each in keys}, name=f"predict_{name}")
            for name, keys in {
                "contribution": _KEYS, "saliency": ("image",), "mutagenesis": ("image",), "own": ("x", "y"),
                "cells": ("x", "y", "base", "saliency", "change", "own"), "edits": ("x", "y", "text"),
                "said": ("name", "y", "before", "now", "text"),
            }.items()
        }  # fmt: skip
        self.logo = self._logo()
        self.maps = {name: self._map(name) for name in ("saliency", "mutagenesis")}
        self.said = self._said()
        maps = column(self.logo, *self.maps.values(), sizing_mode="stretch_width", spacing=0)
        self.layout = row(maps, self.said, sizing_mode="stretch_width", name="predict_sequence")

    def show(
        self, explained: SequenceExplanation, original: np.ndarray, before: np.ndarray, names: Sequence[str]
    ) -> None:
        """Draw an explanation; ``original`` are the codes before edits, ``before`` what was predicted of them."""
        self.explained = explained
        length = explained.codes.size
        if length + 0.5 != self.x_range.end or self.x_range.bounds is None:
            self.x_range.update(bounds=None)  # must reach a page before the ends that it would clip
            self.x_range.update(start=0.5, end=length + 0.5, bounds=(0.5, length + 0.5))
        heights = explained.contribution
        least = 0.004 * float(np.abs(heights).max(initial=1e-9))
        columns.fill(self.sources["contribution"], stacked(heights, left=0.5, least=least))
        high = float(np.maximum(heights, 0).sum(axis=1).max(initial=1e-6))
        low = float(np.minimum(heights, 0).sum(axis=1).min(initial=0))
        self.logo.y_range.update(start=1.08 * low, end=1.12 * high)
        for name, values in (("saliency", explained.saliency), ("mutagenesis", explained.mutagenesis)):
            self.maps[name].visible = values is not None
            if values is None:
                continue
            columns.fill(self.sources[name], {"image": [np.ascontiguousarray(values.T[::-1], np.float32)]})
            self._glyphs[name].update(dw=length)
            limit = float(np.abs(values).max(initial=1e-9)) or 1e-9
            self._mappers[name].update(low=-limit, high=limit)
        self._show_cells(explained)
        edited = np.flatnonzero(explained.codes != original)
        letters = "ACGTN"
        columns.fill(self.sources["edits"], {
            "x": edited + 1.0, "y": np.full(edited.size, 1.1 * high),
            "text": [f"{letters[original[k]]}→{letters[explained.codes[k]]}" for k in edited],
        })  # fmt: skip
        self._say(explained, before, names)

    def clear(self) -> None:
        """Show nothing."""
        self.explained = None
        for source in self.sources.values():
            columns.empty(source)

    def _show_cells(self, explained: SequenceExplanation) -> None:
        length, known = explained.codes.size, explained.codes < 4
        place, base = np.divmod(np.arange(4 * length), 4)
        slope = np.full(4 * length, np.nan) if explained.saliency is None else explained.saliency.ravel()
        columns.fill(self.sources["cells"], {
            "x": place + 1.0, "y": 3.5 - base, "base": np.array(list("ACGT"), object)[base], "saliency": slope,
            "change": explained.mutagenesis.ravel(), "own": np.array(list(explained.text), object)[place],
        })  # fmt: skip
        own = np.flatnonzero(known)
        columns.fill(self.sources["own"], {"x": own + 1.0, "y": 3.5 - explained.codes[known]})

    def _say(self, explained: SequenceExplanation, before: np.ndarray, names: Sequence[str]) -> None:
        """What is predicted, and what was before the first edit."""
        now = explained.prediction
        labels = [style.escape_text(name[:12]).text for name in names] or ["value"]
        moved = not np.allclose(before, now)
        text = [f"{a:.3f}" + (f"   was {b:.3f}" if moved else "") for a, b in zip(now, before, strict=True)]
        place = np.arange(len(now))[::-1] + 0.5
        columns.fill(self.sources["said"], {"name": labels, "y": place, "before": before, "now": now, "text": text})
        self.said.y_range.update(start=0, end=len(now))
        self.said.yaxis.ticker = FixedTicker(ticks=place.tolist())
        spoken = zip(place.tolist(), labels, strict=True)
        self.said.yaxis.major_label_overrides = {k: style.escape_text(name) for k, name in spoken}
        if not names:
            low, high = float(min(now[0], before[0], 0)), float(max(now[0], before[0], 0))
            self.said.x_range.update(start=low - 0.15 * (high - low) - 1e-3, end=high + 0.9 * (high - low) + 1e-3)
        else:
            self.said.x_range.update(start=0, end=1.75)

    # --- figures

    def _logo(self) -> Any:
        made = style.figure(
            y_label="share", height=LOGO, x_range=self.x_range, y_range=Range1d(-1, 1), tools="save",
            name="predict_contributions", y_grid=False,
        )  # fmt: skip
        made.add_layout(Span(location=0, dimension="width", line_width=1, line_color="#999999"))
        drawn = made.patches("xs", "ys", source=self.sources["contribution"], fill_color="fill", line_color=None)
        made.text(
            "x", "y", "text", source=self.sources["edits"], text_color=style.VERMILION, text_font_size="11px",
            text_font=value(style.FONT), text_align="center", text_baseline="top", text_font_style="bold",
        )  # fmt: skip
        made.xaxis.visible = False
        made.yaxis.ticker = BasicTicker(desired_num_ticks=3)
        made.min_border_left, made.min_border_right = LEFT, 66
        tips = [("position", "@position"), ("base", "@letter"), ("contribution", "@height{+0.000}")]
        made.add_tools(HoverTool(renderers=[drawn], tooltips=tips))
        return made

    _glyphs: dict[str, Any]
    _mappers: dict[str, Any]

    def _map(self, name: str) -> Any:
        if name == "saliency":
            self._glyphs, self._mappers = {}, {}
        last = name == "mutagenesis"
        made = style.figure(
            x_label="position" if last else "", y_label="change" if last else "gradient",
            height=MAP + (40 if last else 0), x_range=self.x_range, y_range=Range1d(0, 4), y_grid=False,
            tools="xpan,xwheel_zoom,reset,save", name=f"predict_{name}_map", x_format="position",
        )  # fmt: skip
        mapper = LinearColorMapper(palette=_SIGNED, low=-1, high=1)
        drawn = made.image(
            "image", x=0.5, y=0, dw=60, dh=4, source=self.sources[name], color_mapper=mapper, name=f"predict_{name}",
        )  # fmt: skip
        self._glyphs[name], self._mappers[name] = drawn.glyph, mapper
        made.scatter("x", "y", source=self.sources["own"], size=4, color="#000000", name=f"predict_{name}_own")
        cells = made.rect("x", "y", 1, 1, source=self.sources["cells"], fill_alpha=0, line_alpha=0)
        made.yaxis.ticker = FixedTicker(ticks=[0.5, 1.5, 2.5, 3.5])
        made.yaxis.major_label_overrides = {3.5: "A", 2.5: "C", 1.5: "G", 0.5: "T"}
        made.xaxis.visible = last
        made.min_border_left = LEFT
        bar = ColorBar(
            color_mapper=mapper, width=8, padding=2, ticker=BasicTicker(desired_num_ticks=3), major_tick_out=0,
            label_standoff=3, margin=0,
        )  # fmt: skip
        made.add_layout(bar, "right")
        made.min_border_right = 4
        tips = [("position", "@x{0,0}"), ("base there", "@own"), ("with", "@base"), ("gradient", "@saliency{+0.000}"),
                ("change of output", "@change{+0.000}")]  # fmt: skip
        if last:
            tips.append(("click", "to put it there"))
            made.on_event(Tap, self._tapped)
        made.add_tools(HoverTool(renderers=[cells], tooltips=tips))
        return made

    def _said(self) -> Any:
        made = style.figure(
            x_label="prediction", height=LOGO + 2 * MAP + 40, width=210, x_range=Range1d(0, 1.75),
            y_range=Range1d(0, 1), tools="save", name="predict_said", y_grid=False,
        )  # fmt: skip
        made.sizing_mode = "fixed"
        made.xaxis.ticker = BasicTicker(desired_num_ticks=3)
        made.hbar(
            "y", right="now", height=0.42, source=self.sources["said"], fill_color=style.BLUE, line_color=None,
            fill_alpha=0.85, name="predict_now",
        )  # fmt: skip
        made.scatter(
            "before", "y", source=self.sources["said"], marker="dash", angle=np.pi / 2, size=22,
            line_color=style.VERMILION, line_width=2.5, name="predict_before",
        )  # fmt: skip
        made.text(
            "now", "y", "text", source=self.sources["said"], text_color="#808080", text_font_size="11px",
            text_font=value(style.FONT), text_baseline="middle", x_offset=6,
        )  # fmt: skip
        return made

    def _tapped(self, event: Any) -> None:
        explained = self.explained
        if explained is None or self.on_edit is None or event.x is None or event.y is None:
            return
        position, base = int(np.floor(event.x + 0.5)) - 1, 3 - int(np.floor(event.y))
        if 0 <= position < explained.codes.size and 0 <= base < 4:
            self.on_edit(position, base)

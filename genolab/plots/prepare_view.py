"""The prepare view: a table before and after its steps, side by side, one selection of samples in every picture."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import GridPlot, Legend, LegendItem, Range1d

from genolab.plots import columns, prepare_columns, prepare_figures, style
from genolab.plots.columns import Columns
from genolab.plots.prepare_columns import Key, Table
from genolab.prepare.chain import Done

if TYPE_CHECKING:
    import pandas as pd

SIDES = ("raw", "prepared")


class PrepareView:
    """Figures and sources. `show` a side, `recolour` by a column of the sample table, `select` samples by number.

    It computes in whatever thread calls it; wrap calls in the pane's `hold()` to send one frame. `on_select` is called
    with the numbers of the samples that were chosen in any picture.
    """

    def __init__(self, on_select: Callable[[tuple[int, ...]], None] | None = None) -> None:
        self.on_select = on_select
        self.key = Key("")
        self.tables: dict[str, Table] = {}
        self.gene = ""
        self.sources = prepare_figures.sources()
        self._rows: dict[str, Columns] = {side: {} for side in SIDES}
        self._colours: Columns = {}
        self._limits = Range1d(-1, 1)
        self._lock = threading.RLock()
        self._quiet = False
        made = prepare_figures
        self.figures: dict[str, Any] = {}
        for side in SIDES:
            samples = self.sources[side]
            self.figures |= {
                f"{side}_density": made.density(side, samples),
                f"{side}_rle": made.boxes(side, samples, self._limits),
                f"{side}_pca": made.components(side, samples),
                f"{side}_moments": made.moments(
                    side, *(self.sources[f"{side}_{name}"] for name in ("bins", "trend", "gene"))
                ),
                f"{side}_map": made.gaps(side, self.sources[f"{side}_map"], samples),
            }
        self.figures["sizes"] = made.sizes(self.sources["prepared"], self.sources["line"])
        self.selection = self.sources["raw"].selected
        self.selection.on_change("indices", self._selected)
        # looking a glyph up takes longer than drawing it
        self._cells, self._marks = (
            {side: self.figures[f"{side}_{figure}"].select_one({"name": f"{side}_{name}"}).glyph for side in SIDES}
            for figure, name in (("moments", "cells"), ("map", "rows"))
        )
        self.layout = self._laid_out()

    def _laid_out(self) -> GridPlot:
        """Four columns: two for each side; components and moments share a side."""
        places = [
            (self.figures[f"{side}_{kind}"], row, 2 * place, 1, 2)
            for row, kind in ((0, "density"), (1, "rle"), (3, "map"))
            for place, side in enumerate(SIDES)
        ]
        places += [
            (self.figures[f"{side}_{kind}"], 2, 2 * place + half, 1, 1)
            for place, side in enumerate(SIDES)
            for half, kind in enumerate(("pca", "moments"))
        ]
        places.append((self.figures["sizes"], 4, 0, 1, 4))
        return GridPlot(
            children=places, toolbar=prepare_figures.toolbar(list(self.figures.values())), toolbar_location="right",
            sizing_mode="stretch_width", spacing=0, name="prepare",
        )  # fmt: skip

    # --- what is shown

    def show(self, side: str, done: Done, size_factor: np.ndarray | None = None) -> None:
        """Draw one side; a raw table begins anew and draws both sides, until its steps are done."""
        with self._lock:
            table = prepare_columns.table_of(done)
            other = self._rows["raw"] if side == "prepared" and "pc1" in self._rows["raw"] else None
            pca, shares = prepare_columns.pca_columns(table, other)
            number = len(table.samples)
            rows: Columns = {
                "name": list(table.samples),
                **prepare_columns.density_columns(table),
                **prepare_columns.rle_columns(table),
                **pca,
                "row": np.arange(number) + 0.5,
            }
            if side == "raw":
                counts = done.unit.linear
                library = np.nansum(done.table.to_numpy(), axis=1, dtype=float) if counts else np.ones(number)
                rows |= prepare_columns.size_columns(library, None)
                self.figures["sizes"].visible = counts
                self._draw_line(library if counts else None)
                if len(self._colours.get("colour", ())) != number:
                    self._colours, self.key = prepare_columns.colour_columns(None, "", number)
                self._choose(())
            else:
                rows |= prepare_columns.size_columns(self._rows["raw"]["library"], size_factor)
            self._rows[side], self.tables[side] = rows, table
            self._fill(side)
            self._draw_genes(side, table, shares)
            self._ring(side)
            self._scale()

    def recolour(self, samples: pd.DataFrame | None, name: str) -> Key:
        """Colour and order the samples by a column of their table; returns what the colours mean."""
        with self._lock:
            number = len(self._rows["raw"].get("name", ()))
            self._colours, self.key = prepare_columns.colour_columns(samples, name, number)
            for side in SIDES:
                if self._rows[side]:
                    self._fill(side)
            label = f"{number:,} samples, by {self.key.column[:30]}" if self.key.column else f"{number:,} samples"
            for side in SIDES:
                _label(self.figures[f"{side}_rle"].xaxis, label)
            return self.key

    def select(self, chosen: Sequence[int]) -> None:
        """Mark samples in every picture; none leaves all of them plain."""
        with self._lock:
            self._choose(chosen)
        if self.on_select is not None:
            self.on_select(tuple(chosen))

    def mark(self, gene: str) -> None:
        """Ring a gene among all, before and after; none where a table has it not."""
        with self._lock:
            self.gene = gene
            for side in self.tables:
                self._ring(side)

    def _ring(self, side: str) -> None:
        columns.fill(self.sources[f"{side}_gene"], prepare_columns.gene_columns(self.tables[side], self.gene))

    @property
    def chosen(self) -> tuple[int, ...]:
        """The numbers of the samples that are marked."""
        return tuple(int(each) for each in self.selection.indices)

    def factors(self) -> pd.DataFrame:
        """A row per sample with its library size and size factor."""
        import pandas as pd

        rows = self._rows["prepared"]
        return pd.DataFrame({"sample": rows["name"], **{key: rows[key] for key in ("library", "size_factor")}})

    def add_legend(self) -> None:
        """Say in the first picture what the colours mean, where nothing beside the pictures does."""
        figure = self.figures["raw_density"]
        curves = figure.select_one({"name": "raw_curves"})
        item = LegendItem(label={"field": "level"}, renderers=[curves])
        figure.add_layout(Legend(items=[item], name="legend"), "center")

    def of_level(self, level: str) -> tuple[int, ...]:
        """The numbers of the samples of one level of the column that they are coloured by."""
        return tuple(number for number, each in enumerate(self._colours.get("level", ())) if each == level)

    def _choose(self, chosen: Sequence[int]) -> None:
        self._quiet = True
        try:
            self.selection.indices = [int(each) for each in chosen]
        finally:
            self._quiet = False

    def _selected(self, _name: str, _old: Any, new: list[int]) -> None:
        if not self._quiet and self.on_select is not None:
            number = len(self._rows["raw"].get("name", ()))
            self.on_select(tuple(sorted({int(each) for each in new if 0 <= each < number})))

    # --- drawing

    def _fill(self, side: str) -> None:
        place = self._colours["place"]
        found = {**self._rows[side], **self._colours, "box_left": place - 0.4, "box_right": place + 0.4}
        columns.fill(self.sources[side], {name: found[name] for name in prepare_figures.SAMPLE_COLUMNS})

    def _draw_genes(self, side: str, table: Table, shares: tuple[float, float]) -> None:
        bins, trend = prepare_columns.mean_variance_columns(table)
        columns.fill(self.sources[f"{side}_bins"], bins)
        columns.fill(self.sources[f"{side}_trend"], trend)
        self._cells[side].fill_color["transform"].high = max(float(np.max(bins["genes"], initial=1)), 2.0)
        _label(self.figures[f"{side}_density"].xaxis, table.label)
        pca = self.figures[f"{side}_pca"]
        for axis, number, share in ((pca.xaxis, 1, shares[0]), (pca.yaxis, 2, shares[1])):
            _label(axis, f"PC{number} ({100 * share:.0f} % of variance)")
        missing = prepare_columns.missing_columns(table)
        source = self.sources[f"{side}_map"]
        if missing is None:
            columns.empty(source)
        else:
            columns.fill(source, missing)
        if side == "raw":
            for each in SIDES:
                self.figures[f"{each}_map"].visible = missing is not None
        figure, length = self.figures[f"{side}_map"], len(table.samples)
        figure.y_range.update(start=length, end=0)
        figure.x_range.update(start=-0.02 * table.genes, end=table.genes)
        self._marks[side].left = -0.02 * table.genes

    def _draw_line(self, library: np.ndarray | None) -> None:
        if library is None or not len(library):
            columns.empty(self.sources["line"])
            return
        known = np.maximum(library, 1)
        centre = np.exp(np.log(known).mean())
        ends = np.array([known.min(), known.max()])
        columns.fill(self.sources["line"], {"x": ends, "y": ends / centre})

    def _scale(self) -> None:
        """One range for the boxes of both sides."""
        ends = [self._rows[side][name] for side in SIDES if self._rows[side] for name in ("rle_low", "rle_high")]
        known = np.concatenate(ends)
        known = np.abs(known[np.isfinite(known)])
        limit = 1.08 * float(known.max(initial=0)) or 1.0
        self._limits.update(start=-limit, end=limit)


def _label(axes: Any, text: str) -> None:
    """Say something else beside an axis; another text costs nothing, another model all of the document's."""
    for axis in axes:
        shown = style.escape_text(text).text
        if axis.axis_label.text != shown:
            axis.axis_label.text = shown

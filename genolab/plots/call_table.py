"""The table of calls: sortable, filtered, linked to the genome view by position."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    DataTable,
    InlineStyleSheet,
    NumberFormatter,
    StringFormatter,
    TableColumn,
)

from genolab.plots import columns, sites
from genolab.plots.columns import Columns
from genolab.text import plain

ALL, PASSED, FILTERED, MISSED = "all", "passed", "filtered", "missed"
SHOWN = (ALL, PASSED, FILTERED, MISSED)

_COLUMNS = {  # widths that hold the title and the longest usual value; more than the pane has would be scaled down
    "position": ("POS", 66, "0,0"),
    "change": ("change", 50, ""),
    "genotype": ("GT", 26, ""),
    "quality": ("QUAL", 38, "0,0"),
    "genotype_quality": ("GQ", 24, "0"),
    "depth": ("DP", 26, "0,0"),
    "allele_balance": ("AB", 30, "0.00"),
    "fisher_strand": ("FS", 30, "0.0"),
    "filter": ("filter", 56, ""),
    "truth": ("truth", 74, ""),
}

STYLE = """
:host { font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 11px; }
.slick-header-column, .slick-row .slick-cell { font-size: 11px !important; padding: 2px 3px !important; }
.slick-header, .slick-header-columns, .slick-header .slick-header-column {
  background: var(--jp-layout-color2, #eee) !important; color: var(--jp-ui-font-color1, #222);
  border-color: var(--jp-border-color2, #ddd) !important; font-weight: 600;
}
.slick-viewport, .slick-pane, .slick-row, .slick-row.even, .slick-row.odd {
  background: var(--jp-layout-color1, #fff) !important; color: var(--jp-ui-font-color1, #222);
}
.slick-row.odd { background: var(--jp-layout-color0, #fafafa) !important; }
.slick-row .slick-cell { border-color: transparent; cursor: pointer; }
.slick-row:hover .slick-cell { background: var(--jp-layout-color2, #eee); }
.slick-row .slick-cell.selected, .slick-row .slick-cell.active.selected {
  background: rgb(86 180 233 / 35%) !important; color: var(--jp-ui-font-color0, #000); border-color: transparent;
}
"""

# A browser clips each cell whose text may be too long by itself, which costs every frame of the page a few milliseconds
# for a table of a hundred cells. These columns hold numbers that fit; the others keep their clip and its "…".
_TEXT = [at for at, key in enumerate(_COLUMNS) if key in ("change", "filter", "truth")]
_UNCLIPPED = ".slick-cell" + "".join(f":not(.l{at})" for at in _TEXT) + " { overflow: visible; }"

_NO_MARKUP = str.maketrans("<>&", "‹›+")  # the table takes a title for HTML


class CallTable:
    """A Bokeh table of calls and, where the truth is known, of what was missed. `on_pick` gets a clicked position."""

    def __init__(self, on_pick: Callable[[int], None] | None = None) -> None:
        self.on_pick = on_pick
        self.source = ColumnDataSource(name="table", data={key: [] for key in _COLUMNS})
        self.columns = [
            TableColumn(field=key, title=title, width=width, formatter=formatter(pattern))
            for key, (title, width, pattern) in _COLUMNS.items()
        ]
        self.layout = DataTable(
            source=self.source,
            columns=self.columns[:-1],
            index_position=None,
            row_height=21,
            height=200,
            sizing_mode="stretch_both",
            reorderable=False,
            stylesheets=[InlineStyleSheet(css=STYLE + _UNCLIPPED)],
            name="call_table",
        )
        self.source.selected.on_change("indices", self._picked)
        self._rows: Columns = {key: np.zeros(0, dtype=object) for key in _COLUMNS}
        self._has_truth = self._together = False
        self._quiet = False
        self.shown, self.words = ALL, ""
        self.selected: int | None = None

    def show(self, calls: Columns, missed: Columns | None = None) -> None:
        """Fill the table with rows of :func:`genolab.plots.sites.call_columns`, and with the truth's missed ones."""
        rows = {key: values for key, values in calls.items() if key in _COLUMNS}
        rows["change"] = _changes(calls)
        if missed is not None:
            extra = {**missed, "change": _changes(missed)}
            rows = {key: np.concatenate([values, extra[key]]) for key, values in rows.items()}
            order = np.argsort(rows["position"], kind="stable")
            rows = {key: values[order] for key, values in rows.items()}
        self._rows = rows
        if (missed is not None) != self._has_truth or self._together:
            self._has_truth, self._together = missed is not None, False
            self.layout.columns = self.columns if self._has_truth else self.columns[:-1]
            self.layout.stylesheets[0].css = STYLE + _UNCLIPPED
        digits = len(f"{int(rows['position'].max(initial=0)):,}")
        width = max(6 * digits + 12, 50)
        if self.columns[0].width != width:
            self.columns[0].width = width
        self._fill()

    def show_together(self, rows: Columns, samples: Sequence[str]) -> None:
        """Fill the table with rows of :func:`genolab.plots.joint_sites.joint_columns`: a genotype a sample."""
        first, last = ("position", "change"), ("quality", "genotype_quality", "depth", "filter")
        width = max(min(8 * max(map(len, samples)), 90), 34)
        layout = [
            *(each for each in self.columns if each.field in first),
            *(
                TableColumn(
                    field=f"sample {at}", title=plain(name).translate(_NO_MARKUP), width=width, formatter=formatter("")
                )
                for at, name in enumerate(samples)
            ),
            TableColumn(field="allele_count", title="AC/AN", width=44, formatter=formatter("")),
            *(each for each in self.columns if each.field in last),
        ]
        if [each.title for each in self.layout.columns] != [each.title for each in layout]:
            self.layout.columns = layout
            self.layout.stylesheets[0].css = STYLE  # as many columns as samples: any of them may be too narrow
        self._together = True
        self._rows = {**rows, "change": _changes(rows)}
        self._rows = {key: values for key, values in self._rows.items() if key not in ("reference", "alternate")}
        self._fill()

    def narrow(self, shown: str, words: str = "") -> None:
        """Show `all`, `passed`, `filtered` or `missed` rows, and of those the ones that hold every word."""
        self.shown, self.words = shown, words
        self._fill()

    def select(self, position: int | None) -> None:
        """Mark the row of a position (0-based), if it has one."""
        self.selected = position
        wanted = -1 if position is None else position + 1
        at = np.flatnonzero(np.asarray(self.source.data["position"]) == wanted)
        self._quiet = True
        try:
            self.source.selected.indices = [int(row) for row in at[:1]]
        finally:
            self._quiet = False

    @property
    def count(self) -> tuple[int, int]:
        """Rows shown, and rows there are."""
        return len(self.source.data["position"]), len(self._rows["position"])

    def _fill(self) -> None:
        rows = self._rows
        state = rows["filter"]
        missed = rows["truth"] == sites.MISSED if "truth" in rows else np.zeros(len(state), bool)
        keep = {
            ALL: np.ones(len(state), bool),
            PASSED: state == "PASS",
            FILTERED: (state != "PASS") & ~missed,
            MISSED: missed,
        }[self.shown]
        for word in self.words.lower().split():
            word = word.replace(",", "")
            texts = [rows[key].astype(str) for key in ("position", "change", "genotype", "filter", "truth")]
            keep = keep & np.array(
                [any(word in text.lower() for text in each) for each in zip(*texts, strict=True)], bool
            )
        self._quiet = True
        try:
            columns.fill(self.source, {key: values[keep] for key, values in rows.items()})
        finally:
            self._quiet = False
        self.select(self.selected)

    def _picked(self, _name: str, _old: Any, new: list[int]) -> None:
        if self._quiet or not new or self.on_pick is None:
            return
        positions = self.source.data["position"]
        if 0 <= new[0] < len(positions):
            self.selected = int(positions[new[0]]) - 1
            self.on_pick(self.selected)


def _changes(rows: Columns) -> np.ndarray:
    pairs = zip(rows["reference"], rows["alternate"], strict=True)
    return np.array([f"{one}>{other}" for one, other in pairs], dtype=object)


def formatter(pattern: str) -> Any:
    """How a column is written: a number's pattern, or text."""
    if pattern:
        return NumberFormatter(format=pattern, nan_format="", text_align="right")
    return StringFormatter(nan_format="")

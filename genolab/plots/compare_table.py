"""The table of differences between calls and truth: missed, false, another genotype, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import ColumnDataSource, DataTable, InlineStyleSheet, TableColumn

from genolab.plots import columns
from genolab.plots.call_table import STYLE, formatter

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = {
    "position": ("position", 66, "0,0"),
    "change": ("change", 70, ""),
    "state": ("state", 56, ""),
    "quality": ("QUAL", 40, "0,0"),
    "step": ("step", 84, ""),
    "reason": ("reason", 150, ""),
}
_LONGEST = 12  # letters of an allele that are shown


class DifferenceTable:
    """A Bokeh table of what differs from the truth; `on_pick` gets a clicked position (0-based)."""

    def __init__(self, on_pick: Callable[[int], None] | None = None) -> None:
        self.on_pick = on_pick
        self.source = ColumnDataSource(name="differences", data={key: [] for key in _COLUMNS})
        made = [
            TableColumn(field=key, title=title, width=width, formatter=formatter(pattern))
            for key, (title, width, pattern) in _COLUMNS.items()
        ]
        self.layout = DataTable(
            source=self.source, columns=made, index_position=None, row_height=21, height=230, reorderable=False,
            sizing_mode="stretch_both", stylesheets=[InlineStyleSheet(css=STYLE)], name="difference_table",
        )  # fmt: skip
        self.source.selected.on_change("indices", self._picked)

    def show(self, missed: pd.DataFrame | None, false: pd.DataFrame | None) -> None:
        """Fill the table with both lists, by position; a wrong genotype, which is in both, once."""
        if missed is None or false is None:
            columns.empty(self.source)
            return
        import pandas as pd

        other = false[false["state"] == "false"]
        frame = pd.concat([missed.assign(quality=np.nan), other]) if len(other) else missed.assign(quality=np.nan)
        frame = frame.sort_values("position", kind="stable")
        made: dict[str, Any] = {name: frame[name].to_numpy(object) for name in ("state", "step", "reason")}
        made["position"] = frame["position"].to_numpy(np.int64)
        made["quality"] = frame["quality"].to_numpy(np.float64)
        pairs = zip(frame["reference"], frame["alternate"], strict=True)
        made["change"] = np.array([f"{_short(one)}>{_short(two)}" for one, two in pairs], dtype=object)
        columns.fill(self.source, {name: made[name] for name in _COLUMNS})

    def _picked(self, _attribute: str, _old: Any, new: list[int]) -> None:
        positions = self.source.data["position"]
        if self.on_pick is not None and new and 0 <= new[0] < len(positions):
            self.on_pick(int(positions[new[0]]) - 1)


def _short(allele: str) -> str:
    return allele if len(allele) <= _LONGEST else f"{allele[: _LONGEST - 4]}..{len(allele)}"

"""The calls against the truth, inside the call panel: the differences as a table, and the curve with its threshold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets

from genolab.lazy import made_once
from genolab.plots.compare import CompareView
from genolab.plots.compare_table import DifferenceTable
from genolab.plots.pane import BokehPane
from genolab.plots.why import HEIGHT

if TYPE_CHECKING:
    from genolab.call import Comparison


TITLE = "vs truth"


class Against:
    """Its button, offered where there is a truth, takes two places of the stage: `on_swap(shown)` clears them.

    `on_pick` gets the position (0-based) of a difference that was clicked. Its figures are made when they are first
    looked at.
    """

    def __init__(self, on_pick: Callable[[int], None], on_swap: Callable[[bool], None]) -> None:
        self._on_pick = on_pick
        self.button = ipywidgets.ToggleButton(
            description=TITLE, tooltip="differences: what was missed or is false, why; precision against recall",
            layout=ipywidgets.Layout(width="66px", display="none"),
        )  # fmt: skip
        self.button.observe(lambda _change: on_swap(self.shown), "value")

    @made_once
    def view(self) -> CompareView:
        """Precision against recall, and both against QUAL."""
        return CompareView(HEIGHT, with_slider=False, compact=True)

    @made_once
    def table(self) -> DifferenceTable:
        """Each difference with its reason."""
        return DifferenceTable(self._on_pick)

    @made_once
    def curve_pane(self) -> BokehPane:
        """The curves as a widget."""
        return BokehPane(self.view.layout).add_class("genolab-bars")

    @made_once
    def table_pane(self) -> BokehPane:
        """The table as a widget."""
        return BokehPane(self.table.layout).add_class("genolab-plot").add_class("genolab-fill")

    @property
    def shown(self) -> bool:
        """Whether it is on screen."""
        return bool(self.button.value)

    def offer(self, possible: bool) -> None:
        """Show the button, or take it and all away."""
        self.button.layout.display = None if possible else "none"
        if not possible and self.button.value:
            self.button.value = False

    def threshold(self, quality: float) -> None:
        """Move the threshold's line; nothing is compared again."""
        if self.shown:
            with self.curve_pane.hold():
                self.view.threshold(quality)

    def draw(self, comparison: Comparison) -> None:
        """Draw the curve, and then, which takes longer, each difference with its reason."""
        with self.curve_pane.hold():
            self.view.show(comparison)
        missed, false = comparison.false_negatives, comparison.false_positives
        with self.table_pane.hold():
            self.table.show(missed, false)
        self.button.description = f"{TITLE} ({len(self.table.source.data['position']):,})"

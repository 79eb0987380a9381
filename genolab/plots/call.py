"""The picture of calls: a genome view that a notebook shows by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genolab.call import VariantCalls
from genolab.plots.genome import GenomeView
from genolab.plots.pane import BokehPane
from genolab.scale import Latest, Progress

if TYPE_CHECKING:
    from genolab.io import Variants

_READS = 260  # pixels of the reads' track
_QUIET = 0.03  # seconds without a move of the window before it is drawn again


class CallPlot(BokehPane):
    """Calls, coverage and reads as a live picture; `genome` is what it draws."""

    def __init__(self, calls: VariantCalls, truth: Variants | None = None) -> None:
        self._moves = Latest(debounce=_QUIET)
        self.genome = GenomeView(reads_height=_READS)
        self.genome.show(calls, truth)
        self.genome.on_move = self._moved
        super().__init__(self.genome.layout)
        self.observe(self._resized, "size")

    def _moved(self) -> None:
        self._moves.submit(self._redraw, name="view")

    def _resized(self, change: Any) -> None:
        with self.hold():
            self.genome.resize(*change["new"])

    def _redraw(self, _progress: Progress) -> None:
        with self.hold():
            self.genome.redraw()


def plot(calls: VariantCalls, truth: Variants | None = None) -> CallPlot:
    """Calls, coverage and reads: drag to move, turn the wheel to zoom, click to sort the reads by their base there."""
    return CallPlot(calls, truth)

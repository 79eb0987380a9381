"""What the align panel shows of many sequences: the rows in blocks, the logo of their columns, the numbers beside."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import ipywidgets

from genolab.align import MultipleAlignment
from genolab.panels.align_source import Given
from genolab.panels.page import Facts, Says
from genolab.panels.parts import Refusal
from genolab.plots.blocks import BlocksView
from genolab.plots.multiple import LogoView, facts_of, rows_of
from genolab.plots.pane import BokehPane
from genolab.scale import Latest, Progress

_QUIET = 0.03  # seconds without a move of the window before it is drawn again


@dataclass(frozen=True)
class AlignedMany:
    """Many sequences with their alignment and how long it took."""

    given: Given
    made: MultipleAlignment
    seconds: float

    @property
    def title(self) -> str:
        """What is shown, in words."""
        name = self.given.path.name if self.given.path is not None else self.made.names[0]
        return f"{name}: {len(self.made):,} sequences in {self.made.length:,} columns"


class ManyStage:
    """Rows, logo and numbers of a multiple alignment."""

    def __init__(self, refusal: Refusal) -> None:
        self.shown: AlignedMany | None = None
        self.lock = threading.RLock()
        self._moves = Latest(debounce=_QUIET)
        self.blocks, self.logo = BlocksView(), LogoView()
        self.blocks.on_move, self.logo.on_move = self._scrolled, self._moved
        self.pane, self.logo_pane = BokehPane(self.blocks.layout), BokehPane(self.logo.layout)
        self.pane.observe(self._resized, "size")
        self.logo_pane.observe(self._logo_resized, "size")
        self.title, self.facts = Says(tone="title"), Facts()
        self.top, self.bottom = self._build(refusal)

    def show(self, aligned: AlignedMany) -> None:
        """Draw a multiple alignment; in a worker's thread."""
        with self.lock:
            self.shown = aligned
            with self.pane.hold():
                self.blocks.show(rows_of(aligned.made))
            with self.logo_pane.hold():
                self.logo.show(aligned.made)
            self.title.say(aligned.title, "title")
            self.facts.show(list(facts_of(aligned.made, aligned.seconds).items()))

    def wait(self, timeout: float) -> bool:
        """Wait until nothing is drawn."""
        return self._moves.wait(timeout)

    def _scrolled(self) -> None:
        with self.pane.hold():
            self.blocks.redraw()

    def _moved(self) -> None:
        def work(_progress: Progress) -> None:
            with self.lock, self.logo_pane.hold():
                self.logo.redraw()

        self._moves.submit(work, name="view")

    def _resized(self, change: Any) -> None:
        with self.lock, self.pane.hold():
            self.blocks.resize(*change["new"])

    def _logo_resized(self, change: Any) -> None:
        with self.lock, self.logo_pane.hold():
            self.logo.resize(*change["new"])

    def _build(self, refusal: Refusal) -> tuple[ipywidgets.VBox, ipywidgets.HBox]:
        nav = ipywidgets.HBox([self.title]).add_class("genolab-nav")
        for pane in (self.pane, self.logo_pane):
            pane.add_class("genolab-plot").add_class("genolab-fill")
        side = ipywidgets.VBox([self.facts]).add_class("genolab-side").add_class("genolab-narrow")
        beside = ipywidgets.HBox([self.pane, side]).add_class("genolab-beside")
        bottom = ipywidgets.HBox([self.logo_pane]).add_class("genolab-bottom")
        return ipywidgets.VBox([nav, refusal, beside]).add_class("genolab-stage"), bottom

"""What the align panel shows of many sequences: the rows in blocks, the logo of their columns, the numbers beside."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets

from genolab.align import MultipleAlignment
from genolab.lazy import made_once
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
        self.title, self.facts = Says(tone="title"), Facts()
        self.top, self.bottom = self._build(refusal)

    # the first picture of two sequences must not wait for these

    @made_once
    def blocks(self) -> BlocksView:
        """The rows."""
        made = BlocksView()
        made.on_move = self._scrolled
        return made

    @made_once
    def logo(self) -> LogoView:
        """The information of every column."""
        made = LogoView()
        made.on_move = self._moved
        return made

    @made_once
    def pane(self) -> BokehPane:
        """Where the rows are drawn."""
        return _pane(self.blocks.layout, self._resized)

    @made_once
    def logo_pane(self) -> BokehPane:
        """Where the logo is drawn."""
        return _pane(self.logo.layout, self._logo_resized)

    def show(self, aligned: AlignedMany) -> None:
        """Draw a multiple alignment; in a worker's thread."""
        with self.lock:
            self.shown = aligned
            with self.pane.hold():
                self.blocks.show(rows_of(aligned.made))
            with self.logo_pane.hold():
                self.logo.show(aligned.made)
            self._beside.children, self.bottom.children = (self.pane, self._side), (self.logo_pane,)
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
        self._side = ipywidgets.VBox([self.facts]).add_class("genolab-side").add_class("genolab-narrow")
        self._beside = ipywidgets.HBox([self._side]).add_class("genolab-beside")
        bottom = ipywidgets.HBox([]).add_class("genolab-bottom")
        return ipywidgets.VBox([nav, refusal, self._beside]).add_class("genolab-stage"), bottom


def _pane(layout: Any, resized: Callable[[Any], None]) -> BokehPane:
    pane = BokehPane(layout)
    pane.observe(resized, "size")
    pane.add_class("genolab-plot").add_class("genolab-fill")
    return pane

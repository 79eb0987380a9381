"""What the align panel shows of a pair: matrix, numbers, why a cell is what it is, and the letters below."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ipywidgets

from genolab.align import Alignments, DotPlot, Posterior
from genolab.lazy import made_once
from genolab.panels.align_source import Given
from genolab.panels.page import Facts, Says, Why
from genolab.panels.parts import Refusal, button
from genolab.plots.align import facts_of, rows_of
from genolab.plots.align_matrix import MOST_PATHS, MatrixView
from genolab.plots.blocks import BlocksView
from genolab.plots.dot_plot import DotView
from genolab.plots.matrix_window import Pair
from genolab.plots.pane import BokehPane
from genolab.scale import Latest, Progress

MATRIX, DOTS = VIEWS = "matrix", "dot plot"
_QUIET = 0.03  # seconds without a move of the window before it is drawn again


@dataclass(frozen=True)
class Aligned:
    """One pair with its result and how long it took."""

    query: Given
    target: Given
    alignments: Alignments
    pair: Pair = field(repr=False)
    seconds: float

    @property
    def names(self) -> tuple[str, str]:
        """Of the two sequences."""
        return self.query.names[0], self.target.names[0]


class PairStage:
    """Matrix, numbers, reasons and letters of one pair. `on_error` hears what went wrong while it was drawn."""

    def __init__(
        self, on_error: Callable[[BaseException | None], None], refusal: Refusal, on_view: Callable[[], None]
    ) -> None:
        self.shown: Aligned | None = None
        self.lock = threading.RLock()
        self._error = on_error
        self._moves, self._cells = Latest(self._looked, debounce=_QUIET), Latest(self._looked)
        self.matrix = MatrixView(self._cell, self._moved, self._hovered)
        self.blocks = BlocksView()
        self.blocks.on_move = self._scrolled
        self.view = ipywidgets.ToggleButtons(
            options=VIEWS, tooltips=["the score of every cell", "shared words"], style={"button_width": "66px"}
        )
        self.view.observe(lambda _change: self._view_chosen(on_view), "value")
        self.pane, self.blocks_pane = BokehPane(self.matrix.layout), BokehPane(self.blocks.layout)
        self.pane.observe(self._resized, "size")
        self.blocks_pane.observe(self._blocks_resized, "size")
        self.title, self.which = Says(tone="title"), Says("", "soft")
        self.facts, self.cigar, self.why = Facts(), Facts(), Why()
        self.refusal = refusal
        self.top, self.bottom = self._build()

    # the first picture of a matrix must not wait for these

    @made_once
    def dots(self) -> DotView:
        """The dot plot."""
        made = DotView()
        made.on_move = self._dots_moved
        return made

    @made_once
    def dots_pane(self) -> BokehPane:
        """Where the dot plot is drawn."""
        pane = BokehPane(self.dots.layout)
        pane.observe(self._dots_resized, "size")
        pane.add_class("genolab-plot").add_class("genolab-fill")
        self._beside.children = (self.pane, pane, *self._beside.children[1:])
        return pane

    # --- drawing; in a worker's thread

    def show(self, aligned: Aligned) -> None:
        """Draw a pair; the window and the cell stay where the sequences are as long as before."""
        with self.lock:
            self.shown, self._soft = aligned, ""
            with self.pane.hold():
                self.matrix.show(aligned.pair)
            if self.matrix.cell is None:
                self.why.show(None, "Point at a cell of the matrix to see which ways into it competed, and which won.")
            self._show_path()

    def show_posterior(self, posterior: Posterior | None, said: str = "") -> None:
        """Lay the share of every pair over the matrix; without one, take it away, and say why where that is needed."""
        with self.lock:
            with self.pane.hold():
                self.matrix.show_posterior(None if posterior is None else posterior.paired)
            self._soft = f"{posterior.score:,.2f}" if posterior is not None else said
            self._tell()

    def show_dots(self, made: DotPlot) -> None:
        """Draw a dot plot of the same pair."""
        with self.lock, self.dots_pane.hold():
            self.dots.show(made)

    def choose(self, by: int) -> None:
        """Go to the next best alignment, or to the one before."""
        with self.lock:
            if self.shown is None:
                return
            with self.pane.hold():
                self.matrix.choose(max(self.matrix.path_number + by, 0))
            self._show_path()

    @property
    def shows_dots(self) -> bool:
        """Whether the dot plot is in front."""
        return bool(self.view.value == DOTS)

    def wait(self, timeout: float) -> bool:
        """Wait until nothing is drawn."""
        return self._moves.wait(timeout) and self._cells.wait(timeout)

    def _show_path(self) -> None:
        aligned = self.shown
        assert aligned is not None
        path = self.matrix.path or aligned.pair.best
        with self.blocks_pane.hold():
            self.blocks.show(rows_of(aligned.pair, path, aligned.names))
        self._tell()

    _soft = ""

    def _tell(self) -> None:
        """Say the numbers."""
        aligned = self.shown
        if aligned is None:
            return
        path = self.matrix.path or aligned.pair.best
        rows = facts_of(aligned.pair, path, aligned.seconds, self.matrix.count)
        if self._soft:
            rows["soft score"] = self._soft
        self.cigar.show([("CIGAR", rows.pop("CIGAR", "none"))])
        self.facts.show(list(rows.items()))
        self.title.say(f"{aligned.names[0]} and {aligned.names[1]}: score {aligned.pair.score:,}", "title")
        self.which.say(self._which(), "soft")

    def _which(self) -> str:
        count = self.matrix.count
        if count != count:  # NaN: too large to be counted
            return "one of the best"
        number = self.matrix.path_number + 1
        many = f"{count:,.0f}" if count < 1e6 else f"{count:.2g}".replace("e+", " × 10^")
        said = "the only best alignment" if count == 1 else f"{number:,} of {many} equally good"
        return said if count <= MOST_PATHS else f"{said} (the first {MOST_PATHS:,} can be shown)"

    # --- what a person does

    def _moved(self) -> None:
        def work(_progress: Progress) -> None:
            with self.lock, self.pane.hold():
                self.matrix.redraw()

        self._moves.submit(work, name="view")

    def _hovered(self, i: int, j: int) -> None:
        def work(_progress: Progress) -> None:
            with self.lock, self.pane.hold():
                self.matrix.look_at(i, j)

        self._cells.submit(work, name="cell", cancel_running=False)

    def _dots_moved(self) -> None:
        def work(_progress: Progress) -> None:
            with self.lock, self.dots_pane.hold():
                self.dots.redraw()

        self._moves.submit(work, name="view")

    def _dots_resized(self, change: Any) -> None:
        with self.lock, self.dots_pane.hold():
            self.dots.resize(*change["new"])

    def _view_chosen(self, on_view: Callable[[], None]) -> None:
        dots = self.shows_dots
        self.pane.layout.display, self.dots_pane.layout.display = ("none", "flex") if dots else ("flex", "none")
        on_view()

    def _scrolled(self) -> None:
        with self.blocks_pane.hold():
            self.blocks.redraw()

    def _cell(self, i: int, j: int, candidates: list[Any]) -> None:
        aligned = self.shown
        if aligned is None:
            return
        pair = aligned.pair
        won = [each.name for each in candidates if each.won]
        self.why.steps(
            f"query {i:,} {pair.letter('query', i)} · target {j:,} {pair.letter('target', j)}",
            f"score {max(each.value for each in candidates):,}",
            "Each way into the cell, and what it would be worth."
            if len(won) == 1
            else f"{len(won)} ways are equally good.",
            [(each.won, each.name, f"{each.text} = {each.value:,}") for each in candidates],
        )

    def _resized(self, change: Any) -> None:
        with self.lock, self.pane.hold():
            self.matrix.resize(*change["new"])

    def _blocks_resized(self, change: Any) -> None:
        with self.lock, self.blocks_pane.hold():
            self.blocks.resize(*change["new"])

    def _looked(self, job: Any) -> None:
        if job.error is not None and not job.superseded:
            self._error(job.error)

    def _whole(self) -> None:
        with self.lock:
            if self.shows_dots:
                with self.dots_pane.hold():
                    self.dots.whole()
                return
            with self.pane.hold():
                self.matrix.whole()

    # --- widgets

    def _build(self) -> tuple[ipywidgets.VBox, ipywidgets.HBox]:
        buttons = [
            button("◀", "the equally good alignment before", lambda: self.choose(-1)),
            button("▶", "the next equally good alignment", lambda: self.choose(1)),
            button("all", "the whole matrix", self._whole),
        ]
        self.title.add_class("genolab-cut")
        self.which.add_class("genolab-line")
        self.view.add_class("genolab-views")
        nav = ipywidgets.HBox([self.title, self.view, self.which, *buttons]).add_class("genolab-nav")
        self.pane.add_class("genolab-plot").add_class("genolab-fill")
        side = ipywidgets.VBox([self.facts, self.why]).add_class("genolab-side")
        self._beside = ipywidgets.HBox([self.pane, side]).add_class("genolab-beside")
        self.blocks_pane.add_class("genolab-plot").add_class("genolab-fill")
        self.cigar.add_class("genolab-side")
        bottom = ipywidgets.HBox([self.blocks_pane, self.cigar]).add_class("genolab-bottom")
        return ipywidgets.VBox([nav, self.refusal, self._beside]).add_class("genolab-stage"), bottom

"""What a verdict rests on, inside the call panel: what each base adds to the odds, and what would flip them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets

from genolab.errors import InputError
from genolab.plots.pane import BokehPane
from genolab.plots.sensitivity import SensitivityView
from genolab.plots.why import HEIGHT

if TYPE_CHECKING:
    from genolab.call import Explanation

ASK = "Click a position in the plot or a row of the table to see what its verdict rests on."


class Rests:
    """Its button puts a picture in the place of the reads' weights; `on_swap(shown)` clears that place."""

    def __init__(self, on_swap: Callable[[bool], None]) -> None:
        self.button = ipywidgets.ToggleButton(
            description="rests on", tooltip="which bases carry the verdict, and the smallest change that flips it",
            layout=ipywidgets.Layout(width="64px"),
        )  # fmt: skip
        self.button.observe(lambda _change: on_swap(self.shown), "value")
        self.box = ipywidgets.VBox().add_class("genolab-bars")
        self.box.layout.display = "none"

    @property
    def shown(self) -> bool:
        """Whether it is on screen."""
        return bool(self.button.value)

    def show(self, pane: BokehPane | None) -> None:
        """Put a picture in its place, or none."""
        self.box.children = () if pane is None else (pane,)


def drawn(explanation: Explanation | None) -> tuple[str, BokehPane | None]:
    """What one verdict rests on, in a sentence and as a picture; where nothing does, why not."""
    if explanation is None:
        return ASK, None
    try:
        found = explanation.sensitivity()
    except InputError as nothing:
        return str(nothing), None
    return found.sentence, BokehPane(SensitivityView(found, HEIGHT, compact=True).layout)

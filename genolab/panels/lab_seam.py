"""What the lab hands from one panel to another, and the one selection that all of them follow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolab.panels.call import CallPanel
from genolab.panels.seam import Counts, Held, Selection

if TYPE_CHECKING:
    from genolab.panels.lab_head import SelectionBoxes

_PREPARED = 600.0
"""Seconds that a session which is taken up waits for its prepared table."""

_OPENS = {
    "reads": ("Call",), "raw reads": ("Align",), "variants": ("Call", "Predict"), "counts": ("Prepare", "Predict"),
    "sequences": ("Align",), "reference": ("Align",), "model": ("Predict",),
}  # fmt: skip
"""The panels that open a kind of file, if they have ``take``."""


class LabSeam:
    """The half of the lab that stands between its panels."""

    panels: dict[str, Any]
    tabs: dict[str, Any]
    roots: Sequence[str | os.PathLike[str]] | None
    selection: Selection
    boxes: SelectionBoxes
    _untold: set[str]
    """Panels that were made after something was chosen, and have not loaded what they would show it in."""

    if TYPE_CHECKING:

        def panel(self, tab: str) -> Any: ...
        def bring(self, tab: str, kernel: str | None = None) -> None: ...
        def _hold(self, name: str, panel: Any) -> None: ...

    # --- what one panel hands to another

    def open_reads(self, reads: Path, reference: Path) -> None:
        """Bring the call panel to the front with a file that another panel wrote."""
        made = self.panels.get("Call")
        if made is None:
            self.panels["Call"] = made = CallPanel(reads, reference, roots=self.roots)
            self._hold("Call", made)
        else:
            made.open_files(reads, reference)
        self.bring("Call")

    def open_variants(self, calls: Any) -> None:
        """Bring the predict panel to the front with called variants, to see what each does to a model's score."""
        self.panel("Predict").open_variants(calls)
        self.bring("Predict")

    def open_counts(self, counts: Counts) -> None:
        """Bring the predict panel to the front with a prepared table (samples in rows)."""
        self.panel("Predict").open_counts(counts)
        self.bring("Predict")

    def _prepared(self) -> Counts | None:
        """What the prepare panel has made, once it has; None where it is not open."""
        panel = self.panels.get("Prepare")
        if panel is None:
            return None
        panel.wait(_PREPARED)
        counts: Counts | None = panel.handed()
        return counts

    def _tabs_for(self, kind: str) -> tuple[str, ...]:
        return tuple(tab for tab in _OPENS.get(kind, ()) if tab in self.tabs and kind in self._takes(tab))

    def _takes(self, tab: str) -> Sequence[str]:
        if tab in self.panels:
            return getattr(self.panels[tab], "takes", ())
        return [kind for kind, tabs in _OPENS.items() if tab in tabs]

    def _open_held(self, held: Held, tab: str, reference: Path | None) -> None:
        if held.path is None:
            return
        self.bring(tab)
        taker = self.panels[tab]
        if held.kind in getattr(taker, "takes", ()):
            taker.take(held.kind, held.path, reference)

    # --- one selection

    def select(self, selection: Selection, source: str = "") -> None:
        """Choose a region, gene and sample in every panel but the one that said so."""
        if selection == self.selection:
            return
        self.selection = selection
        self.boxes.say(selection)
        for name, panel in self.panels.items():
            if name != source and hasattr(panel, "follow"):
                panel.follow(selection)

    def _chosen_in(self, name: str, selection: Selection) -> None:
        """Choose what a panel speaks of; the rest stays."""
        parts = self.panels[name].speaks_of
        if name in self._untold:  # it says where it begins: that is no choice where there is one
            parts = [part for part in parts if not getattr(self.selection, part)]
        said = {part: getattr(selection, part) for part in parts}
        self.select(self.selection.with_(**said), name)

    def _tell_new(self, name: str) -> None:
        """Tell a panel that has done its first work what was chosen before it was made."""
        if name in self._untold:
            self._untold.discard(name)
            if hasattr(self.panels[name], "follow"):
                self.panels[name].follow(self.selection)

    def _chosen_here(self, selection: Selection) -> None:
        self.select(selection, "header")

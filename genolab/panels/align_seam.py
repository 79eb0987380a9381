"""What the align panel tells the lab, and what the lab asks of it; see :mod:`genolab.panels.seam`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolab.io.sessions import arrays_of
from genolab.panels.align_controls import AlignControls
from genolab.panels.align_many import ManyStage
from genolab.panels.align_map import MapPart
from genolab.panels.align_source import Given
from genolab.panels.align_stage import PairStage
from genolab.panels.paths import Allowed, short
from genolab.panels.seam import Held, Selection

if TYPE_CHECKING:
    import numpy as np

    from genolab.plots.report import Section


class AlignSeam:
    """The half of the align panel that faces the lab."""

    takes = ("sequences", "reference", "raw reads")
    stage: PairStage
    many: ManyStage
    mapping: MapPart
    controls: AlignControls
    allowed: Allowed
    speaks_of = ("sample",)
    on_select: Callable[[Selection], None] | None = None
    _selection = Selection()
    _shows_many: bool

    if TYPE_CHECKING:

        @property
        def code(self) -> str: ...
        def align(self) -> None: ...

    def held(self) -> list[Held]:
        """The sequences on screen, their alignment, and reads that were mapped."""
        shown, many = self.stage.shown, self.many.shown
        found: list[Held] = []
        if self._shows_many and many is not None:
            found += _file(many.given, self.controls.query.value)
            found.append(Held("alignment", many.title, None, f"{many.made.length:,} columns"))
        elif shown is not None:
            found += _file(shown.query, self.controls.query.value)
            found += _file(shown.target, self.controls.target.value)
            about = f"{shown.alignments.options['mode']}, score {int(shown.alignments.scores[0]):,}"
            found.append(Held("alignment", " and ".join(shown.names), None, about))
        mapped = self.mapping.mapped
        if mapped is not None:
            about = f"{mapped.mapped:,} of {mapped.reads:,} reads mapped"
            found.append(Held("reads", mapped.path.name, mapped.path, about, self.mapping.output.value))
        return found

    def take(self, kind: str, path: Path, reference: Path | None) -> None:
        """Align the sequences of a file, or name reads to map."""
        self.allowed.add([path, reference])
        if kind == "raw reads":
            self.mapping.reads.value = short(path)
            if reference is not None and not self.mapping.reference.value:
                self.mapping.reference.value = short(reference)
            return
        self.controls.start(short(path), "")
        self.align()

    def follow(self, selection: Selection) -> None:
        """Count the mapped reads of a region that was chosen elsewhere, and mark them where their sample was."""
        self._selection = selection
        self.mapping.follow(selection.region, selection.sample)

    def tell_sample(self, sample: str) -> None:
        """Say whose reads were mapped; the region that is chosen stays."""
        if self.on_select is not None:
            self._selection = self._selection.with_(sample=sample)
            self.on_select(self._selection)

    def view_state(self) -> dict[str, Any]:
        """Which of the best alignments is shown."""
        return {"path": int(self.stage.matrix.path_number)}

    def set_view_state(self, state: dict[str, Any]) -> None:
        """Show that one again."""
        number = state.get("path")
        if type(number) is int and number > 0:
            self.stage.choose(number - self.stage.matrix.path_number)

    def results(self) -> dict[str, np.ndarray]:
        """Score, CIGAR and places of the pair, or the rows of many."""
        if self._shows_many and self.many.shown is not None:
            return arrays_of(self.many.shown.made.to_frame())
        if self.stage.shown is None:
            return {}
        return arrays_of(self.stage.shown.alignments.to_frame())

    def report(self) -> Sequence[Section]:
        """The alignment on screen, and reads that were mapped."""
        from genolab.plots import report_reads, report_sections

        shown, mapped = self.stage.shown, self.mapping.mapped
        found: Sequence[Section] = []
        if self._shows_many and self.many.shown is not None:
            found = report_sections.of_multiple(self.many.shown.made, code=self.code)
        elif shown is not None:
            found = report_sections.of_alignments(shown.alignments, names=shown.names, code=self.code)
        return [*found, *([] if mapped is None else report_reads.of_mapped(mapped))]


def _file(given: Given, text: str) -> list[Held]:
    if given.path is None:
        return []
    about = given.record if len(given.names) == 1 else f"{len(given.names):,} sequences"
    return [Held("sequences", given.path.name, given.path, about, text)]

"""What the call panel tells the lab, and what the lab asks of it; see :mod:`genolab.panels.seam`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolab.errors import GenolabError
from genolab.io import parse_region
from genolab.io.sessions import arrays_of
from genolab.panels.inputs import ALL_SAMPLES, Inputs
from genolab.panels.paths import Allowed, short
from genolab.panels.seam import Held, Selection

if TYPE_CHECKING:
    import numpy as np

    from genolab.panels.stage import Stage
    from genolab.plots.report import Section


class CallSeam:
    """The half of the call panel that faces the lab."""

    takes = ("reads", "variants")
    stage: Stage
    inputs: Inputs
    allowed: Allowed
    speaks_of = ("region", "sample")
    on_select: Callable[[Selection], None] | None = None
    on_variants: Callable[[Any], None] | None = None
    _following = False

    # what the panel itself has
    if TYPE_CHECKING:

        @property
        def code(self) -> str: ...
        def call(self) -> None: ...
        def pick(self, position: int, centre: bool = False) -> None: ...

    def held(self) -> list[Held]:
        """Reads, reference, truth and calls on screen."""
        loaded = self.stage.loaded
        if loaded is None:
            return []
        source, calls = loaded.source, loaded.calls
        depth = ""
        if calls.evidence is not None and loaded.region.length:
            number = len(calls.evidence.pileup.reads)
            depth = f"{number:,} reads in {loaded.region.length:,} bp"
        boxes = self.inputs
        found = [
            Held("reads", source.reads.name, source.reads, depth or str(loaded.region), boxes.reads.value),
            Held("reference", source.reference.name, source.reference, "", boxes.reference.value),
        ]
        if source.truth is not None:
            found.append(Held("variants", source.truth.name, source.truth, "known variants", boxes.truth.value))
        passed = int(calls.passed.sum())
        return [*found, Held("calls", f"calls of {calls.sample}", None, f"{passed:,} pass of {len(calls):,}")]

    def take(self, kind: str, path: Path, reference: Path | None) -> None:
        """Open reads, or compare with known variants."""
        self.allowed.add([path, reference])
        if kind == "reads":
            beside = short(reference) if reference is not None else self.inputs.reference.value
            self.inputs.name(short(path), beside, "", "")
        else:
            self.inputs.truth.value = short(path)
        self.call()

    def hand_over(self) -> None:
        """Give the calls on screen to the panel that says what they do."""
        if self.stage.loaded is not None and self.on_variants is not None:
            self.on_variants(self.stage.loaded.calls)

    def tell_selection(self) -> None:
        """Say what is in sight, unless it was chosen elsewhere."""
        loaded = self.stage.loaded
        if loaded is None or self.on_select is None or self._following:
            return
        start, end = self.stage.genome.window.view
        region = loaded.region
        low, high = max(start, region.start), min(end, region.end)
        self.on_select(Selection(f"{region.contig}:{low + 1:,}-{high:,}", "", loaded.calls.sample))

    def follow(self, selection: Selection) -> None:
        """Show a region or position, and a sample, that were chosen elsewhere; what is not in the file is left."""
        loaded = self.stage.loaded
        if loaded is None:
            return
        samples = self.inputs.sample
        known = [each if isinstance(each, str) else each[1] for each in samples.options]
        if selection.sample and selection.sample in known and samples.value != selection.sample:
            samples.value = selection.sample
        elif not selection.sample and ALL_SAMPLES in known and samples.value != ALL_SAMPLES:
            samples.value = ALL_SAMPLES
        if not selection.region:
            return
        try:
            asked = parse_region(selection.region, loaded.calls.contigs)
        except GenolabError:
            return
        here = loaded.region
        if asked.contig != here.contig or asked.start < here.start or asked.end > here.end:
            if asked.length > 1:
                self.inputs.region.value = str(asked)
            return
        self._following = True
        try:
            if asked.length == 1:
                self.pick(asked.start, True)
            else:
                with self.stage.pane.hold():
                    self.stage.genome.window.range.update(start=asked.start + 0.5, end=asked.end + 0.5)
        finally:
            self._following = False

    def view_state(self) -> dict[str, Any]:
        """The window and the position that is marked."""
        window, selected = self.stage.genome.window.range, self.stage.genome.selected
        return {"window": [float(window.start), float(window.end)], "position": selected}

    def set_view_state(self, state: dict[str, Any]) -> None:
        """Go where it was."""
        loaded, ends, position = self.stage.loaded, state.get("window"), state.get("position")
        if loaded is None:
            return
        region = loaded.region
        if type(position) is int and region.start <= position < region.end:
            self.stage.select(position)
        if not isinstance(ends, list) or len(ends) != 2 or not all(type(end) in (int, float) for end in ends):
            return
        if region.start <= ends[0] < ends[1] <= region.end + 1:
            with self.stage.pane.hold():
                self.stage.genome.window.range.update(start=ends[0], end=ends[1])

    def results(self) -> dict[str, np.ndarray]:
        """The calls as arrays."""
        if self.stage.loaded is None:
            return {}
        return arrays_of(self.stage.loaded.calls.to_frame())

    def report(self) -> Sequence[Section]:
        """The calls, and why the one that is marked."""
        from genolab.plots import report_reads, report_sections

        loaded = self.stage.loaded
        if loaded is None:
            return []
        place, range_ = self.stage.genome.selected, self.stage.genome.window.range
        window = float(range_.start), float(range_.end)
        if loaded.joint is not None:
            sample = loaded.calls.sample
            return report_reads.of_joint(loaded.joint, sample=sample, position=place, window=window, code=self.code)
        return report_sections.of_calls(loaded.calls, truth=loaded.truth, position=place, window=window, code=self.code)

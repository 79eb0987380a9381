"""What the prepare panel tells the lab, and what the lab asks of it; see :mod:`genolab.panels.seam`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolab.errors import GenolabError
from genolab.io import digest
from genolab.panels.paths import Allowed, short
from genolab.panels.prepare_source import Inputs, code_of
from genolab.panels.prepare_stage import PLAIN, PrepareStage
from genolab.panels.seam import Counts, Held, Selection

if TYPE_CHECKING:
    import numpy as np

    from genolab.plots.report import Section
    from genolab.prepare.chain import Done, Step


class PrepareSeam:
    """The half of the prepare panel that faces the lab."""

    takes = ("counts",)
    stage: PrepareStage
    inputs: Inputs
    allowed: Allowed
    on_select: Callable[[Selection], None] | None = None
    on_counts: Callable[[Counts], None] | None = None
    speaks_of = ("gene", "sample")
    _made: list[Done]
    _shown_steps: Sequence[Step]
    _following = False
    _followed = Selection()

    if TYPE_CHECKING:

        @property
        def code(self) -> str: ...
        def read(self) -> None: ...

    def held(self) -> list[Held]:
        """The table, its sample sheet, and what was made of it."""
        loaded, done = self.stage.loaded, self.stage.done
        if loaded is None:
            return []
        source = loaded.source
        samples, genes = loaded.chain.table.shape
        about = f"{samples:,} samples × {genes:,} genes"
        found = [Held("counts", source.name, source.counts, about, self.inputs.counts.value)]
        if source.samples is not None:
            text = self.inputs.samples.value
            found.append(Held("samples", source.samples.name, source.samples, ", ".join(loaded.columns), text))
        if done is not None and self._made:
            rows, columns = done.table.shape
            names = " → ".join(step.name for step in self._shown_steps)
            found.append(Held("table", f"prepared: {names}", None, f"{rows:,} samples × {columns:,} genes"))
        return found

    def take(self, kind: str, path: Path, reference: Path | None) -> None:
        """Open a table."""
        self.allowed.add([path])
        self.inputs.name(short(path), "")
        self.read()

    def handed(self) -> Counts | None:
        """The table on screen with its steps, as another panel takes it; None before there is one."""
        loaded, done = self.stage.loaded, self.stage.done
        if loaded is None or done is None:
            return None
        steps = list(self._shown_steps)
        sheet, code = loaded.chain.samples, code_of(loaded.source, steps, sheet=True)
        return Counts(done.table, loaded.source.name, sheet, tuple(step.name for step in steps), code)

    def hand_over(self) -> None:
        """Give the prepared table to the panel that learns from it."""
        counts = self.handed()
        if counts is not None and self.on_counts is not None:
            self.on_counts(counts)

    def tell_samples(self) -> None:
        """Say which sample is chosen, where it is one; the gene may be one that only another panel's table has."""
        chosen = self.stage.chosen
        self._tell(sample=chosen[0] if len(chosen) == 1 else "")

    def tell_gene(self) -> None:
        """Say which gene is chosen."""
        gene = self.stage.gene.value.strip()
        self._tell(gene=gene if self.stage.has_gene(gene) else "")

    def _tell(self, **chosen: str) -> None:
        if self.on_select is not None and not self._following:
            self._followed = self._followed.with_(**chosen)
            self.on_select(self._followed)

    def follow(self, selection: Selection) -> None:
        """Mark a gene and a sample that were chosen elsewhere; what the table does not have is left."""
        self._followed = selection
        table = self.stage.view.tables.get("raw")
        if table is None:
            return
        self._following = True
        try:
            if self.stage.has_gene(selection.gene):
                self.stage.gene.value = selection.gene
            if selection.sample in table.samples:
                self.stage.choose((list(table.samples).index(selection.sample),))
            elif not selection.sample and len(self.stage.chosen) == 1:
                self.stage.choose(())
        finally:
            self._following = False

    def renew(self) -> None:
        """Read the files that the boxes name, where others were read."""
        try:
            same = self.stage.loaded is not None and self.stage.loaded.source == self.inputs.source()
        except GenolabError:  # reading says it where the eye is
            same = False
        if not same:
            self.read()

    def view_state(self) -> dict[str, Any]:
        """The samples that are chosen."""
        return {"samples": [int(each) for each in self.stage.view.chosen]}

    def set_view_state(self, state: dict[str, Any]) -> None:
        """Choose them again."""
        table, chosen = self.stage.view.tables.get("raw"), state.get("samples")
        if table is not None and isinstance(chosen, list):
            number = len(table.samples)
            self.stage.choose([each for each in chosen if type(each) is int and 0 <= each < number])

    def results(self) -> dict[str, np.ndarray]:
        """The prepared table."""
        done = self.stage.done
        if done is None:
            return {}
        table = done.table
        names = {"samples": table.index.to_numpy(str), "genes": table.columns.to_numpy(str)}
        return {"values": table.to_numpy(), **names}

    def report(self) -> Sequence[Section]:
        """The table before and after."""
        from genolab import __version__
        from genolab.plots import report_sections

        loaded = self.stage.loaded
        if loaded is None:
            return []
        source, colour = loaded.source, self.stage.colour.value
        files = {"counts": source.counts, "samples": source.samples}
        provenance = {
            "genolab": __version__,
            **{name: {"path": str(path), "digest": digest(path)} for name, path in files.items() if path is not None},
            "steps": [
                {"name": step.name, "parameters": dict(step.parameters), "columns": dict(step.columns)}
                for step in self._shown_steps
            ],
        }
        return report_sections.of_table(
            loaded.chain.start,
            self._made,
            loaded.chain.samples,
            "" if colour == PLAIN else colour,
            name=source.name,
            code=self.code,
            provenance=provenance,
        )

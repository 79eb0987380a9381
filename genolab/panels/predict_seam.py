"""What the predict panel takes from the panels beside it: called variants, and tables of expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genolab import io
from genolab.errors import GenolabError, InputError
from genolab.io import parse_region
from genolab.panels.parts import open_graph
from genolab.panels.predict_runs import GRAPH_OF_LINEAR
from genolab.panels.predict_source import WHO

if TYPE_CHECKING:
    from genolab.kernel import Kernel
    from genolab.kernel.recording import Recorded
    from genolab.panels.graph import GraphPanel
    from genolab.panels.parts import StatusBar
    from genolab.panels.predict_risk import RiskPart
    from genolab.panels.predict_runs import Run
    from genolab.panels.predict_source import Inputs
    from genolab.panels.predict_stage import PredictStage
    from genolab.panels.seam import Selection
    from genolab.scale import Latest, Progress

_NAMED = 12


class PredictSeam:
    """The panel's side of :mod:`genolab.panels.seam`, and of the graph view."""

    stage: PredictStage
    bar: StatusBar
    _explaining: Latest
    inputs: Inputs
    risk: RiskPart | None
    takes: tuple[str, ...] = ()
    if TYPE_CHECKING:

        @property
        def run(self) -> Run | None: ...
        def _refuse(self, error: BaseException | None) -> None: ...

    effects: Any = None
    """What each handed-over variant does to the model's output, a pandas table; None before any."""

    def arguments(self, kernel: str) -> tuple[dict[str, Any], list[Any]] | None:
        """What a kernel was given to make what is on screen; None where it had no part in it."""
        if self.inputs.is_cohort and self.risk is not None:
            return self.risk.calls.get(kernel)
        return (self._opened | ({} if self.run is None else self.run.calls)).get(kernel)

    _opened: Recorded = {}  # noqa: RUF012 - replaced, never changed
    """The kernel of a network that was opened, on a batch of its own."""

    def _open_graph(self, which: str) -> None:
        run = self.run
        try:
            if self.inputs.is_cohort and self.risk is not None:
                kernel: Kernel | str = self.risk.drawn_by
            else:
                kernel = GRAPH_OF_LINEAR if run is None else run.opened(which)
            self._opened = {} if isinstance(kernel, str) else {kernel.name: ({}, list(kernel.example()))}
            open_graph(self, kernel)
        except Exception as error:  # a widget's callback has nobody else to tell
            self._refuse(error)

    _graph: GraphPanel | None = None

    def open_variants(self, calls: Any) -> None:
        """Say what called variants do to the output of the model on screen: the strongest in the notices."""

        def work(progress: Progress) -> None:
            run = self.stage.run
            if run is None or not hasattr(run.model, "card_"):
                raise InputError(WHO, "variants", "a trained model to score them by", "none", "Train one first.")
            progress(None, "scoring variants")
            folder = io.cache_folder() / "training"
            folder.mkdir(parents=True, exist_ok=True)
            path = calls.write(folder / "handed.vcf.gz")
            self.effects = run.model.variant_effects(path, calls.reference_path, self.stage.target.value)
            self._contigs = calls.contigs
            self._tell_effects()

        self._explaining.submit(work, name="variants")

    def follow(self, selection: Selection) -> None:
        """Say what the variants of a region do that was chosen elsewhere; all of them where it names none of theirs."""
        before, self._region = self._region, selection.region
        if self.effects is not None and before != self._region:
            self._tell_effects()

    _region, _contigs = "", dict[str, int]()

    def _tell_effects(self) -> None:
        """The strongest effects in the region that is chosen, in the notices."""
        found, where = self.effects, ""
        try:
            region = parse_region(self._region, self._contigs) if self._region else None
        except GenolabError:  # another file's contig
            region = None
        if region is not None:
            place = found["position"] - 1
            found = found[(found["contig"] == region.contig) & (place >= region.start) & (place < region.end)]
            where = f" in {region}"
        told = found.reindex(found["effect"].abs().sort_values(ascending=False).index).head(_NAMED)
        lines = [
            f"{row.contig}:{row.position:,} {row.reference}>{row.alternate}: output {row.effect:+.3f}"
            for row in told.itertuples()
        ]
        self.bar.note((f"{len(found):,} alleles{where}, the strongest first:", *lines, *self.effects.attrs["notices"]))

    def open_counts(self, table: Any, name: str) -> None:
        """Say where a table of expression is learnt from: this panel's models read sequences and genotypes."""
        self.stage.refusal.warn(
            f"{name[:60]}: {table.shape[1]:,} genes of {table.shape[0]:,} samples. Expression from other genes or from "
            "genotypes is learnt from Python: gl.predict.GeneExpression, gl.predict.CisExpression."
        )

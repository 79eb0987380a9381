"""What the predict panel takes from the panels beside it: called variants, and tables of expression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from genolab import io
from genolab.errors import GenolabError, InputError
from genolab.io import parse_region
from genolab.panels.parts import open_graph
from genolab.panels.predict_runs import GRAPH_OF_LINEAR
from genolab.panels.predict_source import SEQUENCES, WHO
from genolab.panels.seam import Counts, Held, Selection

if TYPE_CHECKING:
    from pathlib import Path

    import ipywidgets
    import numpy as np

    from genolab.kernel import Kernel
    from genolab.kernel.recording import Recorded
    from genolab.panels.graph import GraphPanel
    from genolab.panels.page import Code, Says
    from genolab.panels.parts import StatusBar
    from genolab.panels.paths import Allowed
    from genolab.panels.predict_expression import ExpressionPart
    from genolab.panels.predict_risk import RiskPart
    from genolab.panels.predict_runs import Run
    from genolab.panels.predict_source import Inputs
    from genolab.panels.predict_stage import PredictStage
    from genolab.plots.report import Section
    from genolab.scale import Latest, Progress

_NAMED = 12


class PredictSeam:
    """The panel's side of :mod:`genolab.panels.seam`, and of the graph view."""

    stage: PredictStage
    bar: StatusBar
    _explaining: Latest
    inputs: Inputs
    risk: RiskPart | None
    expression: ExpressionPart | None
    body: ipywidgets.VBox
    code_box: Code
    place: Says
    allowed: Allowed
    takes = ("counts",)
    speaks_of = ("gene", "sample")
    on_select: Callable[[Selection], None] | None = None
    on_need_counts: Callable[[], Counts | None] | None = None
    _selection = Selection()
    if TYPE_CHECKING:

        @property
        def run(self) -> Run | None: ...
        @property
        def code(self) -> str: ...
        def read(self) -> None: ...
        def _arrange(self) -> None: ...
        def _refuse(self, error: BaseException | None) -> None: ...

    effects: Any = None
    """What each handed-over variant does to the model's output, a pandas table; None before any."""

    def arguments(self, kernel: str) -> tuple[dict[str, Any], list[Any]] | None:
        """What a kernel was given to make what is on screen; None where it had no part in it."""
        if self.part is not None:
            return self.part.calls.get(kernel)
        return (self._opened | ({} if self.run is None else self.run.calls)).get(kernel)

    _opened: Recorded = {}  # noqa: RUF012 - replaced, never changed
    """The kernel of a network that was opened, on a batch of its own."""

    def _open_graph(self, which: str) -> None:
        run = self.run
        try:
            if self.part is not None:
                kernel: Kernel | str = self.part.drawn_by
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
        """Say what the variants of a region do that was chosen elsewhere, all of them where it names none of theirs;
        predict the gene, and mark the sample."""
        self._selection = selection
        if self.expression is not None:
            self.expression.follow(selection.gene, selection.sample, self.inputs.is_expression)
        if self.risk is not None:
            self.risk.follow(selection.sample)
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

    def open_counts(self, counts: Counts) -> None:
        """Predict a gene of a table that was prepared."""
        self._expression_part().hand(counts)
        self._arrange()

    # --- modes

    @property
    def part(self) -> RiskPart | ExpressionPart | None:
        """What is shown in place of sequences; None while sequences are."""
        if self.inputs.is_cohort:
            return self.risk
        return self.expression if self.inputs.is_expression else None

    @property
    def _parts(self) -> list[RiskPart | ExpressionPart]:
        return [part for part in (self.risk, self.expression) if part is not None]

    def _risk_part(self) -> RiskPart:
        if self.risk is None:
            from genolab.panels.predict_risk import RiskPart

            self.risk = RiskPart(self.bar, self.inputs, self.code_box, self.place)
            self._place(self.risk)
            self.risk.follow(self._selection.sample)
        return self.risk

    def _expression_part(self) -> ExpressionPart:
        if self.expression is None:
            from genolab.panels.predict_expression import ExpressionPart

            self.expression = part = ExpressionPart(self.bar, self.inputs, self.code_box, self.place)
            part.on_gene = lambda gene: self._tell_selection(gene=gene)
            part.on_sample = lambda sample: self._tell_selection(sample=sample)
            part.need = lambda: None if self.on_need_counts is None else self.on_need_counts()
            self._place(part)
            part.follow(self._selection.gene, self._selection.sample, False)
        return self.expression

    def _place(self, part: RiskPart | ExpressionPart) -> None:
        tops = self.body.children[0]
        tops.children = (*tops.children, part.stage)
        column = tops.children[0]
        column.children = (*column.children[:2], part.controls, *column.children[2:])
        self._arrange()

    def _tell_selection(self, **chosen: str) -> None:
        self._selection = self._selection.with_(**chosen)
        if self.on_select is not None:
            self.on_select(self._selection)

    # --- session and report

    def held(self) -> list[Held]:
        """The table or cohort on screen, and the files beside it."""
        return [] if self.part is None else self.part.held()

    def take(self, kind: str, path: Path, reference: Path | None) -> None:
        """Open a table of counts."""
        self.allowed.add([path])
        self.inputs.name_counts(path)
        self.read()

    def results(self) -> dict[str, np.ndarray]:
        """Measured and predicted expression, and the weights, while that is shown."""
        return self.expression.results() if self.expression is not None and self.inputs.is_expression else {}

    def renew(self) -> None:
        """Take the prepared table as it is by now, where that is named."""
        if self.expression is not None and self.inputs.is_expression:
            self.expression.renew()

    def view_state(self) -> dict[str, Any]:
        """Whether expression was judged as a control."""
        return {} if self.expression is None else {"control": self.expression.controlled}

    def set_view_state(self, state: dict[str, Any]) -> None:
        """Judge expression anew where its controls were moved after it was, as a session does."""
        if self.expression is not None and self.inputs.is_expression:
            self.expression.match(state.get("control") is True)

    def report(self) -> Sequence[Section]:
        """The run, gene or score on screen, once it is judged."""
        from genolab.plots.report_predict import of_sequences

        run, files = self.run, {each.kind: each.path for each in self.held() if each.path is not None}
        if self.part is not None:
            return self.part.sections(files)
        if run is None or run.judged is None or self.inputs.what.value != SEQUENCES:
            return []
        if run.source.table is not None:
            files["sequences"] = run.source.table
        return of_sequences(
            run.study, run.judged, name=run.source.name, architecture=run.architecture, steps=run.steps,
            history=run.history, motifs=self.stage.motifs, explained=self.stage.sequence.explained, code=self.code,
            card=run.model.card_, files=files,
        )  # fmt: skip

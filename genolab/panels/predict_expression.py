"""Expression in the predict panel: one gene, from other genes or genotypes nearby, judged on held-out samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab.errors import InputError
from genolab.kernel.recording import Recorded, recorded
from genolab.panels.page import Code, Facts, Says
from genolab.panels.parameters import belong
from genolab.panels.parts import Listener, Refusal, StatusBar, button, choices, slider
from genolab.panels.paths import LOOK, complete, path_box
from genolab.panels.predict_expression_code import code_of, covariate_table, prepared_of, related_column
from genolab.panels.predict_source import GENOTYPES, HANDED, WHO, Inputs
from genolab.panels.prepare_source import GENES as GENES_IN
from genolab.panels.seam import Counts, Held
from genolab.plots.pane import BokehPane
from genolab.plots.predict_expression import ExpressionView
from genolab.predict.cis import cis_window, read_gene_places
from genolab.predict.expression_report import judge_expression
from genolab.prepare.chain import unit_of
from genolab.scale import Job, Latest, Progress

if TYPE_CHECKING:
    from pathlib import Path

    from genolab.panels.page import Downloads
    from genolab.plots.report import Section
    from genolab.predict.expression_report import ExpressionReport

GRAPH = "elastic_net_path"
"""The kernel that fits every model of expression."""
GENES, CIS = FROM = ("other genes", "genotypes nearby")
APART = "at random"
_OFFERED = 200
_OF_ALL = ("ComBat", "LinearBatch", "QuantileNormalizer", "KNNImputer", "SoftImpute", "PPCAImputer")
"""Steps that take from every sample what they give to each."""
_HELP = {
    "window": "Kilobases to either side of the gene whose variants may predict it; usually 1,000.\n"
    "Too low: regulators are left out.\nToo high: more noise.",
    "folds": "Parts of the samples, each held out once; the penalty is chosen by as many inner ones; usually 5.\n"
    "Too low: models of few samples.\nToo high: slow.",
    "share": "Of the elastic net's penalty λ(α|w| + (1 − α)w²/2), α in percent; usually 50, 100 is the lasso.\n"
    "Too low: every predictor a little.\nToo high: one of several alike.",
}
_NO_LOGARITHMS = "The values seem to be no logarithms: take them in Prepare."
_SPLIT = "what stays on one side of the split\nat random: nothing\na column of the sample table: its samples together"


class ExpressionPart:
    """Controls, pictures and the queue; `controls` and `stage` are shown while a table of expression is chosen.

    `on_gene(name)` and `on_sample(name)` are called with what a person chose here.
    """

    def __init__(self, bar: StatusBar, inputs: Inputs, code_box: Code, place: Says) -> None:
        self.bar, self.inputs, self.code_box, self.place = bar, inputs, code_box, place
        self.queue = Latest(Listener(bar, self._refuse, self._ended))
        self.on_gene: Callable[[str], None] = lambda _name: None
        self.on_sample: Callable[[str], None] = lambda _name: None
        self.need: Callable[[], Counts | None] = lambda: None
        self.view = ExpressionView(self._picked)
        self.pane, self.refusal = BokehPane(self.view.layout), Refusal()
        self.given: Counts | None = None
        self.counts: Counts | None = None
        self.report: ExpressionReport | None = None
        self.calls: Recorded = {}
        self.paths: dict[str, Any] = {}
        self.sample = self.wanted = ""
        self.controlled = False
        self.judged: dict[str, Any] = {}
        """What the controls said of what is on screen."""
        self._code, self._named, self._quiet = "", "", False
        self._path: Path | None = None
        self.verdict, self.leaks, self.facts = Says("", "title"), Says("", "soft"), Facts()
        self.leaks.add_class("genolab-leaks")
        self._controls()
        belong(self.controls, "expression")
        nav = ipywidgets.HBox([self.verdict]).add_class("genolab-nav")
        self.stage = ipywidgets.VBox([self.refusal, nav, self.pane]).add_class("genolab-stage")
        self.stage.add_class("genolab-tall").add_class("genolab-predict").add_class("genolab-expression")

    def _controls(self) -> None:
        self.gene = ipywidgets.Combobox(
            description="gene", placeholder="type to search", ensure_option=False, **LOOK,
            tooltip="the gene to predict; type a part of its name and choose",
        )  # fmt: skip
        self.genes = ipywidgets.Dropdown(
            description="genes", options=list(GENES_IN.items()), tooltip="where the genes are in the file", **LOOK
        )  # fmt: skip
        self.source = ipywidgets.Dropdown(
            description="from", options=FROM, **LOOK, tooltip="other genes: every other gene of the table\n"
            "genotypes nearby: variants around the gene, as PrediXcan does",
        )  # fmt: skip
        self.genotypes = path_box("genotypes", "PLINK bed, VCF or BCF; its samples are named as in the table", "path")
        self.places = path_box("places", "a BED file: contig, start, end and name of each gene", "path of a BED file")
        complete(self.genotypes, self.inputs.allowed, GENOTYPES)
        complete(self.places, self.inputs.allowed, (".bed", ".bed.gz"))
        self.window = slider("window", 1_000, 10, 2_000, 10, _HELP["window"])
        self.covariates = ipywidgets.SelectMultiple(
            description="covariates", options=[], rows=3, **LOOK,
            tooltip="columns of the sample table that predict beside (words: one column of 0 and 1 for each but the "
            "first).\nThe model is compared with what they predict alone. Ctrl+click for several or none.",
        )  # fmt: skip
        self.split = ipywidgets.Dropdown(description="split", options=[APART], tooltip=_SPLIT, **LOOK)
        self.folds = slider("folds", 5, 2, 10, 1, _HELP["folds"])
        self.share = slider("l1 share", 50, 5, 100, 5, _HELP["share"])
        self.seed = ipywidgets.BoundedIntText(value=0, min=0, max=9_999, description="fold seed", **LOOK,
                                              tooltip="the same seed gives the same folds")  # fmt: skip
        train = button("Train", "fit a model without each fold and judge it on the fold", self.judge)
        train.button_style = "primary"
        stop = button("Stop", "stop at the next fold", self.queue.cancel)
        control = button("Permutation control", "predict the gene's values in another order: a score is a fault",
                         lambda: self.judge(True))  # fmt: skip
        rows = {
            each: ipywidgets.HBox([each, ipywidgets.Label(unit).add_class("genolab-unit")]).add_class("genolab-row")
            for each, unit in ((self.window, "kb"), (self.folds, ""), (self.share, "%"))
        }
        self._hidden = [self.genotypes, self.places, rows[self.window]]
        self.controls = ipywidgets.VBox([
            self.genes, self.gene, self.source, *self._hidden, self.split, self.leaks, self.covariates,
            rows[self.folds], rows[self.share], self.seed,
            ipywidgets.HBox([train, stop, control]).add_class("genolab-buttons"), self.facts,
        ])  # fmt: skip
        self.gene.observe(self._gene_typed, "value")
        self.source.observe(lambda _change: self.arrange(), "value")
        self.genes.observe(self._turned, "value")
        self.arrange()

    # --- what can be asked of it

    @property
    def drawn_by(self) -> str:
        """The kernel that fitted the weights on screen."""
        return GRAPH

    @property
    def code(self) -> str:
        """Plain calls that give what is on screen."""
        return self._code

    def arrange(self) -> None:
        """Which boxes mean something."""
        for widget in self._hidden:
            widget.layout.display = None if self.source.value == CIS else "none"
        self.genes.layout.display = None if self.inputs.is_file_of_counts else "none"

    def hand(self, counts: Counts) -> None:
        """Take a table that was handed over, and judge a gene of it."""
        self.given, self._named = counts, ""
        self.inputs.hand_counts()
        self.judge()

    def judge(self, shuffle: bool = False) -> None:
        """Read the table where another one is named, look for leaks, fit without each fold and judge on it."""
        named = self.inputs.data.value
        self.arrange()

        def work(progress: Progress) -> None:
            if self.counts is None or named != self._named:
                self._begin(self._read(named, progress), named)
            counts = self.counts
            assert counts is not None
            told = self._told()
            with recorded() as calls:
                report = self._report(counts, told, shuffle, progress)
            self._show(counts, report, told, calls)

        self.queue.submit(work, name="expression")

    def renew(self) -> None:
        """Take what Prepare has made by now, where its table is named."""
        if self.inputs.data.value == HANDED:
            self.given, self._named = None, ""
            self.judge()

    def match(self, control: bool) -> None:
        """Judge again where what is on screen is not what the controls say."""
        if self.report is None or control != self.controlled or self.judged != self._told():
            self.judge(control)

    def held(self) -> list[Held]:
        """The table on screen, and genotypes and places of genes beside it."""
        found: list[Held] = []
        if self.counts is not None:
            rows, genes = self.counts.table.shape
            about = f"{rows:,} samples × {genes:,} genes"
            found.append(Held("counts", self.counts.name, self._path, about, self._named))
        texts = {"genotypes": self.genotypes.value, "places": self.places.value}
        return [*found, *(Held(kind, path.name, path, "", texts[kind]) for kind, path in self.paths.items())]

    def sections(self, files: Mapping[str, Path]) -> Sequence[Section]:
        """What a report says of the gene on screen."""
        from genolab.plots.report_expression import of_expression

        if self.report is None or self.counts is None:
            return []
        steps = self.counts.steps
        return of_expression(self.report, name=self.counts.name, steps=steps, code=self.code, files=files)

    def follow(self, gene: str, sample: str, shown: bool) -> None:
        """Take the gene that was chosen elsewhere, where the table has it, and mark the sample.

        While another mode is `shown`, nothing is computed.
        """
        self.wanted = gene
        if self.sample != sample:
            self.sample = sample
            with self.pane.hold():
                self.view.mark(sample)
        if gene and gene != self.gene.value and self._has(gene):
            self._set_gene(gene)
            if shown:
                self.judge()

    def results(self) -> dict[str, Any]:
        """What is on screen as arrays."""
        if self.report is None:
            return {}
        table, weights = self.report.samples, self.report.weights
        return {
            "samples": table["sample"].to_numpy(str), "measured": table["measured"].to_numpy(),
            "predicted": table["predicted"].to_numpy(), "baseline": table["baseline"].to_numpy(),
            "predictors": weights["predictor"].to_numpy(str), "weights": weights["weight"].to_numpy(),
        }  # fmt: skip

    def export(self, kind: str, downloads: Downloads) -> None:
        """Have the browser save what is on screen."""
        if self.report is None:
            return
        if kind == "csv":
            for name, table in (("samples", self.report.samples), ("weights", self.report.weights)):
                downloads.offer(f"expression_{name}.csv", table.to_csv(index=False).encode())
        elif kind in ("png", "svg"):
            self.pane.download("svg" if kind == "svg" else "png", "expression")

    # --- reading and judging; in a worker's thread

    def _read(self, named: str, progress: Progress) -> Counts:
        self._path = None
        if named != HANDED:
            source = self.inputs.counts_source(self.genes.value)
            counts = prepared_of(source, progress)
            self._path = source.counts
            return counts
        if self.given is None:
            progress(None, "waiting for Prepare")
            self.given = self.need()
        if self.given is None:
            fix = "Press Predict in Prepare, or name a file."
            raise InputError(WHO, "data", "a table from Prepare", "none was handed over", fix)
        return self.given

    def _begin(self, counts: Counts, named: str) -> None:
        self.counts, self._named = counts, named
        columns = [] if counts.samples is None else [str(name) for name in counts.samples.columns]
        kept = [each for each in self.covariates.value if each in columns]
        self.covariates.options = choices(columns)
        self.covariates.value = kept
        split = self.split.value if self.split.value in columns else APART
        self.split.options = choices([APART, *columns])
        self.split.value = split
        if not self._has(self.gene.value):
            spread = counts.table.var(axis=0, skipna=False).fillna(-1)  # a gene with gaps cannot be judged
            self._set_gene(self.wanted if self._has(self.wanted) else str(spread.idxmax()))
        self._offer(self.gene.value)

    def _say_place(self, counts: Counts) -> None:
        rows, genes = counts.table.shape
        steps = " → ".join(counts.steps) or "no steps"
        self.place.say(f"{counts.name}: {rows:,} samples × {genes:,} genes ({steps})", "soft")

    def _told(self) -> dict[str, Any]:
        """What the controls say."""
        return {
            "gene": self.gene.value, "cis": self.source.value == CIS, "genotypes": self.genotypes.value.strip(),
            "places": self.places.value.strip(), "window": self.window.value * 1000,
            "covariates": list(self.covariates.value), "split": self.split.value, "folds": self.folds.value,
            "share": self.share.value / 100, "seed": self.seed.value,
        }  # fmt: skip

    def _report(self, counts: Counts, told: dict[str, Any], shuffle: bool, progress: Progress) -> ExpressionReport:
        table, sheet, cis = counts.table, counts.samples, None
        self.paths = {}
        if told["cis"]:
            progress(None, "reading genotypes")
            self.paths = {name: self.inputs.allowed.check(told[name], name) for name in ("genotypes", "places")}
            cis = cis_window(self.paths["genotypes"], table.index, read_gene_places(self.paths["places"]), told["gene"],
                             window=told["window"])  # fmt: skip
        related = related_column(sheet)
        return judge_expression(
            table, told["gene"], genotypes=cis, covariates=covariate_table(sheet, told["covariates"]),
            groups=None if told["split"] == APART else sheet[told["split"]],
            related=None if related is None else sheet[related], folds=told["folds"], share=told["share"],
            seed=told["seed"], shuffle=shuffle, progress=progress,
        )  # fmt: skip

    def _show(self, counts: Counts, report: ExpressionReport, told: dict[str, Any], calls: Recorded) -> None:
        self._say_leaks(counts, report)  # before any score
        with self.pane.hold():
            self.view.show(report)
            self.view.mark(self.sample)
        self.report, self.calls, self.judged, self.controlled = report, calls, told, report.shuffled
        self._say(report)
        self._say_place(counts)
        rest = {"related": related_column(counts.samples), "shuffle": report.shuffled}
        self._code = code_of(counts, told | rest, self.paths, APART)
        self.code_box.text = self._code
        linear = [_NO_LOGARITHMS] * unit_of(counts.table.to_numpy()).linear
        self.bar.note((*counts.notices, *linear, *report.notices))
        self.bar.engine.say("numpy, loops by numba", "soft")

    # --- in words

    def _say_leaks(self, counts: Counts, report: ExpressionReport) -> None:
        leaks, lines = report.leaks, list[str]()
        lines += [f"{row.sample} ~ {row.other}: {row.kind}" for row in leaks.pairs.head(8).itertuples()]
        lines += [f"{row.gene}: r {row.r:.3f} with the gene" for row in leaks.copies.head(8).itertuples()]
        learnt = [step for step in counts.steps if step in _OF_ALL]
        said = f"Leak check: {leaks}"
        if learnt:
            said += f" {', '.join(learnt)} was fitted with the held-out samples too."
        self.leaks.say(said, "warning" if len(leaks) or learnt else "soft", lines, "which")

    def _say(self, report: ExpressionReport) -> None:
        low, high = report.added_interval
        head = "Control, values in another order: " if report.shuffled else ""
        if low <= 0:
            self.verdict.say(f"{head}{report.notices[-1]}", "warning")
        else:
            what = report.predictors[0].upper() + report.predictors[1:]
            self.verdict.say(
                f"{head}{what} add {report.added:.3f} to R² over {report.baseline} ({low:.3f}–{high:.3f})."
            )
        model, plain = report.scores.to_dict("records")
        rows = [("R²", _with_ends(model, "R2")), ("r", _with_ends(model, "r"))]
        rows += [(f"R², {report.baseline}", f"{plain['R2']:.3f}"), ("predictors used", f"{len(report.weights):,}")]
        self.facts.show(rows, f"{len(report.samples):,} samples, each held out; 95 % interval")

    def _ended(self, _job: Job[Any]) -> None:
        self.refusal.clear()

    def _refuse(self, error: BaseException | None) -> None:
        self.refusal.show(error)

    # --- what a person chose

    def _has(self, gene: str) -> bool:
        return self.counts is not None and gene in self.counts.table.columns

    def _set_gene(self, gene: str) -> None:
        was, self._quiet = self._quiet, True
        try:
            self.gene.value = gene
        finally:
            self._quiet = was

    def _offer(self, text: str) -> None:
        """Offer the genes that hold what was typed; all of them from the first where it is a gene."""
        if self.counts is None:
            return
        names = [str(name) for name in self.counts.table.columns]
        begun = "" if self._has(text) else text.strip().lower()
        found = [name for name in names if begun in name.lower()][:_OFFERED]
        if tuple(found) != tuple(self.gene.options):
            self.gene.options = found

    def _turned(self, _change: Any) -> None:
        self._named = ""  # the same file gives another table
        if self.inputs.is_expression and self.inputs.is_file_of_counts:
            self.judge()

    def _gene_typed(self, change: Any) -> None:
        self._offer(change["new"])
        if not self._quiet and self._has(change["new"]):
            self.on_gene(change["new"])
            self.judge()

    def _picked(self, sample: str) -> None:
        self.sample = sample
        self.view.mark(sample)
        self.on_sample(sample)


def _with_ends(row: Mapping[Any, Any], name: str) -> str:
    return f"{row[name]:.3f} ({row[f'{name} low']:.2f}–{row[f'{name} high']:.2f})"

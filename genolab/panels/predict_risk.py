"""Risk scores in the predict panel: a cohort, a method, and whether SNPs add anything over covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab import data
from genolab.errors import InputError
from genolab.kernel.recording import Recorded, recorded
from genolab.panels.page import Code, Facts, Says
from genolab.panels.parameters import belong
from genolab.panels.parts import Listener, Refusal, StatusBar, button, slider
from genolab.panels.paths import LOOK, complete, path_box
from genolab.panels.predict_source import COHORTS, SHEETS, Inputs
from genolab.panels.seam import Held
from genolab.plots.pane import BokehPane
from genolab.plots.predict_risk import RiskShown, RiskView
from genolab.predict.chosen import Chosen, code_of, read_cohort, simulated
from genolab.predict.risk import METHODS, RiskScore
from genolab.predict.risk_report import tenth_of
from genolab.predict.splits import held_out
from genolab.scale import Job, Latest, Progress

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from genolab.panels.page import Downloads
    from genolab.plots.report import Section
    from genolab.predict.risk_report import RiskReport

_ABOUT = {
    "lasso": "few variants with an effect, chosen along a path of penalties",
    "elastic_net": "the same, sharing an effect among linked variants",
    "ridge": "all variants with a small effect each (GBLUP)",
    "ldpred": "Gibbs sampling of effects given linkage",
    "clump_threshold": "the strongest variant of each clump, below a p-value",
    "logistic": "all variants at once, squared penalty",
    "mlp": "a small network, to compare",
}
GRAPHS = ("elastic_net_path", "penalised_loss")
"""Kernels that may fit a score; the second also gives each score of a disease its probability."""

_SPLITS = {"families apart": True, "at random": False}
PREVALENCE = 0.3


class RiskPart:
    """Controls, pictures and the queue of risk scores; `controls` and `stage` are shown while a cohort is chosen."""

    def __init__(self, bar: StatusBar, inputs: Inputs, code_box: Code, place: Says) -> None:
        self.bar, self.inputs, self.code_box, self.place = bar, inputs, code_box, place
        self.queue = Latest(Listener(bar, self._refuse, self._ended))
        self.view = RiskView()
        self.pane, self.refusal = BokehPane(self.view.layout), Refusal()
        self.report: RiskReport | None = None
        self.model: RiskScore | None = None
        self.cohort: Chosen | None = None
        self.scores: pd.DataFrame | None = None
        self.calls: Recorded = {}
        self.files: dict[str, Path] = {}
        self.shown: RiskShown | None = None
        self.code = ""
        """Plain calls that give the score on screen."""
        self.sample = ""
        self.verdict, self.leaks, self.facts = Says("", "title"), Says("", "soft"), Facts()
        self.leaks.add_class("genolab-leaks")
        self.method = ipywidgets.Dropdown(
            description="method", options=METHODS, tooltip="\n".join(f"{k}: {v}" for k, v in _ABOUT.items()), **LOOK
        )  # fmt: skip
        self.samples = _slider("samples", 600, 200, 2_000, 100, "Samples of the cohort, in pairs of siblings.")
        self.variants = _slider("variants", 1_000, 200, 5_000, 200, "Variants, in linkage with their neighbours.")
        self.heritability = _slider("h²", 50, 0, 90, 10, "Heritability: what share of the trait variants decide.\n"
                                    "0 shows what a score of nothing looks like.", "%")  # fmt: skip
        self.split = ipywidgets.Dropdown(
            description="split", options=list(_SPLITS), tooltip="whether siblings stay on one side", **LOOK
        )  # fmt: skip
        about = "a CSV with a row per sample: the trait, and numbers that are covariates"
        self.sheet = path_box("sheet", f"{about}\n(PLINK: the fam file's phenotype where it is left out)", "CSV or TSV")
        complete(self.sheet, inputs.allowed, SHEETS)
        self.trait = ipywidgets.Dropdown(description="trait", options=[], tooltip="the column to predict", **LOOK)
        start = button("Train", "fit the score on four fifths, judge it on the rest", self.simulate)
        start.button_style = "primary"
        stop = button("Stop", "stop at the next step", self.queue.cancel)
        rows = [ipywidgets.HBox([each, unit]).add_class("genolab-row") for each, unit in (
            self.samples, self.variants, self.heritability)]  # fmt: skip
        self._of_simulation, self._of_file = rows, [self.sheet, self.trait]
        self.controls = ipywidgets.VBox([
            *self._of_file, self.split, self.leaks, self.method, *rows,
            ipywidgets.HBox([start, stop]).add_class("genolab-buttons"), self.facts,
        ])  # fmt: skip
        belong(self.controls, "risk")
        nav = ipywidgets.HBox([self.verdict]).add_class("genolab-nav")
        self.stage = ipywidgets.VBox([self.refusal, nav, self.pane]).add_class("genolab-stage")
        self.stage.add_class("genolab-tall").add_class("genolab-predict")

    @property
    def disease(self) -> bool:
        """Whether the cohort has a disease, and not a trait."""
        return COHORTS.get(self.inputs.data.value, False)

    @property
    def drawn_by(self) -> str:
        """The kernel that fitted the score on screen.

        Raises
        ------
        InputError
            If the method has none.
        """
        found = next((name for name in GRAPHS if name in self.calls), None)
        if found is None:
            method = "nothing yet" if self.model is None else f"{self.model.method}, which is NumPy's linear algebra"
            fix = "Train lasso, elastic_net or logistic."
            raise InputError("Risk", "method", "one that a kernel fits", method, fix)
        return found

    def arrange(self) -> None:
        """Which boxes mean something: those of a simulation, or those of a file."""
        of_file = self.inputs.is_file_of_genotypes
        for widget in self._of_simulation:
            widget.layout.display = "none" if of_file else None
        for widget in self._of_file:
            widget.layout.display = None if of_file else "none"

    def simulate(self) -> None:
        """Read or make the cohort, look for families on both sides, fit the score and judge it."""
        self.arrange()
        of_file, told, named = self.inputs.is_file_of_genotypes, self._told(), self.inputs.data.value
        method, apart, seed = self.method.value, _SPLITS[self.split.value], self.inputs.seed.value

        def work(progress: Progress) -> None:
            progress(None, "reading" if of_file else "simulating")
            self.files = {}
            cohort = self._read() if of_file else simulated(data.simulate_cohort(**told))
            test = held_out(cohort.families if apart else range(len(cohort.trait)), seed=seed)
            self._say_leaks(set(cohort.families[~test]), cohort.families[test].tolist())
            model = RiskScore(method, folds=3, seed=seed)
            with recorded() as calls:
                report, scores = cohort.judged(model, test, progress)
            self.cohort, self.model, self.report, self.calls, self.scores = cohort, model, report, calls, scores
            # those of a disease are on another scale
            known = cohort.effects is not None and not model.binary_
            truth = cohort.effects * model.standard_.scale if known else None
            self.shown = shown = RiskShown(report, model.weights_, model.candidates_, truth, model.binary_)
            self.code = self._calls_of(told, method, apart, seed)
            with self.pane.hold():
                self.view.show(shown)
            self.follow(self.sample)
            self._say(report)
            self._say_place(named)
            self.code_box.text = self.code
            self.bar.note((*cohort.notices, *model.notices_))
            self.bar.engine.say("numpy, loops by numba", "soft")

        self.queue.submit(work, name="risk")

    def _paths(self) -> tuple[Path, Path | None]:
        allowed, sheet = self.inputs.allowed, self.sheet.value.strip()
        return allowed.check(self.inputs.data.value, "data"), allowed.check(sheet, "sheet") if sheet else None

    def _read(self) -> Chosen:
        genotypes, sheet = self._paths()
        cohort, columns = read_cohort(genotypes, sheet, self.trait.value)
        self.files = {"genotypes": genotypes} | ({} if sheet is None else {"samples": sheet})
        if tuple(columns) != tuple(self.trait.options):
            before = self.trait.value
            self.trait.options = columns
            if columns:
                self.trait.value = before if before in columns else columns[0]
        return cohort

    def _calls_of(self, made: dict[str, Any], method: str, apart: bool, seed: int) -> str:
        """Plain calls that give a score."""
        if self.files:
            return code_of(
                self.files["genotypes"], self.files.get("samples"), self.trait.value, method, apart, seed
            )  # fmt: skip
        told = ", ".join(f"{name}={value!r}" for name, value in made.items())
        units = "cohort.families" if apart else "range(len(cohort.trait))"
        prevalence = ", prevalence=cohort.prevalence" if "prevalence" in made else ""
        parts = ["dosages", "trait", "covariates"]
        train, test = (", ".join(f"cohort.{name}[{sign}test]" for name in parts) for sign in ("~", ""))
        return "\n".join([
            "import genolab as gl", "", f"cohort = gl.data.simulate_cohort({told})",
            f"test = gl.predict.held_out({units}, seed={seed})",
            f"score = gl.predict.RiskScore({method!r}, folds=3, seed={seed})",
            f"score.fit({train}, groups=cohort.families[~test])",
            f"report = score.evaluate({test}{prevalence})", "print(report, report.deciles)", "",
        ])  # fmt: skip

    def follow(self, sample: str) -> None:
        """Mark the tenth that a person stands in who was chosen elsewhere; nothing where the cohort has none such."""
        self.sample = sample
        tenth = None if self.scores is None or not sample else tenth_of(self.scores, sample)
        with self.pane.hold():
            self.view.mark(tenth, sample)

    def export(self, kind: str, downloads: Downloads) -> None:
        """Have the browser save what is on screen."""
        if self.report is None:
            return
        if kind == "csv":
            downloads.offer("risk_deciles.csv", self.report.deciles.to_csv(index=False).encode())
            assert self.scores is not None
            downloads.offer("risk_scores.csv", self.scores.to_csv(index=False).encode())
        elif kind in ("png", "svg"):
            self.pane.download("svg" if kind == "svg" else "png", "risk")

    def _told(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "samples": self.samples[0].value, "variants": self.variants[0].value,
            "heritability": self.heritability[0].value / 100, "seed": self.inputs.seed.value,
        }  # fmt: skip
        return told | ({"prevalence": PREVALENCE} if self.disease else {})

    def _say_leaks(self, known: set[str], test: list[str]) -> None:
        shared = sum(family in known for family in test)
        if shared:
            said = f"Leak check: {shared:,} of {len(test):,} test samples have a sibling in training."
            self.leaks.say(f"{said} The score flatters.", "warning")
        else:
            self.leaks.say(f"Leak check: no sibling of the {len(test):,} test samples in training.")

    def _say(self, report: RiskReport) -> None:
        low, high = report.added_interval
        if report.notices:
            self.verdict.say(" ".join(report.notices), "warning")
        else:
            self.verdict.say(f"SNPs add {report.added:.3f} to r² over covariates ({low:.3f}–{high:.3f}).")
        rows = [("r²", f"{report.r2:.3f}"), ("covariates only", f"{report.r2_covariates:.3f}"),
                ("added", f"{report.added:.3f} ({low:.2f}–{high:.2f})")]  # fmt: skip
        if report.auc is not None:
            rows += [("AUROC", f"{report.auc:.3f}"), ("covariates only ", f"{report.auc_covariates:.3f}")]
            top = report.deciles["odds ratio"].iloc[-1]
            rows.append(("odds ratio, top tenth", f"{top:.1f}"))
        if report.liability_r2 is not None:
            rows.append(("r² on liability", f"{report.liability_r2:.3f}"))
        self.facts.show(rows, "test samples, 95 % interval")

    def _say_place(self, named: str) -> None:
        assert self.cohort is not None
        assert self.model is not None
        files = self.files.values()
        name = " and ".join(path.name for path in files) or named
        self.place.say(f"{name}: {len(self.cohort.trait):,} samples × {len(self.model.weights_):,} variants", "soft")

    def sections(self, files: Mapping[str, Path]) -> Sequence[Section]:
        """What a report says of the score on screen."""
        from genolab.plots.report_predict import of_risk

        if self.shown is None or self.scores is None or self.model is None:
            return []
        name = self.place.text.partition(":")[0] if self.files else "simulated cohort"
        return of_risk(
            self.shown, self.scores, name=name, method=self.model.method, leaks=self.leaks.text, code=self.code,
            card=self.model.card_, files=files,
        )  # fmt: skip

    def held(self) -> list[Held]:
        """The files of the cohort on screen; a simulated one has none."""
        texts = {"genotypes": self.inputs.data.value, "samples": self.sheet.value}
        return [Held(kind, path.name, path, "", texts[kind]) for kind, path in self.files.items()]

    def _ended(self, _job: Job[Any]) -> None:
        self.refusal.clear()

    def _refuse(self, error: BaseException | None) -> None:
        self.refusal.show(error)


def _slider(name: str, value: int, low: int, high: int, step: int, about: str, unit: str = "") -> tuple[Any, Any]:
    return slider(name, value, low, high, step, about), ipywidgets.Label(unit).add_class("genolab-unit")

"""Expression in the predict panel: judged on held-out samples, leaks first, followed and handed over in the lab."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import genolab as gl
from genolab.panels import predict_expression
from genolab.panels.history import History
from genolab.panels.lab import Lab
from genolab.panels.predict import PredictPanel
from genolab.panels.prepare import PreparePanel
from genolab.panels.seam import Selection
from genolab.plots import report as reports

SAMPLES, GENES = 40, 60


def settled(panel: PredictPanel) -> PredictPanel:
    assert panel.wait(120)
    return panel


def expression() -> pd.DataFrame:
    """Logarithms; the first gene follows the second and third, and varies most."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(SAMPLES, GENES))
    values[:, 0] = 2 * values[:, 1] - 2 * values[:, 2] + 0.5 * values[:, 0]
    names = [f"s{k}" for k in range(SAMPLES)]
    return pd.DataFrame(values + 8, index=names, columns=[f"g{k}" for k in range(GENES)]).round(4)


def opened(folder: Path) -> PredictPanel:
    """A panel that has not trained anything."""
    rng = np.random.default_rng(1)
    texts = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(40)]
    return settled(PredictPanel(texts, ["a", "b"] * 20, split="random", train=False, roots=[folder]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of expression, genotypes of 38 of its samples, and where its first gene lies."""
    made = tmp_path_factory.mktemp("expression")
    table = expression()
    table.to_csv(made / "table.csv", index_label="sample")
    rng = np.random.default_rng(2)
    high = (table["g0"] > table["g0"].median()).to_numpy().astype(int)
    dosage = np.column_stack([high * 2, rng.integers(0, 3, (SAMPLES, 12))])[2:]
    calls = np.array(["0/0", "0/1", "1/1"])[dosage.T]
    head = '##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    for name, samples in (("cohort.vcf", list(table.index[2:])), ("others.vcf", [f"x{k}" for k in range(38)])):
        columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]
        rows = ["\t".join(["1", str(1000 * k + 1), f"rs{k}", "A", "G", ".", ".", ".", "GT", *row])
                for k, row in enumerate(calls)]  # fmt: skip
        (made / name).write_text("\n".join([head + "\t".join(columns), *rows, ""]))
    (made / "genes.bed").write_text("1\t3000\t4000\tg0\n")
    return made


@pytest.fixture(scope="module")
def panel(folder: Path) -> PredictPanel:
    """A panel on the table; tests put the controls back."""
    made = opened(folder)
    made.inputs.what.value = "expression"
    made.inputs.data.value = str(folder / "table.csv")
    settled(made).expression.genes.value = "columns"
    return settled(made)


def test_the_mode_is_one_box_and_the_data_follow_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = opened(folder)
    monkeypatch.setattr(made, "read", made._arrange)  # what is shown, and nothing read
    shown = {"sequences": made.stage.layout}
    for mode, part in (("expression", made._expression_part()), ("disease risk", made._risk_part())):
        shown[mode] = part.stage.layout
    for mode in ("expression", "disease risk", "sequences", "expression"):
        made.inputs.what.value = mode
        made.read()
        assert [name for name, layout in shown.items() if layout.display is None] == [mode]
        assert made.inputs.data.value in {
            "sequences": made.inputs.examples, "expression": made.inputs.counts,
            "disease risk": ("Cohort, simulated: a trait",),
        }[mode]  # fmt: skip
    for text, mode in (("cohort.vcf", "disease risk"), ("table.csv", "sequences"), ("counts.h5ad", "expression"),
                       ("table.csv", "expression")):  # fmt: skip
        made.inputs.data.value = text
        assert made.inputs.what.value == mode, text
    made.inputs.name("more.csv", "random")
    made.read()
    assert made.inputs.what.value == "sequences"
    assert made.stage.layout.display is None


def test_a_gene_is_judged_beside_the_baseline_after_the_leak_check(panel: PredictPanel) -> None:
    part = panel.expression
    assert part.refusal.text == ""
    assert part.gene.value == "g0", "the one that varies most"
    assert part.leaks.text == "Leak check: no twin or relative of the 40 samples in another fold."
    direct = gl.predict.judge_expression(expression(), "g0")
    assert part.report.r2 == pytest.approx(direct.r2, abs=1e-9)
    assert part.verdict.text.startswith(f"Other genes add {direct.added:.3f} to R² over the mean")
    assert part.facts.rows["R², the mean"] == f"{direct.scores['R2'][1]:.3f}"
    data = part.view.sources
    np.testing.assert_allclose(data["samples"].data["y"], direct.samples["predicted"], rtol=1e-6)
    assert list(data["scores"].data["name"]) == ["model", "the mean"]
    assert set(list(data["weights"].data["name"])[:2]) == {"g1", "g2"}
    assert panel.place.text == "table.csv: 40 samples × 60 genes (no steps)"
    namespace: dict[str, object] = {}
    exec(panel.code, namespace)
    assert namespace["report"].r2 == part.report.r2
    panel.on_graph = (asked := []).append
    panel._open_graph("step")
    assert asked == ["elastic_net_path"]
    assert panel.arguments("elastic_net_path") is not None
    sent: dict[str, bytes] = {}
    panel.downloads.offer = lambda name, content: sent.update({name: content})
    panel.export("csv")
    saved = pd.read_csv(io.BytesIO(sent["expression_samples.csv"]))
    np.testing.assert_allclose(saved["predicted"], direct.samples["predicted"], rtol=1e-6)
    assert len(pd.read_csv(io.BytesIO(sent["expression_weights.csv"]))) == len(direct.weights)
    page = reports.page(panel.report())
    for said in ("Expression of g0", "Leak check: no twin", f"{direct.r2:.3f}", "judge_expression", "table.csv"):
        assert said in page
    assert page.index("Leak check") < page.index(f"{direct.r2:.3f}"), "before any score"


def test_the_control_knows_nothing_and_a_cancel_keeps_what_is_on_screen(
    panel: PredictPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, before = panel.expression, panel.expression.report
    real = predict_expression.judge_expression

    def cancelled(*given, progress, **told):
        panel.cancel()
        return real(*given, progress=progress, **told)

    monkeypatch.setattr(predict_expression, "judge_expression", cancelled)
    part.judge(True)
    settled(panel)
    assert part.report is before
    assert "cancel" in panel.bar.state.text
    monkeypatch.undo()
    part.judge(True)
    settled(panel)
    assert part.report.r2 < 0.2
    assert part.verdict.text == "Control, values in another order: Other genes add nothing over the mean."
    assert "shuffle=True" in panel.code
    assert panel.view_state() == {"control": True}
    part.judge()
    settled(panel)
    assert part.report.r2 == before.r2


def test_genotypes_nearby_and_names_that_do_not_match(panel: PredictPanel, folder: Path) -> None:
    part = panel.expression
    assert part._hidden[0].layout.display == "none"
    part.source.value = "genotypes nearby"
    assert part._hidden[0].layout.display is None
    for text, said in (("", "Choose a file or an example"), (str(folder / "others.vcf"), "Spell them alike."),
                       ("/etc/passwd", "a file inside")):  # fmt: skip
        part.genotypes.value, part.places.value = text, str(folder / "genes.bed")
        part.judge()
        settled(panel)
        assert said in part.refusal.text
        assert part.refusal.text.count("\n") == 0
    assert part.report.predictors == "other genes", "what is on screen stays"
    part.genotypes.value = str(folder / "cohort.vcf")
    part.judge()
    settled(panel)
    assert part.refusal.text == ""
    assert part.report.predictors == "13 variants nearby"
    assert len(part.report.samples) == SAMPLES - 2
    assert part.view.sources["weights"].data["where"][0] == "1"
    assert [each.kind for each in panel.held()] == ["counts", "genotypes", "places"]
    namespace: dict[str, object] = {}
    exec(panel.code, namespace)
    assert namespace["report"].r2 == part.report.r2
    part.source.value, part.genotypes.value, part.places.value = "other genes", "", ""
    part.gene.value = "nothing"
    part.judge()
    settled(panel)
    assert "'nothing'; 60 others" in part.refusal.text
    part.gene.value = "g0"
    settled(panel)
    assert part.refusal.text == ""


def test_controls_are_taken_back_and_none_is_mistaken_for_another(panel: PredictPanel) -> None:
    history, part = History(lambda: None), panel.expression
    history.hold("Predict", panel.body)
    part.folds.value = 4
    part.split.options = ["at random", "family"]
    assert str(history.past[-1]) == "expression: folds 5 → 4"
    panel._risk_part()  # its boxes come between
    history.watch("Predict")
    history.undo()
    assert part.folds.value == 5
    part.split.options = ["at random"]
    panel.inputs.what.value = "sequences"
    settled(panel)
    assert panel.stage.layout.display is None
    history.watch("Predict")
    history.undo()
    settled(panel)
    assert panel.inputs.what.value == "expression"
    assert panel.inputs.data.value.endswith("table.csv")
    assert part.stage.layout.display is None


def counts() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts of genes that rise and fall together, with a sample table."""
    rng = np.random.default_rng(3)
    level = np.exp(rng.normal(size=(24, 3))) @ np.exp(rng.normal(size=(3, 50)))
    names = [f"s{k}" for k in range(24)]
    table = pd.DataFrame(rng.poisson(40 * level), index=names, columns=[f"g{k}" for k in range(50)])
    donors = [f"d{k // 2}" for k in range(24)]
    return table, pd.DataFrame({"donor": donors, "age": np.arange(24) % 7}, index=names)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, Path]:
    """A lab whose Predict was made after a gene had been chosen, and took the prepared table."""
    home = tmp_path_factory.mktemp("lab")
    table, sheet = counts()
    table.T.to_csv(home / "counts.csv", index_label="gene")
    sheet.to_csv(home / "sheet.csv", index_label="sample")
    # compiles the loops: a panel's first answer without them is equal to rounding only, and sessions compare bits
    filtered = gl.prepare.GeneFilter().fit_transform(gl.io.read_counts(home / "counts.csv").to_frame())
    gl.prepare.TMM(log=True).fit_transform(filtered)
    made = Lab(first="Graph", roots=[home])
    made.panels["Prepare"] = prepare = PreparePanel(home / "counts.csv", home / "sheet.csv", roots=[home])
    made._hold("Prepare", prepare)
    assert prepare.wait(60)
    prepare.stage.gene.value = "g7"
    made.panels["Predict"] = opened(home)
    made._hold("Predict", made.panels["Predict"])
    prepare.onward.click()
    assert made.wait(120)
    return made, home


def test_a_prepared_table_opens_in_predict_with_what_is_chosen(bench: tuple[Lab, Path]) -> None:
    lab, _ = bench
    prepare, predict = lab.panels["Prepare"], lab.panels["Predict"]
    assert lab.shown == "Predict"
    part = predict.expression
    assert part.refusal.text == ""
    assert predict.inputs.data.value == "Counts from Prepare"
    assert part.gene.value == part.report.gene == "g7"
    assert part.counts.table is prepare.stage.done.table
    assert [value for _, value in part.covariates.options] == ["donor", "age"]
    assert "samples have a twin or relative in another fold" in part.leaks.text
    assert "same family" in part.leaks.text
    part.split.value = "donor"
    part.judge()
    assert lab.wait(60)
    assert part.leaks.text.startswith("Leak check: no twin")
    assert part.report.samples.groupby(counts()[1]["donor"].to_numpy())["fold"].nunique().max() == 1
    namespace: dict[str, object] = {}
    exec(predict.code, namespace)
    assert namespace["report"].r2 == part.report.r2


def test_gene_and_sample_are_followed_and_each_panel_changes_only_its_own(bench: tuple[Lab, Path]) -> None:
    lab, _ = bench
    prepare, predict = lab.panels["Prepare"], lab.panels["Predict"]
    part, ring = predict.expression, prepare.stage.view.sources["prepared_gene"]
    lab.select(Selection("chr1:1-100", "g7", ""))
    part.view.sources["samples"].selected.indices = [3]
    assert lab.selection == Selection("chr1:1-100", "g7", "s3")
    assert prepare.stage.chosen == ("s3",)
    assert part.view.sources["chosen"].data["sample"] == ["s3"]
    part.gene.value = "g9"
    assert lab.wait(60)
    assert prepare.stage.gene.value == "g9"
    assert ring.data["name"] == ["g9"]
    np.testing.assert_allclose(ring.data["mean"], prepare.stage.done.table["g9"].mean(), rtol=1e-5)
    prepare.stage.gene.value = "g7"
    assert lab.wait(60)
    assert part.report.gene == "g7"
    prepare.stage.choose((5,))
    assert lab.selection == Selection("chr1:1-100", "g7", "s5")
    assert part.view.sources["chosen"].data["sample"] == ["s5"]
    lab.select(Selection("chr1:1-100", "another panel's gene", "s5"))
    prepare.stage.clear.click()
    assert lab.selection == Selection("chr1:1-100", "another panel's gene", "")
    assert part.view.sources["chosen"].data["sample"] == []
    lab.select(Selection())
    predict.inputs.what.value = "sequences"
    assert lab.wait(60)
    lab.select(Selection(gene="g9"))
    assert lab.wait(60)
    assert predict.refusal == ""
    assert part.report.gene == "g7", "nothing is computed out of sight"
    predict.inputs.data.value = "Counts from Prepare"
    assert lab.wait(60)
    assert part.report.gene == "g9"


def test_a_session_judges_the_same_again(bench: tuple[Lab, Path]) -> None:
    lab, home = bench
    part = lab.panels["Predict"].expression
    part.folds.value, part.covariates.value = 4, ("age",)
    part.judge(True)
    assert lab.wait(60)
    lab.save(home / "session")
    other = Lab(first="Graph", roots=[home])
    for name, made in (("Predict", opened(home)), ("Prepare", PreparePanel(roots=[home]))):
        other.panels[name] = made
        other._hold(name, made)
    found = other.restore(home / "session")
    assert other.wait(120)
    again = other.panels["Predict"].expression
    assert found.left == {}
    assert found.differs == {}
    assert again.report.shuffled
    assert again.report.baseline == "covariates"
    assert len(again.report.folds) == 4
    assert again.report.r2 == part.report.r2


def test_gaps_logarithms_and_tables_from_nowhere(folder: Path) -> None:
    made = opened(folder)
    made.inputs.data.value = "Counts from Prepare"
    part = settled(made).expression
    assert "Press Predict in Prepare, or name a file." in part.refusal.text
    assert part.genes.layout.display == "none"
    part.genes.value = "columns"
    table = expression()
    table.iloc[0, 5] = np.nan
    table.to_csv(folder / "gaps.csv", index_label="sample")
    made.inputs.data.value = str(folder / "gaps.csv")
    settled(made)
    assert "nothing for 'g5' in 's0'. Impute them in Prepare." in part.refusal.text
    (2 ** expression()).round(3).to_csv(folder / "linear.csv", index_label="sample")
    made.inputs.data.value = str(folder / "linear.csv")
    settled(made)
    assert part.refusal.text == ""
    assert part.counts.steps == ("Logarithm",)
    assert part.report.r2 > 0.5

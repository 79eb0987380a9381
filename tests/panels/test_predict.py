"""The predict panel without a browser: leaks before scores, live training, stop and resume, edits, what leaves it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bokeh.models import Range1d

import genolab as gl
from genolab.panels import predict_runs
from genolab.panels.predict import PredictPanel
from genolab.panels.seam import Selection
from genolab.plots import report as reports


def made(count: int = 160, length: int = 40, seed: int = 0) -> tuple[list[str], list[str]]:
    """Random sequences; half hold a motif, at any place."""
    rng = np.random.default_rng(seed)
    texts = ["".join(rng.choice(list("ACGT"), length)) for _ in range(count)]
    labels = ["with" if k % 2 else "without" for k in range(count)]
    for k in range(1, count, 2):
        place = rng.integers(2, length - 10)
        texts[k] = texts[k][:place] + "TATAATG" + texts[k][place + 7 :]
    return texts, labels


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory: pytest.TempPathFactory):
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def panel() -> PredictPanel:
    """A panel with a trained run; tests put the controls back."""
    return settled(PredictPanel(*made(), split="random", architecture="deepbind", epochs=3))


def settled(panel: PredictPanel) -> PredictPanel:
    assert panel.wait(240)
    return panel


def test_it_opens_trained_with_the_leak_check_said_first(panel: PredictPanel) -> None:
    assert panel.refusal == ""
    run = panel.run
    assert run is not None
    assert run.state == "done"
    assert panel.leaks.text.startswith("Leak check: no relative")
    assert len(run.history) == 3
    assert len(run.steps) == 3 * run.steps_an_epoch
    source = panel.stage.training.sources
    np.testing.assert_array_equal(source["held"].data["y"], [each["validation_loss"] for each in run.history])
    assert source["best"].data["text"] == [f"best: epoch {int(np.argmin(source['held'].data['y'])) + 1}"]
    rows = panel.scores.rows
    assert float(rows["AUROC"].split()[0]) == pytest.approx(run.judged.value("auroc"), abs=1e-3)
    assert "word counts" in run.judged.sentence
    assert float(rows["  AUROC, word counts"]) == pytest.approx(run.judged.value(of="baseline (word counts)"), abs=1e-3)


def test_the_baseline_is_drawn_beside_the_model_in_every_curve(panel: PredictPanel) -> None:
    view = panel.stage.training
    for kind in ("ROC", "PR", "calibration"):
        panel.stage.judged.value = kind
        data = view.sources["curves"].data
        assert data["label"] == ["model", "word counts"]
        assert data["dash"] == ["solid", "dashed"]
    panel.stage.judged.value = "ROC"
    x, y = (view.sources["curves"].data[each][0] for each in ("xs", "ys"))
    area = float(((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2).sum())
    assert area == pytest.approx(panel.run.judged.value("auroc"), abs=1e-9)
    panel.stage.judged.value = "confusion"
    assert sum(view.sources["cells"].data["count"]) == len(panel.run.study.test)
    assert view.confusion.visible
    panel.stage.judged.value = "ROC"


def test_an_edited_base_moves_the_prediction_as_the_map_said(panel: PredictPanel) -> None:
    panel.explain(int(panel.run.study.test[1]))
    settled(panel)
    before = panel.stage.sequence.explained
    place, base, change = before.greatest()
    panel.stage._edited(place, base)
    settled(panel)
    after = panel.stage.sequence.explained
    assert after.output - before.output == pytest.approx(change, abs=1e-4)
    assert panel.stage.undo.layout.visibility == "visible"
    said = panel.stage.sequence.sources["said"].data
    np.testing.assert_allclose(said["before"], before.prediction)
    np.testing.assert_allclose(said["now"], after.prediction)
    assert panel.stage.sequence.sources["edits"].data["text"] == [f"{before.text[place]}→{'ACGT'[base]}"]
    panel.stage.undo.click()
    settled(panel)
    assert panel.stage.sequence.explained.text == before.text
    assert panel.stage.undo.layout.visibility == "hidden"
    panel.stage.letters.value = before.text[:5] + "!" + before.text[6:]
    settled(panel)
    assert "'!' at position 6" in panel.refusal
    panel.stage.letters.value = before.text
    settled(panel)


def test_a_stopped_training_goes_on_to_the_same_numbers(panel: PredictPanel) -> None:
    assert predict_runs.LOOPS.wait(120)  # compiled since the first run: else one of two runs may begin without them
    whole = PredictPanel(*made(), split="random", architecture="deepbind", epochs=2, train=False)
    settled(whole).train()
    settled(whole)
    other = settled(PredictPanel(*made(), split="random", architecture="deepbind", epochs=2, train=False))
    original, calls = other.stage.show_run, []

    def stop_soon(run, runs):
        original(run, runs)
        calls.append(run)
        if len(run.steps) >= 1 and len(calls) == 2:
            other.stop()

    other.stage.show_run = stop_soon
    other.train()
    settled(other)
    assert other.run.state == "stopped"
    assert not other.buttons["resume"].disabled
    other.stage.show_run = original
    other.resume()
    settled(other)
    assert other.run.state == "done"
    for name, value in whole.run.model.weights_.items():
        np.testing.assert_array_equal(other.run.model.weights_[name], value)
    assert [each["loss"] for each in other.run.history] == [each["loss"] for each in whole.run.history]
    assert other.buttons["resume"].disabled


def test_runs_are_compared_and_the_control_knows_nothing(panel: PredictPanel) -> None:
    panel.train(shuffled=True)
    settled(panel)
    assert len(panel.runs) == 2
    assert "labels shuffled" in panel.run.name
    low, high = panel.run.judged.table[["low", "high"]].iloc[0]
    assert low < 0.5 < high
    assert panel.stage.training.sources["others"].data["name"] == [panel.runs[0].name]
    panel.chooser.value = 1
    settled(panel)
    assert panel.run is panel.runs[0]


def test_leaks_are_said_in_a_warning() -> None:
    texts, labels = made(60)
    panel = settled(PredictPanel(texts + texts, labels + labels, split="random", train=False))
    assert panel.leaks.content["tone"] == "warning"
    assert "flatter" in panel.leaks.text
    assert any("exact duplicate" in line for line in panel.leaks.content["details"])
    panel.inputs.split.value = "similarity"
    settled(panel)
    assert panel.leaks.content["tone"] == "plain"


def test_a_column_of_groups_and_numbers(tmp_path: Path) -> None:
    texts, _ = made(120)
    rng = np.random.default_rng(0)
    lines = [f"{text},{text.count('G') + rng.normal():.3f},{k % 6}" for k, text in enumerate(texts)]
    path = tmp_path / "expression.csv"
    path.write_text("sequence,value,chromosome\n" + "\n".join(lines) + "\n")
    panel = PredictPanel(path, split="chromosome", architecture="kmer_logistic", roots=[tmp_path])
    settled(panel)
    assert panel.refusal == ""
    study = panel.run.study
    groups = np.array([k % 6 for k in range(120)])
    assert not set(groups[study.test]) & set(groups[study.known])
    assert panel.run.judged.first == "r"
    assert panel.stage.of_filters.text.startswith("linear")
    panel.stage.judged.value = "sequences"
    assert len(panel.stage.training.sources["points"].data["x"]) == len(study.test)
    namespace: dict[str, object] = {}
    exec(panel.code, namespace)
    assert "predict_curves" in namespace["judged"].plot().to_html()
    np.testing.assert_allclose(namespace["judged"].output, panel.run.judged.output, rtol=1e-6)


def test_what_leaves_the_panel(panel: PredictPanel, tmp_path: Path) -> None:
    sent: dict[str, bytes] = {}
    panel.downloads.offer = lambda name, content: sent.update({name: content})
    panel.export("csv")
    panel.export("model")
    (table,) = (content for name, content in sent.items() if name.endswith(".csv"))
    assert table.count(b"\n") == len(panel.run.study.test) + 1
    (tmp_path / "m.glmodel").write_bytes(next(c for name, c in sent.items() if name.endswith(".glmodel")))
    loaded = gl.predict.load(tmp_path / "m.glmodel")
    one = panel.run.study.bases.text(0)
    # a run begun before the loop was compiled has its first layer by NumPy, a loaded model by the loop: sums in another
    # order, in single precision; where both go by the loop, the bits are the same
    tolerance = 0 if panel.run.fused else 1e-6
    np.testing.assert_allclose(loaded.predict_proba([one]), panel.run.model.predict_proba([one]), rtol=tolerance)
    panel.export("png")
    assert "No page shows" in panel.refusal
    panel.stage.refusal.clear()


def test_the_report_has_the_run_with_leaks_and_baseline_first(panel: PredictPanel) -> None:
    (section,) = panel.report()
    run = panel.run
    assert section.title == "deepbind on your sequences"
    assert list(section.sentences) == [f"Leak check: {run.study.leaks}", run.judged.sentence]
    assert f"baseline (word counts): {run.judged.first}" in section.facts
    assert len(section.figures) == 3, "training, filters, the sequence that is explained"
    assert len(section.tables["Test sequences"]) == len(run.study.test)
    page = reports.page([section])
    for said in (f"{run.judged.value():.3f}", run.model.card_["data"]["digest"], "make_study"):
        assert said in page
    assert page.index("Leak check") < page.index(f"{run.judged.value():.3f}")


def test_the_graph_opens_on_this_networks_step(panel: PredictPanel) -> None:
    shown = []
    panel.on_graph = shown.append
    panel._open_graph("step")
    panel._open_graph("forward")
    assert [kernel.name for kernel in shown] == ["training_step", "network_forward"]
    forward = shown[1]
    assert panel.arguments("network_forward")[1] == list(forward.example())
    test = panel.run.study.test[: panel.settings.batch.value]
    wanted, _ = panel.run.study.bases.batch(test)
    np.testing.assert_array_equal(forward.example()[list(forward.inputs).index("codes")], wanted)
    codes = forward.example()[list(forward.inputs).index("codes")]
    (found,) = forward(*forward.example())
    bases = gl.predict.bases.encode("t", "s", ["".join("ACGT"[c] for c in row) for row in codes])
    np.testing.assert_allclose(found, panel.run.model._raw(bases), atol=1e-5)
    step = shown[0]
    before = dict(zip(step.inputs, step.example(), strict=True))["weights"]
    learnt = np.concatenate([value.ravel() for value in panel.run.model.trainer_.weights().values()])
    assert set(before) <= set(learnt)  # those that a step moves; a running mean is an input of its own


def test_the_compiled_loop_is_taken_up_between_runs() -> None:
    assert predict_runs.LOOPS.wait(120)
    texts, labels = made(80)
    panel = settled(PredictPanel(texts, labels, split="random", architecture="deepbind", epochs=1))
    assert panel.run.fused
    assert panel.bar.engine.text == "numpy, first layer by numba"


def test_a_cohort_is_judged_beside_covariates_and_siblings_are_said() -> None:
    texts, labels = made(60)
    panel = settled(PredictPanel(texts, labels, train=False))
    risk = panel._risk_part()
    risk.samples[0].value, risk.variants[0].value = 200, 200
    panel.inputs.data.value = "Cohort, simulated: a trait"
    settled(panel)
    assert risk.refusal.text == ""
    assert panel.stage.layout.display == "none"
    assert risk.leaks.text.startswith("Leak check: no sibling")
    data = risk.view.sources["deciles"].data
    assert list(data["decile"]) == list(range(1, 11))
    assert np.isfinite(data["plain"]).all()
    seen = risk.view.deciles.y_range
    assert type(seen) is Range1d, "a range of data would leave the intervals out"
    assert seen.start < min(data["low"])
    assert max(data["high"]) < seen.end
    assert float(risk.facts.rows["covariates only"]) == pytest.approx(risk.report.r2_covariates, abs=1e-3)
    namespace: dict[str, object] = {}
    exec(panel.code, namespace)
    assert namespace["report"].r2 == pytest.approx(risk.report.r2, abs=1e-9)
    panel.on_graph = (asked := []).append
    panel._open_graph("step")
    assert asked == ["elastic_net_path"]
    page = reports.page(panel.report())
    for said in (risk.leaks.text, f"{risk.report.r2:.3f}", "covariates only", "Tenths of the score", "simulate_cohort"):
        assert said in page
    assert page.index("Leak check") < page.index(f"{risk.report.r2:.3f}"), "before any score"
    assert panel.arguments("elastic_net_path")[1][0].shape[0] <= 200
    risk.heritability[0].value, risk.split.value = 0, "at random"
    risk.simulate()
    settled(panel)
    assert risk.verdict.text == "SNPs add nothing over covariates."
    assert "sibling in training" in risk.leaks.text
    panel.inputs.data.value = "your sequences"
    settled(panel)
    assert risk.stage.layout.display == "none"
    assert panel.stage.layout.display is None


def family_cohort(samples=160, variants=60):
    """Dosages, a trait that they decide, and a covariate; the families are pairs."""
    draw = np.random.default_rng(2)
    dosage = draw.binomial(2, 0.4, (samples, variants))
    age = draw.normal(size=samples).round(3)
    return dosage, (dosage[:, :6].sum(axis=1) + 0.5 * draw.normal(size=samples) + age).round(3), age


def test_a_cohort_of_files_is_scored_and_saved(tmp_path: Path) -> None:
    dosage, trait, age = family_cohort()
    names = [f"s{k}" for k in range(len(trait))]
    calls = np.array(["0/0", "0/1", "1/1"])[dosage.T]
    head = '##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names]
    rows = ["\t".join(["1", str(k + 1), f"rs{k}", "A", "G", ".", ".", ".", "GT", *row]) for k, row in enumerate(calls)]
    (tmp_path / "cohort.vcf").write_text("\n".join([head + "\t".join(columns), *rows, ""]))
    families = [f"f{k // 2}" for k in range(len(trait))]
    sheet = pd.DataFrame({"sample": names, "height": trait, "age": age, "family": families})
    sheet.iloc[::-1].to_csv(tmp_path / "sheet.csv", index=False)
    texts, labels = made(60)
    panel = settled(PredictPanel(texts, labels, train=False, roots=[tmp_path]))
    panel.inputs.data.value = str(tmp_path / "cohort.vcf")
    risk = settled(panel).risk
    assert risk is not None
    assert "a trait for the samples of a VCF" in risk.refusal.text
    assert risk._of_simulation[0].layout.display == "none"
    assert risk.sheet.layout.display is None
    risk.sheet.value = str(tmp_path / "sheet.csv")
    risk.simulate()
    settled(panel)
    assert risk.refusal.text == ""
    assert risk.trait.options == ("height", "age")
    assert risk.report.added > 0.3
    assert risk.leaks.text.startswith("Leak check: no sibling")
    namespace: dict[str, object] = {}
    exec(panel.code, namespace)
    assert namespace["report"].r2 == pytest.approx(risk.report.r2, abs=1e-9)
    panel.downloads.offer = lambda name, content: saved.update({name: content})
    saved: dict[str, bytes] = {}
    panel.export("csv")
    table = pd.read_csv(io.BytesIO(saved["risk_scores.csv"]))
    assert table["sample"].tolist() == names
    test = table["part"] == "test"
    assert not set(table["family"][test]) & set(table["family"][~test])
    assert np.corrcoef(table["expected"][test], trait[test])[0, 1] ** 2 == pytest.approx(risk.report.r2, abs=0.1)
    assert len(pd.read_csv(io.BytesIO(saved["risk_deciles.csv"]))) == 10

    # the tenth of a person who is chosen elsewhere is ringed, in the picture of the next score too
    person, judged = names[5], np.sort(table["score"][test])
    panel.follow(Selection(sample=person))
    below = int((judged < table["score"][5]).sum())
    tenth = min(below * 10 // len(judged), 9) + 1
    ringed, drawn = risk.view.sources["person"].data, risk.view.sources["deciles"].data
    assert list(ringed["decile"]) == [tenth]
    assert list(ringed["name"]) == [person]
    assert list(ringed["mean"]) == [drawn["mean"][list(drawn["decile"]).index(tenth)]]
    risk.simulate()
    settled(panel)
    assert list(risk.view.sources["person"].data["name"]) == [person]
    panel.follow(Selection(sample="nobody"))
    assert len(risk.view.sources["person"].data["name"]) == 0


def test_cases_of_a_plink_file_are_its_twos(tmp_path: Path) -> None:
    dosage, trait, _ = family_cohort()
    code = np.array([3, 2, 0])[dosage.T].reshape(60, 40, 4)  # none, one, two copies of A1
    packed = (code << np.array([0, 2, 4, 6])).sum(axis=2).astype(np.uint8)
    (tmp_path / "cohort.bed").write_bytes(b"\x6c\x1b\x01" + packed.tobytes())
    (tmp_path / "cohort.bim").write_text("".join(f"1 rs{k} 0 {k + 1} A G\n" for k in range(60)))
    case = np.where(trait > np.median(trait), 2, 1)
    (tmp_path / "cohort.fam").write_text("".join(f"f{k // 2} s{k} 0 0 1 {each}\n" for k, each in enumerate(case)))
    texts, labels = made(60)
    panel = settled(PredictPanel(texts, labels, train=False, roots=[tmp_path]))
    panel.inputs.data.value = str(tmp_path / "cohort.bed")
    risk = settled(panel).risk
    assert risk is not None
    assert risk.refusal.text == ""
    assert risk.report.auc > 0.7
    assert 0.3 < (risk.report.deciles["mean trait"] * risk.report.deciles["samples"]).sum() / 32 < 0.7


def test_the_effects_of_variants_follow_the_region_that_is_chosen(panel: PredictPanel) -> None:
    phage = gl.data.example("phage")
    calls = gl.call.call_variants(phage.reads, phage.reference, region="NC_001416.1:1-5,000")
    said: list[tuple[str, ...]] = []
    panel.bar.on_note = said.append
    panel.follow(Selection("NC_001416.1:1,301-1,400"))
    assert said == [], "there are no variants yet"
    panel.open_variants(calls)
    settled(panel)
    effects = panel.effects
    there = effects[(effects["position"] > 1_300) & (effects["position"] <= 1_400)]
    assert 0 < len(there) < len(effects)
    assert said[-1][0] == f"{len(there):,} alleles in NC_001416.1:1,301-1,400, the strongest first:"
    strongest = there.loc[there["effect"].abs().idxmax()]
    assert f":{strongest['position']:,} " in said[-1][1]
    for region in ("", "other:1-10"):
        panel.follow(Selection(region))
        assert said[-1][0] == f"{len(effects):,} alleles, the strongest first:"

"""The prepare panel without a browser: what a control changes, what is refused, and what leaves it."""

from __future__ import annotations

import io
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

import genolab as gl
from genolab.kernel import on_compile
from genolab.kernel.recording import recorded
from genolab.panels.prepare import PreparePanel
from genolab.panels.prepare_catalogue import KINDS, Kind, help_text, widget_of
from genolab.panels.prepare_steps import StepList
from genolab.prepare import chain
from genolab.prepare.chain import Chain, Step, open_chain, take


@pytest.fixture(scope="module")
def example() -> PreparePanel:
    """The panel as it opens; tests put the controls back."""
    return settled(PreparePanel())


def settled(panel: PreparePanel) -> PreparePanel:
    assert panel.wait(300)  # the loops may have to be compiled
    assert panel.wait(300)  # a job may have asked for the next one
    return panel


def small(samples: int = 8, genes: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(2)
    names = [f"s{k}" for k in range(samples)]
    counts = pd.DataFrame(rng.poisson(40, (samples, genes)), names, [f"g{k}" for k in range(genes)])
    half = samples // 2
    sheet = pd.DataFrame({"batch": ["x", "y"] * half, "group": ["a"] * half + ["b"] * half}, names)
    return counts, sheet


def column(panel: PreparePanel, name: str, side: str = "prepared") -> np.ndarray:
    return np.asarray(panel.stage.view.sources[side].data[name])


def test_it_opens_with_an_example_already_prepared(example: PreparePanel) -> None:
    assert example.refusal == ""
    assert [row.kind.name for row in example.steps.rows] == ["GeneFilter", "TMM", "ComBat"]
    assert example.prepared.shape[0] == 24
    assert example.prepared.shape[1] < 2500
    assert example.stage.view.key.column == "batch"
    assert example.bar.state.text.startswith("done in")
    truth = gl.io.read_samples(gl.data.example("batches").samples).to_frame()["true_size_factor"]
    np.testing.assert_allclose(column(example, "size_factor"), truth.to_numpy(), rtol=0.05)
    assert np.abs(column(example, "rle_median")).max() < 0.1 < np.abs(column(example, "rle_median", "raw")).max()


def test_a_slider_draws_anew_compiles_nothing_and_takes_only_the_later_steps(example: PreparePanel) -> None:
    events: list[object] = []
    unsubscribe = on_compile(events.append)
    row = example.steps.rows[1]
    before, filtered = column(example, "size_factor").copy(), example._made[0]
    try:
        row.controls["ratio_trim"].value = 0.1
        settled(example)
        assert not np.allclose(column(example, "size_factor"), before)
        assert example._made[0] is filtered
        assert events == []
    finally:
        unsubscribe()
        row.controls["ratio_trim"].value = 0.3
        settled(example)
    np.testing.assert_array_equal(column(example, "size_factor"), before)


def test_one_frame_for_a_slider(example: PreparePanel) -> None:
    pane, sent = example.stage.pane, []
    pane.send = lambda content, buffers=None: sent.append(content)
    try:
        pane._receive(pane, {"kind": "hello", "view": "v", "dark": False}, [])
        pane._receive(pane, {"kind": "painted", "view": "v", "sequence": sent[-1]["sequence"]}, [])
        sent.clear()
        example.steps.rows[0].controls["min_count"].value = 30
        settled(example)
        assert [message["kind"] for message in sent] == ["patch"]
        assert len(sent[0]["content"]) + sum(map(len, sent[0]["buffers"])) < 300_000
    finally:
        pane._receive(pane, {"kind": "bye", "view": "v"}, [])
        del pane.send
        example.steps.rows[0].controls["min_count"].value = 10
        settled(example)


def test_steps_are_added_moved_switched_and_removed() -> None:
    panel = settled(PreparePanel(*small(), steps=[Step("LogCPM", {"base": 2.0})]))
    first = panel.prepared
    row = panel.steps.add("Scaler")
    settled(panel)
    np.testing.assert_allclose(panel.prepared.std(ddof=0), 1, rtol=1e-3)
    row.switch.value = False
    settled(panel)
    pd.testing.assert_frame_equal(panel.prepared, first)
    row.switch.value = True
    settled(panel)
    scaled = panel.prepared
    panel.steps._asked(row, "up")
    settled(panel)
    assert "LogCPM" in panel.refusal, "z scores are no counts"
    assert "step 2" in panel.refusal
    assert "refused" in panel.steps.rows[1].said.text
    assert panel.prepared is scaled
    panel.steps._asked(row, "remove")
    settled(panel)
    assert panel.refusal == ""
    assert panel.steps.rows[0].said.text == ""
    panel.steps._asked(panel.steps.rows[0], "remove")
    settled(panel)
    pd.testing.assert_frame_equal(panel.prepared, panel.loaded.chain.table)


def test_every_step_runs_with_the_controls_it_begins_with() -> None:
    counts, sheet = small(12, 80)
    chain, _ = open_chain(counts, sheet)
    listed = StepList(lambda: None)
    listed.set([], tuple(sheet.columns))
    kernels = {each.name for each in gl.kernels()}
    for kind in KINDS:
        (made,) = chain.run([listed.add(kind.name).step])
        assert made.table.shape[0] == 12
        assert np.isfinite(made.table.to_numpy()).all(), kind.name
        assert kind.about.endswith("."), kind.name
        assert kind.kernel in kernels
    assert [row.kind.name for row in listed.rows] == [kind.name for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_control_has_its_range_and_help(kind) -> None:
    assert len(kind.controls) + len(kind.columns) <= 5
    for name, control in kind.controls.items():
        value = kind.parameters()[name]
        widget = widget_of(control, value)
        assert widget.value == pytest.approx(value) if isinstance(value, float) else widget.value == value
        text = help_text(control, value)
        assert text[0].isupper() or not text[0].isalpha()
        assert control.choices is not None or isinstance(value, bool) or "Too low" in text


def test_the_code_gives_the_same_table(example: PreparePanel) -> None:
    example.steps.rows[0].controls["min_samples"].value = 5
    settled(example)
    names: dict[str, object] = {}
    exec(example.code, names)
    pd.testing.assert_frame_equal(names["prepared"], example.prepared)
    example.steps.rows[0].controls["min_samples"].value = 3
    settled(example)
    handed = settled(PreparePanel(*small()))
    names = {"counts": small()[0], "samples": small()[1]}
    exec(handed.code, names)
    np.testing.assert_allclose(names["prepared"], handed.prepared)


def test_samples_are_chosen_by_level_and_in_python(example: PreparePanel) -> None:
    example.stage.legend._heard(None, {"kind": "pick", "number": 2}, [])
    assert len(example.chosen) == 8
    assert all("_C" in name for name in example.chosen)
    assert example.stage.said.text == "8 samples chosen"
    example.stage.choose([3])
    assert example.stage.said.text == example.chosen[0]
    example.stage.legend._heard(None, {"kind": "pick", "number": 99}, [])
    example.stage.choose(())
    assert example.stage.said.text == ""
    assert example.stage.clear.layout.visibility == "hidden"


def test_colours_follow_a_column(example: PreparePanel) -> None:
    example.stage.colour.value = "rin"
    settled(example)
    assert example.stage.legend.content["ends"] == ["7.5", "9.6"]
    example.stage.colour.value = "nothing"
    settled(example)
    assert set(column(example, "colour", "raw")) == {"#0072B2"}
    example.stage.colour.value = "batch"
    settled(example)
    assert [item["text"] for item in example.stage.legend.content["items"]] == ["run A", "run B", "run C"]


# --- what can be handed over


@pytest.mark.filterwarnings("ignore:.*infer_string")  # AnnData asks pandas for an option that is going
def test_tables_of_every_kind() -> None:
    counts, sheet = small()
    table = anndata.AnnData(counts.to_numpy(np.float32), obs=sheet, var=pd.DataFrame(index=counts.columns))
    panel = settled(PreparePanel(table))
    assert panel.refusal == ""
    assert panel.loaded.columns == ("batch", "group")
    assert list(panel.prepared.index) == list(counts.index)
    panel = settled(PreparePanel(counts.to_numpy(), sheet.reset_index(drop=True)))
    assert panel.refusal == ""
    assert panel.prepared.index[0] == "sample 1"
    shuffled = sheet.iloc[::-1].reset_index(names="name")
    panel = settled(PreparePanel(counts, shuffled))
    assert list(panel.loaded.chain.samples["batch"]) == list(sheet["batch"])


def test_files_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    counts, sheet = small()
    counts.T.to_csv("counts.csv")
    sheet.to_csv("samples.csv", index_label="sample")
    panel = settled(PreparePanel("counts.csv", "samples.csv", roots=[tmp_path]))
    assert panel.refusal == ""
    assert [row.kind.name for row in panel.steps.rows] == ["GeneFilter", "TMM"], (
        "one's own batches are one's own decision"
    )
    assert "samples" not in panel.code
    panel.steps.add("LinearBatch")
    settled(panel)
    names: dict[str, object] = {}
    exec(panel.code, names)
    pd.testing.assert_frame_equal(names["prepared"], panel.prepared)
    counts.to_csv("other.csv")
    panel.inputs.counts.value = "other.csv"
    panel.read()
    settled(panel)
    assert "Set genes to in columns" in panel.refusal
    panel.inputs.genes.value = "columns"
    settled(panel)
    assert panel.refusal == ""
    assert [row.kind.name for row in panel.steps.rows] == ["GeneFilter", "TMM"]


# --- what is refused, and what is warned of


def test_what_is_refused(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    counts, sheet = small()
    said = settled(PreparePanel(counts, sheet.rename(index={"s3": "S-3"}))).refusal
    assert "none for 's3'" in said
    assert "text" not in said
    assert "'x' in row 's0', column 'note'" in settled(PreparePanel(counts.assign(note="x"))).refusal
    assert "'s0' twice" in settled(PreparePanel(pd.concat([counts, counts]))).refusal
    outside = tmp_path_factory.mktemp("outside") / "counts.csv"
    counts.T.to_csv(outside)
    panel = settled(PreparePanel(counts, roots=[tmp_path]))
    panel.inputs.counts.value = str(outside)
    panel.read()
    settled(panel)
    assert "inside" in panel.refusal
    assert panel.bar.state.text == "refused"
    assert panel.prepared is not None, "what is on screen stays"
    (tmp_path / "page.csv").write_text("<!DOCTYPE html><html>404</html>")
    panel.inputs.counts.value = str(tmp_path / "page.csv")
    panel.read()
    assert "web page" in settled(panel).refusal


def test_a_large_table_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genolab.panels.prepare_source.MOST_VALUES", 100)
    assert "gl.prepare" in settled(PreparePanel(small()[0])).refusal


def test_confounded_batches_are_refused_at_their_step() -> None:
    counts, sheet = small()
    panel = settled(PreparePanel(counts, sheet, steps=[Step("LogCPM")]))
    row = panel.steps.add("ComBat")
    settled(panel)
    row.columns["covariates"].value = "batch"
    settled(panel)
    assert "confounded" in panel.refusal
    assert "step 2" in panel.refusal
    assert any("still shown" in line for line in panel.stage.refusal.words.content["details"])
    row.columns["covariates"].value = "group"
    settled(panel)
    assert panel.refusal == ""


def test_warnings_stand_above_the_plot_and_at_their_step() -> None:
    counts, sheet = small()
    counts["g0"] = 7
    counts["g1"] = 7
    sheet["group"] = ["a", "b", "a", "b", "a", "a", "a", "b"]
    panel = settled(PreparePanel(counts, sheet, steps=[Step("Scaler")]))
    assert "2 constant genes became 0" in panel.refusal
    assert panel.stage.refusal.warning
    assert "constant" in panel.steps.rows[0].said.text
    sheet["batch"] = ["x", "x", "x", "x", "y", "y", "y", "y"]
    panel = settled(PreparePanel(counts, sheet.assign(group=list("aaaaabab")), steps=[Step("LogCPM")]))
    panel.steps.add("ComBat").columns["covariates"].value = "group"
    settled(panel)
    assert "batch x have one condition" in panel.refusal
    panel.stage.refusal.close_button.click()
    panel.steps.rows[0].controls["offset"].value = 2.0
    settled(panel)
    assert panel.refusal == "", "a warning that was closed stays closed"


def test_gaps_are_mapped_and_what_refuses_them_says_so() -> None:
    values = pd.DataFrame(np.random.default_rng(0).normal(8, 1, (6, 50)), [f"s{k}" for k in range(6)])
    values.iloc[2, :20] = np.nan
    panel = settled(PreparePanel(values))
    assert panel.stage.view.figures["raw_map"].visible
    assert "20 values missing" in panel.stage.heads["raw"].text
    row = panel.steps.add("ComBat")
    settled(panel)
    assert panel.refusal != ""
    panel.steps._asked(row, "remove")
    panel.steps.add("PPCAImputer")
    settled(panel)
    assert panel.refusal == ""
    assert not panel.prepared.isna().any().any()
    assert "missing" not in panel.stage.heads["prepared"].text


def test_cancel_keeps_what_is_on_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = settled(PreparePanel(*small(), steps=[Step("LogCPM")]))
    before = panel.prepared
    taken = chain.take

    def slow(*given):
        panel.bar.stop.click()
        return taken(*given)

    monkeypatch.setattr(chain, "take", slow)
    panel.steps.rows[0].controls["offset"].value = 3.0
    panel.steps.add("Scaler")
    settled(panel)
    assert panel.bar.state.text.startswith("cancelled")
    assert panel.prepared is before
    assert panel.refusal == ""


def test_exports_hold_the_table(example: PreparePanel) -> None:
    offered: dict[str, bytes] = {}
    example.downloads.offer = lambda name, content: offered.update({name: content})
    example.export("csv")
    example.export("factors")
    table = pd.read_csv(io.BytesIO(offered["batches_prepared.csv"]), index_col=0)
    np.testing.assert_allclose(table.T, example.prepared, rtol=1e-5)
    factors = pd.read_csv(io.BytesIO(offered["batches_size_factors.csv"]))
    assert list(factors["sample"]) == list(example.prepared.index)
    np.testing.assert_allclose(factors["size_factor"], column(example, "size_factor"))
    example.export("png")
    assert "No page shows this plot" in example.refusal
    example.stage.refusal.clear()


def test_the_graph_of_the_open_step(example: PreparePanel) -> None:
    asked: list[str] = []
    example.on_graph = asked.append
    example._open_graph()
    example.steps._asked(example.steps.opened, "open")
    example._open_graph()
    assert asked == ["tmm", "combat_posteriors"]
    example.on_graph = None
    for kernel in asked:
        assert example.arguments(kernel) is not None
    assert example.arguments("soft_posteriors") is None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_step_runs_the_kernel_that_its_graph_shows(kind: Kind) -> None:
    _, samples = small(24)
    mean = np.geomspace(5, 2000, 80)
    dispersion = 0.1 + 4 / mean  # what the trend of VST is made for
    counts = np.random.default_rng(3).negative_binomial(1 / dispersion, 1 / (1 + mean * dispersion), (24, 80))
    table = pd.DataFrame(counts, samples.index).rename(columns=str)
    columns = {"batch": "batch"} if kind.columns.get("batch") else {}
    if kind.name == "Scaler":
        table = np.sqrt(table)  # moments of whole numbers are taken by another kernel
    if "Imput" in kind.name:
        table = table.astype(float).mask(np.random.default_rng(0).random(table.shape) < 0.1)
    with recorded() as calls:
        take(Step(kind.name, kind.parameters(), columns), Chain(table, samples).start, samples)
    assert kind.kernel in calls

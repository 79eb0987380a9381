"""The call panel without a browser: what a control changes, what is refused, and what leaves it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bokeh.models import ColumnDataSource

from genolab.call import Thresholds, genotyping, provenance
from genolab.call.counts import candidate_alleles
from genolab.kernel import on_compile
from genolab.panels import call as call_panel
from genolab.panels.call import CallPanel
from genolab.panels.controls import IN_SIGHT, LABELS, ThresholdControls, help_text
from genolab.panels.page import Says


@pytest.fixture(scope="module")
def example() -> CallPanel:
    """The panel as it opens; tests put the sliders back."""
    panel = CallPanel()
    assert panel.wait()
    return panel


def data_of(panel: CallPanel, name: str) -> dict[str, np.ndarray]:
    source: ColumnDataSource = panel.stage.genome.sources[name]
    return dict(source.data)


def settled(panel: CallPanel) -> CallPanel:
    assert panel.wait()
    return panel


def test_it_opens_with_an_example_already_called(example: CallPanel) -> None:
    assert example.refusal == ""
    assert example.calls is not None
    assert len(example.calls) > 50
    drawn = data_of(example, "calls")
    assert list(drawn["position"]) == list(example.calls.position + 1)
    assert len(data_of(example, "bodies")["left"]) > 50
    assert example.stage.explanation is not None, "the first call is explained"
    assert "known found" in example.stage.title.text
    assert example.bar.state.text.startswith("done in")


def test_what_a_verdict_rests_on_follows_the_position(example: CallPanel) -> None:
    stage = settled(example).stage
    calls = example.calls
    assert calls is not None
    plain, indel = (int(calls.position[calls.passed & (calls.is_indel == kind)][0]) for kind in (False, True))
    stage.rests.button.value = True
    for position in (plain, indel):
        example.pick(position)
        settled(example)
        assert stage.explanation is not None
        found = stage.explanation.sensitivity()
        assert stage.why.content["flip"] == found.sentence
        (cells,) = stage.rests.box.children[0].model.select({"name": "sensitivity_cells"})
        assert np.abs(cells.data["per_phred"]).max() == found.bases["per_phred"].abs().max()
        assert (stage.rests.box.layout.display, stage.why_pane.layout.display) == (None, "none")
    stage.against.button.value = True
    assert (stage.rests.shown, stage.rests.box.layout.display) == (False, "none")
    stage.against.button.value = False
    assert (stage.why_pane.layout.display, stage.why.content["flip"]) == (None, stage.explanation.flip)
    settled(example)


def test_a_slider_changes_what_is_drawn_and_compiles_nothing(example: CallPanel) -> None:
    settled(example)
    events = []
    unsubscribe = on_compile(events.append)
    try:
        before = data_of(example, "calls")
        slider = example.controls.sliders["max_strand_odds_ratio"]
        slider.value = 1.5
        settled(example)
        after = data_of(example, "calls")
        assert list(before["position"]) == list(after["position"])
        tightened = np.flatnonzero((before["filter"] == "PASS") & (after["filter"] != "PASS"))
        assert len(tightened) > 0
        assert set(before["fill"][tightened]) == {0.95}, "a call that passes is full"
        assert set(after["fill"][tightened]) == {0.0}, "and hollow when it is filtered"
        example.controls.sliders["min_base_quality"].value = 35
        settled(example)
        assert data_of(example, "depth")["depth"].sum() < 0.99 * len(data_of(example, "depth")["depth"]) * 60
        assert example.calls is not None
        assert example.calls.thresholds == Thresholds(max_strand_odds_ratio=1.5, min_base_quality=35)
        assert events == []
    finally:
        unsubscribe()
        example.controls.reset()
        settled(example)


def test_one_frame_for_a_slider(example: CallPanel) -> None:
    settled(example)
    pane = example.stage.pane
    sent = []
    pane.send = lambda content, buffers=None: sent.append(content)
    try:
        pane._receive(pane, {"kind": "hello", "view": "v", "dark": False}, [])
        pane._receive(pane, {"kind": "painted", "view": "v", "sequence": sent[-1]["sequence"]}, [])
        sent.clear()
        example.controls.sliders["min_mapping_quality"].value = 0
        settled(example)
        assert [message["kind"] for message in sent] == ["patch"]
    finally:
        pane._receive(pane, {"kind": "bye", "view": "v"}, [])
        del pane.send
        example.controls.reset()
        settled(example)


def test_a_value_outside_its_range_is_refused_not_clipped(example: CallPanel) -> None:
    slider = example.controls.sliders["min_quality"]
    high = slider.max
    try:
        slider.max = 100_000  # as a page could ask for
        slider.value = 5_000
        settled(example)
        assert "min_quality" in example.refusal
        assert "between 0 and 200" in example.refusal
    finally:
        slider.value = 20
        slider.max = high
        settled(example)
    assert example.refusal == ""


def test_the_code_gives_the_same_table(example: CallPanel) -> None:
    example.controls.sliders["min_base_quality"].value = 20
    example.controls.sliders["heterozygosity"].value = 0.01
    settled(example)
    names: dict[str, object] = {}
    exec(example.code, names)
    assert example.calls is not None
    pd.testing.assert_frame_equal(names["table"], example.calls.to_frame())
    assert str(names["why"]) == str(example.stage.explanation)
    example.controls.reset()
    settled(example)


def test_every_threshold_has_a_slider_with_help() -> None:
    controls = ThresholdControls()
    assert controls.sliders.keys() == {each.name for each in fields(Thresholds)} == LABELS.keys()
    assert controls.thresholds == Thresholds()
    assert len(controls.main) == len(IN_SIGHT) == 5
    for each in fields(Thresholds):
        text = help_text(each)
        assert "Too low" in text
        assert "Too high" in text
        assert controls.sliders[each.name].tooltip == text


def test_a_click_explains_a_call_and_a_position_that_was_not_called(example: CallPanel) -> None:
    assert example.calls is not None
    filtered = int(example.calls.position[~example.calls.passed][0])
    example.pick(filtered, centre=True)
    settled(example)
    explanation = example.stage.explanation
    assert explanation is not None
    assert explanation.position == filtered + 1
    shown = example.stage.why.content
    assert shown["verdict"] == "filtered"
    assert [step["decides"] for step in shown["steps"]].count(True) == 1
    assert shown["flip"]
    rows = example.stage.table.source
    assert rows.data["position"][rows.selected.indices[0]] == filtered + 1
    start, end = example.stage.genome.window.view
    assert start <= filtered < end
    silent = next(position for position in range(filtered + 5, filtered + 50) if position not in example.calls.position)
    example.pick(silent)
    settled(example)
    assert example.stage.why.content["verdict"] == "not called"
    assert len(example.stage.why_view.reads.data["weight"]) > 0
    posterior = dict(
        zip(
            example.stage.why_view.genotypes.data["factor"],
            example.stage.why_view.genotypes.data["probability"],
            strict=True,
        )
    )
    assert sum(value for (_, quantity), value in posterior.items() if quantity == "posterior") == pytest.approx(1.0)


def test_a_row_of_the_table_moves_the_view(example: CallPanel) -> None:
    settled(example)
    table = example.stage.table
    last = len(table.source.data["position"]) - 1
    table.source.selected.indices = [last]
    settled(example)
    position = int(table.source.data["position"][last])
    start, end = example.stage.genome.window.view
    assert start < position <= end
    assert example.stage.explanation is not None
    assert example.stage.explanation.position == position


def test_the_table_narrows(example: CallPanel) -> None:
    table = example.stage.table
    table.narrow("filtered")
    assert set(table.source.data["filter"]) == {"Artefact"}
    table.narrow("all", "1/1 a>g")
    assert set(table.source.data["change"]) == {"A>G"}
    table.narrow("all")
    assert table.count[0] == table.count[1]


def test_moving_the_window_draws_what_it_shows(example: CallPanel) -> None:
    window = example.stage.genome.window
    window.look_at(30_000, 500)
    settled(example)
    bodies = data_of(example, "bodies")
    assert bodies["left"].min() < 30_000 < bodies["right"].max()
    assert "reads" in example.stage.genome.said
    window.whole()
    settled(example)
    assert len(data_of(example, "bodies")["left"]) == 0
    assert "Zoom in" in example.stage.genome.said
    assert len(data_of(example, "depth")["depth"]) <= 1_201, "binned"


# --- ways out


def test_exports_hold_the_calls(example: CallPanel, tmp_path: Path) -> None:
    from genolab.io import read_variants

    offered = {}
    example.downloads.offer = lambda name, content: offered.update({name.rpartition(".")[2]: (name, content)})
    example.export("vcf")
    example.export("csv")
    assert example.calls is not None
    path = tmp_path / offered["vcf"][0]
    path.write_bytes(offered["vcf"][1])
    assert list(read_variants(path).position) == list(example.calls.position)
    csv = tmp_path / "calls.csv"
    csv.write_bytes(offered["csv"][1])
    assert list(pd.read_csv(csv)["position"]) == list(example.calls.position + 1)
    example.export("png")
    assert "No page shows this plot" in example.refusal
    example.stage.refusal.clear()


def test_an_example_of_several_samples_and_one_without_truth() -> None:
    panel = settled(CallPanel())
    label = next(label for label in panel.inputs.choices if "HG00101" in label)
    panel.inputs.reads.value = label
    assert panel.wait()
    assert panel.refusal == ""
    assert "all_reads[1]" in panel.code
    assert panel.calls is not None
    assert panel.calls.sample == "HG00101"
    assert panel.stage.loaded is not None
    assert panel.stage.loaded.truth is None
    assert panel.stage.genome.figures["calls"].y_range.end == 1.5


def test_the_lab_has_no_empty_tab() -> None:
    from genolab.panels.lab import lab

    workbench = lab()
    assert settled(workbench.call).refusal == ""
    assert {"Call", "Graph"} <= set(workbench.tabs)
    workbench.call._open_graph()
    assert workbench.wait()
    assert workbench.graph is not None
    assert workbench.graph.kernel.name == "genotype_posteriors"
    assert workbench.call.body.layout.display == "none"
    workbench.tabs["Call"].click()
    assert workbench.call.body.layout.display == "flex"


def test_the_graph_is_of_the_kernel_that_judged_what_is_chosen(example: CallPanel) -> None:
    calls = example.calls
    indel = np.array([len(a[0]) != len(r) for a, r in zip(calls.alternates, calls.reference, strict=True)])
    for row, kernel in ((indel.argmin(), "genotype_posteriors"), (indel.argmax(), "haplotype_genotypes")):
        example.pick(int(calls.position[row]))
        settled(example)
        assert example.drawn_by == kernel
        _, arrays = example.arguments(kernel)
        assert np.isfinite(arrays[0]).any()
    assert example.arguments("tmm") is None


def test_the_first_answer_is_numpys_and_the_declared_backend_follows(
    example: CallPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = candidate_alleles._changed(backend="numba")  # a kernel of its own, that nothing has compiled
    monkeypatch.setattr(genotyping, "candidate_alleles", declared)
    monkeypatch.setattr(provenance, "KERNELS", (*provenance.KERNELS, declared))
    monkeypatch.setattr(call_panel, "KERNELS", provenance.KERNELS)
    said, events = [], []
    say = Says.say
    monkeypatch.setattr(Says, "say", lambda self, text, *more: (said.append(text), say(self, text, *more))[1])
    unsubscribe = on_compile(events.append)
    panel = CallPanel()
    try:
        assert panel.wait()
    finally:
        unsubscribe()
    compiled = [event.backend for event in events if event.kernel == declared.name and event.state != "compiling"]
    assert compiled == ["numpy", "numba"]
    engines = [text for text in said if text.startswith("num")]
    assert engines[0] == "numpy; the declared backend compiles"
    assert engines[-1] == "numba, numpy"
    assert declared.state("numba") != "idle"
    assert panel.calls is not None
    assert example.calls is not None
    assert list(panel.calls.position) == list(example.calls.position)


def test_several_samples_are_called_together_and_one_is_in_the_picture() -> None:
    panel = settled(CallPanel())
    panel.inputs.reads.value = next(label for label in panel.inputs.choices if "together" in label)
    assert panel.wait()
    assert panel.refusal == ""
    loaded = panel.stage.loaded
    assert loaded is not None
    assert loaded.joint is not None
    assert [value for _, value in panel.inputs.sample.options] == ["HG00100", "HG00101", "HG00102"]
    titles = [each.title for each in panel.stage.table.layout.columns]
    assert {"HG00100", "HG00101", "HG00102", "AC/AN"} <= set(titles)
    data = panel.stage.table.source.data
    assert list(data["position"]) == (loaded.joint.position + 1).tolist()
    assert list(data["sample 1"]) == [loaded.joint.genotype_text(row, 1) for row in range(len(loaded.joint))]
    panel.inputs.sample.value = "HG00102"
    assert panel.wait()
    assert panel.stage.loaded is not None
    assert panel.stage.loaded.joint is loaded.joint  # another sample in the picture reads and calls nothing anew
    assert panel.calls is not None
    assert panel.calls.sample == "HG00102"
    assert panel.stage.genome.evidence is loaded.joint.evidences[2]
    panel.pick(int(loaded.joint.position[0]))
    assert panel.wait()
    assert "samples carry it" in panel.stage.explanation.sentence
    assert panel.drawn_by == "integrate_frequency"
    assert panel.arguments("integrate_frequency") is not None
    assert "example.all_reads" in panel.code
    assert "'HG00102')" in panel.code
    namespace: dict[str, object] = {}
    exec(panel.code, namespace)
    assert namespace["calls"].position.tolist() == loaded.joint.position.tolist()
    panel.controls.sliders["min_quality"].value = 200
    assert panel.wait()
    assert panel.stage.loaded.joint.filters[0] == loaded.joint.filters[0]
    assert sum(panel.stage.loaded.joint.passed) < sum(loaded.joint.passed)
    panel.inputs.reads.value = next(label for label in panel.inputs.choices if "HG00101" in label)
    assert panel.wait()
    assert "HG00100" not in [each.title for each in panel.stage.table.layout.columns]

"""The call panel and its files: names, large regions, a cancel."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from genolab.call.caller import call_variants
from genolab.errors import InputError
from genolab.panels.call import CallPanel


def settled(panel: CallPanel) -> CallPanel:
    assert panel.wait()
    return panel


def test_the_files_of_an_example_have_short_names(phage: Path) -> None:
    panel = settled(CallPanel(roots=[phage]))
    assert panel.inputs.reference.value == "genolab:phage/lambda.fa"
    panel.inputs.reads.value = "reads.bam"  # one's own reads, on the example's genome
    panel.call()
    assert panel.wait()
    assert panel.refusal == ""
    assert "gl.data.example" not in panel.code
    assert panel.allowed.check("genolab:phage/reads.bam", "reads").is_file()
    with pytest.raises(InputError, match="inside"):
        panel.allowed.check("genolab:../../setup.py", "reads")


def test_what_a_person_chose_is_named_and_the_old_picture_said(phage: Path) -> None:
    panel = settled(CallPanel("reads.bam", "lambda.fa", "NC_001416.1:1-5,000"))
    panel.inputs.region.value = "NC_001416.1:1-99,999"
    assert panel.wait()
    assert "99,999" in panel.refusal
    assert any("still shown" in line for line in panel.stage.refusal.words.content["details"])
    assert panel.calls is not None


def test_a_large_region_is_called_in_tiles_and_its_reads_are_read_where_one_looks(phage: Path) -> None:
    panel = settled(CallPanel("reads.bam", "lambda.fa", "NC_001416.1", most_reads=100))
    assert panel.refusal == ""
    assert panel.calls is not None
    whole = call_variants("reads.bam", "lambda.fa", "NC_001416.1")
    pd.testing.assert_frame_equal(panel.calls.to_frame(), whole.to_frame())
    assert len(panel.stage.genome.sources["bodies"].data["left"]) > 0
    assert panel.stage.explanation is not None
    panel.controls.sliders["min_quality"].value = 30
    assert "press Call" in panel.bar.state.text


def test_cancel_keeps_what_is_on_screen(phage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = settled(CallPanel("reads.bam", "lambda.fa", "NC_001416.1:1-5,000"))
    before = panel.calls

    def slow(*_args: object, progress, **_options: object) -> None:
        panel.bar.stop.click()
        progress(0.5, "calling")
        raise AssertionError("the cancel was not heard")

    monkeypatch.setattr("genolab.panels.source.call_variants", slow)
    panel.most_reads = 1
    panel.call()
    assert panel.wait()
    assert panel.bar.state.text.startswith("cancelled")
    assert panel.bar.stop.layout.visibility == "hidden"
    assert panel.calls is before
    assert panel.refusal == ""


def test_a_cancel_is_heard_inside_one_read(phage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = settled(CallPanel("reads.bam", "lambda.fa", "NC_001416.1:1-5,000"))
    before, told = panel.calls, []
    collect = sys.modules["genolab.panels.source"].collect

    def watched(*given: object, progress, **options: object) -> object:
        def tell(share: float) -> None:
            told.append(share)
            if len(told) == 3:
                panel.bar.stop.click()
            progress(share)

        return collect(*given, progress=tell, **options)

    monkeypatch.setattr("genolab.io.alignments._TELL", 50)
    monkeypatch.setattr("genolab.panels.source.collect", watched)
    panel.inputs.region.value = "NC_001416.1:1-20,000"
    panel.call()
    assert panel.wait()
    assert panel.bar.state.text.startswith("cancelled"), panel.refusal
    assert len(told) == 3  # far from the end
    assert 0 <= told[0] <= told[1] <= told[2] < 0.5
    assert panel.calls is before

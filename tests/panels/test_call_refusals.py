"""What the call panel refuses: one sentence above the plot, nothing drawn anew, nothing written."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest
from bad_inputs import BAD, good_input

from genolab.io import budget
from genolab.panels.call import CallPanel


def opened(panel: CallPanel) -> CallPanel:
    assert panel.wait()
    return panel


def refuse(panel: CallPanel) -> str:
    assert panel.wait()
    assert panel.calls is None
    assert panel.bar.state.text == "refused"
    return panel.refusal


@pytest.mark.parametrize("damage", BAD, ids=lambda damage: damage.__name__)
def test_bad_input_is_refused_and_nothing_is_written(
    damage: Callable[[Path, Path], dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = damage(*good_input(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    said = refuse(CallPanel("reads.bam", "reference.fa", options.get("region", "")))
    for word in BAD[damage]:
        assert word.lower() in said.lower()
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_index_can_be_built_with_one_click(phage: Path) -> None:
    (phage / "reads.bam.bai").unlink()
    panel = CallPanel("reads.bam", "lambda.fa", "NC_001416.1:1-5,000")
    assert "index" in refuse(panel)
    button = panel.stage.refusal.build
    assert button.layout.display == "flex"
    button.click()
    assert panel.wait()
    assert panel.wait()
    assert panel.refusal == ""
    assert panel.calls is not None
    assert (phage / "reads.bam.bai").is_file()


def test_a_truth_refused_for_its_size_is_read_anyway_when_its_button_is_pressed(
    phage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = gzip.decompress((phage / "truth.vcf.gz").read_bytes()).decode()
    first, rest = text.split("\n", 1)
    with gzip.open("swollen.vcf.gz", "wt") as stream:  # not bgzip: it has no index, so it is read to its end
        stream.write(f"{first}\n" + f"##note={'a' * 100}\n" * 20_000 + rest)
    monkeypatch.setattr(budget, "SMALL", 10_000)
    panel = opened(CallPanel("reads.bam", "lambda.fa", "NC_001416.1:1-5,000", truth="swollen.vcf.gz"))
    button, loaded = panel.stage.refusal.anyway, panel.stage.loaded
    assert loaded is not None
    assert (len(loaded.calls) > 0, loaded.truth) == (True, None)
    assert "swollen.vcf.gz" in panel.refusal
    assert "at most 100 times its size" in panel.refusal
    assert button.layout.display == "flex"
    panel.controls.sliders["min_quality"].value += 1
    assert panel.wait()
    assert button.layout.display == "flex"
    button.click()
    assert panel.wait()
    assert panel.refusal == ""
    assert panel.stage.loaded.truth is not None
    assert len(panel.stage.loaded.truth) > 0


def test_a_region_without_reads_says_so(phage: Path) -> None:
    with pysam.AlignmentFile("reads.bam") as source, pysam.AlignmentFile("empty.bam", "wb", header=source.header):
        pass
    pysam.index("empty.bam")
    panel = opened(CallPanel("empty.bam", "lambda.fa", "NC_001416.1:1-1,000"))
    assert "empty.bam has no reads in NC_001416.1:1-1,000" in panel.refusal
    assert panel.calls is not None
    assert len(panel.calls) == 0
    assert panel.stage.genome.said.startswith("No reads")


def test_a_path_outside_the_roots(phage: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "reads.bam"
    shutil.copy(phage / "reads.bam", outside)
    panel = opened(CallPanel(roots=[phage]))
    panel.inputs.reads.value = str(outside)
    panel.call()
    assert panel.wait()
    assert "inside" in panel.refusal
    panel.inputs.reads.value = "link.bam"
    (phage / "link.bam").symlink_to(outside)
    panel.call()
    assert panel.wait()
    assert "inside" in panel.refusal, "a link is judged by where it leads"
    assert panel.allowed.complete(str(outside.parent) + "/", (".bam",)) == []
    assert panel.allowed.complete(f"{phage}/re", (".bam",)) == [f"{phage}/reads.bam"]

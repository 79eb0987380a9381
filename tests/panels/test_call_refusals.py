"""What the call panel refuses: one sentence above the plot, nothing drawn anew, nothing written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pysam
import pytest

from genolab.panels.call import CallPanel


def opened(panel: CallPanel) -> CallPanel:
    assert panel.wait()
    return panel


def refuse(panel: CallPanel) -> str:
    assert panel.wait()
    assert panel.calls is None
    assert panel.bar.state.text == "refused"
    return panel.refusal


def test_a_truncated_bam(phage: Path) -> None:
    whole = (phage / "reads.bam").read_bytes()
    (phage / "reads.bam").write_bytes(whole[: len(whole) // 2])
    said = refuse(CallPanel("reads.bam", "lambda.fa"))
    assert "reads.bam" in said
    assert "end" in said


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


def test_a_region_outside_the_contig(phage: Path) -> None:
    said = refuse(CallPanel("reads.bam", "lambda.fa", "NC_001416.1:40,000-60,000"))
    assert "48,502" in said
    said = refuse(CallPanel("reads.bam", "lambda.fa", "chr7:1-100"))
    assert "chr7" in said


def test_another_contig_and_other_lengths(phage: Path) -> None:
    lines = (phage / "lambda.fa").read_text().splitlines()
    (phage / "other.fa").write_text("\n".join([">other", *lines[1:]]) + "\n")
    assert "NC_001416.1" in refuse(CallPanel("reads.bam", "other.fa"))
    (phage / "shorter.fa").write_text("\n".join(lines[:-10]) + "\n")
    said = refuse(CallPanel("reads.bam", "shorter.fa"))
    assert "48,502" in said
    assert "shorter.fa" in said


def test_a_page_named_bam(phage: Path) -> None:
    (phage / "page.bam").write_text("<!DOCTYPE html><html><body>404 <script>alert(1)</script></body></html>")
    said = refuse(CallPanel("page.bam", "lambda.fa"))
    assert "a web page" in said


def test_a_region_without_reads_says_so(phage: Path) -> None:
    with pysam.AlignmentFile("reads.bam") as source, pysam.AlignmentFile("empty.bam", "wb", header=source.header):
        pass
    pysam.index("empty.bam")
    panel = opened(CallPanel("empty.bam", "lambda.fa", "NC_001416.1:1-1,000"))
    assert "empty.bam has no reads in NC_001416.1:1-1,000" in panel.refusal
    assert panel.calls is not None
    assert len(panel.calls) == 0
    assert panel.stage.genome.said.startswith("No reads")


def test_nothing_is_written_by_a_refusal(phage: Path) -> None:
    before = sorted(path.name for path in phage.iterdir())
    refuse(CallPanel("reads.bam", "lambda.fa", "NC_001416.1:40,000-60,000"))
    assert sorted(path.name for path in phage.iterdir() if path.suffix != ".fai") == [
        name for name in before if not name.endswith(".fai")
    ]


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

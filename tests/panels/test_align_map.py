"""Reads that the align panel maps: what it says of them, and where they go from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import made_fastq
import numpy as np
import pysam
import pytest

from genolab.errors import InputError
from genolab.panels.align import AlignPanel
from genolab.panels.seam import Selection


def test_reads_are_mapped_and_handed_on(tmp_path: Path) -> None:
    genome = made_fastq.letters(6_000, seed=4)
    reads, _, _ = made_fastq.simulated({"one": genome}, 60, 100)
    made_fastq.write_fasta(tmp_path / "ref.fa", one=genome)
    made_fastq.write_fastq(tmp_path / "reads.fq", reads)
    panel = AlignPanel(roots=[tmp_path])
    panel.wait()
    opened = []
    panel.on_reads = lambda *paths: opened.append(paths)
    part = panel.mapping
    part.reads.value, part.reference.value = str(tmp_path / "reads.fq"), str(tmp_path / "ref.fa")
    part.output.value = "/etc/out.bam"
    part.map()
    assert panel.wait(300)
    assert "a file inside" in panel.refusal_text
    part.output.value = str(tmp_path / "out.bam")
    part.map()
    assert panel.wait(300), "the first time its loops compile"
    assert panel.refusal_text == ""
    assert part.facts.rows["mapped"] == "60 (100.0%)"
    assert (tmp_path / "out.bam.bai").exists()
    _, (group, place, read_place, *_) = panel.arguments("chain_anchors")
    assert np.unique(group // 2).tolist() == list(range(60)), "the graph is measured with the seeds of these reads"
    assert place.max() < 6_000
    assert read_place.max() < 100
    assert panel.wait(300)
    assert part.facts.rows["sample"] == f"{part.mapped.sample} (chosen)"
    chosen = []
    panel.on_select = chosen.append
    panel.follow(Selection("one:1,001-2,000", "", "other"))
    assert panel.wait(300)
    assert part.facts.rows["sample"] == part.mapped.sample
    with pysam.AlignmentFile(str(tmp_path / "out.bam")) as file:
        there = list(file.fetch("one", 1_000, 2_000))
        letters = sum(min(read.reference_end, 2_000) - max(read.reference_start, 1_000) for read in there)
    assert part.facts.rows["reads there"] == str(len(there)) != "0"
    assert part.facts.rows["mean depth"] == f"{letters / 1_000:.1f}"
    panel.follow(Selection("two:1-10", "", part.mapped.sample))  # their sample, none of their contigs
    assert panel.wait(300)
    assert "reads there" not in part.facts.rows
    assert part.facts.rows["sample"] == f"{part.mapped.sample} (chosen)"
    panel.tell_sample(part.mapped.sample)
    assert chosen == [Selection("two:1-10", "", part.mapped.sample)]
    with pytest.raises(InputError, match="at most 1,000,000 letters"):
        replace(part.mapped, contigs={"one": 2_000_000}).within("one")
    part.opener.click()
    assert opened == [(part.mapped.path, part.mapped.reference_path)]
    part.map()
    assert panel.wait(300)
    assert "does not exist" in panel.refusal_text, "nothing is written over"

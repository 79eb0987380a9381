"""Calls of real reads: against the truth of Genome in a Bottle, and against what bcftools is sure of."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pysam
import pytest

import genolab as gl
from genolab.call import Thresholds, call_variants

SLICE = Path(gl.__file__).parent / "data" / "thousand_genomes"
NA12878 = "chr20:10,000,001-10,100,000"


@pytest.fixture(scope="module")
def na12878(shared_folder) -> Path:
    folder = shared_folder / "data" / "na12878_wgs50x_chr20"
    scorer = shared_folder / "tools" / "score_vcf.py"
    if not folder.is_dir() or not scorer.is_file():
        pytest.skip("the NA12878 slice or the scorer is not among the shared files")
    return folder


def test_na12878_is_as_accurate_as_promised(na12878, shared_folder, tmp_path):
    (reads,), (reference,), (truth,) = (sorted(na12878.glob(kind)) for kind in ("*.bam", "*.fasta.gz", "*.vcf.gz"))
    path = call_variants(reads, reference, NA12878).write(tmp_path / "calls.vcf.gz")
    command = [sys.executable, shared_folder / "tools" / "score_vcf.py", truth, "none", reference, path]
    options = [NA12878.replace(",", ""), "--min-qual", "20"]
    done = subprocess.run([*map(str, command), *options], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["SNV"]["f1"] >= 0.96
    assert found["SNV"]["fn"] == 0
    assert found["SNV"]["gt_concordance"] >= 0.995
    assert found["INDEL"]["f1_gt"] >= 0.85
    assert found["INDEL"]["gt_concordance"] >= 0.97


@pytest.mark.oracle
@pytest.mark.parametrize("sample", ["HG00100", "HG00101", "HG00102"])
def test_what_bcftools_is_sure_of_is_called_alike(sample, tmp_path):
    if shutil.which("bcftools") is None:
        pytest.skip("bcftools is not on this machine")
    reads, reference = SLICE / f"{sample}.bam", SLICE / "reference.fa"
    theirs = tmp_path / "theirs.vcf"
    pileup = subprocess.run(
        ["bcftools", "mpileup", "-I", "-f", reference, "-a", "AD", "-Ou", reads], capture_output=True, check=True
    )
    command = ["bcftools", "call", "-mv", "-Ov", "-o", theirs]
    subprocess.run(command, input=pileup.stdout, capture_output=True, check=True)
    ours = call_variants(reads, reference, thresholds=Thresholds(max_strand_odds_ratio=10.0))
    called = {
        int(position) + 1: (alternates, ours.genotype_text(site))
        for site, (position, alternates) in enumerate(zip(ours.position, ours.alternates, strict=True))
    }
    sure = {}
    with pysam.VariantFile(str(theirs)) as file:
        for record in file:
            depth = record.samples[0]["AD"]
            if record.qual >= 30 and sum(depth) >= 4 and min(depth[1:]) >= 2:
                sure[record.pos] = record.alts, "/".join(map(str, record.samples[0]["GT"]))
    assert sure, "bcftools is sure of nothing"
    assert {position: called.get(position) for position in sure} == sure

"""Calls as files: bcftools reads them, headers state the thresholds, frames and provenance agree with them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pysam
import pytest

import genolab as gl
from genolab.call import VariantCalls, call_variants
from genolab.call.filters import FILTERS

PHAGE = Path(gl.__file__).parent / "data" / "phage"
REGION = "NC_001416.1:10,001-14,000"


@pytest.fixture(scope="module")
def calls() -> VariantCalls:
    return call_variants(PHAGE / "reads.bam", PHAGE / "lambda.fa", REGION)


@pytest.mark.oracle
@pytest.mark.parametrize("suffix", [".vcf", ".vcf.gz", ".bcf"])
def test_bcftools_reads_it_without_a_word(calls, suffix, tmp_path):
    if shutil.which("bcftools") is None:
        pytest.skip("bcftools is not on this machine")
    path = calls.write(tmp_path / f"calls{suffix}")
    done = subprocess.run(["bcftools", "view", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    records = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert len(records) == len(calls)
    assert done.stdout.startswith("##fileformat=VCFv4.3\n")
    if suffix != ".vcf":
        assert path.with_name(path.name + (".tbi" if suffix == ".vcf.gz" else ".csi")).is_file()
        place = f"NC_001416.1:{calls.position[0] + 1}"
        one = subprocess.run(["bcftools", "view", "-H", "-r", place, str(path)], capture_output=True, text=True)
        assert one.stdout.splitlines() == records[:1]
        assert one.stderr == ""


def test_the_header_states_every_threshold(calls, tmp_path):
    text = calls.write(tmp_path / "calls.vcf").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("##genolabThresholds=")]
    assert json.loads(line.partition("=")[2])["min_quality"] == 20
    for name in (each.name for each in FILTERS):
        assert f"##FILTER=<ID={name}," in text
    assert str(tmp_path) not in text


def test_the_frame_has_the_fields_of_the_file(calls, tmp_path):
    frame = calls.to_frame()
    with pysam.VariantFile(str(calls.write(tmp_path / "calls.vcf"))) as file:
        for (_, row), record in zip(frame.iterrows(), file, strict=True):
            assert (row["position"], row["reference"], row["alternate"]) == (
                record.pos,
                record.ref,
                ",".join(record.alts),
            )
            assert row["quality"] == pytest.approx(record.qual, abs=0.006, rel=1e-5)
            assert row["filter"] == ";".join(record.filter.keys())
            assert row["depth"] == record.info["DP"] == record.samples[0]["DP"]
            assert row["genotype"] == "/".join(map(str, record.samples[0]["GT"]))
            assert row["fisher_strand"] == pytest.approx(record.info["FS"], abs=6e-4)


def test_the_provenance_names_what_made_the_calls(calls):
    made = calls.provenance
    assert made["reads"]["digest"].startswith("sha256:")
    assert [each["name"] for each in made["kernels"]][:2] == ["allele_counts", "candidate_alleles"]
    assert made["thresholds"]["min_quality"] == 20
    json.dumps(made)

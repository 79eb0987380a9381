"""gVCF: what lies between the calls in blocks, and any other allele at the calls."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pysam
import pytest
from made_reads import sam_text, simple, write_bam, write_reference
from test_cohort import BAMS, REFERENCE, SEQUENCE

from genolab.call import call_to_file, call_variants
from genolab.call.likelihood import genotypes
from genolab.errors import InputError


@pytest.fixture(scope="module")
def blocks(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("gvcf") / "one.g.vcf.gz"
    call_to_file(BAMS[0], REFERENCE, path, gvcf=True)
    return path


def test_blocks_and_calls_cover_every_position_once(blocks):
    alone = call_variants(BAMS[0], REFERENCE)
    covered, called = np.zeros(4200, int), []
    with pysam.VariantFile(str(blocks)) as file:
        for record in file:
            if record.alts == ("<*>",):
                covered[record.start : record.stop] += 1
                assert record.samples[0]["GT"] in ((0, 0), (None, None))
                assert record.samples[0]["MIN_DP"] <= record.samples[0]["DP"]
                if record.samples[0]["GT"] == (0, 0):
                    assert record.samples[0]["PL"][0] == 0 or record.samples[0]["GQ"] == 0
            else:
                called.append(record.start)
                assert record.alts[-1] == "<*>"
                covered[record.start : record.start + len(record.ref)] += 1
    assert called == alone.position.tolist()
    assert (covered == 1).all()


@pytest.mark.parametrize("ploidy", [1, 2, 4])
def test_variants_of_a_gvcf_have_any_other_allele_too(ploidy, tmp_path):
    """AD and PL have a value for it; what was called keeps its numbers, and bases of no called allele are counted."""
    reads = [
        simple(f"r{at}", 10, SEQUENCE[10:30] + base + SEQUENCE[31:60], 30, 0x10 * (at % 2))
        for at, base in enumerate("CCCCCCCCCCCCCCCGGG")
    ]
    bam = write_bam(tmp_path / "reads.bam", sam_text(reads, len(SEQUENCE)))
    reference = write_reference(tmp_path / "reference.fa", SEQUENCE)
    call_to_file(bam, reference, tmp_path / "plain.vcf", ploidy=ploidy)
    call_to_file(bam, reference, tmp_path / "blocks.g.vcf", ploidy=ploidy, gvcf=True)
    with (
        pysam.VariantFile(str(tmp_path / "plain.vcf")) as one,
        pysam.VariantFile(str(tmp_path / "blocks.g.vcf")) as two,
    ):
        expected, found = list(one), [record for record in two if record.alts != ("<*>",)]
    assert [record.start for record in expected] == [30]
    for plain, record in zip(expected, found, strict=True):
        assert record.alts == (*plain.alts, "<*>")
        before, after, alleles = plain.samples[0], record.samples[0], len(record.alleles)
        assert after["GT"] == before["GT"]
        assert len(after["PL"]) == math.comb(ploidy + alleles - 1, ploidy)
        kinds = genotypes(ploidy, alleles)
        assert [phred for kind, phred in zip(kinds, after["PL"], strict=True) if alleles - 1 not in kind] == list(
            before["PL"]
        )
        assert min(after["PL"]) == 0
        assert sum(after["AD"]) == 18
        assert after["AD"][:-1] == before["AD"]
        for total, one_way, other_way in zip(after["AD"], after["ADF"], after["ADR"], strict=True):
            assert total == one_way + other_way


@pytest.mark.parametrize("tile", [999, 100])
def test_blocks_go_on_over_the_edges_of_tiles(blocks, tile, tmp_path):
    call_to_file(BAMS[0], REFERENCE, tmp_path / "tiled.g.vcf.gz", gvcf=True, tile=tile)
    assert (tmp_path / "tiled.g.vcf.gz").read_bytes() == blocks.read_bytes()


def test_calls_write_the_same_blocks(blocks, tmp_path):
    path = call_variants(BAMS[0], REFERENCE).write(tmp_path / "again.g.vcf.gz")
    assert path.read_bytes() == blocks.read_bytes()
    with pytest.raises(InputError, match="with one sample"):
        call_to_file(BAMS, REFERENCE, tmp_path / "many.g.vcf.gz", gvcf=True)


@pytest.mark.oracle
def test_bcftools_reads_the_blocks(blocks, tmp_path):
    if shutil.which("bcftools") is None:
        pytest.skip("bcftools is not on this machine")

    def lines(*words: object) -> list[str]:
        done = subprocess.run(["bcftools", *map(str, words)], capture_output=True, text=True, check=True)
        assert "[W" not in done.stderr
        assert "[E" not in done.stderr
        return [line for line in done.stdout.splitlines() if not line.startswith("#")]

    records = lines("view", blocks)
    variants = [line.split("\t") for line in lines("view", "-i", "N_ALT>1", blocks)]
    assert len(variants) >= 8
    assert lines("query", "-i", "N_ALT>1", "-f", "[%AD{2}] [%PL{5}]\\n", blocks) == [
        " ".join(row[9].split(":")[at].split(",")[last] for at, last in ((3, 2), (6, 5))) for row in variants
    ]
    assert lines("norm", "-f", REFERENCE, blocks) == records
    assert len(lines("convert", "--gvcf2vcf", "-f", REFERENCE, blocks)) == 4200
    assert lines("view", "-H", "-r", "17:45", blocks)[0].split("\t")[1] <= "45"  # found by END
    number = [line for line in lines("stats", blocks) if "number of records" in line]
    assert number[0].split("\t")[-1] == str(len(records))
    other = tmp_path / "other.g.vcf.gz"
    call_to_file(BAMS[1], REFERENCE, other, gvcf=True)
    merged = lines("merge", "--gvcf", REFERENCE, blocks, other)
    assert all(len(line.split("\t")) == 11 for line in merged)

"""The same calls whatever the tiles, formats, backends and order of reads; the simulated truth is found."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pysam
import pytest
from made_reads import write_reference

import genolab as gl
from genolab.call import Thresholds, VariantCalls, call_variants, genotype
from genolab.kernel import on_compile, threads

PHAGE = Path(gl.__file__).parent / "data" / "phage"
REGION = "NC_001416.1:10,001-14,000"


@pytest.fixture(scope="module")
def calls() -> VariantCalls:
    return call_variants(PHAGE / "reads.bam", PHAGE / "lambda.fa", REGION)


@pytest.fixture(scope="module")
def everything() -> VariantCalls:
    return call_variants(PHAGE / "reads.bam", PHAGE / "lambda.fa")


def vcf(calls: VariantCalls, path: Path) -> bytes:
    return calls.write(path).read_bytes()


def records(calls: VariantCalls, path: Path) -> str:
    """The lines below the header, digit for digit; the header names the file of the reads."""
    return "".join(line for line in calls.write(path).read_text().splitlines(True) if not line.startswith("#"))


def same(one: VariantCalls, other: VariantCalls) -> None:
    """The calls agree; sums of another backend may round otherwise."""
    assert len(one) == len(other)
    for name in ("contig", "position"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("reference", "forward", "reverse"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.alternates == other.alternates
    assert one.genotype == other.genotype
    assert one.filters == other.filters
    for name, values in one.columns.items():
        np.testing.assert_allclose(values, other.columns[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_the_simulated_truth_is_found(everything):
    with pysam.VariantFile(str(PHAGE / "truth.vcf.gz")) as truth:
        expected = {(record.start, record.alts, record.samples[0]["GT"]) for record in truth}
    found = {
        (int(position), alternates, genotype)
        for position, alternates, genotype, names in zip(
            everything.position, everything.alternates, everything.genotype, everything.filters, strict=True
        )
        if not names
    }
    expected = {(start, alts, tuple(sorted(genotype))) for start, alts, genotype in expected}
    assert len(expected) > 50
    assert len(found & expected) / len(expected) > 0.9
    assert len(found & expected) / len(found) > 0.9


@pytest.mark.parametrize("tile", [4_000, 3_999, 1_000, 333, 50])
def test_tiles_of_any_size_give_the_same_bytes(calls, tile, tmp_path):
    tiled = call_variants(PHAGE / "reads.bam", PHAGE / "lambda.fa", REGION, tile=tile)
    assert vcf(tiled, tmp_path / "tiled.vcf") == vcf(calls, tmp_path / "whole.vcf")
    assert tiled.regions == calls.regions


def test_the_same_bytes_twice(calls, tmp_path):
    again = call_variants(PHAGE / "reads.bam", PHAGE / "lambda.fa", REGION)
    for suffix in (".vcf", ".vcf.gz", ".bcf"):
        assert vcf(again, tmp_path / f"again{suffix}") == vcf(calls, tmp_path / f"once{suffix}")


@pytest.fixture(scope="module")
def region_sam(tmp_path_factory) -> Path:
    """The reads of the region as SAM."""
    path = tmp_path_factory.mktemp("formats") / "reads.sam"
    region = "NC_001416.1:10001-14000"
    path.write_text(pysam.samtools.view("-h", str(PHAGE / "reads.bam"), region))
    return path


def test_bam_cram_and_sam_give_the_same_records(calls, region_sam, tmp_path):
    reference = shutil.copy(PHAGE / "lambda.fa", tmp_path / "lambda.fa")
    pysam.faidx(str(reference))
    cram = tmp_path / "reads.cram"
    pysam.samtools.view("-C", "-T", str(reference), "-o", str(cram), str(region_sam), catch_stdout=False)
    pysam.index(str(cram))
    expected = records(calls, tmp_path / "bam.vcf")
    assert "\t0/1:" in expected
    for path in (region_sam, cram):
        assert records(call_variants(path, reference, REGION), tmp_path / "other.vcf") == expected


@pytest.mark.parametrize("count", [1, 2, 4])
def test_any_number_of_threads_gives_the_same_records(count, calls, monkeypatch, tmp_path):
    monkeypatch.setattr(threads, "_most", count)
    found = call_variants(PHAGE / "reads.bam", PHAGE / "lambda.fa", REGION)
    assert records(found, tmp_path / "other.vcf") == records(calls, tmp_path / "one.vcf")


def test_the_order_of_reads_at_one_position_does_not_matter(calls, region_sam, tmp_path):
    lines = region_sam.read_text().splitlines()
    head, body = [x for x in lines if x.startswith("@")], [x for x in lines if not x.startswith("@")]
    order = sorted(range(len(body)), key=lambda at: (int(body[at].split("\t")[3]), -at))
    assert [body[at] for at in order] != body
    path = tmp_path / "reads.sam"
    path.write_text("\n".join([*head, *(body[at] for at in order)]) + "\n")
    found = call_variants(path, PHAGE / "lambda.fa", REGION)
    assert records(found, tmp_path / "other.vcf") == records(calls, tmp_path / "one.vcf")


def test_contigs_of_another_name_are_matched_by_length_aloud(calls, region_sam, tmp_path):
    path = tmp_path / "reads.sam"
    path.write_text(region_sam.read_text().replace("NC_001416.1", "chr20"))
    reference = write_reference(
        tmp_path / "reference.fa", pysam.FastaFile(str(PHAGE / "lambda.fa")).fetch("NC_001416.1"), "20"
    )
    found = call_variants(path, reference, "chr20:10,001-14,000")
    expected = records(calls, tmp_path / "one.vcf").replace("NC_001416.1\t", "chr20\t")
    assert records(found, tmp_path / "other.vcf") == expected
    assert any("chr20 is 20" in notice for notice in found.notices)
    assert "chr20" in found.explain("chr20", int(found.position[0]) + 1).contig


def test_another_backend_calls_the_same():
    # each kernel on each backend is held to numpy in tests/kernel
    few = "NC_001416.1:12,001-12,300"
    one = call_variants(PHAGE / "reads.bam", PHAGE / "lambda.fa", few)
    same(call_variants(PHAGE / "reads.bam", PHAGE / "lambda.fa", few, backend="jax"), one)


def test_sliders_never_recompile(calls):
    genotype(calls.evidence)
    seen = []
    stop = on_compile(seen.append)
    for quality in range(0, 60, 7):
        genotype(calls.evidence, Thresholds(min_base_quality=quality, heterozygosity=0.001 + quality / 1000))
    stop()
    assert seen == []


def test_progress_rises_to_one_and_may_stop_the_work():
    said: list[tuple[float, str]] = []
    call_variants(
        PHAGE / "reads.bam", PHAGE / "lambda.fa", REGION, tile=1_000, progress=lambda *each: said.append(each)
    )
    fractions = [fraction for fraction, _ in said]
    assert fractions == [0, 0.25, 0.5, 0.75, 1]
    assert said[1][1] == "calling NC_001416.1:11,001-12,000"

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call_variants(PHAGE / "reads.bam", PHAGE / "lambda.fa", REGION, tile=1_000, progress=stop)


def test_without_a_region_every_contig_is_called(calls, everything):
    inside = (everything.position >= 10_000) & (everything.position < 14_000)
    np.testing.assert_array_equal(everything.position[inside], calls.position)
    assert [str(region) for region in everything.regions] == ["NC_001416.1:1-48,502"]

"""VCF and BCF: written, read back, read by bcftools, and refused by line."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import genolab.io as io
from genolab.errors import FileError, InputError

SUFFIXES = [".vcf", ".vcf.gz", ".bcf"]
INFO = {
    "DP": io.Field("1", "Integer", "Depth"), "AF": io.Field("A", "Float", "Frequency of each allele"),
    "DB": io.Field("0", "Flag", 'In "dbSNP"'), "NOTE": io.Field("1", "String", "Free text with a \\ in it"),
}  # fmt: skip
FORMAT = {
    "GT": io.Field("1", "String", "Genotype"), "GQ": io.Field("1", "Integer", "Genotype quality"),
    "DP": io.Field("1", "Integer", "Depth"), "PL": io.Field("G", "Integer", "Likelihoods"),
}  # fmt: skip


def records(**changes: object) -> io.VariantRecords:
    """Three records of two samples, with missing values of every kind."""
    values: dict[str, object] = {
        "contigs": {"chr1": 100, "chr2": 50}, "samples": ("one", "two <b>"), "filters": {"low": "Quality below 20"},
        "info": INFO, "format": FORMAT, "contig": ["chr1", "chr1", "chr2"], "position": np.array([0, 9, 49]),
        "reference": ["A", "AT", "g"], "alternates": [("C",), ("A", "ATT"), ()],
        "quality": np.array([30.5, np.nan, 0.0]), "filter": [(), ("low",), ("PASS",)],
        "info_values": {"DP": [7, None, 0], "AF": [0.25, (0.5, None), None], "DB": [True, False, None],
                        "NOTE": ["a b;c=d,e%", None, None]},
        "format_values": {"GT": [["0/1", "1|1"], ["1/2", "./."], ["0/0", None]], "GQ": [[40, None], None, [1, 2]],
                          "DP": [[5, 2], [None, None], [0, 0]], "PL": [[(1, 0, 9), None], None, None]},
        "header_lines": ("##source=genolab test", "##reference=r.fa"),
    }  # fmt: skip
    return io.VariantRecords(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_written_and_read_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    io.write_variants(records(), path)
    index = {".vcf": [], ".vcf.gz": ["out.vcf.gz.tbi"], ".bcf": ["out.bcf.csi"]}[suffix]
    assert sorted(found.name for found in tmp_path.iterdir()) == sorted([path.name, *index])
    got = io.read_variants(path)
    assert got.samples == ("one", "two <b>")
    assert got.sample == "one"
    assert got.contigs == {"chr1": 100, "chr2": 50}
    assert got.contig == ["chr1", "chr1", "chr2"]
    assert got.position.tolist() == [0, 9, 49]
    assert got.reference == ["A", "AT", "G"]
    assert got.alternates == [("C",), ("A", "ATT"), ()]
    assert np.array_equal(got.quality, [30.5, np.nan, 0.0], equal_nan=True)
    assert got.filters == [("PASS",), ("low",), ("PASS",)]
    assert got.genotype == [(0, 1), (1, 2), (0, 0)]
    assert np.array_equal(got.genotype_quality, [40, np.nan, 1], equal_nan=True)
    assert np.array_equal(got.depth, [5, np.nan, 0], equal_nan=True)
    other = io.read_variants(path, sample="two <b>")
    assert other.genotype[:2] == [(1, 1), (None, None)]
    assert other.phased.tolist()[:2] == [True, False]
    frame = got.to_frame()
    assert frame["position"].tolist() == [1, 10, 50]
    assert frame["genotype"].tolist() == ["0/1", "1/2", "0/0"]
    with pysam.VariantFile(str(path)) as file:
        assert str(file.header).startswith("##fileformat=VCFv4.3\n")
        assert next(iter(file)).info["NOTE"] == "a%20b%3Bc%3Dd%2Ce%25"


@pytest.mark.oracle
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_bcftools_reads_it_without_a_word(tmp_path: Path, suffix: str) -> None:
    program = shutil.which("bcftools")
    if program is None:
        pytest.skip("bcftools is not installed")
    path = tmp_path / f"out{suffix}"
    io.write_variants(records(), path)
    run = subprocess.run([program, "view", "-H", str(path)], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert [line.split("\t")[1] for line in run.stdout.splitlines()] == ["1", "10", "50"]
    if suffix != ".vcf":
        run = subprocess.run(
            [program, "view", "-H", "-r", "chr2:50", str(path)], capture_output=True, text=True, check=True
        )
        assert run.stderr == ""
        assert len(run.stdout.splitlines()) == 1


bases = st.text("ACGT", min_size=1, max_size=4)


@st.composite
def rows(draw: st.DrawFn) -> list[tuple]:
    count = draw(st.integers(0, 12))
    drawn = []
    for _ in range(count):
        reference = draw(bases)
        others = [text for text in draw(st.lists(bases, max_size=3, unique=True)) if text != reference]
        alleles = st.none() | st.integers(0, len(others))
        genotype = draw(st.lists(alleles, min_size=1, max_size=3))
        quality = draw(st.none() | st.floats(0, 1e6, width=32))
        drawn.append((draw(st.sampled_from(["c1", "c2"])), draw(st.integers(0, 90)), reference, tuple(others), quality,
                      genotype, draw(st.booleans()), draw(st.none() | st.integers(0, 2**31 - 1))))  # fmt: skip
    return sorted(drawn, key=lambda row: row[:2])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows(), st.sampled_from(SUFFIXES), st.integers(0, 99), st.integers(1, 100))
def test_random_records_survive(tmp_path: Path, drawn: list[tuple], suffix: str, one: int, other: int) -> None:
    path = tmp_path / f"random{suffix}"
    columns = list(zip(*drawn, strict=True)) or [()] * 8
    contig, position, reference, alternates, quality, genotype, phased, depth = columns
    texts = [
        ("|" if joined else "/").join("." if allele is None else str(allele) for allele in alleles)
        for alleles, joined in zip(genotype, phased, strict=True)
    ]
    io.write_variants(
        io.VariantRecords(
            contigs={"c1": 100, "c2": 100}, samples=("s",), filters={}, info={}, format=FORMAT, contig=list(contig),
            position=np.array(position, np.int64), reference=list(reference), alternates=list(alternates),
            quality=np.array([math.nan if value is None else value for value in quality]),
            filter=[()] * len(drawn),
            format_values={"GT": [[text] for text in texts], "DP": [[value] for value in depth]},
        ),
        path,
    )  # fmt: skip
    got = io.read_variants(path)
    assert got.contig == list(contig)
    assert got.position.tolist() == list(position)
    assert got.reference == list(reference)
    assert got.alternates == list(alternates)
    assert got.genotype == [tuple(alleles) for alleles in genotype]
    expected = np.array([math.nan if value is None else value for value in quality])
    assert np.allclose(got.quality, expected, rtol=1e-5, equal_nan=True)
    assert np.array_equal(got.depth, [math.nan if value is None else value for value in depth], equal_nan=True)
    start, end = sorted((one, max(other, one + 1)))
    some = io.read_variants(path, region=io.Region("c1", start, end))
    inside = [row for row in drawn if row[0] == "c1" and row[1] < end and row[1] + len(row[2]) > start]
    assert some.position.tolist() == [row[1] for row in inside]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"position": np.array([9, 0, 49])}, "sorted"),
        ({"contig": ["chr2", "chr1", "chr1"]}, "sorted"),
        ({"position": np.array([0, 99, 49])}, "inside its contig"),
        ({"position": np.array([0.0, 9.0, 49.0])}, "whole numbers"),
        ({"contig": ["chr1", "chr1", "2"]}, "Did you mean chr2"),
        ({"reference": ["A", "", "G"]}, "bases"),
        ({"alternates": [("A",), (), ()]}, "other than REF"),
        ({"quality": np.array([-1.0, 0, 0])}, "quality"),
        ({"filter": [("high",), (), ()]}, "filters declares"),
        ({"samples": ("one", "one")}, "different names"),
        ({"contig": ["chr1", "chr1"]}, "as long as contig"),
        ({"info_values": {"XX": [1, 2, 3]}}, "declared"),
        ({"info_values": {"DP": [1.5, 2, 3]}}, "DP"),
        ({"info_values": {"DP": [2**31, 2, 3]}}, "32 bits"),
        ({"info_values": {"AF": [(0.1, 0.2), None, None]}}, "Number=A"),
        ({"format_values": {"GT": [["0/2", "0/0"], None, None]}}, "allele above 1"),
        ({"format_values": {"GT": [["0/1"], None, None]}}, "2 values per record"),
        ({"format_values": {"PL": [[(1, 2), None], None, None]}}, "Number=G"),
        ({"header_lines": ("##source=a\n#CHROM",)}, "header_lines"),
        ({"contigs": {"chr1": 100, "chr2": 50, "a\tb": 1}}, "names that VCF allows"),
    ],
)
def test_what_vcf_cannot_hold_is_not_written(tmp_path: Path, changes: dict, words: str) -> None:
    path = tmp_path / "out.vcf.gz"
    path.write_text("old")
    with pytest.raises(InputError) as refusal:
        io.write_variants(records(**changes), path)
    assert words in str(refusal.value)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_suffix_decides_and_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.vcf, \.vcf\.gz or \.bcf"):
        io.write_variants(records(), tmp_path / "out.txt")


HEAD = (
    "##fileformat=VCFv4.3\n##contig=<ID=c,length=100>\n"
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="d">\n##INFO=<ID=AF,Number=A,Type=Float,Description="f">\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="q">\n'
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="a">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\n'
)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("c\tten\t.\tA\tC\t1\tPASS\t.\tGT\t0/1", "POS"),
        ("c\t101\t.\tAC\tC\t1\tPASS\t.\tGT\t0/1", "POS"),
        ("d\t1\t.\tA\tC\t1\tPASS\t.\tGT\t0/1", "CHROM"),
        ("c\t1\t.\tA\tC\thigh\tPASS\t.\tGT\t0/1", "QUAL"),
        ("c\t1\t.\tA\tC\t-1\tPASS\t.\tGT\t0/1", "QUAL"),
        ("c\t1\t.\t\tC\t1\tPASS\t.\tGT\t0/1", "REF"),
        ("c\t1\t.\tA\tA\t1\tPASS\t.\tGT\t0/1", "ALT"),
        ("c\t1\t.\tA\tC\t1\tPASS;\t.\tGT\t0/1", "FILTER"),
        ("c\t1\t.\tA\tC\t1\tPASS\tDP=ten\tGT\t0/1", "INFO DP"),
        ("c\t1\t.\tA\tC\t1\tPASS\tAF=0.1,0.2\tGT\t0/1", "INFO AF"),
        ("c\t1\t.\tA\tC\t1\tPASS\t.\tGT\t0/2", "GT of sample s"),
        ("c\t1\t.\tA\tC\t1\tPASS\t.\tGT\thet", "GT of sample s"),
        ("c\t1\t.\tA\tC\t1\tPASS\t.\tGT:GQ\t0/1:x", "GQ of sample s"),
        ("c\t1\t.\tA\tC\t1\tPASS\t.\tGT:AD\t0/1:1,2,3", "AD of sample s"),
        ("c\t1\t.\tA\tC\t1\tPASS\t.\tGQ:GT\t3:0/1", "FORMAT"),
        ("c\t1\t.\tA\tC\t1\tPASS\t.\tGT", "columns"),
        ("c\t1\t.\tA\tC\t1\tPASS\t.\tGT\t0/1\t0/1", "columns"),
    ],
)
def test_a_bad_record_is_named_by_line_and_field(tmp_path: Path, line: str, field: str) -> None:
    path = tmp_path / "a.vcf"
    path.write_text(f"{HEAD}c\t1\t.\tA\tC\t.\t.\t.\tGT\t0/1\n{line}\n")
    with pytest.raises(FileError) as refusal:
        io.read_variants(path)
    assert (refusal.value.line, refusal.value.field) == (10, field)


def test_what_is_odd_but_readable_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.vcf"
    body = (
        "c\t9\t.\tA\tC\tnan\tq\tNEW=1;AF=2\tGT\t0|1\r\nc\t5\tx\tA\tC\t1\t.\tDP=-3\tGT\t.\nc\t5\tx\tA\tC\t1\t.\t.\tGT\t1"
    )
    path.write_bytes((HEAD + body).encode())
    got = io.read_variants(path)
    said = " ".join(got.notices)
    for words in ("CR LF", "QUAL nan", "FILTER that", "INFO values are of fields", "above 1", "not in the order",
                  "negative", "repeat an earlier", "last line has no end"):  # fmt: skip
        assert words in said
    assert got.filters == [("q",), (), ()]
    assert got.genotype == [(0, 1), (None,), (1,)]
    assert got.identifier == ["", "x", "x"]
    assert np.isnan(got.depth).all()


def test_samples_and_regions_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.vcf"
    path.write_text(HEAD)
    assert io.read_variants(path).notices == ("The file has 0 variants.",)
    with pytest.raises(InputError, match="It has s"):
        io.read_variants(path, sample="t")
    with pytest.raises(InputError, match="inside c"):
        io.read_variants(path, region="c:1-101")


def test_the_truth_of_the_slice(shared: Path) -> None:
    folder = shared / "data" / "na12878_wgs50x_chr20"
    path = folder / "test_nist.b37_chr20_100kbp_at_10mb.vcf.gz"
    everything = io.read_variants(path)
    with pysam.VariantFile(str(path)) as file:
        expected = [(record.contig, record.start, record.ref, record.alts, record.samples[0]["GT"]) for record in file]
    rows = zip(everything.contig, everything.position.tolist(), everything.reference, everything.alternates,
               everything.genotype, strict=True)  # fmt: skip
    assert list(rows) == expected
    some = io.read_variants(path, region="chr20:10,000,001-10,010,000")
    assert some.position.tolist() == [at for at in everything.position.tolist() if at < 10_010_000]
    bed = io.read_bed(folder / "test_nist.b37_chr20_100kbp_at_10mb.bed")
    assert len(bed) == len(bed.to_frame()) > 0
    assert (bed.end > bed.start).all()

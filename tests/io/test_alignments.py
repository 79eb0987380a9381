"""Reads as flat arrays: against pysam read by read, against pictures, and refused where the file does not add up."""

from __future__ import annotations

import os
from array import array
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysam
import pytest
from ascii_reads import draw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import genolab.io as io
from genolab.errors import FileError, InputError, MissingIndexError

PICTURE = """
    ACGTAC--GTACGTACGTACGT
    ..T...  ..
     ,,,,,ag,,--,,
    [TT].....   .......        | mapq=20 quality=12 duplicate
      ...~~~~~....[GG]   ...   | quality=!"#$%&'()*+,
"""


def naive(path: Path, region: io.Region, reference: Path | None = None) -> list[tuple]:
    """Every mapped read that overlaps the region, a Python object per base: what read() must equal."""
    rows = []
    with pysam.AlignmentFile(str(path), reference_filename=str(reference) if reference else None) as file:
        for read in file.fetch(region.contig, region.start, region.end):
            if read.is_unmapped or not read.cigartuples:
                continue
            sequence = read.query_sequence or ""
            qualities = [255] * len(sequence) if read.query_qualities is None else list(read.query_qualities)
            codes = ["ACGT".find(letter) if letter in "ACGT" else 4 for letter in sequence]
            rows.append((
                read.query_name, read.reference_start, read.reference_end, read.flag, read.mapping_quality, codes,
                qualities, list(read.cigartuples),
            ))  # fmt: skip
    return rows


def as_rows(reads: io.AlignedReads) -> list[tuple]:
    rows = []
    for i, name in enumerate(reads.names):
        bases = slice(reads.base_offset[i], reads.base_offset[i + 1])
        steps = slice(reads.operation_offset[i], reads.operation_offset[i + 1])
        pairs = list(zip(reads.operation[steps].tolist(), reads.length[steps].tolist(), strict=True))
        rows.append((
            name, int(reads.position[i]), int(reads.reference_end[i]), int(reads.flag[i]),
            int(reads.mapping_quality[i]),
            reads.base[bases].tolist(), reads.quality[bases].tolist(), pairs,
        ))  # fmt: skip
    return rows


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("text", ["17:1-4200", "17:1000-1100", "17:2500", "17:4100-"])
def test_equals_a_loop_over_every_read(shared: Path, number: int, text: str) -> None:
    path = shared / "data" / "mpileup_1000g_chr17" / f"mpileup.{number}.bam"
    with io.open_alignments(path) as alignments:
        region = io.parse_region(text, alignments.contigs)
        reads = alignments.read(region)
    assert as_rows(reads) == naive(path, region)
    dtypes = {name: getattr(reads, name).dtype.name for name in (
        "fragment", "position", "reference_end", "flag", "mapping_quality", "base_offset", "base", "quality",
        "operation_offset", "operation", "length",
    )}  # fmt: skip
    assert dtypes == {
        "fragment": "int32", "position": "int32", "reference_end": "int32", "flag": "uint16",
        "mapping_quality": "uint8",
        "base_offset": "int64", "base": "uint8", "quality": "uint8", "operation_offset": "int64", "operation": "uint8",
        "length": "int32",
    }  # fmt: skip
    same = np.array(reads.names)[:, None] == np.array(reads.names)[None, :]
    assert np.array_equal(same, reads.fragment[:, None] == reads.fragment[None, :])


def test_the_whole_genome_slice_has_its_reads(shared: Path) -> None:
    path = shared / "data" / "na12878_wgs50x_chr20" / "NA12878_S1.chr20.10_10p1mb.bam"
    with io.open_alignments(path, threads=2) as alignments:
        reads = alignments.read("chr20:10,000,001-10,100,000")
        estimate = alignments.estimate("chr20:10,050,001-10,060,000")
        exact = len(alignments.read("chr20:10,050,001-10,060,000"))
    with pysam.AlignmentFile(str(path)) as file:
        mapped = sum(not read.is_unmapped for read in file.fetch("chr20", 10_000_000, 10_100_000))
    assert len(reads) == mapped
    assert estimate is not None
    assert 0.5 < estimate / exact < 2


def test_a_picture_as_bam_and_as_sam(tmp_path: Path) -> None:
    picture = draw(PICTURE)
    bam = picture.write_bam(tmp_path / "reads.bam")
    sam = tmp_path / "reads.sam"
    sam.write_text(picture.sam())
    region = io.Region("chr1", 0, 20)
    with io.open_alignments(bam) as one, io.open_alignments(sam) as other:
        assert one.samples == other.samples == ("sample",)
        assert one.contigs == other.contigs == {"chr1": 20}
        first, second = one.read(region), other.read(region, sample="sample")
        assert as_rows(first) == as_rows(second) == naive(bam, region)
        assert one.has_index
        assert other.has_index
        assert other.estimate(region) == len(second)
        for narrow in ("chr1:9-9", "chr1:17-20", "chr1:1"):
            place = io.parse_region(narrow, one.contigs)
            assert as_rows(other.read(place)) == naive(bam, place)
    mates = np.array(first.names) == "read3"
    assert len(set(first.fragment[mates].tolist())) == 1


cigars = st.lists(st.tuples(st.sampled_from([0, 1, 2, 3, 7, 8]), st.integers(1, 300)), min_size=1, max_size=12)


@st.composite
def alignment(draw_: st.DrawFn) -> tuple:
    inner = draw_(cigars)
    clip = draw_(st.sampled_from([[], [(4, 3)], [(5, 2), (4, 1)], [(5, 7)]]))
    steps = [*clip, *inner, *reversed(clip)]
    size = sum(length for operation, length in steps if operation in (0, 1, 4, 7, 8))
    sequence = draw_(st.sampled_from(["ACGT", "NRYK", "A"])) * (size // 1 + 1)
    kind = draw_(st.sampled_from(["full", "no quality", "no sequence"]))
    return (
        draw_(st.integers(0, 500)),
        steps,
        sequence[:size],
        kind,
        draw_(st.integers(0, 255)),
        draw_(st.integers(0, 93)),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(alignment(), max_size=8))
def test_random_reads_survive(tmp_path: Path, drawn: list[tuple]) -> None:
    path = tmp_path / "random.bam"
    header = pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "c", "LN": 9000}]})
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for i, (position, steps, sequence, kind, mapping, quality) in enumerate(sorted(drawn, key=lambda row: row[0])):
            read = pysam.AlignedSegment(header)
            read.query_name, read.flag, read.reference_id = f"r{i // 2}", 16 * (i % 2), 0
            read.reference_start, read.mapping_quality, read.cigartuples = position, mapping, steps
            if kind != "no sequence" and sequence:
                read.query_sequence = sequence
                if kind == "full":
                    read.query_qualities = array("B", [quality] * len(sequence))
            file.write(read)
    pysam.index(str(path))
    with io.open_alignments(path) as alignments:
        reads = alignments.read("c:201-400")
    assert as_rows(reads) == naive(path, io.Region("c", 200, 400))


def test_reads_of_one_base_leave_python_as_it_was(tmp_path: Path) -> None:
    picture = draw("ACGTACGT\n.\n ." + " | quality=%")
    bam = picture.write_bam(tmp_path / "a.bam")
    with io.open_alignments(bam) as alignments:
        reads = alignments.read("chr1")
    assert reads.quality.tolist() == [30, 4]
    # pysam's query_qualities_str would have written 30 and 4 into the shared objects of these bytes.
    assert [bytes([value]) for value in (63, 30, 4)] == [b"?", b"\x1e", b"\x04"]
    assert [bytes([value])[0] for value in range(256)] == list(range(256))


def test_an_empty_region_is_no_error(tmp_path: Path) -> None:
    bam = draw("ACGTACGT\n...").write_bam(tmp_path / "a.bam")
    with io.open_alignments(bam) as alignments:
        reads = alignments.read("chr1:8-8")
    assert (len(reads), reads.base.size, reads.operation.size, reads.base_offset.tolist()) == (0, 0, 0, [0])
    assert reads.notices == ("No reads overlap chr1:8-8.",)


def test_samples_are_chosen_by_read_group(tmp_path: Path) -> None:
    lines = draw("ACGTACGT\n...\n  ....", sample="one").sam().split("\n")
    lines.insert(3, "@RG\tID:two\tSM:second")
    lines[-2] = lines[-2].replace("RG:Z:one", "RG:Z:two")
    sam = tmp_path / "two.sam"
    sam.write_text("\n".join(lines))
    bam = tmp_path / "two.bam"
    pysam.view("-b", "-o", str(bam), str(sam), catch_stdout=False)
    pysam.index(str(bam))
    for path in (sam, bam):
        with io.open_alignments(path) as alignments:
            assert alignments.samples == ("one", "second")
            assert alignments.read("chr1", sample="second").names == ["read2"]
            both = alignments.read("chr1")
            assert len(both) == 2
            assert any("2 samples" in notice for notice in both.notices)
            with pytest.raises(InputError, match="one, second"):
                alignments.read("chr1", sample="third")


def test_a_missing_index_is_named_and_built(tmp_path: Path) -> None:
    bam = draw("ACGTACGT\n...").write_bam(tmp_path / "a.bam")
    index = bam.with_name("a.bam.bai")
    index.unlink()
    with io.open_alignments(bam) as alignments:
        assert not alignments.has_index
        assert alignments.estimate("chr1") is None
        with pytest.raises(MissingIndexError, match=r"genolab index .*a\.bam`, or genolab\.io\.build_index"):
            alignments.read("chr1")
    with io.open_alignments(bam, index="cache") as alignments:
        assert len(alignments.read("chr1")) == 1
    assert not index.exists()
    with io.open_alignments(bam) as alignments:  # the cached one is found again
        assert alignments.has_index
    assert io.build_index(bam) == index
    os.utime(index, (1, 1))
    with io.open_alignments(bam) as alignments:
        assert any("older than the file" in notice for notice in alignments.notices)


def test_unsorted_reads_are_not_indexed(tmp_path: Path) -> None:
    header = pysam.AlignmentHeader.from_dict({"SQ": [{"SN": "c", "LN": 90}]})
    path = tmp_path / "a.bam"
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for position in (50, 10):
            read = pysam.AlignedSegment(header)
            read.query_name, read.flag, read.reference_id, read.reference_start = "r", 0, 0, position
            read.cigarstring, read.query_sequence = "4M", "ACGT"
            file.write(read)
    with pytest.raises(FileError, match="samtools sort"):
        io.build_index(path)
    assert [found.name for found in tmp_path.iterdir()] == ["a.bam"]


def test_cut_and_broken_files_say_where(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    picture = draw(PICTURE)
    picture.reads = [replace(read, name=f"{i * 7919}") for i, read in enumerate(picture.reads * 4000)]
    bam = picture.write_bam(tmp_path / "a.bam")
    whole = bam.read_bytes()
    bam.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError) as refusal:
        io.open_alignments(bam)
    assert refusal.value.offset == len(whole) // 2
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 0xFF
    bam.write_bytes(broken)
    with io.open_alignments(bam) as alignments, pytest.raises(FileError) as refusal:
        alignments.read("chr1")
    assert 0 < (refusal.value.offset or 0) <= len(whole) // 2
    assert "block" in refusal.value.found
    with pytest.raises(FileError, match="block"):
        io.build_index(bam, cache=True)
    bam.write_bytes(whole[:20] + b"\0" * 30 + whole[50:])
    with pytest.raises(FileError, match="unpacked"):
        io.open_alignments(bam)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_a_broken_index_is_blamed_and_not_the_reads(tmp_path: Path) -> None:
    bam = draw("ACGTACGT\n...").write_bam(tmp_path / "a.bam")
    bam.with_name("a.bam.bai").write_bytes(b"not an index")
    with pytest.raises(FileError, match=r"a\.bam\.bai.*build_index"):
        io.open_alignments(bam)


def test_a_closed_file_says_so(tmp_path: Path) -> None:
    alignments = io.open_alignments(draw("ACGTACGT\n...").write_bam(tmp_path / "a.bam"))
    alignments.close()
    with pytest.raises(InputError, match="closed"):
        alignments.read("chr1")


def test_cram_needs_its_reference(tmp_path: Path) -> None:
    picture = draw("ACGTACGT" * 20 + "\n" + "." * 40)
    bam, fasta, cram = (
        picture.write_bam(tmp_path / "a.bam"),
        picture.write_fasta(tmp_path / "r.fa"),
        tmp_path / "a.cram",
    )
    io.build_index(fasta)
    pysam.view("-C", "-T", str(fasta), "-o", str(cram), str(bam), catch_stdout=False)
    with pytest.raises(FileError, match="reference"):
        io.open_alignments(cram)
    with io.open_alignments(cram, reference=fasta, index="build") as alignments:
        assert as_rows(alignments.read("chr1")) == naive(bam, io.Region("chr1", 0, 160))
    assert (tmp_path / "a.cram.crai").is_file()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("r\t0\tchr1\t1\t60\t3M\t*\t0\t0\tACGT\tIIII", "as many bases as SEQ"),
        ("r\t0\tchr1\t6\t60\t4M\t*\t0\t0\tACGT\tIIII", "inside chr1"),
        ("r\t0\tchr1\t1\t60\t4M\t*\t0\t0\tACGT\tIII", "QUAL"),
        ("r\t0\tchr2\t1\t60\t4M\t*\t0\t0\tACGT\tIIII", "RNAME"),
        ("r\t0\tchr1\t1\t256\t4M\t*\t0\t0\tACGT\tIIII", "MAPQ"),
        ("r\t-1\tchr1\t1\t60\t4M\t*\t0\t0\tACGT\tIIII", "FLAG"),
        ("r\t0\tchr1\t1\t60\t2M1S1M\t*\t0\t0\tACGT\tIIII", "clips"),
        ("r\t0\tchr1\t1\t60", "11 tab-separated"),
        ("r\t0\tchr1\t1\t60\t4M\t*\t0\t0\tAC1T\tIIII", "SEQ"),
    ],
)
def test_a_bad_sam_line_is_named(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "a.sam"
    path.write_text(f"@SQ\tSN:chr1\tLN:8\n{line}\n")
    with pytest.raises(FileError, match="line 2") as refusal:
        io.open_alignments(path)
    assert words in str(refusal.value)


def test_what_should_be_known_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.sam"
    path.write_text(
        "@SQ\tSN:chr1\tLN:80\nb\t0\tchr1\t9\t255\t4M\t*\t0\t0\tAC=T\t*\na\t0\tchr1\t1\t60\t4M\t*\t0\t0\t*\t*\n"
    )
    with io.open_alignments(path) as alignments:
        reads = alignments.read("chr1")
        said = " ".join((*alignments.notices, *reads.notices))
    assert reads.names == ["a", "b"]
    assert reads.quality.tolist() == [255] * 4
    assert reads.base.tolist() == [0, 1, 4, 3]
    for words in ("not in the order", "no sequence", "no quality", "no mapping quality", "written as ="):
        assert words in said

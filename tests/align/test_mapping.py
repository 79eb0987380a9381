"""Reads are put where they are from, and what is written about them is right."""

from __future__ import annotations

import re

import made_fastq as made
import numpy as np
import pytest

import genolab as gl
from genolab.align import map_reads, map_sequences
from genolab.errors import Cancelled, FileError, GenolabError

A, B = made.letters(6000, 1), made.letters(3000, 2)
REPEAT = made.letters(400, 3)
CONTIGS = {
    "one": A[:2000] + REPEAT + A[2000:4000] + REPEAT + A[4000:],
    "two": B + "N" * 50 + made.letters(500, 4),
    "tiny": made.letters(120, 5),
}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return made.write_fasta(tmp_path_factory.mktemp("reference") / "ref.fa", **CONTIGS)


@pytest.fixture(scope="module")
def index(reference):
    return gl.align.index_reference(reference)


def one(sequence, index):
    """Where one sequence lies, as a row of the table."""
    return map_sequences([sequence], index).to_frame().iloc[0].to_dict()


def matched(cigar):
    return sum(int(count) for count in re.findall(r"(\d+)M", cigar))


PICTURES = {
    # what is done to A[100:200], and how it must be aligned
    "as it is": (lambda t: t, 101, "100M", 0),
    "a mismatch": (lambda t: t[:50] + made.reverse_complement(t[50]) + t[51:], 101, "100M", 1),
    "a mismatch at the very end": (lambda t: t[:99] + made.reverse_complement(t[99]), 101, "100M", 1),
    "three letters more": (lambda t: t[:50] + "GAT" + t[50:], 101, "50M3I50M", 3),
    "ten letters less": (lambda t: t[:40] + t[50:], 101, "40M10D50M", 10),
    "thirty letters of something else": (lambda t: t[:70] + made.letters(30, 9), 101, "70M30S", 0),
    "something else before": (lambda t: made.letters(25, 8) + t[25:], 126, "25S75M", 0),
    "ten letters that are not known": (lambda t: t[:5] + "N" + t[6:], 101, "100M", 1),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("reverse", [False, True])
def test_small_pictures(name, reverse, index):
    change, position, cigar, edits = PICTURES[name]
    read = change(A[100:200])
    found = one(made.reverse_complement(read) if reverse else read, index)
    assert (found["contig"], found["reverse"], found["edits"]) == ("one", reverse, edits)
    # letters beside a gap or a clip may agree by chance
    assert abs(found["position"] - position) <= 2
    assert abs(matched(found["cigar"]) - matched(cigar)) <= 2
    if "else" not in name and "more" not in name:
        assert (found["position"], found["cigar"]) == (position, cigar)
    assert found["mapping_quality"] >= 30


def test_every_stretch_of_the_reference_is_where_it_is(index):
    starts = range(0, 2950, 37)
    found = map_sequences([B[at : at + 50] for at in starts], index)
    assert set(found.cigars) == {"50M"}
    assert found.position.tolist() == list(starts)
    assert not found.edits.any()
    assert (found.contig == 1).all()


def test_the_other_strand_changes_the_strand_and_nothing_else(index):
    reads = list(made.simulated(CONTIGS, 200, 80, wrong=0.03)[0].values())
    some, others = (
        map_sequences(each, index).to_frame() for each in (reads, [made.reverse_complement(read) for read in reads])
    )
    sure = some["mapping_quality"] >= 20
    assert sure.mean() > 0.8
    assert (some["reverse"] != others["reverse"])[sure].all()
    same = ["contig", "position", "score"]
    # where gaps or clips have equals, the strand may decide; the score is the same
    assert (some[same] == others[same])[sure].all(axis=1).mean() > 0.99
    assert (some["score"] == others["score"])[sure].all()


def test_a_read_of_two_equal_places_has_quality_0_and_the_seed_decides(index):
    read = REPEAT[100:250]
    found = [map_sequences([read] * 40, index, seed=seed) for seed in (1, 1, 2)]
    assert all((each.mapping_quality == 0).all() for each in found)
    assert set(found[0].position.tolist()) == {2100, 4500}
    assert found[0].position.tolist() == found[1].position.tolist() != found[2].position.tolist()


@pytest.mark.parametrize("read", ["", "ACGT", "N" * 80, "AC" * 60, made.letters(100, 77)])
def test_what_lies_nowhere_is_unmapped(read, index):
    found = map_sequences([read, A[:60]], index)
    assert found.position.tolist() == [-1, 0]
    assert found.cigars == ["*", "60M"]


@pytest.mark.parametrize("at", ["begin", "end"])
def test_a_read_over_the_end_of_a_contig_is_clipped_there(at, index):
    tiny, beyond = CONTIGS["tiny"], made.letters(20, 99)
    read = beyond + tiny[:60] if at == "begin" else tiny[-60:] + beyond
    found = one(read, index)
    assert found["contig"] == "tiny"
    assert found["cigar"] == ("20S60M" if at == "begin" else "60M20S")


@pytest.fixture(scope="module")
def single(tmp_path_factory, reference):
    """Single reads of three lengths, a chimera, one from nowhere."""
    folder = tmp_path_factory.mktemp("single")
    reads, truth = {}, {}
    for length in (40, 75, 151):
        some, _, where = made.simulated(CONTIGS, 150, length, seed=length, wrong=0.02)
        reads |= {f"{name}-{length}": text for name, text in some.items()}
        truth |= {f"{name}-{length}": each[0] for name, each in where.items()}
    reads["chimera"] = A[300:400] + made.reverse_complement(B[1000:1080])
    reads["nowhere"] = made.letters(100, 55)
    reads["empty"] = ""
    path = made.write_fastq(folder / "reads.fq", reads)
    said = []
    result = map_reads(path, reference, folder / "out.bam", secondary=3, progress=lambda f, t: said.append((f, t)))
    return result, truth, said


def test_single_reads_are_where_they_are_from(single):
    result, truth, _ = single
    reads = {read.query_name: read for read in made.records(result.path) if not read.flag & 0x900}
    assert len(reads) == result.reads == 453
    right = sure = 0
    for name, where in truth.items():
        read = reads[name]
        if read.mapping_quality >= 20:
            sure += 1
            clipped = read.cigartuples[0][1] if read.cigartuples[0][0] == 4 else 0
            near = abs(read.reference_start - clipped - where.start) <= 5
            right += (read.reference_name, read.is_reverse, near) == (where.contig, where.reverse, True)
    assert right == sure > 350
    assert reads["nowhere"].is_unmapped
    assert reads["empty"].is_unmapped


def test_everything_written_is_right(single):
    result, *_ = single
    assert made.faults(result.path, CONTIGS) == []
    assert result.path.with_name("out.bam.bai").is_file()


def test_the_parts_of_a_chimera(single):
    parts = [read for read in made.records(single[0].path) if read.query_name == "chimera"]
    assert sorted(read.flag for read in parts) == [0, 2064]
    first, second = sorted(parts, key=lambda read: read.flag)
    assert (first.reference_name, second.reference_name) == ("one", "two")
    assert second.get_tag("SA").startswith("one,301,+,")
    assert first.get_tag("SA").startswith("two,1001,-,")
    assert single[0].supplementary == 1


def test_other_places_are_secondary_and_counted(single):
    reads = made.records(single[0].path)
    secondary = [read for read in reads if read.is_secondary]
    assert len(secondary) == single[0].secondary > 10
    assert {read.reference_name for read in secondary} == {"one"}


def test_the_result_counts(single):
    result, _, said = single
    primary = [read for read in made.records(result.path) if not read.flag & 0x900]
    assert result.mapped == sum(not read.is_unmapped for read in primary)
    assert result.sure == sum(read.mapping_quality >= 20 for read in primary)
    frame = result.to_frame()
    assert frame["reads"].sum() == result.mapped
    assert frame["contig"].tolist() == list(CONTIGS)
    covered = sum(read.reference_length for read in primary if read.reference_name == "two")
    assert frame["depth"][1] == pytest.approx(covered / len(CONTIGS["two"]))
    assert result.qualities.sum() == result.mapped
    assert result.provenance["reads"][0]["digest"].startswith("sha256:")
    assert {each["name"] for each in result.provenance["kernels"]} == {"chain_anchors", "pairwise_scores"}
    assert "453 reads mapped" in repr(result)
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions)
    assert said[-1] == (1.0, "mapped")


@pytest.fixture(scope="module")
def paired(tmp_path_factory, reference):
    folder = tmp_path_factory.mktemp("paired")
    first, second, truth = made.simulated(CONTIGS | {"tiny": ""}, 400, 70, seed=5, wrong=0.02, insert=300)
    first["half"], second["half"] = A[1000:1070], made.letters(70, 56)
    first["neither"], second["neither"] = made.letters(70, 57), made.letters(70, 58)
    # too poor for its minimizers, but found beside its mate
    poor = list(made.reverse_complement(A[1430:1500]))
    for at in range(3, 70, 9):
        poor[at] = made.reverse_complement(poor[at])
    first["poor"], second["poor"] = A[1200:1270], "".join(poor)
    first["apart"], second["apart"] = A[100:170], made.reverse_complement(B[2000:2070])
    # one mate in a repeat of two copies, the other beside the second copy
    first["repeat"], second["repeat"] = REPEAT[200:270], made.reverse_complement(A[4030:4100])
    paths = made.write_fastq(folder / "a_1.fq", first), made.write_fastq(folder / "a_2.fq", second)
    return map_reads(paths, reference, folder / "out.bam", sample="donor"), truth


def pair(result, name):
    both = [read for read in made.records(result.path) if read.query_name == name and not read.flag & 0x900]
    return sorted(both, key=lambda read: read.is_read2)


def test_everything_written_about_pairs_is_right(paired):
    assert made.faults(paired[0].path, CONTIGS) == []


def test_pairs_are_where_they_are_from(paired):
    result, truth = paired
    right = sure = 0
    for read in made.records(result.path):
        if read.query_name in truth and read.mapping_quality >= 20 and not read.flag & 0x900:
            where = truth[read.query_name][read.is_read2]
            sure += 1
            near = abs(read.query_alignment_start * -1 + read.reference_start - where.start) <= 5
            right += (read.reference_name, read.is_reverse, near) == (where.contig, where.reverse, True)
    assert right == sure > 780
    assert result.proper_pairs >= 398
    assert abs(result.insert_size.mean - 300) < 10
    assert any("insert size" in notice for notice in result.notices)


def test_mates_that_are_missing_poor_or_apart(paired):
    result, _ = paired
    found, missing = pair(result, "half")
    assert (found.flag, missing.flag) == (73, 133)
    assert (missing.reference_start, missing.next_reference_start, found.reference_start) == (1000, 1000, 1000)
    assert [read.flag for read in pair(result, "neither")] == [77, 141]
    good, poor = pair(result, "poor")
    assert (good.flag, poor.flag) == (99, 147)
    assert poor.reference_start == 1430
    assert poor.get_tag("NM") == 8
    assert good.template_length == 300
    left, right = pair(result, "apart")
    assert not left.is_proper_pair
    assert (left.next_reference_name, left.template_length, right.template_length) == ("two", 0, 0)


def test_a_mate_tells_copies_of_a_repeat_apart(paired):
    inside, beside = pair(paired[0], "repeat")
    assert inside.reference_start == 4600
    assert inside.is_proper_pair
    assert inside.mapping_quality >= 20
    assert beside.mapping_quality >= 20


def test_the_same_bytes_for_any_number_of_threads(tmp_path, reference, single):
    result, *_ = single
    for threads in (1, 2, 4):
        output = tmp_path / f"{threads}.bam"
        map_reads(result.reads_paths[0], reference, output, secondary=3, threads=threads)
        assert output.read_bytes() == result.path.read_bytes()


def test_batches_change_nothing(tmp_path, reference, single, monkeypatch):
    from genolab.align import mapper

    monkeypatch.setattr(mapper, "BATCH", 100)
    again = map_reads(single[0].reads_paths[0], reference, tmp_path / "out.bam", secondary=3)
    assert [read.to_string() for read in made.records(again.path)] == [
        read.to_string() for read in made.records(single[0].path)
    ]


def test_long_reads(index):
    """A read of 2,000 letters with gaps of 40, and one so long that its band is aligned piece by piece."""
    one = CONTIGS["one"]
    worn = made.simulated({"one": one[500:2560]}, 1, 2000, wrong=0.05)[0]["r0"]
    gapped = one[500:1000] + one[1040:1500] + made.letters(40, 31) + one[1500:2500]
    found = map_sequences([worn, made.reverse_complement(gapped)], index)
    assert found.reverse.tolist()[1]
    assert found.position[1] == 500
    assert found.edits[1] == 80
    assert (found.mapping_quality == 60).all()


def test_wide_bands_are_aligned_one_by_one_and_the_same(index, monkeypatch):
    from genolab.align.mapping import batch

    reads = list(made.simulated(CONTIGS, 30, 100, wrong=0.05)[0].values())
    usual = map_sequences(reads, index).to_frame()
    monkeypatch.setattr(batch, "MOST_BYTES", 1)
    assert map_sequences(reads, index).to_frame()[["position", "score"]].equals(usual[["position", "score"]])


def test_cancelling_leaves_nothing(tmp_path, reference, single):
    def stop(fraction, text):
        if "mapping" in text:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        map_reads(single[0].reads_paths[0], reference, tmp_path / "out.bam", progress=stop)
    assert list(tmp_path.iterdir()) == []


BAD = {
    "cut": ("@a\nACGT\n+\n", {}, "line 3, record 1"),
    "no bases": ("@a\nAC!T\n+\nIIII\n", {}, "line 2, record 1, sequence"),
    "a web page": ("<!DOCTYPE html><html></html>", {}, "web page"),
    "output": ("@a\nACGT\n+\nIIII\n", {"output": "out.sam"}, "ends in .bam"),
    "secondary": ("@a\nACGT\n+\nIIII\n", {"secondary": -1}, "`secondary`"),
    "seed": ("@a\nACGT\n+\nIIII\n", {"seed": 1.5}, "`seed`"),
    "threads": ("@a\nACGT\n+\nIIII\n", {"threads": 0}, "`threads`"),
    "sample": ("@a\nACGT\n+\nIIII\n", {"sample": "a\tb"}, "`sample`"),
    "platform": ("@a\nACGT\n+\nIIII\n", {"platform": "illumina"}, "`platform`"),
    "insert size of single reads": ("@a\nACGT\n+\nIIII\n", {"insert_size": (300, 30)}, "`insert_size`"),
    "no folder": ("@a\nACGT\n+\nIIII\n", {"output": "nowhere/out.bam"}, "folder"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_and_how(name, tmp_path, reference):
    text, options, words = BAD[name]
    reads = tmp_path / "reads.fq"
    reads.write_text(text)
    output = tmp_path / options.pop("output", "out.bam")
    with pytest.raises(GenolabError, match=words.replace(".", r"\.")):
        map_reads(reads, reference, output, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["reads.fq"]


def test_mates_must_have_one_name_and_be_as_many(tmp_path, reference):
    some, others = {"x": A[:60], "y": A[60:120]}, {"x": A[200:260], "z": A[300:360]}
    first, second = made.write_fastq(tmp_path / "1.fq", some), made.write_fastq(tmp_path / "2.fq", others)
    with pytest.raises(FileError, match=r"2\.fq, record 2, name: expected the mate of 'y'; found 'z'"):
        map_reads((first, second), reference, tmp_path / "out.bam")
    made.write_fastq(second, {"x": A[200:260]})
    with pytest.raises(FileError, match="found the end of the file after 1 reads"):
        map_reads((first, second), reference, tmp_path / "out.bam")
    with pytest.raises(GenolabError, match="two different files"):
        map_reads((first, first), reference, tmp_path / "out.bam")


def test_too_few_pairs_are_said(tmp_path, reference):
    first = made.write_fastq(tmp_path / "1.fq", {"x/1": A[:60]})
    second = made.write_fastq(tmp_path / "2.fq", {"x/2": made.reverse_complement(A[200:260])})
    result = map_reads((first, second), reference, tmp_path / "out.bam")
    assert result.proper_pairs == 0
    assert "insert_size=" in result.notices[0]
    given = map_reads((first, second), reference, tmp_path / "out.bam", insert_size=(260, 20))
    assert given.proper_pairs == 1
    assert {read.query_name for read in made.records(given.path)} == {"x"}


def test_variants_are_called_from_it(tmp_path):
    """A donor with 20 changed bases, and all of them are found."""
    text = made.letters(4000, 21)
    places = np.arange(400, 3600, 160)
    changed = "".join(made.reverse_complement(c) if i in places else c for i, c in enumerate(text))
    first, second, _ = made.simulated({"c": changed}, 800, 100, seed=3, wrong=0.002, insert=300)
    reference = made.write_fasta(tmp_path / "ref.fa", c=text)
    paths = made.write_fastq(tmp_path / "1.fq", first), made.write_fastq(tmp_path / "2.fq", second)
    mapped = map_reads(paths, reference, tmp_path / "out.bam")
    calls = gl.call.call_variants(mapped.path, reference)
    assert calls.position[calls.passed].tolist() == places.tolist()

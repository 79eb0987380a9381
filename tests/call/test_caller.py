"""From files to calls to files: the same whatever the tiles, formats and order, and valid for bcftools."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import naive
import numpy as np
import pysam
import pytest
from made_reads import evidence_of, sam_text, simple, write_bam, write_reference

import genolab as gl
from genolab.call import Thresholds, VariantCalls, call_variants, genotype
from genolab.call.filters import FILTERS, NEAR_INDEL
from genolab.errors import FileError, InputError, MissingIndexError
from genolab.kernel import on_compile
from genolab.spec import BASES

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


def same(one: VariantCalls, other: VariantCalls) -> None:
    """The calls agree in everything but which file they came from; sums may round otherwise."""
    assert len(one) == len(other)
    for name in ("contig", "position", "reference", "forward", "reverse"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.alternates == other.alternates
    assert one.genotype == other.genotype
    assert one.filters == other.filters
    for name, values in one.columns.items():
        np.testing.assert_allclose(values, other.columns[name], rtol=1e-9, atol=1e-9, err_msg=name)


# ---------------------------------------------------------------- the same calls


def test_the_simulated_truth_is_found(everything):
    with pysam.VariantFile(str(PHAGE / "truth.vcf.gz")) as truth:
        expected = {
            (record.start, record.alts, record.samples[0]["GT"])
            for record in truth
            if all(len(allele) == 1 for allele in record.alleles)
        }
    found = {
        (int(position), tuple(BASES[code] for code in alternates), genotype)
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


def test_bam_cram_and_sam_give_the_same_calls(calls, region_sam, tmp_path):
    reference = shutil.copy(PHAGE / "lambda.fa", tmp_path / "lambda.fa")
    pysam.faidx(str(reference))
    cram = tmp_path / "reads.cram"
    pysam.samtools.view("-C", "-T", str(reference), "-o", str(cram), str(region_sam), catch_stdout=False)
    pysam.index(str(cram))
    for path in (region_sam, cram):
        same(call_variants(path, reference, REGION), calls)


def test_the_order_of_reads_at_one_position_does_not_matter(calls, region_sam, tmp_path):
    lines = region_sam.read_text().splitlines()
    head, body = [x for x in lines if x.startswith("@")], [x for x in lines if not x.startswith("@")]
    order = sorted(range(len(body)), key=lambda at: (int(body[at].split("\t")[3]), -at))
    assert [body[at] for at in order] != body
    path = tmp_path / "reads.sam"
    path.write_text("\n".join([*head, *(body[at] for at in order)]) + "\n")
    same(call_variants(path, PHAGE / "lambda.fa", REGION), calls)


def test_contigs_of_another_name_are_matched_by_length_aloud(calls, region_sam, tmp_path):
    path = tmp_path / "reads.sam"
    path.write_text(region_sam.read_text().replace("NC_001416.1", "chr20"))
    reference = write_reference(
        tmp_path / "reference.fa", pysam.FastaFile(str(PHAGE / "lambda.fa")).fetch("NC_001416.1"), "20"
    )
    found = call_variants(path, reference, "chr20:10,001-14,000")
    np.testing.assert_array_equal(found.position, calls.position)
    assert set(found.contig) == {"chr20"}
    assert any("chr20 is 20" in notice for notice in found.notices)
    assert "chr20" in found.explain("chr20", int(found.position[0]) + 1).contig


def test_another_backend_calls_the_same(calls):
    # each kernel on each backend is held to numpy in tests/kernel
    same(call_variants(PHAGE / "reads.bam", PHAGE / "lambda.fa", REGION, backend="numba"), calls)


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


# ---------------------------------------------------------------- small sites, drawn

REFERENCE = "ACGTACGTACGTACGTACGT"


def site(bases: str, folder: Path, quality: int = 30) -> gl.call.Evidence:
    """Fragments over position 10 (0-based, reference G) that show these bases, strands taking turns."""
    reads = [simple(f"r{at}", 5, f"CGTAC{base}TACG", quality, 0x10 * (at % 2)) for at, base in enumerate(bases)]
    folder.mkdir(exist_ok=True)
    return evidence_of(reads, REFERENCE, folder)


@pytest.mark.parametrize(
    ("bases", "ploidy", "genotype_text", "alternates", "depth"),
    [
        ("GGGGGAAAAA", 2, "0/1", "A", (5, 5)),
        ("AAAAAAAAAA", 2, "1/1", "A", (0, 10)),
        ("AAAAATTTTT", 2, "1/2", "AT", (0, 5, 5)),
        ("AAAAAAAAAA", 1, "1", "A", (0, 10)),
        ("GGGGGGGGGGGGAAAAAAAAAAAA", 4, "0/0/1/1", "A", (12, 12)),
        ("GGGGGGGGGGGGGGGGGGAAAAAA", 4, "0/0/0/1", "A", (18, 6)),
        ("GGGGGGGGAAAAAAAATTTTTTTT", 3, "0/1/2", "AT", (8, 8, 8)),
    ],
)
def test_genotypes_of_any_ploidy(bases, ploidy, genotype_text, alternates, depth, tmp_path):
    calls = genotype(site(bases, tmp_path), ploidy=ploidy)
    assert calls.position.tolist() == [10]
    assert calls.genotype_text(0) == genotype_text
    assert "".join(BASES[code] for code in calls.alternates[0]) == alternates
    assert calls.allele_depth(0) == depth
    alleles = "G" + alternates
    phred = calls.phred_likelihoods(0)
    kinds = naive.genotypes(ploidy, len(alleles))
    assert len(phred) == len(kinds)
    likelihoods = [
        sum(
            np.log10(naive.probability("ACGT".index(base), 30, 60, [BASES.index(alleles[a]) for a in kind], 1e-5))
            for base in bases
        )
        for kind in kinds
    ]
    expected = [round(-10 * (each - max(likelihoods))) for each in likelihoods]
    assert list(phred) == expected
    with pysam.VariantFile(str(calls.write(tmp_path / "calls.vcf"))) as file:
        (record,) = file
        sample = record.samples["donor"]
        assert sample["GT"] == tuple(map(int, genotype_text.split("/")))
        assert sample["AD"] == depth
        assert tuple(np.add(sample["ADF"], sample["ADR"])) == depth
        assert list(sample["PL"]) == expected
        assert record.alleles == tuple(alleles)


def test_a_base_seen_too_rarely_is_not_called_beside_one_seen_enough(tmp_path):
    evidence = site("AAAT", tmp_path, quality=60)
    calls = genotype(evidence, ploidy=2)
    assert [calls.genotype_text(0), calls.alternates[0]] == ["1/1", (0,)]
    assert calls.allele_depth(0) == (0, 3)
    assert len(genotype(site("T" + "G" * 3, tmp_path / "one", 60))) == 0


def test_nothing_is_called_over_an_unknown_reference(tmp_path):
    reads = [simple(f"r{at}", 5, "CGTACATACG") for at in range(10)]
    calls = genotype(evidence_of(reads, REFERENCE[:8] + "NNNNN" + REFERENCE[13:], tmp_path))
    assert len(calls) == 0
    assert calls.write(tmp_path / "none.vcf.gz").exists()
    assert len(calls.to_frame()) == 0


def test_deep_evidence_of_one_position_is_no_wrong_reference(tmp_path):
    deep = site("A" * 2_500, tmp_path)
    calls = call_variants(deep.reads_path, deep.reference_path, "chr1:11-11")
    assert calls.genotype_text(0) == "1/1"
    assert replace(calls, evidence=None).explain("chr1", 11).verdict in ("called", "filtered")


def test_samples_are_named_as_in_the_file_and_kept_apart(tmp_path):
    reads = [simple(f"r{at}", 5, f"CGTAC{base}TACG") for at, base in enumerate("AAAAAGGGGG")]
    text = sam_text(reads, len(REFERENCE)).replace("@RG\tID:a\tSM:donor\n", "@RG\tID:a\tSM:one\n@RG\tID:b\tSM:two\n")
    lines = [
        line.replace("RG:Z:a", "RG:Z:b") if line[:2] in ("r5", "r6", "r7", "r8", "r9") else line
        for line in text.splitlines()
    ]
    path = tmp_path / "two.sam"
    path.write_text("\n".join(lines) + "\n")
    reference = write_reference(tmp_path / "reference.fa", REFERENCE)
    one = call_variants(path, reference, sample="one", tile=7)
    assert (one.sample, one.genotype_text(0), one.allele_depth(0)) == ("one", "1/1", (0, 5))
    assert len(one.explain("chr1", 11).reads) == 5  # read again, of this sample alone
    assert len(call_variants(path, reference, sample="two")) == 0
    both = call_variants(path, reference)
    assert both.genotype_text(0) == "0/1"
    assert any("2 samples are taken together: one, two" in notice for notice in both.notices)
    with pytest.raises(InputError, match=r"`sample` must be a sample of the file; got 'three'\. It has one, two"):
        call_variants(path, reference, sample="three")


# ---------------------------------------------------------------- filters

FLIPS: dict[str, tuple[str, Callable[[dict[str, float]], float]]] = {
    "LowQual": ("min_quality", lambda value: value["quality"] + 0.01),
    "LowGQ": ("min_genotype_quality", lambda value: value["genotype_quality"] + 0.01),
    "LowDepth": ("min_depth", lambda value: int(value["depth"]) + 1),
    "StrandBias": ("max_strand_bias", lambda value: value["fisher_strand"] - 0.01),
    "StrandOddsRatio": ("max_strand_odds_ratio", lambda value: value["strand_odds_ratio"] - 0.01),
    "ReadPosition": ("min_read_position_rank_sum", lambda value: value["read_position_rank_sum"] + 0.01),
    "MappingQuality": ("min_mapping_quality_rank_sum", lambda value: value["mapping_quality_rank_sum"] + 0.01),
    "BaseQuality": ("min_base_quality_rank_sum", lambda value: value["base_quality_rank_sum"] + 0.01),
    "AlleleBalance": ("min_allele_balance", lambda value: value["allele_balance"] + 0.001),
    NEAR_INDEL: ("indel_fraction", lambda value: value["indel_share"]),
}


@pytest.fixture(scope="module")
def suspicious(tmp_path_factory) -> gl.call.Evidence:
    """One heterozygous site whose alternate allele is a little suspect in every way, with some indels beside it."""
    reads = []
    for at in range(20):
        alternate = at % 5 < 2
        lead = 4 if alternate else 5
        bases = f"{'CGTAC'[5 - lead :]}{'A' if alternate else 'G'}TACG"
        strand = 0x10 * (at % 2 if at < 16 else alternate)
        reads.append(
            simple(
                f"r{at}",
                10 - lead,
                bases,
                28 if alternate and at < 15 else 30,
                strand,
                50 if alternate and at > 5 else 60,
            )
        )
    reads += [
        naive.Read(f"i{at}", 0, 5, 60, [(7, "M"), (1, "D"), (5, "M")], "CGTACGTCGTAC", [30] * 12) for at in range(3)
    ]
    return evidence_of(sorted(reads, key=lambda read: read.position), REFERENCE, tmp_path_factory.mktemp("suspicious"))


OPEN = Thresholds(
    min_quality=0, min_genotype_quality=0, min_depth=0, max_strand_bias=200, max_strand_odds_ratio=10,
    min_read_position_rank_sum=-20, min_mapping_quality_rank_sum=-20, min_base_quality_rank_sum=-20,
    min_allele_balance=0, indel_fraction=1.0,
)  # fmt: skip


def test_every_filter_is_tested():
    assert set(FLIPS) == {*(each.name for each in FILTERS), NEAR_INDEL}


@pytest.mark.parametrize("name", FLIPS)
def test_a_threshold_flips_its_filter_and_no_other(suspicious, name):
    ploidy = 4 if name == "LowGQ" else 2  # of two copies the genotype is beyond doubt, of four it is not
    calls = genotype(suspicious, OPEN, ploidy)
    assert calls.filters == [()]
    values = {column: float(found[0]) for column, found in calls.columns.items()}
    threshold, beyond = FLIPS[name]
    strict = replace(OPEN, **{threshold: beyond(values)})
    assert genotype(suspicious, strict, ploidy).filters == [(name,)]
    explained = gl.call.explain(suspicious, 10, strict, ploidy)
    assert explained.verdict == "filtered"
    assert [step.name for step in explained.steps if step.decides] == [name]
    assert explained.sentence.startswith(f"Called but filtered ({name}): ")


@pytest.mark.parametrize(
    ("threshold", "value"),
    [
        ("min_base_quality", 31),
        ("min_mapping_quality", 60),
        ("min_alternate_count", 9),
        ("min_alternate_fraction", 0.4),
    ],
)
def test_thresholds_of_the_evidence(suspicious, threshold, value):
    assert len(genotype(suspicious, OPEN)) == 1
    after = genotype(suspicious, replace(OPEN, **{threshold: value}))
    if threshold == "min_mapping_quality":
        assert after.columns["depth"][0] < 23
    else:
        assert len(after) == 0


def test_indel_gap_of_zero_trusts_all(suspicious):
    close = replace(OPEN, indel_fraction=0.05)
    assert genotype(suspicious, close).filters == [(NEAR_INDEL,)]
    assert genotype(suspicious, replace(close, indel_gap=0)).filters == [()]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"min_quality": -1}, "Thresholds: `min_quality` must be between 0 and 200; got -1"),
        ({"min_depth": 2.5}, "`min_depth` must be a whole number; got 2.5"),
        ({"min_quality": "20"}, "`min_quality` must be a number; got '20'"),
        ({"heterozygosity": 0}, "between 1e-06 and 0.1"),
        ({"min_quality": float("nan")}, "got nan"),
    ],
)
def test_thresholds_out_of_range_are_refused(values, said):
    with pytest.raises(InputError) as refused:
        Thresholds(**values)
    assert said in str(refused.value)


@pytest.mark.parametrize("ploidy", [0, 7, 2.5, True, "2"])
def test_ploidies_that_cannot_be_called_are_refused(ploidy, suspicious):
    with pytest.raises(InputError, match="`ploidy` must be a whole number from 1 to 6"):
        genotype(suspicious, ploidy=ploidy)


# ---------------------------------------------------------------- files


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
    for name in FLIPS:
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


# ---------------------------------------------------------------- bad input


@pytest.fixture
def good(tmp_path) -> tuple[Path, Path]:
    """A small BAM with an index, and its reference of 2,000 bases."""
    random = np.random.default_rng(8)
    sequence = "".join(random.choice(list("ACGT"), 2_000))
    reads = [simple(f"r{at}", at, sequence[at : at + 100]) for at in range(0, 1_900, 5)]
    folder = tmp_path / "input"
    folder.mkdir()
    return write_bam(folder / "reads.bam", sam_text(reads, 2_000)), write_reference(folder / "reference.fa", sequence)


def truncated(reads: Path, reference: Path) -> dict[str, str]:
    data = reads.read_bytes()
    reads.write_bytes(data[: len(data) // 2])
    return {}


def without_index(reads: Path, reference: Path) -> dict[str, str]:
    Path(f"{reads}.bai").unlink()
    return {}


def outside(reads: Path, reference: Path) -> dict[str, str]:
    return {"region": "chr1:1,990-2,100"}


def unknown_contig(reads: Path, reference: Path) -> dict[str, str]:
    return {"region": "chr7:1-100"}


def empty_region(reads: Path, reference: Path) -> dict[str, str]:
    return {"region": "chr1:200-100"}


def other_contigs(reads: Path, reference: Path) -> dict[str, str]:
    write_reference(reference, "ACGT" * 500, "scaffold_9")
    return {}


def other_length(reads: Path, reference: Path) -> dict[str, str]:
    write_reference(reference, "ACGT" * 499)
    return {}


def other_sequence(reads: Path, reference: Path) -> dict[str, str]:
    write_reference(reference, "".join(np.random.default_rng(9).choice(list("ACGT"), 2_000)))
    return {}


def other_md5(reads: Path, reference: Path) -> dict[str, str]:
    with pysam.AlignmentFile(str(reads)) as file:
        text = str(file.header).replace("LN:2000", "LN:2000\tM5:0123456789abcdef0123456789abcdef")
        body = "".join(f"{read.to_string()}\n" for read in file)
    write_bam(reads, text + body)
    return {}


def web_page(reads: Path, reference: Path) -> dict[str, str]:
    reads.write_text("<!DOCTYPE html><html><body>Please log in</body></html>")
    return {}


def unmapped(reads: Path, reference: Path) -> dict[str, str]:
    Path(f"{reads}.bai").unlink()
    with pysam.AlignmentFile(str(reads), "wb", text="@HD\tVN:1.6\n") as file:
        file.write(pysam.AlignedSegment.fromstring("r\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII", file.header))
    return {}


def no_such_file(reads: Path, reference: Path) -> dict[str, str]:
    reads.unlink()
    return {}


BAD = {
    truncated: ("reads.bam", "cut"),
    without_index: ("reads.bam", "build_index"),
    outside: ("region", "2,000"),
    unknown_contig: ("chr7", "chr1"),
    empty_region: ("region", "200-100"),
    other_contigs: ("reference.fa", "no such contig (it has scaffold_9)"),
    other_length: ("reference.fa", "chr1 of 1,996"),
    other_sequence: ("reference.fa", "bases alike"),
    other_md5: ("reference.fa", "MD5"),
    web_page: ("reads.bam", "a web page"),
    unmapped: ("reads.bam", "no contigs"),
    no_such_file: ("reads.bam", "found nothing at this path"),
}


@pytest.mark.parametrize("damage", BAD, ids=lambda damage: damage.__name__)
def test_bad_input_is_one_clear_error(damage, good):
    reads, reference = good
    assert len(call_variants(reads, reference)) == 0
    options = damage(reads, reference)
    with pytest.raises((FileError, InputError)) as refused:
        call_variants(reads, reference, **options)
    sentence = str(refused.value)
    for word in BAD[damage]:
        assert word.lower() in sentence.lower(), sentence
    assert "\n" not in sentence
    if damage is without_index:
        assert isinstance(refused.value, MissingIndexError)


@pytest.mark.parametrize("damage", [truncated, other_sequence, web_page], ids=lambda damage: damage.__name__)
def test_bad_input_on_the_command_line_writes_nothing(damage, good, tmp_path):
    reads, reference = good
    damage(reads, reference)
    output = tmp_path / "output"
    output.mkdir()
    command = [sys.executable, "-m", "genolab.cli", "call", "--reference", str(reference)]
    environment = os.environ | {"PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [*command, "--output", str(output / "calls.vcf.gz"), str(reads)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("genolab call: ")
    assert list(output.iterdir()) == []


def test_a_missing_index_is_made_where_it_is_wanted(good, tmp_path, monkeypatch):
    reads, reference = good
    without_index(reads, reference)
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path / "cache"))
    assert any("An index was built" in each for each in call_variants(reads, reference, index="cache").notices)
    assert not Path(f"{reads}.bai").exists()
    call_variants(reads, reference, index="build")
    assert list((tmp_path / "cache").rglob("*.bai"))


def test_a_region_without_reads_gives_no_calls_and_says_so(tmp_path):
    evidence = site("GGGG", tmp_path)
    calls = call_variants(evidence.reads_path, evidence.reference_path, "chr1:1-3")
    assert len(calls) == 0
    assert any("No reads overlap chr1:1-3" in notice for notice in calls.notices)

"""Several samples from files: the same whatever the tiles, files and order; ploidy, families and explanations."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pysam
import pytest
from made_reads import sam_text, simple, write_bam, write_reference

import genolab as gl
from genolab.call import JointCalls, VariantCalls, call_to_file, call_variants, compare
from genolab.call.ploidy import ploidy_map
from genolab.cli import main
from genolab.errors import FileError, InputError
from genolab.io import Region, read_pedigree

SLICE = Path(gl.__file__).parent / "data" / "thousand_genomes"
NAMES = ["HG00100", "HG00101", "HG00102"]
BAMS = [SLICE / f"{name}.bam" for name in NAMES]
REFERENCE = SLICE / "reference.fa"
SEQUENCE = "ACGTTGCATCAGGATCCTAGACTTACGGATTACAGGCATAAGCCACTGCGCCTGGCTAATTTTTGTATTTTAGTAGAGACGG"


@pytest.fixture(scope="module")
def calls() -> JointCalls:
    return call_variants(BAMS, REFERENCE)


def body(path: Path) -> list[str]:
    """The lines below the header, and the names of the columns."""
    return [line for line in path.read_text().splitlines() if not line.startswith("##")]


def test_every_sample_has_its_column(calls, tmp_path):
    assert calls.samples == tuple(NAMES)
    assert len(calls) >= 10
    with pysam.VariantFile(str(calls.write(tmp_path / "calls.vcf"))) as file:
        records = list(file)
    assert len(records) == len(calls)
    for site, record in enumerate(records):
        counts, number = calls.allele_counts(site)
        assert (record.info["AC"], record.info["AN"]) == (counts, number)
        for name in NAMES:
            held = record.samples[name]
            alleles, copies = len(record.alleles), len(held["GT"])
            assert len(held["AD"]) == alleles
            assert len(held["PL"]) == len(held["GP"]) == alleles * (alleles + 1) // 2 if copies == 2 else alleles
            if None not in held["GT"]:
                assert sum(held["GP"]) == pytest.approx(1, abs=1e-3)
    frame = calls.to_frame()
    assert frame["HG00101 genotype"].tolist() == [calls.genotype_text(site, 1) for site in range(len(calls))]


def test_a_low_site_of_one_sample_is_raised_by_the_others(calls):
    """Where two others carry the allele the third needs fewer reads: a call that it would not have alone."""
    together = {(int(one.position), one.alternates) for one in calls.sites if any(one.genotype[1] or ())}
    alone = call_variants(BAMS[1], REFERENCE)
    by_itself = {(int(p), a) for p, a in zip(alone.position, alone.alternates, strict=True)}
    assert together > by_itself


@pytest.mark.parametrize("tile", [1_000, 333])
def test_tiles_of_any_size_give_the_same_bytes(calls, tile, tmp_path):
    calls.write(tmp_path / "whole.vcf")
    call_to_file(BAMS, REFERENCE, tmp_path / "tiled.vcf", tile=tile)
    assert (tmp_path / "tiled.vcf").read_bytes() == (tmp_path / "whole.vcf").read_bytes()


def test_the_order_of_the_samples_permutes_the_columns_and_nothing_else(calls, tmp_path):
    calls.write(tmp_path / "one.vcf")
    call_to_file([BAMS[2], BAMS[0], BAMS[1]], REFERENCE, tmp_path / "other.vcf")
    rows = [line.split("\t") for line in body(tmp_path / "one.vcf")]
    expected = ["\t".join([*row[:9], row[11], row[9], row[10]]) for row in rows]
    assert body(tmp_path / "other.vcf") == expected
    again = call_variants(BAMS, REFERENCE, sample=[NAMES[2], NAMES[0], NAMES[1]])
    assert body(again.write(tmp_path / "again.vcf")) == expected


def test_one_file_of_three_samples_is_three_files(calls, tmp_path):
    merged, cram = tmp_path / "merged.bam", tmp_path / "merged.cram"
    pysam.merge("-f", str(merged), *map(str, BAMS))
    pysam.index(str(merged))
    pysam.view("-C", "-T", str(REFERENCE), "-o", str(cram), str(merged), catch_stdout=False)
    pysam.index(str(cram))
    calls.write(tmp_path / "files.vcf")
    for path in (merged, cram):
        call_to_file(path, REFERENCE, tmp_path / "one.vcf", sample=NAMES)
        assert body(tmp_path / "one.vcf") == body(tmp_path / "files.vcf")


def test_a_reference_with_other_names_gives_the_same_records(calls, tmp_path):
    text = REFERENCE.read_text().split("\n", 1)[1]
    (tmp_path / "other.fa").write_text(f">chr17\n{text}")
    pysam.faidx(str(tmp_path / "other.fa"))
    calls.write(tmp_path / "one.vcf")
    call_to_file(BAMS, tmp_path / "other.fa", tmp_path / "other.vcf")
    assert body(tmp_path / "other.vcf") == body(tmp_path / "one.vcf")


def test_targets_are_a_selection_of_the_calls(calls, tmp_path):
    bed = tmp_path / "targets.bed"
    bed.write_text("17\t1000\t2100\n17\t300\t900\n17\t800\t835\n")
    found = call_variants(BAMS, REFERENCE, targets=bed)
    inside = [one.position for one in calls.sites if 300 <= one.position < 900 or 1000 <= one.position < 2100]
    assert found.position.tolist() == inside
    assert found.regions == (Region("17", 300, 900), Region("17", 1000, 2100))
    assert call_variants(BAMS, REFERENCE, ["17:1,001-2,100", "17:301-900"]).position.tolist() == inside


@pytest.mark.oracle
def test_bcftools_finds_nothing_to_change(calls, tmp_path):
    if shutil.which("bcftools") is None:
        pytest.skip("bcftools is not on this machine")
    path = calls.write(tmp_path / "calls.vcf.gz")
    for options in (["-f", REFERENCE], ["-a", "-f", REFERENCE]):  # left-aligned, and no MNP that it would take apart
        done = subprocess.run(
            ["bcftools", "norm", *map(str, options), path], capture_output=True, text=True, check=True
        )
        rows = [line for line in done.stdout.splitlines() if not line.startswith("##")]
        with pysam.BGZFile(str(path)) as file:
            own = [line for line in file.read().decode().splitlines() if not line.startswith("##")]
        assert [row.split("\t")[:5] for row in rows] == [row.split("\t")[:5] for row in own]
    done = subprocess.run(["bcftools", "+fill-tags", path, "--", "-t", "AN,AC"], capture_output=True, text=True)
    if done.returncode == 0:
        tags = [line.split("\t")[7].split(";")[:2] for line in done.stdout.splitlines() if not line.startswith("#")]
        assert tags == [
            [f"AC={','.join(map(str, c))}", f"AN={n}"] for c, n in map(calls.allele_counts, range(len(calls)))
        ]


def test_a_sample_of_the_joint_calls_is_explained_with_the_others(calls):
    site, one, other = next(
        (at, one, other)
        for at, each in enumerate(calls.sites)
        for one in range(3)
        for other in range(3)
        if calls.passed[at] and any(each.genotype[one] or ()) and each.genotype[other] == (0, 0)
    )
    position = calls.sites[site].position + 1
    carried, plain = calls.explain("17", position, NAMES[one]), calls.explain("17", position, sample=NAMES[other])
    assert carried.verdict == "called"
    assert plain.verdict == "not called"
    assert "samples carry it" in carried.sentence
    assert plain.steps[-1].name == "other samples"
    assert (10.0**plain.log10_posterior).sum() == pytest.approx(1)
    with pytest.raises(InputError, match="sample"):
        calls.explain("17", position, "nobody")


def test_one_sample_of_many_is_calls_with_its_reads(calls):
    one = calls.of("HG00101")
    assert isinstance(one, VariantCalls)
    assert one.evidence is not None
    assert all(any(genotype) for genotype in one.genotype)
    assert one.to_frame()["depth"].tolist() == [
        int(site.depth[1]) for site in calls.sites if any(site.genotype[1] or ())
    ]


# --- ploidy, families


def cohort(folder: Path, alternates: dict[str, tuple[int, int]], contig: str = "chr1") -> list[Path]:
    """A file a sample: how many reads show the reference and how many A>G at position 40."""
    made = []
    for name, (plain, other) in alternates.items():
        reads = []
        for at in range(plain + other):
            bases = list(SEQUENCE[at % 20 : at % 20 + 50])
            if at >= plain:
                bases[39 - at % 20] = "G"
            reads.append(simple(f"{name}{at}", at % 20, "".join(bases), flag=16 * (at % 2)))
        reads.sort(key=lambda read: read.position)
        text = sam_text(reads, len(SEQUENCE), contig).replace("SM:donor", f"SM:{name}")
        made.append(write_bam(folder / f"{name}.bam", text))
    return made


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Path:
    return write_reference(tmp_path_factory.mktemp("reference") / "reference.fa", SEQUENCE, "chrX")


def test_one_sample_of_the_joint_calls_is_compared_as_its_column_of_the_file(calls, tmp_path):
    path = calls.write(tmp_path / "calls.vcf.gz")
    truth = call_variants(BAMS[1], REFERENCE)
    found = compare(calls, truth, sample=NAMES[1])
    from_file = compare(path, truth, sample=NAMES[1], reference=REFERENCE, region=truth.regions[0])
    assert found.to_frame().equals(from_file.to_frame())
    assert len(found.query) > len(found.truth) > 0
    assert compare(calls, calls, sample=NAMES[1], truth_sample=NAMES[1]).score().missed == 0
    for names, said in (({}, "sample"), ({"sample": NAMES[0]}, "truth_sample")):
        with pytest.raises(InputError, match=rf"{said}\b.*HG00100, HG00101, HG00102"):
            compare(calls, calls, **names)


def test_ploidy_follows_place_and_sex(reference, tmp_path):
    files = cohort(tmp_path, {"he": (0, 12), "she": (6, 6), "other": (10, 0)}, "chrX")
    sex = {"he": "male", "she": "female", "other": "M"}
    found = call_variants(files, reference, ploidy="GRCh38", sex=sex)  # before the first pseudo-autosomal region
    assert [found.genotype_text(0, at) for at in range(3)] == ["1", "0/1", "0"]
    assert found.allele_counts(0) == ((2,), 4)
    with pysam.VariantFile(str(found.write(tmp_path / "calls.vcf"))) as file:
        (record,) = file
    assert [len(record.samples[name]["PL"]) for name in ("he", "she", "other")] == [2, 3, 2]
    with pytest.raises(InputError, match=r"`sex` must be known for he on chrX; got no sex"):
        call_variants(files, reference, ploidy="GRCh38")
    with pytest.raises(InputError, match="male"):
        call_variants(files, reference, ploidy="GRCh38", sex={"he": "boy"})
    one = call_variants(files[0], reference, ploidy={"chrX:1-30": 2, "chrX:31-60": 1})
    assert (one.genotype_text(0), len(one.log10_likelihood[0])) == ("1", 2)
    none = call_variants(files[0], reference, ploidy={"chrX": 0})
    assert len(none) == 0


def test_the_human_rules_are_those_of_bcftools():
    found = ploidy_map("GRCh38", {"he": "M", "she": "F"})
    places = {
        ("chrX", 5_000): 1,
        ("X", 10_000): 2,
        ("chrX", 2_781_478): 2,
        ("chrX", 2_781_479): 1,
        ("chrX", 155_701_381): 1,
        ("chrX", 155_701_382): 2,
        ("chrY", 5_000_000): 1,
        ("chrM", 100): 1,
        ("chr1", 1): 2,
    }
    assert {place: found.at("he", *place) for place in places} == places
    assert [found.at("she", *place) for place in places] == [2, 2, 2, 2, 2, 2, 0, 1, 2]


def test_rules_from_a_file(tmp_path):
    path = tmp_path / "rules.txt"
    path.write_text(
        "X 1 60000 M 1\nX 2699521 154931043 M 1\nY 1 59373566 M 1\nY 1 59373566 F 0\n* * * M 2\n* * * F 2\n"
    )
    found = ploidy_map(path, {"he": "M", "she": "F"})
    assert [found.at(name, "chrX", 10) for name in ("he", "she")] == [1, 2]
    assert [found.at(name, "Y", 10) for name in ("he", "she")] == [1, 0]
    assert found.pieces(Region("X", 50_000, 70_000)) == [Region("X", 50_000, 60_000), Region("X", 60_000, 70_000)]
    path.write_text("X 1 60000 M\n")
    with pytest.raises(FileError, match="line 1: expected contig, first, last, sex and copies"):
        ploidy_map(path)


@pytest.mark.parametrize("ploidy", [1, 3, 4, 6])
def test_any_ploidy_has_its_genotypes(ploidy, reference, tmp_path):
    files = cohort(tmp_path, {"a": (12, 12), "b": (0, 20)}, "chrX")
    found = call_variants(files, reference, ploidy=ploidy)
    assert all(len(one) == ploidy + 1 for one in found.sites[0].log10_likelihood)
    assert found.genotype_text(0, 1) == "/".join(["1"] * ploidy)
    if ploidy % 2 == 0:
        assert found.genotype_text(0, 0) == "/".join(["0"] * (ploidy // 2) + ["1"] * (ploidy // 2))
    with pysam.VariantFile(str(found.write(tmp_path / "calls.vcf"))) as file:
        assert len(next(iter(file)).samples["a"]["PL"]) == ploidy + 1


def test_parents_help_a_child_and_a_new_mutation_is_said(reference, tmp_path):
    # one read of the child shows it: alone an error, with a parent who has it on both copies the child's genotype
    ped = tmp_path / "family.ped"
    ped.write_text("f father 0 0 1 -9\nf mother 0 0 2 -9\nf child father mother 2 -9\n")
    files = cohort(tmp_path, {"father": (0, 25), "mother": (25, 0), "child": (1, 1)}, "chrX")
    found = call_variants(files, reference, pedigree=ped)
    assert [found.genotype_text(0, at) for at in range(3)] == ["1/1", "0/0", "0/1"]
    assert found.sites[0].genotype_quality[2] > call_variants(files, reference).sites[0].genotype_quality[2] + 10
    new = tmp_path / "new"
    new.mkdir()
    files = cohort(new, {"father": (30, 0), "mother": (30, 0), "child": (15, 15)}, "chrX")
    found = call_variants(files, reference, pedigree={"child": ("father", "mother")})
    assert found.genotype_text(0, 2) == "0/1"
    assert found.sites[0].de_novo[2] > 0.99
    assert "did not pass on" in found.explain("chrX", 40, "child").sentence
    assert "##PEDIGREE=<ID=child,Father=father,Mother=mother>" in found.write(new / "calls.vcf").read_text()
    assert call_variants(files, reference, pedigree=ped, de_novo_rate=0.0).sites[0].de_novo[2] == 0.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("f a 0 0\n", "line 1: expected family, sample, father, mother and sex; found 4 columns"),
        ("f a 0 0 1 0\nf a 0 0 1 0\n", "line 2: expected each sample once"),
        ("f a a 0 1 0\n", "its own parent"),
        ("f a 0 0 2 0\nf c a 0 1 0\n", "line 2: expected a father of sex 1"),
    ],
)
def test_wrong_pedigrees_are_refused_by_line(text, said, tmp_path):
    path = tmp_path / "wrong.ped"
    path.write_text(text)
    with pytest.raises(FileError, match=said):
        read_pedigree(path)


def test_samples_that_do_not_go_together_are_refused(reference, tmp_path):
    (one,) = cohort(tmp_path, {"a": (5, 5)}, "chrX")
    (other,) = cohort(tmp_path, {"b": (5, 5)}, "chr1")
    with pytest.raises(InputError, match=r"samples that differ; got 'a' in a\.bam, a\.bam"):
        call_variants([one, one], reference)
    with pytest.raises(FileError, match=r"b.bam, header: expected the contigs of a.bam"):
        call_variants([one, other], reference)
    with pytest.raises(InputError, match="one file or more"):
        call_variants([], reference)
    with pytest.raises(InputError, match="inbreeding"):
        call_variants(one, reference, inbreeding=2.0)


def test_the_command_calls_several_files(calls, tmp_path, capsys):
    output = tmp_path / "calls.vcf"
    words = ["call", *map(str, BAMS), "--reference", str(REFERENCE), "--output", str(output), "--json"]
    assert main(words) == 0
    assert '"samples": ["HG00100", "HG00101", "HG00102"]' in capsys.readouterr().out
    calls.write(tmp_path / "api.vcf")
    assert output.read_bytes() == (tmp_path / "api.vcf").read_bytes()

"""Calls against a truth: every matching that could be tried, the script that scores, what is said of differences."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_reads import write_reference

import genolab as gl
from genolab.call import compare
from genolab.call import match as matching
from genolab.call.alleles import Allele, normalised
from genolab.call.match import match
from genolab.errors import InputError

HEADER = (
    "##fileformat=VCFv4.3\n##contig=<ID=chr1,length={length}>\n"
    '##FILTER=<ID=LowQual,Description="low">\n##FILTER=<ID=Odd,Description="odd">\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
)
REFERENCE = "ACGTTTTTTGACCAGATAGATAGATAGATACCGTACGGTACACACACACATTGCAGTCCAT" * 3


def vcf(path: Path, *records: str, length: int = len(REFERENCE)) -> Path:
    """Records as ``position ref alt genotype [quality] [filter]``."""
    lines = []
    for record in sorted(records, key=lambda text: int(text.split()[0])):
        position, before, now, genotype, *more = record.split()
        quality, failed = (*more, *("60", "PASS")[len(more) :])
        lines.append(f"chr1\t{position}\t.\t{before}\t{now}\t{quality}\t{failed}\t.\tGT\t{genotype}\n")
    path.write_text(HEADER.format(length=length) + "".join(lines))
    return path


@pytest.fixture
def files(tmp_path):
    reference = write_reference(tmp_path / "reference.fa", REFERENCE)

    def compared(calls: list[str], truth: list[str], **options):
        paths = vcf(tmp_path / "calls.vcf", *calls), vcf(tmp_path / "truth.vcf", *truth)
        return compare(*paths, reference=reference, **options)

    return compared


def states(comparison) -> tuple[list[str], list[str]]:
    return [each.state for each in comparison.truth], [each.state for each in comparison.query]


# ---------------------------------------------------------------- matching


def haplotypes(reference: str, alleles: list[Allele]) -> set[tuple[str, ...]]:
    """Every pair of sequences that diploid alleles can spell."""
    found = set()
    ways = [[(0, 1)] if each.copies == 2 else [(0,), (1,)] for each in alleles]
    for places in itertools.product(*ways):
        texts = []
        for copy in (0, 1):
            text, at, inserted = "", 0, -1
            order = [each for each, place in zip(alleles, places, strict=True) if copy in place]
            changes = []
            for each in order:
                anchored = len(each.reference) != len(each.alternate)
                changes.append((each.position + anchored, each.end, each.alternate[anchored:]))
            for start, end, now in sorted(changes):
                if start < at or (start == end == inserted):
                    break
                text += reference[at:start] + now
                inserted = start if start == end else -1
                at = end
            else:
                texts.append(text + reference[at:])
        if len(texts) == 2:
            found.add(tuple(sorted(texts)))
    return found


def most_matched(reference: str, truth: list[Allele], query: list[Allele]) -> int:
    best = 0
    subsets = [
        [list(chosen) for size in range(len(side) + 1) for chosen in itertools.combinations(side, size)]
        for side in (truth, query)
    ]
    spelled = [[(one, haplotypes(reference, one)) for one in side] for side in subsets]
    for (one, of_one), (other, of_other) in itertools.product(*spelled):
        if one and other and len(one) + len(other) > best and of_one & of_other:
            best = len(one) + len(other)
    return best


@st.composite
def two_sets(draw):
    """A short reference full of repeats, and up to three alleles a side; indels of one sign, so that none is undone."""
    unit = draw(st.sampled_from(["A", "AC", "ACG", "AAC"]))
    reference = "GT" + unit * 4 + draw(st.text("ACGT", min_size=2, max_size=4)) + "TGC"
    insertions = draw(st.booleans())

    def allele() -> Allele:
        position, copies = draw(st.integers(1, len(reference) - 5)), draw(st.sampled_from([1, 1, 2]))
        before = reference[position]
        if draw(st.booleans()):
            now = draw(st.sampled_from([each for each in "ACGT" if each != before]))
            return Allele("1", position, before, now, copies)
        size = draw(st.integers(1, 3))
        if insertions:
            text = draw(st.sampled_from([unit[:size], (unit * 3)[:size], "A" * size]))
            made = before, before + text
        else:
            made = reference[position : position + size + 1], before
        return Allele("1", *normalised(lambda low, high: reference[max(low, 0) : high], position, *made), copies)

    def side() -> list[Allele]:
        return sorted({each.key: each for each in (allele() for _ in range(draw(st.integers(0, 3))))}.values(),
                      key=lambda each: each.key)  # fmt: skip

    return reference, side(), side()


@given(two_sets())
@settings(max_examples=150, deadline=None)
def test_the_largest_matching_is_found_and_spells_one_pair_of_haplotypes(drawn):
    reference, truth, query = drawn
    found = match(truth, query, lambda low, high: reference[low:high])
    kept = [[one for one, yes in zip(side, taken, strict=True) if yes]
            for side, taken in ((truth, found.truth), (query, found.query))]  # fmt: skip
    assert not found.bounded
    assert len(kept[0]) + len(kept[1]) == most_matched(reference, truth, query)
    assert (not kept[0] and not kept[1]) or haplotypes(reference, kept[0]) & haplotypes(reference, kept[1])


@given(two_sets())
@settings(max_examples=60, deadline=None)
def test_swapping_the_sides_swaps_the_answer(drawn):
    reference, truth, query = drawn
    one = match(truth, query, lambda low, high: reference[low:high])
    other = match(query, truth, lambda low, high: reference[low:high])
    assert sum(one.truth) + sum(one.query) == sum(other.truth) + sum(other.query)


def test_what_the_bound_cuts_is_said(files, monkeypatch):
    # het deletions of one repeat, spelled as many ways: no reading is settled before the repeat ends
    calls = [f"{5 + k} T {now} 0/1" for k, now in enumerate("ACGA")] + ["4 TTTT T 0/1"]
    truth = [f"{6 + k} T {now} 0/1" for k, now in enumerate("CGAC")] + ["4 TTT T 0/1"]
    whole = files(calls, truth)
    assert not any("readings" in each for each in whole.notices)
    monkeypatch.setattr(matching, "MOST_STATES", 2)
    assert any("1 groups of near alleles have over" in each for each in files(calls, truth).notices)


@pytest.mark.parametrize(
    ("calls", "truth", "of_truth", "of_calls"),
    [
        (["2 C T 0/1"], ["2 C T 0/1"], ["found"], ["found"]),
        (["2 C T 1/1"], ["2 C T 0/1"], ["genotype differs"], ["genotype differs"]),
        (["2 C G 0/1"], ["2 C T 0/1"], ["missed"], ["false"]),
        # one deletion of a repeat, placed elsewhere: normalised
        (["8 TT T 0/1"], ["3 GT G 0/1"], ["found"], ["found"]),
        # MNP and SNVs
        (["2 CG TA 0/1"], ["2 C T 0/1", "3 G A 0/1"], ["found", "found"], ["found", "found"]),
        # a complex allele is a deletion and an SNV
        (["9 TGAC TC 1/1"], ["9 TGA T 1/1"], ["found"], ["found"]),
        (["10 GAC CA 0/1"], ["10 GA C 0/1", "12 C A 0/1"], ["found", "found"], ["found"]),
        # the same haplotypes, another genotype
        (["10 GAC CA 1/1"], ["10 GA C 0/1", "12 C A 0/1"], ["genotype differs"] * 2, ["genotype differs"]),
        # two alternates of one place, split
        (["15 GATA G 0/1", "15 G GATA 0/1"], ["15 GATA G,GATAATA 1/2"], ["found", "found"], ["found", "found"]),
        # haploid and diploid
        (["2 C T 1"], ["2 C T 1/1"], ["found"], ["found"]),
        (["2 C T 1"], ["2 C T 0/1"], ["genotype differs"], ["genotype differs"]),
        # polyploid: copies count
        (["2 C T 0/0/1/1"], ["2 C T 0/0/1/1"], ["found"], ["found"]),
        (["2 C T 0/1/1/1"], ["2 C T 0/0/1/1"], ["genotype differs"], ["genotype differs"]),
        (["2 C T ./."], ["2 C T 0/1"], ["missed"], []),
        (["2 C T 0/0"], ["2 C T 0/1"], ["missed"], []),
        (["2 C T 0/1 50 Odd"], ["2 C T 0/1"], ["missed"], []),
    ],
)
def test_what_is_equal(files, calls, truth, of_truth, of_calls):
    assert states(files(calls, truth)) == (of_truth, of_calls)


def test_what_lies_outside_does_not_count(files, tmp_path):
    bed = tmp_path / "confident.bed"
    bed.write_text("1\t0\t30\n1\t30\t40\n")
    calls = ["2 C T 0/1", "31 C G 0/1", "58 C A 0/1"]
    assert len(files(calls, ["2 C T 0/1"], confident=bed).query) == 2
    assert files(calls, ["2 C T 0/1"], confident=bed).confident_bases == 40
    assert len(files(calls, ["2 C T 0/1"], region="chr1:1-10").query) == 1
    # a deletion over the border of two intervals that touch lies in both
    assert len(files([f"29 {REFERENCE[28:31]} T 0/1"], [], confident=bed).query) == 1


def test_variants_of_another_reference_are_refused(files):
    with pytest.raises(InputError, match=r"the one that the calls were made with \(chr1:2 A\)"):
        files(["2 A T 0/1"], [])
    with pytest.raises(InputError, match="`reference` must be a FASTA file"):
        compare("calls.vcf", "truth.vcf")


# ---------------------------------------------------------------- figures


def test_the_curve_is_what_each_threshold_gives(files):
    calls = ["2 C T 0/1 50", "12 C T 0/1 40", "13 C A 1/1 30", "30 A G 0/1 20"]
    calls += ["44 A AAC 1/1 10 LowQual", "60 A T 0/1 5 Odd"]
    truth = ["2 C T 0/1", "13 C A 0/1", "30 A G 0/1", "44 A AAC 1/1", "100 G C 0/1".replace("G", REFERENCE[99])]
    whole = files(calls, truth)
    assert whole.curve.quality.tolist() == [np.inf, 50, 40, 30, 20, 10]
    for threshold in (60, 50, 45, 40, 30, 25, 20):
        at = files(calls, truth, min_quality=threshold)
        for kind in ("SNV", "indel", "all"):
            assert whole.curve.score(threshold, kind) == at.score(kind)
    assert whole.curve.score(0, "insertion").found == 1  # behind LowQual, which a threshold of QUAL makes
    assert whole.score("insertion").found == 0
    assert files(calls, truth, all_filters=True).score("all").called == 6
    snv = whole.score("SNV")
    assert (snv.truth, snv.called, snv.found, snv.true, snv.genotype_differs) == (4, 4, 3, 3, 1)
    assert snv.f1 == 2 * 3 / (4 + 4)
    assert snv.f1_genotype == 2 * 2 / (4 + 4)
    assert whole.transition_ratio == 3 / 1


def test_differences_are_listed_with_their_reason(files, tmp_path):
    calls = ["2 C T 0/1 50", "13 C A 1/1 30", "44 A AAC 1/1 10 LowQual", "32 C G 0/1 20"]
    found = files(calls, ["13 C A 0/1", "44 A AAC 1/1", "31 C G 0/1", "100 G A 0/1".replace("G", REFERENCE[99])])
    lost = found.false_negatives
    assert lost["step"].tolist() == ["genotype", "another allele", "LowQual", "not called"]
    assert lost["reason"][0] == "Called with 2 of 2 copies, the truth has 1 of 2 copies."
    assert found.false_positives["position"].tolist() == [2, 13, 32]
    saved = json.loads(found.save(tmp_path / "comparison.json").read_text())
    assert [row["type"] for row in saved["by_type"]] == ["SNV", "insertion", "deletion", "complex", "indel", "all"]
    assert saved["missed"][1]["step"] == "another allele"
    assert saved["provenance"]["inputs"]["reference"]


# ---------------------------------------------------------------- the script that scores


@pytest.mark.oracle
def test_it_agrees_with_the_scoring_script(shared_folder, tmp_path):
    """Genotypes changed, calls left out and spelled otherwise, against the truth of NA12878: the same counts."""
    folder = shared_folder / "data" / "na12878_wgs50x_chr20"
    scorer = shared_folder / "tools" / "score_vcf.py"
    if not folder.is_dir() or not scorer.is_file():
        pytest.skip("the NA12878 slice or the scorer is not among the shared files")
    (reference,), (truth,), (bed,) = (sorted(folder.glob(kind)) for kind in ("*.fasta.gz", "*.vcf.gz", "*.bed"))
    region = "chr20:10000001-10100000"
    changed = tmp_path / "changed.vcf"
    rng = np.random.default_rng(3)
    with pysam.VariantFile(str(truth)) as source, pysam.VariantFile(str(changed), "w", header=source.header) as target:
        for record in source:
            drawn = rng.random()
            if drawn < 0.1:
                continue
            if drawn < 0.2:
                record.samples[0]["GT"] = (0, 1) if record.samples[0]["GT"] != (0, 1) else (1, 1)
            record.qual = float(rng.integers(1, 100))
            target.write(record)
    for confident, least in ((None, None), (bed, None), (None, 40)):
        options = [] if least is None else ["--min-qual", str(least)]
        command = [sys.executable, scorer, truth, confident or "none", reference, changed, region, *options]
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True)
        theirs = json.loads(done.stdout)
        ours = gl.call.compare(
            changed, truth, confident=confident, reference=reference, region=region, min_quality=least
        )
        for kind, name in (("SNV", "SNV"), ("indel", "INDEL")):
            score, other = ours.score(kind), theirs[name]
            assert (score.truth, score.called, score.found, score.true) == tuple(
                other[key] for key in ("truth", "query", "tp", "tp_query")
            )
            assert score.genotype_differs == other["gt_mismatch"]
            assert score.f1 == pytest.approx(other["f1"], abs=1e-5)
            assert score.f1_genotype == pytest.approx(other["f1_gt"], abs=1e-5)
        assert ours.confident_bases == theirs["confident_bp"]
        assert ours.transition_ratio == pytest.approx(theirs["titv"], abs=1e-3)

"""Why a position was or was not called: the sentence, the step that decides, and whether the suggested change works."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_reads import evidence_of, simple

from genolab.call import Explanation, Thresholds, call_variants, explain, genotype
from genolab.call.likelihood import genotypes
from genolab.errors import InputError

REFERENCE = "ACGTACGTACGTACGTACGT"
AT = 10  # 0-based; the reference has G


def read(name: str, base: str, quality: int = 30, flag: int = 0, mapping_quality: int = 60) -> naive.Read:
    return simple(name, 5, f"CGTAC{base}TACG", quality, flag, mapping_quality)


def fragments(bases: str, quality: int = 30) -> list[naive.Read]:
    """Strands take turns within each base, so that no filter for strands is met."""
    return [read(f"r{at}", base, quality, 0x10 * (bases[:at].count(base) % 2)) for at, base in enumerate(bases)]


def judged(reads: list[naive.Read], folder: Path, thresholds: Thresholds | None = None, **options) -> Explanation:
    folder.mkdir(exist_ok=True)
    return explain(evidence_of(reads, REFERENCE, folder), AT, thresholds, **options)


def deciding(explanation: Explanation) -> list[str]:
    return [step.name for step in explanation.steps if step.decides]


# ---------------------------------------------------------------- the sentence


def test_a_call(tmp_path):
    why = judged(fragments("GGGGGGAAAAAA"), tmp_path)
    assert (why.contig, why.position, why.reference, why.alternate) == ("chr1", 11, "G", "A")
    assert why.verdict == "called"
    assert why.sentence.startswith("Called 0/1: 6 of 12 fragments show A; QUAL ")
    assert deciding(why) == []
    assert all(step.passed for step in why.steps)
    assert why.genotypes == ("0/0", "0/1", "1/1")
    assert str(why).splitlines()[0].startswith("chr1:11 G>A: Called 0/1")


def test_two_alternates(tmp_path):
    assert judged(fragments("AAAAAATTTTTT"), tmp_path).sentence.startswith("Called 1/2: 6 of 12 fragments show A; ")


@pytest.mark.parametrize(
    ("bases", "quality", "step", "sentence"),
    [
        ("", 30, "coverage", "Not called: no fragment is evidence here."),
        ("GGGGGGGG", 30, "alternate count", "Not called: 0 show A; at least 2 must (0 of 8 fragments show A)."),
        ("GGGGGGGA", 30, "alternate count", "Not called: 1 show A; at least 2 must (1 of 8 fragments show A)."),
        ("G" * 28 + "AA", 30, "alternate fraction", "Not called: 6.67% show A; at least 10% must (2 of 30 fragments"),
        (
            "G" * 10 + "AA",
            12,
            "genotype",
            "Not called: 2 of 12 fragments show A, which is more likely error than varia",
        ),
    ],
)
def test_not_called(bases, quality, step, sentence, tmp_path):
    why = judged(fragments(bases, quality), tmp_path)
    assert why.verdict == "not called"
    assert deciding(why) == [step]
    assert why.sentence.startswith(sentence)


def test_an_unknown_reference_is_not_called(tmp_path):
    evidence = evidence_of(fragments("AAAAAA"), REFERENCE[:AT] + "N" + REFERENCE[AT + 1 :], tmp_path)
    why = explain(evidence, AT)
    assert (why.reference, why.alternate) == ("N", "A")
    assert why.sentence == "Not called: the reference has no A, C, G or T here."
    assert deciding(why) == ["reference"]
    assert why.flip == "No threshold changes this."


def test_positions_outside_are_refused(tmp_path):
    evidence = evidence_of(fragments("GG"), REFERENCE, tmp_path)
    calls = genotype(evidence)
    with pytest.raises(InputError, match="`position` must be inside chr1:1-20; got 21"):
        explain(evidence, 20)
    for contig, position in (("chr1", 0), ("chr1", 21), ("chr9", 1)):
        with pytest.raises(InputError, match=f"{contig}:{position}"):
            calls.explain(contig, position)


# ---------------------------------------------------------------- every read's say


def test_every_read_has_its_reason(tmp_path):
    reads = [
        *fragments("GGGAAA"),
        read("dup", "A", flag=0x400),
        read("second", "A", flag=0x100),
        read("qc", "A", flag=0x200),
        read("extra", "A", flag=0x800),
        read("poor map", "A", mapping_quality=5),
        read("poor base", "A", quality=5),
        read("unknown", "N"),
        read("mates", "A", 30, 0x41),
        read("mates", "A", 20, 0x91),
        read("differ", "A", 30, 0x41),
        read("differ", "C", 28, 0x91),
        naive.Read("deleted", 0, 5, 60, [(5, "M"), (1, "D"), (4, "M")], "CGTACTACG", [30] * 9),
        naive.Read("blank", 0, 5, 60, [(10, "M")], "", []),
    ]
    named = [each._replace(name=each.name.replace(" ", "_")) for each in reads]
    why = judged(named, tmp_path, Thresholds(min_alternate_count=3))  # of less, the deletion would be considered
    assert why.excluded == {
        "duplicate": 1,
        "secondary alignment": 1,
        "failed quality control": 1,
        "supplementary alignment": 1,
        "mapping quality too low": 1,
        "base quality too low": 1,
        "base is not A, C, G or T": 1,
        "mate covers the site with the better base": 1,
        "mates disagree": 2,
        "deleted or skipped here": 1,
        "the read has no bases": 1,
    }
    frame = why.reads
    assert len(frame) == len(reads)
    assert frame["used"].sum() == 7
    assert frame["used"].is_monotonic_decreasing
    used = frame[frame["used"]]
    assert used["weight"].is_monotonic_decreasing
    assert used["weight"].notna().all()
    assert frame[~frame["used"]]["weight"].isna().all()
    assert set(used["reason"]) == {"used"}


def test_a_position_under_deletions_alone(tmp_path):
    gone = [naive.Read(f"d{at}", 0, 5, 60, [(5, "M"), (1, "D"), (4, "M")], "CGTACTACG", [30] * 9) for at in range(3)]
    why = judged(gone, tmp_path)
    assert deciding(why) == ["coverage"]
    assert why.excluded == {"deleted or skipped here": 3}


def test_reads_left_out_for_their_quality_are_pointed_to(tmp_path):
    why = judged([read(f"r{at}", "A", mapping_quality=5) for at in range(4)], tmp_path)
    assert why.flip == "4 reads are left out by min_mapping_quality or min_base_quality."
    after = judged(
        [read(f"r{at}", "A", mapping_quality=5) for at in range(4)], tmp_path, Thresholds(min_mapping_quality=5)
    )
    assert deciding(after) != ["coverage"]


@st.composite
def any_site(draw):
    """Fragments over the site, of any base and quality."""
    size = draw(st.integers(1, 14))
    return [
        read(
            f"r{at}",
            draw(st.sampled_from("GGGAAT")),
            draw(st.sampled_from([12, 20, 30, 37])),
            draw(st.sampled_from([0, 0x10])),
            draw(st.sampled_from([20, 60, 60])),
        )
        for at in range(size)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("sites")


@pytest.mark.parametrize("ploidy", [1, 2, 3])
@given(reads=any_site())
@settings(max_examples=60)
def test_contributions_add_up_and_the_verdict_is_the_callers(ploidy, reads, folder):
    evidence = evidence_of(reads, REFERENCE, folder)
    why = explain(evidence, AT, ploidy=ploidy)
    used = why.reads[why.reads["used"]]
    for name, likelihood in zip(why.genotypes, why.log10_likelihood, strict=True):
        assert used[f"log10 P(read | {name})"].sum() == pytest.approx(likelihood, abs=1e-9)
    by_hand = naive.genotype_likelihoods(
        [0] * len(used), ["ACGT".index(base) for base in used["base"]], used["base_quality"], used["mapping_quality"],
        1, 1e-5, ploidy,
    )[0]  # fmt: skip
    chosen = [
        genotypes(ploidy).index(tuple(sorted([2] * (ploidy - k) + ["ACGT".index(why.alternate)] * k)))
        for k in range(ploidy + 1)
    ]
    np.testing.assert_allclose(why.log10_likelihood, [by_hand[at] for at in chosen], rtol=1e-9)
    joint = why.log10_likelihood + why.log10_prior - why.log10_posterior
    np.testing.assert_allclose(joint, joint[0])

    calls = genotype(evidence, ploidy=ploidy)
    here = calls.position == AT
    expected = "not called" if not here.any() else "called" if calls.passed[here][0] else "filtered"
    assert why.verdict == expected
    assert (deciding(why) == []) == (why.verdict == "called")
    if here.any():
        at = int(np.flatnonzero(here)[0])
        assert min(calls.allele_depth(at)[1:]) >= 2  # every alternate allele was seen often enough
        assert f"{calls.genotype_text(at)}" in why.sentence or why.verdict == "filtered"


# ---------------------------------------------------------------- what would turn it


@given(reads=any_site())
@settings(max_examples=80)
def test_without_that_many_fragments_the_call_is_lost(reads, folder):
    why = explain(evidence_of(reads, REFERENCE, folder), AT)
    found = re.fullmatch(r"Without its (\d+) strongest fragments? it would not be called\.", why.flip)
    assert (found is not None) == (why.verdict == "called")
    if found is None:
        return
    names = why.reads[why.reads["used"]]["name"].tolist()

    def still_called(without: int) -> bool:
        left = [each for each in reads if each.name not in names[:without]]
        return AT in genotype(evidence_of(left, REFERENCE, folder)).position

    assert not still_called(int(found[1]))
    assert still_called(int(found[1]) - 1)


SUGGESTION = re.compile(r"It would (?:pass this filter|be considered) with (\w+) (-?[\d.]+)\.")


@given(reads=any_site(), strict=st.sampled_from([
    {"min_quality": 200.0}, {"min_genotype_quality": 99.0}, {"min_depth": 15}, {"max_strand_bias": 0.0},
    {"max_strand_odds_ratio": 0.1}, {"min_mapping_quality_rank_sum": 0.0}, {"min_base_quality_rank_sum": 0.0},
    {"min_allele_balance": 0.5}, {"min_alternate_count": 9}, {"min_alternate_fraction": 0.5}, {},
]))  # fmt: skip
@settings(max_examples=120)
def test_the_suggested_threshold_turns_the_step_that_decides(reads, strict, folder):
    thresholds = Thresholds(**strict)
    evidence = evidence_of(reads, REFERENCE, folder)
    why = explain(evidence, AT, thresholds)
    suggested = SUGGESTION.fullmatch(why.flip)
    if suggested is None:
        return
    name, text = suggested.groups()
    value = int(text) if isinstance(getattr(thresholds, name), int) else float(text)
    after = explain(evidence, AT, replace(thresholds, **{name: value}))
    assert deciding(after) != deciding(why)
    (step,) = deciding(why)
    assert {each.name: each.passed for each in after.steps}[step]
    if why.verdict == "filtered":
        calls = genotype(evidence, replace(thresholds, **{name: value}))
        assert step not in calls.filters[calls.position.tolist().index(AT)]


def test_a_value_beyond_every_threshold_has_no_suggestion(tmp_path):
    reads = [read(f"f{at}", "G", flag=0) for at in range(60)] + [read(f"r{at}", "A", flag=0x10) for at in range(60)]
    why = judged(reads, tmp_path, Thresholds(max_strand_odds_ratio=10.0))
    assert deciding(why) == ["StrandBias"]
    assert why.steps[-1].name == "Artefact"
    assert why.flip == "No threshold lets it pass this filter."


def test_a_call_read_again_explains_the_same(tmp_path):
    evidence = evidence_of(fragments("GGGGGGAAAAAA"), REFERENCE, tmp_path)
    tiled = call_variants(evidence.reads_path, evidence.reference_path, tile=6)
    assert tiled.evidence is None
    again, first = tiled.explain("chr1", AT + 1), genotype(evidence).explain("chr1", AT + 1)
    assert str(again) == str(first)
    assert again.reads.equals(first.reads)

"""Indels: found in CIGARs and clipped ends, spelled the one way, judged by haplotypes, explained."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_reads import evidence_of, simple

import genolab as gl
from genolab.call import Evidence, Thresholds, VariantCalls, call_variants, genotype
from genolab.call.candidates import Reference
from genolab.call.haplotypes import ARTEFACT, FRACTIONS, artefact_likelihoods, haplotype_copies, haplotype_genotypes
from genolab.call.repeats import gap_opening, repeats

PHAGE = Path(gl.__file__).parent / "data" / "phage"
LENGTH = 400
SEQUENCE = "".join(np.random.default_rng(4).choice(list("ACGT"), LENGTH))
RUN = SEQUENCE[:200] + "C" + "A" * 8 + "G" + SEQUENCE[210:]  # a homopolymer from 201 to 208


def reads_of(haplotype: str, starts, anchor: int, shift: int, size: int = 60, clip: bool = False) -> list[naive.Read]:
    """Reads of a haplotype that has ``shift`` bases more (or less) behind the reference's position ``anchor``."""
    reads = []
    for number, start in enumerate(starts):
        bases = haplotype[start : start + size]
        before = anchor - start
        gap = (abs(shift), "I" if shift > 0 else "D")
        behind = size - before - max(shift, 0)
        if before <= 0 or behind <= 0:
            position = start if before > 0 else start - shift
            cigar = [(size, "M")]
        elif clip:
            position, cigar = (start, [(before, "M"), (size - before, "S")])
        else:
            position, cigar = start, [(before, "M"), gap, (behind, "M")]
        name = f"{haplotype[anchor - 2 : anchor + 6]}{shift}{start}{number}"
        reads.append(naive.Read(name, 0x10 * (number % 2), position, 60, cigar, bases, [30] * size))
    return sorted(reads, key=lambda read: read.position)


def called(reads: list[naive.Read], reference: str, folder: Path, **options) -> VariantCalls:
    folder.mkdir(exist_ok=True)
    return genotype(evidence_of(sorted(reads, key=lambda read: read.position), reference, folder), **options)


def records(calls: VariantCalls) -> list[tuple[int, str, str, str]]:
    return [
        (int(position), reference, ",".join(alternates), calls.genotype_text(site))
        for site, (position, reference, alternates) in enumerate(
            zip(calls.position, calls.reference, calls.alternates, strict=True)
        )
    ]


# ---------------------------------------------------------------- places and spellings


@given(st.text("AC", min_size=8, max_size=40), st.integers(2, 30), st.integers(1, 4), st.text("AC", max_size=4))
@settings(max_examples=200)
def test_left_alignment_keeps_the_haplotype(text, position, deleted, inserted):
    codes = np.array(["ACGT".index(letter) for letter in text], np.uint8)
    position = min(position, len(text) - 5)
    gone, come = (deleted, "") if not inserted else (0, inserted)
    code = bytes("ACGT".index(letter) for letter in come)
    at, size, moved = Reference(codes, 0).left_aligned(position, gone, code)

    def applied(where: int, lost: int, letters: str) -> str:
        return text[:where] + letters + text[where + lost :]

    whole = applied(position, gone, come)
    assert applied(at, size, "".join("ACGT"[one] for one in moved)) == whole
    # no place farther to the left gives the same
    for earlier in range(1, at):
        if gone:
            assert applied(earlier, gone, "") != whole
        else:
            assert applied(earlier, 0, whole[earlier : earlier + len(come)]) != whole


@given(st.text("AC", min_size=1, max_size=40))
def test_repeats_start_where_they_start(text):
    codes = np.frombuffer(text.encode(), np.uint8) % 7
    unit, length = repeats(codes)
    for at in range(len(text)):
        best = (1, 1)
        for u in range(1, 5):
            end = at + u
            while end < len(text) and text[end] == text[end - u]:
                end += 1
            earlier = at > 0 and at + u - 1 < len(text) and text[at - 1] == text[at + u - 1]
            if end <= len(text) and end - at > best[1] and not earlier and (u == 1 or end - at >= 2 * u + 1):
                best = (u, end - at)
        assert (unit[at], length[at]) == best


def test_a_gap_in_a_run_is_one_event():
    opening = gap_opening([np.array([1, 0, 0, 0, 0, 0, 0, 0, 2], np.uint8), np.array([0, 1], np.uint8)])
    assert opening.size == 11
    assert opening[1] == pytest.approx(10**-3.6)
    np.testing.assert_allclose(np.delete(opening, 1), 10**-4.5)


@pytest.mark.oracle
def test_bcftools_would_spell_them_the_same_way(tmp_path):
    if shutil.which("bcftools") is None:
        pytest.skip("bcftools is not on this machine")
    calls = call_variants(PHAGE / "reads.bam", PHAGE / "lambda.fa")
    assert calls.is_indel.sum() > 5
    path = calls.write(tmp_path / "calls.vcf")
    command = ["bcftools", "norm", "-c", "e", "-f", str(PHAGE / "lambda.fa"), "--no-version", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "0/0/0" in done.stderr, done.stderr  # split, realigned, skipped
    ours = [line for line in path.read_text().splitlines() if not line.startswith("##")]
    assert [line for line in done.stdout.splitlines() if not line.startswith("##")] == ours


# ---------------------------------------------------------------- drawn windows


@pytest.mark.parametrize("shift", [-1, -2, 2])
def test_a_read_that_ends_inside_the_repeat_is_no_evidence_for_the_reference(shift, tmp_path):
    haplotype = RUN[:201] + "A" * (8 + shift) + RUN[209:]
    across = reads_of(haplotype, range(150, 195, 3), 201, shift)
    inside = [simple(f"e{at}", 207 - 60 - at, RUN[147 - at : 207 - at], flag=0x10 * (at % 2)) for at in range(6)]
    calls = called([*across, *inside], RUN, tmp_path)
    longest = RUN[200 : 201 + max(-shift, 0)]
    assert records(calls) == [(200, longest, "C" if shift < 0 else "CAA", "1/1")]
    why = calls.explain("chr1", 201)
    assert why.sentence.startswith("Called 1/1: ")
    unclear = why.reads[why.reads["base"] == "?"]
    assert unclear["name"].str.startswith("e").any()
    assert (unclear["weight"].abs() < 0.6).all()
    assert calls.allele_depth(0)[0] == 0
    assert calls.explain("chr1", 205).position == 201  # wherever in the run one asks


def test_both_alleles_of_one_place_share_a_record(tmp_path):
    reads = reads_of(RUN[:201] + "A" * 7 + RUN[209:], range(150, 195, 3), 201, -1)
    reads += reads_of(RUN[:201] + "A" * 9 + RUN[209:], range(151, 195, 3), 201, 1)
    calls = called(reads, RUN, tmp_path)
    assert records(calls) == [(200, "CA", "C,CAA", "1/2")]
    assert len(calls.phred_likelihoods(0)) == 6
    assert calls.phred_likelihoods(0)[4] == 0
    assert min(calls.allele_depth(0)[1:]) > 5


@pytest.mark.parametrize("ploidy", [1, 2, 3, 4, 6])
def test_indels_of_any_ploidy(ploidy, tmp_path):
    haplotype = SEQUENCE[:200] + SEQUENCE[203:]
    calls = called(reads_of(haplotype, range(150, 195, 2), 200, -3), SEQUENCE, tmp_path, ploidy=ploidy)
    assert calls.genotype_text(0) == "/".join("1" * ploidy)
    assert len(calls.phred_likelihoods(0)) == ploidy + 1


@pytest.mark.parametrize("kind", ["deletion", "insertion", "duplication"])
def test_clipped_ends_show_what_no_alignment_does(kind, tmp_path):
    new = "".join(np.random.default_rng(1).choice(list("ACGT"), 15))
    haplotype, shift = {
        "deletion": (SEQUENCE[:200] + SEQUENCE[235:], -35),
        "insertion": (SEQUENCE[:200] + new + SEQUENCE[200:], 15),
        "duplication": (SEQUENCE[:200] + SEQUENCE[180:], 20),
    }[kind]
    variant = reads_of(haplotype, range(145, 186, 2), 200, shift, size=80, clip=True)
    plain = [simple(f"p{at}", at, SEQUENCE[at : at + 80], flag=0x10 * (at % 2)) for at in range(146, 190, 2)]
    calls = called([*variant, *plain], SEQUENCE, tmp_path)
    (record,) = records(calls)
    assert record[3] == "0/1"
    assert len(record[2]) - len(record[1]) == shift
    position, reference, alternate, _ = record
    assert SEQUENCE[:position] + alternate + SEQUENCE[position + len(reference) :] == haplotype


def test_mismatches_at_the_end_of_a_misaligned_read_are_no_substitutions(tmp_path):
    haplotype = SEQUENCE[:200] + SEQUENCE[204:]
    reads = reads_of(haplotype, range(150, 190, 2), 200, -4)
    # these end eight bases behind the deletion: the aligner matched them to the reference, with mismatches
    reads += [
        naive.Read(f"m{at}", 0x10 * (at % 2), 148, 60, [(60, "M")], haplotype[148:208], [30] * 60) for at in range(6)
    ]
    calls = called(reads, SEQUENCE, tmp_path)
    assert [len(each) for each in calls.reference] == [5]
    assert calls.genotype_text(0) == "1/1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("windows")


def judged(evidence: Evidence) -> VariantCalls:
    return genotype(evidence, Thresholds(min_quality=0, min_artefact_quality=-100))


@given(variant=st.integers(3, 9), plain=st.integers(0, 9), quality=st.sampled_from([15, 25, 35]))
@settings(max_examples=12)
def test_another_read_of_the_allele_never_lowers_its_odds(variant, plain, quality, folder):
    haplotype = SEQUENCE[:200] + SEQUENCE[202:]

    def odds(count: int) -> float:
        reads = reads_of(haplotype, [160 + at for at in range(count)], 200, -2)
        reads = [each._replace(qualities=[quality] * 60) for each in reads]
        reads += [simple(f"p{at}", 165 + at, SEQUENCE[165 + at : 225 + at], quality) for at in range(plain)]
        why = gl.call.explain(evidence_of(sorted(reads, key=lambda read: read.position), SEQUENCE, folder), 199)
        assert (10.0**why.log10_posterior).sum() == pytest.approx(1, abs=1e-9)
        return float(why.log10_likelihood[1:].max() - why.log10_likelihood[0])

    assert odds(variant + 1) >= odds(variant) - 1e-9


def test_mates_are_one_fragment(tmp_path):
    haplotype = SEQUENCE[:200] + SEQUENCE[202:]
    reads = reads_of(haplotype, [160, 164, 168, 172], 200, -2)
    pairs = [each._replace(name=f"pair{at // 2}", flag=0x41 if at % 2 == 0 else 0x91) for at, each in enumerate(reads)]
    assert genotype(evidence_of(reads, SEQUENCE, tmp_path)).allele_depth(0) == (0, 4)
    paired = genotype(evidence_of(pairs, SEQUENCE, tmp_path))
    assert paired.allele_depth(0) == (0, 2)
    assert paired.columns["depth"][0] == 2


# ---------------------------------------------------------------- explanations


def test_an_explanation_shows_haplotypes_and_every_reads_say(tmp_path):
    haplotype = SEQUENCE[:200] + SEQUENCE[202:]
    reads = reads_of(haplotype, range(160, 190, 3), 200, -2)
    reads += [simple(f"p{at}", 150 + at, SEQUENCE[150 + at : 210 + at]) for at in range(1, 30, 3)]
    reads.append(reads[0]._replace(name="dup", flag=0x400))
    reads.append(reads[1]._replace(name="poor", mapping_quality=3))
    calls = called(reads, SEQUENCE, tmp_path)
    (site,) = np.flatnonzero(calls.is_indel)
    why = calls.explain("chr1", int(calls.position[site]) + 1)
    assert why.verdict == "called"
    assert why.haplotypes is not None
    assert why.haplotypes["variants"].tolist()[0] == "reference"
    assert why.haplotypes["expected_copies"].tolist() == pytest.approx([1, 1], abs=1e-3)
    assert why.excluded == {"duplicate": 1, "mapping quality too low": 1}
    used = why.reads[why.reads["used"]]
    columns = [name for name in used if "haplotype" in name]
    assert (used[columns].max(axis=1) == 0).all()
    assert int(why.flip.split("its ")[1].split()[0]) <= 10
    assert "held against 2 haplotypes" in str(why)


def test_an_indel_that_too_few_reads_show_is_mentioned(tmp_path):
    haplotype = SEQUENCE[:200] + SEQUENCE[201:]
    reads = [simple(f"p{at}", 150 + at, SEQUENCE[150 + at : 210 + at]) for at in range(40)]
    reads += reads_of(haplotype, [170], 200, -1)
    calls = called(reads, SEQUENCE, tmp_path)
    assert len(calls) == 0
    said = calls.explain("chr1", 200).sentence
    assert said.endswith("1 fragment is aligned with a deletion of 1 base, too few to consider it.")


# ---------------------------------------------------------------- kernels


@pytest.mark.parametrize("ploidy", [1, 2, 3])
@given(seed=st.integers(0, 1_000))
@settings(max_examples=15)
def test_haplotype_genotypes_are_the_sum_by_hand(ploidy, seed):
    random = np.random.default_rng(seed)
    fragments, haplotypes = int(random.integers(1, 6)), int(random.integers(1, 4))
    logs = -random.uniform(0, 5, (fragments, haplotypes))
    misplaced = 10.0 ** -random.uniform(1, 6, fragments)
    copies = haplotype_copies(haplotypes, ploidy)
    prior = -random.uniform(0, 4, len(copies))
    kind = random.integers(0, 2, (2, len(copies)))
    holds = kind[:, None, :] == np.arange(2)[None, :, None]
    found = haplotype_genotypes(logs, misplaced, copies, prior, holds)
    weights = []
    for g, row in enumerate(copies):
        total = 10 ** prior[g]
        for f in range(fragments):
            total *= (1 - misplaced[f]) * sum(k / ploidy * 10 ** logs[f, h] for h, k in enumerate(row)) + misplaced[f]
        weights.append(total)
    weights = np.array(weights) / sum(weights)
    np.testing.assert_allclose(10**found.log10_posterior, weights, rtol=1e-9)
    for site in range(2):
        for which in range(2):
            there = weights[kind[site] == which].sum()
            assert 10 ** found.site_posterior[site, which] == pytest.approx(there, abs=1e-12)


def test_artefact_likelihoods_are_the_sum_by_hand():
    random = np.random.default_rng(2)
    site = np.repeat([0, 1, 2], [5, 8, 3])
    background, variant = -random.uniform(0, 3, (2, site.size))
    reverse = random.random(site.size) < 0.5
    found = artefact_likelihoods(site, background, variant, reverse, np.zeros(4, np.uint8)).log10_artefact
    for at in range(4):
        total = 0.0
        for misled in (np.ones(site.size, bool), ~reverse, reverse):
            for fraction in FRACTIONS:
                product = 1.0
                for i in np.flatnonzero(site == at):
                    share = fraction if misled[i] else 0.0
                    product *= (1 - share) * 10 ** background[i] + share * 10 ** variant[i]
                total += product / FRACTIONS.size
        assert found[at] == pytest.approx(np.log10(ARTEFACT * total), abs=1e-9)

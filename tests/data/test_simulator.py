"""The simulator: the same seed gives the same reads, and the reads are what the stated model says they are."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genolab as gl
from genolab.data.donor import apply_variants, draw_variants, text_of
from genolab.data.simulator import DUPLICATE, MATE_REVERSE, QC_FAIL, QUALITY_BINS, REVERSE
from genolab.errors import InputError

PHAGE = gl.data.example("phage")


@pytest.fixture(scope="module")
def phage():
    """The shipped reads, reference and truth as arrays."""
    with gl.io.open_alignments(PHAGE.reads) as alignments, gl.io.open_reference(PHAGE.reference) as reference:
        region = gl.io.parse_region(PHAGE.region, alignments.contigs)
        codes = reference.fetch(region.contig, region.start, region.end)
        return alignments.read(region), codes, gl.io.read_variants(PHAGE.truth)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A reference of two contigs, with N in the first."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("reference") / "two.fa"
    first, second = ("".join(rng.choice(list("ACGT"), size)) for size in (3000, 1500))
    path.write_text(f">one\n{first[:1000]}{'N' * 200}{first[1200:]}\n>two\n{second}\n")
    return path


def same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(small, tmp_path):
    one, two, three = (
        gl.data.simulate(small, tmp_path / str(number), depth=10, seed=seed) for number, seed in enumerate((7, 7, 8))
    )
    assert same(one.reads, two.reads)
    assert same(one.truth, two.truth)
    assert not same(one.reads, three.reads)


def test_the_shipped_example_is_what_its_readme_says(tmp_path):
    made = gl.data.simulate(PHAGE.reference, tmp_path, depth=40, seed=1)
    assert gl.io.read_variants(made.truth).to_frame().equals(gl.io.read_variants(PHAGE.truth).to_frame())
    with gl.io.open_alignments(made.reads) as mine, gl.io.open_alignments(PHAGE.reads) as shipped:
        region = gl.io.parse_region(PHAGE.region, mine.contigs)
        again, before = mine.read(region), shipped.read(region)
    for name in ("position", "flag", "mapping_quality", "base", "quality", "operation", "length"):
        assert np.array_equal(getattr(again, name), getattr(before, name)), name


def test_the_cache_is_used_the_second_time(small, tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path))
    told = []
    first = gl.data.simulate(small, depth=5, progress=lambda fraction, text: told.append(fraction))
    assert told[-1] == 1
    told.clear()
    second = gl.data.simulate(small, depth=5, progress=lambda fraction, text: told.append(fraction))
    assert second == first
    assert told == []
    assert gl.data.simulate(small, depth=6).reads != first.reads


def test_nothing_is_left_beside_the_results(small, tmp_path):
    gl.data.simulate(small, tmp_path, depth=5)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "reads.bam", "reads.bam.bai", "truth.vcf.gz", "truth.vcf.gz.tbi",
    ]  # fmt: skip


def test_the_reference_alleles_of_the_truth_are_the_reference(phage):
    _, codes, truth = phage
    for position, allele in zip(truth.position, truth.reference, strict=True):
        assert text_of(codes[position : position + len(allele)]) == allele


def pileup(reads, keep):
    """Reference position and base code of every aligned base of the kept reads, one read at a time."""
    positions, bases, qualities = [], [], []
    for read in np.flatnonzero(keep):
        at, offset = int(reads.position[read]), int(reads.base_offset[read])
        for index in range(reads.operation_offset[read], reads.operation_offset[read + 1]):
            operation, length = int(reads.operation[index]), int(reads.length[index])
            if operation == 0:
                positions.append(np.arange(at, at + length))
                bases.append(reads.base[offset : offset + length])
                qualities.append(reads.quality[offset : offset + length])
            at += length * (operation in (0, 2))
            offset += length * (operation in (0, 1, 4))
    return np.concatenate(positions), np.concatenate(bases), np.concatenate(qualities)


def wrong_share(positions, bases, codes):
    """Share of the bases over each reference position that are not the reference's."""
    depth = np.bincount(positions, minlength=codes.size)
    return np.bincount(positions, bases != codes[positions], codes.size) / np.maximum(depth, 1)


def test_true_variants_are_in_the_reads_at_the_share_of_their_genotype(phage):
    reads, _, truth = phage
    positions, bases, _ = pileup(reads, reads.mapping_quality == 60)
    shares = {1: [], 2: []}
    for position, ref, alternates, genotype in zip(
        truth.position, truth.reference, truth.alternates, truth.genotype, strict=True
    ):
        if len(ref) == len(alternates[0]) == 1:
            seen = bases[positions == position]
            shares[sum(genotype)].append((seen == "ACGT".index(alternates[0])).mean())
    assert len(shares[1]) > 40
    assert abs(np.mean(shares[1]) - 0.5) < 0.03  # 60 sites of 40 reads: a standard error of 0.01
    assert min(shares[2]) > 0.9


def test_base_qualities_are_honest(phage):
    reads, codes, truth = phage
    positions, bases, qualities = pileup(reads, reads.mapping_quality == 60)
    varies = np.zeros(codes.size, bool)
    varies[:200] = varies[-200:] = True  # so few reads that one error looks like a variant
    for position in truth.position:
        varies[position - 15 : position + 30] = True
    wrong = wrong_share(positions, bases, codes)
    clean = ~varies[positions] & (wrong < 0.2)[positions]  # away from variants and strand artefacts
    assert set(np.unique(qualities)) <= set(QUALITY_BINS)
    for quality in QUALITY_BINS.tolist():
        these = clean & (qualities == quality)
        expected = 10 ** (-quality / 10) * these.sum()
        found = (bases != codes[positions])[these].sum()
        assert abs(found - expected) < 5 * np.sqrt(expected) + 1, quality


def test_what_the_filters_are_for_is_there(phage):
    reads, codes, truth = phage
    share = {flag: ((reads.flag & flag) > 0).mean() for flag in (DUPLICATE, QC_FAIL, REVERSE)}
    assert abs(share[DUPLICATE] - 0.05) < 0.01
    assert abs(share[QC_FAIL] - 0.01) < 0.005
    assert abs(share[REVERSE] - 0.5) < 1e-9
    assert 50 < (reads.mapping_quality < 20).sum() < 400
    _, sizes = np.unique(reads.fragment, return_counts=True)
    assert (sizes == 2).all()
    order = np.argsort(reads.fragment, kind="stable").reshape(-1, 2)
    assert (reads.reference_end[order[:, 0]] > reads.position[order[:, 1]]).mean() > 0.1  # mates that overlap
    forward = (reads.flag & REVERSE) == 0
    assert ((reads.flag[forward] & MATE_REVERSE) > 0).all()
    positions, bases, _ = pileup(reads, forward & (reads.mapping_quality == 60))
    backward_positions, backward_bases, _ = pileup(reads, ~forward & (reads.mapping_quality == 60))
    backward = wrong_share(backward_positions, backward_bases, codes)
    artefacts = np.flatnonzero((wrong_share(positions, bases, codes) > 0.25) & (backward < 0.1))
    inner = artefacts[(artefacts > 200) & (artefacts < codes.size - 200)]
    assert len(inner) == 4
    assert not set(inner.tolist()) & set(truth.position.tolist())


def test_reads_without_errors_spell_their_haplotype(small, tmp_path):
    """Every base the CIGAR aligns is the reference or the donor's allele, and insertions are the donor's own."""
    quiet = gl.data.Sequencing(
        duplicates=0, qc_failed=0, copy_divergence=0, strand_artefacts=0, read_length=60, fragment_length=150
    )
    made = gl.data.simulate(small, tmp_path, depth=30, seed=3, snv_rate=0.01, indel_rate=0.01, sequencing=quiet)
    truth = gl.io.read_variants(made.truth)
    with gl.io.open_alignments(made.reads) as alignments, gl.io.open_reference(small) as reference:
        for contig, length in reference.contigs.items():
            codes = reference.fetch(contig, 0, length)
            reads = alignments.read(gl.io.parse_region(contig, alignments.contigs))
            allowed = np.zeros((length, 5), bool)
            allowed[np.arange(length), codes] = True
            indels = set()
            for name, at, ref, alternates in zip(
                truth.contig, truth.position, truth.reference, truth.alternates, strict=True
            ):
                if name == contig:
                    change = len(alternates[0]) - len(ref)
                    indels.add((at, change)) if change else allowed.__setitem__((at, "ACGT".index(alternates[0])), True)
            positions, bases, qualities = pileup(reads, np.ones(len(reads.names), bool))
            good = qualities >= 37  # errors are left in; at this quality they are one in 5,000
            assert allowed[positions[good], bases[good]].mean() > 0.999
            assert reads.operation.size > len(reads.names)  # some reads have an indel
            for read in range(len(reads.names)):
                at = int(reads.position[read])
                for index in range(reads.operation_offset[read], reads.operation_offset[read + 1]):
                    operation, size = int(reads.operation[index]), int(reads.length[index])
                    if operation in (1, 2):
                        assert (at - 1, size if operation == 1 else -size) in indels
                    at += size * (operation in (0, 2))
                assert at == reads.reference_end[read]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), letters=st.sampled_from(["ACGT", "AC", "AAAC", "A"]))
def test_a_haplotype_is_the_reference_with_its_variants(seed, letters):
    rng = np.random.default_rng(seed)
    reference = np.array(["ACGT".index(letter) for letter in letters], np.uint8)[rng.integers(0, len(letters), 2000)]
    variants = draw_variants(rng, reference, 0.01, 0.02, 0.5)
    text, position = text_of(reference), 0
    for copy in (0, 1):
        pieces, position = [], 0
        rows = zip(variants.position, variants.reference, variants.alternate, variants.genotype, strict=True)
        for place, before, now, genotype in rows:
            assert text[place : place + len(before)] == before
            assert place >= position, "variants overlap"
            pieces += [text[position:place], now if genotype[copy] else before]
            position = place + len(before)
        haplotype = apply_variants(reference, variants, copy)
        assert text_of(haplotype.base) == "".join([*pieces, text[position:]])
        steps = np.diff(haplotype.position)
        assert (steps >= 0).all()
        assert ((steps == 0) == haplotype.inserted[1:]).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"depth": 0}, "`depth` must be more than 0"),
        ({"depth": 1e9}, "`depth` must be small enough"),
        ({"snv_rate": 0.5}, "`snv_rate` must be between 0 and 0.04"),
        ({"heterozygous": 2}, "`heterozygous` must be a share"),
        ({"sequencing": gl.data.Sequencing(read_length=10)}, "`read_length` must be at least 30"),
    ],
)
def test_settings_that_make_no_sense_are_refused_and_nothing_is_written(small, tmp_path, wrong, message):
    with pytest.raises(InputError, match=re.escape(message)):
        gl.data.simulate(small, tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()

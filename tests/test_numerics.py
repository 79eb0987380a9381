"""The extremes of input, each with a known answer or a law: nothing overflows, vanishes or depends on how it is cut.

Every operation of a CIGAR and six alleles: call/test_every_operation.py. Inputs of length 0: test_length_zero.py.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import naive
import numpy as np
import pytest
from made_reads import evidence_of, simple

import genolab as gl
from genolab.call import Thresholds, genotype
from genolab.call.likelihood import genotype_likelihoods, genotype_posteriors, genotypes
from genolab.errors import GenolabWarning
from genolab.kernel import threads

REFERENCE = "ACGTACGTACGTACGTACGT"
EVERYTHING = Thresholds(min_base_quality=0, min_mapping_quality=0)


def at_ten(bases: str, folder: Path, quality: int = 30, **changes: int) -> gl.call.Evidence:
    """Fragments over position 10 (0-based, reference G) that show these bases, strands taking turns."""
    folder.mkdir(exist_ok=True)
    reads = [simple(f"r{i}", 5, f"CGTAC{base}TACG", quality, 0x10 * (i % 2), **changes) for i, base in enumerate(bases)]
    return evidence_of(reads, REFERENCE, folder)


@pytest.mark.parametrize("ploidy", [1, 2, 6])
def test_depth_of_a_million_is_a_million_times_one(ploidy: int) -> None:
    depth = 1_000_000
    base = np.arange(depth, dtype=np.uint8) % 2
    site, quality, reference = np.zeros(depth, np.int64), np.full(depth, 30.0), np.zeros(1, np.uint8)
    found = genotype_likelihoods(site, base, quality, quality, reference, ploidy=ploidy).log10_likelihood
    pair = genotype_likelihoods(site[:2], base[:2], quality[:2], quality[:2], reference, ploidy=ploidy).log10_likelihood
    np.testing.assert_allclose(found, pair * (depth // 2), rtol=1e-11)
    posterior = genotype_posteriors(found, reference, np.ones(found.shape, bool), ploidy=ploidy)
    assert np.isfinite(posterior.quality).all()
    assert np.isfinite(posterior.genotype_quality).all()
    assert (posterior.log10_posterior <= 1e-12).all()
    np.testing.assert_allclose((10.0**posterior.log10_posterior).sum(), 1.0, rtol=1e-9)
    best = genotypes(ploidy)[int(posterior.log10_posterior.argmax())]
    assert ploidy == 1 or best.count(0) == best.count(1)


def test_a_column_of_20000_is_called_as_one_of_twenty(tmp_path: Path) -> None:
    deep = genotype(at_ten("GA" * 10_000, tmp_path / "deep"))
    thin = genotype(at_ten("GA" * 10, tmp_path / "thin"))
    assert deep.position.tolist() == thin.position.tolist() == [10]
    assert deep.genotype_text(0) == thin.genotype_text(0) == "0/1"
    assert deep.allele_depth(0) == (10_000, 10_000)
    assert np.isfinite(deep.columns["quality"]).all()
    assert deep.columns["quality"][0] >= thin.columns["quality"][0]


@pytest.mark.parametrize("ploidy", [1, 2, 6])
@pytest.mark.parametrize(
    ("bases", "quality", "mapping_quality"),
    [("GAGAGA", 0, 60), ("GAGAGA", 30, 255), ("GAGAGA", 93, 254), ("NNNN", 30, 60), ("", 30, 60), ("ACGTN", 30, 60)],
    ids=["quality 0", "mapping 255", "highest", "all N", "no reads", "each base"],
)
def test_any_quality_and_no_base_at_all(
    ploidy: int, bases: str, quality: int, mapping_quality: int, tmp_path: Path
) -> None:
    evidence = at_ten(bases, tmp_path, quality, mapping_quality=mapping_quality)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        calls = genotype(evidence, EVERYTHING, ploidy)
    assert np.isfinite(calls.columns["quality"]).all()
    if quality == 0:
        assert not (calls.columns["quality"] > 20).any(), "a base of quality 0 is a guess"
    calls.write(tmp_path / "calls.vcf")
    assert len(gl.io.read_variants(tmp_path / "calls.vcf")) == len(calls.position)


def test_a_reference_of_all_n_has_no_variants(tmp_path: Path) -> None:
    reads = [simple(f"r{i}", 5, "CGTACATACG", 30, 0x10 * (i % 2)) for i in range(20)]
    assert len(genotype(evidence_of(reads, "N" * len(REFERENCE), tmp_path)).position) == 0


def test_every_flag_is_kept_or_left_out_as_it_says(tmp_path: Path) -> None:
    reads = [replace_flag(simple(f"r{flag}", 5, "CGTACATACG"), flag) for flag in range(4096)]
    calls = genotype(evidence_of(reads, REFERENCE, tmp_path))
    kept = [flag for flag in range(4096) if not flag & (0x4 | 0x100 | 0x200 | 0x400 | 0x800)]
    assert calls.position.tolist() == [10]
    assert sum(calls.allele_depth(0)) == len(kept) == 128


def test_a_missing_base_quality_counts_as_20(tmp_path: Path) -> None:
    found = []
    for folder, quality in (("missing", []), ("twenty", [20] * 10)):
        (tmp_path / folder).mkdir()
        reads = [simple(f"r{i}", 5, f"CGTAC{base}TACG")._replace(qualities=quality) for i, base in enumerate("GAGAGA")]
        calls = genotype(evidence_of(reads, REFERENCE, tmp_path / folder))
        assert calls.position.tolist() == [10]
        assert np.isfinite(calls.columns["quality"]).all()
        found.append(calls.columns["quality"].tobytes())
    assert found[0] == found[1]


def replace_flag(read: naive.Read, flag: int) -> naive.Read:
    return read._replace(flag=flag)


def test_overlapping_mates_are_one_witness(tmp_path: Path) -> None:
    pairs = [
        replace_flag(simple(f"p{i}", 5, "CGTACATACG"), flag)
        for i in range(6)
        for flag in (0x1 | 0x40, 0x1 | 0x80 | 0x10)
    ]
    calls = genotype(evidence_of(pairs, REFERENCE, tmp_path))
    assert sum(calls.allele_depth(0)) == 6


@pytest.mark.parametrize("length", [1, 30_000])
def test_alignment_of_length_0_1_and_30000(length: int) -> None:
    text = ("ACGT" * (length // 4 + 1))[:length]
    assert gl.align.align(text, text, mode="global").scores.tolist() == [2 * length]
    empty = gl.align.align("", text, mode="global", allow_empty=True).scores
    assert np.isfinite(empty).all()
    assert (empty <= 0).all()
    assert gl.align.align("", "", mode="global", allow_empty=True).scores.tolist() == [0]


def test_sums_of_float32_counts_are_not_lost() -> None:
    counts = np.full((2, 20_000), 16_777_216.0, np.float32)  # 2 ** 24: in float32 a sum of them would lose ones
    counts[1, ::2] = 1
    made = np.asarray(gl.prepare.LogCPM().fit_transform(counts), np.float64)
    expected = np.log2(counts.astype(np.float64) / counts.sum(axis=1, dtype=np.float64)[:, None] * 1e6 + 1)
    assert np.isfinite(made).all()
    assert np.corrcoef(made[1], expected[1])[0, 1] > 1 - 1e-9


@pytest.mark.parametrize(
    "table",
    [np.zeros((3, 5)), np.full((3, 5), 7.0), np.array([[0, 0, 0], [1, 2, 3], [4, 5, 6.0]]), np.array([[1, 2, 3.0]])],
    ids=["no counts", "constant genes", "an empty library", "one sample"],
)
def test_libraries_of_nothing_and_genes_that_do_not_vary(table: np.ndarray) -> None:
    for estimator in (gl.prepare.LogCPM(), gl.prepare.TMM(log=True), gl.prepare.Scaler()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GenolabWarning)  # what has no factor is told
            assert np.isfinite(np.asarray(estimator.fit_transform(table))).all()


def test_tiles_and_threads_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_ten("GGGGGAAAAA", tmp_path)
    files = []
    for tile in (7, 20, 100_000):
        calls = gl.call.call_variants(tmp_path / "reads.sam", tmp_path / "reference.fa", tile=tile)
        calls.write(tmp_path / "calls.vcf")
        files.append((tmp_path / "calls.vcf").read_bytes())
    for count in (1, 2, 4):
        monkeypatch.setattr(threads, "_most", count)
        calls = gl.call.call_variants(tmp_path / "reads.sam", tmp_path / "reference.fa", tile=7)
        calls.write(tmp_path / "calls.vcf")
        files.append((tmp_path / "calls.vcf").read_bytes())
    assert len(set(files)) == 1
    counts = np.random.default_rng(3).poisson(5, (40, 300)).astype(np.float32)
    tables, scores = [], []
    for count in (1, 2, 4):
        monkeypatch.setattr(threads, "_most", count)
        tables.append(
            [np.asarray(each.fit_transform(counts)).tobytes() for each in (gl.prepare.TMM(), gl.prepare.Scaler())]
        )
        scores.append(gl.align.align(["ACGTACGT"] * 40, ["ACGAACG"] * 40, mode="local", threads=count).scores.tobytes())
    assert tables[0] == tables[1] == tables[2]
    assert scores[0] == scores[1] == scores[2]

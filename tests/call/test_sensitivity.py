"""What a call rests on: gradients equal differences of the kernels, and the change that is named turns the verdict."""

from __future__ import annotations

from pathlib import Path

import naive
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from made_reads import evidence_of, simple
from pytensor.gradient import verify_grad

from genolab.call import explain
from genolab.call.backward import quality_gradients
from genolab.call.haplotypes import haplotype_genotypes
from genolab.call.likelihood import considered_genotypes, genotype_likelihoods, genotype_posteriors
from genolab.call.pairhmm import pair_hmm
from genolab.call.sensitivity import MOST_LOWERED, lowered_until, site_sensitivity, window_sensitivity
from genolab.kernel.backends import compiling_for, mode_of

REFERENCE = "ACGTACGTACGTACGTACGTTGCAACGGATTACAGGCATCCGTA"
AT = 10


def reads(bases: str) -> list[naive.Read]:
    return [simple(f"r{at}", 5, f"CGTAC{base}TACG", 20 + at, 0x10 * (at % 2), 40 + at) for at, base in enumerate(bases)]


def differences(function, at: np.ndarray, step: float = 1e-4) -> np.ndarray:
    steps = step * np.eye(at.size)
    return np.array([(function(at + one) - function(at - one)) / (2 * step) for one in steps])


def pairs(band: int) -> tuple:
    """Four reads, one of them with an insertion, one with a deletion, each against three haplotypes."""
    rng = np.random.default_rng(5)
    haplotypes = [rng.integers(0, 4, size).astype(np.uint8) for size in (17, 20, 23)]
    texts = [haplotypes[at % 3][3 : 12 + at].copy() for at in range(4)]
    texts[0][4] = 4
    texts[1][2] ^= 1
    texts[2], texts[3] = np.delete(texts[2], 4), np.insert(texts[3], 4, 1)
    length, size = np.array([each.size for each in texts]), np.array([each.size for each in haplotypes])
    read, text = np.repeat(np.arange(4), 3), np.tile(np.arange(3), 4)
    quality = rng.uniform(8, 40, length.sum())
    gaps = rng.uniform(1e-4, 0.05, size.sum())
    return (
        np.concatenate(texts), quality, (np.cumsum(length) - length)[read], length[read], np.concatenate(haplotypes),
        gaps, (np.cumsum(size) - size)[text], size[text], np.full(12, 3), band, 0.1,
    )  # fmt: skip


@pytest.mark.parametrize("band", [2, 9, 1000])
def test_the_pair_hmms_gradient_is_that_of_its_exact_sums(band):
    from genolab.call.loops.pairhmm import exact_likelihoods

    given = pairs(band)
    weight = np.random.default_rng(0).normal(size=12)
    expected = differences(lambda q: float(weight @ exact_likelihoods(given[0], q, *given[2:])), given[1])
    found = quality_gradients(*given, np.zeros(12), weight)
    np.testing.assert_allclose(found, expected, atol=1e-7)
    assert np.abs(found).max() > 0.05


def test_a_quality_beyond_the_cap_changes_nothing():
    given = list(pairs(9))
    given[1] = np.full_like(given[1], 1.0)  # an error of 0.79, capped
    assert not quality_gradients(*given, np.zeros(12), np.ones(12)).any()


def site(ploidy: int = 2) -> tuple[np.ndarray, ...]:
    base = np.array([0, 2, 2, 0, 2], np.uint8)
    candidate, reference = np.array([[False, False, True, False]]), np.zeros(1, np.uint8)
    considered = considered_genotypes(candidate, reference, ploidy)
    return base, np.array([20.0, 30, 35, 12, 25]), np.array([60.0, 40, 12, 60, 30]), reference, considered


@pytest.mark.parametrize("ploidy", [1, 2, 3])
def test_a_sites_gradient_is_that_of_its_odds(ploidy):
    base, quality, mapping, *rest = site(ploidy)
    found = site_sensitivity(base, quality, mapping, *rest, ploidy=ploidy)

    def odds(q, m):
        return float(site_sensitivity(base, q, m, *rest, ploidy=ploidy).log10_odds[0])

    np.testing.assert_allclose(found.by_base_quality, differences(lambda q: odds(q, mapping), quality), atol=1e-7)
    np.testing.assert_allclose(found.by_mapping_quality, differences(lambda m: odds(quality, m), mapping), atol=1e-7)


def window() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(2)
    likelihood = -rng.uniform(0, 6, (7, 3))
    copies = np.array([[2, 0, 0], [1, 1, 0], [0, 2, 0], [1, 0, 1], [0, 1, 1], [0, 0, 2]])
    prior = np.log10(rng.dirichlet(np.ones(6)))
    fragment = np.array([0, 1, 0, 2, 3, 3, 4])
    return likelihood, fragment, rng.uniform(10, 60, 5), copies, prior, copies[:, 1] > 0


def test_a_windows_gradient_is_that_of_its_odds():
    likelihood, fragment, mapping, *rest = window()
    found = window_sensitivity(likelihood, fragment, mapping, *rest)

    def odds(table, m):
        return float(window_sensitivity(table.reshape(7, 3), fragment, m, *rest).log10_odds[0])

    by_read = differences(lambda table: odds(table, mapping), likelihood.ravel()).reshape(7, 3)
    np.testing.assert_allclose(found.by_likelihood, by_read, atol=1e-6)
    np.testing.assert_allclose(found.by_mapping_quality, differences(lambda m: odds(likelihood, m), mapping), atol=1e-6)


def test_verify_grad_of_the_likelihoods():
    base, quality, mapping, reference, considered = site()
    rng = np.random.default_rng(1)

    def checked(function, *points):
        with compiling_for("numpy"):
            verify_grad(function, list(points), rng=rng, mode=mode_of("numpy", False), eps=1e-6)

    zero = pt.as_tensor(np.zeros(5, np.int64))
    checked(
        lambda q, m: genotype_likelihoods.expr(zero, pt.as_tensor(base), q, m, pt.as_tensor(reference), 1e-5)[0],
        quality, mapping,
    )  # fmt: skip
    checked(
        lambda table: genotype_posteriors.expr(table, pt.as_tensor(reference), pt.as_tensor(considered), 1e-3)[1],
        rng.uniform(-9, 0, (1, 10)),
    )
    likelihood, _, mapped, copies, prior, varies = window()
    holds = np.stack([~varies, varies])[None]
    checked(
        lambda table, wrong: haplotype_genotypes.expr(table, wrong, copies, prior, holds)[3],
        likelihood[:5] / 2, 10 ** (-mapped / 30),
    )  # fmt: skip


def test_grad_through_the_pair_hmm_runs_its_own_gradient():
    given = pairs(9)
    short = (given[0], pt.dvector("quality"), *(each[:2] for each in given[2:4]), given[4], given[5],
             *(each[:2] for each in given[6:9]), np.int64(9), 0.1)  # fmt: skip
    cost = pair_hmm.expr(*short).log10_likelihood.sum()
    with compiling_for("numpy"):
        found = pytensor.function([short[1]], pytensor.grad(cost, short[1]), mode=mode_of("numpy", False))(given[1])
    numbers = (given[0], given[1], *short[2:])
    np.testing.assert_allclose(found, quality_gradients(*numbers, np.zeros(2), np.ones(2)))


def test_the_smallest_lowering_turns_the_sign_and_less_does_not():
    found = lowered_until(lambda down: 3.0 - 0.25 * down)
    assert 12.0 <= found <= 12.01
    assert np.isnan(lowered_until(lambda down: 3.0))
    assert lowered_until(lambda down: -1.0 + 0.1 * down) == pytest.approx(10.0, abs=0.01)
    assert MOST_LOWERED == 60


def test_a_call_says_what_it_rests_on(tmp_path: Path):
    why = explain(evidence_of(reads("GGGGGGAAAAAA"), REFERENCE, tmp_path), AT)
    found = why.sensitivity()
    assert found.log10_odds > 0
    assert found.bases["per_phred"].abs().is_monotonic_decreasing
    table = found.bases.set_index("read")["per_phred"]
    assert (table[[f"r{at}" for at in range(6, 12)]] > 0).all(), "a surer A speaks for the variant"
    assert (table[[f"r{at}" for at in range(6)]] <= 0).all()
    assert 0 < found.lowered < 60
    base, mapped, reference = np.array([2] * 6 + [0] * 6, np.uint8), 40.0 + np.arange(12), np.array([2], np.uint8)
    considered = considered_genotypes(np.array([[True, False, False, False]]), reference, 2)
    for down, called in ((found.lowered, False), (found.lowered - 0.1, True)):
        quality = np.maximum(20.0 + np.arange(12) - down * (base == 0), 0.0)
        odds = site_sensitivity(base, quality, mapped, reference, considered).log10_odds[0]
        assert (odds > 0) == called
    assert "It turns where" in found.sentence


def test_an_indel_rests_on_its_reads(tmp_path: Path):
    whole, gone = REFERENCE[2:34], REFERENCE[2:18] + REFERENCE[21:37]
    made = [simple(f"w{at}", 2, whole) for at in range(5)]
    made += [naive.Read(f"d{at}", 0, 2, 50, [(16, "M"), (3, "D"), (16, "M")], gone, [30] * 32) for at in range(5)]
    why = explain(evidence_of(made, REFERENCE, tmp_path), 18)
    found = why.sensitivity()
    assert found.log10_odds > 0
    by_read = found.reads.groupby("read")["mapping_per_phred"].sum()
    assert (by_read[[f"d{at}" for at in range(5)]] > 0).all()
    assert len(found.reads) == 10
    assert set(found.bases["read"]) == {f"{kind}{at}" for kind in "wd" for at in range(5)}
    assert np.isfinite(found.bases["per_phred"]).all()
    assert found.plot().view.cells.data["row"].size

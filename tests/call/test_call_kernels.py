"""The kernels of a call against the naive versions, the field's own programs, and laws that hold for any input."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from pytensor.gradient import verify_grad

from genolab.call.annotate import ladder_for, rank_sum, strand_bias
from genolab.call.counts import allele_counts, candidate_alleles
from genolab.call.likelihood import (
    considered_genotypes,
    dosages,
    genotype_likelihoods,
    genotype_posteriors,
    genotypes,
)
from genolab.kernel.backends import mode_of

SITES = 3
PLOIDIES = [1, 2, 3, 4]
references = npst.arrays(np.uint8, SITES, elements=st.integers(0, 4))
tables = npst.arrays(np.int64, (SITES, 4), elements=st.integers(0, 30))


@st.composite
def observations(draw, least=0):
    """Sites, bases and two qualities of a few fragments."""
    size = draw(st.integers(least, 8))
    return (
        draw(npst.arrays(np.int64, size, elements=st.integers(0, SITES - 1))),
        draw(npst.arrays(np.uint8, size, elements=st.integers(0, 3))),
        draw(npst.arrays(np.float64, size, elements=st.integers(0, 60))),
        draw(npst.arrays(np.float64, size, elements=st.integers(0, 60))),
    )


@given(seen=observations(), reference=references)
def test_allele_counts(seen, reference):
    site, base, *_ = seen
    found = allele_counts(site.astype(np.int32), base, reference).counts
    assert found.tolist() == naive.allele_counts(site, base, reference)


@given(counts=tables, reference=references, least=st.integers(1, 5), share=st.sampled_from([0, 0.1, 0.25, 0.5]))
def test_candidate_alleles(counts, reference, least, share):
    found = candidate_alleles(counts, reference, least, share).candidate
    assert found.tolist() == naive.candidate_alleles(counts.tolist(), reference, least, share)


# ---------------------------------------------------------------- likelihood and posterior


@pytest.mark.parametrize("ploidy", range(1, 7))
def test_genotypes_stand_in_the_order_of_vcf(ploidy):
    assert list(genotypes(ploidy)) == naive.genotypes(ploidy)
    assert list(genotypes(ploidy, 3)) == naive.genotypes(ploidy, 3)
    assert (dosages(ploidy).sum(axis=1) == ploidy).all()


@pytest.mark.parametrize("ploidy", PLOIDIES)
@given(seen=observations(), reference=references)
def test_genotype_likelihoods(ploidy, seen, reference):
    found = genotype_likelihoods(*seen, reference, 1e-5, ploidy=ploidy)
    expected = naive.genotype_likelihoods(*seen, SITES, 1e-5, ploidy)
    np.testing.assert_allclose(found.log10_likelihood, expected, rtol=1e-9, atol=1e-12)
    assert found.by_copies.shape == (seen[0].size, ploidy + 1)


@pytest.mark.parametrize("ploidy", PLOIDIES)
@given(seen=observations(), reference=references, data=st.data())
def test_the_order_of_reads_changes_nothing(ploidy, seen, reference, data):
    order = data.draw(st.permutations(range(seen[0].size)))
    one = genotype_likelihoods(*seen, reference, ploidy=ploidy).log10_likelihood
    other = genotype_likelihoods(*(each[list(order)] for each in seen), reference, ploidy=ploidy).log10_likelihood
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("ploidy", PLOIDIES)
@given(base=st.integers(0, 3), quality=st.integers(0, 60), mapped=st.integers(0, 60))
def test_a_read_never_speaks_against_the_base_it_shows(ploidy, base, quality, mapped):
    by_copies = genotype_likelihoods(
        [0], [base], np.array([float(quality)]), np.array([float(mapped)]), np.zeros(1, np.uint8), ploidy=ploidy
    ).by_copies
    assert (np.diff(by_copies[0]) >= -1e-12).all()


@pytest.mark.parametrize("ploidy", PLOIDIES)
@pytest.mark.parametrize("reference", range(5))
@pytest.mark.parametrize("heterozygosity", [1e-6, 1e-3, 0.1])
def test_the_prior_is_the_naive_one_and_sums_to_one(ploidy, reference, heterozygosity):
    kinds = len(genotypes(ploidy))
    found = genotype_posteriors(
        np.zeros((1, kinds)),
        np.array([reference], np.uint8),
        np.ones((1, kinds), bool),
        heterozygosity,
        ploidy=ploidy,
    )
    prior = 10 ** found.log10_prior[0]
    np.testing.assert_allclose(prior, naive.prior(reference, heterozygosity, ploidy), rtol=1e-9)
    assert prior.sum() == pytest.approx(1)
    if reference < 4:
        assert found.quality[0] == pytest.approx(
            -10 * found.log10_prior[0, genotypes(ploidy).index((reference,) * ploidy)]
        )
    else:
        assert found.quality[0] == 0


@pytest.mark.parametrize("ploidy", PLOIDIES)
@given(data=st.data(), reference=references, heterozygosity=st.sampled_from([1e-6, 1e-3, 0.1]))
def test_genotype_posteriors(ploidy, data, reference, heterozygosity):
    shape = SITES, len(genotypes(ploidy))
    likelihood = data.draw(npst.arrays(np.float64, shape, elements=st.floats(-60, 0)))
    considered = data.draw(npst.arrays(bool, shape))
    found = genotype_posteriors(likelihood, reference, considered, heterozygosity, ploidy=ploidy)
    np.testing.assert_allclose((10**found.log10_posterior).sum(axis=1), 1)
    for site in range(SITES):
        expected = naive.posterior(likelihood[site], reference[site], considered[site], heterozygosity, ploidy)
        np.testing.assert_allclose(found.log10_posterior[site], expected.log10_posterior, rtol=1e-7, atol=1e-9)
        assert found.quality[site] == pytest.approx(expected.quality, rel=1e-6, abs=1e-9)
        if np.isfinite(expected.genotype_quality) and considered[site].sum() > 1:
            assert found.genotype_quality[site] == pytest.approx(expected.genotype_quality, rel=1e-6, abs=1e-8)


def test_quality_and_genotype_quality_do_not_drown_in_rounding():
    likelihood = np.full((1, 10), -2000.0)
    likelihood[0, [0, 1, 2]] = -900.0, 0.0, -40.0  # A/A is the reference, A/C is seen, C/C is far behind
    found = genotype_posteriors(likelihood, np.zeros(1, np.uint8), np.ones((1, 10), bool))
    assert found.genotype_quality[0] == pytest.approx(400, abs=10)
    assert found.quality[0] == pytest.approx(9000, abs=50)


@given(seen=observations(1))
def test_more_heterozygosity_raises_the_quality(seen):
    reference = np.zeros(SITES, np.uint8)
    likelihood = genotype_likelihoods(*seen, reference).log10_likelihood
    considered = np.ones_like(likelihood, bool)
    low, high = (genotype_posteriors(likelihood, reference, considered, theta).quality for theta in (1e-3, 2e-3))
    assert (high > low).all()


def test_considered_genotypes_hold_candidates_only():
    candidate = np.zeros((3, 4), bool)
    candidate[0, 1] = candidate[1, [1, 2]] = True
    found = considered_genotypes(candidate, np.array([0, 0, 4], np.uint8), 2)
    named = [[genotypes(2)[at] for at in np.flatnonzero(row)] for row in found]
    assert named[0] == [(0, 0), (0, 1), (1, 1)]
    assert named[1] == [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2)]
    assert len(named[2]) == 10


def test_likelihoods_differentiate_by_quality():
    seen = np.array([0, 0, 1]), np.array([0, 1, 2], np.uint8)
    reference = np.zeros(2, np.uint8)
    verify_grad(
        lambda quality, mapped: genotype_likelihoods.expr(*seen, quality, mapped, reference).log10_likelihood,
        [np.array([30.0, 12.0, 20.0]), np.array([40.0, 25.0, 60.0])],
        rng=np.random.default_rng(0),
        mode=mode_of("numpy"),
        rel_tol=1e-3,
    )


@pytest.mark.parametrize("output", ["log10_posterior", "quality", "genotype_quality"])
def test_posteriors_differentiate_by_likelihood(output):
    random = np.random.default_rng(1)
    reference, considered = np.array([0, 3], np.uint8), np.ones((2, 10), bool)
    verify_grad(
        lambda likelihood: getattr(genotype_posteriors.expr(likelihood, reference, considered), output),
        [random.uniform(-3, 0, (2, 10))],
        rng=random,
        mode=mode_of("numpy"),
        rel_tol=1e-3,
    )


# ---------------------------------------------------------------- bias


@given(table=tables)
def test_strand_bias(table):
    found = strand_bias(table, ladder_for(int(table.sum(axis=1).max())))
    for row, phred, ratio in zip(table.tolist(), *found, strict=True):
        assert 10 ** (-phred / 10) == pytest.approx(naive.fisher(*row), rel=1e-6)
        assert ratio == pytest.approx(naive.strand_odds_ratio(*row), rel=1e-9, abs=1e-9)


@given(table=tables)
def test_swapping_strands_leaves_strand_bias_alone(table):
    ladder = ladder_for(200)
    one, other = strand_bias(table, ladder), strand_bias(table[:, [1, 0, 3, 2]], ladder)
    np.testing.assert_allclose(one.fisher_strand, other.fisher_strand, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(one.strand_odds_ratio, other.strand_odds_ratio, rtol=1e-9, atol=1e-9)


def test_fisher_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(5)
    table = random.integers(0, 400, (200, 4))
    found = 10 ** (-strand_bias(table, ladder_for(int(table.sum(axis=1).max()))).fisher_strand / 10)
    expected = [stats.fisher_exact(row.reshape(2, 2)).pvalue for row in table]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-290)


@pytest.mark.parametrize("largest", [0, 1, 62, 63, 64, 127, 128, 1000])
def test_the_ladder_reaches_past_the_largest(largest):
    ladder = ladder_for(largest)
    assert ladder[-1] > largest
    np.testing.assert_array_equal(ladder, np.arange(ladder.size))


@given(data=st.data())
def test_rank_sum(data):
    size = data.draw(st.integers(0, 12))
    site, alternate, value = (
        data.draw(npst.arrays(np.int64, size, elements=st.integers(0, top))) for top in (SITES - 1, 1, 4)
    )
    found = rank_sum(site, alternate, value, np.zeros(SITES, np.uint8)).z
    for at in range(SITES):
        sides = [value[(site == at) & (alternate == side)].tolist() for side in (0, 1)]
        assert found[at] == pytest.approx(naive.rank_sum(*sides), rel=1e-9, abs=1e-9)


def test_rank_sum_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(6)
    reference, alternate = random.integers(0, 20, 40), random.integers(0, 15, 25)
    value = np.concatenate([reference, alternate])
    z = rank_sum(np.zeros(65, int), np.repeat([0, 1], [40, 25]), value, np.zeros(1, np.uint8)).z[0]
    tested = stats.mannwhitneyu(alternate, reference, use_continuity=False, method="asymptotic")
    assert 2 * stats.norm.sf(abs(z)) == pytest.approx(tested.pvalue, rel=1e-9)
    assert np.sign(z) == np.sign(tested.statistic - 40 * 25 / 2)

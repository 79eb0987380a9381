"""Samples and families together: the kernels against every genotype written out, and the laws that must hold."""

from __future__ import annotations

import itertools
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from pytensor.gradient import verify_grad

from genolab.call.families import Family, families_of, transmission
from genolab.call.joint import (
    allele_frequencies,
    genotype_table,
    integrate_frequency,
    quadrature,
    samples_given_frequency,
)
from genolab.call.likelihood import genotype_posteriors, genotypes
from genolab.call.together import Together
from genolab.errors import InputError
from genolab.kernel.backends import mode_of

THETA = 1e-3
logs = st.floats(-20, 0)


def proportions(kind: tuple[int, ...], frequency: np.ndarray, inbreeding: float) -> float:
    """Hardy-Weinberg, the orders of the alleles counted one by one."""
    if not kind:
        return 1.0
    orders = factorial(len(kind))
    product = 1.0
    for allele in set(kind):
        orders //= factorial(kind.count(allele))
        product *= frequency[allele] ** kind.count(allele)
    alike = frequency[kind[0]] if len(set(kind)) == 1 else 0.0
    return (1 - inbreeding) * orders * product + inbreeding * alike


def written_out(likelihoods, ploidies, inbreeding=0.0, family=None, de_novo=0.0):
    """Odds that a site of two alleles varies, and posteriors, from a sum over the genotypes of all samples."""
    node, weight = np.polynomial.legendre.leggauss(40)
    node, weight = (node + 1) / 2, weight / 2
    kinds = [genotypes(ploidy, 2) for ploidy in ploidies]
    children = family.children if family else ()
    founders = [at for at in range(len(ploidies)) if at not in children]
    posterior = [np.zeros(len(each)) for each in kinds]
    varies = silent = prior_varies = 0.0
    for chosen in itertools.product(*(range(len(each)) for each in kinds)):
        said = np.prod([10.0 ** likelihoods[at][g] for at, g in enumerate(chosen)])
        passed = 1.0
        for child in children:
            table, _ = transmission(ploidies[family.father], ploidies[family.mother], ploidies[child], 2, de_novo)
            passed *= table[chosen[family.father], chosen[family.mother], chosen[child]]
        if any(chosen[at] for at in founders):
            chance = 0.0
            for f, w in zip(node, weight, strict=True):
                shares = np.array([1 - f, f])
                chance += (
                    w * THETA / f * np.prod([proportions(kinds[at][chosen[at]], shares, inbreeding) for at in founders])
                )
            prior_varies += chance * passed
            part = chance * passed * said
        else:
            part = None
            if not any(chosen):
                silent = passed * said
                continue
            part = passed * said * 1j  # weighed by what is left of the prior, below
        varies += part
        for at, g in enumerate(chosen):
            posterior[at] = posterior[at] + part * (np.arange(len(kinds[at])) == g)
    left = 1 - prior_varies
    whole = np.real(varies) + left * np.imag(varies)
    return whole / (left * silent), [(np.real(each) + left * np.imag(each)) / whole for each in posterior]


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=3), st.sampled_from([0.0, 0.3]), st.data())
def test_samples_together_are_the_sum_over_all_genotypes(ploidies, inbreeding, data):
    if not sum(ploidies):
        return
    likelihoods = [data.draw(npst.arrays(np.float64, ploidy + 1, elements=logs)) for ploidy in ploidies]
    found = Together(tuple(ploidies), (), inbreeding, 0.0).judge(
        [each[None] for each in likelihoods], np.full((1, 1), THETA)
    )
    odds, posterior = written_out(likelihoods, ploidies, inbreeding)
    assert found.quality[0] == pytest.approx(10 * np.log10(1 + odds), abs=1e-6)
    for own, expected in zip(found.posterior, posterior, strict=True):
        np.testing.assert_allclose(own[0], expected, atol=1e-7)
        assert own[0].sum() == pytest.approx(1.0)


@settings(max_examples=15)
@given(st.sampled_from([(2, 2, 2), (1, 2, 1), (1, 2, 2), (1, 1, 1)]), st.sampled_from([1e-2, 1e-8]), st.data())
def test_a_family_is_the_sum_over_all_genotypes(ploidies, de_novo, data):
    ploidies = (*ploidies, ploidies[2], 2)  # a second child, and a sample that is no relative
    likelihoods = [data.draw(npst.arrays(np.float64, ploidy + 1, elements=logs)) for ploidy in ploidies]
    family = Family(0, 1, (2, 3))
    together = Together(ploidies, (family,), 0.0, de_novo)
    found = together.judge([each[None] for each in likelihoods], np.full((1, 1), THETA))
    odds, posterior = written_out(likelihoods, ploidies, 0.0, family, de_novo)
    assert found.quality[0] == pytest.approx(10 * np.log10(1 + odds), abs=1e-6)
    for own, expected in zip(found.posterior, posterior, strict=True):
        np.testing.assert_allclose(own[0], expected, atol=1e-7)


@settings(max_examples=20)
@given(st.integers(1, 6), st.data())
def test_one_sample_together_is_one_sample_alone(ploidy, data):
    """A base of which nothing else is known has the same odds and posterior as in the kernel for one sample."""
    alone = data.draw(npst.arrays(np.float64, ploidy + 1, elements=logs))
    kinds = genotypes(ploidy)
    full, considered = np.full((1, len(kinds)), -300.0), np.zeros((1, len(kinds)), bool)
    for copies in range(ploidy + 1):  # A and G: a transition
        at = kinds.index((0,) * (ploidy - copies) + (2,) * copies)
        full[0, at], considered[0, at] = alone[copies], True
    expected = genotype_posteriors(full, np.zeros(1, np.uint8), considered, THETA, ploidy=ploidy)
    found = Together((ploidy,), (), 0.0, 0.0).judge([alone[None]], np.full((1, 1), THETA * 2 / 3))
    # the prior of a site that does not vary is smaller there by the rate of the two bases that were not seen
    assert found.quality[0] == pytest.approx(expected.quality[0], abs=0.02)
    assert found.posterior[0][0, 0] == pytest.approx(0.0, abs=1e-12)


@settings(max_examples=20)
@given(st.permutations(range(4)), st.data())
def test_swapping_samples_permutes(order, data):
    ploidies = (2, 1, 2, 3)
    likelihoods = [data.draw(npst.arrays(np.float64, (2, len(genotypes(p, 3))), elements=logs)) for p in ploidies]
    rates = np.full((2, 2), THETA)
    one = Together(ploidies, (), 0.0, 0.0).judge(likelihoods, rates)
    other = Together(tuple(ploidies[at] for at in order), (), 0.0, 0.0).judge([likelihoods[at] for at in order], rates)
    np.testing.assert_allclose(one.quality, other.quality, rtol=1e-9, atol=1e-9)
    for at, place in enumerate(order):
        np.testing.assert_allclose(one.posterior[place], other.posterior[at], rtol=1e-9, atol=1e-12)


@settings(max_examples=20)
@given(npst.arrays(np.float64, (2, 3), elements=st.floats(-6, 0)), st.floats(0.01, 3))
def test_a_fragment_of_an_allele_never_lowers_its_odds(likelihoods, more):
    """A fragment that is likelier the more copies of the alternate there are raises the odds that the site varies."""
    together, rates = Together((2, 2), (), 0.0, 0.0), np.full((1, 1), THETA)
    before = together.judge([each[None] for each in likelihoods], rates)
    added = likelihoods.copy()
    added[0] += np.array([0.0, more / 2, more])
    after = together.judge([each[None] for each in added], rates)
    assert after.log10_varies[0] >= before.log10_varies[0] - 1e-9
    assert after.posterior[0][0, 2] >= before.posterior[0][0, 2] - 1e-9


def test_frequencies_make_the_reads_likelier_at_every_step():
    """The EM ends where no small change helps, and certain genotypes give the share of their copies."""
    copies, ways = genotype_table((2, 2, 2, 1), 3)
    rng = np.random.default_rng(2)
    likelihood = rng.uniform(-3, 0, (5, 4, copies.shape[1]))
    found = allele_frequencies(likelihood, copies, ways, np.ones((5, 3), bool)).frequency
    np.testing.assert_allclose(found.sum(axis=1), 1.0)

    def log_likelihood(site: int, shares: np.ndarray) -> float:
        total = 0.0
        for at, ploidy in enumerate((2, 2, 2, 1)):
            kinds = genotypes(ploidy, 3)
            total += np.log(
                sum(10.0 ** likelihood[site, at, g] * proportions(kind, shares, 0.0) for g, kind in enumerate(kinds))
            )
        return total

    for site in range(5):
        best = log_likelihood(site, found[site])
        for toward in np.eye(3):
            moved = 0.98 * found[site] + 0.02 * toward
            assert log_likelihood(site, moved) <= best + 2e-3
    sure = np.full((1, 4, copies.shape[1]), -50.0)
    for at, kind in enumerate([(0, 1), (1, 1), (0, 2), (2,)]):
        sure[0, at, genotypes(len(kind), 3).index(kind)] = 0.0
    np.testing.assert_allclose(
        allele_frequencies(sure, copies, ways, np.ones((1, 3), bool)).frequency[0], [2 / 7, 3 / 7, 2 / 7], atol=1e-6
    )


def test_the_definition_and_the_arrays_of_the_frequencies_agree():
    copies, ways = genotype_table((2, 1, 0, 3), 3)
    likelihood = np.random.default_rng(5).uniform(-9, 0, (3, 4, copies.shape[1]))
    allowed = np.array([[True, True, True], [True, False, True], [True, True, False]])
    values = likelihood, copies, ways, allowed, 0.2
    np.testing.assert_allclose(
        allele_frequencies(*values).frequency, allele_frequencies.definition(*values).frequency, atol=1e-12
    )


def test_jax_agrees():
    """Numba and C agree as well, but take minutes to compile what runs for a millisecond."""
    copies, ways = genotype_table((2, 2), 2)
    likelihood = np.random.default_rng(4).uniform(-9, 0, (2, 2, 3))
    node, weight = quadrature(4)
    composition = np.array([[0.0, 1.0]] * 2)
    given_frequency = [
        samples_given_frequency(likelihood, copies, ways, composition, node, 0.1, backend=backend)
        for backend in ("numpy", "jax")
    ]
    rates = np.full(2, THETA)
    found = [
        integrate_frequency(*given_frequency[0], np.arange(2), node, weight, rates, backend=backend)
        for backend in ("numpy", "jax")
    ]
    for one, other in ((given_frequency[0], given_frequency[1]), (found[0], found[1])):
        for own, wanted in zip(other, one, strict=True):
            np.testing.assert_allclose(own, wanted, rtol=1e-9, atol=1e-9)


def test_gradient_of_the_evidence():
    copies, ways = genotype_table((2, 2), 2)
    node, weight = quadrature(4)
    likelihood = np.random.default_rng(1).uniform(-3, 0, (1, 2, 3))

    def odds(values):
        given = samples_given_frequency.expr(values, copies, ways, np.array([[0.0, 1.0]]), node)
        found = integrate_frequency.expr(*given, np.arange(2), node, weight, np.full(1, THETA))
        return found.log10_varies - found.log10_silent

    verify_grad(odds, [likelihood], rng=np.random.default_rng(0), mode=mode_of("numpy"))


def test_several_alternates_are_there_only_where_the_reads_need_them():
    """Of three candidates those that somebody shows; the set that explains most for its prior."""
    kinds = genotypes(2, 4)
    sure = [np.full((1, len(kinds)), -40.0) for _ in range(3)]
    for own, kind in zip(sure, [(0, 2), (2, 3), (0, 0)], strict=True):
        own[0, kinds.index(kind)] = 0.0
    found = Together((2, 2, 2), (), 0.0, 0.0).judge(sure, np.full((1, 3), THETA))
    assert found.alternates[0].tolist() == [False, False, True, True]
    assert [kinds[int(best[0])] for best in found.best] == [(0, 2), (2, 3), (0, 0)]


@pytest.mark.parametrize(
    ("father", "mother", "child"), [(2, 2, 2), (1, 2, 1), (1, 2, 2), (1, 0, 1), (1, 1, 1), (1, 0, 0)]
)
def test_what_is_passed_on_sums_to_one(father, mother, child):
    table, kept = transmission(father, mother, child, 3, 1e-3)
    np.testing.assert_allclose(table.sum(axis=2), 1.0)
    assert (kept <= table + 1e-15).all()
    if (father, mother, child) == (1, 2, 1):  # a son's X is his mother's
        assert table[0, genotypes(2, 3).index((1, 1)), 1] == pytest.approx(1 - 1e-3)
    if (father, mother, child) == (1, 0, 1):  # his Y his father's
        assert table[2, 0, 2] == pytest.approx(1 - 1e-3)


def test_families_that_cannot_be_weighed_are_refused():
    with pytest.raises(InputError, match="as they are inherited"):
        transmission(4, 4, 4, 2, 1e-8)
    parents = {"c": ("a", "b"), "d": ("c", "e")}
    with pytest.raises(InputError, match=r"families without common members; got 'c' in two"):
        families_of(["a", "b", "c", "d", "e"], parents)
    assert families_of(["c", "b", "x"], {"c": ("a", "b")}) == (Family(None, 1, (0,)),)

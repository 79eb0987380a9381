"""Genotypes from reference haplotypes: every path added up by hand, simulated truth, what stays and what is refused."""

import itertools
import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genolab import prepare
from genolab.errors import InputError
from genolab.prepare import haplotypes

few = settings(max_examples=10, deadline=None)


@cache
def emission(copied, x, error):
    """Chance of x copies of allele 1 where these alleles are copied, each wrong by itself."""
    if x < 0:
        return 1.0
    total = 0.0
    for flips in itertools.product((0, 1), repeat=len(copied)):
        if sum(allele ^ flip for allele, flip in zip(copied, flips, strict=True)) == x:
            total += math.prod(error if flip else 1 - error for flip in flips)
    return total


def by_every_path(panel, target, switch, error, ploidy):
    """Posterior and log likelihood by adding up the chance of every way to copy."""
    number, sites = panel.shape
    states = list(itertools.product(range(number), repeat=ploidy))
    share, total = np.zeros((sites, ploidy + 1)), 0.0
    for path in itertools.product(states, repeat=sites):
        chance = 1.0
        for j, state in enumerate(path):
            for copy in range(ploidy):
                stays = 0.0 if j == 0 else (1 - switch[j]) * (path[j - 1][copy] == state[copy])
                chance *= stays + (1.0 if j == 0 else switch[j]) / number
            chance *= emission(tuple(int(panel[h, j]) for h in state), int(target[j]), error)
        total += chance
        for j, state in enumerate(path):
            for x in range(ploidy + 1):
                share[j, x] += chance * emission(tuple(int(panel[h, j]) for h in state), x, error)
    return share / share.sum(axis=1, keepdims=True), np.log(total)


@few
@given(st.integers(0, 10_000), st.sampled_from([(1, 3, 4), (1, 2, 5), (2, 2, 4), (2, 3, 3), (2, 1, 2), (1, 2, 1)]))
def test_the_model_adds_up_every_path(seed, shape):
    ploidy, number, sites = shape
    rng = np.random.default_rng(seed)
    panel = rng.integers(0, 2, (number, sites)).astype(np.int8)
    target = rng.integers(-1, ploidy + 1, sites).astype(np.int8)
    switch, error = np.r_[1.0, rng.random(sites - 1)], 0.07
    kernel = haplotypes.copied_haplotypes if ploidy == 1 else haplotypes.copied_pairs
    found = kernel(panel, target[None], switch, error)
    share, likelihood = by_every_path(panel, target, switch, error, ploidy)
    np.testing.assert_allclose(found.posterior[0], share[:, 1] if ploidy == 1 else share, atol=1e-12)
    np.testing.assert_allclose(found.log_likelihood[0], likelihood, atol=1e-10)


@few
@given(st.integers(0, 10_000))
def test_distances_are_means_over_known_sites(seed):
    rng = np.random.default_rng(seed)
    panel, target = rng.integers(0, 2, (4, 6)).astype(np.int8), rng.integers(-1, 3, (3, 6)).astype(np.int8)
    pairs = haplotypes.pair_distances(panel, target).distance
    single = haplotypes.haplotype_distances(panel, np.minimum(target, 1)).distance
    for t, h, k in itertools.product(range(3), range(4), range(4)):
        known = [j for j in range(6) if target[t, j] >= 0]
        apart = [(float(target[t, j]) - panel[h, j] - panel[k, j]) ** 2 for j in known]
        assert pairs[t, h, k] == pytest.approx(sum(apart) / max(len(known), 1))
        apart = [(min(float(target[t, j]), 1) - panel[h, j]) ** 2 for j in known]
        assert single[t, h] == pytest.approx(sum(apart) / max(len(known), 1))


@pytest.fixture(scope="module")
def simulated():
    """Haplotypes of 60 people, of whom 10 are typed at every other common site."""
    msprime = pytest.importorskip("msprime", reason="msprime is a test extra")
    trees = msprime.sim_ancestry(
        60, sequence_length=2e5, recombination_rate=1e-8, population_size=10_000, random_seed=7
    )
    trees = msprime.sim_mutations(trees, rate=1e-8, random_seed=7, model=msprime.BinaryMutationModel())
    alleles = trees.genotype_matrix().T.clip(0, 1)
    common = (alleles.mean(axis=0) > 0.03) & (alleles.mean(axis=0) < 0.97)
    alleles, positions = alleles[:, common].astype(float), trees.tables.sites.position[common]
    return alleles[:100], alleles[100:], positions


def squared_correlation(ploidy, method, simulated):
    panel, others, positions = simulated
    truth = others if ploidy == 1 else others[::2] + others[1::2]
    hidden = np.broadcast_to(np.arange(truth.shape[1]) % 2 == 1, truth.shape)
    imputer = prepare.GenotypeImputer(method, positions=positions, ploidy=ploidy, output="dosage").fit(panel)
    found = imputer.transform(np.where(hidden, np.nan, truth))
    assert (found[~hidden] == truth[~hidden]).all()
    return np.corrcoef(found[hidden], truth[hidden])[0, 1] ** 2


@pytest.mark.parametrize("ploidy", [1, 2])
def test_the_model_knows_simulated_genotypes_best(simulated, ploidy):
    hmm, nearest, mode = (squared_correlation(ploidy, method, simulated) for method in ("hmm", "nearest", "mode"))
    assert hmm > 0.95
    assert 1 - hmm < (1 - nearest) / 2  # of what is left unexplained
    assert 1 - hmm < (1 - mode) / 10


def made(seed=0):
    rng = np.random.default_rng(seed)
    panel = np.repeat(rng.integers(0, 2, (4, 12)), 2, axis=0).astype(float)
    return panel, np.arange(12) * 500.0


@pytest.mark.parametrize("method", ["hmm", "nearest", "mode"])
@pytest.mark.parametrize("ploidy", [1, 2])
def test_known_values_stay_and_posteriors_are_chances(method, ploidy):
    panel, positions = made()
    truth = panel[[0, 4]] if ploidy == 1 else panel[[0, 4]] + panel[[2, 6]]
    sites = [f"rs{j}" for j in range(12)]
    target = pd.DataFrame(truth, ["a", "b"], sites).mask(np.random.default_rng(1).random((2, 12)) < 0.3)
    imputer = prepare.GenotypeImputer(method, positions=positions, ploidy=ploidy)
    imputer.fit(pd.DataFrame(panel, columns=sites))
    found = imputer.transform(target)
    assert list(found.columns) == sites
    assert (imputer.where_imputed(target) == target.isna()).all(axis=None)
    known = target.notna().to_numpy()
    assert (found.to_numpy()[known] == truth[known]).all()
    share = imputer.posteriors(target)
    np.testing.assert_allclose(share.sum(axis=2), 1)
    assert (share.argmax(axis=2) == found.to_numpy()).all()
    assert (share.max(axis=2)[known] == 1).all()
    if method == "hmm":
        assert (found.to_numpy() == truth).mean() > 0.9
    assert (imputer.transform(pd.DataFrame(truth, columns=sites)) == truth).all(axis=None)


def test_parameters_are_those_of_the_paper():
    panel, positions = made()
    imputer = prepare.GenotypeImputer(positions=positions).fit(panel)
    theta = 1 / sum(1 / m for m in range(1, 8))
    assert imputer.error_ == pytest.approx(theta / (2 * (theta + 8)))
    assert imputer.switch_[0] == 1
    assert imputer.switch_[1] == pytest.approx(1 - np.exp(-4 * 10_000 * 1e-8 * 500 / 8))


@pytest.mark.parametrize(
    ("parameters", "panel", "target", "message"),
    [
        ({"method": "guess"}, None, None, "one of hmm, nearest, mode"),
        ({"ploidy": 3}, None, None, "one of 1, 2"),
        ({"positions": None}, None, None, r"the positions of 12 sites; got nothing. Give positions="),
        ({"positions": np.arange(12.0)[::-1]}, None, None, "positions that rise; got 10 after 11, at site 1"),
        ({"positions": np.arange(3.0)}, None, None, "12 numbers, one per site"),
        ({"error": 0.7}, None, None, "a chance above 0, at most 0.5"),
        ({"effective_size": 0}, None, None, "rates and sizes above 0"),
        ({"n_neighbors": 0}, None, None, "a whole number from 1"),
        ({}, 2.0, None, "a panel of haplotypes, 0 or 1 without gaps; got 2 in row 1, column 3. Phase"),
        ({}, np.nan, None, "a panel of haplotypes, 0 or 1 without gaps; got nan in row 1, column 3"),
        ({}, None, 3.0, "genotypes from 0 to 2, or NaN; got 3 in row 1, column 3"),
        ({"ploidy": 1}, None, 2.0, "genotypes from 0 to 1, or NaN; got 2 in row 1, column 3. ploidy=1"),
    ],
)
def test_refusals(parameters, panel, target, message):
    held, positions = made()
    given = held.copy()
    if panel is not None:
        held[1, 3] = panel
    if target is not None:
        given[1, 3] = target
    with pytest.raises(InputError, match=message):
        prepare.GenotypeImputer(**{"positions": positions} | parameters).fit(held).transform(given)

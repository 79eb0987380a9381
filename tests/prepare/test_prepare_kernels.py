"""Kernels of normalisation and scaling: loop = definition = one number at a time, on every backend and in threads."""

import naive_prepare as naive
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from genolab.kernel import BACKENDS, available_backends, threads
from genolab.prepare import (
    batch,
    components,
    depth,
    dispersion,
    distributions,
    factors,
    filtering,
    haplotypes,
    impute_factors,
    impute_neighbours,
    logarithm,
    quantile,
    read_summaries,
    residuals,
    scaling,
    summaries,
    tmm,
    voom,
)

few = settings(max_examples=25, deadline=None)
shapes = st.tuples(st.integers(1, 5), st.integers(1, 9))
whole = st.integers(0, 9) | st.integers(0, 3_000)


def counts_of(shape):
    return hnp.arrays(np.float32, shape, elements=whole.map(float))


def values_of(shape):
    tied = st.integers(-4, 4).map(lambda k: k / 2)
    return hnp.arrays(np.float32, shape, elements=tied | st.floats(-1e3, 1e3, width=32))


some_counts, some_values = shapes.flatmap(counts_of), shapes.flatmap(values_of)


def close(found, expected, rtol=2e-6, atol=2e-6):
    np.testing.assert_allclose(found, expected, rtol, atol)


@few
@given(some_counts, st.sampled_from([1.0, 0.5, 2.0]), st.sampled_from([2.0, np.e, 10.0]))
def test_log_cpm_is_the_logarithm_of_shares(counts, offset, base):
    factor = np.linspace(0.5, 2, len(counts))
    expected = naive.log_cpm(counts, factor, 1e6, offset, base)
    for dtype in (np.float32, np.float64):
        close(depth.log_cpm.at(dtype)(counts.astype(dtype), factor, 1e6, offset, base).normalised, expected)


@few
@given(some_counts)
def test_lengths_are_divided_by(counts):
    length, factor = np.arange(1, counts.shape[1] + 1) * 321.0, np.linspace(0.5, 2, len(counts))
    close(depth.tpm(counts, length).normalised, naive.tpm(counts, length))
    close(depth.rpkm(counts, length, factor).normalised, naive.rpkm(counts, length, factor))


@few
@given(some_counts)
def test_stored_entries_are_normalised_as_dense_ones(counts):
    factor = np.linspace(0.5, 2, len(counts))
    start = np.concatenate([[0], np.cumsum((counts > 0).sum(axis=1))])
    value = counts[counts > 0]
    stored = depth.log_cpm_stored(value, start, factor).normalised
    close(stored, depth.log_cpm(counts, factor).normalised[counts > 0])
    assert (
        depth.scaled_stored(value, start, factor).normalised == depth.scaled(counts, factor).normalised[counts > 0]
    ).all()


@few
@given(some_values, st.booleans())
def test_quantile_normalisation_treats_ties_as_stated(values, first_rank):
    expected = naive.quantile_normalise(values.astype(float), first_rank)
    for dtype in (np.float32, np.float64):
        found = quantile.quantile_normalise.at(dtype)(values.astype(dtype), int(first_rank))
        close(found.normalised, expected, rtol=1e-6, atol=1e-4 if dtype == np.float32 else 1e-9)
        again = quantile.quantile_transform.at(dtype)(values.astype(dtype), found.reference, int(first_rank))
        assert (again.normalised == found.normalised).all()


def test_doubles_that_are_equal_as_singles_are_still_ordered():
    rng = np.random.default_rng(5)
    values = 8 + rng.random((3, 200)) * 1e-6  # 200 values, three of them distinct in single precision
    found = quantile.quantile_normalise.at(np.float64)(values).normalised
    np.testing.assert_allclose(found, naive.quantile_normalise(values), rtol=1e-15)


@few
@given(some_counts, st.sampled_from([0.0, 0.3, 0.5, 0.75, 1.0]))
def test_quantiles_of_counts(counts, p):
    used = np.arange(counts.shape[1]) % 3 != 1
    for data in (counts, counts / 3):
        expected = [naive.quantile(row[used], p) for row in data.astype(np.float32)]
        close(factors.count_quantiles(data, used, p).quantile, expected)
    large = counts.astype(np.int64) * 2**20 + 1  # beyond what is searched, and what single precision holds
    for data in (counts.astype(np.int32), counts.astype(np.int64), large):
        expected = [naive.quantile(row[used], p) for row in data.astype(float)]
        np.testing.assert_allclose(factors.count_quantiles.at(data.dtype)(data, used, p).quantile, expected, rtol=1e-14)


@few
@given(some_counts, st.booleans())
def test_size_factors_are_medians_of_ratios(counts, poscounts):
    centre = factors.log_geometric_means(counts, int(poscounts)).log_geometric_mean
    close(factors.median_of_ratios(counts, centre).size_factor, naive.median_of_ratios(counts, poscounts))


@few
@given(st.integers(10, 40).flatmap(lambda genes: counts_of((3, genes))))
def test_tmm_trims_by_mid_ranks(counts):
    counts[:, 0] += 1  # no empty sample
    total = counts.sum(axis=1, dtype=float)
    expected = [naive.tmm(row, n, counts[0], total[0]) for row, n in zip(counts, total, strict=True)]
    for each in (tmm.tmm, tmm.tmm.definition):
        close(each(counts, total, counts[0].astype(float), total[0]).factor, expected)


@few
@given(some_values)
def test_scaling(values):
    found = scaling.z_score(values.astype(np.float32), 1)
    # single precision cannot tell these well: what differs in the last digits only, or has squares that vanish
    spread = np.ptp(values, axis=0)
    tight = (spread < 1e-3 * np.abs(values).max(axis=0)) | (spread < 1e-18)
    close(found.scaled[:, ~tight], naive.z_score(values, 1)[:, ~tight], atol=1e-3)
    assert np.isfinite(found.scaled).all()
    assert (found.deviation[np.ptp(values, axis=0) == 0] == 0).all()
    close(scaling.normal_scores(values).scaled, naive.normal_scores(values))
    quartiles = scaling.gene_quantiles(values)
    for name, p in (("minimum", 0), ("lower", 0.25), ("median", 0.5), ("upper", 0.75), ("maximum", 1)):
        close(getattr(quartiles, name), [naive.quantile(column, p) for column in values.T], atol=1e-4)


@few
@given(some_counts, st.sampled_from([1.0, 100.0]))
def test_pearson_residuals(counts, theta):
    share = counts.sum(axis=0, dtype=float) / max(counts.sum(dtype=float), 1)
    limit = np.sqrt(len(counts))
    close(
        residuals.pearson_residuals(counts, share, theta, limit).residual,
        naive.pearson_residuals(counts, share, theta, limit),
        atol=1e-5,
    )


@pytest.mark.parametrize("group", [np.zeros(8, int), np.arange(8) % 2])
def test_no_nearby_dispersion_is_more_likely(group):
    rng = np.random.default_rng(1)
    counts = rng.negative_binomial(3, 0.05, (8, 5)).astype(np.float32)
    size, mean = np.linspace(0.6, 1.7, 8), np.array([counts[group == g].mean(axis=0) for g in range(group.max() + 1)])
    found = dispersion.dispersions(counts, size, group, mean.astype(float), np.full(5, 0.01)).dispersion
    for gene, alpha in enumerate(found):
        mu = np.maximum(mean[group, gene] * size, 0.5)
        best, less, more = (
            naive.adjusted_likelihood(counts[:, gene], mu, alpha * change, group) for change in (1, 0.99, 1.01)
        )
        assert best > max(less, more)


# on JAX: seconds each, and what they are made of is compiled by the others
SLOW_TO_COMPILE = (
    dispersion.dispersions, batch.combat_posteriors, tmm.tmm, tmm.tmm_with_singleton_pairing, scaling.normal_scores,
    haplotypes.copied_haplotypes, haplotypes.copied_pairs,
)  # fmt: skip


def cases():
    rng = np.random.default_rng(0)
    counts = rng.negative_binomial(1, 0.05, (6, 40)).astype(np.float32)
    counts[2, :7] = 0
    values = rng.normal(size=(6, 40)).astype(np.float32).round(1)
    values[:, 3] = 7.1
    ones, total, length = np.ones(6), counts.sum(axis=1, dtype=float), np.arange(1, 41.0) * 100
    reference = counts[1].astype(float)
    group = np.arange(6) % 2
    mean = np.array([counts[group == g].mean(axis=0, dtype=float) for g in (0, 1)]) + 0.1
    tables, halves = rng.normal(size=(3, 2, 40)), np.full(2, 3.0)
    design = rng.normal(size=(6, 3))
    yield depth.log_cpm, counts, ones, 1e4, 2.0, 2.0
    yield depth.log_cpm_stored, np.arange(2, 6, dtype=np.float32), np.array([0, 1, 1, 4]), np.ones(3)
    yield depth.scaled_stored, np.arange(2, 6, dtype=np.float32), np.array([0, 1, 1, 4]), np.ones(3) * 3
    yield depth.scaled, counts, ones * 3
    yield depth.tpm, counts, length
    yield depth.rpkm, counts, length, ones
    yield quantile.quantile_normalise, values
    yield quantile.quantile_normalise, counts, 1
    yield quantile.quantile_transform, counts, np.sort(rng.random(40))
    yield factors.detected, counts
    yield factors.count_quantiles, counts, np.arange(40) % 3 > 0, 0.6
    yield factors.log_geometric_means, counts, 1
    yield factors.median_of_ratios, counts, np.where(np.arange(40) % 4, 1.0, -np.inf)
    yield tmm.tmm, counts, total, reference, total[1]
    yield tmm.tmm_with_singleton_pairing, counts, total, reference, total[1]
    yield scaling.z_score, values
    yield scaling.rescale, values, tables[0, 0], np.abs(tables[1, 0]), tables[2, 0]
    entries = scipy.sparse.csr_array(counts)
    stored = entries.data, entries.indices, entries.indptr.astype(np.int64)
    yield scaling.rescale_stored, *stored, tables[0, 0], np.abs(tables[1, 0]), tables[2, 0]
    yield scaling.gene_quantiles, values
    yield scaling.normal_scores, values
    yield residuals.pearson_residuals, counts, counts.mean(axis=0, dtype=float) / total.mean(), 50.0, 2.0
    yield dispersion.dispersions, counts, ones, group, mean, np.full(40, 0.2)
    yield dispersion.variance_stabilised, counts, ones, 0.1, 2.0
    yield batch.batch_moments, values, group, halves
    yield batch.combat_posteriors, tables[0], tables[1] ** 2 + 0.1, halves
    yield batch.correct_batches, values, group, *tables
    yield batch.linear_effects, values, np.linalg.pinv(design)
    yield batch.subtract_effects, values, design, rng.normal(size=(3, 40))
    gapped = np.where(rng.random((6, 40)) < 0.2, np.nan, values)
    gapped[0, ::2], gapped[1, 1::2] = np.nan, np.nan  # no gene in common
    yield impute_neighbours.neighbour_impute, gapped, gapped[:5], 3
    loadings, centre = rng.normal(size=(40, 2)), np.nanmean(gapped, axis=0)
    scores, spread = rng.normal(size=(6, 2)), np.linalg.inv(np.eye(2) + np.ones((6, 2, 2)))
    yield impute_factors.factor_scores, gapped, centre, loadings, 0.3
    yield impute_factors.factor_impute, gapped, centre, loadings, scores
    yield impute_factors.factor_errors, gapped, loadings, spread, 0.4
    gaps = np.nonzero(np.isnan(gapped))[1].astype(np.int32), np.append(0, np.isnan(gapped).sum(axis=1).cumsum())
    yield impute_factors.soft_step, np.where(np.isnan(gapped), 0, gapped), *gaps, np.eye(40)[:, :5], 2.0, 3
    yield impute_factors.ppca_step, gapped, centre, loadings, 0.4
    yield impute_neighbours.known_centres, gapped
    yield impute_neighbours.fill_gaps, gapped, centre
    yield logarithm.logarithm, counts, 0.5, 2.0
    yield logarithm.logarithm_stored, np.arange(2, 6, dtype=np.float32), 10.0
    yield filtering.expressed_genes, counts, total / 50
    yield distributions.sample_densities, gapped, -3.0, 3.0, 0.5
    yield distributions.relative_log_expression, gapped, np.array([0.25, 0.5])
    yield distributions.known_moments, gapped
    share = counts.sum(axis=0, dtype=float) / counts.sum()
    yield residuals.residual_sums, counts, share, 50.0, 2.0
    before = 7, values.mean(axis=0, dtype=float), np.abs(tables[0, 0]), np.arange(40)
    yield summaries.libraries, counts
    yield summaries.libraries_stored, stored[0], stored[2]
    yield summaries.gene_moments, counts, *before
    yield summaries.gene_moments_stored, *stored, *before
    yield summaries.robust_deviations, total
    yield summaries.robust_deviations, np.array([1.0, 1, 1, 5, 0])
    mean, weights = counts.mean(axis=0, dtype=float), rng.normal(size=(40, 3)).astype(np.float32)
    yield components.sample_products, values, mean
    yield components.gene_products, values, mean
    yield components.component_scores, values, mean, weights
    yield components.component_scores_stored, *stored, mean, weights
    yield components.components_within, counts, mean, weights[:6]
    yield components.components_within_stored, *stored, mean, weights[:6]
    panel, typed = (counts > 20).astype(np.int8), rng.integers(-1, 2, (2, 40)).astype(np.int8)
    switch = np.r_[1.0, rng.random(39) * 0.3]
    yield haplotypes.copied_haplotypes, panel, typed, switch, 0.02
    yield haplotypes.copied_pairs, panel, typed + (typed > 0), switch, 0.02
    yield haplotypes.haplotype_distances, panel, typed
    yield haplotypes.pair_distances, panel, typed + (typed > 0)
    letters, phred = rng.choice(list(b"ACGTNacgtu"), 30).astype(np.uint8), rng.integers(33, 127, 30).astype(np.uint8)
    edge, tallies = np.array([0, 0, 12, 13, 30]), (rng.integers(0, 9, (15, 94)), rng.integers(0, 9, (15, 5)))
    yield read_summaries.cycle_counts, letters, phred, edge, *tallies
    yield read_summaries.read_means, letters, phred, edge
    yield voom.voom_log_cpm, counts, total
    yield voom.voom_weights, values, total, np.array([-2.0, 0, 1]), np.array([1.0, 0.8, 0.5])


@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS")
@pytest.mark.parametrize(
    ("kernel", "arrays"), [(name, arrays) for name, *arrays in cases()], ids=lambda value: getattr(value, "name", "")
)
def test_the_loop_computes_the_definition(kernel, arrays):
    found = kernel(*arrays)
    for backend in ("numpy",) if kernel in SLOW_TO_COMPILE else ("numpy", "jax"):
        for value, defined in zip(found, kernel.definition(*arrays, backend=backend), strict=True):
            assert value.dtype == defined.dtype
            largest = np.abs(defined[np.isfinite(defined)]).max(initial=1)  # products of single precision
            np.testing.assert_allclose(value, defined, rtol=3e-6, atol=3e-6 * largest)


@pytest.mark.parametrize(
    ("kernel", "arrays"),
    [(name, arrays) for name, *arrays in list(cases())[:7:6]],
    ids=lambda value: getattr(value, "name", ""),
)
def test_numba_calls_the_same_threads(kernel, arrays):
    for value, again in zip(kernel(*arrays), kernel(*arrays, backend="numba"), strict=True):
        assert (value == again).all()


def test_every_kernel_of_the_room_is_among_the_cases():
    import genolab

    room = {kernel.name for kernel in genolab.kernels() if kernel._build.__module__.startswith("genolab.prepare")}
    assert room == {kernel.name for kernel, *_ in cases()}


def test_the_number_of_threads_changes_no_bit(monkeypatch):
    values = np.random.default_rng(2).normal(size=(70, 900)).astype(np.float32)
    results = []
    for count in (1, 2, 5):
        monkeypatch.setattr(threads, "processors", lambda count=count: count)
        results.append((*scaling.z_score(values), *quantile.quantile_normalise(values)))
    for one, two, five in zip(*results, strict=True):
        assert (one == two).all()
        assert (two == five).all()


@pytest.mark.parametrize("large", [np.inf, 3e38])
def test_counts_without_end_stay_in_their_own_row(large: float) -> None:
    """What is infinite has no bin of a histogram: found by drawn inputs as a crash of the process."""
    counts = np.random.default_rng(0).poisson(9, (3, 60)).astype(np.float32)
    wild = counts.copy()
    wild[1, ::7] = large
    used, total, reference = np.ones(60, bool), counts.sum(axis=1, dtype=np.float64), counts[0].astype(np.float64)
    for kernel, *others in (
        (tmm.tmm, total, reference, total[0]), (factors.count_quantiles, used, 0.5),
        (factors.median_of_ratios, np.log(reference + 1)),
    ):  # fmt: skip
        plain, beside = kernel(counts, *others)[0], kernel(wild, *others)[0]
        np.testing.assert_array_equal(plain[[0, 2]], beside[[0, 2]])
    np.testing.assert_array_equal(factors.count_quantiles(wild, used, 0.5).quantile, np.median(wild, axis=1))
    assert np.isnan(factors.count_quantiles(wild, ~used, 0.5).quantile).all()


SINGULAR = {
    # two loadings that say the same, and a pull that rounding loses beside their squares
    "parallel": (np.ones((1, 1), np.float32), np.zeros(1), np.array([[1e30, -1e30]]), 1e-300),
    # more factors than known values, and a sample of which nothing is known
    "few": (np.array([[1, np.nan], [np.nan] * 2], np.float32), np.zeros(2), np.array([[1.0, 2, 4], [1, 1, 1]]), 1e-300),
    # products without end
    "endless": (np.ones((1, 1), np.float32), np.zeros(1), np.array([[1e200, 1e200]]), 1.0),
}  # fmt: skip


@pytest.mark.usefixtures("unoptimised_c")
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:.*backend found no BLAS")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", SINGULAR)
def test_sums_that_rounding_leaves_singular_have_the_same_answer_everywhere(case: str, backend: str) -> None:
    if backend not in available_backends():
        pytest.skip(f"the {backend} backend is not on this machine")
    values, centre, loadings, pull = SINGULAR[case]
    found = impute_factors.factor_scores(values, centre, loadings, pull, backend=backend)
    step = impute_factors.ppca_step(values, centre, loadings, pull, backend=backend)
    if case == "endless":
        assert all(np.isnan(value).all() for value in found)
        assert np.isnan(step.loadings).all()
        assert np.isnan(step.log_likelihood)
        return
    assert all(np.isfinite(value).all() for value in (*found, *step))
    known = ~np.isnan(values)
    np.testing.assert_allclose((found.scores @ loadings.T)[known], values[known], rtol=1e-6)
    given = np.zeros((1, 1), np.float32), np.full(1, -3.0), np.ones((1, 1)), 1e-300, 1e-12
    alone = impute_factors.ppca_step(*given, backend=backend)  # one sample, which mean and loading share
    np.testing.assert_allclose(alone.centre + alone.loadings[:, 0] * 3, [0.0], atol=1e-6)
    expected = impute_factors.factor_scores(values, centre, loadings, pull)
    for one, other in zip(found, expected, strict=True):  # rounding moves what the pull alone decides
        np.testing.assert_allclose(one, other, rtol=0.1, atol=1e-6 * np.abs(other).max())
    if case == "few":
        assert (step.loadings[1], step.centre[1]) == (pytest.approx(np.zeros(3)), pytest.approx(0.0))


@pytest.mark.usefixtures("unoptimised_c")
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:Numba function argsort doesn't support kind")
@pytest.mark.parametrize("backend", [each for each in BACKENDS if each != "jax"])  # where it takes a minute to compile
@pytest.mark.parametrize("kernel", [tmm.tmm, tmm.tmm_with_singleton_pairing], ids=lambda each: each.name)
def test_infinite_counts_have_the_factors_that_the_definition_states(kernel, backend: str) -> None:
    if backend not in available_backends():
        pytest.skip(f"the {backend} backend is not on this machine")
    counts = np.random.default_rng(0).poisson(9, (4, 60)).astype(np.float32)
    total, reference = counts.sum(axis=1, dtype=np.float64), counts[0].astype(np.float64)
    wild, without, sizes, endless = counts.copy(), counts.copy(), total.copy(), reference.copy()
    wild[1:3, ::9], without[1:3, ::9] = np.inf, 0
    sizes[2], endless[5] = np.inf, np.inf
    for trims in ((), (0.0, 0.0)):
        found = kernel(wild, sizes, endless, total[0], *trims, backend=backend).factor
        expected = kernel(
            without, total, np.where(endless < np.inf, endless, 0), total[0], *trims, backend=backend
        ).factor
        assert np.isfinite(expected).all()
        np.testing.assert_allclose(found, np.where(sizes < np.inf, expected, np.nan), rtol=1e-12)

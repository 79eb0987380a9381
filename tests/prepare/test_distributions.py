"""Densities, relative log expression, moments with gaps, the filter, the logarithm: against NumPy, and laws."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import clone

from genolab import prepare
from genolab.errors import InputError
from genolab.prepare import distributions, filtering, logarithm

few = settings(max_examples=25, deadline=None)
shapes = st.tuples(st.integers(1, 6), st.integers(1, 9))
gapped = shapes.flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=st.just(np.nan) | st.floats(-20, 20, width=16))
)
QUANTILES = np.array([0.05, 0.25, 0.5, 0.75, 0.95])


def naive_density(row, places, bandwidth):
    """The formula without binning."""
    known = row[~np.isnan(row)]
    bells = np.exp(-0.5 * ((places[:, None] - known) / bandwidth) ** 2) / (bandwidth * np.sqrt(2 * np.pi))
    return bells.sum(axis=1) / max(len(known), 1)


@few
@given(gapped)
def test_a_density_is_the_sum_of_bells(values):
    low, high, bandwidth = -30.0, 30.0, 2.0
    expected = [naive_density(row, np.linspace(low, high, distributions.PLACES), bandwidth) for row in values]
    for kernel in (distributions.sample_densities, distributions.sample_densities.definition):
        found = kernel(values, low, high, bandwidth).density
        np.testing.assert_allclose(found, expected, atol=2e-3)  # binning over 60 / 127 with h = 2


@few
@given(gapped, st.floats(-5, 0), st.floats(1, 25))
@example(np.array([[1.0]], np.float32), -0.10178847310592953, 1.0)  # a value on the last place
def test_the_driver_equals_the_definition_where_values_are_left_out(values, low, high):
    found, expected = (
        kernel(values, low, high, 0.7).density
        for kernel in (distributions.sample_densities, distributions.sample_densities.definition)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_a_density_has_area_one():
    values = np.random.default_rng(0).normal(5, 2, (3, 4000)).astype(np.float32)
    density = distributions.sample_densities(values, -5.0, 15.0, 0.3).density
    np.testing.assert_allclose(density.sum(axis=1) * 20 / (distributions.PLACES - 1), 1, rtol=1e-3)


@few
@given(gapped)
def test_relative_log_expression_is_what_numpy_says(values):
    found = distributions.relative_log_expression(values, QUANTILES).quantile
    for column, row in enumerate(found):
        sample = [x for x in range(values.shape[1]) if not np.isnan(values[column, x])]
        if not sample:
            assert np.isnan(row).all()
            continue
        apart = [values[column, g] - np.nanmedian(values[:, g]) for g in sample]
        np.testing.assert_allclose(row, np.quantile(apart, QUANTILES), atol=1e-5)


@few
@given(gapped)
def test_moments_are_those_of_the_known_values(values):
    found = distributions.known_moments(values)
    for g in range(values.shape[1]):
        known = values[~np.isnan(values[:, g]), g].astype(float)
        mean = known.mean() if known.size else np.nan
        deviation = known.std(ddof=1) if known.size > 1 else np.nan
        np.testing.assert_allclose([found.mean[g], found.deviation[g]], [mean, deviation], atol=1e-4)


@pytest.mark.parametrize("backend", ["numba", "c", "jax"])
def test_backends_agree(backend):
    if backend == "jax":
        pytest.importorskip("jax")
    values = np.random.default_rng(1).normal(3, 2, (4, 30)).astype(np.float32)
    values[1, 3] = np.nan
    for kernel, rest in (
        (distributions.relative_log_expression, (QUANTILES,)),
        (distributions.known_moments, ()),
        (logarithm.logarithm, ()),
    ):
        given_values = np.abs(np.nan_to_num(values)) if kernel is logarithm.logarithm else values
        for one, other in zip(kernel(given_values, *rest), kernel(given_values, *rest, backend=backend), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def made_counts():
    rng = np.random.default_rng(4)
    counts = rng.poisson(rng.gamma(0.5, 60, 40) * rng.uniform(0.5, 2, (10, 1))).astype(float)
    counts[:, 0] = 0
    counts[0, 1], counts[1:, 1] = 500, 0
    return counts


def test_the_filter_counts_per_million_by_the_median_library():
    counts = made_counts()
    fitted = prepare.GeneFilter(min_count=10, min_samples=3, min_total=15).fit(counts)
    total = counts.sum(axis=1)
    kept = [
        sum(1e6 * x / t >= 1e6 * 10 / np.median(total) for x, t in zip(gene, total, strict=True)) >= 3
        and gene.sum() >= 15
        for gene in counts.T
    ]
    assert list(fitted.kept_) == kept
    assert not fitted.kept_[:2].any()
    assert 0 < sum(kept) < 40
    reached = filtering.expressed_genes(counts.astype(np.float32), np.full(10, 10.0))
    assert list(reached.samples) == [(gene >= 10).sum() for gene in counts.T]


@pytest.mark.filterwarnings("ignore:.*infer_string")
def test_the_filter_keeps_kind_and_names():
    counts = made_counts()
    genes = [f"g{k}" for k in range(40)]
    frame = pd.DataFrame(counts, columns=genes)
    fitted = prepare.GeneFilter()
    found = fitted.fit_transform(frame)
    assert list(found.columns) == [gene for gene, kept in zip(genes, fitted.kept_, strict=True) if kept]
    assert list(found.columns) == list(fitted.get_feature_names_out())
    sparse = prepare.GeneFilter().fit_transform(scipy.sparse.csr_array(counts))
    np.testing.assert_array_equal(sparse.toarray(), found)
    held = anndata.AnnData(counts, var=pd.DataFrame(index=genes))
    assert list(prepare.GeneFilter().fit_transform(held).var_names) == list(found.columns)
    assert held.shape == (10, 40)
    assert fitted.transform(frame.iloc[:2]).shape == (2, fitted.kept_.sum())


def test_a_filter_that_keeps_nothing_is_refused():
    with pytest.raises(InputError, match=r"none of 40.*Lower min_count"):
        prepare.GeneFilter(min_count=1e9).fit(made_counts())


def test_the_logarithm_returns_and_refuses_zeros_without_an_offset():
    values = made_counts() / 3
    estimator = prepare.Logarithm(offset=0.5, base=10)
    found = estimator.fit_transform(values)
    np.testing.assert_allclose(found, np.log10(values + 0.5))
    np.testing.assert_allclose(estimator.inverse_transform(found), values, atol=1e-9)
    with pytest.raises(InputError, match="above 0 with the offset"):
        prepare.Logarithm(offset=0.0).fit_transform(values)
    with pytest.raises(InputError, match="from 0"):
        prepare.Logarithm().fit_transform(values - 1)


def test_parameters_are_scikit_learns():
    for estimator in (prepare.GeneFilter(min_count=3), prepare.Logarithm(base=10)):
        assert clone(estimator).get_params() == estimator.get_params()
    with pytest.raises(InputError, match="whole counts"):
        prepare.GeneFilter().fit(made_counts() / 3)

"""Imputers: one gap at a time, laws, scikit-learn's own, held-out values, refusals."""

import warnings

import anndata
import numpy as np
import pandas as pd
import pytest
import sklearn.impute
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from genolab import prepare
from genolab.errors import InputError
from genolab.prepare import impute_factors, impute_neighbours

few = settings(max_examples=20, deadline=None)

MARGIN = {"KNNImputer": 0.5, "PPCAImputer": 0.25, "SoftImpute": 0.3}
"""Of the error of the genes' means, the share that is allowed on the table of :func:`low_rank`."""


def low_rank(seed=0, samples=40, genes=120, rank=3, noise=0.3, missing=0.15):
    """A table of low rank with noise, the same with gaps, and where they are; no sample or gene is empty."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(samples, rank)) @ rng.normal(size=(rank, genes)) + rng.normal(8, 2, genes)
    true = true + rng.normal(0, noise, true.shape)
    gaps = rng.random(true.shape) < missing
    gaps[np.arange(samples), np.arange(samples) % genes] = False
    gaps[np.arange(genes) % samples, np.arange(genes)] = False
    return true, np.where(gaps, np.nan, true), gaps


def imputers():
    return [prepare.KNNImputer(), prepare.PPCAImputer(3), prepare.SoftImpute(4.0)]


def name(estimator):
    return type(estimator).__name__


def naive_neighbours(values, donors, wanted):
    out = values.copy()
    for i, j in np.argwhere(np.isnan(values)):
        found = []
        for r, donor in enumerate(donors):
            both = ~np.isnan(values[i]) & ~np.isnan(donor)
            if both.any() and not np.isnan(donor[j]):
                found.append((((values[i] - donor)[both] ** 2).mean(), r, donor[j]))
        nearest = [value for _, _, value in sorted(found)[:wanted]]
        out[i, j] = np.mean(nearest) if nearest else np.nanmean(donors[:, j])
    return out


@few
@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([0.1, 0.5, 0.8]))
def test_neighbours_one_gap_at_a_time(seed, wanted, missing):
    _, gapped, _ = low_rank(seed, 12, 9, missing=missing)
    expected = naive_neighbours(gapped, gapped, wanted)
    found = impute_neighbours.neighbour_impute.at(np.float64)
    np.testing.assert_allclose(found(gapped, gapped, wanted).completed, expected, rtol=1e-12)
    np.testing.assert_allclose(found.definition(gapped, gapped, wanted).completed, expected, rtol=1e-12)


def naive_scores(row, centre, loadings, ridge):
    """Means and covariance of a sample's factors, from the Gaussian of everything at once."""
    known = ~np.isnan(row)
    w = loadings[known]
    joint = w @ w.T + ridge * np.eye(known.sum())  # of the known values; the factors have variance 1
    gain = np.linalg.solve(joint, w).T
    return gain @ (row - centre)[known], (np.eye(w.shape[1]) - gain @ w) / ridge


@few
@given(st.integers(0, 10_000))
def test_factors_are_those_of_the_conditional_gaussian(seed):
    _, gapped, _ = low_rank(seed, 8, 12, missing=0.4)
    rng = np.random.default_rng(seed)
    centre, loadings, variance = rng.normal(8, 1, 12), rng.normal(size=(12, 2)), 0.3
    scores, covariance = impute_factors.factor_scores.at(np.float64)(gapped, centre, loadings, variance)
    errors = impute_factors.factor_errors.at(np.float64)(gapped, loadings, covariance, variance).standard_error
    filled = impute_factors.factor_impute.at(np.float64)(gapped, centre, loadings, scores).completed
    full = loadings @ loadings.T + variance * np.eye(12)
    for i, row in enumerate(gapped):
        expected = naive_scores(row, centre, loadings, variance)
        np.testing.assert_allclose(scores[i], expected[0], rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(covariance[i], expected[1], rtol=1e-8, atol=1e-10)
        known = ~np.isnan(row)
        gain = full[~known][:, known] @ np.linalg.inv(full[known][:, known])
        np.testing.assert_allclose(filled[i, ~known], centre[~known] + gain @ (row - centre)[known], rtol=1e-8)
        left = full[~known][:, ~known] - gain @ full[known][:, ~known]
        np.testing.assert_allclose(errors[i, ~known], np.sqrt(np.diag(left)), rtol=1e-8)
        assert (errors[i, known] == 0).all()


@few
@given(st.integers(0, 10_000))
def test_a_step_of_ppca_is_a_step_up_from_the_likelihood_of_the_known_values(seed):
    _, gapped, _ = low_rank(seed, 10, 8, missing=0.3)
    rng = np.random.default_rng(seed)
    model = rng.normal(8, 1, 8), rng.normal(size=(8, 2)), 0.5
    step = impute_factors.ppca_step.at(np.float64)
    first = step(gapped, *model)
    full = model[1] @ model[1].T + 0.5 * np.eye(8)
    expected = 0.0
    for row in gapped:
        known = ~np.isnan(row)
        rest, here = (row - model[0])[known], full[known][:, known]
        expected -= 0.5 * (rest @ np.linalg.solve(here, rest) + np.linalg.slogdet(2 * np.pi * here)[1])
    np.testing.assert_allclose(first.log_likelihood, expected, rtol=1e-10)
    assert step(gapped, *first[:3]).log_likelihood >= first.log_likelihood


def test_ppca_on_a_complete_table_is_principal_components():
    true, _, _ = low_rank(2, 60, 30, rank=2)
    fitted = prepare.PPCAImputer(2, max_iter=2000, tol=1e-13).fit(true)
    eigenvalue, vector = np.linalg.eigh(np.cov(true.T, bias=True))
    np.testing.assert_allclose(fitted.centre_, true.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(fitted.noise_variance_, eigenvalue[:-2].mean(), rtol=1e-4)
    plane = vector[:, -2:]
    expected = plane * (eigenvalue[-2:] - eigenvalue[:-2].mean()) @ plane.T
    np.testing.assert_allclose(fitted.loadings_ @ fitted.loadings_.T, expected, atol=1e-3)


def test_standard_errors_cover_what_was_held_out():
    true, gapped, gaps = low_rank(7, 150, 200)
    fitted = prepare.PPCAImputer(3).fit(gapped)
    z = ((fitted.transform(gapped) - true) / np.where(gaps, fitted.standard_error_, 1))[gaps]
    assert 0.93 < (np.abs(z) < 1.96).mean() < 0.97
    assert 0.28 < np.sqrt(fitted.noise_variance_) < 0.31  # 0.3 was drawn
    assert (np.diff(fitted.log_likelihood_) >= 0).all()
    assert ((fitted.standard_error_ == 0) == ~gaps).all()
    assert (fitted.standard_errors(gapped[:3]) == fitted.standard_error_[:3]).all()


def naive_soft(values, penalty, steps=3000):
    """Full singular values, thresholded, over and over."""
    centre, gaps = np.nanmean(values, axis=0), np.isnan(values)
    x = np.where(gaps, 0, values - centre)
    for _ in range(steps):
        u, s, v = np.linalg.svd(x, full_matrices=False)
        fit = (u * np.maximum(s - penalty, 0)) @ v
        x[gaps] = fit[gaps]
    return x + centre, np.where(gaps, 0, values - centre - fit)


@pytest.mark.parametrize("penalty", [2.0, 6.0])
def test_soft_imputation_solves_its_problem(penalty):
    _, gapped, _ = low_rank(4, 16, 24, missing=0.3)
    fitted = prepare.SoftImpute(penalty, max_iter=5000, tol=1e-12).fit(gapped)
    expected, rest = naive_soft(gapped, penalty)
    np.testing.assert_allclose(fitted.transform(gapped), expected, atol=1e-6)
    # what is left over has no direction stronger than the penalty, and just that in the directions used
    assert abs(np.linalg.norm(rest, 2) / penalty - 1) < 1e-6
    direction = fitted.loadings_ / np.linalg.norm(fitted.loadings_, axis=0)
    np.testing.assert_allclose(np.linalg.norm(rest @ direction, axis=0), penalty, rtol=1e-5)


def test_a_penalty_is_chosen_by_what_is_held_out():
    true, gapped, gaps = low_rank(8, 60, 200)

    def error(penalty):
        return np.sqrt(((prepare.SoftImpute(penalty).fit_transform(gapped) - true)[gaps] ** 2).mean())

    fitted = prepare.SoftImpute().fit(gapped)
    assert fitted.penalty_ == fitted.penalties_[fitted.held_out_errors_.argmin()]
    assert len(fitted.penalties_) == len(fitted.held_out_errors_)
    assert error(None) <= 1.05 * min(error(penalty) for penalty in fitted.penalties_)
    assert abs(fitted.held_out_errors_.min() / error(None) - 1) < 0.15


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("imputer", [prepare.SoftImpute(), prepare.SoftImpute(1e-3), prepare.PPCAImputer(4)], ids=name)
def test_tables_without_noise_or_of_one_value_give_numbers(imputer, dtype):
    true, gapped, gaps = low_rank(2, 30, 50, rank=1, noise=0.0, missing=0.1)
    filled = clone(imputer).fit_transform(gapped.astype(dtype))
    assert np.sqrt(((filled - true)[gaps] ** 2).mean()) < 0.1
    assert np.isfinite(clone(imputer).fit_transform(true.astype(dtype))).all()
    assert (clone(imputer).fit_transform(np.where(gaps, np.nan, 7).astype(dtype)) == 7).all()
    assert (clone(imputer).fit_transform(np.ones((1, 4), dtype)) == 1).all()


def test_no_more_factors_than_asked_for():
    _, gapped, _ = low_rank(9)
    assert prepare.SoftImpute(1.0, max_rank=2).fit(gapped).loadings_.shape == (120, 2)
    assert prepare.SoftImpute(1e6).fit(gapped).loadings_.shape == (120, 1)  # all is penalised away: the means stay
    np.testing.assert_allclose(
        prepare.SoftImpute(1e6).fit_transform(gapped), np.where(np.isnan(gapped), np.nanmean(gapped, axis=0), gapped)
    )
    with pytest.raises(InputError, match="a number above 0, or None; got 0"):
        prepare.SoftImpute(0).fit(gapped)


@pytest.mark.parametrize("reach", [0, 6])
@pytest.mark.parametrize("missing", [0.1, 0.7])
def test_neighbours_are_scikit_learns(reach, missing, monkeypatch):
    monkeypatch.setattr("genolab.prepare.impute_neighbours.REACH", reach)  # 0: some samples need a second, longer look
    monkeypatch.setattr("genolab.prepare.impute_neighbours.ROWS", 7)
    _, gapped, _ = low_rank(1, 60, 30, missing=missing)
    ours, theirs = prepare.KNNImputer(9).fit(gapped[:50]), sklearn.impute.KNNImputer(n_neighbors=9).fit(gapped[:50])
    np.testing.assert_allclose(ours.transform(gapped), theirs.transform(gapped), rtol=1e-12)


@pytest.mark.parametrize("imputer", imputers(), ids=name)
def test_known_values_stay_and_gaps_are_reported(imputer):
    _, gapped, gaps = low_rank()
    for dtype in (np.float32, np.float64):
        given = gapped.astype(dtype)
        filled = clone(imputer).fit_transform(given)
        assert filled.dtype == dtype
        assert np.isfinite(filled).all()
        assert (filled[~gaps] == given[~gaps]).all()
        assert (np.isnan(given) == gaps).all()  # the table given is not written to
    fitted = clone(imputer).fit(gapped)
    assert (fitted.imputed_ == gaps).all()
    assert (fitted.where_imputed(gapped[:5]) == gaps[:5]).all()
    np.testing.assert_allclose(fitted.transform(gapped)[:4], fitted.transform(gapped[:4]), rtol=1e-10)
    np.testing.assert_allclose(fitted.transform(gapped), clone(imputer).fit_transform(gapped), rtol=1e-12)


@pytest.mark.parametrize("imputer", imputers(), ids=name)
def test_a_complete_table_is_unchanged(imputer):
    true, _, _ = low_rank()
    fitted = clone(imputer).fit(true)
    assert (fitted.transform(true) == true).all()
    assert not fitted.imputed_.any()


@pytest.mark.parametrize("imputer", imputers(), ids=name)
def test_the_order_of_samples_and_genes_does_not_matter(imputer):
    _, gapped, _ = low_rank(3)
    rng = np.random.default_rng(0)
    rows, columns = rng.permutation(len(gapped)), rng.permutation(gapped.shape[1])
    before = clone(imputer).fit_transform(gapped)
    after = clone(imputer).fit_transform(gapped[rows][:, columns])
    np.testing.assert_allclose(after, before[rows][:, columns], rtol=1e-6)


@pytest.mark.parametrize("imputer", imputers(), ids=name)
def test_held_out_values_are_closer_than_the_genes_mean(imputer):
    true, gapped, gaps = low_rank(5, 60, 200)
    error = np.sqrt(((clone(imputer).fit_transform(gapped) - true)[gaps] ** 2).mean())
    by_mean = np.sqrt(((np.broadcast_to(np.nanmean(gapped, axis=0), true.shape) - true)[gaps] ** 2).mean())
    assert error < MARGIN[name(imputer)] * by_mean


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("imputer", [*imputers(), prepare.SimpleImputer()], ids=name)
def test_what_was_learnt_does_not_change_with_the_table(imputer, dtype):
    true, gapped, gaps = low_rank(6, 30, 50)
    table = gapped.astype(dtype)
    fitted = clone(imputer).fit(table)
    before = fitted.transform(gapped.astype(dtype))
    table[gaps] = true[gaps]  # as when results are written back: the truth would be its own nearest donor
    np.testing.assert_array_equal(fitted.transform(gapped.astype(dtype)), before)
    np.testing.assert_array_equal(fitted.imputed_, gaps)


@pytest.mark.filterwarnings("ignore:.*infer_string")  # AnnData asks pandas for an option that is going
@pytest.mark.parametrize("imputer", imputers(), ids=name)
def test_the_kind_of_table_is_kept(imputer):
    _, gapped, gaps = low_rank()
    genes, samples = [f"g{k}" for k in range(gapped.shape[1])], [f"s{k}" for k in range(len(gapped))]
    plain = clone(imputer).fit_transform(gapped)
    frame = clone(imputer).fit_transform(pd.DataFrame(gapped, samples, genes))
    assert list(frame.columns) == genes
    assert list(frame.index) == samples
    assert (frame.to_numpy() == plain).all()
    held = anndata.AnnData(gapped.copy(), pd.DataFrame(index=samples), pd.DataFrame(index=genes))
    fitted = clone(imputer).fit(held)
    fitted.where_imputed(fitted.transform(held))
    assert (np.isnan(held.X) == gaps).all()
    assert (held.layers["imputed"] == plain).all()
    assert (held.layers["is_imputed"] == gaps).all()


@pytest.mark.parametrize("imputer", imputers(), ids=name)
def test_what_cannot_be_known_is_refused_by_name(imputer):
    _, gapped, _ = low_rank()
    genes, samples = [f"g{k}" for k in range(gapped.shape[1])], [f"s{k}" for k in range(len(gapped))]
    table = pd.DataFrame(gapped, samples, genes)
    fitted = clone(imputer).fit(table)
    empty = table.copy()
    empty.loc["s3"] = np.nan
    for refused in (fitted.transform, clone(imputer).fit):
        with pytest.raises(InputError, match=r"got no value in sample 's3'\. Drop it first"):
            refused(empty)
    empty = table.copy()
    empty[["g5", "g7"]] = np.nan
    with pytest.raises(InputError, match="got no value in gene 'g5', nor in 1 more"):
        clone(imputer).fit(empty)
    np.testing.assert_array_equal(np.isfinite(fitted.transform(empty)), True)  # learnt from samples that knew them
    with pytest.raises(InputError, match="finite numbers; got inf in row 's0', column 'g0'"):
        clone(imputer).fit(table.where(np.arange(table.size).reshape(table.shape) > 0, np.inf))


@pytest.mark.parametrize("wrong", [0, 1.5, "many"])
@pytest.mark.parametrize("imputer", [prepare.KNNImputer, prepare.PPCAImputer])
def test_numbers_of_neighbours_and_factors_are_checked(imputer, wrong):
    with pytest.raises(InputError, match="a whole number from 1"):
        imputer(wrong).fit(np.eye(3))


@pytest.mark.parametrize("imputer", imputers(), ids=name)
def test_scikit_learns_own_checks(imputer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = check_estimator(imputer, on_fail=None)
    failed = {check["check_name"] for check in report if check["status"] == "failed"}
    assert failed <= {"check_dtype_object"}  # text is refused as a value, not as a type
    assert len(report) > 40

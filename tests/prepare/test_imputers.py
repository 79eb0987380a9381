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
from genolab.prepare import impute_neighbours

few = settings(max_examples=20, deadline=None)

MARGIN = {"KNNImputer": 0.5}
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
    return [prepare.KNNImputer()]


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
def test_numbers_of_neighbours_are_checked(wrong):
    with pytest.raises(InputError, match="a whole number from 1"):
        prepare.KNNImputer(wrong).fit(np.eye(3))


@pytest.mark.parametrize("imputer", imputers(), ids=name)
def test_scikit_learns_own_checks(imputer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = check_estimator(imputer, on_fail=None)
    failed = {check["check_name"] for check in report if check["status"] == "failed"}
    assert failed <= {"check_dtype_object"}  # text is refused as a value, not as a type
    assert len(report) > 40

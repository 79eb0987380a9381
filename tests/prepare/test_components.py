"""Principal components: scikit-learn's exact ones, by either solver, dense and sparse; laws and edges."""

import warnings

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.decomposition
from sklearn.utils.estimator_checks import check_estimator

from genolab import prepare
from genolab.errors import InputError


def made(samples=40, genes=90, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(samples, 6)) * [9, 6, 4, 3, 2, 1.5] @ rng.normal(size=(6, genes)) + 5
    return values + rng.normal(size=(samples, genes))


@pytest.mark.parametrize("solver", ["exact", "iterative"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(40, 90), (90, 40)])
@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_components_are_scikit_learns(solver, dtype, shape, kind, monkeypatch):
    monkeypatch.setattr("genolab.prepare.components.BUFFER_BYTES", 4000)  # several parts
    monkeypatch.setattr("genolab.prepare.table.BLOCK_BYTES", 40_000)
    values = made(*shape).astype(dtype)
    expected = sklearn.decomposition.PCA(4, svd_solver="full").fit(values.astype(float))
    found = prepare.PCA(4, solver=solver, n_iter=6)
    score = found.fit_transform(kind(values))
    tolerance = 1e-9 if dtype == np.float64 else 2e-5
    np.testing.assert_allclose(found.components_, expected.components_, atol=tolerance)
    for name in ("explained_variance_", "explained_variance_ratio_", "singular_values_"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=tolerance)
    np.testing.assert_allclose(score, expected.transform(values.astype(float)), atol=100 * tolerance)
    np.testing.assert_allclose(found.transform(kind(values)), score, atol=100 * tolerance)
    assert score.dtype == found.components_.dtype == dtype


def test_a_mean_far_from_zero_costs_no_digits():
    values = (made() + 1e4).astype(np.float32)
    expected = sklearn.decomposition.PCA(3, svd_solver="full").fit(values.astype(float))
    found = prepare.PCA(3).fit(values)
    np.testing.assert_allclose(found.explained_variance_, expected.explained_variance_, rtol=1e-5)


def test_laws():
    values = made()
    found = prepare.PCA(100)
    score = found.fit_transform(values)
    assert found.n_components_ == 40  # never more than samples
    np.testing.assert_allclose(found.inverse_transform(score), values, atol=1e-9)
    np.testing.assert_allclose(found.explained_variance_ratio_.sum(), 1)
    gram = found.components_ @ found.components_.T
    np.testing.assert_allclose(gram[:39, :39], np.eye(39), atol=1e-9)  # the last has no variance left
    rows, genes = np.random.default_rng(1).permutation(40), np.random.default_rng(2).permutation(90)
    shuffled = prepare.PCA(5).fit_transform(values[rows][:, genes])
    np.testing.assert_allclose(shuffled, score[rows, :5], atol=1e-9)
    largest = found.components_[np.arange(39), np.abs(found.components_[:39]).argmax(axis=1)]
    assert (largest > 0).all()
    one, two = (prepare.PCA(4, solver="iterative", random_state=seed).fit(values) for seed in (0, 0))
    assert (one.components_ == two.components_).all()


@pytest.mark.parametrize("solver", ["exact", "iterative"])
@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (1, 1), (4, 3)])
@pytest.mark.parametrize("value", [0.0, 7.1])
def test_what_does_not_vary_has_no_place(solver, shape, value):
    found = prepare.PCA(solver=solver)
    assert (found.fit_transform(np.full(shape, value)) == 0).all()
    assert (found.components_ == 0).all()
    assert (found.explained_variance_ratio_ == 0).all()


@pytest.mark.filterwarnings("ignore:.*infer_string")
def test_names_and_kinds():
    values = pd.DataFrame(made(), [f"s{k}" for k in range(40)], [f"g{k}" for k in range(90)])
    found = prepare.PCA(2)
    score = found.fit_transform(values)
    assert list(score.columns) == ["pca0", "pca1"]
    assert list(score.index) == list(values.index)
    held = anndata.AnnData(values)
    assert found.fit_transform(held) is held
    assert (held.obsm["X_pca"] == score.to_numpy()).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, "`n_components` must be a whole number from 1"),
        ({"n_iter": 1.5}, "`n_iter` must be a whole number from 1"),
        ({"solver": "fast"}, "one of auto, exact, iterative"),
    ],
)
def test_refusals(parameters, message):
    with pytest.raises(InputError, match=message):
        prepare.PCA(**parameters).fit(made())
    with pytest.raises(InputError, match="scores of 2 components in columns"):
        prepare.PCA(2).fit(made()).inverse_transform(np.ones((3, 3)))


def test_scikit_learns_own_checks():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = check_estimator(prepare.PCA(), on_fail=None)
    assert {check["check_name"] for check in report if check["status"] == "failed"} <= {"check_dtype_object"}

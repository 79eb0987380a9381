"""Pipelines: what is learnt from some samples is applied to others, provenance, code; the simple steps."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.impute import SimpleImputer

import genolab as gl
from genolab import prepare
from genolab.errors import InputError


def counts(samples=12, genes=60):
    rng = np.random.default_rng(0)
    values = rng.negative_binomial(2, 0.05, (samples, genes)).astype(float)
    values[:, 5] = 0
    return pd.DataFrame(values, [f"s{k}" for k in range(samples)], [f"g{k}" for k in range(genes)])


def steps():
    return [
        ("genes", prepare.GeneFilter(min_count=5, min_samples=3)),
        ("log_cpm", prepare.LogCPM(target=1e4)),
        ("scale", prepare.Scaler()),
        ("pca", prepare.PCA(3)),
    ]


def test_it_learns_from_train_and_is_applied_to_test():
    table, pipeline = counts(), prepare.Pipeline(steps())
    scores = pipeline.fit_transform(table.iloc[:8])
    assert list(scores.columns) == ["pca0", "pca1", "pca2"]
    test = pipeline.transform(table.iloc[8:])
    kept = pipeline["genes"].get_support()
    by_hand = prepare.LogCPM(target=1e4).fit_transform(table.loc[:, kept])
    scaled = prepare.Scaler().fit(by_hand.iloc[:8])
    pca = prepare.PCA(3).fit(scaled.transform(by_hand.iloc[:8]))
    np.testing.assert_allclose(test, pca.transform(scaled.transform(by_hand.iloc[8:])), atol=1e-12)


def test_provenance_tells_the_table_and_every_parameter():
    pipeline = prepare.Pipeline(steps()).fit(counts())
    found = pipeline.provenance_
    assert found["genolab"] == gl.__version__
    assert found["input"]["samples"] == 12
    assert [step["estimator"] for step in found["steps"]] == ["GeneFilter", "LogCPM", "Scaler", "PCA"]
    assert found["steps"][1]["parameters"]["target"] == 1e4
    again = clone(pipeline).fit(scipy.sparse.csr_array(counts().to_numpy()))
    assert again.provenance_["input"]["digest"] == found["input"]["digest"]
    assert clone(pipeline).fit(counts() * 2).provenance_["input"]["digest"] != found["input"]["digest"]


def test_the_code_makes_the_same_pipeline(tmp_path):
    path = tmp_path / "counts.csv"
    counts().T.to_csv(path)
    pipeline = prepare.Pipeline([*steps()[:3], ("fill", SimpleImputer(strategy="median"))])
    code = pipeline.to_code(str(path))
    assert "('log_cpm', gl.prepare.LogCPM(target=10000.0))," in code
    assert "('scale', gl.prepare.Scaler())," in code
    assert "from sklearn.impute import SimpleImputer" in code
    space = {}
    exec(code, space)
    np.testing.assert_array_equal(space["prepared"], pipeline.fit_transform(counts()))


def test_arrays_are_left_to_the_reader():
    code = prepare.make_pipeline(prepare.TPM(pd.Series(np.ones(60), counts().columns)), prepare.Logarithm()).to_code()
    assert "tpm_length = ...  # Series, 60 values" in code
    assert "gl.prepare.TPM(length=tpm_length)" in code
    assert "counts = ...  # samples in rows, genes in columns" in code
    with pytest.raises(InputError, match="at least one estimator"):
        prepare.make_pipeline()


@pytest.mark.filterwarnings("ignore:.*infer_string")
@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_matrix])
def test_anndata_keeps_its_counts_and_gets_a_layer(kind):
    table = counts()
    held = anndata.AnnData(kind(table), pd.DataFrame(index=table.index), pd.DataFrame(index=table.columns))
    pipeline = prepare.make_pipeline(prepare.TMM(), prepare.Logarithm())
    assert pipeline.fit_transform(held) is held
    np.testing.assert_array_equal(held.to_df(), table)
    expected = prepare.TMM(log=True).fit_transform(table)
    np.testing.assert_allclose(held.to_df("prepared"), expected, rtol=1e-5)
    fewer = prepare.make_pipeline(prepare.GeneFilter(5, 3), prepare.LogCPM()).fit_transform(held)
    assert "g5" in held.var_names
    assert "g5" not in fewer.var_names
    assert "prepared" in fewer.layers
    assert prepare.make_pipeline(prepare.LogCPM(), prepare.PCA(2)).fit_transform(held).obsm["X_pca"].shape == (12, 2)


def test_batches_are_found_by_the_names_of_samples():
    table = counts()
    batch = pd.Series(np.tile(["x", "y"], 6), table.index)
    pipeline = prepare.make_pipeline(prepare.LogCPM(), prepare.ComBat(batch=batch[::-1]))
    logs = prepare.LogCPM().fit_transform(table)
    np.testing.assert_array_equal(
        pipeline.fit_transform(table), prepare.ComBat().fit_transform(logs, batch=batch.to_numpy())
    )
    with pytest.raises(InputError, match="a label for every sample; got none for 'new'"):
        pipeline.transform(table.rename(index={"s3": "new"}))
    with pytest.raises(InputError, match="found by the samples' names"):
        prepare.LinearBatch(batch=["x", "y"] * 6).fit(logs)


@pytest.mark.parametrize("offset", [1.0, 0.5])
@pytest.mark.parametrize("base", [np.e, 2, 10])
def test_logarithms_and_back(offset, base):
    values = counts().to_numpy() / 3
    log = prepare.Logarithm(offset, base)
    for dtype in (np.float64, np.float32):
        found = log.fit_transform(values.astype(dtype))
        assert found.dtype == dtype
        tolerance = 1e-12 if dtype == np.float64 else 2e-6
        np.testing.assert_allclose(found, np.log(values + offset) / np.log(base), rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(log.inverse_transform(found), values, rtol=5 * tolerance, atol=10 * tolerance)
    sparse = scipy.sparse.csr_array(values)
    if offset == 1:
        assert (log.fit_transform(sparse) != scipy.sparse.csr_array(log.fit_transform(values))).nnz == 0
        np.testing.assert_allclose(log.inverse_transform(log.transform(sparse)).toarray(), values, atol=1e-12)
    else:
        with pytest.raises(InputError, match="1 for a sparse matrix"):
            log.fit_transform(sparse)


@pytest.mark.parametrize("strategy", ["mean", "median", "constant"])
def test_simple_imputation_is_scikit_learns_and_says_what_it_made(strategy):
    values = counts().to_numpy(copy=True)
    gaps = np.random.default_rng(1).random(values.shape) < 0.2
    values[gaps] = np.nan
    imputer = prepare.SimpleImputer(strategy, 3.0)
    expected = SimpleImputer(strategy=strategy, fill_value=3.0)
    np.testing.assert_allclose(imputer.fit_transform(values), expected.fit_transform(values), rtol=1e-12)
    assert (imputer.imputed_ == gaps).all()
    np.testing.assert_allclose(imputer.transform(values[:3]), expected.transform(values[:3]), rtol=1e-12)
    with pytest.raises(InputError, match="'mean', 'median' or 'constant'"):
        prepare.SimpleImputer("mode").fit(values)

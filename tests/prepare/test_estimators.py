"""The estimators' conduct: kinds of tables, laws of normalisation, edges, refusals, scikit-learn's own checks."""

import tracemalloc
import warnings

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from genolab import prepare
from genolab.errors import GenolabWarning, InputError
from genolab.kernel.at_once import at_once

few = settings(max_examples=15, deadline=None)
BATCH = np.array(["x", "y"] * 6)


def made_counts(seed=0, samples=12, genes=60):
    rng = np.random.default_rng(seed)
    mean = rng.gamma(1, 40, genes) + 2
    depth = rng.uniform(0.5, 2, samples)[:, None]
    shape = 1 / (0.1 + 2 / mean)
    counts = rng.poisson(rng.gamma(shape, mean * depth / shape)).astype(float)
    counts[:, 0] = 0
    return counts


def on_counts():
    length = np.arange(1, 61) * 100.0
    return [
        prepare.LogCPM(), prepare.LogCPM(target=1e4, base=2), prepare.TPM(length), prepare.RPKM(length),
        prepare.UpperQuartile(), prepare.TMM(), prepare.TMM(log=True), prepare.TMM(singleton_pairing=True),
        prepare.MedianOfRatios(), prepare.MedianOfRatios(poscounts=True), prepare.PearsonResiduals(),
    ]  # fmt: skip


def on_values():
    return [prepare.Scaler(kind) for kind in ("z", "robust", "minmax", "rank")] + [prepare.QuantileNormalizer()]


def dense_only():
    return [prepare.VST(), prepare.Voom(), prepare.QuantileNormalizer(ties="first")]


def name(estimator):
    return str(estimator)[:40].replace("\n", "")


@pytest.mark.filterwarnings("ignore:.*infer_string")  # AnnData asks pandas for an option that is going
@pytest.mark.parametrize("estimator", on_counts() + on_values() + dense_only(), ids=name)
def test_the_kind_of_table_is_kept(estimator):
    counts = made_counts().astype(np.float32)
    genes, samples = [f"g{k}" for k in range(60)], [f"s{k}" for k in range(12)]
    plain = clone(estimator).fit_transform(counts)
    assert plain.dtype == np.float32
    frame = clone(estimator).fit_transform(pd.DataFrame(counts, samples, genes))
    assert list(frame.columns) == genes
    assert list(frame.index) == samples
    assert (frame.to_numpy() == plain).all()
    held = anndata.AnnData(counts.copy(), pd.DataFrame(index=samples), pd.DataFrame(index=genes))
    fitted = clone(estimator)
    returned = fitted.fit_transform(held)
    assert returned is held
    assert (counts == held.X).all()
    assert (held.layers[fitted._writes] == plain).all()
    assert list(fitted.get_feature_names_out()) == genes


@pytest.mark.parametrize("estimator", on_counts() + on_values()[:1], ids=name)
@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csc_matrix])
def test_sparse_gives_what_dense_gives(estimator, kind):
    counts = made_counts()
    dense = clone(estimator).fit_transform(counts)
    sparse = clone(estimator).fit_transform(kind(counts))
    stays = not isinstance(estimator, (prepare.PearsonResiduals, prepare.Scaler))
    assert scipy.sparse.issparse(sparse) == stays
    np.testing.assert_allclose(sparse.toarray() if stays else sparse, dense, rtol=1e-12, atol=1e-12)


def test_a_sparse_matrix_in_blocks_gives_what_one_block_gives(monkeypatch):
    counts = scipy.sparse.csr_array(made_counts())
    for estimator in on_counts():
        whole = clone(estimator).fit_transform(counts)
        with monkeypatch.context() as patch:
            patch.setattr("genolab.prepare.table.BLOCK_BYTES", 2000)
            parts = clone(estimator).fit_transform(counts)
        difference = whole - parts
        assert abs(difference).max() <= 1e-9 * abs(whole).max()


@few
@given(st.integers(0, 10_000))
def test_depth_does_not_matter(seed):
    counts = made_counts(seed)
    deeper = counts * np.resize([1.0, 2, 4], 12)[:, None]
    for estimator in (prepare.LogCPM(), prepare.TPM(np.arange(1, 61) * 50.0), prepare.RPKM(np.arange(1, 61) * 50.0)):
        np.testing.assert_allclose(estimator.fit_transform(deeper), estimator.fit_transform(counts), rtol=1e-9)
    ratio = prepare.MedianOfRatios().fit(deeper).size_factors_ / prepare.MedianOfRatios().fit(counts).size_factors_
    np.testing.assert_allclose(ratio / ratio[0], np.resize([1.0, 2, 4], 12), rtol=1e-9)
    found = [prepare.UpperQuartile().fit(table).norm_factors_ for table in (deeper, counts)]
    np.testing.assert_allclose(*found, rtol=1e-9)


@few
@given(st.integers(0, 10_000))
def test_the_order_of_samples_and_genes_does_not_matter(seed):
    counts = made_counts(seed)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(12), rng.permutation(60)
    shuffled = np.ascontiguousarray(counts[rows][:, columns])
    for estimator in on_counts() + on_values():
        if hasattr(estimator, "length") or getattr(estimator, "singleton_pairing", False):
            continue  # lengths belong to genes by place; edgeR's pairing breaks ties by the order of genes
        before, after = clone(estimator).fit_transform(counts), clone(estimator).fit_transform(shuffled)
        np.testing.assert_allclose(after, before[rows][:, columns], rtol=1e-9, atol=1e-9, err_msg=name(estimator))


@pytest.mark.parametrize("kind", ["z", "robust", "minmax"])
def test_scaling_can_be_undone(kind):
    values = np.log1p(made_counts())
    scaler = prepare.Scaler(kind)
    np.testing.assert_allclose(scaler.inverse_transform(scaler.fit_transform(values)), values, atol=1e-12)
    assert scaler.constant_[0]
    assert (scaler.transform(values)[:, 0] == 0).all()


def test_what_is_learnt_from_some_samples_is_applied_to_others():
    counts = made_counts()
    for estimator in [*on_counts(), prepare.Scaler(), prepare.QuantileNormalizer()]:
        fitted = clone(estimator).fit(counts)
        np.testing.assert_allclose(fitted.transform(counts[:3]), fitted.transform(counts)[:3], rtol=1e-12)
    with pytest.raises(ValueError, match="60 features"):
        fitted.transform(counts[:, :5])


def test_a_pipeline_of_them_fits_on_train_and_applies_to_test():
    counts = made_counts()
    pipeline = make_pipeline(prepare.TMM(log=True), prepare.Scaler())
    pipeline.fit(counts[:8])
    assert pipeline.transform(counts[8:]).shape == (4, 60)


@pytest.mark.parametrize("shape", [(1, 6), (5, 1), (1, 1), (4, 3)])
@pytest.mark.parametrize("value", [0.0, 7.0])
def test_one_sample_one_gene_all_alike_give_numbers(shape, value):
    table = np.full(shape, value)
    estimators = [prepare.LogCPM(), prepare.TPM(np.ones(shape[1])), prepare.RPKM(np.ones(shape[1])), prepare.TMM(),
                  prepare.UpperQuartile(), prepare.PearsonResiduals(), *on_values()]  # fmt: skip
    for estimator in estimators:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GenolabWarning)  # a sample without counts has no factor: it is told
            assert np.isfinite(estimator.fit_transform(table)).all(), name(estimator)


def test_batches_that_differ_in_level_and_spread_are_made_alike():
    rng = np.random.default_rng(3)
    values = rng.normal(8, 1, (12, 300))
    moved = np.where((BATCH == "y")[:, None], values * 1.5 + rng.normal(2, 0.5, 300), values)
    for estimator in (prepare.ComBat(), prepare.LinearBatch()):
        corrected = estimator.fit_transform(moved, batch=BATCH)
        gap = np.abs(corrected[BATCH == "x"].mean(axis=0) - corrected[BATCH == "y"].mean(axis=0))
        assert gap.mean() < 0.3
        assert np.array_equal(estimator.transform(moved[:4], batch=BATCH[:4]), corrected[:4])
        with pytest.raises(InputError, match="a batch learnt from"):
            estimator.transform(moved[:1], batch=["z"])
        with pytest.raises(InputError, match="confounded"):
            clone(estimator).fit(moved, batch=BATCH, covariates=BATCH)


def refusals():
    counts = pd.DataFrame(made_counts(), [f"s{k}" for k in range(12)], [f"g{k}" for k in range(60)])

    def changed(value):
        table = counts.copy()
        table.loc["s3", "g5"] = value
        return table

    yield prepare.LogCPM(), changed(-1.0), r"counts from 0; got a negative value, -1, in row 's3', column 'g5'"
    yield prepare.TMM(), changed(0.5), r"whole counts; got a fraction, 0.5, in row 's3', column 'g5'. Counts are meant"
    yield prepare.LogCPM(), scipy.sparse.csr_array(changed(0.5).to_numpy()), "0.5, in row 3, column 5"
    yield prepare.Scaler(), changed(np.nan), "got NaN in row 's3', column 'g5'. Impute it first"
    yield prepare.QuantileNormalizer(), changed(np.inf).to_numpy(), "got inf in row 3, column 5"
    yield prepare.LogCPM(), counts.set_axis(["g1", "g1", *counts.columns[2:]], axis=1), "genes .* 'g1' twice"
    yield prepare.LogCPM(), counts.set_axis(["s1"] * 12), r"samples .* 's1' twice \(11 repeats in all\)"
    yield prepare.LogCPM(), counts.assign(note="seen"), "got 'seen' in row 's0', column 'note'. Make it the index"
    yield prepare.LogCPM(), [[1, 2], [3]], "rows of equal length; got 1 in row 1 and 2 in row 0"
    yield prepare.LogCPM(), np.zeros(5), r"two axes \(sample, gene\); got shape \(5,\)"
    yield prepare.LogCPM(), np.zeros((0, 5)), "0 sample"
    yield prepare.QuantileNormalizer(), scipy.sparse.csr_array(np.eye(3)), "dense; got a sparse matrix"
    yield prepare.MedianOfRatios(), np.eye(4), "Use poscounts=True"
    yield prepare.LogCPM(offset=2), scipy.sparse.csr_array(np.eye(3)), "1 for a sparse matrix"
    yield prepare.TPM(), counts, "the length of each gene"
    yield prepare.TPM(pd.Series({"g0": 100})), counts, r"none for 'g1' \(59 genes\)"
    yield prepare.Scaler("x"), counts, "one of z, robust, minmax, rank"
    yield prepare.VST(blind=False), counts, "the condition of each of 12 samples"
    yield prepare.ComBat(), counts, "the batch of each of 12 samples"


@pytest.mark.parametrize(
    ("estimator", "table", "message"), list(refusals()), ids=lambda value: value if isinstance(value, str) else ""
)
@pytest.mark.parametrize("many", [1_000_000, 1])
def test_bad_tables_are_refused_by_place(estimator, table, message, many, monkeypatch):
    monkeypatch.setattr("genolab.prepare.checks.MANY", many)  # NumPy looks at small tables, a loop at large ones
    with pytest.raises(InputError, match=message):
        estimator.fit_transform(table)


def test_names_made_by_a_spreadsheet_and_genes_in_rows_are_flagged():
    counts = made_counts()
    names = ["1-Mar", "2-Sep", "2.31E+13", "2023-09-01", *[f"g{k}" for k in range(56)]]
    with pytest.warns(GenolabWarning, match=r"4 gene names look like dates .*1-Mar, 2-Sep, 2.31E\+13"):
        prepare.LogCPM().fit(pd.DataFrame(counts, columns=names))
    rows = pd.DataFrame(counts, [f"ENSG{k:011d}" for k in range(12)], [f"s{k}" for k in range(60)])
    with pytest.warns(GenolabWarning, match="rows are named like genes .*give X.T"):
        prepare.LogCPM().fit(rows)


NOT_MEANT = {
    "check_dtype_object": "text is refused as a value, not as a type",
    "check_estimator_sparse_array": "scikit-learn sets with_mean on whatever is called Scaler",
    "check_estimator_sparse_matrix": "scikit-learn sets with_mean on whatever is called Scaler",
}


@pytest.mark.parametrize(
    "estimator", [prepare.Scaler(kind) for kind in ("z", "robust", "minmax")] + [prepare.QuantileNormalizer()], ids=name
)
def test_scikit_learns_own_checks(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = check_estimator(estimator, on_fail=None)
    failed = {check["check_name"] for check in report if check["status"] == "failed"}
    assert failed <= set(NOT_MEANT)
    assert len(report) > 40


@pytest.mark.parametrize("estimator", on_counts() + on_values() + dense_only(), ids=name)
@pytest.mark.parametrize("dtype", [np.int32, np.uint16])
def test_whole_numbers_give_what_their_floats_give(estimator, dtype, monkeypatch):
    monkeypatch.setattr("genolab.prepare.table.BLOCK_BYTES", 8 * 1000)  # blocks of four samples
    counts = made_counts().astype(dtype)
    found = clone(estimator).fit_transform(counts)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, clone(estimator).fit_transform(counts.astype(np.float32)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("greatest", [200, 2**24 + 1], ids=["single", "double"])
def test_whole_numbers_a_few_rows_at_a_time_give_the_same_factors(greatest, monkeypatch):
    monkeypatch.setattr("genolab.prepare.whole.CACHED_VALUES", 2 * 60)  # two rows of a share's three
    counts = np.random.default_rng(1).poisson(9, (48, 60)).astype(np.int64)
    counts[::7, 3] = greatest
    for estimator, factors in (
        (prepare.UpperQuartile(), "norm_factors_"), (prepare.TMM(), "norm_factors_"),
        (prepare.MedianOfRatios(), "size_factors_"), (prepare.MedianOfRatios(poscounts=True), "size_factors_"),
    ):  # fmt: skip
        found, wanted = (getattr(clone(estimator).fit(each), factors) for each in (counts, counts.astype(float)))
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_whole_numbers_are_never_copied_as_a_whole(monkeypatch):
    monkeypatch.setattr("genolab.prepare.table.BLOCK_BYTES", 2**21)  # blocks of a quarter of a megabyte
    counts = np.random.default_rng(0).poisson(3, (400, 5000)).astype(np.int32)
    for estimator in (prepare.LogCPM(), prepare.TMM(), prepare.Scaler(), prepare.MedianOfRatios(poscounts=True)):
        estimator.fit_transform(counts[:10])
        tracemalloc.start()
        found = estimator.fit_transform(counts)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.3 * found.nbytes, name(estimator)  # a copy would be as large as the result


@pytest.mark.parametrize("estimator", [prepare.LogCPM(base=2), prepare.Scaler(), prepare.Scaler("minmax")], ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_table_is_overwritten_only_where_asked_and_never_when_refused(estimator, dtype):
    counts = made_counts().astype(dtype)
    kept, own = counts.copy(), clone(estimator).set_params(copy=False)
    done = clone(estimator).fit_transform(counts)
    assert (counts == kept).all()
    assert own.fit_transform(counts) is counts
    np.testing.assert_allclose(counts, done, rtol=1e-6 if dtype == np.float32 else 1e-12, atol=1e-6)
    spoilt = kept.copy()
    spoilt[-1, -1] = np.nan
    with pytest.raises(InputError, match="NaN"):
        own.fit_transform(spoilt)
    assert (spoilt[:-1] == kept[:-1]).all()
    frame, whole = pd.DataFrame(kept), kept.astype(int)  # neither can hold the result
    before = frame.copy()
    for table in (frame, whole):
        own.fit_transform(table)
    assert frame.equals(before)
    assert (whole == kept).all()


def test_the_entries_of_a_sparse_matrix_are_overwritten_where_asked():
    counts = scipy.sparse.csr_array(made_counts().astype(np.float32))
    done = prepare.LogCPM().fit_transform(counts)
    again = prepare.LogCPM(copy=False).fit_transform(counts)
    assert np.shares_memory(again.data, counts.data)
    assert (counts.data == done.data).all()


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_one_pass_loses_nothing_far_from_zero_nor_where_samples_are_sorted(kind):
    rng = np.random.default_rng(3)
    level = np.repeat([0, 4000, 4000.5], (150, 100, 50))[:, None]  # chunks of samples differ more than their members
    values = (level + rng.normal(size=(300, 40)) * np.geomspace(1e-2, 10, 40)).astype(np.float32)
    values[:, 7], values[:, 8] = 1234.567, 0
    scaler = prepare.Scaler(ddof=1).fit(kind(values))
    exact = values.astype(np.float64)
    np.testing.assert_allclose(scaler.centre_, exact.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(scaler.scale_, np.where(np.ptp(exact, axis=0), exact.std(axis=0, ddof=1), 0), rtol=2e-6)
    assert scaler.constant_.nonzero()[0].tolist() == [7, 8]


def test_a_kernel_writes_into_an_array_on_any_backend():
    import genolab as gl
    from genolab.kernel.into import into
    from genolab.prepare import depth

    counts, size, found = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1.0, 2.0]), []
    for backend in ("numpy", "jax"):
        out = np.full((2, 3), np.nan, np.float32)
        gl.set_backend(backend)
        try:
            assert into(depth.scaled, out, counts, size).normalised is out
        finally:
            gl.set_backend(None)
        found.append(out)
    np.testing.assert_allclose(found[0], counts / size[:, None])
    np.testing.assert_allclose(found[0], found[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_table_that_z_scores_refuse_is_as_it_was(wrong, dtype):
    values = np.random.default_rng(3).normal(size=(20, 3000)).astype(dtype)
    values[17, 2500] = wrong  # met after other genes have their moments
    before = values.copy()
    with pytest.raises(InputError, match=r"Scaler: `X` must be .*in row 17, column 2500"):
        prepare.Scaler(copy=False).fit_transform(values)
    np.testing.assert_array_equal(values, before)
    with pytest.raises(InputError, match="in row 17, column 2500"):
        prepare.Scaler().fit(values)
    large = np.full((3, 2), np.finfo(dtype).max / 2, dtype)  # finite, though its sum of squares is not
    large[0] = 1
    assert np.isfinite(large).all()
    with np.errstate(all="ignore"):
        prepare.Scaler().fit(large)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused_before_the_loops_are_compiled_too(tmp_path, monkeypatch, value) -> None:
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path))
    monkeypatch.setattr("genolab.kernel.at_once._compiled", set())
    table = np.ones((4, 3))
    table[2, 1] = value
    with at_once(), pytest.raises(InputError, match="in row 2, column 1"):
        prepare.Scaler(kind="z").fit_transform(table)

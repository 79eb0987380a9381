"""Quality control and the choice of genes: against plain counting, pandas and scanpy, and by laws."""

import math
import warnings

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from genolab import prepare
from genolab.errors import InputError
from genolab.prepare.summaries import Moments, moments_of
from genolab.prepare.table import table_of

few = settings(max_examples=20, deadline=None)
tables = st.tuples(st.integers(1, 7), st.integers(1, 9)).flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=st.integers(0, 4).map(float) | st.integers(0, 500).map(float))
)


def frame(samples=20, genes=40, seed=0):
    rng = np.random.default_rng(seed)
    counts = rng.negative_binomial(2, 0.02, (samples, genes)).astype(float)
    names = [f"MT-{k}" if k < 4 else f"g{k}" for k in range(genes)]
    return pd.DataFrame(counts, [f"s{k}" for k in range(samples)], names)


@few
@given(tables)
def test_summaries_are_what_counting_gives(counts):
    for table in (counts, scipy.sparse.csr_array(counts)):
        found = prepare.quality_control(table)
        assert found.library_size.tolist() == [sum(map(float, row)) for row in counts]
        assert found.detected.tolist() == [sum(x > 0 for x in row) for row in counts]
        np.testing.assert_allclose(found.zero_fraction, [(row == 0).mean() for row in counts])
        assert found.samples_detected.tolist() == [sum(x > 0 for x in column) for column in counts.T]
        np.testing.assert_allclose(found.mean, counts.mean(axis=0, dtype=float), rtol=1e-6)
        expected = counts.astype(float).var(axis=0, ddof=min(1, len(counts) - 1))
        np.testing.assert_allclose(found.variance, expected, rtol=1e-5, atol=1e-6)
        same = {(a, b) for group in found.duplicates for a in group for b in group if a < b}
        expected = {
            (a, b) for b in range(len(counts)) for a in range(b) if counts[a].any() and (counts[a] == counts[b]).all()
        }
        assert same == expected


@few
@given(tables, st.integers(0, 7))
def test_moments_in_blocks_are_moments_of_all(counts, cut):
    for kind in (np.asarray, scipy.sparse.csr_array):
        whole = moments_of(table_of(kind(counts)))
        first, second = counts[:cut], counts[cut:]
        state = moments_of(table_of(kind(first))) if len(first) else None
        if len(second):
            state = moments_of(table_of(kind(second)), len(first), state)
        for name in Moments._fields:
            np.testing.assert_allclose(getattr(state, name), getattr(whole, name), rtol=1e-5, atol=1e-5)


def median(values):
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def test_outliers_by_median_absolute_deviations():
    counts = frame()
    counts.iloc[3] = np.floor(counts.iloc[3] / 20)
    counts.iloc[5, :4] = 20_000
    counts.iloc[7] = counts.iloc[6]
    counts.iloc[9] = 0
    found = prepare.quality_control(counts, gene_sets={"mitochondrial": "MT-"}, limit=6)
    logs = [math.log1p(size) for size in counts.sum(axis=1)]
    middle = median(logs)
    spread = 1.4826 * median([abs(x - middle) for x in logs])
    np.testing.assert_allclose(found.library_deviation, [(x - middle) / spread for x in logs], rtol=1e-12)
    table = found.to_frame()
    assert table.loc["s3", "reasons"].startswith("small library")
    assert table.loc["s5", "reasons"] == "large library, much mitochondrial"
    assert set(table.index[table.outlier]) == {"s3", "s5", "s9"}
    assert list(table.index[table.duplicate]) == ["s6", "s7"]
    assert table.loc["s9", "mitochondrial_share"] == 0
    said = " ".join(found.notices)
    assert "3 of 20 samples are outliers: s3, s5, s9." in said
    assert "Samples s6, s7 have the same counts." in said
    assert "1 samples have no count" in said
    looser = prepare.quality_control(counts, limit=1000)
    assert "library" not in looser.reasons[3]
    assert found.genes_frame().loc["g10", "mean"] == pytest.approx(counts["g10"].mean())
    assert found.provenance["input"]["samples"] == 20


def test_equal_samples_leave_no_spread():
    found = prepare.quality_control(np.array([[1.0, 2], [1, 2], [2, 1], [5, 5]]))
    assert found.library_deviation.tolist() == [0, 0, 0, np.inf]
    assert found.reasons.tolist() == ["", "", "", "large library"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gene_sets": {"ribosomal": "RPS"}}, "a set with genes for 'ribosomal'; got none"),
        ({"gene_sets": {"some": np.ones(3)}}, r"a mask of 40 genes, for 'some'; got shape \(3,\)"),
        ({"limit": 0}, "`limit` must be a number above 0"),
    ],
)
def test_quality_control_refuses(given, message):
    with pytest.raises(InputError, match=message):
        prepare.quality_control(frame(), **given)


@pytest.mark.filterwarnings("ignore:.*infer_string")
@pytest.mark.parametrize("estimator", [prepare.GeneFilter(60, 16), prepare.HighlyVariableGenes(7)])
def test_selections_keep_names_and_kind(estimator):
    counts = frame()
    found = estimator.fit_transform(counts)
    names = counts.columns[estimator.get_support()]
    assert list(found.columns) == list(names) == list(estimator.get_feature_names_out())
    pd.testing.assert_frame_equal(found, counts[names])
    held = anndata.AnnData(counts.to_numpy(), pd.DataFrame(index=counts.index), pd.DataFrame(index=counts.columns))
    assert list(estimator.fit_transform(held).var_names) == list(names)
    assert held.shape == counts.shape
    assert estimator.transform(counts.iloc[:2]).shape == (2, len(names))
    assert (estimator.get_support(indices=True) == np.flatnonzero(estimator.kept_)).all()


def test_highly_variable_genes_are_scanpys():
    scanpy = pytest.importorskip("scanpy", reason="scanpy is not installed")
    counts = frame(60, 80, 3).astype(np.float32)
    rng = np.random.default_rng(1)
    counts.iloc[:, ::9] *= rng.integers(0, 5, (60, 9))
    held = anndata.AnnData(counts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scanpy.experimental.pp.highly_variable_genes(held, n_top_genes=12, flavor="pearson_residuals")
    for table in (counts, scipy.sparse.csr_array(counts.to_numpy())):
        found = prepare.HighlyVariableGenes(12).fit(table)
        np.testing.assert_allclose(found.residual_variance_, held.var.residual_variances, rtol=1e-5)
        assert (found.kept_ == held.var.highly_variable).all()


def test_highly_variable_genes_of_all_that_have_a_count():
    counts = np.eye(4)[:, [0, 1, 1]] * [1.0, 1, 0]
    assert prepare.HighlyVariableGenes().fit(counts).kept_.tolist() == [True, True, False]
    with pytest.raises(InputError, match="a table with counts; got none of 2"):
        prepare.HighlyVariableGenes().fit(np.zeros((2, 2)))
    with pytest.raises(InputError, match="`n_top` must be a whole number from 1"):
        prepare.HighlyVariableGenes(0).fit(counts)

"""The estimators against R: edgeR, DESeq2, limma, sva and preprocessCore made the expected values (data/expected.R)."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genolab import prepare
from genolab.errors import GenolabWarning

DATA = Path(__file__).parent / "data"
PACKAGES = ("edgeR", "DESeq2", "limma", "sva", "preprocessCore")
CONDITION = np.tile(["a", "b"], 6)


def expected(name):
    return pd.read_csv(DATA / f"{name}.csv.gz", header=None).to_numpy()


@pytest.fixture(scope="module")
def counts():
    return pd.read_csv(DATA / "counts.csv.gz", index_col=0).astype(float)


@pytest.fixture(scope="module")
def bladder():
    return pd.read_csv(DATA / "bladder.csv.gz", index_col=0)


@pytest.fixture(scope="module")
def pheno():
    return pd.read_csv(DATA / "bladder_pheno.csv", index_col=0)


def test_factors(counts):
    r = pd.read_csv(DATA / "factors.csv")
    for column, factors in {
        "tmm": prepare.TMM().fit(counts).norm_factors_,
        "tmmwsp": prepare.TMM(singleton_pairing=True).fit(counts).norm_factors_,
        "upper_quartile": prepare.UpperQuartile().fit(counts).norm_factors_,
        "median_of_ratios": prepare.MedianOfRatios().fit(counts).size_factors_,
        "poscounts": prepare.MedianOfRatios(poscounts=True).fit(counts).size_factors_,
    }.items():
        np.testing.assert_allclose(factors, r[column], rtol=1e-12, err_msg=column)
    np.testing.assert_allclose(prepare.TMM().fit_transform(counts), expected("cpm"), rtol=1e-9)


def test_quantiles(counts, bladder):
    for table, name in ((counts, "quantile_counts"), (bladder, "quantile_bladder")):
        np.testing.assert_allclose(prepare.QuantileNormalizer().fit_transform(table), expected(name), rtol=1e-9)
    single = prepare.QuantileNormalizer().fit_transform(counts.astype(np.float32))
    np.testing.assert_allclose(single, expected("quantile_counts"), rtol=1e-6)


def test_vst(counts):
    blind = prepare.VST().fit(counts)
    np.testing.assert_allclose(blind.trend_, pd.read_csv(DATA / "trend.csv").iloc[0], rtol=1e-4)
    r = expected("dispersions")[:, 1]
    assert np.abs(np.log(blind.dispersions_ / r[counts.sum() > 0])).max() < 0.05  # R's own search stops early
    assert np.abs(blind.transform(counts) - expected("vst_blind")).to_numpy().max() < 1e-4
    seeing = prepare.VST(blind=False).fit(counts, CONDITION)
    assert np.abs(seeing.transform(counts) - expected("vst_design")).to_numpy().max() < 1e-3


def test_voom(counts):
    for dtype, tolerance in ((np.float64, 1e-8), (np.float32, 1e-5)):
        voom = prepare.Voom()
        np.testing.assert_allclose(
            voom.fit_transform(counts.astype(dtype), CONDITION), expected("voom_values"), rtol=tolerance, atol=tolerance
        )
        np.testing.assert_allclose(voom.weights_, expected("voom_weights"), rtol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-4), (np.float32, 1e-4)])
def test_batches(bladder, pheno, dtype, tolerance):
    table = bladder.astype(dtype)
    labels, cancer = pheno["batch"], pheno[["cancer"]]
    for name, found in {
        "combat": prepare.ComBat().fit_transform(table, batch=labels),
        "combat_mean_only": prepare.ComBat(mean_only=True).fit_transform(table, batch=labels),
        "linear": prepare.LinearBatch().fit_transform(table, batch=labels),
    }.items():
        np.testing.assert_allclose(found, expected(name), rtol=0, atol=tolerance, err_msg=name)
    with pytest.warns(GenolabWarning, match="all samples of batch 1, 3, 4 have one condition"):
        kept = prepare.ComBat().fit_transform(table, batch=labels, covariates=cancer)
    np.testing.assert_allclose(kept, expected("combat_covariates"), rtol=0, atol=tolerance)
    with pytest.warns(GenolabWarning):
        kept = prepare.LinearBatch().fit_transform(table, batch=labels, covariates=cancer)
    np.testing.assert_allclose(kept, expected("linear_covariates"), rtol=0, atol=tolerance)


@pytest.mark.oracle
def test_r_still_says_so(tmp_path):
    if not shutil.which("Rscript"):
        pytest.skip("Rscript is not installed")
    asked = f"q(status = !all(sapply(c{PACKAGES}, requireNamespace, quietly = TRUE)))"
    if subprocess.run(["Rscript", "-e", asked], capture_output=True).returncode:
        pytest.skip(f"R lacks one of {', '.join(PACKAGES)}")
    for name in ("counts.csv.gz", "bladder.csv.gz", "bladder_pheno.csv", "expected.R"):
        shutil.copy(DATA / name, tmp_path)
    subprocess.run(["Rscript", "expected.R"], cwd=tmp_path, check=True, capture_output=True)
    for stored in DATA.glob("*.csv*"):
        if stored.name not in ("counts.csv.gz", "bladder.csv.gz", "bladder_pheno.csv"):
            held, made = (
                pd.read_csv(folder / stored.name, header=None, skiprows=int(stored.suffix == ".csv"))
                for folder in (DATA, tmp_path)
            )
            np.testing.assert_allclose(made, held, rtol=1e-6, atol=1e-9, err_msg=stored.name)

"""What ``bench/prepare.py`` measures: our call, a peer's, and how their results are compared."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from genolab import prepare

Maker = Callable[[], Callable[[], Any]]


class Case(NamedTuple):
    """Two makers of calls that are timed (what a maker does before is not), and how their results are compared."""

    name: str
    peer: str
    wanted: float
    ours: Maker
    theirs: Maker
    compare: Callable[[Any, Any], float]
    slow: bool = False


def made_counts(samples: int, genes: int = 20_000, seed: int = 0, zeros: float = 0.0) -> np.ndarray:
    """Negative binomial counts of unequal depth, a fifth of them zero or, thinned out, as many as asked for; int32."""
    rng = np.random.default_rng(seed)
    mean = rng.gamma(0.35, 120, genes) + 0.02
    size = 1 / (0.1 + 1 / mean)
    counts = np.empty((samples, genes), np.int32)
    for s in range(samples):
        counts[s] = rng.poisson(rng.gamma(size, mean * rng.uniform(0.4, 2.5) / size))
    more = zeros - float((counts == 0).mean())
    if more > 0:  # as many again of those above zero are lost, gene by gene, as in single cells
        lost = more / float((counts > 0).mean())
        for s in range(samples):
            counts[s, rng.random(genes) < lost] = 0
    counts[:, :500] += 1  # some genes are seen everywhere, as the median of ratios needs
    return counts


def gap(ours: Any, theirs: Any) -> float:
    """The greatest absolute difference, row by row."""
    return max(
        float(np.abs(np.asarray(a, float) - np.asarray(b, float)).max()) for a, b in zip(ours, theirs, strict=True)
    )


def relative(ours: Any, theirs: Any) -> float:
    """The greatest relative difference."""
    return float(np.abs(np.asarray(ours) / np.asarray(theirs) - 1).max())


def captured(ours: Any, theirs: Any) -> float:
    """The share of variance by which ours finds less than the peer; below 0 it finds more."""
    return float(1 - ours.explained_variance_.sum() / theirs.explained_variance_.sum())


def errors(truth: np.ndarray, missing: np.ndarray) -> Callable[[Any, Any], float]:
    """Our root mean squared error over the peer's, less 1; below 0 ours is nearer to the truth."""

    def compare(ours: Any, theirs: Any) -> float:
        mine, peers = (float(np.sqrt(((each - truth)[missing] ** 2).mean())) for each in (ours, theirs))
        return mine / peers - 1

    return compare


class Elsewhere(NamedTuple):
    """A result that was timed elsewhere."""

    seconds: float
    result: Any


EDGER = "suppressMessages(library(edgeR)); f <- function(x) calcNormFactors(x)"
"""R that defines ``f``, from genes by samples to a number per sample."""


def in_r(counts: np.ndarray, code: str) -> Elsewhere:
    """Run R's ``f`` on the counts; the time is that of ``f`` alone, without R's start and reading."""
    with tempfile.TemporaryDirectory() as folder:
        counts.astype(np.float64).tofile(Path(folder, "x"))
        script = (
            f'{code}; x <- matrix(readBin("{folder}/x", "double", {counts.size}), nrow={counts.shape[1]}); '
            f't <- system.time(r <- f(x)); writeBin(c(t[[3]], as.double(r)), "{folder}/r")'
        )
        subprocess.run(["Rscript", "-e", script], check=True, capture_output=True)
        found = np.fromfile(Path(folder, "r"))
    return Elsewhere(float(found[0]), found[1:])


def cases(counts: np.ndarray) -> dict[str, Callable[[], Case]]:
    """The cases by name; a peer is imported when its case is made."""
    single = counts.astype(np.float32)
    batch = np.arange(len(counts)) % 4

    def scanpy_cpm(matrix: Any) -> Maker:
        import anndata
        import scanpy

        def make() -> Callable[[], Any]:
            held = anndata.AnnData(matrix.copy())

            def call() -> Any:
                scanpy.pp.normalize_total(held, target_sum=1e6)
                scanpy.pp.log1p(held)
                return held.X

            return call

        return make

    def own(estimator: Any, matrix: Any) -> Maker:
        """Ours in place, as scanpy's: on a copy that is made before the clock starts."""

        def make() -> Callable[[], Any]:
            held = matrix.copy()
            return lambda: estimator.fit_transform(held)

        return make

    def cpm() -> Case:
        return Case("cpm", "scanpy", 1, lambda: lambda: prepare.LogCPM().fit_transform(single), scanpy_cpm(single), gap)

    def cpm_own() -> Case:
        return Case("cpm_own", "scanpy", 1, own(prepare.LogCPM(copy=False), single), scanpy_cpm(single), gap)

    def sparse() -> Case:
        import scipy.sparse

        rows = scipy.sparse.csr_matrix(single)
        return Case(
            "sparse", "scanpy", 3, lambda: lambda: prepare.LogCPM().fit_transform(rows), scanpy_cpm(rows),
            lambda a, b: float(np.abs(a.data - b.data).max()),
        )  # fmt: skip

    def z() -> Case:
        import scanpy

        return Case(
            "z", "scanpy", 3, lambda: lambda: prepare.Scaler(ddof=1).fit_transform(single),
            lambda: lambda: scanpy.pp.scale(single, copy=True), gap,
        )  # fmt: skip

    def z_own() -> Case:
        import anndata
        import scanpy

        def make() -> Callable[[], Any]:
            held = anndata.AnnData(single.copy())
            return lambda: (scanpy.pp.scale(held), held.X)[1]

        return Case("z_own", "scanpy", 3, own(prepare.Scaler(ddof=1, copy=False), single), make, gap)

    def integers() -> Case:
        made = scanpy_cpm(counts.astype(np.float32))
        return Case("integers", "scanpy", 1, lambda: lambda: prepare.LogCPM().fit_transform(counts), made, gap)

    def quantile() -> Case:
        import qnorm

        genes_first = single.T

        def compare(ours: Any, theirs: Any) -> float:
            # qnorm has another rule for ties: they are compared on values that have none
            distinct = single[:20] + np.random.default_rng(1).random((20, single.shape[1])).astype(np.float32)
            ours = prepare.QuantileNormalizer().fit_transform(distinct)
            return relative(ours, qnorm.quantile_normalize(distinct.T, axis=1).T)

        return Case(
            "quantile", "qnorm", 1.4, lambda: lambda: prepare.QuantileNormalizer().fit_transform(single),
            lambda: lambda: qnorm.quantile_normalize(genes_first, axis=1).T, compare,
        )  # fmt: skip

    def median() -> Case:
        from pydeseq2.preprocessing import deseq2_norm

        return Case(
            "median", "pydeseq2", 5, lambda: lambda: prepare.MedianOfRatios().fit(counts).size_factors_,
            lambda: lambda: deseq2_norm(counts)[1], relative,
        )  # fmt: skip

    def upper() -> Case:
        import rnanorm

        return Case(
            "upper", "rnanorm", 6, lambda: lambda: prepare.UpperQuartile().fit(counts).norm_factors_,
            lambda: lambda: rnanorm.UQ().fit(counts).get_norm_factors(counts), relative,
        )  # fmt: skip

    def tmm() -> Case:
        import rnanorm

        return Case(
            "tmm", "rnanorm", 20, lambda: lambda: prepare.TMM().fit(counts).norm_factors_,
            lambda: lambda: rnanorm.TMM().fit(counts).get_norm_factors(counts), relative, slow=True,
        )  # fmt: skip

    def edger() -> Case:
        return Case(
            "edger", "edgeR TMM", 20, lambda: lambda: prepare.TMM().fit(counts).norm_factors_,
            lambda: lambda: in_r(counts, EDGER), relative, slow=True,
        )  # fmt: skip

    def gapped(genes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log CPM of the genes counted most, ten factors added, and the same with a tenth of it missing."""
        rng = np.random.default_rng(0)
        logs = prepare.LogCPM().fit_transform(single)[:, np.argsort(-single.mean(axis=0))[:genes]]
        logs = (logs + rng.normal(size=(len(logs), 10)) @ rng.normal(size=(10, genes))).astype(np.float32)
        missing = rng.random(logs.shape) < 0.1
        return logs, missing, np.where(missing, np.float32(np.nan), logs)

    def knn() -> Case:
        import sklearn.impute

        logs, missing, table = gapped(1500)
        return Case(
            "knn", "sklearn", 8, lambda: lambda: prepare.KNNImputer(10).fit_transform(table),
            lambda: lambda: sklearn.impute.KNNImputer(n_neighbors=10).fit_transform(table), errors(logs, missing),
        )  # fmt: skip

    def svd() -> Case:
        from sklearn.utils.extmath import randomized_svd

        logs, missing, table = gapped(5000)

        def call() -> Any:
            filled = np.where(missing, np.nanmean(table, axis=0), table)
            for _ in range(30):
                left, singular, right = randomized_svd(filled, 12, n_iter=2, random_state=0)
                filled = np.where(missing, (left * singular) @ right, table)
            return filled

        ours = prepare.SoftImpute(penalty=1.0, max_rank=12, max_iter=30, tol=1e-12)
        return Case(
            "svd", "sklearn", 2.5, lambda: lambda: ours.fit_transform(table), lambda: call, errors(logs, missing)
        )

    def structured(sparse: bool) -> Any:
        """Log CPM of eight groups of samples."""
        rng = np.random.default_rng(0)
        logs = prepare.LogCPM(target=1e4).fit_transform(single)
        shift = rng.normal(size=(8, logs.shape[1])) * (rng.random(logs.shape[1]) < 0.05)
        logs += shift[rng.integers(0, 8, len(logs))].astype(np.float32) * (logs > 0)
        if not sparse:
            return logs
        import scipy.sparse

        return scipy.sparse.csr_matrix(logs)

    def pca_with(name: str, theirs_by: str, sparse: bool, **more: Any) -> Case:
        import sklearn.decomposition

        table = structured(sparse)
        theirs = sklearn.decomposition.PCA(50, svd_solver=theirs_by, random_state=0)
        return Case(
            name, f"sk {theirs_by[:6]}", 3.5, lambda: lambda: prepare.PCA(50, **more).fit(table),
            lambda: lambda: theirs.fit(table), captured,
        )  # fmt: skip

    def pca() -> Case:
        return pca_with("pca", "arpack", False)

    def pca_random() -> Case:
        return pca_with("pca_random", "randomized", False)

    def pca_sparse() -> Case:
        return pca_with("pca_sparse", "arpack", True)

    def combat() -> Case:
        import anndata
        import scanpy

        logs = prepare.LogCPM().fit_transform(single)
        logs = np.ascontiguousarray(logs[:, np.all([logs[batch == b].var(axis=0) > 0 for b in range(4)], axis=0)])

        def make() -> Callable[[], Any]:
            held = anndata.AnnData(logs.copy())
            held.obs["batch"] = batch.astype(str)
            return lambda: (scanpy.pp.combat(held, key="batch"), held.X)[1]

        return Case(
            "combat", "scanpy", 30, lambda: lambda: prepare.ComBat().fit_transform(logs, batch=batch), make, gap
        )

    def vst() -> Case:
        import pandas as pd
        from pydeseq2.dds import DeseqDataSet

        def call() -> Any:
            rows = pd.DataFrame(
                {"condition": np.resize(["a", "b"], len(counts))}, [f"s{k}" for k in range(len(counts))]
            )
            table = pd.DataFrame(counts, rows.index, [f"g{k}" for k in range(counts.shape[1])])
            held = DeseqDataSet(counts=table, metadata=rows, design="~1", quiet=True)
            held.vst(use_design=False)
            return held.layers["vst_counts"]

        return Case(
            "vst", "pydeseq2", 50, lambda: lambda: prepare.VST().fit_transform(counts), lambda: call, gap, slow=True
        )

    made = (
        cpm,
        cpm_own,
        integers,
        sparse,
        z,
        z_own,
        quantile,
        median,
        upper,
        tmm,
        edger,
        combat,
        vst,
        knn,
        svd,
        pca,
        pca_random,
    )
    made = (*made, pca_sparse)
    return {each.__name__: each for each in made}

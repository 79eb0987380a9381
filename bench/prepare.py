"""Normalisation beside its peers, in one process, by turns: ``python bench/prepare.py [CASE ...] [--samples 500]``.

Each line gives the best time of ours and of a peer, their ratio (above 1: ours is faster), how far the results are
apart, and the NumPy memory that ours took beyond its result. scanpy works in place, so a copy of its input is timed
with it: ours leave their input as it was. qnorm has another rule for ties, so its result differs where there are
some. Peers that are not installed are left out. Cases: cpm sparse z quantile median upper tmm combat vst.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
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


def made_counts(samples: int, genes: int = 20_000, seed: int = 0) -> np.ndarray:
    """Negative binomial counts of unequal depth, about half of them zero, int32."""
    rng = np.random.default_rng(seed)
    mean = rng.gamma(0.35, 120, genes) + 0.02
    size = 1 / (0.1 + 1 / mean)
    counts = np.empty((samples, genes), np.int32)
    for s in range(samples):
        counts[s] = rng.poisson(rng.gamma(size, mean * rng.uniform(0.4, 2.5) / size))
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


def cases(counts: np.ndarray) -> dict[str, Callable[[], Case]]:
    """The cases by name; a peer is imported when its case is made."""
    single = counts.astype(np.float32)
    batch = np.arange(len(counts)) % 4

    def scanpy_cpm(matrix: Any) -> Maker:
        import anndata
        import scanpy

        def make() -> Callable[[], Any]:
            def call() -> Any:
                held = anndata.AnnData(matrix.copy())
                scanpy.pp.normalize_total(held, target_sum=1e6)
                scanpy.pp.log1p(held)
                return held.X

            return call

        return make

    def cpm() -> Case:
        return Case("cpm", "scanpy", 1, lambda: lambda: prepare.LogCPM().fit_transform(single), scanpy_cpm(single), gap)

    def sparse() -> Case:
        import scipy.sparse

        rows = scipy.sparse.csr_matrix(single)
        return Case(
            "sparse", "scanpy", 3, lambda: lambda: prepare.LogCPM().fit_transform(rows), scanpy_cpm(rows),
            lambda a, b: float(np.abs(a.data - b.data).max()),
        )  # fmt: skip

    def z() -> Case:
        import anndata
        import scanpy

        def call() -> Any:
            held = anndata.AnnData(single.copy())
            scanpy.pp.scale(held)
            return held.X

        return Case("z", "scanpy", 3, lambda: lambda: prepare.Scaler(ddof=1).fit_transform(single), lambda: call, gap)

    def quantile() -> Case:
        import qnorm

        genes_first = single.T
        return Case(
            "quantile", "qnorm", 1.4, lambda: lambda: prepare.QuantileNormalizer().fit_transform(single),
            lambda: lambda: qnorm.quantile_normalize(genes_first, axis=1).T, gap,
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

    made = (cpm, sparse, z, quantile, median, upper, tmm, combat, vst)
    return {each.__name__: each for each in made}


def timed(maker: Maker) -> tuple[float, Any]:
    """Seconds of one call, and its result."""
    call = maker()
    gc.collect()
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


def extra_memory(maker: Maker) -> float:
    """MB of arrays above what the result itself holds, at the peak of one call."""
    call = maker()
    gc.collect()
    tracemalloc.start()
    result = call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held = result.data if hasattr(result, "indptr") else result
    return float((peak - held.nbytes) / 2**20)


def measure(case: Case, repeats: int) -> None:
    """Print one line: the two by turns, the best of each."""
    warnings.simplefilter("ignore")
    first, ours = timed(case.ours)
    their_first, theirs = timed(case.theirs)
    apart = case.compare(ours, theirs)
    del ours, theirs
    our_times, their_times = [], [their_first] if case.slow else []
    for _ in range(repeats):
        our_times.append(timed(case.ours)[0])
        if not case.slow:
            their_times.append(timed(case.theirs)[0])
    mine, peers = min(our_times), min(their_times)
    print(
        f"{case.name:9} {mine * 1e3:8.0f} ms  {case.peer:9} {peers * 1e3:8.0f} ms  ratio {peers / mine:6.1f} "
        f"(wanted {case.wanted:g})  apart {apart:.1e}  first {first:.1f} s  extra {extra_memory(case.ours):.0f} MB",
        flush=True,
    )


def main() -> None:
    """Run the cases that were named, or those whose peers take seconds and not minutes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    known = cases(made_counts(chosen.samples))
    for name in chosen.case or [name for name in known if name not in ("tmm", "vst")]:
        if name not in known:
            sys.exit(f"no case {name!r}: choose from {', '.join(known)}")
        try:
            case = known[name]()
        except ImportError as missing:
            print(f"{name:9} left out: {missing}")
            continue
        measure(case, chosen.repeats)


if __name__ == "__main__":
    main()

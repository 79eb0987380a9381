"""Normalisation beside its peers, in one process, by turns: ``python bench/prepare.py [CASE ...] [--samples 500]``.

Each line gives the best time of ours and of a peer, their ratio (above 1: ours is faster), the ratio of processor time
("of work": it does not grow where others use the machine), how far the results are apart, and the NumPy memory that
ours took beyond its result. ``cpm_own`` and ``z_own`` work in place on a copy that is made before the clock starts, as
scanpy does; ours make a new table in all others, and scanpy does in ``z`` (``copy=True``). qnorm has another
rule for ties, so the two are compared on values without any. "apart" of imputation is our error on what was held out
over the peer's less 1, of PCA the share of variance by which ours finds less: arpack is scanpy's solver, randomized is
what scikit-learn chooses for this shape, and ours is exact beside both. edgeR is timed by R itself. Peers that are not
installed are left out. For one thread: ``OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 taskset -c 0 python bench/prepare.py``.

Cases: cpm cpm_own integers sparse z z_own quantile median upper tmm edger combat vst knn svd pca pca_random
pca_sparse. ``stream`` takes blocks of a file of 100,000 samples. ``--zeros 0.71`` makes that share of the counts zero.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import tempfile
import time
import tracemalloc
import warnings
from typing import Any, NamedTuple

from prepare_cases import Case, Elsewhere, Maker, cases, made_counts


class Timed(NamedTuple):
    """Seconds on the clock, and of all processors: the latter do not grow where others use the machine."""

    clock: float
    work: float


def timed(maker: Maker) -> tuple[Timed, Any]:
    """Seconds of one call, on the clock and of all processors, and its result."""
    call = maker()
    gc.collect()
    began, used = time.perf_counter(), time.process_time()
    result = call()
    if isinstance(result, Elsewhere):
        return Timed(result.seconds, result.seconds), result.result
    return Timed(time.perf_counter() - began, time.process_time() - used), result


def extra_memory(maker: Maker) -> float:
    """MB of arrays above what the result itself holds, at the peak of one call."""
    call = maker()
    gc.collect()
    tracemalloc.start()
    result = call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held = result.data if hasattr(result, "indptr") else result
    return float((peak - getattr(held, "nbytes", 0)) / 2**20)


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
    (mine, our_work), (peers, their_work) = (map(min, zip(*each, strict=True)) for each in (our_times, their_times))
    print(
        f"{case.name:10} {mine * 1e3:7.0f} ms  {case.peer:9} {peers * 1e3:7.0f} ms  ratio {peers / mine:5.1f} "
        f"(wanted {case.wanted:g})  of work {their_work / our_work:5.1f}  apart {apart:.1e}  "
        f"first {first.clock:.1f} s  extra {extra_memory(case.ours):.0f} MB",
        flush=True,
    )


def stream(samples: int = 100_000, genes: int = 20_000, block: int = 1000) -> None:
    """Log CPM and moments of all genes, a block of samples at a time, from a 10x file with 5 % counts above 0."""
    import h5py
    import numpy as np
    import scipy.sparse

    from genolab import io, prepare
    from genolab.prepare.summaries import moments_of
    from genolab.prepare.table import table_of

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/counts.h5"
        rows = scipy.sparse.random_array((block, genes), density=0.05, rng=rng, format="csr")
        rows.data = np.ceil(rows.data * 20)
        with h5py.File(path, "w") as file:
            group, repeats = file.create_group("matrix"), samples // block
            for name, values, kind in (("data", rows.data, "i4"), ("indices", rows.indices, "i4")):
                stored = group.create_dataset(name, (rows.nnz * repeats,), kind)
                for part in range(repeats):
                    stored[part * rows.nnz : (part + 1) * rows.nnz] = values
            ends = (np.arange(repeats)[:, None] * rows.nnz + rows.indptr[1:]).ravel()
            group["indptr"], group["shape"] = np.append(0, ends), np.array([genes, samples])
            group["barcodes"] = np.arange(samples).astype("S8")
            group["features/id"] = group["features/name"] = np.arange(genes).astype("S8")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, seen, moments, normalizer = time.perf_counter(), 0, None, prepare.LogCPM()
        for counts in io.count_blocks(path, block):
            logs = (normalizer.fit_transform if not seen else normalizer.transform)(counts.values)
            moments = moments_of(table_of(logs), seen, moments)
            seen += len(counts)
        took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = (rows.nnz * repeats * 8) / 2**20
    more = (after - before) / 1024
    print(
        f"stream    {samples:,} x {genes:,} ({size:,.0f} MB stored): {took:.1f} s, {more:.0f} MB more memory",
        flush=True,
    )


SLOW = ("tmm", "edger", "vst", "combat", "svd", "stream")
"""Whose peers take seconds or minutes: run when they are named."""


def main() -> None:
    """Run the cases that were named, or those whose peers take seconds and not minutes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*")
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--zeros", type=float, default=0.0, help="share of counts that are 0, at least")
    chosen = parser.parse_args()
    known = cases(made_counts(chosen.samples, zeros=chosen.zeros))
    for name in chosen.case or [name for name in known if name not in SLOW]:
        if name == "stream":
            stream()
            continue
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

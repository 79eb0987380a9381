"""Soft alignment: cells a second, forward and with gradients, against nwgrad; cold starts; learning; one pair.

python bench/soft.py [--pairs N] [--repeats N] [--only WORD] [--markdown FILE]

nwgrad (`pip install nwgrad`) is measured turn by turn in the same run, on one thread, in double precision, as ours is;
its gradients are checked to be the same. Without it, its rows say so. Times are CPU times, the best of the repeats;
GCUPS are billions of matrix cells a second. Cold starts run in a process of their own with empty caches.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import genolab as gl
from genolab.align.soft import soft_expectations, soft_scores
from genolab.align.soft_alignments import kernel_inputs

COLD = {
    "soft_scores and gradient": """
q, t = ["ACGTACGTTT"] * 20, ["ACGTCGTTGT"] * 20
result = gl.align.soft_align(q, t, threads=1); result.expected_counts""",
    "posterior of a pair": 'gl.align.soft_align("ACGTACGT", "ACGACGT").posterior(0)',
    "in log space": 'gl.align.soft_align("ACGTACGT" * 9, "ACGACGT" * 9, temperature=0.01).expected_counts',
    "learn_scoring": """
made = gl.data.simulate_alignments(200, seed=1)
found = gl.align.learn_scoring(made.queries, made.targets, made.cigars, shape="symmetric", threads=1)
print(f"open {found.scoring.gap_open:.3f} for {made.gap_open:.3f}, {found}", file=sys.stderr)""",
}


def pairs(count: int) -> tuple[list[str], list[str]]:
    """Reads of 150 with 5 % errors and their windows of 200."""
    random = np.random.default_rng(0)
    queries, targets = [], []
    for _ in range(count):
        codes = random.integers(0, 4, 200)
        read = codes[20:172].copy()
        changed = random.random(read.size) < 0.05
        read[changed] = random.integers(0, 4, changed.sum())
        read = np.delete(read, random.integers(0, read.size, 2))
        queries.append("".join("ACGT"[code] for code in read))
        targets.append("".join("ACGT"[code] for code in codes))
    return queries, targets


def best(runs: list[Callable[[], Any]], repeats: int) -> list[float]:
    """CPU seconds of each, taken in turns."""
    seconds = [float("inf")] * len(runs)
    for _ in range(repeats):
        for place, run in enumerate(runs):
            began = time.process_time()
            run()
            seconds[place] = min(seconds[place], time.process_time() - began)
    return seconds


def rival(queries: list[str], targets: list[str], mode: str) -> tuple[Callable[[], Any], Callable[[], Any]] | None:
    """nwgrad's soft score with gradients, and what they are."""
    try:
        import nwgrad
    except ImportError:
        return None
    table = np.full((4, 4), -4.0) + 6 * np.eye(4)
    params = nwgrad.AlignParams(table, "ACGT", 4.0, 2.0, 4.0, 2.0)
    batch = nwgrad.SeqPairBatchDouble(queries, targets, params, n_threads=1, mode=mode, grad_mode="soft")

    def both() -> Any:
        batch.set_params(params)  # or it would give what it has kept
        return batch.score_and_grad()

    return both, lambda: batch.compute_grad().to_dict()


def cold(name: str, code: str) -> str:
    """Wall and CPU seconds of a first call in a fresh process, without what importing takes."""
    head = "import sys, time, genolab as gl, genolab.align.soft_aligner, genolab.align.learning, numba\n"
    head += "from genolab.align.soft_alignments import SoftAlignments\n"
    head += "began, cpu = time.perf_counter(), time.process_time()\n"
    tail = "\nprint(f'{time.perf_counter() - began:.1f} s, {time.process_time() - cpu:.1f} s of CPU')"
    with tempfile.TemporaryDirectory() as caches:
        own = {"XDG_CACHE_HOME": "cache", "NUMBA_CACHE_DIR": "numba", "GENOLAB_CACHE": "genolab"}
        environment = os.environ | {name: f"{caches}/{folder}" for name, folder in own.items()}
        environment["PYTENSOR_FLAGS"] = f"base_compiledir={caches}/pytensor"
        done = subprocess.run(
            [sys.executable, "-c", head + code + tail], env=environment, capture_output=True, text=True, check=True
        )
    return f"| cold start: {name} | {done.stdout.strip()} | {(done.stderr.strip().splitlines() or [''])[-1]} |"


def main() -> None:
    """Run, print a table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="global, local, posterior or cold starts with this word")
    parser.add_argument("--markdown")
    options = parser.parse_args()
    lines = ["| what | figure | beside it |", "|---|---|---|"]
    print("\n".join(lines), flush=True)

    def say(line: str) -> None:
        lines.append(line)
        print(line, flush=True)

    queries, targets = pairs(options.pairs)
    cells = sum(len(q) * len(t) for q, t in zip(queries, targets, strict=True)) / 1e9
    for mode in ("global", "local"):
        if options.only not in mode:
            continue
        result = gl.align.soft_align(queries, targets, mode=mode, threads=1)
        inputs = kernel_inputs(result)
        theirs = rival(queries, targets, mode)
        ours = [lambda inputs=inputs: soft_scores(*inputs), lambda inputs=inputs: soft_expectations(*inputs)]
        ours[1]()
        forward, both, *other = best([*ours, *([theirs[0]] if theirs else [])], options.repeats)
        note = "nwgrad is not installed"
        if theirs:
            counts = soft_expectations(*inputs).pairs.sum(axis=0)[:4, :4]
            gradient = np.asarray(theirs[1]()["matrix"])
            difference = np.abs(counts - gradient).max() / counts.max()
            note = f"nwgrad {cells / other[0]:.3f}: {other[0] / both:.1f} times; gradients differ by {difference:.0e}"
        say(f"| {mode}, forward, 150 x 200 | {cells / forward:.2f} GCUPS | asked 1 |")
        say(f"| {mode}, forward and gradient | {cells / both:.3f} GCUPS | asked 0.2; {note} |")
    query, target = "".join(queries[:2]), "".join(targets[:2])[:300]
    for temperature in (0.01, 0.3, 1.0, 10.0) if options.only in "posterior" else ():
        run = lambda t=temperature: gl.align.soft_align(query, target, temperature=t, threads=1).posterior(0)  # noqa: E731
        run()
        (seconds,) = best([run], options.repeats)
        say(f"| posterior of 300 x 300 at temperature {temperature:g} | {seconds * 1e3:.1f} ms | asked 30 |")
    for name, code in COLD.items():
        if options.only in f"cold start: {name}":
            say(cold(name, code))
    if options.markdown:
        with open(options.markdown, "w") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""Cells a second of the pair-HMM on one core, its compile time, and its distance to double precision.

python bench/pairhmm.py [--pairs N] [--repeats N] [--markdown FILE]

Reads with 0.5 % errors of haplotypes that are longer, of the sizes that windows and long reads have. A cell is one read
base against one haplotype base, of the band where there is one; gathering and sorting are inside the CPU time. The
exact value is the same sum in double precision, each row scaled. Cold is the CPU time of the first call in a fresh
process with empty caches.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np

SIZES = ((60, 110), (101, 160), (150, 250), (250, 400))
BANDS = (None, 20)


def batch(pairs: int, bases: int, columns: int) -> list[np.ndarray]:
    """Reads of random haplotypes: one in three lacks five bases in the middle; all have errors."""
    random = np.random.default_rng(bases)
    haplotype_length = random.integers(columns - 20, columns + 1, pairs)
    read_length = random.integers(bases - 20, bases + 1, pairs)
    haplotype = random.integers(0, 4, haplotype_length.sum()).astype(np.uint8)
    starts = np.cumsum(haplotype_length) - haplotype_length
    diagonal = random.integers(0, haplotype_length - read_length - 6)
    reads = []
    for k in range(pairs):
        at = starts[k] + diagonal[k] + np.arange(read_length[k])
        at[read_length[k] // 2 :] += 5 * (k % 3 == 0)
        read = haplotype[at]
        wrong = random.random(read.size) < 0.005
        reads.append(np.where(wrong, random.integers(0, 4, read.size), read))
    base = np.concatenate(reads).astype(np.uint8)
    quality = random.integers(20, 42, base.size).astype(np.float64)
    opening = 10.0 ** -random.uniform(1.5, 4.5, haplotype.size)
    read_start = np.cumsum(read_length) - read_length
    return [base, quality, read_start, read_length, haplotype, opening, starts, haplotype_length, diagonal]


COLD = """
import time
from genolab.call.pairhmm import pair_hmm
example = pair_hmm.example()
import genolab.call.loops.pairhmm
from genolab.call.forward import likelihoods_of_pairs as likelihoods
began = time.process_time()
likelihoods(*example)
print(time.process_time() - began)
"""


def cold_seconds() -> float:
    """The first call in a fresh process without caches, Numba's import included."""
    with tempfile.TemporaryDirectory() as caches:
        environment = {**os.environ, "NUMBA_CACHE_DIR": caches, "PYTENSOR_FLAGS": f"base_compiledir={caches}"}
        done = subprocess.run([sys.executable, "-c", COLD], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=2_000, help="default %(default)s")
    parser.add_argument("--repeats", type=int, default=7, help="the best counts (default %(default)s)")
    parser.add_argument("--markdown", type=Path, help="write the table here too")
    options = parser.parse_args()
    from genolab.call.loops.pairhmm import exact_likelihoods
    from genolab.call.pairhmm import UNLIMITED, pair_hmm

    lines = ["| read x haplotype | band | million cells/s | largest difference, log10 |", "|---|---|---|---|"]
    for bases, columns in SIZES:
        arrays = batch(options.pairs, bases, columns)
        for band in BANDS:
            width = UNLIMITED if band is None else band
            cells = int((arrays[3] * np.minimum(arrays[7], 2 * width + 1)).sum())
            found = pair_hmm(*arrays, width).log10_likelihood
            seconds = []
            for _ in range(options.repeats):
                began = time.process_time()
                pair_hmm(*arrays, width)
                seconds.append(time.process_time() - began)
            away = np.abs(found - exact_likelihoods(*arrays, width)).max()
            name = f"{bases} x {columns}"
            lines.append(f"| {name} | {band or 'none'} | {cells / min(seconds) / 1e6:,.0f} | {away:.1e} |")
    text = "\n".join(
        [*lines, "", f"{cold_seconds():.1f} s for the first call, cold; one core, best of {options.repeats}"]
    )
    print(text)
    if options.markdown:
        options.markdown.write_text(text + "\n")


if __name__ == "__main__":
    main()

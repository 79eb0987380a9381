"""A mitochondrion's worth of reads, very deep: ``python bench/deep.py [--length 16000] [--depth 1670]``.

Reads are simulated without errors from a donor that differs from the reference at every 500th base, half of them on one
of two copies. What is printed is the time of the call (reading included), the peak memory of the process, and the depth
that the calls report beside the fragments that lie there. The command fails where a fragment was left out unsaid, a
difference was missed or another call was made.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

READ, EVERY = 150, 500


def make(folder: Path, length: int, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Write the reference and its reads, sorted and indexed; the variants (0-based) and the fragments over each."""
    import pysam

    random = np.random.default_rng(depth)
    codes = random.integers(0, 4, length)
    variants = np.arange(EVERY, length - EVERY + 1, EVERY)
    copies = np.tile(codes, (2, 1))
    copies[0, variants] = (codes[variants] + 1) % 4
    copies[1, variants[::2]] = (codes[variants[::2]] + 1) % 4
    texts = [np.frombuffer(b"ACGT", np.uint8)[each].tobytes().decode() for each in (codes, *copies)]
    (folder / "reference.fa").write_text(f">c\n{texts[0]}\n")
    pysam.faidx(str(folder / "reference.fa"))
    start = np.sort(random.integers(0, length - READ + 1, length * depth // READ))
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "c", "LN": length}]}
    header["RG"] = [{"ID": "g", "SM": "donor"}]
    with pysam.AlignmentFile(str(folder / "reads.bam"), "wb", header=header) as file:
        for number, (place, copy) in enumerate(zip(start.tolist(), random.integers(1, 3, start.size), strict=True)):
            read = pysam.AlignedSegment(file.header)
            read.query_name, read.reference_id, read.reference_start = f"r{number}", 0, place
            read.mapping_quality, read.flag, read.cigarstring = 60, 16 * (number % 2), f"{READ}M"
            read.query_sequence, read.query_qualities_str = texts[copy][place : place + READ], "?" * READ
            read.set_tag("RG", "g")
            file.write(read)
    pysam.index(str(folder / "reads.bam"))
    return variants, np.array([((start <= at) & (at < start + READ)).sum() for at in variants])


def inside(folder: str) -> None:
    """Call it; prints seconds, the peak in MB, and position and depth of every call."""
    from genolab.call import call_variants

    began = time.perf_counter()
    calls = call_variants(Path(folder, "reads.bam"), Path(folder, "reference.fa"))
    seconds = time.perf_counter() - began
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, *calls.notices, sep="\n")
    print(*calls.position.tolist())
    print(*(sum(calls.allele_depth(at)) for at in range(len(calls))))


def main() -> int:
    """Make the files, call them twice in processes of their own, and compare what is reported with what was made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, default=16_000)
    parser.add_argument("--depth", type=int, default=1_670)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        inside(options.inside)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        variants, covered = make(Path(folder), options.length, options.depth)
        command = [sys.executable, __file__, "--inside", folder]
        for caches in ("caches as they are", "warm caches"):
            lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
            seconds, peak = float(lines[0]), float(lines[1])
            print(f"{caches}: {seconds:.2f} s, peak {peak:.0f} MB; {' '.join(lines[2:-2]) or 'no notice'}")
    position, depth = (np.array(line.split(), int) for line in lines[-2:])
    print(f"{len(position)} calls of {len(variants)} variants, {depth.mean():.1f} of {covered.mean():.1f} fragments")
    return int(not (np.array_equal(position, variants) and np.array_equal(depth, covered)))


if __name__ == "__main__":
    sys.exit(main())

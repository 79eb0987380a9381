"""Peak memory of calling a 10 MB and a 300 MB BAM at the same tile size: ``python bench/memory.py [--sizes 10 300]``.

Each runs in a process of its own; what is printed is the highest resident set, and its growth over the smallest file.
The command fails where that is more than 10 %. Reads are simulated, 30x over a longer and longer genome.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PER_MB = 10_500  # reads of 150 bases in a megabyte of BAM, as they are made here
DEPTH, LENGTH, TILE = 30, 150, 50_000


def make(folder: Path, megabytes: int) -> tuple[Path, Path]:
    """A reference and its reads, sorted and indexed."""
    import pysam

    reads = megabytes * PER_MB
    size = max(reads * LENGTH // DEPTH, 100_000)
    random = np.random.default_rng(megabytes)
    codes = random.integers(0, 4, size, dtype=np.uint8)
    letters = np.frombuffer(b"ACGT", np.uint8)[codes].tobytes()
    reference, path = folder / f"{megabytes}.fa", folder / f"{megabytes}.bam"
    with open(reference, "wb") as stream:
        stream.write(b">c\n")
        for at in range(0, size, 100):
            stream.write(letters[at : at + 100] + b"\n")
    pysam.faidx(str(reference))
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "c", "LN": size}], "RG": [{"ID": "g", "SM": "s"}]}
    places = np.sort(random.integers(0, size - LENGTH, reads))
    text = letters.decode()
    with pysam.AlignmentFile(str(path), "wb", header=header, threads=2) as file:
        for number, place in enumerate(places.tolist()):
            read = pysam.AlignedSegment(file.header)
            read.query_name, read.reference_id, read.reference_start = f"r{number}", 0, place
            read.mapping_quality, read.flag, read.cigarstring = 60, 16 * (number % 2), f"{LENGTH}M"
            read.query_sequence = text[place : place + LENGTH]
            read.query_qualities_str = (random.integers(20, 41, LENGTH, dtype=np.uint8) + 33).tobytes().decode()
            read.set_tag("RG", "g")
            file.write(read)
    pysam.index(str(path))
    return path, reference


def inside(reads: str, reference: str) -> None:
    """Call everything, tile by tile; prints the peak in MB."""
    from genolab.call import call_variants

    calls = call_variants(reads, reference, tile=TILE)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(calls.position))


def main() -> int:
    """Measure each size, smallest first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 300], metavar="MB")
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        inside(*options.inside)
        return 0
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sorted(options.sizes):
            reads, reference = make(Path(folder), size)
            command = [sys.executable, __file__, "--inside", str(reads), str(reference)]
            answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            peaks.append(float(answer[-2]))
            megabytes = reads.stat().st_size / 1e6
            grown = f"{peaks[-1] / peaks[0] - 1:+.1%}"
            print(f"{megabytes:7.1f} MB of BAM: peak {peaks[-1]:7.1f} MB ({grown}), {answer[-1]} calls", flush=True)
            reads.unlink()
    return int(max(peaks) > 1.1 * min(peaks))


if __name__ == "__main__":
    sys.exit(main())

"""Peak memory of calling a 10 MB and a 300 MB BAM at the same tile size: ``python bench/memory.py [--sizes 10 300]``.

Reads of a donor with SNVs and indels are simulated at 30x over one stretch; a larger file is that stretch again and
again along one longer contig. Each size is called to a file in a process of its own; what is printed is the highest
resident set, its growth over the smallest file, and the calls. The command fails where memory grew by more than 10 %,
or where the larger file does not have the calls of the stretch in every copy. Files are made in processes of their own
too: Linux counts what the parent of a process took as the child's.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

STRETCH, DEPTH, TILE = 610_000, 30, 50_000  # bases whose reads are 10 MB of BAM; coverage; positions at a time
MEGABYTES = 10


def make(folder: Path, copies: int) -> None:
    """A reference and its reads, sorted and indexed: the simulated stretch, `copies` times."""
    import pysam

    from genolab.data import simulate

    stretch, simulated = folder / "stretch.fa", folder / "stretch" / "reads.bam"
    letters = np.frombuffer(b"ACGT", np.uint8)[np.random.default_rng(1).integers(0, 4, STRETCH)].tobytes().decode()
    if not simulated.exists():
        stretch.write_text(f">c\n{letters}\n")
        simulate(stretch, simulated.parent, depth=DEPTH)
    reference, path = folder / f"{copies}.fa", folder / f"{copies}.bam"
    reference.write_text(f">c\n{letters * copies}\n")
    pysam.faidx(str(reference))
    with pysam.AlignmentFile(str(simulated)) as source:
        header = source.header.to_dict()
        header["SQ"] = [{"SN": "c", "LN": STRETCH * copies}]
        with pysam.AlignmentFile(str(path), "wb", header=header) as file:
            for copy in range(copies):
                for read in source.fetch("c"):
                    read.reference_start += copy * STRETCH
                    read.next_reference_start += copy * STRETCH
                    file.write(read)
    pysam.index(str(path))


def inside(reads: str, reference: str) -> None:
    """Call everything, tile by tile; prints the peak in MB."""
    from genolab.call import call_to_file

    written = call_to_file(reads, reference, Path(reads).with_suffix(".vcf.gz"), tile=TILE)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, written.records)


def main() -> int:
    """Measure each size, smallest first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 300], metavar="MB")
    parser.add_argument("--make", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(Path(options.make[0]), int(options.make[1]))
        return 0
    if options.inside:
        inside(*options.inside)
        return 0
    peaks, each = [], []
    with tempfile.TemporaryDirectory() as folder:
        for size in sorted(options.sizes):
            copies = max(round(size / MEGABYTES), 1)
            reads, reference = (Path(folder) / f"{copies}{end}" for end in (".bam", ".fa"))
            again = [sys.executable, __file__]
            subprocess.run([*again, "--make", folder, str(copies)], check=True)
            command = [*again, "--inside", str(reads), str(reference)]
            if not peaks:  # the first process ever compiles, which takes memory of its own
                subprocess.run(command, capture_output=True, check=True)
            answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            peaks.append(float(answer[-2]))
            each.append(int(answer[-1]) / copies)
            grown = f"{peaks[-1] / peaks[0] - 1:+.1%}"
            megabytes = reads.stat().st_size / 1e6
            print(f"{megabytes:7.1f} MB of BAM: peak {peaks[-1]:7.1f} MB ({grown}), {answer[-1]} calls", flush=True)
            reads.unlink()
    return int(max(peaks) > 1.1 * peaks[0] or max(each) > 1.01 * min(each))


if __name__ == "__main__":
    sys.exit(main())

"""Read mapping against mappy (minimap2) and bwa: the same reads, in the same run, turn by turn, one thread.

python bench/map.py [--genome FASTA] [--reads N] [--repeats N] [--only WORD] [--markdown FILE]

Reads are simulated by wgsim with seeds of their own, so their true places are known. In process both sides start from
Python strings and end with place, strand, mapping quality and CIGAR of each read; times are CPU times, the best of the
repeats, and a ratio above 1 means that genolab is faster. ``within 5``: placed within 5 letters of the truth;
``wrong``: placed elsewhere with a mapping quality of 10 or more. From files, `bwa mem | samtools sort` is the peer. The
variants of a simulated donor are called by genolab from both BAM files. Needs wgsim, samtools, bwa and mappy.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import mappy
import numpy as np

import genolab as gl
from genolab.io import open_fastq, read_variants

SHARED = Path(os.environ.get("GENOLAB_SHARED", Path(__file__).parents[2] / "shared"))
HARD = ("-e", "0.02", "-r", "0.02", "-R", "0.3", "-X", "0.5")
GENOME = SHARED / "data" / "align" / "ecoli_mg1655.fa.gz"


class Reads(NamedTuple):
    """Sequences with the truth: contig, 1-based first and last letter of the fragment, length."""

    sequences: list[str]
    contig: list[str]
    start: np.ndarray
    end: np.ndarray
    length: np.ndarray


class Placed(NamedTuple):
    """What a mapper says: contig, 0-based place of the first letter with what was clipped, strand, quality."""

    contig: list[str]
    position: np.ndarray
    reverse: np.ndarray
    quality: np.ndarray


def wgsim(folder: Path, reference: Path, count: int, length: int, seed: int, *options: str) -> tuple[Path, Path]:
    """Simulate pairs; the names of the reads hold the truth."""
    paths = folder / f"{seed}_1.fq", folder / f"{seed}_2.fq"
    words = ["-S", str(seed), "-N", str(count), "-1", str(length), "-2", str(length), *options]
    subprocess.run(["wgsim", *words, str(reference), *map(str, paths)], check=True, capture_output=True)
    return paths


def with_truth(path: Path) -> Reads:
    """Read a FASTQ file of wgsim's."""
    with open_fastq(path) as file:
        found = file.take(10**7)
    sequences, contigs, places = [], [], []
    for k in range(len(found)):
        begin = found.start[k]
        sequences.append(found.letters[begin : begin + found.length[k]].tobytes().decode())
        contig, start, end, *_ = found.name(k).rsplit("_", 5)
        contigs.append(contig)
        places.append((int(start), int(end)))
    start, end = np.array(places).T
    return Reads(sequences, contigs, start, end, found.length)


def joined(parts: list[Reads]) -> Reads:
    """Reads of several files as one list."""
    texts = [[each for part in parts for each in part[k]] for k in (0, 1)]
    return Reads(*texts, *(np.concatenate([part[k] for part in parts]) for k in (2, 3, 4)))


def ours(index: Any, reads: Reads) -> Placed:
    """genolab, in process."""
    found = gl.align.map_sequences(reads.sequences, index, threads=1)
    position = np.where(found.position >= 0, found.position - found.clipped[:, 0], -(10**9))
    return Placed(
        [found.contigs[k] if k >= 0 else "" for k in found.contig.tolist()], position, found.reverse,
        found.mapping_quality,
    )  # fmt: skip


def theirs(aligner: Any, reads: Reads) -> Placed:
    """mappy, in process, read by read as it is meant to be used."""
    count, buffer = len(reads.sequences), mappy.ThreadBuffer()
    contig, position = [""] * count, np.full(count, -(10**9))
    reverse, quality = np.zeros(count, bool), np.zeros(count, int)
    for k, sequence in enumerate(reads.sequences):
        for hit in aligner.map(sequence, buf=buffer):
            if hit.is_primary:
                reverse[k], quality[k], contig[k] = hit.strand < 0, hit.mapq, hit.ctg
                position[k] = hit.r_st - (len(sequence) - hit.q_en if hit.strand < 0 else hit.q_st)
                break
    return Placed(contig, position, reverse, quality)


def judged(placed: Placed, reads: Reads) -> tuple[float, int, float]:
    """The share within 5 letters, the wrong ones of quality 10 or more, the share of quality 10 or more."""
    true = np.where(placed.reverse, reads.end - reads.length + 1, reads.start)
    right = np.abs(placed.position + 1 - true) <= 5
    right &= np.array([a == b for a, b in zip(placed.contig, reads.contig, strict=True)])
    sure = (placed.position > -(10**8)) & (placed.quality >= 10)
    return float(right.mean()), int((sure & ~right).sum()), float(sure.mean())


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of one call, and its result."""
    began = time.process_time()
    result = run()
    return time.process_time() - began, result


def in_process(name: str, asked: str, reference: Path, reads: Reads, repeats: int) -> Iterator[str]:
    """One workload, both sides in turns."""
    began = time.perf_counter()
    index = gl.align.index_reference(reference)
    ours(index, reads)
    first = time.perf_counter() - began
    aligner = mappy.Aligner(str(reference), preset="sr", n_threads=1)
    best, results = [float("inf")] * 2, [None] * 2
    for _ in range(repeats):
        for side, run in enumerate((lambda: ours(index, reads), lambda: theirs(aligner, reads))):
            seconds, results[side] = timed(run)
            best[side] = min(best[side], seconds)
    count = len(reads.sequences)
    (right, wrong, sure), other = judged(results[0], reads), judged(results[1], reads)
    yield (
        f"| {name:<24} | {count / best[0]:9,.0f} | {count / best[1]:9,.0f} | {best[1] / best[0]:5.2f} | {asked:>5} "
        f"| {right:.4f} {other[0]:.4f} | {sure:.4f} {other[2]:.4f} | {wrong:4} {other[1]:4} | {first:7.1f} |"
    )


def children() -> float:
    """CPU seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def by_bwa(reference: Path, paths: tuple[Path, Path], output: Path) -> float:
    """Map pairs as usual; CPU seconds."""
    before = children()
    with subprocess.Popen(
        ["bwa", "mem", "-t", "1", reference, *paths], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as bwa:
        subprocess.run(["samtools", "sort", "-o", output, "-"], stdin=bwa.stdout, check=True, capture_output=True)
    subprocess.run(["samtools", "index", output], check=True)
    return children() - before


def from_files(folder: Path, reference: Path, count: int) -> Iterator[str]:
    """Pairs from FASTQ to a sorted BAM, and how many of both are where they are from."""
    paths = wgsim(folder, reference, count, 150, 31, "-e", "0.01")
    truth = joined([with_truth(path) for path in paths])
    mine, other = folder / "ours.bam", folder / "bwa.bam"
    gl.align.map_reads(paths, reference, mine, threads=1)
    own, result = timed(lambda: gl.align.map_reads(paths, reference, mine, threads=1))
    peer = by_bwa(reference, paths, other)
    subprocess.run(["samtools", "quickcheck", mine], check=True)
    rows = [judged(in_file(path, truth, count), truth) for path in (mine, other)]
    (right, wrong, sure), peers = rows
    yield f"\n{count:,} pairs, FASTQ to sorted BAM, CPU: genolab {own:.2f} s, bwa mem | samtools sort {peer:.2f} s; "
    yield f"ratio {peer / own:.2f}. Within 5: {right:.4f} and {peers[0]:.4f}; quality 10 or more: {sure:.4f} and "
    yield f"{peers[2]:.4f}, of these wrong: {wrong} and {peers[1]}. Proper: {result.proper_pairs:,}."


def in_file(path: Path, truth: Reads, count: int) -> Placed:
    """The primary records of a BAM file in the order of the reads: all first mates, then all second."""
    import pysam

    with open_fastq(path.parent / "31_1.fq") as file:
        found = file.take(count)
    order = {found.name(k).removesuffix("/1"): k for k in range(count)}
    size = len(truth.sequences)
    contig, position = [""] * size, np.full(size, -(10**9))
    reverse, quality = np.zeros(size, bool), np.zeros(size, int)
    with pysam.AlignmentFile(str(path)) as file:
        for read in file:
            if read.flag & 0x904:
                continue
            k = order[read.query_name] + count * read.is_read2
            kind, clipped = read.cigartuples[0]
            contig[k], reverse[k], quality[k] = read.reference_name, read.is_reverse, read.mapping_quality
            position[k] = read.reference_start - (clipped if kind == 4 else 0)
    return Placed(contig, position, reverse, quality)


def variants(folder: Path, genome: str) -> Iterator[str]:
    """Call the variants of a simulated donor from our BAM file and from bwa's."""
    reference = folder / "slice.fa"
    reference.write_text(">slice\n" + genome[1_000_000:1_200_000] + "\n")
    subprocess.run(["samtools", "faidx", reference], check=True)
    subprocess.run(["bwa", "index", reference], check=True, capture_output=True)
    donor = gl.data.simulate(reference, folder / "donor", depth=30, seed=4)
    paths = folder / "donor_1.fq", folder / "donor_2.fq"
    collate = subprocess.run(["samtools", "collate", "-u", "-O", donor.reads], check=True, capture_output=True)
    words = ["-F", "0x900", "-n", "-1", paths[0], "-2", paths[1], "-0", "/dev/null", "-s", "/dev/null", "-"]
    subprocess.run(["samtools", "fastq", *words], input=collate.stdout, check=True, capture_output=True)
    mine, other = folder / "donor_ours.bam", folder / "donor_bwa.bam"
    gl.align.map_reads(paths, reference, mine, threads=1)
    by_bwa(reference, paths, other)
    truth = read_variants(donor.truth)
    true = {place for place, kind in zip(truth.position.tolist(), snvs(truth), strict=True) if kind}
    scores = []
    for path in (mine, other):
        calls = gl.call.call_variants(path, reference)
        called = set(calls.position[calls.passed].tolist())
        scores.append(2 * len(called & true) / (len(called) + len(true)))
    yield f"\nSNVs called by genolab from 30-fold pairs of a donor, {len(true)} in 200 kb: F1 {scores[0]:.4f} from "
    yield f"our BAM, {scores[1]:.4f} from bwa's; difference {100 * (scores[0] - scores[1]):+.2f} %."


def snvs(found: Any) -> list[bool]:
    """Which records of a truth file are substitutions of one letter."""
    pairs = zip(found.reference, found.alternates, strict=True)
    return [len(reference) == 1 and all(len(each) == 1 for each in alternates) for reference, alternates in pairs]


def report(options: argparse.Namespace, folder: Path) -> Iterator[str]:
    """All lines, one after the other."""
    opened = gzip.open if options.genome.suffix == ".gz" else open
    with opened(options.genome, "rt") as stream:
        genome = "".join(line.strip() for line in stream if not line.startswith(">")).upper()
    whole, parts = folder / "whole.fa", folder / "parts.fa"
    whole.write_text(f">genome\n{genome}\n")
    cuts = [0, *(round(len(genome) * share) for share in (0.4, 0.7, 0.9, 0.99)), len(genome)]
    pieces = [genome[a:b] for a, b in pairwise(cuts)]
    parts.write_text("".join(f">part{k}\n{piece}\n" for k, piece in enumerate(pieces)))
    for path in (whole, parts):
        subprocess.run(["samtools", "faidx", path], check=True)
    n, repeats = options.reads, options.repeats
    workloads = {
        "150 bp, 1 % errors": ("2", whole, lambda: with_truth(wgsim(folder, whole, n, 150, 11, "-e", "0.01")[0])),
        "150 bp, hard": (
            "1.2", whole,
            lambda: with_truth(wgsim(folder, whole, n, 150, 12, *HARD)[0]),
        ),
        "50-250 bp, five contigs": (
            "", parts,
            lambda: joined(
                [with_truth(wgsim(folder, parts, n // 4, size, 20 + size)[0]) for size in (50, 100, 150, 250)]
            ),
        ),
    }  # fmt: skip
    yield f"mappy {mappy.__version__}, genome of {len(genome):,} letters, {n:,} reads, one thread; ours, then mappy's\n"
    names = ("reads", "genolab /s", "mappy /s", "ratio", "asked", "within 5", "quality >= 10", "wrong", "first s")
    yield "| {:<24} | {:>9} | {:>9} | {:>5} | {:>5} | {:<13} | {:<13} | {:<9} | {:>7} |".format(*names)
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, (asked, reference, simulate) in workloads.items():
        if options.only in name:
            yield from in_process(name, asked, reference, simulate(), repeats)
    if options.only in "pairs":
        subprocess.run(["bwa", "index", whole], check=True, capture_output=True)
        yield from from_files(folder, whole, n // 2)
    if options.only in "variants":
        yield from variants(folder, genome)


def main() -> None:
    """Run, print, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genome", type=Path, default=GENOME)
    parser.add_argument("--reads", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="workloads whose name has this word")
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    missing = [program for program in ("wgsim", "samtools", "bwa") if shutil.which(program) is None]
    if missing:
        sys.exit(f"Not installed: {', '.join(missing)}.")
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for line in report(options, Path(folder)):
            lines.append(line)
            print(line, flush=True)
    if options.markdown:
        options.markdown.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

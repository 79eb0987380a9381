"""``genolab map``: FASTQ and a reference in, a sorted and indexed BAM out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from genolab.cli.bar import Bar


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    command.add_argument("reads", type=Path, metavar="READS", help="FASTQ, plain or gzipped")
    command.add_argument("mates", type=Path, nargs="?", metavar="MATES", help="the second file of paired reads")
    command.add_argument("--reference", type=Path, required=True, metavar="FASTA", help="plain or compressed")
    command.add_argument("--output", type=Path, required=True, metavar="BAM", help="a name that ends in .bam")
    command.add_argument("--report", type=Path, metavar="HTML", help="write a report of the mapping as well")
    command.add_argument("--sample", help="name of the sample (default: that of the first file)")
    command.add_argument("--secondary", type=int, default=0, metavar="N", help="other places of a read (default 0)")
    size = "mean and standard deviation; estimated by default"
    command.add_argument("--insert-size", type=float, nargs=2, metavar=("MEAN", "SD"), help=size)
    command.add_argument("--seed", type=int, default=0, metavar="N", help="decides between equal places (default 0)")
    command.add_argument("--threads", type=int, metavar="N", help="default: one a processor (--dask: 1 a worker)")
    where = "map on the Dask cluster whose scheduler is at ADDRESS, such as tls://10.0.0.1:8786"
    command.add_argument("--dask", metavar="ADDRESS", help=where)
    command.add_argument("--quiet", action="store_true", help="no progress and no summary")
    command.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    began = time.perf_counter()
    from genolab.align import map_reads
    from genolab.errors import InputError
    from genolab.io.paths import writable
    from genolab.scale import connected

    if options.report is not None:  # mapping may take long: what cannot be written is said before
        if options.report.suffix.lower() not in (".html", ".htm"):
            raise InputError("--report", "path", "a name that ends in .html", repr(options.report.name))
        writable(options.report, "--report")
    cluster = connected(options.dask, "--dask") if options.dask else nullcontext()
    with Bar(sys.stderr, shown=not options.quiet and sys.stderr.isatty()) as bar, cluster as client:
        result = map_reads(
            (options.reads, options.mates) if options.mates else options.reads,
            options.reference,
            options.output,
            sample=options.sample,
            secondary=options.secondary,
            insert_size=options.insert_size and tuple(options.insert_size),
            seed=options.seed,
            threads=options.threads,
            progress=bar,
            client=client,
        )
    if options.report is not None:
        result.report(options.report)
    if not options.quiet:
        for notice in result.notices:
            print(f"genolab map: {notice}", file=sys.stderr)
    names = ("reads", "mapped", "sure", "pairs", "proper_pairs", "supplementary", "secondary")
    summary = {"output": str(options.output)} | {name: getattr(result, name) for name in names}
    summary |= {"notices": list(result.notices), "seconds": round(time.perf_counter() - began, 3)}
    if options.json:
        print(json.dumps(summary))
    elif not options.quiet:
        text = "{mapped:,} of {reads:,} reads mapped, {sure:,} of them surely, written to {output} in {seconds:.1f} s"
        print(text.format(**summary))
    return 0

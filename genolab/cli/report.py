"""``genolab report``: one HTML file with live plots, tables and provenance, of called reads or of a saved session."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from genolab.cli.bar import Bar
from genolab.errors import GenolabError, InputError


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    sources = "BAM, CRAM or SAM, several to be called together; or a session's folder"
    command.add_argument("source", type=Path, nargs="+", metavar="READS|SESSION", help=sources)
    command.add_argument("--output", type=Path, required=True, metavar="HTML", help="the file to write")
    command.add_argument("--reference", type=Path, metavar="FASTA", help="for reads: plain or bgzipped")
    command.add_argument("--region", help="for reads: such as chr20:10,000,001-10,100,000; default: everything")
    command.add_argument(
        "--sample", help="for reads: which sample of the file; of several files, the one that is shown"
    )
    command.add_argument("--ploidy", type=int, default=2, help="for reads: copies of each chromosome (default 2)")
    command.add_argument("--root", type=Path, action="append", help="for a session: a folder its files may be in")
    command.add_argument("--quiet", action="store_true", help="no progress and no summary")
    command.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from genolab.io.paths import writable

    began = time.perf_counter()
    if options.output.suffix.lower() not in (".html", ".htm"):
        raise InputError("--output", "path", "a name that ends in .html", repr(options.output.name))
    writable(options.output, "--output")
    with Bar(sys.stderr, shown=not options.quiet and sys.stderr.isatty()) as bar:
        if len(options.source) > 1 and any(source.is_dir() for source in options.source):
            raise InputError("report", "source", "files of reads, or one session", f"{len(options.source)} sources")
        make = _of_session if options.source[0].is_dir() else _of_reads
        summary = make(options, bar)
    if not options.quiet:
        for notice in summary["notices"]:
            print(f"genolab report: {notice}", file=sys.stderr)
    summary = {"output": str(options.output), **summary, "seconds": round(time.perf_counter() - began, 3)}
    if options.json:
        print(json.dumps(summary))
    elif not options.quiet:
        print("written to {output} in {seconds:.1f} s".format(**summary))
    return 0


def _of_reads(options: argparse.Namespace, bar: Bar) -> dict[str, Any]:
    from genolab.call import JointCalls, call_variants

    if options.reference is None:
        raise InputError("report", "--reference", "given for reads", "nothing", "Name the FASTA they were mapped to.")
    several = len(options.source) > 1
    calls = call_variants(
        options.source if several else options.source[0],
        options.reference,
        region=options.region,
        sample=None if several else options.sample,
        ploidy=options.ploidy,
        progress=bar,
    )
    bar(None, "writing")
    if isinstance(calls, JointCalls):
        calls.report(options.output, options.sample)
    else:
        calls.report(options.output)
    return {"records": len(calls), "passing": int(calls.passed.sum()), "notices": list(calls.notices)}


def _of_session(options: argparse.Namespace, bar: Bar) -> dict[str, Any]:
    from genolab.panels.lab import lab

    bar(None, "opening the session")
    made = lab(session=options.source[0], roots=options.root)
    if not made.wait(3600):
        raise GenolabError("the session did not end within an hour.")
    bar(None, "writing")
    made.report(options.output)
    notices = [each["text"] for each in made.board.notices if each["source"] == "session"]
    return {"panels": sorted(made.panels), "notices": notices}

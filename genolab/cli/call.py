"""``genolab call``: reads and a reference in, a VCF out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from genolab.cli.bar import Bar
from genolab.errors import InputError


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    from genolab.call.thresholds import Thresholds

    command.add_argument("reads", type=Path, metavar="READS", help="BAM, CRAM or SAM")
    command.add_argument("--reference", type=Path, required=True, metavar="FASTA", help="plain or bgzipped")
    kinds = ".vcf, .vcf.gz (with .tbi) or .bcf (with .csi)"
    command.add_argument("--output", type=Path, required=True, metavar="VCF", help=kinds)
    command.add_argument("--region", help="such as chr20:10,000,001-10,100,000 (1-based); default: everything")
    command.add_argument("--sample", help="which sample, where the file has several")
    command.add_argument("--ploidy", type=int, default=2, help="copies of each chromosome (default %(default)s)")
    places = "make a missing index beside the file or in the cache"
    command.add_argument("--index", choices=("build", "cache"), help=places)
    command.add_argument("--quiet", action="store_true", help="no progress and no summary")
    command.add_argument("--json", action="store_true", help="print the summary as JSON")
    group = command.add_argument_group("thresholds")
    for each in fields(Thresholds):
        about = each.metadata
        unit = f", {about['unit']}" if about["unit"] else ""
        span = f"{about['low']:g} to {about['high']:g}"
        group.add_argument(
            f"--{each.name.replace('_', '-')}",
            type=int if each.type == "int" else float,
            default=each.default,
            metavar="N" if each.type == "int" else "X",
            help=f"{about['doc']} ({span}{unit}; default {each.default:g})".replace("%", "%%"),
        )


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    began = time.perf_counter()
    from genolab.call import Thresholds, call_variants

    thresholds = Thresholds(**{each.name: getattr(options, each.name) for each in fields(Thresholds)})
    _check_output(options.output)
    with Bar(sys.stderr, shown=not options.quiet and sys.stderr.isatty()) as bar:
        calls = call_variants(
            options.reads,
            options.reference,
            region=options.region,
            sample=options.sample,
            ploidy=options.ploidy,
            thresholds=thresholds,
            index=options.index,
            progress=bar,
        )
        bar(1.0, "writing")
        calls.write(options.output)
    if not options.quiet:
        for notice in calls.notices:
            print(f"genolab call: {notice}", file=sys.stderr)
    summary: dict[str, Any] = {
        "output": str(options.output),
        "records": len(calls),
        "passing": int(calls.passed.sum()),
        "notices": list(calls.notices),
        "seconds": round(time.perf_counter() - began, 3),
    }
    if options.json:
        print(json.dumps(summary))
    elif not options.quiet:
        print("{records:,} records, {passing:,} pass, written to {output} in {seconds:.1f} s".format(**summary))
    return 0


def _check_output(path: Path) -> None:
    """Refuse before the work what could not be written after it."""
    from genolab.io.paths import writable

    if not path.name.lower().endswith((".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")):
        raise InputError("--output", "path", "a name that ends in .vcf, .vcf.gz or .bcf", repr(path.name))
    writable(path, "--output")

"""``genolab call``: reads and a reference in, a VCF out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Any

from genolab.cli.bar import Bar
from genolab.errors import InputError


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    from genolab.call.thresholds import Thresholds

    several = "BAM, CRAM or SAM; several files or samples are called together"
    command.add_argument("reads", nargs="+", type=Path, metavar="READS", help=several)
    command.add_argument("--reference", type=Path, required=True, metavar="FASTA", help="plain or bgzipped")
    kinds = ".vcf, .vcf.gz (with .tbi) or .bcf (with .csi)"
    command.add_argument("--output", type=Path, required=True, metavar="VCF", help=kinds)
    command.add_argument("--gvcf", action="store_true", help="write what lies between the variants too, in blocks")
    regions = "such as chr20:10,000,001-10,100,000 (1-based); may come again; default: everything"
    command.add_argument("--region", metavar="REGION", action="append", help=regions)
    command.add_argument("--targets", type=Path, metavar="BED", help="call inside these intervals only")
    command.add_argument("--sample", metavar="NAME", action="append", help="this sample; may come again; default: all")
    copies = "copies of each chromosome, GRCh37, GRCh38, or a file of rules as bcftools takes it (default %(default)s)"
    command.add_argument("--ploidy", default="2", metavar="PLOIDY", help=copies)
    sex = "NAME=male or NAME=female, where the ploidy depends on it"
    command.add_argument("--sex", metavar="NAME=SEX", action="append", default=[], help=sex)
    command.add_argument(
        "--pedigree", type=Path, metavar="PED", help="a .ped or .fam file: who is whose child, and sex"
    )
    alike = "chance that all copies of a sample are of one descent (default %(default)g)"
    command.add_argument("--inbreeding", type=float, default=0.0, metavar="F", help=alike)
    places = "make a missing index beside the file or in the cache"
    command.add_argument("--index", choices=("build", "cache"), help=places)
    where = "call the tiles on the Dask cluster whose scheduler is at ADDRESS, such as tls://10.0.0.1:8786"
    command.add_argument("--dask", metavar="ADDRESS", help=where)
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
    from genolab.call import Thresholds, call_to_file
    from genolab.scale import connected

    thresholds = Thresholds(**{each.name: getattr(options, each.name) for each in fields(Thresholds)})
    _check_output(options.output)
    cluster = connected(options.dask, "--dask") if options.dask else nullcontext()
    with Bar(sys.stderr, shown=not options.quiet and sys.stderr.isatty()) as bar, cluster as client:
        written = call_to_file(
            options.reads,
            options.reference,
            options.output,
            region=options.region,
            gvcf=options.gvcf,
            sample=options.sample,
            ploidy=int(options.ploidy) if options.ploidy.isdigit() else options.ploidy,
            sex=dict(_pair(text) for text in options.sex),
            pedigree=options.pedigree,
            inbreeding=options.inbreeding,
            targets=options.targets,
            thresholds=thresholds,
            index=options.index,
            progress=bar,
            client=client,
        )
    if not options.quiet:
        for notice in written.notices:
            print(f"genolab call: {notice}", file=sys.stderr)
    summary: dict[str, Any] = {
        "output": str(options.output),
        "samples": list(written.samples),
        "records": written.records,
        "passing": written.passing,
        "notices": list(written.notices),
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


def _pair(text: str) -> tuple[str, str]:
    name, equals, sex = text.rpartition("=")
    if not equals or not name:
        raise InputError("--sex", "value", "NAME=male or NAME=female", repr(text))
    return name, sex

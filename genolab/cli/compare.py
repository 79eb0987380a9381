"""``genolab compare``: calls against a truth, matched by haplotype."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from genolab.errors import InputError


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    command.add_argument("calls", type=Path, metavar="CALLS", help="VCF or BCF")
    command.add_argument("truth", type=Path, metavar="TRUTH", help="VCF or BCF of known variants")
    command.add_argument("--reference", type=Path, required=True, metavar="FASTA", help="of both; plain or bgzipped")
    command.add_argument("--confident", type=Path, metavar="BED", help="where the truth is known; default: everywhere")
    command.add_argument("--region", help="such as chr20:10,000,001-10,100,000 (1-based); default: everything")
    command.add_argument("--sample", help="of the calls; default: the first")
    command.add_argument("--truth-sample", help="of the truth; default: the first")
    command.add_argument("--min-quality", type=float, metavar="X", help="calls of lower QUAL do not count")
    command.add_argument("--all-filters", action="store_true", help="count what a filter set aside too")
    command.add_argument("--output", type=Path, metavar="JSON", help="write figures, curve and every difference here")
    command.add_argument("--json", action="store_true", help="print the figures as JSON")
    command.add_argument("--quiet", action="store_true", help="no notices")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from genolab.call import compare
    from genolab.call.comparison_file import summary_of
    from genolab.io.json_file import plain
    from genolab.io.paths import writable

    if options.output is not None:
        if options.output.suffix.lower() != ".json":
            raise InputError("--output", "path", "a name that ends in .json", repr(options.output.name))
        writable(options.output, "--output")
    found = compare(
        options.calls,
        options.truth,
        confident=options.confident,
        reference=options.reference,
        region=options.region,
        sample=options.sample,
        truth_sample=options.truth_sample,
        min_quality=options.min_quality,
        all_filters=options.all_filters,
    )
    if not options.quiet:
        for notice in found.notices:
            print(f"genolab compare: {notice}", file=sys.stderr)
    if options.output is not None:
        found.save(options.output)
    if options.json:
        print(json.dumps(plain(summary_of(found))))
        return 0
    shown = ["type", "truth", "called", "missed", "false", "precision", "recall", "f1", "f1_genotype"]
    shown.insert(5, "genotype_differs")
    table = found.to_frame()[shown].rename(columns={"genotype_differs": "genotype", "f1_genotype": "f1 with genotype"})
    print(table.to_string(index=False, float_format="{:.4f}".format, na_rep="-"))
    print(f"Ti/Tv {found.transition_ratio:.3f} (truth {found.truth_transition_ratio:.3f})")
    return 0

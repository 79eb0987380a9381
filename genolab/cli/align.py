"""``genolab align``: pairs of sequences in; scores, identities and CIGARs out."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    from genolab.align import Scoring
    from genolab.align.aligner import MODES

    command.add_argument("queries", metavar="QUERIES", help="FASTA or FASTQ, plain or gzipped, or one sequence")
    command.add_argument("targets", metavar="TARGETS", help="the same: as many, or one, or with --all any number")
    command.add_argument("--mode", choices=MODES, default="global", help="default %(default)s")
    command.add_argument("--all", action="store_true", help="every query with every target")
    command.add_argument("--matrix", help="for proteins: BLOSUM62, PAM250, ...")
    for name in ("match", "mismatch", "gap_open", "gap_extend"):
        kind = "a cost, 0 or more" if name.startswith("gap") else "a score"
        default = getattr(Scoring(), name)
        flag = f"--{name.replace('_', '-')}"
        command.add_argument(flag, type=int, default=default, metavar="N", help=f"{kind} (default {default})")
    command.add_argument("--band", type=int, metavar="N", help="diagonals to keep beyond those of the corners")
    command.add_argument("--text", action="store_true", help="print the alignments instead of the table")
    command.add_argument("--output", type=Path, metavar="TSV", help="write the table there instead of printing it")
    command.add_argument("--json", action="store_true", help="print the table, or the summary of --output, as JSON")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from genolab.align import Scoring, align

    costs = {name: getattr(options, name) for name in ("match", "mismatch", "gap_open", "gap_extend")}
    some, others = (Path(text) if Path(text).is_file() else text for text in (options.queries, options.targets))
    scoring = Scoring(matrix=options.matrix, **costs)
    pairing = "all" if options.all else "pairs"
    result = align(some, others, mode=options.mode, scoring=scoring, traceback=True, pairing=pairing, band=options.band)
    if options.output is not None:
        result.write(options.output)
        summary = {"output": str(options.output), "alignments": len(result)}
        print(json.dumps(summary) if options.json else f"{len(result):,} alignments, written to {options.output}")
    elif options.json:
        print(result.to_frame().to_json(orient="records"))
    elif options.text:
        frame = result.to_frame()
        titles = frame["query"] + " and " + frame["target"]
        print("\n\n\n".join(f"{title}: {result.text(number)}" for number, title in enumerate(titles)))
    else:
        print(result.to_frame().to_csv(sep="\t", index=False), end="")
    return 0

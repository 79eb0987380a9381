"""``genolab index``: build the missing index of BAM, CRAM, FASTA or VCF files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    command.add_argument("files", nargs="+", type=Path, metavar="FILE")
    command.add_argument("--cache", action="store_true", help="keep it in the cache folder, not beside the file")
    command.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from genolab.io import build_index

    made = []
    for path in options.files:
        made.append({"file": str(path), "index": str(build_index(path, cache=options.cache))})
        if not options.json:
            print(made[-1]["index"], flush=True)
    if options.json:
        print(json.dumps(made))
    return 0

"""``genolab index``: build the missing index of BAM, CRAM, FASTA or VCF files."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    command.add_argument("files", nargs="+", type=Path, metavar="FILE")
    command.add_argument("--cache", action="store_true", help="keep it in the cache folder, not beside the file")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from genolab.io import build_index

    for path in options.files:
        print(build_index(path, cache=options.cache))
    return 0

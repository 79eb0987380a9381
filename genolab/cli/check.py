"""``genolab check``: read whole files and say what is wrong with them, and where."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from genolab.text import plain


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    from genolab.cli.allowance import above_zero
    from genolab.io.checking import READERS
    from genolab.io.checks import MEMORY, SECONDS

    command.add_argument("files", nargs="+", type=Path, metavar="FILE")
    command.add_argument("--kind", choices=tuple(READERS), help="default: by the first bytes, or the name")
    command.add_argument("--reference", type=Path, metavar="FASTA", help="what CRAM files were compressed against")
    command.add_argument("--seconds", type=float, default=SECONDS, help="for one file (default %(default)g)")
    memory = "gigabytes that reading may take (default %(default)g; kept on Linux)"
    command.add_argument("--memory", type=above_zero, default=MEMORY / 2**30, metavar="GB", help=memory)
    command.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from genolab.io import check_all

    memory = round(options.memory * 2**30)
    found = check_all(options.files, options.kind, options.reference, seconds=options.seconds, memory=memory)
    rows = []
    for each in found:
        rows.append(each)
        if not options.json:
            print(plain(str(each), lines=True), flush=True)
    if options.json:
        print(json.dumps([each.to_dict() for each in rows], indent=1))
    return int(any(each.verdict == "refused" for each in rows))

"""The command line, ``genolab lab | app | call | align | ...``: a module per command, and only its own is loaded.

A command's module has ``add_options(parser)`` and ``run(options) -> exit status``; its line in ``COMMANDS`` names it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from genolab import __version__
from genolab.cli.allowance import READING, add_limits, allowed
from genolab.errors import Cancelled, GenolabError
from genolab.text import plain

COMMANDS = {
    "lab": "open JupyterLab on the start notebook",
    "app": "open the lab as a page without code",
    "call": "call variants: reads and a reference in, a VCF out",
    "compare": "compare calls with a truth: precision, recall and genotypes, matched by haplotype",
    "align": "align pairs of sequences: scores, identities and CIGARs as a table",
    "map": "map reads: FASTQ and a reference in, a sorted and indexed BAM out",
    "normalize": "normalise a table of counts, correct batches, impute: a table in, a table out",
    "report": "one HTML file with live plots and tables: of calls, or of a saved session",
    "train": "learn from labelled sequences, with a leak check before any score; a model file out",
    "predict": "apply a model file to sequences, or score the variants of a VCF by it",
    "check": "read whole files and say what is wrong with them, and where",
    "index": "build the missing index of BAM, CRAM, FASTA or VCF files",
    "warmup": "compile every kernel now, so that no click waits for it",
    "info": "versions, backends and folders, for a report of a problem",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 refused (one sentence on stderr), 2 wrong usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(words).parse_args(words)
    try:
        with allowed(options):
            status: int = import_module(f"genolab.cli.{options.command}").run(options)
        return status
    except KeyboardInterrupt:
        print(f"genolab {options.command}: stopped; nothing was written.", file=sys.stderr)
        return 130
    except (GenolabError, OSError) as error:
        print(f"genolab {options.command}: {plain(str(error), lines=True)}", file=sys.stderr)
        return 130 if isinstance(error, Cancelled) else 1


def _parser(words: list[str]) -> argparse.ArgumentParser:
    about = "An interactive genomics lab for Jupyter."
    parser = argparse.ArgumentParser(prog="genolab", description=about, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"genolab {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, summary in COMMANDS.items():
        about = f"{summary[0].upper()}{summary[1:]}."
        command = commands.add_parser(name, help=summary, description=about, allow_abbrev=False)
        if words[:1] == [name]:  # only the command that runs: the flags of `call` come from the caller's own thresholds
            import_module(f"genolab.cli.{name}").add_options(command)
            if name in READING:
                add_limits(command)
    return parser

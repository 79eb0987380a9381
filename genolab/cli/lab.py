"""``genolab lab``: open JupyterLab on the start notebook."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    command.add_argument("--no-browser", action="store_true", help="only print the address")
    command.add_argument("--port", type=int, default=8888, help="default %(default)s, or the next free one")
    command.add_argument("--folder", type=Path, help="where to work; missing notebooks are copied there")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from genolab.servers import run_lab

    return run_lab(folder=options.folder, port=options.port, browser=not options.no_browser)

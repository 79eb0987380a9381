"""``genolab app``: open the lab as a page without code."""

from __future__ import annotations

import argparse


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    command.add_argument("--no-browser", action="store_true", help="only print the address")
    command.add_argument("--port", type=int, default=8866, help="default %(default)s, or the next free one")
    command.add_argument("--theme", choices=("light", "dark"), default="light", help="default %(default)s")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    from genolab.servers import run_app

    return run_app(port=options.port, browser=not options.no_browser, theme=options.theme)

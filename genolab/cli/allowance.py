"""``--memory`` and ``--swells``: a file that was refused for its size is read anyway."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

READING = ("call", "compare", "align", "map", "normalize", "report", "train", "predict", "check")
"""The commands that read files that may be too large."""


def add_limits(command: argparse.ArgumentParser) -> None:
    """Add the options to the parser of a command; one that has its own ``--memory`` keeps it."""
    group = command.add_argument_group("files that are refused for their size")
    if "--memory" not in command._option_string_actions:
        memory = "gigabytes that reading one file may take (default: half of what is free)"
        group.add_argument("--memory", type=above_zero, metavar="GB", help=memory)
    swells = "bytes that one byte of an archive may become (default 100)"
    group.add_argument("--swells", type=above_zero, metavar="N", help=swells)


def above_zero(text: str) -> float:
    """A number above 0; argparse says what is wrong with another."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text}")
    return value


@contextmanager
def allowed(options: argparse.Namespace) -> Iterator[None]:
    """Keep to these limits while the command runs, in its threads and in the processes that it starts too."""
    given = {f"GENOLAB_{name.upper()}": getattr(options, name, None) for name in ("memory", "swells")}
    before = dict(os.environ)
    os.environ.update({name: f"{value:.6f}" for name, value in given.items() if value is not None})
    try:
        yield
    finally:
        for name in given:
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]

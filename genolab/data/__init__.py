"""The examples: some ship with genolab, one is fetched when asked for by name, and any number can be simulated."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from genolab.data.registry import Entry, Example, example, examples, path
from genolab.data.sequence_sets import SequenceSet, sequence_set, sequence_sets

if TYPE_CHECKING:
    from genolab.data.simulator import Sequencing, simulate

__all__ = [
    "Entry",
    "Example",
    "SequenceSet",
    "Sequencing",
    "example",
    "examples",
    "path",
    "sequence_set",
    "sequence_sets",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name in ("simulate", "Sequencing"):  # these load NumPy and pysam
        return getattr(import_module("genolab.data.simulator"), name)
    raise AttributeError(f"module 'genolab.data' has no attribute {name!r}")

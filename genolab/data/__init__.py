"""The examples: some ship with genolab, one is fetched when asked for by name, and any number can be simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genolab.data.registry import CountExample, Entry, Example, example, examples, path
from genolab.data.sequence_sets import SequenceSet, sequence_set, sequence_sets
from genolab.lazy import lazy

if TYPE_CHECKING:
    from genolab.data.alignment_simulator import SimulatedAlignments, simulate_alignments
    from genolab.data.cohort_simulator import SimulatedCohort, simulate_cohort
    from genolab.data.counts_simulator import SimulatedCounts, simulate_counts
    from genolab.data.simulator import Sequencing, simulate

_HOME = {
    "simulate_alignments": "alignment_simulator", "SimulatedAlignments": "alignment_simulator",
    "simulate": "simulator", "Sequencing": "simulator",
    "simulate_cohort": "cohort_simulator", "SimulatedCohort": "cohort_simulator",
    "simulate_counts": "counts_simulator", "SimulatedCounts": "counts_simulator",
}  # fmt: skip

__all__ = [
    "CountExample",
    "Entry",
    "Example",
    "SequenceSet",
    "Sequencing",
    "SimulatedAlignments",
    "SimulatedCohort",
    "SimulatedCounts",
    "example",
    "examples",
    "path",
    "sequence_set",
    "sequence_sets",
    "simulate",
    "simulate_alignments",
    "simulate_cohort",
    "simulate_counts",
]

__getattr__, __dir__ = lazy(__name__, {name: f"data.{file}" for name, file in _HOME.items()})

"""Small alignments of every usual kind: running one compiles the loops that such an alignment takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from genolab.align.aligner import align
from genolab.align.edit import edit_distance
from genolab.align.scoring import Scoring
from genolab.kernel.backends import numba_compilations

_SHORT, _LONG = ["ACGT" * 3] * 16, ["ACGT" * 80] * 16
"""Enough of them to fill lanes; a local score of the long ones needs 16 bits, after 8 were tried."""


def usual_alignments() -> dict[str, Callable[[], object]]:
    """What to run, by name: each a loop of its own, and the last two loops for single pairs."""
    protein = Scoring(matrix="BLOSUM62", gap_open=10, gap_extend=1)
    runs: dict[str, Callable[[], object]] = {}
    for letters, scoring, modes in (
        ("DNA", Scoring(), ("global", "overlap", "local")),
        ("protein", protein, ("global", "local")),
    ):
        for mode in modes:
            for traceback in (True,) if mode == "overlap" else (False, True):  # who asks for an overlap wants to see it
                aligned = partial(align, mode=mode, scoring=scoring, traceback=traceback, threads=1)
                name = f"{letters} {mode} {'CIGARs' if traceback else 'scores'}"
                runs[name] = partial(aligned, _SHORT, _SHORT)
                if mode == "local":
                    runs[f"{name}, 8 then 16 bits"] = partial(aligned, _LONG, _LONG)
    for mode in ("global", "infix"):
        runs[f"edit distance {mode}"] = partial(edit_distance, _SHORT, _SHORT, mode=mode, threads=1)
    for traceback in (False, True):
        runs[f"one pair {'CIGAR' if traceback else 'score'}"] = partial(align, "ACGT", "ACG", traceback=traceback)
    return runs


def compile_usual(name: str) -> str:
    """Run one of them; whether it was ``compiled`` or ``cached``."""
    with numba_compilations("numba") as compilations:
        usual_alignments()[name]()
    return "compiled" if compilations else "cached"

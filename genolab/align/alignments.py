"""The result: scores and alignments of pairs, as columns, as text, as a table."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab import __version__
from genolab.align.scoring import Matrix, Scoring
from genolab.align.sequences import Sequences
from genolab.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from genolab.align.co_optimal import CoOptimal

_RUN = re.compile(r"(\d+)([MIDX=])")


def runs_of(cigar: str) -> list[tuple[int, str]]:
    """The runs of a CIGAR: how long each is, and its operation."""
    return [(int(length), operation) for length, operation in _RUN.findall(cigar)]


@dataclass(frozen=True, eq=False)
class Alignments:
    """Alignments of pairs. All arrays have the axis ``pair``; what needs a traceback is None without one.

    Attributes
    ----------
    query_number, target_number
        Which query meets which target.
    scores
        Of the best alignment of each pair.
    cigars
        Of the aligned stretches: ``=`` equal, ``X`` different (``M`` both), ``I`` query alone, ``D`` target alone.
    query_start, query_end, target_start, target_end
        The aligned stretches, 0-based, ends exclusive.
    matches, columns
        Columns with equal letters, and all columns, gaps among them.
    backend
        What the kernel ran on; a traceback is always that of the Numba loops.
    """

    queries: Sequences = field(repr=False)
    targets: Sequences = field(repr=False)
    query_number: np.ndarray = field(repr=False)
    target_number: np.ndarray = field(repr=False)
    scores: np.ndarray = field(repr=False)
    scoring: Scoring
    options: dict[str, Any] = field(repr=False)
    cigars: list[str] | None = field(default=None, repr=False)
    query_start: np.ndarray | None = field(default=None, repr=False)
    query_end: np.ndarray | None = field(default=None, repr=False)
    target_start: np.ndarray | None = field(default=None, repr=False)
    target_end: np.ndarray | None = field(default=None, repr=False)
    matches: np.ndarray | None = field(default=None, repr=False)
    columns: np.ndarray | None = field(default=None, repr=False)
    backend: str = field(default="numba", repr=False)

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        pairs = f"{len(self):,} pair{'s' if len(self) != 1 else ''}"
        traced = "with CIGARs" if self.cigars is not None else "scores only"
        spread = f"scores {self.scores.min():,} to {self.scores.max():,}" if len(self) else "no scores"
        return f"<Alignments: {pairs}, {self.options['mode']}, {spread}, {traced}>"

    @property
    def identity(self) -> np.ndarray:
        """Equal letters as a share of all columns of the alignment, gaps among them, as BLAST has it; NaN for none."""
        self._need_traceback("identity")
        with np.errstate(invalid="ignore"):
            return np.asarray(self.matches) / np.asarray(self.columns)

    @property
    def provenance(self) -> dict[str, Any]:
        """Inputs with digests, mode, scoring, kernel and version, as plain data."""
        from genolab.align.pairwise import pairwise_scores

        options = self.options | {"free_ends": [bool(free) for free in self.options["free_ends"]]}
        return {
            "genolab": __version__,
            "queries": source_of(self.queries),
            "targets": source_of(self.targets),
            **options,
            "scoring": scoring_as_data(self.scoring),
            "kernels": [{"name": pairwise_scores.name, "backend": self.backend}],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a pair; positions 1-based, ends included, as in files and on screen."""
        import pandas as pd

        columns: dict[str, Any] = {
            "query": [self.queries.name(number) for number in self.query_number.tolist()],
            "target": [self.targets.name(number) for number in self.target_number.tolist()],
            "score": self.scores,
        }
        if self.cigars is not None:
            for side, start, end in (
                ("query", self.query_start, self.query_end),
                ("target", self.target_start, self.target_end),
            ):
                columns[f"{side}_start"], columns[f"{side}_end"] = np.asarray(start) + 1, end
            columns["identity"], columns["cigar"] = self.identity, self.cigars
        return pd.DataFrame(columns)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`to_frame` as tab-separated text, beside and renamed."""
        from genolab.io.atomic import replacing
        from genolab.text import csv_of

        with replacing(path, who="Alignments.write") as (beside,):
            csv_of(self.to_frame(), separator="\t", path=beside)

    def co_optimal_count(self, number: int = 0) -> float:
        """How many alignments of a pair have the best score; exact up to 2 to the 53rd, to 15 digits above."""
        from genolab.align.co_optimal import matrix_within

        return matrix_within(self, number).count

    def co_optimal(self, number: int = 0, limit: int | None = None) -> Iterator[CoOptimal]:
        """All alignments of a pair that have the best score, one after the other, at most ``limit``.

        In the order of the tie rule of :func:`genolab.align.align`, so that the first is the one that it gives (where
        a gap's two pieces do not tie with each other): ends by place in the target, then in the query; from there,
        walking back, the start, a pair, a ``D`` and an ``I``, and, where opening costs, the shorter gap first.

        Raises
        ------
        InputError
            If there is no such pair, or its matrix has more than 16 million cells.
        """
        from genolab.align.co_optimal import co_optimal

        return co_optimal(self, number, limit)

    def rows(self, number: int) -> tuple[str, str, str]:
        """One alignment as three rows: query, marks (``|`` equal, ``.`` positive score), target; gaps are ``-``."""
        self._need_traceback("rows")
        assert self.cigars is not None
        assert self.query_start is not None
        assert self.target_start is not None
        query = self.queries.text(int(self.query_number[number]))
        target = self.targets.text(int(self.target_number[number]))
        i, j = int(self.query_start[number]), int(self.target_start[number])
        upper, marks, lower = [], [], []
        letters, table = self.scoring.alphabet.letters, self.scoring.table
        for count, operation in runs_of(self.cigars[number]):
            ours = "-" * count if operation == "D" else query[i : i + count]
            theirs = "-" * count if operation == "I" else target[j : j + count]
            i, j = i + count * (operation != "D"), j + count * (operation != "I")
            upper.append(ours)
            lower.append(theirs)
            for a, b in zip(ours, theirs, strict=True):
                gap = "-" in (a, b)
                alike = not gap and table[letters.index(a), letters.index(b)] > 0
                marks.append("|" if a == b else "." if alike else " ")
        return "".join(upper), "".join(marks), "".join(lower)

    def text(self, number: int = 0, width: int = 60) -> str:
        """One alignment as blocks of text, with 1-based positions at both ends."""
        if not isinstance(width, int) or width < 1:
            raise InputError("Alignments.text", "width", "1 or more", repr(width))
        upper, marks, lower = self.rows(number)
        assert self.query_start is not None
        assert self.target_start is not None
        i, j = int(self.query_start[number]), int(self.target_start[number])
        names = ("query", "target")
        places = len(str(max(i, j) + len(upper)))
        blocks = [f"score {int(self.scores[number]):,}, identity {self.identity[number]:.1%}"]
        for at in range(0, len(upper), width):
            ours, theirs = upper[at : at + width], lower[at : at + width]
            i_end, j_end = i + len(ours) - ours.count("-"), j + len(theirs) - theirs.count("-")
            blocks.append(
                f"{names[0]:<6} {min(i + 1, i_end):>{places}} {ours} {i_end}\n"
                f"{'':<6} {'':>{places}} {marks[at : at + width]}\n"
                f"{names[1]:<6} {min(j + 1, j_end):>{places}} {theirs} {j_end}"
            )
            i, j = i_end, j_end
        return "\n\n".join(blocks)

    def plot(self, number: int = 0) -> Any:
        """The picture of one pair: its matrix with the best alignments over it, and the alignment in blocks."""
        from genolab.plots.align import plot

        self._need_traceback("plot")
        return plot(self, number)

    def report(self, path: str | os.PathLike[str], number: int = 0) -> Path:
        """Write one HTML file: a pair with its matrix, the table of all pairs, and where all of it is from.

        Raises
        ------
        InputError, FileError
            If there is no traceback, the name does not end in .html, or the file cannot be written.
        """
        from genolab.plots import report, report_sections

        self._need_traceback("report")
        return report.write(report_sections.of_alignments(self, number), path)

    def _need_traceback(self, what: str) -> None:
        if self.cigars is None:
            raise InputError(
                f"Alignments.{what}", "traceback", "True when aligning", "False", "align(..., traceback=True)"
            )


def source_of(sequences: Sequences) -> dict[str, Any]:
    """Where sequences are from, as plain data: how many, and the path and digest of a file."""
    from genolab.io import digest

    if sequences.path is None:
        return {"sequences": len(sequences)}
    return {"sequences": len(sequences), "path": str(sequences.path), "digest": digest(sequences.path)}


def scoring_as_data(scoring: Scoring) -> dict[str, Any]:
    """A scoring as plain data, a user's matrix with all its scores."""
    if not isinstance(scoring.matrix, Matrix):
        return asdict(scoring)
    own = {"name": scoring.matrix.name, "letters": scoring.matrix.letters, "scores": scoring.matrix.scores.tolist()}
    kept = ("gap_open", "gap_extend", "second_gap")
    return {"matrix": own} | {name: getattr(scoring, name) for name in kept}

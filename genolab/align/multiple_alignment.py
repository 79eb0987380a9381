"""The result of a multiple alignment: rows with gaps, what their columns say, and their files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab import __version__
from genolab.align.guide_tree import GuideTree
from genolab.align.scoring import Scoring
from genolab.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

AMINO_ACIDS = "ARNDCQEGHILKMFPSTWYV"
BASES = "ACGT"

# Thompson et al. 1994: groups whose members often, or sometimes, stand for each other
_STRONG = ("STA", "NEQK", "NHQK", "NDEQ", "QHRK", "MILV", "MILF", "HY", "FYW")
_WEAK = ("CSA", "ATV", "SAG", "STNK", "STPA", "SGND", "SNDEQK", "NDEQHK", "NEQHRK", "FVLIM", "HFY")


@dataclass(frozen=True, eq=False)
class MultipleAlignment:
    """Sequences aligned together. ``rows[sequence, column]`` holds codes; the code after the last letter's is a gap.

    Attributes
    ----------
    names
        Of the sequences, in the order they were given.
    tree
        The guide tree that was used.
    weights
        Of the sequences, 1 in the mean.
    """

    names: tuple[str, ...]
    rows: np.ndarray = field(repr=False)
    scoring: Scoring
    tree: GuideTree = field(repr=False)
    weights: np.ndarray = field(repr=False)
    options: dict[str, Any] = field(repr=False)
    path: Path | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<MultipleAlignment: {len(self):,} sequences, {self.length:,} columns, score {self.score:,}>"

    @property
    def length(self) -> int:
        """Columns."""
        return int(self.rows.shape[1])

    @property
    def gap(self) -> int:
        """The code of a gap."""
        return len(self.scoring.alphabet.letters)

    @property
    def texts(self) -> tuple[str, ...]:
        """The rows as text, gaps as ``-``."""
        letters = np.frombuffer(f"{self.scoring.alphabet.letters}-".encode(), np.uint8)
        return tuple(letters[row].tobytes().decode() for row in self.rows)

    @property
    def score(self) -> int:
        """The sum of the scores of all pairs as they are aligned here, unweighted; gaps at the ends cost too."""
        return sum_of_pairs(self.rows, self.scoring)

    @property
    def kinds(self) -> str:
        """The letters that are counted in columns: the four bases, the twenty amino acids, or a matrix' own."""
        name = self.scoring.alphabet.name
        return BASES if name == "DNA" else AMINO_ACIDS if name == "protein" else self.scoring.alphabet.letters

    @property
    def counts(self) -> np.ndarray:
        """How often each of :attr:`kinds` stands in each column; letters that stand for several are left out."""
        codes = [self.scoring.alphabet.letters.index(letter) for letter in self.kinds]
        return np.stack([(self.rows == code).sum(axis=0) for code in codes], axis=1).astype(np.float64)

    @property
    def entropy(self) -> np.ndarray:
        """Shannon entropy of each column's letters in bits, gaps left out."""
        return self._information.entropy

    @property
    def information(self) -> np.ndarray:
        """The information of each column in bits, corrected for few sequences, gaps left out; 0 at least."""
        return self._information.information

    @property
    def _information(self) -> Any:
        from genolab.align.profiles import column_information

        return column_information(self.counts)

    @property
    def occupancy(self) -> np.ndarray:
        """The share of sequences that have a letter in each column."""
        return (self.rows < self.gap).mean(axis=0)

    @property
    def conservation(self) -> np.ndarray:
        """The share of all sequences that have the most frequent letter of each column."""
        return self.counts.max(axis=1) / len(self)

    def consensus(self, threshold: float = 0.5) -> str:
        """The letter that at least ``threshold`` of the sequences have in a column; N or X for none, - for gaps.

        Of two that are equally frequent, the first in the alphabet.
        """
        if not 0 < threshold <= 1:
            raise InputError("consensus", "threshold", "above 0 and at most 1", f"{threshold:g}")
        counts = self.counts
        letters = np.array(list(self.kinds))[counts.argmax(axis=1)]
        unknown = "N" if self.scoring.alphabet.name == "DNA" else "X"
        letters = np.where(counts.max(axis=1) >= threshold * len(self), letters, unknown)
        return "".join(np.where(1 - self.occupancy > 0.5, "-", letters))

    @property
    def identity(self) -> np.ndarray:
        """Equal letters of every two rows, as a share of the columns where either has a letter."""
        there = self.rows < self.gap
        found = np.eye(len(self))
        for a in range(len(self) - 1):
            equal = ((self.rows[a] == self.rows[a + 1 :]) & there[a]).sum(axis=1)
            found[a, a + 1 :] = equal / np.maximum((there[a] | there[a + 1 :]).sum(axis=1), 1)
        return np.triu(found, 1) + np.triu(found, 1).T + np.eye(len(self))

    @property
    def marks(self) -> str:
        """As CLUSTAL marks columns: ``*`` all equal, ``:`` of a strong group, ``.`` of a weak one (proteins only)."""
        letters = np.array([*self.scoring.alphabet.letters, "-"])[self.rows]
        groups = () if self.scoring.alphabet.name == "DNA" else ((":", _STRONG), (".", _WEAK))
        marks = []
        for column in letters.T:
            kinds = set(column.tolist())
            found = "*" if len(kinds) == 1 and "-" not in kinds else " "
            for mark, sets in groups if found == " " else ():
                if any(kinds <= set(group) for group in sets):
                    found = mark
                    break
            marks.append(found)
        return "".join(marks)

    @property
    def provenance(self) -> dict[str, Any]:
        """Input with digest, scoring, options, kernel and version, as plain data."""
        from genolab.align.alignments import scoring_as_data
        from genolab.align.profiles import align_profiles
        from genolab.io import digest
        from genolab.kernel.choice import backend_in_force

        source = {} if self.path is None else {"path": str(self.path), "digest": digest(self.path)}
        backend = backend_in_force(None, align_profiles.backend)
        return {
            "genolab": __version__,
            "sequences": {"sequences": len(self), **source},
            **self.options,
            "scoring": scoring_as_data(self.scoring),
            "kernels": [{"name": align_profiles.name, "backend": backend}],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a sequence: name, letters with gaps, length without them, weight, mean identity with the others."""
        import pandas as pd

        others = (self.identity.sum(axis=1) - 1) / (len(self) - 1)
        return pd.DataFrame(
            {
                "name": self.names,
                "aligned": self.texts,
                "length": (self.rows < self.gap).sum(axis=1),
                "weight": self.weights,
                "mean_identity": others,
            }
        )

    def text(self, width: int = 60) -> str:
        """The alignment as blocks of text with CLUSTAL's marks."""
        if not isinstance(width, int) or width < 1:
            raise InputError("MultipleAlignment.text", "width", "1 or more", repr(width))
        names, texts, marks = [name[:16] for name in self.names], self.texts, self.marks
        blocks = []
        for at in range(0, self.length, width):
            lines = [f"{name:<16} {row[at : at + width]}" for name, row in zip(names, texts, strict=True)]
            blocks.append("\n".join([*lines, f"{'':<16} {marks[at : at + width]}".rstrip()]))
        return "\n\n".join(blocks)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write CLUSTAL where the name ends in ``.aln`` or ``.clustal``, else FASTA with gaps; beside, and renamed."""
        from genolab.io import write_aligned

        write_aligned(path, self.names, self.texts, self.marks)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one HTML file: rows, logo, numbers, and where all of it is from.

        Raises
        ------
        InputError, FileError
            If the name does not end in .html, or the file cannot be written.
        """
        from genolab.plots import report, report_sections

        return report.write(report_sections.of_multiple(self), path)

    def plot(self) -> Any:
        """The picture: logo, conservation and all rows in blocks."""
        from genolab.plots.multiple import plot

        return plot(self)


def sum_of_pairs(rows: np.ndarray, scoring: Scoring) -> int:
    """The sum over all pairs of rows of what their alignment is worth; columns where both have a gap do not count."""
    from genolab.align.loops.profiles import sum_of_pairs as loop

    pairs = np.array(list(combinations(range(len(rows)), 2)), np.int64).reshape(-1, 2)
    firsts, seconds, ones = pairs[:, 0].copy(), pairs[:, 1].copy(), np.ones(len(rows))
    found = loop(np.ascontiguousarray(rows), scoring.table, scoring.gap_open, scoring.gap_extend, firsts, seconds, ones)
    return round(float(found))

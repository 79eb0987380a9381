"""Sequences that ship, to be aligned: where each set is from and under which licence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genolab.errors import InputError

FOLDER = Path(__file__).parent / "sequences"


@dataclass(frozen=True, kw_only=True)
class SequenceSet:
    """A FASTA file, its origin and licence; ``matrix`` is None for DNA, else the usual one for these proteins."""

    name: str
    title: str
    description: str
    origin: str
    licence: str
    matrix: str | None

    @property
    def path(self) -> Path:
        """The FASTA file."""
        return FOLDER / f"{self.name}.fa"


_SETS = (
    SequenceSet(
        name="short",
        title="Two short sequences",
        description="Fifteen and fourteen bases, made up, with several alignments that are equally good.",
        origin="made up for genolab",
        licence="BSD-3-Clause",
        matrix=None,
    ),
    SequenceSet(
        name="globins",
        title="Globins",
        description="Haemoglobins, myoglobins and a globin of the sea lamprey.",
        origin="UniProtKB/Swiss-Prot, from the tutorial of HMMER (Debian's hmmer-examples)",
        licence="CC BY 4.0",
        matrix="BLOSUM62",
    ),
    SequenceSet(
        name="made1",
        title="Transposable element MADE1",
        description="Twelve copies in the human genome, 70 to 112 bases.",
        origin="Dfam DF0000629, seed alignment, from the tutorial of HMMER (Debian's hmmer-examples)",
        licence="CC0",
        matrix=None,
    ),
)


def sequence_sets() -> tuple[SequenceSet, ...]:
    """Every set of sequences that ships."""
    return _SETS


def sequence_set(name: str) -> SequenceSet:
    """The set of that name; its ``path`` is what :func:`genolab.align.align` reads."""
    for each in _SETS:
        if each.name == name:
            return each
    raise InputError("sequence_set", "name", f"one of {', '.join(each.name for each in _SETS)}", repr(name))

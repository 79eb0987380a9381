"""What the boxes of the align panel name: letters, pasted FASTA, or a file inside the allowed folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genolab import data, io
from genolab.align import Scoring
from genolab.errors import InputError
from genolab.panels.paths import Allowed, short

WHO = "align panel"
SEQUENCES = (".fa", ".fasta", ".fna", ".faa", ".fa.gz", ".fasta.gz", ".fna.gz", ".faa.gz", ".fq", ".fastq", ".fq.gz")


@dataclass(frozen=True)
class Example:
    """Sequences to start with, and a scoring that suits them."""

    label: str
    query: str
    target: str
    scoring: Scoring
    mode: str = "global"


def _place(name: str, record: str = "") -> str:
    return short(data.sequence_set(name).path) + (f"#{record}" if record else "")


_PROTEIN = Scoring(matrix="BLOSUM62", gap_open=10, gap_extend=1)

EXAMPLES = (
    Example("Haemoglobins, human", _place("globins", "HBA_HUMAN"), _place("globins", "HBB_HUMAN"), _PROTEIN),
    Example("Two short sequences", _place("short", "first"), _place("short", "second"), Scoring(2, -1, 2, 1)),
    Example(
        "MADE1, two copies", _place("made1", "chr20:19570829-19570750"), _place("made1", "chr9:109847472-109847361"),
        Scoring(),
    ),
    Example("Eight globins", _place("globins"), "", _PROTEIN),
    Example("MADE1, twelve copies", _place("made1"), "", Scoring()),
)  # fmt: skip
"""The first is shown when the panel opens."""


@dataclass(frozen=True)
class Given:
    """Sequences as a box names them; ``path`` and ``record`` where they are from a file."""

    names: tuple[str, ...]
    texts: tuple[str, ...]
    path: Path | None = None
    record: str = ""

    def one(self) -> Given:
        """The first alone."""
        return Given(self.names[:1], self.texts[:1], self.path, self.record or self.names[0])


def read(text: str, name: str, allowed: Allowed) -> Given:
    """The sequences that a box names.

    Raises
    ------
    InputError, FileError
        If the box is empty, a file may not be read or is no FASTA or FASTQ, or has no such record.
    """
    text = text.strip()
    if not text:
        raise InputError(WHO, name, "a sequence, FASTA text or a path", "nothing", "Type one or choose an example.")
    if text.startswith(">"):
        return _pasted(text, name)
    lines = text.split("\n")
    if len(lines) == 1 and any(mark in text for mark in "./:#"):
        place, _, record = text.partition("#")
        path = allowed.check(place, name)
        found = io.read_sequences(path)
        if not found.names:
            raise InputError(WHO, name, "a file with a sequence or more", f"none in {path.name}")
        if not record:
            return Given(found.names, found.sequences, path)
        if record not in found.names:
            known = ", ".join(found.names[:6]) + ("…" if len(found.names) > 6 else "")
            raise InputError(WHO, name, f"a record of {path.name} ({known})", repr(record[:60]))
        return Given((record,), (found.sequences[found.names.index(record)],), path, record)
    return Given((name,), ("".join(text.split()),))


def _pasted(text: str, name: str) -> Given:
    names: list[str] = []
    texts: list[str] = []
    for record in text[1:].split("\n>"):
        head, _, letters = record.partition("\n")
        names.append(head.split()[0] if head.split() else f"{name}_{len(names) + 1}")
        texts.append("".join(letters.split()))
    return Given(tuple(names), tuple(texts))

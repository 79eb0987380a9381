"""Sequences as networks take them: base codes of one length or several, cut into batches."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genolab.errors import InputError

SequencesLike = str | os.PathLike[str] | Sequence[str] | np.ndarray
"""A list of texts, or the path of a FASTA or FASTQ file."""

NONE = 4
_CODES = np.full(256, 255, np.uint8)
for _code, _letters in enumerate(("Aa", "Cc", "Gg", "TtUu", "NnRrYySsWwKkMmBbDdHhVv")):
    _CODES[np.frombuffer(_letters.encode(), np.uint8)] = _code
_LETTERS = np.frombuffer(b"ACGTN", np.uint8)


@dataclass(frozen=True, eq=False)
class Bases:
    """Encoded sequences, one behind the other: number k is ``codes[start[k]:start[k] + length[k]]`` (int8).

    A, C, G, T (or U) are 0 to 3. Every other letter of IUPAC is 4: nothing is known there, and it adds nothing.
    ``ambiguous`` counts those letters.
    """

    codes: np.ndarray = field(repr=False)
    start: np.ndarray = field(repr=False)
    length: np.ndarray = field(repr=False)
    ambiguous: int = 0

    def __len__(self) -> int:
        return len(self.start)

    @property
    def positions(self) -> int | None:
        """The length that all sequences have; None where they differ."""
        return int(self.length[0]) if (self.length == self.length[0]).all() else None

    def __getitem__(self, number: int) -> np.ndarray:
        return self.codes[self.start[number] : self.start[number] + self.length[number]]

    def text(self, number: int) -> str:
        """The letters of one sequence; N where no base is known."""
        return _LETTERS[self[number]].tobytes().decode()

    def take(self, numbers: Any) -> Bases:
        """Some of the sequences, in this order."""
        chosen = np.arange(len(self))[np.asarray(numbers)]
        parts = [self[k] for k in chosen]
        return _joined(parts, sum(int((part == NONE).sum()) for part in parts))

    def batch(self, numbers: np.ndarray, reverse: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Codes [sequence, position] filled up with 4, and lengths; where ``reverse`` is true the other strand."""
        length = self.length[numbers]
        out = np.full((len(numbers), int(length.max())), NONE, np.int8)
        for row, number in enumerate(numbers):
            codes = self[number]
            out[row, : codes.size] = complement(codes) if reverse is not None and reverse[row] else codes
        return out, length

    def matrix(self) -> np.ndarray:
        """All codes [sequence, position] where the lengths are equal."""
        return self.codes.reshape(len(self), -1)

    def digest(self) -> str:
        """``sha256:...`` of the letters and lengths, in order."""
        state = hashlib.sha256(self.codes.tobytes())
        state.update(self.length.astype("<i8").tobytes())
        return f"sha256:{state.hexdigest()}"


def complement(codes: np.ndarray) -> np.ndarray:
    """The reverse complement of codes along the last axis; an unknown base stays one."""
    turned = codes[..., ::-1]
    other: np.ndarray = np.where(turned < NONE, 3 - turned, turned).astype(codes.dtype)
    return other


def encode(who: str, name: str, sequences: Any) -> Bases:
    """Encode texts, or the records of a file.

    Raises
    ------
    InputError
        If there is nothing, a sequence is empty, or a letter is not of IUPAC: with sequence, position and letter.
    """
    if isinstance(sequences, Bases):
        return sequences
    if isinstance(sequences, os.PathLike) or (isinstance(sequences, str) and ("." in sequences or "/" in sequences)):
        from genolab.io import read_sequences

        sequences = read_sequences(sequences).sequences
    if isinstance(sequences, str):
        fix = "Give a list, even for one sequence."
        raise InputError(who, name, "a list of sequences or the path of a FASTA file", "one text", fix)
    items = list(sequences)
    if not items:
        raise InputError(who, name, "one sequence or more", "none")
    parts = []
    for number, item in enumerate(items):
        if not isinstance(item, str):
            raise InputError(who, f"{name}[{number}]", "text", type(item).__name__)
        if not item:
            raise InputError(who, f"{name}[{number}]", "a sequence", "an empty one", "Leave it out.")
        codes = _CODES[np.frombuffer(item.encode("ascii", "replace"), np.uint8)]
        if codes.max() == 255:
            place = int(np.argmax(codes == 255))
            fix = "Take the gaps out." if item[place] in "-." else ""
            expected = "bases (A, C, G, T, U) or IUPAC letters"
            raise InputError(who, f"{name}[{number}]", expected, f"{item[place]!r} at position {place + 1:,}", fix)
        parts.append(codes.view(np.int8))
    return _joined(parts, sum(int((part == NONE).sum()) for part in parts))


def _joined(parts: list[np.ndarray], ambiguous: int) -> Bases:
    length = np.array([part.size for part in parts], np.int64)
    start = np.concatenate([[0], np.cumsum(length)[:-1]]).astype(np.int64)
    return Bases(np.concatenate(parts), start, length, ambiguous)


BUCKET = 32
"""Batches whose sequences are put in order of length, so that little is filled up."""


def batches(bases: Bases, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """A shuffled cut into batches; sequences of several lengths meet others of about their length."""
    order = rng.permutation(len(bases))
    if bases.positions is None:
        for first in range(0, len(order), size * BUCKET):
            part = order[first : first + size * BUCKET]
            order[first : first + size * BUCKET] = part[np.argsort(bases.length[part], kind="stable")]
    cut = [order[first : first + size] for first in range(0, len(order), size)]
    return [cut[k] for k in rng.permutation(len(cut))] if bases.positions is None else cut


def in_order(bases: Bases, size: int) -> Iterator[np.ndarray]:
    """Batches for predicting: by length, so that little is filled up."""
    order = np.argsort(bases.length, kind="stable")
    for first in range(0, len(order), size):
        yield order[first : first + size]

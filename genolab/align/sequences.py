"""Sequences as the kernels take them: the codes of all letters in a row, and where each sequence starts and ends."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genolab.align.scoring import Alphabet
from genolab.errors import FileError, InputError

SequencesLike = str | os.PathLike[str] | np.ndarray | Sequence[str] | Sequence[np.ndarray]
"""One sequence or many: text, a FASTA or FASTQ path (a name with a dot or a slash), or ``uint8`` codes."""


@dataclass(frozen=True, eq=False)
class Sequences:
    """Encoded sequences: number ``k`` is ``codes[start[k]:start[k] + length[k]]``.

    ``codes`` ends with one letter that belongs to no sequence, so that it is never empty.
    """

    codes: np.ndarray = field(repr=False)
    start: np.ndarray = field(repr=False)
    length: np.ndarray = field(repr=False)
    alphabet: Alphabet = field(repr=False)
    given_names: tuple[str, ...] | None = field(default=None, repr=False)
    path: Path | None = None

    def __len__(self) -> int:
        return len(self.start)

    def name(self, number: int) -> str:
        """The name in the file, else the place in the list, from 0."""
        return str(number) if self.given_names is None else self.given_names[number]

    def text(self, number: int) -> str:
        """The letters of one sequence, as they were read: in capitals, U as T."""
        return self.alphabet.text(self.codes[self.start[number] : self.start[number] + self.length[number]])


def encode(who: str, name: str, value: SequencesLike, alphabet: Alphabet, allow_empty: bool = False) -> Sequences:
    """Encode one sequence or many.

    Raises
    ------
    InputError, FileError
        If there is nothing, a letter is not of the alphabet (with the sequence and its place), a code is too large, or
        a sequence is empty and ``allow_empty`` is not given.
    """
    path: Path | None = None
    names: tuple[str, ...] | None = None
    single = isinstance(value, str | np.ndarray)
    if isinstance(value, os.PathLike) or (isinstance(value, str) and ("." in value or "/" in value)):
        from genolab.io import read_sequences

        records = read_sequences(value)
        path, names, value, single = records.path, records.names, records.sequences, False
    items: list[Any] = [value] if single else list(value)
    if not items:
        raise InputError(who, name, "one sequence or more", "none")
    if set(map(type, items)) == {str}:
        codes = _codes_of_text(who, name, items, alphabet, path)
        length = np.fromiter(map(len, items), np.int64, len(items))
    else:
        arrays = [_checked_codes(who, name, item, alphabet) for item in items]
        codes = np.concatenate(arrays)
        length = np.array([array.size for array in arrays], np.int64)
    if not allow_empty and not length.all():
        number = int(np.argmin(length))
        if path is not None:
            raise FileError(path, record=number + 1, expected="a sequence", found="an empty one", fix=_EMPTY)
        raise InputError(who, _place(name, number, single), "a sequence", "an empty one", _EMPTY)
    start = np.zeros(len(items), np.int64)
    np.cumsum(length[:-1], out=start[1:])
    codes = np.append(codes, np.zeros(1, np.uint8))
    return Sequences(codes, start, length, alphabet, names, path)


_MANY = 2**17  # letters; fewer are not worth a compiled loop
_EMPTY = "Leave it out, or say allow_empty=True: it is then aligned as one gap."


def _codes_of_text(who: str, name: str, items: list[str], alphabet: Alphabet, path: Path | None) -> np.ndarray:
    joined = "".join(items)
    # a letter beyond ASCII becomes "?", which no alphabet has, so that places stay right
    text = joined.encode("ascii", "replace")
    if len(text) < _MANY:
        codes = np.frombuffer(text.translate(alphabet.codes), np.uint8)
    else:
        from genolab.align.loops.letters import translate

        codes = translate(np.frombuffer(text, np.uint8), np.frombuffer(alphabet.codes, np.uint8))
    if codes.size and codes.max() == 255:
        place = int(np.argmax(codes == 255))
        number, letter = 0, joined[place]
        while place >= len(items[number]):
            place -= len(items[number])
            number += 1
        expected = f"letters of the {alphabet.name} alphabet ({alphabet.letters})"
        found, fix = f"{letter!r} at position {place + 1:,}", _fix_of_letter(alphabet, letter)
        if path is not None:
            raise FileError(path, record=number + 1, field="sequence", expected=expected, found=found, fix=fix)
        raise InputError(who, _place(name, number, len(items) == 1), expected, found, fix)
    return codes


def _fix_of_letter(alphabet: Alphabet, letter: str) -> str:
    if letter in "-.":
        return "Take the gaps out of the sequence."
    if letter.isspace():
        return "Take the blanks out of the sequence."
    if alphabet.name == "DNA" and letter.upper() in "EFILPQ*XZJO":
        return 'For proteins give a matrix: Scoring(matrix="BLOSUM62", gap_open=10, gap_extend=1).'
    return ""


def _place(name: str, number: int, single: bool) -> str:
    return name if single else f"{name}[{number}]"


def _checked_codes(who: str, name: str, item: Any, alphabet: Alphabet) -> np.ndarray:
    if isinstance(item, str):
        raise InputError(who, name, "all text or all arrays of codes", "a mixture of both")
    if not isinstance(item, np.ndarray) or item.ndim != 1 or item.dtype.kind not in "iu":
        found = f"dtype {item.dtype}, shape {item.shape}" if isinstance(item, np.ndarray) else type(item).__name__
        raise InputError(who, name, "text or one-dimensional arrays of whole-number codes", found)
    if item.size and (item.min() < 0 or item.max() >= len(alphabet.letters)):
        expected = f"codes from 0 to {len(alphabet.letters) - 1}, the places in {alphabet.letters}"
        raise InputError(who, name, expected, f"{item.max() if item.min() >= 0 else item.min()}")
    return item.astype(np.uint8)


PAIRINGS = ("pairs", "all")


def pair_up(who: str, queries: Sequences, targets: Sequences | None, pairing: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the query and of the target of every pair.

    ``"pairs"``: the first with the first and so on; one sequence against a list meets each of them. ``"all"``: every
    query with every target. Without targets, every two different queries once.
    """
    if pairing not in PAIRINGS:
        raise InputError(who, "pairing", f"one of {', '.join(PAIRINGS)}", repr(pairing))
    if targets is None:
        if len(queries) < 2:
            raise InputError(who, "targets", "given, where there is one query", "nothing")
        first, second = np.triu_indices(len(queries), 1)
        return first, second
    many, others = len(queries), len(targets)
    if pairing == "all":
        return np.repeat(np.arange(many), others), np.tile(np.arange(others), many)
    if many != others and 1 not in (many, others):
        fix = 'For every query with every target, say pairing="all".'
        raise InputError(who, "targets", f"as many as there are queries ({many:,}), or one", f"{others:,}", fix)
    count = max(many, others)
    return np.arange(count) % many, np.arange(count) % others

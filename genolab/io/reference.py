"""A reference sequence: FASTA, plain or compressed, read by stretches as base codes."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import numpy as np
import pysam

from genolab.errors import FileError, InputError
from genolab.io import cache, guard, htslib
from genolab.io.fasta_text import LETTERS, check_fasta
from genolab.io.index import find_index, gzi_of, is_stale, missing
from genolab.io.paths import PathLike
from genolab.io.reads import CODES
from genolab.io.region import unknown_contig

WHOLE = 64 * 2**20
"""Without an index, a file up to this size (bytes) is read whole; a larger one needs its index."""

_WHO = "open_reference"
_AS_DNA = bytes.maketrans(b"Uu", b"TT")


class Reference:
    """An open FASTA file; made by :func:`open_reference`, used as a context manager.

    ``path``, ``contigs`` (name to length) and ``notices``. Positions are 0-based, ends exclusive.
    """

    def __init__(self, path: Path, contigs: dict[str, int], notices: tuple[str, ...]) -> None:
        self.path, self.contigs, self.notices = path, contigs, notices
        self._file: pysam.FastaFile | None = None
        self._sequences: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Reference:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Reference {self.path.name}: {len(self.contigs):,} contigs, {sum(self.contigs.values()):,} bases>"

    def close(self) -> None:
        """Close the file; fetching afterwards is refused."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file, self._sequences = None, {}

    def fetch(self, contig: str, start: int, end: int) -> np.ndarray:
        """The base codes of ``[start, end)``: ``uint8[end - start]``, A 0, C 1, G 2, T 3, other 4."""
        return np.frombuffer(self._bytes(contig, start, end).translate(CODES), np.uint8)

    def fetch_text(self, contig: str, start: int, end: int) -> str:
        """The letters of ``[start, end)`` in capitals."""
        return self._bytes(contig, start, end).decode("ascii")

    def md5(self, contig: str) -> str:
        """The MD5 of a whole contig in capitals, as SAM's M5; computed once per state of the file, then cached."""
        known = cache.load("md5", self.path)
        if contig not in known:
            sums = hashlib.md5(usedforsecurity=False)
            length = self.contigs.get(contig, 0)
            for start in range(0, length, 2**24):
                sums.update(self._bytes(contig, start, min(start + 2**24, length)))
            known = {**known, contig: sums.hexdigest()}
            cache.store("md5", self.path, known)
        return str(known[contig])

    def _bytes(self, contig: str, start: int, end: int) -> bytes:
        if contig not in self.contigs:
            raise unknown_contig(contig, self.contigs, "Reference.fetch", "contig")
        length = self.contigs[contig]
        if not 0 <= start <= end <= length:
            expected = f"inside {contig} (0 <= start <= end <= {length:,})"
            raise InputError("Reference.fetch", "start, end", expected, f"{start:,}, {end:,}")
        if contig in self._sequences:
            return self._sequences[contig][start:end]
        with self._lock, htslib.quiet():
            if self._file is None:
                raise InputError("Reference.fetch", "reference", "open", "a closed file", "Open it again.")
            try:
                data = self._file.fetch(contig, start, end).encode("latin-1", "replace") if end > start else b""
            except (OSError, ValueError, KeyError) as error:
                raise self._damaged(contig, str(error)) from error
        if len(data) != end - start:
            raise self._damaged(contig, f"{len(data):,} bases where the index promises {end - start:,}")
        wrong = data.translate(None, LETTERS)
        if wrong:
            at = start + data.index(wrong[:1]) + 1
            raise self._damaged(contig, f"{guard.shown(wrong[:1])} at position {at:,}")
        return data.translate(_AS_DNA).upper()

    def _damaged(self, contig: str, found: str) -> FileError:
        fix = f'If the file changed, build its index again: genolab.io.build_index("{self.path}").'
        return FileError(self.path, field=f"sequence of {contig}", expected="bases", found=found, fix=fix)


def open_reference(path: PathLike) -> Reference:
    """Open a FASTA file, plain or compressed with bgzip; with its index (.fai, .gzi) it is read by stretches.

    Without an index a file up to 64 MB is read whole and every line is checked; a larger one is refused with
    ``MissingIndexError``. Refused with ``FileError``: a file of another kind, letters that are no bases, a name twice.
    """
    seen = guard.expect(path, _WHO, "FASTA")
    guard.whole(seen)
    index = find_index(seen.path, "FASTA") if seen.compression != "gzip" else None
    small = seen.path.stat().st_size <= WHOLE
    if index is not None and not (small and is_stale(seen.path, index)):
        return _indexed(seen, index)
    if not small:
        if seen.compression == "gzip":
            fix = "Unpack it and compress it with bgzip."
            raise FileError(seen.path, expected="FASTA, plain or compressed with bgzip", found="plain gzip", fix=fix)
        raise missing(seen.path, "FASTA")
    text = check_fasta(seen, keep=True)
    notices = text.notices
    if index is not None:
        notices.append(f"The index {index.name} is older than the file and was not used.")
    reference = Reference(seen.path, text.contigs, tuple(notices))
    reference._sequences = text.sequences
    return reference


def _indexed(seen: guard.Nature, index: Path) -> Reference:
    gzi = gzi_of(index)
    if seen.compression == "bgzf" and not gzi.is_file():
        raise missing(seen.path, "FASTA")
    contigs, last = _read_fai(index, seen.path)
    size = seen.path.stat().st_size
    again = f'Build it again: genolab.io.build_index("{seen.path}").'
    if not seen.compression and last > size:
        found = f"one that needs {last:,} bytes; the file has {size:,}"
        raise FileError(index, expected=f"the index of {seen.path.name}", found=found, fix=again)
    kept = str(gzi) if seen.compression == "bgzf" else None

    def start() -> pysam.FastaFile:
        return pysam.FastaFile(str(seen.path), filepath_index=str(index), filepath_index_compressed=kept)

    try:
        with htslib.quiet():
            file = start()
    except (OSError, ValueError) as error:
        said = htslib.quote(htslib.words(start) or str(error))
        raise FileError(
            index, expected=f"the index of {seen.path.name}", found=f"one that cannot be read{said}", fix=again
        ) from error
    notices: tuple[str, ...] = ()
    if is_stale(seen.path, index):
        notices = (f"The index {index.name} is older than the file; if the sequence looks wrong, build it again.",)
    reference = Reference(seen.path, contigs, notices)
    reference._file = file
    return reference


def _read_fai(index: Path, path: Path) -> tuple[dict[str, int], int]:
    """Names and lengths from a .fai, and the byte where the last sequence ends."""
    contigs: dict[str, int] = {}
    last = 0
    for number, raw in enumerate(guard.text_of(guard.nature(index, _WHO)).splitlines(), 1):
        name, *numbers = guard.decoded(raw, index, number).split("\t")
        if len(numbers) < 4 or not all(text.isascii() and text.isdigit() for text in numbers[:4]) or name in contigs:
            raise FileError(
                index, line=number, expected="a new name and four whole numbers",
                found=repr(raw[:40].decode(errors="replace")),
                fix=f'Build it again: genolab.io.build_index("{path}").',
            )  # fmt: skip
        length, offset, bases, width = (int(text) for text in numbers[:4])
        contigs[name] = length
        last = max(last, offset + length + (length - 1) // max(bases, 1) * (width - bases)) if length else last
    return contigs, last

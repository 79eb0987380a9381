"""The minimizer index of a reference: made once for a file and kept in memory, or on disk where that is asked for."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from genolab import io
from genolab.errors import FileError, InputError

K, W = 16, 10
"""Letters of a k-mer, and k-mers of a window, unless others are asked for."""

LARGEST = 2**31 - 2
"""Letters of a reference: a place and its strand are kept in 32 bits."""

_FULLEST, _EMPTIEST = 24, 8  # bits of the table
_WHO = "index_reference"


@dataclass(frozen=True, eq=False)
class ReferenceIndex:
    """A reference and where its minimizers are.

    Attributes
    ----------
    codes
        All contigs, one after the other with an N between: A 0, C 1, G 2, T 3, other letters 4.
    contigs
        Names and lengths, as in the file; ``starts[c]`` is where contig ``c`` begins in ``codes``.
    entries
        ``hash << 32 | place << 1 | strand`` of every minimizer, sorted; those whose hash begins with the bits ``b`` are
        ``entries[table[b]:table[b + 1]]``.
    """

    path: Path
    contigs: dict[str, int] = field(repr=False)
    starts: np.ndarray = field(repr=False)
    codes: np.ndarray = field(repr=False)
    entries: np.ndarray = field(repr=False)
    table: np.ndarray = field(repr=False)
    k: int = K
    w: int = W
    notices: tuple[str, ...] = ()

    def __repr__(self) -> str:
        size = f"{sum(self.contigs.values()):,} letters, {self.entries.size:,} minimizers, {self.nbytes / 1e6:,.1f} MB"
        return f"<ReferenceIndex {self.path.name}: {size}>"

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.codes.nbytes + self.entries.nbytes + self.table.nbytes

    @property
    def lengths(self) -> np.ndarray:
        """The length of every contig."""
        return np.fromiter(self.contigs.values(), np.int64, len(self.contigs))

    @property
    def shift(self) -> int:
        """How many low bits of a hash the table leaves out."""
        return 33 - (self.table.size - 1).bit_length()


_kept: dict[tuple[str, int, int], ReferenceIndex] = {}
_lock = threading.Lock()


def index_reference(
    reference: str | os.PathLike[str], *, k: int = K, w: int = W, cache: bool = False
) -> ReferenceIndex:
    """Index a FASTA file by minimizers; the last one made is kept and given again while the file does not change.

    Parameters
    ----------
    reference
        FASTA, plain or compressed.
    k, w
        Letters of a k-mer, 8 to 16, and k-mers of a window, 1 to 32. Smaller finds more in poor reads, and is slower.
    cache
        Keep it on disk too, in the cache folder; worth while for references of hundreds of millions of letters.

    Raises
    ------
    FileError, InputError
        If the file is not FASTA, has no letters or more than two billion, or a number is not as above.
    """
    for name, value, low, high in (("k", k, 8, 16), ("w", w, 1, 32)):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(_WHO, name, f"a whole number from {low} to {high}", repr(value))
    with io.open_reference(reference) as opened, _lock:
        from genolab.io.cache import identity, load_arrays, store_arrays

        key = identity(opened.path), k, w
        if key in _kept:
            return _kept[key]
        contigs = {name: length for name, length in opened.contigs.items() if length}
        if not contigs:
            raise FileError(opened.path, expected="a sequence", found="none", fix="Give the reference itself.")
        total = sum(contigs.values()) + len(contigs)
        if total > LARGEST:
            fix = "Split it by chromosomes."
            raise FileError(opened.path, expected=f"at most {LARGEST:,} letters", found=f"{total:,}", fix=fix)
        codes = np.full(total, 4, np.uint8)
        lengths = np.fromiter(contigs.values(), np.int64, len(contigs))
        starts = np.cumsum(lengths + 1) - lengths - 1
        for start, (name, length) in zip(starts.tolist(), contigs.items(), strict=True):
            codes[start : start + length] = opened.fetch(name, 0, length)
        stored = load_arrays("minimizers", opened.path, f"{k}-{w}", ("entries", "table")) if cache else None
        entries, table = stored or minimizers_in(codes, k, w)
        if cache and stored is None:
            store_arrays("minimizers", opened.path, f"{k}-{w}", entries=entries, table=table)
        notices = list(opened.notices)
        if not entries.size:
            notices.append(f"{opened.path.name} has no stretch of {k + w - 1} bases: nothing can be mapped to it.")
        made = ReferenceIndex(opened.path, contigs, starts, codes, entries, table, k, w, tuple(notices))
        _kept.clear()
        _kept[key] = made
    return made


def minimizers_in(codes: np.ndarray, k: int, w: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``entries`` and the ``table`` of a :class:`ReferenceIndex`."""
    from genolab.align.mapping.seeds import minimizers_of_all

    room = codes.size * 3 // (w + 1) + 1000  # two of w + 1 are expected
    while True:
        entries = np.empty(room, np.uint64)
        count = minimizers_of_all(codes, k, w, entries)
        if count >= 0:
            break
        room = codes.size
    entries = np.sort(entries[:count])
    bits = min(max(count.bit_length(), _EMPTIEST), _FULLEST)
    buckets = (entries >> np.uint64(64 - bits)).astype(np.int64)
    table = np.zeros(2**bits + 1, np.uint32)
    np.cumsum(np.bincount(buckets, minlength=2**bits), out=table[1:])
    return entries, table

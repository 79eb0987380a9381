"""Quality control of reads: a FASTQ file looked at once, in batches, with memory that does not grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab import __version__
from genolab.errors import InputError
from genolab.io.digests import digest
from genolab.io.fastq import read_batches
from genolab.io.paths import PathLike
from genolab.prepare.read_summaries import CODE, QUALITIES, cycle_counts, read_means

if TYPE_CHECKING:
    import pandas as pd

ADAPTERS = {
    "Illumina universal": "AGATCGGAAGAG",
    "Illumina small RNA 3'": "TGGAATTCTCGG",
    "Illumina small RNA 5'": "GATCGTCGGACT",
    "Nextera transposase": "CTGTCTCTTATA",
    "poly-A": "AAAAAAAAAAAA",
    "poly-G": "GGGGGGGGGGGG",
}
"""The first twelve bases of common adapters, and runs that stand for an empty signal, as FastQC looks for them."""

CYCLES = 1000
"""Cycles told apart; those after the last are counted with it."""

TRACKED = 100_000
"""Distinct reads that are counted for duplicates at one time."""

COMPARED = 50
"""Bases by which reads are the same: later ones have more errors."""

READS, LETTERS = 20_000, 4_000_000
"""Reads, and letters, of a batch."""

Progress = Callable[[float, str], None]
"""What is told: how much is done, 0 to 1, and what."""

BASES = ("A", "C", "G", "T", "N")


@dataclass(frozen=True)
class ReadQuality:
    """What the reads of a file look like, cycle by cycle.

    Attributes
    ----------
    path, reads, bases
        The file, and how much is in it.
    by_quality : cycle by Phred quality
        Bases of each quality.
    by_base : cycle by A, C, G, T, other
        Bases by letter; ``other`` is N and ambiguous letters.
    gc_histogram : percent
        Reads by their share of G and C, rounded to 0, 1, ... 100 %.
    quality_histogram : Phred quality
        Reads by their mean quality (the arithmetic mean of Phred), rounded down.
    lengths, length_counts
        Lengths that occur, and how many reads have them.
    adapters : name to a number per cycle
        Share of the reads in which the adapter has begun at or before the cycle.
    duplicate_fraction
        Share of the reads that repeat another one in their first 50 bases: 1 less distinct reads over reads, among
        reads sampled by a hash of their bases, so that all copies of a read are in the sample or none (Gibbons 2001,
        https://www.vldb.org/conf/2001/P541.pdf).
    notices, provenance
        What a person should know; the file with its digest, parameters, kernels and version.
    """

    path: Path
    reads: int
    bases: int
    by_quality: np.ndarray = field(repr=False)
    by_base: np.ndarray = field(repr=False)
    gc_histogram: np.ndarray = field(repr=False)
    quality_histogram: np.ndarray = field(repr=False)
    lengths: np.ndarray = field(repr=False)
    length_counts: np.ndarray = field(repr=False)
    adapters: dict[str, np.ndarray] = field(repr=False)
    duplicate_fraction: float
    notices: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return self.reads

    @property
    def mean_quality(self) -> np.ndarray:
        """Mean Phred quality at each cycle."""
        return self.by_quality @ np.arange(QUALITIES) / np.maximum(self.by_quality.sum(axis=1), 1)

    def quality_quantile(self, probability: float) -> np.ndarray:
        """The quality at each cycle that this share of the bases does not exceed."""
        total = self.by_quality.cumsum(axis=1)
        at_least: np.ndarray = np.ceil(probability * total[:, -1:]).clip(1)
        return (total >= at_least).argmax(axis=1)

    def to_frame(self) -> pd.DataFrame:
        """A row per cycle, from 1: bases, mean and quantiles of quality, shares of the letters and of adapters."""
        import pandas as pd

        total = np.maximum(self.by_base.sum(axis=1), 1)
        columns: dict[str, Any] = {"bases": self.by_base.sum(axis=1), "mean_quality": self.mean_quality}
        for name, p in (
            ("p10", 0.1),
            ("lower_quartile", 0.25),
            ("median", 0.5),
            ("upper_quartile", 0.75),
            ("p90", 0.9),
        ):
            columns[name] = self.quality_quantile(p)
        columns |= {base: self.by_base[:, code] / total for code, base in enumerate(BASES)}
        columns |= self.adapters
        return pd.DataFrame(columns, index=pd.RangeIndex(1, len(total) + 1, name="cycle"))

    def plot(self) -> Any:
        """The picture of the reads; needs the ``lab`` extra."""
        return import_module("genolab.plots.prepare").read_quality_plot(self)


def read_quality(
    path: PathLike,
    *,
    adapters: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> ReadQuality:
    """Look at every read of a FASTQ file, plain or gzipped.

    Parameters
    ----------
    path
        The file; qualities are taken as Phred + 33.
    adapters
        Names and their bases, of which up to 32 are looked for; ``None`` takes :data:`ADAPTERS`.
    progress
        Called with the share of the file that was read and a word on it; raising from it stops the work.

    Raises
    ------
    FileError
        With record and line: what is no FASTQ; a file that is cut.
    """
    wanted = dict(ADAPTERS if adapters is None else adapters)
    state = _State(wanted)
    for (batch,), fraction, notices in read_batches((path,), READS, LETTERS):
        state.add(batch)
        state.notices = notices
        if progress is not None:
            progress(fraction, f"{state.reads:,} reads")
    return state.result(Path(path), wanted)


class _State:
    """What was counted so far."""

    def __init__(self, adapters: dict[str, str]) -> None:
        codes = [_checked(name, bases) for name, bases in adapters.items()]
        self.codes = np.array([code for code, _ in codes], np.uint64)
        self.sizes = np.array([size for _, size in codes], np.int64)
        self.found = np.zeros((len(codes), CYCLES), np.int64)
        self.by_quality, self.by_base = np.zeros((CYCLES, QUALITIES), np.int64), np.zeros((CYCLES, 5), np.int64)
        self.gc, self.quality = np.zeros(101, np.int64), np.zeros(QUALITIES, np.int64)
        self.lengths: dict[int, int] = {}
        self.sample: dict[int, int] = {}
        self.limit = 2**64 - 1
        self.reads = self.bases = 0
        self.notices: tuple[str, ...] = ()

    def add(self, batch: Any) -> None:
        from genolab.prepare.loops import reads as loops

        edge = np.append(batch.start, batch.letters.size).astype(np.int64)
        self.by_quality, self.by_base = cycle_counts(
            batch.letters, batch.qualities, edge, self.by_quality, self.by_base
        )
        gc, quality = read_means(batch.letters, batch.qualities, edge)
        self.gc += np.bincount(np.rint(100 * gc[np.isfinite(gc)]).astype(int), minlength=101)
        self.quality += np.bincount(quality[np.isfinite(quality)].astype(int), minlength=QUALITIES)
        for length, number in zip(*np.unique(batch.length, return_counts=True), strict=True):
            self.lengths[int(length)] = self.lengths.get(int(length), 0) + int(number)
        loops.first_adapters(batch.letters, edge, CODE, self.codes, self.sizes, self.found)
        marks = np.empty(len(batch), np.uint64)
        loops.hashes(batch.letters, edge, CODE, COMPARED, marks)
        self._sample(marks)
        self.reads += len(batch)
        self.bases += batch.letters.size

    def _sample(self, marks: np.ndarray) -> None:
        """Count reads whose hash is below a limit, which is halved whenever there are too many."""
        for mark, number in zip(*np.unique(marks[marks <= self.limit], return_counts=True), strict=True):
            self.sample[int(mark)] = self.sample.get(int(mark), 0) + int(number)
        while len(self.sample) > TRACKED:
            self.limit //= 2
            self.sample = {mark: number for mark, number in self.sample.items() if mark <= self.limit}

    def result(self, path: Path, adapters: dict[str, str]) -> ReadQuality:
        last = min(max(self.lengths, default=0), CYCLES)
        lengths = np.array(sorted(self.lengths), np.int64)
        share = self.found[:, :last].cumsum(axis=1) / max(self.reads, 1)
        sampled = sum(self.sample.values())
        said = list(self.notices)
        if max(self.lengths, default=0) > CYCLES:
            said.append(f"Bases after cycle {CYCLES:,} are counted with it.")
        seen = np.flatnonzero(self.by_quality.sum(axis=0))
        if seen.size and seen[0] >= 31:
            said.append(f"The lowest quality is {seen[0]}: an old file may hold Phred + 64, and all are 31 too high.")
        return ReadQuality(
            path, self.reads, self.bases, self.by_quality[:last], self.by_base[:last], self.gc, self.quality, lengths,
            np.array([self.lengths[int(length)] for length in lengths], np.int64),
            dict(zip(adapters, share, strict=True)), 1 - len(self.sample) / sampled if sampled else 0.0, tuple(said),
            {
                "genolab": __version__, "reads": {"path": str(path), "digest": digest(path)},
                "parameters": {"adapters": adapters, "cycles": CYCLES, "compared": COMPARED, "tracked": TRACKED},
                "kernels": [cycle_counts.name, read_means.name],
            },
        )  # fmt: skip


def _checked(name: str, bases: str) -> tuple[int, int]:
    """An adapter's first 32 bases, two bits each, and their number."""
    taken = bases.strip().upper()[:32]
    if len(taken) < 6 or set(taken) - set("ACGT"):
        fix = "Give its first bases; 12 are enough."
        raise InputError("read_quality", "adapters", "at least 6 of A, C, G, T", f"{bases!r} for {name!r}", fix)
    code = 0
    for letter in taken:
        code = code << 2 | int(CODE[ord(letter)])
    return code, len(taken)

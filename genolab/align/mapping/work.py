"""One batch of reads to records and counts, in this process or in another."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from genolab.align.mapped import SURE
from genolab.align.mapping import batch as steps
from genolab.align.mapping import chains as c
from genolab.align.mapping import choice
from genolab.align.mapping.batch import Batch, Found, Placed
from genolab.align.mapping.index import ReferenceIndex
from genolab.align.mapping.pairs import InsertSize
from genolab.align.mapping.records import Texts, write_records
from genolab.io import FastqReads


class Tally:
    """What became of reads; tallies of batches are added up."""

    COUNTS = ("reads", "mapped", "sure", "pairs", "proper", "supplementary", "secondary")

    def __init__(self, contigs: int) -> None:
        self.reads = self.mapped = self.sure = self.pairs = self.proper = self.supplementary = self.secondary = 0
        self.reads_on, self.letters_on = np.zeros(contigs, np.int64), np.zeros(contigs, np.int64)
        self.qualities = np.zeros(61, np.int64)

    @classmethod
    def of(cls, placed: Placed, contigs: int, most_secondary: int) -> Tally:
        """That of one batch."""
        made, rows = cls(contigs), placed.candidates
        best = rows[rows[:, c.ROLE] == choice.PRIMARY]
        made.reads, made.mapped = len(placed.batch.reads), len(best)
        made.sure = int((best[:, c.QUALITY] >= SURE).sum())
        made.pairs, made.proper = placed.proper.size, int(placed.proper.sum())
        made.supplementary = int((rows[:, c.ROLE] == choice.SUPPLEMENTARY).sum())
        other = np.bincount(rows[rows[:, c.ROLE] == choice.SECONDARY, c.READ])
        made.secondary = int(np.minimum(other, most_secondary).sum())
        made.reads_on = np.bincount(best[:, c.CONTIG], minlength=contigs)
        spans = best[:, c.END] - best[:, c.START]
        made.letters_on = np.bincount(best[:, c.CONTIG], spans, minlength=contigs).astype(np.int64)
        made.qualities = np.bincount(best[:, c.QUALITY], minlength=61)
        return made

    def __iadd__(self, other: Tally) -> Tally:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self

    def to_arrays(self) -> dict[str, np.ndarray]:
        """As arrays; :meth:`from_arrays` makes the same of them."""
        return {name: np.asarray(value, np.int64) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, held: dict[str, np.ndarray]) -> Tally:
        """The tally of which :meth:`to_arrays` was made; other arrays are passed over."""
        made = cls(held["reads_on"].size)
        for name in vars(made):
            setattr(made, name, held[name].item() if name in cls.COUNTS else held[name])
        return made


@dataclass(eq=False)
class Work:
    """How batches are mapped."""

    index: ReferenceIndex = field(repr=False)
    sample: str
    secondary: int
    seed: int
    threads: int
    _held: tuple[tuple[FastqReads, ...], Found] | None = field(default=None, repr=False)

    def insert_of(self, reads: tuple[FastqReads, ...]) -> InsertSize | None:
        """The insert size of a batch of pairs, which is mapped next; None where too few are sure."""
        self._held = reads, steps.find(steps.joined(*reads), self.index, self.threads)
        return steps.inserts_of(self._held[1], self.seed, self.threads)

    def map(self, reads: tuple[FastqReads, ...], insert: InsertSize | None) -> tuple[bytes, Tally]:
        """The records of a batch as BAM holds them, and its tally."""
        index, threads = self.index, self.threads
        if self._held is not None and self._held[0] is reads:
            found = self._held[1]
        else:
            found = steps.find(steps.joined(*reads) if len(reads) == 2 else Batch(reads[0]), index, threads)
        self._held = None
        placed = steps.decide(found, index, self.seed, insert, threads)
        records = write_records(placed, index, self._names, self.sample.encode(), self.secondary, threads)
        return records.tobytes(), Tally.of(placed, len(index.contigs), self.secondary)

    @cached_property
    def _names(self) -> Texts:
        letters = [name.encode() for name in self.index.contigs]
        ends = np.cumsum([len(each) for each in letters])
        return Texts(np.frombuffer(b"".join(letters), np.uint8), np.concatenate([[0], ends]))

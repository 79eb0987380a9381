"""One batch of reads, from letters to records, in shares that do not depend on how many threads there are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from genolab.align.mapping import bands, chains, choice, pairs, seeds, tags
from genolab.align.mapping.index import ReferenceIndex
from genolab.io.fastq import FastqReads
from genolab.kernel.threads import spread

MOST_HITS = 64
"""A minimizer that occurs more often in the reference is left out, unless a read has no other."""

RESCUES = 4
"""Places of a read beside which its mate is looked for."""

MOST_BYTES = 2**26
"""Direction bytes of a block of bands; larger ones are aligned one by one."""

COSTS = np.array(
    [chains.GAP_OPEN + chains.GAP_EXTEND, chains.GAP_EXTEND, chains.MATCH, chains.MISMATCH], np.int32
)  # fmt: skip

CODES = np.full(256, 4, np.uint8)
"""The code of every letter: A 0, C 1, G 2, T and U 3, any other 4."""

for _code, _letters in enumerate((b"Aa", b"Cc", b"Gg", b"TtUu")):
    for _letter in _letters:
        CODES[_letter] = _code


@dataclass(frozen=True, eq=False)
class Batch:
    """Reads that are mapped together; of mates, read ``2 p`` is the first, ``2 p + 1`` the second of pair ``p``."""

    reads: FastqReads = field(repr=False)
    paired: bool = False

    @property
    def codes(self) -> np.ndarray:
        """The letters as codes."""
        return CODES[self.reads.letters]

    @property
    def numbers(self) -> np.ndarray:
        """The number in its file of each read, or of its pair."""
        count = np.arange(len(self.reads))
        return self.reads.first + (count // 2 if self.paired else count)


@dataclass(frozen=True, eq=False)
class Placed:
    """Candidates of a batch with their roles: those of read ``r`` are ``candidates[bounds[r]:bounds[r + 1]]``.

    The table has the columns named in :mod:`genolab.align.mapping.chains`, and one more row, which belongs to no read.
    """

    batch: Batch
    codes: np.ndarray = field(repr=False)
    candidates: np.ndarray = field(repr=False)
    bounds: np.ndarray = field(repr=False)
    operations: np.ndarray = field(repr=False)
    proper: np.ndarray = field(repr=False)

    @property
    def primary(self) -> np.ndarray:
        """The primary candidate of every read, -1 where it is unmapped."""
        found = np.full(len(self.batch.reads), -1)
        rows = np.flatnonzero(self.candidates[:, chains.ROLE] == choice.PRIMARY)
        found[self.candidates[rows, chains.READ]] = rows
        return found


def joined(first: FastqReads, second: FastqReads) -> Batch:
    """Reads and their mates as one batch, each beside its mate, under the name that they share."""
    count = len(first)

    def woven(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        both = np.empty(2 * count, np.int64)
        both[0::2], both[1::2] = a, b
        return both

    shared = first.name_length.copy()
    ends = first.names[first.name_start + first.name_length - 1]
    before = first.names[np.maximum(first.name_start + first.name_length - 2, 0)]
    shared[(ends == ord("1")) & (before == ord("/")) & (first.name_length > 2)] -= 2
    reads = FastqReads(
        first.names, np.repeat(first.name_start, 2), np.repeat(shared, 2),
        np.concatenate([first.letters, second.letters]), np.concatenate([first.qualities, second.qualities]),
        woven(first.start, second.start + first.letters.size), woven(first.length, second.length), first.first,
    )  # fmt: skip
    return Batch(reads, True)


@dataclass(frozen=True, eq=False)
class Found:
    """Every place that a read of a batch may have, before one is chosen."""

    batch: Batch
    codes: np.ndarray = field(repr=False)
    candidates: np.ndarray = field(repr=False)
    operations: np.ndarray = field(repr=False)

    @property
    def bounds(self) -> np.ndarray:
        """The candidates of read ``r`` are rows ``bounds[r]`` to ``bounds[r + 1] - 1``."""
        return np.searchsorted(self.candidates[:, chains.READ], np.arange(len(self.batch.reads) + 1))


def find(batch: Batch, index: ReferenceIndex, threads: int) -> Found:
    """Look every read up and align it wherever it may lie."""
    reads, codes = batch.reads, batch.codes
    arrays = codes, reads.start, reads.length

    def chained(first: int, last: int) -> np.ndarray:
        keys, counts = seeds.find_anchors(
            first, last, *arrays, index.table, index.shift, index.entries, index.k, index.w, MOST_HITS
        )
        rows: np.ndarray = chains.find_chains(first, last, keys, counts, reads.length, index.starts, index.k)
        return rows

    candidates = np.concatenate(spread(chained, len(reads), threads=threads))
    diagonals = *arrays, index.codes, index.starts, index.lengths
    spread(chains.try_diagonals, len(candidates), candidates, *diagonals, threads=threads)
    return _extend(Found(batch, codes, candidates, np.empty(0, np.int64)), index, threads)


def inserts_of(found: Found, seed: int, threads: int) -> pairs.InsertSize | None:
    """The insert size of a batch of pairs, from those that are sure of their places without it."""
    length, bounds = found.batch.reads.length, found.bounds
    alone = np.full(length.size, -1)
    spread(
        choice.choose, length.size, bounds, found.candidates, length, seed, found.batch.numbers, alone, threads=threads
    )
    inserts = np.empty(length.size // 2, np.int64)
    count, others = pairs.sure_inserts(bounds, found.candidates, length, inserts)
    return pairs.InsertSize.estimated(inserts[:count], count / max(count + others, 1))


def decide(found: Found, index: ReferenceIndex, seed: int, insert: pairs.InsertSize | None, threads: int) -> Placed:
    """Choose the place of every read; mates are looked at together where there is an insert size."""
    batch, length, numbers = found.batch, found.batch.reads.length, found.batch.numbers
    count, pair_count = length.size, length.size // 2 if found.batch.paired else 0
    forced, fit = np.full(count, -1), np.zeros((pair_count, 3), np.int64)
    proper = np.zeros(pair_count, np.bool_)
    together = batch.paired and insert is not None
    if insert is not None and together:
        span = insert.mean, insert.deviation, insert.low, insert.high

        def pair(found: Found) -> None:
            spread(
                pairs.pair_up, pair_count, found.bounds, found.candidates, length, seed, numbers, *span, forced, fit,
                threads=threads,
            )  # fmt: skip

        pair(found)
        tried = pairs.missing_mates(
            found.bounds, found.candidates, length, seed, numbers, index.starts, index.lengths, insert.low, insert.high,
            fit, RESCUES,
        )  # fmt: skip
        if len(tried):
            found = _joined_with(found, _extend(Found(batch, found.codes, tried, found.operations), index, threads))
            pair(found)
    candidates, bounds = found.candidates, found.bounds
    spread(choice.choose, count, bounds, candidates, length, seed, numbers, forced, threads=threads)
    if together:
        spread(pairs.surer_together, pair_count, bounds, candidates, fit, proper, threads=threads)
    spread(tags.count_edits, len(candidates), candidates, found.operations, threads=threads)
    candidates = np.concatenate([candidates, np.zeros((1, chains.COLUMNS), np.int64)])
    return Placed(batch, found.codes, candidates, bounds, found.operations, proper)


def _joined_with(found: Found, tried: Found) -> Found:
    """With the candidates that were tried beside a mate and are worth writing."""
    length = found.batch.reads.length[tried.candidates[:, chains.READ]]
    good = tried.candidates[:, chains.SCORE] >= np.minimum(choice.LEAST_SCORE, 3 * length // 4)
    candidates = np.concatenate([found.candidates, tried.candidates[good]])
    candidates = candidates[np.argsort(candidates[:, chains.READ], kind="stable")]
    return Found(found.batch, found.codes, candidates, tried.operations)


def _extend(found: Found, index: ReferenceIndex, threads: int) -> Found:
    """Align candidates along their bands and settle their ends; their operations go behind those there are."""
    candidates, reads = found.candidates, found.batch.reads
    gapped, length = candidates[:, chains.GAPPED] > 0, reads.length[candidates[:, chains.READ]]
    rooms = np.where(gapped, length // 3 + 8, 1)  # a gap costs seven letters at least
    candidates[:, chains.OPERATIONS] = found.operations.size + np.cumsum(rooms) - rooms
    operations = np.concatenate([found.operations, np.empty(int(rooms.sum()), np.int64)])
    slots = candidates[:, chains.SLOTS]
    large = gapped & ((length * slots * bands.LANES > MOST_BYTES) | (length > bands.LONGEST))
    members = np.flatnonzero(gapped & ~large)
    members = members[np.lexsort((length[members], slots[members]))]
    arrays = found.codes, reads.start, reads.length, index.codes, index.starts, index.lengths

    def share(first: int, last: int) -> None:
        own = members[first:last]
        rows, wide = int(length[own].max()), int(slots[own].max())
        # lengths rise within a width, so the last of a block says how many rows it has
        room = np.empty(int((length[own] * slots[own]).max()) * bands.LANES, np.uint8)
        lines = (np.empty(size * bands.LANES, np.uint8) for size in (rows, rows + wide))
        state = (np.empty((wide + 1) * bands.LANES, np.int16) for _ in range(2))
        bands.align_bands(own, candidates, *arrays, COSTS, operations, *lines, *state, room)

    if members.size:
        spread(share, members.size, parts=max(1, min(16, members.size // 512)), threads=threads)
    result = Found(found.batch, found.codes, candidates, operations)
    for x in np.flatnonzero(large).tolist():
        _align_large(candidates[x], result, index)
    spread(choice.settle_ends, len(candidates), candidates, *arrays, operations, threads=threads)
    return result


def _align_large(row: np.ndarray, found: Found, index: ReferenceIndex) -> None:
    """The same by the pairwise loops, for one read, which keep checkpoints in place of all directions."""
    from genolab.align.aligner import align
    from genolab.align.scoring import Scoring

    scoring = Scoring(chains.MATCH, chains.MISMATCH, chains.GAP_OPEN, chains.GAP_EXTEND, ambiguous="mismatch")
    reads = found.batch.reads
    start, size = int(reads.start[row[chains.READ]]), int(reads.length[row[chains.READ]])
    read = found.codes[start : start + size]
    if row[chains.STRAND]:
        read = np.where(read[::-1] < 4, 3 - read[::-1], 4).astype(np.uint8)
    low, slots = int(index.starts[row[chains.CONTIG]]), int(row[chains.SLOTS])
    high, first = low + int(index.lengths[row[chains.CONTIG]]), int(row[chains.FIRST])
    begin, end = max(low, first), min(high, first + size + slots - 1)
    band = max(0, slots - abs(end - begin - size))
    found_here = align(
        read, index.codes[begin:end], mode="local", scoring=scoring, traceback=True, cigar="M", threads=1, band=band
    )
    assert found_here.cigars is not None
    runs = [int(count) << 4 | "MID".index(kind) for count, kind in re.findall(r"(\d+)([MID])", found_here.cigars[0])]
    at = int(row[chains.OPERATIONS])
    found.operations[at : at + len(runs)] = runs
    row[chains.COUNT], row[chains.SCORE] = len(runs), int(found_here.scores[0])
    ends = found_here.query_start, found_here.query_end, found_here.target_start, found_here.target_end
    query_start, query_end, target_start, target_end = (int(np.asarray(each)[0]) for each in ends)
    row[chains.READ_START], row[chains.READ_END] = query_start, query_end
    row[chains.START], row[chains.END] = begin + target_start, begin + target_end

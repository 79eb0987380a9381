"""Records as BAM holds them (SAM specification, section 4.2), from candidates with their roles."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from genolab.align.loops import loop
from genolab.align.mapping import chains as c
from genolab.align.mapping.choice import PRIMARY, SECONDARY, SUPPLEMENTARY
from genolab.align.mapping.tags import write_tags
from genolab.kernel.threads import spread

if TYPE_CHECKING:
    from genolab.align.mapping.batch import Placed
    from genolab.align.mapping.index import ReferenceIndex

PAIRED, PROPER, UNMAPPED, MATE_UNMAPPED, REVERSE, MATE_REVERSE, FIRST, SECOND = 1, 2, 4, 8, 16, 32, 64, 128
IS_SECONDARY, IS_SUPPLEMENTARY = 256, 2048

NIBBLES = np.full(256, 15, np.uint8)
"""The four bits of every letter."""

for _code, _letter in enumerate(b"=ACMGRSVTWYHKDBN"):
    NIBBLES[_letter] = NIBBLES[_letter | 32] = _code
NIBBLES[ord("U")] = NIBBLES[ord("u")] = 8

_OTHER_STRAND = np.array([int(f"{code:04b}"[::-1], 2) for code in range(16)], np.uint8)
_FIXED = 36  # bytes before the name


class Texts(NamedTuple):
    """Names in a row, and where each begins; a last number says where they end."""

    letters: np.ndarray
    begin: np.ndarray


def write_records(
    placed: Placed, index: ReferenceIndex, names: Texts, group: bytes, secondary: int, threads: int
) -> np.ndarray:
    """The records of a batch as bytes, read after read; at most ``secondary`` secondary ones a read."""
    reads, candidates, codes = placed.batch.reads, placed.candidates, placed.codes
    count = len(reads)
    plan = _plan(placed, count, secondary)
    read, x = plan.T
    row = candidates[x]  # the last one, of zeros, where a read is unmapped
    here, role = x >= 0, row[:, c.ROLE]
    first_record = np.searchsorted(read, np.arange(count + 1))
    parts = first_record[:-1] + np.bincount(read[here & (role < SECONDARY)], minlength=count)
    mates = placed.primary[read ^ 1] if placed.batch.paired else np.full(read.size, -1)
    fixed = _fixed(placed, index, plan, mates)

    # room for the worst case: a number and a letter for every difference, a number for every operation
    text = 12 * row[:, c.COUNT] + 60
    names_longest = int(np.diff(names.begin).max())
    in_parts = np.bincount(read, text + names_longest, count)[read] * (parts[read] - first_record[read] > 1)
    room = text + 9 * row[:, c.EDITS] + 12 * candidates[mates, c.COUNT] + in_parts.astype(np.int64) + len(group) + 160
    offsets = np.cumsum(room) - room
    tags, sizes = np.empty(int(room.sum()), np.uint8), np.empty(read.size, np.int64)
    spread(
        write_tags, read.size, plan, mates, offsets, first_record[read], parts[read], candidates, codes, reads.start,
        reads.length, index.codes, index.starts, placed.operations, names.letters, names.begin,
        np.frombuffer(group, np.uint8), tags, sizes, threads=threads,
    )  # fmt: skip
    length = reads.length[read]
    fixed[:, 0] = 32 + reads.name_length[read] + 1 + 4 * (fixed[:, 4] & 0xFFFF) + (length + 1) // 2 + length + sizes
    ends = np.cumsum(fixed[:, 0].astype(np.int64) + 4)
    out = np.empty(int(ends[-1]) if ends.size else 0, np.uint8)
    spread(
        assemble, read.size, plan, fixed.view(np.uint8), ends, candidates, reads.names, reads.name_start,
        reads.name_length, reads.letters, reads.qualities, reads.start, reads.length, placed.operations, tags, offsets,
        sizes, out, threads=threads,
    )  # fmt: skip
    return out


def _plan(placed: Placed, count: int, secondary: int) -> np.ndarray:
    """Read and candidate of every record: the primary one, further parts, other places, each the best first."""
    candidates = placed.candidates
    x = np.flatnonzero(candidates[:, c.ROLE])
    x = x[np.lexsort((-candidates[x, c.SCORE], candidates[x, c.ROLE], candidates[x, c.READ]))]
    read, is_other = candidates[x, c.READ], candidates[x, c.ROLE] == SECONDARY
    others_before = np.cumsum(is_other) - is_other
    begin = np.searchsorted(read, read)
    kept = ~is_other | (others_before - others_before[begin] < secondary)
    unmapped = np.flatnonzero(placed.primary < 0)
    read, x = np.append(read[kept], unmapped), np.append(x[kept], np.full(unmapped.size, -1))
    order = np.argsort(read, kind="stable")
    return np.stack([read[order], x[order]], 1)


def _fixed(placed: Placed, index: ReferenceIndex, plan: np.ndarray, mates: np.ndarray) -> np.ndarray:
    """The nine integers that each record begins with; the first, its size, is left to the caller."""
    candidates, reads, paired = placed.candidates, placed.batch.reads, placed.batch.paired
    read, x = plan.T
    row, mate, own = candidates[x], candidates[mates], candidates[placed.primary[read]]
    here, mate_here, role = x >= 0, mates >= 0, row[:, c.ROLE]
    beside = np.where(mate_here[:, None], mate, own)  # a mate that is unmapped is written beside this read
    beside_here = paired & (mate_here | (placed.primary[read] >= 0))

    def place_of(rows: Any, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        contig = rows[:, c.CONTIG]
        return np.where(known, contig, -1), np.where(known, rows[:, c.START] - index.starts[contig], -1)

    mate_contig, mate_place = place_of(beside, beside_here)
    contig, place = place_of(row, here)
    contig, place = np.where(here, contig, mate_contig), np.where(here, place, mate_place)
    operations = row[:, c.COUNT] + (row[:, c.READ_START] > 0) + (row[:, c.READ_END] < reads.length[read])
    flag = np.where(here, REVERSE * row[:, c.STRAND], UNMAPPED)
    flag |= IS_SUPPLEMENTARY * (role == SUPPLEMENTARY) | IS_SECONDARY * (role == SECONDARY)
    template = np.zeros(read.size, np.int64)
    if paired:
        flag |= PAIRED | np.where(read % 2 == 0, FIRST, SECOND)
        flag |= np.where(mate_here, MATE_REVERSE * mate[:, c.STRAND], MATE_UNMAPPED)
        both = mate_here & (role == PRIMARY)
        flag |= PROPER * (both & placed.proper[read // 2])
        both &= row[:, c.CONTIG] == mate[:, c.CONTIG]
        span = np.maximum(row[:, c.END], mate[:, c.END]) - np.minimum(row[:, c.START], mate[:, c.START])
        left = row[:, c.START] < mate[:, c.START]
        left |= (row[:, c.START] == mate[:, c.START]) & (read % 2 == 0)
        template = np.where(both, np.where(left, span, -span), 0)
    quality = np.where(role == SECONDARY, 0, row[:, c.QUALITY])
    end = place + np.maximum(np.where(here, row[:, c.END] - row[:, c.START], 1), 1)
    fixed = np.empty((read.size, 9), np.int32)
    fixed[:, 1], fixed[:, 2] = contig, place
    packed = (reads.name_length[read] + 1) | quality << 8 | _bins(place, end - 1) << 16
    fixed[:, 3], fixed[:, 4] = packed.astype(np.uint32).view(np.int32), (np.where(here, operations, 0) | flag << 16)
    fixed[:, 5], fixed[:, 6], fixed[:, 7], fixed[:, 8] = reads.length[read], mate_contig, mate_place, template
    return fixed


def _bins(begin: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The bins of the index's hierarchy, for first and last letters."""
    bins = np.zeros(begin.size, np.int64)
    for shift, base in ((26, 1), (23, 9), (20, 73), (17, 585), (14, 4681)):
        bins = np.where(begin >> shift == last >> shift, base + (begin >> shift), bins)
    return bins


@loop
def assemble(
    first, last, plan, fixed, ends, candidates, names, name_start, name_length, letters, qualities, start, length,
    operations, tags, tag_offsets, tag_sizes, out,
):  # fmt: skip
    """Put the parts of the records ``first`` to ``last - 1`` one behind the other."""
    for record in range(first, last):
        r, x = plan[record, 0], plan[record, 1]
        at = ends[record - 1] if record > 0 else 0
        for i in range(_FIXED):
            out[at + i] = fixed[record, i]
        at += _FIXED
        for i in range(name_length[r]):
            out[at + i] = names[name_start[r] + i]
        at += name_length[r]
        out[at] = 0
        at += 1
        reverse, begin, size = False, start[r], length[r]
        if x >= 0:
            row = candidates[x]
            reverse = row[c.STRAND] == 1
            for z in range(-1, row[c.COUNT] + 1):
                if z < 0:
                    packed = row[c.READ_START] << 4 | 4
                elif z < row[c.COUNT]:
                    packed = operations[row[c.OPERATIONS] + z]
                else:
                    packed = (size - row[c.READ_END]) << 4 | 4
                if packed >> 4 > 0:
                    for y in range(4):
                        out[at + y] = (packed >> (8 * y)) & 255
                    at += 4
        step = -1 if reverse else 1
        place = begin + size - 1 if reverse else begin
        for i in range(0, size, 2):
            high = NIBBLES[letters[place]]
            low = NIBBLES[letters[place + step]] if i + 1 < size else np.uint8(0)
            if reverse:
                high, low = _OTHER_STRAND[high], _OTHER_STRAND[low]
            out[at] = high << 4 | low
            at += 1
            place += 2 * step
        place = begin + size - 1 if reverse else begin
        for i in range(size):
            out[at + i] = qualities[place + step * i] - 33
        at += size
        for i in range(tag_sizes[record]):
            out[at + i] = tags[tag_offsets[record] + i]

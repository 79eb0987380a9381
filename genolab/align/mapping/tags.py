"""The optional fields of a record: NM, MD, AS, XS, SA, MC and RG, as BAM holds them."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import numpy as np

from genolab.align.loops import ZERO, inlined, loop, part
from genolab.align.mapping import chains as c
from genolab.align.mapping.choice import SECONDARY

_OPERATIONS = np.frombuffer(b"MIDNSHP=X", np.uint8)
_BASES = np.frombuffer(b"ACGTN", np.uint8)
_NUMBERS = np.frombuffer(b"NMiASiXSi", np.uint8).reshape(3, 3)
_MD, _SA, _MC, _RG = np.frombuffer(b"MDZSAZMCZRGZ", np.uint8).reshape(4, 3)


@loop
def count_edits(first, last, candidates, operations):
    """NM of candidates: letters inserted and deleted, and those that differ, which the score tells."""
    for x in range(first, last):
        row = candidates[x]
        gaps = 0
        worth = 0  # were all pairs equal
        for z in range(row[c.OPERATIONS], row[c.OPERATIONS] + row[c.COUNT]):
            run = operations[z] >> 4
            if operations[z] & 15 == 0:
                worth += run * c.MATCH
            else:
                worth -= c.GAP_OPEN + run * c.GAP_EXTEND
                gaps += run
        row[c.EDITS] = gaps + (worth - row[c.SCORE]) // (c.MATCH - c.MISMATCH)


@part
def put_number(out, at, number):
    """A number of 0 or more as text; returns the place behind it, as all that put something do."""
    digits, rest = 1, number
    while rest >= 10:
        rest //= 10
        digits += 1
    for z in range(digits):
        out[at + digits - 1 - z] = 48 + number % 10
        number //= 10
    return at + digits


@part
def put_cigar(out, at, row, length, operations):
    """A CIGAR as text, soft clips among it."""
    for z in range(-1, row[c.COUNT] + 1):
        if z < 0:
            run, kind = row[c.READ_START], 4
        elif z < row[c.COUNT]:
            packed = operations[row[c.OPERATIONS] + z]
            run, kind = packed >> 4, packed & 15
        else:
            run, kind = length - row[c.READ_END], 4
        if run > 0:
            at = put_number(out, at, run)
            out[at] = _OPERATIONS[kind]
            at += 1
    return at


@part
def put_differences(out, at, row, codes, start, length, reference, operations):
    """MD: runs of equal letters, letters of the reference that differ, and those that are deleted behind ``^``."""
    i, j, run = row[c.READ_START], row[c.START], ZERO
    for z in range(row[c.OPERATIONS], row[c.OPERATIONS] + row[c.COUNT]):
        count, kind = operations[z] >> 4, operations[z] & 15
        if kind == 1:
            i += count
            continue
        if kind == 2:
            at = put_number(out, at, run)
            out[at] = 94  # ^
            at, run = at + 1, 0
        for _ in range(count):
            if kind == 0:
                letter = c.letter_at(codes, start, length, row[c.STRAND], i)
                i += 1
                if letter == reference[j] and letter < 4:
                    run += 1
                    j += 1
                    continue
                at = put_number(out, at, run)
                run = 0
            out[at] = _BASES[reference[j]]
            at += 1
            j += 1
    return put_number(out, at, run)


@inlined
def put_head(out, at, head):
    """Name and type of a field."""
    for z in range(3):
        out[at + z] = head[z]
    return at + 3


@inlined
def put_text(out, at, source, begin, end):
    """Letters of another text."""
    for i in range(begin, end):
        out[at + i - begin] = source[i]
    return at + end - begin


@loop
def write_tags(
    first, last, plan, mates, offsets, parts_begin, parts_end, candidates, codes, start, length, reference, starts,
    operations, contig_names, contig_begin, group, out, sizes,
):  # fmt: skip
    """The fields of the records ``first`` to ``last - 1``, each from its ``offsets`` on; sets their ``sizes``.

    ``plan``: read and candidate of every record (-1: unmapped); ``mates``: the primary candidate of the read's mate;
    ``parts_begin`` to ``parts_end``: the records of the read's parts, its primary and supplementary ones.
    """
    for record in range(first, last):
        r, x, at = plan[record, 0], plan[record, 1], offsets[record]
        size = length[r]
        if x >= 0:
            row = candidates[x]
            for z in range(2 if row[c.ROLE] == SECONDARY else 3):
                at = put_head(out, at, _NUMBERS[z])
                value = row[c.EDITS] if z == 0 else row[c.SCORE] if z == 1 else row[c.SECOND]
                for y in range(4):
                    out[at + y] = (value >> (8 * y)) & 255
                at += 4
            at = put_head(out, at, _MD)
            at = put_differences(out, at, row, codes, start[r], size, reference, operations)
            out[at] = 0
            at += 1
            if parts_end[record] - parts_begin[record] > 1 and row[c.ROLE] != SECONDARY:
                at = put_head(out, at, _SA)
                for y in range(parts_begin[record], parts_end[record]):
                    if y == record:
                        continue
                    part = candidates[plan[y, 1]]
                    contig = part[c.CONTIG]
                    at = put_text(out, at, contig_names, contig_begin[contig], contig_begin[contig + 1])
                    for z in range(4):  # position and strand, CIGAR, quality, NM
                        out[at] = 44  # ,
                        at += 1
                        if z == 1:
                            at = put_cigar(out, at, part, size, operations)
                        else:
                            place = part[c.START] - starts[contig] + 1
                            value = place if z == 0 else part[c.QUALITY] if z == 2 else part[c.EDITS]
                            at = put_number(out, at, value)
                        if z == 0:
                            out[at], out[at + 1] = 44, 45 if part[c.STRAND] else 43
                            at += 2
                    out[at] = 59  # ;
                    at += 1
                out[at] = 0
                at += 1
        if mates[record] >= 0:
            at = put_head(out, at, _MC)
            at = put_cigar(out, at, candidates[mates[record]], length[r ^ 1], operations)
            out[at] = 0
            at += 1
        at = put_head(out, at, _RG)
        at = put_text(out, at, group, ZERO, group.size)
        out[at] = 0
        sizes[record] = at + 1 - offsets[record]

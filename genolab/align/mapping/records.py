"""Records as BAM holds them (SAM specification, section 4.2), with NM, MD, AS, XS, SA, MC and RG, from candidates."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from genolab.align.mapping import chains as c
from genolab.align.mapping.choice import PRIMARY, SECONDARY, SUPPLEMENTARY

PAIRED, PROPER, UNMAPPED, MATE_UNMAPPED, REVERSE, MATE_REVERSE, FIRST, SECOND = 1, 2, 4, 8, 16, 32, 64, 128
IS_SECONDARY, IS_SUPPLEMENTARY = 256, 2048

NIBBLES = np.full(256, 15, np.uint8)
"""The four bits of every letter."""

for _code, _letter in enumerate(b"=ACMGRSVTWYHKDBN"):
    NIBBLES[_letter] = NIBBLES[_letter | 32] = _code
NIBBLES[ord("U")] = NIBBLES[ord("u")] = 8

_OPERATIONS = np.frombuffer(b"MIDNSHP=X", np.uint8)
_BASES = np.frombuffer(b"ACGTN", np.uint8)
_OTHER_STRAND = np.array([int(f"{code:04b}"[::-1], 2) for code in range(16)], np.uint8)
_NUMBERS = np.frombuffer(b"NMASXS", np.uint8).reshape(3, 2)
_STRANDS = np.frombuffer(b"+-", np.uint8)


class Texts(NamedTuple):
    """Names in a row, and where each begins; a last number says where they end."""

    letters: np.ndarray
    begin: np.ndarray


@njit(nogil=True, cache=True)
def count_edits(first, last, candidates, codes, start, length, reference, operations):
    """NM of the candidates that have a role: letters that differ, are inserted or are deleted."""
    for x in range(first, last):
        row = candidates[x]
        if row[c.ROLE] == 0:
            continue
        i, j, edits = row[c.READ_START], row[c.START], np.int64(0)
        r = row[c.READ]
        for z in range(row[c.OPERATIONS], row[c.OPERATIONS] + row[c.COUNT]):
            run, kind = np.int64(operations[z] >> 4), operations[z] & 15
            if kind == 0:
                for _ in range(run):
                    letter = c.letter_at(codes, start[r], length[r], row[c.STRAND], i)
                    edits += letter != reference[j] or letter > 3
                    i += 1
                    j += 1
            else:
                edits += run
                if kind == 1:
                    i += run
                else:
                    j += run
        row[c.EDITS] = edits


@njit(nogil=True, cache=True)
def _put_number(out, at, number):
    """A number of 0 or more as text; returns the place behind it."""
    digits, rest = 1, number
    while rest >= 10:
        rest //= 10
        digits += 1
    rest = number
    for z in range(digits):
        out[at + digits - 1 - z] = 48 + rest % 10
        rest //= 10
    return at + digits


@njit(nogil=True, cache=True)
def _put_integer(out, at, value):
    """A little-endian integer of four bytes."""
    for z in range(4):
        out[at + z] = np.uint8((value >> (8 * z)) & 255)
    return at + 4


@njit(nogil=True, cache=True)
def _put_tag(out, at, one, two, kind):
    out[at], out[at + 1], out[at + 2] = one, two, kind
    return at + 3


@njit(nogil=True, cache=True)
def _put_packed_cigar(out, at, row, length, operations):
    if row[c.READ_START] > 0:
        at = _put_integer(out, at, row[c.READ_START] << 4 | 4)
    for y in range(row[c.OPERATIONS], row[c.OPERATIONS] + row[c.COUNT]):
        at = _put_integer(out, at, np.int64(operations[y]))
    if row[c.READ_END] < length:
        at = _put_integer(out, at, (length - row[c.READ_END]) << 4 | 4)
    return at


@njit(nogil=True, cache=True)
def _put_scores(out, at, row):
    """NM and AS; XS too, where it says something."""
    for z in range(2 if row[c.ROLE] == SECONDARY else 3):
        at = _put_tag(out, at, _NUMBERS[z, 0], _NUMBERS[z, 1], 105)  # i
        at = _put_integer(out, at, row[c.EDITS] if z == 0 else row[c.SCORE] if z == 1 else row[c.SECOND])
    return at


@njit(nogil=True, cache=True)
def _put_cigar_text(out, at, row, length, operations):
    if row[c.READ_START] > 0:
        at = _put_number(out, at, row[c.READ_START])
        out[at] = 83  # S
        at += 1
    for z in range(row[c.OPERATIONS], row[c.OPERATIONS] + row[c.COUNT]):
        at = _put_number(out, at, np.int64(operations[z] >> 4))
        out[at] = _OPERATIONS[operations[z] & 15]
        at += 1
    if row[c.READ_END] < length:
        at = _put_number(out, at, length - row[c.READ_END])
        out[at] = 83
        at += 1
    return at


@njit(nogil=True, cache=True)
def _put_differences(out, at, row, codes, start, length, reference, operations):
    """MD: runs of equal letters, letters of the reference that differ, and those that are deleted behind ``^``."""
    i, j, run = row[c.READ_START], row[c.START], 0
    for z in range(row[c.OPERATIONS], row[c.OPERATIONS] + row[c.COUNT]):
        count, kind = np.int64(operations[z] >> 4), operations[z] & 15
        if kind == 0:
            for _ in range(count):
                letter = c.letter_at(codes, start, length, row[c.STRAND], i)
                if letter == reference[j] and letter < 4:
                    run += 1
                else:
                    at = _put_number(out, at, run)
                    out[at] = _BASES[reference[j]]
                    at += 1
                    run = 0
                i += 1
                j += 1
        elif kind == 1:
            i += count
        else:
            at = _put_number(out, at, run)
            out[at] = 94  # ^
            at += 1
            for _ in range(count):
                out[at] = _BASES[reference[j]]
                at += 1
                j += 1
            run = 0
    return _put_number(out, at, run)


@njit(nogil=True, cache=True)
def _bin(begin, end):
    """The bin of ``[begin, end)`` in the index's hierarchy."""
    end -= 1
    base, shift = 4681, 14
    while shift < 29:
        if begin >> shift == end >> shift:
            return base + (begin >> shift)
        shift += 3
        base = (base - 1) // 8
    return 0


@njit(nogil=True, cache=True)
def _best_of(r, bounds, candidates):
    """The primary candidate of a read; -1 where it is unmapped."""
    for x in range(bounds[r], bounds[r + 1]):
        if candidates[x, c.ROLE] == PRIMARY:
            return x
    return -1


@njit(nogil=True, cache=True)
def _template_length(own, mate, is_first):
    """From the leftmost to the rightmost letter of both mates; positive for the left one."""
    if own[c.CONTIG] != mate[c.CONTIG]:
        return 0
    span = max(own[c.END], mate[c.END]) - min(own[c.START], mate[c.START])
    left = own[c.START] < mate[c.START] or (own[c.START] == mate[c.START] and is_first)
    return span if left else -span


@njit(nogil=True, cache=True)
def _to_write(r, bounds, candidates, secondary, ranked):
    """The candidates of a read that are written: the primary one, further parts, other places, the best first.

    Returns how many, and how many of them are primary or supplementary.
    """
    count = parts = 0
    for role in range(PRIMARY, SECONDARY + 1):
        begin = count
        for x in range(bounds[r], bounds[r + 1]):
            if candidates[x, c.ROLE] == role and count < ranked.size:
                z = count
                while z > begin and candidates[ranked[z - 1], c.SCORE] < candidates[x, c.SCORE]:
                    ranked[z] = ranked[z - 1]
                    z -= 1
                ranked[z] = x
                count += 1
        if role == SUPPLEMENTARY:
            parts = count
    return parts + min(count - parts, secondary), parts


@njit(nogil=True, cache=True)
def _fixed_part(r, row, here, own, other, paired, proper, candidates, size, starts, name_length, fixed):
    """The nine integers that a record begins with, but for its size; ``here`` is False for an unmapped read."""
    flag, contig, place, quality, template, operation_count, span = 0, -1, -1, 0, 0, 0, 1
    mate_contig = mate_place = -1
    if paired:
        flag = PAIRED | (FIRST if r % 2 == 0 else SECOND)
        beside = other if other >= 0 else own  # a mate that is unmapped is written beside this one
        if beside >= 0:
            mate_contig = candidates[beside, c.CONTIG]
            mate_place = candidates[beside, c.START] - starts[mate_contig]
        if other < 0:
            flag |= MATE_UNMAPPED
        elif candidates[other, c.STRAND]:
            flag |= MATE_REVERSE
    if here:
        contig, place, role = row[c.CONTIG], row[c.START] - starts[row[c.CONTIG]], row[c.ROLE]
        span = row[c.END] - row[c.START]
        operation_count = row[c.COUNT] + (row[c.READ_START] > 0) + (row[c.READ_END] < size)
        flag |= REVERSE if row[c.STRAND] else 0
        flag |= IS_SUPPLEMENTARY if role == SUPPLEMENTARY else IS_SECONDARY if role == SECONDARY else 0
        quality = 0 if role == SECONDARY else row[c.QUALITY]
        if other >= 0 and role == PRIMARY:
            template = _template_length(row, candidates[other], r % 2 == 0)
            flag |= PROPER if proper[r // 2] else 0
    else:
        flag |= UNMAPPED
        contig, place = mate_contig, mate_place
    fixed[1], fixed[2] = contig, place
    fixed[3] = (name_length + 1) | quality << 8 | _bin(place, place + max(span, 1)) << 16
    fixed[4], fixed[5] = operation_count | flag << 16, size
    fixed[6], fixed[7], fixed[8] = mate_contig, mate_place, template


@njit(nogil=True, cache=True)
def _room(r, count, parts, ranked, other, candidates, size, extra):
    """Bytes that the records of a read take at most."""
    text = 40
    for z in range(count):
        row = candidates[ranked[z]]
        text += 16 * row[c.COUNT] + 9 * row[c.EDITS] + extra + 100
    if other >= 0:
        text += 12 * candidates[other, c.COUNT]
    return max(count, 1) * (2 * size + 400 + extra + text)


@njit(nogil=True, cache=True)
def _copied(out, at, source, begin, count):
    for i in range(count):
        out[at + i] = source[begin + i]
    out[at + count] = 0
    return at + count + 1


@njit(nogil=True, cache=True)
def write_records(
    first, last, bounds, candidates, paired, proper, secondary, names, name_start, name_length, letters, qualities,
    codes, start, length, reference, starts, operations, contig_names, contig_begin, group,
):  # fmt: skip
    """The records of the reads ``first`` to ``last - 1``, one after the other, as bytes.

    With ``paired`` the reads ``2 p`` and ``2 p + 1`` are mates, and ``proper[p]`` says whether they fit together. At
    most ``secondary`` secondary records a read are written.
    """
    out, at = np.empty(2**16, np.uint8), 0
    ranked, fixed = np.empty(1024, np.int64), np.empty(9, np.int32)
    fixed_bytes = fixed.view(np.uint8)
    longest_name = group.size
    for contig in range(starts.size):
        longest_name = max(longest_name, contig_begin[contig + 1] - contig_begin[contig])
    for r in range(first, last):
        size = length[r]
        own = _best_of(r, bounds, candidates)
        other = _best_of(r ^ 1, bounds, candidates) if paired else -1
        count, parts = _to_write(r, bounds, candidates, secondary, ranked)
        need = at + _room(r, count, parts, ranked, other, candidates, size, longest_name)
        if need > out.size:
            longer = np.empty(2 * need, np.uint8)
            for z in range(at):
                longer[z] = out[z]
            out = longer
        for z in range(max(count, 1)):
            row = candidates[ranked[z] if count else 0]
            _fixed_part(r, row, count > 0, own, other, paired, proper, candidates, size, starts, name_length[r], fixed)
            record = at
            at = _copied(out, at + 36, names, name_start[r], name_length[r])
            if count:
                at = _put_packed_cigar(out, at, row, size, operations)
            at = _put_bases(out, at, letters, qualities, start[r], size, count > 0 and row[c.STRAND] == 1)
            if count:
                at = _put_scores(out, at, row)
                at = _put_tag(out, at, 77, 68, 90)  # MD
                at = _put_differences(out, at, row, codes, start[r], size, reference, operations)
                out[at] = 0
                at += 1
            if parts > 1 and z < parts:
                at = _put_tag(out, at, 83, 65, 90)  # SA
                for y in range(parts):
                    if y != z:
                        part = candidates[ranked[y]]
                        at = _put_part(out, at, part, size, starts, operations, contig_names, contig_begin)
                out[at] = 0
                at += 1
            if other >= 0:
                at = _put_tag(out, at, 77, 67, 90)  # MC
                at = _put_cigar_text(out, at, candidates[other], length[r ^ 1], operations)
                out[at] = 0
                at += 1
            at = _put_tag(out, at, 82, 71, 90)  # RG
            at = _copied(out, at, group, 0, group.size)
            fixed[0] = at - record - 4
            for i in range(36):
                out[record + i] = fixed_bytes[i]
    return out[:at]


@njit(nogil=True, cache=True)
def _put_part(out, at, part, length, starts, operations, contig_names, contig_begin):
    """One alignment of SA: contig, position, strand, CIGAR, mapping quality, NM."""
    contig = part[c.CONTIG]
    for i in range(contig_begin[contig], contig_begin[contig + 1]):
        out[at] = contig_names[i]
        at += 1
    out[at] = 44  # ,
    at = _put_number(out, at + 1, part[c.START] - starts[contig] + 1)
    out[at], out[at + 1], out[at + 2] = 44, _STRANDS[part[c.STRAND]], 44
    at = _put_cigar_text(out, at + 3, part, length, operations)
    out[at] = 44
    at = _put_number(out, at + 1, part[c.QUALITY])
    out[at] = 44
    at = _put_number(out, at + 1, part[c.EDITS])
    out[at] = 59  # ;
    return at + 1


@njit(nogil=True, cache=True)
def _put_bases(out, at, letters, qualities, start, size, reverse):
    """Bases, two a byte, and qualities, in the direction of the reference."""
    last = start + size - 1
    for i in range(0, size, 2):
        if reverse:
            byte = _OTHER_STRAND[NIBBLES[letters[last - i]]] << 4
            if i + 1 < size:
                byte |= _OTHER_STRAND[NIBBLES[letters[last - i - 1]]]
        else:
            byte = NIBBLES[letters[start + i]] << 4
            if i + 1 < size:
                byte |= NIBBLES[letters[start + i + 1]]
        out[at] = byte
        at += 1
    for i in range(size):
        out[at + i] = (qualities[last - i] if reverse else qualities[start + i]) - 33
    return at + size

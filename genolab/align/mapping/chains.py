"""From anchors to candidates: chains, and where along a read's diagonal the reference agrees with it."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import numpy as np

from genolab.align.chaining import LOOKBACK
from genolab.align.loops import ZERO, inlined, loop, part

MATCH, MISMATCH, GAP_OPEN, GAP_EXTEND = 1, -4, 6, 1
"""What an alignment of a read is worth, as in BWA-MEM: a gap of k letters costs 6 + k."""

MARGIN = 15
"""Diagonals that are looked at beyond those of the chain, on both sides."""

STEP = 16
"""Bands are a multiple of this wide."""

MOST_CANDIDATES = 64
"""Chains of a read that are looked into."""

# the columns of a table of candidates; read places are in the direction of the strand
(
    READ, STRAND, CONTIG, FIRST, SLOTS, SCORE, READ_START, READ_END, START, END, OPERATIONS, COUNT, GAPPED, ROLE,
    SECOND, SECONDS, QUALITY, CHAIN, EDITS, COLUMNS,
) = range(20)  # fmt: skip


@loop
def chain_loop(group, reference_place, read_place, count, k, most_distance, most_gap, score, previous):
    """The loop of :data:`genolab.align.chaining.chain_anchors`, which says what it computes."""
    highest = np.int64(0)
    for i in range(count):
        best, before = np.int64(k), np.int64(-1)
        x, y, own = reference_place[i], read_place[i], group[i]
        for j in range(i - 1, max(-1, i - 1 - LOOKBACK), -1):
            if highest + k <= best or group[j] != own or x - reference_place[j] > most_distance:
                break  # anchors are sorted: those before are no better
            if score[j] + k <= best:
                continue
            along_reference, along_read = x - reference_place[j], y - read_place[j]
            nearer = min(along_reference, along_read)
            if nearer < 1 or along_read > most_distance:
                continue
            gap = abs(along_reference - along_read)
            if gap > most_gap:
                continue
            worth = score[j] + min(k, nearer)
            if gap > 0:
                worth -= 1 + gap // 4
            if worth > best:
                best, before = worth, np.int64(j)
        score[i], previous[i] = best, before
        highest = max(highest, best)


@loop
def chain_of_one(group, reference_place, read_place, count, k, most_distance, score, previous):
    """The same where all anchors are on one diagonal, in one sweep; False where they are not."""
    diagonal = reference_place[0] - read_place[0]
    score[0], previous[0] = k, -1
    for i in range(1, count):
        step = read_place[i] - read_place[i - 1]
        if reference_place[i] - read_place[i] != diagonal or group[i] != group[0] or step > most_distance:
            return False
        score[i], previous[i] = score[i - 1] + min(k, step), i - 1
    return True


@inlined
def contig_at(starts, place):
    """The contig that a place of the joined reference is in."""
    low, high = 0, starts.size
    while high - low > 1:
        middle = (low + high) // 2
        if starts[middle] <= place:
            low = middle
        else:
            high = middle
    return low


@inlined
def letter_at(codes, start, length, strand, i):
    """Letter ``i`` of a read in the direction of the strand; one that is no base is 4."""
    if strand == 0:
        return codes[start + i]
    code = codes[start + length - 1 - i]
    return np.uint8(3) - code if code < 4 else np.uint8(4)


@loop
def differences(codes, start, length, strand, reference, at):
    """Letters of a read that differ from those of ``reference[at:]``; one that is no base differs from all."""
    count = 0
    if strand == 0:
        for i in range(length):
            count += (codes[start + i] != reference[at + i]) | (codes[start + i] > 3)
    else:
        last = start + length - 1
        for i in range(length):
            count += np.uint8(3 - codes[last - i]) != reference[at + i]
    return count


@loop
def along_diagonal(codes, start, length, strand, reference, at, different, row):
    """The best stretch of a read laid on ``reference[at:]``, from which it differs in one letter or in none."""
    begin, end, score = 0, length, length * MATCH
    if different:
        i = ZERO
        while letter_at(codes, start, length, strand, i) == reference[at + i] < 4:
            i += 1
        whole, left, right = (length - 1) * MATCH + MISMATCH, i * MATCH, (length - 1 - i) * MATCH
        score = max(whole, left, right)
        if score == left:
            end = i
        elif score == right:
            begin = i + 1
    row[SCORE], row[READ_START], row[READ_END], row[START], row[END] = score, begin, end, at + begin, at + end


@loop
def two_are_best(codes, start, length, strand, reference, at):
    """Whether a read that differs from ``reference[at:]`` in two letters is best aligned there from end to end.

    That costs 10. Less would be a clipped end, or one gap of at most three letters with at most two letters clipped and
    no difference, so that all between the first difference, or the last, and an end agrees on a neighbouring diagonal.
    """
    first = last = -1
    for i in range(length):
        letter = letter_at(codes, start, length, strand, i)
        if letter != reference[at + i] or letter > 3:
            if first < 0:
                first = i
            last = i
    cost = MATCH - MISMATCH
    if min(first, last - first - 1, length - 1 - last) < 2 * cost:  # a clip may pay, or too little is left to see
        return False
    for shift in range(-3, 4):
        if shift == 0:
            continue
        for side in range(2):
            begin, end = (first + 4, length - 2) if side == 0 else (2, last - 3)
            agrees = True
            for i in range(begin, end):
                if letter_at(codes, start, length, strand, i) != reference[at + shift + i]:
                    agrees = False
                    break
            if agrees:
                return False
    return True


@part
def _collect(n, k, score, previous, reference_place, read_place, group, strands, length, used, rows):
    """The chains of a read, the best first, as rows; returns how many are worth a look."""
    count, best_score = 0, 0
    for i in range(n):
        used[i] = False
    while count < rows.shape[0]:
        last = -1
        for i in range(n):
            if not used[i] and (last < 0 or score[i] > score[last]):
                last = i
        if last < 0:
            break
        worth = score[last]
        if count == 0:
            best_score = worth
        if worth < k:
            break
        i, first = last, last
        low = high = reference_place[last] - read_place[last]
        while i >= 0 and not used[i]:
            used[i] = True
            first = i
            diagonal = reference_place[i] - read_place[i]
            low, high = min(low, diagonal), max(high, diagonal)
            i = previous[i]
        if i >= 0:  # the rest belongs to a better chain
            worth -= score[i]
            if worth < k:
                continue
        strand = strands[last]
        begin, end = read_place[first], read_place[last] + k
        if strand:
            begin, end = length - end, length - begin
        if count > 0 and 5 * worth < 2 * best_score:
            # a weak chain counts where it is about another part of the read than the best
            other_begin, other_end = rows[0, READ_START], rows[0, READ_END]
            shared = min(end, other_end) - max(begin, other_begin)
            if 2 * shared > end - begin:
                continue
        row = rows[count]
        row[STRAND], row[CONTIG], row[CHAIN], row[READ_START], row[READ_END] = strand, group[last], worth, begin, end
        spread = high - low + 1
        slots = (spread + 2 * MARGIN + STEP - 1) // STEP * STEP
        row[SLOTS], row[FIRST] = slots, low - (slots - spread) // 2
        row[GAPPED] = 0 if spread == 1 else 1
        row[START] = low
        count += 1
    return count


@part
def with_rows(table, used, rows):
    """A copy of the rows in use, with room for more."""
    longer = np.zeros((rows, COLUMNS), np.int64)
    for x in range(used):
        for column in range(COLUMNS):
            longer[x, column] = table[x, column]
    return longer


@loop
def find_chains(first_read, last_read, keys, counts, length, starts, k):
    """Where each of the reads ``first_read`` to ``last_read - 1`` may lie: a table of candidates, read after read.

    ``keys``: the anchors of all of them, see :func:`~genolab.align.mapping.seeds.find_anchors`; ``counts``: how many
    each has.
    """
    room = 1
    for n in counts:
        room = max(room, n)
    group, strands = np.empty(room, np.int64), np.empty(room, np.int64)
    reference_place, read_place = np.empty(room, np.int64), np.empty(room, np.int64)
    score, previous, used = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.bool_)
    rows = np.zeros((MOST_CANDIDATES, COLUMNS), np.int64)
    result = np.zeros((2 * (last_read - first_read) + MOST_CANDIDATES, COLUMNS), np.int64)
    total, at = ZERO, ZERO
    for r in range(first_read, last_read):
        n, size = counts[r - first_read], length[r]
        if n == 0:
            continue
        for i in range(n):
            key = keys[at + i]
            strands[i] = key >> 56
            reference_place[i], read_place[i] = (key >> 24) & 0xFFFFFFFF, key & 0xFFFFFF
            group[i] = strands[i]
            if starts.size > 1:
                group[i] += 2 * contig_at(starts, reference_place[i])
        at += n
        most_gap, most_distance = min(500, max(16, size // 3)), min(5000, size)
        if not chain_of_one(group, reference_place, read_place, n, k, most_distance, score, previous):
            chain_loop(group, reference_place, read_place, n, k, most_distance, most_gap, score, previous)
        count = _collect(n, k, score, previous, reference_place, read_place, group, strands, size, used, rows)
        if total + count > result.shape[0]:
            result = with_rows(result, total, 2 * result.shape[0] + count)
        for c in range(count):
            row = rows[c]
            row[READ], row[CONTIG] = r, row[CONTIG] >> 1
            row[COUNT] = 0
            row[ROLE], row[SECOND], row[SECONDS], row[QUALITY], row[OPERATIONS] = 0, 0, 0, 0, 0
            for column in range(COLUMNS):
                result[total, column] = row[column]
            total += 1
    return result[:total]


@loop
def try_diagonals(first, last, candidates, codes, start, length, reference, starts, lengths):
    """Settle the candidates whose chain keeps to one diagonal with at most one difference: no gap could be worth more.

    So are most with two. The others are marked as ``GAPPED``, with the band to look at.
    """
    for x in range(first, last):
        row = candidates[x]
        if row[GAPPED] == 0:
            begin, size = start[row[READ]], length[row[READ]]
            low, at, strand = starts[row[CONTIG]], row[START], row[STRAND]
            different = size
            if low + 3 <= at and at + size <= low + lengths[row[CONTIG]] - 3:
                different = differences(codes, begin, size, strand, reference, at)
            if different <= 1:
                along_diagonal(codes, begin, size, strand, reference, at, different, row)
            elif different == 2 and two_are_best(codes, begin, size, strand, reference, at):
                row[SCORE], row[READ_START], row[READ_END] = size * MATCH - 2 * (MATCH - MISMATCH), 0, size
                row[END] = at + size
            else:
                row[GAPPED] = 1

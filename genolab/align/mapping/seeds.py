"""Minimizers: of every window of ``w`` k-mers the one whose hash is least, on whichever strand comes first.

A read and the reference choose by the same rule, so that a stretch of ``k + w - 1`` letters that they share has a
minimizer in common. See Roberts et al. 2004, doi:10.1093/bioinformatics/bth408. This is hashing and looking up, not a
recurrence, and so it has no symbolic definition.
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from typing import Any

import numpy as np

from genolab.align.loops import ZERO, loop, part

_NONE = np.uint64(2**64 - 1)  # above every minimizer
_LOW = np.uint64(2**32 - 1)
_ONE = np.uint64(1)
ONE: Any = np.int64(1)

PIECE = 2**16
"""Letters of a reference that are worked on at a time."""


@loop
def minimizers(codes, begin, end, k, w, values, result):
    """Minimizers of ``codes[begin:end]`` in order: ``hash << 32 | place << 1 | strand``; place counts from ``begin``.

    Letters that are not A, C, G, T (codes above 3) have no k-mer, and neither have k-mers that are their own reverse
    complement. Among equal hashes of a window the first counts. ``values`` and ``result`` have room for a number a
    letter. Returns how many there are.
    """
    mask, shift = (_ONE << np.uint64(2 * k)) - _ONE, np.uint64(2 * (k - 1))
    forward = backward = np.uint64(0)
    n, without = end - begin - k + 1, k - 1  # letters until a k-mer is free of others
    for i in range(end - begin):
        code = np.uint64(codes[begin + i])
        if code > 3:
            without, code = k, np.uint64(0)
        forward = ((forward << np.uint64(2)) | code) & mask
        backward = (backward >> np.uint64(2)) | ((np.uint64(3) - code) << shift)
        place = i - k + 1
        if place >= 0:
            # the k-mer and its strand for now; the hash comes below, many at once
            strand = np.uint64(1) if backward < forward else np.uint64(0)
            kmer = min(forward, backward) << np.uint64(32) | np.uint64(place) << _ONE | strand
            values[place] = _NONE if without > 0 or forward == backward else kmer
        without -= 1
    for i in range(n):
        # an invertible hash of 32 bits: by the order of letters, minimizers would pile up on runs of A
        x = values[i] >> np.uint64(32)
        x = ((x ^ (x >> np.uint64(16))) * np.uint64(0x7FEB352D)) & _LOW
        x = ((x ^ (x >> np.uint64(15))) * np.uint64(0x846CA68B)) & _LOW
        x = x ^ (x >> np.uint64(16))
        values[i] = _NONE if values[i] == _NONE else x << np.uint64(32) | (values[i] & _LOW)
    reach = 1
    while 2 * reach <= w:  # the least of windows of 2, 4, 8 ...
        for i in range(n - 2 * reach + 1):
            values[i] = min(values[i], values[i + reach])
        reach *= 2
    count, last = 0, _NONE
    for i in range(n - w + 1):
        least = min(values[i], values[i + w - reach])
        result[count] = least
        count += 1 if least != last and least != _NONE else 0
        last = least if least != _NONE else last
    return count


@loop
def minimizers_of_all(codes, k, w, result):
    """Minimizers of a whole reference, piece by piece; -1 where ``result`` has no room for them."""
    values, found = np.empty(PIECE + k + w, np.uint64), np.empty(PIECE + k + w, np.uint64)
    count, last = 0, _NONE
    for begin in range(0, codes.size, PIECE):
        end = min(codes.size, begin + PIECE + k + w - 2)
        some = minimizers(codes, begin, end, k, w, values, found) if end - begin >= k + w - 1 else 0
        if count + some > result.size:
            return -1
        for z in range(some):
            value = found[z] + (np.uint64(begin) << _ONE)
            if value != last:  # the last window of the piece before may have the same
                result[count] = last = value
                count += 1
    return count


@part
def look_up(found, count, table, shift, entries, begins, ends, seen):
    """Where in ``entries`` the hashes of ``count`` minimizers are: ``begins[z]`` to ``ends[z] - 1``.

    Three sweeps without a decision in the first two, so that the memory is asked for many at a time.
    """
    last = entries.size - 1
    for z in range(count):
        bucket = np.int64(found[z] >> np.uint64(32)) >> shift
        begins[z], ends[z] = table[bucket], table[bucket + 1]
    for z in range(count):
        seen[z] = entries[min(begins[z], last)] >> np.uint64(32)
    for z in range(count):
        wanted, begin, end = found[z] >> np.uint64(32), begins[z], ends[z]
        if begin < end and seen[z] < wanted:
            begin += 1
        while begin < end and entries[begin] >> np.uint64(32) < wanted:
            begin += 1
        begins[z] = begin
        while begin < end and entries[begin] >> np.uint64(32) == wanted:
            begin += 1
        ends[z] = begin


@part
def anchors_of(found, count, begins, ends, entries, length, k, most, keys):
    """What a read shares with the reference: ``strand << 56 | reference place << 24 | read place``, sorted.

    On the reverse strand the read place is that of the reverse complement. Minimizers that occur more than ``most``
    times in the reference are left out. Returns how many there are, at most as ``keys`` has room for.
    """
    n = 0
    for z in range(count):
        if ends[z] - begins[z] > most:
            continue
        place, strand = np.int64((found[z] & _LOW) >> _ONE), found[z] & _ONE
        for y in range(begins[z], ends[z]):
            if n == keys.size:
                break
            there = entries[y] & _LOW
            reverse = (there & _ONE) ^ strand
            at = np.int64(length - k - place) if reverse else place
            keys[n] = np.int64(reverse) << 56 | np.int64(there >> _ONE) << 24 | at
            n += 1
    if n > 1 and keys[0] > keys[n - 1]:  # a read from the reverse strand, most likely
        for z in range(n // 2):
            keys[z], keys[n - 1 - z] = keys[n - 1 - z], keys[z]
    step = 1
    while step < n // 9:
        step = 3 * step + 1
    while step > 0:  # Shell's sort: mostly in order, mostly few
        for a in range(step, n):
            key = keys[a]
            z = a - step
            while z >= 0 and keys[z] > key:
                keys[z + step] = keys[z]
                z -= step
            keys[z + step] = key
        step //= 3
    return n


@loop
def find_anchors(first_read, last_read, codes, start, length, table, shift, entries, k, w, most):
    """The anchors of the reads ``first_read`` to ``last_read - 1``, one read after the other, and how many each has."""
    longest = ZERO
    for r in range(first_read, last_read):
        longest = max(longest, length[r])
    values, found = np.empty(max(longest, 1), np.uint64), np.empty(max(longest, 1), np.uint64)
    begins, ends = np.empty(found.size, np.int64), np.empty(found.size, np.int64)
    own = np.empty(max(4096, longest), np.int64)
    keys, counts = (
        np.empty(16 * (last_read - first_read) + own.size, np.int64),
        np.zeros(last_read - first_read, np.int64),
    )
    total = ZERO
    for r in range(first_read, last_read):
        n, size = ZERO, length[r] if entries.size else 0
        window, attempt = w, 0
        while n == 0 and attempt < 2:
            if attempt == 1:
                window = ONE  # a read without a hit gets another chance with all its k-mers
            attempt += 1
            if size < k + window - 1:
                continue
            count = minimizers(codes, start[r], start[r] + size, k, window, values, found)
            look_up(found, count, table, shift, entries, begins, ends, values)
            limit = most
            while n == 0 and limit <= 40 * most:
                n = anchors_of(found, count, begins, ends, entries, size, k, limit, own)
                limit *= 40
        if total + n > keys.size:
            longer = np.empty(2 * keys.size + n, np.int64)
            for z in range(total):
                longer[z] = keys[z]
            keys = longer
        for z in range(n):
            keys[total + z] = own[z]
        counts[r - first_read] = n
        total += n
    return keys[:total], counts

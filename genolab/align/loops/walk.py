"""From direction bytes to CIGAR text: the walk back from an alignment's end to its start."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import numpy as np

from genolab.align.loops import ZERO, loop, part
from genolab.align.loops.directions import (
    ALONG_QUERY,
    ALONG_QUERY_2,
    ALONG_TARGET,
    ALONG_TARGET_2,
    DIAGONAL,
    HALF_QUERY_GAP_GOES_ON,
    HALF_SOURCE,
    HALF_TARGET_GAP_GOES_ON,
    QUERY_GAP_2_GOES_ON,
    QUERY_GAP_GOES_ON,
    SOURCE,
    START,
    TARGET_GAP_2_GOES_ON,
    TARGET_GAP_GOES_ON,
)

# the state of a walk: the cell, the gap it is in (or DIAGONAL), the run it is writing, where the text starts, counts
QUERY, TARGET, GAP, OPERATION, RUN, TEXT, MATCHES, COLUMNS, GAPS, WALK = range(10)

_M, _I, _D, _EQUAL, _X, NEWLINE = (np.int64(each) for each in b"MID=X\n")  # no literals, see ZERO
_ONE = np.int64(1)


@loop
def begin_walk(walk, i, j, text_end, text):
    """Set out from cell ``(i, j)``; the text is written backwards from ``text_end``, its last byte a new line."""
    walk[:] = 0
    text[text_end - 1] = NEWLINE
    walk[QUERY], walk[TARGET], walk[TEXT] = i, j, text_end - 1


@part
def _put(text, at, operation, length):
    """Write a run before ``at``, unless it is empty; returns where it starts."""
    if length > 0:
        at -= 1
        text[at] = operation
        while length > 0:
            at -= 1
            text[at] = 48 + length % 10
            length //= 10
    return at


@part
def _write(walk, text, operation, length):
    """Lengthen the run, or write it down and begin another."""
    if operation == walk[OPERATION]:
        walk[RUN] += length
        return
    walk[TEXT] = _put(text, walk[TEXT], walk[OPERATION], walk[RUN])
    walk[OPERATION], walk[RUN] = operation, length


@loop
def walk_back(
    walk, directions, of_diagonal, lowest, query, query_at, target, target_at, free_ends, extended, text
):  # fmt: skip
    """Follow the bytes until the alignment starts, or until an anti-diagonal below ``lowest``; returns whether it is
    done.

    The byte of cell ``(i, j)`` is at ``of_diagonal[i + j] + i``. Among equals a pair goes before a gap, a gap along the
    target before one along the query, and the end of a gap before its going on.
    """
    i, j, gap = walk[QUERY], walk[TARGET], walk[GAP]
    done = False
    while not done and i + j >= lowest:
        if i == 0 or j == 0:
            if j > 0 and not free_ends[2]:
                _write(walk, text, _D, j)
                walk[COLUMNS] += j
                j = 0
            if i > 0 and not free_ends[0]:
                _write(walk, text, _I, i)
                walk[COLUMNS] += i
                i = 0
            done = True
            break
        byte = directions[of_diagonal[i + j] + i]
        if (
            (gap == ALONG_TARGET and not byte & TARGET_GAP_GOES_ON)
            or (gap == ALONG_QUERY and not byte & QUERY_GAP_GOES_ON)
            or (gap == ALONG_TARGET_2 and not byte & TARGET_GAP_2_GOES_ON)
            or (gap == ALONG_QUERY_2 and not byte & QUERY_GAP_2_GOES_ON)
        ):
            gap = DIAGONAL
        if gap == DIAGONAL:
            gap = byte & SOURCE
        if gap == START:
            done = True
            break
        walk[COLUMNS] += 1
        if gap == DIAGONAL:
            i -= 1
            j -= 1
            equal = query[query_at + i] == target[target_at + j]
            walk[MATCHES] += equal
            now = _M if not extended else _EQUAL if equal else _X
        elif gap in (ALONG_TARGET, ALONG_TARGET_2):
            j -= 1
            now = _D
        else:
            i -= 1
            now = _I
        _write(walk, text, now, _ONE)
    walk[QUERY], walk[TARGET], walk[GAP] = i, j, gap
    if done:
        _write(walk, text, ZERO, ZERO)
    return done


@part
def walk_lane(
    directions, lane, width, rows, i, j, query, query_at, target, target_at, free_ends, extended, text, at, table, k
):  # fmt: skip
    """The same walk through the half bytes of a lane, from cell ``(i, j)`` to the start; returns where the text begins.

    Row ``k`` of ``table`` gets what :class:`trace.Paths` lists, but for the score.
    """
    i, j = np.int64(i), np.int64(j)
    table[k, 2], table[k, 4] = i, j
    matches, columns, operation, run, gap = 0, 0, _M, 0, DIAGONAL
    while i > 0 and j > 0:
        half = directions[(((j - 1) >> 1) * rows + i - 1) * width + lane] >> (4 * ((j - 1) & 1))
        if gap == DIAGONAL or not half & (HALF_TARGET_GAP_GOES_ON if gap == ALONG_TARGET else HALF_QUERY_GAP_GOES_ON):
            gap = half & HALF_SOURCE
        if gap == DIAGONAL:
            i -= 1
            j -= 1
            equal = query[query_at + i] == target[target_at + j]
            matches += equal
            now = _M if not extended else _EQUAL if equal else _X
        elif gap == ALONG_TARGET:
            j -= 1
            now = _D
        elif gap == ALONG_QUERY:
            i -= 1
            now = _I
        else:
            break
        columns += 1
        if now != operation:
            at = _put(text, at, operation, run)
            operation, run = now, 0
        run += 1
    if gap != START:
        rest, now = (j, _D) if j > 0 else (i, _I)
        if rest > 0 and not free_ends[2 if j > 0 else 0]:
            if now != operation:
                at = _put(text, at, operation, run)
                operation, run = now, 0
            run += rest
            columns += rest
            i, j = 0, 0
    table[k, 1], table[k, 3], table[k, 5], table[k, 6] = i, j, matches, columns
    return _put(text, at, operation, run)

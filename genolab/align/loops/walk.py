"""From direction bytes to CIGAR text: the walk back from an alignment's end to its start."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import numpy as np
from numba import njit

from genolab.align.loops.lanes import OVERFLOW
from genolab.align.loops.vectors import (
    ALONG_QUERY,
    ALONG_QUERY_2,
    ALONG_TARGET,
    ALONG_TARGET_2,
    DIAGONAL,
    QUERY_GAP_2_GOES_ON,
    QUERY_GAP_GOES_ON,
    SOURCE,
    START,
    TARGET_GAP_2_GOES_ON,
    TARGET_GAP_GOES_ON,
)

# the state of a walk: the cell, the gap it is in (or DIAGONAL), the run it is writing, where the text starts, counts
QUERY, TARGET, GAP, OPERATION, RUN, TEXT, MATCHES, COLUMNS, GAPS, WALK = range(10)

_M, _I, _D, _EQUAL, _X, _NEWLINE = 77, 73, 68, 61, 88, 10


@njit(nogil=True, cache=True)
def begin_walk(walk, i, j, text_end, text):
    """Set out from cell ``(i, j)``; the text is written backwards from ``text_end``, its last byte a new line."""
    walk[:] = 0
    text[text_end - 1] = _NEWLINE
    walk[QUERY], walk[TARGET], walk[TEXT] = i, j, text_end - 1


@njit(nogil=True, cache=True)
def _write(walk, text, operation, length):
    """Lengthen the run, or write it down and begin another."""
    if operation == walk[OPERATION]:
        walk[RUN] += length
        return
    if walk[RUN] > 0:
        p = walk[TEXT] - 1
        text[p] = walk[OPERATION]
        rest = walk[RUN]
        while rest > 0:
            p -= 1
            text[p] = 48 + rest % 10
            rest //= 10
        walk[TEXT] = p
    walk[OPERATION], walk[RUN] = operation, length


@njit(nogil=True, cache=True, error_model="numpy")
def walk_back(
    walk,
    directions,
    base,
    of_diagonal,
    diagonal_step,
    row_step,
    lowest,
    query,
    query_at,
    target,
    target_at,
    free_ends,
    extended,
    text,
):
    """Follow the bytes until the alignment starts, or until an anti-diagonal below ``lowest``; returns whether it is
    done.

    The byte of cell ``(i, j)`` is at ``base + of_diagonal[i + j] + i * row_step``, or, where ``of_diagonal`` is None,
    at ``base + (i + j) * diagonal_step + i * row_step``. Among equals a pair goes before a gap, a gap along the target
    before one along the query, and the end of a gap before its going on.
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
        if of_diagonal is None:
            byte = directions[base + (i + j) * diagonal_step + i * row_step]
        else:
            byte = directions[base + of_diagonal[i + j] + i * row_step]
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
            _write(walk, text, (_EQUAL if equal else _X) if extended else _M, 1)
        elif gap in (ALONG_TARGET, ALONG_TARGET_2):
            j -= 1
            _write(walk, text, _D, 1)
        else:
            i -= 1
            _write(walk, text, _I, 1)
    walk[QUERY], walk[TARGET], walk[GAP] = i, j, gap
    if done:
        _write(walk, text, 0, 0)
    return done


@njit(nogil=True, cache=True)
def walk_block(
    members, directions, rows, width, ends, query, query_start, target, target_start, free_ends, extended, text, table
):
    """The walks of a block of lanes, the last lane first, so that the text is in their order; returns where it starts.

    ``ends[lane]``: score, query end, target end. A pair's row of ``table`` becomes score, query start and end, target
    start and end, matches and columns.
    """
    walk = np.empty(WALK, np.int64)
    step = rows * width
    at = text.size
    for back in range(members.size):
        lane = members.size - 1 - back
        k = members[lane]
        if ends[lane, 0] == OVERFLOW:
            ends[lane, 1], ends[lane, 2] = 0, 0
        begin_walk(walk, ends[lane, 1], ends[lane, 2], at, text)
        walk_back(
            walk,
            directions,
            lane - step - width,
            None,
            step,
            width - step,
            0,
            query,
            query_start[k],
            target,
            target_start[k],
            free_ends,
            extended,
            text,
        )
        at = walk[TEXT]
        table[k, 0], table[k, 2], table[k, 4] = ends[lane, 0], ends[lane, 1], ends[lane, 2]
        table[k, 1], table[k, 3], table[k, 5], table[k, 6] = walk[QUERY], walk[TARGET], walk[MATCHES], walk[COLUMNS]
    return at

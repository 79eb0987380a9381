"""One pair at a time along its anti-diagonals: every mode, gap cost, band and X-drop, in 32 bits.

The cells of an anti-diagonal do not depend on each other. ``H`` is kept for three diagonals; ``E`` and ``F`` are what
a gap is worth that *leaves* a cell, along the target and along the query.
"""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import numpy as np

from genolab.align.loops import inlined, loop, part
from genolab.align.loops.diagonals import WAVE, compare_letters, diagonal
from genolab.align.loops.directions import START

LOW = -(2**30)
"""Minus infinity, with room below for the costs of gaps that nobody will take."""

NO_DROP = 2**30
"""An X-drop that never stops."""

# rows of the state: H of three diagonals in rotation, then the gaps
_E, _F, _E2, _F2, _SCORE, ROWS = 3, 4, 6, 7, 9, 10
# marks: the live rows of the last diagonal and of the one before it, and the best end so far
FIRST, LAST, FIRST_BEFORE, LAST_BEFORE, BEST, BEST_QUERY, BEST_TARGET, MARKS = range(8)


@inlined
def stride_of(longest):
    """Length of a row of the state: the rows of the matrix, a guard at each end and room for a vector."""
    return longest + 3 + WAVE


@loop
def fresh_state(state, marks):
    """Before anti-diagonal 0."""
    for k in range(state.size):
        state[k] = LOW
    marks[FIRST], marks[LAST], marks[FIRST_BEFORE], marks[LAST_BEFORE] = -LOW, LOW, -LOW, LOW
    marks[BEST], marks[BEST_QUERY], marks[BEST_TARGET] = LOW, 0, 0


@inlined
def rows_of_diagonal(d, m, n, band):
    """First and last row of anti-diagonal ``d`` within the matrix and the band; the last is the lower where none is."""
    low, high = min(0, n - m) - band, max(0, n - m) + band
    return max(0, d - n, -((high - d) // 2)), min(m, d, (d - low) // 2)


@loop
def advance(
    query, target, plain, table, gaps, two_pieces, freedom, band, x_drop, state, marks, begin, end, where, directions
):
    """Compute the anti-diagonals ``begin`` to ``end - 1``, going on from ``state`` and ``marks``.

    ``query`` and the reversed ``target`` have ``WAVE`` letters of room behind them. With ``directions``, the byte of
    cell ``(i, d - i)`` goes to ``directions[where[d] + i]``; they, ``where`` and ``two_pieces`` may be None. Returns
    False where an X-drop has left no live cell.
    """
    m, n = query.size - WAVE, target.size - WAVE
    stride = stride_of(m)
    drops = x_drop < NO_DROP
    floor = np.int32(0) if freedom[4] else np.int32(2 * LOW)
    scores = state[_SCORE * stride :]
    for d in range(begin, end):
        first, last = rows_of_diagonal(d, m, n, band)
        if drops and d > 0:
            first = max(first, min(marks[FIRST], marks[FIRST_BEFORE] + 1))
            last = min(last, max(marks[LAST], marks[LAST_BEFORE]) + 1)
        # row i is at i + 1; what lies beside the first and the last must read as minus infinity
        count, a, b = max(last - first + 1, 0), first + 1, last + 2
        h, h_diagonal = (d % 3) * stride, ((d + 1) % 3) * stride + a - 1
        e, e_2 = _E * stride, _E2 * stride
        f, f_2 = (_F + d % 2) * stride, (_F2 + d % 2) * stride
        f_in, f_in_2 = (_F + (d + 1) % 2) * stride + a - 1, (_F2 + (d + 1) % 2) * stride + a - 1
        if count > 0:
            top, bottom = max(first, 1), min(last, d - 1)
            if plain and bottom >= top:
                places = bottom - top + 1
                compare_letters(query, top - 1, target, n - d + top, table[0, 0], table[0, 1], scores, top + 1, places)
            elif not plain:
                for i in range(top, bottom + 1):
                    scores[i + 1] = table[query[i - 1], target[n - d + i]]
            if first == 0:
                scores[1] = 0
            if last == d:
                scores[d + 1] = 0
            to = np.int64(0) if where is None else where[d] + first
            diagonal(
                state, h + a, h_diagonal, e + a, f_in, f + a, e_2 + a, f_in_2, f_2 + a, scores, a, count, gaps, floor,
                two_pieces, directions, to,
            )  # fmt: skip
            if first == 0 and (d == 0 or freedom[2]):
                _start(state, h + 1, e + 1, f + 1, e_2 + 1, f_2 + 1, gaps, directions, to)
            if last == d and d > 0 and freedom[0]:
                _start(
                    state, h + b - 1, e + b - 1, f + b - 1, e_2 + b - 1, f_2 + b - 1, gaps, directions, to + count - 1
                )
            limit = marks[BEST] - x_drop
            _find_end(state[h + a : h + b], first, last, d, m, n, freedom, marks)
            if drops:
                for i in range(a, b):
                    if state[h + i] < limit:
                        state[h + i], state[e + i], state[f + i] = LOW, LOW, LOW
                        state[e_2 + i], state[f_2 + i] = LOW, LOW
                while first <= last and state[h + first + 1] == LOW:
                    first += 1
                while last >= first and state[h + last + 1] == LOW:
                    last -= 1
        if drops:
            marks[FIRST_BEFORE], marks[LAST_BEFORE] = marks[FIRST], marks[LAST]
            marks[FIRST], marks[LAST] = (first, last) if first <= last else (-LOW, LOW)
            if first > last and marks[FIRST_BEFORE] > marks[LAST_BEFORE]:
                return False
        state[h + a - 1], state[h + b], state[e + b], state[f + a - 1] = LOW, LOW, LOW, LOW
        state[e_2 + b], state[f_2 + a - 1] = LOW, LOW
    return True


@part
def _start(state, h, e, f, e_2, f_2, gaps, directions, to):
    """Let an alignment start in a cell, where that is worth no less than what leads there."""
    if state[h] <= 0:
        state[h] = 0
        state[e] = max(state[e], -gaps[0] - gaps[1])
        state[f] = max(state[f], -gaps[0] - gaps[1])
        state[e_2] = max(state[e_2], -gaps[2] - gaps[3])
        state[f_2] = max(state[f_2], -gaps[2] - gaps[3])
        if directions is not None:
            directions[to] = START  # gaps that leave here are new, or worth no more than new ones


@part
def _find_end(h, first, last, d, m, n, freedom, marks):
    """Note the best cell where an alignment may end; among equals the first in the target, then in the query."""
    if freedom[5]:
        best = h[0]
        for i in range(1, h.size):
            best = max(best, h[i])
        if best >= marks[BEST]:
            i = h.size - 1  # the last row is the first column
            while h[i] != best:
                i -= 1
            _note_end(best, first + i, d, marks)
        return
    if last == m and (d - m == n or freedom[3]):
        _note_end(h[m - first], m, d, marks)
    if d - first == n and freedom[1]:
        _note_end(h[0], first, d, marks)


@part
def _note_end(score, row, d, marks):
    if score > marks[BEST] or (score == marks[BEST] and d - row < marks[BEST_TARGET]):
        marks[BEST], marks[BEST_QUERY], marks[BEST_TARGET] = score, row, d - row


@loop
def with_room(codes, backwards):
    """A copy of a sequence with the room behind it that vectors need."""
    copy = np.zeros(codes.size + WAVE, np.uint8)
    for i in range(codes.size):  # Numba compiles assignments of slices for seconds
        copy[i] = codes[codes.size - 1 - i if backwards else i]
    return copy

"""Two profiles aligned from end to end, and what many rows are worth pair by pair."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import numpy as np

from genolab.align.loops import loop

LOW = -1e30
"""Minus infinity, without its arithmetic."""

PAIR, LEFT, UP = 1, 2, 3
"""Moves: a column of each, a column of the second alone, a column of the first alone."""

_E_GOES_ON, _F_GOES_ON = 4, 8


@loop
def align_columns(scores, u, v, gap_open, gap_extend):
    """Align columns worth ``scores[i, j]``; returns the score and the moves from the end back, then zeros.

    ``u`` and ``v`` are the shares of the sequences that have a letter, by which gaps cost.
    """
    m, n = scores.shape
    directions = np.zeros((m + 1, n + 1), np.uint8)
    before = np.full(n + 1, LOW)
    gap_up = np.full(n + 1, LOW)
    for i in range(m + 1):
        diagonal, h, gap_left = LOW, LOW, LOW
        u_here = u[i - 1] if i > 0 else 1.0
        for j in range(n + 1):
            above, byte = before[j], 0
            if j > 0:
                new = h - gap_open * u_here * v[j - 1]
                if gap_left > new:
                    byte |= _E_GOES_ON
                    gap_left = gap_left - gap_extend * v[j - 1]
                else:
                    gap_left = new - gap_extend * v[j - 1]
            if i > 0:
                new = above - gap_open * u_here * (v[j - 1] if j > 0 else 1.0)
                if gap_up[j] > new:
                    byte |= _F_GOES_ON
                    gap_up[j] = gap_up[j] - gap_extend * u_here
                else:
                    gap_up[j] = new - gap_extend * u_here
            h = diagonal + scores[i - 1, j - 1] if i > 0 and j > 0 else LOW
            source = PAIR
            if gap_left > h:
                h, source = gap_left, LEFT
            if gap_up[j] > h:
                h, source = gap_up[j], UP
            if i == 0 and j == 0:
                h, source = 0.0, 0
            directions[i, j] = byte | source << 4
            diagonal, before[j] = above, h
    moves = np.zeros(m + n, np.uint8)
    i, j, gap, place = m, n, 0, 0
    while i > 0 or j > 0:
        byte = directions[i, j]
        move = gap if gap else byte >> 4
        moves[place] = move
        place += 1
        gap = 0
        if move == PAIR:
            i, j = i - 1, j - 1
        elif move == LEFT:
            gap = LEFT if byte & _E_GOES_ON else 0
            j -= 1
        else:
            gap = UP if byte & _F_GOES_ON else 0
            i -= 1
    return before[n], moves


@loop
def sum_of_pairs(rows, table, gap_open, gap_extend, firsts, seconds, weights):
    """The weighted sum of the scores of the pairs ``(firsts[k], seconds[k])`` as the rows align them.

    Codes from ``len(table)`` on are gaps; columns where both have one do not count.
    """
    blank, total = table.shape[0], 0.0
    for k in range(firsts.size):
        a, b = rows[firsts[k]], rows[seconds[k]]
        score, gap = 0, 0
        for c in range(a.size):
            if a[c] < blank and b[c] < blank:
                score += table[a[c], b[c]]
                gap = 0
            elif a[c] < blank or b[c] < blank:
                side = 1 if a[c] < blank else 2
                score -= gap_extend if gap == side else gap_open + gap_extend
                gap = side
        total += score * weights[firsts[k]] * weights[seconds[k]]
    return total

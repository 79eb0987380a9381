"""The cells of one pair's matrix, row by row or along a band, and the walk over all of its best alignments at once."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import numpy as np

from genolab.align.loops import inlined, loop, part

LOW = -(2**30)
"""Minus infinity, with room below for the costs of gaps that nobody will take."""

IN_H, IN_E, IN_F, IN_E2, IN_F2 = 1, 2, 4, 8, 16
"""Where a walk back may be: in no gap (H), in one along the target (E) or the query (F); the walk keeps all it may."""

PAIR, ALONG_TARGET, ALONG_QUERY = 1, 2, 4
"""The moves that leave a cell, as bits."""


@part
def may_start(i, j, free_ends):
    """Whether an alignment may start in the cell."""
    return free_ends[4] or (i == 0 and (j == 0 or free_ends[2])) or (j == 0 and free_ends[0])


@part
def may_end(i, j, m, n, free_ends):
    """Whether an alignment may end in the cell."""
    return free_ends[5] or (i == m and (j == n or free_ends[3])) or (j == n and free_ends[1])


@loop
def fill_cells(query, target, table, gaps, free_ends, window, step, results):
    """Fill ``results[H E F E2 F2, row, column]``, which hold ``LOW``, with the largest values of their bins."""
    m, n = query.size, target.size
    before, f, f2 = np.full(n + 1, LOW, np.int32), np.full(n + 1, LOW, np.int32), np.full(n + 1, LOW, np.int32)
    row_end, column_end = window[0] + window[2], window[1] + window[3]
    one, other = gaps[0] + gaps[1], gaps[2] + gaps[3]
    free = free_ends[4]
    for i in range(min(m + 1, row_end)):
        wanted = i >= window[0]
        row = (i - window[0]) // step[0] if wanted else 0
        scores = table[query[max(i - 1, 0)]] if m else table[0]
        diagonal, h, e, e2 = LOW, LOW, LOW, LOW
        for j in range(min(n + 1, column_end)):
            above = before[j]
            if j > 0:
                e = max(e - gaps[1], h - one)
                e2 = max(e2 - gaps[3], h - other)
            if i > 0:
                f[j] = max(f[j] - gaps[1], above - one)
                f2[j] = max(f2[j] - gaps[3], above - other)
            h = diagonal + scores[target[j - 1]] if i > 0 and j > 0 else LOW
            h = max(max(max(h, e), max(e2, f2[j])), f[j])
            if h < 0 and (free or may_start(i, j, free_ends)):
                h = 0
            diagonal, before[j] = above, h
            if wanted and j >= window[1]:
                column = (j - window[1]) // step[1]
                _raise(results, 0, row, column, h)
                _raise(results, 1, row, column, e)
                _raise(results, 2, row, column, f[j])
                _raise(results, 3, row, column, e2)
                _raise(results, 4, row, column, f2[j])


@loop
def fill_within(query, target, table, gaps, free_ends, band, x_drop, cells):
    """Fill ``cells[H E F E2 F2, i, j]`` by anti-diagonals; what the band or the X-drop leaves out is ``LOW``."""
    m, n = query.size, target.size
    low, high = min(0, n - m) - band, max(0, n - m) + band
    top = LOW
    for d in range(m + n + 1):
        limit, highest = top - x_drop, top
        for i in range(max(0, d - n), min(m, d) + 1):
            j = d - i
            cells[:, i, j] = LOW
            if j - i < low or j - i > high:
                continue
            h = 0 if may_start(i, j, free_ends) else LOW
            if i > 0 and j > 0 and cells[0, i - 1, j - 1] > LOW:
                h = max(h, cells[0, i - 1, j - 1] + table[query[i - 1], target[j - 1]])
            for layer in range(1, 5):
                above, left = layer in (2, 4), layer in (1, 3)
                if i - above < 0 or j - left < 0:
                    continue
                opening, extend = (gaps[0], gaps[1]) if layer < 3 else (gaps[2], gaps[3])
                before = max(cells[layer, i - above, j - left], cells[0, i - above, j - left] - opening)
                if before > LOW // 2:
                    cells[layer, i, j] = before - extend
                    h = max(h, before - extend)
            if h < limit:
                cells[:, i, j] = LOW
                continue
            cells[0, i, j] = h
            if may_end(i, j, m, n, free_ends):
                highest = max(highest, h)
        top = highest


@inlined
def _raise(results, layer, row, column, value):
    """Note a value that is larger than what its bin holds; what no alignment reaches stays ``LOW``."""
    if value > LOW // 2 and value > results[layer, row, column]:
        results[layer, row, column] = value


@part
def starts(states, i, j, cells, free_ends):
    """Whether a walk in ``states`` may be at its alignment's beginning."""
    return states & IN_H and cells[0, i, j] == 0 and may_start(i, j, free_ends)


@part
def opened(states, i, j, cells):
    """The states that a walk in ``states`` may go on from: a gap that ends here is as good as no gap."""
    if states & IN_H:
        for k, state in enumerate((IN_E, IN_F, IN_E2, IN_F2)):
            if cells[k + 1, i, j] == cells[0, i, j]:
                states |= state
    return states


@part
def pairs_up(states, i, j, cells, query, target, table):
    """Whether the walk may step to the cell above and to the left."""
    if not states & IN_H or i == 0 or j == 0:
        return False
    return cells[0, i, j] == cells[0, i - 1, j - 1] + table[query[i - 1], target[j - 1]]


@part
def along_target(states, i, j, cells, gaps):
    """The states one column to the left; 0 where the walk cannot go there."""
    after = 0
    if j > 0 and states & IN_E:
        after |= IN_H if cells[1, i, j] == cells[0, i, j - 1] - gaps[0] - gaps[1] else 0
        after |= IN_E if cells[1, i, j] == cells[1, i, j - 1] - gaps[1] else 0
    if j > 0 and states & IN_E2:
        after |= IN_H if cells[3, i, j] == cells[0, i, j - 1] - gaps[2] - gaps[3] else 0
        after |= IN_E2 if cells[3, i, j] == cells[3, i, j - 1] - gaps[3] else 0
    return after


@part
def along_query(states, i, j, cells, gaps):
    """The states one row above; 0 where the walk cannot go there."""
    after = 0
    if i > 0 and states & IN_F:
        after |= IN_H if cells[2, i, j] == cells[0, i - 1, j] - gaps[0] - gaps[1] else 0
        after |= IN_F if cells[2, i, j] == cells[2, i - 1, j] - gaps[1] else 0
    if i > 0 and states & IN_F2:
        after |= IN_H if cells[4, i, j] == cells[0, i - 1, j] - gaps[2] - gaps[3] else 0
        after |= IN_F2 if cells[4, i, j] == cells[4, i - 1, j] - gaps[3] else 0
    return after


@loop
def count_best(cells, query, target, table, gaps, free_ends, best):
    """How many alignments are worth ``best``, and the moves that leave each cell on one of them.

    The walks of all go back together. Each carries every state it may be in, so that an alignment whose gaps can be
    read in two ways is counted once; so is the empty one, wherever it is thought to lie.
    """
    m, n = query.size, target.size
    moves = np.zeros((m + 1, n + 1), np.uint8)
    here, above = np.zeros((n + 1, 32)), np.zeros((n + 1, 32))
    total, empty = 0.0, 0.0
    for i in range(m, -1, -1):
        for j in range(n, -1, -1):
            if cells[0, i, j] == best and may_end(i, j, m, n, free_ends):
                here[j, IN_H] += 1
                if starts(IN_H, i, j, cells, free_ends):
                    total, empty = total - 1, 1.0
            for states in range(1, 32):
                walks = here[j, states]
                if walks == 0:
                    continue
                here[j, states] = 0
                on = opened(states, i, j, cells)
                if starts(states, i, j, cells, free_ends):
                    total += walks
                if pairs_up(on, i, j, cells, query, target, table):
                    above[j - 1, IN_H] += walks
                    moves[i, j] |= PAIR
                after = along_target(on, i, j, cells, gaps)
                if after:
                    here[j - 1, after] += walks
                    moves[i, j] |= ALONG_TARGET
                after = along_query(on, i, j, cells, gaps)
                if after:
                    above[j, after] += walks
                    moves[i, j] |= ALONG_QUERY
        here, above = above, here
    return total + empty, moves


@loop
def next_walk(stack, size, trail, cells, query, target, table, gaps, free_ends):
    """Go on with the walks back from a cell, depth first, until one is where an alignment may start.

    ``stack[:size]``: row, column, states, depth and move of the steps that wait; the last is the next. By the tie rule
    a gap that may end does; a pair goes before a gap along the target, and that before one along the query. Returns how
    many steps wait, the length of the ``trail`` of moves (-1: no walk is left), and the cell.
    """
    while size > 0:
        size -= 1
        row, column, states, depth = stack[size, 0], stack[size, 1], stack[size, 2], stack[size, 3]
        if depth > 0:
            trail[depth - 1] = stack[size, 4]
        on, fresh = opened(states, row, column, cells), opened(states & IN_H, row, column, cells)
        along, down = along_target(on, row, column, cells, gaps), along_query(on, row, column, cells, gaps)
        new_along = along_target(fresh, row, column, cells, gaps) != 0
        new_down = along_query(fresh, row, column, cells, gaps) != 0
        for turn in range(5):
            i, j, after, move, wanted = row - 1, column - 1, IN_H, PAIR, True
            if turn < 4 and turn % 2 == 0:
                i, j, after, move = row - 1, column, down, ALONG_QUERY
                wanted = down != 0 and new_down == (turn > 1)
            elif turn < 4:
                i, j, after, move = row, column - 1, along, ALONG_TARGET
                wanted = along != 0 and new_along == (turn > 1)
            else:
                wanted = pairs_up(on, row, column, cells, query, target, table)
            if wanted:
                stack[size, 0], stack[size, 1], stack[size, 2] = i, j, after
                stack[size, 3], stack[size, 4] = depth + 1, move
                size += 1
        if starts(states, row, column, cells, free_ends):
            return size, depth, row, column
    return size, -1, 0, 0

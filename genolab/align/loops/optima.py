"""The matrices from which all best alignments of a pair can be read: exact scores of each cell by its last step."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from genolab.align.loops import loop, part

LOW = -(2**30)

PAIR, ALONG_TARGET, ALONG_QUERY, START, ALONG_TARGET_2, ALONG_QUERY_2, STEPS = range(7)


@loop
def fill_optima(query, target, table, gaps, free_ends, band, x_drop, best):
    """Fill ``best[step, i, j]``, the best score of an alignment that ends in cell ``(i, j)`` with that step.

    ``gaps``: open and extend of both pieces. A cell that the band or the X-drop leaves out has ``LOW`` throughout.
    Returns the best score of all.
    """
    m, n = query.size, target.size
    low, high = min(0, n - m) - band, max(0, n - m) + band
    top = LOW
    for d in range(m + n + 1):
        limit, highest = top - x_drop, top
        for i in range(max(0, d - n), min(m, d) + 1):
            j = d - i
            for step in range(STEPS):
                best[step, i, j] = LOW
            if j - i < low or j - i > high:
                continue
            if free_ends[4] or (i == 0 and (j == 0 or free_ends[2])) or (j == 0 and free_ends[0]):
                best[START, i, j] = 0
            if i > 0 and j > 0:
                before = whole(best, i - 1, j - 1)
                if before > LOW:
                    best[PAIR, i, j] = before + table[query[i - 1], target[j - 1]]
            if j > 0:
                gap_step(best, ALONG_TARGET, i, j, i, j - 1, gaps[0], gaps[1])
                gap_step(best, ALONG_TARGET_2, i, j, i, j - 1, gaps[2], gaps[3])
            if i > 0:
                gap_step(best, ALONG_QUERY, i, j, i - 1, j, gaps[0], gaps[1])
                gap_step(best, ALONG_QUERY_2, i, j, i - 1, j, gaps[2], gaps[3])
            here = whole(best, i, j)
            if here < limit:
                for step in range(STEPS):
                    best[step, i, j] = LOW
            elif free_ends[5] or (i == m and (j == n or free_ends[3])) or (j == n and free_ends[1]):
                highest = max(highest, here)
        top = highest
    return top


@part
def whole(best, i, j):
    """The best score of a cell."""
    highest = LOW
    for step in range(STEPS):
        highest = max(highest, best[step, i, j])
    return highest


@part
def gap_step(best, step, i, j, i_before, j_before, open_, extend):
    """A letter of a gap: the first of a new one, or a further one."""
    before = max(best[step, i_before, j_before], whole(best, i_before, j_before) - open_)
    if before > LOW // 2:
        best[step, i, j] = before - extend

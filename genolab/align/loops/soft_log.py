"""Soft alignment of one pair in log space: for temperatures and lengths that probability space does not reach."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

import math

import numpy as np

from genolab.align.loops import loop, part

NEVER = -np.inf
FAR = 38.0
"""Further apart, the lesser of two numbers adds nothing to the logarithm of their sum."""


@part
def log_add(a, b):
    """``log(exp(a) + exp(b))``."""
    if a < b:
        a, b = b, a
    if not a - b < FAR:  # the lesser may be minus infinity, and so may both
        return a
    return a + math.log1p(math.exp(b - a))


@part
def log_forward_row(local, before, row, first, scores, open_, extend):
    """One row of ``row[state, column]``; ``before`` is not read where ``first`` says that there is none."""
    n = row.shape[1] - 1
    start = 0.0 if local else NEVER
    if first:
        for j in range(n + 1):
            row[0, j] = row[1, j] = row[2, j] = NEVER
        if not local:
            row[0, 0] = 0.0
            for j in range(1, n + 1):
                row[2, j] = -open_ - j * extend
        return
    row[0, 0], row[2, 0] = NEVER, NEVER
    row[1, 0] = log_add(before[0, 0] - open_, before[1, 0]) - extend
    for j in range(1, n + 1):
        best = log_add(log_add(before[0, j - 1], before[1, j - 1]), before[2, j - 1])
        row[0, j] = scores[j - 1] + log_add(best, start)
        row[1, j] = log_add(before[0, j] - open_, before[1, j]) - extend
        row[2, j] = log_add(log_add(row[0, j - 1], row[1, j - 1]) - open_, row[2, j - 1]) - extend


@part
def copy_row(row, result):
    """``result[...] = row``, which Numba would compile with a sentence about shapes that differ, for five seconds."""
    for state in range(row.shape[0]):
        for j in range(row.shape[1]):
            result[state, j] = row[state, j]


@loop
def log_pair(local, query, target, substitution, gaps, every, kept, segment, rows, counts, sums, posterior):
    """Log weight of all alignments of a pair; what is expected of them, unless ``every`` is 0.

    ``substitution[query code, target code]`` and ``gaps`` (open, extend) are divided by the temperature. ``kept[k]``
    becomes row ``k * every``, ``segment[every]`` and ``rows[4]`` are room. ``counts[query code, target code]`` and
    ``sums`` (new gaps, letters of gaps) are added to, ``posterior[state, row, column]`` is written where it has rows.
    """
    m, n = query.size, target.size
    open_, extend = gaps[0], gaps[1]
    scores = np.empty(n)
    whole = 0.0 if local else NEVER
    for i in range(m + 1):
        if i > 0:
            for j in range(n):
                scores[j] = substitution[query[i - 1], target[j]]
        log_forward_row(local, rows[(i + 1) & 1], rows[i & 1], i == 0, scores, open_, extend)
        if every > 0 and i % every == 0:
            copy_row(rows[i & 1], kept[i // every])
        if local:
            for j in range(1, n + 1):
                whole = log_add(whole, rows[i & 1, 0, j])
    if not local:
        whole = log_add(log_add(rows[m & 1, 0, n], rows[m & 1, 1, n]), rows[m & 1, 2, n])
    if every == 0:
        return whole
    for piece in range(m // every, -1, -1):
        begin = piece * every
        copy_row(kept[piece], segment[0])
        end = min(begin + every - 1, m)
        for i in range(begin + 1, end + 1):
            for j in range(n):
                scores[j] = substitution[query[i - 1], target[j]]
            log_forward_row(local, segment[i - 1 - begin], segment[i - begin], False, scores, open_, extend)
        for i in range(end, begin - 1, -1):
            log_backward_row(
                local, query, target, i, substitution, open_, extend, segment[i - begin], rows[2 + (i + 1) % 2],
                rows[2 + i % 2], whole, counts, sums, posterior,
            )  # fmt: skip
    return whole


@part
def share_of(forward, backward, whole):
    """``exp(forward + backward - whole)``, where that is not nothing."""
    power = forward + backward - whole
    return math.exp(power) if power > -745.0 else 0.0


@part
def log_backward_row(
    local, query, target, i, substitution, open_, extend, forward, below, row, whole, counts, sums, posterior
):
    """One row of log adjoints, ``row[state, column]``, and what its cells add to the expected."""
    m, n = query.size, target.size
    for j in range(n, -1, -1):
        paired = substitution[query[i], target[j]] + below[0, j + 1] if i < m and j < n else NEVER
        down = below[1, j] if i < m else NEVER
        right = row[2, j + 1] if j < n else NEVER
        here = log_add(paired, 0.0 if not local and i == m and j == n else NEVER)
        row[2, j] = log_add(here, right - extend)
        both = log_add(here, right - open_ - extend)
        row[1, j] = log_add(both, down - extend)
        row[0, j] = log_add(log_add(both, down - open_ - extend), 0.0 if local else NEVER)
        opened = share_of(forward[0, j], down - open_ - extend, whole)
        opened += share_of(log_add(forward[0, j], forward[1, j]), right - open_ - extend, whole)
        sums[0] += opened
        sums[1] += share_of(forward[1, j], down - extend, whole) + share_of(forward[2, j], right - extend, whole)
        pair = share_of(forward[0, j], row[0, j], whole)
        if i > 0 and j > 0 and counts.size > 0:
            counts[query[i - 1], target[j - 1]] += pair
        if i < posterior.shape[1] and j < posterior.shape[2]:
            posterior[0, i, j] = pair
            posterior[1, i, j] = share_of(forward[1, j], row[1, j], whole)
            posterior[2, i, j] = share_of(forward[2, j], row[2, j], whole)

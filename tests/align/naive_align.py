"""The definitions, one cell at a time, for tests."""

from __future__ import annotations

import re

FREE_ENDS = {
    # query start, query end, target start, target end, start anywhere, end anywhere
    "global": (False, False, False, False, False, False),
    "semiglobal": (False, False, True, True, False, False),
    "overlap": (True, True, True, True, False, False),
    "local": (True, True, True, True, True, True),
    "extension": (False, False, False, False, False, True),
}


def matrix(query, target, score, gap_cost, free_ends, band=None):
    """``H[i][j]``, the best score of an alignment that ends there (Waterman, Smith, Beyer); None if there is none."""
    m, n = len(query), len(target)
    query_start, _, target_start, _, anywhere, _ = free_ends
    low, high = (-m, n) if band is None else (min(0, n - m) - band, max(0, n - m) + band)
    H = [[None] * (n + 1) for _ in range(m + 1)]
    for i in range(m + 1):
        for j in range(n + 1):
            if not low <= j - i <= high:
                continue
            options = []
            if anywhere or (i == 0 and j == 0) or (i == 0 and target_start) or (j == 0 and query_start):
                options.append(0)
            if i and j and H[i - 1][j - 1] is not None:
                options.append(H[i - 1][j - 1] + score(query[i - 1], target[j - 1]))
            options += [H[i][j - k] - gap_cost(k) for k in range(1, j + 1) if H[i][j - k] is not None]
            options += [H[i - k][j] - gap_cost(k) for k in range(1, i + 1) if H[i - k][j] is not None]
            H[i][j] = max(options, default=None)
    return H


def best(query, target, score, gap_cost, free_ends, band=None):
    """Score, query end and target end of the best; among equals the first in the target, then in the query."""
    m, n = len(query), len(target)
    _, query_end, _, target_end, _, anywhere = free_ends
    H = matrix(query, target, score, gap_cost, free_ends, band)
    ends = [
        (-H[i][j], j, i)
        for i in range(m + 1)
        for j in range(n + 1)
        if H[i][j] is not None
        and (anywhere or (i == m and j == n) or (i == m and target_end) or (j == n and query_end))
    ]
    negative, j, i = min(ends)
    return -negative, i, j


def runs(cigar):
    """``[(length, operation), ...]``"""
    found = re.findall(r"(\d+)([MIDX=])", cigar)
    assert "".join(length + operation for length, operation in found) == cigar
    return [(int(length), operation) for length, operation in found]


def rescore(cigar, query, target, score, gap_cost):
    """The score of an alignment of all of ``query`` with all of ``target``; it must consume both and tell = from X."""
    i = j = total = 0
    previous = ""
    for length, operation in runs(cigar):
        assert length > 0
        assert operation != previous, "two runs that are one"
        previous = operation
        if operation in "M=X":
            for a, b in zip(query[i : i + length], target[j : j + length], strict=True):
                assert operation == "M" or (operation == "=") == (a == b)
                total += score(a, b)
            i, j = i + length, j + length
        elif operation == "I":
            total, i = total - gap_cost(length), i + length
        else:
            total, j = total - gap_cost(length), j + length
    assert (i, j) == (len(query), len(target))
    return total


def edit_distance(query, target, mode, equal=lambda a, b: a == b):
    """The fewest substitutions, insertions and deletions; ``infix`` frees both ends of the target, ``prefix`` one."""
    previous = [0 if mode == "infix" else j for j in range(len(target) + 1)]
    for i, a in enumerate(query, 1):
        row = [i]
        for j, b in enumerate(target, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (not equal(a, b))))
        previous = row
    return previous[-1] if mode == "global" else min(previous)

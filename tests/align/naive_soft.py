"""Soft alignment by writing down every alignment of a pair, for tests."""

from __future__ import annotations

import math


def alignments(m, n):
    """Every global alignment as a tuple of steps ``P``, ``I`` (query alone), ``D`` (target alone); no I behind a D."""
    found = []

    def extend(i, j, steps):
        if (i, j) == (m, n):
            found.append(steps)
        if i < m and j < n:
            extend(i + 1, j + 1, steps + "P")
        if i < m and not steps.endswith("D"):
            extend(i + 1, j, steps + "I")
        if j < n:
            extend(i, j + 1, steps + "D")

    extend(0, 0, "")
    return found


def local_alignments(m, n):
    """``(i, j, steps)`` of every alignment of stretches that begins and ends with a pair, and of none."""
    found = [(0, 0, "")]
    for i in range(m):
        for j in range(n):
            for p in range(i + 1, m + 1):
                for q in range(j + 1, n + 1):
                    found += [
                        (i, j, steps)
                        for steps in alignments(p - i, q - j)
                        if steps.startswith("P") and steps.endswith("P")
                    ]
    return found


def soft(similarity, gap_open, gap_extend, temperature, local):
    """Score, shares ``[state][i][j]`` of cells by their lower right corners, expected gaps and letters in gaps."""
    m = len(similarity)
    n = len(similarity[0]) if m else 0
    return weigh(similarity, m, n, gap_open, gap_extend, temperature, local)


def weigh(similarity, m, n, gap_open, gap_extend, temperature, local):
    """As :func:`soft`, for ``m`` and ``n`` letters."""
    paths = local_alignments(m, n) if local else [(0, 0, steps) for steps in alignments(m, n)]
    worth = []
    for i, j, steps in paths:
        total, before = 0.0, ""
        for step in steps:
            i, j = i + (step != "D"), j + (step != "I")
            if step == "P":
                total += similarity[i - 1][j - 1]
            else:
                total -= gap_extend + gap_open * (step != before)
            before = step
        worth.append(total)
    best = max(worth)
    weights = [math.exp((each - best) / temperature) for each in worth]
    whole = math.fsum(weights)
    shares = {state: [[0.0] * (n + 1) for _ in range(m + 1)] for state in "PID"}
    gaps = letters = 0.0
    for (i, j, steps), weight in zip(paths, weights, strict=True):
        before = ""
        for step in steps:
            i, j = i + (step != "D"), j + (step != "I")
            shares[step][i][j] += weight / whole
            if step != "P":
                letters += weight / whole
                gaps += (step != before) * weight / whole
            before = step
    return best + temperature * math.log(whole), shares, gaps, letters

"""The last columns of blocks of pairs, where a query's end is free."""

# mypy: disallow-untyped-defs=False
from __future__ import annotations

from functools import partial

import numpy as np

from genolab.align.loops import part
from genolab.align.loops.notes import QUERY_END, SCORE, TARGET_END, M, N
from genolab.kernel.machine import MachineLoop


@part
def note_sides(width, bits, together, words, sides, numbers, j, rows, costs, free_start):
    """Where a query's end is free, note the best of the last column of the targets that end among these."""
    extend, lanes = np.int64(costs[3]), 64 // bits
    for lane in range(width):
        m, n = np.int64(numbers[M * width + lane]), np.int64(numbers[N * width + lane])
        if not j < n <= j + together:
            continue
        at, up = ((n - 1 - j) * rows * width + lane) // lanes, 64 - bits - lane % lanes * bits
        score = extend * m - (0 if free_start else costs[0] + extend * n)
        best, best_row = np.int64(numbers[SCORE * width + lane]), -1
        for i in range(m + 1):
            if i > 0:
                score += ((sides[at + (i - 1) * words] << up) >> (64 - bits)) - extend
            if score > best:
                best, best_row = score, i
        if best_row >= 0:
            numbers[SCORE * width + lane], numbers[QUERY_END * width + lane] = best, best_row
            numbers[TARGET_END * width + lane] = n


WITH_SIDES = partial(
    MachineLoop(__name__, "note_sides").address,
    (*[("int64", None)] * 4, ("int64", 1), ("int32", 1), *[("int64", None)] * 2, ("int32", 1), ("int64", None)),
)
"""The address of :func:`note_sides`."""

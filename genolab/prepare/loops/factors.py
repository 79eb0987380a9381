"""Size and normalisation factors: one robust number per sample."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import math

import numpy as np
from numba import njit

from genolab.prepare.loops.basics import add_above_zero, bin_of, inner, median, outer, quantile, select

TABLE = 4096
"""Counts below this have their logarithm looked up."""


@njit(**outer)
def detected(first, last, counts):
    samples = np.zeros(counts.shape[1], np.int32)
    for i in range(first, last):
        add_above_zero(counts[i], samples)
    return samples


@njit(**inner)
def _log(x, table):
    c = np.int64(x)
    return table[c] if c < table.size and x == c else math.log(np.float64(x))


@njit(**outer)
def log_sums(first, last, counts, genes, table):
    """The sum of the logarithms of each of ``genes``; a zero adds nothing."""
    total = np.zeros(genes.size)
    for i in range(first, last):
        x = counts[i]
        for k in range(genes.size):
            value = x[genes[k]]
            if value > 0:
                total[k] += _log(value, table)
    return total


@njit(**outer)
def median_ratios(first, last, counts, factor, genes, centre, table):
    histogram, few, v = np.zeros(2048, np.int64), np.empty(genes.size), np.empty(genes.size)
    for i in range(first, last):
        x, m = counts[i], 0
        for k in range(genes.size):
            value = x[genes[k]]
            if value > 0:
                v[m] = _log(value, table) - centre[k]
                m += 1
        factor[i] = math.exp(median(v, m, histogram, few)) if m else np.nan


@njit(**inner)
def _any_quantile(x, genes, v, p, histogram, few):
    for k in range(genes.size):
        v[k] = x[genes[k]]
    return quantile(v, genes.size, p, histogram, few)


@njit(**inner)
def _count_quantile(x, genes, v, p, histogram, other, few):
    """The quantile of values that mostly are small whole numbers: a histogram of them, the general way past it."""
    histogram[:] = 0
    other[:] = 0
    top, n = histogram.size - 1, genes.size
    for k in range(n):
        value = x[genes[k]]
        if value < top:
            c = np.int64(value)
            if value != c:
                return _any_quantile(x, genes, v, p, histogram, few)
            if k & 1:  # equal counts come in a row: adding to one place twice would wait for the first
                histogram[c] += 1
            else:
                other[c] += 1
    for b in range(top):
        histogram[b] += other[b]
    at = (n - 1) * p
    k = math.floor(at + 4e-15)
    below, b = 0, 0
    while b < top and below + histogram[b] <= k:
        below += histogram[b]
        b += 1
    low = high = np.float64(b)
    if b < top and at - k > 1e-12 and k + 1 < n and below + histogram[b] <= k + 1:
        b += 1
        while b < top and histogram[b] == 0:
            b += 1
        high = np.float64(b)
    if b == top:
        return _any_quantile(x, genes, v, p, histogram, few)
    return low + (at - k) * (high - low)


@njit(**outer)
def quantiles(first, last, counts, out, genes, p):
    histogram, other = np.zeros(2048, np.int64), np.zeros(2048, np.int64)
    few, v = np.empty(genes.size), np.empty(genes.size)
    for i in range(first, last):
        out[i] = _count_quantile(counts[i], genes, v, p, histogram, other, few)


@njit(**inner)
def _window(v, n, trim, histogram, few):
    """The least and greatest value of v[:n] whose mid rank lies in [floor(n trim) + 1, n - floor(n trim)].

    One histogram finds the bins of both edges; a tie at an edge is in or out as a whole, by its mid rank.
    """
    first = math.floor(n * trim) + 1
    last = n + 1 - first
    low = high = v[0]
    for j in range(n):
        low, high = min(low, v[j]), max(high, v[j])
    if low == high:
        return low, high
    top = histogram.size - 1
    per = top / (high - low)
    histogram[:] = 0
    for j in range(n):
        histogram[bin_of(v[j], low, per, top)] += 1
    least, greatest = low, high
    for side in range(2):
        k = (first if side == 0 else last) - 1
        below, b = 0, 0
        while below + histogram[b] <= k:
            below += histogram[b]
            b += 1
        m = np.int64(0)
        for j in range(n):
            if bin_of(v[j], low, per, top) == b:
                few[m] = v[j]
                m += 1
        edge = select(few, m, k - below)
        less = same = 0
        for q in range(m):
            less += few[q] < edge
            same += few[q] == edge
        rank = below + less + 0.5 * (same + 1)
        inside = first <= rank <= last
        if side == 0:
            least = edge if inside else np.nextafter(edge, np.inf)
        else:
            greatest = edge if inside else np.nextafter(edge, -np.inf)
    return least, greatest


@njit(**outer)
def trimmed_means(first, last, counts, total, factor, genes, reference, reference_total, ratio_trim, sum_trim):
    """TMM of each sample against the reference's counts of ``genes``, all of which are above zero.

    With the C library's log2 and no polynomial: which ratios tie depends on its last bit, and a tie at the edge of the
    trim moves a factor by 5e-4. Pairs of small counts, which come again and again, are looked up.
    """
    w = genes.size
    histogram, few = np.zeros(2048, np.int64), np.empty(w)
    M, A, V = np.empty(w), np.empty(w), np.empty(w)
    share, log_share, reference_spread = np.empty(w), np.empty(w), np.empty(w)
    for k in range(w):  # spelt out: a list and expressions of arrays would compile for half a second
        share[k] = reference[k] / reference_total
        log_share[k] = math.log2(share[k])
        reference_spread[k] = (reference_total - reference[k]) / reference_total / reference[k]
    pair, pair_of = np.empty((64, 64)), np.full((64, 64), -1)
    table = np.empty(1024)
    for i in range(first, last):
        x, n, m = counts[i], total[i], np.int64(0)  # a literal 0 would have `_window` compiled once more
        biggest, top = 0.0, 1
        for k in range(w):
            c = np.float64(x[genes[k]])
            if c <= 0:
                continue
            whole = int(c)
            if c < 1024 and c == whole:
                while top <= whole:
                    table[top] = math.log2(top / n)
                    top += 1
                log_c = table[whole]
            else:
                log_c = math.log2(c / n)
            other = int(reference[k])
            if c < 64 and c == whole and reference[k] < 64 and reference[k] == other:
                if pair_of[whole, other] != i:
                    pair_of[whole, other] = i
                    pair[whole, other] = math.log2((c / n) / share[k])
                M[m] = pair[whole, other]
            else:
                M[m] = math.log2((c / n) / share[k])
            biggest = max(biggest, abs(M[m]))
            A[m] = (log_c + log_share[k]) / 2
            V[m] = (n - c) / n / c + reference_spread[k]
            m += 1
        factor[i] = 1.0
        if m == 0 or biggest < 1e-6:
            continue
        low_m, high_m = _window(M, m, ratio_trim, histogram, few)
        low_a, high_a = _window(A, m, sum_trim, histogram, few)
        over = under = 0.0
        for k in range(m):
            if low_m <= M[k] <= high_m and low_a <= A[k] <= high_a:
                over += M[k] / V[k]
                under += 1 / V[k]
        factor[i] = 2.0 ** (over / under) if under > 0 else 1.0

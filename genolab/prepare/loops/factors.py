"""Size and normalisation factors: one robust number per sample."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import math

import numpy as np
from numba import njit, types
from numba.extending import overload

from genolab.prepare.loops.basics import SUMS, add_above_zero, bin_of, inner, median, outer, quantile, select

TABLE = 4096
"""Counts below this have their logarithm looked up."""

LARGEST = 2**31 - 1
"""Whole numbers below this are searched for a quantile, as int32 and as floating-point numbers."""


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
def _any_quantile(x, p, histogram, few):
    v = np.empty(x.size)
    for k in range(x.size):
        v[k] = x[k]
    return quantile(v, x.size, p, histogram, few)


@njit(**inner)
def _not_whole(x):
    """Not 0 where a value is a fraction, no number or too large to be searched; an integer, so that it vectorises."""
    unfit, end = np.int32(0), x.dtype.type(LARGEST)
    for j in range(x.size):
        unfit |= np.int32(not x[j] < end) | np.int32(np.floor(x[j]) != x[j])
    return unfit


def all_whole(x):
    """Whether all values are whole numbers that are searched; nothing is looked at where their type says so."""
    return not _not_whole(x)


@overload(all_whole)
def _all_whole(x):
    if isinstance(x.dtype, types.Integer):
        return lambda x: True
    return lambda x: _not_whole(x) == 0


@njit(**inner)
def _at_most(x, value):
    number = np.int32(0)
    for j in range(x.size):
        number += np.int32(x[j] <= value)
    return number


@njit(fastmath=SUMS, **inner)
def _next_above(x, value, top):
    for j in range(x.size):
        top = min(top, x[j] if x[j] > value else top)
    return top


@njit(**inner)
def _count_quantile(x, p, histogram, few):
    """The quantile of whole numbers by halving: counting those below a bound goes at the speed of the cache."""
    if not all_whole(x):
        return _any_quantile(x, p, histogram, few)
    kind = x.dtype.type
    at = (x.size - 1) * p
    k = math.floor(at + 4e-15)
    low, high = np.int64(-1), np.int64(15)  # no more than k values are at most low
    reach = _at_most(x, kind(high))
    while reach <= k:
        low, high = high, 2 * high + 1
        reach = _at_most(x, kind(high))
    while high - low > 1:
        middle = (low + high) // 2
        number = _at_most(x, kind(middle))
        if number <= k:
            low = middle
        else:
            high, reach = middle, number
    value = np.float64(kind(high))
    if at - k < 1e-12 or k + 1 >= x.size or reach > k + 1:
        return value
    return value + (at - k) * (np.float64(_next_above(x, kind(high), kind(LARGEST))) - value)


@njit(**outer)
def quantiles(first, last, counts, out, genes, p):
    histogram, few = np.zeros(2048, np.int64), np.empty(genes.size)
    used = np.empty(genes.size, counts.dtype)
    for i in range(first, last):
        x = counts[i]
        if genes.size == x.size:
            for k in range(x.size):
                used[k] = x[k]
        else:
            for k in range(genes.size):
                used[k] = x[genes[k]]
        out[i] = _count_quantile(used, p, histogram, few)


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
            if c <= 0 or c == math.inf:
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
        factor[i] = 1.0 if n < math.inf else math.nan
        if n == math.inf or m == 0 or biggest < 1e-6:
            continue
        low_m, high_m = _window(M, m, ratio_trim, histogram, few)
        low_a, high_a = _window(A, m, sum_trim, histogram, few)
        over = under = 0.0
        for k in range(m):
            if low_m <= M[k] <= high_m and low_a <= A[k] <= high_a:
                over += M[k] / V[k]
                under += 1 / V[k]
        factor[i] = 2.0 ** (over / under) if under > 0 else 1.0

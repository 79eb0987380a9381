"""What the loops share: logarithms that vectorise, sums, a radix sort, order statistics.

Numba's own `log1p` calls the C library once per number (20 times slower than NumPy's vector code), and its sort is
many times slower than a radix sort of the bits.
"""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import math

import numpy as np
from numba import njit, types
from numba.extending import overload

SUMS = {"reassoc", "contract", "nsz"}
"""A sum may be taken in another order, so that it vectorises."""
EXACT = {"contract"}
"""Fused multiply-add only: the error terms of the logarithms must survive."""

outer = {"cache": True, "error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}
"""A loop that Python calls."""
inner = {"cache": True, "error_model": "numpy", "no_cfunc_wrapper": True, "no_cpython_wrapper": True}
"""What only other loops call: without the way in from Python it compiles a third faster."""
inlined = {**inner, "inline": "always"}
"""The same, called from one place: Numba would optimise it alone, and once more with its caller."""

BLOCK = 2048
"""Values of one block: it stays in the first-level cache."""


@njit(fastmath=EXACT, **inner)
def _log1p_single(x):
    one = np.float32(1)
    u = one + x
    lost = (x - (u - one)) / u
    bits = np.float32(u).view(np.int32)
    e = np.int32(np.int32(bits - np.int32(0x3F3504F3)) >> np.int32(23))  # u = m 2^e, sqrt(1/2) <= m < sqrt(2)
    m = np.int32(bits - np.int32(e << np.int32(23))).view(np.float32)
    f = m - one
    z = f * f
    p = np.float32(7.0376836292e-2)
    p = p * f + np.float32(-1.1514610310e-1)
    p = p * f + np.float32(1.1676998740e-1)
    p = p * f + np.float32(-1.2420140846e-1)
    p = p * f + np.float32(1.4249322787e-1)
    p = p * f + np.float32(-1.6668057665e-1)
    p = p * f + np.float32(2.0000714765e-1)
    p = p * f + np.float32(-2.4999993993e-1)
    p = p * f + np.float32(3.3333331174e-1)
    k = np.float32(e)
    y = f * z * p + k * np.float32(-2.12194440e-4) - np.float32(0.5) * z
    return (f + (y + lost)) + k * np.float32(0.693359375)


@njit(fastmath=EXACT, **inner)
def log64(x):
    """log(x) of a normal float64 x > 0, within 1 ulp, without a branch (the polynomial of fdlibm)."""
    bits = np.float64(x).view(np.int64)
    e = (bits - np.int64(0x3FE6A09E667F3BCD)) >> np.int64(52)
    f = np.int64(bits - (e << np.int64(52))).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    r = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = 2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)
    r += z * (6.666666666666735130e-01 + w * odd)
    h = 0.5 * f * f
    k = np.float64(e)
    return k * 6.93147180369123816490e-01 - ((h - (s * (h + r) + k * 1.90821492927058770002e-10)) - f)


@njit(fastmath=EXACT, **inner)
def _log1p_double(x):
    u = 1.0 + x
    return log64(u) + (x - (u - 1.0)) / u


def log1p(x):
    """log(1 + x) for finite x > -1 in the precision of x, within 2 ulp, without a branch or a table."""
    return np.log1p(x)


@overload(log1p, jit_options={"fastmath": EXACT})
def _log1p(x):
    if x == types.float32:
        return lambda x: _log1p_single(x)
    return lambda x: _log1p_double(x)


@njit(fastmath=SUMS, **inner)
def row_sum(x):
    total = 0.0
    for j in range(x.size):
        total += np.float64(x[j])
    return total


@njit(fastmath=SUMS, **inner)
def add_row(x, total):
    for j in range(x.size):
        total[j] += x[j]


@njit(fastmath=SUMS, **inner)
def add_above_zero(x, samples):
    for j in range(x.size):
        samples[j] += np.int32(x[j] > 0)


@njit(fastmath=SUMS, **inner)
def add_squares(x, centre, total):
    for j in range(x.size):
        d = x[j] - centre[j]
        total[j] += d * d


@njit(**inner)
def _ordered(value):
    """Bits of a float32 whose unsigned order is the order of the values; -0 and 0 are one."""
    bits = np.float32(value + np.float32(0)).view(np.uint32)
    return ~bits if bits >> np.uint32(31) else bits | np.uint32(0x80000000)


@njit(**inner)
def sort_row(x, keys, spare, count):
    """Sort the entries of a finite row that are not zero; returns keys, their number and how many are negative.

    Zeros, of which there often are many, cost nothing. A radix sort by 11 bits of the float32 values, then by double
    precision within their ties. The low 32 bits of a key are its column; equal values keep the order of their columns.
    """
    n = negative = 0
    count[:] = 0
    for j in range(x.size):
        if x[j] != 0:
            bits = np.uint64(_ordered(np.float32(x[j])))
            keys[n] = (bits << np.uint64(32)) | np.uint64(j)
            n += 1
            negative += x[j] < 0
            count[0, bits & np.uint64(2047)] += 1
            count[1, (bits >> np.uint64(11)) & np.uint64(2047)] += 1
            count[2, bits >> np.uint64(22)] += 1
    a, b = keys, spare
    for p in range(3):
        shift = np.uint64(32 + 11 * p)
        if n == 0 or count[p, (a[0] >> shift) & np.uint64(2047)] == n:
            continue
        below = 0
        for d in range(2048):
            here = count[p, d]
            count[p, d] = below
            below += here
        for k in range(n):
            d = (a[k] >> shift) & np.uint64(2047)
            b[count[p, d]] = a[k]
            count[p, d] += 1
        a, b = b, a
    settle_ties(x, a[:n])
    return a, n, negative


@njit(**inner)
def column(key):
    return np.int64(key & np.uint64(0xFFFFFFFF))


def settle_ties(x, a):
    """Order keys whose values are equal in single precision by the values; where those are no doubles, nothing is."""


@overload(settle_ties)
def _settle_ties(x, a):
    if x.dtype == types.float64:
        return lambda x, a: _settle_doubles(x, a)
    return lambda x, a: None  # nothing is compiled for it


@njit(**inner)
def _settle_doubles(x, a):
    """By insertion while ties are short, else by a merge sort."""
    k = 0
    while k < a.size:
        e = k + 1
        while e < a.size and a[e] >> np.uint64(32) == a[k] >> np.uint64(32):
            e += 1
        if e - k > 32:
            _merge_sort(x, a[k:e])
        else:
            for q in range(k + 1, e):
                held, value, at = a[q], x[column(a[q])], q
                while at > k and x[column(a[at - 1])] > value:
                    a[at] = a[at - 1]
                    at -= 1
                a[at] = held
        k = e


@njit(**inner)
def _merge_sort(x, a):
    """Merge runs of 1, 2, 4, ... keys. NumPy's sort, index arrays and slices would compile for ten seconds."""
    k = 1
    while k < a.size and x[column(a[k])] == x[column(a[k - 1])]:
        k += 1
    if k == a.size:  # all equal, as ties mostly are
        return
    spare, width = np.empty(a.size, np.uint64), 1
    while width < a.size:
        for low in range(0, a.size, 2 * width):
            middle, high = min(low + width, a.size), min(low + 2 * width, a.size)
            i, j = low, middle
            for k in range(low, high):
                if j >= high or (i < middle and x[column(a[i])] <= x[column(a[j])]):
                    spare[k] = a[i]
                    i += 1
                else:
                    spare[k] = a[j]
                    j += 1
        for k in range(a.size):
            a[k] = spare[k]
        width *= 2


@njit(**inner)
def select(v, n, k):
    """The k-th smallest (from 0) of v[:n] by quickselect, in place."""
    left, right = 0, n - 1
    while left < right:
        pivot = v[(left + right) // 2]
        i, j = left, right
        while i <= j:
            while v[i] < pivot:
                i += 1
            while v[j] > pivot:
                j -= 1
            if i <= j:
                v[i], v[j] = v[j], v[i]
                i += 1
                j -= 1
        if k <= j:
            right = j
        elif k >= i:
            left = i
        else:
            return v[k]
    return v[k]


@njit(**inner)
def bin_of(x, low, per, last):
    """The bin of a value: where it is infinite, no number, or a span overflows, the last one, never outside."""
    place = (x - low) * per
    return int(place) if place < last else last


@njit(**inner)
def order_statistics(v, n, k, histogram, few):
    """The k-th smallest (from 0) of v[:n] and the one after it (the same where there is none).

    A histogram finds the bins of both, between which nothing lies; quickselect looks among their members.
    """
    low = high = v[0]
    for j in range(n):
        low, high = min(low, v[j]), max(high, v[j])
    if low == high:
        return low, low
    last = histogram.size - 1
    per = last / (high - low)
    histogram[:] = 0
    for j in range(n):
        histogram[bin_of(v[j], low, per, last)] += 1
    below, b = 0, 0
    while below + histogram[b] <= k:
        below += histogram[b]
        b += 1
    e = b
    if below + histogram[b] == k + 1 and k + 1 < n:
        e += 1
        while histogram[e] == 0:
            e += 1
    m = np.int64(0)  # a literal 0 would have `select` compiled once more
    for j in range(n):
        place = bin_of(v[j], low, per, last)
        if place in (b, e):
            few[m] = v[j]
            m += 1
    at = k - below
    one = select(few, m, at)
    if at + 1 == m:
        return one, one
    other = few[at + 1]  # what comes after the selected is not smaller
    for q in range(at + 2, m):
        other = min(other, few[q])
    return one, other


@njit(**inner)
def median(v, n, histogram, few):
    """The median of v[:n]; the mean of the middle two where n is even."""
    low, high = order_statistics(v, n, (n - 1) // 2, histogram, few)
    return low if n % 2 else 0.5 * (low + high)


@njit(**inner)
def quantile(v, n, p, histogram, few):
    """The quantile of v[:n] between order statistics, R's type 7."""
    at = (n - 1) * p
    k = math.floor(at + 4e-15)
    low, high = order_statistics(v, n, k, histogram, few)
    if at - k < 1e-12 or k + 1 >= n:
        return low
    return low + (at - k) * (high - low)

"""Newton steps for the dispersion of one gene at a time, and the variance-stabilising transform of rows."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import math

import numpy as np
from numba import njit

from genolab.prepare.loops.basics import EXACT, SUMS, inner, log1p, log64, outer

LEAST, LOWEST, STEPS = 1e-8, math.log(1e-9), 50

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)

TOGETHER = 16
"""Genes that are taken out of a table of samples together: a line of the cache in single precision."""


@njit(fastmath=SUMS, **inner)
def _slope_terms(y, mu, alpha):
    """Of the samples of a group: terms of both derivatives by 1 / alpha, and the sums of w, w^2 and w^3.

    digamma and trigamma of y + r are moved up by 8 through one quotient of polynomials, then asymptotic: no branch, and
    sums that are single numbers, so that it vectorises.
    """
    r = 1.0 / alpha
    S = D = w1 = w2 = w3 = 0.0
    for i in range(y.size):
        x = y[i] + r
        p, d, h = x, 1.0, 0.0  # x (x + 1) ... (x + 7), its derivative and half its second derivative
        for step in range(1, 8):
            f = x + step
            h = h * f + d
            d = d * f + p
            p = p * f
        s1 = d / p
        s2 = s1 * s1 - 2.0 * h / p
        iz = 1.0 / (x + 8.0)
        q = iz * iz
        iu = 1.0 / (1.0 + mu[i] * alpha)
        w = mu[i] * iu
        S += log64((1.0 + mu[i] * alpha) * iz) + s1 - w * alpha + y[i] * alpha * iu
        S += 0.5 * iz + q * (1 / 12.0 - q * (1 / 120.0 - q * (1 / 252.0 - q / 240.0)))
        D += r * r * (s2 + iz + 0.5 * q + iz * q * (1 / 6.0 - q * (1 / 30.0 - q * (1 / 42.0 - q / 30.0))))
        D += w - w * iu + y[i] * iu * iu
        w1 += w
        w2 += w * w
        w3 += w * w * w
    return S, D, w1, w2, w3


@njit(**inner)
def _digamma_trigamma(x):
    psi = tri = 0.0
    while x < 10.0:
        psi -= 1.0 / x
        tri += 1.0 / (x * x)
        x += 1.0
    i = 1.0 / x
    q = i * i
    psi += math.log(x) - 0.5 * i - q * (1 / 12.0 - q * (1 / 120.0 - q * (1 / 252.0 - q / 240.0)))
    tri += i + 0.5 * q + i * q * (1 / 6.0 - q * (1 / 30.0 - q * (1 / 42.0 - q / 30.0)))
    return psi, tri


@njit(fastmath=SUMS, **inner)
def _likelihood_terms(y, mu, alpha):
    """Of the samples of a group: terms of the logarithm of the likelihood that differ between them, and the sum of w.

    log(mu + r) is log(r) + log(1 + mu alpha); lgamma(y + r) is moved up by 8 as above, without what is common to all.
    """
    r = 1.0 / alpha
    total = weight = 0.0
    for i in range(y.size):
        x = y[i] + r
        z = x + 8.0
        p = x
        for step in range(1, 8):
            p = p * (x + step)
        iz = 1.0 / z
        q = iz * iz
        rise = iz * (1 / 12.0 - q * (1 / 360.0 - q * (1 / 1260.0 - q / 1680.0)))
        total += (z - 0.5) * log64(z) - z + rise - log64(p) - x * log1p(mu[i] * alpha)
        weight += mu[i] / (1.0 + mu[i] * alpha)
    return total, weight


@njit(**inner)
def _log_likelihood(y, mu, alpha, edge):
    r, counted = 1.0 / alpha, 0.0
    for i in range(y.size):
        counted += y[i]
    total = y.size * (HALF_LOG_TWO_PI - math.lgamma(r)) - counted * math.log(r)
    for g in range(edge.size - 1):
        terms, weight = _likelihood_terms(y[edge[g] : edge[g + 1]], mu[edge[g] : edge[g + 1]], alpha)
        total += terms - 0.5 * math.log(weight)
    return total


@njit(**outer)
def estimate(first, last, counts, mu_scale, size, order, edge, start, most, out):
    """The dispersion of genes first to last: the start is kept where the likelihood gains less than a millionth.

    ``order`` has the samples group by group, ``edge`` where each begins and the last ends. A few genes are taken out of
    the table together: next to each other in memory, they cost one look.
    """
    n = counts.shape[0]
    ys, mu = np.empty((TOGETHER, n)), np.empty(n)
    for low in range(first, last, TOGETHER):
        high = min(last, low + TOGETHER)
        for i in range(n):
            for j in range(low, high):
                ys[j - low, i] = counts[order[i], j]
        for j in range(low, high):
            out[j] = LEAST
            if start[j] > LEAST:
                for g in range(edge.size - 1):
                    for i in range(edge[g], edge[g + 1]):
                        mu[i] = max(mu_scale[g, j] * size[order[i]], 0.5)
                out[j] = min(max(_dispersion(ys[j - low], mu, edge, start[j], most), LEAST), most)


@njit(**inner)
def _dispersion(y, mu, edge, start, most):
    a = math.log(start)
    for _ in range(STEPS):
        alpha = math.exp(a)
        r = 1.0 / alpha
        psi, tri = _digamma_trigamma(r)
        S, D, c1, c2 = y.size * psi, -y.size * r * r * tri, 0.0, 0.0
        for g in range(edge.size - 1):
            s, d, w1, w2, w3 = _slope_terms(y[edge[g] : edge[g + 1]], mu[edge[g] : edge[g + 1]], alpha)
            S += s
            D += d
            c1 += 0.5 * w2 / w1
            c2 += 0.5 * (w2 * w2 / (w1 * w1) - 2.0 * w3 / w1)
        slope = r * S + alpha * c1
        bend = -r * S + D + alpha * c1 + alpha * alpha * c2
        move = -slope / bend if bend < 0 else (1.0 if slope > 0 else -1.0)
        move = max(-2.0, min(2.0, move))
        a = max(LOWEST, min(a + move, 15.0))
        if abs(move) < 1e-7 or a <= LOWEST:
            break
    alpha = min(math.exp(a), most)
    before = _log_likelihood(y, mu, start, edge)
    return start if _log_likelihood(y, mu, alpha, edge) < before + abs(before) / 1e6 else alpha


@njit(fastmath=EXACT, **inner)
def _stabilise_row(x, scale, a, b, shift, per, out):
    one, two = x.dtype.type(1), x.dtype.type(2)
    for j in range(x.size):
        aq = a * (x[j] * scale)
        out[j] = log1p(b + two * aq + two * np.sqrt(aq * (one + b + aq))) * per + shift


@njit(**outer)
def stabilise(first, last, counts, size, asymptotic, extra, out):
    kind = counts.dtype.type
    shift = kind(-math.log2(4 * asymptotic))
    per = kind(1 / math.log(2.0))
    for i in range(first, last):
        _stabilise_row(counts[i], kind(1 / size[i]), kind(asymptotic), kind(extra), shift, per, out[i])

"""Newton steps for the dispersion of one gene at a time, and the variance-stabilising transform of rows."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import math

import numpy as np
from numba import njit

from genolab.prepare.loops.basics import EXACT, SUMS, inner, log1p, log64, outer

LEAST, LOWEST, STEPS = 1e-8, math.log(1e-9), 50


@njit(fastmath=SUMS, **inner)
def _slope_terms(y, mu, alpha, group, w1, w2, w3):
    """Terms of the first and second derivative by 1 / alpha, and the sums of w, w^2 and w^3 of each group.

    digamma and trigamma of y + r are moved up by 8 through one quotient of polynomials, then asymptotic: no branch.
    """
    r = 1.0 / alpha
    S = D = 0.0
    w1[:], w2[:], w3[:] = 0.0, 0.0, 0.0
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
        w1[group[i]] += w
        w2[group[i]] += w * w
        w3[group[i]] += w * w * w
    return S, D


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


@njit(**inner)
def _log_likelihood(y, mu, alpha, group, w1):
    r, total = 1.0 / alpha, 0.0
    base = math.lgamma(r)
    w1[:] = 0.0
    for i in range(y.size):
        total += math.lgamma(y[i] + r) - base - y[i] * math.log(mu[i] + r) - r * math.log1p(mu[i] * alpha)
        w1[group[i]] += 1.0 / (1.0 / mu[i] + alpha)
    for g in range(w1.size):
        total -= 0.5 * math.log(w1[g])
    return total


@njit(**outer)
def estimate(first, last, counts, mu_scale, size, group, start, most, out):
    """The dispersion of genes first to last: the start is kept where the likelihood gains less than a millionth."""
    n, groups = counts.shape[0], mu_scale.shape[0]
    y, mu = np.empty(n), np.empty(n)
    w1, w2, w3 = np.empty(groups), np.empty(groups), np.empty(groups)
    for j in range(first, last):
        if start[j] <= LEAST:
            out[j] = LEAST
            continue
        for i in range(n):
            y[i] = counts[i, j]
            mu[i] = max(mu_scale[group[i], j] * size[i], 0.5)
        a = math.log(start[j])
        for _ in range(STEPS):
            alpha = math.exp(a)
            r = 1.0 / alpha
            psi, tri = _digamma_trigamma(r)
            S, D = _slope_terms(y, mu, alpha, group, w1, w2, w3)
            S += n * psi
            D -= n * r * r * tri
            c1 = c2 = 0.0
            for g in range(groups):
                c1 += 0.5 * w2[g] / w1[g]
                c2 += 0.5 * (w2[g] * w2[g] / (w1[g] * w1[g]) - 2.0 * w3[g] / w1[g])
            slope = r * S + alpha * c1
            bend = -r * S + D + alpha * c1 + alpha * alpha * c2
            move = -slope / bend if bend < 0 else (1.0 if slope > 0 else -1.0)
            move = max(-2.0, min(2.0, move))
            a = max(LOWEST, min(a + move, 15.0))
            if abs(move) < 1e-7 or a <= LOWEST:
                break
        alpha = min(math.exp(a), most)
        before = _log_likelihood(y, mu, start[j], group, w1)
        if _log_likelihood(y, mu, alpha, group, w1) < before + abs(before) / 1e6:
            alpha = start[j]
        out[j] = min(max(alpha, LEAST), most)


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

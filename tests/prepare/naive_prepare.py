"""The same as the kernels of ``genolab.prepare``, one number at a time: slow, plain, and easy to believe."""

import math
from statistics import NormalDist

import numpy as np


def log_cpm(counts, factor, target=1e6, offset=1.0, base=math.e):
    out = np.zeros(counts.shape)
    for s, row in enumerate(counts):
        total = sum(float(x) for x in row) * factor[s]
        for g, x in enumerate(row):
            out[s, g] = math.log((target * float(x) / total if total else 0.0) + offset, base)
    return out


def tpm(counts, length, target=1e6):
    out = np.zeros(counts.shape)
    for s, row in enumerate(counts):
        rates = [float(x) / bases for x, bases in zip(row, length, strict=True)]
        out[s] = [target * rate / sum(rates) if sum(rates) else 0.0 for rate in rates]
    return out


def rpkm(counts, length, factor):
    out = np.zeros(counts.shape)
    for s, row in enumerate(counts):
        total = sum(float(x) for x in row) * factor[s]
        out[s] = [
            float(x) / (bases / 1e3) / (total / 1e6) if total else 0.0 for x, bases in zip(row, length, strict=True)
        ]
    return out


def mid_ranks(values):
    """Ranks from 1; equal values share the mean of theirs."""
    return [sum(v < w for v in values) + (sum(v == w for v in values) + 1) / 2 for w in values]


def quantile(row, p):
    """R's type 7."""
    row, at = sorted(float(x) for x in row), (len(row) - 1) * p
    low = math.floor(at + 4e-15)
    return row[low] + (at - low) * (row[min(low + 1, len(row) - 1)] - row[low])


def quantile_normalise(values, first_rank=False):
    reference = [float(np.mean([sorted(row)[k] for row in values], dtype=float)) for k in range(values.shape[1])]
    out = np.zeros(values.shape)
    for s, row in enumerate(values):
        if first_rank:
            for rank, g in enumerate(sorted(range(len(row)), key=lambda g: (row[g], g))):
                out[s, g] = reference[rank]
        else:
            for g, rank in enumerate(mid_ranks(row)):
                out[s, g] = (reference[math.floor(rank) - 1] + reference[math.ceil(rank) - 1]) / 2
    return out


def median_of_ratios(counts, poscounts=False):
    samples = len(counts)
    factors = []
    centre = {}
    for g, column in enumerate(counts.T):
        if all(column > 0) or (poscounts and any(column > 0)):
            centre[g] = sum(math.log(x) for x in column if x > 0) / samples
    for row in counts:
        ratios = sorted(math.log(row[g]) - c for g, c in centre.items() if row[g] > 0)
        factors.append(
            math.exp((ratios[(len(ratios) - 1) // 2] + ratios[len(ratios) // 2]) / 2) if ratios else math.nan
        )
    return np.array(factors)


def tmm(row, total, reference, reference_total, ratio_trim=0.3, sum_trim=0.05):
    pairs = [(float(x), float(r)) for x, r in zip(row, reference, strict=True) if x > 0 and r > 0]
    M = [math.log2((x / total) / (r / reference_total)) for x, r in pairs]
    A = [(math.log2(x / total) + math.log2(r / reference_total)) / 2 for x, r in pairs]
    if not M or max(abs(m) for m in M) < 1e-6:
        return 1.0
    n = len(M)
    low_m, low_a = math.floor(n * ratio_trim) + 1, math.floor(n * sum_trim) + 1
    over = under = 0.0
    for (x, r), m, rank_m, rank_a in zip(pairs, M, mid_ranks(M), mid_ranks(A), strict=True):
        if low_m <= rank_m <= n + 1 - low_m and low_a <= rank_a <= n + 1 - low_a:
            weight = 1 / ((total - x) / total / x + (reference_total - r) / reference_total / r)
            over, under = over + weight * m, under + weight
    return 2 ** (over / under) if under else 1.0


def z_score(values, ddof=0):
    out = np.zeros(values.shape)
    for g, column in enumerate(values.T.astype(float)):
        mean = sum(column) / len(column)
        deviation = math.sqrt(sum((x - mean) ** 2 for x in column) / max(len(column) - ddof, 1))
        constant = all(x == column[0] for x in column)
        out[:, g] = 0.0 if constant else [(x - mean) / deviation for x in column]
    return out


def normal_scores(values):
    out = np.zeros(values.shape)
    for g, column in enumerate(values.T):
        out[:, g] = [NormalDist().inv_cdf((rank - 3 / 8) / (len(column) + 1 / 4)) for rank in mid_ranks(column)]
    return out


def pearson_residuals(counts, share, theta, limit):
    out = np.zeros(counts.shape)
    for s, row in enumerate(counts.astype(float)):
        for g, x in enumerate(row):
            mu = sum(row) * share[g]
            residual = (x - mu) / math.sqrt(mu + mu**2 / theta) if mu > 0 else 0.0
            out[s, g] = min(max(residual, -limit), limit)
    return out


def negative_binomial(x, mu, alpha):
    """Logarithm of its probability."""
    r = 1 / alpha
    return (
        math.lgamma(x + r)
        - math.lgamma(r)
        - math.lgamma(x + 1)
        + r * math.log(r / (r + mu))
        + x * math.log(mu / (r + mu))
    )


def adjusted_likelihood(counts, mu, alpha, group):
    """What :func:`genolab.prepare.dispersion.dispersions` maximises, of one gene."""
    total = sum(negative_binomial(x, m, alpha) for x, m in zip(counts, mu, strict=True))
    for k in set(group):
        total -= 0.5 * math.log(sum(1 / (1 / m + alpha) for m, g in zip(mu, group, strict=True) if g == k))
    return total

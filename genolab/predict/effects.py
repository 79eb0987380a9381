"""Effects of variants by the methods of risk scores: candidates of each, from standardised genotypes and a trait."""

from __future__ import annotations

import numpy as np

from genolab.predict.paths import elastic_net_path, penalties_for

THRESHOLDS = (5e-8, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.5, 1.0)
CLUMP_R2, WINDOW = 0.2, 100


def sparse_path(columns: np.ndarray, trait: np.ndarray, share: float, penalties: np.ndarray) -> np.ndarray:
    """Weights of the lasso or the elastic net [candidate, variant]."""
    weights: np.ndarray = elastic_net_path(columns, trait, penalties, share).weights
    return weights


def sparse_penalties(columns: np.ndarray, trait: np.ndarray, share: float) -> np.ndarray:
    """Thirty penalties from the largest that matters down to a tenth of it."""
    return penalties_for(columns, trait, share, 30, 0.1)


def marginal(columns: np.ndarray, trait: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The effect of each variant by itself, and its two-sided p-value by the normal distribution."""
    from scipy.stats import norm

    samples = len(trait)
    effect = (columns @ trait).astype(np.float64) / samples
    left = np.maximum(float(trait @ trait) / samples - effect**2, 1e-12)
    return effect, 2 * norm.sf(np.abs(effect) / np.sqrt(left / samples))


def clumped(columns: np.ndarray, trait: np.ndarray) -> np.ndarray:
    """Marginal effects of the strongest variant of each clump, per threshold of p [candidate, variant]."""
    effect, p = marginal(columns, trait)
    alive, kept = np.ones(p.size, bool), np.zeros(p.size, bool)
    for variant in np.argsort(p, kind="stable"):
        if not alive[variant]:
            continue
        kept[variant] = True
        low, high = max(0, variant - WINDOW), min(p.size, variant + WINDOW + 1)
        near = columns[low:high] @ columns[variant] / columns.shape[1]
        alive[low:high] &= near**2 < CLUMP_R2
    return np.array([np.where(kept & (p <= threshold), effect, 0) for threshold in THRESHOLDS])


def restricted_likelihood(values: np.ndarray, rotated: np.ndarray) -> float:
    """The heritability of greatest restricted likelihood, from eigenvalues of the relationship and the rotated trait.

    The fixed effects are taken out of both beforehand. See Patterson and Thompson 1971, doi:10.1093/biomet/58.3.545.
    """
    from scipy.optimize import minimize_scalar

    used = values > 1e-9 * values.max()
    s, y = values[used], rotated[used] ** 2

    def loss(h2: float) -> float:
        variance = h2 * s + 1 - h2
        return float(len(s) * np.log((y / variance).mean()) + np.log(variance).sum())

    grid = np.linspace(0.01, 0.99, 50)
    best = grid[int(np.argmin([loss(h2) for h2 in grid]))]
    found = minimize_scalar(loss, bounds=(max(1e-3, best - 0.03), min(0.999, best + 0.03)), method="bounded")
    return float(found.x)

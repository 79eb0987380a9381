"""Coordinate descent over packed columns, for the lasso and the elastic net."""

# mypy: disallow-untyped-defs=False, disallow-incomplete-defs=False
from __future__ import annotations

import numpy as np
from numba import njit

sums = {"cache": True, "error_model": "numpy", "nogil": True, "fastmath": {"reassoc", "contract", "nsz"}}


@njit(**sums)
def sweeps(columns, active, square, residual, weight, lasso, ridge, most, tolerance):
    """Sweep over the active columns until no weight moves the fit by more than the tolerance; the sweeps taken."""
    samples = residual.size
    for sweep in range(most):
        greatest = 0.0
        for k in range(active.size):
            j = active[k]
            if square[j] == 0.0:
                continue
            column, old = columns[j], weight[j]
            total = 0.0
            for i in range(samples):
                total += column[i] * residual[i]
            pull = total + square[j] * old
            size = abs(pull) - lasso
            new = 0.0 if size <= 0 else (size if pull > 0 else -size) / (square[j] + ridge)
            change = new - old
            if change != 0.0:
                step = residual.dtype.type(change)
                for i in range(samples):
                    residual[i] -= step * column[i]
                weight[j] = new
                greatest = max(greatest, change * change * square[j])
        if greatest <= tolerance:
            return sweep + 1
    return most


@njit(**sums)
def gibbs(correlation, first, width, marginal, start, noise, uniform, inclusion, variance, samples, burn):
    """Samples of the effects given the others, a share of which is not 0: the mean effect of each variant.

    ``correlation[j, k]`` is that of variant j with variant ``first[j] + k``.
    """
    variants, steps = marginal.size, uniform.shape[0]
    effect, mean = start.copy(), np.zeros(variants)
    drawn = 1.0 / (samples + 1.0 / variance)
    odds_of_none = (1.0 - inclusion) / inclusion * np.sqrt(1.0 + samples * variance)
    for t in range(steps):
        for j in range(variants):
            explained = 0.0
            for k in range(width[j]):
                explained += correlation[j, k] * effect[first[j] + k]
            left = marginal[j] - explained + effect[j]
            centre = left * samples * drawn
            chance = 1.0 / (1.0 + odds_of_none * np.exp(-0.5 * centre * centre / drawn))
            if t >= burn:
                mean[j] += chance * centre
            effect[j] = centre + np.sqrt(drawn) * noise[t, j] if uniform[t, j] < chance else 0.0
    return mean / max(steps - burn, 1)

"""Coordinate descent for the lasso and the elastic net, and Gibbs sampling of effects, over packed columns."""

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

    ``correlation[j, k]`` is that of variant j with variant ``first[j] + k``. A chain of which an effect passes the ten
    standard deviations of the trait has diverged; its mean is NaN.
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
            if abs(effect[j]) > 10.0:
                mean[:] = np.nan
                return mean
    return mean / max(steps - burn, 1)


@njit(**sums)
def gibbs_from_samples(columns, trait, noise, uniform, inclusion, variance, left_over, burn):
    """The same given the linkage of all variants, from what is left of the trait: means [candidate, variant].

    ``left_over`` is the share of the trait's variance that no variant explains. All candidates walk together, so each
    column is read once per step for all of them, and draw the same numbers.
    """
    variants, samples = columns.shape
    steps, candidates = uniform.shape[0], inclusion.size
    effect, mean = np.zeros((candidates, variants)), np.zeros((candidates, variants))
    residual = np.empty((candidates, samples), trait.dtype)
    for c in range(candidates):
        residual[c] = trait
    for t in range(steps):
        for j in range(variants):
            column = columns[j]
            for c in range(candidates):
                left = residual[c]
                total = trait.dtype.type(0)
                for i in range(samples):
                    total += column[i] * left[i]
                drawn = left_over / (samples + left_over / variance[c])
                centre = (total + samples * effect[c, j]) / (samples + left_over / variance[c])
                odds_of_none = (1.0 - inclusion[c]) / inclusion[c] * np.sqrt(1.0 + samples * variance[c] / left_over)
                chance = 1.0 / (1.0 + odds_of_none * np.exp(-0.5 * centre * centre / drawn))
                if t >= burn:
                    mean[c, j] += chance * centre
                new = centre + np.sqrt(drawn) * noise[t, j] if uniform[t, j] < chance else 0.0
                if new != effect[c, j]:
                    step = trait.dtype.type(new - effect[c, j])
                    for i in range(samples):
                        left[i] -= step * column[i]
                    effect[c, j] = new
    return mean / max(steps - burn, 1)

"""Effects of variants given their linkage, sampled: LDpred, with a retry where its window is too short."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from genolab.predict.effects import marginal

INCLUSIONS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
STEPS, BURN = 150, 50


@dataclass(frozen=True)
class Sampled:
    """Mean effects [candidate, variant], NaN where no chain settled; which left the window, which were given up."""

    weights: np.ndarray = field(repr=False)
    widened: np.ndarray
    dropped: np.ndarray


def band(columns: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlations of each variant with its neighbours, the first of them, and how many; small ones are 0.

    What is within sampling error of 0 would add up along a window, so it is left out.
    """
    variants, samples = columns.shape
    first = np.maximum(np.arange(variants) - window, 0)
    width = np.minimum(np.arange(variants) + window + 1, variants) - first
    out = np.zeros((variants, 2 * window + 1), np.float32)
    noise = 3 / np.sqrt(samples)
    for start in range(0, variants, 256):
        stop = min(start + 256, variants)
        low, high = max(0, start - window), min(variants, stop + window)
        near = columns[start:stop] @ columns[low:high].T / samples
        near[np.abs(near) < noise] = 0
        for j in range(start, stop):
            out[j, : width[j]] = near[j - start, first[j] - low : first[j] - low + width[j]]
    return out, first, width


def settled(columns: np.ndarray, trait: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """Whether each row of effects explains the samples that it was learnt from, and does not add to their variance.

    A chain whose correlations do not belong to its marginal effects leaves more than there was, long before it
    overflows.
    """
    left = trait - effects @ columns
    with np.errstate(invalid="ignore", over="ignore"):
        good: np.ndarray = np.einsum("ij,ij->i", left, left, dtype=np.float64) <= float(trait @ trait)
    return good


def ldpred(columns: np.ndarray, trait: np.ndarray, heritability: float, window: int, seed: int) -> Sampled:
    r"""Mean effects where a share of the variants has any, by Gibbs sampling given linkage [candidate, variant].

    The chain sees correlations within ``window`` neighbours. Where linkage reaches further (related samples, long
    haplotypes) that is no possible correlation matrix together with the marginal effects, and the chain diverges:
    its effects grow without bound. Such a candidate is sampled again with the linkage of all variants, straight from
    the samples (:func:`genolab.predict.loops.descent.gibbs_from_samples`), which needs no window and cannot diverge:

    .. math:: \beta_j \mid \beta_{-j} \sim (1 - \pi_j)\,\delta_0 + \pi_j\,N\Big(\frac{x_j^\top r_{-j}}
        {n + \sigma^2 / v},\ \frac{\sigma^2}{n + \sigma^2 / v}\Big), \quad v = \frac{h^2}{M p}

    with what the others leave :math:`r_{-j}`, the share p of M variants and :math:`\sigma^2 = 1 - h^2` of the trait's
    variance. ``columns`` [variant, sample] have mean 0 and variance 1. After Vilhjalmsson et al. 2015,
    doi:10.1016/j.ajhg.2015.09.001, and Prive, Arbel and Vilhjalmsson 2020, doi:10.1093/bioinformatics/btaa1029; on
    chains that diverge and linkage that does not match, Prive et al. 2022, doi:10.1016/j.xhgg.2022.100136.
    """
    from genolab.predict.loops import descent

    spread = max(float(np.sqrt(trait @ trait / len(trait))), 1e-12)
    scaled = (trait / spread).astype(np.float32)
    effect = marginal(columns, trait)[0] / spread
    rng = np.random.default_rng(seed)
    noise, uniform = rng.normal(size=(STEPS, effect.size)), rng.random((STEPS, effect.size))
    shares = np.array(INCLUSIONS)
    variance = heritability / (effect.size * shares)
    correlation, first, width = band(columns, window)
    found = np.array([
        descent.gibbs(correlation, first, width, effect, np.zeros(effect.size), noise, uniform, share, each,
                      float(len(trait)), BURN)
        for share, each in zip(shares, variance, strict=True)
    ])  # fmt: skip
    widened = ~settled(columns, scaled, found)
    if widened.any():
        found[widened] = descent.gibbs_from_samples(
            columns, scaled, noise, uniform, shares[widened], variance[widened], 1 - heritability, BURN
        )
    dropped = ~settled(columns, scaled, found)
    found[dropped] = np.nan
    return Sampled(found * spread, widened, dropped)


def words_for(window: int, widened: np.ndarray, dropped: np.ndarray, folds: int) -> list[str]:
    """What to say of candidates whose chain diverged; rows of both are the fits, the one by all samples first."""
    said = []
    names = [f"{share:g}" for share in INCLUSIONS]
    if widened.any():
        hit = [f"{name} ({times} of {folds + 1} fits)" for name, times in zip(names, widened.sum(axis=0), strict=True)
               if times]  # fmt: skip
        said.append(
            f"Linkage reaches beyond the window of {window:,} variants: the chain diverged where the share of variants "
            f"with an effect is {', '.join(hit)}. Those were sampled again with the linkage of all variants."
        )
    lost = [names[place] for place in np.flatnonzero(dropped.any(axis=0))]
    if lost:
        said.append(f"Dropped, as their chains diverged again with the linkage of all variants: {', '.join(lost)}.")
    return said

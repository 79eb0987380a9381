"""Inputs of a realistic size for each kernel: 100,000 positions at 50-fold coverage, 3,000 sites worth a likelihood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

POSITIONS, DEPTH, READ_LENGTH = 100_000, 50, 100
SITES = 3_000


def _reference(random: np.random.Generator, size: int) -> np.ndarray:
    return random.integers(0, 4, size).astype(np.uint8)


def allele_counts(random: np.random.Generator) -> tuple[Any, ...]:
    """Five million bases in reads of 100."""
    start = np.sort(random.integers(0, POSITIONS - READ_LENGTH, POSITIONS * DEPTH // READ_LENGTH))
    position = (start[:, None] + np.arange(READ_LENGTH)).ravel().astype(np.int32)
    return position, random.integers(0, 4, position.size).astype(np.uint8), _reference(random, POSITIONS)


def candidate_alleles(random: np.random.Generator) -> tuple[Any, ...]:
    """The counts of all positions."""
    counts = random.poisson([DEPTH, 0.3, 0.3, 0.3], (POSITIONS, 4)).astype(np.int64)
    return counts, _reference(random, POSITIONS), 2, 0.1


def _observations(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    site = np.repeat(np.arange(SITES), DEPTH)
    return site, random.integers(0, 4, site.size).astype(np.uint8)


def genotype_likelihoods(random: np.random.Generator) -> tuple[Any, ...]:
    """150,000 fragments over 3,000 sites."""
    site, base = _observations(random)
    quality = random.integers(10, 41, site.size).astype(np.float64)
    return site, base, quality, random.integers(20, 61, site.size).astype(np.float64), _reference(random, SITES)


def genotype_posteriors(random: np.random.Generator) -> tuple[Any, ...]:
    """Ten genotypes of 3,000 sites."""
    shape = SITES, 10
    return random.uniform(-300, 0, shape), _reference(random, SITES), np.ones(shape, bool)


def strand_bias(random: np.random.Generator) -> tuple[Any, ...]:
    """3,000 tables."""
    table = random.poisson(DEPTH / 4, (SITES, 4)).astype(np.int64)
    return table, np.arange(128, dtype=np.int64)


def rank_sum(random: np.random.Generator) -> tuple[Any, ...]:
    """150,000 values over 3,000 sites."""
    site, _ = _observations(random)
    alternate = random.integers(0, 2, site.size)
    return site, alternate, random.integers(0, 61, site.size), _reference(random, SITES)


def _pairs(random: np.random.Generator) -> tuple[np.ndarray, ...]:
    """500 reads of 150 and their windows of 200, a tenth of the letters changed."""
    count, short, long = 500, 150, 200
    target = random.integers(0, 4, count * long + 1).astype(np.uint8)
    query = target[: count * long].reshape(count, long)[:, 20 : 20 + short].ravel()
    query = np.where(random.random(query.size) < 0.1, random.integers(0, 4, query.size), query).astype(np.uint8)
    number, one = np.arange(count), np.ones(count, np.int64)
    return np.append(query, np.uint8(0)), number * short, one * short, target, number * long, one * long


def pairwise_scores(random: np.random.Generator) -> tuple[Any, ...]:
    """500 pairs of DNA from end to end; JAX asks for the lengths beforehand."""
    table = np.where(np.eye(4, dtype=bool), 2, -4).astype(np.int32)
    return *_pairs(random), table, np.array([4, 2, 4, 2], np.int32), np.zeros(6, bool)


def edit_distances(random: np.random.Generator) -> tuple[Any, ...]:
    """The same pairs."""
    return *_pairs(random), np.eye(4, dtype=bool), np.zeros(2, bool)


WORKLOADS: dict[str, Callable[[np.random.Generator], tuple[Any, ...]]] = {
    each.__name__: each
    for each in (
        allele_counts,
        candidate_alleles,
        genotype_likelihoods,
        genotype_posteriors,
        strand_bias,
        rank_sum,
        pairwise_scores,
        edit_distances,
    )
}
"""By the kernel's name; a kernel that is not here is run on the smallest input that it accepts."""

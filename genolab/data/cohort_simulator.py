"""Cohorts with a known answer: haplotypes with linkage, families, and a trait or a disease of known heritability."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from genolab.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

FOUNDERS = 60
"""Haplotypes of an ancient population, of which everybody's are pieces."""


@dataclass(frozen=True)
class SimulatedCohort:
    """Samples with genotypes, covariates, family and trait. ``effects`` [variant] are the true ones of dosages."""

    dosages: np.ndarray = field(repr=False)
    trait: np.ndarray = field(repr=False)
    covariates: pd.DataFrame = field(repr=False)
    families: np.ndarray = field(repr=False)
    effects: np.ndarray = field(repr=False)
    heritability: float
    prevalence: float | None


def simulate_cohort(
    samples: int = 600, variants: int = 1_000, *, heritability: float = 0.5, causal: int = 20,
    prevalence: float | None = None, engine: str = "copying", seed: int = 0,
) -> SimulatedCohort:  # fmt: skip
    """A cohort of pairs of siblings whose trait is a sum over causal variants, age, sex and chance.

    ``copying`` makes haplotypes as mosaics of 60 founders, which gives linkage that fades with distance; ``msprime``
    simulates a coalescent with recombination (needs msprime). With a ``prevalence`` the trait is a disease: the share
    of greatest liability has it. Age and sex explain a tenth of the trait.

    Raises
    ------
    InputError
        A heritability outside 0 to 0.9, more causal variants than variants, an unknown engine.
    """
    import pandas as pd

    who = "simulate_cohort"
    if not 0 <= heritability <= 0.9:
        raise InputError(who, "heritability", "from 0 to 0.9", f"{heritability:g}")
    if not 0 <= causal <= variants:
        raise InputError(who, "causal", f"from 0 to {variants:,} variants", f"{causal:,}")
    if prevalence is not None and not 0.01 <= prevalence <= 0.99:
        raise InputError(who, "prevalence", "between 0.01 and 0.99", f"{prevalence:g}")
    rng = np.random.default_rng(seed)
    families = (samples + 1) // 2
    parents = {"copying": _copied, "msprime": _coalescent}.get(engine)
    if parents is None:
        raise InputError(who, "engine", "copying or msprime", repr(engine))
    haplotypes = parents(rng, 4 * families, variants)  # two parents a family, two haplotypes each
    dosages = np.empty((2 * families, variants), np.float32)
    for family in range(families):
        father, mother = haplotypes[4 * family : 4 * family + 2], haplotypes[4 * family + 2 : 4 * family + 4]
        for child in range(2):
            dosages[2 * family + child] = _gamete(rng, father) + _gamete(rng, mother)
    dosages = dosages[:samples]
    spread = dosages.std(axis=0)
    varying = np.flatnonzero(spread > 0)
    chosen = rng.choice(varying, min(causal, varying.size), replace=False)
    effects = np.zeros(variants)
    effects[chosen] = rng.normal(size=chosen.size) / spread[chosen]
    genetic = dosages @ effects
    scale = np.sqrt(heritability) / max(float(genetic.std()), 1e-12)
    effects, genetic = effects * scale, (genetic - genetic.mean()) * scale
    age, sex = rng.uniform(30, 70, samples), rng.integers(0, 2, samples)
    shared = 0.1 * (1 - heritability) if heritability < 0.9 else 0.01
    known = (age - age.mean()) / age.std() + (sex - sex.mean()) / max(float(sex.std()), 1e-12)
    known *= np.sqrt(max(shared, 0.05)) / known.std()
    trait = genetic + known + rng.normal(0, np.sqrt(max(1 - heritability - shared, 0.01)), samples)
    if prevalence is not None:
        trait = (trait >= np.quantile(trait, 1 - prevalence)).astype(float)
    table = pd.DataFrame({"age": age.round(1), "sex": sex})
    names = np.array([f"family {k // 2 + 1}" for k in range(samples)], object)
    return SimulatedCohort(dosages, trait, table, names, effects, heritability, prevalence)


def _copied(rng: np.random.Generator, count: int, variants: int) -> np.ndarray:
    """Haplotypes as pieces of founders: a switch every 30 variants or so."""
    frequency = rng.uniform(0.05, 0.5, variants)
    founders = (rng.random((FOUNDERS, variants)) < frequency).astype(np.float32)
    # neighbours in blocks of ten share their founder pattern, but for a tenth: linkage within the founders
    for start in range(0, variants, 10):
        block = founders[:, start : start + 10]
        same = rng.random(block.shape) < 0.9
        founders[:, start : start + 10] = np.where(same, block[:, :1], block)
    switch = rng.random((count, variants)) < 1 / 30
    switch[:, 0] = True
    piece = np.cumsum(switch, axis=1) - 1
    drawn = rng.integers(0, FOUNDERS, (count, int(piece.max()) + 1))
    source = np.take_along_axis(drawn, piece, axis=1)
    return founders[source, np.arange(variants)[None, :]]


def _coalescent(rng: np.random.Generator, count: int, variants: int) -> np.ndarray:
    try:
        import msprime  # type: ignore[import-untyped]
    except ImportError:
        fix = "Install it with `pip install msprime`, or take the engine copying."
        found = "msprime, which is missing"
        raise InputError("simulate_cohort", "engine", "one that is installed", found, fix) from None
    length = 40_000.0 * variants / 100
    seeds = rng.integers(1, 2**31, 2)
    trees = msprime.sim_ancestry(
        samples=count // 2, sequence_length=length, recombination_rate=1e-8, population_size=10_000,
        random_seed=int(seeds[0]),
    )  # fmt: skip
    mutated = msprime.sim_mutations(trees, rate=4e-8, random_seed=int(seeds[1]), model=msprime.BinaryMutationModel())
    table = mutated.genotype_matrix()
    common = np.flatnonzero((table.mean(axis=1) > 0.02) & (table.mean(axis=1) < 0.98))
    if common.size < variants:
        raise InputError("simulate_cohort", "variants", f"at most {common.size:,} here", f"{variants:,}")
    kept = np.sort(rng.choice(common, variants, replace=False))
    return table[kept].T.astype(np.float32)


def _gamete(rng: np.random.Generator, pair: np.ndarray) -> np.ndarray:
    """One haplotype of a parent: its two, with a crossing over each 1,000 variants or so."""
    turns = np.cumsum(rng.random(pair.shape[1]) < 1e-3) + rng.integers(0, 2)
    made: np.ndarray = np.where(turns % 2 == 0, pair[0], pair[1])
    return made

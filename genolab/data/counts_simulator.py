"""A table of counts with known truth: negative binomial genes, batches, a treatment that floods the libraries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genolab.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

FLOOD = 12
"""Genes that the treatment raises so far that they take a third of the reads: totals then mislead."""


@dataclass(frozen=True, kw_only=True)
class SimulatedCounts:
    """``counts`` (sample by gene), ``samples`` (what is known of each) and ``truth`` (what was done to each gene)."""

    counts: pd.DataFrame
    samples: pd.DataFrame
    truth: pd.DataFrame


def simulate_counts(
    genes: int = 2500, replicates: int = 4, batches: int = 3, batch_effect: float = 0.5, seed: int = 1
) -> SimulatedCounts:
    r"""Counts of control and treated samples that were processed in batches, each batch with ``replicates`` of both.

    .. math:: x_{sg} \sim \mathrm{NB}(m_{sg}, \phi_g), \qquad
              m_{sg} \propto d_s\, \mu_g\, 2^{\beta_g t_s + \gamma_{b(s) g}}, \qquad \phi_g = 0.03 + 1.5 / \mu_g

    A tenth of the genes respond to the treatment (standard deviation of 1 in log2), a few flood the library, and each
    batch but the first shifts every gene by ``batch_effect`` (standard deviation, log2). ``samples`` has the factor
    that counts really should be divided by in ``true_size_factor``: depth without the flood, geometric mean 1.
    """
    import pandas as pd

    if genes < 10 * FLOOD or replicates < 1 or batches < 1:
        expected = f"at least {10 * FLOOD} genes, 1 replicate and 1 batch"
        raise InputError("simulate_counts", "genes", expected, f"{genes}, {replicates} and {batches}")
    rng = np.random.default_rng(seed)
    mean = 2.0 ** rng.normal(6.0, 2.4, genes)
    mean[rng.random(genes) < 0.06] = 0.002  # expressed elsewhere
    flood = rng.choice(np.flatnonzero((mean > 50) & (mean < 400)), FLOOD, replace=False)
    response = np.where(rng.random(genes) < 0.1, rng.normal(0.0, 1.0, genes), 0.0)
    response[flood] = np.log2(0.5 * mean.sum() / FLOOD / mean[flood])
    shift = np.vstack([np.zeros(genes), rng.normal(0.0, batch_effect, (batches - 1, genes))])
    batch, treated, replicate = (
        axis.ravel() for axis in np.meshgrid(range(batches), (0, 1), range(replicates), indexing="ij")
    )
    order = rng.permutation(batch.size)
    batch, treated, replicate = batch[order], treated[order], replicate[order]
    depth = 2.0 ** rng.normal(0.0, 0.9, batch.size)
    expected = mean * 2.0 ** (response * treated[:, None] + shift[batch])
    # a library has as many reads as the machine gave it, whatever the genes in it
    total = depth * mean.sum()
    level = expected * (total / expected.sum(axis=1))[:, None]
    dispersion = 0.03 + 1.5 / np.maximum(mean, 0.1)
    counts = rng.negative_binomial(1 / dispersion, 1 / (1 + level * dispersion))
    condition = np.where(treated, "treated", "control")
    names = [f"{c}_{chr(65 + b)}{r + 1}" for c, b, r in zip(condition, batch, replicate, strict=True)]
    size = total / expected.sum(axis=1)
    samples = pd.DataFrame(
        {
            "condition": condition,
            "batch": [f"run {chr(65 + b)}" for b in batch],
            "rin": np.round(np.clip(8.6 + 0.5 * np.log2(depth) + rng.normal(0, 0.5, batch.size), 3, 10), 1),
            "true_size_factor": np.round(size / np.exp(np.log(size).mean()), 4),
        },
        index=pd.Index(names, name="sample"),
    )
    genes_named = pd.Index([f"gene{g + 1:04d}" for g in range(genes)], name="gene")
    truth = pd.DataFrame({"log2_fold_change": np.round(response, 4)}, index=genes_named)
    for b in range(1, batches):
        truth[f"shift_run_{chr(65 + b)}"] = np.round(shift[b], 4)
    return SimulatedCounts(
        counts=pd.DataFrame(counts, index=samples.index, columns=genes_named), samples=samples, truth=truth
    )

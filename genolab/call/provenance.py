"""What made a result: enough to make it again, and to see whether it is still the same input."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from genolab import __version__
from genolab.call.annotate import rank_sum, strand_bias
from genolab.call.calls import VariantCalls
from genolab.call.counts import allele_counts, candidate_alleles
from genolab.call.haplotypes import artefact_likelihoods, haplotype_genotypes
from genolab.call.likelihood import genotype_likelihoods, genotype_posteriors
from genolab.call.pairhmm import pair_hmm
from genolab.io import digest
from genolab.kernel.choice import backend_in_force

KERNELS = (
    allele_counts,
    candidate_alleles,
    pair_hmm,
    haplotype_genotypes,
    genotype_likelihoods,
    genotype_posteriors,
    artefact_likelihoods,
    strand_bias,
    rank_sum,
)
"""The kernels of a call, in the order in which they run."""


def provenance_of(calls: VariantCalls) -> dict[str, Any]:
    """Inputs with digests, regions, thresholds, kernels with their backends, and the version, as plain data."""
    return {
        "genolab": __version__,
        "reads": {"path": str(calls.reads_path), "digest": digest(calls.reads_path)},
        "reference": {"path": str(calls.reference_path), "digest": digest(calls.reference_path)},
        "sample": calls.sample,
        "regions": [str(region) for region in calls.regions],
        "ploidy": calls.ploidy,
        "thresholds": asdict(calls.thresholds),
        "kernels": [{"name": each.name, "backend": backend_in_force(None, each.backend)} for each in KERNELS],
    }

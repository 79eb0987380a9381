"""What made a result: enough to make it again, and to see whether it is still the same input."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from genolab import __version__
from genolab.call.annotate import rank_sum, strand_bias
from genolab.call.calls import VariantCalls
from genolab.call.counts import allele_counts, candidate_alleles
from genolab.call.haplotypes import artefact_likelihoods, haplotype_genotypes
from genolab.call.likelihood import genotype_likelihoods, genotype_posteriors
from genolab.call.pairhmm import pair_hmm
from genolab.io import digest
from genolab.kernel.choice import backend_in_force

if TYPE_CHECKING:
    from genolab.call.joint_calls import JointCalls

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
        "error_model": None if calls.error_model is None else calls.error_model.provenance,
        "kernels": [{"name": each.name, "backend": backend_in_force(None, each.backend)} for each in KERNELS],
    }


def provenance_of_joint(calls: JointCalls) -> dict[str, Any]:
    """The same of several samples, with what was said of them before their reads."""
    from genolab.call.families import family_given_frequency
    from genolab.call.joint import allele_frequencies, integrate_frequency, samples_given_frequency

    together = (allele_frequencies, samples_given_frequency, family_given_frequency, integrate_frequency)
    kernels = [*KERNELS[:6], *together, *KERNELS[6:]]
    return {
        "genolab": __version__,
        "reads": [{"path": str(path), "digest": digest(path)} for path in dict.fromkeys(calls.reads_paths)],
        "reference": {"path": str(calls.reference_path), "digest": digest(calls.reference_path)},
        "samples": list(calls.samples),
        "regions": [str(region) for region in calls.regions],
        "ploidy": str(calls.prior.ploidies),
        "parents": {child: list(pair) for child, pair in calls.prior.parents.items()},
        "inbreeding": calls.prior.inbreeding,
        "de_novo_rate": calls.prior.de_novo_rate,
        "thresholds": asdict(calls.thresholds),
        "kernels": [{"name": each.name, "backend": backend_in_force(None, each.backend)} for each in kernels],
    }

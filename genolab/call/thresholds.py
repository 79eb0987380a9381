"""Every threshold of the caller, stated in one place, with its default and the reason for it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from genolab.errors import InputError


def _threshold(default: float, doc: str, low: float, high: float, step: float, unit: str = "") -> Any:
    return field(default=default, metadata={"doc": doc, "low": low, "high": high, "step": step, "unit": unit})


@dataclass(frozen=True)
class Thresholds:
    """What a call must meet. ``metadata`` of each field holds its meaning, unit and range, for flags and sliders.

    The defaults are the field's own: base and mapping quality, strand bias, strand odds ratio and rank sums as in
    GATK's hard filters (doi:10.1002/0471250953.bi1110s43). What the model itself weighs is not asked twice: the number
    of fragments, the certainty of the genotype, and the strand odds ratio filter nothing unless their slider is moved,
    and reads of mapping quality 10 to 20 stay, which the model believes as far as their quality says.

    Raises
    ------
    InputError
        If a value is outside its range.
    """

    min_base_quality: int = _threshold(
        10, "bases of lower quality are left out; missing qualities (255) count as 20", 0, 60, 1, "phred"
    )
    min_mapping_quality: int = _threshold(
        10, "reads of lower mapping quality are left out; missing ones (255) count as 20", 0, 60, 1, "phred"
    )
    min_alternate_count: int = _threshold(2, "fragments that must show an allele before it is considered", 1, 20, 1)
    min_alternate_fraction: float = _threshold(
        0.1, "share of the fragments that must show an allele before it is considered", 0.0, 0.5, 0.01
    )
    heterozygosity: float = _threshold(
        0.001, "prior probability that a site is heterozygous; 0.001 for humans", 1e-6, 0.1, 1e-4
    )
    min_quality: float = _threshold(20.0, "QUAL: confidence that the site varies at all", 0, 200, 1, "phred")
    min_genotype_quality: float = _threshold(
        0.0, "GQ: confidence in the genotype, given that the site varies", 0, 99, 1, "phred"
    )
    min_depth: int = _threshold(0, "DP: fragments that cover the site", 0, 100, 1)
    max_strand_bias: float = _threshold(60.0, "FS: Fisher's exact test of allele against strand", 0, 200, 1, "phred")
    max_strand_odds_ratio: float = _threshold(10.0, "SOR: symmetric odds ratio of allele against strand", 0, 10, 0.1)
    min_read_position_rank_sum: float = _threshold(
        -8.0, "ReadPosRankSum: alternate bases nearer to read ends than reference bases", -20, 0, 0.5, "z"
    )
    min_mapping_quality_rank_sum: float = _threshold(
        -12.5, "MQRankSum: alternate reads mapped worse than reference reads", -20, 0, 0.5, "z"
    )
    min_base_quality_rank_sum: float = _threshold(
        -8.0, "BaseQRankSum: alternate bases of lower quality than reference bases", -20, 0, 0.5, "z"
    )
    min_allele_balance: float = _threshold(
        0.0, "AB: share of the fragments at a heterozygous site that show the alternate allele", 0.0, 0.5, 0.01
    )
    min_artefact_quality: float = _threshold(
        0.0, "AQ: how much likelier a variant is than a systematic error in its place", -100, 100, 1, "phred"
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            value, about = getattr(self, each.name), each.metadata
            whole = each.type == "int"
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise InputError("Thresholds", each.name, "a whole number" if whole else "a number", repr(value))
            if not about["low"] <= value <= about["high"]:
                raise InputError(
                    "Thresholds", each.name, f"between {about['low']:g} and {about['high']:g}", f"{value:g}"
                )


FRAGMENT_ERROR = 1e-5
"""Chance that a whole fragment misleads (a chimera, an error of amplification): it caps what one fragment can say."""

MISSING_QUALITY = 20
"""What a missing base quality (255) or mapping quality (255) counts as: one error in a hundred, as bcftools assumes."""

EXCLUDED_FLAGS = {
    0x4: "unmapped",
    0x100: "secondary alignment",
    0x200: "failed quality control",
    0x400: "duplicate",
    0x800: "supplementary alignment",
}
"""SAM flags whose reads are never evidence, and why."""

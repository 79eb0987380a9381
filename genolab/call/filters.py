"""The rules that set a call aside, by name. A filtered call stays in the file and says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genolab.call.thresholds import Thresholds


@dataclass(frozen=True)
class Filter:
    """One rule: its name in VCF's FILTER column, the value it looks at and the threshold it holds it against."""

    name: str
    column: str
    threshold: str
    at_least: bool
    meaning: str

    def passes(self, value: np.ndarray, thresholds: Thresholds) -> np.ndarray:
        """True where the value meets the threshold, or where there is no value to judge."""
        limit = getattr(thresholds, self.threshold)
        return np.isnan(value) | (value >= limit if self.at_least else value <= limit)

    def describe(self, thresholds: Thresholds) -> str:
        """The rule with its threshold, for a file's header."""
        return f"{self.meaning} ({'below' if self.at_least else 'above'} {getattr(thresholds, self.threshold):g})"


FILTERS = (
    Filter("LowQual", "quality", "min_quality", True, "QUAL: not sure that the site varies"),
    Filter("LowGQ", "genotype_quality", "min_genotype_quality", True, "GQ: not sure of the genotype"),
    Filter("LowDepth", "depth", "min_depth", True, "DP: too few fragments"),
    Filter("StrandBias", "fisher_strand", "max_strand_bias", False, "FS: alleles differ in strand"),
    Filter("StrandOddsRatio", "strand_odds_ratio", "max_strand_odds_ratio", False, "SOR: alleles differ in strand"),
    Filter(
        "ReadPosition",
        "read_position_rank_sum",
        "min_read_position_rank_sum",
        True,
        "ReadPosRankSum: alternate bases stand near read ends",
    ),
    Filter(
        "MappingQuality",
        "mapping_quality_rank_sum",
        "min_mapping_quality_rank_sum",
        True,
        "MQRankSum: alternate reads are mapped worse",
    ),
    Filter(
        "BaseQuality",
        "base_quality_rank_sum",
        "min_base_quality_rank_sum",
        True,
        "BaseQRankSum: alternate bases are of lower quality",
    ),
    Filter(
        "AlleleBalance",
        "allele_balance",
        "min_allele_balance",
        True,
        "AB: too small a share of a heterozygous site shows the alternate allele",
    ),
    Filter("Artefact", "artefact_quality", "min_artefact_quality", True, "AQ: a systematic error explains it as well"),
)

THRESHOLDS = frozenset(each.threshold for each in FILTERS)
"""The thresholds that only filters look at: moving one judges no read anew."""


def apply(columns: Mapping[str, np.ndarray], thresholds: Thresholds) -> list[tuple[str, ...]]:
    """The names of the filters that each site fails; an empty tuple passes."""
    failed = {each.name: ~each.passes(columns[each.column], thresholds) for each in FILTERS}
    table = np.stack(list(failed.values()), axis=1)
    names = np.array(list(failed), dtype=object)
    return [tuple(names[row]) for row in table]

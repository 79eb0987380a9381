"""Calls as VCF records: the header, INFO and FORMAT fields, and how each value is rounded."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from genolab import __version__
from genolab.call.calls import GENOTYPE_QUALITY_CAP, VariantCalls
from genolab.call.filters import FILTERS
from genolab.io import Field, VariantRecords

INFO = {
    "DP": ("depth", Field("1", "Integer", "Fragments that are evidence; overlapping mates are counted once"), 0),
    "AB": (
        "allele_balance",
        Field("1", "Float", "Share of the fragments that show an alternate allele, if heterozygous"),
        3,
    ),
    "FS": ("fisher_strand", Field("1", "Float", "Phred-scaled p of Fisher's exact test of allele against strand"), 3),
    "SOR": ("strand_odds_ratio", Field("1", "Float", "Symmetric odds ratio of allele against strand"), 3),
    "ReadPosRankSum": ("read_position_rank_sum", Field("1", "Float", "Rank sum z of distances to the read's end"), 3),
    "MQRankSum": ("mapping_quality_rank_sum", Field("1", "Float", "Rank sum z of mapping qualities"), 3),
    "BaseQRankSum": ("base_quality_rank_sum", Field("1", "Float", "Rank sum z of base qualities"), 3),
    "AQ": (
        "artefact_quality",
        Field("1", "Float", "Phred-scaled odds of a variant to a systematic error in its place"),
        2,
    ),
}

FORMAT = {
    "GT": Field("1", "String", "Genotype"),
    "GQ": Field("1", "Integer", f"Genotype quality, given that the site varies, capped at {GENOTYPE_QUALITY_CAP}"),
    "DP": Field("1", "Integer", "Fragments that are evidence"),
    "AD": Field("R", "Integer", "Fragments that show each allele"),
    "ADF": Field("R", "Integer", "Fragments that show each allele, forward strand"),
    "ADR": Field("R", "Integer", "Fragments that show each allele, reverse strand"),
    "PL": Field("G", "Integer", "Phred-scaled genotype likelihoods, against the likeliest"),
}


def to_records(calls: VariantCalls) -> VariantRecords:
    """The records of a result, in its order. The same calls give the same bytes: no dates, no host names."""
    sites = range(len(calls))
    info: dict[str, list[Any]] = {}
    for name, (column, _, digits) in INFO.items():
        values = calls.columns[column].tolist()
        info[name] = [None if math.isnan(v) else int(v) if digits == 0 else round(v, digits) for v in values]
    quality = calls.columns["genotype_quality"].tolist()
    formats: dict[str, list[Any]] = {
        "GT": [[calls.genotype_text(site)] for site in sites],
        "GQ": [[round(value)] for value in quality],
        "DP": [[value] for value in info["DP"]],
        "AD": [[calls.allele_depth(site)] for site in sites],
        "ADF": [[each] for each in calls.forward],
        "ADR": [[each] for each in calls.reverse],
        "PL": [[calls.phred_likelihoods(site)] for site in sites],
    }
    thresholds = calls.thresholds
    return VariantRecords(
        contigs=calls.contigs,
        samples=(calls.sample,),
        filters={each.name: each.describe(thresholds) for each in FILTERS},
        info={name: kind for name, (_, kind, _) in INFO.items()},
        format=FORMAT,
        contig=calls.contig.tolist(),
        position=calls.position,
        reference=calls.reference,
        alternates=calls.alternates,
        quality=calls.columns["quality"].round(2),
        filter=calls.filters,
        info_values=info,
        format_values=formats,
        header_lines=(
            f"##source=genolab {__version__}",
            f"##reference={calls.reference_path.name}",
            f"##genolabReads={calls.reads_path.name}",
            f"##genolabPloidy={calls.ploidy}",
            f"##genolabThresholds={json.dumps(asdict(thresholds), separators=(',', ':'))}",
        ),
    )

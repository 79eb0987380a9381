"""Joint calls as VCF records: a column a sample, AC, AN and AF for all."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from genolab import __version__
from genolab.call.filters import FILTERS
from genolab.call.joint_calls import JointCalls
from genolab.call.records import FORMAT, INFO
from genolab.io import Field, VariantRecords

_COUNTS = {
    "AC": Field("A", "Integer", "Copies of each alternate allele in the genotypes"),
    "AN": Field("1", "Integer", "Copies of all alleles in the genotypes"),
    "AF": Field("A", "Float", "Frequency of each alternate allele by expectation and maximisation, not AC over AN"),
}
_MORE = {
    "GP": Field("G", "Float", "Posterior probabilities of the genotypes, 0 to 1, given that the site varies"),
    "DN": Field("1", "Float", "Posterior probability that an allele of the child was not passed on by its parents"),
}


def to_joint_records(calls: JointCalls) -> VariantRecords:
    """The records of a result, in its order. The same calls give the same bytes: no dates, no host names."""
    sites, samples = range(len(calls)), range(len(calls.samples))
    counts = [calls.allele_counts(site) for site in sites]
    info: dict[str, list[Any]] = {
        "AC": [list(count) for count, _ in counts],
        "AN": [number for _, number in counts],
        "AF": [[round(each, 5) for each in one.frequency] for one in calls.sites],
    }
    for name, (column, _, digits) in INFO.items():
        values = calls.columns[column].tolist()
        info[name] = [None if math.isnan(v) else int(v) if digits == 0 else round(v, digits) for v in values]

    def rows(value: Any) -> list[list[Any]]:
        return [[value(site, sample) for sample in samples] for site in sites]

    known = [[each is not None for each in one.genotype] for one in calls.sites]
    copies = [[calls.copies(site, sample) for sample in samples] for site in sites]

    def shown(value: Any) -> list[list[Any]]:
        return rows(lambda site, sample: value(calls.sites[site], sample) if known[site][sample] else None)

    def by_genotype(value: Any) -> list[list[Any]]:
        return rows(lambda site, sample: value(site, sample) if copies[site][sample] else None)

    formats: dict[str, list[Any]] = {
        "GT": rows(calls.genotype_text),
        "GQ": shown(lambda one, at: round(float(one.genotype_quality[at]))),
        "DP": rows(lambda site, at: int(calls.sites[site].depth[at])),
        "AD": rows(lambda site, at: [a + b for a, b in zip(*_strands(calls, site, at), strict=True)]),
        "ADF": rows(lambda site, at: list(_strands(calls, site, at)[0])),
        "ADR": rows(lambda site, at: list(_strands(calls, site, at)[1])),
        "PL": by_genotype(calls.phred_likelihoods),
        "GP": by_genotype(lambda site, at: [_chance(each) for each in calls.sites[site].posterior[at].tolist()]),
    }
    with_parents = calls.prior.parents
    if with_parents:
        formats["DN"] = rows(lambda site, at: _chance(float(calls.sites[site].de_novo[at])))
    thresholds, prior = calls.thresholds, calls.prior
    said = [
        f"##source=genolab {__version__}",
        f"##reference={calls.reference_path.name}",
        f"##genolabReads={','.join(dict.fromkeys(each.name for each in calls.reads_paths))}",
        f"##genolabPloidy={prior.ploidies}",
        f"##genolabInbreeding={prior.inbreeding:g}",
        f"##genolabThresholds={json.dumps(asdict(thresholds), separators=(',', ':'))}",
    ]
    if with_parents:
        said.insert(-1, f"##genolabDeNovoRate={prior.de_novo_rate:g}")
        said[-1:-1] = [
            f"##PEDIGREE=<ID={child},Father={father or '.'},Mother={mother or '.'}>"
            for child, (father, mother) in with_parents.items()
            if child in calls.samples
        ]
    return VariantRecords(
        contigs=calls.contigs,
        samples=calls.samples,
        filters={each.name: each.describe(thresholds) for each in FILTERS},
        info=_COUNTS | {name: kind for name, (_, kind, _) in INFO.items()},
        format={**FORMAT, "GP": _MORE["GP"], **({"DN": _MORE["DN"]} if with_parents else {})},
        contig=calls.contig.tolist(),
        position=calls.position,
        reference=[each.reference for each in calls.sites],
        alternates=[each.alternates for each in calls.sites],
        quality=calls.columns["quality"].round(2),
        filter=calls.filters,
        info_values=info,
        format_values=formats,
        header_lines=tuple(said),
    )


def _strands(calls: JointCalls, site: int, sample: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return calls.sites[site].forward[sample], calls.sites[site].reverse[sample]


def _chance(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.4g}")

"""Called sites and known variants as rows: what a marker looks like, what a table says, what agrees with the truth."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from genolab import io
from genolab.errors import InputError
from genolab.io import Region
from genolab.plots import style
from genolab.plots.columns import Columns

if TYPE_CHECKING:
    from genolab.call import VariantCalls
    from genolab.io import Variants

HETEROZYGOUS, HOMOZYGOUS, SEVERAL = "heterozygous", "homozygous", "two alternates"
KINDS = {
    HETEROZYGOUS: ("circle", style.SKY),
    HOMOZYGOUS: ("square", style.PINK),
    SEVERAL: ("triangle", style.YELLOW),
}
"""Marker and colour by genotype; none of the colours is a base's."""

FOUND, DIFFERS, SET_ASIDE, MISSED, OTHER = "found", "GT differs", "filtered", "missed", "not compared"
STATES = {
    FOUND: ("diamond", style.GREEN),
    DIFFERS: ("diamond", style.ORANGE),
    SET_ASIDE: ("diamond", style.ORANGE),
    MISSED: ("diamond", style.VERMILION),
    OTHER: ("triangle", "#9a9a9a"),
}
"""Marker and colour of what is known, by what became of it; full where it was found."""
_TRUTH = ("position", "reference", "alternate", "genotype", "state", "marker", "colour", "fill")
NOT_IN_TRUTH = "not in truth"


def read_truth(path: str | os.PathLike[str], region: Region) -> Variants:
    """The known variants of a region; the file may name the contig with or without ``chr``."""
    other = region.contig.removeprefix("chr") if region.contig.startswith("chr") else f"chr{region.contig}"
    try:
        return io.read_variants(path, region)
    except InputError:
        try:
            return io.read_variants(path, Region(other, region.start, region.end))
        except InputError:
            pass
        raise


def kind_of(genotype: tuple[int, ...]) -> str:
    """What a genotype (allele indices) is, by the copies of its alternate alleles."""
    alternates = {allele for allele in genotype if allele}
    if len(alternates) > 1:
        return SEVERAL
    return HETEROZYGOUS if 0 in genotype else HOMOZYGOUS


def call_columns(calls: VariantCalls, truth: Variants | None = None) -> Columns:
    """One row a call, in the calls' order: what the table, the markers and their hover show."""
    sites = range(len(calls))
    known = _known(truth)
    depths = [calls.allele_depth(site) for site in sites]
    kinds = [kind_of(calls.genotype[site]) for site in sites]
    passed = calls.passed
    columns = calls.columns
    return {
        "contig": np.asarray(calls.contig, dtype=object),
        "position": calls.position + 1,
        "reference": _objects(calls.reference),
        "alternate": _objects(",".join(each) for each in calls.alternates),
        "genotype": _objects(calls.genotype_text(site) for site in sites),
        "quality": columns["quality"],
        "genotype_quality": columns["genotype_quality"],
        "depth": columns["depth"].astype(np.int64),
        "allele_depth": _objects(", ".join(map(str, each)) for each in depths),
        "allele_balance": columns["allele_balance"],
        "fisher_strand": columns["fisher_strand"],
        "strand_odds_ratio": columns["strand_odds_ratio"],
        "filter": _objects(";".join(names) or "PASS" for names in calls.filters),
        "kind": _objects(kinds),
        "marker": _objects(KINDS[kind][0] for kind in kinds),
        "colour": _objects(KINDS[kind][1] for kind in kinds),
        "fill": np.where(passed, 0.95, 0.0),
        "truth": _objects(_against(calls, site, known) if truth is not None else "" for site in sites),
    }


def truth_columns(calls: VariantCalls, truth: Variants | None) -> Columns:
    """One row a known variant, and whether it was called."""
    if truth is None:
        none = np.zeros(0, dtype=object)
        return dict.fromkeys(_TRUTH, none)
    called: dict[_Key, int] = {}
    for site in range(len(calls)):
        for key in _keys(int(calls.position[site]), calls.reference[site], calls.alternates[site]):
            called.setdefault(key, site)
    states = []
    for row, start in enumerate(truth.position.tolist()):
        if not _is_spelled(truth, row):
            states.append(OTHER)
            continue
        keys = _keys(start, truth.reference[row], truth.alternates[row])
        found = next((called[key] for key in keys if key in called), None)
        if found is None:
            states.append(MISSED)
        elif calls.filters[found]:
            states.append(SET_ASIDE)
        else:
            states.append(FOUND if _same(calls, found, truth, row) else DIFFERS)
    return {
        "position": truth.position + 1,
        "reference": _objects(truth.reference),
        "alternate": _objects(",".join(each) for each in truth.alternates),
        "genotype": _objects(_text(each) for each in truth.genotype),
        "state": _objects(states),
        "marker": _objects(STATES[state][0] for state in states),
        "colour": _objects(STATES[state][1] for state in states),
        "fill": np.array([0.95 if state == FOUND else 0.0 for state in states]),
    }


def missed_columns(calls: VariantCalls, columns: Columns) -> Columns:
    """The truth's variants that were not called, as rows of the table; ``columns`` are those of the truth."""
    rows = np.flatnonzero(columns["state"] == MISSED)
    nan = np.full(rows.size, np.nan)
    text = _objects("" for _ in rows)
    contig = calls.regions[0].contig if calls.regions else ""
    return {
        "contig": _objects(contig for _ in rows),
        **{name: columns[name][rows] for name in ("position", "reference", "alternate", "genotype")},
        **dict.fromkeys(("quality", "genotype_quality", "depth", "allele_balance", "fisher_strand"), nan),
        "strand_odds_ratio": nan,
        "allele_depth": text,
        "filter": _objects("not called" for _ in rows),
        "kind": text,
        "truth": _objects(MISSED for _ in rows),
    }


def _objects(values: object) -> np.ndarray:
    return np.array(list(values), dtype=object)  # type: ignore[call-overload]  # any iterable


def _text(genotype: tuple[int | None, ...]) -> str:
    return "/".join("." if allele is None else str(allele) for allele in genotype)


def _is_spelled(truth: Variants, row: int) -> bool:
    return any(set(each.upper()) <= set("ACGTN") for each in truth.alternates[row])


_Key = tuple[int, str, str]
"""An allele without what it shares with the reference; of one place and kind alone, the bases are empty."""


def _trimmed(position: int, reference: str, alternate: str) -> _Key:
    while reference and alternate and reference[-1] == alternate[-1]:
        reference, alternate = reference[:-1], alternate[:-1]
    while reference and alternate and reference[0] == alternate[0]:
        position, reference, alternate = position + 1, reference[1:], alternate[1:]
    return position, reference, alternate


def _keys(position: int, reference: str, alternates: tuple[str, ...]) -> list[_Key]:
    """What a record is found by: its alleles, and its place among records of its kind."""
    alleles = [_trimmed(position, reference, each) for each in alternates]
    kind = "base" if all(len(one) == len(other) for _, one, other in alleles) else "indel"
    return [*alleles, (position, kind, "")]


def _known(truth: Variants | None) -> dict[_Key, tuple[Variants, int]]:
    known: dict[_Key, tuple[Variants, int]] = {}
    for row, start in enumerate(truth.position.tolist() if truth is not None else []):
        if truth is not None and _is_spelled(truth, row):
            for key in _keys(start, truth.reference[row], truth.alternates[row]):
                known.setdefault(key, (truth, row))
    return known


def _alleles(
    position: int, reference: str, alternates: tuple[str, ...], genotype: tuple[int | None, ...]
) -> list[_Key]:
    order = [(-1, "", ""), *(_trimmed(position, reference, each) for each in alternates)]
    return sorted(order[allele] if allele is not None else (-2, "", "") for allele in genotype)


def _same(calls: VariantCalls, site: int, truth: Variants, row: int) -> bool:
    """Whether the alleles of both genotypes agree; without a genotype in the truth, the alternate alleles."""
    own = int(calls.position[site]), calls.reference[site], calls.alternates[site]
    other = int(truth.position[row]), truth.reference[row], truth.alternates[row]
    if not truth.genotype[row]:
        return set(_keys(*own)[:-1]) == set(_keys(*other)[:-1])
    return _alleles(*own, calls.genotype[site]) == _alleles(*other, truth.genotype[row])


def _against(calls: VariantCalls, site: int, known: dict[_Key, tuple[Variants, int]]) -> str:
    keys = _keys(int(calls.position[site]), calls.reference[site], calls.alternates[site])
    entry = next((known[key] for key in keys if key in known), None)
    if entry is None:
        return NOT_IN_TRUTH
    return FOUND if _same(calls, site, *entry) else DIFFERS

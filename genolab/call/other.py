"""What the reads say of any other allele (``<*>``) where something was called: for the records of a gVCF."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from genolab.call.calls import PHRED_CAP, VariantCalls
from genolab.call.counts import ALLELES
from genolab.call.genotyping import assess, inside, screen
from genolab.call.indels import SiteOfWindow, judge_windows, kept_alleles
from genolab.call.likelihood import genotypes
from genolab.io import VariantRecords
from genolab.spec import BASES

OTHER = "<*>"
"""VCF's name of any other allele."""

_STRANDS = ("AD", "ADF", "ADR")
_Seen = tuple[np.ndarray, tuple[int, int]]  # log10 likelihood, best called genotype 0; fragments by strand
_Key = tuple[int, str, tuple[str, ...]]


def with_other(records: VariantRecords, calls: VariantCalls, ploidy: int, backend: str | None = None) -> VariantRecords:
    """Records of calls with the allele ``<*>``, so that AD has a number and PL the genotypes of one allele more.

    Of a substitution ``<*>`` is the likeliest of the bases that were not called, and AD counts the fragments that show
    one of them. Near an indel it is what was judged and not called; a fragment that says nothing of that fits it as
    badly as the worst of the called alleles. It is never likelier than the likeliest called genotype, whose PL stays 0.
    """
    if not len(records):
        return records
    found = _near_indels(calls, ploidy, backend)
    found |= _elsewhere(calls, [at for at, key in enumerate(_keys(records)) if key not in found], ploidy, backend)
    formats: dict[str, list[Any]] = {name: list(values) for name, values in records.format_values.items()}
    for at, key in enumerate(_keys(records)):
        likelihood, (forward, reverse) = found[key]
        known = list(formats["PL"][at][0])
        phred = np.minimum(np.rint(-10.0 * np.minimum(likelihood, 0.0)), PHRED_CAP).astype(int).tolist()
        last = len(key[2]) + 1
        held = iter(known)  # genotypes without the last allele keep VCF's order
        kinds = genotypes(ploidy, last + 1)
        formats["PL"][at] = [tuple(phred[k] if last in kind else next(held) for k, kind in enumerate(kinds))]
        for name, more in zip(_STRANDS, (forward + reverse, forward, reverse), strict=True):
            formats[name][at] = [(*formats[name][at][0], more)]
    return replace(records, alternates=[(*each, OTHER) for each in records.alternates], format_values=formats)


def _keys(records: VariantRecords) -> list[_Key]:
    return list(zip(records.position.tolist(), records.reference, map(tuple, records.alternates), strict=True))


def _elsewhere(calls: VariantCalls, rows: list[int], ploidy: int, backend: str | None) -> dict[_Key, _Seen]:
    """Of substitutions that are near no indel."""
    evidence = calls.evidence
    assert evidence is not None
    seen = assess(evidence, calls.position[rows], calls.thresholds, ploidy, backend)
    place = {genotype: at for at, genotype in enumerate(genotypes(ploidy))}
    found: dict[_Key, _Seen] = {}
    for at, row in enumerate(rows):
        alternates = tuple(calls.alternates[row])
        known = [BASES.index(base) for base in (calls.reference[row], *alternates)]
        others = [code for code in range(ALLELES) if code not in known]
        table = seen.log10_likelihood[at]
        likelihood = np.array(
            [
                max((table[place[_as_bases(kind, [*known, other])]] for other in others), default=-np.inf)
                for kind in genotypes(ploidy, len(known) + 1)
            ]
        )
        without = max(table[place[_as_bases(kind, known)]] for kind in genotypes(ploidy, len(known)))
        shown = int(seen.forward[at][others].sum()), int(seen.reverse[at][others].sum())
        found[int(calls.position[row]), calls.reference[row], alternates] = likelihood - without, shown
    return found


def _as_bases(genotype: tuple[int, ...], codes: list[int]) -> tuple[int, ...]:
    return tuple(sorted(codes[allele] for allele in genotype))


def _near_indels(calls: VariantCalls, ploidy: int, backend: str | None) -> dict[_Key, _Seen]:
    """Of the sites of windows."""
    evidence = calls.evidence
    assert evidence is not None
    screened = screen(evidence, calls.thresholds, backend)
    windows = inside(screened.windows, evidence.region)
    aligned = dict(evidence.aligned)
    sites = judge_windows(evidence, screened.reference, windows, calls.thresholds, ploidy, backend)
    evidence.aligned.update(aligned)
    return dict(_of_window(site, ploidy) for site in sites if any(site.best))


def _of_window(site: SiteOfWindow, ploidy: int) -> tuple[_Key, _Seen]:
    kept, reference, alternates = kept_alleles(site)
    others = [allele for allele in range(site.by_allele.shape[1]) if allele not in kept]
    called = site.by_allele[:, kept]
    other = called.min(axis=1)
    if others:
        other = np.maximum(other, site.by_allele[:, others].max(axis=1))
    table = 10.0 ** np.column_stack([called, other])
    copies = np.array([np.bincount(kind, minlength=table.shape[1]) for kind in genotypes(ploidy, table.shape[1])])
    apart = site.window.fragments.misplaced[:, None]
    mixed = (1.0 - apart) * (table @ (copies / ploidy).T) + apart
    likelihood = np.log10(np.maximum(mixed, 1e-300)).sum(axis=0)
    without = likelihood[copies[:, -1] == 0].max()
    reverse, shows = site.window.fragments.reverse, np.isin(site.shows, others)
    shown = int(np.count_nonzero(shows & ~reverse)), int(np.count_nonzero(shows & reverse))
    return (site.position, reference, tuple(alternates)), (likelihood - without, shown)

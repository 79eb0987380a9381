"""Where nothing varies: how sure that is at every position, and the blocks of a gVCF that say so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from genolab.call.calls import GENOTYPE_QUALITY_CAP, PHRED_CAP
from genolab.call.counts import ALLELES
from genolab.call.evidence import Evidence
from genolab.call.genotyping import inside, screen
from genolab.call.indels import judge_windows
from genolab.call.likelihood import dosages, genotype_likelihoods
from genolab.call.other import OTHER
from genolab.call.thresholds import FRAGMENT_ERROR, Thresholds
from genolab.call.windows import HALO
from genolab.io import Field, Region, VariantRecords
from genolab.spec import BASES

BANDS = (0, 5, 10, 20, 30, 40, 60, 99)
"""Where each band of GQ begins; a block holds positions of one band."""

_AT_ONCE = 250_000  # bases looked at together
_ARRAYS = {"reference": np.uint8, "depth": np.int64, "phred": np.int64, "quality": np.int64}
_NOTHING = -1  # the band of a position that no fragment covers
_TAKEN = -2  # that of a position that a record spans

INFO = {"END": Field("1", "Integer", "Last position of the block")}
FORMAT = {"MIN_DP": Field("1", "Integer", "Fewest fragments at a position of the block")}


@dataclass(frozen=True)
class Profile:
    """Each position of a region: how many fragments cover it, and how sure it is that they show the reference alone."""

    region: Region
    reference: np.ndarray  # uint8 base codes
    depth: np.ndarray  # int64
    phred: np.ndarray  # int64 (position, copies of the other allele)
    quality: np.ndarray  # int64, GQ of the reference genotype


def profile(evidence: Evidence, thresholds: Thresholds, ploidy: int, backend: str | None = None) -> Profile:
    """The reference genotype at every position, against the likeliest other base in 1, 2, ... copies.

    Where an indel was considered and not called, no position that it could take is surer than that verdict.
    """
    region, wide = evidence.region, evidence.wide
    reference = wide.reference[region.start - wide.reads.region.start :][: region.length]
    covered = evidence.counts(thresholds).sum(axis=1)
    edges = np.searchsorted(np.cumsum(covered), np.arange(_AT_ONCE, covered.sum() + _AT_ONCE, _AT_ONCE))
    cuts = np.unique([0, *edges.tolist(), region.length])
    depth = np.zeros(region.length, np.int64)
    log10 = np.zeros((region.length, ploidy + 1))
    for first, last in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        positions = np.arange(first, last) + region.start
        seen = wide.observe(positions, thresholds).used
        found = genotype_likelihoods(
            seen.site, seen.base, seen.base_quality, seen.mapping_quality, reference[first:last], FRAGMENT_ERROR,
            ploidy=ploidy, backend=backend,
        ).log10_likelihood  # fmt: skip
        depth[first:last] = np.bincount(seen.site, minlength=last - first)
        log10[first:last] = _against_others(found, reference[first:last], ploidy)
    phred = -10.0 * (log10 - log10.max(axis=1, keepdims=True))
    sure = np.maximum(phred[:, 1:].min(axis=1) - phred[:, 0], 0.0)
    for low, high, most in _considered(evidence, thresholds, ploidy, backend):
        sure[max(low - region.start, 0) : max(high - region.start, 0)] = np.minimum(
            sure[max(low - region.start, 0) : max(high - region.start, 0)], most
        )
    sure = np.where((reference < ALLELES) & (depth > 0), sure, 0.0)
    whole = np.rint(np.minimum(phred, PHRED_CAP)).astype(np.int64)
    return Profile(region, reference, depth, whole, np.floor(np.minimum(sure, GENOTYPE_QUALITY_CAP)).astype(np.int64))


def _against_others(log10_likelihood: np.ndarray, reference: np.ndarray, ploidy: int) -> np.ndarray:
    """log10 P with 0, 1, ... copies of the likeliest other base. ``(position, copies)``."""
    copies = dosages(ploidy)
    best = np.zeros((reference.size, ploidy + 1))
    for code in range(ALLELES):
        rows = log10_likelihood[reference == code]
        for count in range(ploidy + 1):
            others = [other for other in range(ALLELES) if other != code]
            kinds = [
                np.flatnonzero((copies[:, code] == ploidy - count) & (copies[:, other] == count))[0] for other in others
            ]
            best[reference == code, count] = rows[:, kinds].max(axis=1)
    return best


def _considered(
    evidence: Evidence, thresholds: Thresholds, ploidy: int, backend: str | None
) -> Iterator[tuple[int, int, float]]:
    """Where an indel was judged and not called: the positions it could take, and the phred of the verdict."""
    screened = screen(evidence, thresholds, backend)
    windows = inside(screened.windows, evidence.region)
    kept = dict(evidence.aligned)
    for site in judge_windows(evidence, screened.reference, windows, thresholds, ploidy, backend):
        if any(site.best):
            continue
        about = site.window.sites[site.number]
        variants = [site.window.realigned.window.variants[each] for each in about.variants]
        varies = site.window.site_posterior[site.number][1:]
        doubt = float(np.log10(np.maximum((10.0**varies).sum(), 1e-300)))
        yield min(each.low for each in variants), max(each.high for each in variants), max(-10.0 * doubt, 0.0)
    evidence.aligned.update(kept)


@dataclass
class _Block:
    """Neighbouring positions of one band: what is least over them, and their depth in all."""

    start: int
    end: int
    band: int
    base: int
    least_depth: int
    total_depth: int
    phred: np.ndarray
    quality: int

    def grown(self, other: _Block) -> _Block:
        """With the block that follows."""
        return replace(
            self, end=other.end, least_depth=min(self.least_depth, other.least_depth),
            total_depth=self.total_depth + other.total_depth, phred=np.minimum(self.phred, other.phred),
            quality=min(self.quality, other.quality),
        )  # fmt: skip


@dataclass(frozen=True)
class Stretch:
    """What a tile has between its calls: its first positions, which a call of the tile before may span, one by one
    (``head``), and behind them stretches of one band."""

    region: Region
    head: Profile
    runs: list[_Block]

    def to_plain(self) -> dict[str, Any]:
        """As what JSON can hold; :meth:`from_plain` makes the same of it."""
        arrays = {name: getattr(self.head, name).tolist() for name in _ARRAYS}
        runs = [[value.tolist() if hasattr(value, "tolist") else value for value in vars(each).values()]
                for each in self.runs]  # fmt: skip
        return {"region": [self.region.contig, self.region.start, self.region.end], "head": arrays, "runs": runs}

    @classmethod
    def from_plain(cls, held: dict[str, Any]) -> Stretch:
        """The stretch of which :meth:`to_plain` was made."""
        region = Region(*held["region"])
        arrays = {name: np.array(held["head"][name], kind) for name, kind in _ARRAYS.items()}
        head = Profile(Region(region.contig, region.start, region.start + len(arrays["depth"])), **arrays)
        runs = [
            _Block(start, end, band, base, least, total, np.array(phred, np.int64), quality)
            for start, end, band, base, least, total, phred, quality in held["runs"]
        ]
        return cls(region, head, runs)


def stretch_of(records: VariantRecords, found: Profile) -> Stretch:
    """A tile's profile with its calls' positions taken out."""
    region = found.region
    size = min(HALO, region.length)
    taken = _taken(records, region, region.start)
    taken[:size] = True
    first = slice(0, size)
    head = Profile(
        Region(region.contig, region.start, region.start + size), found.reference[first], found.depth[first],
        found.phred[first], found.quality[first],
    )  # fmt: skip
    return Stretch(region, head, _runs(found, taken))


def _taken(records: VariantRecords, region: Region, until: int) -> np.ndarray:
    """Which positions of a region records span, all before ``until`` with them."""
    taken = np.zeros(region.length, bool)
    taken[: max(until - region.start, 0)] = True
    for position, text in zip(records.position.tolist(), records.reference, strict=True):
        taken[position - region.start : position - region.start + len(text)] = True
    return taken


class Blocks:
    """Records and stretches of one tile after the other to records; a block may go on in the next tile."""

    def __init__(self, header: VariantRecords) -> None:
        self._header = replace(
            header, info=INFO | header.info, format={**header.format, **FORMAT},
            header_lines=(*header.header_lines, f"##genolabBands={','.join(map(str, BANDS))}",
                          '##ALT=<ID=*,Description="Any other allele">'),
        )  # fmt: skip
        self._open: _Block | None = None
        self._contig = ""
        self._end = self._taken_to = -1

    def add(self, records: VariantRecords, found: Stretch) -> VariantRecords:
        """The records that are complete with this tile, in order."""
        region = found.region
        blocks: list[_Block] = []
        if region.contig != self._contig or region.start != self._end:
            blocks += self._close()
            done = self._records(blocks, None, self._contig or region.contig)
            self._contig, self._taken_to = region.contig, -1
        else:
            done = None
        self._end = region.end
        taken = _taken(records, region, self._taken_to)[: found.head.region.length]
        ends = records.position + np.array([len(text) for text in records.reference], np.int64)
        self._taken_to = max(self._taken_to, int(ends.max(initial=-1)))
        blocks = []
        for each in (*_runs(found.head, taken), *found.runs):
            last = self._open
            if last is not None and (last.end, last.band, last.phred.size) == (each.start, each.band, each.phred.size):
                self._open = last.grown(each)
                continue
            blocks += self._close()
            self._open = each
        if self._open is not None and self._open.end < region.end:
            blocks += self._close()
        here = self._records(blocks, records, region.contig)
        return here if done is None or not len(done) else _stacked(done, here)

    def rest(self) -> VariantRecords:
        """The block that was open at the end."""
        return self._records(self._close(), None, self._contig)

    def _close(self) -> list[_Block]:
        closed = [] if self._open is None else [self._open]
        self._open = None
        return closed

    def _records(self, blocks: Sequence[_Block], called: VariantRecords | None, contig: str) -> VariantRecords:
        """Blocks and records of one contig as records, by position."""
        count = len(blocks)
        known = [each.band != _NOTHING for each in blocks]
        ploidy = [each.phred.size - 1 for each in blocks]
        formats: dict[str, list[Any]] = {name: [None] * count for name in self._header.format}
        formats["GT"] = [
            ["/".join(["0" if there else "."] * copies)] for there, copies in zip(known, ploidy, strict=True)
        ]
        formats["GQ"] = [[each.quality if there else None] for each, there in zip(blocks, known, strict=True)]
        formats["DP"] = [[round(each.total_depth / (each.end - each.start))] for each in blocks]
        formats["MIN_DP"] = [[each.least_depth] for each in blocks]
        formats["PL"] = [[each.phred.tolist() if there else None] for each, there in zip(blocks, known, strict=True)]
        info: dict[str, list[Any]] = {name: [None] * count for name in self._header.info}
        info["END"] = [each.end for each in blocks]
        made = replace(
            self._header,
            contig=[contig] * count,
            position=np.array([each.start for each in blocks], np.int64),
            reference=[BASES[each.base] for each in blocks],
            alternates=[(OTHER,)] * count,
            quality=np.full(count, np.nan),
            filter=[()] * count,
            info_values=info,
            format_values=formats,
        )
        return made if called is None else _stacked(made, self._widened(called))

    def _widened(self, records: VariantRecords) -> VariantRecords:
        """Records of calls with the columns that only blocks fill."""
        empty: list[Any] = [None] * len(records)
        return replace(
            self._header, contig=records.contig, position=records.position, reference=records.reference,
            alternates=records.alternates, quality=records.quality, filter=records.filter,
            info_values={name: records.info_values.get(name, empty) for name in self._header.info},
            format_values={name: records.format_values.get(name, empty) for name in self._header.format},
        )  # fmt: skip


def _runs(found: Profile, taken: np.ndarray) -> list[_Block]:
    """Stretches of one band."""
    band = np.searchsorted(BANDS, found.quality, side="right") - 1
    band = np.where((found.depth == 0) | (found.reference >= ALLELES), _NOTHING, band)
    band = np.where(taken, _TAKEN, band)
    first = np.flatnonzero(np.append(True, band[1:] != band[:-1]))
    if not first.size:
        return []
    last = np.append(first[1:], band.size)
    least, total = np.minimum.reduceat(found.depth, first), np.add.reduceat(found.depth, first)
    phred, quality = np.minimum.reduceat(found.phred, first, axis=0), np.minimum.reduceat(found.quality, first)
    start = found.region.start
    return [
        _Block(start + int(a), start + int(b), int(band[a]), int(found.reference[a]), int(least[k]), int(total[k]),
               phred[k], int(quality[k]))
        for k, (a, b) in enumerate(zip(first.tolist(), last.tolist(), strict=True))
        if band[a] != _TAKEN
    ]  # fmt: skip


def _stacked(one: VariantRecords, other: VariantRecords) -> VariantRecords:
    """Two sets of records with one header as one, by position where they are of one contig."""
    position = np.concatenate([one.position, other.position])
    contig = [*one.contig, *other.contig]
    order = list(range(len(contig)))
    if len(set(contig)) == 1:
        order = np.argsort(position, kind="stable").tolist()

    def both(a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
        joined = [*a, *b]
        return [joined[at] for at in order]

    return replace(
        one, contig=both(one.contig, other.contig), position=position[order],
        reference=both(one.reference, other.reference), alternates=both(one.alternates, other.alternates),
        quality=np.concatenate([one.quality, other.quality])[order], filter=both(one.filter, other.filter),
        info_values={name: both(one.info_values[name], other.info_values[name]) for name in one.info},
        format_values={name: both(one.format_values[name], other.format_values[name]) for name in one.format},
    )  # fmt: skip

"""Calls against a truth: which variants were found, which are false, and with which genotype, matched by haplotype."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genolab import io
from genolab.call.alleles import KINDS, LOW_QUALITY, Allele, Alleles, Letters, alleles_of, quality_order, read_rows
from genolab.call.comparison import DIFFERS, FALSE, FOUND, MISSED, Comparison, Curve, Judged
from genolab.call.match import MOST_STATES, match
from genolab.errors import InputError
from genolab.io import Region
from genolab.io.region import plain_name

if TYPE_CHECKING:
    from genolab.call.calls import VariantCalls
    from genolab.call.joint_calls import JointCalls
    from genolab.io import Variants

GAP = 50
"""Reference bases between alleles beyond which they are matched apart."""

Paths = str | os.PathLike[str]


def compare(
    calls: VariantCalls | JointCalls | Variants | Paths,
    truth: VariantCalls | JointCalls | Variants | Paths,
    *,
    confident: Paths | None = None,
    reference: Paths | None = None,
    region: str | Region | None = None,
    sample: str | None = None,
    truth_sample: str | None = None,
    min_quality: float | None = None,
    all_filters: bool = False,
) -> Comparison:
    """Compare calls with a truth: precision, recall, F1 and genotype concordance, by type, by size and by QUAL.

    Alleles are trimmed and left-aligned; those within 50 bases of each other are matched together, by the haplotypes
    that they spell (:func:`~genolab.call.match.match`): two spellings of one haplotype are equal, and heterozygous
    alleles may lie on either copy. What is left is matched allele by allele without its genotype, which then differs.

    Parameters
    ----------
    calls, truth
        Results of :func:`call_variants`, records, or paths of VCF or BCF files.
    sample, truth_sample
        The one sample of each that is compared; may be left out where there is one.
    confident
        BED file of where the truth is known: an allele counts where its reference bases lie in one interval.
    reference
        FASTA file of both; by default that of the calls, where they are a result.
    region
        Text (1-based) or Region; by default that of the calls, where they are a result of one region, else everything.
    min_quality
        Calls of lower QUAL do not count. By default what fails no filter counts, and ``all_filters`` counts all.

    Raises
    ------
    FileError, InputError
        If a file is damaged, the variants are not of this reference, the region is outside it, or there are several
        samples and none is named.
    """
    path = reference if reference is not None else getattr(calls, "reference_path", None)
    if path is None:
        raise InputError("compare", "reference", "a FASTA file", "none", "Give the one that the calls were made with.")
    with io.open_reference(path) as opened:
        where = _region(calls, region, opened.contigs)
        length = opened.contigs.get(where.contig, 2**31 - 1) if where is not None else 0
        rows = read_rows(calls, where, sample, length)
        known = read_rows(truth, where, truth_sample, length, "truth_sample")
        called, expected = alleles_of(rows, opened, where), alleles_of(known, opened, where)
        inside = _Inside(where, confident)
        letters = {plain_name(name): Letters(opened, name) for name in opened.contigs}
        matcher = _Matcher(expected.alleles, called.alleles, letters)
        ranked = [at for at, each in enumerate(called.alleles) if all_filters or set(each.filters) <= {LOW_QUALITY}]
        counted = [
            at
            for at, each in enumerate(called.alleles)
            if (all_filters or each.passes) and (min_quality is None or (each.quality or 0.0) >= min_quality)
        ]
        judged = matcher.judge(counted)
        curve = _curve(matcher, ranked, inside)
        from_calls = rows if not isinstance(rows, io.Variants) else None
        return Comparison(
            truth=tuple(_kept(expected.alleles, judged.truth, inside)),
            query=tuple(_kept([called.alleles[at] for at in counted], judged.query, inside)),
            set_aside=tuple(each for at, each in enumerate(called.alleles) if at not in set(counted) and inside(each)),
            curve=curve,
            confident_bases=inside.bases(opened.contigs),
            region=where,
            min_quality=_threshold(from_calls, min_quality),
            notices=_notices(called, expected, matcher, confident, where),
            calls=from_calls,
            sources={
                "calls": _source(calls), "truth": _source(truth), "reference": opened.path, "confident": confident,
            },
        )  # fmt: skip


def _source(of: object) -> Paths | None:
    if isinstance(of, str | os.PathLike):
        return of
    found: Paths | None = getattr(of, "path", None)
    return found


def _region(calls: object, region: str | Region | None, contigs: dict[str, int]) -> Region | None:
    if region is None:
        own: tuple[Region, ...] = getattr(calls, "regions", ())
        region = own[0] if len(own) == 1 else None
    if region is None:
        return None
    if isinstance(region, Region):
        names = [name for name in contigs if plain_name(name) == plain_name(region.contig)]
        return Region(names[0], region.start, region.end) if names else region
    name, colon, rest = region.partition(":")
    names = [each for each in contigs if plain_name(each) == plain_name(name)]
    return io.parse_region(f"{names[0]}{colon}{rest}" if names and name not in contigs else region, contigs)


def _threshold(calls: VariantCalls | None, min_quality: float | None) -> float:
    if min_quality is not None:
        return min_quality
    return float(calls.thresholds.min_quality) if calls is not None else 0.0


def _notices(
    called: Alleles, expected: Alleles, matcher: _Matcher, confident: Paths | None, region: Region | None
) -> tuple[str, ...]:
    said = [f"Calls: {each}" for each in called.notices] + [f"Truth: {each}" for each in expected.notices]
    for name, side in (("calls", called), ("truth", expected)):
        said += [f"{count:,} alleles of the {name} are left out: {why}." for why, count in side.left_out.items()]
    if confident is None and region is None:
        said.append("Everything counts: neither a region nor confident intervals were given.")
    elif confident is None:
        said.append("Without confident intervals a true variant that the truth does not know counts as false.")
    if matcher.bounded:
        said.append(
            f"{len(matcher.bounded):,} groups of near alleles have over {MOST_STATES:,} readings; the best were kept."
        )
    return tuple(dict.fromkeys(said))


class _Inside:
    """Whether the reference bases of an allele lie in the region and in one confident interval."""

    def __init__(self, region: Region | None, confident: Paths | None) -> None:
        self.region = region
        self.intervals: dict[str, tuple[np.ndarray, np.ndarray]] | None = None
        if confident is None:
            return
        bed = io.read_bed(confident)
        spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for contig, start, end in zip(bed.contig, bed.start.tolist(), bed.end.tolist(), strict=True):
            spans[plain_name(contig)].append((start, end))
        self.intervals = {contig: _merged(each) for contig, each in spans.items()}

    def __call__(self, allele: Allele) -> bool:
        region = self.region
        if region is not None and not (
            allele.contig == plain_name(region.contig) and region.start <= allele.position and allele.end <= region.end
        ):
            return False
        if self.intervals is None:
            return True
        if allele.contig not in self.intervals:
            return False
        starts, ends = self.intervals[allele.contig]
        at = int(np.searchsorted(starts, allele.position, side="right")) - 1
        return at >= 0 and allele.end <= int(ends[at])

    def bases(self, contigs: dict[str, int]) -> int:
        """How many positions count."""
        region = self.region
        if self.intervals is None:
            return region.length if region is not None else sum(contigs.values())
        total = 0
        for contig, (starts, ends) in self.intervals.items():
            if region is not None and plain_name(region.contig) != contig:
                continue
            low, high = (region.start, region.end) if region is not None else (0, 2**62)
            total += int(np.maximum(np.minimum(ends, high) - np.maximum(starts, low), 0).sum())
        return total


def _merged(spans: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Intervals that touch become one, as an allele over their border lies in both."""
    joined: list[list[int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    table = np.array(joined, np.int64)
    return table[:, 0], table[:, 1]


def _kept(alleles: Sequence[Allele], states: Sequence[str], inside: _Inside) -> Iterable[Judged]:
    return (Judged(each, state) for each, state in zip(alleles, states, strict=True) if inside(each))


@dataclass
class _Answer:
    """The state of each allele: of the truth, and of the calls that were asked for, in their order."""

    truth: tuple[str, ...]
    query: tuple[str, ...]


class _Matcher:
    """Judges sets of calls; groups of near alleles are judged apart, and each set of a group once."""

    def __init__(self, truth: Sequence[Allele], query: Sequence[Allele], letters: dict[str, Letters]) -> None:
        self.truth, self.query, self.letters = truth, query, letters
        self.groups = list(_groups(truth, query))
        self.bounded: set[int] = set()
        self._known: dict[tuple[int, tuple[int, ...]], _Answer] = {}

    def judge(self, chosen: Sequence[int]) -> _Answer:
        """All of the truth against some of the calls, by their index."""
        wanted = set(chosen)
        of_truth, of_query = [MISSED] * len(self.truth), dict.fromkeys(chosen, FALSE)
        for number, (truth, query) in enumerate(self.groups):
            some = tuple(at for at in query if at in wanted)
            found = self.group(number, some)
            for at, state in zip(truth, found.truth, strict=True):
                of_truth[at] = state
            of_query.update(zip(some, found.query, strict=True))
        return _Answer(tuple(of_truth), tuple(of_query[at] for at in chosen))

    def group(self, number: int, some: tuple[int, ...]) -> _Answer:
        """One group's truth against some of its calls."""
        key = (number, some)
        if key not in self._known:
            truth = [self.truth[at] for at in self.groups[number][0]]
            self._known[key] = self._judged(number, truth, [self.query[at] for at in some])
        return self._known[key]

    def _judged(self, number: int, truth: list[Allele], query: list[Allele]) -> _Answer:
        if not truth or not query:
            return _Answer((MISSED,) * len(truth), (FALSE,) * len(query))
        if all(a.key == b.key and _same_copies(a, b) for a, b in zip(truth, query, strict=False)) and (
            len(truth) == len(query)
        ):
            return _Answer((FOUND,) * len(truth), (FOUND,) * len(query))
        letters = self.letters[truth[0].contig]
        best = match(truth, query, letters)
        of_truth = [FOUND if each else MISSED for each in best.truth]
        of_query = [FOUND if each else FALSE for each in best.query]
        bounded = best.bounded
        # one allele on both sides, though with another genotype
        left = {query[at].key: at for at, state in enumerate(of_query) if state == FALSE}
        for at, state in enumerate(of_truth):
            if state == MISSED and (other := left.pop(truth[at].key, None)) is not None:
                same = truth[at].copies is None or query[other].copies is None
                of_truth[at] = of_query[other] = FOUND if same else DIFFERS
        rest = [[at for at, state in enumerate(states) if state in (MISSED, FALSE)] for states in (of_truth, of_query)]
        if rest[0] and rest[1]:
            again = match([truth[at] for at in rest[0]], [query[at] for at in rest[1]], letters, squash=True)
            bounded |= again.bounded
            for states, which, taken in ((of_truth, rest[0], again.truth), (of_query, rest[1], again.query)):
                for at, yes in zip(which, taken, strict=True):
                    states[at] = DIFFERS if yes else states[at]
        if bounded:
            self.bounded.add(number)
        return _Answer(tuple(of_truth), tuple(of_query))


def _same_copies(one: Allele, other: Allele) -> bool:
    if one.copies is None or other.copies is None:
        return True
    if one.ploidy == other.ploidy:
        return one.copies == other.copies
    return (one.copies >= one.ploidy) == (other.copies >= other.ploidy)


def _groups(truth: Sequence[Allele], query: Sequence[Allele]) -> Iterable[tuple[list[int], list[int]]]:
    """Alleles of both sides, each nearer than :data:`GAP` to the next."""
    every = [(each.contig, each.position, each.end, 0, at) for at, each in enumerate(truth)]
    every += [(each.contig, each.position, each.end, 1, at) for at, each in enumerate(query)]
    group: tuple[list[int], list[int]] = ([], [])
    contig, end = "", -1
    for where, start, beyond, side, at in sorted(every):
        if (group[0] or group[1]) and (where != contig or start - end > GAP):
            yield group
            group, end = ([], []), -1
        group[side].append(at)
        contig, end = where, max(end, beyond)
    if group[0] or group[1]:
        yield group


def _curve(matcher: _Matcher, ranked: list[int], inside: _Inside) -> Curve:
    """What is found at every threshold of QUAL: a group changes only where one of its own calls comes or goes."""
    quality = quality_order(np.array([each.quality for each in matcher.query], np.float64))
    chosen = set(ranked)
    base = np.zeros((len(KINDS), len(Curve.COUNTS)), np.int64)
    changes: dict[float, np.ndarray] = {}
    for number, (_, query) in enumerate(matcher.groups):
        some = sorted((at for at in query if at in chosen), key=lambda at: (-quality[at], at))
        before = _counts(matcher, number, (), inside)
        base += before
        for value in dict.fromkeys(float(quality[at]) for at in some):
            kept = tuple(sorted(at for at in some if quality[at] >= value))
            now = _counts(matcher, number, kept, inside)
            changes[value] = changes.get(value, np.zeros_like(base)) + now - before
            before = now
    values = sorted(changes, reverse=True)
    counts = np.cumsum([base, *(changes[value] for value in values)], axis=0)
    return Curve(np.array([np.inf, *values]), counts)


def _counts(matcher: _Matcher, number: int, some: tuple[int, ...], inside: _Inside) -> np.ndarray:
    truth, _ = matcher.groups[number]
    found = matcher.group(number, some)
    sides = (
        [Judged(matcher.truth[at], state) for at, state in zip(truth, found.truth, strict=True)],
        [Judged(matcher.query[at], state) for at, state in zip(some, found.query, strict=True)],
    )
    return Curve.count(*([each for each in side if inside(each.allele)] for side in sides))

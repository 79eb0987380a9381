"""Windows around indels: their haplotypes, the reads over them, and what each read says to each haplotype."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from genolab.call.candidates import Reference, Variant
from genolab.call.pairhmm import pair_hmm
from genolab.call.pileup import DELETION, INSERTION, SKIP, SOFT_CLIP, Pileup
from genolab.call.repeats import gap_opening

MARGIN = 15
"""Candidates this close to each other, and substitutions this close to an indel, are judged together."""

LONGEST_WINDOW = 150
"""Positions; a longer chain of candidates is cut at multiples of this."""

MOST_VARIANTS = 7
"""Candidates of a window; of more, those that most fragments show."""

MOST_HAPLOTYPES = 16
_FIRST_LOOK = 64  # haplotypes that all reads are held against, of which the preferred ones stay

FLANK = 25
"""Bases of a read that are kept to each side of a window."""

_PAD = 15  # further bases of the haplotypes to each side
_SHORTEST = 10  # bases of a read in a window, or it says nothing
_BAND = 12  # columns beyond those that the window's indels shift a read by
_ROUND = 8  # bands are multiples of this, so that windows go together
_BEST_QUALITY = 45.0  # no base is surer than this

HALO = 1_000
"""Positions around a region whose reads and reference are kept, so that a window at its edge is seen whole."""


@dataclass(frozen=True)
class Window:
    """Candidates that are judged together, sorted; ``low`` to ``high`` holds every place that one could take."""

    variants: tuple[Variant, ...]
    low: int
    high: int


def make_windows(substitutions: list[Variant], indels: list[Variant]) -> tuple[list[Window], list[Variant]]:
    """Group indels with what is near them; the windows, and the substitutions that are near none.

    What a window holds depends on nothing farther away than it is long, so that tiles of any size agree.
    """
    groups: list[list[Variant]] = []
    high = 0
    for each in sorted(indels, key=lambda variant: (variant.low, variant)):
        if not groups or each.low > high + MARGIN:
            groups.append([])
            high = each.high
        groups[-1].append(each)
        high = max(high, each.high)
    cut = []
    for group in groups:
        if max(each.high for each in group) - group[0].low <= LONGEST_WINDOW:
            cut.append(group)
            continue
        ordered = sorted(group, key=lambda variant: (variant.position // LONGEST_WINDOW, variant))
        cells = itertools.groupby(ordered, key=lambda variant: variant.position // LONGEST_WINDOW)
        cut += [list(members) for _, members in cells]
    windows, left = [], sorted(substitutions)
    for group in cut:
        low, high = min(each.low for each in group), max(each.high for each in group)
        near = [each for each in left if low - MARGIN <= each.position < high + MARGIN]
        kept = sorted([*group, *near], key=lambda variant: (-variant.shown, variant))[:MOST_VARIANTS]
        if all(each.is_substitution for each in kept):
            continue
        taken = set(kept)
        left = [each for each in left if each not in taken]
        low, high = min(each.low for each in kept), max(each.high for each in kept)
        windows.append(Window(tuple(sorted(kept)), low, high))
    return windows, left


@dataclass(frozen=True)
class Haplotypes:
    """The sequences of a window and which variants each holds; the reference is the first."""

    start: int
    sequences: tuple[bytes, ...]
    holds: np.ndarray = field(repr=False)  # bool (haplotype, variant)

    def where(self, keep: np.ndarray) -> Haplotypes:
        """Those of an index."""
        return replace(self, sequences=tuple(self.sequences[at] for at in keep), holds=self.holds[keep])


def haplotypes_of(window: Window, reference: Reference) -> Haplotypes:
    """The reference with every set of variants that go together, those with the fewest first, each sequence once."""
    variants = window.variants
    reach = FLANK + _PAD + max(each.size for each in variants)
    start, end = max(window.low - reach, reference.start), min(window.high + reach, reference.end)
    order = sorted(range(len(variants)), key=lambda at: (-variants[at].shown, at))
    sets: Iterable[tuple[int, ...]] = itertools.chain.from_iterable(
        itertools.combinations(order, number) for number in range(len(variants) + 1)
    )
    found: dict[bytes, list[bool]] = {}
    for chosen in sets:
        sequence = _with(reference, [variants[at] for at in sorted(chosen)], start, end)
        if sequence is not None and sequence not in found:
            found[sequence] = [at in chosen for at in range(len(variants))]
        if len(found) == _FIRST_LOOK:
            break
    return Haplotypes(start, tuple(found), np.array(list(found.values()), bool).reshape(len(found), -1))


def _with(reference: Reference, variants: list[Variant], start: int, end: int) -> bytes | None:
    """The reference with these variants in it; None where two of them overlap or stand at one place."""
    parts, at, last = [], start, start - 1
    for each in variants:
        if each.position < at or (each.position <= last and not each.is_substitution):
            return None
        parts += [reference.slice(at, each.position), each.inserted]
        at = each.end
        last = last if each.is_substitution else each.position
    return b"".join([*parts, reference.slice(at, end)])


@dataclass(frozen=True)
class WindowReads:
    """The reads over a window, in the file's order, cut to it: ``first`` to ``last`` of the flat bases."""

    read: np.ndarray
    first: np.ndarray
    last: np.ndarray
    position: np.ndarray  # where the first base kept would lie on the reference

    def where(self, keep: np.ndarray) -> WindowReads:
        """Those of an index."""
        return WindowReads(self.read[keep], self.first[keep], self.last[keep], self.position[keep])


class ReadCutter:
    """Cuts reads to windows; clipped ends count as aligned beside where they are clipped."""

    def __init__(self, pileup: Pileup, usable: np.ndarray) -> None:
        reads, (read, position, query) = pileup.reads, pileup.operations
        self.reads, self.query = reads, query
        kind, length = reads.operation, reads.length.astype(np.int64)
        clip = kind == SOFT_CLIP
        leading = clip & (position == reads.position[read]) & (query == reads.base_offset[:-1][read])
        self.position = position - np.where(leading, length, 0)
        self.length, self.insertion = length, kind == INSERTION
        self.aligned = ~(self.insertion | (kind == DELETION) | (kind == SKIP))
        self.aligned &= kind <= 8
        self.aligned &= (kind != 5) & (kind != 6)
        clipped = np.where(clip, length, 0)
        size = reads.position.size
        self.start = reads.position - np.bincount(read[leading], clipped[leading], size).astype(np.int64)
        trailing = clip & ~leading
        self.end = reads.reference_end + np.bincount(read[trailing], clipped[trailing], size).astype(np.int64)
        usable = usable & (np.diff(reads.base_offset) > 0)
        self.order = np.flatnonzero(usable)[np.argsort(reads.position[usable], kind="stable")]
        self.sorted = reads.position[self.order]
        self.reach = int(np.max(self.end - reads.position, initial=0)) + 1
        self.ahead = int(np.max(reads.position - self.start, initial=0)) + 1

    def cut(self, window: Window) -> WindowReads:
        """The usable reads that reach over the window's variants."""
        begin = np.searchsorted(self.sorted, window.low - self.reach)
        beyond = np.searchsorted(self.sorted, window.high + self.ahead)
        read = self.order[begin:beyond]
        read = np.sort(read[(self.start[read] < window.high) & (self.end[read] > window.low)])
        low, high = window.low - FLANK, window.high + FLANK
        offset = self.reads.operation_offset
        number = (offset[read + 1] - offset[read]).astype(np.int64)
        read, number = read[number > 0], number[number > 0]
        if not read.size:
            nothing = np.zeros(0, np.int64)
            return WindowReads(nothing, nothing, nothing, nothing)
        begins = np.cumsum(number) - number
        at = np.repeat(offset[read] - begins, number) + np.arange(number.sum())
        x, y, length = self.position[at], self.query[at], self.length[at]
        over = self.aligned[at] & (x + length > low) & (x < high)
        inserted = self.insertion[at] & (x > low) & (x < high)
        far = np.int64(2**62)
        first = np.minimum.reduceat(np.where(over, y + np.maximum(low - x, 0), far), begins)
        position = np.minimum.reduceat(np.where(over, np.maximum(x, low), far), begins)
        ends = np.where(over, y + np.minimum(length, high - x), np.where(inserted, y + length, -1))
        last = np.maximum.reduceat(ends, begins)
        keep = (first < far) & (last - first >= _SHORTEST)
        return WindowReads(read[keep], first[keep], last[keep], position[keep])


@dataclass(frozen=True)
class Realigned:
    """A window with its haplotypes, its reads, and log10 P(read | haplotype)."""

    window: Window
    haplotypes: Haplotypes
    reads: WindowReads
    by_read: np.ndarray  # (read, haplotype)

    def where(self, keep: np.ndarray) -> Realigned:
        """With the haplotypes of an index alone."""
        return replace(self, haplotypes=self.haplotypes.where(keep), by_read=self.by_read[:, keep])

    @cached_property
    def shift(self) -> int:
        """Bases that the window's indels shift a read by at most."""
        return sum(each.size for each in self.window.variants if not each.is_substitution)


Kept = dict[tuple[object, ...], tuple[np.ndarray, np.ndarray]]
"""Of a window with its haplotypes: reads (sorted), and log10 P(read | haplotype). What was aligned is not aligned again
when a threshold lets other reads in."""

Cuts = dict[tuple[object, ...], tuple[Haplotypes, WindowReads]]
"""The haplotypes and reads of windows, for one threshold of their mapping quality."""


def realign(
    windows: list[Window],
    pileup: Pileup,
    reference: Reference,
    min_mapping_quality: int,
    kept: Kept,
    backend: str | None = None,
    cuts: Cuts | None = None,
) -> list[Realigned]:
    """Hold the reads of every window against its haplotypes, all in one call of the kernel.

    ``kept`` gives what is known from before, and is left with what is known of these windows; so is ``cuts``, of the
    same mapping quality.
    """
    found, keys, known, strangers = [], [], [], []
    cuts = {} if cuts is None else cuts
    for window, haplotypes, reads in _cut(windows, pileup, reference, min_mapping_quality, cuts):
        size = len(haplotypes.sequences)
        key = (window.low, window.high, haplotypes.start, haplotypes.sequences)
        held = kept.get(key, (np.zeros(0, np.int64), np.zeros((0, size))))
        new = reads.where(np.isin(reads.read, held[0], invert=True))
        found.append((window, haplotypes, reads))
        keys.append(key)
        known.append(held)
        strangers.append(Realigned(window, haplotypes, new, np.zeros((new.read.size, size))))
    aligned = _align(strangers, pileup, backend)
    kept.clear()
    realigned = []
    for number, (window, haplotypes, reads) in enumerate(found):
        (before, said), strange = known[number], strangers[number].reads.read
        read, by_read = np.append(before, strange), np.concatenate([said, aligned[number]])
        order = np.argsort(read)
        kept[keys[number]] = read, by_read = read[order], by_read[order]
        realigned.append(Realigned(window, haplotypes, reads, by_read[np.searchsorted(read, reads.read)]))
    return realigned


def _cut(
    windows: list[Window], pileup: Pileup, reference: Reference, min_mapping_quality: int, cuts: Cuts
) -> list[tuple[Window, Haplotypes, WindowReads]]:
    """Each window with its haplotypes and reads."""
    before, cutter = dict(cuts), None
    cuts.clear()
    found = []
    for window in windows:
        key = window.low, window.high, tuple(map(astuple, window.variants))
        if key not in before:
            usable = (pileup.exclusion == 0) & (pileup.mapping_quality >= min_mapping_quality)
            cutter = cutter or ReadCutter(pileup, usable)
            before[key] = haplotypes_of(window, reference), cutter.cut(window)
        cuts[key] = before[key]
        found.append((window, *before[key]))
    return found


def _align(windows: list[Realigned], pileup: Pileup, backend: str | None) -> list[np.ndarray]:
    """log10 P(read | haplotype) of each window, ``(read, haplotype)``; windows of like bands go together."""
    results = [each.by_read for each in windows]
    groups: dict[int, list[int]] = {}
    for at, each in enumerate(windows):
        if each.by_read.size:
            groups.setdefault(-(-(_BAND + each.shift) // _ROUND) * _ROUND, []).append(at)
    for band, members in groups.items():
        _, pairs = pairs_of([windows[at] for at in members], pileup, band)
        found = pair_hmm(*pairs, backend=backend).log10_likelihood
        at_pair = 0
        for at in members:
            shape = windows[at].by_read.shape
            results[at] = found[at_pair : at_pair + shape[0] * shape[1]].reshape(shape)
            at_pair += shape[0] * shape[1]
    return results


def pairs_of(windows: list[Realigned], pileup: Pileup, band: int | None = None) -> tuple[np.ndarray, tuple[Any, ...]]:
    """What the pair-HMM is given of windows, every read with every haplotype; and the flat bases that these are of."""
    if band is None:
        band = -(-(_BAND + max(each.shift for each in windows)) // _ROUND) * _ROUND
    first = np.concatenate([each.reads.first for each in windows])
    length = np.concatenate([each.reads.last for each in windows]) - first
    starts = np.cumsum(length) - length
    flat = np.repeat(first - starts, length) + np.arange(length.sum())
    quality = np.minimum(pileup.base_quality[flat].astype(np.float64), _BEST_QUALITY)
    sequences = [np.frombuffer(text, np.uint8) for each in windows for text in each.haplotypes.sequences]
    sizes = np.array([each.size for each in sequences])
    begins = np.cumsum(sizes) - sizes
    reads, texts, diagonals = [], [], []
    seen_reads = seen_texts = 0
    for each in windows:
        number, count = each.by_read.shape
        reads.append(np.repeat(np.arange(number) + seen_reads, count))
        texts.append(np.tile(np.arange(count) + seen_texts, number))
        diagonals.append(np.repeat(each.reads.position - each.haplotypes.start, count))
        seen_reads, seen_texts = seen_reads + number, seen_texts + count
    read, text = np.concatenate(reads), np.concatenate(texts)
    return flat, (
        pileup.reads.base[flat], quality, starts[read], length[read], np.concatenate(sequences),
        gap_opening(sequences), begins[text], sizes[text], np.concatenate(diagonals), band,
    )  # fmt: skip

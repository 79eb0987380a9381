"""The whole way from files to calls, tile by tile, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np

from genolab import io
from genolab.call.calls import VariantCalls, join
from genolab.call.evidence import agreement, check_agreement, make_evidence, notices_of, widened
from genolab.call.genotyping import check_ploidy, genotype
from genolab.call.thresholds import Thresholds
from genolab.errors import FileError, InputError
from genolab.io import Alignments, Region

TILE = 100_000
"""Positions a tile; fewer where the index says that the reads lie deep."""
_READS_PER_TILE = 200_000

Progress = Callable[[float, str], None]


def call_variants(
    reads: str | os.PathLike[str],
    reference: str | os.PathLike[str],
    region: str | Region | None = None,
    *,
    sample: str | None = None,
    ploidy: int = 2,
    thresholds: Thresholds | None = None,
    index: Literal["build", "cache"] | None = None,
    progress: Progress | None = None,
    backend: str | None = None,
    tile: int = TILE,
) -> VariantCalls:
    """Call substitutions, insertions and deletions in a BAM, CRAM or SAM file.

    Parameters
    ----------
    reads, reference
        Aligned reads of one sample (or name ``sample``), and the FASTA file they were mapped to.
    region
        Text in 1-based inclusive coordinates (``"chr20:10,000,001-10,100,000"``, ``"chr20"``); all if None.
    ploidy
        Copies of each chromosome, 1 to 6.
    thresholds
        What a call must meet; see :class:`Thresholds` for each default.
    index
        A missing index is an error; ``"build"`` writes one beside the file, ``"cache"`` into the cache folder.
    progress
        Called with the fraction done and a text; an exception that it raises stops the work, and nothing is written.
    backend
        The backend of every kernel, in place of the one that each declares.
    tile
        Positions worked on at a time. The calls do not depend on it.

    Raises
    ------
    FileError, InputError
        If a file is damaged, is not what it should be, or does not fit the others; nothing is guessed.
    """
    thresholds, ploidy = thresholds or Thresholds(), check_ploidy(ploidy)
    if tile < 1:
        raise InputError("call_variants", "tile", "at least 1 position", str(tile))
    with io.open_reference(reference) as opened, io.open_alignments(reads, reference, index) as alignments:
        if not alignments.contigs:
            raise FileError(
                alignments.path,
                field="header",
                expected="reads mapped to contigs",
                found="no contigs: the reads are not mapped",
                fix="Map them to the reference first.",
            )
        regions = _regions(alignments, region)
        match = io.match_contigs(alignments, opened, regions[0].contig if region is not None else None)
        matched = [one for one in regions if one.contig in match.to_reference]
        # over everything, contigs that the index says are empty are passed over; one position is enough to say so
        covered = matched if region is not None else [one for one in matched if alignments.estimate(one) != 0]
        covered = covered or [Region(matched[0].contig, 0, 1)]
        tiles = [each for one in covered for each in _tiles(alignments, one, tile)]
        total = sum(each.end - each.start for each in tiles)
        notices = dict.fromkeys((*alignments.notices, *opened.notices, *match.notices))
        done, parts, tally = 0, [], np.zeros(3, np.int64)
        for each in tiles:
            if progress is not None:
                progress(done / total, f"calling {each}")
            around = widened(each, alignments.contigs[each.contig])
            found = alignments.read(around, sample)
            codes = opened.fetch(match.name(each.contig), around.start, around.end)
            notices |= dict.fromkeys(notices_of(found, each))
            evidence = make_evidence(found, codes, each, alignments, opened.path)
            tally += agreement(evidence)
            check_agreement(evidence, tally)
            calls = genotype(evidence, thresholds, ploidy, backend)
            parts.append(calls if len(tiles) == 1 else replace(calls, evidence=None))
            done += each.end - each.start
        if progress is not None:
            progress(1.0, "called")
    return replace(join(parts), regions=tuple(matched), notices=tuple(notices))


def _regions(alignments: Alignments, region: str | Region | None) -> list[Region]:
    if region is None:
        return [Region(name, 0, length) for name, length in alignments.contigs.items()]
    return [region if isinstance(region, Region) else io.parse_region(region, alignments.contigs)]


def _tiles(alignments: Alignments, region: Region, tile: int) -> Iterator[Region]:
    """Pieces of a region, each of at most ``tile`` positions and about 200,000 reads."""
    expected = alignments.estimate(region)
    length = region.end - region.start
    if expected is not None and expected > _READS_PER_TILE:
        tile = min(tile, max(1_000, length * _READS_PER_TILE // expected))
    for start in range(region.start, region.end, tile):
        yield Region(region.contig, start, min(start + tile, region.end))

"""The whole way from files to calls, tile by tile, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from genolab import io
from genolab.call.families import DE_NOVO_RATE
from genolab.call.joint_calls import Prior
from genolab.call.members import Member, Reads, open_members
from genolab.call.ploidy import Ploidy, ploidy_map
from genolab.call.thresholds import Thresholds
from genolab.call.work import Calls, Plan, Progress, Work, without_reads
from genolab.errors import InputError
from genolab.io import Alignments, Pedigree, Region
from genolab.kernel.choice import backend_asked

if TYPE_CHECKING:
    from genolab.call.error_model import ErrorModel

TILE = 100_000
"""Positions a tile; fewer where the index says that the reads lie deep."""
_READS_PER_TILE = 200_000


def call_variants(
    reads: Reads | Sequence[Reads],
    reference: str | os.PathLike[str],
    region: str | Region | Sequence[str | Region] | None = None,
    *,
    sample: str | Sequence[str] | None = None,
    ploidy: Ploidy = 2,
    sex: Mapping[str, str] | None = None,
    pedigree: str | os.PathLike[str] | Mapping[str, tuple[str | None, str | None]] | None = None,
    inbreeding: float = 0.0,
    de_novo_rate: float = DE_NOVO_RATE,
    targets: str | os.PathLike[str] | None = None,
    thresholds: Thresholds | None = None,
    error_model: ErrorModel | None = None,
    index: Literal["build", "cache"] | None = None,
    progress: Progress | None = None,
    backend: str | None = None,
    tile: int = TILE,
    client: Any = None,
) -> Calls:
    """Call substitutions, insertions and deletions of one sample, or of several together.

    Parameters
    ----------
    reads, reference
        Aligned reads (BAM, CRAM or SAM), a file or several, and the FASTA file they were mapped to.
    region
        Text in 1-based inclusive coordinates (``"chr20:10,000,001-10,100,000"``, ``"chr20"``), or several; all if None.
    targets
        A BED file; only sites inside its intervals, and inside ``region`` where that is given too, are called.
    sample
        Which samples, in which order; every sample of every file if None.
    ploidy, sex
        Copies of each chromosome, 0 to 6: a number, ``"GRCh38"``, ``"GRCh37"``, regions with numbers, or a file; see
        :func:`~genolab.call.ploidy.ploidy_map`. ``sex`` says "male" or "female" of each sample where rules ask for it.
    pedigree
        A .ped or .fam file, or child to (father, mother); children are then weighed with their parents.
    inbreeding
        Chance that the copies of a sample are of one descent (F), 0 to 1.
    de_novo_rate
        Chance that a child has an allele that its parent did not pass on.
    thresholds
        What a call must meet; see :class:`Thresholds` for each default.
    error_model
        What the qualities of one sample's bases are worth, from :func:`~genolab.call.error_model.fit_error_model`; by
        default what the file says.
    index
        A missing index is an error; ``"build"`` writes one beside the file, ``"cache"`` into the cache folder.
    progress
        Called with the fraction done and a text; an exception that it raises stops the work, and nothing is written.
    backend
        The backend of every kernel, in place of the one that each declares.
    tile
        Positions worked on at a time. The calls do not depend on it.
    client
        A ``distributed.Client``: its workers call the tiles, from the same files under the same paths. The calls are
        the same.

    Returns
    -------
    VariantCalls or JointCalls
        Of one sample, or of several.

    Raises
    ------
    FileError, InputError
        If a file is damaged, is not what it should be, or does not fit the others; nothing is guessed.
    IncompleteError, ClusterLost
        With a client: some tiles could not be done (``result`` has the others' calls), or its scheduler is gone.
    """
    with ExitStack() as stack:
        work = prepare(
            stack, reads, reference, region, sample=sample, ploidy=ploidy, sex=sex, pedigree=pedigree,
            inbreeding=inbreeding, de_novo_rate=de_novo_rate, targets=targets, thresholds=thresholds,
            error_model=error_model, index=index, backend=backend, tile=tile,
        )  # fmt: skip
        if client is not None:
            from genolab.call import elsewhere

            return elsewhere.call(work, client, progress)
        found = work.run(progress)
        # no name holds a tile's reads while the next are read
        return work.finished(list(found if len(work.tiles) == 1 else map(without_reads, found)))


def prepare(
    stack: ExitStack,
    reads: Reads | Sequence[Reads],
    reference: str | os.PathLike[str],
    region: str | Region | Sequence[str | Region] | None = None,
    *,
    sample: str | Sequence[str] | None = None,
    ploidy: Ploidy = 2,
    sex: Mapping[str, str] | None = None,
    pedigree: str | os.PathLike[str] | Mapping[str, tuple[str | None, str | None]] | None = None,
    inbreeding: float = 0.0,
    de_novo_rate: float = DE_NOVO_RATE,
    targets: str | os.PathLike[str] | None = None,
    thresholds: Thresholds | None = None,
    error_model: ErrorModel | None = None,
    index: Literal["build", "cache"] | None = None,
    backend: str | None = None,
    tile: int = TILE,
) -> Work:
    """Open and check everything that :func:`call_variants` is given; ``stack`` closes the files."""
    if tile < 1:
        raise InputError("call_variants", "tile", "at least 1 position", str(tile))
    for name, value in (("inbreeding", inbreeding), ("de_novo_rate", de_novo_rate)):
        if not 0.0 <= value <= 1.0:
            raise InputError("call_variants", name, "a chance, 0 to 1", f"{value:g}")
    family = _pedigree(pedigree)
    ploidies = ploidy_map(ploidy, {**family.sex, **dict(sex or {})})
    opened = stack.enter_context(io.open_reference(reference))
    members = open_members(stack, reads, reference, sample, index)
    if error_model is not None and len(members) > 1:
        found = f"{len(members)} samples"
        raise InputError("call_variants", "error_model", "given for one sample", found, "Call each with its own model.")
    first = members[0].alignments
    regions = _regions(first, region, targets)
    named = region is not None or targets is not None
    match = io.match_contigs(first, opened, regions[0].contig if named else None)
    matched = [one for one in regions if one.contig in match.to_reference]
    # over everything, contigs that the index says are empty are passed over; one position is enough to say so
    covered = matched if named else [one for one in matched if any(_estimate(each, one) != 0 for each in members)]
    covered = covered or [Region(matched[0].contig, 0, 1)]
    pieces = [piece for one in covered for piece in ploidies.pieces(one)]
    tiles = [each for one in pieces for each in _tiles(members, one, tile)]
    said = [notice for each in members for notice in each.alignments.notices]
    notices = dict.fromkeys((*said, *opened.notices, *match.notices))
    prior = Prior(ploidies, dict(family.parents), inbreeding, de_novo_rate)
    names = {contig: match.name(contig) for contig in {each.contig for each in tiles}}
    places = tuple((each.name, each.alignments.path, each.in_file) for each in members)
    plan = Plan(
        places, opened.path, names, prior, thresholds or Thresholds(), backend_asked(backend), error_model, index
    )
    return Work(plan, members, opened, tiles, tuple(matched), notices)


def _pedigree(given: str | os.PathLike[str] | Mapping[str, tuple[str | None, str | None]] | None) -> Pedigree:
    if given is None:
        return Pedigree()
    if isinstance(given, Mapping):
        for child, pair in given.items():
            if isinstance(pair, str) or len(tuple(pair)) != 2:
                raise InputError("call_variants", "pedigree", "child: (father, mother)", f"{child!r}: {pair!r}")
        sexes = {parent: word for pair in given.values() for parent, word in zip(pair, "MF", strict=True) if parent}
        return Pedigree({child: (pair[0], pair[1]) for child, pair in given.items()}, sexes)
    return io.read_pedigree(given)


def _regions(
    alignments: Alignments, region: str | Region | Sequence[str | Region] | None, targets: str | os.PathLike[str] | None
) -> list[Region]:
    """What is called: sorted as the contigs are, what overlaps or touches as one."""
    contigs = alignments.contigs
    everything = [Region(name, 0, length) for name, length in contigs.items()]
    if region is None:
        chosen = everything
    elif isinstance(region, str | Region):
        chosen = [io.parse_region(region, contigs)]
    else:
        chosen = [io.parse_region(each, contigs) for each in region]
    if targets is not None:
        bed = io.read_bed(targets, contigs)
        wanted = [
            Region(str(contig), int(start), int(end))
            for contig, start, end in zip(bed.contig, bed.start, bed.end, strict=True)
            if end > start
        ]
        wanted = merged(wanted, contigs)
        chosen = [
            Region(one.contig, max(one.start, other.start), min(one.end, other.end))
            for one in merged(chosen, contigs)
            for other in wanted
            if one.contig == other.contig and one.start < other.end and other.start < one.end
        ]
    if not chosen:
        what = "targets" if targets is not None else "region"
        raise InputError("call_variants", what, "a region with positions", "none that can be called")
    return merged(chosen, contigs)


def merged(regions: Sequence[Region], contigs: Mapping[str, int]) -> list[Region]:
    """Regions in the order of the contigs, each position once."""
    rank = {name: at for at, name in enumerate(contigs)}
    ordered = sorted(regions, key=lambda each: (rank[each.contig], each.start, each.end))
    found: list[Region] = []
    for contig, members in groupby(ordered, key=lambda each: each.contig):
        for each in members:
            if found and found[-1].contig == contig and each.start <= found[-1].end:
                found[-1] = Region(contig, found[-1].start, max(found[-1].end, each.end))
            else:
                found.append(each)
    return found


def _estimate(member: Member, region: Region) -> int | None:
    return member.alignments.estimate(region)


def _tiles(members: Sequence[Member], region: Region, tile: int) -> Iterator[Region]:
    """Pieces of a region, each of at most ``tile`` positions and about 200,000 reads of all samples."""
    length = region.length
    known = [_estimate(each, region) for each in members] if length > 1_000 else []
    expected = sum(each for each in known if each is not None)
    if expected > _READS_PER_TILE:
        tile = min(tile, max(1_000, length * _READS_PER_TILE // expected))
    for start in range(region.start, region.end, tile):
        yield Region(region.contig, start, min(start + tile, region.end))

"""Calls straight to a file, tile by tile: whole contigs in bounded memory, and gVCF."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from genolab import io
from genolab.call.caller import prepare
from genolab.call.calls import VariantCalls
from genolab.call.joint_records import to_joint_records
from genolab.call.members import Reads
from genolab.call.ploidy import Ploidy
from genolab.call.records import to_records
from genolab.call.thresholds import Thresholds
from genolab.call.work import Calls, Plan, Progress, Work
from genolab.errors import InputError
from genolab.io import Region, VariantRecords

if TYPE_CHECKING:
    from genolab.call.blocks import Stretch


class CallOptions(TypedDict, total=False):
    """What :func:`call_to_file` takes beside files and regions: the same as :func:`genolab.call.call_variants`."""

    sample: str | Sequence[str] | None
    ploidy: Ploidy
    sex: Mapping[str, str] | None
    pedigree: str | os.PathLike[str] | Mapping[str, tuple[str | None, str | None]] | None
    inbreeding: float
    de_novo_rate: float
    targets: str | os.PathLike[str] | None
    thresholds: Thresholds | None
    index: Literal["build", "cache"] | None
    backend: str | None
    tile: int


@dataclass(frozen=True)
class Written:
    """What was written: where, how many records, how many calls of them pass every filter, and what was noticed."""

    path: Path
    records: int
    passing: int
    samples: tuple[str, ...]
    notices: tuple[str, ...]


def call_to_file(
    reads: Reads | Sequence[Reads],
    reference: str | os.PathLike[str],
    output: str | os.PathLike[str],
    region: str | Region | Sequence[str | Region] | None = None,
    *,
    gvcf: bool = False,
    progress: Progress | None = None,
    client: Any = None,
    **options: Unpack[CallOptions],
) -> Written:
    """Call variants and write each tile's as it is done: the file of :func:`call_variants`, in bounded memory.

    With ``gvcf`` what lies between the variants is written too: blocks of positions whose GQ is of one band
    (:data:`~genolab.call.blocks.BANDS`), with ``END``, the allele ``<*>``, the smallest GQ, PL and DP of the block.
    Variants have the allele ``<*>`` beside their own (:func:`~genolab.call.other.with_other`). A gVCF is of one sample.

    With a ``client`` (a ``distributed.Client``) its workers call the tiles; the file has the same bytes. Tiles that are
    finished are kept in ``<output>.tiles`` until the file is whole, so that a call after a lost scheduler goes on
    from them: those of the same inputs, parameters and version alone.

    Raises
    ------
    FileError, InputError
        As :func:`call_variants`; the old file stays as it was.
    IncompleteError
        With a client: some tiles could not be done. The file has the others' calls and says which regions it lacks
        (``##genolabMissing``).
    ClusterLost
        If the scheduler is gone; the old file stays as it was.
    """
    with ExitStack() as stack:
        work = prepare(stack, reads, reference, region, **options)
        if gvcf and (len(work.members) > 1 or work.plan.prior.parents):
            some = ", ".join(each.name for each in work.members[:5])
            fix = "Write one for each: sample=..., or --sample."
            raise InputError("call_to_file", "gvcf", "asked for with one sample", f"{len(work.members)} ({some})", fix)
        if client is not None:
            from genolab.call import elsewhere

            return elsewhere.call_to_file(work, client, output, gvcf, progress)
        parts = map(partial(part_of, plan=work.plan, gvcf=gvcf), work.run(progress))  # which holds no tile's calls
        return written(work, output, gvcf, parts)


@dataclass(frozen=True)
class Part:
    """What one tile gives to a file: records, how many of them pass, and for a gVCF what lies between them."""

    records: VariantRecords
    passing: int
    between: Stretch | None = None


def part_of(calls: Calls, plan: Plan, gvcf: bool) -> Part:
    """The part of a tile, whose calls hold their evidence."""
    records = records_of(calls)
    passing = int(calls.passed.sum())
    if not gvcf:
        return Part(records, passing)
    from genolab.call.blocks import profile, stretch_of
    from genolab.call.other import with_other

    assert isinstance(calls, VariantCalls)
    assert calls.evidence is not None
    evidence = calls.evidence
    copies = calls.ploidy_at(evidence.region.contig, evidence.region.start)
    records = with_other(records, calls, copies, plan.backend)
    return Part(records, passing, stretch_of(records, profile(evidence, plan.thresholds, copies, plan.backend)))


def written(
    work: Work, output: str | os.PathLike[str], gvcf: bool, parts: Iterable[Part],
    late_lines: Callable[[], Iterable[str]] = tuple,
) -> Written:  # fmt: skip
    """Write parts as they come."""
    passing = 0

    def records() -> Iterator[VariantRecords]:
        nonlocal passing
        for part in parts:
            passing += part.passing
            yield part.records

    def with_blocks() -> Iterator[VariantRecords]:
        from genolab.call.blocks import Blocks

        nonlocal passing
        blocks: Blocks | None = None
        for part in parts:
            passing += part.passing
            assert part.between is not None
            blocks = blocks or Blocks(part.records)
            yield blocks.add(part.records, part.between)
        if blocks is not None:
            yield blocks.rest()

    count = io.write_variants(with_blocks() if gvcf else records(), output, late_lines)
    names = tuple(each.name for each in work.members)
    return Written(Path(output), count, passing, names, tuple(work.notices))


def records_of(calls: Calls) -> VariantRecords:
    """Calls of one sample or of several as records."""
    return to_records(calls) if isinstance(calls, VariantCalls) else to_joint_records(calls)

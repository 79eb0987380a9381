"""Calls straight to a file, tile by tile: whole contigs in bounded memory, and gVCF."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from genolab import io
from genolab.call.caller import Calls, Progress, Work, prepare
from genolab.call.calls import VariantCalls
from genolab.call.joint_records import to_joint_records
from genolab.call.members import Reads
from genolab.call.ploidy import Ploidy
from genolab.call.records import to_records
from genolab.call.thresholds import Thresholds
from genolab.errors import InputError
from genolab.io import Region, VariantRecords


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
    **options: Unpack[CallOptions],
) -> Written:
    """Call variants and write each tile's as it is done: the file of :func:`call_variants`, in bounded memory.

    With ``gvcf`` what lies between the variants is written too: blocks of positions whose GQ is of one band
    (:data:`~genolab.call.blocks.BANDS`), with ``END``, the allele ``<*>``, the smallest GQ, PL and DP of the block.
    A gVCF is of one sample.

    Raises
    ------
    FileError, InputError
        As :func:`call_variants`; the old file stays as it was.
    """
    with ExitStack() as stack:
        work = prepare(stack, reads, reference, region, **options)
        if gvcf and (len(work.members) > 1 or work.prior.parents):
            some = ", ".join(each.name for each in work.members[:5])
            fix = "Write one for each: sample=..., or --sample."
            raise InputError("call_to_file", "gvcf", "asked for with one sample", f"{len(work.members)} ({some})", fix)
        passing = 0

        def parts() -> Iterator[VariantRecords]:
            nonlocal passing
            for part in _with_blocks(work, progress) if gvcf else _plain(work, progress):
                passing += part[1]
                yield part[0]

        records = io.write_variants(parts(), output)
        names = tuple(each.name for each in work.members)
        return Written(Path(output), records, passing, names, tuple(work.notices))


def _plain(work: Work, progress: Progress | None) -> Iterator[tuple[VariantRecords, int]]:
    for calls in work.run(progress):
        yield records_of(calls), int(calls.passed.sum())


def records_of(calls: Calls) -> VariantRecords:
    """Calls of one sample or of several as records."""
    return to_records(calls) if isinstance(calls, VariantCalls) else to_joint_records(calls)


def _with_blocks(work: Work, progress: Progress | None) -> Iterator[tuple[VariantRecords, int]]:
    from genolab.call.blocks import Blocks, profile

    blocks: Blocks | None = None
    for calls in work.run(progress):
        assert isinstance(calls, VariantCalls)
        assert calls.evidence is not None
        evidence = calls.evidence
        copies = calls.ploidy_at(evidence.region.contig, evidence.region.start)
        blocks = blocks or Blocks(to_records(calls))
        yield blocks.add(calls, profile(evidence, work.thresholds, copies, work.backend)), int(calls.passed.sum())
    if blocks is not None:
        yield blocks.rest(), 0

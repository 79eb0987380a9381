"""What is to be called, as plain data, and the calls of one tile of it, in this process or in another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from genolab import io
from genolab.call.calls import VariantCalls, join
from genolab.call.evidence import Evidence, agreement, check_agreement, make_evidence, notices_of, widened
from genolab.call.genotyping import genotype
from genolab.call.joint_calls import JointCalls, Prior, join_joint
from genolab.call.members import Member
from genolab.call.thresholds import Thresholds
from genolab.io import Region

if TYPE_CHECKING:
    from genolab.call.error_model import ErrorModel

Progress = Callable[[float, str], None]
Calls = VariantCalls | JointCalls


@dataclass(frozen=True)
class Plan:
    """What is called and how, as plain data: the places of files, so that any process can do a tile."""

    members: tuple[tuple[str, Path, str | None], ...]  # a sample's name, its file, its name there
    reference: Path
    names: Mapping[str, str]  # contig of the reads: that of the reference
    prior: Prior
    thresholds: Thresholds
    backend: str | None
    error_model: ErrorModel | None = None
    index: Literal["build", "cache"] | None = None

    def opened(self, stack: ExitStack) -> Work:
        """With its files open, to be closed by ``stack``."""
        paths = dict.fromkeys(path for _, path, _ in self.members)
        files = {path: stack.enter_context(io.open_alignments(path, self.reference, self.index)) for path in paths}
        members = [Member(name, files[path], in_file) for name, path, in_file in self.members]
        return Work(self, members, stack.enter_context(io.open_reference(self.reference)))


@dataclass(frozen=True)
class Called:
    """The calls of a tile; of each sample how its bases agree with the reference; and what was noticed."""

    calls: Calls
    agreement: np.ndarray  # (sample, 3) int64
    notices: tuple[str, ...]


@dataclass
class Work:
    """A plan with its files open, tile by tile; ``notices`` grow while it runs."""

    plan: Plan
    members: list[Member]
    reference: io.Reference
    tiles: list[Region] = field(default_factory=list)
    regions: tuple[Region, ...] = ()
    notices: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._agreement = np.zeros((len(self.members), 3), np.int64)

    def run(self, progress: Progress | None = None) -> Iterator[Calls]:
        """The calls of each tile, in order; each is kept by nobody but who asked."""
        total, done = sum(each.length for each in self.tiles), 0
        for tile in self.tiles:
            if progress is not None:
                progress(done / total, f"calling {tile}")
            yield self._heeded(tile, progress, done, total)  # no name: a tile's reads go before the next are read
            done += tile.length
        if progress is not None:
            progress(1.0, "called")

    def _heeded(self, tile: Region, progress: Progress | None, done: int, total: int) -> Calls:
        found = self.call(tile, progress, done, total)
        self.heed(tile, found.agreement, found.notices)
        return found.calls

    def call(self, tile: Region, progress: Progress | None = None, done: int = 0, total: int = 1) -> Called:
        """The calls of one tile, which depend on nothing but the plan and the tile."""
        evidences, notices = self._read(tile, progress, done, total)
        return Called(self._call(evidences), np.stack([agreement(each) for each in evidences]), notices)

    def heed(self, tile: Region, agreement: np.ndarray, notices: Sequence[str]) -> None:
        """Take up what a tile noticed; refuse where the tiles so far disagree with the reference."""
        self.notices |= dict.fromkeys(notices)
        self._agreement += agreement
        for each, tally in zip(self.members, self._agreement, strict=True):
            check_agreement(tile, each.alignments.path, self.reference.path, tally)

    def finished(self, parts: Sequence[Calls]) -> Calls:
        """The tiles' calls as one result."""
        joined: Calls
        if isinstance(parts[0], VariantCalls):
            joined = join(cast("list[VariantCalls]", list(parts)))
        else:
            joined = join_joint(cast("list[JointCalls]", list(parts)))
        return replace(joined, regions=self.regions, notices=tuple(self.notices))

    def _read(
        self, tile: Region, progress: Progress | None, done: int, total: int
    ) -> tuple[list[Evidence], tuple[str, ...]]:
        around = widened(tile, self.members[0].alignments.contigs[tile.contig])
        codes = self.reference.fetch(self.plan.names[tile.contig], around.start, around.end)
        found: list[Evidence] = []
        said: dict[str, None] = {}

        def told(share: float) -> None:  # reading is counted as half of a tile's work
            if progress is not None:
                part = (len(found) + share) / len(self.members)
                progress((done + part * tile.length / 2) / total, f"calling {tile}")

        for each in self.members:
            reads = each.alignments.read(around, each.in_file, told)
            said |= dict.fromkeys(notices_of(reads, tile))
            model = self.plan.error_model
            evidence = make_evidence(reads, codes, tile, each.alignments, self.reference.path, (), model)
            found.append(replace(evidence, sample=each.name))
        return found, tuple(said)

    def _call(self, evidences: list[Evidence]) -> Calls:
        plan = self.plan
        if len(evidences) > 1 or plan.prior.parents:
            return genotype_together(evidences, plan.thresholds, plan.prior, plan.backend)
        (evidence,), ploidies = evidences, plan.prior.ploidies
        copies = ploidies.at(evidence.sample, evidence.region.contig, evidence.region.start)
        calls = genotype(evidence, plan.thresholds, max(copies, 1), plan.backend)
        if copies == 0:
            calls = calls.where(np.zeros(len(calls), bool))
        return replace(calls, ploidy=ploidies.usual, ploidies=ploidies) if ploidies.rules else calls


def without_reads(part: Calls) -> Calls:
    """The calls without the reads that they were made from."""
    return replace(part, evidence=None) if isinstance(part, VariantCalls) else replace(part, evidences=None)


def genotype_together(
    evidences: Sequence[Evidence], thresholds: Thresholds, prior: Prior, backend: str | None
) -> JointCalls:
    """Loaded when there are several samples."""
    from genolab.call import cohort

    return cohort.genotype_together(evidences, thresholds, prior, backend)

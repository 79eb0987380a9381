"""Calling on a Dask cluster: each tile is called by a worker from the same files, and written here in its turn."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import numpy as np

from genolab import io
from genolab.call.stream import Part, Written, part_of, written
from genolab.call.work import Called, Calls, Plan, Progress, Work, without_reads
from genolab.io import Region, VariantRecords
from genolab.scale import Cluster, Tile


def call(work: Work, client: Any, progress: Progress | None) -> Calls:
    """The calls of :func:`genolab.call.call_variants`, tile by tile on the workers of a client."""
    cluster = Cluster(client, "call_variants", "calling", progress)
    parts = []
    for tile, found in cluster.map(_calls_of, work.plan, _tiles(work)):
        work.heed(tile.value, found.agreement, found.notices)
        parts.append(found.calls)
    result = work.finished(parts)
    cluster.check_complete(result)
    return result


def call_to_file(
    work: Work, client: Any, output: str | os.PathLike[str], gvcf: bool, progress: Progress | None
) -> Written:
    """The file of :func:`genolab.call.call_to_file`, tile by tile on the workers of a client."""
    kept = io.KeptTiles(output, _about(work, gvcf))
    cluster = Cluster(client, "call_to_file", "calling", progress, kept)

    def parts() -> Iterator[Part]:
        for tile, found in cluster.map(_packed_part_of, (work.plan, gvcf), _tiles(work)):
            part, agreement, notices = unpacked(found)
            work.heed(tile.value, agreement, notices)
            yield part

    with cluster.working():
        done = written(work, output, gvcf, parts(), lambda: [f"##genolabMissing={name}" for name, _ in cluster.missing])
    cluster.check_complete(done)
    return done


def _tiles(work: Work) -> list[Tile[Region]]:
    total = sum(each.length for each in work.tiles)
    return [Tile(str(each), each.length / total, each) for each in work.tiles]


def _about(work: Work, gvcf: bool) -> dict[str, Any]:
    """What the tiles of a file depend on."""
    plan = work.plan
    paths = sorted({plan.reference, *(path for _, path, _ in plan.members)})
    return {
        "files": {str(path): io.digest(path) for path in paths},
        "samples": [(name, str(path), in_file) for name, path, in_file in plan.members],
        "gvcf": gvcf,
        "prior": [str(plan.prior.ploidies), plan.prior.parents, plan.prior.inbreeding, plan.prior.de_novo_rate],
        "thresholds": asdict(plan.thresholds),
        "backend": plan.backend,
        "error_model": None if plan.error_model is None else plan.error_model.provenance,
        "names": dict(plan.names),
    }


def _calls_of(plan: Plan, tile: Region) -> Called:
    with ExitStack() as stack:
        found = plan.opened(stack).call(tile)
        return Called(without_reads(found.calls), found.agreement, found.notices)


def _packed_part_of(shared: tuple[Plan, bool], tile: Region) -> bytes:
    plan, gvcf = shared
    with ExitStack() as stack:
        found = plan.opened(stack).call(tile)
        return packed(part_of(found.calls, plan, gvcf), found.agreement, found.notices)


def packed(part: Part, agreement: np.ndarray, notices: tuple[str, ...]) -> bytes:
    """A part and what was noticed on the way, as compressed JSON, which can lie on the disk."""
    held = {
        "records": part.records.to_plain(),
        "passing": part.passing,
        "between": None if part.between is None else part.between.to_plain(),
        "agreement": agreement.tolist(),
        "notices": notices,
    }
    return zlib.compress(json.dumps(held, default=lambda value: value.tolist()).encode(), 1)


def unpacked(found: bytes) -> tuple[Part, np.ndarray, tuple[str, ...]]:
    """What :func:`packed` was given."""
    held = json.loads(zlib.decompress(found))
    between = None
    if held["between"] is not None:
        from genolab.call.blocks import Stretch

        between = Stretch.from_plain(held["between"])
    part = Part(VariantRecords.from_plain(held["records"]), held["passing"], between)
    return part, np.array(held["agreement"], np.int64), tuple(held["notices"])

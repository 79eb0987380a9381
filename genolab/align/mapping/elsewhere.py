"""Mapping on a Dask cluster: batches go out with their reads, records come back in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genolab import io
from genolab.align.mapping.index import index_reference
from genolab.align.mapping.pairs import InsertSize
from genolab.align.mapping.work import Tally, Work
from genolab.io import FastqReads
from genolab.scale import Cluster, Tile

Batch = tuple[tuple[FastqReads, ...], InsertSize | None]


@dataclass(frozen=True)
class Plan:
    """How batches are mapped, with the place of the reference: each worker makes its index once."""

    reference: Path
    k: int
    w: int
    sample: str
    secondary: int
    seed: int
    threads: int

    def work(self) -> Work:
        """With the index, which the process keeps."""
        index = index_reference(self.reference, k=self.k, w=self.w)
        return Work(index, self.sample, self.secondary, self.seed, self.threads)


class Mapping:
    """The batches of one run of :func:`genolab.align.map_reads` on the workers of a client."""

    def __init__(
        self, client: Any, work: Work, output: str | os.PathLike[str], paths: tuple[Path, ...],
        insert: InsertSize | None, tell: Callable[[float, str], None],
    ) -> None:  # fmt: skip
        index = work.index
        self._plan = Plan(index.path, index.k, index.w, work.sample, work.secondary, work.seed, work.threads)
        files = {str(path): io.digest(path) for path in (*paths, index.path)}
        about = {**vars(self._plan), "threads": None, "files": files, "insert": str(insert)}
        kept = io.KeptTiles(output, about)
        self.cluster = Cluster(client, "map_reads", "mapping", lambda share, text: tell(0.95 * share, text), kept)

    def run(
        self, batches: Iterable[tuple[tuple[FastqReads, ...], float, InsertSize | None]]
    ) -> Iterator[tuple[bytes, Tally]]:
        """Records and tally of each batch, in order."""

        def tiles() -> Iterator[Tile[Batch]]:
            before = 0.0
            for found, fraction, insert in batches:
                first = found[0].first
                name = f"{'pairs' if len(found) == 2 else 'reads'} {first + 1:,} to {first + len(found[0]):,}"
                yield Tile(name, fraction - before, (found, insert))
                before = fraction

        for _, packed in self.cluster.map(map_batch, self._plan, tiles()):
            held, _ = io.model_of(packed)
            yield held.pop("records").tobytes(), Tally.from_arrays(held)


def map_batch(plan: Plan, batch: Batch) -> bytes:
    """Records and tally of a batch, packed: what a worker does."""
    from genolab.align.mapper import prepare

    prepare()
    records, tally = plan.work().map(*batch)
    return io.model_bytes({"records": np.frombuffer(records, np.uint8)} | tally.to_arrays(), {})

"""Writes that are killed: ``python faults.py KIND FOLDER KILLS SEED``; prints how they ended as JSON.

One process imports everything, and for each kill makes a copy of itself that writes two contents in turn. After the
kill the file must be the one or the other to the last byte. At last what killed writes left must go at the next one.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

import genolab.io as io
from genolab.io import cache
from genolab.io.alignment_writer import sorted_bam
from genolab.io.count_writer import write_counts
from genolab.io.json_file import write_json
from genolab.io.kept import KeptTiles
from genolab.io.records import VariantRecords
from genolab.io.sessions import read_session, write_session
from genolab.kernel import store

SIZE = 3000


def variants(path: Path, version: int) -> None:
    position = np.arange(SIZE) * 3 + version
    io.write_variants(
        VariantRecords(
            contigs={"c": 100_000}, samples=(), filters={}, info={}, format={}, contig=["c"] * SIZE, position=position,
            reference=["A"] * SIZE, alternates=[("C",)] * SIZE, quality=np.full(SIZE, 30.0), filter=[()] * SIZE,
        ),
        path,
    )  # fmt: skip


def reads(path: Path, version: int) -> None:
    import struct

    with sorted_bam(path, "@HD\tVN:1.6\n@SQ\tSN:c\tLN:100000\n", {"c": 100_000}) as write:
        for i in range(SIZE):
            name, letters = f"r{i}".encode() + b"\0", bytes([0x12 + version] * 10)
            head = struct.pack("<iiBBHHHIiii", 0, i * 3, len(name), 60, 4681, 1, 0, 20, -1, -1, 0)
            body = head + name + struct.pack("<I", 20 << 4) + letters + b"\x1e" * 20
            write(struct.pack("<i", len(body)) + body)


def table(path: Path, version: int) -> None:
    import pandas as pd

    from genolab.io.atomic import replacing
    from genolab.text import csv_of

    with replacing(path) as (beside,):
        csv_of(pd.DataFrame({"name": [f"g{i}" for i in range(SIZE)], "value": version}), path=beside)


def model(path: Path, version: int) -> None:
    io.write_model(path, {"weights": np.full(40 * SIZE, version, np.float32)}, {"kind": "test"})


def arrays(path: Path, version: int) -> None:
    """The cache's own files; the path is that of the file they are about."""
    cache.store_arrays("index", path, "x", start=np.full(20 * SIZE, version), end=np.full(SIZE, version))


def facts(path: Path, version: int) -> None:
    cache.store("look", path, {"fine": [version] * SIZE})


def program(path: Path, version: int) -> None:
    store.store(path.name, "key", bytes([version]) * 40 * SIZE)


def aligned(path: Path, version: int) -> None:
    io.write_aligned(path, ["a", "b"], ["ACGT"[version] * 9 * SIZE] * 2)


def errors(path: Path, version: int) -> None:
    write_json(path, {"rates": [version / 3] * SIZE})


def report(path: Path, version: int) -> None:
    from genolab.plots.report import Section, write

    write([Section("Calls", [f"sentence {version}"] * SIZE)], path)


def session(path: Path, version: int) -> None:
    write_session(path, {"version": version}, {"values": np.random.default_rng(version).random(SIZE)})


def counts(path: Path, version: int) -> None:
    import pandas as pd

    values = np.full((4, 10 * SIZE), version + 0.5, np.float32)
    write_counts(pd.DataFrame(values, list("abcd"), [f"g{i}" for i in range(10 * SIZE)]), path)


def tile(path: Path, version: int) -> None:
    """One finished tile; the path is that of the file that the tiles will make."""
    KeptTiles(path, {"seed": 1}).put("c:1-100", bytes([version]) * 40 * SIZE)


def index(path: Path, version: int) -> None:
    path.write_text("".join(f">{version}c{k}\nACGT\n" for k in range(SIZE)))
    io.build_index(path)


def whole(path: Path) -> bytes:
    """What is on the disk of a session: read as anyone would, so that one that is half written is refused."""
    card, kept = read_session(path)
    return repr((card["version"], kept["values"].tobytes())).encode()


WRITERS: dict[str, tuple[str, Callable[[Path, int], None], Callable[[Path], bytes]]] = {
    "vcf": ("calls.vcf", variants, Path.read_bytes),
    "vcf.gz": ("calls.vcf.gz", variants, Path.read_bytes),
    "bcf": ("calls.bcf", variants, Path.read_bytes),
    "bam": ("reads.bam", reads, Path.read_bytes),
    "csv": ("table.csv", table, Path.read_bytes),
    "aligned": ("many.fa", aligned, Path.read_bytes),
    "model": ("net.model", model, Path.read_bytes),
    "errors": ("errors.json", errors, Path.read_bytes),
    "report": ("report.html", report, Path.read_bytes),
    "index": ("ref.fa", index, lambda path: path.with_name("ref.fa.fai").read_bytes()),
    "session": ("session", session, whole),
    "counts": ("counts.csv", counts, Path.read_bytes),
    "counts.gz": ("counts.tsv.gz", counts, Path.read_bytes),
    "h5ad": ("counts.h5ad", counts, Path.read_bytes),
    "tile": ("many.vcf", tile, lambda path: next(path.parent.glob("many.vcf.tiles/*.tile")).read_bytes()),
    "npz": ("reads.bam", arrays, lambda path: cache._arrays("index", path, "x").read_bytes()),
    "facts": ("reads.bam", facts, lambda path: json.dumps(cache.load("look", path)).encode()),
    "program": ("kernel", program, lambda path: store.load(path.name, "key") or b""),
}
"""Of each kind a name, a function that writes version 0 or 1, and what then is on the disk."""
CACHED = ("npz", "facts", "program")
"""A cache that cannot be written is no error."""


def digest(state: Callable[[Path], bytes], path: Path) -> str:
    return hashlib.sha256(state(path)).hexdigest()


def main() -> None:
    kind, folder, kills, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    name, write, state = WRITERS[kind]
    path, chance = folder / name, random.Random(seed)
    os.environ["GENOLAB_CACHE"] = str(folder / "cache")
    if kind in CACHED:
        path.write_bytes(b"whatever is kept of it")
    known, took = {}, 0.0
    for version in (1, 0):
        began = time.perf_counter()
        write(path, version)
        took = time.perf_counter() - began
        known[digest(state, path)] = version
    ended: Counter[str] = Counter()
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            version = 1
            while True:
                write(path, version)
                version = 1 - version
        time.sleep(chance.uniform(0.0, 3 * took))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        ended["old or new" if digest(state, path) in known else "broken"] += 1
    for left in folder.rglob("*.tmp*"):
        os.utime(left, (0, 0))
    write(path, 1)  # what was left over does not stand in the way, and is taken away
    ended["after"] = known.get(digest(state, path), -1)
    ended["left over"] = len(list(folder.rglob("*.tmp*")))
    print(json.dumps(ended))


if __name__ == "__main__":
    main()

"""Writes that are killed: ``python faults.py KIND FOLDER KILLS SEED``; prints how they ended as JSON.

One process imports everything, and for each kill makes a copy of itself that writes two contents in turn. After the
kill the file must be the one or the other to the last byte.
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
from genolab.io.records import VariantRecords

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


WRITERS: dict[str, tuple[str, Callable[[Path, int], None]]] = {
    "vcf": ("calls.vcf", variants),
    "vcf.gz": ("calls.vcf.gz", variants),
    "bcf": ("calls.bcf", variants),
    "bam": ("reads.bam", reads),
    "csv": ("table.csv", table),
    "model": ("net.model", model),
    "npz": ("reads.bam", arrays),
}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "nothing"


def main() -> None:
    kind, folder, kills, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    name, write = WRITERS[kind]
    path, chance = folder / name, random.Random(seed)
    os.environ["GENOLAB_CACHE"] = str(folder / "cache")
    if kind == "npz":
        path.write_bytes(b"whatever these arrays are about")
    known, took = {}, 0.0
    for version in (1, 0):
        began = time.perf_counter()
        write(path, version)
        took = time.perf_counter() - began
        result = cache._arrays("index", path, "x") if kind == "npz" else path
        known[digest(result)] = version
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
        ended[{0: "old or new", 1: "old or new", None: "broken"}[known.get(digest(result))]] += 1
    write(path, 1)  # what was left over does not stand in the way
    ended["after"] = known.get(digest(result), -1)
    print(json.dumps(ended))


if __name__ == "__main__":
    main()

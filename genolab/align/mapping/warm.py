"""Every loop of the mapper run once, on the smallest reads that need it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from genolab.align.mapping import batch as work
from genolab.align.mapping import index as indexing
from genolab.align.mapping.pairs import InsertSize
from genolab.align.mapping.records import Texts, write_records
from genolab.io.fastq import FastqReads, reads_in_memory


def run_all() -> None:
    """Map two pairs, one of whose mates has to be looked for, to 500 letters."""
    draw = np.random.default_rng(1)
    text = np.frombuffer(b"ACGT", np.uint8)[draw.integers(0, 4, 500)]
    codes = np.append(work.CODES[text], np.uint8(4))
    entries, table = indexing.minimizers_in(codes, indexing.K, indexing.W)
    index = indexing.ReferenceIndex(Path("warm"), {"warm": 500}, np.zeros(1, np.int64), codes, entries, table)
    complement = np.frombuffer(bytes(range(256)).translate(bytes.maketrans(b"ACGT", b"TGCA")), np.uint8)
    forward = text[100:200].copy()
    forward[[20, 40]] = complement[forward[[20, 40]]]
    backward = complement[text[250:350]][::-1]
    poor = backward.copy()
    poor[5::11] = complement[poor[5::11]]
    first = _named(reads_in_memory(forward.tobytes() * 2, np.full(2, 100)))
    second = _named(reads_in_memory(backward.tobytes() + poor.tobytes(), np.full(2, 100)))
    batch = work.joined(first, second)
    found = work.find(batch, index, 1)
    work.inserts_of(found, 0, 1)
    placed = work.decide(found, index, 0, InsertSize.given(250, 20), 1)
    write_records(placed, index, Texts(np.frombuffer(b"warm", np.uint8), np.array([0, 4])), b"1", 1, 1)


def _named(reads: FastqReads) -> FastqReads:
    count = len(reads)
    names = np.full(count, ord("r"), np.uint8)
    return FastqReads(
        names, np.arange(count), np.ones(count, np.int64), reads.letters, reads.letters, reads.start, reads.length
    )

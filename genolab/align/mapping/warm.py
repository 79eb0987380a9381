"""Every loop of the mapper run once: together on the smallest reads that need it, or a few at a time on nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from genolab.align.mapping import bands, chains, choice, pairs, records, seeds, tags
from genolab.align.mapping import batch as work
from genolab.align.mapping import index as indexing
from genolab.align.mapping.pairs import InsertSize
from genolab.align.mapping.records import Texts, write_records
from genolab.io.fastq import FastqReads, reads_in_memory

_NONE = np.zeros(0, np.int64)
_WORDS, _CODES, _BUCKETS, _SMALL = (np.zeros(0, kind) for kind in (np.uint64, np.uint8, np.uint32, np.int16))
_ROWS = np.zeros((0, chains.COLUMNS), np.int64)
_READS = _CODES, _NONE, _NONE
_REFERENCE = _CODES, _NONE, _NONE
_TEXT = np.frombuffer(b"", np.uint8)  # as what is read from a file: not to be written


def sets_of_loops() -> dict[str, Callable[[], None]]:
    """The loops in sets that share no part, by name: each compiles its own when it is run, on no reads."""
    return {
        "choice": _choice, "chains": _chains, "records": _records, "bands": _bands, "seeds": _seeds,
        "diagonals": _diagonals,
    }  # fmt: skip


def _seeds() -> None:
    seeds.minimizers_of_all(_CODES, indexing.K, indexing.W, _WORDS)
    seeds.find_anchors(
        0, 0, *_READS, _BUCKETS, 1, _WORDS, indexing.K, indexing.W, work.MOST_HITS
    )  # fmt: skip


def _chains() -> None:
    chains.find_chains(0, 0, _NONE, _NONE, _NONE, _NONE, indexing.K)


def _diagonals() -> None:
    chains.try_diagonals(0, 0, _ROWS, *_READS, *_REFERENCE)


def _bands() -> None:
    bands.align_bands(
        _NONE, _ROWS, *_READS, *_REFERENCE, work.COSTS, _NONE, _CODES, _CODES, _SMALL, _SMALL, _CODES
    )  # fmt: skip
    choice.settle_ends(0, 0, _ROWS, *_READS, *_REFERENCE, _NONE)


def _choice() -> None:
    one, fit = np.zeros(1, np.int64), np.zeros((0, 3), np.int64)
    span = 1.0, 1.0, 1, 1
    choice.choose(0, 0, _NONE, _ROWS, _NONE, 0, _NONE, _NONE)
    pairs.pair_up(0, 0, _NONE, _ROWS, _NONE, 0, _NONE, *span, _NONE, fit)
    pairs.missing_mates(one, _ROWS, _NONE, 0, _NONE, _NONE, _NONE, 1, 1, fit, work.RESCUES)
    pairs.sure_inserts(one, _ROWS, _NONE, _NONE)
    pairs.surer_together(0, 0, _NONE, _ROWS, fit, np.zeros(0, np.bool_))


def _records() -> None:
    plan, bytes_ = np.zeros((0, 2), np.int64), np.zeros((0, 36), np.uint8)
    tags.write_tags(
        0, 0, plan, _NONE, _NONE, _NONE, _NONE, _ROWS, *_READS, *_REFERENCE[:2], _NONE, _TEXT, _NONE, _TEXT, _CODES,
        _NONE,
    )  # fmt: skip
    records.assemble(
        0, 0, plan, bytes_, _NONE, _ROWS, _CODES, _NONE, _NONE, _CODES, _CODES, _NONE, _NONE, _NONE, _CODES, _NONE,
        _NONE, _CODES,
    )  # fmt: skip
    tags.count_edits(0, 0, _ROWS, _NONE)


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

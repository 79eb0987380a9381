"""The steps of mapping, one at a time: each loop against its definition or its naive version."""

from __future__ import annotations

import made_fastq as made
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from genolab.align import Scoring, align, index_reference
from genolab.align.chaining import LOOKBACK, chain_anchors
from genolab.align.mapping import bands, warm
from genolab.align.mapping import batch as work
from genolab.align.mapping import chains as c
from genolab.align.mapping.choice import mapping_quality
from genolab.align.mapping.pairs import InsertSize
from genolab.align.mapping.seeds import PIECE, minimizers, minimizers_of_all
from genolab.errors import FileError, InputError
from genolab.io.fastq import reads_in_memory
from genolab.kernel.backends import numba_compilations

SCORING = Scoring(1, -4, 6, 1, ambiguous="mismatch")


def chains_by_hand(group, x, y, k, most_distance, most_gap):
    """The recurrence, one anchor and one predecessor at a time."""
    score, previous = [], []
    for i in range(len(group)):
        best, before = k, -1
        for j in range(i - 1, max(-1, i - LOOKBACK - 1), -1):
            along = x[i] - x[j], y[i] - y[j]
            gap = abs(along[0] - along[1])
            if group[j] == group[i] and min(along) >= 1 and max(along) <= most_distance and gap <= most_gap:
                worth = score[j] + min(k, *along) - (1 + gap // 4 if gap else 0)
                if worth > best:
                    best, before = worth, j
        score.append(best)
        previous.append(before)
    return score, previous


@st.composite
def anchors(draw, most=70):
    count = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    spread = draw(st.sampled_from([40, 200, 2000]))
    group = np.sort(rng.integers(0, draw(st.integers(1, 3)), count))
    x, y = rng.integers(0, spread, count), rng.integers(0, spread, count)
    if draw(st.booleans()):
        y = np.maximum(x + rng.integers(-6, 7, count), 0)
    order = np.lexsort((y, x, group))
    return group[order], x[order], y[order]


NUMBERS = st.tuples(st.integers(1, 16), st.sampled_from([20, 300]), st.sampled_from([0, 5, 50]))


@settings(max_examples=60)
@given(anchors(), NUMBERS)
def test_chains_equal_the_recurrence_by_hand(made_anchors, numbers):
    found = chain_anchors(*made_anchors, *numbers)
    score, previous = chains_by_hand(*(each.tolist() for each in made_anchors), *numbers)
    assert found.score.tolist() == score
    assert found.previous.tolist() == previous


@settings(max_examples=5, phases=[Phase.generate])  # the definition takes a second for twenty anchors
@given(anchors(20), NUMBERS)
def test_chains_equal_their_definition(made_anchors, numbers):
    loop, definition = chain_anchors(*made_anchors, *numbers), chain_anchors.definition(*made_anchors, *numbers)
    assert loop.score.tolist() == definition.score.tolist()
    assert loop.previous.tolist() == definition.previous.tolist()


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 80), st.integers(2, 16))
def test_one_diagonal_in_one_sweep(seed, count, k):
    rng = np.random.default_rng(seed)
    y = np.unique(rng.integers(0, 300, count))
    group, x = np.zeros(y.size, np.int64), y + 1000
    some, others = [[np.empty(y.size, np.int64) for _ in range(2)] for _ in range(2)]
    assert c.chain_of_one(group, x, y, y.size, k, 500, *some)
    c.chain_loop(group, x, y, y.size, k, 500, 50, *others)
    assert some[0].tolist() == others[0].tolist()


def minimizers_by_hand(codes, k, w):
    """Of every window of ``w`` k-mers the least hash; places and strands."""

    def mixed(x):
        x = ((x ^ (x >> 16)) * 0x7FEB352D) % 2**32
        x = ((x ^ (x >> 15)) * 0x846CA68B) % 2**32
        return x ^ (x >> 16)

    values = []
    for at in range(len(codes) - k + 1):
        kmer = [int(code) for code in codes[at : at + k]]
        if max(kmer) > 3:
            values.append(None)
            continue
        forward = sum(code * 4 ** (k - 1 - i) for i, code in enumerate(kmer))
        backward = sum((3 - code) * 4**i for i, code in enumerate(kmer))
        strand = int(backward < forward)
        values.append(None if forward == backward else (mixed(min(forward, backward)), 2 * at + strand))
    found = []
    for at in range(len(values) - w + 1):
        window = [value for value in values[at : at + w] if value is not None]
        if window and (not found or min(window) != found[-1]):
            found.append(min(window))
    return [(value << 32) + place for value, place in found]


@settings(max_examples=60)
@given(st.text("ACGTN", max_size=80) | st.text("AC", max_size=80), st.integers(2, 16), st.integers(1, 9))
def test_minimizers_are_the_least_of_every_window(text, k, w):
    codes = work.CODES[np.frombuffer(text.encode(), np.uint8)]
    values, found = np.empty(codes.size + 1, np.uint64), np.empty(codes.size + 1, np.uint64)
    count = minimizers(codes, 0, codes.size, k, w, values, found)
    assert found[:count].tolist() == minimizers_by_hand(codes, k, w)


def test_minimizers_piece_by_piece_are_those_of_the_whole():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, 2 * PIECE + 1000).astype(np.uint8)
    whole, values, pieces = (np.empty(codes.size, np.uint64) for _ in range(3))
    count = minimizers(codes, 0, codes.size, 15, 8, values, whole)
    assert minimizers_of_all(codes, 15, 8, pieces) == count
    assert pieces[:count].tolist() == whole[:count].tolist()
    assert minimizers_of_all(codes, 15, 8, pieces[:10]) == -1


def found_in(tmp_path, reads, **contigs):
    index = index_reference(made.write_fasta(tmp_path / "ref.fa", **contigs))
    text = "".join(reads).encode()
    batch = work.Batch(reads_in_memory(text, np.fromiter(map(len, reads), np.int64, len(reads))))
    return work.find(batch, index, 1), index


def test_bands_are_what_align_computes(tmp_path):
    """The same scores, ends and CIGARs as mode local of the same band, for reads of many lengths and errors."""
    contig = made.letters(3000, 5)
    reads = []
    for length, wrong in ((40, 0.05), (90, 0.05), (150, 0.1), (151, 0.03)):
        reads += made.simulated({"c": contig}, 20, length, seed=length, wrong=wrong)[0].values()
    reads += [read[:40] + read[48:100] + "ACCA" + read[100:] for read in reads[-20:]]
    found, index = found_in(tmp_path, reads, c=contig)
    rows = found.candidates[found.candidates[:, c.GAPPED] > 0]
    assert len(rows) > 60
    inside = (rows[:, c.FIRST] >= 0) & (rows[:, c.FIRST] + 250 < 3000)
    rows = rows[inside]
    reads_there = found.batch.reads
    queries, targets, slots = [], [], []
    for row in rows:
        start, size = reads_there.start[row[c.READ]], reads_there.length[row[c.READ]]
        own = found.codes[start : start + size]
        queries.append((3 - own[::-1]).astype(np.uint8) if row[c.STRAND] else own)
        targets.append(index.codes[row[c.FIRST] : row[c.FIRST] + size + row[c.SLOTS] - 1])
        slots.append(row[c.SLOTS])
    again, operations = rows.copy(), np.empty(len(rows) * 100, np.int64)
    again[:, c.OPERATIONS] = np.arange(len(rows)) * 100
    lanes, longest, wide = bands.LANES, 200, max(slots)
    bands.align_bands(
        np.argsort(again[:, c.SLOTS], kind="stable"), again, found.codes, reads_there.start, reads_there.length,
        index.codes, index.starts, index.lengths, work.COSTS, operations, np.empty(longest * lanes, np.uint8),
        np.empty((longest + wide) * lanes, np.uint8), np.empty((wide + 1) * lanes, np.int16),
        np.empty((wide + 1) * lanes, np.int16), np.empty(longest * wide * lanes, np.uint8),
    )  # fmt: skip
    expected = align(queries, targets, mode="local", band=0, scoring=SCORING, traceback=True, cigar="M")
    assert again[:, c.SCORE].tolist() == expected.scores.tolist()
    assert again[:, c.READ_END].tolist() == expected.query_end.tolist()
    assert (again[:, c.START] - again[:, c.FIRST]).tolist() == expected.target_start.tolist()
    cigars = [
        "".join(f"{run >> 4}{'MID'[run & 15]}" for run in operations[at : at + count].tolist())
        for at, count in zip(again[:, c.OPERATIONS].tolist(), again[:, c.COUNT].tolist(), strict=True)
    ]
    assert cigars == expected.cigars


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.booleans())
def test_a_single_difference_needs_no_band(tmp_path_factory, seed, reverse):
    """What is told apart by counting differences is what local alignment finds."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, 60).astype(np.uint8)
    read = codes.copy()
    read[rng.integers(0, 60)] = rng.integers(0, 5)
    given_read = np.where(read[::-1] < 4, 3 - read[::-1], 4).astype(np.uint8) if reverse else read
    row = np.zeros(c.COLUMNS, np.int64)
    different = c.differences(given_read, 0, 60, int(reverse), codes, 0)
    assert different == (read != codes).sum() <= 1
    c.along_diagonal(given_read, 0, 60, int(reverse), codes, 0, different, row)
    found = align(read, codes, mode="local", scoring=SCORING, traceback=True)
    assert row[c.SCORE] == found.scores[0]
    assert (row[c.READ_START], row[c.READ_END]) == (found.query_start[0], found.query_end[0])


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.sampled_from(["ACGT", "ACGT", "AC", "AAAC"]), st.booleans(), st.booleans())
def test_two_differences_are_seen_through_only_where_nothing_is_better(seed, letters, reverse, gapped):
    rng = np.random.default_rng(seed)
    codes = work.CODES[np.frombuffer("".join(rng.choice(list(letters), 120)).encode(), np.uint8)]
    read = codes[20:100].copy()
    if gapped:  # a gap and an even number of letters, so that few differences are left near an end
        cut, size = rng.integers(60, 78), rng.integers(1, 4)
        read = np.concatenate([codes[20:cut], codes[cut + size : 100 + size]])
    else:
        read[rng.choice(80, 2, replace=False)] ^= 1
    given_read = (3 - read[::-1]).astype(np.uint8) if reverse else read
    if c.differences(given_read, 0, read.size, int(reverse), codes, 20) != 2:
        return
    if c.two_are_best(given_read, 0, read.size, int(reverse), codes, 20):
        found = align(read, codes[20 - 15 : 20 + read.size + 15], mode="local", band=0, scoring=SCORING)
        assert found.scores[0] == read.size - 10


def test_quality_grows_with_the_lead_and_falls_with_company():
    alone = mapping_quality(150, 0, 0, 150)
    leads = [mapping_quality(150, second, 1, 150) for second in (150, 145, 140, 130, 100)]
    assert alone == 60
    assert leads[0] == 0
    assert leads == sorted(leads)
    assert leads[1] >= 10
    assert mapping_quality(150, 140, 3, 150) < mapping_quality(150, 140, 1, 150)
    assert mapping_quality(30, 0, 0, 30) > mapping_quality(30, 25, 1, 30)


def test_the_insert_size_is_that_of_most_pairs():
    rng = np.random.default_rng(2)
    inserts = np.append(rng.normal(400, 40, 500), [9000, 8000, 20]).astype(np.int64)
    found = InsertSize.estimated(inserts, 1.0)
    assert found.mean == pytest.approx(400, abs=6)
    assert found.deviation == pytest.approx(40, abs=5)
    assert found.low < 280
    assert 520 < found.high < 700
    assert InsertSize.estimated(inserts[:5], 1.0) is None


def test_the_index_is_kept_in_memory_and_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path / "cache"))
    path = made.write_fasta(tmp_path / "ref.fa", a=made.letters(500, 1), b=made.letters(300, 2))
    first = index_reference(path, cache=True)
    assert index_reference(path) is first
    other = index_reference(path, k=12)
    assert other.k == 12
    again = index_reference(path, cache=True)
    assert again is not first
    assert again.entries.tolist() == first.entries.tolist()
    assert again.table.tolist() == first.table.tolist()
    (kept,) = (tmp_path / "cache" / "minimizers").iterdir()
    kept.write_bytes(b"damaged")
    index_reference(path, k=12)
    assert index_reference(path, cache=True).entries.tolist() == first.entries.tolist()
    made.write_fasta(path, a=made.letters(600, 3))
    assert index_reference(path).contigs == {"a": 600}


def test_the_index_refuses_what_it_cannot_do(tmp_path):
    path = made.write_fasta(tmp_path / "ref.fa", a=made.letters(500, 1))
    for name, value in (("k", 17), ("k", 7), ("w", 0), ("w", 2.5)):
        with pytest.raises(InputError, match=f"`{name}`"):
            index_reference(path, **{name: value})
    with pytest.raises(FileError, match="found none"):
        index_reference(made.write_fasta(tmp_path / "empty.fa", a=""))
    assert "nothing can be mapped" in index_reference(made.write_fasta(tmp_path / "n.fa", a="N" * 50)).notices[-1]


def test_the_sets_of_loops_that_warmup_compiles_are_all_that_mapping_needs():
    for run in warm.sets_of_loops().values():
        run()
    with numba_compilations("numba") as compilations:
        warm.run_all()
    assert not compilations

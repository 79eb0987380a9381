"""Which base of which fragment is evidence at a position, against reads walked one base at a time."""

from __future__ import annotations

import tempfile
from pathlib import Path

import naive
import numpy as np
import pytest
from ascii_reads import draw
from hypothesis import given, settings
from hypothesis import strategies as st
from made_reads import pileup_of, simple

from genolab.call.pileup import REASONS, USED, Pileup
from genolab.call.thresholds import Thresholds

REFERENCE = "ACGTNACGTACGTTGC"
FLAGS = [0, 0, 0, 0x10, 0x41, 0x81, 0x91, 0x100, 0x200, 0x400, 0x800, 0x4 | 0x100]


@st.composite
def one_read(draw):
    """A read with any CIGAR operation, flag and quality, inside the reference."""
    core = [(draw(st.integers(1, 3)), draw(st.sampled_from("M=X")))]
    for _ in range(draw(st.integers(0, 3))):
        core.append((draw(st.integers(1, 2)), draw(st.sampled_from("IDNPM=X"))))
    core.append((draw(st.integers(1, 2)), draw(st.sampled_from("M=X"))))
    ends = [[], [(1, "S")], [(2, "H")], [(2, "H"), (1, "S")]]
    cigar = [*draw(st.sampled_from(ends)), *core, *draw(st.sampled_from(ends))[::-1]]
    span = sum(length for length, operation in cigar if operation in "MDN=X")
    size = sum(length for length, operation in cigar if operation in "MIS=X")
    position = draw(st.integers(0, max(len(REFERENCE) - span, 0)))
    bases = "".join(draw(st.lists(st.sampled_from("AACCGGTTN"), min_size=size, max_size=size)))
    qualities = draw(st.lists(st.sampled_from([2, 9, 10, 20, 30, 30, 41]), min_size=size, max_size=size))
    kind = draw(st.sampled_from(["whole", "whole", "whole", "without qualities", "without bases"]))
    bases, qualities = ("", []) if kind == "without bases" else (bases, qualities if kind == "whole" else [])
    if span > len(REFERENCE):
        cigar, bases, qualities = [(2, "M")], "AC", [30, 30]
    mapping_quality = draw(st.sampled_from([0, 19, 20, 60, 60, 255]))
    # one base of quality 9 would read as "*"; it is the text's own ambiguity
    if qualities == [9]:
        qualities = [10]
    return naive.Read("", draw(st.sampled_from(FLAGS)), position, mapping_quality, cigar, bases, qualities)


@st.composite
def some_reads(draw):
    """Sorted reads; at most two share a name."""
    reads = draw(st.lists(one_read(), max_size=8))
    names = [f"f{draw(st.integers(0, 1)) + 2 * (number // 2)}" for number in range(len(reads))]
    named = [read._replace(name=name) for read, name in zip(reads, names, strict=True)]
    return sorted(named, key=lambda read: read.position)


limits = st.sampled_from([(10, 20), (0, 0), (20, 20), (30, 60)])


@given(reads=some_reads(), limits=limits, region=st.sampled_from([None, (0, 5), (3, 11), (7, 8)]))
@settings(max_examples=150)
def test_pileup_is_the_naive_walk(reads, limits, region):
    reads = [read for read in reads if not read.flag & 0x4]
    thresholds = Thresholds(min_base_quality=limits[0], min_mapping_quality=limits[1])
    start, end = region or (0, len(REFERENCE))
    with tempfile.TemporaryDirectory() as folder:
        pileup = pileup_of(reads, REFERENCE, Path(folder), region)
    spans = [max(sum(size for size, each in read.cigar if each in "MDN=X"), 1) for read in reads]
    inside = [read.position < end and read.position + span > start for read, span in zip(reads, spans, strict=True)]
    number_in_file = np.flatnonzero(inside).tolist()
    counts = np.zeros((end - start, 4), np.int64)
    for position in range(start, end):
        for number, read in enumerate(reads):
            shown = naive.walk(read, number).get(position)
            mapped = 20 if read.mapping_quality == 255 else read.mapping_quality
            usable = not any(read.flag & flag for flag, _ in naive.EXCLUDED) and mapped >= limits[1]
            if shown and usable and shown.quality >= limits[0] and shown.base in "ACGT":
                counts[position - start, "ACGT".index(shown.base)] += 1
    np.testing.assert_array_equal(pileup.counts(thresholds), counts)

    sites = np.arange(start, end)
    seen = pileup.observe(sites, thresholds)
    assert (np.lexsort((seen.read, seen.site)) == np.arange(seen.site.size)).all()
    for position in range(start, end):
        expected = naive.pile(reads, position, *limits)
        here = seen.where(seen.site == position - start)
        found_reasons = {
            number_in_file[r]: REASONS[c] for r, c in zip(here.read, here.reason, strict=True) if c != USED
        }
        assert found_reasons == expected.reasons
        used = here.used
        found = sorted(
            (number_in_file[read], "ACGT"[base], int(quality), int(distance))
            for read, base, quality, distance in zip(
                used.read, used.base, used.base_quality, used.end_distance, strict=True
            )
        )
        assert found == sorted(tuple(base) for base in expected.used.values())
        for read, reverse in zip(used.read, used.reverse, strict=True):
            assert reverse == bool(reads[number_in_file[read]].flag & 0x10)


@given(reads=some_reads(), sites=st.sets(st.integers(0, len(REFERENCE) - 1)))
def test_sites_asked_for_one_by_one_or_together_are_the_same(reads, sites):
    reads = [read for read in reads if not read.flag & 0x4]
    with tempfile.TemporaryDirectory() as folder:
        pileup = pileup_of(reads, REFERENCE, Path(folder))
    together = pileup.observe(np.array(sorted(sites), np.int64), Thresholds())
    for at, site in enumerate(sorted(sites)):
        alone, among = pileup.observe(np.array([site]), Thresholds()), together.where(together.site == at)
        for name in ("read", "base", "base_quality", "reason"):
            np.testing.assert_array_equal(getattr(alone, name), getattr(among, name))


def drawn(picture: str, tmp_path: Path) -> Pileup:
    """A pileup of reads drawn under a reference."""
    seen = draw(picture)
    reads = [
        naive.Read(read.name, read.flag, read.position, read.mapping_quality, _operations(read.cigar), read.sequence,
                   read.qualities)
        for read in sorted(seen.reads, key=lambda read: read.position)
    ]  # fmt: skip
    return pileup_of(reads, seen.reference, tmp_path)


def _operations(cigar: str) -> list[tuple[int, str]]:
    import re

    return [(int(length), operation) for length, operation in re.findall(r"(\d+)(\D)", cigar)]


def bases_at(pileup: Pileup, position: int) -> str:
    used = pileup.observe(np.array([position]), Thresholds()).used
    return "".join("ACGT"[base] for base in sorted(used.base))


def reasons_at(pileup: Pileup, position: int) -> list[str]:
    seen = pileup.observe(np.array([position]), Thresholds())
    return [REASONS[code] for code in seen.reason if code]


def test_reads_as_drawn(tmp_path):
    pileup = drawn(
        """
        ACGTAC--GTACGTACGT
        ..T...  ..
         ,,,,,ag,,--,,
          [TT]....   ....... | mapq=9
            ,c   ....        | duplicate
        """,
        tmp_path,
    )
    assert bases_at(pileup, 2) == "GT"
    assert bases_at(pileup, 8) == ""  # deleted in one read; the other lies on a badly mapped fragment
    assert reasons_at(pileup, 5) == ["mapping quality too low", "duplicate"]
    first = pileup.observe(np.array([6]), Thresholds()).used
    assert first.end_distance.tolist() == [1, 3]  # the inserted AG counts in the read, not on the reference


def test_overlapping_mates_count_once(tmp_path):
    reads = [
        simple("agree", 0, "ACGT", 20, 0x41),
        simple("agree", 0, "ACGT", 30, 0x91),
        simple("differ", 0, "ACGT", 35, 0x41),
        simple("differ", 0, "TCGT", 12, 0x91),
        simple("even", 0, "ACGT", 30, 0x41),
        simple("even", 0, "GCGT", 30, 0x91),
    ]
    used = pileup_of(reads, "ACGT", tmp_path).observe(np.array([0]), Thresholds()).used
    assert used.base.tolist() == [0, 0]
    assert used.base_quality.tolist() == [30, 23]
    assert used.reverse.tolist() == [True, False]


def test_mates_that_agree_equally_well_count_as_the_first_whatever_their_order(tmp_path):
    mates = [simple("pair", 0, "ACGT", 30, 0x41), simple("pair", 0, "ACGT", 30, 0x91)]
    for order in (mates, mates[::-1]):
        assert not pileup_of(order, "ACGT", tmp_path).observe(np.array([0]), Thresholds()).used.reverse.any()


def test_reads_without_a_name_are_no_mates(tmp_path):
    pileup = pileup_of([simple("*", 0, "ACGT"), simple("*", 0, "ACGT")], "ACGT", tmp_path)
    assert bases_at(pileup, 0) == "AA"


def test_nothing_there(tmp_path):
    pileup = pileup_of([], "ACGT", tmp_path)
    assert not pileup.counts(Thresholds()).any()
    assert pileup.observe(np.arange(4), Thresholds()).site.size == 0
    some = pileup_of([simple("a", 0, "AC")], "ACGT", tmp_path)
    assert some.observe(np.array([], np.int64), Thresholds()).site.size == 0


def test_an_all_unknown_reference_still_has_counts(tmp_path):
    pileup = pileup_of([simple("a", 0, "ACGT")], "NNNN", tmp_path)
    np.testing.assert_array_equal(pileup.counts(Thresholds()), np.eye(4))


@pytest.mark.parametrize("piece", [1, 7, 40, 10_000])
def test_counts_in_pieces_of_any_size(piece, tmp_path, monkeypatch):
    random = np.random.default_rng(4)
    reference = "".join(random.choice(list("ACGT"), 300))
    starts = np.sort(random.integers(0, 250, 40))
    long = naive.Read("long", 0, 0, 60, [(20, "M"), (200, "N"), (20, "M")], "ACGT" * 10, [30] * 40)
    reads = [long, *(simple(f"r{at}", int(at), reference[at : at + 50]) for at in starts)]
    pileup = pileup_of(reads, reference, tmp_path, (5, 290))
    expected = pileup.counts(Thresholds())
    monkeypatch.setattr("genolab.call.pileup._PIECE", piece)
    np.testing.assert_array_equal(pileup.counts(Thresholds()), expected)
    assert expected.sum() > 1_000

"""Counts that follow the sliders equal counts made anew."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genolab as gl
from genolab.call import Thresholds, filters, genotype, genotyping, tally, windows
from genolab.call.evidence import Evidence, collect
from genolab.call.genotyping import assess, screen
from genolab.call.tally import Tally

MOVES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    example = gl.data.example("phage")
    return collect(example.reads, example.reference, "NC_001416.1:1,001-2,400")


@settings(deadline=None, max_examples=40)
@given(moves=MOVES)
def test_it_counts_what_the_pileup_counts(evidence: Evidence, moves: list[tuple[int, int]]) -> None:
    kept = Tally(evidence.pileup)
    for base_quality, mapping_quality in moves:
        thresholds = Thresholds(min_base_quality=base_quality, min_mapping_quality=mapping_quality)
        before = kept.counts(thresholds)
        held = before.copy()
        np.testing.assert_array_equal(before, evidence.pileup.counts(thresholds))
        kept.counts(Thresholds(min_base_quality=7, min_mapping_quality=3))
        np.testing.assert_array_equal(before, held)  # what was given out does not change


def test_a_deep_region_is_counted_anew(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MOST_BASES", 10)
    thresholds = Thresholds(min_base_quality=30)
    np.testing.assert_array_equal(Tally(evidence.pileup).counts(thresholds), evidence.pileup.counts(thresholds))


@pytest.mark.parametrize("name", [each.name for each in fields(Thresholds)])
def test_what_was_judged_is_kept_only_where_the_threshold_is_a_filters(evidence: Evidence, name: str) -> None:
    about = next(each for each in fields(Thresholds) if each.name == name)
    start = Thresholds()
    value = about.default + about.metadata["step"] * (3 if about.default < about.metadata["high"] else -3)
    moved = replace(start, **{name: value})
    sites = screen(evidence, start).sites
    assert sites.size
    genotype(evidence, start)
    again = genotype(evidence, moved)
    fresh = genotype(replace(evidence, _kept={}, aligned={}), moved)
    np.testing.assert_array_equal(again.position, fresh.position)
    assert again.filters == fresh.filters
    for column in fresh.columns:
        np.testing.assert_array_equal(again.columns[column], fresh.columns[column])
    if name in filters.THRESHOLDS:
        before, after = assess(evidence, sites, start), assess(evidence, sites, moved)
        for column in before.columns:
            np.testing.assert_array_equal(before.columns[column], after.columns[column])


def test_reads_are_aligned_to_haplotypes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    example = gl.data.example("phage")
    evidence = collect(example.reads, example.reference, "NC_001416.1:32,301-32,500")  # over an indel, in a repeat
    screened, mapping, asked = screen(evidence, Thresholds()), evidence.wide.mapping_quality, []

    def counted(members, *given):  # type: ignore[no-untyped-def]
        asked.append(sum(len(each.reads.read) for each in members))
        return align(members, *given)

    align = windows._align
    monkeypatch.setattr(windows, "_align", counted)
    for least in (20, 61, 5, 8, 0, 60):
        again = windows.realign(screened.windows, evidence.wide, screened.reference, least, evidence.aligned)
        fresh = windows.realign(screened.windows, evidence.wide, screened.reference, least, {})
        for one, other in zip(again, fresh, strict=True):
            assert (mapping[one.reads.read] >= least).all()
            np.testing.assert_array_equal(one.reads.read, other.reads.read)
            np.testing.assert_array_equal(one.by_read, other.by_read)
    kept, anew = asked[::2], asked[1::2]
    assert anew[1] == 0 < anew[0] == anew[5] < anew[3] < anew[2] < anew[4]
    assert kept == [anew[0], 0, anew[2] - anew[0], 0, anew[4] - anew[2], 0]


def test_a_moved_mapping_quality_judges_only_what_it_touches(monkeypatch: pytest.MonkeyPatch) -> None:
    example = gl.data.example("phage")
    evidence = collect(example.reads, example.reference, "NC_001416.1:31,001-34,000")
    asked = []

    def counted(evidence, sites, *given):  # type: ignore[no-untyped-def]
        asked.append(sites.size)
        return judged(evidence, sites, *given)

    judged = genotyping.assess
    monkeypatch.setattr(genotyping, "assess", counted)
    for least in (10, 7, 8, 0, 60, 3, 20):
        moved = Thresholds(min_mapping_quality=least)
        again, fresh = genotype(evidence, moved), genotype(replace(evidence, _kept={}, aligned={}), moved)
        assert again.to_frame().equals(fresh.to_frame())
        assert again.forward == fresh.forward
        assert again.reverse == fresh.reverse
        for one, other in zip(again.log10_likelihood, fresh.log10_likelihood, strict=True):
            np.testing.assert_array_equal(one, other)  # to the last bit
        for column in fresh.columns:
            np.testing.assert_array_equal(again.columns[column], fresh.columns[column])
    kept, anew = asked[::2], asked[1::2]
    assert kept[0] == anew[0]
    assert all(some <= all_ for some, all_ in zip(kept, anew, strict=True))
    assert 0 < sum(kept[1:4]) < sum(anew[1:4])

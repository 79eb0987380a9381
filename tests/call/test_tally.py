"""Counts that follow the sliders equal counts made anew."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genolab as gl
from genolab.call import Thresholds, filters, genotype, tally
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

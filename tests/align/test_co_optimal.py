"""All best alignments of a pair, against every alignment written down."""

from __future__ import annotations

import math

import naive_align as naive
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_pairwise import ends_of, problems, scorer

from genolab.align import Scoring, align
from genolab.align.aligner import MODES
from genolab.errors import InputError


def every_alignment(query, target, score, gap_cost, free_ends):
    """``{(cigar, query start, query end, target start, target end): score}`` of all; the empty one once."""
    m, n = len(query), len(target)
    query_start, query_end, target_start, target_end, begins, stops = free_ends
    found = {}

    def extend(i, j, steps, origin, total):
        if stops or (i == m and (j == n or target_end)) or (j == n and query_end):
            cigar = "".join(f"{length}{operation}" for operation, length in steps)
            place = (cigar, origin[0], i, origin[1], j) if steps else ("",)
            found[place] = total - sum(gap_cost(length) for operation, length in steps if operation in "ID")
        for operation, di, dj in (("P", 1, 1), ("I", 1, 0), ("D", 0, 1)):
            if i + di > m or j + dj > n:
                continue
            added = score(query[i], target[j]) if operation == "P" else 0
            name = operation if operation != "P" else "=" if query[i] == target[j] else "X"
            same = bool(steps) and steps[-1][0] == name
            before, length = (steps[:-1], steps[-1][1]) if same else (steps, 0)
            extend(i + di, j + dj, [*before, (name, length + 1)], origin, total + added)

    for i in range(m + 1):
        for j in range(n + 1):
            if begins or (i == 0 and (j == 0 or target_start)) or (j == 0 and query_start):
                extend(i, j, [], (i, j), 0)
    return found


@settings(max_examples=40, deadline=None)
@given(problems(count=st.just(1)), st.data())
def test_they_are_all_the_best_and_in_order(problem, data):
    (pair,), scoring, mode, ends = problem
    longest = 4 if mode == "global" else 3
    query, target = pair[0][:longest], pair[1][:longest]
    result = align(query, target, mode=mode, scoring=scoring, free_ends=ends, traceback=True, allow_empty=True)
    everything = every_alignment(query, target, scorer(scoring), scoring.gap_cost, ends_of(mode, ends))
    best = max(everything.values())
    expected = {place for place, score in everything.items() if score == best}
    assert result.scores[0] == best
    found = list(result.co_optimal(0))
    places = [tuple(each) if each.cigar else ("",) for each in found]
    assert len(set(places)) == len(places)
    assert set(places) == expected
    assert result.co_optimal_count(0) == len(expected)
    assert [(each.target_end, each.query_end) for each in found] == sorted(
        (each.target_end, each.query_end) for each in found
    )
    if scoring.second_gap is None:
        reported = (
            result.cigars[0], result.query_start[0], result.query_end[0], result.target_start[0], result.target_end[0]
        )  # fmt: skip
        assert tuple(found[0]) == reported
    limit = data.draw(st.integers(0, 3))
    assert list(result.co_optimal(0, limit=limit)) == found[:limit]


@settings(max_examples=25, deadline=None)
@given(problems(count=st.just(2)), st.sampled_from([None, 0, 2]))
def test_longer_ones_are_worth_the_best_score_within_the_band(problem, band):
    pairs, scoring, mode, ends = problem
    queries, targets = map(list, zip(*pairs, strict=True))
    result = align(
        queries, targets, mode=mode, scoring=scoring, free_ends=ends, band=band, traceback=True, allow_empty=True
    )
    for number, (query, target) in enumerate(pairs):
        for place, each in enumerate(result.co_optimal(number, limit=20)):
            ours, theirs = query[each.query_start : each.query_end], target[each.target_start : each.target_end]
            worth = naive.rescore(each.cigar, ours, theirs, scorer(scoring), scoring.gap_cost)
            assert worth == result.scores[number]
            if place == 0 and scoring.second_gap is None:
                assert each.cigar == result.cigars[number]


def test_the_count_is_right_where_it_is_too_large_to_list():
    """With gaps that cost nothing to open, 60 letters alone of 120 may stand anywhere: the choose of both."""
    result = align("A" * 120, "A" * 60, scoring=Scoring(match=1, mismatch=0, gap_open=0, gap_extend=1))
    assert result.co_optimal_count() == pytest.approx(math.comb(120, 60), rel=1e-12)
    assert len(list(result.co_optimal(limit=50))) == 50
    assert len({each.cigar for each in result.co_optimal(limit=50)}) == 50


@pytest.mark.parametrize("mode", MODES)
def test_m_stays_m_and_x_drop_is_kept(mode):
    options = {"x_drop": 3} if mode == "extension" else {}
    result = align("ACGTTTTGGA", "ACGTTTGGA", mode=mode, traceback=True, cigar="M", **options)
    found = list(result.co_optimal())
    assert found[0].cigar == result.cigars[0]
    assert all(set(each.cigar) <= set("0123456789MID") for each in found)
    assert result.co_optimal_count() == len(found)


def test_refusals_name_the_input():
    result = align("ACGT", "ACT")
    for arguments, word in (((3,), "number"), ((0, -1), "limit"), ((0, "all"), "limit")):
        with pytest.raises(InputError, match=f"`{word}`"):
            result.co_optimal(*arguments)
    with pytest.raises(InputError, match="cells"):
        align("A" * 5000, "A" * 5000).co_optimal_count()

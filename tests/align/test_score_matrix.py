"""The matrix of one pair: the loop, the definition and the naive version agree; every best alignment is found once."""

from __future__ import annotations

import random
from itertools import islice
from math import comb

import naive_align as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_co_optimal import every_alignment

from genolab.align import Scoring, align, fill_matrix
from genolab.align.aligner import END_NAMES, MODES
from genolab.align.cells import alignment_matrix
from genolab.align.pairwise import LOW
from genolab.align.score_matrix import window_of
from genolab.errors import InputError

scorings = st.one_of(
    st.builds(
        Scoring,
        match=st.integers(1, 3),
        mismatch=st.integers(-3, 0),
        gap_open=st.integers(0, 4),
        gap_extend=st.integers(0, 2),
        second_gap=st.none() | st.tuples(st.integers(0, 6), st.integers(0, 1)),
    ),
    st.builds(Scoring, matrix=st.just("BLOSUM62"), gap_open=st.integers(0, 8), gap_extend=st.integers(0, 2)),
)


@st.composite
def problems(draw, longest=9):
    scoring = draw(scorings)
    letters = draw(st.sampled_from(["ACGT", "AC"])) if scoring.matrix is None else "ARNDCQW"
    rng = random.Random(draw(st.integers(0, 2**32)))
    query, target = ("".join(rng.choices(letters, k=rng.randint(1, longest))) for _ in "qt")
    mode = draw(st.sampled_from(list(MODES)))
    ends = draw(st.none() | st.lists(st.sampled_from(END_NAMES), unique=True)) if mode == "global" else None
    return query, target, mode, scoring, ends


def scorer(scoring):
    letters, table = scoring.alphabet.letters, scoring.table
    return lambda a, b: int(table[letters.index(a), letters.index(b)])


def free_of(mode, ends):
    return naive.FREE_ENDS[mode] if ends is None else (*(name in ends for name in END_NAMES), False, False)


@settings(max_examples=50)
@given(problems())
def test_every_cell_equals_the_naive_definition(problem):
    query, target, mode, scoring, ends = problem
    made = fill_matrix(query, target, mode=mode, scoring=scoring, free_ends=ends)
    expected = naive.matrix(query, target, scorer(scoring), scoring.gap_cost, free_of(mode, ends))
    assert made.H.tolist() == expected
    assert made.best == align(query, target, mode=mode, scoring=scoring, free_ends=ends).scores[0]


@settings(max_examples=60)
@given(problems(longest=4))
def test_every_best_alignment_is_found_once_and_the_first_is_aligns_own(problem):
    query, target, mode, scoring, ends = problem
    made = fill_matrix(query, target, mode=mode, scoring=scoring, free_ends=ends)
    every = every_alignment(query, target, scorer(scoring), scoring.gap_cost, free_of(mode, ends))
    best = max(every.values())
    assert made.best == best
    found = [(path.cigar, path.row[0], path.row[-1], path.column[0], path.column[-1]) for path in made.paths()]
    places = [place if place[0] else ("",) for place in found]
    assert len(set(places)) == len(places) == made.count
    assert set(places) == {place for place, score in every.items() if score == best}
    one = align(query, target, mode=mode, scoring=scoring, free_ends=ends, traceback=True)
    assert found[0][0] == one.cigars[0]
    if one.cigars[0]:
        assert found[0][1:] == (one.query_start[0], one.query_end[0], one.target_start[0], one.target_end[0])
    drawn = np.zeros(made.H.shape, bool)
    for path in made.paths():
        drawn[path.row[1:], path.column[1:]] = True
    assert ((made.moves > 0) == drawn).all()


@given(problems())
def test_candidates_hold_the_score_of_their_cell(problem):
    query, target, mode, scoring, ends = problem
    made = fill_matrix(query, target, mode=mode, scoring=scoring, free_ends=ends)
    for i in range(len(query) + 1):
        for j in range(len(target) + 1):
            found = made.candidates(i, j)
            assert max(each.value for each in found) == made.H[i, j]
            assert [each.won for each in found] == [each.value == made.H[i, j] for each in found]
            walk = made.ending_at(i, j)
            assert (walk.row[-1], walk.column[-1]) == (i, j)
            assert np.abs(np.diff(walk.row)).max(initial=0) <= 1


def test_backends_agree_in_windows_and_bins():
    query, target = np.array([0, 1, 2, 3, 1, 1, 0], np.uint8), np.array([0, 2, 2, 3, 1], np.uint8)
    for scoring, mode in (
        (Scoring(), "local"),
        (Scoring(gap_open=3, gap_extend=1, second_gap=(5, 0)), "semiglobal"),
    ):
        whole = fill_matrix(query, target, mode=mode, scoring=scoring)
        for window, step in (((0, 0, 8, 6), (1, 1)), ((2, 1, 5, 4), (2, 3)), ((1, 0, 7, 6), (3, 2))):
            arrays = (
                query, target, scoring.table, np.array(scoring.gaps, np.int32), whole.free_ends, np.array(window),
                np.array(step),
            )  # fmt: skip
            fast = alignment_matrix(*arrays)
            for same in (alignment_matrix(*arrays, backend="numba"), alignment_matrix.definition(*arrays)):
                for one, other in zip(fast, same, strict=True):
                    assert (one == other).all()
            i, j, rows, columns = window
            padded = np.full((-(-rows // step[0]) * step[0], -(-columns // step[1]) * step[1]), LOW)
            padded[:rows, :columns] = whole.H[i : i + rows, j : j + columns]
            bins = padded.reshape(-1, step[0], padded.shape[1] // step[1], step[1]).max(axis=(1, 3))
            assert np.array_equal(fast.H, bins)
            assert (window_of(query, target, scoring, whole.free_ends, window, step)[0] == bins).all()


def test_many_alignments_are_counted_and_come_one_at_a_time():
    made = fill_matrix("A" * 60, "A" * 30, scoring=Scoring(gap_open=0, gap_extend=1))
    assert made.count == pytest.approx(comb(60, 30), rel=1e-12)
    assert len({path.cigar for path in islice(made.paths(), 50)}) == 50


def test_refusals():
    with pytest.raises(InputError, match="one sequence"):
        fill_matrix(["ACGT", "A"], "ACGT")
    with pytest.raises(InputError, match="2,097,152 cells"):
        fill_matrix("A" * 2000, "A" * 2000)
    with pytest.raises(InputError, match="mode"):
        fill_matrix("A", "A", mode="half")
    with pytest.raises(InputError, match="within 0 to 1"):
        fill_matrix("A", "A").candidates(2, 0)

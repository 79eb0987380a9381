"""Pairwise alignment: the definition, the loops and the naive version agree; every CIGAR is worth its score."""

from __future__ import annotations

import os
import random
import tracemalloc

import naive_align as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genolab.align import Matrix, Scoring, align
from genolab.align.aligner import END_NAMES, MODES
from genolab.align.edit import edit_distances
from genolab.align.loops.pairs import KINDS, work_of
from genolab.align.loops.trace import trace_pairs
from genolab.align.pairwise import UNLIMITED, pairwise_scores, static_lengths
from genolab.align.sequences import encode
from genolab.errors import InputError
from genolab.kernel import available_backends

scorings = st.one_of(
    st.builds(
        Scoring,
        match=st.integers(1, 5),
        mismatch=st.integers(-5, 0),
        gap_open=st.integers(0, 6),
        gap_extend=st.integers(0, 3),
        second_gap=st.none() | st.none() | st.tuples(st.integers(0, 12), st.integers(0, 1)),
        ambiguous=st.sampled_from(["mean", "match", "mismatch"]),
    ),
    st.builds(Scoring, matrix=st.just("BLOSUM62"), gap_open=st.integers(0, 12), gap_extend=st.integers(0, 2)),
)


def scorer(scoring):
    letters, table = scoring.alphabet.letters, scoring.table
    return lambda a, b: int(table[letters.index(a), letters.index(b)])


COUNTS = st.sampled_from([1, 3, 5, 40])


@st.composite
def problems(draw, count=COUNTS):
    """Pairs, scoring, and free ends; short sequences of few letters, so that ties and repeats abound."""
    scoring = draw(scorings)
    letters = draw(st.sampled_from(["ACGT", "AC", "ACGTN", "N"])) if scoring.matrix is None else "ARNDCQW"
    seed, number = draw(st.integers(0, 2**32)), draw(count)
    rng = random.Random(seed)
    longest = rng.choice([1, 6, 12, 20])
    pairs = [tuple("".join(rng.choices(letters, k=rng.randint(0, longest))) for _ in "qt") for _ in range(number)]
    mode = draw(st.sampled_from(list(MODES)))
    ends = draw(st.none() | st.lists(st.sampled_from(END_NAMES), unique=True)) if mode == "global" else None
    return pairs, scoring, mode, ends


def ends_of(mode, ends):
    return naive.FREE_ENDS[mode] if ends is None else (*(name in ends for name in END_NAMES), False, False)


def check(result, pairs, band=None):
    """Scores are the naive ones, and CIGARs re-score to them and end where the tie rule says."""
    scoring, ends = result.scoring, tuple(result.options["free_ends"])
    for k, (query, target) in enumerate(pairs):
        score, i, j = naive.best(query, target, scorer(scoring), scoring.gap_cost, ends, band)
        assert result.scores[k] == score
        if result.cigars is None:
            continue
        assert (result.query_end[k], result.target_end[k]) == (i, j)
        ours, theirs = query[result.query_start[k] : i], target[result.target_start[k] : j]
        assert naive.rescore(result.cigars[k], ours, theirs, scorer(scoring), scoring.gap_cost) == score
        runs = naive.runs(result.cigars[k])
        assert result.columns[k] == sum(length for length, _ in runs)
        assert result.matches[k] == sum(a == b != "-" for a, b in zip(*result.rows(k)[::2], strict=True))


@settings(max_examples=60, deadline=None)
@given(problems(), st.sampled_from([None, None, 0, 1, 4]), st.booleans())
def test_scores_and_cigars_equal_the_naive_definition(problem, band, traceback):
    pairs, scoring, mode, ends = problem
    queries, targets = map(list, zip(*pairs, strict=True))
    result = align(
        queries, targets, mode=mode, scoring=scoring, free_ends=ends, band=band, traceback=traceback, allow_empty=True,
        threads=1,
    )  # fmt: skip
    assert tuple(result.options["free_ends"]) == ends_of(mode, ends)
    check(result, pairs, band)


@settings(max_examples=20, deadline=None)
@given(problems(count=st.just(2)), st.integers(16, 200))
def test_little_memory_changes_nothing(problem, most_bytes):
    pairs, scoring, mode, ends = problem
    queries = encode("test", "queries", [query for query, _ in pairs], scoring.alphabet, allow_empty=True)
    targets = encode("test", "targets", [target for _, target in pairs], scoring.alphabet, allow_empty=True)
    arrays = (
        queries.codes, queries.start, queries.length, targets.codes, targets.start, targets.length, scoring.table,
        np.array(scoring.gaps, np.int32), np.array(ends_of(mode, ends)), UNLIMITED, UNLIMITED,
    )  # fmt: skip
    whole, pieces = trace_pairs(work_of(*arrays), True), trace_pairs(work_of(*arrays), True, most_bytes)
    assert whole.cigars == pieces.cigars
    for name in ("score", "query_start", "query_end", "target_start", "target_end", "matches", "columns"):
        assert getattr(whole, name).tolist() == getattr(pieces, name).tolist()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [1, 40, 3000])
def test_every_width_gives_the_same_alignments(mode, scale, monkeypatch):
    """Costs times ``scale`` need 8, 16 or 32 bits; lanes and wavefront break ties alike."""
    rng = random.Random(scale)
    pairs = [tuple("".join(rng.choices("ACGT", k=rng.randint(1, 60))) for _ in "qt") for _ in range(70)]
    queries, targets = map(list, zip(*pairs, strict=True))
    scoring = Scoring(match=2 * scale, mismatch=-3 * scale, gap_open=4 * scale, gap_extend=scale)
    lanes = align(queries, targets, mode=mode, scoring=scoring, traceback=True, threads=1)
    assert align(queries, targets, mode=mode, scoring=scoring, threads=2).scores.tolist() == lanes.scores.tolist()
    monkeypatch.setattr("genolab.align.loops.pairs.FEWEST", 10**9)
    monkeypatch.setattr("genolab.align.loops.trace.FEWEST", 10**9)
    alone = align(queries, targets, mode=mode, scoring=scoring, traceback=True, threads=1)
    assert lanes.scores.tolist() == alone.scores.tolist()
    assert lanes.cigars == alone.cigars
    assert lanes.query_start.tolist() == alone.query_start.tolist()
    check(alone, pairs[:3])


def related(rng, letters, count, longest):
    """Pairs of all lengths, 0 and 1 among them, most of them alike."""
    pairs = [("", "A"), ("A", ""), ("", ""), ("A", "A"), ("A", "C"), ("A" * 300, "C"), ("C", "A" * 300)]
    while len(pairs) < count:
        query = "".join(rng.choices(letters, k=rng.randint(1, longest)))
        cut, size = rng.randint(0, len(query)), rng.randint(0, 9)
        alike = query[:cut] + "".join(rng.choices(letters, k=rng.randint(0, 9))) + query[cut + size :]
        target = "".join(rng.choice(letters) if rng.random() < 0.05 else letter for letter in alike)
        pairs.append((query, target) if rng.random() < 0.8 else (query, "".join(rng.choices(letters, k=len(target)))))
    rng.shuffle(pairs)
    return pairs


FREE = [
    *({"mode": mode} for mode in MODES), {"free_ends": ["query_start", "target_end"]}, {"free_ends": ["query_end"]},
]  # fmt: skip


@pytest.mark.parametrize("options", FREE, ids=lambda options: "-".join(options.get("free_ends", options.values())))
@pytest.mark.parametrize("kind", ["ACGT", "some N", "all N", "protein"])
def test_lanes_find_what_one_pair_at_a_time_does(kind, options, monkeypatch):
    """Lengths beyond what 8 bits count, several in a block, letters by equality and by table, one query for all."""
    rng = random.Random(kind)
    scoring = Scoring(matrix="BLOSUM62", gap_open=10, gap_extend=1) if kind == "protein" else Scoring()
    pairs = related(rng, "ARNDCQEGHILKMFPSTWYV" if kind == "protein" else "ACGT", 45, 420)
    if kind == "some N":
        pairs = [(q.replace("A", "N", k % 3), t.replace("C", "R", k % 2)) for k, (q, t) in enumerate(pairs)]
    elif kind == "all N":
        pairs = [("N" * len(q), "N" * len(t)) for q, t in pairs]
    queries, targets = map(list, zip(*pairs, strict=True))
    options = options | {"scoring": scoring, "allow_empty": True, "threads": 1}
    lanes = align(queries, targets, traceback=True, **options)
    assert align(queries, targets, **options).scores.tolist() == lanes.scores.tolist()
    one_for_all = align(queries[5], targets, **options)
    monkeypatch.setattr("genolab.align.loops.pairs.FEWEST", 10**9)
    monkeypatch.setattr("genolab.align.loops.trace.FEWEST", 10**9)
    alone = align(queries, targets, traceback=True, **options)
    for name in ("scores", "query_start", "query_end", "target_start", "target_end", "matches", "columns"):
        assert getattr(lanes, name).tolist() == getattr(alone, name).tolist()
    assert lanes.cigars == alone.cigars
    assert one_for_all.scores.tolist() == align(queries[5], targets, **options).scores.tolist()


@pytest.mark.parametrize("mode", ["global", "overlap"])
@pytest.mark.parametrize(("opening", "extend", "match"), [(42, 0, 85), (43, 0, 1), (42, 1, 83), (42, 1, 84), (0, 0, 1)])
def test_differences_at_the_edge_of_a_width(mode, opening, extend, match):
    """The least and the greatest steps that 8 bits hold, and one more."""
    rng = random.Random(opening + match)
    queries, targets = map(list, zip(*related(rng, "AC", 30, 25), strict=True))
    scoring = Scoring(match=match, mismatch=-match - 100, gap_open=opening, gap_extend=extend)
    check(
        align(queries, targets, mode=mode, scoring=scoring, traceback=True, allow_empty=True),
        list(zip(queries, targets, strict=True)),
    )


def test_a_score_that_overflows_is_computed_in_the_next_width():
    long = "ACGGT" * 3000
    queries = ["ACG", "ACGT" * 40, "ACGT" * 40, "ACGT" * 50, "ACGGT" * 60, long]
    scoring = Scoring(match=3)
    result = align(queries, queries, mode="local", scoring=scoring, traceback=True)
    assert result.scores.tolist() == [3 * len(query) for query in queries]
    assert result.scores.tolist() == align(queries, queries, mode="local", scoring=scoring).scores.tolist()
    assert result.cigars == [f"{len(query)}=" for query in queries]
    assert [np.dtype(kind).itemsize for kind in KINDS] == [1, 2, 4]


def test_a_matrix_of_the_users_own_need_not_be_symmetric():
    scores = np.array([[5, -3, -300], [2, 4, -3], [0, -3, 6]])
    rng = random.Random(3)
    pairs = [tuple("".join(rng.choices("XYZ", k=rng.randint(1, 30))) for _ in "qt") for _ in range(20)]
    for table in (scores, np.maximum(scores, -9)):  # with and without what a byte cannot hold
        scoring = Scoring(matrix=Matrix("XYZ", table), gap_open=3, gap_extend=1)
        for mode in MODES:
            queries, targets = map(list, zip(*pairs, strict=True))
            check(align(queries, targets, mode=mode, scoring=scoring, traceback=True), pairs)


@settings(max_examples=15, deadline=None)
@given(problems(count=st.just(40)))
def test_swapping_the_sequences_keeps_the_score(problem):
    pairs, scoring, mode, _ = problem
    queries, targets = map(list, zip(*pairs, strict=True))
    ends = {"semiglobal": ("query_start", "query_end")}.get(mode)
    there = align(queries, targets, mode=mode, scoring=scoring, allow_empty=True)
    back = align(targets, queries, mode="global" if ends else mode, free_ends=ends, scoring=scoring, allow_empty=True)
    assert there.scores.tolist() == back.scores.tolist()


@pytest.mark.parametrize("band", [500, None])
def test_30_kb_in_bounded_memory(band):
    """900 million cells whose directions would fill as many bytes."""
    rng = random.Random(7)
    query = "".join(rng.choices("ACGT", k=30_000))
    target = query[:9_000] + query[9_050:20_000] + "ACGTTGCA" * 5 + query[20_000:]
    tracemalloc.start()
    result = align(query, target, band=band, traceback=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**27
    expected = 2 * 29_950 - (4 + 2 * 50) - (4 + 2 * 40)
    assert result.scores[0] == expected
    assert naive.rescore(result.cigars[0], query, target, scorer(Scoring()), Scoring().gap_cost) == expected


def test_x_drop_stops_and_a_generous_one_changes_nothing():
    query, target = "ACGTACGTAC" + "T" * 10 + "GATTACAGATTACA" * 3, "ACGTACGTAC" + "A" * 10 + "GATTACAGATTACA" * 3
    full = align(query, target, mode="extension", traceback=True)
    assert full.scores[0] > 20
    assert align(query, target, mode="extension", x_drop=10_000).scores[0] == full.scores[0]
    short = align(query, target, mode="extension", x_drop=15, traceback=True)
    assert (short.scores[0], short.cigars[0]) == (20, "10=")


def smallest(ends, band, x_drop, gaps, seed):
    """Five pairs with lengths 0 and 1 among them, as the kernel takes them."""
    rng = random.Random(seed)
    scoring = Scoring(match=2, mismatch=-3, gap_open=gaps[0], gap_extend=gaps[1], second_gap=gaps[2:])
    some = ["", "A", *("".join(rng.choices("ACGTN", k=rng.randint(1, 9))) for _ in range(3))]
    others = ["AC", "A", *("".join(rng.choices("ACGTN", k=rng.randint(1, 9))) for _ in range(3))]
    q, t = (encode("test", "x", each, scoring.alphabet, allow_empty=True) for each in (some, others))
    costs, free = np.array(scoring.gaps, np.int32), np.array(ends)
    return q.codes, q.start, q.length, t.codes, t.start, t.length, scoring.table, costs, free, band, x_drop


CASES = [
    smallest(ends, band, x_drop, gaps, seed)
    for seed, (ends, (band, x_drop), gaps) in enumerate(
        (ends, limits, gaps)
        for ends in [*naive.FREE_ENDS.values(), (True, False, False, True, False, False)]
        for limits in [(UNLIMITED, UNLIMITED), (2, UNLIMITED), (UNLIMITED, 5)]
        if limits[1] == UNLIMITED or ends == naive.FREE_ENDS["extension"]
        for gaps in [(4, 2, 4, 2), (4, 2, 7, 0), (0, 1, 0, 1)]
    )
]


@pytest.mark.parametrize("backend", ["numpy", "numba", "c", "jax"])
def test_the_loops_equal_the_definition_on_every_backend(backend):
    if backend in ("c", "jax") and not os.environ.get("GENOLAB_SLOW_TESTS"):
        pytest.skip(f"compiling the scan on {backend} takes half a minute; GENOLAB_SLOW_TESTS=1 runs it")
    one_of_both = pairwise_scores if backend == "numba" else pairwise_scores.definition
    lengths = {"longest_query": 9, "longest_target": 10} if backend == "jax" else {}
    for arrays in CASES[:: 5 if backend == "jax" else 1]:
        found = one_of_both(*arrays, backend=backend, **lengths)
        assert found.score.tolist() == pairwise_scores(*arrays).score.tolist()


def test_jax_asks_for_the_lengths_and_is_given_them(monkeypatch):
    if "jax" not in available_backends():
        pytest.skip("JAX is not installed")
    for kernel in (pairwise_scores, edit_distances):
        with pytest.raises(InputError, match="`longest_query`"):
            kernel(*kernel.example(), backend="jax")
    assert static_lengths(np.array([3]), np.array([100])) == {}
    monkeypatch.setenv("GENOLAB_BACKEND", "jax")
    assert static_lengths(np.array([3]), np.array([100])) == {"longest_query": 16, "longest_target": 128}
    assert static_lengths(np.array([16]), np.array([17])) == {"longest_query": 16, "longest_target": 32}


def test_lengths_known_beforehand_change_nothing():
    for arrays in CASES[::7]:
        padded = pairwise_scores.definition(*arrays, longest_query=12, longest_target=11, backend="numpy")
        assert padded.score.tolist() == pairwise_scores(*arrays).score.tolist()
    too_long = pairwise_scores.definition(*CASES[0], longest_query=1, longest_target=1, backend="numpy").score
    assert too_long[1] == pairwise_scores(*CASES[0]).score[1]
    assert (too_long[[0, 2, 3, 4]] == -(2**30)).all()


def test_refusals_name_the_input():
    for options, word in (
        ({"mode": "best"}, "mode"), ({"band": -1}, "band"), ({"x_drop": 5}, "x_drop"), ({"cigar": "S"}, "cigar"),
        ({"free_ends": ["left"]}, "free_ends"), ({"free_ends": ["query_end"], "mode": "local"}, "free_ends"),
        ({"threads": 0}, "threads"), ({"scoring": "BLOSUM62"}, "scoring"), ({"pairing": "each"}, "pairing"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=f"`{word}`"):
            align("ACGT", "ACGT", **options)
    with pytest.raises(InputError, match="32 bits"):
        align("A" * 30_000, "A" * 30_000, scoring=Scoring(match=30_000))

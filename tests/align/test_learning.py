"""Learning scores: costs that are known are found again, from wherever it starts."""

from __future__ import annotations

import re

import numpy as np
import pytest

from genolab.align import Scoring, SoftScoring, align, learn_scoring
from genolab.data import simulate_alignments
from genolab.errors import Cancelled, InputError


@pytest.fixture(scope="module")
def made():
    return simulate_alignments(120, length=60, identity=0.85, transitions=1 / 3, gap=0.03, gap_extension=0.5, seed=2)


def test_simulated_pairs_are_what_the_model_says(made):
    columns = "".join(
        operation * int(length)
        for cigar in made.cigars
        for length, operation in zip(*[iter(re.split(r"([=XID])", cigar)[:-1])] * 2, strict=True)
    )
    equal, unequal = columns.count("="), columns.count("X")
    assert equal / (equal + unequal) == pytest.approx(0.85, abs=0.02)
    gaps = sum(cigar.count(letter) for cigar in made.cigars for letter in "ID")
    assert (columns.count("I") + columns.count("D")) / gaps == pytest.approx(2, abs=0.2)
    assert gaps / 2 / (equal + unequal + 120) == pytest.approx(0.03, abs=0.004)
    same = simulate_alignments(3, seed=5)
    assert same.queries == simulate_alignments(3, seed=5).queries != simulate_alignments(3, seed=6).queries
    with pytest.raises(InputError, match="`gap`"):
        simulate_alignments(gap=1.5)


@pytest.mark.parametrize("start", [None, Scoring(match=1, mismatch=-1, gap_open=1, gap_extend=1)])
def test_known_costs_are_found_again(made, start):
    steps = []
    found = learn_scoring(made.queries, made.targets, made.cigars, start=start, callback=steps.append)
    assert found.stopped == "converged"
    assert [step.step for step in steps] == list(range(len(found.losses)))
    assert (np.diff(found.losses) <= 1e-9).all()
    assert steps[-1].loss == found.losses[-1] == pytest.approx(found.losses.min())
    # four standard errors: some 1,000 unequal pairs and 450 gaps of 2 letters
    learned = found.scoring
    assert learned.gap_open == pytest.approx(made.gap_open, abs=0.3)
    match, mismatch = learned.table[0, 0], learned.table[0, 1]
    assert match - mismatch == pytest.approx(made.scores[0, 0] - made.scores[0, 1], abs=0.15)
    assert match + 2 * learned.gap_extend == pytest.approx(made.scores[0, 0] + 2 * made.gap_extend, abs=0.35)
    assert learned.table[0, 4] == SoftScoring.of(start, "test").table[0, 4], "N never occurs"
    assert len(found.to_frame()) == len(found.losses)
    assert "converged" in repr(found)
    assert found.provenance["shape"] == "match"


def test_at_the_end_what_is_expected_is_what_is_seen(made):
    """The gradient is nought: for each two letters, expected pairs equal the true ones."""
    from genolab.align import soft_align

    some = slice(0, 40)
    found = learn_scoring(made.queries[some], made.targets[some], made.cigars[some], shape="full", prior=1e-9)
    result = soft_align(made.queries[some], made.targets[some], scoring=found.scoring)
    seen = sum(int(run) for cigar in made.cigars[some] for run in re.findall(r"(\d+)[=X]", cigar))
    assert result.expected_counts.sum() == pytest.approx(seen, rel=1e-3)
    gaps = sum(cigar.count(letter) for cigar in made.cigars[some] for letter in "ID")
    assert result.expected_gaps.sum() == pytest.approx(gaps, rel=0.02)
    once = learn_scoring(made.queries[some], made.targets[some], made.cigars[some], shape="symmetric", steps=3)
    assert once.stopped == "steps"
    assert np.array_equal(once.scoring.table, once.scoring.table.T)


def test_it_takes_alignments_and_local_ones(made):
    scoring = Scoring(match=1, mismatch=-2, gap_open=3, gap_extend=1)
    queries, targets = made.queries[:20], made.targets[:20]
    for mode in ("global", "local"):
        truth = align(queries, targets, mode=mode, scoring=scoring, traceback=True)
        found = learn_scoring(truth, mode=mode, steps=5)
        assert found.losses[-1] < found.losses[0]
    with pytest.raises(InputError, match="`mode`"):
        learn_scoring(truth, mode="global")


def test_a_callback_can_stop_it(made):
    def stop(step):
        if step.step == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        learn_scoring(made.queries, made.targets, made.cigars, callback=stop)


def test_refusals_name_the_input(made):
    pair = ["ACGT"], ["ACG"]
    for arguments, options, word in (
        ((*pair, ["4="]), {}, "alignments"), ((*pair, ["3=1Q"]), {}, "alignments"), ((*pair, []), {}, "alignments"),
        ((*pair, ["4I3D"]), {}, "alignments"), ((*pair, None), {}, "alignments"),
        ((*pair, ["3=1I"]), {"shape": "round"}, "shape"), ((*pair, ["3=1I"]), {"prior": -1}, "prior"),
        ((*pair, ["3=1I"]), {"steps": 0}, "steps"), ((["ACGT"], None, ["3=1I"]), {}, "targets"),
        ((align("ACGT", "ACG"),), {}, "alignments"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=rf"`{word}"):
            learn_scoring(*arguments, **options)

"""Soft alignment: all alignments written down, the definition, the loops and finite differences agree."""

from __future__ import annotations

import os

import naive_soft as naive
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genolab.align import Scoring, SoftScoring, align, soft_align
from genolab.align.loops import soft as loops
from genolab.align.soft import soft_cell_score, soft_expectations, soft_posteriors, soft_scores
from genolab.align.soft_alignments import kernel_inputs
from genolab.errors import InputError
from genolab.kernel.backends import mode_of

TEMPERATURES = (0.01, 0.1, 0.5, 1.0, 3.0, 100.0)
temperatures = st.sampled_from(TEMPERATURES)


def random_cells(seed, m, n):
    return np.random.default_rng(seed).normal(0.5, 2, (m, n))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(0, 4), st.integers(0, 4), temperatures, st.booleans(), st.booleans(),
    st.sampled_from([(2.0, 0.7), (0.0, 1.0), (3.0, 0.0), (0.0, 0.0)]),
)  # fmt: skip
def test_posteriors_equal_the_sum_over_all_alignments(seed, m, n, temperature, local, in_log_space, costs):
    cells = random_cells(seed, m, n)
    score, shares, gaps, letters = naive.weigh(cells.tolist(), m, n, *costs, temperature, local)
    found = loops.run_cells(cells / temperature, np.array(costs) / temperature, local, True, in_log_space)
    assert found.log_weight * temperature == pytest.approx(score, abs=1e-9)
    found.posterior[0, 0, 0] = 0  # where all alignments start, which pairs nothing
    for state, expected in enumerate(shares.values()):
        np.testing.assert_allclose(found.posterior[state], expected, atol=1e-9)
    assert (found.gaps, found.gap_letters) == pytest.approx((gaps, letters), abs=1e-9)
    if in_log_space:
        assert found.in_log_space
    elif temperature >= 0.5:
        assert not found.in_log_space


def made_pairs(seed, count, longest):
    random = np.random.default_rng(seed)
    lengths = random.integers(0, longest + 1, (2, count))
    lengths[:, : min(count, 4)] = np.array([[0, 1, 0, 1], [0, 0, 1, 1]])[:, : min(count, 4)]
    return [["".join(random.choice(list("ACGT"), size)) for size in side] for side in lengths]


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("letters", ["ACGT", "ACGTN"])
def test_lanes_log_space_and_definition_agree(local, letters):
    queries, targets = made_pairs(3, 7, 8)
    queries[-1] += letters[-1]
    mode = "local" if local else "global"
    for temperature in (0.05, 1.0, 30.0):
        result = soft_align(queries, targets, temperature=temperature, mode=mode, allow_empty=True)
        arrays = kernel_inputs(result)
        expected = soft_expectations.definition(*arrays)
        found = soft_expectations(*arrays)
        costs = np.array(arrays[7:9]) / temperature
        work = loops.SoftWork(*arrays[:6], arrays[6] / temperature, costs, local)
        logs = loops.run(work, True, force_log=True)
        np.testing.assert_allclose(result.scores, expected.score, atol=1e-9)
        np.testing.assert_allclose(found.score, expected.score, atol=1e-9)
        np.testing.assert_allclose(logs.log_weight * temperature, expected.score, atol=1e-9)
        assert logs.in_log_space.all()
        for name, other in (("pairs", logs.counts), ("gaps", logs.gaps), ("gap_letters", logs.gap_letters)):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-8)
            np.testing.assert_allclose(other, getattr(expected, name), atol=1e-8)


@pytest.mark.parametrize("backend", ["numba", "c", "jax"])
def test_every_backend_gives_the_same(backend):
    if backend in ("c", "jax"):
        pytest.skip("a scan over lengths that are not known: half a minute in C, never in JAX")
    result = soft_align(*made_pairs(5, 6, 9), temperature=2.0, allow_empty=True)
    arrays = kernel_inputs(result)
    np.testing.assert_array_equal(soft_scores(*arrays, backend=backend).score, result.scores)
    found, expected = soft_expectations(*arrays, backend=backend), soft_expectations(*arrays)
    for name in ("score", "pairs", "gaps", "gap_letters"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("local", [False, True])
def test_gradients_equal_finite_differences_at_every_temperature(local):
    """A scalar step at a time: 24 pairs of which each has 6 to 12 letters, all costs and the temperature itself."""
    random = np.random.default_rng(11)
    queries, targets = (["".join(random.choice(list("ACGT"), random.integers(6, 13))) for _ in range(24)] for _ in "qt")
    result = soft_align(queries, targets, mode="local" if local else "global")
    letters = kernel_inputs(result)[:6]
    inputs = [pt.dmatrix("substitution"), *(pt.dscalar(name) for name in ("gap_open", "gap_extend", "temperature"))]
    score = soft_scores.expr(*letters, *inputs, np.array(local)).score
    weights = np.linspace(0.5, 1.5, 24)
    cost = (score * weights).sum()
    function = pytensor.function(inputs, [cost, *pytensor.grad(cost, inputs)], mode=mode_of("numpy"))
    table = random.normal(0, 2, (15, 15))
    for temperature in TEMPERATURES:
        values = [table, np.float64(2.3), np.float64(0.8), np.float64(temperature)]
        _, *gradients = function(*values)
        for which, gradient in enumerate(gradients):
            step = 1e-3 * temperature
            direction = random.normal(size=gradient.shape) * ((table != 0) if which == 0 else 1)
            direction = direction if which == 0 else np.float64(1)

            def at(distance, which=which, direction=direction, values=values):
                moved = list(values)
                moved[which] = moved[which] + distance * direction
                return function(*moved)[0]

            # the central difference of the eighth order: its own error is far below that of the sum
            factors = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
            numeric = sum(f * (at(k * step) - at(-k * step)) for k, f in enumerate(factors, 1)) / step
            scale = max(1.0, abs(numeric))
            assert abs((gradient * direction).sum() - numeric) / scale < 1e-6, (temperature, which)


@pytest.mark.parametrize("local", [False, True])
def test_grad_gives_the_posterior_of_every_cell(local):
    cells = random_cells(2, 5, 6)
    variables = [pt.dmatrix("similarity"), pt.dscalar("open"), pt.dscalar("extend"), pt.dscalar("temperature")]
    values = [cells, np.float64(2), np.float64(0.5), np.float64(1.5)]
    cost = soft_cell_score.expr(*variables, np.array(local)).score
    gradients = pytensor.function(variables, pytensor.grad(cost, variables[:3]), mode=mode_of("numpy"))(*values)
    found = soft_posteriors(*values, np.array(local))
    np.testing.assert_array_equal(gradients[0], found.paired)
    assert (gradients[1], gradients[2]) == (-found.gaps, -found.gap_letters)
    for i, j in ((0, 0), (2, 3), (4, 5)):
        step = np.zeros_like(cells)
        step[i, j] = 1e-3
        ups = [soft_cell_score(cells + k * step, *values[1:], np.array(local)).score for k in (1, -1, 2, -2)]
        numeric = (8 * (ups[0] - ups[1]) - (ups[2] - ups[3])) / (12 * 1e-3)
        assert abs(numeric - found.paired[i, j]) < 1e-6
    if os.environ.get("GENOLAB_SLOW_TESTS"):  # compiling this gradient of a scan takes a quarter of a minute
        definition = soft_posteriors.definition(*values, np.array(local))
        for name in found._fields:
            np.testing.assert_allclose(getattr(found, name), getattr(definition, name), atol=1e-10)


@pytest.mark.parametrize("mode", ["global", "local"])
def test_a_falling_temperature_gives_the_best_score(mode):
    queries, targets = made_pairs(8, 30, 25)
    hard = align(queries, targets, mode=mode, allow_empty=True).scores
    before = np.full(30, np.inf)
    for temperature in (3.0, 1.0, 0.3, 0.1, 0.01):
        soft = soft_align(queries, targets, mode=mode, temperature=temperature, allow_empty=True).scores
        assert (soft >= hard - 1e-9).all()
        assert (soft <= before + 1e-9).all()
        before = soft
    # T log(number of best alignments), of which there are few thousands at these lengths
    assert np.abs(before - hard).max() < 0.01 * np.log(1e8)


def test_in_global_mode_every_letter_has_one_place():
    queries, targets = made_pairs(4, 9, 40)
    result = soft_align(queries, targets, temperature=2.0, allow_empty=True)
    for number, posterior in enumerate(result.posteriors):
        np.testing.assert_allclose(posterior.paired.sum(1) + posterior.query_alone.sum(1), 1, atol=1e-9)
        np.testing.assert_allclose(posterior.paired.sum(0) + posterior.target_alone.sum(0), 1, atol=1e-9)
        assert posterior.score == pytest.approx(result.scores[number], abs=1e-9)
        assert posterior.cells.shape == (len(queries[number]) + 1, len(targets[number]) + 1)
        assert posterior.gap_letters == pytest.approx(result.expected_gap_letters[number], abs=1e-9)
        assert posterior.paired.sum() == pytest.approx(result.expected_counts[number].sum(), abs=1e-9)


@pytest.mark.parametrize("mode", ["global", "local"])
@pytest.mark.parametrize("temperature", [0.03, 0.3, 1.0, 50.0])
def test_the_guard_lets_no_pair_pass_that_the_scale_does_not_reach(mode, temperature):
    """Long pairs that agree nowhere, everywhere, and in one half: fast results equal those in log space."""
    random = np.random.default_rng(0)
    text = "".join(random.choice(list("ACGT"), 420))
    other = "".join(random.choice(list("ACGT"), 300))
    queries = [text, "A" * 300, text[:200] + other[:150], other[:2], text * 2]
    targets = [text, "C" * 500, other[:150] + text[200:], text, other + text]
    result = soft_align(queries, targets, temperature=temperature, mode=mode)
    arrays = kernel_inputs(result)
    gaps = np.array(arrays[7:9]) / temperature
    work = loops.SoftWork(*arrays[:6], arrays[6] / temperature, gaps, mode == "local")
    fast, logs = loops.run(work, True), loops.run(work, True, force_log=True)
    np.testing.assert_allclose(fast.log_weight, logs.log_weight, rtol=1e-11, atol=1e-9)
    np.testing.assert_allclose(fast.counts, logs.counts, atol=1e-7)
    np.testing.assert_allclose(fast.gap_letters, logs.gap_letters, atol=1e-7)
    if temperature >= 1:
        assert not fast.in_log_space.all()


@pytest.mark.parametrize("local", [False, True])
def test_a_posterior_that_the_bound_refuses_is_judged_by_its_adjoints(local):
    """At low temperatures: where letters are missing, where everything differs, and where one half does."""
    random, refused, fast = np.random.default_rng(1), 0, 0
    codes = random.integers(0, 4, 300)
    table = (6 * np.eye(4) - 4.0)[:, codes]
    for query in (np.delete(codes, slice(90, 190)), 3 - codes, np.append(codes[:150], random.integers(0, 4, 150))):
        for temperature in (0.08, 0.15, 0.3):
            scores, gaps = table[query] / temperature, np.array([4.0, 2.0]) / temperature
            found, logs = (loops.run_cells(scores, gaps, local, True, force_log=force) for force in (False, True))
            np.testing.assert_allclose(found.posterior, logs.posterior, atol=1e-9)
            np.testing.assert_allclose([found.log_weight, found.gaps], [logs.log_weight, logs.gaps], rtol=1e-9)
            fast += not found.in_log_space
            refused += not found.in_log_space and loops.run_cells(scores, gaps, local, False).in_log_space
    assert fast > refused > 0


def test_little_memory_changes_nothing(monkeypatch):
    queries, targets = made_pairs(1, 5, 60)
    expected = soft_align(queries, targets, allow_empty=True).expected_counts
    for most in (2**19, 0):
        monkeypatch.setattr(loops, "MOST_BYTES", most)
        found = soft_align(queries, targets, allow_empty=True).expected_counts
        np.testing.assert_allclose(found, expected, atol=1e-10)


def test_the_number_of_threads_changes_nothing(monkeypatch):
    monkeypatch.setattr("genolab.align.threads.FEWEST_PAIRS", 10)
    queries, targets = made_pairs(6, 60, 20)
    one, two = (soft_align(queries, targets, allow_empty=True, threads=count) for count in (1, 2))
    np.testing.assert_allclose(one.scores, two.scores, atol=1e-12)


def test_the_result_as_table_and_text():
    result = soft_align(["ACGT", "AC"], ["AGT", "GGC"], temperature=0.5)
    frame = result.to_frame()
    assert list(frame["query"]) == ["0", "1"]
    np.testing.assert_allclose(2 * frame["expected_pairs"] + frame["expected_gap_letters"], [7, 5])
    assert "temperature 0.5" in repr(result)
    assert result.provenance["scoring"]["gap_open"] == 4
    assert [each["name"] for each in result.provenance["kernels"]] == [
        "soft_scores", "soft_expectations", "soft_posteriors",
    ]  # fmt: skip
    with pytest.raises(InputError, match="`number`"):
        result.posterior(2)


def test_scores_need_not_be_whole():
    whole = SoftScoring.of(Scoring(), "test")
    once = soft_align("ACGGT", "AGTT", scoring=whole, temperature=1.0).scores
    halved = soft_align("ACGGT", "AGTT", scoring=whole.scaled(0.5), temperature=0.5).scores
    assert halved == pytest.approx(once / 2)
    assert whole.rounded().table.tolist() == Scoring().table.tolist()
    protein = Scoring(matrix="BLOSUM62", gap_open=10, gap_extend=1)
    best = align("HEAGAWGHEE", "PAWHEAE", scoring=protein, mode="local").scores[0]
    assert soft_align("HEAGAWGHEE", "PAWHEAE", scoring=protein, mode="local", temperature=0.01).scores[
        0
    ] == pytest.approx(best, abs=0.05)


def test_refusals_name_the_input():
    for options, word in (
        ({"mode": "overlap"}, "mode"), ({"temperature": 0}, "temperature"), ({"temperature": "hot"}, "temperature"),
        ({"temperature": float("nan")}, "temperature"), ({"scoring": "BLOSUM62"}, "scoring"),
        ({"scoring": Scoring(second_gap=(10, 0))}, "scoring"), ({"threads": 0}, "threads"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=f"`{word}`"):
            soft_align("ACGT", "ACGT", **options)
    with pytest.raises(InputError, match="`gap_open`"):
        SoftScoring(Scoring().alphabet, Scoring().table, -1.0, 1.0)
    with pytest.raises(InputError, match="`table`"):
        SoftScoring(Scoring().alphabet, np.eye(3), 1.0, 1.0)

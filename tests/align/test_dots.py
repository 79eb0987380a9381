"""Dot plots: the loop, the definition and a naive version agree, in windows and bins; both strands; refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genolab import data
from genolab.align import dot_plot
from genolab.align.dots import word_matches
from genolab.errors import InputError

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
texts = st.text("ACGTN", min_size=4, max_size=40)


def naive(first, second, word):
    """Every pair of places, forwards and with the second's reverse complement."""
    forward, backward = (np.zeros((len(first), len(second)), int) for _ in range(2))
    for i in range(len(first) - word + 1):
        for j in range(len(second) - word + 1):
            one, other = first[i : i + word], second[j : j + word]
            if "N" not in one:
                forward[i, j] = one == other
                backward[i, j] = one == other[::-1].translate(COMPLEMENT)
    return forward, backward


@settings(max_examples=40)
@given(texts, texts, st.integers(1, 4))
def test_shared_words_equal_the_naive_ones_on_both_strands(first, second, word):
    made = dot_plot(first, second, word=word)
    forward, backward = made.bins()
    expected = naive(first, second, word)
    assert np.array_equal(forward, expected[0])
    assert np.array_equal(backward, expected[1])
    assert made.counts == (expected[0].sum(), expected[1].sum())


@settings(max_examples=25)
@given(texts, texts, st.integers(1, 7), st.integers(1, 7), st.data())
def test_bins_of_a_window_add_up(first, second, rows, columns, draw):
    made = dot_plot(first, second, word=2)
    top, left = draw.draw(st.integers(0, len(first) - 2)), draw.draw(st.integers(0, len(second) - 2))
    window = top, left, len(first) - top, len(second) - left
    forward, backward = made.bins(window, (rows, columns))
    expected = naive(first, second, 2)
    assert forward.sum() == expected[0][top:, left:].sum()
    assert backward.sum() == expected[1][top:, left:].sum()


def test_backends_agree():
    made = dot_plot("ACGTACGNTTACGACG", "TTACGTACGA", word=3)
    for window, shape in (((0, 0, 16, 10), (16, 10)), ((2, 1, 11, 8), (4, 3))):
        arrays = made.first, *made.forward, np.array(window), np.array(shape)
        fast = word_matches(*arrays).count
        assert np.array_equal(fast, word_matches.definition(*arrays).count)
        assert np.array_equal(fast, word_matches(*arrays, backend="numba").count)


def test_an_inverted_repeat_lies_on_the_other_diagonal():
    made = dot_plot(data.sequence_set("made1").path, word=8)  # MADE1 is nearly its own reverse complement
    forward, backward = made.bins()
    assert np.trace(forward) == made.lengths[0] - 7
    assert np.trace(backward[::-1], offset=-7) + backward.sum() > 20


def test_words_have_a_usual_length_and_proteins_no_strand():
    assert dot_plot("ACGT" * 25).word == 5
    made = dot_plot(data.sequence_set("globins").path, protein=True)
    assert made.word == 3
    assert made.bins()[1].sum() == 0
    assert repr(made) == "<DotPlot: 146 x 146 letters, words of 3>"


@pytest.mark.parametrize(
    ("first", "options", "words"),
    [
        ("ACGT", {"word": 5}, "of 5 to"),
        ("ACGT", {"word": 0}, "from 1 to 31"),
        ("ACGT", {"word": 2.5}, "whole number"),
        ("AC?T", {}, "position 3"),
        ("", {}, "empty"),
    ],
)
def test_refusals(first, options, words):
    with pytest.raises(InputError, match=words):
        dot_plot(first, **options)


def test_the_table_of_a_long_sequence_finds_what_a_search_finds():
    rng = np.random.default_rng(8)
    first, second = (rng.integers(0, 4, size).astype(np.uint8) for size in (20_000, 3_000))
    second[500:900] = first[7_000:7_400]
    made = dot_plot(first, second, word=12)
    assert made.whole[2] > 2**14
    whole = made.bins(shape=(1, 1))[0].sum()
    parts = sum(made.bins((top, 0, 2_000, 3_000), (1, 1))[0].sum() for top in range(0, 20_000, 2_000))
    assert whole == parts >= 389

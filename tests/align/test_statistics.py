"""Statistics of scores: BLAST's published values, shuffles that keep what they should, identities by name."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genolab.align import Matrix, Scoring, align, karlin_altschul, percent_identity, shuffled_null
from genolab.align.identity import DEFINITIONS
from genolab.align.null import fit_gumbel, shuffle_dinucleotides
from genolab.errors import InputError

# lambda, K and H of ungapped alignments as BLAST prints them
UNGAPPED = {
    "BLOSUM45": (0.2291, 0.0924, 0.2514), "BLOSUM50": (0.2318, 0.112, 0.3362), "BLOSUM62": (0.3176, 0.134, 0.4012),
    "BLOSUM90": (0.3346, 0.190, 0.7547), "PAM30": (0.3400, 0.283, 1.754), "PAM70": (0.3345, 0.229, 1.029),
    "PAM250": (0.2252, 0.0868, 0.2223),
}  # fmt: skip
BLASTN = {(1, -2): (1.33, 0.621, 1.12), (1, -3): (1.37, 0.711, 1.31), (2, -3): (0.634, 0.408, 0.912)}


@pytest.mark.parametrize("matrix", UNGAPPED)
def test_ungapped_values_are_those_of_blast(matrix):
    found = karlin_altschul(Scoring(matrix=matrix), gapped=False)
    scale, k, entropy = UNGAPPED[matrix]
    assert (found.scale, found.entropy) == pytest.approx((scale, entropy), rel=3e-4)
    assert found.k == pytest.approx(k, rel=5e-3), "BLAST ends the series at terms of 1e-4, and prints three digits"
    assert found.source == "solved"


@pytest.mark.parametrize("scores", BLASTN)
def test_dna_values_are_those_of_blast_and_scale_with_the_scores(scores):
    match, mismatch = scores
    found = karlin_altschul(Scoring(match=match, mismatch=mismatch), gapped=False)
    assert (found.scale, found.k, found.entropy) == pytest.approx(BLASTN[scores], rel=6e-3)
    double = karlin_altschul(Scoring(match=2 * match, mismatch=2 * mismatch), gapped=False)
    assert (double.scale * 2, double.k, double.entropy) == pytest.approx((found.scale, found.k, found.entropy))
    # with one letter of four equal: p e^(lambda a) + (1 - p) e^(lambda b) = 1
    assert 0.25 * math.exp(found.scale * match) + 0.75 * math.exp(found.scale * mismatch) == pytest.approx(1)


def test_e_values_of_blastp_by_hand():
    """BLOSUM62 with 11/1: 0.267 S / ln 2 - log2 0.041 bits; effective lengths as BLAST shortens them."""
    blastp = karlin_altschul(Scoring(matrix="BLOSUM62", gap_open=11, gap_extend=1))
    assert (blastp.scale, blastp.k, blastp.entropy, blastp.source) == (0.267, 0.041, 0.14, "published")
    assert blastp.bit_score(100) == pytest.approx(43.13, abs=0.01)
    lost = blastp.length_adjustment(250, 10**8, 300_000)
    space = (250 - lost) * (10**8 - 300_000 * lost)
    right = 1.9 / 0.267 * math.log(0.041 * space) - 30
    assert lost <= right < lost + 2
    assert blastp.e_value(100, 250, 10**8, 300_000) == pytest.approx(space * 2 ** -blastp.bit_score(100), rel=1e-9)
    assert blastp.e_value(100, 250, 400, corrected=False) == pytest.approx(0.041 * 250 * 400 * math.exp(-26.7))
    assert (np.diff(blastp.e_value(np.arange(20, 90, 10), 250, 400)) < 0).all()
    assert 0 < blastp.p_value(60, 250, 400) < blastp.e_value(60, 250, 400)
    assert blastp.length_adjustment(5, 5) == 0


def test_what_has_no_published_values_is_refused_with_what_has():
    for scoring, word in (
        (Scoring(matrix="BLOSUM62", gap_open=3, gap_extend=3), "11/1"), (Scoring(), "BLOSUM62"),
        (Scoring(matrix="BLOSUM80", gap_open=10, gap_extend=1), "shuffled_null"),
        (Scoring(matrix="BLOSUM62", gap_open=11, gap_extend=1, second_gap=(20, 0)), "affine"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=word):
            karlin_altschul(scoring)
    with pytest.raises(InputError, match="negative mean"):
        karlin_altschul(Scoring(match=3, mismatch=-1), gapped=False)
    own = Scoring(matrix=Matrix("XY", np.array([[1, -2], [-2, 1]])))
    with pytest.raises(InputError, match="background"):
        karlin_altschul(own, gapped=False)
    assert karlin_altschul(own, gapped=False, background={"X": 1, "Y": 1}).scale > 0
    with pytest.raises(InputError, match="`query_letters`"):
        karlin_altschul(gapped=False).e_value(10, 0, 100)


@settings(max_examples=30, deadline=None)
@given(st.text("ACGT", min_size=1, max_size=40), st.integers(0, 2**32))
def test_shuffles_keep_the_neighbours(text, seed):
    codes = np.frombuffer(text.encode(), np.uint8)
    found = shuffle_dinucleotides(codes, np.random.default_rng(seed)).tobytes().decode()
    assert Counter(pairwise(found)) == Counter(pairwise(text))
    assert (found[0], found[-1]) == (text[0], text[-1])


def test_all_orders_with_the_same_neighbours_are_as_likely():
    text = "ACAGATACGA"
    wanted = _same_neighbours(text)
    assert len(wanted) > 10
    rng = np.random.default_rng(1)
    codes = np.frombuffer(text.encode(), np.uint8)
    draws = 60 * len(wanted)
    found = Counter(shuffle_dinucleotides(codes, rng).tobytes().decode() for _ in range(draws))
    assert set(found) == wanted
    square = sum((count - 60) ** 2 / 60 for count in found.values())
    freedom = len(wanted) - 1
    assert square < freedom + 4 * math.sqrt(2 * freedom)


def _same_neighbours(text):
    """Every order with the same pairs of neighbours, written down by walking."""
    found = set()

    def walk(order, left):
        if not left:
            found.add(order)
        for a, b in list(left):
            if a == order[-1]:
                rest = left - Counter([(a, b)])
                walk(order + b, rest)

    walk(text[0], Counter(pairwise(text)))
    return {order for order in found if len(order) == len(text)}


def test_the_null_tells_relatives_from_strangers():
    rng = np.random.default_rng(4)
    text = "".join(rng.choice(list("ACGT"), 120))
    changed = "".join(rng.choice(list("ACGT")) if rng.random() < 0.2 else letter for letter in text)
    related = shuffled_null(text, changed, shuffles=199, keep="dinucleotides")
    assert related.p_value == related.resolution == 1 / 200
    assert related.gumbel_p_value < 1e-6
    assert related.z_score > 10
    stranger = shuffled_null(text, "".join(rng.choice(list("ACGT"), 120)), shuffles=199)
    assert stranger.p_value > 0.02
    again = [shuffled_null(text, changed, shuffles=50, seed=7).scores.tolist() for _ in range(2)]
    assert again[0] == again[1] != shuffled_null(text, changed, shuffles=50, seed=8).scores.tolist()
    assert len(related.to_frame()) == 199
    for options, word in (({"keep": "trios"}, "keep"), ({"shuffles": 5}, "shuffles"), ({"mode": "best"}, "mode")):
        with pytest.raises(InputError, match=f"`{word}`"):
            shuffled_null("ACGT", "ACGT", **options)
    with pytest.raises(InputError, match="one sequence"):
        shuffled_null(["ACGT", "AC"], "ACGT")


def test_the_gumbel_fit_finds_what_was_drawn():
    drawn = np.random.default_rng(0).gumbel(30, 4, 20_000)
    assert fit_gumbel(drawn) == pytest.approx((1 / 4, 30), rel=0.02)
    assert all(math.isnan(value) for value in fit_gumbel(np.full(10, 3.0)))


def test_identities_by_name():
    result = align("ACGTACGTAC", "ACGTGTAA", traceback=True, scoring=Scoring(gap_open=2))
    columns = result.rows(0)
    equal = columns[1].count("|")
    pairs = sum("-" not in column for column in zip(*columns[::2], strict=True))
    gaps = sum(result.cigars[0].count(letter) for letter in "ID")
    expected = {
        "columns": equal / len(columns[0]), "pairs": equal / pairs, "gap_compressed": equal / (pairs + gaps),
        "shorter": equal / 8, "mean_length": equal / 9,
    }  # fmt: skip
    assert set(expected) == set(DEFINITIONS)
    for name, share in expected.items():
        assert percent_identity(result, name)[0] == pytest.approx(100 * share)
    assert percent_identity(result)[0] == pytest.approx(100 * result.identity[0])
    with pytest.raises(InputError, match="`definition`"):
        percent_identity(result, "blast")
    with pytest.raises(InputError, match="CIGARs"):
        percent_identity(align("ACGT", "ACGT"))

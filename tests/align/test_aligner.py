"""The result: as text, as a table, as plain data."""

from __future__ import annotations

import json

import numpy as np
import pytest

from genolab.align import Matrix, Scoring, align
from genolab.errors import InputError


def test_an_alignment_as_text():
    result = align("ACGTACGTTTGACA", "ACGTCGTTTGGACA", traceback=True)
    assert result.text() == (
        "score 14, identity 86.7%\n"
        "\n"
        "query   1 ACGTACGTTT-GACA 14\n"
        "          |||| ||||| ||||\n"
        "target  1 ACGT-CGTTTGGACA 14"
    )
    assert len(result.text(width=5).split("\n\n")) == 4


def test_positive_scores_are_marked_in_proteins():
    scoring = Scoring(matrix="BLOSUM62", gap_open=10, gap_extend=1)
    result = align("PPHEAGAWGHEEPP", "HEAGAWGHDE", mode="local", scoring=scoring, traceback=True)
    assert result.rows(0) == ("HEAGAWGHEE", "||||||||.|", "HEAGAWGHDE")
    assert result.text().splitlines()[2] == "query   3 HEAGAWGHEE 12"


def test_a_table_has_1_based_positions_and_identity_over_all_columns():
    frame = align("CGT", "AACGTA", mode="semiglobal", traceback=True).to_frame()
    row = frame.iloc[0]
    assert (row["query_start"], row["query_end"], row["target_start"], row["target_end"]) == (1, 3, 3, 5)
    assert (row["score"], row["identity"], row["cigar"]) == (6, 1.0, "3=")
    assert list(align("CGT", "AACGTA").to_frame()) == ["query", "target", "score"]
    assert align("ACGT", "ACGGT", traceback=True).identity[0] == pytest.approx(4 / 5)


def test_nothing_in_common_is_an_empty_alignment():
    result = align("AAA", "CCC", mode="local", traceback=True)
    assert (result.scores[0], result.cigars) == (0, [""])
    assert np.isnan(result.identity[0])
    assert result.rows(0) == ("", "", "")


def test_what_needs_a_traceback_says_so():
    result = align("ACGT", "ACGT")
    for use in (result.text, lambda: result.identity, lambda: result.rows(0)):
        with pytest.raises(InputError, match="traceback=True"):
            use()
    with pytest.raises(InputError, match="width"):
        align("ACGT", "ACGT", traceback=True).text(width=0)


@pytest.mark.parametrize("matrix", [None, "PAM250", Matrix("ACGT", np.eye(4, dtype=int))])
def test_provenance_is_plain_data(matrix):
    result = align(["ACGT", "AC"], "ACGT", scoring=Scoring(matrix=matrix), band=5)
    plain = json.loads(json.dumps(result.provenance))
    assert plain["queries"] == {"sequences": 2}
    assert (plain["band"], plain["mode"], plain["kernels"][0]["name"]) == (5, "global", "pairwise_scores")
    assert len(result) == 2
    assert repr(result) == "<Alignments: 2 pairs, global, scores " + repr(result).split("scores ", 1)[1]


@pytest.mark.parametrize("letters", ["ACGT", "ACDEFGHIKLMNPQRSTVWY"])
def test_lanes_of_32_bits_find_what_one_pair_alone_does(letters):
    """Scores beyond 65,535 with CIGARs; of proteins the letters are looked up, and no two queries are alike."""
    matrix = None
    if len(letters) > 4:
        matrix = {(a, b): 90 + ord(a) % 7 if a == b else -17 - ord(a) * ord(b) % 23 for a in letters for b in letters}
    scoring = Scoring(match=113, mismatch=-31, gap_open=90, gap_extend=7, matrix=matrix)
    random = np.random.default_rng(3)
    targets = ["".join(random.choice(list(letters), 760)) for _ in range(9)]
    queries = [each[:300] + each[309:] for each in targets]
    found = align(queries, targets, mode="local", scoring=scoring, traceback=True, threads=1)
    assert found.scores.min() > 2**16
    for k, pair in enumerate(zip(queries, targets, strict=True)):
        alone = align(*pair, mode="local", scoring=scoring, traceback=True)
        assert (alone.scores[0], alone.cigars[0]) == (found.scores[k], found.cigars[k])

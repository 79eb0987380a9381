"""Scores and alphabets: the standard tables, the IUPAC rule, encoding, and every refusal."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from genolab.align import Matrix, Scoring, align
from genolab.align.matrices import LETTERS, NAMES, standard_matrix
from genolab.align.scoring import DNA, IUPAC, PROTEIN
from genolab.align.sequences import encode, pair_up
from genolab.errors import FileError, InputError


def test_the_standard_matrices_are_symmetric_and_reward_identity():
    assert len(NAMES) == 9
    for name in NAMES:
        table = standard_matrix(name)
        assert table.shape == (24, 24)
        assert (table == table.T).all()
        assert (np.diag(table)[:20] >= table[:20, :20].max(axis=1)).all()


@pytest.mark.oracle
@pytest.mark.parametrize("name", NAMES)
def test_the_standard_matrices_are_those_of_parasail(name):
    parasail = pytest.importorskip("parasail", reason="parasail is not installed")
    theirs = getattr(parasail, name.lower()).matrix[:24, :24]
    assert standard_matrix(name).tolist() == theirs.tolist()


@pytest.mark.parametrize("match", [1, 2, 5])
@pytest.mark.parametrize("mismatch", [-4, -3, 0])
def test_an_iupac_code_scores_the_mean_over_its_bases(match, mismatch):
    table = Scoring(match=match, mismatch=mismatch).table
    for a, some in IUPAC.items():
        for b, others in IUPAC.items():
            mean = np.mean([match if x == y else mismatch for x in some for y in others])
            score = table[DNA.letters.index(a), DNA.letters.index(b)]
            assert mean - 0.5 <= score < mean + 0.5


def test_an_iupac_code_may_match_or_mismatch_as_a_whole():
    n, a, r, y = (DNA.letters.index(letter) for letter in "NARY")
    kind, strict = Scoring(ambiguous="match").table, Scoring(ambiguous="mismatch").table
    assert (kind[n, a], kind[r, a], kind[r, y], kind[n, n]) == (2, 2, -4, 2)
    assert (strict[n, a], strict[n, n], strict[a, a]) == (-4, -4, 2)


def test_the_cheaper_piece_prices_a_gap():
    scoring = Scoring(gap_open=4, gap_extend=2, second_gap=(24, 1))
    assert [scoring.gap_cost(length) for length in (0, 1, 20, 40)] == [0, 6, 44, 64]
    assert Scoring(gap_open=0).gap_cost(7) == 14


def test_a_matrix_from_pairs_is_symmetric_unless_it_says_otherwise():
    matrix = Matrix.from_pairs({("A", "A"): 3, ("A", "B"): -1, ("B", "B"): 2})
    assert (matrix.letters, matrix.scores.tolist()) == ("AB", [[3, -1], [-1, 2]])
    with pytest.raises(InputError, match="none for B, B"):
        Scoring(matrix={("A", "A"): 3, ("A", "B"): -1})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"gap_open": -4}, "write 4"),
        ({"gap_extend": -1}, "cost of 0 or more"),
        ({"second_gap": (3, -1)}, "cost of 0 or more"),
        ({"second_gap": 3}, "a pair"),
        ({"match": 1.5}, "whole number"),
        ({"match": True}, "whole number"),
        ({"match": -4, "mismatch": 2}, "above that of a mismatch"),
        ({"matrix": "BLOSUM63"}, "one of BLOSUM45"),
        ({"matrix": np.eye(4)}, "a Matrix"),
        ({"ambiguous": "maybe"}, "one of mean"),
        ({"gap_open": 10**6}, "30,000"),
    ],
)
def test_scorings_that_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        Scoring(**options)


@pytest.mark.parametrize(
    ("letters", "scores", "words"),
    [
        ("AA", np.zeros((2, 2), int), "different"),
        ("AB", np.zeros((2, 3), int), "2 x 2"),
        ("AB", np.full((2, 2), 0.5), "whole numbers"),
        ("", np.zeros((0, 0), int), "1 to 64"),
    ],
)
def test_matrices_that_are_refused(letters, scores, words):
    with pytest.raises(InputError, match=words):
        Matrix(letters, scores)


def test_letters_become_codes_in_either_case():
    some = encode("test", "queries", ["acgu", "NnRy"], DNA)
    assert some.codes.tolist() == [0, 1, 2, 3, 4, 4, 5, 6, 0]
    assert [some.text(number) for number in range(2)] == ["ACGT", "NNRY"]
    assert encode("test", "q", "mkUoJ*", PROTEIN).codes[:-1].tolist() == [LETTERS.index(x) for x in "MKXXX*"]
    codes = encode("test", "q", [np.array([0, 1, 2]), np.array([3], np.uint8)], DNA)
    assert (codes.text(0), codes.text(1), len(codes)) == ("ACG", "T", 2)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "one sequence or more"),
        ("", "an empty one"),
        (["ACGT", ""], r"`q\[1\]`.*an empty one"),
        (["ACGT", "ACXT"], r"`q\[1\]`.*'X' at position 3"),
        ("AC-GT", "gaps out"),
        ("AC GT", "blanks out"),
        ("ACé", "'é' at position 3"),
        ("MKVE", "For proteins"),
        (["ACGT", np.zeros(3, np.uint8)], "mixture"),
        ([np.zeros((2, 2), int), np.zeros(2, int)], "one-dimensional"),
        (np.array([0, 15]), "codes from 0 to 14"),
        (np.array([-1, 3]), "got -1"),
        ([1, 2], "got int"),
    ],
)
def test_sequences_that_are_refused(value, words):
    with pytest.raises(InputError, match=words):
        encode("test", "q", value, DNA)


def test_sequences_from_files(tmp_path):
    fasta, fastq = tmp_path / "q.fa", tmp_path / "t.fq.gz"
    fasta.write_text(">one first\nACGT\nAC\n>two\nTTTT\n")
    fastq.write_bytes(gzip.compress(b"@r1\nACGTAC\n+\nIIIIII\n@r2\nTTT\n+\nIII\n"))
    result = align(str(fasta), fastq, traceback=True)
    assert result.cigars == ["6=", "3=1D"] or result.cigars == ["6=", "1I3="]
    frame = result.to_frame()
    assert frame["query"].tolist() == ["one", "two"]
    assert frame["target"].tolist() == ["r1", "r2"]
    assert result.provenance["queries"]["digest"].startswith("sha256:")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@r1\nACGT\n+\nIIII\n@r2\nAC\n", "record 2.*the file was cut"),
        ("@r1\nACGT\n+\nIII\n", "line 4.*qualities.*expected 4"),
        ("@r1\nACGT\nIIII\nACGT\n", "line 3, record 1, separator"),
        ("@r1\nACGT\n+\nIIII\nr2\nA\n+\nI\n", "line 5, record 2, name"),
        (">a\nACGT\n>b\nAXGT\n", "record 2, sequence.*'X' at position 2"),
        (">a\nACGT\n>b\n>c\nA\n", "record 2: expected a sequence"),
        (">\nACGT\n", "record 1, name"),
        ("hello\n", "expected FASTA or FASTQ"),
    ],
)
def test_files_that_are_refused(tmp_path, text, words):
    path = tmp_path / "some.txt"
    path.write_text(text)
    with pytest.raises(FileError, match=words):
        align(path, "ACGT")


def test_pairings():
    def pairs(queries, targets, pairing="pairs"):
        some = encode("test", "queries", queries, DNA)
        others = None if targets is None else encode("test", "targets", targets, DNA)
        return list(zip(*(each.tolist() for each in pair_up("test", some, others, pairing)), strict=True))

    assert pairs(["A", "C"], ["G", "T"]) == [(0, 0), (1, 1)]
    assert pairs("A", ["G", "T"]) == [(0, 0), (0, 1)]
    assert pairs(["A", "C"], "G") == [(0, 0), (1, 0)]
    assert pairs(["A", "C"], ["G", "T"], "all") == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert pairs(["A", "C", "G"], None) == [(0, 1), (0, 2), (1, 2)]
    for queries, targets, words in ((["A", "C"], ["A"] * 3, "pairing"), (["A"], None, "given")):
        with pytest.raises(InputError, match=words):
            pairs(queries, targets)

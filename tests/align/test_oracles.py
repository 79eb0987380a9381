"""The same scores as parasail, the same distances as edlib."""

from __future__ import annotations

import random

import pytest

from genolab.align import Scoring, align, edit_distance

pytestmark = pytest.mark.oracle
RANDOM = random.Random(11)


def pairs(letters, count=60, longest=120):
    """Half of the pairs are alike."""
    some = ["".join(RANDOM.choices(letters, k=RANDOM.randint(1, longest))) for _ in range(count)]
    cut = [each[: len(each) // 2] + each[len(each) // 2 + 3 :] + "A" for each in some]
    return some, [alike if RANDOM.random() < 0.5 else each[::-1] for alike, each in zip(cut, some, strict=True)]


@pytest.mark.parametrize(("mode", "peer"), [("global", "nw"), ("semiglobal", "sg_dx"), ("local", "sw")])
@pytest.mark.parametrize("kind", ["DNA", "BLOSUM62", "PAM250"])
def test_scores_are_those_of_parasail(mode, peer, kind):
    parasail = pytest.importorskip("parasail", reason="parasail is not installed")
    scoring = Scoring() if kind == "DNA" else Scoring(matrix=kind, gap_open=10, gap_extend=1)
    matrix = parasail.matrix_create("ACGT", 2, -4) if kind == "DNA" else getattr(parasail, kind.lower())
    queries, targets = pairs("ACGT" if kind == "DNA" else "ARNDCQEGHILKMFPSTWYV")
    run = getattr(parasail, f"{peer}_scan_16")
    gaps = scoring.gap_cost(1), scoring.gap_extend
    expected = [run(a, b, *gaps, matrix).score for a, b in zip(queries, targets, strict=True)]
    assert align(queries, targets, mode=mode, scoring=scoring).scores.tolist() == expected


@pytest.mark.parametrize(("mode", "peer"), [("global", "NW"), ("infix", "HW"), ("prefix", "SHW")])
def test_distances_are_those_of_edlib(mode, peer):
    edlib = pytest.importorskip("edlib", reason="edlib is not installed")
    queries, targets = pairs("ACGT", longest=900)
    expected = [edlib.align(a, b, mode=peer)["editDistance"] for a, b in zip(queries, targets, strict=True)]
    assert edit_distance(queries, targets, mode=mode).tolist() == expected

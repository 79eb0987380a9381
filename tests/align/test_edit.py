"""Edit distances: bit vectors, bands and paths against the naive version."""

from __future__ import annotations

import json
import random

import naive_align as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genolab.align import edit_distance
from genolab.align.edit import MODES, edit_distances
from genolab.align.loops import edit as loops
from genolab.align.scoring import DNA
from genolab.align.sequences import encode
from genolab.errors import InputError

N_IS_ANY = [("N", base) for base in "ACGT"]


def mutated(rng, sequence, rate):
    """The sequence with substitutions, insertions and deletions."""
    out = []
    for letter in sequence:
        draw = rng.random()
        if draw < rate:
            continue
        out.append(rng.choice("ACGT") if draw < 2 * rate else letter)
        if draw > 1 - rate:
            out.append(rng.choice("ACGT"))
    return "".join(out)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(MODES)),
    st.integers(0, 2**32),
    st.sampled_from([1, 3, 17]),
    st.sampled_from([5, 70, 140]),
    st.sampled_from(["ACGT", "AC", "ACGTN"]),
)
def test_distances_and_paths_equal_the_naive_definition(mode, seed, count, longest, letters):
    rng = random.Random(seed)
    queries = ["".join(rng.choices(letters, k=rng.randint(0, longest))) for _ in range(count)]
    targets = [mutated(rng, each, 0.1) if rng.random() < 0.6 else each[::-1] for each in queries]
    equalities = N_IS_ANY if rng.random() < 0.5 else ()
    expected = [
        naive.edit_distance(a, b, mode, lambda x, y: x == y or ("N" in (x, y) and bool(equalities)))
        for a, b in zip(queries, targets, strict=True)
    ]
    options = {"mode": mode, "equalities": equalities, "threads": 1}
    assert edit_distance(queries, targets, **options).tolist() == expected
    paths = edit_distance(queries, targets, traceback=True, **options)
    assert paths.distances.tolist() == expected
    if not equalities:
        for k, cigar in enumerate(paths.cigars):
            stretch = targets[k][paths.target_start[k] : paths.target_end[k]]
            assert (
                -naive.rescore(cigar, queries[k], stretch, lambda x, y: -(x != y), lambda length: length) == expected[k]
            )


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.2])
def test_a_band_finds_what_the_whole_matrix_does(rate, monkeypatch):
    rng = random.Random(5)
    queries = ["".join(rng.choices("ACGT", k=rng.randint(520, 1500))) for _ in range(20)]
    targets = [mutated(rng, query, rate) for query in queries]
    targets[3], targets[4] = targets[3][:50], queries[9]  # far apart
    banded = edit_distance(queries, targets)
    assert edit_distance(queries, targets, threads=2).tolist() == banded.tolist()
    monkeypatch.setattr(loops, "FIRST_BAND", 10**6)
    assert edit_distance(queries, targets).tolist() == banded.tolist()
    assert banded[0] == naive.edit_distance(queries[0], targets[0], "global")


def test_the_triangle_inequality_and_symmetry():
    rng = random.Random(8)
    some = ["".join(rng.choices("ACGT", k=rng.randint(0, 200))) for _ in range(6)]
    table = edit_distance(some, some, pairing="all").reshape(6, 6)
    assert (table == table.T).all()
    assert (table[:, :, None] <= table[:, None, :] + table.T[None, :, :]).all()


def test_the_bit_vectors_equal_the_definition():
    queries, targets = ["", "A", "ACGTAC", "GGTNA"], ["AC", "", "AGTTACG", "GTANNA"]
    q, t = (encode("test", "x", each, DNA, allow_empty=True) for each in (queries, targets))
    equal = np.eye(15, dtype=bool)
    for ends in MODES.values():
        arrays = q.codes, q.start, q.length, t.codes, t.start, t.length, equal, np.array(ends)
        expected = edit_distances(*arrays).distance.tolist()
        assert edit_distances.definition(*arrays, backend="numpy").distance.tolist() == expected
        assert edit_distances(*arrays, backend="numba").distance.tolist() == expected


def test_a_table_of_paths():
    frame = edit_distance(["ACGT", "CGT"], ["AGGT", "AACGTA"], mode="infix", traceback=True).to_frame()
    assert frame["distance"].tolist() == [1, 0]
    assert frame["cigar"].tolist() == ["1=1X2=", "3="]
    assert (frame["target_start"][1], frame["target_end"][1]) == (3, 5)


def test_provenance_is_plain_data():
    result = edit_distance("ACGT", "AGGN", traceback=True, equalities=N_IS_ANY[:1])
    plain = json.loads(json.dumps(result.provenance))
    assert (plain["mode"], plain["equalities"], plain["queries"]) == ("global", ["NA"], {"sequences": 1})
    assert plain["kernels"][0]["name"] == "edit_distances"


def test_refusals_name_the_input():
    for options, word in (
        ({"mode": "local"}, "mode"), ({"alphabet": "RNA"}, "alphabet"), ({"equalities": [("N", "!")]}, "equalities"),
        ({"equalities": ["N"]}, "equalities"), ({"pairing": "each"}, "pairing"), ({"threads": -1}, "threads"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=f"`{word}`"):
            edit_distance("ACGT", "ACGT", **options)

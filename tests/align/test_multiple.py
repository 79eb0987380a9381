"""Multiple alignment: laws that any must obey, the kernels against naive versions, and the peers' sums of pairs."""

from __future__ import annotations

import random
import shutil
import subprocess
from itertools import combinations

import naive_align as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genolab import data
from genolab.align import Scoring, align, multiple
from genolab.align.guide_tree import row_distances, upgma, word_distances
from genolab.align.multiple_alignment import MultipleAlignment, sum_of_pairs
from genolab.align.profiles import align_profiles, column_information
from genolab.align.scoring import DNA
from genolab.errors import Cancelled, FileError, InputError
from genolab.io import read_sequences

PROTEIN = Scoring(matrix="BLOSUM62", gap_open=10, gap_extend=1)


def scorer(scoring):
    letters, table = scoring.alphabet.letters, scoring.table
    return lambda a, b: int(table[letters.index(a), letters.index(b)])


def worth_of_pair(one, other, scoring):
    """The score of two rows with gaps: their common gaps taken out, then as an alignment of a pair."""
    columns = [(a, b) for a, b in zip(one, other, strict=True) if (a, b) != ("-", "-")]
    moves = "".join("I" if b == "-" else "D" if a == "-" else "=" if a == b else "X" for a, b in columns)
    cigar, at = "", 0
    while at < len(moves):
        end = at
        while end < len(moves) and moves[end] == moves[at]:
            end += 1
        cigar, at = f"{cigar}{end - at}{moves[at]}", end
    query, target = one.replace("-", ""), other.replace("-", "")
    return naive.rescore(cigar, query, target, scorer(scoring), scoring.gap_cost)


@st.composite
def families(draw, most=6):
    """Sequences that descend from one, so that there is something to align."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    protein = draw(st.booleans())
    letters = "ARNDCQEGHILKMFPSTWYV" if protein else "ACGT"
    first = rng.choices(letters, k=rng.randint(1, 25))
    found = []
    for _ in range(draw(st.integers(2, most))):
        child = [rng.choice(letters) if rng.random() < 0.2 else letter for letter in first]
        child = [letter for letter in child if rng.random() > 0.1] or [first[0]]
        found.append("".join(letter + rng.choice(letters) if rng.random() < 0.05 else letter for letter in child))
    return found, PROTEIN if protein else Scoring(gap_open=draw(st.integers(0, 6)), gap_extend=draw(st.integers(0, 3)))


@settings(max_examples=20)
@given(families(), st.integers(0, 1), st.booleans())
def test_without_gaps_the_rows_are_the_sequences_and_no_column_is_empty(family, refinements, weighted):
    sequences, scoring = family
    made = multiple(sequences, scoring=scoring, refinements=refinements, weighted=weighted)
    assert [text.replace("-", "") for text in made.texts] == sequences
    assert (made.rows < made.gap).any(axis=0).all()
    assert made.score == sum(worth_of_pair(a, b, scoring) for a, b in combinations(made.texts, 2))


@settings(max_examples=12)
@given(families(most=2))
def test_two_sequences_are_worth_their_global_alignment(family):
    sequences, scoring = family
    made = multiple(sequences, scoring=scoring)
    assert made.score == align(*sequences, scoring=scoring).scores[0]


@settings(max_examples=12)
@given(families(), st.randoms(use_true_random=False))
def test_the_order_of_the_sequences_changes_the_order_of_the_rows_only(family, rng):
    sequences, scoring = family
    order = list(range(len(sequences)))
    rng.shuffle(order)
    one, other = multiple(sequences, scoring=scoring), multiple([sequences[k] for k in order], scoring=scoring)
    assert sorted(one.texts) == sorted(other.texts)
    assert [one.texts[k].replace("-", "") for k in order] == [text.replace("-", "") for text in other.texts]
    assert np.allclose(sorted(one.weights), sorted(other.weights))


def naive_profiles(first, second, p, q, table, gap_open, gap_extend):
    """The score of the recurrence, one cell at a time."""
    u, v = [sum(column) for column in first], [sum(column) for column in second]
    m, n = len(first), len(second)
    H = [[-1e30] * (n + 1) for _ in range(m + 1)]
    E, F = [[*row] for row in H], [[*row] for row in H]
    for i in range(m + 1):
        for j in range(n + 1):
            opening = gap_open * (u[i - 1] if i else 1) * (v[j - 1] if j else 1)
            options = [0.0] if i == j == 0 else []
            if j:
                E[i][j] = max(E[i][j - 1], H[i][j - 1] - opening) - gap_extend * v[j - 1]
                options.append(E[i][j])
            if i:
                F[i][j] = max(F[i - 1][j], H[i - 1][j] - opening) - gap_extend * u[i - 1]
                options.append(F[i][j])
            if i and j:
                a, b = i - 1, j - 1
                worth = sum(
                    x * y * table[k][l]
                    for k, x in enumerate(first[a])
                    for l, y in enumerate(second[b])  # noqa: E741
                )
                worth -= gap_extend * ((1 - u[a]) * v[b] + u[a] * (1 - v[b]))
                worth -= gap_open * (p[a] * v[b] + u[a] * q[b])
                options.append(H[a][b] + worth)
            H[i][j] = max(options)
    return H[m][n]


def test_profiles_the_loop_the_definition_and_the_naive_version_agree():
    rng = np.random.default_rng(5)
    table = rng.integers(-4, 5, (3, 3)).astype(float)
    for m, n in ((1, 1), (4, 6), (7, 3)):
        first, second = (rng.integers(0, 3, (size, 3)) / 8 for size in (m, n))  # exact in binary
        p, q = (rng.integers(0, 3, size) / 8 for size in (m, n))
        arrays = first, second, p, q, table, 3.0, 1.0
        fast, written = align_profiles(*arrays), align_profiles.definition(*arrays)
        numba = align_profiles(*arrays, backend="numba")
        assert fast.score == pytest.approx(naive_profiles(*(each.tolist() for each in arrays[:5]), 3.0, 1.0), abs=1e-9)
        assert fast.score == written.score == numba.score
        assert fast.moves.tolist() == written.moves.tolist() == numba.moves.tolist()
        moves = fast.moves[fast.moves > 0]
        assert ((moves != 2).sum(), (moves != 3).sum()) == (m, n)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_information_of_columns_by_hand(backend):
    found = column_information(
        np.array([[4.0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0], [100, 100, 0, 0]]), backend=backend
    )
    assert found.entropy == pytest.approx([0, 2, 0, 1])
    correction = 3 / (2 * np.log(2))
    assert found.information == pytest.approx([2 - correction / 4, 0, 0, 1 - correction / 200])


def test_consensus_identity_marks_and_table():
    made = MultipleAlignment(
        ("a", "b", "c"),
        np.array([[0, 1, 2, 3, 0], [0, 1, 3, 15, 15], [0, 2, 1, 15, 15]], np.uint8),
        Scoring(), upgma(np.zeros((3, 3))), np.ones(3), {},
    )  # fmt: skip
    assert made.texts == ("ACGTA", "ACT--", "AGC--")
    assert made.consensus() == "ACN--"
    assert made.consensus(0.3) == "ACC--"
    assert made.marks == "*    "
    assert made.identity[0].tolist() == pytest.approx([1, 2 / 5, 1 / 5])
    assert made.conservation.tolist() == pytest.approx([1, 2 / 3, 1 / 3, 1 / 3, 1 / 3])
    assert made.occupancy.tolist() == pytest.approx([1, 1, 1, 1 / 3, 1 / 3])
    frame = made.to_frame()
    assert list(frame["length"]) == [5, 3, 3]
    proteins = multiple(["MSTA", "MSTA", "LSSC"], scoring=PROTEIN)
    assert proteins.marks == ":*:."
    with pytest.raises(InputError, match="threshold"):
        made.consensus(0)


def test_files_are_read_back(tmp_path):
    made = multiple(data.sequence_set("globins").path, scoring=PROTEIN)
    made.write(tmp_path / "globins.fa")
    made.write(tmp_path / "globins.aln")
    found = read_sequences(tmp_path / "globins.fa")
    assert (found.names, found.sequences) == (made.names, made.texts)
    lines = (tmp_path / "globins.aln").read_text().splitlines()
    assert lines[0].startswith("CLUSTAL")
    rows = dict.fromkeys(made.names, "")
    for line in lines[1:]:
        if line and not line.startswith(" "):
            name, letters = line.split()
            rows[name] += letters
    assert tuple(rows.values()) == made.texts
    assert made.provenance["kernels"][0]["name"] == "align_profiles"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["globins.aln", "globins.fa"]


def test_words_rows_and_trees():
    codes = [
        np.frombuffer(text.translate(DNA.codes), np.uint8) for text in (b"ACGTACGTAC", b"ACGTACGTAC", b"TTTTTTTTTT")
    ]
    distances = word_distances(codes, DNA)
    assert distances[0].tolist() == [0, 0, 1]
    tree = upgma(distances)
    assert sorted(tree.joins[0].tolist()) == [0, 1]
    assert tree.weights[2] > tree.weights[0] == tree.weights[1]
    assert tree.weights.mean() == pytest.approx(1, abs=0.1)
    assert sorted(tree.members(4).tolist()) == [0, 1, 2]
    rows = np.array([[0, 1, 2, 15], [0, 1, 3, 0], [15, 15, 15, 0]], np.uint8)
    found = row_distances(rows, 15)
    assert found[0, 1] == pytest.approx(-np.log(1 - 1 / 3 - 1 / 45))
    assert found[0, 2] == 5


@pytest.mark.parametrize(
    ("sequences", "options", "words"),
    [
        (["ACGT"], {}, "two or more"),
        (["ACGT", ""], {}, "empty"),
        (["ACGT", "AC?T"], {}, "'\\?' at position 3"),
        (["ACGT", "ACGT"], {"scoring": Scoring(second_gap=(9, 1))}, "one affine piece"),
        (["ACGT", "ACGT"], {"refinements": -1}, "refinements"),
        (["ACGT", "ACGT"], {"names": ["one"]}, "names"),
        (["A" * 9_000, "A" * 9_000], {}, "9,000"),
    ],
)
def test_refusals(sequences, options, words):
    with pytest.raises((InputError, FileError), match=words):
        multiple(sequences, **options)


def test_it_says_how_far_it_is_and_can_be_stopped():
    said = []
    multiple(["ACGTA", "ACTTA", "CCTTA"], progress=lambda share, text: said.append((share, text)))
    shares = [share for share, _ in said]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)

    def stop(_share, _text):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        multiple(["ACGTA", "ACTTA"], progress=stop)


PEERS = {
    "mafft": ["mafft", "--quiet", "--thread", "1", "--auto", "{path}"],
    "muscle": ["muscle", "-align", "{path}", "-output", "/dev/stdout", "-threads", "1", "-quiet"],
    "clustalo": ["clustalo", "--threads=1", "-i", "{path}"],
}


@pytest.mark.oracle
@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("name", ["globins", "made1"])
def test_the_sum_of_pairs_is_not_below_that_of_peers(name, peer, tmp_path):
    if shutil.which(peer) is None:
        pytest.skip(f"{peer} is not installed")
    known = data.sequence_set(name)
    scoring = PROTEIN if known.matrix else Scoring()
    command = [part.format(path=known.path) for part in PEERS[peer]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    (tmp_path / "peer.fa").write_text(done.stdout)
    letters = scoring.alphabet.letters + "-"
    texts = [text.upper() for text in read_sequences(tmp_path / "peer.fa").sequences]
    theirs = sum_of_pairs(np.array([[letters.index(letter) for letter in text] for text in texts], np.uint8), scoring)
    # measured: globins 5,746 against 5,712, 5,584 and 5,653; MADE1 3,168 against 3,176, 3,124 and 1,228
    assert multiple(known.path, scoring=scoring).score >= 0.99 * theirs

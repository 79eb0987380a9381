"""Honest scores: leaks are found by kind, groups are never divided, intervals and controls say what they should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sequence import motif_sequences

from genolab import predict
from genolab.errors import InputError
from genolab.predict import metrics
from genolab.predict.evaluation import BASELINE, SHUFFLED
from genolab.predict.splits import fold_numbers

OTHER = str.maketrans("ACGT", "TGCA")


def made(count, length, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), length)) for _ in range(count)]


def changed(text, places, seed=0):
    rng, letters = np.random.default_rng(seed), list(text)
    for place in rng.choice(len(text), places, replace=False):
        letters[place] = letters[place].translate(OTHER)
    return "".join(letters)


def test_each_kind_of_leak_is_found_once():
    train = made(30, 80)
    test = [
        train[3], train[4][::-1].translate(OTHER), changed(train[5], 1), changed(train[6][10:], 3),
        changed(train[7][::-1].translate(OTHER), 1), *made(5, 80, seed=9),
    ]  # fmt: skip
    found = predict.check_leaks(train, test)
    assert found.kind == ["exact duplicate", "reverse complement", "near duplicate", "similar", "near duplicate"]
    assert found.train.tolist() == [3, 4, 5, 6, 7]
    assert found.test.tolist() == [0, 1, 2, 3, 4]
    assert list(found.to_frame().columns) == ["kind", "test", "train", "similarity"]
    assert found.share == 0.5
    assert "2 near duplicates" in str(found)
    assert "no relative" in str(predict.check_leaks(train, made(6, 80, seed=7)))


def test_families_are_shared():
    train, test = made(4, 40), made(3, 40, seed=1)
    found = predict.check_leaks(train, test, train_groups=["a", "b", "b", "c"], test_groups=["d", "b", "c"])
    assert found.kind == ["shared family"] * 2
    assert found.train.tolist() == [1, 3]
    with pytest.raises(InputError, match="a group for each"):
        predict.check_leaks(train, test, train_groups=["a"], test_groups=["d", "b", "c"])


def test_clusters_hold_relatives_together():
    parents = made(6, 90)
    family = [changed(parent, 2, seed) for parent in parents for seed in range(4)]
    clusters = predict.similarity_clusters(family)
    assert len(set(clusters.tolist())) == 6
    assert all(len(set(clusters[4 * k : 4 * k + 4].tolist())) == 1 for k in range(6))
    turned = predict.similarity_clusters([parents[0], parents[0][::-1].translate(OTHER), parents[1]])
    assert turned[0] == turned[1] != turned[2]


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 5), st.lists(st.integers(0, 9), min_size=30, max_size=60), st.integers(0, 99))
def test_folds_keep_groups_whole_and_classes_even(folds, groups, seed):
    groups, label = np.array(groups), np.arange(len(groups)) % 2
    even = fold_numbers("t", label, None, folds, seed)
    for value in (0, 1):
        counts = np.bincount(even[label == value], minlength=folds)
        assert np.ptp(counts) <= 1
    if np.unique(groups).size >= folds:
        whole = fold_numbers("t", label, groups, folds, seed)
        assert all(np.unique(whole[groups == g]).size == 1 for g in np.unique(groups))
        assert np.unique(whole).size == folds


def test_cross_validation_shows_baseline_control_and_intervals():
    texts, label = motif_sequences(200)
    words = {"sizes": (5, 6), "at_positions": False}
    model = predict.SequenceClassifier("kmer_logistic", options=words)
    found = predict.cross_validate(model, texts, label, folds=4)
    assert found.value("auroc") > 0.85
    assert abs(found.value("auroc", SHUFFLED) - 0.5) < 0.2
    assert found.value("auroc") > found.value("auroc", BASELINE)
    assert (found.table["low"] <= found.table["value"]).all()
    assert (found.table["value"] <= found.table["high"]).all()
    assert found.notices == ()
    assert set(found.folds["fold"]) == {0, 1, 2, 3}


def test_a_random_split_of_relatives_is_flagged():
    parents = made(8, 60)
    texts = [changed(parent, 2, seed) for parent in parents for seed in range(10)]
    value = np.repeat(np.random.default_rng(0).normal(size=8), 10)
    model = predict.ExpressionRegressor("kmer_logistic", options={"sizes": (4,), "at_positions": False})
    flattered = predict.cross_validate(model, texts, value, split="random", shuffled=False)
    honest = predict.cross_validate(model, texts, value, split="similarity", shuffled=False)
    assert flattered.value("r") > 0.9 > honest.value("r") + 0.3
    assert any("80 of 80 held-out" in notice for notice in flattered.notices)
    assert not any("Leaks" in notice for notice in honest.notices)
    with pytest.raises(InputError, match="clusters"):
        predict.cross_validate(model, [changed(parents[0], 2, k) for k in range(20)], np.arange(20.0))


def test_scores_by_hand():
    label, score = np.array([0, 1, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8, 0.2])
    pairs = [(p > n) + 0.5 * (p == n) for p in score[label == 1] for n in score[label == 0]]
    assert metrics.auroc(label, score) == pytest.approx(np.mean(pairs))
    ranked = [(0.8, 1 / 1), (0.4, 2 / 3), (0.2, 3 / 4)]  # each positive's score, and the precision down to it
    assert metrics.average_precision(label, score) == pytest.approx(np.mean([precision for _, precision in ranked]))
    assert metrics.pearson(score, 3 * score + 1) == pytest.approx(1)
    assert metrics.pearson(score, np.ones(5)) == 0
    assert metrics.spearman(score, np.exp(score)) == pytest.approx(1)
    assert metrics.concordance(np.array([3, 2, 1.0]), np.array([1, 2, 3.0]), np.ones(3)) == 1
    low, high = metrics.interval(
        metrics.pearson, np.arange(50.0), np.arange(50) + np.random.default_rng(0).normal(0, 20, 50)
    )
    assert 0 < low < high < 1


def test_average_precision_is_that_of_scikit_learn():
    from sklearn.metrics import average_precision_score

    draw = np.random.default_rng(6)
    for _ in range(20):
        label, score = draw.integers(0, 2, 40), draw.integers(0, 8, 40) / 4  # many ties
        assert metrics.average_precision(label, score) == pytest.approx(average_precision_score(label, score))


def test_intervals_of_several_scores_are_those_of_each():
    a, b = np.random.default_rng(1).normal(size=(2, 30))
    both = metrics.intervals(lambda x, y: {"r": metrics.pearson(x, y), "rank": metrics.spearman(x, y)}, a, b)
    assert both == {"r": metrics.interval(metrics.pearson, a, b), "rank": metrics.interval(metrics.spearman, a, b)}


@pytest.mark.oracle
def test_promoters_and_splice_sites(shared_folder):
    import csv

    with open(shared_folder / "data/sequences/uci_promoters.csv") as stream:
        rows = list(csv.reader(stream))[1:]
    texts, label = ["".join(row[1:]).upper() for row in rows], np.array([row[0] for row in rows])
    model = predict.SequenceClassifier("kmer_logistic")
    found = predict.cross_validate(model, texts, label, split="leave_one_out", shuffled=False)
    assert found.value("auroc") >= 0.975

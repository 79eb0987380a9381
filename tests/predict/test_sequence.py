"""Classifiers of sequences: they learn what is there, repeat to the byte, stop, resume, and refuse plainly."""

import json

import numpy as np
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_limits

import genolab as gl
from genolab.errors import Cancelled, FileError, GenolabWarning, InputError
from genolab.kernel import threads
from genolab.predict import SequenceClassifier
from genolab.predict.bases import encode

pytestmark = pytest.mark.filterwarnings("ignore:.*validation leaks")
SMALL = {"filters": 8, "width": 6, "pool": 3, "units": 8, "dropout": 0.1}


def motif_sequences(count=240, length=40, motif="TATAAT", seed=0, several=False):
    """Random sequences, half of them with a motif somewhere; and which."""
    rng = np.random.default_rng(seed)
    label, texts = np.arange(count) % 2, []
    for has in label:
        size = int(rng.integers(length - 12, length + 1)) if several else length
        text = "".join(rng.choice(list("ACGT"), size))
        place = int(rng.integers(0, size - 6))
        texts.append(text[:place] + motif + text[place + 6 :] if has else text)
    return texts, label


def quick(architecture="basset", **changed):
    options = {"basset": SMALL, "deepbind": {"filters": 8, "width": 6, "units": 8}}.get(architecture)
    given = {"epochs": 4, "batch_size": 32, "learning_rate": 0.01, "seed": 1, "options": options} | changed
    return SequenceClassifier(architecture, **given)


@pytest.mark.parametrize("architecture", ["kmer_logistic", "gkm", "deepbind"])
def test_it_learns_a_motif(architecture):
    texts, label = motif_sequences(400, several=architecture != "kmer_logistic")
    options = {"sizes": (4, 5, 6), "at_positions": False} if architecture == "kmer_logistic" else None
    options = {"filters": 16, "width": 8} if architecture == "deepbind" else options
    model = quick(architecture, epochs=15, options=options)
    model.fit(texts[:300], label[:300])
    assert model.score(texts[300:], label[300:]) > 0.8
    proba = model.predict_proba(texts[300:])
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert (model.classes_[proba.argmax(axis=1)] == model.predict(texts[300:])).all()


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    texts, label = motif_sequences(96)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        model = quick(seed=seed, epochs=2)
        model.fit(texts, label)
        model.history_ = []  # which holds seconds
        model.save(tmp_path / name)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b
    assert a != c


@pytest.mark.parametrize("architecture", ["basset", "gkm"])
def test_any_number_of_threads_learns_the_same_bytes(architecture, tmp_path, monkeypatch):
    texts, label = motif_sequences(96)
    found = []
    for count in (1, 2, 4):
        monkeypatch.setattr(threads, "_most", count)
        with threadpool_limits(count):
            model = quick(architecture, epochs=2).fit(texts, label)
        model.history_ = []  # which holds seconds
        model.save(tmp_path / "model")
        found.append((tmp_path / "model").read_bytes())
    assert found[0] == found[1] == found[2]


class StopAt:
    """A progress that stops the training at one of its steps."""

    def __init__(self, step):
        self.left = step

    def __call__(self, fraction, text):
        self.left -= 1
        if self.left < 0:
            raise Cancelled("stopped")


@pytest.mark.parametrize(("step", "from_file"), [(0, True), (5, True), (7, False)])
def test_a_stopped_training_goes_on_with_the_same_numbers(tmp_path, step, from_file):
    texts, label = motif_sequences(120)
    whole = quick().fit(texts, label, validation=0.2)
    path = tmp_path / "run.checkpoint" if from_file else None
    stopped = quick()
    with pytest.raises(Cancelled):
        stopped.fit(texts, label, validation=0.2, checkpoint=path, progress=StopAt(step))
    assert stopped.predict_proba(texts[:3]).shape == (3, 2)  # with what it has learnt so far
    resumed = quick() if from_file else stopped
    resumed.fit(texts, label, validation=0.2, checkpoint=path, resume=True)
    for name, value in whole.weights_.items():
        assert (resumed.weights_[name] == value).all(), name
    ours, theirs = ([{k: v for k, v in row.items() if k != "seconds"} for row in m.history_] for m in (resumed, whole))
    assert ours == theirs
    if from_file:
        with pytest.raises(InputError, match="learning_rate"):
            quick(learning_rate=0.5).fit(texts, label, validation=0.2, checkpoint=path, resume=True)
        with pytest.raises(FileError, match="checkpoint"):
            gl.predict.load(path)


def test_a_stop_takes_effect_before_the_next_step():
    from genolab.scale import Job

    texts, label = motif_sequences(200)
    model, seen = quick(epochs=100_000, patience=100_000), []
    job = Job(lambda progress: model.fit(texts, label, progress=lambda f, t: (seen.append(f), progress(f, t))[1]))
    job.start()
    while len(seen) < 3:
        assert not job.wait(0.01), job.error
    job.cancel()
    assert job.wait(10)
    assert job.state == "cancelled"
    assert seen == sorted(seen)


@pytest.mark.parametrize("architecture", ["kmer_logistic", "basset"])
def test_saving_and_loading(tmp_path, architecture):
    texts, label = motif_sequences(80)
    names = np.array(["no", "yes"])[label]
    model = quick(architecture, epochs=2).fit(texts, names, validation=0.25)
    path = tmp_path / "m.glmodel"
    model.save(path)
    again = gl.predict.load(path)
    assert (again.predict_proba(texts) == model.predict_proba(texts)).all()
    assert (again.predict(texts) == model.predict(texts)).all()
    assert again.card_["data"]["digest"] == encode("t", "x", texts).digest()
    assert again.scores_ == model.scores_
    assert set(model.scores_) == {"model", "baseline (word counts)"}
    for cut in (4, 100, path.stat().st_size - 5):
        (tmp_path / "cut").write_bytes(path.read_bytes()[:cut])
        with pytest.raises(FileError, match="cut"):
            gl.predict.load(tmp_path / "cut")
    (tmp_path / "zip").write_bytes(b"PK\x03\x04" + bytes(200))
    with pytest.raises(FileError, match="another kind"):
        gl.predict.load(tmp_path / "zip")
    arrays, card = gl.io.read_model(path)
    card["parameters"]["architecture"] = "danq"  # whose weights these are not
    gl.io.write_model(tmp_path / "other", arrays, card)
    with pytest.raises(FileError, match="card"):
        gl.predict.load(tmp_path / "other")


def test_several_classes_and_several_labels():
    texts, label = motif_sequences(120)
    three = np.where(np.arange(120) % 3 == 0, "c", np.where(label, "b", "a"))
    model = quick(epochs=2, class_weight="balanced").fit(texts, three, validation=0.25)
    assert list(model.classes_) == ["a", "b", "c"]
    assert model.predict_proba(texts).shape == (120, 3)
    assert set(model.predict(texts)) <= {"a", "b", "c"}
    both = np.column_stack([label, 1 - label, np.arange(120) % 3 == 0])
    model = quick(epochs=2).fit(texts, both)
    assert model.predict(texts).shape == (120, 3)
    assert set(np.unique(model.predict(texts))) <= {0, 1}


def test_rare_classes_weigh_as_much():
    texts, _ = motif_sequences(60)
    rare = (np.arange(60) < 6).astype(int)
    model = quick("kmer_logistic", class_weight="balanced", penalty=100.0).fit(texts, rare)
    assert abs(model.predict_proba(texts)[:, 1].mean() - 0.5) < 0.02
    assert model.fit(texts, rare).get_params()["penalty"] == 100.0


def test_both_strands_give_one_answer():
    texts, label = motif_sequences(80)
    turned = [text[::-1].translate(str.maketrans("ACGT", "TGCA")) for text in texts]
    model = quick(strands="both", epochs=2).fit(texts, label)
    np.testing.assert_allclose(model.predict_proba(texts), model.predict_proba(turned), atol=1e-6)
    words = quick("gkm", strands="both").fit(texts, label)
    np.testing.assert_allclose(words.predict_proba(texts), words.predict_proba(turned), atol=1e-6)


def test_letters_of_iupac_count_as_unknown():
    bases = encode("t", "x", ["acgtuNRYswkmbdhv"])
    assert bases.text(0) == "ACGTTNNNNNNNNNNN"
    assert bases.ambiguous == 11


def test_it_follows_the_convention():
    model = quick(class_weight="balanced")
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(Exception, match="not fitted"):
        model.predict(["ACGT"])


TEXTS, LABEL = motif_sequences(24)


@pytest.mark.parametrize(
    ("change", "sequences", "labels", "words"),
    [
        ({}, TEXTS, np.zeros(24), "two classes"),
        ({}, TEXTS, LABEL[:-1], "one for each of 24"),
        ({}, [*TEXTS[:-1], TEXTS[0][:-3]], LABEL, "one length"),
        ({}, [*TEXTS[:-1], "ACGTX" * 8], LABEL, r"sequences\[23\].*'X' at position 5"),
        ({}, [*TEXTS[:-1], "AC-GT" * 8], LABEL, "Take the gaps out"),
        ({}, [*TEXTS[:-1], ""], LABEL, "an empty one"),
        ({}, [], [], "one sequence or more"),
        ({}, "ACGT", [1], "a list"),
        ({}, TEXTS, np.where(np.arange(24) > 3, LABEL, np.nan), "4 NaN"),
        ({"architecture": "transformer"}, TEXTS, LABEL, "kmer_logistic, gkm, deepbind"),
        ({"options": {"depth": 3}}, TEXTS, LABEL, "options of basset"),
        ({"learning_rate": -1}, TEXTS, LABEL, "learning_rate"),
        ({"strands": "two"}, TEXTS, LABEL, "augment"),
        ({"epochs": 0}, TEXTS, LABEL, "epochs"),
        ({"schedule": "steps"}, TEXTS, LABEL, "cosine"),
        ({"class_weight": {0: 1}}, TEXTS, LABEL, "class_weight"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(change, sequences, labels, words):
    with pytest.raises(InputError, match=words) as refusal:
        quick().set_params(**change).fit(sequences, labels)
    assert "\n" not in str(refusal.value)


def test_other_lengths_and_new_classes_are_refused_later():
    model = quick(epochs=1).fit(TEXTS, LABEL)
    with pytest.raises(InputError, match="40 bases long"):
        model.predict(["ACGT" * 5])
    with pytest.raises(InputError, match="classes learnt"):
        model.fit(TEXTS, LABEL, validation=(TEXTS[:2], [0, 7]))


def test_a_leaking_validation_is_said():
    with pytest.warns(GenolabWarning, match="exact duplicate"):
        model = quick(epochs=1).fit(TEXTS, LABEL, validation=(TEXTS[:4], LABEL[:4]))
    assert json.dumps(model.card_)

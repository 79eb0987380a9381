"""Explanations equal differences of predictions, add up, and find the motif that was put in."""

import numpy as np
import pytest
from test_sequence import motif_sequences, quick

from genolab.errors import FileError, InputError
from genolab.predict import SequenceClassifier, attribution
from genolab.predict.bases import encode


@pytest.fixture(scope="module")
def model():
    texts, label = motif_sequences(300, length=30)
    fitted = quick(epochs=12, options={"filters": 12, "width": 7, "pool": 3, "units": 8, "dropout": 0.0})
    return fitted.fit(texts, label)


@pytest.fixture(scope="module")
def texts():
    return motif_sequences(6, length=30, seed=5)[0]


def test_saliency_is_the_slope(model, texts):
    found = model.saliency(texts)
    assert found.shape == (6, 30, 4)
    shares = np.eye(5, dtype=np.float32)[encode("t", "x", texts).matrix()][:, :, :4]
    rng, step = np.random.default_rng(0), 1e-3
    slopes = []
    for _ in range(12):
        k, p, b = rng.integers(6), rng.integers(30), rng.integers(4)
        moved = [shares[k : k + 1].copy(), shares[k : k + 1].copy()]
        moved[0][0, p, b] -= step
        moved[1][0, p, b] += step
        low, high = (float(attribution._one_strand(model, each, 0)[0][0]) for each in moved)
        slopes.append(((high - low) / (2 * step), found[k, p, b]))
    estimated, exact = np.array(slopes).T
    assert np.median(np.abs(estimated - exact)) < 0.01  # a maximum may change its place within a step
    bases = model.input_times_gradient(texts)
    np.testing.assert_allclose(bases, shares * found)


@pytest.mark.parametrize("strands", ["one", "average"])
def test_integrated_gradients_add_up_to_the_difference(model, texts, strands):
    model.set_params(strands=strands)
    try:
        found = model.integrated_gradients(texts, steps=300).sum(axis=(1, 2))
        difference = model.decision_function(texts) - model.decision_function(["N" * 30] * 6)
    finally:
        model.set_params(strands="one")
    np.testing.assert_allclose(found, difference, atol=0.02 * np.abs(difference).max() + 0.01)


def test_mutagenesis_is_one_prediction_after_the_other(model, texts):
    found, text = model.mutagenesis(texts[1]), texts[1]
    before = model.decision_function([text])[0]
    for place in range(30):
        for base, letter in enumerate("ACGT"):
            changed = text[:place] + letter + text[place + 1 :]
            expected = 0.0 if letter == text[place] else model.decision_function([changed])[0] - before
            assert found[place, base] == pytest.approx(expected, abs=1e-5)


def test_filters_show_the_motif(model):
    texts, _ = motif_sequences(300, length=30)
    motifs = model.filters(texts)
    assert len(motifs) == 12
    for motif in motifs:
        np.testing.assert_allclose(motif.shares.sum(axis=1), 1, rtol=1e-5)
        assert ((motif.information >= 0) & (motif.information <= 2)).all()
        np.testing.assert_allclose(motif.heights.sum(axis=1), motif.information, rtol=1e-5)
    assert any(part in motif.consensus for motif in motifs for part in ("TATAA", "ATAAT", "TATA", "TAAT"))
    assert len(model.filters()) == 12


def test_variants_of_a_file(model, tmp_path):
    rng = np.random.default_rng(0)
    sequence = "".join(rng.choice(list("ACGT"), 120))
    (tmp_path / "r.fa").write_text(f">c\n{sequence}\n")
    ref = sequence[59]
    alt = "ACGT".replace(ref, "")[0]
    lines = ["##fileformat=VCFv4.2", "##contig=<ID=c,length=120>", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    rows = [(60, ref, f"{alt},<DEL>"), (81, sequence[80], sequence[80] + "GG"), (2, sequence[1:4], sequence[1])]
    rows.sort()
    lines += [f"c\t{at}\t.\t{a}\t{b}\t.\tPASS\t." for at, a, b in rows]
    (tmp_path / "v.vcf").write_text("\n".join(lines) + "\n")
    found = model.variant_effects(tmp_path / "v.vcf", tmp_path / "r.fa")
    assert found["position"].tolist() == [2, 60, 81]
    assert found.attrs["notices"] == ["1 alleles that are no short sequence of bases were skipped."]
    window = sequence[45:75]  # 14 bases before, as the window's length is even
    one, other = model.decision_function([window, window[:14] + alt + window[15:]])
    assert found["effect"][1] == pytest.approx(other - one, abs=1e-5)
    inserted = sequence[66:81] + "GG" + sequence[81:94]
    assert found["output_alternate"][2] == pytest.approx(model.decision_function([inserted[:30]])[0], abs=1e-5)
    deleted = "N" * 13 + sequence[:2] + sequence[4:40]
    assert found["output_alternate"][0] == pytest.approx(model.decision_function([deleted[:30]])[0], abs=1e-5)
    (tmp_path / "v.vcf").write_text("\n".join([*lines[:3], f"c\t60\t.\t{alt}\t{ref}\t.\tPASS\t."]) + "\n")
    with pytest.raises(FileError, match="REF at c:60"):
        model.variant_effects(tmp_path / "v.vcf", tmp_path / "r.fa")


def test_several_lengths_and_outputs():
    texts, label = motif_sequences(60, several=True)
    three = np.where(np.arange(60) % 3 == 0, 2, label)
    model = quick("deepbind", epochs=1).fit(texts, three)
    found = model.saliency(texts[:5], target=2)
    for k in range(5):
        alone = model.saliency([texts[k]], target=2)[0]
        np.testing.assert_allclose(found[k, : len(texts[k])], alone, atol=1e-6)
        assert not found[k, len(texts[k]) :].any()
    with pytest.raises(InputError, match="from 0 to 2"):
        model.saliency(texts[:1], target=3)


def test_what_cannot_be_explained_is_said():
    texts, label = motif_sequences(40)
    words = SequenceClassifier("kmer_logistic").fit(texts, label)
    with pytest.raises(InputError, match="mutagenesis"):
        words.saliency(texts[:2])
    assert words.mutagenesis(texts[0]).shape == (40, 4)

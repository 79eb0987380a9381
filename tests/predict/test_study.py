"""Studies: parts that keep groups whole, leaks said, controls; cis expression; dosages of a VCF; a small net."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import genolab as gl
from genolab.errors import FileError, InputError
from genolab.predict.metrics import auroc
from genolab.predict.network.convolution import array_convolution, base_convolution


def texts_of(count: int, seed: int = 0, length: int = 40) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), length)) for _ in range(count)]


def test_parts_are_apart_and_groups_whole() -> None:
    texts = texts_of(90)
    groups = np.arange(90) // 6
    study = gl.predict.make_study(texts, ["a", "b"] * 45, split="family", groups=groups)
    every = np.concatenate([study.train, study.validation, study.test])
    assert sorted(every.tolist()) == list(range(90))
    for part, other in ((study.train, study.test), (study.train, study.validation), (study.validation, study.test)):
        assert not set(groups[part]) & set(groups[other])
    assert not [kind for kind in study.leaks.kind if kind == "shared family"]
    shuffled = study.permuted()
    assert (shuffled.labels[study.test] == study.labels[study.test]).all()
    assert sorted(shuffled.labels) == sorted(study.labels)
    assert (shuffled.labels != study.labels).any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"split": "family"}, "Name a column"),
        ({"split": "family", "groups": [1] * 60}, "three or more"),
        ({"labels": ["a"] * 60}, "alone"),
        ({"labels": ["a"] * 59}, "one for each"),
        ({"sequences": ["ACGTACGTACGTACGTACGTACGTACGTACGA"] * 59 + ["T" * 32]}, "split at random"),
    ],
)
def test_what_makes_no_study_is_refused(change: dict[str, object], words: str) -> None:
    told = {"sequences": texts_of(60), "labels": ["a", "b"] * 30} | change
    with pytest.raises(InputError, match=words):
        gl.predict.make_study(**told)


def test_area_by_ranks_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    score, label = rng.integers(0, 6, 80).astype(float), rng.integers(0, 2, 80)
    assert auroc(label, score) == pytest.approx(roc_auc_score(label, score), abs=1e-12)
    with pytest.raises(ValueError, match="one class"):
        auroc(np.ones(4), np.arange(4.0))


@pytest.mark.parametrize("pool", [0, 1, 3])
def test_numpys_first_layer_is_the_loops(pool: int) -> None:
    rng = np.random.default_rng(pool)
    codes, length = rng.integers(0, 5, (5, 21)).astype(np.int8), np.array([21, 21, 12, 6, 4])
    weight, bias = rng.normal(size=(5, 4, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    one = array_convolution(codes, length, weight, bias, pool=pool)
    other = base_convolution(codes, length, weight, bias, pool=pool)
    np.testing.assert_allclose(one.activation, other.activation, atol=1e-5)
    np.testing.assert_array_equal(one.place, other.place)
    gradient = rng.normal(size=one.activation.shape).astype(np.float32)
    given = codes, length, weight, bias, one.activation, one.place, gradient
    found = [each._implementation.gradient.driver(*given, pool=pool) for each in (array_convolution, base_convolution)]
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_an_explanation_agrees_with_predictions_one_by_one() -> None:
    texts = texts_of(60)
    study = gl.predict.make_study(texts, [text.count("G") * 1.0 for text in texts], split="random")
    model = study.fit(study.model("kmer_logistic", options={"sizes": (1,), "at_positions": False}))
    explained = gl.predict.explain_sequence(model, study.bases[3])
    place, base, change = explained.greatest()
    moved = study.bases.text(3)[:place] + "ACGT"[base] + study.bases.text(3)[place + 1 :]
    before, after = (model._raw(gl.predict.bases.encode("t", "s", [t]))[0, 0] for t in (explained.text, moved))
    assert after - before == pytest.approx(change, abs=1e-5)
    assert explained.saliency is None


def test_cis_expression_finds_its_variants_and_not_far_ones() -> None:
    cohort = gl.data.simulate_cohort(200, 300, seed=2)
    place = np.arange(300) * 10_000
    rng = np.random.default_rng(0)
    driver = 40 + int(np.argmax(cohort.dosages[:, 40:60].std(axis=0)))
    near = cohort.dosages[:, driver] + rng.normal(0, 0.4, 200)
    expression = pd.DataFrame({"near": near, "noise": rng.normal(size=200)})
    genes = pd.DataFrame({"contig": ["1", "1"], "start": [400_000, 2_000_000], "end": [410_000, 2_010_000]})
    model = gl.predict.CisExpression(window=300_000).fit(
        cohort.dosages, expression, genes, contig=np.array(["1"] * 300), position=place, groups=cohort.families
    )
    assert model.scores_["r"].iloc[0] > 0.6 > abs(model.scores_["r"].iloc[1])
    used = model.models_["near"].features
    assert (np.abs(place[used] - 405_000) <= 310_000).all()
    made = model.predict(cohort.dosages)
    assert np.corrcoef(made["near"], expression["near"])[0, 1] > 0.6
    with pytest.raises(InputError, match="contig"):
        model.fit(cohort.dosages, expression, genes.drop(columns="contig"), contig=["1"] * 300, position=place)


def test_genes_are_predicted_from_others_and_never_from_themselves() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(120, 12)), columns=[f"g{k}" for k in range(12)])
    table["g0"] = 0.8 * table["g3"] - 0.5 * table["g7"] + rng.normal(0, 0.2, 120)
    model = gl.predict.GeneExpression().fit(table, table[["g0", "g1"]])
    assert 0 not in model.models_["g0"].features
    assert {3, 7} <= set(model.models_["g0"].features.tolist())
    assert model.models_["g0"].r > 0.9
    assert np.corrcoef(model.predict(table)["g0"], table["g0"])[0, 1] > 0.9


VCF = """##fileformat=VCFv4.2
##contig=<ID=1,length=1000>
##FORMAT=<ID=GT,Number=1,Type=String,Description="g">
{more}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2\ts3
1\t10\ta\tA\tG\t.\t.\t.\t{kind}\t{first}
1\t20\tb\tC\tT,G\t.\t.\t.\tGT\t0/1\t1/2\t./.
"""


def test_dosages_of_a_vcf(tmp_path: Path) -> None:
    path = tmp_path / "c.vcf"
    path.write_text(VCF.format(more="", kind="GT", first="0/0\t0/1\t1/1"))
    read = gl.io.read_dosages(path)
    assert read.shape == (3, 3)
    assert read.position.tolist() == [9, 19, 19]
    blocks = {part.start: block for part, block in read.blocks(2)}
    np.testing.assert_array_equal(np.vstack(list(blocks.values())), [[0, 1, 2], [1, 1, -1], [0, 1, -1]])
    trait = pd.Series([0.1, 1.2, 1.9], index=["s1", "s2", "s3"])
    assert gl.predict.RiskScore("ridge").fit(path, trait).weights_[0] > 0
    more = '##FORMAT=<ID=DS,Number=A,Type=Float,Description="d">\n'
    path.write_text(VCF.format(more=more, kind="DS", first="0.2\t1.1\t2.4"))
    with pytest.raises(FileError, match="dosages from 0 to 2"):
        list(gl.io.read_dosages(path).blocks())
    path.write_text(VCF.format(more=more, kind="DS", first="0.2\t1.1\t1.9"))
    np.testing.assert_allclose(next(iter(gl.io.read_dosages(path).blocks()))[1][0], [0.2, 1.1, 1.9], rtol=1e-6)


@pytest.mark.parametrize("method", ["mlp", "lasso"])
def test_scores_are_saved_with_a_card(tmp_path: Path, method: str) -> None:
    cohort = gl.data.simulate_cohort(160, 120, causal=3, heritability=0.8, prevalence=0.4, seed=4)
    test = gl.predict.held_out(cohort.families, seed=1)
    score = gl.predict.RiskScore(method, folds=2).fit(
        cohort.dosages[~test], cohort.trait[~test], cohort.covariates[~test], groups=cohort.families[~test]
    )
    score.save(tmp_path / "r.glmodel")
    loaded = gl.predict.load(tmp_path / "r.glmodel")
    made = score.predict(cohort.dosages[test], cohort.covariates[test])
    np.testing.assert_array_equal(loaded.predict(cohort.dosages[test], cohort.covariates[test]), made)
    assert auroc(cohort.trait[test], made) > 0.6
    assert loaded.card_["data"]["digest"].startswith("sha256:")
    report = score.evaluate(cohort.dosages[test], cohort.trait[test], cohort.covariates[test], 0.4)
    assert "mean trait by covariates" in report.deciles
    (tmp_path / "r.glmodel").write_bytes((tmp_path / "r.glmodel").read_bytes()[:-40])
    with pytest.raises(FileError, match="cut"):
        gl.predict.load(tmp_path / "r.glmodel")

"""Risk scores: the path is scikit-learn's, ridge is GBLUP, effects that are there are found, bad cohorts refused."""

import numpy as np
import pandas as pd
import pytensor
import pytest
from sklearn.linear_model import enet_path

import genolab as gl
from genolab.errors import FileError, InputError
from genolab.predict import RiskScore, linkage
from genolab.predict.paths import elastic_net_path, penalties_for
from genolab.predict.risk_report import liability_r2, report_on


def made_cohort(samples=300, variants=400, causal=12, heritability=0.7, seed=0):
    """Dosages in blocks of linkage, a trait, and its genetic part."""
    rng = np.random.default_rng(seed)
    block = rng.normal(size=(2, samples, variants // 10, 1))
    own = rng.normal(size=(2, samples, variants // 10, 10))
    dosage = ((0.7 * block + 0.7 * own).reshape(2, samples, variants) < -0.3).sum(axis=0).astype(np.float32)
    effect = np.zeros(variants)
    effect[rng.choice(variants, causal, replace=False)] = rng.normal(size=causal)
    genetic = (dosage - dosage.mean(axis=0)) @ effect
    genetic /= genetic.std()
    noise = rng.normal(size=samples) * np.sqrt((1 - heritability) / heritability)
    return dosage, genetic + noise, genetic


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_path_equals_scikit_learn(share):
    dosage, trait, _ = made_cohort(120, 200)
    columns = ((dosage - dosage.mean(axis=0)) / dosage.std(axis=0)).T.astype(np.float32)
    target = (trait - trait.mean()).astype(np.float32)
    penalties = penalties_for(columns, target, share, 20, 0.05)
    found = elastic_net_path(np.ascontiguousarray(columns), target, penalties, share).weights
    _, theirs, _ = enet_path(
        columns.T.astype(float), target.astype(float), alphas=penalties, l1_ratio=share, tol=1e-8, max_iter=50_000
    )
    np.testing.assert_allclose(found.T, theirs, atol=1e-4)
    assert np.abs(found[0]).max() < 1e-5


def test_path_computes_its_definition():
    rng = np.random.default_rng(0)
    columns, target = rng.normal(size=(5, 12)), rng.normal(size=12)
    columns -= columns.mean(axis=1, keepdims=True)
    double = elastic_net_path.at(np.float64)
    penalties = np.array([0.3, 0.05])
    with pytensor.config.change_flags(cxx=""):
        defined = double.definition(columns, target - target.mean(), penalties, 0.7).weights
    np.testing.assert_allclose(
        double(columns, target - target.mean(), penalties, 0.7, 1e-16).weights, defined, atol=1e-6
    )


@pytest.mark.parametrize("method", ["lasso", "elastic_net", "ridge", "ldpred", "clump_threshold", "logistic"])
def test_every_method_finds_what_is_there(method):
    dosage, trait, genetic = made_cohort()
    model = RiskScore(method, folds=3).fit(dosage[:220], trait[:220])
    score = model.score_samples(dosage[220:])
    assert np.corrcoef(score, genetic[220:])[0, 1] > 0.45
    assert model.predict(dosage[220:]).shape == (80,)
    again = RiskScore(method, folds=3).fit(dosage[:220], trait[:220])
    assert (again.weights_ == model.weights_).all()


def test_ridge_is_the_best_linear_unbiased_prediction():
    dosage, trait, _ = made_cohort()
    model = RiskScore("ridge").fit(dosage[:200], trait[:200])
    centre, scale = dosage[:200].mean(axis=0), dosage[:200].std(axis=0)
    z = (dosage - centre) / scale
    kinship = z[:200] @ z[:200].T / z.shape[1]
    h2 = model.heritability_
    left = trait[:200] - trait[:200].mean()
    expected = z[200:] @ z[:200].T / z.shape[1] @ np.linalg.solve(kinship + np.eye(200) * (1 - h2) / h2, left)
    np.testing.assert_allclose(model.score_samples(dosage[200:]), expected, atol=2e-3)
    assert 0.3 < h2 < 0.95


def far_linked_cohort(samples=240, variants=600, seed=0):
    """Descendants of six founders, whose haplotypes recombine once in 300 variants; a trait, and its genetic part."""
    rng = np.random.default_rng(seed)
    founders = (rng.random((6, variants)) < 0.4).astype(np.float32)
    switch = rng.random((2, samples, variants)) < 1 / 300
    switch[..., 0] = True
    held = np.where(switch, rng.integers(0, 6, switch.shape), -1)
    last = np.maximum.accumulate(np.where(switch, np.arange(variants), 0), axis=2)
    dosage = founders[np.take_along_axis(held, last, axis=2), np.arange(variants)].sum(axis=0)
    effect = np.where(rng.random(variants) < 0.03, rng.normal(size=variants), 0)
    genetic = (dosage - dosage.mean(axis=0)) @ effect
    genetic /= genetic.std()
    return dosage, genetic + 0.8 * rng.normal(size=samples), genetic


def test_linkage_beyond_the_window_is_followed_and_said():
    dosage, trait, genetic = far_linked_cohort()
    model = RiskScore("ldpred", folds=3, window=10).fit(dosage[:180], trait[:180])
    ridge = RiskScore("ridge").fit(dosage[:180], trait[:180])
    r, beside = (np.corrcoef(each.score_samples(dosage[180:]), genetic[180:])[0, 1] for each in (model, ridge))
    assert r > max(0.6, beside - 0.05)
    assert "beyond the window of 10 variants" in model.notices_[0]
    assert "4 fits" in model.notices_[0]
    assert np.isfinite(model.candidates_["r"]).all()
    near, *_ = made_cohort()
    assert RiskScore("ldpred", folds=3).fit(near, made_cohort()[1]).notices_ == []


def test_effects_with_the_linkage_of_all_are_the_best_linear_unbiased_prediction_where_every_variant_has_one(
    monkeypatch,
):
    dosage, trait, _ = far_linked_cohort(160, 200)
    monkeypatch.setattr(linkage, "INCLUSIONS", (1.0,))
    monkeypatch.setattr(linkage, "STEPS", 3_000)
    columns = ((dosage - dosage.mean(axis=0)) / np.maximum(dosage.std(axis=0), 1e-6)).T.astype(np.float32)
    left = (trait - trait.mean()).astype(np.float32)
    found = linkage.ldpred(np.ascontiguousarray(columns), left, 0.5, 10, 0)
    expected = columns @ np.linalg.solve(columns.T @ columns + 200 * np.eye(160), left)
    assert found.widened.all()
    score, wanted = found.weights[0] @ columns, expected @ columns
    assert np.abs(score - wanted).max() < 0.05 * wanted.std()


def test_a_candidate_that_never_settles_is_dropped_by_name(monkeypatch):
    dosage, trait, _ = made_cohort(120, 100)
    settled = linkage.settled

    def but_the_first(columns, target, effects):
        return settled(columns, target, effects) & (np.arange(len(effects)) > 0)

    monkeypatch.setattr(linkage, "settled", but_the_first)
    model = RiskScore("ldpred", folds=2).fit(dosage, trait)
    assert model.candidates_["r"].isna().tolist() == [True] + [False] * 6
    assert model.notices_[-1].endswith("again with the linkage of all variants: 0.001.")
    monkeypatch.setattr(linkage, "settled", lambda columns, target, effects: np.zeros(len(effects), bool))
    with pytest.raises(InputError, match="no chain that settles"):
        RiskScore("ldpred", folds=2).fit(dosage, trait)


def test_a_disease_gets_probabilities_and_a_report():
    dosage, trait, _ = made_cohort(500)
    case = (trait > np.quantile(trait, 0.7)).astype(int)
    age = np.random.default_rng(1).normal(size=500)
    model = RiskScore("ridge").fit(dosage[:350], case[:350], covariates=age[:350])
    p = model.predict(dosage[350:], covariates=age[350:])
    assert ((p > 0) & (p < 1)).all()
    assert abs(p.mean() - 0.3) < 0.15
    report = model.evaluate(dosage[350:], case[350:], age[350:], prevalence=0.3)
    assert report.auc > 0.65 > report.auc_covariates
    assert report.added_interval[0] <= report.added <= report.added_interval[1]
    assert report.liability_r2 > report.r2 - report.r2_covariates
    assert report.deciles["samples"].sum() == 150
    assert report.deciles["odds ratio"].iloc[-1] > 1
    assert report.notices == ()


def test_nothing_is_said_where_there_is_nothing():
    rng = np.random.default_rng(0)
    age = rng.normal(size=200)
    report = report_on(age + rng.normal(size=200), rng.normal(size=200), age[:, None], binary=False)
    assert report.notices == ("SNPs add nothing over covariates.",)
    assert report.r2_covariates > 0.3


def test_liability_of_a_random_sample_is_the_classical_formula():
    from scipy.stats import norm

    k = 0.1
    z = norm.pdf(norm.isf(k))
    assert liability_r2(0.02, k, k) == pytest.approx(0.02 * k * (1 - k) / z**2)


def write_plink(folder, dosage, phenotype, name="cohort"):
    samples, variants = dosage.shape
    code = np.array([3, 2, 0, 1], np.uint8)[dosage.astype(int)]  # 0, 1, 2 copies of A1; -1 is missing
    packed = np.zeros((variants, -(-samples // 4)), np.uint8)
    for k in range(samples):
        packed[:, k // 4] |= code[k] << (2 * (k % 4))
    (folder / f"{name}.bed").write_bytes(b"\x6c\x1b\x01" + packed.tobytes())
    (folder / f"{name}.bim").write_text("".join(f"1 rs{k} 0 {k + 1} A G\n" for k in range(variants)))
    fam = "".join(f"f{k // 2} s{k} 0 0 1 {value}\n" for k, value in enumerate(phenotype))
    (folder / f"{name}.fam").write_text(fam)
    return folder / f"{name}.bed"


def test_plink_files_are_read_block_by_block(tmp_path):
    dosage, trait, _ = made_cohort(61, 90)
    dosage[3, 5] = -1
    path = write_plink(tmp_path, dosage, ["-9", *trait[1:]])
    read = gl.io.read_plink(path)
    assert read.shape == (61, 90)
    blocks = [held for _, held in read.blocks(13)]
    assert (dosage == np.concatenate(blocks).T).all()
    assert np.isnan(read.phenotype[0])
    assert read.to_frame()["position"].tolist() == list(range(1, 91))
    table = np.where(dosage < 0, np.nan, dosage)
    from_file = RiskScore("ridge").fit(tmp_path / "cohort")
    from_table = RiskScore("ridge").fit(table, np.where(np.arange(61) == 0, np.nan, trait))
    np.testing.assert_allclose(from_file.weights_, from_table.weights_, atol=1e-5)
    assert from_file.notices_ == ["1 samples without a trait were left out."]


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("bed", lambda data: data[:-4], "for 9 samples and 6 variants"),
        ("bed", lambda data: data + b"\0", "from one run"),
        ("bed", lambda data: b"PK\x03" + data[3:], "a PLINK 1 bed"),
        ("bed", lambda data: b"", "an empty file"),
        ("bim", lambda data: data.replace(b" 0 3 A", b" 0 x A"), "line 3, position"),
        ("bim", lambda data: data.replace(b"rs2 0", b"rs2"), "line 3: expected 6 columns"),
        ("fam", lambda data: data.replace(b"f1 s3", b"f1 s2"), "line 4: expected samples that differ"),
        ("fam", lambda data: data.replace(b" 1 0.5", b" 1 high"), "phenotype"),
        ("fam", lambda data: b"\n", "one row or more"),
    ],
)
def test_bad_plink_files_are_refused(tmp_path, kind, change, words):
    path = write_plink(tmp_path, np.ones((9, 6)), ["0.5"] * 9)
    broken = tmp_path / f"cohort.{kind}"
    broken.write_bytes(change(broken.read_bytes()))
    with pytest.raises(FileError, match=words):
        gl.io.read_plink(path)


def test_samples_are_matched_by_name():
    dosage, trait, _ = made_cohort(60, 50)
    names = [f"s{k}" for k in range(60)]
    table = pd.DataFrame(dosage, index=names)
    shuffled = pd.Series(trait, index=names).sample(frac=1, random_state=0)
    one, other = RiskScore("ridge").fit(table, shuffled), RiskScore("ridge").fit(dosage, trait)
    np.testing.assert_allclose(one.weights_, other.weights_, atol=1e-6)
    with pytest.raises(InputError, match="2 of 60 samples without one"):
        RiskScore("ridge").fit(table, shuffled.iloc[:-2])


DOSAGE, TRAIT, _ = made_cohort(40, 30)


@pytest.mark.parametrize(
    ("change", "X", "y", "covariates", "words"),
    [
        ({}, np.where(np.arange(30) == 4, 3, DOSAGE), TRAIT, None, "dosages from 0 to 2; got 3 in row 0, column 4"),
        ({}, DOSAGE, TRAIT[:-1], None, "one per sample"),
        ({}, DOSAGE, np.ones(40), None, "two values"),
        ({}, DOSAGE, None, None, "a trait for each sample"),
        ({}, DOSAGE, TRAIT, np.where(np.arange(40) == 7, np.nan, 1.0), "NaN in row 7"),
        ({}, DOSAGE, TRAIT, np.ones(39), "a row for each"),
        ({}, np.ones((40, 30)), TRAIT, None, "that varies"),
        ({"method": "magic"}, DOSAGE, TRAIT, None, "lasso, elastic_net"),
        ({"share": 0}, DOSAGE, TRAIT, None, "share"),
        ({"folds": 1}, DOSAGE, TRAIT, None, "folds"),
    ],
)
def test_bad_cohorts_are_refused(change, X, y, covariates, words):
    with pytest.raises(InputError, match=words):
        RiskScore("lasso").set_params(**change).fit(X, y, covariates)


def test_components_take_population_out():
    rng = np.random.default_rng(0)
    people = np.arange(160) % 2
    shift = rng.uniform(0.1, 0.9, (2, 300))
    dosage = rng.binomial(2, shift[people]).astype(np.float32)
    trait = people + 0.3 * rng.normal(size=160)
    with_them = RiskScore("ridge", components=2).fit(dosage, trait)
    assert np.var(with_them.score_samples(dosage)) < 0.05 * np.var(trait)
    assert np.corrcoef(with_them.predict(dosage), trait)[0, 1] > 0.9

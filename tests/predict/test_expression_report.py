"""A gene predicted on held-out samples: the same numbers as by hand, leaks found, genotypes nearby, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import genolab as gl
from genolab.errors import InputError
from genolab.predict import CisExpression, GeneExpression, check_expression_leaks, judge_expression
from genolab.predict.splits import fold_numbers

SAMPLES, GENES = 60, 70


def table(seed: int = 0) -> pd.DataFrame:
    """Genes of which the first follows the second and third."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(SAMPLES, GENES))
    values[:, 0] = values[:, 1] - values[:, 2] + 0.5 * values[:, 0]
    names = [f"s{k}" for k in range(SAMPLES)]
    return pd.DataFrame(values + 8, index=names, columns=[f"g{k}" for k in range(GENES)])


def test_the_report_is_what_plain_calls_give_fold_by_fold() -> None:
    frame, age = table(), np.linspace(20, 80, SAMPLES)
    frame["g0"] += 0.05 * age
    groups = np.array([f"f{k // 2}" for k in range(SAMPLES)])
    report = judge_expression(frame, "g0", covariates=age, groups=groups, folds=4, seed=3)
    y = frame["g0"].to_numpy()
    fold = fold_numbers("test", y, groups, 4, 3)
    predicted, baseline = np.zeros(SAMPLES), np.zeros(SAMPLES)
    for k in range(4):
        inside, held = fold != k, fold == k
        slope, start = np.polyfit(age[inside], y[inside], 1)
        baseline[held] = start + slope * age[held]
        left = pd.DataFrame({"g0": y[inside] - start - slope * age[inside]}, index=frame.index[inside])
        model = GeneExpression(folds=4, seed=3).fit(frame[inside], left, groups=groups[inside])
        predicted[held] = baseline[held] + model.predict(frame[held])["g0"]
    np.testing.assert_allclose(report.samples["baseline"], baseline, rtol=1e-9)
    np.testing.assert_allclose(report.samples["predicted"], predicted, rtol=1e-5)
    spread = ((y - y.mean()) ** 2).sum()
    assert report.r2 == pytest.approx(1 - ((y - predicted) ** 2).sum() / spread, abs=1e-5)
    assert report.r == pytest.approx(np.corrcoef(y, predicted)[0, 1], abs=1e-5)
    assert report.added == pytest.approx(report.r2 - report.scores["R2"][1], abs=1e-12)
    assert report.added_interval[0] < report.added < report.added_interval[1]
    assert report.added_interval[0] > 0.2
    assert report.baseline == "covariates"
    assert set(report.weights["predictor"][:2]) == {"g1", "g2"}
    assert report.weights["folds"][0] == 4
    assert "g0" not in set(report.weights["predictor"])
    assert report.samples.groupby(groups)["fold"].nunique().max() == 1
    assert report.folds["samples"].sum() == SAMPLES
    for number, r2 in zip(report.folds["fold"], report.folds["R2"], strict=True):
        part = fold == number - 1
        worth = 1 - ((y - predicted)[part] ** 2).sum() / ((y[part] - y.mean()) ** 2).sum()
        assert r2 == pytest.approx(worth, abs=1e-4)
    shuffled = judge_expression(frame, "g0", folds=4, seed=3, shuffle=True)
    assert shuffled.r2 < 0.15
    assert shuffled.notices == ("Other genes add nothing over the mean.",)


def test_twins_relatives_and_copies_are_found_and_others_are_not() -> None:
    frame = table()
    fold = np.arange(SAMPLES) % 2
    none = check_expression_leaks(frame, "g0", fold)
    assert len(none) == 0
    assert str(none) == "no twin or relative of the 60 samples in another fold."
    frame.iloc[1] = frame.iloc[0]
    frame.iloc[3] = frame.iloc[2] + 0.05 * frame.iloc[5].to_numpy()  # deeper by 0.4, and a little noise
    frame.iloc[6] = frame.iloc[4]  # in one fold: no leak
    frame["g9"] = frame["g0"] * 2 + 1
    family = [f"f{k}" for k in range(SAMPLES)]
    family[11] = family[10]
    found = check_expression_leaks(frame, "g0", fold, family)
    told = {(row.sample, row.other): row.kind for row in found.pairs.itertuples()}
    assert told == {
        ("s0", "s1"): "identical", ("s1", "s0"): "identical", ("s2", "s3"): "near copy", ("s3", "s2"): "near copy",
        ("s10", "s11"): "same family", ("s11", "s10"): "same family",
    }  # fmt: skip
    assert found.copies["gene"].tolist() == ["g9"]
    assert "6 of 60 samples have a twin or relative in another fold" in str(found)
    few = check_expression_leaks(frame.iloc[:, :5], "g0", fold)
    assert set(few.pairs["kind"]) == {"identical"}
    assert "Under 50 genes only identical" not in str(few)


def write_cohort(folder: Path, dosage: np.ndarray, names: list[str]) -> None:
    """Genotypes, a variant each thousand bases, and the places of two genes."""
    calls = np.array(["0/0", "0/1", "1/1"])[dosage.T]
    head = '##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names]
    rows = ["\t".join(["1", str(1000 * k + 1), f"rs{k}", "A", "G", ".", ".", ".", "GT", *row])
            for k, row in enumerate(calls)]  # fmt: skip
    (folder / "cohort.vcf").write_text("\n".join([head + "\t".join(columns), *rows, ""]))
    (folder / "genes.bed").write_text("1\t15000\t16000\tg0\n1\t500000\t501000\tg1\n")


def test_genotypes_nearby_predict_a_gene_and_only_those_in_the_window_may(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    dosage = rng.integers(0, 3, (SAMPLES, 40))
    frame = table(4)
    frame["g0"] = dosage[:, 14] - 0.8 * dosage[:, 17] + 3 * dosage[:, 39] + 0.4 * rng.normal(size=SAMPLES)
    names = [f"s{k}" for k in range(SAMPLES)]
    order = rng.permutation(SAMPLES)[:-4]  # another order, and four without genotypes
    write_cohort(tmp_path, dosage[order], [names[k] for k in order])
    places = gl.predict.read_gene_places(tmp_path / "genes.bed")
    near = gl.predict.cis_window(tmp_path / "cohort.vcf", frame.index, places, "g0", window=10_000)
    assert near.position.tolist() == [1000 * k for k in range(5, 26)]
    assert near.dosages.index.tolist() == [f"s{k}" for k in sorted(order)], "in the order of the table"
    np.testing.assert_array_equal(near.dosages, dosage[sorted(order), 5:26])
    assert near.notices[-1] == "4 samples of the table have no genotypes: left out."
    report = judge_expression(frame, "g0", genotypes=near)
    assert len(report.samples) == SAMPLES - 4
    assert report.predictors == "21 variants nearby"
    assert set(report.weights["position"]) <= set(near.position + 1)
    wide = gl.predict.cis_window(tmp_path / "cohort.vcf", frame.index, places, "g0", window=100_000)
    best = judge_expression(frame, "g0", genotypes=wide)
    assert best.r2 > 0.8 > 0.5 > report.r2, "the strongest variant is 24,000 bases away"
    # which of the two weak ones is the stronger is open: rs14 goes against rs39 by chance, and shrinks more
    first = best.weights[:3].set_index("predictor")["weight"]
    assert first.idxmax() == "rs39"
    assert np.sign(first).to_dict() == {"rs39": 1, "rs14": 1, "rs17": -1}
    model = CisExpression(window=100_000).fit(
        wide.dosages, frame.loc[wide.dosages.index, ["g0"]], places[:1], contig=["1"] * 40, position=wide.position
    )
    held = model.models_["g0"]
    np.testing.assert_allclose(sorted(held.weights), sorted(best.weights["weight"]), rtol=1e-4, atol=1e-5)
    for gene, window, said in (("g1", 1000, "none; contigs 1"), ("g2", 1000, "0 of 2 lines")):
        with pytest.raises(InputError, match=said):
            gl.predict.cis_window(tmp_path / "cohort.vcf", frame.index, places, gene, window=window)
    with pytest.raises(InputError, match="names that expression and genotypes share"):
        gl.predict.cis_window(tmp_path / "cohort.vcf", ["other"], places, "g0")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gene": "nothing"}, "a column of the table"),
        ({"gene": "g5"}, "one that varies"),
        ({"gene": "g6"}, "known for every sample"),
        ({}, "nothing for 'g6' in 's3'"),
        ({"folds": 30}, "2 to 20"),
        ({"folds": 20, "rows": 40}, "at least 3 samples a fold, 60"),
        ({"covariates": [1.0]}, "a row for each of 60 samples"),
        ({"groups": ["a"] * SAMPLES}, "at least 5 groups"),
        ({"related": ["a"]}, "one for each of 60 samples"),
    ],
)
def test_what_cannot_be_judged_is_refused(change: dict[str, object], said: str) -> None:
    frame, told = table(), {"gene": "g0", **change}
    frame["g5"] = 1.0
    if change.get("gene") == "g6" or not change:
        frame.loc["s3", "g6"] = np.nan
    frame = frame.iloc[: told.pop("rows", None)]
    with pytest.raises(InputError, match=said):
        judge_expression(frame, told.pop("gene"), **told)

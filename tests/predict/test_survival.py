"""Times to an event: Cox's partial likelihood as written out, R's fit, concordance by pairs, scores of genotypes."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import genolab as gl
from genolab.errors import InputError
from genolab.predict import RiskScore
from genolab.predict.metrics import concordance
from genolab.predict.survival import fit_hazards, martingale_residuals, partial_likelihood, partial_loss

TIME = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3.0])
EVENT = np.array([1, 1, 0, 0, 1, 1, 1, 0, 1, 1.0])
X = np.array([[0.5, -1], [1.2, 0.3], [-0.7, 0.8], [0.1, 0.1], [-1.1, 0.4], [0.9, -0.6], [0.3, 1.5], [-0.2, -0.9],
              [0.6, 0.2], [1.0, 0.7]])  # fmt: skip


def written_out(time, event, risk):
    """The loss per event and the residuals, sample by sample."""
    terms, residual = [], event.astype(float)
    for i in range(len(time)):
        if event[i]:
            total = sum(np.exp(risk[j]) for j in range(len(time)) if time[j] >= time[i])
            terms.append(np.log(total) - risk[i])
            for j in range(len(time)):
                if time[j] >= time[i]:
                    residual[j] -= np.exp(risk[j]) / total
    return np.mean(terms), residual


@pytest.mark.parametrize("seed", range(4))
def test_loss_and_residuals_are_those_written_out(seed):
    rng = np.random.default_rng(seed)
    time, event = np.round(rng.exponential(size=40), 1), (rng.random(40) < 0.6).astype(float)
    risk = 2 * rng.normal(size=40)
    loss, residual = written_out(time, event, risk)
    assert partial_loss(time, event, risk) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(martingale_residuals(time, event, risk), residual, atol=1e-12)
    assert partial_loss(time, event, risk + 5_000) == pytest.approx(loss, rel=1e-9)  # only ratios count


def test_the_slope_is_that_of_the_loss():
    order = np.argsort(TIME, kind="stable")
    ordered = TIME[order]
    ties = np.searchsorted(ordered, ordered, side="left"), np.searchsorted(ordered, ordered, side="right") - 1
    weight, step = np.array([0.4, -0.8]), 1e-6

    def at(w):
        return partial_likelihood(X[order], EVENT[order], *ties, w, 0.3)

    rise = [(at(weight + step * e).loss - at(weight - step * e).loss) / (2 * step) for e in np.eye(2)]
    np.testing.assert_allclose(at(weight).by_weight, rise, atol=1e-8)


def test_hazards_and_residuals_are_those_of_r():
    # R 4.2.2: coxph(Surv(time, event) ~ x1 + x2, ties="breslow"); residuals(model, "martingale")
    found = fit_hazards(X, TIME, EVENT, 0.0)
    np.testing.assert_allclose(found, [0.7347318, 1.1280329], rtol=1e-5)
    expected = [
        0.8622996, 0.8448968, -0.4343546, -0.0551623, 0.4390018,
        -0.7893014, 0.2975336, -0.2507693, -0.5611142, -0.3530301,
    ]  # fmt: skip
    np.testing.assert_allclose(martingale_residuals(TIME, EVENT, X @ found), expected, atol=1e-5)


def test_concordance_counts_the_pairs_whose_order_is_known():
    rng = np.random.default_rng(0)
    for _ in range(20):
        time, event = np.round(rng.exponential(size=30), 1), rng.integers(0, 2, 30).astype(float)
        risk = np.round(rng.normal(size=30), 1)
        first = (event[:, None] > 0.5) & (time[:, None] < time[None, :])
        better = (risk[:, None] > risk[None, :]) + 0.5 * (risk[:, None] == risk[None, :])
        assert concordance(risk, time, event) == pytest.approx((better * first).sum() / max(first.sum(), 1))
    assert concordance(np.zeros(3), np.ones(3), np.zeros(3)) == 0


@pytest.fixture(scope="module")
def followed():
    """A cohort whose hazard is decided by its trait, with follow-up that ends at random."""
    made = gl.data.simulate_cohort(700, 400, heritability=0.7, causal=20, seed=1)
    rng = np.random.default_rng(2)
    happens = rng.exponential(np.exp(-1.5 * (made.trait - made.trait.mean()) / made.trait.std()))
    ends = rng.exponential(2, happens.size)
    event = (happens <= ends).astype(float)
    return made, np.minimum(happens, ends), event, gl.predict.held_out(made.families, seed=0)


@pytest.mark.parametrize("method", ["lasso", "ridge", "mlp"])
def test_a_score_learnt_from_times_ranks_who_is_first(followed, method, tmp_path):
    made, time, event, test = followed
    model = RiskScore(method, folds=3).fit(
        made.dosages, np.where(test, np.nan, time), made.covariates, event=event, groups=made.families
    )
    assert model.timed_
    assert not model.binary_
    report = model.evaluate(made.dosages[test], time[test], made.covariates[test], event=event[test])
    assert report.concordance > report.concordance_covariates + 0.03
    assert report.concordance > 0.6
    assert report.auc is None
    assert report.deciles["hazard ratio"].iloc[-3:].mean() > 1 > report.deciles["hazard ratio"].iloc[:3].mean()
    hazard = model.predict(made.dosages[test], made.covariates[test])
    assert concordance(hazard, time[test], event[test]) > 0.6
    model.save(tmp_path / "risk.glmodel")
    again = gl.predict.load(tmp_path / "risk.glmodel")
    np.testing.assert_array_equal(again.predict(made.dosages[test], made.covariates[test]), hazard)


@pytest.mark.parametrize(
    ("time", "event", "words"),
    [
        (TIME, EVENT[:-1], "one per sample"),
        (np.where(TIME == 9, -1, TIME), EVENT, "times from 0; got -1 in row 5"),
        (TIME, np.where(TIME == 9, 2, EVENT), "got 2 in row 5"),
        (TIME, np.zeros(10), "an event in one sample or more"),
    ],
)
def test_bad_times_are_refused(time, event, words):
    dosage = np.random.default_rng(0).integers(0, 3, (10, 6)).astype(np.float32)
    with pytest.raises(InputError, match=words):
        RiskScore("ridge", folds=2).fit(dosage, time, event=event)


def test_events_are_given_to_both_or_to_none():
    dosage = np.random.default_rng(0).integers(0, 3, (10, 6)).astype(np.float32)
    model = RiskScore("ridge", folds=2).fit(dosage, TIME, event=EVENT)
    with pytest.raises(InputError, match="given, as to fit"):
        model.evaluate(dosage, TIME)
    plain = RiskScore("ridge", folds=2).fit(dosage, TIME)
    with pytest.raises(InputError, match="left out, as from fit"):
        plain.evaluate(dosage, TIME, event=EVENT)
    with pytest.raises(NotFittedError):
        RiskScore("ridge").evaluate(dosage, TIME)

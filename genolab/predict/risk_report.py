"""What a risk score adds on samples that it has not seen: beside covariates alone, by deciles, on the liability."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from genolab.errors import InputError
from genolab.predict.metrics import auroc, concordance, interval, pearson
from genolab.predict.survival import fit_hazards, martingale_residuals

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RiskReport:
    """What a score adds on samples that it has not seen.

    ``r2`` of the score with covariates, ``r2_covariates`` of those alone, ``added`` their difference with its 95 %
    interval; ``auc`` likewise for a disease (None else); ``deciles`` the mean trait with its standard error, beside
    that of the tenths by covariates alone, and, for a disease, the odds ratio of each tenth of the score against the
    middle two; ``liability_r2`` where the prevalence is known.

    Of times to an event, the trait is the martingale residual, events per sample beyond those expected by follow-up
    alone; ``concordance`` is Harrell's C, and the hazard ratio of each tenth is of events observed over expected.
    """

    r2: float
    r2_covariates: float
    added: float
    added_interval: tuple[float, float]
    auc: float | None
    auc_covariates: float | None
    liability_r2: float | None
    deciles: pd.DataFrame = field(repr=False)
    notices: tuple[str, ...] = ()
    concordance: float | None = None
    concordance_covariates: float | None = None


def report_on(trait: np.ndarray, score: np.ndarray, covariates: np.ndarray, binary: bool,
              prevalence: float | None = None) -> RiskReport:  # fmt: skip
    """The report on a score of samples with a trait; a line through score and covariates is fitted to them."""
    import pandas as pd

    if binary:
        trait = (trait == trait.max()).astype(np.float64)
    both, alone = np.column_stack([score, covariates]), covariates

    def added(y: np.ndarray, full: np.ndarray, part: np.ndarray) -> float:
        return _r2(y, full) - _r2(y, part)

    low, high = interval(added, trait, both, alone, draws=200)
    # a line through noise explains 1 / n of a trait by chance
    nothing = low <= 1 / len(trait) or not score.any()
    notices = ("SNPs add nothing over covariates." if covariates.size else "SNPs predict nothing.",) if nothing else ()
    place = _tenths(score)
    alone_place = _tenths(_line(trait, alone)) if covariates.size else None
    rows: list[dict[str, float]] = []
    middle = trait[(place == 4) | (place == 5)]
    for decile in range(10):
        held = trait[place == decile]
        row = {"decile": decile + 1, "samples": held.size, "mean score": float(score[place == decile].mean()),
               "mean trait": float(held.mean()), "error": float(held.std() / np.sqrt(max(held.size, 1)))}  # fmt: skip
        if alone_place is not None:
            row["mean trait by covariates"] = float(trait[alone_place == decile].mean())
        if binary:
            row["odds ratio"] = _odds(held) / _odds(middle)
        rows.append(row)
    r2 = _r2(trait, both)
    liability = (
        liability_r2(_r2(trait, score[:, None]), float(trait.mean()), prevalence) if binary and prevalence else None
    )
    return RiskReport(
        r2, _r2(trait, alone), r2 - _r2(trait, alone), (low, high),
        auroc(trait, _line(trait, both)) if binary else None,
        (auroc(trait, _line(trait, alone)) if covariates.size else 0.5) if binary else None,
        liability, pd.DataFrame(rows), notices,
    )  # fmt: skip


def report_on_times(time: np.ndarray, event: np.ndarray, score: np.ndarray, covariates: np.ndarray) -> RiskReport:
    """The same of times to an event; a Cox model of score and covariates is fitted to them."""
    residual = martingale_residuals(time, event)
    made = report_on(residual, score, covariates, binary=False)
    place, expected = _tenths(score), event - residual
    middle = _ratio(event, expected, (place == 4) | (place == 5))
    ratios = [_ratio(event, expected, place == decile) / middle for decile in range(10)]
    both = np.column_stack([score, covariates])
    ranked = [table @ fit_hazards(table, time, event, 1 / len(time)) for table in (both, covariates)]
    return replace(
        made, deciles=made.deciles.assign(**{"hazard ratio": ratios}), concordance=concordance(ranked[0], time, event),
        concordance_covariates=concordance(ranked[1], time, event) if covariates.size else 0.5,
    )  # fmt: skip


def _ratio(event: np.ndarray, expected: np.ndarray, chosen: np.ndarray) -> float:
    return (float(event[chosen].sum()) + 0.5) / (float(expected[chosen].sum()) + 0.5)


def _tenths(score: np.ndarray) -> np.ndarray:
    """The tenth of each sample by its score, from 0; equal scores go by their number."""
    place: np.ndarray = np.argsort(np.argsort(score, kind="stable"), kind="stable") * 10 // len(score)
    return place


def tenth_of(scores: pd.DataFrame, sample: str) -> int | None:
    """The tenth of the judged samples' scores, from 1, that a sample's score lies in; None where it has none.

    ``scores`` has the columns ``sample``, ``part`` and ``score``; those of the part ``test`` are judged.
    """
    own = scores.loc[scores["sample"].astype(str) == sample, "score"]
    judged = np.sort(scores.loc[scores["part"] == "test", "score"].to_numpy(float))
    if len(own) != 1 or not judged.size:
        return None
    return min(int(np.searchsorted(judged, float(own.iloc[0]), "left")) * 10 // judged.size, 9) + 1


def _line(trait: np.ndarray, table: np.ndarray) -> np.ndarray:
    design = np.column_stack([np.ones(len(trait)), table])
    fitted: np.ndarray = design @ np.linalg.lstsq(design, trait, rcond=None)[0]
    return fitted


def _r2(trait: np.ndarray, table: np.ndarray) -> float:
    return pearson(_line(trait, table), trait) ** 2 if table.size else 0.0


def _odds(trait: np.ndarray) -> float:
    return (float(trait.sum()) + 0.5) / (float((1 - trait).sum()) + 0.5)


def liability_r2(observed: float, cases: float, prevalence: float) -> float:
    r"""The explained share of the liability, from that of the 0/1 trait, the share of cases and the prevalence K.

    See Lee et al. 2012, doi:10.1002/gepi.21614.
    """
    from scipy.stats import norm

    if not 0 < prevalence < 1:
        raise InputError("liability_r2", "prevalence", "between 0 and 1", f"{prevalence:g}")
    threshold = float(norm.isf(prevalence))
    height = float(norm.pdf(threshold))
    mean = height / prevalence
    scale = (prevalence * (1 - prevalence) / height) ** 2 / (cases * (1 - cases))
    shift = (cases - prevalence) / (1 - prevalence)
    theta = mean * shift * (mean * shift - threshold)
    return observed * scale / (1 + observed * theta * scale)

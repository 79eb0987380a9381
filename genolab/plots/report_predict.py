"""What a report says of a model of sequences and of a risk score: leaks first, the baseline beside each score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genolab import __version__
from genolab.io import digest
from genolab.plots.predict_risk import RiskView
from genolab.plots.predict_sequence import FiltersView, SequenceView
from genolab.plots.predict_training import TrainingView
from genolab.plots.report import Figure, Section

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from genolab.plots.predict_risk import RiskShown
    from genolab.predict.attribution import Motif
    from genolab.predict.one_sequence import SequenceExplanation
    from genolab.predict.study import Judged, Study


def of_sequences(
    study: Study, judged: Judged, *, name: str, architecture: str,
    steps: Sequence[tuple[float, float, float]] = (), history: Sequence[dict[str, float]] = (),
    motifs: Sequence[Motif] | None = None, explained: SequenceExplanation | None = None, code: str = "",
    card: Mapping[str, Any] | None = None, files: Mapping[str, Path] | None = None,
) -> list[Section]:  # fmt: skip
    """A model of sequences: training and judgement, filters, the sequence that is explained, every test sequence."""
    training = TrainingView()
    training.show_progress(steps, history)
    training.show_judged(judged, study.test)
    kind = f"{len(study.names)} classes" if study.classes else "numbers"
    facts = {
        "sequences": f"{len(study.bases):,}, {kind}",
        "model": architecture,
        "split by": study.split,
        "to train, to stop by, to judge": " + ".join(
            f"{len(part):,}" for part in (study.train, study.validation, study.test)
        ),
    } | {
        f"{row.of}: {row.score}": f"{row.value:.3f} ({row.low:.3f} to {row.high:.3f})"
        for row in judged.table.itertuples()
    }
    figures = [Figure(training.layout, "Loss and score by epoch; the test part beside the baseline.")]
    if motifs:
        filters = FiltersView()
        filters.show(motifs)
        figures.append(Figure(filters.layout, "Filters of the first layer; letters as high as their bits."))
    if explained is not None:
        view = SequenceView()
        view.show(explained, explained.codes, explained.prediction, study.names)
        figures.append(Figure(view.layout, "What each base adds, and what every change of a base would do."))
    tables = {"Scores": judged.table, "Test sequences": judged.to_frame()}
    if len(study.leaks):
        tables["Relatives of test sequences in training"] = study.leaks.to_frame()
    said = [f"Leak check: {study.leaks}", judged.sentence]
    if study.shuffled:
        said.insert(0, "A control: the labels are in another order.")
    provenance = _provenance(files, model=dict(card or {}))
    title = f"{architecture} on {name}"
    return [Section(title, said, facts, figures, tables, code=code, provenance=provenance)]


def of_risk(
    shown: RiskShown, scores: pd.DataFrame, *, name: str, method: str, leaks: str, code: str = "",
    card: Mapping[str, Any] | None = None, files: Mapping[str, Path] | None = None,
) -> list[Section]:  # fmt: skip
    """A risk score: what it adds to covariates, its tenths, its choice by cross-validation, and every sample."""
    report, view = shown.report, RiskView()
    view.show(shown)
    low, high = report.added_interval
    facts = {
        "method": method,
        "samples": f"{len(scores):,}, {int((scores['part'] == 'test').sum()):,} to judge",
        "variants": f"{len(shown.weights):,}, {int((shown.weights != 0).sum()):,} with a weight",
        "r²": f"{report.r2:.3f}",
        "r², covariates only": f"{report.r2_covariates:.3f}",
        "added": f"{report.added:+.3f} ({low:.3f} to {high:.3f})",
    }
    if report.auc is not None:
        facts |= {"AUROC": f"{report.auc:.3f}", "AUROC, covariates only": f"{report.auc_covariates:.3f}"}
    if report.liability_r2 is not None:
        facts["r² on liability"] = f"{report.liability_r2:.3f}"
    tables = {"Tenths of the score": report.deciles, "Samples": scores}
    if len(shown.candidates):
        tables["What was tried"] = shown.candidates
    caption = "The trait by tenths of the score beside covariates only; the choice by cross-validation; effects."
    return [
        Section(
            f"Risk score: {name}",
            sentences=[leaks, *report.notices],
            facts=facts,
            figures=[Figure(view.layout, caption)],
            tables=tables,
            code=code,
            provenance=_provenance(files, model=dict(card or {})),
        )
    ]


def _provenance(files: Mapping[str, Path] | None, **rest: Any) -> dict[str, Any]:
    used = {kind: {"path": str(path), "digest": digest(path)} for kind, path in (files or {}).items()}
    return {"genolab": __version__, **used, **rest}

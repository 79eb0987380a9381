"""What is drawn of models: results in, columns for Bokeh out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.plots import style
from genolab.plots.columns import Columns
from genolab.plots.logo_letters import stacked

if TYPE_CHECKING:
    from genolab.predict.attribution import Motif
    from genolab.predict.study import Judged

MOST_POINTS = 1_500
"""Batch losses and held-out sequences that are drawn; more are thinned evenly, and the count says so."""
SCORES = ("validation_auroc", "validation_accuracy", "validation_r", "validation_concordance")
"""What is drawn beside the loss, the first that a run has."""


def spread(number: int, most: int = MOST_POINTS) -> np.ndarray:
    """Numbers of at most so many of so many things, evenly spread."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).round().astype(int)) if number else np.arange(0)


def step_columns(steps: Sequence[tuple[float, float, float]], name: str = "loss") -> Columns:
    """Steps (epochs done, loss, gradient norm) as points."""
    shown = [steps[k] for k in spread(len(steps))]
    place = 1 if name == "loss" else 2
    return {"x": np.array([each[0] for each in shown]), "y": np.array([each[place] for each in shown])}


def epoch_columns(history: Sequence[dict[str, float]], name: str) -> Columns:
    """One number of each epoch."""
    held = [(each["epoch"], each[name]) for each in history if name in each]
    return {"x": np.array([float(each[0]) for each in held]), "y": np.array([float(each[1]) for each in held])}


def best_columns(history: Sequence[dict[str, float]], name: str) -> Columns:
    """The epoch whose weights are kept: the least validation loss."""
    held = [each for each in history if "validation_loss" in each]
    if not held or name not in held[0]:
        return {"x": [], "y": [], "text": []}
    best = min(held, key=lambda each: each["validation_loss"])
    return {"x": [float(best["epoch"])], "y": [float(best[name])], "text": [f"best: epoch {best['epoch']:.0f}"]}


def score_name(history: Sequence[dict[str, float]]) -> str:
    """The score that is drawn of a run."""
    return next((name for name in SCORES if history and name in history[0]), "validation_loss")


def spoken(name: str) -> str:
    """A score's name as it is read."""
    bare = name.removeprefix("validation_")
    known = {"auroc": "AUROC", "r": "Pearson r", "rank_r": "rank r", "r2": "R²"}
    return known.get(bare, bare.replace("_", " "))


# ------------------------------------------------------------------ judged


def score_rows(judged: Judged) -> list[tuple[str, str]]:
    """Scores in words: the model's with its interval, the baseline's below."""
    rows, table = [], judged.table
    for score in dict.fromkeys(table["score"]):
        held = table[table["score"] == score].set_index("of")
        model, plain = held.loc["model"], held.loc["baseline (word counts)"]
        rows.append((spoken(score), f"{model['value']:.3f} ({model['low']:.2f}–{model['high']:.2f})"))
        rows.append((f"  {spoken(score)}, word counts", f"{plain['value']:.3f}"))
    return rows


def class_names(judged: Judged) -> list[tuple[int, str]]:
    """The classes that have a curve: the second of two, or each of several."""
    names = list(enumerate(judged.names))
    return names[1:] if len(names) == 2 else names


def curve_columns(judged: Judged, kind: str) -> Columns:
    """ROC, precision-recall or calibration curves of the model and of the baseline, for each class one."""
    made: dict[str, list[Any]] = {name: [] for name in ("xs", "ys", "colour", "dash", "label", "width")}
    truth = judged.truth.astype(str)
    for place, (number, name) in enumerate(class_names(judged)):
        for of, output in (("model", judged.output), ("word counts", judged.baseline)):
            x, y = _CURVES[kind](truth == name, output[:, number])
            made["xs"].append(x)
            made["ys"].append(y)
            several = len(judged.names) > 2
            made["colour"].append(style.CATEGORIES[place % 7] if several or of == "model" else style.ORANGE)
            made["dash"].append("solid" if of == "model" else "dashed")
            made["label"].append(f"{name}: {of}" if several else of)
            made["width"].append(2.2 if of == "model" else 1.4)
    return made


def _roc(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)  # equal scores are one step
    true, false = np.cumsum(label[order])[last], np.cumsum(~label[order])[last]
    return np.append(0, false / max(int((~label).sum()), 1)), np.append(0, true / max(int(label.sum()), 1))


def _precision_recall(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    true, taken = np.cumsum(label[order])[last], np.flatnonzero(last) + 1
    recall, precision = true / max(int(label.sum()), 1), true / taken
    return np.append(0, recall), np.append(precision[:1], precision)


def _calibration(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    parts = np.array_split(np.argsort(score, kind="stable"), int(np.clip(len(score) // 12, 3, 10)))
    return np.array([score[part].mean() for part in parts]), np.array([label[part].mean() for part in parts])


_CURVES = {"ROC": _roc, "PR": _precision_recall, "calibration": _calibration}


def calibration_of_numbers(judged: Judged) -> Columns:
    """The mean measured value in each tenth of the predictions, of the model and of the baseline."""
    made: dict[str, list[Any]] = {name: [] for name in ("xs", "ys", "colour", "dash", "label", "width")}
    for of, guess, colour, dash in (
        ("model", judged.output, style.BLUE, "solid"), ("word counts", judged.baseline, style.ORANGE, "dashed"),
    ):  # fmt: skip
        parts = np.array_split(np.argsort(guess, kind="stable"), int(np.clip(len(guess) // 12, 3, 10)))
        row = ([guess[part].mean() for part in parts], [judged.truth[part].mean() for part in parts], colour, dash, of)
        for name, value in zip(made, (*row, 2.2 if of == "model" else 1.4), strict=True):
            made[name].append(value)
    return made


def confusion_columns(judged: Judged) -> Columns:
    """Counts of true against predicted classes, with the share of each true class."""
    names, truth = judged.names, judged.truth.astype(str)
    guess = np.array(names)[judged.output.argmax(axis=1)]
    plain = np.array(names)[judged.baseline.argmax(axis=1)]
    made: dict[str, list[Any]] = {name: [] for name in ("true", "guess", "count", "share", "text", "ink", "plain")}
    for one in names:
        total = int((truth == one).sum())
        for other in names:
            count = int(((truth == one) & (guess == other)).sum())
            share = count / max(total, 1)
            made["true"].append(one)
            made["guess"].append(other)
            made["count"].append(count)
            made["share"].append(share)
            made["text"].append(f"{count:,}")
            made["ink"].append("#ffffff" if share < 0.5 else "#000000")
            made["plain"].append(int(((truth == one) & (plain == other)).sum()))
    return made


def point_columns(judged: Judged, numbers: np.ndarray) -> Columns:
    """The held-out sequences as points to click: a class's probability by true class, or predicted by measured."""
    shown = spread(len(judged.truth))
    truth = judged.truth[shown]
    if not judged.names:
        x, y = truth.astype(float), judged.output[shown]
        return {"x": x, "y": y, "number": numbers[shown], "row": shown, "colour": [style.BLUE] * len(shown),
                "marker": ["circle"] * len(shown), "truth": [f"{value:.3g}" for value in x],
                "guess": [f"{value:.3g}" for value in y]}  # fmt: skip
    place = np.searchsorted(np.array(judged.names), truth.astype(str))
    # within its column a point lies by its number, so that the same data makes the same picture
    aside = (np.arange(len(shown)) * 0.618034 % 1 - 0.5) * 0.7
    guess = judged.output[shown].argmax(axis=1)
    own = judged.output[shown][:, 1] if len(judged.names) == 2 else judged.output[shown, place]
    return {
        "x": place + 0.5 + aside, "y": own, "number": numbers[shown], "row": shown,
        "colour": [style.CATEGORIES[each % 7] for each in guess],
        "marker": [style.MARKERS[each % len(style.MARKERS)] for each in guess],
        "truth": truth.astype(str).tolist(), "guess": [judged.names[each] for each in guess],
    }  # fmt: skip


# ------------------------------------------------------------------ filters


def filter_columns(motifs: Sequence[Motif | None], across: int) -> tuple[Columns, Columns, tuple[int, int]]:
    """Logos in rows of ``across``: their letters, a label each, and the width and number of slots."""
    names = ("xs", "ys", "fill", "letter", "position", "height", "filter")
    letters: dict[str, list[Any]] = {name: [] for name in names}
    labels: dict[str, list[Any]] = {name: [] for name in ("x", "y", "text")}
    width = max((len(each.information) for each in motifs if each is not None), default=1)
    rows = -(-len(motifs) // across)
    for slot, motif in enumerate(motifs):
        if motif is None:
            continue
        row, column = divmod(slot, across)
        left, bottom = column * (width + 2.0), (rows - 1 - row) * 2.9
        made = stacked(motif.heights, left, bottom, least=0.04)
        for name, values in made.items():
            letters[name] += values
        letters["filter"] += [motif.filter] * len(made["xs"])
        labels["x"].append(left)
        labels["y"].append(bottom + 2.05)
        labels["text"].append(f"filter {motif.filter} · {motif.sites:,} sites")
    return letters, labels, (width, rows)

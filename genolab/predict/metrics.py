"""Scores of predictions, and how sure they are."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from typing import Any

import numpy as np


def scores_of(loss: str, output: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """The scores that suit a loss: AUROC, average precision and accuracy for classes; r, rank r and R² for numbers."""
    if loss == "binary":
        scored = [k for k in range(target.shape[1]) if 0 < target[:, k].sum() < len(target)]
        if not scored:
            return {"accuracy": float(((output > 0) == (target > 0.5)).mean())}
        return {
            "auroc": float(np.mean([auroc(target[:, k], output[:, k]) for k in scored])),
            "average_precision": float(np.mean([average_precision(target[:, k], output[:, k]) for k in scored])),
            "accuracy": float(((output > 0) == (target > 0.5)).mean()),
        }
    if loss == "multiclass":
        present = [k for k in range(target.shape[1]) if 0 < target[:, k].sum() < len(target)]
        ranks = [auroc(target[:, k], output[:, k] - np.delete(output, k, axis=1).max(axis=1)) for k in present]
        return {
            "accuracy": float((output.argmax(axis=1) == target.argmax(axis=1)).mean()),
            "auroc": float(np.mean(ranks)) if ranks else float("nan"),
        }
    if loss == "cox":
        return {"concordance": concordance(output[:, 0], target[:, 0], target[:, 1])}
    width = target.shape[1]
    guess = output[:, :width] if loss == "squared" else np.exp(output[:, :width])
    return {
        "r": float(np.mean([pearson(guess[:, k], target[:, k]) for k in range(width)])),
        "rank_r": float(np.mean([spearman(guess[:, k], target[:, k]) for k in range(width)])),
        "r2": float(np.mean([r_squared(guess[:, k], target[:, k]) for k in range(width)])),
    }


def auroc(label: np.ndarray, score: np.ndarray) -> float:
    """The probability that a positive scores above a negative; ties count half.

    Raises ``ValueError`` where one of the two is missing.
    """
    from scipy.stats import rankdata

    held = label > 0.5
    positive, negative = int(held.sum()), int((~held).sum())
    if not positive or not negative:
        raise ValueError("the labels are of one class")
    return float((rankdata(score)[held].sum() - positive * (positive + 1) / 2) / (positive * negative))


def average_precision(label: np.ndarray, score: np.ndarray) -> float:
    """The mean precision over the positives, from the highest score down; equal scores are one step."""
    order = np.argsort(-score, kind="stable")
    held, ranked = label[order] > 0.5, score[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    found = np.cumsum(held)[last]
    return float((np.diff(found, prepend=0) * found / (last + 1)).sum() / found[-1]) if found[-1] else 0.0


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation; 0 where one does not vary."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum(dtype=np.float64) * (b * b).sum(dtype=np.float64)))
    return float((a * b).sum(dtype=np.float64)) / size if size > 0 else 0.0


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation of the ranks; equal values share theirs."""
    from scipy.stats import rankdata

    return pearson(rankdata(a), rankdata(b))


def r_squared(guess: np.ndarray, truth: np.ndarray) -> float:
    """One less the squared errors over those of the mean."""
    spread = float(((truth - truth.mean()) ** 2).sum(dtype=np.float64))
    return 1 - float(((guess - truth) ** 2).sum(dtype=np.float64)) / spread if spread > 0 else 0.0


def concordance(risk: np.ndarray, time: np.ndarray, event: np.ndarray) -> float:
    """Of the pairs whose order is known, the share in which the higher risk comes first; ties of risk count half."""
    order = np.argsort(-time, kind="stable")
    later: list[float] = []  # risks of those whose time is later, sorted
    same: list[float] = []
    better, pairs = 0.0, 0
    for k, number in enumerate(order):
        if k and time[number] != time[order[k - 1]]:
            for each in same:
                insort(later, each)
            same = []
        value = float(risk[number])
        if event[number] > 0.5:
            below, up_to = bisect_left(later, value), bisect_right(later, value)
            better += (below + up_to) / 2
            pairs += len(later)
        same.append(value)
    return better / max(pairs, 1)


def interval(
    score: Callable[..., float], *arrays: np.ndarray, groups: np.ndarray | None = None, draws: int = 200,
    level: float = 0.95, seed: int = 0,
) -> tuple[float, float]:  # fmt: skip
    """The bootstrap interval of a score over sequences; over whole groups where they are given."""
    found = intervals(lambda *drawn: {"": score(*drawn)}, *arrays, groups=groups, draws=draws, level=level, seed=seed)
    return found.get("", (float("nan"), float("nan")))


def intervals(
    scores: Callable[..., dict[str, float]], *arrays: np.ndarray, groups: np.ndarray | None = None, draws: int = 200,
    level: float = 0.95, seed: int = 0,
) -> dict[str, tuple[float, float]]:  # fmt: skip
    """The same of several scores at once, by name; one that no draw has is left out."""
    rng, found = np.random.default_rng(seed), dict[str, list[float]]()
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)] if groups is not None else None
    for _ in range(draws):
        if members is None:
            chosen: Any = rng.integers(0, len(arrays[0]), len(arrays[0]))
        else:
            chosen = np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))])
        try:
            drawn = scores(*(values[chosen] for values in arrays))
        except ValueError:  # a draw of one class has no score
            continue
        for name, value in drawn.items():
            found.setdefault(name, []).append(value)
    ends = [(1 - level) / 2, (1 + level) / 2]
    return {name: (float(low), float(high)) for name, (low, high) in
            ((name, np.nanquantile(values, ends)) for name, values in found.items())}  # fmt: skip

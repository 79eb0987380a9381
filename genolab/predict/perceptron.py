"""A small network on genotypes, to compare the linear scores with: one hidden layer, early stopping."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.kernel.backends import COMPILE_LOCK, compiling_for, mode_of
from genolab.predict.network.layers import uniform
from genolab.predict.network.losses import LOSSES
from genolab.predict.network.optimizers import optimize
from genolab.predict.splits import split_share
from genolab.predict.survival import partial_loss
from genolab.predict.training import Progress

MOST_VARIANTS, HIDDEN, BATCH, EPOCHS, PATIENCE = 1_000, 16, 64, 60, 8
RATE, DECAY, DROPPED = 2e-3, 1.0, 0.5

Weights = dict[str, np.ndarray]


def fit_perceptron(
    columns: np.ndarray, target: np.ndarray, left: np.ndarray, kind: str, groups: Any, seed: int,
    progress: Progress | None = None,
) -> tuple[np.ndarray, Weights, list[dict[str, float]]]:
    """Which variants [of columns] it uses, its weights, and a record per epoch.

    ``columns`` are standardised genotypes [variant, sample]; ``kind`` is the loss, ``target`` a trait [sample], or time
    and event [sample, 2] for ``cox``. The variants are those that follow ``left``, the trait without covariates, most
    by themselves among the samples it learns from; a fifth of the samples (whole groups) decides when it stops.
    """
    goal = target.astype(np.float32).reshape(len(target), -1)
    follows = left if kind == "cox" else target
    train, held = split_share("RiskScore", follows, 0.2, groups, seed)
    centred = follows[train] - follows[train].mean()
    strength = np.abs(columns[:, train] @ centred.astype(np.float32))
    chosen = np.sort(np.argsort(-strength, kind="stable")[:MOST_VARIANTS])
    rows = np.ascontiguousarray(columns[chosen].T)
    rng = np.random.default_rng(seed)
    start = {
        "hidden": uniform(rng, (chosen.size, HIDDEN), chosen.size), "hidden_bias": np.zeros(HIDDEN, np.float32),
        "last": uniform(rng, (HIDDEN, 1), HIDDEN), "last_bias": np.zeros(1, np.float32),
    }  # fmt: skip
    step, flat = _compiled(start, kind)
    history: list[dict[str, float]] = []
    best, best_loss, since, number = start, np.inf, 0, 0
    for epoch in range(EPOCHS):
        if progress is not None:
            progress(epoch / EPOCHS, f"network, epoch {epoch + 1}")
        order, total = rng.permutation(train), 0.0
        for first in range(0, len(order), BATCH):
            part = order[first : first + BATCH]
            number += 1
            kept = (rng.random((len(part), chosen.size)) >= DROPPED).astype(np.float32) / (1 - DROPPED)
            total += float(step(rows[part] * kept, goal[part], np.float32(number))) * len(part)
        now = _apart(flat.get_value(), start)
        loss = _loss(run_perceptron(rows[held], now), goal[held], kind)
        history.append({"epoch": epoch + 1, "loss": total / len(train), "validation_loss": loss})
        if loss < best_loss - 1e-6:
            best, best_loss, since = now, loss, 0
        else:
            since += 1
            if since >= PATIENCE:
                break
    return chosen, best, history


def run_perceptron(rows: np.ndarray, weights: Weights) -> np.ndarray:
    """The output of each sample; ``rows`` are standardised genotypes [sample, variant] of the variants it uses."""
    hidden = np.maximum(rows @ weights["hidden"] + weights["hidden_bias"], 0)
    out: np.ndarray = (hidden @ weights["last"] + weights["last_bias"])[:, 0]
    return out


def _compiled(start: Weights, kind: str) -> tuple[Any, Any]:
    with COMPILE_LOCK, compiling_for("numpy"):
        flat = pytensor.shared(np.concatenate([value.ravel() for value in start.values()]), name="weights")
        memory = [pytensor.shared(np.zeros_like(flat.get_value()), name=f"memory{k}") for k in range(2)]
        rows, goal, number = pt.fmatrix("rows"), pt.fmatrix("goal"), pt.fscalar("number")
        parts, first = {}, 0
        for name, value in start.items():
            parts[name] = flat[first : first + value.size].reshape(value.shape)
            first += value.size
        hidden = pt.maximum(pt.dot(rows, parts["hidden"]) + parts["hidden_bias"], np.float32(0))
        output = pt.dot(hidden, parts["last"]) + parts["last_bias"]
        loss = LOSSES[kind](output, goal, pt.ones_like(goal[:, 0]))
        slopes = pytensor.grad(loss, list(parts.values()))
        gradient = pt.concatenate([value.reshape((-1,)) for value in slopes])
        decayed = np.concatenate([np.full(value.size, value.ndim > 1, np.float32) for value in start.values()])
        updates = optimize("adamw", flat, gradient, memory, decayed, np.float32(RATE), number, DECAY)
        return pytensor.function([rows, goal, number], loss, updates=updates, mode=mode_of("numpy")), flat


def _apart(flat: np.ndarray, like: Weights) -> Weights:
    made, first = {}, 0
    for name, value in like.items():
        made[name] = flat[first : first + value.size].reshape(value.shape).copy()
        first += value.size
    return made


def _loss(output: np.ndarray, goal: np.ndarray, kind: str) -> float:
    if kind == "cox":
        time, event = goal.astype(np.float64).T
        return partial_loss(time, event, output.astype(np.float64))
    target = goal[:, 0]
    if kind == "binary":
        return float((np.maximum(output, 0) + np.log1p(np.exp(-np.abs(output))) - target * output).mean())
    return float(((output - target) ** 2).mean() / 2)

"""Which samples are learnt from and which are judged by: at random, by group, similarity, chromosome or family."""

from __future__ import annotations

from typing import Any

import numpy as np

from genolab.errors import InputError


def split_share(who: str, target: np.ndarray, share: float, groups: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers to learn from and to hold out: about ``share``, of each class alike; whole groups where given."""
    if not 0 < share < 1:
        raise InputError(who, "validation", "a share between 0 and 1, or a pair", f"{share:g}")
    folds = max(2, round(1 / min(share, 1 - share)))
    parts = fold_numbers(who, target, groups, folds, seed)
    if share <= 0.5:
        return np.flatnonzero(parts != 0), np.flatnonzero(parts == 0)
    return np.flatnonzero(parts == 0), np.flatnonzero(parts != 0)


def fold_numbers(who: str, target: np.ndarray, groups: Any, folds: int, seed: int) -> np.ndarray:
    """The fold of each sample: classes are spread evenly; a group is never divided, and the folds are about equal."""
    rng = np.random.default_rng(seed)
    if groups is None:
        out = np.empty(len(target), np.int64)
        _, label = np.unique(_as_classes(target), return_inverse=True)
        start = 0
        for value in range(label.max() + 1):
            members = rng.permutation(np.flatnonzero(label == value))
            out[members] = (np.arange(members.size) + start) % folds
            start += members.size
        return out
    names = np.asarray(groups)
    if names.shape != (len(target),):
        raise InputError(who, "groups", f"one per sample ({len(target):,})", f"shape {names.shape}")
    _, number, size = np.unique(names, return_inverse=True, return_counts=True)
    if size.size < folds:
        raise InputError(who, "groups", f"at least {folds} groups", f"{size.size}", "Take fewer folds.")
    filled, fold_of = np.zeros(folds), np.empty(size.size, np.int64)
    order = rng.permutation(size.size)
    for group in order[np.argsort(-size[order], kind="stable")]:  # the largest first, to the emptiest fold
        fold_of[group] = int(filled.argmin())
        filled[fold_of[group]] += size[group]
    return fold_of[number]


def _as_classes(target: np.ndarray) -> np.ndarray:
    """Classes of targets; numbers that vary go by their quarter, so that each fold has small and large ones."""
    flat = target if target.ndim == 1 else target @ (2.0 ** np.arange(target.shape[1]))
    if np.unique(flat).size <= 20:
        return flat
    quarters: np.ndarray = np.searchsorted(np.quantile(flat, [0.25, 0.5, 0.75]), flat)
    return quarters


def held_out(units: Any, share: float = 0.2, seed: int = 0) -> np.ndarray:
    """Which samples are to be judged by [sample]: those of about this share of the units, drawn by the seed."""
    number = np.unique(np.asarray(units).astype(str), return_inverse=True)[1]
    order = np.random.default_rng(seed).permutation(number.max() + 1)
    chosen: np.ndarray = np.isin(number, order[: max(1, round(share * len(order)))])
    return chosen

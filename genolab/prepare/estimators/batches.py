"""Estimators that take batches out: ComBat and a linear model."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np

from genolab.errors import GenolabWarning, InputError
from genolab.prepare import batch as kernels
from genolab.prepare.estimators.base import Preparation, run
from genolab.prepare.table import Table, is_anndata


class _BatchCorrection(Preparation):
    """What both have in common: labels, covariates, and the check that the two can be told apart."""

    _takes_sparse = False

    batch: Any
    covariates: Any

    def _labels(self, who: str, given: Any, table: Table) -> np.ndarray:
        labels, samples = self._of_samples(who, "batch", given, table), table.shape[0]
        if labels is None:
            raise InputError(who, "batch", f"the batch of each of {samples} samples", "nothing")
        found = np.asarray(labels)
        if found.shape != (samples,):
            raise InputError(who, "batch", f"one label per sample ({samples})", f"shape {found.shape}")
        return found

    def _of_samples(self, who: str, name: str, given: Any, table: Table) -> Any:
        """What was given with the call; else the estimator's own, found by the samples' names."""
        held = getattr(self, name)
        if given is not None or held is None:
            return given
        if isinstance(held, str) and is_anndata(table.given):
            if held not in table.given.obs:
                raise InputError(who, name, f"a column of obs ({', '.join(table.given.obs)})", repr(held))
            return table.given.obs[held]
        if not hasattr(held, "reindex") or table.samples is None:
            fix = "Give a pandas Series indexed by sample, and a table with names; or give it to fit and transform."
            raise InputError(who, name, "labels that can be found by the samples' names", type(held).__name__, fix)
        absent = [sample for sample in table.samples if sample not in held.index]
        if absent:
            found = f"none for {absent[0]!r} ({len(absent):,} samples)"
            raise InputError(who, name, "a label for every sample", found)
        return held.loc[table.samples]

    def _encoded(self, who: str, labels: np.ndarray) -> np.ndarray:
        """Numbers of the batches learnt; a batch not seen before is refused."""
        number = np.searchsorted(self.batches_, labels)
        known = self.batches_[np.minimum(number, len(self.batches_) - 1)] == labels
        if not known.all():
            first = labels[np.flatnonzero(~known)[0]]
            raise InputError(who, "batch", f"a batch learnt from ({', '.join(map(str, self.batches_))})", repr(first))
        return number.astype(np.int64)

    def _covariates(self, who: str, given: Any, table: Table) -> np.ndarray:
        """A column for each number and for each category but the first."""
        covariates, samples = self._of_samples(who, "covariates", given, table), table.shape[0]
        if covariates is None:
            return np.zeros((samples, 0))
        columns: list[np.ndarray] = []
        named = (
            covariates.items() if hasattr(covariates, "items") else enumerate(np.atleast_2d(np.asarray(covariates).T))
        )
        if hasattr(covariates, "to_frame"):  # a pandas Series is one column
            named = [(covariates.name, covariates)]
        for name, values in named:
            found = np.asarray(values)
            if found.shape != (samples,):
                raise InputError(
                    who, "covariates", f"one row per sample ({samples})", f"shape {found.shape} for {name!r}"
                )
            if found.dtype.kind in "biuf":
                columns.append(found.astype(float))
            else:
                text = found.astype(str)
                columns += [(text == level).astype(float) for level in np.unique(text)[1:]]
        return np.column_stack(columns) if columns else np.zeros((samples, 0))

    def _check_confounding(self, who: str, number: np.ndarray, covariates: np.ndarray) -> None:
        if not covariates.shape[1]:
            return
        indicator = number[:, None] == np.arange(number.max() + 1)
        both = np.column_stack([indicator, covariates])
        if np.linalg.matrix_rank(both) < both.shape[1]:
            fix = "Leave the covariate out, or add samples that break the tie."
            raise InputError(
                who, "covariates", "conditions that differ within batches", "batch and condition confounded", fix
            )
        alone = [
            str(self.batches_[b]) for b in range(number.max() + 1) if np.ptp(covariates[number == b], axis=0).max() == 0
        ]
        if alone:
            warnings.warn(
                f"{who}: all samples of batch {', '.join(alone)} have one condition, so its batch effect rests on the "
                "model and not on a comparison within the batch.",
                GenolabWarning,
                stacklevel=4,
            )

    def fit_transform(self, X: Any, y: None = None, *, batch: Any = None, covariates: Any = None) -> Any:
        """Learn the batches and take them out of the same samples."""
        return self.fit(X, batch=batch, covariates=covariates).transform(X, batch=batch, covariates=covariates)

    def plot(self, X: Any, samples: Any = None, colour: str = "", *, batch: Any = None, covariates: Any = None) -> Any:
        """The table with its batches and without, side by side and live; arguments as in :meth:`transform`."""
        done = self.transform(X, batch=batch, covariates=covariates)
        return import_module("genolab.plots.prepare").plot(self, X, done, samples, colour)

    def fit(self, X: Any, y: None = None, *, batch: Any = None, covariates: Any = None) -> Any:
        """Learn what each batch does to each gene; covariates are what must be kept."""
        raise NotImplementedError

    def transform(self, X: Any, *, batch: Any = None, covariates: Any = None) -> Any:
        """Samples of the batches learnt, without the batches."""
        raise NotImplementedError


class ComBat(_BatchCorrection):
    """Empirical Bayes correction of log expression for batches, as sva's ComBat.

    Parameters
    ----------
    mean_only
        Whether batches differ in their level only, not in their spread; so it is where a batch has one sample.
    batch, covariates
        For a pipeline, whose steps are given samples only: pandas Series (covariates: or a table) indexed by sample,
        or the name of a column in ``obs`` of an AnnData object. What :meth:`fit` and :meth:`transform` are given
        comes first.
    layer
        The layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer ``combat``.

    Genes that do not vary within some batch are left as they are; ``corrected_`` marks the others.
    """

    _writes = "combat"

    def __init__(
        self, mean_only: bool = False, batch: Any = None, covariates: Any = None, layer: str | None = None
    ) -> None:
        self.mean_only, self.batch, self.covariates, self.layer = mean_only, batch, covariates, layer

    def fit(self, X: Any, y: None = None, *, batch: Any = None, covariates: Any = None) -> ComBat:
        """Learn shifts and scales of the batches; ``covariates`` (table or column) are conditions to be kept."""
        table = self._read(X, fitting=True)
        labels = self._labels("ComBat", batch, table)
        self.batches_, number = np.unique(labels, return_inverse=True)
        number = number.astype(np.int64)
        if len(self.batches_) < 2:
            raise InputError("ComBat", "batch", "at least two batches", "one")
        known = self._covariates("ComBat", covariates, table)
        self._check_confounding("ComBat", number, known)
        samples = np.bincount(number).astype(np.float64)
        self.effects_ = self._effects(table, number, known)
        self._learn_batches(table, self._without(table, known), number, samples)
        return self

    def transform(self, X: Any, *, batch: Any = None, covariates: Any = None) -> Any:
        """Log expression without the batches; the same covariates as in :meth:`fit` are kept."""
        table = self._read(X, fitting=False)
        number = self._encoded("ComBat", self._labels("ComBat", batch, table))
        known = self._covariates("ComBat", covariates, table)
        if known.shape[1] != len(self.effects_):
            raise InputError("ComBat", "covariates", f"the {len(self.effects_)} columns of fit", f"{known.shape[1]}")
        held = self._without(table, known)
        corrected = run(
            kernels.correct_batches, table, number, self.centre_, self.per_, self.added_, values=held
        ).corrected
        if known.shape[1]:
            corrected = run(kernels.subtract_effects, table, known, -self.effects_, values=corrected).corrected
        return self._written(table, corrected)

    def _effects(self, table: Table, number: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Effects of the covariates beside those of the batches."""
        if not known.shape[1]:
            return np.zeros((0, table.shape[1]))
        batches = len(self.batches_)
        design = np.column_stack([number[:, None] == np.arange(batches), known]).astype(float)
        effects: np.ndarray = run(kernels.linear_effects, table, np.linalg.pinv(design)).effect[batches:]
        return effects

    def _without(self, table: Table, known: np.ndarray) -> np.ndarray:
        if not known.shape[1]:
            return table.dense()
        held: np.ndarray = run(kernels.subtract_effects, table, known, self.effects_).corrected
        return held

    def _learn_batches(self, table: Table, held: np.ndarray, number: np.ndarray, samples: np.ndarray) -> None:
        """Tables of batches and genes: take ``centre_`` off, multiply by ``per_``, add ``added_``."""
        mean, squares = run(kernels.batch_moments, table, number, samples, values=held)
        single = bool((samples == 1).any())
        self.mean_only_ = self.mean_only or single
        if single and not self.mean_only:
            warnings.warn("ComBat: a batch has one sample, so only levels are corrected.", GenolabWarning, stacklevel=4)
        varies = squares > 1e-12 * samples[:, None] * mean**2
        self.corrected_ = use = varies.any(axis=0) if single else varies.all(axis=0)
        grand = samples / samples.sum() @ mean
        pooled = np.sqrt(np.where(use, squares.sum(axis=0) / samples.sum(), 1.0))
        shift, spread = np.zeros_like(mean), np.ones_like(mean)
        if use.sum() > 1:
            found = (mean - grand)[:, use] / pooled[use]
            if self.mean_only_:
                centre, tau = found.mean(axis=1, keepdims=True), found.var(axis=1, ddof=1, keepdims=True)
                shift[:, use] = (tau * found + centre) / (tau + 1)  # as sva: a batch weighs as one sample
            else:
                posterior = kernels.combat_posteriors(found, squares[:, use] / pooled[use] ** 2, samples)
                shift[:, use], spread[:, use] = posterior.shift, posterior.variance
        self.per_ = 1 / np.sqrt(spread)
        self.centre_ = np.where(use, grand + shift * pooled, 0.0)
        self.added_ = np.where(use, grand, 0.0) * np.ones_like(mean)


class LinearBatch(_BatchCorrection):
    """Take out what a linear model gives to the batches, as limma's ``removeBatchEffect``.

    The batches' effects are centred, so that the mean over batches stays. ``batch`` and ``covariates`` as in
    :class:`ComBat`. ``layer``: the layer of an AnnData object to read; ``None`` reads ``X``. The result is the layer
    ``linear_batch``.
    """

    _writes = "linear_batch"

    def __init__(self, batch: Any = None, covariates: Any = None, layer: str | None = None) -> None:
        self.batch, self.covariates, self.layer = batch, covariates, layer

    def fit(self, X: Any, y: None = None, *, batch: Any = None, covariates: Any = None) -> LinearBatch:
        """Learn each batch's effect on each gene; ``covariates`` (table or column) are conditions to be kept."""
        table = self._read(X, fitting=True)
        labels = self._labels("LinearBatch", batch, table)
        self.batches_, number = np.unique(labels, return_inverse=True)
        known = self._covariates("LinearBatch", covariates, table)
        self._check_confounding("LinearBatch", number, known)
        batches = self._contrasts(number)
        design = np.column_stack([batches, np.ones(len(number)), known])
        self.effects_ = run(kernels.linear_effects, table, np.linalg.pinv(design)).effect[: batches.shape[1]]
        return self

    def transform(self, X: Any, *, batch: Any = None, covariates: Any = None) -> Any:
        """Samples of the batches learnt, without the batches; covariates stay by themselves."""
        table = self._read(X, fitting=False)
        number = self._encoded("LinearBatch", self._labels("LinearBatch", batch, table))
        done = run(kernels.subtract_effects, table, self._contrasts(number), self.effects_)
        return self._written(table, done.corrected)

    def _contrasts(self, number: np.ndarray) -> np.ndarray:
        """A column per batch but the last, whose samples have -1 in all: the effects sum to 0."""
        last = len(self.batches_) - 1
        columns = (number[:, None] == np.arange(last)).astype(float)
        columns[number == last] = -1
        return columns

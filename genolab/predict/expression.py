"""Expression, or any number, from sequence, from genotypes nearby, or from other genes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from genolab.errors import InputError
from genolab.predict.model import SequenceModel

LOSSES = ("squared", "poisson", "negative_binomial")


class ExpressionRegressor(RegressorMixin, SequenceModel):
    """Predict expression from promoter sequences; ``loss`` says what is measured.

    Parameters
    ----------
    architecture, options, strands, optimizer, learning_rate, weight_decay, schedule
        As for :class:`SequenceClassifier`; the linear architectures are ridge regressions on words.
    batch_size, epochs, patience, penalty, seed, backend
        As there.
    loss
        ``squared`` for logarithms or activities (they are brought to mean 0 and variance 1 within); ``poisson`` or
        ``negative_binomial`` for counts.

    Attributes
    ----------
    mean_, scale_
        What the targets had, for ``squared``.
    history_, scores_, leaks_, card_
        As for :class:`SequenceClassifier`.
    """

    def __init__(
        self, architecture: str = "positional", *, loss: str = "squared", options: dict[str, Any] | None = None,
        strands: str = "one", optimizer: str = "adamw", learning_rate: float = 1e-3, weight_decay: float = 1e-2,
        schedule: str = "constant", batch_size: int = 64, epochs: int = 30, patience: int = 5,
        penalty: float | None = None, seed: int = 0, backend: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            architecture, options=options, strands=strands, optimizer=optimizer, learning_rate=learning_rate,
            weight_decay=weight_decay, schedule=schedule, batch_size=batch_size, epochs=epochs, patience=patience,
            penalty=penalty, seed=seed, backend=backend,
        )  # fmt: skip
        self.loss = loss

    def predict(self, sequences: Any) -> np.ndarray:
        """The expected value of each sequence [sequence], or [sequence, target] where there are several."""
        output = self._raw(self._encoded(sequences)).astype(np.float64)[:, : self.targets_]
        guess = output * self.scale_ + self.mean_ if self.loss == "squared" else np.exp(output)
        return guess[:, 0] if self.targets_ == 1 else guess

    def _targets(self, labels: Any, fitting: bool) -> np.ndarray:
        who = type(self).__name__
        if self.loss not in LOSSES:
            raise InputError(who, "loss", f"one of {', '.join(LOSSES)}", repr(self.loss))
        try:
            given = np.asarray(labels, np.float64)
        except (TypeError, ValueError):
            raise InputError(who, "labels", "numbers", "text") from None
        given = given[:, None] if given.ndim == 1 else given
        if given.ndim != 2 or not given.size:
            raise InputError(who, "labels", "a number per sequence", f"shape {given.shape}")
        if not np.isfinite(given).all():
            raise InputError(who, "labels", "finite", f"{int((~np.isfinite(given)).sum()):,} NaN or infinite")
        if self.loss != "squared" and (given < 0).any():
            raise InputError(who, "labels", "counts from 0", f"{given.min():g}")
        if fitting:
            self.targets_ = given.shape[1]
            self.mean_, self.scale_ = given.mean(axis=0), np.maximum(given.std(axis=0), 1e-12)
            if self.loss == "squared" and (given.std(axis=0) == 0).any():
                raise InputError(who, "labels", "numbers that differ", "the same for every sequence")
        elif given.shape[1] != self.targets_:
            raise InputError(who, "labels", f"{self.targets_} per sequence, as learnt", f"{given.shape[1]}")
        return ((given - self.mean_) / self.scale_ if self.loss == "squared" else given).astype(np.float32)

    def _loss(self) -> str:
        return self.loss

    def _outputs(self, targets: int) -> int:
        return 2 * targets if self.loss == "negative_binomial" else targets

    def _fitted(self) -> dict[str, Any]:
        return {"mean": self.mean_.tolist(), "scale": self.scale_.tolist(), "outputs": self._outputs(self.targets_)}

    def _restore(self, held: dict[str, Any]) -> None:
        self.mean_, self.scale_ = np.array(held["mean"]), np.array(held["scale"])
        self.targets_ = len(self.mean_)

"""Classes of DNA sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from genolab.errors import InputError
from genolab.predict.model import SequenceModel


class SequenceClassifier(ClassifierMixin, SequenceModel):
    """Tell classes of DNA sequences apart: two, several, or several labels each (a 0/1 column per label).

    Parameters
    ----------
    architecture
        ``kmer_logistic`` (words, at their positions where all sequences have one length of at most 200), ``gkm``
        (words with gaps), ``deepbind``, ``basset``, ``danq``, ``dilated``, ``positional``.
    options
        Of the architecture, such as ``{"filters": 32}``: see :mod:`genolab.predict.network.net` and
        :class:`genolab.predict.kmers.Words`.
    strands
        ``one``: a sequence is read as it is given. ``augment``: while training, each is turned to its other strand
        half of the time. ``average``: predictions are means over both strands. ``both``: both.
    optimizer, learning_rate, weight_decay, schedule
        ``adamw``, ``adam`` or ``sgd``; the schedule is ``constant``, ``cosine`` or ``one_cycle``.
    batch_size, epochs, patience
        Sequences a step; at most so many passes; passes without a smaller validation loss before it stops.
    class_weight
        ``None``, ``"balanced"`` (classes count the same, whatever their size), or a weight per class.
    penalty
        Of the linear architectures, on half the squared weights beside the mean loss, for
        features of mean squared length 1; 0.3 over the number of sequences if None.
    seed
        Decides everything that is drawn: the same seed and data give the same model on one machine.
    backend
        Where the network runs; `numpy` if None.

    Attributes
    ----------
    classes_
        The classes, in the order of the columns of :meth:`predict_proba`.
    history_
        A record per epoch: loss, learning rate, largest gradient norm, seconds, validation scores.
    scores_, leaks_, card_
        Scores on what was held out, beside those of a plain baseline; what ties it to the training set; all of it
        with the digest of the data.
    """

    def __init__(
        self, architecture: str = "basset", *, options: dict[str, Any] | None = None, strands: str = "one",
        optimizer: str = "adamw", learning_rate: float = 1e-3, weight_decay: float = 1e-2, schedule: str = "constant",
        batch_size: int = 64, epochs: int = 30, patience: int = 5, class_weight: Any = None,
        penalty: float | None = None, seed: int = 0, backend: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            architecture, options=options, strands=strands, optimizer=optimizer, learning_rate=learning_rate,
            weight_decay=weight_decay, schedule=schedule, batch_size=batch_size, epochs=epochs, patience=patience,
            penalty=penalty, seed=seed, backend=backend,
        )  # fmt: skip
        self.class_weight = class_weight

    def predict_proba(self, sequences: Any) -> np.ndarray:
        """The probability of each class [sequence, class]; of each label where there are several."""
        output = self._raw(self._encoded(sequences)).astype(np.float64)
        if self.multilabel_:
            return _logistic(output)
        if output.shape[1] == 1:
            return np.column_stack([_logistic(-output), _logistic(output)])
        share = np.exp(output - output.max(axis=1, keepdims=True))
        proba: np.ndarray = share / share.sum(axis=1, keepdims=True)
        return proba

    def decision_function(self, sequences: Any) -> np.ndarray:
        """Log odds: of the second class [sequence] where there are two, else of each class or label."""
        output = self._raw(self._encoded(sequences))
        return output[:, 0] if output.shape[1] == 1 and not self.multilabel_ else output

    def predict(self, sequences: Any) -> np.ndarray:
        """The likeliest class of each sequence; where there are several labels, 1 for those likelier than not."""
        proba = self.predict_proba(sequences)
        if self.multilabel_:
            return (proba > 0.5).astype(np.int64)
        chosen: np.ndarray = self.classes_[proba.argmax(axis=1)]
        return chosen

    def _targets(self, labels: Any, fitting: bool) -> np.ndarray:
        given = np.asarray(labels)
        who = type(self).__name__
        if given.ndim not in (1, 2) or not given.size:
            raise InputError(who, "labels", "one per sequence, or a 0/1 column per label", f"shape {given.shape}")
        if given.dtype.kind == "f" and np.isnan(given).any():
            raise InputError(who, "labels", "known for every sequence", f"{int(np.isnan(given).sum()):,} NaN")
        if given.ndim == 2:
            if not np.isin(given, (0, 1)).all():
                raise InputError(who, "labels", "0 or 1 in each column", "other values")
            if fitting:
                self.multilabel_, self.classes_ = True, np.arange(given.shape[1])
            return given.astype(np.float32)
        if fitting:
            self.multilabel_, self.classes_ = False, np.unique(given)
            if self.classes_.size < 2:
                raise InputError(who, "labels", "of two classes or more", f"{self.classes_[0].item()!r} alone")
        number = np.searchsorted(self.classes_, given).clip(max=len(self.classes_) - 1)
        if not (self.classes_[number] == given).all():
            new = given[self.classes_[number] != given][0]
            known = ", ".join(map(str, self.classes_))
            raise InputError(who, "labels", f"of the classes learnt ({known})", repr(new.item()))
        if self.classes_.size == 2:
            return number.astype(np.float32)[:, None]
        return np.eye(self.classes_.size, dtype=np.float32)[number]

    def _loss(self) -> str:
        return "binary" if self.multilabel_ or self.classes_.size == 2 else "multiclass"

    def _weights_of(self, target: np.ndarray) -> np.ndarray:
        weight = np.ones(len(target), np.float32)
        if self.class_weight is None or self.multilabel_:
            return weight
        number = target[:, 0].astype(int) if target.shape[1] == 1 else target.argmax(axis=1)
        if self.class_weight == "balanced":
            count = np.maximum(np.bincount(number, minlength=self.classes_.size), 1)
            each = len(target) / (self.classes_.size * count)
        else:
            try:
                each = np.array([float(self.class_weight[name]) for name in self.classes_.tolist()])
            except (KeyError, TypeError, ValueError):
                found = repr(self.class_weight)
                raise InputError("SequenceClassifier", "class_weight", "a number for each class", found) from None
        return each[number].astype(np.float32)

    def _fitted(self) -> dict[str, Any]:
        outputs = len(self.classes_) if self.multilabel_ or len(self.classes_) > 2 else 1
        return {"classes": self.classes_.tolist(), "multilabel": self.multilabel_, "outputs": outputs}

    def _restore(self, held: dict[str, Any]) -> None:
        self.classes_, self.multilabel_ = np.array(held["classes"]), held["multilabel"]


def _logistic(z: np.ndarray) -> np.ndarray:
    out: np.ndarray = 0.5 * (1 + np.tanh(z / 2))
    return out

"""What models of sequences have in common: training with stop and resume, outputs, saving."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from genolab import __version__
from genolab.errors import FileError, GenolabWarning, InputError
from genolab.predict.bases import Bases, encode
from genolab.predict.explained import Explained
from genolab.predict.kmers import Words
from genolab.predict.leaks import check_leaks
from genolab.predict.linear import fit_linear
from genolab.predict.metrics import scores_of
from genolab.predict.network.net import ARCHITECTURES, make_network
from genolab.predict.training import Arrays, Examples, OnStep, Plan, Progress, State, Trainer

LINEAR = ("kmer_logistic", "gkm")
PENALTY = 0.3
"""Of linear architectures, over the number of sequences."""

STRANDS = ("one", "augment", "average", "both")

OnEpoch = Callable[[dict[str, float]], None]


class SequenceModel(Explained, BaseEstimator):
    """The base of :class:`SequenceClassifier` and :class:`ExpressionRegressor`; see there."""

    def __init__(
        self, architecture: str = "basset", *, options: dict[str, Any] | None = None, strands: str = "one",
        optimizer: str = "adamw", learning_rate: float = 1e-3, weight_decay: float = 1e-2, schedule: str = "constant",
        batch_size: int = 64, epochs: int = 30, patience: int = 5, penalty: float | None = None, seed: int = 0,
        backend: str | None = None,
    ) -> None:  # fmt: skip
        self.architecture, self.options, self.strands, self.optimizer = architecture, options, strands, optimizer
        self.learning_rate, self.weight_decay, self.schedule = learning_rate, weight_decay, schedule
        self.batch_size, self.epochs, self.patience = batch_size, epochs, patience
        self.penalty, self.seed, self.backend = penalty, seed, backend

    # ------------------------------------------------------------------ what a subclass says

    def _targets(self, labels: Any, fitting: bool) -> np.ndarray:
        """Labels as targets [sequence, target], float32; learns what they are when fitting."""
        raise NotImplementedError

    def _loss(self) -> str:
        raise NotImplementedError

    def _outputs(self, targets: int) -> int:
        return targets

    def _weights_of(self, target: np.ndarray) -> np.ndarray:
        return np.ones(len(target), np.float32)

    def _fitted(self) -> dict[str, Any]:
        """What the card remembers beside the weights, as plain data."""
        raise NotImplementedError

    def _restore(self, held: dict[str, Any]) -> None:
        raise NotImplementedError

    # ------------------------------------------------------------------ fitting

    def fit(
        self, sequences: Any, labels: Any, *, validation: Any = None, groups: Any = None,
        checkpoint: str | os.PathLike[str] | None = None, checkpoint_seconds: float = 60.0, resume: bool = False,
        fused: bool = True, check: bool = True, progress: Progress | None = None, on_epoch: OnEpoch | None = None,
        on_step: OnStep | None = None,
    ) -> Any:  # fmt: skip
        """Learn from sequences with labels.

        Parameters
        ----------
        sequences
            Texts, or the path of a FASTA or FASTQ file. A, C, G, T and U are bases; every other letter of IUPAC counts
            as unknown and adds nothing.
        labels
            One per sequence.
        validation
            A share (0.2: chosen by the seed, of each class alike, whole groups where ``groups`` are given) or a pair
            of sequences and labels. Training stops when its loss has not improved for ``patience`` epochs.
        checkpoint, checkpoint_seconds, resume
            A file that the state is written to, every minute and when stopped; with ``resume=True`` training goes on
            from it (without a file, from what this object holds) and ends with the same numbers.
        fused
            False runs the first layer by NumPy alone and not by its compiled loop: see
            :class:`genolab.predict.training.Trainer`.
        check
            Whether to look for validation sequences that have a relative in the training part, and to warn.
        progress, on_epoch, on_step
            Called before each step with the fraction done and a text (what it raises stops the training), after each
            epoch with its record, and after each step with its number, loss and gradient norm. After a stop the model
            predicts with what it has learnt so far.

        Raises
        ------
        InputError
            Labels of one class, as many labels as there are not sequences, letters that are not bases, several
            lengths where the architecture takes one, a checkpoint of other data or settings.
        """
        who = type(self).__name__
        bases = encode(who, "sequences", sequences)
        target = self._targets(labels, fitting=True)
        if len(target) != len(bases):
            raise InputError(who, "labels", f"one for each of {len(bases):,} sequences", f"{len(target):,}")
        plan = self._plan(who)
        training, held, split = self._split(who, bases, target, validation, groups)
        self.positions_ = bases.positions if held is None or held.bases.positions == bases.positions else None
        self.leaks_ = check_leaks(training.bases, held.bases) if held is not None and check else None
        if self.leaks_ is not None and len(self.leaks_):
            warnings.warn(f"{who}: validation leaks. {self.leaks_}", GenolabWarning, stacklevel=2)
        self.card_: dict[str, Any] = {
            "kind": who, "genolab": __version__, "parameters": self._plain_parameters(), "positions": self.positions_,
            "data": {"digest": bases.digest(), "sequences": len(bases), "ambiguous letters": bases.ambiguous},
            "split": split, "leaks": None if self.leaks_ is None else str(self.leaks_), "fitted": self._fitted(),
        }  # fmt: skip
        if self.architecture in LINEAR:
            self._fit_linear(training, progress)
        else:
            watch = {"progress": progress, "on_epoch": on_epoch, "on_step": on_step}
            file = None if checkpoint is None else Path(checkpoint), checkpoint_seconds
            self._fit_network(who, plan, training, held, file, resume, fused, watch)
        self.scores_ = {} if held is None else self._scores(training, held)
        self.card_["scores"] = self.scores_
        return self

    def _plan(self, who: str) -> Plan:
        if self.architecture not in (*LINEAR, *ARCHITECTURES):
            known = ", ".join((*LINEAR, *ARCHITECTURES))
            raise InputError(who, "architecture", f"one of {known}", repr(self.architecture))
        if self.strands not in STRANDS:
            raise InputError(who, "strands", f"one of {', '.join(STRANDS)}", repr(self.strands))
        return Plan(
            self._loss(), self.optimizer, self.learning_rate, self.weight_decay, self.schedule, self.batch_size,
            self.epochs, self.patience, self.strands in ("augment", "both"), self.seed,
        ).check(who)  # fmt: skip

    def _split(
        self, who: str, bases: Bases, target: np.ndarray, validation: Any, groups: Any
    ) -> tuple[Examples, Examples | None, str]:
        every = Examples(bases, target, self._weights_of(target))
        if validation is None:
            return every, None, "all for training"
        if isinstance(validation, int | float):
            from genolab.predict.splits import split_share

            train, test = split_share(who, target, float(validation), groups, self.seed)
            how = "whole groups" if groups is not None else "at random"
            return every.take(train), every.take(test), f"{len(test):,} for validation, {how}, seed {self.seed}"
        sequences, labels = validation
        other, wanted = encode(who, "validation", sequences), self._targets(labels, fitting=False)
        if len(wanted) != len(other):
            raise InputError(who, "validation", f"one label for each of {len(other):,} sequences", f"{len(wanted):,}")
        return every, Examples(other, wanted, self._weights_of(wanted)), f"{len(other):,} given for validation"

    def _fit_linear(self, training: Examples, progress: Progress | None) -> None:
        self.words_ = Words(self.architecture, self.positions_, self.strands != "one", self.options or {})
        penalty = PENALTY / len(training.target) if self.penalty is None else float(self.penalty)
        kind = {"binary": "binary", "multiclass": "multiclass"}.get(self._loss(), "squared")
        features = self.words_(training.bases)
        self.weights_ = fit_linear(features, training.target, training.weight, penalty, kind, progress)
        self.history_: list[dict[str, float]] = []

    def _fit_network(
        self, who: str, plan: Plan, training: Examples, held: Examples | None, file: tuple[Path | None, float],
        resume: bool, fused: bool, watch: dict[str, Any],
    ) -> None:  # fmt: skip
        checkpoint, seconds = file
        identity: dict[str, Any] = {**self.card_["parameters"], **self.card_["data"], "split": self.card_["split"],
                    "targets": _digest(training.target), "fused": fused}  # fmt: skip
        network = make_network(
            self.architecture, self._outputs(training.target.shape[1]), self.positions_, self.options or {}
        )  # fmt: skip
        self.trainer_ = Trainer(network, plan, backend=self.backend, fused=fused)
        state = self._taken_up(who, identity, checkpoint) if resume else None
        state = self.trainer_.state() if state is None else state
        self.history_ = state.history

        def keep(reached: State) -> None:
            self._state = (identity, reached)
            if checkpoint is not None:
                from genolab.io import write_model

                write_model(checkpoint, reached.arrays(), {"identity": identity, "state": reached.numbers()})

        def score(output: np.ndarray, target: np.ndarray) -> dict[str, float]:
            return scores_of(self._loss(), output, target)

        try:
            self.trainer_.run(state, training, held, score=score, keep=keep, keep_seconds=seconds, **watch)
        finally:
            self.weights_ = self.trainer_.weights()

    def _taken_up(self, who: str, identity: dict[str, Any], checkpoint: Any) -> State | None:
        if checkpoint is None:
            if not hasattr(self, "_state"):
                return None
            found, state = self._state
        else:
            if not Path(checkpoint).exists():
                return None
            from genolab.io import read_model

            arrays, card = read_model(checkpoint)
            if "identity" not in card or "state" not in card:
                raise FileError(checkpoint, expected="a checkpoint of a training", found="a finished model")
            found, state = card["identity"], State.of(arrays, card["state"])
        for name, value in identity.items():
            if found.get(name) != value:
                fix = "Train with the settings and data it was begun with, or without resume."
                raise InputError(who, "resume", f"{name} {found.get(name)!r} as in the checkpoint", repr(value), fix)
        return state

    def _scores(self, training: Examples, held: Examples) -> dict[str, dict[str, float]]:
        """The model's scores on what was held out, and those of a plain model of words trained on the same."""
        loss = self._loss()
        sizes = (1, 2) if self.architecture in LINEAR else (3, 4)
        plain = Words("kmer_logistic", None, self.strands != "one", {"sizes": sizes, "at_positions": False})
        kind = loss if loss in ("binary", "multiclass") else "squared"
        fitted = fit_linear(
            plain(training.bases), training.target, training.weight, PENALTY / len(training.target), kind
        )
        baseline = plain(held.bases) @ fitted["weight"] + fitted["intercept"]
        return {
            "model": scores_of(loss, self._raw(held.bases), held.target),
            "baseline (word counts)": scores_of(kind, baseline, held.target),
        }

    # ------------------------------------------------------------------ predicting

    def _raw(self, bases: Bases, progress: Progress | None = None) -> np.ndarray:
        """Outputs before any link [sequence, output]; the mean of both strands where that was chosen."""
        out = self._one_strand(bases, progress)
        if self.strands in ("average", "both") and self.architecture not in LINEAR:
            out = (out + self._one_strand(_turned(bases), progress)) / 2
        return out

    def _one_strand(self, bases: Bases, progress: Progress | None = None) -> np.ndarray:
        if self.positions_ is not None and bases.positions != self.positions_:
            found = "several lengths" if bases.positions is None else f"{bases.positions} bases"
            expected = f"{self.positions_} bases long, as those it learnt from"
            if self.architecture in LINEAR and not self.words_.at_positions:
                pass
            else:
                raise InputError(type(self).__name__, "sequences", expected, found)
        if self.architecture in LINEAR:
            out: np.ndarray = self.words_(bases) @ self.weights_["weight"] + self.weights_["intercept"]
            return out
        return self.trainer_.predict(bases, progress)

    def _encoded(self, sequences: Any) -> Bases:
        check_is_fitted(self, "card_")
        return encode(type(self).__name__, "sequences", sequences)

    # ------------------------------------------------------------------ saving

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write weights and model card to one file; :func:`genolab.predict.load` reads it. Nothing in it is code."""
        from genolab.io import write_model

        check_is_fitted(self, "card_")
        write_model(path, self.weights_, {**self.card_, "history": self.history_})

    def to_bytes(self) -> bytes:
        """What :meth:`save` writes."""
        from genolab.io import model_bytes

        check_is_fitted(self, "card_")
        return model_bytes(self.weights_, {**self.card_, "history": self.history_})

    def _plain_parameters(self) -> dict[str, Any]:
        held = {name: value for name, value in self.get_params(deep=False).items() if name != "backend"}
        return {name: _plain(value) for name, value in held.items()}

    @classmethod
    def _loaded(cls, path: Any, card: dict[str, Any], weights: Arrays) -> Any:
        try:
            model = cls(**card["parameters"])
            model.positions_, model.history_ = card["positions"], card.pop("history")
            model.card_, model.scores_, model.weights_ = card, card["scores"], weights
            model._restore(card["fitted"])
            model._rebuilt(card["fitted"]["outputs"])
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(path, expected="a whole model card", found=f"one that does not fit ({error})") from None
        return model

    def _rebuilt(self, outputs: int) -> None:
        if self.architecture in LINEAR:
            self.words_ = Words(self.architecture, self.positions_, self.strands != "one", self.options or {})
            expected = {"weight": (self.words_.number, outputs), "intercept": (outputs,)}
        else:
            network = make_network(self.architecture, outputs, self.positions_, self.options or {})
            expected = {name: value.shape for name, value in network.initial(0).items()}
        found = {name: value.shape for name, value in self.weights_.items()}
        if expected != found:
            raise ValueError("weights of other names or shapes")
        if self.architecture not in LINEAR:
            self.trainer_ = Trainer(network, Plan(self._loss()), self.weights_, self.backend)


def _turned(bases: Bases) -> Bases:
    from genolab.predict.bases import _joined, complement

    return _joined([complement(bases[k]) for k in range(len(bases))], bases.ambiguous)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    return value.item() if isinstance(value, np.generic) else value


def _digest(target: np.ndarray) -> str:
    import hashlib

    return f"sha256:{hashlib.sha256(np.ascontiguousarray(target).tobytes()).hexdigest()}"


def load(path: str | os.PathLike[str]) -> Any:
    """The model that ``save`` wrote: the graph is built again in code, the weights are read as numbers.

    Raises
    ------
    FileError
        If the file is cut, is no model, or its weights do not fit its architecture.
    """
    from genolab.io import read_model
    from genolab.predict.expression import ExpressionRegressor
    from genolab.predict.sequence import SequenceClassifier

    arrays, card = read_model(path)
    if card.get("kind") == "RiskScore":
        from genolab.predict.risk_card import load_risk

        return load_risk(path, card, arrays)
    kinds: dict[str, type[SequenceModel]] = {
        kind.__name__: kind for kind in (SequenceClassifier, ExpressionRegressor)
    }  # fmt: skip
    if card.get("kind") not in kinds:
        found = "a checkpoint" if "identity" in card else f"kind {card.get('kind')!r}"
        raise FileError(path, expected="a model that genolab saved", found=found)
    return kinds[card["kind"]]._loaded(path, card, arrays)

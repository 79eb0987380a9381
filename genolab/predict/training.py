"""Training a network: steps, epochs, early stopping, and a state that can be written down and taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.errors import Cancelled, InputError
from genolab.kernel.backends import COMPILE_LOCK, compiling_for, mode_of
from genolab.kernel.choice import backend_in_force
from genolab.predict.bases import Bases, batches, in_order
from genolab.predict.network.layers import Context
from genolab.predict.network.losses import LOSSES
from genolab.predict.network.net import Network
from genolab.predict.network.optimizers import OPTIMIZERS, optimize, schedule_of

Arrays = dict[str, np.ndarray]
Progress = Callable[[float, str], None]
Score = Callable[[np.ndarray, np.ndarray], dict[str, float]]
OnStep = Callable[[int, float, float], None]
"""Gets the number of a step, the loss before it and the norm of its gradient."""

LARGEST_BATCH = 512
"""Sequences predicted at one time."""


@dataclass(frozen=True)
class Plan:
    """How to train: see :class:`genolab.predict.SequenceClassifier` for each."""

    loss: str = "binary"
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    schedule: str = "constant"
    batch_size: int = 64
    epochs: int = 30
    patience: int = 5
    augment: bool = False
    seed: int = 0

    def check(self, who: str) -> Plan:
        """The plan, once each of its values makes sense."""
        for name in ("batch_size", "epochs", "patience"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise InputError(who, name, "a whole number from 1", repr(value))
        for name, low in (("learning_rate", 1e-12), ("weight_decay", 0)):
            value = getattr(self, name)
            if not (isinstance(value, int | float | np.number) and low <= value < np.inf):
                raise InputError(who, name, f"a finite number from {low:g}", repr(value))
        if self.optimizer not in OPTIMIZERS:
            raise InputError(who, "optimizer", f"one of {', '.join(OPTIMIZERS)}", repr(self.optimizer))
        schedule_of(self.schedule)
        return self


@dataclass(frozen=True)
class Examples:
    """What is learnt from: sequences, targets [sequence, target] (float32), and the weight of each sequence."""

    bases: Bases
    target: np.ndarray
    weight: np.ndarray

    def take(self, numbers: np.ndarray) -> Examples:
        """Some of them."""
        return Examples(self.bases.take(numbers), self.target[numbers], self.weight[numbers])


@dataclass
class State:
    """Where a training is: everything that the next step depends on, as plain arrays and numbers."""

    weights: Arrays
    memory: Arrays
    best: Arrays
    epoch: int = 0
    batch: int = 0
    step: int = 0
    best_loss: float = float("inf")
    best_epoch: int = -1
    running: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    history: list[dict[str, float]] = field(default_factory=list)

    def arrays(self) -> Arrays:
        """All arrays by names that tell them apart."""
        groups = {"weights": self.weights, "memory": self.memory, "best": self.best}
        return {f"{group}:{name}": value for group, held in groups.items() for name, value in held.items()}

    def numbers(self) -> dict[str, Any]:
        """All that is not an array, as plain data."""
        return {name: value for name, value in asdict(replace(self, weights={}, memory={}, best={})).items()
                if name not in ("weights", "memory", "best")}  # fmt: skip

    @classmethod
    def of(cls, arrays: Arrays, numbers: dict[str, Any]) -> State:
        """The state that :meth:`arrays` and :meth:`numbers` were taken from."""
        groups: dict[str, Arrays] = {"weights": {}, "memory": {}, "best": {}}
        for name, value in arrays.items():
            group, _, rest = name.partition(":")
            groups[group][rest] = value
        return cls(groups["weights"], groups["memory"], groups["best"], **numbers)


def _share(name: str, value: np.ndarray) -> Any:
    return pytensor.shared(value, name=name, shape=value.shape)


class Trainer:
    """A network with its compiled step. The numbers depend on the seed and the data, not on when it was stopped.

    Parameters
    ----------
    network, plan
        What is trained and how.
    weights
        Where it starts; by default what the network makes from the plan's seed.
    backend
        `numpy` unless said otherwise: it is ready in a fraction of a second.
    fused
        Whether the first layer runs its compiled loop. NumPy alone is ready at once where the loop has never been
        compiled, takes longer for each step, and gives the same numbers to rounding.
    """

    def __init__(
        self, network: Network, plan: Plan, weights: Arrays | None = None, backend: str | None = None,
        fused: bool = True,
    ) -> None:  # fmt: skip
        self.network, self.plan, self.fused = network, plan, fused
        self.backend = backend_in_force(backend, "numpy")
        self.masked = network.positions is None
        start = network.initial(plan.seed) if weights is None else weights
        fixed = network.fixed
        # a layer is called by its number: alone, that would be no name in a graph
        self._fixed = {name: _share(f"layer{name}", value) for name, value in start.items() if name in fixed}
        moved = {name: value for name, value in start.items() if name not in fixed}
        self._layout = [(name, value.shape) for name, value in moved.items()]
        self._flat = _share("weights", np.concatenate([value.ravel() for value in moved.values()]))
        self._decayed = np.concatenate([np.full(v.size, v.ndim > 1, np.float32) for v in moved.values()])
        self._memory = [_share(f"memory{k}", np.zeros_like(self._decayed)) for k in range(2)]
        self._step: Any = None
        self._forward: Any = None
        self._loss: Any = None
        self.slope: Any = None

    # ------------------------------------------------------------------ graphs

    def parameters(self) -> dict[str, Any]:
        """Symbolic parameters by name: parts of the one shared vector, so that a step moves all at once."""
        made, start = dict(self._fixed), 0
        for name, shape in self._layout:
            end = start + int(np.prod(shape))
            made[name] = self._flat[start:end].reshape(shape)
            start = end
        return made

    def _inputs(self, batch: int | None = None) -> tuple[Any, Any]:
        codes = pt.TensorType("int8", shape=(batch, self.network.positions))(name="codes")
        length = pt.TensorType("int64", shape=(batch,))(name="length") if self.masked else None
        return codes, length

    def compile_step(self, batch: int | None = None) -> Any:
        """The function of one step; JAX needs to know the size of a batch beforehand."""
        with COMPILE_LOCK, compiling_for(self.backend):
            return self._build_step(batch)

    def _build_step(self, batch: int | None) -> Any:
        self._step = self._compiled(*self.step_graph(batch))
        return self._step

    def step_graph(self, batch: int | None = None) -> tuple[list[Any], list[Any], dict[Any, Any]]:
        """One step as written: its symbolic inputs, the loss and the gradient's norm, and the state after it."""
        codes, length = self._inputs(batch)
        target = pt.TensorType("float32", shape=(batch, None))(name="target")
        weight = pt.TensorType("float32", shape=(batch,))(name="weight")
        rate, step = pt.scalar("rate", dtype="float32"), pt.scalar("step", dtype="float32")
        context = Context(training=True, fused=self.fused)
        own = self.parameters()
        output = self.network.build(codes, length, own, context)
        loss = LOSSES[self.plan.loss](output, target, weight)
        found = pytensor.grad(loss, [own[name] for name, _ in self._layout])
        gradient = pt.concatenate([value.reshape((-1,)) for value in found])
        norm = pt.sqrt((gradient**2).sum(dtype="float32"))
        updates = optimize(
            self.plan.optimizer, self._flat, gradient, self._memory, self._decayed, rate, step, self.plan.weight_decay
        )  # fmt: skip
        updates |= {self._fixed[name]: value.astype("float32") for name, value in context.updates.items()}
        inputs = [codes, *([length] if self.masked else []), target, weight, rate, step, *context.noise]
        loss.name, norm.name = "loss", "gradient_norm"
        return inputs, [loss, norm], updates

    def forward_graph(self) -> tuple[list[Any], Any]:
        """The prediction as written: its symbolic inputs, and the outputs before any link."""
        codes, length = self._inputs()
        output = self.network.build(codes, length, self.parameters(), Context(fused=self.fused))
        return [codes, *([length] if self.masked else [])], output

    def _compiled(self, inputs: list[Any], outputs: list[Any], updates: dict[Any, Any]) -> Any:
        return pytensor.function(
            inputs, outputs, updates=updates, mode=mode_of(self.backend), on_unused_input="ignore"
        )  # fmt: skip

    # ------------------------------------------------------------------ numbers

    def weights(self) -> Arrays:
        """A copy of the parameters."""
        made, start, flat = {name: held.get_value() for name, held in self._fixed.items()}, 0, self._flat.get_value()
        for name, shape in self._layout:
            end = start + int(np.prod(shape))
            made[name] = flat[start:end].reshape(shape).copy()
            start = end
        return made

    def put(self, weights: Arrays) -> None:
        """Go on from these parameters."""
        for name, held in self._fixed.items():
            held.set_value(weights[name])
        self._flat.set_value(np.concatenate([weights[name].ravel() for name, _ in self._layout]))

    def state(self) -> State:
        """A training that has not begun."""
        memory = {held.name: np.zeros_like(self._decayed) for held in self._memory}
        return State(self.weights(), memory, self.weights())

    def step(self, codes: np.ndarray, length: np.ndarray, target: np.ndarray, weight: np.ndarray, rate: float,
             number: int, rng: np.random.Generator) -> tuple[float, float]:  # fmt: skip
        """One step on a batch; the loss before it, and the norm of the gradient."""
        head = [codes, length] if self.masked else [codes]
        noise = [rng.random(shape, dtype=np.float32) for shape in self.network.noise(*codes.shape)]
        loss, norm = self._step(*head, target, weight, np.float32(rate), np.float32(number), *noise)
        return float(loss), float(norm)

    def predict(self, bases: Bases, progress: Progress | None = None) -> np.ndarray:
        """The outputs [sequence, output] of every sequence, in their order."""
        if self._forward is None:
            with COMPILE_LOCK, compiling_for(self.backend):
                inputs, output = self.forward_graph()
                self._forward = self._compiled(inputs, [output], {})
        out = np.empty((len(bases), self.network.outputs), np.float32)
        done = 0
        for numbers in in_order(bases, LARGEST_BATCH):
            codes, length = bases.batch(numbers)
            out[numbers] = self._forward(codes, length)[0] if self.masked else self._forward(codes)[0]
            done += len(numbers)
            if progress is not None:
                progress(done / len(bases), "predicting")
        return out

    def loss_of(self, output: np.ndarray, examples: Examples) -> float:
        """The loss of outputs that were predicted."""
        if self._loss is None:
            with COMPILE_LOCK, compiling_for("numpy"):
                names = [pt.TensorType("float32", shape=(None,) * axes)() for axes in (2, 2, 1)]
                self._loss = pytensor.function(names, LOSSES[self.plan.loss](*names), mode=mode_of("numpy"))
        return float(self._loss(output, examples.target, examples.weight))

    # ------------------------------------------------------------------ the run

    def run(
        self,
        state: State,
        training: Examples,
        validation: Examples | None = None,
        *,
        score: Score | None = None,
        progress: Progress | None = None,
        on_epoch: Callable[[dict[str, float]], None] | None = None,
        on_step: OnStep | None = None,
        keep: Callable[[State], None] | None = None,
        keep_seconds: float = 60.0,
    ) -> State:
        """Train from ``state`` until the plan is fulfilled or nothing improves any more.

        ``progress`` is called before each step, and what it raises stops the run; the state is then handed to
        ``keep``, as it is every ``keep_seconds`` and at the end. The weights end where validation was best.
        """
        if self._step is None:
            self.compile_step()
        self._put_state(state)
        kept = time.monotonic()

        def stepped(loss: float, norm: float) -> None:
            nonlocal kept
            if on_step is not None:
                on_step(state.step, loss, norm)
            if keep is not None and time.monotonic() - kept > keep_seconds:
                keep(self._taken(state))
                kept = time.monotonic()

        try:
            while state.epoch < self.plan.epochs and not self._finished(state, validation):
                began = time.monotonic()
                self._epoch(state, training, progress, stepped)
                record = self._record(state, training, validation, score, time.monotonic() - began)
                state.history.append(record)
                state.epoch, state.batch, state.running = state.epoch + 1, 0, [0.0, 0.0, 0.0]
                if on_epoch is not None:
                    on_epoch(record)
        except (Cancelled, KeyboardInterrupt):
            if keep is not None:
                keep(self._taken(state))
            raise
        self._taken(state)
        if keep is not None:
            keep(state)
        if validation is not None:
            self.put(state.best)
        return state

    def _put_state(self, state: State) -> None:
        self.put(state.weights)
        for held in self._memory:
            held.set_value(state.memory[held.name])

    def _taken(self, state: State) -> State:
        state.weights = self.weights()
        state.memory = {held.name: held.get_value() for held in self._memory}
        return state

    def _finished(self, state: State, validation: Examples | None) -> bool:
        return validation is not None and state.epoch - 1 - state.best_epoch >= self.plan.patience

    def _epoch(
        self, state: State, training: Examples, progress: Progress | None, stepped: Callable[[float, float], None]
    ) -> None:
        plan, schedule = self.plan, schedule_of(self.plan.schedule)
        cut = batches(training.bases, plan.batch_size, np.random.default_rng([plan.seed, 1, state.epoch]))
        total = len(cut) * plan.epochs
        while state.batch < len(cut):
            if progress is not None:
                progress(state.step / total, f"epoch {state.epoch + 1}")
            numbers = cut[state.batch]
            rng = np.random.default_rng([plan.seed, 2, state.epoch, state.batch])
            turned = rng.random(len(numbers)) < 0.5 if plan.augment else None
            codes, length = training.bases.batch(numbers, turned)
            rate = plan.learning_rate * schedule((state.step + 0.5) / total)
            state.step += 1
            loss, norm = self.step(
                codes, length, training.target[numbers], training.weight[numbers], rate, state.step, rng
            )
            if not np.isfinite(loss):
                found = f"{loss} in epoch {state.epoch + 1}"
                raise InputError("training", "learning_rate", "small enough that the loss stays finite", found)
            share = float(training.weight[numbers].sum())
            state.running = [state.running[0] + loss * share, state.running[1] + share, max(state.running[2], norm)]
            state.batch += 1
            stepped(loss, norm)

    def _record(self, state: State, training: Examples, validation: Examples | None, score: Score | None,
                seconds: float) -> dict[str, float]:  # fmt: skip
        total, share, norm = state.running
        rate = self.plan.learning_rate * schedule_of(self.plan.schedule)((state.epoch + 1) / self.plan.epochs)
        record = {"epoch": state.epoch + 1, "loss": total / max(share, 1e-12), "learning_rate": rate,
                  "gradient_norm": norm, "seconds": seconds}  # fmt: skip
        if validation is None:
            return record
        output = self.predict(validation.bases)
        record["validation_loss"] = self.loss_of(output, validation)
        if score is not None:
            record |= {f"validation_{name}": value for name, value in score(output, validation.target).items()}
        if record["validation_loss"] < state.best_loss:
            state.best_loss, state.best_epoch, state.best = record["validation_loss"], state.epoch, self.weights()
        return record

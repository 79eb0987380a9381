"""A network's forward pass and training step as kernels, so that the graph view can open them."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import pytensor
import pytensor.tensor as pt

from genolab.kernel import Kernel
from genolab.predict.network.layers import Context
from genolab.predict.network.losses import LOSSES
from genolab.predict.network.optimizers import optimize
from genolab.spec import Spec, Symbol

if TYPE_CHECKING:
    from genolab.predict.training import Trainer

_BATCH = 4
_LONGEST = 60


Given = tuple[str, Any, str, str]
"""An input of a kernel: name, example, axes, meaning."""


def forward_kernel(trainer: Trainer) -> Kernel:
    """What predicts: base codes and parameters in, outputs [sequence, output] out."""
    network, names = trainer.network, sorted(trainer.weights())

    def build(*given: Any) -> Any:
        codes, length, own = _taken(trainer, given, names)
        return Forward(network.build(codes, length, own, Context(fused=trainer.fused)).astype("float32"))

    doc = f"The outputs of the network before any link: {len(network.layers)} layers, one after the other."
    return _kernel("network_forward", doc, build, [*_examples(trainer), *_weights(trainer, names)], Forward)


def step_kernel(trainer: Trainer) -> Kernel:
    """One training step: loss, its gradient by all parameters, and the optimiser's move."""
    network, names, plan = trainer.network, sorted(trainer.weights()), trainer.plan
    moved, first = [name for name in names if name not in network.fixed], _examples(trainer)
    start = [trainer.weights()[name] for name in moved]
    decayed = np.concatenate([np.full(value.size, value.ndim > 1, np.float32) for value in start])

    def build(*given: Any) -> Any:
        count = len(first)
        codes, length, own = _taken(trainer, (*given[:count], *given[count + 6 :]), names)
        target, weight, mean, square, rate, number = given[count : count + 6]
        context = Context(training=True, fused=trainer.fused, drops=False)
        loss = LOSSES[plan.loss](network.build(codes, length, own, context), target, weight)
        flat = pt.concatenate([own[name].reshape((-1,)) for name in moved])
        slopes = pytensor.grad(loss, [own[name] for name in moved])
        gradient = pt.concatenate([value.reshape((-1,)) for value in slopes])
        updates = optimize(plan.optimizer, flat, gradient, [mean, square], decayed, rate, number, plan.weight_decay)
        made = [value.astype("float32") for value in (loss, gradient, updates[flat])]
        return Step(*made)

    size = decayed.size
    more: list[Given] = [
        ("target", np.zeros((_BATCH, _targets(trainer)), np.float32), "sequence target", "what is to be predicted"),
        ("sample_weight", np.ones(_BATCH, np.float32), "sequence", "weight of each sequence"),
        ("mean", np.zeros(size, np.float32), f"weight={size}", "what the optimiser remembers of the gradient"),
        ("square", np.zeros(size, np.float32), f"weight={size}", "and of its square"),
        ("rate", np.float32(plan.learning_rate), "", "learning rate"),
        ("step", np.float32(1), "", "number of the step, from 1"),
    ]
    doc = (f"One training step: the loss of a batch ({plan.loss}), its gradient by every weight, and the weights after "
           f"the move of {plan.optimizer}. Dropout is left out here.")  # fmt: skip
    return _kernel("training_step", doc, build, [*first, *more, *_weights(trainer, names)], Step)


class Forward(NamedTuple):
    """Outputs of a network."""

    output: Annotated[Symbol, Spec("sequence output", "float32", "before any link")]


class Step(NamedTuple):
    """What a training step makes."""

    loss: Annotated[Symbol, Spec("", "float32", "mean loss of the batch")]
    gradient: Annotated[Symbol, Spec("weight", "float32", "its gradient, all weights in a row")]
    weights: Annotated[Symbol, Spec("weight", "float32", "the weights after the step")]


def _targets(trainer: Trainer) -> int:
    outputs = trainer.network.outputs
    return outputs // 2 if trainer.plan.loss == "negative_binomial" else 2 if trainer.plan.loss == "cox" else outputs


def _examples(trainer: Trainer) -> list[Given]:
    positions = trainer.network.positions or _LONGEST
    codes = np.random.default_rng(0).integers(0, 4, (_BATCH, positions)).astype(np.int8)
    axes = "sequence position" + (f"={positions}" if trainer.network.positions else "")
    made: list[Given] = [("codes", codes, axes, "base codes, 4 where no base is known")]
    more: list[Given] = [("length", np.full(_BATCH, positions), "sequence", "positions that count")]
    return made + (more if trainer.masked else [])


def _weights(trainer: Trainer, names: list[str]) -> list[Given]:
    held = trainer.weights()
    return [
        (_word(name), held[name], " ".join(f"{_word(name)}_{k}={n}" for k, n in enumerate(held[name].shape)), name)
        for name in names
    ]  # fmt: skip


def _word(name: str) -> str:
    return "layer_" + re.sub(r"\W", "_", name)


def _taken(trainer: Trainer, given: tuple[Any, ...], names: list[str]) -> tuple[Any, Any, dict[str, Any]]:
    start = 2 if trainer.masked else 1
    return given[0], given[1] if trainer.masked else None, dict(zip(names, given[start:], strict=True))


def _kernel(name: str, doc: str, build: Any, inputs: list[Given], result: type) -> Kernel:
    """A kernel of a function whose inputs are known only now."""
    notes: dict[str, Any] = {
        each: Annotated[Symbol, Spec(axes, np.asarray(value).dtype.name, about)] for each, value, axes, about in inputs
    }

    def made(*given: Any) -> Any:
        return build(*given)

    made.__name__, made.__doc__, made.__annotations__ = name, doc, {**notes, "return": result}
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    made.__signature__ = inspect.Signature([inspect.Parameter(each[0], kind) for each in inputs])  # type: ignore[attr-defined]
    return Kernel(made, example=lambda: tuple(each[1] for each in inputs))

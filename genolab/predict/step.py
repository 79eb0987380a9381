"""A network's step of training and its forward pass as kernels, so that the graph view opens and measures them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.kernel import Kernel
from genolab.kernel.adopted import kernel_of
from genolab.predict.network.net import ARCHITECTURES, make_network
from genolab.predict.training import Plan, Trainer

if TYPE_CHECKING:
    from genolab.predict.bases import Bases
    from genolab.predict.model import SequenceModel

BATCH, POSITIONS = 32, 200
"""Sequences that a kernel is measured with, and their length where the network takes any."""

STEPS = {f"training_step_{architecture}": architecture for architecture in ARCHITECTURES}
"""Names of the kernels, and the architecture of each."""


def training_step(architecture: str = "basset", plan: Plan | None = None, **options: Any) -> Kernel:
    """:func:`step_kernel` of a network that has learnt nothing yet.

    Parameters
    ----------
    architecture, options
        As for :class:`genolab.predict.SequenceClassifier`.
    plan
        Loss and optimiser; AdamW on the binary cross-entropy unless said otherwise.
    """
    trainer = Trainer(make_network(architecture, 1, POSITIONS, options), plan or Plan())
    about = f"One training step of a {architecture} network: the loss, its gradient, and the weights after it."
    return step_kernel(trainer, f"training_step_{architecture}", about)


def batch_of(model: SequenceModel, bases: Bases, labels: Any) -> dict[str, np.ndarray]:
    """Sequences and their labels as the arrays that a step of the model takes: codes, lengths, targets and weights."""
    codes, length = bases.batch(np.arange(len(bases)))
    target = model._targets(labels, fitting=False)
    return {"codes": codes, "length": length, "target": target, "weight": model._weights_of(target)}


def step_kernel(
    trainer: Trainer, name: str = "training_step", about: str = "", batch: Mapping[str, Any] | None = None
) -> Kernel:
    """The step that a trainer takes: loss and gradient on a batch, and the weights that the optimiser makes of it.

    Inputs are the batch (``codes`` [sequence, position], ``target``, ``weight``), the learning ``rate``, the number of
    the ``step``, the ``weights`` as one vector with the optimiser's ``memory``, and the noise of dropout; results are
    the loss, the norm of the gradient, and the state after the step. It is measured with ``batch`` (:func:`batch_of`),
    random sequences where that is left out, from the weights that the trainer has now.
    """
    network, plan = trainer.network, trainer.plan
    inputs, results, updates = trainer.step_graph()
    arrays = _batch(trainer, batch) | {"rate": np.float32(plan.learning_rate), "step": np.float32(1)}
    noise = [variable for variable in inputs if variable.name not in arrays]
    shapes = network.noise(*arrays["codes"].shape)
    for number, (variable, shape) in enumerate(zip(noise, shapes, strict=True), 1):
        variable.name = f"noise{number}"
        arrays[variable.name] = np.random.default_rng(number).random(shape, dtype=np.float32)
    doc = about or f"One step: the loss of a batch ({plan.loss}), its gradient, and the move of {plan.optimizer}."
    return kernel_of(results, inputs=inputs, updates=updates, name=name, doc=doc, arrays=arrays)


def forward_kernel(trainer: Trainer, batch: Mapping[str, Any] | None = None) -> Kernel:
    """What predicts: base codes and weights in, outputs [sequence, output] before any link out."""
    inputs, output = trainer.forward_graph()
    names = [variable.name for variable in inputs]
    arrays = {name: value for name, value in _batch(trainer, batch).items() if name in names}
    about = f"The outputs of the network before any link: {len(trainer.network.layers)} layers, one after the other."
    return kernel_of(output, inputs=inputs, name="network_forward", doc=about, arrays=arrays)


def _batch(trainer: Trainer, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is given, as far as the network takes it; else random sequences, with a target that each loss accepts."""
    if given is not None:
        return {name: value for name, value in given.items() if name != "length" or trainer.masked}
    rng, positions = np.random.default_rng(0), trainer.network.positions or POSITIONS
    loss, outputs = trainer.plan.loss, trainer.network.outputs
    targets = outputs // 2 if loss == "negative_binomial" else 2 if loss == "cox" else outputs
    batch = {
        "codes": rng.integers(0, 4, (BATCH, positions), dtype=np.int8),
        "target": rng.integers(0, 2, (BATCH, targets)).astype(np.float32),
        "weight": np.ones(BATCH, np.float32),
    }
    return batch | ({"length": np.full(BATCH, positions)} if trainer.masked else {})

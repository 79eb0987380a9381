"""The step of a training as a kernel: what a network does to its weights, to be opened and measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from genolab.kernel import Kernel
from genolab.kernel.adopted import kernel_of
from genolab.predict.network.net import ARCHITECTURES, make_network
from genolab.predict.training import Plan, Trainer

BATCH, POSITIONS = 32, 200
STEPS = {f"training_step_{architecture}": architecture for architecture in ARCHITECTURES}
"""Names of the kernels, and the architecture of each."""


def training_step(architecture: str = "basset", plan: Plan | None = None, **options: Any) -> Kernel:
    """One step of a network: loss and gradient on a batch of sequences, and the weights that an optimiser makes of it.

    Inputs are the batch (``codes`` [sequence, position], ``target``, ``weight``), the learning ``rate``, the number of
    the ``step``, the ``weights`` as one vector with the optimiser's ``memory``, and the noise of dropout; results are
    the loss, the norm of the gradient, and the state after the step. It is measured with random sequences.

    Parameters
    ----------
    architecture, options
        As for :class:`genolab.predict.SequenceClassifier`.
    plan
        Loss and optimiser; AdamW on the binary cross-entropy unless said otherwise.
    """
    network = make_network(architecture, 1, POSITIONS, options)
    trainer = Trainer(network, plan or Plan())
    inputs, results, updates = trainer.step_graph()
    rng = np.random.default_rng(0)
    given: dict[str, Any] = {
        "codes": rng.integers(0, 4, (BATCH, POSITIONS), dtype=np.int8),
        "length": np.full(BATCH, POSITIONS),
        "target": rng.integers(0, 2, (BATCH, 1)).astype(np.float32),
        "weight": np.ones(BATCH, np.float32),
        "rate": np.float32(1e-3),
        "step": np.float32(1),
    }
    named = {variable.name for variable in inputs}
    arrays = {name: value for name, value in given.items() if name in named}
    noise = [variable for variable in inputs if variable.name not in given]
    for number, (variable, shape) in enumerate(zip(noise, network.noise(BATCH, POSITIONS), strict=True), 1):
        variable.name = f"noise{number}"
        arrays[variable.name] = rng.random(shape, dtype=np.float32)
    return kernel_of(
        results,
        inputs=inputs,
        updates=updates,
        name=f"training_step_{architecture}",
        doc=f"One training step of a {architecture} network: the loss, its gradient, and the weights after it.",
        arrays=arrays,
    )

"""Prediction beside its peers, in one process, by turns: ``python bench/predict.py [CASE ...]``.

Cases: ``step`` (a Basset-like training step), ``two`` (two convolutions), ``backends`` (the same 50 steps on every
backend). torch trains the same weights on the same batches. One thread unless OMP_NUM_THREADS says otherwise.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import genolab.kernel.kernel  # noqa: F401 - before the clock starts, as importing genolab does
from genolab.kernel import threads
from genolab.predict.network.layers import (
    BaseConvolution,
    Convolution,
    Dense,
    Flatten,
    Layer,
    Pool,
    Relu,
)
from genolab.predict.network.net import Network
from genolab.predict.training import Plan, Trainer

LENGTH, BATCH, STEPS = 200, 128, 50
NETS: dict[str, tuple[Layer, ...]] = {
    "step": (BaseConvolution(64, 15, 6), Flatten(), Dense(64), Relu(), Dense(1)),
    "two": (
        BaseConvolution(64, 15, 6), Convolution(64, 5), Relu(), Pool("max", 2), Flatten(), Dense(64), Relu(), Dense(1),
    ),
}  # fmt: skip
PLAN = Plan(loss="binary", optimizer="adam", learning_rate=1e-3)


def made_batches(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random sequences whose label is whether a motif was put in."""
    rng = np.random.default_rng(1)
    made = []
    for _ in range(count):
        codes = rng.integers(0, 4, (BATCH, LENGTH)).astype(np.int8)
        label = rng.integers(0, 2, BATCH)
        codes[label == 1, 90:96] = (3, 0, 3, 0, 0, 3)
        made.append((codes, label.astype(np.float32)[:, None]))
    return made


def ours(net: str, backend: str = "numpy") -> Any:
    """A step of genolab."""
    trainer = Trainer(Network(NETS[net], LENGTH), PLAN, backend=backend)
    trainer.compile_step(BATCH if backend == "jax" else None)
    rng, length, weight = np.random.default_rng(0), np.full(BATCH, LENGTH), np.ones(BATCH, np.float32)
    number = 0

    def step(codes: np.ndarray, target: np.ndarray) -> float:
        nonlocal number
        number += 1
        return trainer.step(codes, length, target, weight, PLAN.learning_rate, number, rng)[0]

    return step


def theirs(net: str) -> Any:
    """The same step in torch, from the same weights."""
    import torch
    from torch import nn

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    start = {name: torch.tensor(value) for name, value in Network(NETS[net], LENGTH).initial(PLAN.seed).items()}
    filters, pool = 64, 6
    windows = (LENGTH - 14) // pool
    model = nn.ModuleDict({"first": nn.Conv1d(4, filters, 15)})
    model["first"].weight.data = start["0.base_convolution.weight"].permute(2, 1, 0).contiguous()
    model["first"].bias.data = start["0.base_convolution.bias"].clone()
    dense = [2, 4]
    if net == "two":
        model["second"] = nn.Conv1d(filters, filters, 5, padding=2)
        held = start["1.convolution.weight"].reshape(5, filters, filters)
        model["second"].weight.data = held.permute(2, 1, 0).contiguous()
        model["second"].bias.data = start["1.convolution.bias"].clone()
        windows, dense = windows // 2, [5, 7]
    for name, k in zip(("hidden", "last"), dense, strict=True):
        weight = start[f"{k}.dense.weight"]
        model[name] = nn.Linear(*weight.shape)
        if name == "hidden":  # torch flattens channels first
            weight = weight.reshape(windows, filters, -1).permute(1, 0, 2).reshape(windows * filters, -1)
        model[name].weight.data = weight.T.contiguous()
        model[name].bias.data = start[f"{k}.dense.bias"].clone()
    optimizer = torch.optim.Adam(model.parameters(), lr=PLAN.learning_rate)
    one_hot = torch.eye(5)[:, :4].contiguous()

    def step(codes: np.ndarray, target: np.ndarray) -> float:
        bases = one_hot[torch.from_numpy(codes).long()].transpose(1, 2)
        optimizer.zero_grad(set_to_none=True)
        value = torch.relu(nn.functional.max_pool1d(model["first"](bases), pool))
        if net == "two":
            value = nn.functional.max_pool1d(torch.relu(model["second"](value)), 2)
        value = torch.relu(model["hidden"](value.flatten(1)))
        loss = nn.functional.binary_cross_entropy_with_logits(model["last"](value), torch.from_numpy(target))
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def compare_steps(net: str, wanted: float) -> None:
    """Fifty steps of each, by turns; best times and the difference of the losses."""
    began = time.perf_counter()
    first = ours(net)
    built = time.perf_counter() - began
    second = theirs(net)
    apart, times = 0.0, ([], [])
    for codes, target in made_batches(STEPS):
        losses = []
        for step, held in zip((first, second), times, strict=True):
            began = time.perf_counter()
            losses.append(step(codes, target))
            held.append(time.perf_counter() - began)
        apart = max(apart, abs(losses[0] - losses[1]))
    mine, peer = (1e3 * float(np.median(held[5:])) for held in times)
    best = min(times[1][5:]) / min(times[0][5:])
    print(
        f"{net:8} built {built:.2f} s  ours {mine:6.1f} ms  torch {peer:6.1f} ms  ratio {peer / mine:.2f} "
        f"(best {best:.2f}, wanted {wanted:g})  losses apart {apart:.1e}  last {losses[0]:.4f}", flush=True,
    )  # fmt: skip


def compare_backends() -> None:
    """The same steps on every backend."""
    losses = {}
    for backend in ("numpy", "jax", "numba", "c"):
        began = time.perf_counter()
        step = ours("step", backend)
        losses[backend] = np.array([step(*batch) for batch in made_batches(STEPS)])
        apart = np.abs(losses[backend] - losses["numpy"]).max()
        print(
            f"{backend:8} {time.perf_counter() - began:6.1f} s for {STEPS} steps  losses apart {apart:.1e}", flush=True
        )


def main() -> None:
    """Run the cases that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*")
    parser.parse_args()
    threads.processors = lambda: int(os.environ["OMP_NUM_THREADS"])  # type: ignore[assignment]
    cases = {
        "step": lambda: compare_steps("step", 3), "two": lambda: compare_steps("two", 1), "backends": compare_backends,
    }  # fmt: skip
    for name in parser.parse_args().case or cases:
        if name not in cases:
            sys.exit(f"no case {name!r}: choose from {', '.join(cases)}")
        cases[name]()


if __name__ == "__main__":
    main()

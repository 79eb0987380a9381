"""The time and memory of every node of a compiled graph."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pytensor.graph.basic import Constant

if TYPE_CHECKING:
    import pandas as pd

FEWEST, MOST, MOST_SECONDS = 5, 40, 1.0
"""Repeats: at least, at most, and how long more than the fewest may take."""


@dataclass(frozen=True)
class NodeTime:
    """One node: its place in the order of execution, what it does, how long it took and what it produced."""

    index: int
    operation: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    seconds: float
    bytes: int


@dataclass(frozen=True)
class Profile:
    """Times by node, of the fastest run, on the `numpy` backend, where each node is one call that can be timed."""

    kernel: str
    backend: str
    repeats: int
    nodes: tuple[NodeTime, ...]
    total_seconds: float

    def to_frame(self) -> pd.DataFrame:
        """One row a node, with its share of the total, the slowest first."""
        import pandas as pd

        frame = pd.DataFrame([vars(node) for node in self.nodes])
        frame["share"] = frame["seconds"] / max(frame["seconds"].sum(), 1e-12)
        return frame.sort_values("seconds", ascending=False, ignore_index=True)


def profile_nodes(
    name: str,
    function: Any,
    values: list[np.ndarray],
    keep: Callable[[Any, tuple[Any, ...]], None] | None = None,
) -> Profile:
    """Evaluate a `numpy`-backend function node by node; the first, unmeasured run warms caches and allocators.

    `keep` is given each node and its results, once, in that first run. Runs node by node and calls of the function
    itself take turns. The times are those of the one run whose sum is least, so that they add up; as in the function,
    a value is given back once nothing needs it. ``total_seconds`` is the fastest call.
    """
    fgraph = function.maker.fgraph
    order = fgraph.toposort()
    done = _last_uses(order, set(fgraph.outputs))
    best, least, whole = [0.0] * len(order), float("inf"), float("inf")
    produced: list[tuple[tuple[int, ...], int]] = [((), 0)] * len(order)
    repeat, until = 0, time.perf_counter() + MOST_SECONDS
    while repeat <= FEWEST or (repeat <= MOST and time.perf_counter() < until):
        known: dict[Any, Any] = dict(zip(fgraph.inputs, values, strict=True))
        taken = [0.0] * len(order)
        for index, node in enumerate(order):
            arguments = [v.data if isinstance(v, Constant) else known[v] for v in node.inputs]
            storage: list[list[Any]] = [[None] for _ in node.outputs]
            began = time.perf_counter()
            node.op.perform(node, arguments, storage)
            taken[index] = time.perf_counter() - began
            made = tuple(cell[0] for cell in storage)
            known.update(zip(node.outputs, made, strict=True))
            if not repeat:
                produced[index] = tuple(np.shape(made[0])), sum(np.asarray(each).nbytes for each in made)
                if keep is not None:
                    keep(node, made)
            del arguments, storage, made
            for variable in done[index]:
                known.pop(variable, None)
        began = time.perf_counter()
        function(*values)
        call = time.perf_counter() - began
        if repeat and sum(taken) < least:
            best, least = taken, sum(taken)
        if repeat:
            whole = min(whole, call)
        repeat += 1
    rows = tuple(
        NodeTime(index, str(node.op), node.outputs[0].name or "", str(node.outputs[0].type.dtype), shape, seconds, size)
        for index, (node, seconds, (shape, size)) in enumerate(zip(order, best, produced, strict=True))
    )
    return Profile(name, "numpy", repeat - 1, rows, whole)


def _last_uses(order: list[Any], outputs: set[Any]) -> list[list[Any]]:
    """For each node, the values that nothing after it needs."""
    last: dict[Any, int] = {}
    for index, node in enumerate(order):
        for variable in (*node.inputs, *node.outputs):
            last[variable] = index
    done: list[list[Any]] = [[] for _ in order]
    for variable, index in last.items():
        if variable not in outputs:
            done[index].append(variable)
    return done

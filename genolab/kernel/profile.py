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
    """Times by node, fastest of the repeats, on the `numpy` backend, where each node is one call that can be timed."""

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
    repeats: int = 5,
    keep: Callable[[Any, tuple[Any, ...]], None] | None = None,
) -> Profile:
    """Evaluate a `numpy`-backend function node by node; the first, unmeasured run warms caches and allocators.

    `keep` is given each node and its results, once, in that first run.

    ``total_seconds`` is the fastest whole call of the function itself, so that the nodes can be held against it.
    """
    fgraph = function.maker.fgraph
    order = fgraph.toposort()
    best = [float("inf")] * len(order)
    produced: list[tuple[Any, ...]] = [()] * len(order)
    whole = float("inf")
    for repeat in range(repeats + 1):
        known: dict[Any, Any] = dict(zip(fgraph.inputs, values, strict=True))
        for index, node in enumerate(order):
            arguments = [v.data if isinstance(v, Constant) else known[v] for v in node.inputs]
            storage: list[list[Any]] = [[None] for _ in node.outputs]
            began = time.perf_counter()
            node.op.perform(node, arguments, storage)
            taken = time.perf_counter() - began
            known.update(zip(node.outputs, (cell[0] for cell in storage), strict=True))
            produced[index] = tuple(cell[0] for cell in storage)
            if not repeat and keep is not None:
                keep(node, produced[index])
            if repeat:
                best[index] = min(best[index], taken)
        began = time.perf_counter()
        function(*values)
        if repeat:
            whole = min(whole, time.perf_counter() - began)
    rows = tuple(
        NodeTime(
            index,
            str(node.op),
            node.outputs[0].name or "",
            str(node.outputs[0].type.dtype),
            tuple(np.shape(made[0])),
            seconds,
            sum(np.asarray(each).nbytes for each in made),
        )
        for index, (node, seconds, made) in enumerate(zip(order, best, produced, strict=True))
    )
    return Profile(name, "numpy", repeats, rows, whole)

"""The time and memory of every node of a compiled graph, measured inside PyTensor's own loop, so that they add up."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pytensor.link.basic import PerformLinker

if TYPE_CHECKING:
    import pandas as pd

FEWEST, MOST, MOST_SECONDS = 5, 40, 1.0
"""Repeats: at least, at most, and how long more than the fewest may take."""
BETWEEN = "PyTensor's own work between the nodes"
"""What takes the rest of a call: checks of the inputs, one Python call a node, and giving memory back."""
AROUND = "PyTensor's own work between and around the nodes"
"""The same on `c`, where its virtual machine does most of that in C: what is left is before and behind the machine."""
Keep = Callable[[Any, tuple[Any, ...]], None]
"""Is given a node and its results."""


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
    """Times by node, of the fastest run: measured here on the `numpy` backend, by PyTensor's own profile on `c`.

    The nodes and ``between_seconds`` are of one run; ``total_seconds`` is the fastest call without clocks.
    """

    kernel: str
    backend: str
    repeats: int
    nodes: tuple[NodeTime, ...]
    between_seconds: float
    total_seconds: float

    @property
    def rest(self) -> str:
        """What is between the nodes, in words."""
        return AROUND if self.backend == "c" else BETWEEN

    @property
    def node_seconds(self) -> float:
        """What all nodes took together."""
        return sum(node.seconds for node in self.nodes)

    @property
    def seconds(self) -> float:
        """The measured run: its nodes, and PyTensor's own work between them."""
        return self.node_seconds + self.between_seconds

    def to_frame(self) -> pd.DataFrame:
        """One row a node and one for PyTensor's own work, each with its share of the run, the slowest first."""
        import pandas as pd

        rest = NodeTime(len(self.nodes), self.rest, "", "", (), self.between_seconds, 0)
        frame = pd.DataFrame([vars(each) for each in (*self.nodes, rest)])
        frame["share"] = frame["seconds"] / max(self.seconds, 1e-12)
        return frame.sort_values("seconds", ascending=False, ignore_index=True)


class _ClockedLinker(PerformLinker):
    """A function's own linker with a clock around each node: order, storage and its release stay PyTensor's.

    Nodes that are evaluated from outside came out up to a third dearer than the call (most where a product's threads
    wait between them, and where results that live longer may need fresh memory).
    """

    def __init__(self, linker: PerformLinker) -> None:
        self.__dict__.update(vars(linker))
        self.seconds: list[float] = []
        self.order: list[Any] = []
        self.results: list[list[list[Any]]] = []
        self.keep: Keep | None = None

    def make_all(self, *given: Any, **named: Any) -> tuple[Any, ...]:
        """As the linker, with the thunks exchanged in the list that PyTensor's loop goes through."""
        *made, thunks, self.order = super().make_all(*given, **named)
        self.seconds = [0.0] * len(thunks)
        self.results = [thunk.outputs for thunk in thunks]
        thunks[:] = [self._clocked(index, thunk) for index, thunk in enumerate(thunks)]
        return (*made, thunks, self.order)

    def _clocked(self, index: int, thunk: Callable[[], Any]) -> Callable[[], None]:
        def run() -> None:
            began = time.perf_counter()
            thunk()
            self.seconds[index] = time.perf_counter() - began
            if self.keep is not None:
                self.keep(self.order[index], tuple(cell[0] for cell in self.results[index]))

        return run


def profile_nodes(name: str, function: Any, values: list[np.ndarray], keep: Keep | None = None) -> Profile:
    """Time every node of a `numpy`-backend function inside a call; the first run warms up and is not counted.

    `keep` is given each node and its results, once, in that first run. Calls with clocks and calls without take turns,
    in two copies of the function. The times are those of the fastest run with clocks, so that nodes and what is between
    them add up to it.
    """
    maker = copy(function.maker)
    linker = maker.linker = _ClockedLinker(maker.linker)
    clocked, plain = maker.create(), function.maker.create()
    produced: list[tuple[tuple[int, ...], int]] = []

    def first(node: Any, made: tuple[Any, ...]) -> None:
        produced.append((np.shape(made[0]), sum(np.asarray(each).nbytes for each in made)))
        if keep is not None:
            keep(node, made)

    linker.keep = first
    clocked(*values)
    linker.keep = None
    plain(*values)
    best, least, whole = linker.seconds, float("inf"), float("inf")
    repeat, until = 0, time.perf_counter() + MOST_SECONDS
    while repeat < FEWEST or (repeat < MOST and time.perf_counter() < until):
        began = time.perf_counter()
        clocked(*values)
        run = time.perf_counter() - began
        if run < least:
            best, least = list(linker.seconds), run
        began = time.perf_counter()
        plain(*values)
        whole = min(whole, time.perf_counter() - began)
        repeat += 1
    rows = tuple(
        NodeTime(index, str(node.op), node.outputs[0].name or "", str(node.outputs[0].type.dtype), shape, seconds, size)
        for index, (node, seconds, (shape, size)) in enumerate(zip(linker.order, best, produced, strict=True))
    )
    return Profile(name, "numpy", repeat, rows, least - sum(best), whole)


def profile_by_pytensor(name: str, backend: str, build: Callable[[Any], Any], values: list[np.ndarray]) -> Profile:
    """Times of every node as PyTensor's own profile has them, whose clock runs inside the virtual machine.

    Parameters
    ----------
    build
        Compiles the function with the ``profile`` that it is given, or without one for None.

    Shapes and bytes are not known to it. As in :func:`profile_nodes`, the first call is not counted, calls with and
    without the profile take turns, and the fastest with it is taken: nodes and what is between them are one run.
    """
    from pytensor.compile import ProfileStats

    stats = ProfileStats(atexit_print=False, flag_time_thunks=True)
    clocked, plain = build(stats), build(None)
    clocked(*values)
    plain(*values)
    order = clocked.maker.fgraph.toposort()
    best: dict[Any, float] = {}
    least, whole = float("inf"), float("inf")
    repeat, until = 0, time.perf_counter() + MOST_SECONDS
    while repeat < FEWEST or (repeat < MOST and time.perf_counter() < until):
        stats.reset()
        began = time.perf_counter()
        clocked(*values)
        run = time.perf_counter() - began  # PyTensor's own time of the call leaves out what is around its machine
        if run < least:
            least, best = run, {node: seconds for (_, node), seconds in stats.apply_time.items()}
        began = time.perf_counter()
        plain(*values)
        whole = min(whole, time.perf_counter() - began)
        repeat += 1
    rows = tuple(
        NodeTime(index, str(node.op), node.outputs[0].name or "", str(node.outputs[0].type.dtype), (), best[node], 0)
        for index, node in enumerate(order)
        if node in best
    )
    return Profile(name, backend, repeat, rows, least - sum(row.seconds for row in rows), whole)

"""What flows through a compiled graph for given arrays: each node's value, time and memory, node by node on `numpy`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from genolab.kernel.graph_drawing import GraphModel, GraphNode
from genolab.kernel.graph_model import model_and_nodes
from genolab.kernel.profile import NodeTime, Profile, profile_by_pytensor, profile_nodes

BINS = 20
FIRST = 12
Colour = Literal["time", "memory"]


@dataclass(frozen=True)
class ValueSummary:
    """One array in numbers: ``low``, ``high`` and ``mean`` of the finite values; all None where there are none.

    ``counts`` is the histogram of the finite values over ``edges`` (one more than the counts).
    """

    shape: tuple[int, ...]
    dtype: str
    size: int
    low: float | None
    high: float | None
    mean: float | None
    nan: int
    infinite: int
    zero: int
    counts: tuple[int, ...]
    edges: tuple[float, ...]
    first: tuple[str, ...]

    def __str__(self) -> str:
        span = "no finite value" if self.low is None else f"{self.low:.4g} to {self.high:.4g}, mean {self.mean:.4g}"
        odd = [f"{count:,} {name}" for name, count in (("NaN", self.nan), ("infinite", self.infinite)) if count]
        return ", ".join([f"{self.dtype} {self.shape}", span, *odd])


def summary_of(value: Any) -> ValueSummary:
    """Describe one array."""
    array = np.asarray(value)
    flat = array.ravel()
    first = tuple(_text(each) for each in flat[:FIRST])
    if array.dtype.kind not in "biuf":
        return ValueSummary(array.shape, str(array.dtype), array.size, None, None, None, 0, 0, 0, (), (), first)
    numbers = flat.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    nan = int(np.isnan(numbers).sum())
    zero = int((numbers == 0).sum())
    low = high = mean = None
    counts: tuple[int, ...] = ()
    edges: tuple[float, ...] = ()
    if finite.size:
        low, high, mean = float(finite.min()), float(finite.max()), float(finite.mean())
        if np.isfinite(high - low):
            found = np.histogram(finite, BINS)
            counts, edges = tuple(int(each) for each in found[0]), tuple(float(each) for each in found[1])
    infinite = int(numbers.size - finite.size - nan)
    return ValueSummary(
        array.shape, str(array.dtype), array.size, low, high, mean, nan, infinite, zero, counts, edges, first
    )


@dataclass(frozen=True)
class DataFlow:
    """A compiled graph with what each node took and gave; nodes are named by their ids in ``model``."""

    model: GraphModel
    profile: Profile
    times: dict[str, NodeTime]
    values: dict[str, ValueSummary]

    def coloured(self, by: Colour) -> GraphModel:
        """The model with each node's share of the time of the run, or of the memory of all results, which c has not."""
        if by == "memory" and self.profile.backend == "c":
            return self.model
        amounts = {
            identity: each.seconds if by == "time" else float(each.bytes) for identity, each in self.times.items()
        }
        whole = max(self.profile.seconds if by == "time" else sum(amounts.values()), 1e-12)

        def measured(node: GraphNode) -> GraphNode:
            if node.id not in amounts:
                return node
            amount = amounts[node.id]
            words = duration(amount) if by == "time" else size(amount)
            return replace(node, share=amount / whole, measured=f"{words}, {amount / whole:.0%}")

        return GraphModel(tuple(measured(node) for node in self.model.nodes), self.model.edges)

    def rest(self) -> tuple[str, str]:
        """What the run took outside the nodes that are drawn, in words, and how much."""
        whole = max(self.profile.seconds, 1e-12)
        left = whole - sum(each.seconds for each in self.times.values())
        return self.profile.rest, f"{duration(left)}, {left / whole:.0%}"


def data_flow(name: str, function: Any, values: list[np.ndarray], output_names: list[str]) -> DataFlow:
    """Run a `numpy`-backend function on bound arrays, node by node, and keep a summary of every value."""
    fgraph = function.maker.fgraph
    model, ids = model_and_nodes(fgraph.inputs, fgraph.outputs, output_names)
    summaries = {ids[variable]: summary_of(value) for variable, value in zip(fgraph.inputs, values, strict=True)}
    order = fgraph.toposort()

    def keep(node: Any, made: tuple[Any, ...]) -> None:
        if node.outputs[0] in ids:  # a constant that is only broadcast is no node of its own
            summaries[ids[node.outputs[0]]] = summary_of(made[0])

    profile = profile_nodes(name, function, values, keep=keep)
    drawn = ((ids.get(node.outputs[0]), each) for node, each in zip(order, profile.nodes, strict=True))
    times = {identity: each for identity, each in drawn if identity is not None}
    for edge in model.edges:  # an output shows what flows into it
        target = model.find(edge.target)
        if target is not None and target.kind == "output" and edge.source in summaries:
            summaries[edge.target] = summaries[edge.source]
    return DataFlow(model, profile, times, summaries)


def timed_flow(
    name: str, backend: str, build: Callable[[Any], Any], values: list[np.ndarray], output_names: list[str]
) -> DataFlow:
    """The times of the nodes as PyTensor's own profile has them on ``c``; memory and values are not known to it."""
    built: list[Any] = []

    def remembered(stats: Any) -> Any:
        built.append(build(stats))
        return built[-1]

    profile = profile_by_pytensor(name, backend, remembered, values)
    fgraph = built[0].maker.fgraph
    model, ids = model_and_nodes(fgraph.inputs, fgraph.outputs, output_names)
    order = fgraph.toposort()
    drawn = ((ids.get(order[each.index].outputs[0]), each) for each in profile.nodes)
    return DataFlow(model, profile, {identity: each for identity, each in drawn if identity is not None}, {})


def duration(seconds: float) -> str:
    """Seconds in the unit that reads well."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.2g} µs"


def size(count: float) -> str:
    """Bytes in the unit that reads well."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} B"


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)

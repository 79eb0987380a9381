"""The way from a graph as written to the graph that runs: PyTensor's rewrites, one by one, to step through."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pytensor.compile.aliasing import add_supervisor_to_fgraph
from pytensor.compile.io import In
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.features import Feature
from pytensor.graph.fg import FunctionGraph

from genolab.kernel.graph_model import GraphModel, label_of, model_of

Effect = Literal["merged", "fused", "in place", "folded", "replaced"]

_ABOUT = {
    "MergeOptimizer": "What is computed twice from the same inputs is computed once.",
    "FusionOptimizer": "Neighbouring elementwise nodes become one loop, so nothing between them is written to memory.",
    "constant_folding": "What depends on constants alone is computed now.",
    "to_ufuncs": "An elementwise node gets one NumPy call of its own.",
    "local_mul_canonizer": "A product is put into its standard form, numerator over denominator.",
    "local_add_canonizer": "A sum is put into its standard form.",
    "local_dimshuffle_lift": "A change of axes moves towards the inputs, where it costs nothing.",
    "local_inline_composite_constants": "Constants move into the fused loop.",
    "local_neg_to_mul": "A negation becomes a product with −1, so that it can join other products.",
    "local_div_to_reciprocal": "1 ÷ x becomes a reciprocal.",
    "local_useless_fill": "An array filled with what it already is is left out.",
    "local_shape_to_shape_i": "Only the lengths that are needed are asked for.",
}
_IN_PLACE = "The result overwrites an input that nobody else needs."


@dataclass(frozen=True)
class Rewrite:
    """One rewrite: PyTensor's name for it, what it is for, and the nodes that it took out and put in."""

    name: str
    about: str
    effect: Effect
    removed: tuple[str, ...]
    added: tuple[str, ...]
    nodes: int  # of the graph, afterwards

    def __str__(self) -> str:
        taken, put = (", ".join(labels) for labels in (self.removed, self.added))
        change = " → ".join(part for part in (taken, put or "nothing new") if part)
        return f"{self.name}: {change}" if self.removed or self.added else self.name


class RewriteHistory:
    """What PyTensor did to a graph, in order; `model(step)` is the graph after that many steps."""

    def __init__(self, inputs: Sequence[Variable], outputs: Sequence[Variable], mode: Mode) -> None:
        """Rewrite a copy of the graph for a mode; the mode's linker must be the one set in PyTensor's configuration."""
        self._names = [variable.name or "" for variable in inputs], [variable.name or "" for variable in outputs]
        self._graph = FunctionGraph(list(inputs), list(outputs), clone=True)
        add_supervisor_to_fgraph(self._graph, [In(variable, mutable=False) for variable in self._graph.inputs])
        self._record = _Record()
        self._graph.attach_feature(self._record)
        mode.optimizer.rewrite(self._graph)
        self._record.closed = True
        self._lock = threading.Lock()
        self._groups = _grouped(self._record.changes)
        self._done = len(self._record.changes)
        self._before: list[set[Apply]] = []
        self.steps: tuple[Rewrite, ...] = self._describe()

    def __len__(self) -> int:
        return len(self.steps)

    def model(self, step: int) -> GraphModel:
        """The graph after `step` rewrites, 0 to ``len(history)``; the nodes that the last one put in are marked."""
        with self._lock:
            self._go_to(self._groups[step].start if step < len(self._groups) else len(self._record.changes))
            new = set(self._graph.apply_nodes) - self._before[step - 1] if step else set()
            return model_of(self._graph.inputs, self._graph.outputs, *self._names, marked=new)

    def _describe(self) -> tuple[Rewrite, ...]:
        """Every step in words: the graph is taken back to its start and goes the way again."""
        steps = []
        for group in self._groups:
            self._go_to(group.start)
            before = set(self._graph.apply_nodes)
            self._before.append(before)
            self._go_to(group.stop)
            after = set(self._graph.apply_nodes)
            reason = self._record.changes[group.start].reason
            removed, added = _in_order(before - after), _in_order(after - before)
            name = _name(reason)
            steps.append(
                Rewrite(
                    name,
                    _about(name, reason),
                    _effect(name, after - before),
                    tuple(label_of(node) for node in removed),
                    tuple(label_of(node) for node in added),
                    len(after),
                )
            )
        return tuple(steps)

    def _go_to(self, place: int) -> None:
        """Undo or redo changes until `place` of them are done."""
        while self._done != place:
            back = self._done > place
            change = self._record.changes[self._done - 1 if back else self._done]
            value = change.old if back else change.new
            self._graph.change_node_input(change.node, change.index, value, reason="replay", check=False)
            self._done += -1 if back else 1


@dataclass(frozen=True)
class _Change:
    node: Any
    index: int
    old: Variable
    new: Variable
    reason: Any


class _Record(Feature):
    """Every change of an input; what a failed check took back again is as if it had not been."""

    def __init__(self) -> None:
        self.changes: list[_Change] = []
        self.closed = False

    def on_change_input(
        self, fgraph: Any, node: Any, i: int, var: Variable, new_var: Variable, reason: Any = None
    ) -> None:
        if self.closed:
            return
        if isinstance(reason, tuple) and reason[:1] == ("Revert",):
            self.changes.pop()
            return
        self.changes.append(_Change(node, i, var, new_var, reason))


def _grouped(changes: Sequence[_Change]) -> list[range]:
    """Runs of changes that are one rewrite: one reason, for one node or (of a merge) for many."""
    groups: list[range] = []
    for at, change in enumerate(changes):
        before = changes[at - 1] if at else None
        name = _name(change.reason)
        if before is not None and _name(before.reason) == name and _belong(name, before, change):
            groups[-1] = range(groups[-1].start, at + 1)
        else:
            groups.append(range(at, at + 1))
    return groups


def _belong(name: str, before: _Change, change: _Change) -> bool:
    if name in ("MergeOptimizer", "constant_folding"):
        return True  # many small ones of a kind
    put = change.new.owner
    return before.old.owner is change.old.owner or (put is not None and put is before.new.owner)


def _in_order(nodes: set[Apply]) -> list[Apply]:
    return sorted(nodes, key=label_of)


def _name(reason: Any) -> str:
    if isinstance(reason, str):
        return "in place" if "_inplace" in reason else reason
    name = str(getattr(reason, "__name__", None) or getattr(reason, "name", None) or reason)
    several = re.match(r"SequentialNodeRewriter\((\w+),", name)
    return f"{several[1]} and others" if several else name


def _about(name: str, reason: Any) -> str:
    if "inplace" in name or name == "in place":
        return _IN_PLACE
    if name in _ABOUT:
        return _ABOUT[name]
    said = getattr(getattr(reason, "fn", None), "__doc__", None) or ""
    first = re.split(r"\n\s*\n|(?<=\.)\s", said.strip(), maxsplit=1)[0]
    return " ".join(first.split())[:200]


def _effect(name: str, added: set[Apply]) -> Effect:
    if name == "MergeOptimizer":
        return "merged"
    if name == "FusionOptimizer":
        return "fused"
    if "fold" in name:
        return "folded"
    if any(node.op.destroy_map for node in added) and (name == "in place" or "inplace" in name):
        return "in place"
    return "replaced"


__all__ = ["Rewrite", "RewriteHistory"]

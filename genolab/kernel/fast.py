"""One definition, two speeds: an `OpFromGraph` whose inner graph is the mathematics, beside a hand-written loop.

The inner graph is what the learner sees, what `grad` differentiates and what the `c` and `jax` backends and the tests
run. The loop is what the `numba` and `numpy` backends run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytensor.compile.builders import OpFromGraph
from pytensor.tensor.exceptions import ShapeError

from genolab.kernel.implementation import FastImplementation

Gradient = Callable[[Any, Any, Any], list[Any]]
"""Of an Op: inputs, outputs and the gradients of the outputs to the gradients of the inputs."""


class FastOp(OpFromGraph):
    """The base of the Ops that :func:`fast_op` makes."""

    implementation: FastImplementation
    gradient: Gradient | None = None

    def pullback(self, inputs: Any, outputs: Any, output_gradients: Any) -> list[Any]:
        """The kernel's own gradient where it has one; else that of the definition, which runs no loop."""
        if self.gradient is None:
            derived: list[Any] = super().pullback(inputs, outputs, output_gradients)
            return derived
        return self.gradient(inputs, outputs, output_gradients)

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        """What depends on what: with a gradient of its own, all outputs on all inputs that are real numbers."""
        if self.gradient is None:
            pattern: list[list[bool]] = super().connection_pattern(node)
            return pattern
        return [[value.type.dtype.startswith("float")] * len(node.outputs) for value in node.inputs]

    def make_thunk(
        self, node: Any, storage_map: Any, compute_map: Any, no_recycling: Any, impl: str | None = None
    ) -> Any:
        # OpFromGraph would compile its inner graph here, which nothing is going to run
        return self.make_py_thunk(node, storage_map, compute_map, no_recycling)

    def infer_shape(self, *given: Any) -> Any:
        # OpFromGraph would look into the definition, again for each node behind this one
        raise ShapeError

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        results = self.implementation.run(*inputs)
        if not isinstance(results, tuple):
            results = (results,)
        for storage, value, variable in zip(outputs, results, node.outputs, strict=True):
            storage[0] = variable.type.filter(value, allow_downcast=False)


_awaiting_numba: list[type[FastOp]] = []
_numba_is_loaded = False


def fast_op(
    name: str,
    inputs: list[Any],
    outputs: list[Any],
    implementation: FastImplementation,
    gradient: Gradient | None = None,
) -> FastOp:
    """An Op of its own class, so that Numba's dispatch finds this loop and not `OpFromGraph`'s compiled definition."""
    class_name = "".join(word.capitalize() for word in name.split("_"))
    own = {} if gradient is None else {"gradient": staticmethod(gradient)}
    kind = type(class_name, (FastOp,), {"implementation": implementation, "__module__": __name__, **own})
    _awaiting_numba.append(kind)
    if _numba_is_loaded:
        register_with_numba()
    return kind(inputs, outputs, name=name)


def register_with_numba() -> None:
    """Tell PyTensor's Numba linker of every loop. Not done earlier, because importing Numba takes half a second.

    It must be `register_funcify_and_cache_key`: with the default-key decorator the parent class wins, the loop is
    silently ignored, and the definition is compiled instead.
    """
    global _numba_is_loaded
    if not _awaiting_numba:
        return
    from pytensor.link.numba.dispatch.basic import register_funcify_and_cache_key

    _numba_is_loaded = True

    def funcify(op: FastOp, node: Any = None, **kwargs: Any) -> tuple[Any, str | None]:
        return op.implementation.for_numba([variable.type for variable in op.fgraph.outputs])

    while _awaiting_numba:
        register_funcify_and_cache_key(_awaiting_numba.pop())(funcify)

"""A kernel's own gradient, where the one that PyTensor derives from its definition would run no loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from genolab.kernel.driver import DrivenImplementation, Driver
from genolab.kernel.later import pt

if TYPE_CHECKING:
    from genolab.kernel.fast import Gradient


def _known(outputs: Any, gradients: Any) -> list[Any]:
    """Gradients of the outputs, 0 for one that no cost depends on."""
    from pytensor.gradient import DisconnectedType

    return [
        pt.zeros_like(output) if isinstance(given.type, DisconnectedType) else given
        for output, given in zip(outputs, gradients, strict=True)
    ]


def _of_inputs(found: Mapping[str, Any], names: tuple[str, ...], inputs: Any) -> list[Any]:
    """By input: what was found, 0 for another real number; nothing for what is no real number."""
    from pytensor.gradient import disconnected_type

    return [
        found.get(name, pt.zeros_like(value)) if value.type.dtype.startswith("float") else disconnected_type()
        for name, value in zip(names, inputs, strict=True)
    ]


def symbolic_pullback(build: Callable[..., Mapping[str, Any]], names: tuple[str, ...], result: Any) -> Gradient:
    """The gradient that a kernel's author wrote as a graph."""

    def pullback(inputs: Any, outputs: Any, gradients: Any) -> list[Any]:
        found = build(dict(zip(names, inputs, strict=True)), result(*_known(outputs, gradients)))
        return _of_inputs(found, names, inputs)

    return pullback


class DrivenGradient:
    """The gradient of a kernel's first output, as a node of its own.

    Its inner graph is what PyTensor derives from the definition, for the `c` and `jax` backends and the tests; its
    driver is what `numpy` and `numba` run.
    """

    def __init__(self, driver: Driver, wanted: tuple[str, ...]) -> None:
        self.driver, self.wanted = driver, wanted

    def bound(self, static: Mapping[str, Any]) -> DrivenGradient:
        """The same with the kernel's structure, which the driver takes by name."""
        return DrivenGradient(partial(self.driver, **static), self.wanted)

    def pullback(self, name: str, inputs: list[Any], outputs: list[Any]) -> Gradient:
        """What the Op with this definition is told."""
        import pytensor

        from genolab.kernel.fast import fast_op

        names = tuple(variable.name for variable in inputs)
        wanted = [variable for variable in inputs if variable.name in self.wanted]

        def pullback(given: Any, results: Any, gradients: Any) -> list[Any]:
            cost = outputs[0].type(name="gradient")
            derived = pytensor.grad(None, wanted, known_grads={outputs[0]: cost})
            made = [variable.type(name=variable.name) for variable in outputs]
            node = fast_op(f"{name}_gradient", [*inputs, *made, cost], list(derived), DrivenImplementation(self.driver))
            found = node(*given, *results, _known(results, gradients)[0], return_list=True)
            by_name = dict(zip((variable.name for variable in wanted), found, strict=True))
            return _of_inputs(by_name, names, given)

        return pullback

"""Any PyTensor variables as a kernel, so that they can be opened, measured and compared like one of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter, Signature
from itertools import product
from string import ascii_lowercase
from typing import Annotated, Any, NamedTuple

import numpy as np
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.replace import clone_replace
from pytensor.graph.traversal import graph_inputs
from pytensor.tensor.type import TensorType

from genolab.errors import InputError
from genolab.kernel.kernel import Kernel
from genolab.spec import Spec, Symbol

_WHO = "kernel_of"


def kernel_of(
    variables: Variable | Sequence[Variable],
    *,
    inputs: Sequence[Variable] = (),
    updates: Mapping[Variable, Variable] | None = None,
    name: str = "",
    doc: str = "",
    arrays: Mapping[str, Any] | Sequence[Any] = (),
) -> Kernel:
    """The graph of a variable or of several as a kernel; it is not listed among the others.

    A shared variable becomes an input, and an update of it a result that is called ``<name>_after``: what was a step
    with a state is then a function of numbers.

    Parameters
    ----------
    variables, inputs, updates
        What ``pytensor.function`` is given: results, inputs (those left out come after them), and the new value of each
        shared variable.
    name, doc
        What it is called, and what is said about it.
    arrays
        What to measure it with: for the inputs in their order, or by name. The others are their current value
        (shared variables) or the smallest possible.

    Raises
    ------
    InputError
        If an input or a result is not a tensor, or an array fits no input.
    """
    variables_in, outputs, held = _parts(variables, inputs, updates or {})
    for each in (*variables_in, *outputs):
        if not isinstance(each.type, TensorType):
            raise InputError(_WHO, str(each), "a tensor", f"a variable of type {each.type}")
    names = _distinct([variable.name or "input" for variable in variables_in])
    results = _distinct([variable.name or f"result{number}" for number, variable in enumerate(outputs, 1)], taken=names)
    values = {names[number]: value for number, value in held.items()} | _by_name(names, arrays)
    letters = _letters()
    annotations: dict[str, Any] = {
        each: Annotated[Symbol, _spec(variable, letters)] for each, variable in zip(names, variables_in, strict=True)
    }
    hints = [
        (each, Annotated[Symbol, _spec(variable, letters)]) for each, variable in zip(results, outputs, strict=True)
    ]
    Result: Any = NamedTuple("Result", hints)  # type: ignore[misc]  # as many as there are

    def build(*given: Any) -> Any:
        found = clone_replace(outputs, dict(zip(variables_in, given, strict=True)))
        return Result(*(each.copy() if each in given else each for each in found))

    build.__name__, build.__doc__ = re.sub(r"\W", "_", name) or "graph", doc
    build.__annotations__ = annotations | {"return": Result}
    positional = Parameter.POSITIONAL_OR_KEYWORD
    build.__signature__ = Signature([Parameter(each, positional) for each in names])  # type: ignore[attr-defined]
    kernel = Kernel(build)
    smallest = dict(zip(names, kernel.example(), strict=True))
    kernel._example = lambda: tuple((smallest | values)[each] for each in names)
    return kernel


def _parts(
    variables: Variable | Sequence[Variable], listed: Sequence[Variable], updates: Mapping[Variable, Variable]
) -> tuple[list[Variable], list[Variable], dict[int, Any]]:
    """Inputs, outputs, and the values of those inputs (by number) that hold one."""
    outputs = [variables] if isinstance(variables, Variable) else list(variables)
    if not outputs or not all(isinstance(each, Variable) for each in outputs):
        raise InputError(_WHO, "variables", "a PyTensor variable, or several", type(variables).__name__)
    for state, value in updates.items():
        after = value.copy()
        after.name = f"{state.name or 'state'}_after"
        outputs.append(after)
    found = [each for each in graph_inputs(outputs) if not isinstance(each, Constant)]
    inputs = [*(each for each in listed if each in found), *(each for each in found if each not in listed)]
    held = {number: each.get_value() for number, each in enumerate(inputs) if hasattr(each, "get_value")}
    return inputs, outputs, held


def _distinct(names: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Names that Python accepts, none twice."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"\W+", "_", name).strip("_") or "value"
        plain = plain if not plain[0].isdigit() else f"v{plain}"
        number, once = 2, plain
        while plain in found or plain in taken:
            plain, number = f"{once}_{number}", number + 1
        found.append(plain)
    return found


def _letters() -> Iterator[str]:
    """i, j, k, ... and pairs after z."""
    yield from ascii_lowercase[8:]
    yield from ("".join(pair) for pair in product(ascii_lowercase, repeat=2))


def _spec(variable: Variable, letters: Iterator[str]) -> Spec:
    axes = [next(letters) + (f"={length}" if length is not None else "") for length in variable.type.shape]
    return Spec(" ".join(axes), variable.type.dtype, variable.name or "a value")


def _by_name(names: Sequence[str], arrays: Mapping[str, Any] | Sequence[Any]) -> dict[str, np.ndarray]:
    pairs = dict(arrays) if isinstance(arrays, Mapping) else dict(zip(names, arrays, strict=False))
    unknown = [each for each in pairs if each not in names]
    if unknown or len(arrays) > len(names):
        found = unknown[0] if unknown else f"{len(arrays)} arrays"
        raise InputError(_WHO, "arrays", f"at most one for each of {', '.join(names)}", found)
    return {name: np.asarray(value) for name, value in pairs.items()}

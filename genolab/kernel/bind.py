"""Which value goes to which input of a kernel: by position, by name or by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.kernel.check import as_input, check_axes
from genolab.kernel.later import pt
from genolab.spec import Spec


def specs_of(hints: Mapping[str, Any], dtype: str | None) -> dict[str, Spec]:
    """The specs of annotated names, each float32 as ``dtype`` where one is asked for."""
    specs = {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}
    if dtype is None:
        return specs
    return {name: replace(spec, dtype=dtype) if spec.dtype == "float32" else spec for name, spec in specs.items()}


def bind_arrays(
    kernel: str,
    inputs: Mapping[str, Spec],
    defaults: Mapping[str, Any],
    given: tuple[Any, ...],
    named: Mapping[str, Any],
    writeable: bool,
    ranges: bool = True,
) -> list[np.ndarray]:
    """The arrays of a numeric call, in order, as their specs say; without ``ranges`` those are not looked at."""
    bound = _by_name(kernel, inputs, defaults, given, named)
    values = [as_input(kernel, name, spec, bound[name], writeable, ranges) for name, spec in inputs.items()]
    check_axes(kernel, inputs, values)
    return values


def bind_symbols(
    kernel: str, inputs: Mapping[str, Spec], defaults: Mapping[str, Any], given: tuple[Any, ...]
) -> tuple[Any, ...]:
    """The variables of a symbolic application; numbers and arrays become constants."""
    from pytensor.graph.basic import Variable

    bound = _by_name(kernel, inputs, defaults, given, {})
    variables = []
    for name, spec in inputs.items():
        value = bound[name]
        if not isinstance(value, Variable):
            variables.append(pt.constant(as_input(kernel, name, spec, value, writeable=False)))
            continue
        variable = pt.as_tensor_variable(value)
        if variable.type.ndim != len(spec.dims) or not np.can_cast(variable.type.dtype, spec.dtype):
            found = f"a variable of {variable.type.dtype} with {variable.type.ndim} axes"
            raise InputError(kernel, name, str(spec), found)
        variables.append(variable if variable.type.dtype == spec.dtype else variable.astype(spec.dtype))
    return tuple(variables)


def _by_name(
    kernel: str,
    inputs: Mapping[str, Spec],
    defaults: Mapping[str, Any],
    given: tuple[Any, ...],
    named: Mapping[str, Any],
) -> dict[str, Any]:
    names = tuple(inputs)
    if len(given) > len(names):
        raise InputError(kernel, "inputs", f"{len(names)} arrays ({', '.join(names)})", str(len(given)))
    for name in named:
        if name not in inputs:
            raise InputError(kernel, name, f"one of {', '.join(names)}", "an unknown name")
        if name in names[: len(given)]:
            raise InputError(kernel, name, "given once", "a value by position and by name")
    bound = dict(defaults) | dict(zip(names, given, strict=False)) | dict(named)
    for name, spec in inputs.items():
        if name not in bound:
            raise InputError(kernel, name, str(spec), "nothing")
    return bound


def check_known(kernel: str, backend: str, needed: tuple[str, ...], static: Mapping[str, Any]) -> None:
    """Refuse JAX where structural parameters that it needs are not given."""
    missing = [name for name in needed if backend == "jax" and not static[name]]
    if missing:
        fix = f"Give {', '.join(f'{name}=...' for name in missing)}, or take the backend numpy, numba or c."
        found = "nothing (JAX compiles for lengths that it knows beforehand)"
        raise InputError(kernel, missing[0], "given on the jax backend", found, fix)

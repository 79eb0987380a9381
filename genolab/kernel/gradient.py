"""A kernel's derivatives as a graph beside its function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytensor

from genolab.errors import InputError
from genolab.kernel.graph_model import GraphModel, model_of

if TYPE_CHECKING:
    from genolab.kernel.kernel import Kernel


def gradient_model(kernel: Kernel) -> GraphModel:
    r"""The function and, for each floating input :math:`x`, :math:`\partial \sum y / \partial x` over all its results.

    Raises
    ------
    InputError
        If nothing of the kernel can be differentiated: with the reason.
    """
    reason = "results that are not floating-point numbers"
    for inputs, outputs in dict.fromkeys((kernel.definition.graph, kernel.graph)):  # a fast loop may have its own
        smooth = [variable for variable in outputs if _is_float(variable)]
        wanted = [variable for variable in inputs if _is_float(variable)]
        if not smooth or not wanted:
            reason = "no floating-point input" if smooth else reason
            continue
        try:
            total = sum(variable.sum() for variable in smooth)
            found = pytensor.grad(total, wanted, disconnected_inputs="ignore", return_disconnected="none")
        except Exception as error:  # whatever an operation without a derivative raises
            reason = f"an operation without a derivative ({str(error).strip().splitlines()[0]})"
            continue
        pairs = [(of, each) for of, each in zip(wanted, found, strict=True) if each is not None]
        if pairs:
            names = [variable.name or "" for variable in outputs] + [f"d / d {of.name}" for of, _ in pairs]
            return model_of(inputs, [*outputs, *(each for _, each in pairs)], (), names)
    fix = "Look at it as written instead."
    raise InputError(kernel.name, "gradient", "a kernel that can be differentiated", f"one with {reason}", fix)


def _is_float(variable: Any) -> bool:
    return str(getattr(variable.type, "dtype", "")).startswith("float")

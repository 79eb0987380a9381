"""From a kernel to PyTensor: its graph, its place in larger graphs, and its compiled functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytensor
import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph

from genolab.kernel import fast
from genolab.kernel.backends import COMPILE_LOCK, compiling_for, mode_of, numba_compilations, warn_of_blas
from genolab.kernel.bind import bind_arrays, bind_symbols, check_known
from genolab.kernel.check import check_outputs
from genolab.kernel.pullback import symbolic_pullback

if TYPE_CHECKING:
    from genolab.kernel.kernel import Kernel

Variables = tuple[Any, ...]


def graph_of(kernel: Kernel) -> tuple[Variables, Variables]:
    """A kernel's symbolic inputs and outputs; with a loop, one node that opens into the definition."""
    with COMPILE_LOCK:
        inputs, outputs = _definition(kernel)
        return (inputs, outputs) if kernel._implementation is None else _as_node(kernel, inputs, outputs)


def applied(kernel: Kernel, given: Variables) -> Any:
    """The kernel's outputs for the given variables, numbers and arrays: one named node."""
    variables = bind_symbols(kernel.name, kernel.inputs, kernel.defaults, given)
    if kernel._implementation is None:
        inputs, outputs = kernel.graph
        node = OpFromGraph(list(inputs), list(outputs), inline=True, name=kernel.name)
    else:
        node = _graph_for(kernel, variables)[1][0].owner.op
        if pytensor.config.linker != "py":  # importing Numba takes half a second, which Python's linker spares
            fast.register_with_numba()
    return node(*variables, return_list=True)


def build_function(kernel: Kernel, backend: str, profile: Any = None) -> tuple[Any, bool]:
    """Compile for a backend; PyTensor's function, and whether its machine code came from the disk.

    ``profile`` is PyTensor's `ProfileStats` that the function is to fill.
    """
    check_known(kernel.name, backend, kernel._jax_needs, kernel.static)
    # JAX and C know nothing of the fast loop: they compile the definition
    graph = kernel.graph if backend in ("numpy", "numba") else kernel.definition.graph
    if backend == "numba":
        fast.register_with_numba()
    with compiling_for(backend), numba_compilations(backend) as compilations:
        function = pytensor.function(
            list(graph.inputs),
            list(graph.outputs),
            mode=mode_of(backend, kernel.simplify),
            name=kernel.name,
            on_unused_input="ignore",
            profile=profile,
        )
        if backend in ("numba", "jax"):  # these two compile on the first call
            function(*bind_arrays(kernel.name, kernel.inputs, kernel.defaults, kernel.example(), {}, True))
    if backend == "c":
        warn_of_blas(kernel.name, function)
    return function, backend == "numba" and compilations == []


def _definition(kernel: Kernel, shapes: list[Any] | None = None) -> tuple[Variables, Variables]:
    shapes = shapes or [spec.lengths for spec in kernel.inputs.values()]
    variables = tuple(
        pt.TensorType(spec.dtype, shape=shape)(name=name)
        for (name, spec), shape in zip(kernel.inputs.items(), shapes, strict=True)
    )
    outputs = tuple(kernel._build(*variables, **kernel.static))
    check_outputs(kernel.name, kernel.outputs, outputs)
    for name, variable in zip(kernel.outputs, outputs, strict=True):
        variable.name = name
    return variables, outputs


def _as_node(kernel: Kernel, inputs: Variables, outputs: Variables) -> tuple[Variables, Variables]:
    assert kernel._implementation is not None
    implementation, gradient = kernel._implementation.bound(kernel.static), None
    if kernel._gradient is not None:
        gradient = symbolic_pullback(kernel._gradient, tuple(kernel.inputs), kernel.Result)
    elif implementation.gradient is not None:
        gradient = implementation.gradient.pullback(kernel.name, list(inputs), list(outputs))
    node = fast.fast_op(kernel.name, list(inputs), list(outputs), implementation, gradient)
    fresh = tuple(variable.type(name=variable.name) for variable in inputs)
    results = node(*fresh, return_list=True)
    for variable, name in zip(results, kernel.outputs, strict=True):
        variable.name = name
    return fresh, tuple(results)


def _graph_for(kernel: Kernel, variables: Variables) -> tuple[Variables, Variables]:
    """The node for these variables: lengths that are known stay known inside it, as JAX needs them."""
    shapes = [variable.type.shape for variable in variables]
    if all(shape == spec.lengths for shape, spec in zip(shapes, kernel.inputs.values(), strict=True)):
        return kernel.graph
    with COMPILE_LOCK:
        return _as_node(kernel, *_definition(kernel, shapes))

"""The code that a backend runs for a kernel, as text: NumPy calls, Numba's Python, C, jaxpr, and machine code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytensor
from pytensor.graph.basic import Constant, Variable
from pytensor.tensor.elemwise import CAReduce, Elemwise

from genolab.kernel.backends import compiling_for
from genolab.kernel.choice import check_backend
from genolab.kernel.graph_model import label_of

if TYPE_CHECKING:
    from genolab.kernel.kernel import Kernel

Language = Literal["python", "c++", "jaxpr", "llvm", "assembly"]
MOST = 400_000
"""Letters that are shown; more is cut, and said."""


@dataclass(frozen=True)
class Source:
    """Some code: its title, the language it is in, and the text."""

    title: str
    language: Language
    text: str


def sources(kernel: Kernel, backend: str, machine: bool = False) -> tuple[Source, ...]:
    """The code of a kernel on a backend: what PyTensor generated, and the hand-written loop where there is one.

    With `machine`, Numba's LLVM and assembly as well: the function is compiled once more, past the cache, which keeps
    no text.
    """
    check_backend(backend, "sources")
    function = kernel.compiled(backend).function
    fgraph = function.maker.fgraph
    of = {"numpy": _numpy_calls, "numba": _numba_python, "c": _c_code, "jax": _jaxpr}
    found = [of[backend](kernel, fgraph)]
    if backend in ("numpy", "numba"):
        found += _written_loops(kernel)
    if machine and backend == "numba":
        found += _machine_code(kernel, fgraph)
    return tuple(Source(each.title, each.language, _cut(each.text)) for each in found)


def conversions(kernel: Kernel, backend: str) -> tuple[str, ...]:
    """Where the compiled graph changes a dtype or copies an array, a sentence each: what to look at when it is slow."""
    said = []
    for node in kernel.compiled(backend).function.maker.fgraph.toposort():
        dtypes = [getattr(v.type, "dtype", None) for v in node.inputs if getattr(v.type, "ndim", 0)]
        result = node.outputs[0]
        made = getattr(result.type, "dtype", None)
        label, name = label_of(node), result.name or ""
        where = f"{label} ({name})" if name else label
        if "float32" in dtypes and made == "float64":
            said.append(f"{where}: float32 becomes float64, twice the memory.")
        elif label.startswith("to ") and dtypes and dtypes[0] != made:
            said.append(f"{where}: a copy, from {dtypes[0]} to {made}.")
        elif type(node.op).__name__ == "DeepCopyOp":
            said.append(f"{where}: a copy, because the caller may keep the result.")
    return tuple(said)


def _numpy_calls(kernel: Kernel, fgraph: Any) -> Source:
    """The nodes in the order in which the Python linker calls them."""
    names: dict[Variable, str] = {}

    def name(variable: Variable) -> str:
        if isinstance(variable, Constant):
            data = variable.data
            return str(data.item()) if getattr(data, "size", 2) == 1 else f"constant{getattr(data, 'shape', '')}"
        if variable not in names:
            names[variable] = variable.name or f"v{len(names)}"
        return names[variable]

    lines = [f"def {kernel.name}({', '.join(name(v) for v in fgraph.inputs)}):"]
    for node in fgraph.toposort():
        given = ", ".join(name(v) for v in node.inputs)
        made = ", ".join(name(v) for v in node.outputs)
        lines.append(f"    {made} = {_call(node)}({given})")
    lines.append(f"    return {', '.join(name(v) for v in fgraph.outputs)}")
    return Source("calls, in their order", "python", "\n".join(lines))


def _call(node: Any) -> str:
    op = node.op
    if isinstance(op, Elemwise) and getattr(op.scalar_op, "nfunc_spec", None):
        return f"numpy.{op.scalar_op.nfunc_spec[0]}"
    if isinstance(op, CAReduce) and getattr(op, "nfunc_spec", None):
        return f"numpy.{op.nfunc_spec[0]}[axis={op.axis}]"
    return re.sub(r"[^\w]+", "_", label_of(node)).strip("_")


def _numba_python(kernel: Kernel, fgraph: Any) -> Source:
    from pytensor.link.numba.dispatch.basic import numba_funcify

    with pytensor.config.change_flags(numba__cache=False), compiling_for("numba"):
        compiled = numba_funcify(fgraph)
    function = getattr(compiled, "py_func", compiled)
    parts = [_text_of(function)]
    for name, value in sorted(function.__globals__.items()):
        inner = getattr(value, "py_func", None)
        text = _text_of(inner) if inner is not None else ""
        if text:
            parts.append(f"# {name}\n{text}")
    return Source("what Numba compiles", "python", "\n\n".join(parts))


def _c_code(kernel: Kernel, fgraph: Any) -> Source:
    from pytensor.link.c.basic import CLinker

    with compiling_for("c"):
        text = str(CLinker().accept(fgraph.clone()).get_src_code())
    return Source("what the C compiler gets, as one module", "c++", text)


def _jaxpr(kernel: Kernel, fgraph: Any) -> Source:
    import jax

    traced = jax.make_jaxpr(kernel.compiled("jax").function.vm.jit_fn)(*kernel.example())
    return Source("what JAX traced, for the smallest input", "jaxpr", str(traced))


def _written_loops(kernel: Kernel) -> list[Source]:
    implementation = kernel._implementation
    loops: list[tuple[str, Callable[..., Any] | None]] = [
        ("the hand-written loop", getattr(implementation, "loop", None)),
        ("the driver of the hand-written loops", getattr(implementation, "driver", None)),
        ("its stand-in on numpy", getattr(implementation, "arrays", None)),
    ]
    return [Source(title, "python", _text_of(loop)) for title, loop in loops if loop is not None]


def _machine_code(kernel: Kernel, fgraph: Any) -> list[Source]:
    import numba
    from pytensor.link.numba.dispatch.basic import numba_funcify

    kinds = tuple(
        numba.types.Array(numba.from_dtype(np.dtype(variable.type.dtype)), variable.type.ndim, "C")
        for variable in fgraph.inputs
    )
    with pytensor.config.change_flags(numba__cache=False), compiling_for("numba"):
        compiled = numba_funcify(fgraph)
        compiled.compile(kinds)  # for these types, and not run
    llvm, assembly = ("\n\n".join(each().values()) for each in (compiled.inspect_llvm, compiled.inspect_asm))
    return [Source("LLVM", "llvm", llvm), Source("machine code", "assembly", assembly)]


def _text_of(function: Any) -> str:
    try:
        return inspect.cleandoc("\n" + inspect.getsource(getattr(function, "func", function)))  # under a partial
    except (OSError, TypeError):
        return ""


def _cut(text: str) -> str:
    if len(text) <= MOST:
        return text
    return f"{text[:MOST]}\n... {len(text) - MOST:,} more letters"

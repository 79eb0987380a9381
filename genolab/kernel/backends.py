"""How each backend is set up: `numpy`, `numba`, `c` and `jax`.

`numpy` is PyTensor's Python linker with one rewrite pass of our own: it needs no compiler and is ready in a few
milliseconds, so it answers the first click on a machine without caches. The others compile machine code.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytensor
import pytensor.scalar as scalar
import pytensor.tensor as pt
from pytensor.compile.mode import Mode, get_mode, optdb
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.rewriting.basic import dfs_rewriter, node_rewriter
from pytensor.graph.rewriting.db import RewriteDatabaseQuery
from pytensor.tensor.elemwise import Elemwise

from genolab.errors import GenolabWarning
from genolab.kernel.fast import register_with_numba

COMPILE_LOCK = threading.RLock()
"""PyTensor's rewriting and its configuration are not thread-safe: one compilation at a time."""


class AsType(Op):
    """``ndarray.astype``: PyTensor's own cast runs element by element on the Python linker."""

    __props__ = ("dtype",)

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def make_node(self, x: Any) -> Apply:
        return Apply(self, [x], [x.type.clone(dtype=self.dtype)()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = np.asarray(inputs[0]).astype(self.dtype)


@node_rewriter([Elemwise])
def to_ufuncs(fgraph: Any, node: Apply) -> list[Any] | None:
    """Give every elementwise node a NumPy ufunc: casts become :class:`AsType`, sums, products and clips pairs.

    An `Elemwise` without a ufunc falls back to `np.frompyfunc`, element by element in Python: 1,000 times slower.
    """
    operation = node.op.scalar_op
    if isinstance(operation, scalar.Cast):
        return [AsType(operation.o_type.dtype)(node.inputs[0])]
    if isinstance(operation, (scalar.Add, scalar.Mul)) and len(node.inputs) > 2:
        binary = pt.add if isinstance(operation, scalar.Add) else pt.mul
        result = node.inputs[0]
        for term in node.inputs[1:]:
            result = binary(result, term)
        return [result]
    if isinstance(operation, scalar.Clip):
        value, low, high = node.inputs
        return [pt.minimum(pt.maximum(value, low), high).astype(node.outputs[0].type.dtype)]
    if isinstance(operation, scalar.Second):  # a value spread over an array's shape
        like, value = node.inputs
        ones = zip(like.type.shape, value.type.shape, strict=True)
        return [pt.alloc(value, *((value if a == 1 != b else like).shape[axis] for axis, (a, b) in enumerate(ones)))]
    return None


# after specialisation has flattened sums and products, before the graph is final
optdb.register(
    "genolab_to_ufuncs_pass", dfs_rewriter(to_ufuncs, ignore_newtrees=True), "genolab_to_ufuncs", position=49.2
)


def without_ufunc(function: Any) -> list[str]:
    """Elementwise nodes of a compiled `numpy` function that NumPy has no ufunc for; a test keeps this empty."""
    return sorted(
        str(node.op)
        for node in function.maker.fgraph.toposort()
        if isinstance(node.op, Elemwise) and getattr(node.op.scalar_op, "nfunc_spec", None) is None
    )


# Our kernels write max, exp, sum, log out. Recognising that as logsumexp takes the maximum twice, and compiles
# for 10 s instead of 1.4 on Numba and, on PyTensor 3.3, for 8 s instead of 0.02 on the Python linker.
_NOT_WANTED = ("local_log_sum_exp",)


@cache
def mode_of(backend: str, simplify: bool = True) -> Mode:
    """PyTensor's mode for a backend; what it needs is imported here and not before.

    Without ``simplify`` the `numpy` backend runs a graph as written, but for what makes each node one call of NumPy.
    """
    if backend == "numpy" and simplify:
        # inferring the shape of every node takes more than half of a compilation (for a fast loop, nearly all of it),
        # and spares no work where each node is one call of NumPy
        query = RewriteDatabaseQuery(include=["fast_compile", "genolab_to_ufuncs"], exclude=(*_NOT_WANTED, "ShapeOpt"))
        return Mode(linker="py", optimizer=query)
    if backend == "numpy":
        passes = ["inline_ofg_expansion", "merge", "genolab_to_ufuncs"]
        return Mode(linker="py", optimizer=RewriteDatabaseQuery(include=passes))
    if backend == "c":
        _find_blas()
    if backend == "numba":
        register_with_numba()
    return get_mode({"numba": "NUMBA", "jax": "JAX", "c": "CVM"}[backend]).excluding(*_NOT_WANTED)


@contextmanager
def compiling_for(backend: str) -> Iterator[None]:
    """PyTensor set up for one compilation; inner functions and constant folding follow the backend too."""
    linker = {"numpy": "py", "numba": "numba", "c": "cvm", "jax": "jax"}[backend]
    flags = {"linker": linker}
    if backend == "numpy":
        flags["cxx"] = ""  # PyTensor 3.3 would compile what is inside a scan in C, one operation after the other
    with COMPILE_LOCK, pytensor.config.change_flags(**flags), warnings.catch_warnings():
        # the lengths it would assert are checked at the kernel's door
        warnings.filterwarnings("ignore", message="Skipping .* as JAX tracing would remove it")
        # a rewrite of sums may ask for BLAS where no product is; `warn_of_blas` tells those whom it concerns
        warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS")
        yield


@contextmanager
def numba_compilations(backend: str) -> Iterator[list[Any]]:
    """What Numba compiled meanwhile, rather than loaded from its disk cache; nothing on the other backends."""
    if backend != "numba":
        yield []
        return
    from numba.core import event

    with event.install_recorder("numba:compile") as recorder:
        yield recorder.buffer


_without_blas = False


@cache
def _find_blas() -> None:
    """Look for BLAS once. Only a graph with matrix products is the worse for its absence: see :func:`warn_of_blas`."""
    global _without_blas
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        flags = pytensor.config.blas__ldflags
    _without_blas = not flags and any("BLAS" in str(each.message) for each in caught)


def warn_of_blas(name: str, function: Any) -> None:
    """Tell the person whose kernel has matrix products that the `c` backend found no BLAS on this machine."""
    products = ("Dot", "Gemm", "Gemv", "Ger", "Dot22", "BatchedDot", "CGemv", "CGer")
    if _without_blas and any(type(node.op).__name__ in products for node in function.maker.fgraph.apply_nodes):
        warnings.warn(
            f"{name}: the `c` backend found no BLAS, so its matrix products are slow. "
            'Use backend="numba" or "numpy", or install BLAS (conda: `mamba install blas`).',
            GenolabWarning,
            stacklevel=2,
        )

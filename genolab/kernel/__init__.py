"""Kernels: mathematics as PyTensor graphs, compiled on first call, opened on request."""

from genolab.kernel.choice import BACKENDS, available_backends, set_backend
from genolab.kernel.events import CompileEvent, on_compile
from genolab.kernel.kernel import Compiled, Graph, Kernel, kernel, registered
from genolab.kernel.later import pt, zero_rows

__all__ = [
    "BACKENDS",
    "CompileEvent",
    "Compiled",
    "Graph",
    "Kernel",
    "available_backends",
    "kernel",
    "on_compile",
    "pt",
    "registered",
    "set_backend",
    "zero_rows",
]

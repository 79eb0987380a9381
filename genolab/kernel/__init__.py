"""Kernels: mathematics as PyTensor graphs, compiled on first call, opened on request."""

from genolab.kernel.backends import BACKENDS, available_backends, set_backend
from genolab.kernel.events import CompileEvent, on_compile
from genolab.kernel.kernel import Compiled, Graph, Kernel, kernel, registered

__all__ = [
    "BACKENDS",
    "CompileEvent",
    "Compiled",
    "Graph",
    "Kernel",
    "available_backends",
    "kernel",
    "on_compile",
    "registered",
    "set_backend",
]

"""The four ways to run a graph, which of them this machine has, and which one is in force. PyTensor is not loaded."""

from __future__ import annotations

import importlib.util
import os
from functools import cache

from genolab.errors import InputError

BACKENDS = ("numpy", "numba", "c", "jax")

_chosen: str | None = None


def set_backend(name: str | None) -> None:
    """Run every kernel on one backend; ``None`` returns to the one that each kernel declares.

    The environment variable ``GENOLAB_BACKEND`` does the same for a process; an argument ``backend=`` of a call
    goes before both.
    """
    global _chosen
    _chosen = None if name is None else check_backend(name, "set_backend")


def backend_in_force(argument: str | None, declared: str) -> str:
    """The backend a call runs on: its argument, else :func:`set_backend`, else the environment, else the declared."""
    return check_backend(backend_asked(argument) or declared, "backend")


def backend_asked(argument: str | None) -> str | None:
    """The backend that was asked for in place of what kernels declare, if any; for other processes."""
    return argument or _chosen or os.environ.get("GENOLAB_BACKEND") or None


def check_backend(name: str, who: str) -> str:
    """``name`` where it is a backend that this machine can run; refused otherwise."""
    if name not in BACKENDS:
        raise InputError(who, "backend", f"one of {', '.join(BACKENDS)}", repr(name))
    if name not in ("numpy", "numba") and name not in available_backends():
        fix = {"jax": 'Install it with `pip install "genolab[jax]"`.', "c": "Install a C++ compiler (g++)."}
        raise InputError(who, "backend", "one that this machine can run", f"{name!r}, which is missing", fix[name])
    return name


@cache
def available_backends() -> tuple[str, ...]:
    """The backends that this machine can run."""
    from pytensor import config

    has = {"numpy": True, "numba": True, "c": bool(config.cxx), "jax": bool(importlib.util.find_spec("jax"))}
    return tuple(name for name in BACKENDS if has[name])

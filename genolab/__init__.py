"""genolab: an interactive genomics lab for Jupyter. ``import genolab as gl`` does no work and loads no interface."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from genolab import align, call, io, predict, prepare
    from genolab.kernel import Kernel, set_backend
    from genolab.panels.lab import lab
    from genolab.panels.play import play

_ROOMS = ("align", "call", "data", "errors", "io", "kernel", "panels", "plots", "predict", "prepare", "scale", "spec")
_SUBJECTS = ("align", "call", "predict", "prepare")
_NAMES = {"set_backend": "genolab.kernel", "lab": "genolab.panels.lab", "play": "genolab.panels.play"}

__all__ = ["__version__", "align", "call", "io", "kernels", "lab", "play", "predict", "prepare", "set_backend"]


def kernels(subject: str | None = None) -> list[Kernel]:
    """Every kernel of the package, or of one subject, by name: each has ``name``, ``inputs``, ``outputs``, ``doc``."""
    for each in _SUBJECTS if subject is None else (subject,):
        room = import_module(f"genolab.{each}")
        for module in pkgutil.iter_modules(room.__path__):
            import_module(f"{room.__name__}.{module.name}")
    registered: list[Kernel] = import_module("genolab.kernel").registered()
    return [kernel for kernel in registered if subject is None or kernel.subject == subject]


def __getattr__(name: str) -> Any:
    """Rooms and public names are imported when they are first used."""
    if name in _ROOMS:
        return import_module(f"genolab.{name}")
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'genolab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, *_NAMES})

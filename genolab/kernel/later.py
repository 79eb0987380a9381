"""PyTensor's vocabulary, loaded when a definition is first built: a call whose kernels are kept needs none of it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np


class Later:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


pt: Any = Later("pytensor.tensor")
"""``pytensor.tensor``: what definitions are written in."""


def zero_rows(like: Any, *shape: int) -> Any:
    """Zeros to add to: float64 of a shape for each integer of a symbolic vector, ``(len(like), *shape)``.

    ``pt.zeros`` gives the same, but to find out lengths it rewrites a graph and loads SciPy's sparse matrices, which
    takes longer than all the rest of a first answer.
    """
    return like[(slice(None), *[None] * len(shape))] * np.zeros(shape)

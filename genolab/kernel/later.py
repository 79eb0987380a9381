"""PyTensor's vocabulary, loaded when a definition is first built: a call whose kernels are kept needs none of it."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Later:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


pt: Any = Later("pytensor.tensor")
"""``pytensor.tensor``: what definitions are written in."""

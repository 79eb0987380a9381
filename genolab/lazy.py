"""Names of a room that are loaded with their file when they are first used, so that importing the room does no work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(room: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The room's ``__getattr__`` and ``__dir__``; ``homes`` has the module of each name, from ``genolab`` on."""

    def getattribute(name: str) -> Any:
        if name in homes:
            return getattr(import_module(f"genolab.{homes[name]}"), name)
        raise AttributeError(f"module {room!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted({*vars(sys.modules[room]), *homes})

    return getattribute, names

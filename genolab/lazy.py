"""What is made when it is first used: names of a room, with their file, and values that threads share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import import_module
from threading import RLock
from typing import Any, Self, TypeVar, overload

T = TypeVar("T")


class made_once(cached_property[T]):  # noqa: N801  # used as a decorator
    """A value of an object, made when it is first asked for, and once whichever threads ask.

    Since Python 3.12 two threads that ask `functools.cached_property` at a time get a value each.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        super().__init__(make)
        self._making = RLock()

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        with self._making:
            return super().__get__(instance, owner)


def lazy(room: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The room's ``__getattr__`` and ``__dir__``; ``homes`` has the module of each name, from ``genolab`` on."""

    def getattribute(name: str) -> Any:
        if name in homes:
            return getattr(import_module(f"genolab.{homes[name]}"), name)
        raise AttributeError(f"module {room!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted({*vars(sys.modules[room]), *homes})

    return getattribute, names

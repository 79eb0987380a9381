"""What the compiler is doing, for anyone who wants to show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["idle", "compiling", "compiled", "cached"]


@dataclass(frozen=True)
class CompileEvent:
    """A kernel began to compile or is ready. ``cached`` means that its machine code came from the disk."""

    kernel: str
    backend: str
    state: State
    seconds: float = 0.0


_listeners: list[Callable[[CompileEvent], None]] = []


def on_compile(callback: Callable[[CompileEvent], None]) -> Callable[[], None]:
    """Call ``callback`` with every :class:`CompileEvent`, from the thread that compiles; returns its unsubscribe."""
    _listeners.append(callback)
    return lambda: _listeners.remove(callback) if callback in _listeners else None


def announce(event: CompileEvent) -> None:
    """Tell every listener."""
    for listener in tuple(_listeners):
        listener(event)

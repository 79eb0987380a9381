"""What kernels were given lately, for whoever wants to see a result's own data flow through its graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Recorded = dict[str, tuple[dict[str, Any], list[Any]]]
"""Kernel name to its structural parameters and bound arrays, of the last call."""

_recording: ContextVar[Recorded | None] = ContextVar("genolab_recording", default=None)


@contextmanager
def recorded() -> Iterator[Recorded]:
    """Keep the arguments of every kernel that this thread calls inside; nothing is kept otherwise."""
    calls: Recorded = {}
    token = _recording.set(calls)
    try:
        yield calls
    finally:
        _recording.reset(token)


def record(name: str, static: dict[str, Any], values: list[Any]) -> None:
    """Note one call, if anybody listens."""
    calls = _recording.get()
    if calls is not None:
        calls[name] = static, values

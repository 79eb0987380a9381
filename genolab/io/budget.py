"""How much memory a file may take, and how far an archive may swell: what goes over asks first, before it is read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from genolab.errors import InputError, TooLargeError
from genolab.io.cache import identity

SWELLS = 100
"""Bytes that one byte of an archive may become, unless the user allows more."""
SMALL = 64 * 2**20
"""Bytes below which an archive may swell as it likes."""

_memory: ContextVar[int | None] = ContextVar("memory", default=None)
_swells: ContextVar[float | None] = ContextVar("swells", default=None)
_allowed: set[str] = set()
_allowed_there: ContextVar[frozenset[str]] = ContextVar("allowed_there", default=frozenset())


@contextmanager
def limits(memory: float | None = None, swells: float | None = None) -> Iterator[None]:
    """Other limits for what is read inside: ``memory`` in bytes, ``swells`` as bytes that one packed byte may become.

    ``with gl.io.limits(memory=16e9): ...``. The settings ``GENOLAB_MEMORY`` (GB) and ``GENOLAB_SWELLS`` do the same for
    a whole process. Without either, memory is half of what this machine has free, and swelling is 100 to 1.

    Raises
    ------
    InputError
        If a limit is not above 0.
    """
    for name, value in (("memory", memory), ("swells", swells)):
        if value is not None and not value > 0:
            raise InputError("limits", name, "a number above 0", repr(value))
    before = _memory.get(), _swells.get()
    _memory.set(before[0] if memory is None else int(memory))
    _swells.set(before[1] if swells is None else swells)
    try:
        yield
    finally:
        _memory.set(before[0])
        _swells.set(before[1])


@dataclass(frozen=True)
class Limits:
    """What a call was allowed beyond the settings of its process, as plain data for the workers of a cluster."""

    memory: int | None
    swells: float | None
    allowed: frozenset[str]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Read inside as where these limits are from; a setting of this process counts where they say nothing."""
        before = _allowed_there.get()
        _allowed_there.set(self.allowed)
        try:
            with limits(self.memory, self.swells):
                yield
        finally:
            _allowed_there.set(before)


def limits_here() -> Limits:
    """The limits of :func:`limits` and :func:`allow` that hold here."""
    return Limits(_memory.get(), _swells.get(), frozenset(_allowed) | _allowed_there.get())


def allow(path: str | os.PathLike[str]) -> None:
    """Read this file, as it is now, however much memory it takes or it swells, in every thread of this process.

    A file that changes afterwards asks again.
    """
    _allowed.add(identity(Path(path)))


def is_allowed(path: Path) -> bool:
    """Whether :func:`allow` was called for this state of the file."""
    allowed = _allowed | _allowed_there.get()
    return bool(allowed) and identity(path) in allowed


def memory(path: Path | None = None) -> int:
    """Bytes that one reading may take; without end for a file that was allowed."""
    if path is not None and is_allowed(path):
        return sys.maxsize
    return _memory.get() or _setting("GENOLAB_MEMORY", 2**30) or max(free() // 2, 2**28)


def swells(path: Path | None = None) -> float:
    """Bytes that one byte of an archive may become; without end for a file that was allowed."""
    if path is not None and is_allowed(path):
        return float(sys.maxsize)
    return _swells.get() or _setting("GENOLAB_SWELLS", 1) or SWELLS


def free() -> int:
    """Bytes of memory that this machine has to give; what a container may take, where that is less."""
    found = [2**33]
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")] or found
    except (OSError, ValueError):
        with suppress(AttributeError, ValueError, OSError):
            found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2]
    with suppress(OSError, ValueError):  # "max" where there is no limit
        limit, used = (Path(f"/sys/fs/cgroup/memory.{name}").read_text() for name in ("max", "current"))
        found.append(max(int(limit) - int(used), 0))
    return min(found)


def ask_memory(path: Path, needed: float, what: str, fix: str = "") -> None:
    """Refuse, before the work, what would take more memory than may be taken.

    Raises
    ------
    TooLargeError
        With what it needs, what there is, and how to allow it.
    """
    allowed = memory(path)
    if needed > allowed:
        most = f"{_round(needed):g}"
        more = f"Allow more: --memory {most}, genolab.io.limits(memory={most}e9), or GENOLAB_MEMORY={most}."
        raise TooLargeError(
            path, expected=f"at most {_size(allowed)} of memory", found=f"{what}: about {_size(needed)}",
            fix=f"{fix} {more}".strip(), offset=0,
        )  # fmt: skip


def ask_swelling(path: Path, packed: int, unpacked: int) -> None:
    """Refuse to go on with an archive that became more than it may for each of its bytes.

    Raises
    ------
    TooLargeError
        With how to allow it.
    """
    if unpacked > SMALL and unpacked > swells(path) * max(packed, 1):
        ratio = unpacked / max(packed, 1)
        most = f"{2 * ratio:.0f}"
        fix = f"--swells {most}, genolab.io.limits(swells={most}), or GENOLAB_SWELLS={most}."
        raise TooLargeError(
            path,
            expected=f"an archive that becomes at most {swells():g} times its size",
            found=f"{unpacked:,} bytes from {packed:,}, and more to come",
            fix=f"If you know where it is from, allow it: {fix}",
            offset=packed,
        )


def _size(count: float) -> str:
    if count >= 1e8:
        return f"{count / 1e9:,.1f} GB"
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def _round(needed: float) -> float:
    return max(1, -(-needed * 1.2 // 1e9))


def _setting(name: str, unit: int) -> int:
    try:
        return int(float(os.environ.get(name, "0")) * unit)
    except ValueError:
        return 0

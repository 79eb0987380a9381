"""Tiles that are with the cluster, and results that wait for their turn."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from genolab import __version__, io
from genolab.errors import InputError

P = TypeVar("P")
V = TypeVar("V")


@dataclass(frozen=True)
class Tile(Generic[V]):
    """A part of a work: what it is called where it fails, its share of the work (0 to 1), and what the function is
    given: places in files wherever the data are files."""

    name: str
    share: float
    value: V


class Sent:
    """Tiles that are with the cluster, by number."""

    def __init__(self, client: Any, run: str, function: Callable[..., Any]) -> None:
        self.finished: SimpleQueue[tuple[int, Callable[[], Any]]] = SimpleQueue()
        self._client, self._run, self._function = client, run, function
        self._held: dict[int, tuple[Tile[Any], int, Any]] = {}
        self._plan: Any = None
        self._times = 0
        self._limits = io.limits_here()
        self.suspects: list[tuple[int, Tile[Any], int]] = []
        self.alone = False

    def __len__(self) -> int:
        return len(self._held)

    def share(self, plan: Any) -> None:
        self._given, self._times = plan, self._times + 1
        self._plan = self._client.submit(_given, plan, key=f"{self._run}-plan-{self._times}", priority=1)

    def hand_out(self, number: int, tile: Tile[Any], alone: int = 0) -> None:
        from dask import config

        if self._plan.status in ("error", "cancelled", "lost"):  # blamed for the death of workers too
            self.share(self._given)
        # a batch of reads is some megabytes, and is meant: few are under way
        with config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"}):
            future = self._client.submit(
                run_tile, __version__, self._limits, self._function, self._plan, tile.value,
                key=f"{self._run}-{number}-{alone}", priority=-number,
            )  # fmt: skip
        self._held[number], self.alone = (tile, alone, future), alone > 0
        # fetched in Dask's thread of callbacks: a result that dies with its worker on the way is computed again, and
        # meanwhile there must be progress, cancel and a count of the workers
        future.add_done_callback(lambda done: self.finished.put((number, _outcome(done))))

    def take(self, number: int) -> tuple[Tile[Any], int]:
        tile, alone, _ = self._held.pop(number)
        self.alone = False
        return tile, alone

    def forget(self) -> None:
        """What has not begun is not begun any more; what has begun ends unheard."""
        if self._held and self._client.status == "running":
            self._client.cancel([future for *_, future in self._held.values()], force=True)
        self._held.clear()


class Ready:
    """Results that wait until it is their turn."""

    def __init__(self) -> None:
        self._held: dict[int, Any] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._held)

    def put(self, number: int, found: Any) -> None:
        self._held[number] = found

    def take(self) -> Any:
        found = self._held.pop(self._next, None)
        self._next += found is not None
        return found


def run_tile(version: str, limits: io.Limits, function: Callable[[Any, Any], Any], plan: Any, value: Any) -> Any:
    """What a worker does, within what the call was allowed."""
    if version != __version__:
        fix = "Install one version on all machines."
        raise InputError("run_tile", "genolab", f"version {version}, as the client has", __version__, fix)
    from distributed import get_worker

    from genolab.kernel.threads import allow

    allow(get_worker().state.nthreads)  # else every worker of a machine would use all of it
    _reuse_memory()
    with limits.held():
        return function(plan, value)


@cache
def _reuse_memory() -> None:
    """Have the memory of an array that is gone used again.

    Dask starts workers with ``MALLOC_TRIM_THRESHOLD_``. With it glibc asks the system for each array above 128 kB,
    which clears it page by page: intermediate results of NumPy take twice the time. Left alone, it goes to 32 MiB.
    """
    if sys.platform == "linux" and "MALLOC_TRIM_THRESHOLD_" in os.environ:
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
        if mallopt is not None:
            mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD


def _given(plan: P) -> P:
    return plan


def _outcome(future: Any) -> Callable[[], Any]:
    """Waits for a result; what it gives returns or raises it."""
    try:
        found = future.result()
    except BaseException as error:  # an interrupt in a worker too, or nobody would hear of it
        return partial(_raised, error)
    return lambda: found


def _raised(error: BaseException) -> Any:
    raise error

"""Tiles on a Dask cluster: handed out, taken back in order, kept, and named where they cannot be done.

Who computes what, what becomes of the tasks of a lost worker, and how machines are started and stopped is left to
dask.distributed and to the user's own client (`LocalCluster`, dask-jobqueue, dask-kubernetes, ...). What is here is
the order of the results, the number of tiles under way, progress, cancel, and tiles that nobody can do.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import Empty
from typing import TYPE_CHECKING, Any, TypeVar

from genolab.errors import Cancelled, ClusterLost, GenolabError, IncompleteError, InputError
from genolab.scale.jobs import duration
from genolab.scale.under_way import Ready, Sent, Tile

if TYPE_CHECKING:
    from genolab.io import KeptTiles

P = TypeVar("P")
V = TypeVar("V")
Tell = Callable[[float, str], None]

AHEAD = 3
"""Tiles under way for every thread of the cluster: handed out, or done and waiting for their turn."""

TRIES_ALONE = 3
"""Times that a tile is tried with nothing beside it whose workers died, each until Dask gives it up (four deaths), or
that was cancelled from elsewhere."""

HOPELESS = 10
"""Tiles that fail before any is done; then the work is at fault, and not a tile."""

WAIT, PATIENCE = "genolab.wait-for-workers", "10 minutes"
"""Dask's setting of how long a call stays without any worker before it ends with ``ClusterLost``, and its default. A
queue of a batch system may need more: ``dask.config.set({"genolab.wait-for-workers": "3 hours"})``."""

_POLL = 0.2  # seconds between two looks at a cancel
_COUNT = 5.0  # seconds between two counts of the workers


class Cluster:
    """A work on the user's own ``distributed.Client``.

    Parameters
    ----------
    client
        Connected; its workers see the same files under the same paths, and have the same version of genolab.
    who, doing
        What is being done, for errors and the names of tasks (``call_variants``) and for the progress (``calling``).
    progress
        Called with the share that is done and a text; what it raises cancels the tasks.
    kept
        Where finished tiles are kept; the function's results must then be bytes.

    Attributes
    ----------
    missing
        Name and error of each tile that could not be done.
    """

    def __init__(
        self, client: Any, who: str, doing: str, progress: Tell | None = None, kept: KeptTiles | None = None
    ) -> None:
        self._client, self._who, self._doing = _checked(client, who), who, doing
        self._progress, self.kept = progress, kept
        self.missing: list[tuple[str, BaseException]] = []
        self._done, self._tiles, self._succeeded, self._text = 0.0, 0, 0, ""
        self._threads, self._workers, self._counted = 0, 0, float("-inf")
        self._seen = time.monotonic()  # the last moment with a worker

    def map(self, function: Callable[[P, V], Any], plan: P, tiles: Iterable[Tile[V]]) -> Iterator[tuple[Tile[V], Any]]:
        """Each tile with ``function(plan, tile.value)``, in the order of the tiles; those that fail are left out.

        The function belongs to a module, and what it draws depends on its arguments alone. ``plan`` is what all tiles
        share; it goes to the cluster once, as a task, which Dask runs again where its result was lost. Tiles are asked
        for as places become free. A worker that dies costs the tiles it had begun, which others do again.

        Raises
        ------
        GenolabError
            What the tiles raise, where none of the first is done.
        ClusterLost
            If the scheduler is gone, or no worker was there for as long as Dask's setting ``genolab.wait-for-workers``
            says (10 minutes).
        """
        run = f"{self._who}-{uuid.uuid4().hex[:8]}"
        source, sent, ready = enumerate(tiles), Sent(self._client, run, function), Ready()
        sent.share(plan)
        more = True
        try:
            while True:
                if sent.suspects and not len(sent):  # with nothing beside it, so that it alone is to blame
                    sent.hand_out(*sent.suspects.pop(0))
                while more and not sent.alone and not sent.suspects and len(sent) + len(ready) < self._room():
                    number, tile = next(source, (-1, None))
                    if tile is None:
                        more = False
                        break
                    self._tiles += 1
                    held = self.kept.get(tile.name) if self.kept is not None else None
                    if held is None:
                        sent.hand_out(number, tile)
                    else:
                        self._finish(ready, number, tile, held)
                if (following := ready.take()) is not None:
                    if following[1] is not _FAILED:
                        yield following
                    continue
                if not more and not len(sent) and not sent.suspects:
                    break
                self._collect(sent, ready)
        finally:
            sent.forget()
        self._refuse_hopeless(all_seen=True)

    def check_complete(self, result: Any) -> None:
        """Raise ``IncompleteError`` with this result where tiles are missing; else take the kept tiles away."""
        if self.missing:
            fix = "Correct the cause and call again."
            if self.kept is not None:
                fix += f" Only what is missing is done then: the rest is kept in {self.kept.folder.name}."
            raise IncompleteError(self._who, self.missing, self._tiles, result, fix)
        if self.kept is not None:
            self.kept.remove()

    @contextmanager
    def working(self) -> Iterator[Cluster]:
        """Around a work: a cancel leaves nothing behind; what else ends it leaves the kept tiles for the next try."""
        try:
            yield self
        except (Cancelled, KeyboardInterrupt):
            if self.kept is not None:
                self.kept.remove()
            raise

    def _collect(self, sent: Sent, ready: Ready) -> None:
        """Wait for one tile, telling the progress meanwhile; it is cancelled by what that raises."""
        self._tell()
        self._count()  # here too, for when the last worker is gone nothing else happens
        if self._client.status not in ("running", "connecting"):
            raise self._lost()
        try:
            number, result = sent.finished.get(timeout=_POLL)
        except Empty:
            return
        from distributed import CancelledError, KilledWorker

        tile, tries = sent.take(number)
        try:
            found = result()
        except (CancelledError, KilledWorker) as error:
            cancelled = isinstance(error, CancelledError)
            if cancelled and self._client.status != "running":
                raise self._lost() from None
            # Dask blames everything that a dead worker had before it, so the guilty take their neighbours with them
            if tries < TRIES_ALONE:
                sent.suspects.insert(0, (number, tile, tries + 1))
                return
            died = "every worker that began it died; their logs may say of what"
            said = "it was cancelled each time, and not from here" if cancelled else died
            self._fail(ready, number, tile, GenolabError(f"{tile.name}: {said}."))
        except Exception as error:
            self._fail(ready, number, tile, error)
        else:
            if self.kept is not None:
                self.kept.put(tile.name, found)
            self._finish(ready, number, tile, found)

    def _fail(self, ready: Ready, number: int, tile: Tile[Any], error: Exception) -> None:
        self.missing.append((tile.name, error))
        self._refuse_hopeless()
        ready.put(number, (tile, _FAILED))
        self._count_in(tile)

    def _finish(self, ready: Ready, number: int, tile: Tile[Any], found: Any) -> None:
        self._succeeded += 1
        ready.put(number, (tile, found))
        self._count_in(tile)

    def _count_in(self, tile: Tile[Any]) -> None:
        self._done += tile.share
        self._tell(tile.name)

    def _refuse_hopeless(self, all_seen: bool = False) -> None:
        if self.missing and not self._succeeded and (all_seen or len(self.missing) >= HOPELESS):
            if self.kept is not None:
                self.kept.remove()
            raise self.missing[0][1]

    def _tell(self, text: str = "") -> None:
        self._text = text or self._text
        if self._progress is not None:
            if self._workers or self._counted < 0:
                on = f"on {self._workers} worker{'s' * (self._workers != 1)}"
            else:
                on = f"(no worker for {duration(time.monotonic() - self._seen)}; ends after {duration(_patience())})"
            self._progress(min(self._done, 1.0), " ".join(filter(None, (self._doing, self._text, on))))

    def _room(self) -> int:
        self._count()
        return AHEAD * max(self._threads, 1)

    def _count(self) -> None:
        now = time.monotonic()
        if now - self._counted > _COUNT:
            try:
                threads = self._client.nthreads()
            except (OSError, TimeoutError):
                raise self._lost() from None
            self._threads, self._workers, self._counted = sum(threads.values()), len(threads), now
            if threads:
                self._seen = now
            elif now - self._seen > _patience():
                raise self._lost(
                    f"no worker for {duration(_patience())}. Start some (`cluster.scale(n)`: Dask closes for good what "
                    f"is away after `distributed.deploy.lost-worker-timeout`), or set Dask's `{WAIT}`, and call again"
                )

    def _lost(self, why: str = "the scheduler is gone. Start a cluster and call again with its client") -> ClusterLost:
        said = f"{self._who}: {why}"
        kept = f"; {len(self.kept):,} finished tiles are kept." if self.kept is not None else "."
        return ClusterLost(said + kept)


_FAILED = object()


def _checked(client: Any, who: str) -> Any:
    Client = _client_class(who)
    if not isinstance(client, Client) or client.asynchronous:
        raise InputError(who, "client", "a distributed.Client (not asynchronous)", type(client).__name__)
    if client.status != "running":
        raise ClusterLost(f"{who}: the client is {client.status}, not connected to a scheduler. Connect a new one.")
    return client


def _client_class(who: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        fix = 'Install it with `pip install "genolab[distributed]"`.'
        raise InputError(who, "client", "a client of dask.distributed", "no such library", fix) from None
    return Client


@contextmanager
def connected(address: str, who: str) -> Iterator[Any]:
    """A client of the scheduler at an address, such as ``tls://10.0.0.1:8786``, closed at the end.

    Certificates are those of Dask's own configuration.

    Raises
    ------
    InputError, ClusterLost
        If distributed is not installed, or no scheduler answers there.
    """
    Client = _client_class(who)
    try:
        client = Client(address, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
        raise ClusterLost(f"{who}: no scheduler of Dask answers at {address} ({error}).") from None
    with client:
        yield client


def _patience() -> float:
    from dask import config, utils

    return float(utils.parse_timedelta(config.get(WAIT, PATIENCE)))

"""Background jobs: one thread, progress, cancel, and a refusal that is kept. No interface lives here.

A job's function takes a :class:`Progress` and calls it as it goes; that call is also where a cancel takes effect::

    def work(progress):
        for done, tile in enumerate(tiles):
            progress(done / len(tiles), "calling")
            ...
        return result

    job = Job(work, on_change=show).start()
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Generic, TypeVar

from genolab.errors import Cancelled, InputError

T = TypeVar("T")
Dispatch = Callable[[Callable[[], None]], object]

REDRAW_SECONDS = 0.05  # progress is reported at most this often; a change of state is always reported
_log = logging.getLogger("genolab")


class State(StrEnum):
    """What a job is doing. Compiling is not running: it happens once and says nothing about the data."""

    IDLE = "idle"
    QUEUED = "queued"
    COMPILING = "compiling"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self in (State.DONE, State.REFUSED, State.CANCELLED)


class Progress:
    """What a job's function calls to say how far it is; once the job is cancelled, the call raises ``Cancelled``."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, fraction: float | None = None, text: str = "") -> None:
        """Report the fraction done (0 to 1, None = unknown) and what is being done."""
        self._job._report(State.RUNNING, fraction, text)

    def compiling(self, text: str = "") -> None:
        """Report that a kernel is being compiled, until the next call of the progress itself."""
        self._job._report(State.COMPILING, None, text)

    @property
    def cancelled(self) -> bool:
        """Whether a cancel was asked for, to ask without raising."""
        return self._job._cancel.is_set()


class Job(Generic[T]):
    """One function in a background thread.

    Parameters
    ----------
    function
        Called once with a :class:`Progress`; its value becomes :meth:`result`, its exception the refusal in ``error``.
    name
        What the job is, for its thread and its status line.
    on_change
        Called with the job when its state or progress changes: in the worker's thread, or through ``dispatch``.
    dispatch
        Hands a callback to another thread, such as ``loop.call_soon_threadsafe``.
    clock
        Seconds that only grow.
    """

    def __init__(
        self,
        function: Callable[[Progress], T],
        *,
        name: str = "job",
        on_change: Callable[[Job], None] | None = None,
        dispatch: Dispatch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.state = State.IDLE
        self.fraction: float | None = None
        self.text = ""
        self.error: BaseException | None = None
        self.superseded = False
        self._function = function
        self._on_change, self._dispatch, self._clock = on_change, dispatch, clock
        self._cancel, self._finished = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._value: T | None = None
        self._reported = float("-inf")
        self._running_since: float | None = None
        self._started: float | None = None
        self._ended: float | None = None

    def start(self) -> Job[T]:
        """Run in a thread of its own and return at once; a job starts only once."""
        self._queue()
        threading.Thread(target=self._run, name=f"genolab {self.name}", daemon=True).start()
        return self

    def cancel(self) -> None:
        """Ask the job to stop: at once if it waits, else when its function next reports progress."""
        self._cancel.set()
        with self._lock:
            waits = self.state in (State.IDLE, State.QUEUED)
            if waits:
                self.state, self._ended = State.CANCELLED, self._clock()
        if waits:
            self._end()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job has ended; False when ``timeout`` seconds passed before."""
        return self._finished.wait(timeout)

    def result(self, timeout: float | None = None) -> T:
        """Wait for the job and return what its function returned, or raise what it raised."""
        if not self.wait(timeout):
            raise TimeoutError(f"{self.name}: still {self.state} after {timeout:g} s")
        if self.error is not None:
            raise self.error
        if self.state is State.CANCELLED:
            raise Cancelled(f"{self.name}: cancelled.")
        return self._value  # type: ignore[return-value]  # done: the function's own value, None included

    @property
    def elapsed(self) -> float:
        """Seconds since the function began, until it ended."""
        if self._started is None:
            return 0.0
        return (self._clock() if self._ended is None else self._ended) - self._started

    @property
    def time_left(self) -> float | None:
        """Seconds left if the rest goes as fast as what is done, without compiling; None while that is a guess."""
        if self.state is not State.RUNNING or self._running_since is None or not self.fraction:
            return None
        running = self._clock() - self._running_since
        if running < 0.5 or self.fraction < 0.02:
            return None
        return running * (1 - self.fraction) / self.fraction

    def __str__(self) -> str:
        """The status line: ``running 43 % (12 s left)``."""
        if self.state is State.RUNNING:
            percent = "" if self.fraction is None else f" {100 * self.fraction:.0f} %"
            left = "" if self.time_left is None else f" ({duration(self.time_left)} left)"
            return f"{self.text or 'running'}{percent}{left}"
        if self.state is State.COMPILING:
            return f"compiling {self.text}".rstrip()
        if self.state is State.DONE:
            return f"done in {duration(self.elapsed)}"
        if self.state is State.REFUSED:
            return str(self.error)
        return str(self.state)

    def _queue(self) -> None:
        with self._lock:
            if self.state is not State.IDLE:
                fix = "Make a new Job to run it again."
                raise InputError("Job.start", "state", "idle: a job starts once", str(self.state), fix)
            self.state = State.QUEUED
        self._notify()

    def _run(self) -> None:
        with self._lock:
            if self.state is not State.QUEUED:  # cancelled while it waited
                return
            self.state = State.RUNNING
            self._started = self._running_since = self._clock()
        self._notify()
        state = State.DONE
        try:
            with _compiles_shown(self):
                self._value = self._function(Progress(self))
        except Cancelled:
            state = State.CANCELLED
        except BaseException as error:  # SystemExit too: it would end the thread without a word
            self.error, state = error, State.REFUSED
        with self._lock:
            self.state, self._ended = state, self._clock()
            if state is State.DONE:
                self.fraction = 1.0
        self._end()

    def _end(self) -> None:
        self._finished.set()
        self._notify()

    def _report(self, state: State, fraction: float | None, text: str) -> None:
        if self._cancel.is_set():
            raise Cancelled(f"{self.name}: cancelled.")
        if fraction is not None and not 0 <= fraction <= 1:
            raise InputError("Progress", "fraction", "between 0 and 1", f"{fraction:g}")
        self._show(state, fraction, text)

    def _show(self, state: State, fraction: float | None, text: str) -> None:
        now = self._clock()
        with self._lock:
            changed = state is not self.state
            if changed and state is State.RUNNING and not self.fraction:
                self._running_since = now  # the time left speaks of the data, not of the compiler
            self.state, self.text = state, text
            if state is State.RUNNING:
                self.fraction = fraction
            due = changed or now - self._reported >= REDRAW_SECONDS
            if due:
                self._reported = now
        if due:
            self._notify()

    def _notify(self) -> None:
        if self._on_change is None:
            return
        if self._dispatch is None:
            self._call()
        else:
            self._dispatch(self._call)

    def _call(self) -> None:
        try:
            assert self._on_change is not None
            self._on_change(self)
        except Exception:  # a broken display must not stop the work
            _log.exception("%s: the display of its progress failed", self.name)


class Latest:
    """Runs one job at a time; a new request replaces the one that waits and, if asked, cancels the one that runs.

    Parameters
    ----------
    on_change
        Called with the job that changed; ``job.superseded`` tells whether a newer one was asked for.
    debounce
        Seconds of quiet before a request starts, so that a dragged slider asks once.
    dispatch, clock
        As for :class:`Job`.
    """

    def __init__(
        self,
        on_change: Callable[[Job], None] | None = None,
        *,
        debounce: float = 0.0,
        dispatch: Dispatch | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_change, self._debounce, self._dispatch, self._clock = on_change, debounce, dispatch, clock
        self._changed = threading.Condition()
        self._due = 0.0
        self._waiting: Job | None = None
        self._running: Job | None = None
        self._worker: threading.Thread | None = None

    def submit(self, function: Callable[[Progress], T], *, name: str = "job", cancel_running: bool = True) -> Job[T]:
        """Ask for ``function``; what waited is cancelled, and what runs too unless ``cancel_running`` is False."""
        job: Job[T] = Job(function, name=name, on_change=self._on_change, dispatch=self._dispatch, clock=self._clock)
        job._queue()
        with self._changed:
            waited, self._waiting = self._waiting, job
            running = self._running
            self._due = self._clock() + self._debounce
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="genolab latest", daemon=True)
                self._worker.start()
            self._changed.notify_all()
        for old in (waited, running):
            if old is not None:
                old.superseded = True
        if waited is not None:
            waited.cancel()
        if running is not None and cancel_running:
            running.cancel()
        return job

    def flush(self) -> None:
        """Start what waits without the debounce, as when a slider is let go."""
        with self._changed:
            self._due = self._clock()
            self._changed.notify_all()

    def cancel(self) -> None:
        """Cancel what waits and what runs."""
        with self._changed:
            jobs, self._waiting = (self._waiting, self._running), None
            self._changed.notify_all()
        for job in jobs:
            if job is not None:
                job.cancel()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing waits or runs; False when ``timeout`` seconds passed before."""
        with self._changed:
            return self._changed.wait_for(lambda: self._worker is None, timeout)

    @property
    def current(self) -> Job | None:
        """The newest request that has not ended."""
        return self._waiting or self._running

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._waiting is not None and (rest := self._due - self._clock()) > 0:
                    self._changed.wait(rest)
                if self._waiting is None:  # nothing left: the next request starts a new thread
                    self._worker = None
                    self._changed.notify_all()
                    return
                job, self._waiting = self._waiting, None
                self._running = job
            job._run()
            with self._changed:
                self._running = None


@contextmanager
def _compiles_shown(job: Job) -> Iterator[None]:
    """Inside, a kernel that compiles in this thread turns the job to "compiling" and back."""
    from genolab.kernel.events import CompileEvent, on_compile

    thread = threading.get_ident()

    def show(event: CompileEvent) -> None:
        if threading.get_ident() != thread:
            return
        if event.state == "compiling":
            job._show(State.COMPILING, job.fraction, event.kernel)
        else:
            job._show(State.RUNNING, job.fraction, "")

    unsubscribe = on_compile(show)
    try:
        yield
    finally:
        unsubscribe()


def duration(seconds: float) -> str:
    """``0.42 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"

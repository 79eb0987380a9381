"""What the drawer lists: the jobs of all panels with their logs, and warnings that nobody else would show."""

from __future__ import annotations

import logging
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from genolab.panels.workbench import Drawer
from genolab.scale import Job, State
from genolab.scale.jobs import duration

KEPT_JOBS, KEPT_NOTICES, KEPT_LINES = 30, 100, 60
SHORTEST = 0.5
"""Seconds: a job that went well faster than this is not worth a line once it is done."""
_INTERVAL = 0.0005  # seconds
_TICK = 0.3  # seconds between two drawings while something runs
_YOUNG = 0.2  # seconds: a job that has just begun is not drawn yet; most of those that a slider starts end before


@dataclass
class _Line:
    """One job in the drawer."""

    number: int
    panel: str
    job: Job[Any]
    began: float
    log: list[tuple[str, str]] = field(default_factory=list)

    def note(self) -> None:
        """Keep what it says, if that is new."""
        said = str(self.job)
        words = self.job.text or said if self.job.state is State.RUNNING else said
        if words and (not self.log or self.log[-1][1] != words):
            self.log.append((duration(round(time.monotonic() - self.began, 1)), words))
            del self.log[:-KEPT_LINES]

    @property
    def young(self) -> bool:
        """Whether it runs and has only begun."""
        return not self.job.state.finished and time.monotonic() - self.began < _YOUNG

    def plain(self) -> dict[str, Any]:
        """For the browser."""
        job, left = self.job, self.job.time_left
        live = not job.state.finished
        return {
            "id": self.number, "panel": self.panel, "name": job.name, "state": str(job.state), "text": str(job),
            "fraction": job.fraction if live or job.state is State.DONE else None,
            "left": "" if left is None else duration(left), "elapsed": duration(job.elapsed), "live": live,
            "log": [list(line) for line in self.log],
        }  # fmt: skip


class Board:
    """Gathers jobs and notices from any thread and draws them a few times a second."""

    def __init__(self) -> None:
        self.drawer = Drawer(self._cancel, self._clear)
        self._lock = threading.RLock()
        self._lines: list[_Line] = []
        self._count = 0
        self._notices: list[dict[str, Any]] = []
        self._of_panel: dict[str, tuple[str, ...]] = {}
        self._timer: threading.Timer | None = None
        self._due: set[str] = set()
        self._interval: float | None = None
        CATCHER.add(self)

    # --- jobs

    def watcher(self, panel: str) -> Callable[[Job[Any]], None]:
        """A function that hears of the jobs of a panel."""
        return lambda job: self._heard(panel, job)

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """The jobs as they are listed, newest first."""
        with self._lock:
            return [line.plain() for line in reversed(self._lines)]

    def _heard(self, panel: str, job: Job[Any]) -> None:
        with self._lock:
            line = next((each for each in self._lines if each.job is job), None)
            if line is None:
                self._count += 1
                line = _Line(self._count, panel, job, time.monotonic())
                self._lines.append(line)
            line.note()
            quick = job.state is State.DONE and job.elapsed < SHORTEST
            if quick or (job.state is State.CANCELLED and job.superseded):
                self._lines.remove(line)
            self._hand_over_soon(any(not each.job.state.finished for each in self._lines))
            ended = [each for each in self._lines if each.job.state.finished]
            for old in ended[: max(len(ended) - KEPT_JOBS, 0)]:
                self._lines.remove(old)
        self._draw_soon("jobs")

    def _hand_over_soon(self, live: bool) -> None:
        """While a job runs, have it hand the interpreter to the page's messages every half millisecond, not every 5."""
        if live and self._interval is None:
            self._interval = sys.getswitchinterval()
            sys.setswitchinterval(_INTERVAL)
        elif not live and self._interval is not None:
            sys.setswitchinterval(self._interval)
            self._interval = None

    def _cancel(self, number: int) -> None:
        with self._lock:
            found = [line.job for line in self._lines if line.number == number]
        for job in found:
            job.cancel()

    # --- notices

    @property
    def notices(self) -> list[dict[str, Any]]:
        """The notices as they are listed, newest first."""
        with self._lock:
            return list(reversed(self._notices))

    def of_panel(self, panel: str, notices: Sequence[str]) -> None:
        """What a panel decided for the user; what it said before and no longer says is taken away."""
        with self._lock:
            before = self._of_panel.get(panel, ())
            self._of_panel[panel] = tuple(notices)
            gone = set(before) - set(notices)
            self._notices = [each for each in self._notices if not (each["source"] == panel and each["text"] in gone)]
            for text in notices:
                if text not in before:
                    self._notices.append(_notice(panel, text, "note"))
        self._draw_soon("notices")

    def add(self, source: str, text: str, level: str = "warning") -> None:
        """Add one; the same again is counted."""
        with self._lock:
            last = next((e for e in self._notices if (e["source"], e["text"]) == (source, text)), None)
            if last is not None:
                self._notices.remove(last)
            self._notices.append(_notice(source, text, level, 1 if last is None else last["count"] + 1))
            del self._notices[:-KEPT_NOTICES]
        self._draw_soon("notices")

    def _clear(self, what: str) -> None:
        with self._lock:
            if what == "jobs":
                self._lines = [each for each in self._lines if not each.job.state.finished]
            else:
                self._notices = []
        self._draw_soon(what)

    # --- drawing

    def _draw_soon(self, what: str) -> None:
        with self._lock:
            self._due.add(what)
            if self._timer is not None:
                return
            self._timer = threading.Timer(_TICK, self._draw)
            self._timer.daemon = True
            self._timer.start()

    def _draw(self) -> None:
        with self._lock:
            due, self._due, self._timer = self._due, set(), None
            shown = [line.plain() for line in reversed(self._lines) if not line.young]
            jobs = shown if "jobs" in due else None
            notices = self.notices if "notices" in due else None
            live = any(not each.job.state.finished for each in self._lines)
        self.drawer.show(jobs, notices)
        if live:  # the time goes on while a job says nothing
            self._draw_soon("jobs")


class _Catcher(logging.Handler):
    """Takes what libraries say while a job of a panel runs; what other threads say goes where it went before."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._boards: weakref.WeakSet[Board] = weakref.WeakSet()

    def add(self, board: Board) -> None:
        """Tell another board too."""
        self._boards.add(board)
        if warnings.showwarning is not self._warned:
            self._before, warnings.showwarning = warnings.showwarning, self._warned  # type: ignore[assignment]
        if self not in logging.getLogger().handlers:
            logging.getLogger().addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Show a log record of a job, or of genolab itself."""
        if (record.name.partition(".")[0] == "genolab" or _in_a_job()) and self._boards:
            level = "error" if record.levelno >= logging.ERROR else "warning"
            said = record.getMessage()
            if record.exc_info and record.exc_info[1] is not None:
                said = f"{said}: {type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
            self._tell(record.name, said, level)
        elif logging.getLogger().handlers == [self] and logging.lastResort is not None:
            logging.lastResort.handle(record)  # as if this handler was not there

    def _warned(self, message: Any, category: type[Warning], filename: str, lineno: int, *rest: Any) -> None:
        if _in_a_job() and self._boards:
            parts = filename.replace("\\", "/").split("/")
            source = parts[parts.index("site-packages") + 1] if "site-packages" in parts[:-1] else "genolab"
            self._tell(source, f"{category.__name__}: {message}", "warning")
        else:
            self._before(message, category, filename, lineno, *rest)

    def _tell(self, source: str, text: str, level: str) -> None:
        for board in list(self._boards):
            board.add(source, text[:2_000], level)


CATCHER = _Catcher()


def _in_a_job() -> bool:
    return threading.current_thread().name.startswith("genolab ")


def _notice(source: str, text: str, level: str, count: int = 1) -> dict[str, Any]:
    return {"source": source, "text": text, "level": level, "count": count, "when": time.strftime("%H:%M")}

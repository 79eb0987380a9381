"""Loops that a first answer did without, compiled behind it while nobody waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from genolab.kernel.at_once import Behind
from genolab.scale import Job, Latest, Progress

if TYPE_CHECKING:
    from genolab.panels.parts import StatusBar

PAUSE = 0.2  # seconds between two looks whether a person waits: compiling takes half of Python from a click


class Compiling:
    """One thread for a panel; the drawer shows what it compiles. ``busy`` says whether the panel works for a person."""

    def __init__(self, bar: StatusBar, busy: Callable[[], bool]) -> None:
        self._bar, self._busy, self._behind = bar, busy, Behind()
        self._work = Latest(self._changed)

    def add(self, behind: Behind) -> None:
        """Compile what a first answer left."""
        if len(behind):
            self._behind.take(behind)
            self._work.submit(self._compile, name="compiling", cancel_running=False)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being compiled; False when `timeout` seconds passed before."""
        return self._work.wait(timeout)

    def _changed(self, job: Job[Any]) -> None:
        for watch in self._bar.watchers:
            watch(job)

    def _compile(self, progress: Progress) -> None:
        for name in self._behind.compile():
            progress.compiling(name)
            while self._busy() and not progress.cancelled:
                time.sleep(PAUSE)

"""The kernels of an open tab are compiled in the background, while nobody waits for a panel, and the drawer says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from genolab import kernels as kernels_of
from genolab.scale import Job, Latest, Progress

SUBJECTS = {"Prepare": "prepare", "Align": "align", "Call": "call", "Predict": "predict"}
PATIENCE = 120.0  # seconds that a panel may take for its first answer before its kernels are compiled beside it
REST = 3.0  # seconds without work in any panel before the next kernel: compiling takes half of Python from a click


class Warming:
    """One thread that compiles for one tab after another; what is compiled already costs nothing.

    ``busy`` says whether a person waits for a panel: the next kernel waits then too.
    """

    def __init__(self, on_change: Callable[[Job[Any]], None], busy: Callable[[], bool] = lambda: False) -> None:
        self._work, self._busy = Latest(on_change), busy
        self._asked: list[str] = []

    def begin(self, tab: str, panel: Any) -> None:
        """Compile what a tab needs after its panel's first answer; the second time nothing is left to do."""
        if tab not in SUBJECTS or tab in self._asked:
            return
        self._asked.append(tab)
        waiting = tuple(self._asked)

        def work(progress: Progress) -> None:
            panel.wait(PATIENCE)
            for each in waiting:  # one that was not finished before this tab was opened is finished now
                self._compile(each, progress)

        self._work.submit(work, name=f"warming up {tab}", cancel_running=False)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being compiled; False when `timeout` seconds passed before."""
        return self._work.wait(timeout)

    def _rest(self, progress: Progress) -> None:
        """Wait until no panel has worked for a while."""
        worked = began = time.monotonic()
        while not progress.cancelled and (now := time.monotonic()) - worked < REST and now - began < PATIENCE:
            if self._busy():
                worked = now
            time.sleep(0.05)

    def _compile(self, tab: str, progress: Progress) -> None:
        self._rest(progress)
        kernels = kernels_of(SUBJECTS[tab])
        for number, kernel in enumerate(kernels):
            if self._busy():
                self._rest(progress)
            progress.compiling(f"{kernel.name}, {number + 1} of {len(kernels)} kernels of {tab}")
            if progress.cancelled:
                break
            kernel(*kernel.example())
        progress(1.0, f"the {len(kernels)} kernels of {tab} are ready")

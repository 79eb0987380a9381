"""While nobody waits for a panel, in the background: other tabs are loaded, the open tab's kernels compiled."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from genolab import kernels as kernels_of
from genolab.scale import Job, Latest, Progress

SUBJECTS = {"Prepare": "prepare", "Align": "align", "Call": "call", "Predict": "predict"}
PATIENCE = 120.0  # seconds that a panel may take for its first answer before its kernels are compiled beside it
PAUSE = 0.1  # seconds without work in any panel before the next module is loaded: each takes a part of a second
REST = 3.0  # seconds without work in any panel before the next kernel: compiling takes half of Python from a click


class Warming:
    """One thread that compiles for one tab after another; what is compiled already costs nothing.

    ``busy`` says whether a person waits for a panel: the next kernel waits then too. ``ahead`` names the class of each
    tab's panel; its module is loaded, and its ``get_ready`` does what else a first click would wait for.
    """

    def __init__(
        self,
        on_change: Callable[[Job[Any]], None],
        busy: Callable[[], bool] = lambda: False,
        ahead: Mapping[str, str] | None = None,
    ) -> None:
        self._work, self._busy, self._ahead = Latest(on_change), busy, dict(ahead or {})
        self._asked: list[str] = []

    def begin(self, tab: str, panel: Any) -> None:
        """Compile what a tab needs after its panel's first answer; the second time nothing is left to do."""
        if tab not in SUBJECTS or tab in self._asked:
            return
        self._asked.append(tab)
        waiting = tuple(self._asked)

        def work(progress: Progress) -> None:
            panel.wait(PATIENCE)
            self._load(progress)
            for each in waiting:  # one that was not finished before this tab was opened is finished now
                self._compile(each, progress)

        self._work.submit(work, name="warming up", cancel_running=False)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being compiled; False when `timeout` seconds passed before."""
        return self._work.wait(timeout)

    def _load(self, progress: Progress) -> None:
        """Load every other tab's panel, in parts between which a click is heard."""
        pause = PAUSE
        while self._ahead and not progress.cancelled:
            tab, place = next(iter(self._ahead.items()))
            module, _, name = place.rpartition(".")
            self._rest(progress, pause)
            progress(None, f"loading {tab}")
            panel = getattr(import_module(module), name)
            self._rest(progress, PAUSE)
            getattr(panel, "get_ready", lambda: None)()
            del self._ahead[tab]
            pause = REST

    def _rest(self, progress: Progress, rest: float) -> None:
        """Wait until no panel has worked for so many seconds."""
        worked = began = time.monotonic()
        while not progress.cancelled and (now := time.monotonic()) - worked < rest and now - began < PATIENCE:
            if self._busy():
                worked = now
            time.sleep(0.05)

    def _compile(self, tab: str, progress: Progress) -> None:
        self._rest(progress, REST)
        kernels = kernels_of(SUBJECTS[tab])
        for number, kernel in enumerate(kernels):
            if self._busy():
                self._rest(progress, REST)
            progress.compiling(f"{kernel.name}, {number + 1} of {len(kernels)} kernels of {tab}")
            if progress.cancelled:
                break
            kernel(*kernel.example())
        progress(1.0, f"the {len(kernels)} kernels of {tab} are ready")

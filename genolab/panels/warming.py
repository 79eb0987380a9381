"""The kernels of an open tab are compiled in the background, once its panel has answered, and the drawer says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genolab import kernels as kernels_of
from genolab.scale import Job, Latest, Progress

SUBJECTS = {"Prepare": "prepare", "Align": "align", "Call": "call", "Predict": "predict"}
PATIENCE = 120.0  # seconds that a panel may take for its first answer before its kernels are compiled beside it


class Warming:
    """One thread that compiles for one tab after another; what is compiled already costs nothing."""

    def __init__(self, on_change: Callable[[Job[Any]], None]) -> None:
        self._work = Latest(on_change)
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

    @staticmethod
    def _compile(tab: str, progress: Progress) -> None:
        kernels = kernels_of(SUBJECTS[tab])
        for number, kernel in enumerate(kernels):
            progress.compiling(f"{kernel.name}, {number + 1} of {len(kernels)} kernels of {tab}")
            if progress.cancelled:
                break
            kernel(*kernel.example())
        progress(1.0, f"the {len(kernels)} kernels of {tab} are ready")

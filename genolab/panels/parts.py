"""What every panel is made of: buttons, the status line, a refusal above the plot, and how jobs reach them."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from genolab import io
from genolab.errors import FileError, GenolabError, InputError, MissingIndexError, TooLargeError
from genolab.panels.page import Says
from genolab.scale import Job, State
from genolab.text import plain

log = logging.getLogger("genolab")
_SOON = 0.15  # seconds that a job may run before the status line says so
_BYTES_PER_SECOND = 60e6  # that an index is built at, on a small machine


def button(text: str, tooltip: str, act: Callable[[], None]) -> ipywidgets.Button:
    """A button that calls `act`."""
    made = ipywidgets.Button(description=text, tooltip=tooltip)
    made.on_click(lambda _: act())
    return made


def open_graph(panel: Any, kernel: Any) -> None:
    """Show a kernel, or the one of that name, in the lab's graph view; below the panel where there is no lab.

    It is measured with what the panel's ``arguments(name)`` are: those that made what is on screen.
    """
    if panel.on_graph is not None:
        panel.on_graph(kernel)
    elif panel._graph is None:
        from genolab.panels.graph import GraphPanel

        panel._graph = GraphPanel(kernel, panel.arguments)
        panel.body.children = (*panel.body.children, panel._graph)
    elif isinstance(kernel, str):
        panel._graph.chooser.value = kernel
    else:
        panel._graph.show(kernel)


def choices(names: Sequence[str]) -> list[tuple[str, str]]:
    """What a list offers for names from a file: each as plain text, and itself as what is chosen."""
    return [(plain(name), name) for name in names]


class StatusBar(ipywidgets.HBox):
    """What is going on, always at the same place: state, progress, cancel, notices, and what computes."""

    def __init__(self, on_cancel: Callable[[], None]) -> None:
        self.state = Says("idle")
        self.state.add_class("genolab-state")
        self.progress = ipywidgets.FloatProgress(0.0, min=0.0, max=1.0)
        self.stop = ipywidgets.Button(description="Cancel", tooltip="stop the work; nothing is lost")
        self.notices = Says("", "soft")
        self.notices.add_class("genolab-notices")
        self.engine = Says("", "soft")
        self.engine.add_class("genolab-right")
        self.watchers: list[Callable[[Job[Any]], None]] = []
        """Called with every job of the panel when it changes: the lab lists them."""
        self.on_note: Callable[[tuple[str, ...]], None] | None = None
        self.stop.on_click(lambda _: on_cancel())
        super().__init__([self.state, self.progress, self.stop, self.notices, self.engine])
        self.add_class("genolab-bar")
        self.show_progress(None)

    def show_progress(self, fraction: float | None, running: bool = False) -> None:
        """Show the bar and the button while something runs; their room is kept otherwise."""
        visible = "visible" if running else "hidden"
        self.progress.value = fraction or 0.0
        for each in (self.progress, self.stop):
            if each.layout.visibility != visible:
                each.layout.visibility = visible

    def note(self, notices: tuple[str, ...]) -> None:
        """List what was decided for the user."""
        self.notices.say("", "soft", notices, f"notices ({len(notices)})")
        if self.on_note is not None:
            self.on_note(notices)


def slider(name: str, value: int, low: int, high: int, step: int, about: str) -> ipywidgets.IntSlider:
    """A slider of whole numbers that takes what its row leaves."""
    return ipywidgets.IntSlider(
        value=value, min=low, max=high, step=step, description=name, tooltip=about,
        style={"description_width": "64px"}, layout=ipywidgets.Layout(width="auto", flex="1 1 auto", min_width="0"),
    )  # fmt: skip


class Listener:
    """Hears of the jobs of a panel's queues and says so: state and progress in the bar, a refusal above the plot.

    `on_refused` gets what a job raised; `on_done` a job that ended well. A job that a newer one replaced says nothing.
    """

    def __init__(
        self,
        bar: StatusBar,
        on_refused: Callable[[BaseException | None], None],
        on_done: Callable[[Job[Any]], None] = lambda _job: None,
    ) -> None:
        self.bar, self.on_refused, self.on_done = bar, on_refused, on_done

    def __call__(self, job: Job[Any]) -> None:
        """Most jobs are done before an eye could read that they run, so what runs is shown a little later."""
        for watch in self.bar.watchers:
            watch(job)
        if job.state.finished or job.elapsed > _SOON:
            self._tell(job)
        elif job.state is State.QUEUED:
            timer = threading.Timer(_SOON, lambda: None if job.state.finished else self._tell(job))
            timer.daemon = True
            timer.start()

    def _tell(self, job: Job[Any]) -> None:
        if job.superseded:
            return
        if job.state is State.REFUSED:
            self.bar.state.say("refused")
            self.on_refused(job.error)
        elif job.state is State.CANCELLED:
            self.bar.state.say("cancelled; what is on screen stays")
        else:
            if job.state is State.DONE:
                self.on_done(job)
            self.bar.state.say(str(job))
        self.bar.show_progress(job.fraction, not job.state.finished)


class Refusal(ipywidgets.HBox):
    """One sentence above the plot, what to do, and the details folded; gone when it no longer holds."""

    def __init__(self, on_build: Callable[[str], None] | None = None) -> None:
        self.words = Says(tone="error")
        self.build = ipywidgets.Button(description="Build it", button_style="warning")
        self.anyway = button("Read it anyway", "however large it is; it may take all memory", self._read_anyway)
        self.anyway.button_style = "warning"
        self.again: Callable[[], None] | None = None
        """Reads once more what was refused: of panels that read files."""
        self.close_button = ipywidgets.Button(description="×", tooltip="close")
        super().__init__([self.words, self.build, self.anyway, self.close_button])
        self.add_class("genolab-refusal")
        self.path = self.large = ""
        self.build.on_click(lambda _: None if on_build is None else on_build(self.path))
        self.close_button.on_click(lambda _: self.clear())
        self.clear()

    def show(self, error: BaseException | None, still: str = "") -> None:
        """Say what was refused; `still` names what is on screen meanwhile."""
        if error is None:
            return
        if not isinstance(error, GenolabError | OSError):
            log.error("a panel failed", exc_info=error)
        details = []
        if isinstance(error, FileError):
            details = [f"{name}: {value}" for name, value in error.to_dict().items()]
        if still:
            details.append(f"still shown: {still}")
        said = str(error) or type(error).__name__
        if isinstance(error, InputError):  # who refused is plain here
            said = said.removeprefix(f"{error.who}: ")
        elif not isinstance(error, GenolabError | OSError):
            said = f"genolab failed ({type(error).__name__}): {said}. Please report it."
        self.words.say(said, "error", details)
        missing = isinstance(error, MissingIndexError)
        large = isinstance(error, TooLargeError) and self.again is not None
        self.path = error.path if isinstance(error, MissingIndexError) else ""
        self.large = error.path if isinstance(error, TooLargeError) else ""
        if missing:
            self.build.description = f"Build it (about {seconds_to_index(self.path)} s)"
        self.build.layout.display = "flex" if missing else "none"
        self.anyway.layout.display = "flex" if large else "none"
        self.layout.display = "flex"

    def warn(self, text: str) -> None:
        """Say something that is no error but must be seen."""
        self.words.say(text, "warning")
        self.path = self.large = ""
        self.build.layout.display = self.anyway.layout.display = "none"
        self.layout.display = "flex"

    def clear(self) -> None:
        """Say nothing."""
        self.words.say("", "error")
        self.large = ""
        self.layout.display = "none"

    def _read_anyway(self) -> None:
        """Only what was refused here: a page that clicks a button which is not shown allows nothing."""
        path, self.large = self.large, ""
        if path and self.again is not None:
            io.allow(path)
            self.again()

    @property
    def text(self) -> str:
        """What is said; empty where nothing was refused."""
        return self.words.text

    @property
    def warning(self) -> bool:
        """Whether what is said is no error."""
        return bool(self.text) and self.words.content["tone"] == "warning"


def seconds_to_index(path: str) -> int:
    """About how long it takes to index a file."""
    try:
        return max(round(os.stat(path).st_size / _BYTES_PER_SECOND), 1)
    except OSError:
        return 1

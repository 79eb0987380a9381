"""The right half of the lab's header: the one selection, undo and redo, and the session's menu."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets

from genolab.errors import GenolabError
from genolab.panels.page import Downloads, Says
from genolab.panels.parts import button
from genolab.panels.paths import Allowed, path_box, short
from genolab.panels.seam import Selection
from genolab.scale import Job, Latest, Progress, State

if TYPE_CHECKING:
    from genolab.panels.lab import Lab

_BOXES = {
    "region": ("chr20:10,000,001-10,100,000", "where to look: contig:first-last, counted from 1, or one position"),
    "gene": ("gene", "the gene that is marked wherever genes are shown"),
    "sample": ("sample", "the sample that is marked wherever samples are shown"),
}


class SelectionBoxes(ipywidgets.HBox):
    """Region, gene and sample; `on_change` gets the selection when one was entered."""

    def __init__(self, on_change: Callable[[Selection], None]) -> None:
        self._on_change = on_change
        self._quiet = False
        self.boxes = {}
        for name, (example, about) in _BOXES.items():
            box = ipywidgets.Text(placeholder=example if name == "region" else name, continuous_update=False)
            box.tooltip = about
            box.add_class(f"genolab-{name}")
            box.observe(self._entered, "value")
            self.boxes[name] = box
        super().__init__(list(self.boxes.values()))
        self.add_class("genolab-selection")

    def say(self, selection: Selection) -> None:
        """Show what is chosen; nothing is called."""
        self._quiet = True
        try:
            for name, box in self.boxes.items():
                box.value = getattr(selection, name)
        finally:
            self._quiet = False

    def _entered(self, _change: Any) -> None:
        if not self._quiet:
            self._on_change(Selection(**{name: box.value.strip() for name, box in self.boxes.items()}))


class Tools(ipywidgets.HBox):
    """Undo, redo, and the button of the session's menu."""

    def __init__(self, on_undo: Callable[[], None], on_redo: Callable[[], None], on_menu: Callable[[], None]) -> None:
        self.undo = button("↶", "nothing to undo", on_undo)
        self.redo = button("↷", "nothing to redo", on_redo)
        self.menu = button("Session", "save and open sessions, export a notebook or a report", on_menu)
        self.offer("", "")
        super().__init__([self.undo, self.redo, self.menu])
        self.add_class("genolab-tools")

    def offer(self, undo: str, redo: str) -> None:
        """Say what undo and redo would do; nothing for no words."""
        for each, word, what in ((self.undo, "undo", undo), (self.redo, "redo", redo)):
            each.disabled = not what
            key = "Ctrl Z" if word == "undo" else "Ctrl Shift Z"
            each.tooltip = f"{word} {what} ({key})" if what else f"nothing to {word} ({key})"


class SessionMenu(ipywidgets.VBox):
    """Save and open a session, and take the lab away as a notebook or a report."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.allowed = Allowed(lab.roots, "session")
        self.folder = path_box("folder", "the folder of the session; it is made where it is not there", "folder")
        self.folder.value = "genolab-session"
        self.said = Says("", "soft")
        self.downloads = Downloads()
        self.queue = Latest(self._told)
        ways = [
            button("Save", "parameters, references to data with their digests, and results (Ctrl S)", self.save),
            button("Open", "take up the session of this folder", self.take_up),
        ]
        out = [
            button("Notebook", "plain calls that give what is on screen, as a notebook", self.notebook),
            button("Report", "one HTML file with live plots, tables and where all is from", self.report),
        ]
        rows = [
            self.folder,
            ipywidgets.HBox(ways).add_class("genolab-buttons"),
            ipywidgets.HBox(out).add_class("genolab-buttons"),
            self.said,
            self.downloads,
        ]
        super().__init__(rows)
        self.add_class("genolab-menu").add_class("genolab-column")
        self.layout.display = "none"

    def toggle(self, shown: bool | None = None) -> None:
        """Show it or hide it."""
        hidden = self.layout.display == "none"
        self.layout.display = "flex" if (hidden if shown is None else shown) else "none"

    def save(self) -> None:
        """Save into the folder that the box names."""
        self.toggle(True)

        def work(progress: Progress) -> str:
            folder = self.allowed.check(self.folder.value, "folder")
            progress(None, "saving")
            self._lab.save(folder)
            return f"Saved in {short(folder)}."

        self.queue.submit(work, name="save the session")

    def take_up(self) -> None:
        """Take up the session of the folder that the box names."""

        def work(progress: Progress) -> str:
            folder = self.allowed.check(self.folder.value, "folder")
            progress(None, "opening")
            return str(self._lab.restore(folder))

        self.queue.submit(work, name="open a session")

    def notebook(self) -> None:
        """Have the browser save the notebook."""
        self._offer("genolab.ipynb", "notebook")

    def report(self) -> None:
        """Have the browser save the report."""
        self._offer("genolab_report.html", "report")

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until nothing is saved or opened; False when it took longer."""
        return self.queue.wait(timeout)

    def _offer(self, name: str, kind: str) -> None:
        from genolab.panels import export

        def work(progress: Progress) -> str:
            progress(None, f"writing the {kind}")
            made = export.notebook_text(self._lab) if kind == "notebook" else export.report_text(self._lab)
            self.downloads.offer(name, made.encode())
            return f"{name} is saved by the browser."

        self.toggle(True)
        self.queue.submit(work, name=f"write the {kind}")

    def _told(self, job: Job[str]) -> None:
        if job.superseded:
            return
        if job.state is State.REFUSED:
            error = job.error
            known = isinstance(error, GenolabError | OSError)
            self.said.say(str(error) if known else f"genolab failed ({type(error).__name__}): {error}", "error")
        elif job.state is State.DONE:
            self.said.say(job.result(), "soft")
        else:
            self.said.say(str(job), "soft")

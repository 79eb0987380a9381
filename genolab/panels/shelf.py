"""What the data shelf holds: what the panels have loaded or made, and what a person added, each with its digest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genolab import data, io
from genolab.errors import GenolabError, InputError
from genolab.panels.paths import Allowed, short
from genolab.panels.seam import SUFFIXES, Held, kind_of
from genolab.panels.workbench import Shelf
from genolab.scale import Latest, Progress

_ENDS = tuple(end for ends in SUFFIXES.values() for end in ends)
_TABS = {"reads": "reads", "counts": "counts", "labelled": "counts"}
_WORDS = {"Call": "→ Call", "Align": "→ Align", "Prepare": "→ Prepare", "Predict": "→ Predict"}
_RESULTS = ("calls", "alignment", "table", "result")


@dataclass(frozen=True)
class Entry:
    """A held thing with what is known of its file."""

    held: Held
    panel: str = ""
    digest: str = ""
    trouble: str = ""


class ShelfPart:
    """Keeps the list and has it drawn.

    `panels` gives the panels that were made, `opens(kind)` the tabs that open a kind, `on_open(held, tab, reference)`
    opens one there.
    """

    def __init__(
        self,
        allowed: Allowed,
        panels: Callable[[], Mapping[str, Any]],
        opens: Callable[[str], Sequence[str]],
        on_open: Callable[[Held, str, Path | None], None],
    ) -> None:
        self.allowed, self._panels, self._opens, self._on_open = allowed, panels, opens, on_open
        self._examples = {entry.title: entry for entry in data.examples() if entry.shipped and entry.kind in _TABS}
        self.added: list[Entry] = []
        self.entries: list[Entry] = []
        self._digests: dict[tuple[str, int, int], str] = {}
        self._lock = threading.Lock()
        self.queue = Latest()
        self.widget = Shelf(self._open, self.add, self.complete)

    def refresh(self) -> None:
        """Look what the panels hold now; digests follow in the background."""
        self._list()
        if any(not each.digest and each.held.path is not None and not each.trouble for each in self.entries):
            self.queue.submit(self._digest, name="digests", cancel_running=False)

    def add(self, text: str) -> None:
        """Put a file, or an example, on the shelf."""
        try:
            entry = self._examples.get(text.strip())
            if entry is not None:
                self.added += [each for each in map(Entry, _held_of(entry.name)) if each not in self.added]
            else:
                path = self.allowed.check(text, "path")
                if not path.is_file():
                    raise InputError("shelf", "path", "a file that is there", repr(short(path)))
                kind = kind_of(path)
                if not kind:
                    fix = f"Known are {', '.join(sorted({end for ends in SUFFIXES.values() for end in ends[:1]}))}."
                    raise InputError("shelf", "path", "a kind of file that a panel opens", repr(path.name), fix)
                self.added.append(Entry(Held(kind, path.name, path, text=short(path))))
        except (GenolabError, OSError) as error:
            said = str(error)
            self.widget.say(said.removeprefix(f"{error.who}: ") if isinstance(error, InputError) else said)
            return
        self.widget.say("")
        self.refresh()

    def complete(self, text: str) -> list[str]:
        """Examples and files that continue a text."""
        words = text.strip().lower()
        titles = [title for title in self._examples if words in title.lower()]
        return [*titles, *self.allowed.complete(text, _ENDS)][:60]

    def reference(self) -> Path | None:
        """The reference that was loaded last, for reads that were added without one."""
        found = [each.held.path for each in self.entries if each.held.kind in ("reference", "sequences")]
        return next((path for path in found if path is not None), None)

    def _open(self, number: int, tab: str) -> None:
        if not 0 <= number < len(self.entries):
            return
        held = self.entries[number].held
        if tab in self._opens(held.kind):
            self._on_open(held, tab, self.reference())

    def _list(self) -> None:
        found: dict[tuple[str, str], Entry] = {}
        for tab, panel in self._panels().items():
            for held in panel.held() if hasattr(panel, "held") else ():
                found.setdefault(_key(held), Entry(held, tab))
        for each in self.added:
            found.setdefault(_key(each.held), each)
        with self._lock:
            self.entries = [self._known(entry) for entry in found.values()]
        self._draw()

    def _known(self, entry: Entry) -> Entry:
        path = entry.held.path
        if path is None:
            return entry
        try:
            status = path.stat()
        except OSError:
            return replace(entry, trouble="missing")
        return replace(entry, digest=self._digests.get((str(path), status.st_size, status.st_mtime_ns), ""))

    def _digest(self, _progress: Progress) -> None:
        for entry in list(self.entries):
            path = entry.held.path
            if path is None or entry.digest or entry.trouble:
                continue
            try:
                status = path.stat()
                self._digests[str(path), status.st_size, status.st_mtime_ns] = io.digest(path)
            except (GenolabError, OSError):
                continue
        self._list()

    def _draw(self) -> None:
        groups: dict[str, list[dict[str, Any]]] = {}
        for number, entry in enumerate(self.entries):
            held = entry.held
            title = "results" if held.kind in _RESULTS else held.kind
            made = {
                "number": number, "kind": held.kind, "name": held.name, "about": held.about,
                "origin": "" if held.path is None else short(held.path) if short(held.path) != held.name else "",
                "digest": entry.digest, "trouble": entry.trouble,
                "opens": [{"tab": tab, "word": _WORDS[tab]} for tab in self._opens(held.kind) if tab != entry.panel],
            }  # fmt: skip
            if held.path is None:
                made["origin"] = f"made in {entry.panel}" if entry.panel else ""
            groups.setdefault(title, []).append(made)
        self.widget.show(list(groups.items()))


def _key(held: Held) -> tuple[str, str]:
    kind = "sequences" if held.kind == "reference" else held.kind
    return kind, str(held.path) if held.path is not None else held.name


def _held_of(name: str) -> list[Held]:
    """The files of an example that ships."""
    found = data.example(name)
    if isinstance(found, data.Example):
        pairs = [("reads", path) for path in found.all_reads] + [("reference", found.reference)]
        pairs += [("variants", found.truth)] if found.truth is not None else []
    elif isinstance(found, data.CountExample):
        pairs = [("counts", found.counts), ("samples", found.samples)]
    else:
        pairs = [("counts", found.table)]
    return [Held(kind, path.name, path, found.title, short(path)) for kind, path in pairs]

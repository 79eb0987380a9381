"""Sessions: what a lab shows, saved as plain data, and taken up again, also on another machine.

Saved are the parameters of every panel, references to its files with their digests (never the files), what was looked
at, and the results as arrays. Restoring moves the controls and computes anew; the results then say whether the same
came out. Nothing in a session is trusted: a control takes only values that a page could give it, and a path must be
allowed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolab import __version__, io
from genolab.errors import FileError, GenolabError
from genolab.io.sessions import CARD, read_session, same, write_session
from genolab.panels.parameters import Parameters
from genolab.panels.paths import SHIPPED, short
from genolab.panels.seam import Held, Selection
from genolab.scale import Progress

if TYPE_CHECKING:
    import numpy as np

    from genolab.panels.lab import Lab

FORMAT, VERSION = "genolab session", 1
_SHIPPED = "genolab:"
_SETTLE = 600.0  # seconds that panels may take to compute anew before what was looked at is shown


@dataclass(frozen=True)
class Reference:
    """One file of a session: where it was, what identified it, and the text that named it in the panel."""

    panel: str
    kind: str
    name: str
    place: str
    relative: str
    digest: str
    size: int
    text: str

    def find(self, folder: Path) -> Path | None:
        """Where it is now: at its place, where it lies from the session's folder, or beside the session."""
        if self.place.startswith(_SHIPPED):
            places = [SHIPPED / self.place.removeprefix(_SHIPPED)]
        else:
            places = [folder / self.relative] if self.relative else []
            places = [Path(self.place), *places, folder / self.name, folder.parent / self.name]
        there = [each for each in places if each.is_file()]
        same = (each for each in there if each.stat().st_size == self.size and io.digest(each) == self.digest)
        return next(same, there[0] if there else None)


@dataclass
class Restored:
    """What was found of a session's files, and how the results compare once they have been computed anew."""

    folder: Path
    missing: list[Reference] = field(default_factory=list)
    changed: list[Reference] = field(default_factory=list)
    moved: list[Reference] = field(default_factory=list)
    left: dict[str, list[str]] = field(default_factory=dict)
    """Controls of each panel that could not be set as they were."""
    differs: dict[str, list[str]] = field(default_factory=dict)
    """Results of each panel that are not those that were saved; known after ``lab.wait()``."""

    def __str__(self) -> str:
        lines = [f"Opened {short(self.folder)}."]
        lines += [f"Missing: {each.name} ({each.kind}), it was {each.place}, {each.digest}." for each in self.missing]
        lines += [f"Changed since: {each.name} ({each.kind}), {each.digest} when saved." for each in self.changed]
        lines += [f"Found elsewhere: {each.name}." for each in self.moved]
        lines += [f"{panel}: not set as they were: {', '.join(names)}." for panel, names in self.left.items()]
        lines += [f"{panel}: other results than saved: {', '.join(names)}." for panel, names in self.differs.items()]
        return "\n".join(lines)


def save(lab: Lab, folder: str | os.PathLike[str]) -> Path:
    """Save a lab into a folder (``session.json`` and one npz file); returns it.

    Raises
    ------
    FileError
        If the folder holds something else than a session, or cannot be written.
    """
    target = Path(os.path.abspath(os.path.expanduser(folder)))
    panels: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, panel in list(lab.panels.items()):
        panels[name] = {
            "parameters": Parameters(panel.body).read(),
            "view": panel.view_state() if hasattr(panel, "view_state") else {},
            "code": panel.code,
        }
        if hasattr(panel, "results"):
            arrays |= {f"{name}/{key}": values for key, values in panel.results().items()}
    card = {
        "format": FORMAT,
        "version": VERSION,
        "genolab": __version__,
        "saved": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "shown": lab.shown,
        "selection": vars(lab.selection),
        "panels": panels,
        "data": [vars(each) for each in references(lab, target)],
    }
    return write_session(target, card, arrays)


def references(lab: Lab, folder: Path) -> Iterator[Reference]:
    """The files that the panels hold."""
    for name, panel in list(lab.panels.items()):
        for held in panel.held() if hasattr(panel, "held") else ():
            if held.path is not None and held.path.is_file():
                yield _reference(name, held, held.path, folder)


def _reference(panel: str, held: Held, path: Path, folder: Path) -> Reference:
    whole = Path(os.path.abspath(path))
    named = short(whole)
    shipped = named.startswith(_SHIPPED)
    relative = ""
    if not shipped and whole.drive == folder.drive:
        relative = Path(os.path.relpath(whole, folder)).as_posix()
    place = named if shipped else str(whole)
    size = whole.stat().st_size
    return Reference(panel, held.kind, whole.name, place, relative, io.digest(whole), size, held.text)


def restore(lab: Lab, folder: str | os.PathLike[str]) -> Restored:
    """Move every control as it was and compute anew; what was looked at, and the comparison, follow in the background.

    Raises
    ------
    FileError
        If the folder holds no session, or one that is cut, forged or from a newer genolab.
    """
    source = Path(os.path.abspath(os.path.expanduser(folder)))
    card, arrays = read_session(source)
    panels, data, selection, shown = _checked(card, source / CARD)
    found = Restored(source)
    texts: dict[str, dict[str, str]] = {}
    for each in data:
        _look_for(each, source, found, texts)
    # a panel is after those that it takes something from
    places = {name: place for place, name in enumerate(lab.tabs)}
    with lab.history.pause():
        for name, saved in sorted(panels.items(), key=lambda each: places.get(each[0], 0)):
            if name not in lab.tabs or name == "Graph":
                found.left[name] = ["the whole panel"]
                continue
            renamed = texts.get(name, {})
            parameters = {key: _renamed(value, renamed) for key, value in saved["parameters"].items()}
            left = Parameters(lab.panel(name).body).write(parameters)
            if left:
                found.left[name] = left
        if shown in lab.tabs:
            lab.bring(shown)

    def finish(progress: Progress) -> None:
        progress(None, "computing anew")
        for name, saved in sorted(panels.items(), key=lambda each: places.get(each[0], 0)):
            if name in lab.panels:
                _finish(lab, name, saved, texts.get(name, {}), found, arrays)
        lab.select(selection, "session")
        _tell(lab, found)

    lab.settling.submit(finish, name="restore")
    return found


def _look_for(each: Reference, folder: Path, found: Restored, texts: dict[str, dict[str, str]]) -> None:
    path = each.find(folder)
    if path is None:
        found.missing.append(each)
        return
    if path.stat().st_size != each.size or io.digest(path) != each.digest:
        found.changed.append(each)
    if not each.place.startswith(_SHIPPED) and str(path) != each.place:
        found.moved.append(each)
    if each.text:
        base, mark, record = each.text.partition("#")
        named = short(path)
        if base and named != base and not _is_example(each.text, each.place):
            texts.setdefault(each.panel, {})[each.text] = f"{named}{mark}{record}"


def _is_example(text: str, place: str) -> bool:
    """Whether a box names an example by its title, and not a file by its path."""
    return place.startswith(_SHIPPED) and not text.startswith(_SHIPPED)


def _renamed(value: Any, texts: Mapping[str, str]) -> Any:
    return texts.get(value, value) if isinstance(value, str) else value


def _finish(
    lab: Lab, name: str, saved: dict[str, Any], texts: dict[str, str], found: Restored, arrays: Mapping[str, np.ndarray]
) -> None:
    """Once a panel has computed: what could only be set then, what was looked at, and the comparison."""
    panel = lab.panels[name]
    panel.wait(_SETTLE)
    if hasattr(panel, "renew"):
        panel.renew()
        panel.wait(_SETTLE)
    parameters = {key: _renamed(value, texts) for key, value in saved["parameters"].items()}
    with lab.history.pause():
        left = Parameters(panel.body).write(parameters)
    found.left.pop(name, None)
    if left:
        found.left[name] = left
    panel.wait(_SETTLE)
    if hasattr(panel, "set_view_state"):
        panel.set_view_state(saved["view"])
        panel.wait(_SETTLE)
    if hasattr(panel, "results"):
        now = panel.results()
        before = {key.partition("/")[2]: values for key, values in arrays.items() if key.startswith(f"{name}/")}
        differs = sorted(key for key in now.keys() | before.keys() if not same(now.get(key), before.get(key)))
        if differs:
            found.differs[name] = differs


def _tell(lab: Lab, found: Restored) -> None:
    board = lab.board
    for line in str(found).split("\n")[1:]:
        board.add("session", line, "warning" if not line.startswith("Found elsewhere") else "note")
    if not (found.missing or found.changed or found.differs):
        board.add("session", f"{short(found.folder)}: the results are those that were saved.", "note")


def _checked(card: dict[str, Any], path: Path) -> tuple[dict[str, Any], list[Reference], Selection, str]:
    """The parts of a card, each of the kind it must be."""
    if card.get("format") != FORMAT:
        raise _refusal(path, "format", f'"{FORMAT}"', card.get("format"))
    if card.get("version") != VERSION:
        raise _refusal(path, "version", str(VERSION), card.get("version"), "Open it with the genolab that saved it.")
    panels = card.get("panels")
    if not isinstance(panels, dict) or len(panels) > 20:
        raise _refusal(path, "panels", "an object of panels", panels)
    for name, saved in panels.items():
        for key, wanted in (("parameters", dict), ("view", dict), ("code", str)):
            if not isinstance(saved, dict) or not isinstance(saved.get(key), wanted):
                raise _refusal(path, f"panels.{name}.{key}", str(wanted.__name__), saved)
    data = card.get("data")
    if not isinstance(data, list) or len(data) > 10_000:
        raise _refusal(path, "data", "a list of files", data)
    kinds = {name: int if name == "size" else str for name in Reference.__dataclass_fields__}
    for each in data:
        if not isinstance(each, dict) or each.keys() != kinds.keys():
            raise _refusal(path, "data", f"files with {', '.join(kinds)}", each)
        for name, kind in kinds.items():
            if type(each[name]) is not kind or (kind is str and ("\0" in each[name] or len(each[name]) > 10_000)):
                raise _refusal(path, f"data.{name}", kind.__name__, each[name])
    selection = card.get("selection")
    names = Selection.__dataclass_fields__
    if not isinstance(selection, dict) or not all(isinstance(selection.get(name), str) for name in names):
        raise _refusal(path, "selection", "region, gene and sample", selection)
    shown = card.get("shown")
    if not isinstance(shown, str):
        raise _refusal(path, "shown", "the name of a tab", shown)
    chosen = Selection(**{name: selection[name] for name in names})
    return panels, [Reference(**each) for each in data], chosen, shown


def _refusal(path: Path, name: str, expected: str, found: Any, fix: str = "Save the session again.") -> GenolabError:
    return FileError(path, field=name, expected=expected, found=repr(found)[:80], fix=fix)

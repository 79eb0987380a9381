"""Which files a page may name, and the boxes in which it names them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import ipywidgets

from genolab import data
from genolab.errors import InputError
from genolab.io.paths import checked

SHIPPED = Path(data.__file__).parent
"""Where the examples that ship lie; a path there is shown, and may be written, as ``genolab:phage/lambda.fa``."""
LOOK: dict[str, Any] = {"style": {"description_width": "64px"}, "layout": {"width": "100%"}}
"""How a box in the column of controls looks."""
_MOST_NAMES = 40


class Allowed:
    """The folders, and single files, that a page may name. A name from a browser is never trusted.

    Always: the working folder, the home folder, and those of the examples; or only ``roots`` where they are given.
    """

    def __init__(self, roots: Sequence[str | os.PathLike[str]] | None = None, who: str = "call panel") -> None:
        self.who = who
        chosen = [Path.cwd(), Path.home()] if roots is None else list(roots)
        self.roots = [Path(os.path.realpath(root)) for root in chosen]
        self.files: set[Path] = set()
        for entry in data.examples():
            if entry.shipped:
                self.roots.append(Path(os.path.realpath(data.path(entry.name))))

    def add(self, paths: Iterable[str | os.PathLike[str] | None]) -> None:
        """Allow single files, named by the author of the notebook."""
        self.files |= {Path(os.path.realpath(path)) for path in paths if path is not None}

    def check(self, text: str, name: str) -> Path:
        """The file that a text names, if its real place is allowed; refused with ``InputError`` otherwise."""
        if not text.strip():
            raise InputError(self.who, name, "the name of a file", "nothing", "Choose a file or an example.")
        checked(text.strip(), self.who)
        try:
            shipped = text.strip().removeprefix("genolab:")
            whole = SHIPPED / shipped if shipped != text.strip() else os.path.expanduser(shipped)
            path = Path(os.path.abspath(whole))
            real = Path(os.path.realpath(path))
        except (ValueError, OSError):
            raise InputError(self.who, name, "the name of a file", repr(text[:80])) from None
        if real not in self.files and not any(real.is_relative_to(root) for root in self.roots):
            places = ", ".join(dict.fromkeys(str(root) for root in self.roots[:2]))
            fix = "Start in another folder, or name its folder in roots=[...]."
            raise InputError(self.who, name, f"a file inside {places}", repr(str(path)), fix)
        return path

    def complete(self, text: str, suffixes: Sequence[str]) -> list[str]:
        """Folders and files that continue a text, as it was begun; nothing outside the allowed folders."""
        head, _, begun = text.rpartition("/")
        folder_text = f"{head}/" if head or text.startswith("/") else ""
        try:
            folder = Path(os.path.realpath(os.path.expanduser(folder_text or ".")))
            if not any(folder.is_relative_to(root) for root in self.roots):
                return []
            with os.scandir(folder) as entries:
                found = sorted(
                    (entry.name, entry.is_dir())
                    for entry in entries
                    if not entry.name.startswith(".") and entry.name.lower().startswith(begun.lower())
                )
        except (OSError, ValueError):
            return []
        names = [f"{name}/" if is_folder else name for name, is_folder in found]
        wanted = [name for name in names if name.endswith("/") or name.lower().endswith(tuple(suffixes))]
        return [folder_text + name for name in wanted[:_MOST_NAMES]]


def path_box(name: str, tooltip: str, placeholder: str) -> ipywidgets.Combobox:
    """A box for a path or an example."""
    return ipywidgets.Combobox(description=name, tooltip=tooltip, placeholder=placeholder, ensure_option=False, **LOOK)


def complete(
    box: ipywidgets.Combobox,
    allowed: Allowed,
    suffixes: Sequence[str],
    examples: tuple[str, ...] = (),
    quiet: Callable[[], bool] = lambda: False,
) -> None:
    """Have a box offer what continues the path in it: examples always, files of these suffixes, folders."""

    def offer(change: Any) -> None:
        if quiet() or change["new"] in examples:
            return
        found = (*examples, *allowed.complete(change["new"], suffixes))
        if found != tuple(box.options):
            box.options = found

    box.observe(offer, "value")


def short(path: str | os.PathLike[str] | None) -> str:
    """A path as a person would write it: of an example, from the working folder, or with ~; nothing for None."""
    if path is None:
        return ""
    whole = Path(os.path.abspath(path))
    for base, prefix in ((SHIPPED, "genolab:"), (Path.cwd(), ""), (Path.home(), "~/")):
        if whole.is_relative_to(base):
            return f"{prefix}{whole.relative_to(base)}"
    return str(whole)

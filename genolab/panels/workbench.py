"""The parts of the lab around its panels: the data shelf, the drawer with jobs and notices, and the keys.

`workbench.js` draws them; as in `page.py`, no word becomes HTML. What opens and closes them lives in the browser, so
that they answer while the kernel is at work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from genolab.panels.page import shown

_LONGEST = 2_000


class _Part(anywidget.AnyWidget):
    _esm = Path(__file__).with_name("workbench.js")
    _css = Path(__file__).with_name("workbench.css")
    kind = traitlets.Unicode().tag(sync=True)
    content = traitlets.Dict().tag(sync=True)
    from_page: tuple[str, ...] = ()  # what a page may change

    @traitlets.validate("content")
    def _plain(self, proposal: Any) -> Any:
        return shown(proposal["value"])

    def __init__(self, **content: Any) -> None:
        super().__init__(kind=type(self).__name__.lower(), content=content)
        self.on_msg(self._heard)

    def _heard(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if isinstance(message, dict):
            self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        raise NotImplementedError


class Shelf(_Part):
    """What is loaded, by kind. `on_open(number, tab)`, `on_add(text)`, `on_complete(text)` hear what a person asks."""

    def __init__(
        self,
        on_open: Callable[[int, str], None],
        on_add: Callable[[str], None],
        on_complete: Callable[[str], Sequence[str]],
    ) -> None:
        self._open, self._add, self._complete = on_open, on_add, on_complete
        super().__init__(groups=[], offers=list(on_complete("")), said="")

    def show(self, groups: Sequence[tuple[str, Sequence[dict[str, Any]]]]) -> None:
        """Show groups of entries, ``(title, entries)``."""
        new = [{"title": title, "items": list(items)} for title, items in groups]
        if new != self.content.get("groups"):
            self.content = self.content | {"groups": new}

    def say(self, text: str) -> None:
        """Say what could not be added; nothing for no text."""
        if text != self.content.get("said"):
            self.content = self.content | {"said": text}

    def _hear(self, message: dict[str, Any]) -> None:
        match message:
            case {"kind": "open", "number": int(number), "tab": str(tab)}:
                self._open(number, tab)
            case {"kind": "add", "text": str(text)} if len(text) <= _LONGEST:
                self._add(text)
            case {"kind": "complete", "text": str(text)} if len(text) <= _LONGEST:
                self.content = self.content | {"offers": list(self._complete(text))}


class Drawer(_Part):
    """Jobs and notices. `on_cancel(id)` and `on_clear(what)` hear what a person asks."""

    def __init__(self, on_cancel: Callable[[int], None], on_clear: Callable[[str], None]) -> None:
        self._cancel, self._clear = on_cancel, on_clear
        super().__init__(jobs=[], notices=[])

    def show(
        self, jobs: Sequence[dict[str, Any]] | None = None, notices: Sequence[dict[str, Any]] | None = None
    ) -> None:
        """Show other jobs or notices, newest first; None leaves them as they are."""
        new = dict(self.content)
        if jobs is not None:
            new["jobs"] = list(jobs)
        if notices is not None:
            new["notices"] = list(notices)
        if new != self.content:
            self.content = new

    def _hear(self, message: dict[str, Any]) -> None:
        match message:
            case {"kind": "cancel", "id": int(number)}:
                self._cancel(number)
            case {"kind": "clear", "what": "jobs" | "notices" as what}:
                self._clear(what)


class Keys(_Part):
    """The keyboard of the lab, and its help; `on_key` gets "undo", "redo", "save" or "tab 2".

    `on_settled` gets the number that :meth:`settle` was asked with.
    """

    def __init__(self, on_key: Callable[[str], None], on_settled: Callable[[int], None] = lambda _number: None) -> None:
        self._key, self._settled = on_key, on_settled
        super().__init__(help={})

    def explain(self, panel: str, words: dict[str, str]) -> None:
        """Say what the controls of a panel mean, by the word beside each: boxes do not show their tooltips."""
        self.content = self.content | {"help": self.content["help"] | {panel: words}}

    def settle(self, number: int) -> None:
        """Ask the page to answer with the number: messages keep their order, so what it had to send comes before."""
        self.send({"kind": "settle", "number": number})

    def _hear(self, message: dict[str, Any]) -> None:
        match message:
            case {"kind": "key", "what": str(what)}:
                self._key(what)
            case {"kind": "settled", "number": int(number)}:
                self._settled(number)

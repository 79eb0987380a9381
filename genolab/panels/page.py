"""The widgets that put words on a page: sentences, code, the steps of a decision, and files for the browser.

Words may come from files, so none of them ever becomes HTML: `page.js` makes text nodes only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import anywidget
import traitlets

from genolab.text import plain

Tone = Literal["plain", "soft", "title", "warning", "error"]


def shown(value: Any) -> Any:
    """The same with every text in it made :func:`~genolab.text.plain`: a name must not turn the sentence around it."""
    if isinstance(value, str):
        return plain(value, lines=True)
    if isinstance(value, dict):
        return {name: shown(each) for name, each in value.items()}
    return [shown(each) for each in value] if isinstance(value, list | tuple) else value


class _Words(anywidget.AnyWidget):
    _esm = Path(__file__).with_name("page.js")
    _css = Path(__file__).with_name("page.css")
    kind = traitlets.Unicode().tag(sync=True)
    content = traitlets.Dict().tag(sync=True)
    from_page: tuple[str, ...] = ()  # what a page may change

    @traitlets.validate("content")
    def _plain(self, proposal: Any) -> Any:
        return proposal["value"] if self.kind == "code" else shown(proposal["value"])


class Says(_Words):
    """One sentence in a tone, with lines that unfold."""

    def __init__(self, text: str = "", tone: Tone = "plain", details: Sequence[str] = (), summary: str = "") -> None:
        super().__init__(kind="says")
        self.say(text, tone, details, summary)

    def say(self, text: str, tone: Tone = "plain", details: Sequence[str] = (), summary: str = "") -> None:
        """Say something else."""
        self.content = {"text": text, "tone": tone, "details": list(details), "summary": summary}

    @property
    def text(self) -> str:
        """What it says."""
        return str(self.content.get("text", ""))


class Code(_Words):
    """Code that can be selected, with a button that copies it; hidden until it is asked for."""

    def __init__(self, text: str = "", title: str = "What is on screen, as plain calls") -> None:
        super().__init__(kind="code", content={"text": text, "title": title})
        self.layout.display = "none"

    def toggle(self) -> None:
        """Show it, or hide it again."""
        self.layout.display = "block" if self.layout.display == "none" else "none"

    @property
    def text(self) -> str:
        """The code."""
        return str(self.content["text"])

    @text.setter
    def text(self, text: str) -> None:
        self.show(text)

    def show(self, text: str, marks: Sequence[tuple[int, str]] = ()) -> None:
        """Show code; `marks` are runs of letters with their kind, see :func:`genolab.plots.highlight.marks_of`."""
        self.content = self.content | {"text": text, "marks": [list(mark) for mark in marks]}


class Why(_Words):
    """Why a position was called or not: the sentence, what would turn it, and every step with the one that decides."""

    def __init__(self) -> None:
        super().__init__(kind="why")

    def show(self, explanation: Any | None, sentence: str = "") -> None:
        """Say one :class:`~genolab.call.Explanation`; without one, a sentence."""
        if explanation is None:
            self.content = {"sentence": sentence}
            return
        left_out = ", ".join(f"{count:,} {reason}" for reason, count in explanation.excluded.items())
        self.content = {
            "place": f"{explanation.contig}:{explanation.position:,} {explanation.reference}>{explanation.alternate}",
            "verdict": explanation.verdict,
            "sentence": explanation.sentence,
            "flip": explanation.flip,
            "steps": [
                {"mark": "✓" if step.passed else "✗", "name": step.name, "text": step.text, "decides": step.decides}
                for step in explanation.steps
            ],
            "excluded": f"Reads that are not evidence here: {left_out}."
            if left_out
            else "Every read here is evidence.",
        }

    def rests(self, sentence: str) -> None:
        """Say what the verdict rests on, in the place of what would turn it."""
        if self.content.get("place"):
            self.content = self.content | {"flip": sentence}

    def steps(self, place: str, verdict: str, sentence: str, steps: Sequence[tuple[bool, str, str]]) -> None:
        """Say what competed: ``(won, name, text)`` of each, those that won marked."""
        self.content = {
            "place": place,
            "verdict": verdict,
            "sentence": sentence,
            "flip": "",
            "steps": [
                {"mark": "✓" if won else "·", "name": "", "text": f"{name}: {text}", "decides": won, "quiet": True}
                for won, name, text in steps
            ],
            "excluded": "",
        }


class Facts(_Words):
    """Numbers with their names, one a line."""

    def __init__(self) -> None:
        super().__init__(kind="facts")

    def show(self, rows: Sequence[tuple[str, str]], title: str = "") -> None:
        """Show ``(name, value)`` rows under a title."""
        self.content = {"title": title, "rows": [list(row) for row in rows]}

    @property
    def rows(self) -> dict[str, str]:
        """What it shows."""
        return dict(self.content.get("rows", []))


class Legend(_Words):
    """What colours and shapes mean; `on_pick(number)` gets a level that was clicked."""

    def __init__(self, on_pick: Callable[[int], None]) -> None:
        super().__init__(kind="legend")
        self._pick = on_pick
        self.on_msg(self._heard)

    def show(
        self, items: Sequence[tuple[str, str, str, int]], ramp: Sequence[str] = (), ends: Sequence[str] = ()
    ) -> None:
        """Show levels (text, colour, marker, number), or a ramp of colours between two ends."""
        keys = ("text", "colour", "marker", "number")
        levels = [dict(zip(keys, item, strict=True)) for item in items]
        self.content = {"items": levels, "ramp": list(ramp), "ends": list(ends)}

    def _heard(self, _widget: Any, message: Any, _buffers: Any) -> None:
        number = message.get("number") if isinstance(message, dict) else None
        if type(number) is int and 0 <= number < len(self.content.get("items", ())):
            self._pick(number)


class Downloads(_Words):
    """Hands files from the kernel to the browser; shows nothing itself."""

    def __init__(self) -> None:
        super().__init__(kind="downloads")

    def offer(self, name: str, content: bytes) -> None:
        """Have the browser save `content` as `name`."""
        self.send({"kind": "download", "name": name}, [content])

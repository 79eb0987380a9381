"""Undo and redo of parameters, across all panels: what a person moved together is one step."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ipywidgets

from genolab.panels.parameters import Memo, Parameters

TOGETHER = 0.3
"""Seconds: changes of one panel that follow each other as fast are one step (an example fills several boxes)."""
DRAGGED = 1.5
"""Seconds: moves of one control that follow each other as fast are one step (a slider that is dragged)."""
MOST_STEPS = 200
PATIENCE = 5.0
"""Seconds that a page may take to say that it has sent every move of before an undo."""


@dataclass
class Step:
    """Values of a panel's controls before and after; only those that differ."""

    panel: str
    first: str
    before: dict[str, Memo]
    after: dict[str, Memo]
    at: float

    def __str__(self) -> str:
        """In words: ``QUAL 20 → 30``, or the control that was moved first."""
        if len(self.before) == 1:
            ((name, old),) = self.before.items()
            new = self.after[name]
            if not isinstance(old, list | dict) and not isinstance(new, list | dict):
                return f"{name} {_short(old)} → {_short(new)}"
        return self.first


class History:
    """Hears of every control of the panels it holds. `on_change` is called when there is something else to undo.

    What a job writes into the boxes belongs to the step before. (A person's changes need not come in the main thread:
    JupyterLab has comm messages handled in a thread of their own.)

    A page sends a slider's next value once the kernel has answered the last, so it may come after an undo that was
    clicked later. ``on_move`` therefore asks the page to answer :meth:`settled` with a number: until then, what it says
    of a control that was just undone is a move of before, and is put back.
    """

    def __init__(
        self,
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        on_move: Callable[[int], None] = lambda _number: None,
    ) -> None:
        self.on_change, self._clock, self._on_move = on_change, clock, on_move
        self.past: list[Step] = []
        self.future: list[Step] = []
        self._panels: dict[str, Parameters] = {}
        self._known: dict[str, dict[str, Memo]] = {}
        self._quiet = False
        self._moves, self._moved_at = 0, 0.0
        self._unsettled: tuple[Step, str] | None = None

    def hold(self, name: str, root: ipywidgets.Widget) -> None:
        """Hear of the controls below a widget."""
        self._panels[name] = Parameters(root, lambda control: self._changed(name, control))
        self._known[name] = self._panels[name].read()

    def watch(self, name: str) -> None:
        """A job of a panel ended: hear of controls that it made, and count what it wrote to the step it followed."""
        if name not in self._panels or self._quiet:
            return
        self._panels[name].watch()
        known, values = self._known[name], self._panels[name].read()
        self._known[name] = values
        last = self.past[-1] if self.past else None
        if last is None or last.panel != name or self.future:
            return
        for key, value in values.items():
            if key in known and known[key] != value:
                last.before.setdefault(key, known[key])
                last.after[key] = value

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Inside, changes are no steps; what came before is forgotten, for it can no longer be undone."""
        was, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = was
            self.past.clear()
            self.future.clear()
            for name, parameters in self._panels.items():
                self._known[name] = parameters.read()
            self.on_change()

    def undo(self) -> Step | None:
        """Take the last step back; returns it, or None where there is none."""
        return self._move(self.past, self.future, "before")

    def redo(self) -> Step | None:
        """Take a step again that was taken back."""
        return self._move(self.future, self.past, "after")

    def _move(self, source: list[Step], target: list[Step], side: str) -> Step | None:
        if not source:
            return None
        step = source.pop()
        self._quiet = True
        try:
            self._panels[step.panel].write(getattr(step, side))
        finally:
            self._quiet = False
        self._known[step.panel] = self._panels[step.panel].read()
        target.append(step)
        self._moves, self._moved_at = self._moves + 1, self._clock()
        self._unsettled = step, "after" if side == "before" else "before"
        self.on_change()
        self._on_move(self._moves)
        return step

    def settled(self, number: int) -> None:
        """The page has sent what was moved before the undo or redo of this number; earlier numbers say nothing."""
        if number == self._moves:
            self._unsettled = None

    def _put_back(self, name: str, control: str) -> bool:
        """Undo a move that a page sent late; where the step is taken again, it leads to where that move did."""
        if self._unsettled is None or self._clock() - self._moved_at > PATIENCE:
            return False
        step, side = self._unsettled
        widget = self._panels[name].controls().get(control)
        # what a page sends is set under a lock that keeps it from being sent back
        if step.panel != name or control not in step.before or not getattr(widget, "_property_lock", None):
            return False
        if side == "after":
            step.after[control] = self._panels[name].read()[control]
        self._quiet = True
        try:
            self._panels[name].write({control: self._known[name][control]})
        finally:
            self._quiet = False
        return True

    def _changed(self, name: str, control: str) -> None:
        if self._quiet:
            return
        if threading.current_thread().name.startswith("genolab "):
            return  # a job's: counted when it ends
        if self._put_back(name, control):
            return
        now, values = self._clock(), self._panels[name].read()
        known, last = self._known[name], self.past[-1] if self.past else None
        self._known[name] = values
        joined = last is not None and last.panel == name and not self.future
        if last is not None and joined:
            waited = now - last.at
            joined = waited < TOGETHER or (waited < DRAGGED and last.before.keys() == {control})
        if last is not None and joined:
            before = {key: known.get(key) for key in values} | last.before
        else:
            last = Step(name, control, {}, {}, now)
            self.past.append(last)
            del self.past[:-MOST_STEPS]
            before = {key: known[key] for key in values if key in known}
        differ = {key for key, old in before.items() if key in values and values[key] != old}
        last.before = {key: before[key] for key in differ}
        last.after = {key: values[key] for key in differ}
        last.at = now
        if not differ:  # moved back to where it was
            self.past.remove(last)
        self.future.clear()
        self.on_change()

    def words(self, steps: list[Step]) -> Any:
        """What the next step of a list would be, in words."""
        return f"{steps[-1].panel}: {steps[-1]}" if steps else ""


def _short(value: Memo) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return text if len(text) <= 24 else f"{text[:22]}…"

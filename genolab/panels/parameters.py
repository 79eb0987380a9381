"""Every control of a panel by its name: read as plain data, set from plain data, and watched for changes.

A widget with a ``memo`` is one parameter whatever it is made of, such as the list of steps: ``memo`` is plain data,
``recall(memo)`` takes it back, and its trait ``changed`` grows when a person changed something in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ipywidgets
import traitlets

_PASSIVE = (
    ipywidgets.Label,
    ipywidgets.HTML,
    ipywidgets.HTMLMath,
    ipywidgets.FloatProgress,
    ipywidgets.IntProgress,
    ipywidgets.Valid,
    ipywidgets.Output,
)
MOST_LETTERS = 1_000_000
"""Of a text that is taken from plain data."""
_PASSES = 3

Memo = Any
"""Plain data: what ``json`` writes."""


class Parameters:
    """The controls below a widget; they may come and go."""

    def __init__(self, root: ipywidgets.Widget, on_change: Callable[[str], None] | None = None) -> None:
        self.root, self.on_change = root, on_change
        self._watched: set[str] = set()
        self.watch()

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Each control under the word beside it; a word that is there twice gets a number."""
        found: dict[str, ipywidgets.Widget] = {}
        for each in _walk(self.root):
            name = first = _name_of(each)
            number = 1
            while name in found:
                number += 1
                name = f"{first} {number}"
            found[name] = each
        return found

    def watch(self) -> None:
        """Hear of changes of controls that came since."""
        if self.on_change is None:
            return
        for each in self.controls().values():
            if each.model_id not in self._watched:
                self._watched.add(each.model_id)
                each.observe(self._changed, "changed" if hasattr(each, "memo") else "value")

    def read(self) -> dict[str, Memo]:
        """What every control says."""
        return {name: _read(each) for name, each in self.controls().items()}

    def write(self, values: Mapping[str, Memo]) -> list[str]:
        """Set controls, each as its own check allows; returns the names of those that do not say so afterwards.

        A control may move others (an example fills the boxes), so what differs afterwards is set again.
        """
        wrong: list[str] = []
        for _ in range(_PASSES):
            here = self.controls()
            wrong = [name for name, value in values.items() if name not in here or _read(here[name]) != value]
            if not wrong:
                break
            for name in wrong:
                if name in here:
                    _write(here[name], values[name])
        return wrong

    def _changed(self, change: Any) -> None:
        if self.on_change is None:
            return
        name = next((name for name, each in self.controls().items() if each is change["owner"]), "")
        if name:
            self.on_change(name)


def belong(root: ipywidgets.Widget, owner: str) -> None:
    """Call the controls below a widget by their owner too, so that those which come later rename no other."""
    for name, each in Parameters(root).controls().items():
        each.belongs = f"{owner}: {name}"


def _walk(widget: Any) -> Iterator[ipywidgets.Widget]:
    if hasattr(widget, "memo"):
        yield widget
    elif isinstance(widget, ipywidgets.ValueWidget) and not isinstance(widget, _PASSIVE):
        if not getattr(widget, "disabled", False):
            yield widget
    else:
        for child in getattr(widget, "children", ()):
            yield from _walk(child)


def _name_of(widget: Any) -> str:
    if hasattr(widget, "belongs"):
        return str(widget.belongs)
    for trait in ("description", "placeholder", "tooltip"):
        word = getattr(widget, trait, "")
        if isinstance(word, str) and word.strip():
            return word.strip().partition("\n")[0][:60]
    classes = getattr(widget, "_dom_classes", ())
    return next((each.removeprefix("genolab-") for each in classes), type(widget).__name__)


def _read(widget: Any) -> Memo:
    if hasattr(widget, "memo"):
        return widget.memo
    if isinstance(widget, ipywidgets.widget_selection._MultipleSelection):
        return [str(label) for label in widget.label]
    if isinstance(widget, ipywidgets.widget_selection._Selection):
        return None if widget.label is None else str(widget.label)
    value = widget.value
    if isinstance(value, tuple | list):
        return [each for each in value if isinstance(each, bool | int | float | str)]
    return value if isinstance(value, bool | int | float | str) else None


def _write(widget: Any, value: Memo) -> None:
    """Set one control where the value is one that it can have; otherwise it stays."""
    try:
        if hasattr(widget, "memo"):
            widget.recall(value)
        elif isinstance(widget, ipywidgets.widget_selection._MultipleSelection):
            known = {str(label): each for label, each in widget._options_full}
            if isinstance(value, list) and all(isinstance(each, str) and each in known for each in value):
                widget.value = tuple(known[each] for each in value)
        elif isinstance(widget, ipywidgets.widget_selection._Selection):
            known = {str(label): each for label, each in widget._options_full}
            if isinstance(value, str) and value in known:
                widget.value = known[value]
        elif _alike(widget.value, value):
            widget.value = tuple(value) if isinstance(widget.value, tuple) else value
    except (traitlets.TraitError, ValueError, TypeError):
        return


def _alike(old: Any, new: Any) -> bool:
    """Whether a value from plain data is of the kind that a control has; a slider then keeps it in its range."""
    if isinstance(old, bool) or isinstance(new, bool):
        return type(old) is type(new)
    if isinstance(old, int | float):
        return isinstance(new, int | float) and new == new
    if isinstance(old, str):
        return isinstance(new, str) and len(new) <= MOST_LETTERS
    if isinstance(old, tuple):
        return isinstance(new, list) and len(new) == len(old) and all(map(_alike, old, new))
    return False

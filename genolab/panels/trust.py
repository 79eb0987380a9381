"""What a page may change: the values of its controls, and nothing else of them.

A page is code in a browser, and its messages can be forged. The kernel keeps what it said itself: the ends of a slider,
the options of a list, which box is disabled, what stands in a line of text.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets

log = logging.getLogger("genolab")

VALUES: tuple[tuple[type, frozenset[str]], ...] = (
    (ipywidgets.widgets.widget_selection._MultipleSelection, frozenset({"index"})),
    (ipywidgets.widgets.widget_selection._Selection, frozenset({"index"})),
    (ipywidgets.SelectionRangeSlider, frozenset({"index"})),
    (ipywidgets.Accordion, frozenset({"selected_index"})),
    (ipywidgets.Tab, frozenset({"selected_index"})),
    (ipywidgets.FileUpload, frozenset({"value", "error"})),
    (ipywidgets.Label, frozenset()),
    (ipywidgets.FloatProgress, frozenset()),
    (ipywidgets.IntProgress, frozenset()),
    (ipywidgets.ValueWidget, frozenset({"value"})),
    (ipywidgets.Box, frozenset()),
    (ipywidgets.Button, frozenset()),
)  # fmt: skip
"""What a page may change of each kind of widget of ipywidgets; the first kind that fits counts."""

LONGEST = 1_000_000
"""Letters of a text box that are taken."""


def guard(root: ipywidgets.Widget) -> None:
    """Hold every widget below ``root`` to this, those that are added later too. Widgets of genolab's own name theirs
    in ``from_page``; where they do not, what they take is looked at by themselves."""
    if getattr(root, "_genolab_guarded", False):
        return
    allowed = _allowed(root)
    if allowed is not None:
        root._genolab_guarded = True
        root.set_state = _filter(root, root.set_state, allowed)
    if isinstance(root, ipywidgets.Box):
        _below(root.children)
        root.observe(lambda change: _below(change["new"]), "children")


def _below(children: Iterable[ipywidgets.Widget]) -> None:
    for child in children:
        guard(child)


def _allowed(widget: ipywidgets.Widget) -> frozenset[str] | None:
    own = getattr(widget, "from_page", None)
    if own is not None:
        return frozenset(own)
    if not type(widget).__module__.startswith("ipywidgets") and not isinstance(widget, ipywidgets.Box):
        return None
    return next((names for kind, names in VALUES if isinstance(widget, kind)), frozenset())


def _filter(
    widget: ipywidgets.Widget, take: Callable[[dict[str, Any]], None], allowed: frozenset[str]
) -> Callable[[dict[str, Any]], None]:
    def set_state(state: dict[str, Any]) -> None:
        held = {} if getattr(widget, "disabled", False) else {name: state[name] for name in state if name in allowed}
        refused = set(state) - set(held)
        if isinstance(held.get("value"), str) and len(held["value"]) > LONGEST:
            refused |= {"value"}
            held.pop("value")
        if refused:
            log.warning("a page tried to change %s of a %s", ", ".join(sorted(refused)), type(widget).__name__)
            widget.send_state(sorted(name for name in refused if name in widget.keys))
        if held:
            take(held)

    return set_state

"""What a browser may change in a plot: ranges, selections, tools, visibility and sizes, and the events of the mouse.

Everything a page sends is checked against these lists before it touches a model; the rest is ignored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bokeh.core.serialization import DeserializationError, Deserializer
from bokeh.document import Document
from bokeh.events import ModelEvent
from bokeh.model import Model
from bokeh.models import GlyphRenderer, LayoutDOM, Range, Selection, Slider, Tool, Toolbar
from bokeh.models.annotations import BoxAnnotation

_WRITABLE: tuple[tuple[type[Model], frozenset[str]], ...] = (
    (Range, frozenset({"start", "end"})),
    (Selection, frozenset({"indices", "line_indices", "multiline_indices", "image_indices"})),
    (Toolbar, frozenset({"active_drag", "active_inspect", "active_multi", "active_scroll", "active_tap"})),
    (Tool, frozenset({"active"})),
    (GlyphRenderer, frozenset({"visible", "muted"})),  # the clickable legend
    (Slider, frozenset({"value"})),
    (BoxAnnotation, frozenset({"left", "right", "top", "bottom"})),  # the box of a range tool
    (LayoutDOM, frozenset({"inner_width", "inner_height", "outer_width", "outer_height"})),
)

OF_ONE_VIEW = frozenset({"inner_width", "inner_height", "outer_width", "outer_height"})
"""Properties that differ between views of the same plot and so are not passed on to the others."""

_MOUSE = ("mousemove", "mouseenter", "mouseleave", "tap", "doubletap", "press", "pressup", "wheel")
_GESTURES = ("pan", "panstart", "panend", "pinch", "pinchstart", "pinchend")
_CHANGES = ("reset", "selectiongeometry", "rangesupdate", "legend_item_click", "lodstart", "lodend")
_EVENTS = frozenset((*_MOUSE, *_GESTURES, *_CHANGES))
_DEEPEST = 8
_LONGEST = 1_000_000


class RefusedError(ValueError):
    """A page sent something that it may not send."""


def apply_event(document: Document, event: Any, setter: object) -> None:
    """Apply one event that a browser sent, with `setter` as its author; raises RefusedError where it may not."""
    if not isinstance(event, Mapping):
        raise RefusedError("an event must be a mapping")
    match event.get("kind"):
        case "ModelChanged":
            _change(document, event, setter)
        case "MessageSent":
            _trigger(document, event)
        case kind:  # ColumnsStreamed and ColumnsPatched would let a page write data: plots have no drawing tools
            raise RefusedError(f"events of kind {kind!r} are not accepted")


def _change(document: Document, event: Mapping[str, Any], setter: object) -> None:
    model = _model(document, event.get("model"))
    name = event.get("attr")
    if not any(isinstance(model, kind) and name in names for kind, names in _WRITABLE):
        raise RefusedError(f"{type(model).__name__}.{name} may not be changed by a page")
    assert isinstance(name, str)  # it is in one of the sets
    value = _plain(document, event.get("new"))
    try:
        model.set_from_json(name, value, setter=setter)
    except (ValueError, AttributeError) as error:
        raise RefusedError(str(error)) from error


def _trigger(document: Document, event: Mapping[str, Any]) -> None:
    data = event.get("msg_data")
    if event.get("msg_type") != "bokeh_event" or not isinstance(data, Mapping) or data.get("type") != "event":
        raise RefusedError("only Bokeh's own events are accepted")
    if data.get("name") not in _EVENTS:
        raise RefusedError(f"the event {data.get('name')!r} is not accepted")
    _plain(document, data.get("values"))
    try:
        decoded = Deserializer(list(document.models)).deserialize(dict(data))
    except (DeserializationError, TypeError, ValueError, KeyError) as error:
        raise RefusedError(str(error)) from error
    if not isinstance(decoded, ModelEvent) or decoded.model is None or decoded.model.document is not document:
        raise RefusedError("an event must belong to a model of the plot")
    # Bokeh itself subscribes only the callbacks that were there when the model joined the document.
    document.callbacks.subscribe(decoded.event_name, decoded.model)
    document.callbacks.trigger_event(decoded)


def _model(document: Document, reference: Any) -> Model:
    identity = reference.get("id") if isinstance(reference, Mapping) else None
    model = document.models.get_by_id(identity) if isinstance(identity, str) else None
    if model is None:
        raise RefusedError(f"{reference!r} is no model of the plot")
    return model


def _plain(document: Document, value: Any, depth: int = 0) -> Any:
    """Decode numbers, text, lists, maps and references to existing models; a page can never make a model."""
    if depth > _DEEPEST:
        raise RefusedError("nested too deeply")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        if len(value) > _LONGEST:
            raise RefusedError("too long a list")
        return [_plain(document, item, depth + 1) for item in value]
    if not isinstance(value, Mapping):
        raise RefusedError(f"cannot decode a {type(value).__name__}")
    match value.get("type"):
        case "number":
            return {"nan": math.nan, "+inf": math.inf, "-inf": -math.inf}.get(str(value.get("value")))
        case "map":
            entries = _plain(document, value.get("entries", []), depth + 1)
            if not all(isinstance(entry, list) and len(entry) == 2 and _is_key(entry[0]) for entry in entries):
                raise RefusedError("a map must be pairs of a plain key and a value")
            return dict(entries)
        case None if "id" in value:
            return _model(document, value)
        case None:
            return {str(key): _plain(document, item, depth + 1) for key, item in value.items()}
        case kind:
            raise RefusedError(f"values of type {kind!r} are not accepted")


def _is_key(value: Any) -> bool:
    return isinstance(value, str | int | float)

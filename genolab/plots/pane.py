"""Bokeh inside a widget: offline, live, and the same in JupyterLab, Notebook and Voila.

The kernel holds the document. A view says hello and gets a snapshot; afterwards it gets patches, numbered without gaps,
and acknowledges each when it has been painted. While two are on their way, changes are gathered instead, newest wins.
`pane.js` is the other half.
"""

from __future__ import annotations

import gzip
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal

import anywidget
import bokeh
import ipywidgets
import traitlets
from bokeh.core.json_encoder import serialize_json
from bokeh.core.serialization import Serializer
from bokeh.document import Document
from bokeh.document.events import (
    ColumnDataChangedEvent,
    ColumnsPatchedEvent,
    ColumnsStreamedEvent,
    DocumentPatchedEvent,
    ModelChangedEvent,
)
from bokeh.embed import file_html
from bokeh.model import Model
from bokeh.models import Plot
from bokeh.resources import INLINE, Resources

from genolab.errors import GenolabError, InputError
from genolab.plots import style
from genolab.plots.inbox import OF_ONE_VIEW, RefusedError, apply_event

log = logging.getLogger(__name__)

AHEAD = 2  # frames that may be on their way; one is painted while the next is built
PATIENCE = 2.0  # seconds; a view that has not answered for longer (a closed page, a sleeping laptop) is not waited for
FORGOTTEN = 60.0  # seconds; a view that is behind for longer is no longer counted at all

Picture = Literal["png", "svg"]


class BokehBundle(ipywidgets.Widget):
    """One file of BokehJS, compressed; a page fetches it once however many panes it shows."""

    version = traitlets.Unicode(bokeh.__version__).tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    code = traitlets.Bytes().tag(sync=True)


_bundles: dict[str, BokehBundle] = {}
_bundles_lock = threading.Lock()


def bundle(name: str) -> BokehBundle:
    """Return the kernel's widget that carries the BokehJS file `name` of the installed Bokeh."""
    with _bundles_lock:
        made = _bundles.get(name)
        if made is None or made.comm is None:
            (code,) = Resources(mode="inline", components=[name], log_level="warn").js_raw[:1]
            made = _bundles[name] = BokehBundle(name=name, code=gzip.compress(code.encode(), compresslevel=4, mtime=0))
        return made


@dataclass
class _View:
    """How far one view has come."""

    painted: int
    waiting_since: float


@dataclass(frozen=True)
class _Author:
    """Who made a change: the view that must not get it back."""

    view: str


@dataclass
class _Export:
    view: str
    done: Callable[[bytes], None]
    failed: Callable[[GenolabError], None] | None = field(default=None)


class BokehPane(anywidget.AnyWidget):
    """A Bokeh model (figure or layout) as a widget whose views stay current and never fall behind.

    Change the models from any thread; wrap what belongs to one frame in `with pane.hold():`. Bokeh's own callbacks
    (`on_change` of ranges and selections, `on_event`) run in the kernel. `dark` follows the page's theme.
    """

    _esm = Path(__file__).with_name("pane.js")
    libraries = traitlets.List(traitlets.Instance(BokehBundle)).tag(sync=True, **ipywidgets.widget_serialization)
    dark = traitlets.Bool(False, help="whether the page that shows the plot is dark")
    size = traitlets.Tuple((0, 0), help="pixels of the view that changed last, width and height; 0 before any is shown")

    def __init__(self, model: Model, *, dark: bool = False) -> None:
        """Show `model`; raises InputError where it already belongs to another pane or document."""
        if model.document is not None:
            raise InputError("BokehPane", "model", "a model that no other pane shows", f"{model}", "make a new figure")
        self.document = Document(theme=style.theme(dark))
        self.document.add_root(model)
        self.model = model
        self.frames_sent = 0
        self.frames_dropped = 0
        self._lock = threading.RLock()
        self._depth = 0
        self._sequence = 0
        self._last_sent = 0.0
        self._pending: dict[object, DocumentPatchedEvent] = {}
        self._views: dict[str, _View] = {}
        self._newcomers: list[str] = []
        self._exports: dict[str, _Export] = {}
        super().__init__(dark=dark, libraries=self._needed_libraries(), layout=ipywidgets.Layout(width="100%"))
        self.document.on_change_dispatch_to(self)
        self.on_msg(self._receive)
        self.observe(self._dye, "dark")

    # --- from the models to the browser

    @property
    def in_flight(self) -> int:
        """Frames that were sent and not yet painted by the slowest view that answers."""
        with self._lock:
            return self._sequence - min(self._answering(), default=self._sequence)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Gather every change made inside into one frame; threads may hold at the same time."""
        with self._lock:
            self._depth += 1
        try:
            yield
        finally:
            with self._lock:
                self._depth -= 1
                if self._pending:
                    self._frame()

    def _document_patched(self, event: DocumentPatchedEvent) -> None:
        with self._lock:
            if isinstance(event, ModelChangedEvent) and isinstance(event.setter, _Author):
                if event.attr in OF_ONE_VIEW:
                    return
                if self._views.keys() <= {event.setter.view}:  # no other view to tell, and its change is the newest
                    self._pending.pop((event.model.id, event.attr), None)
                    return
            self._gather(event)
            self._frame()

    def _gather(self, event: DocumentPatchedEvent) -> None:
        """Keep the event; of several changes of one property only the newest state is kept."""
        of_data = isinstance(event, ColumnDataChangedEvent | ColumnsStreamedEvent | ColumnsPatchedEvent)
        if not of_data and not isinstance(event, ModelChangedEvent):
            self._pending[object()] = event
            return
        key = (event.model.id, event.attr)
        if of_data and key in self._pending:
            # What was streamed or patched is in the model: all columns as they are when the frame leaves.
            event = ColumnDataChangedEvent(self.document, event.model, event.attr)
        self._pending[key] = event

    def _frame(self) -> None:
        """Send what is pending, or leave it pending while a writer holds or the views are behind."""
        if self._depth:
            return
        if self._newcomers:
            self._send_patch()
            for view in self._newcomers:
                self._send_snapshot(view)
            self._newcomers.clear()
        elif self._pending:
            if self._may_send():
                self._send_patch()
            else:
                self.frames_dropped += 1

    def _answering(self) -> list[int]:
        """How far each view has come, without those that have been silent for too long."""
        now = time.monotonic()
        return [
            view.painted
            for view in self._views.values()
            if view.painted == self._sequence or now - view.waiting_since < PATIENCE
        ]

    def _may_send(self) -> bool:
        answering = self._answering()
        if answering or not self._views:
            return self._sequence - min(answering, default=self._sequence) < AHEAD
        # Nobody answers. A kernel that runs a cell may not hear the answers, so a frame leaves now and then.
        return time.monotonic() - self._last_sent >= PATIENCE

    def _send_patch(self) -> None:
        events, self._pending = list(self._pending.values()), {}
        synced = self.document.models.synced_references
        # Changes of a model that the views do not know yet travel with the model itself.
        events = [event for event in events if getattr(event, "model", None) is None or event.model in synced]
        if not events:
            return
        now = time.monotonic()
        for view in self._views.values():
            if view.painted == self._sequence:
                view.waiting_since = now
        self._sequence += 1
        self._last_sent = now
        if not self._views:
            return  # nobody looks: the gap in the numbers makes whoever comes back ask for a snapshot
        if self.document.models.synced_references != set(self.document.models):
            self.libraries = self._needed_libraries()
        serializer = Serializer(references=synced)
        patch = {"events": serializer.encode(events)}
        self.document.models.flush_synced(lambda model: not serializer.has_ref(model))
        authors = [event.setter.view if isinstance(event.setter, _Author) else None for event in events]
        self.frames_sent += 1
        self._post({"kind": "patch", "sequence": self._sequence, "authors": authors}, patch, serializer)

    def _send_snapshot(self, view: str) -> None:
        now = time.monotonic()
        for name in [name for name, other in self._views.items() if now - other.waiting_since > FORGOTTEN]:
            if self._views[name].painted < self._sequence:
                del self._views[name]
        self._views[view] = _View(painted=self._sequence, waiting_since=now)
        self.libraries = self._needed_libraries()
        self._post({"kind": "snapshot", "view": view, "sequence": self._sequence}, *self._snapshot())
        self.document.models.flush_synced()

    def _snapshot(self) -> tuple[dict[str, Any], Serializer]:
        serializer = Serializer()
        roots = serializer.encode(self.document.roots)
        content = {"version": bokeh.__version__, "title": self.document.title, "roots": roots}
        return content, serializer

    def _post(self, message: dict[str, Any], content: dict[str, Any], serializer: Serializer) -> None:
        buffers = serializer.buffers
        self.send(
            {**message, "content": serialize_json(content), "buffers": [buffer.id for buffer in buffers]},
            [buffer.to_bytes() for buffer in buffers],
        )

    def _needed_libraries(self) -> list[BokehBundle]:
        names = ["bokeh"]
        modules = {type(model).__module__ for model in self.document.models}
        if any(isinstance(model, Plot) and model.output_backend == "webgl" for model in self.document.models):
            names.append("bokeh-gl")
        if any(module.startswith("bokeh.models.widgets") for module in modules):
            names.append("bokeh-widgets")
        if "bokeh.models.widgets.tables" in modules:
            names.append("bokeh-tables")
        return [bundle(name) for name in names]

    # --- from the browser

    def _receive(self, _widget: object, message: Any, buffers: list[memoryview]) -> None:
        view = message.get("view") if isinstance(message, dict) else None
        if not isinstance(view, str) or len(view) > 40:
            return
        match message.get("kind"):
            case "hello":
                self._set_dark(message)
                with self._lock:
                    if view not in self._newcomers:
                        self._newcomers.append(view)
                    self._frame()
            case "painted":
                self._painted(view, message.get("sequence"))
            case "bye":
                with self._lock:
                    self._views.pop(view, None)
                    self._frame()
            case "theme":
                self._set_dark(message)
            case "size":
                self._set_size(message)
            case "patch":
                self._apply(view, message.get("events"))
            case "exported":
                self._exported(message, buffers)

    def _painted(self, name: str, sequence: Any) -> None:
        with self._lock:
            view = self._views.get(name)
            if view is None or not isinstance(sequence, int) or not view.painted <= sequence <= self._sequence:
                return
            view.painted = sequence
            view.waiting_since = time.monotonic()
            self._frame()

    def _apply(self, view: str, events: Any) -> None:
        # Not under the lock: callbacks may compute, and may wait for a thread that is drawing.
        try:
            for event in events if isinstance(events, list) else []:
                try:
                    apply_event(self.document, event, _Author(view))
                except RefusedError as refusal:
                    log.debug("ignored what a page sent: %s", refusal)
        finally:
            self.send({"kind": "heard", "view": view})

    def _set_dark(self, message: dict[str, Any]) -> None:
        if isinstance(message.get("dark"), bool):
            self.dark = message["dark"]

    def _set_size(self, message: dict[str, Any]) -> None:
        size = message.get("width"), message.get("height")
        if all(type(side) is int and 0 < side < 100_000 for side in size):
            self.size = size

    def _dye(self, change: Any) -> None:
        with self.hold():
            self.document.theme = style.theme(change["new"])

    # --- ways out

    def request_export(
        self,
        picture: Picture,
        done: Callable[[bytes], None],
        failed: Callable[[GenolabError], None] | None = None,
    ) -> None:
        """Have the browser draw the plot and call `done` with the bytes of the PNG or SVG.

        Returns at once; raises GenolabError where no page shows the plot; `failed` gets what goes wrong later.
        """
        key = token_hex(8)
        with self._lock:
            view = self._ask_for_picture(picture, {"id": key})
            self._exports[key] = _Export(view, done, failed)

    def download(self, picture: Picture, name: str) -> None:
        """Have the browser that shows the plot download it as `name`.png or `name`.svg."""
        with self._lock:
            self._ask_for_picture(picture, {"name": f"{name}.{picture}"})

    def _ask_for_picture(self, picture: Picture, details: dict[str, str]) -> str:
        if picture not in ("png", "svg"):
            raise InputError("BokehPane", "picture", "'png' or 'svg'", repr(picture), "choose one of them")
        if not self._views:
            raise GenolabError("No page shows this plot to draw it. Display the pane, or use save_html(path).")
        view = max(self._views, key=lambda name: self._views[name].waiting_since)
        self._post({"kind": "export", "view": view, "picture": picture, **details}, *self._snapshot())
        return view

    def _exported(self, message: dict[str, Any], buffers: list[memoryview]) -> None:
        with self._lock:
            export = self._exports.pop(str(message.get("id")), None)
        if export is None or export.view != message.get("view"):
            return
        if buffers:
            export.done(bytes(buffers[0]))
        elif export.failed is not None:
            export.failed(GenolabError(f"The browser could not draw the plot: {message.get('error')}"))

    def to_html(self, title: str = "genolab") -> str:
        """Return a page with the plot and BokehJS inside: it opens anywhere, without a network or a kernel."""
        with self._lock:
            return file_html(self.document, INLINE, title, suppress_callback_warning=True)

    def save_html(self, path: str | os.PathLike[str], title: str = "genolab") -> Path:
        """Write `to_html()`; an old file is replaced as a whole or not at all."""
        from genolab.io.atomic import replacing

        with replacing(path, who="save_html") as (beside,):
            beside.write_text(self.to_html(title), encoding="utf-8")
        return Path(path)

    def close(self) -> None:
        """Close the widget in every page and free the models, which may then be shown by another pane."""
        if self.comm is not None:
            with self._lock:
                self.document.remove_on_change(self)
                self._pending.clear()
                self._views.clear()
                self.document.clear()
        super().close()

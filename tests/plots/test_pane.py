"""The kernel's half of the pane, with a page played by the test."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure

from genolab.errors import GenolabError, InputError
from genolab.plots import columns
from genolab.plots import pane as pane_module
from genolab.plots.pane import AHEAD, BokehPane


class Page:
    """A browser page with views of one pane: keeps what the kernel sends and answers when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **columns: Any) -> None:
        self.source = ColumnDataSource(columns or {"x": [0.0], "y": [0.0]})
        self.figure = figure(x_range=(0, 10), y_range=(0, 10))
        self.glyph = self.figure.scatter("x", "y", source=self.source)
        self.pane = BokehPane(self.figure)
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        monkeypatch.setattr(self.pane, "send", lambda message, buffers=None: self.sent.append((message, buffers or [])))

    def say(self, kind: str, view: str = "a", **more: Any) -> None:
        self.pane._receive(self.pane, {"kind": kind, "view": view, **more}, [])

    def change(self, model: Any, name: str, value: Any, view: str = "a") -> None:
        event = {"kind": "ModelChanged", "model": {"id": model.id}, "attr": name, "new": value}
        self.say("patch", view, events=[event])

    def painted(self, view: str = "a") -> None:
        self.say("painted", view, sequence=self.pane._sequence)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message, _ in self.sent if message["kind"] == kind]

    def events(self) -> list[dict[str, Any]]:
        return [event for message in self.of("patch") for event in json.loads(message["content"])["events"]]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(monkeypatch)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(pane_module.time, "monotonic", lambda: now[0])
    return now


def test_a_view_gets_a_snapshot_of_what_is_there_now(page: Page) -> None:
    page.source.data = {"x": [1.0, 2.0], "y": [3.0, 4.0]}
    assert page.sent == []  # nobody looks
    page.say("hello")
    (snapshot,) = page.of("snapshot")
    assert snapshot["view"] == "a"
    assert "[3.0,4.0]" in snapshot["content"]
    page.say("hello", "late")
    assert page.of("snapshot")[1]["view"] == "late"


def test_arrays_travel_as_bytes(page: Page) -> None:
    page.say("hello")
    values = np.arange(5.0)
    page.source.data = {"x": values, "y": values}
    message, buffers = page.sent[-1]
    assert buffers == [values.tobytes(), values.tobytes()]
    assert all(f'{{"id":"{name}"}}' in message["content"] for name in message["buffers"])


def test_only_columns_that_changed_travel_where_the_rows_are_as_many(page: Page) -> None:
    columns.fill(page.source, {"x": np.arange(3.0), "y": np.arange(3.0)})
    page.say("hello")
    assert columns.fill(page.source, {"x": np.arange(3.0), "y": np.ones(3)})
    (event,) = page.events()
    assert event["cols"] == ["y"]
    assert list(dict(event["data"]["entries"])) == ["y"]
    assert not columns.fill(page.source, {"x": np.arange(3.0), "y": np.ones(3)})
    assert columns.fill(page.source, {"x": np.arange(3.0), "y": np.ones(3) * 2})
    assert columns.fill(page.source, {"x": np.arange(2.0), "y": np.ones(2)})
    page.painted()
    assert len(page.sent[-1][1]) == 2
    np.testing.assert_array_equal(page.source.data["x"], [0, 1])


def test_frames_wait_for_the_page_and_only_the_newest_state_leaves(page: Page) -> None:
    page.say("hello")
    page.painted()
    for i in range(10):
        page.source.data = {"x": [float(i)], "y": [float(i)]}
    assert page.pane.in_flight == len(page.of("patch")) == AHEAD
    assert page.pane.frames_dropped == 10 - AHEAD
    page.painted()
    assert len(page.of("patch")) == AHEAD + 1
    assert "9.0" in page.of("patch")[-1]["content"]
    page.painted()
    assert len(page.of("patch")) == AHEAD + 1
    assert page.pane.in_flight == 0


def test_numbers_of_frames_have_no_gaps(page: Page) -> None:
    page.say("hello")
    for i in range(30):
        page.figure.x_range.start = -i - 1
        if i % 3 == 0:
            page.painted()
    numbers = [page.of("snapshot")[0]["sequence"], *(message["sequence"] for message in page.of("patch"))]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_streams_that_had_to_wait_become_whole_columns(page: Page) -> None:
    page.say("hello")
    for i in range(1, 6):
        page.source.stream({"x": [float(i)], "y": [float(i)]})
    assert [event["kind"] for event in page.events()] == ["ColumnsStreamed"] * AHEAD
    page.painted()
    last = page.events()[-1]
    assert last["kind"] == "ColumnDataChanged"
    assert "[0.0,1.0,2.0,3.0,4.0,5.0]" in json.dumps(last).replace(" ", "")


def test_a_new_model_is_sent_whole_and_once(page: Page) -> None:
    page.say("hello")
    with page.pane.hold():
        added = ColumnDataSource({"x": [0.0], "y": [0.0]})
        page.glyph.data_source = added
        added.stream({"x": [7.0], "y": [7.0]})
    kinds = [event["kind"] for event in page.events()]
    assert kinds == ["ModelChanged"]  # the streamed row is in the model already
    assert page.of("patch")[0]["content"].count("7.0") == 2
    added.stream({"x": [8.0], "y": [8.0]})
    assert page.events()[-1]["kind"] == "ColumnsStreamed"


def test_hold_makes_one_frame_also_across_threads(page: Page) -> None:
    page.say("hello")
    inside, go = threading.Event(), threading.Event()

    def other() -> None:
        with page.pane.hold():
            page.figure.y_range.start = -5
            inside.set()
            go.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(10)
    with page.pane.hold():
        page.figure.x_range.start = -1
        page.figure.x_range.end = 99
    assert page.of("patch") == []  # the other thread is not done with its frame
    go.set()
    thread.join(10)
    (frame,) = page.of("patch")
    assert len(json.loads(frame["content"])["events"]) == 3


def test_a_silent_view_is_not_waited_for(page: Page, clock: list[float]) -> None:
    page.say("hello", "gone")
    page.say("hello", "here")
    page.painted("here")
    for i in range(5):
        page.figure.x_range.start = -i - 1
        page.painted("here")
    assert len(page.of("patch")) == AHEAD
    clock[0] += pane_module.PATIENCE + 1
    for i in range(5):
        page.figure.x_range.end = 20 + i
        page.painted("here")
    assert page.figure.x_range.end == 24
    assert len(page.of("patch")) == AHEAD + 1 + 5 - 1  # what was pending leaves with the first


def test_frames_still_leave_when_no_answer_is_heard(page: Page, clock: list[float]) -> None:
    page.say("hello")
    for i in range(100):
        clock[0] += 0.1
        page.figure.x_range.start = -i - 1
    sent = len(page.of("patch"))
    assert AHEAD + 3 <= sent <= AHEAD + 100 * 0.1 / pane_module.PATIENCE


def test_a_range_from_a_page_reaches_python_and_the_other_views(page: Page) -> None:
    heard: list[float] = []
    page.figure.x_range.on_change("start", lambda attr, old, new: heard.append(new))
    page.say("hello", "a")
    page.change(page.figure.x_range, "start", 2.5)
    assert heard == [2.5]
    assert page.figure.x_range.start == 2.5
    assert page.of("patch") == []  # the only view knows
    assert page.of("heard") == [{"kind": "heard", "view": "a"}]
    page.say("hello", "b")
    page.change(page.figure.x_range, "start", 3.5)
    assert page.of("patch")[-1]["authors"] == ["a"]


def test_a_change_of_a_page_is_newer_than_what_waits(page: Page) -> None:
    page.say("hello")
    for i in range(AHEAD + 1):
        page.figure.x_range.start = -i - 1
    page.change(page.figure.x_range, "start", 7)
    page.painted()
    assert page.figure.x_range.start == 7
    assert all(event["new"] != -AHEAD - 1 for event in page.events())


def test_sizes_belong_to_one_view(page: Page) -> None:
    page.say("hello", "a")
    page.say("hello", "b")
    page.change(page.figure, "inner_width", 640)
    assert page.figure.inner_width == 640
    assert page.of("patch") == []


def test_a_tap_calls_python(page: Page) -> None:
    taps: list[float] = []
    page.figure.on_event(Tap, lambda event: taps.append(event.x))
    values = {"type": "map", "entries": [["model", {"id": page.figure.id}], ["x", 4.5], ["y", 1], ["sx", 1], ["sy", 1]]}
    event = {"type": "event", "name": "tap", "values": values}
    page.say("patch", events=[{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}])
    assert taps == [4.5]


def test_a_selection_reaches_python(page: Page) -> None:
    page.change(page.source.selected, "indices", [0])
    assert page.source.selected.indices == [0]


REFUSED = [
    lambda p: {"kind": "RootRemoved", "model": {"id": p.figure.id}},
    lambda p: {"kind": "RootAdded", "model": {"id": p.figure.id}},
    lambda p: {"kind": "TitleChanged", "title": "x"},
    lambda p: {"kind": "ColumnDataChanged", "model": {"id": p.source.id}, "attr": "data", "data": {}, "cols": None},
    lambda p: {"kind": "ColumnsStreamed", "model": {"id": p.source.id}, "attr": "data", "data": {}, "rollover": None},
    lambda p: {"kind": "ModelChanged", "model": {"id": p.source.id}, "attr": "data", "new": {"x": [], "y": []}},
    lambda p: {"kind": "ModelChanged", "model": {"id": p.figure.id}, "attr": "title", "new": None},
    lambda p: {"kind": "ModelChanged", "model": {"id": p.figure.id}, "attr": "js_property_callbacks", "new": {}},
    lambda p: {"kind": "ModelChanged", "model": {"id": "nobody"}, "attr": "start", "new": 1},
    lambda p: {"kind": "ModelChanged", "model": {"id": p.figure.x_range.id}, "attr": "start", "new": "text"},
    lambda p: {
        "kind": "ModelChanged",
        "model": {"id": p.figure.x_range.id},
        "attr": "start",
        "new": {"type": "object"},
    },
    lambda p: {
        "kind": "ModelChanged",
        "model": {"id": p.figure.toolbar.id},
        "attr": "active_drag",
        "new": {"type": "object", "name": "PanTool", "id": "made-up"},
    },
    lambda p: {"kind": "MessageSent", "msg_type": "other", "msg_data": {}},
    lambda p: {
        "kind": "MessageSent",
        "msg_type": "bokeh_event",
        "msg_data": {"type": "event", "name": "no", "values": {}},
    },
    lambda p: {
        "kind": "MessageSent",
        "msg_type": "bokeh_event",
        "msg_data": {
            "type": "event",
            "name": "tap",
            "values": {"type": "map", "entries": [["model", {"id": "nobody"}]]},
        },
    },
    lambda p: {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": {"type": "event", "name": "tap"}},
    lambda p: "text",
    lambda p: None,
]


@pytest.mark.parametrize("make", REFUSED)
def test_what_a_page_may_not_send_is_ignored(page: Page, make: Any) -> None:
    page.say("hello")
    before = page.pane._snapshot()[0]
    page.say("patch", events=[make(page)])
    assert page.pane._snapshot()[0] == before
    assert page.of("patch") == []
    assert page.of("heard")  # and the page is not left waiting


@pytest.mark.parametrize("message", [None, "text", {}, {"kind": "hello"}, {"kind": "hello", "view": "x" * 41}])
def test_messages_without_a_view_are_ignored(page: Page, message: Any) -> None:
    page.pane._receive(page.pane, message, [])
    assert page.sent == []


def test_theme_follows_the_page(page: Page) -> None:
    page.say("hello", dark=True)
    assert page.pane.dark
    assert page.figure.xaxis.axis_label_text_color == "#b4b4b4"
    page.say("theme", dark=False)
    assert page.figure.xaxis.axis_label_text_color == "#5c5c5c"
    (frame,) = page.of("patch")
    assert len(json.loads(frame["content"])["events"]) > 5


def test_an_export_without_a_page_is_refused(page: Page) -> None:
    with pytest.raises(GenolabError, match="No page shows this plot"):
        page.pane.request_export("png", print)
    with pytest.raises(InputError, match="picture"):
        page.pane.request_export("gif", print)  # type: ignore[arg-type]


def test_an_export_returns_bytes_to_the_view_that_was_asked(page: Page) -> None:
    got: list[bytes] = []
    failed: list[str] = []
    page.say("hello")
    page.pane.request_export("png", got.append, lambda error: failed.append(str(error)))
    (asked,) = page.of("export")
    answer = {"kind": "exported", "view": "a", "id": asked["id"]}
    page.pane._receive(page.pane, answer, [memoryview(b"picture")])
    page.pane._receive(page.pane, answer, [memoryview(b"again")])
    assert got == [b"picture"]
    page.pane.request_export("svg", got.append, lambda error: failed.append(str(error)))
    page.say("exported", id=page.of("export")[-1]["id"], error="no room")
    assert failed == ["The browser could not draw the plot: no room"]


def test_a_saved_page_needs_nothing_else_and_leaves_the_live_one_alone(page: Page, tmp_path: Path) -> None:
    page.say("hello")
    path = page.pane.save_html(tmp_path / "plot.html", title="depth <of> reads")
    text = path.read_text(encoding="utf-8")
    assert page.figure.id in text
    assert "<script src=" not in text
    assert "<link" not in text
    assert "depth &lt;of&gt; reads" in text
    assert [entry.name for entry in tmp_path.iterdir()] == ["plot.html"]
    assert page.of("patch") == []
    page.source.data = {"x": [5.0], "y": [5.0]}
    assert len(page.of("patch")) == 1


def test_only_the_bundles_that_are_needed(page: Page) -> None:
    assert [bundle.name for bundle in page.pane.libraries] == ["bokeh"]
    page.say("hello")
    page.figure.output_backend = "webgl"
    page.figure.x_range = Range1d(0, 5)  # a new model: the bundles are counted again
    assert [bundle.name for bundle in page.pane.libraries] == ["bokeh", "bokeh-gl"]


def test_close_frees_the_models(page: Page) -> None:
    with pytest.raises(InputError, match="no other pane shows"):
        BokehPane(page.figure)
    page.pane.close()
    page.pane.close()
    again = BokehPane(page.figure)
    assert page.figure.document is again.document

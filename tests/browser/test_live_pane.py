"""The pane in a real browser: what is drawn is what the kernel has, and what a person does reaches the kernel."""

from __future__ import annotations

import json
from typing import Any

PLOT = """
import threading, time
import numpy as np, ipywidgets as W
from bokeh.events import Tap
from bokeh.models import ColumnDataSource
from genolab.plots.pane import BokehPane
from genolab.plots import style
def columns(value, size=100): return dict(x=np.linspace(0.0, 99.0, size), y=np.full(size, float(value)))
source = ColumnDataSource(columns(0), name="source")
fig = style.figure(x_label="position", x_unit="bp", y_label="depth", y_unit="reads", x_format="position",
                   y_format="count", x_range=(0, 100), y_range=(-30, 30), wheel_zooms=True, name="figure")
fig.line("x", "y", source=source, line_color=style.BLUE, line_width=2)
fig.x_range.name = "x_range"
heard, tapped = [], []
fig.x_range.on_change("start", lambda attr, old, new: heard.append(new))
fig.on_event(Tap, lambda event: tapped.append(event.x))
pane = BokehPane(fig)
slider = W.IntSlider(0, 0, 20)
slider.observe(lambda change: setattr(source, "data", columns(change["new"])), "value")
late = W.Output()
shown = W.VBox([slider, pane, late])
"""


def open_plot(screens: Any, frontend: str) -> Any:
    """The example with one view, its ranges as at the start."""
    screen = screens.show(frontend, "pane", PLOT, "shown")
    screen.until(f"{screen.model('source')}")
    screen.run("late.outputs = ()")
    screen.until("document.querySelectorAll('.genolab-pane[data-sequence]').length === 1")
    screen.run("fig.x_range.update(start=0, end=100); heard.clear(); tapped.clear()")
    screen.until(f"{screen.model('x_range')}.start === 0 && {screen.model('x_range')}.end === 100")
    return screen


def value(screen: Any, view: int = 0) -> str:
    """JavaScript for the value that a view draws."""
    return f"{screen.model('source', view)}?.data.y[5]"


def canvas(screen: Any) -> dict[str, float]:
    """The box of the plot on the page."""
    box: dict[str, float] = screen.page.locator(".genolab-pane .bk-Figure").first.bounding_box()
    return box


def picture(screen: Any) -> bytes:
    """The pixels of the plot."""
    pixels: bytes = screen.page.locator(".genolab-pane .bk-Figure").first.screenshot()
    return pixels


def test_an_update_from_python_is_drawn(screens: Any, frontend: str) -> None:
    screen = open_plot(screens, frontend)
    screen.run("slider.value = 2")
    screen.until(f"{value(screen)} === 2")
    settle(screen)
    before = picture(screen)
    screen.run("slider.value = 17")
    screen.until(f"{value(screen)} === 17")
    settle(screen)
    assert picture(screen) != before
    screen.screenshot("pane")
    screen.check()


def settle(screen: Any) -> None:
    """Wait until the views have painted everything that was sent."""
    sequence = screen.evaluate("pane._sequence")
    screen.until(f"document.querySelector('.genolab-pane').dataset.sequence === '{sequence}'")


def test_a_late_view_shows_current_data_and_views_are_linked(screens: Any, frontend: str) -> None:
    screen = open_plot(screens, frontend)
    screen.run("slider.value = 11")
    screen.run("late.append_display_data(pane)")
    screen.until(f"{value(screen, 0)} === 11 && {value(screen, 1)} === 11")
    screen.run("slider.value = 4")
    screen.until(f"{value(screen, 0)} === 4 && {value(screen, 1)} === 4")
    box = canvas(screen)
    screen.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    screen.page.mouse.wheel(0, -200)
    screen.until(f"{screen.model('x_range', 0)}.start > 0")
    screen.until(f"{screen.model('x_range', 0)}.start === {screen.model('x_range', 1)}.start")
    screen.screenshot("pane_two_views")
    screen.run("late.outputs = ()")
    screen.until("document.querySelectorAll('.genolab-pane').length === 1")
    screen.until(f"!{screen.model('source', 1)}")
    assert screen.evaluate("len(pane._views)") == 1
    screen.check()


def test_ranges_and_taps_reach_python(screens: Any, frontend: str) -> None:
    screen = open_plot(screens, frontend)
    box = canvas(screen)
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    screen.page.mouse.click(*middle)
    screen.page.mouse.move(*middle)
    screen.page.mouse.down()
    screen.page.mouse.move(middle[0] - 200, middle[1], steps=6)
    screen.page.mouse.up()
    start = screen.until(f"{screen.model('x_range')}.start > 1 && {screen.model('x_range')}.start")
    settle_outbox(screen, start)
    assert screen.evaluate("heard[-1]") == start
    assert 30 < screen.evaluate("tapped[0]") < 70
    screen.check()


def settle_outbox(screen: Any, start: float) -> None:
    """Wait until Python has the range of the page."""
    for _ in range(50):
        if screen.evaluate("fig.x_range.start") == start:
            return
    raise AssertionError(f"Python never heard of {start}")


def test_a_reload_shows_current_data(screens: Any) -> None:
    for frontend in ("lab", "notebook"):  # Voila starts a new kernel
        screen = open_plot(screens, frontend)
        screen.run("slider.value = 13")
        if frontend == "lab":  # another version of Bokeh that is there first is neither used nor disturbed
            screen.page.add_init_script("window.Bokeh = {version: '0.1', __bokeh__: true}")
        screen.reload()
        screen.until(f"{value(screen)} === 13")
        screen.run("slider.value = 6")
        screen.until(f"{value(screen)} === 6")
        if frontend == "lab":
            assert screen.until("window.Bokeh.version") == "0.1"
        screen.check()


def test_stale_frames_are_dropped_and_the_last_one_arrives(screens: Any) -> None:
    screen = open_plot(screens, "lab")
    screen.run(
        "before = pane.frames_sent\n"
        "def flood():\n"
        "    for i in range(300): source.data = columns(i / 100, 20_000)\n"
        "    source.data = columns(19, 50)\n"
        "thread = threading.Thread(target=flood); thread.start(); thread.join()"
    )
    screen.until(f"{value(screen)} === 19")
    sent = screen.evaluate("pane.frames_sent - before")
    assert 1 < sent < 150
    settle(screen)
    assert screen.evaluate("pane.in_flight") == 0
    screen.check()


def test_a_thread_may_draw(screens: Any) -> None:
    screen = open_plot(screens, "lab")
    screen.run("slider.value = 1")
    screen.until(f"{value(screen)} === 1")
    screen.run(
        "thread = threading.Thread(target=lambda: setattr(source, 'data', columns(8))); thread.start(); thread.join()"
    )
    screen.until(f"{value(screen)} === 8")
    screen.check()


def test_pictures_come_back_to_python(screens: Any, frontend: str) -> None:
    screen = open_plot(screens, frontend)
    screen.run("got = {}; pane.request_export('png', lambda b: got.update(png=b))")
    screen.run("pane.request_export('svg', lambda b: got.update(svg=b))")
    for _ in range(200):
        if screen.evaluate("sorted(got)") == ["png", "svg"]:
            break
    assert screen.evaluate("got['png'][:4]") == b"\x89PNG"
    svg = screen.evaluate("got['svg'].decode()")
    assert svg.startswith("<svg")
    assert "position (bp)" in svg
    assert "<path" in svg
    assert "<image" not in svg
    screen.check()


def test_a_dark_page_makes_a_dark_plot(screens: Any) -> None:
    screen = open_plot(screens, "lab")
    themes = "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: %s})"
    colour = f"{screen.model('figure')}.below[0].major_label_text_color"
    try:
        screen.page.evaluate(themes % json.dumps("JupyterLab Dark"))
        screen.until(f"{colour} === '#b4b4b4'")
        settle(screen)
        screen.until("document.body.dataset.jpThemeLight === 'false'")
        screen.screenshot("pane_dark")
        assert screen.evaluate("pane.dark") is True
    finally:
        screen.page.evaluate(themes % json.dumps("JupyterLab Light"))
    screen.until(f"{colour} === '#5c5c5c'")
    screen.check()


def test_a_closed_pane_leaves_the_page(screens: Any, frontend: str) -> None:
    screen = screens.show(frontend, "closed pane", PLOT, "shown")
    screen.until(screen.model("source"))
    screen.run("pane.close()")
    screen.until("!document.querySelector('.genolab-pane')")
    screen.until(f"!{screen.model('source')}")
    assert screen.evaluate("fig.document is None") is True
    screen.check()


def test_what_changed_first_is_painted_before_other_panes_are_touched(screens: Any, frontend: str) -> None:
    screen = open_plot(screens, frontend)
    screen.run(
        "other = ColumnDataSource(columns(0), name='other')\n"
        "second = style.figure(x_label='position', x_unit='bp', y_label='depth', y_unit='reads', x_format='position',\n"
        "                      y_format='count', x_range=(0, 100), y_range=(-30, 30), name='second')\n"
        "second.line('x', 'y', source=other)\n"
        "second_pane = BokehPane(second)\n"
        "late.append_display_data(second_pane)"
    )
    screen.until(f"{screen.model('other')}")
    settle(screen)
    screen.page.evaluate(
        f"""() => {{
          globalThis.order = [];
          const other = {screen.model("other")}, panes = [...document.querySelectorAll(".genolab-pane")];
          other.properties.data.change.connect(() => order.push("second applied"));
          new MutationObserver((all) => all.forEach((one) =>
            order.push(one.target === panes[0] ? "first painted" : "second painted")
          )).observe(document.body, {{subtree: true, attributes: true, attributeFilter: ["data-sequence"]}});
        }}"""
    )
    screen.run("with pane.hold(): source.data = columns(7)\nwith second_pane.hold(): other.data = columns(8)")
    screen.until("order.includes('second painted')")
    assert screen.page.evaluate("order") == ["first painted", "second applied", "second painted"]
    screen.run("late.outputs = ()")
    screen.check()

"""The prepare panel in JupyterLab and Voila: it draws, it answers, one selection in every picture, names stay text."""

from __future__ import annotations

from typing import Any

import pytest

LAB = """
from genolab.panels.lab import Lab
lab = Lab(first="Prepare")
panel = lab.panel("Prepare")
"""

HOSTILE = r"""
import numpy as np, pandas as pd
import genolab as gl
from genolab.panels.prepare import PreparePanel
evil = '<img/src=x/onerror=document.title="hacked">'
rng = np.random.default_rng(0)
values = rng.normal(6, 2, (9, 400)); values[rng.random(values.shape) < 0.05] = np.nan
names = [f"{evil}{k}" for k in range(9)]
table = pd.DataFrame(values, names, [f"$$\\href{{javascript:alert(1)}}{{x}}$$ {evil} {k}" for k in range(400)])
samples = pd.DataFrame({f"batch {evil}": [f"@name{{safe}} {evil}"] * 5 + ["b"] * 4, "rin": np.arange(9) / 3}, names)
panel = PreparePanel(table, samples)
"""


def ready(screen: Any) -> Any:
    screen.until(f"{screen.model('prepared_samples')}?.data.pc1?.length > 3")
    screen.until("[...document.querySelectorAll('.genolab-state')].some(e => e.textContent.startsWith('done'))")
    return screen


def opened(screens: Any, frontend: str) -> Any:
    """The lab on its example, the same page and kernel for every test of a frontend."""
    return ready(screens.show(frontend, "prepare", LAB, "lab"))


def figure(screen: Any, name: str) -> str:
    """A JavaScript expression for the view of a figure."""
    pages = "[...globalThis[Symbol.for('genolab.bokeh')].values()]"
    return f"{pages}.map(page => page.root.Bokeh.index.find_one({screen.model(name)})).find(view => view)"


def test_it_opens_with_an_example_and_fits_the_page(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    sizes = screen.page.evaluate(
        "['.genolab-lab', '.genolab-tall.genolab-stage', '.genolab-tall.genolab-column']"
        ".map(name => document.querySelector(name).getBoundingClientRect().width)"
    )
    assert sizes[1] > 0.66 * sizes[0]
    assert 230 < sizes[2] < 270
    frames = screen.page.evaluate(
        f"['raw', 'prepared'].map(side => {{ const view = {{raw: {figure(screen, 'raw_density')},"
        f" prepared: {figure(screen, 'prepared_density')}}}[side];"
        " return [view.el.getBoundingClientRect().left, view.frame.bbox.width]; })"
    )
    assert frames[0][1] == pytest.approx(frames[1][1], abs=2), "both sides are equally wide"
    screen.screenshot("prepare")
    screen.check()


def test_a_slider_redraws_and_compiles_nothing(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    screen.run("from genolab.kernel import on_compile; events = []; stop = on_compile(events.append)")
    drawn = f"{screen.model('prepared_samples')}.data.size_factor[0]"
    before = screen.page.evaluate(f"() => {drawn}")
    row = screen.page.locator(".genolab-step-open .genolab-row", has=screen.page.get_by_text("M trim", exact=True))
    handle = row.first.locator(".noUi-handle")
    handle.scroll_into_view_if_needed()
    handle.focus()
    handle.press("PageDown")
    handle.press("PageDown")
    screen.until(f"{drawn} !== {before}")
    assert screen.evaluate("panel.wait() and panel.steps.steps[1].parameters['ratio_trim']") < 0.3
    assert screen.evaluate("(stop(), len(events))[1]") == 0
    handle.press("PageUp")
    handle.press("PageUp")
    screen.until(f"Math.abs({drawn} - {before}) < 1e-9")
    screen.check()


def test_steps_are_switched_moved_and_removed(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    label = f"{screen.model('prepared_density')}.below[0].axis_label"
    text = f"({label}.text ?? {label})"
    combat = screen.page.locator(".genolab-step", has=screen.page.get_by_text("ComBat", exact=True)).first
    spread = f"Math.max(...{screen.model('prepared_samples')}.data.rle_high)"
    before = screen.page.evaluate(f"() => {spread}")
    combat.locator("input[type=checkbox]").first.click()
    screen.until(f"Math.abs({spread} - {before}) > 0.001")
    combat.locator("input[type=checkbox]").first.click()
    screen.until(f"Math.abs({spread} - {before}) < 1e-6")
    adder = screen.page.locator(".genolab-steps > .widget-dropdown select").first
    adder.select_option(label="Scale genes")
    screen.until(f"{text} === 'z score'")
    scale = screen.page.locator(".genolab-step", has=screen.page.get_by_text("Scale genes", exact=True)).first
    scale.locator("button", has_text="▲").click()
    screen.until("document.querySelectorAll('.genolab-step-name')[2].textContent === 'Scale genes'")
    screen.screenshot("prepare_steps")
    scale.locator("button", has_text="×").click()
    screen.until(f"{text}.startsWith('log2(CPM')")
    assert screen.evaluate("panel.wait() and [row.kind.name for row in panel.steps.rows]") == [
        "GeneFilter",
        "TMM",
        "ComBat",
    ]
    screen.check()


def test_one_selection_in_every_picture(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    screen.page.locator(".genolab-scroll").first.evaluate("each => { each.scrollTop = 0; }")
    box = screen.page.evaluate(
        f"""() => {{
          const view = {figure(screen, "raw_pca")};
          const place = view.el.getBoundingClientRect();
          const frame = view.frame.bbox;
          return [place.left + frame.left, place.top + frame.top, frame.width, frame.height];
        }}"""
    )
    screen.page.mouse.move(box[0] + 4, box[1] + box[3] * 0.9)
    screen.page.mouse.down()
    screen.page.mouse.move(box[0] + box[2] * 0.5, box[1] + box[3] * 0.3, steps=6)
    screen.page.mouse.up()
    chosen = screen.until(f"{screen.model('chosen')}.indices.length > 1 && {screen.model('chosen')}.indices")
    assert 1 < len(chosen) < 24
    for side in ("raw", "prepared"):
        assert screen.page.evaluate(f"() => [...{screen.model(side + '_samples')}.selected.indices]") == chosen
    assert len(screen.evaluate("panel.chosen")) == len(chosen)
    screen.until("document.querySelector('.genolab-chosen').textContent.length > 3")
    screen.screenshot("prepare_chosen")
    # a level of the legend chooses its samples, and x chooses none
    screen.page.locator(".genolab-level").nth(1).click()
    screen.until(f"{screen.model('chosen')}.indices.length === 8")
    assert {name.split("_")[1][0] for name in screen.evaluate("panel.chosen")} == {"B"}
    screen.page.locator(".genolab-tall .genolab-nav button", has_text="×").first.click()
    screen.until(f"{screen.model('chosen')}.indices.length === 0")
    screen.check()


def test_colours_follow_a_column(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    colours = f"new Set({screen.model('raw_samples')}.data.colour).size"
    choose = screen.page.locator(".genolab-tall .genolab-nav select").first
    choose.select_option(label="rin")
    screen.until(f"{colours} > 8")
    assert screen.page.locator(".genolab-ramp").count() == 1
    choose.select_option(label="condition")
    screen.until(f"{colours} === 2")
    choose.select_option(label="batch")
    screen.until(f"{colours} === 3")
    screen.check()


def test_a_refusal_and_a_warning_are_above_the_plot(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    said = "document.querySelector('.genolab-tall .genolab-refusal .genolab-text')?.textContent"
    keep = screen.page.locator(".genolab-step", has=screen.page.get_by_text("ComBat", exact=True)).first
    keep.locator(".genolab-step-name").click()
    keep.locator("select").nth(1).select_option(label="batch")
    screen.until(f"{said}?.includes('confounded')")
    assert "refused" in keep.inner_text()
    screen.screenshot("prepare_refusal")
    keep.locator("select").nth(1).select_option(label="condition")
    screen.until("getComputedStyle(document.querySelector('.genolab-tall .genolab-refusal')).display === 'none'")
    assert "refused" not in keep.inner_text()
    counts = screen.page.locator(".genolab-tall.genolab-column input").first
    first = counts.input_value()
    counts.fill("Bladder cancer, 57 arrays in five batches")
    counts.press("Enter")
    screen.until(f"{said}?.includes('rests on the model')")
    screen.until(f"{screen.model('prepared_samples')}.data.pc1.length === 57")
    screen.screenshot("prepare_bladder")
    counts.fill(first)
    counts.press("Enter")
    screen.until(f"{screen.model('prepared_samples')}.data.pc1.length === 24")
    ready(screen)
    screen.check()


def test_dark_pages_are_readable(screens: Any, outside: list[str]) -> None:
    screen = opened(screens, "lab")
    theme = "(name) => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
    screen.page.evaluate(theme, "JupyterLab Dark")
    screen.until("document.body.dataset.jpThemeLight === 'false'")
    screen.until(f"{screen.model('raw_density')}.below[0].major_label_text_color !== '#5c5c5c'")
    screen.screenshot("prepare_dark")
    screen.page.evaluate(theme, "JupyterLab Light")
    screen.until("document.body.dataset.jpThemeLight === 'true'")
    screen.check()


def test_names_from_tables_are_text(screens: Any, outside: list[str], place: str) -> None:
    screen = ready(screens.show(place, "prepare_hostile", HOSTILE, "panel"))
    screen.run("panel.steps.add('KNNImputer')")
    screen.until(f"{screen.model('prepared_map')}.visible !== false")
    assert screen.evaluate("panel.wait() and panel.refusal") == ""
    for name, at in (("raw_pca", "pc"), ("raw_rle", "rle")):
        point = screen.page.evaluate(
            f"""() => {{
              const view = {figure(screen, name)}, data = {screen.model("raw_samples")}.data;
              view.el.scrollIntoView({{block: "center"}});
              const box = view.el.getBoundingClientRect();
              const [x, y] = {{pc: [data.pc1[0], data.pc2[0]], rle: [data.place[0], data.rle_median[0]]}}["{at}"];
              return [box.left + view.frame.x_scale.compute(x), box.top + view.frame.y_scale.compute(y)];
            }}"""
        )
        screen.page.mouse.move(point[0] - 3, point[1])
        screen.page.mouse.move(*point)
        screen.page.wait_for_timeout(200)
    screen.page.locator(".genolab-level").first.click()
    screen.until(f"{screen.model('chosen')}.indices.length === 5")
    screen.screenshot("prepare_hostile")
    assert screen.page.title() != "hacked"
    assert screen.page.evaluate("document.querySelectorAll('.genolab-panel img, a[href^=javascript]').length") == 0
    screen.check()

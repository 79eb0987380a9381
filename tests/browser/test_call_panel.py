"""The call panel in a real browser: what a person does, and what they then see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

LAB = """
import genolab as gl
lab = gl.lab()
panel = lab.call
"""

HOSTILE = """
import os, shutil, tempfile, pysam
import genolab as gl
from genolab.panels.call import CallPanel
folder = tempfile.mkdtemp()
evil = '<img/src=x/onerror=document.title="hacked">'
example = gl.data.example("phage")
shutil.copy(example.reference, folder)
bam = os.path.join(folder, "reads.bam")
with pysam.AlignmentFile(str(example.reads)) as source:
    header = source.header.to_dict()
    header["RG"] = [{"ID": "x", "SM": evil}, {"ID": "y", "SM": "$$\\\\href{javascript:alert(1)}{x}$$"}]
    with pysam.AlignmentFile(bam, "wb", header=header) as target:
        for read in source.fetch("NC_001416.1", 0, 4000):
            copy = read.to_dict()
            copy["name"] = evil[:40] + str(target.nreferences) + copy["name"][-4:]
            copy["tags"] = ["RG:Z:x"]
            target.write(pysam.AlignedSegment.from_dict(copy, target.header))
pysam.index(bam)
panel = CallPanel(bam, os.path.join(folder, "lambda.fa"), "NC_001416.1:1-4,000", evil, roots=[folder])
"""

BARS = "document.querySelector('.genolab-verdict')?.textContent"


def opened(screens: Any, frontend: str) -> Any:
    """The lab on its example, the same page and kernel for every test of a frontend."""
    return ready(screens.show(frontend, "call", LAB, "lab"))


def ready(screen: Any) -> Any:
    screen.until(f"{screen.model('calls')}?.data.position?.length > 3")
    screen.until("document.querySelector('.genolab-state')?.textContent.startsWith('done')")
    return screen


def test_it_opens_with_an_example_and_fits_the_page(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    assert "known found" in screen.page.locator(".genolab-nav").first.inner_text()
    width = screen.page.evaluate("document.querySelector('.genolab-lab').getBoundingClientRect().width")
    stage = screen.page.evaluate("document.querySelector('.genolab-stage').getBoundingClientRect().width")
    columns = "[...document.querySelectorAll('.genolab-column')]"
    column = screen.page.evaluate(f"{columns}.find(each => each.offsetWidth).offsetWidth")
    assert stage > 0.66 * width
    assert 230 < column < 270
    assert screen.until(BARS) == "called"
    cut = "each => each.getBoundingClientRect().right > each.parentElement.getBoundingClientRect().right"
    heads = screen.page.locator(".slick-column-name:visible")
    assert "POS" in heads.all_inner_texts()
    assert heads.evaluate_all(f"all => all.filter({cut}).map(each => each.textContent)") == []
    screen.page.locator(".genolab-bar").scroll_into_view_if_needed()
    screen.screenshot("call")
    screen.check()


def test_a_slider_redraws(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    drawn = f"{screen.model('calls')}.data.fill"
    full = f"Array.from({drawn}).filter(v => v > 0).length"
    before = screen.page.evaluate(f"() => {full}")
    handle = screen.slider("strand bias")
    handle.scroll_into_view_if_needed()
    handle.focus()
    for _ in range(12):
        handle.press("PageDown")
    screen.until(f"{full} < {before}")
    assert screen.evaluate("panel.thresholds.max_strand_bias") < 10
    screen.run("panel.controls.reset()")
    screen.until(f"{full} === {before}")
    screen.check()


def test_a_click_on_a_call_says_why(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    screen.page.locator(".genolab-nav button", has_text="call ▶").first.click()
    screen.until("document.querySelector('.genolab-why strong')?.textContent.includes('1,364')")
    # a click into the coverage beside the call asks about a position that was not called
    at = screen.page.evaluate(
        f"""() => {{
          const view = {_view(screen, "coverage")};
          const box = view.el.getBoundingClientRect();
          const frame = view.frame.bbox;
          const x = view.frame.x_scale.compute(1380);
          return [box.left + x, box.top + frame.top + frame.height / 2];
        }}"""
    )
    screen.page.mouse.click(*at)
    screen.until(f"{BARS} === 'not called'")
    assert "1,380" in screen.page.locator(".genolab-why strong").first.inner_text()
    screen.until(f"{screen.model('why_reads')}.data.weight.length > 10")
    screen.screenshot("why")
    screen.check()


def test_an_indel_says_why(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    if place == "lab":  # only there can Python be told where to look; the other page has the table
        screen.run("panel.pick(7658, True)")
        screen.until("document.querySelector('.genolab-why strong')?.textContent.includes('7,659 T>TGA')")
        screen.until(f"{BARS} === 'called'")
        screen.until(f"{screen.model('why_reads')}.data.weight.length > 10")
        assert "show it" in screen.page.locator(".genolab-why").first.inner_text()
        screen.screenshot("why_indel")
    changes = f"Array.from({screen.model('table')}.data.change)"
    assert "T>TGA" in screen.page.evaluate(f"() => {changes}")
    screen.check()


def test_the_wheel_zooms_and_python_draws_what_is_in_sight(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    window = screen.model("window")
    before = screen.page.evaluate(f"() => {window}.end - {window}.start")
    track = screen.page.evaluate(
        f"""() => {{
          const box = {_view(screen, "reads_track")}.el.getBoundingClientRect();
          return [box.left + box.width / 2, box.top + box.height / 2];
        }}"""
    )
    screen.page.mouse.move(*track)
    for _ in range(6):
        screen.page.mouse.wheel(0, -120)
    screen.until(f"{window}.end - {window}.start < {before} / 1.5")
    start = screen.page.evaluate(f"() => {window}.start")
    screen.page.mouse.down()
    screen.page.mouse.move(track[0] - 200, track[1], steps=6)
    screen.page.mouse.up()
    screen.until(f"{window}.start > {start}")
    screen.until(f"Math.abs({screen.evaluate('panel.stage.genome.window.range.start')} - {window}.start) < 1e-6")
    assert "reads" in screen.evaluate("panel.stage.genome.said")
    screen.run("panel.stage.genome.window.look_at(1008)")
    screen.check()


def test_the_box_of_the_overview_is_dragged_as_narrow_as_one_likes(screens: Any, outside: list[str]) -> None:
    screen = opened(screens, "lab")
    screen.run("panel.stage.genome.window.look_at(24000, 20000)")
    screen.until(f"{screen.model('window')}.start > 13000")
    edge = screen.page.evaluate(
        f"""() => {{
          const view = {_view(screen, "overview")};
          const box = view.el.getBoundingClientRect();
          const x = (value) => box.left + view.frame.x_scale.compute(value);
          return [x({screen.model("window")}.end), x({screen.model("window")}.start), box.top + 15];
        }}"""
    )
    screen.page.mouse.move(edge[0], edge[2])
    screen.page.mouse.down()
    screen.page.mouse.move(edge[1] + 1, edge[2], steps=8)
    screen.page.mouse.up()
    screen.until(f"{screen.model('window')}.end - {screen.model('window')}.start < 15000")
    screen.run("panel.stage.genome.window.look_at(1008)")
    screen.check()


def test_a_job_is_cancelled(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    screen.run(
        "import genolab.panels.source as s, time\n"
        "real = s.call_variants\n"
        "def slow(*a, progress, **k):\n"
        "    def wait(fraction, text):\n"
        "        time.sleep(0.4); progress(fraction, text)\n"
        "    return real(*a, progress=wait, **k)\n"
        "s.call_variants = slow; panel.most_reads = 1; panel.call()"
    )
    screen.until("/[0-9]+ %/.test(document.querySelector('.genolab-state').textContent)")
    screen.screenshot("running")
    screen.page.locator(".genolab-bar button", has_text="Cancel").first.click()
    screen.until("document.querySelector('.genolab-state').textContent.startsWith('cancelled')")
    screen.run("s.call_variants = real; panel.most_reads = s.MOST_READS; panel.call()")
    ready(screen)
    assert screen.page.evaluate(f"() => {screen.model('calls')}.data.position.length") > 50
    screen.check()


def test_a_second_view_and_a_reload_show_the_present(screens: Any, outside: list[str]) -> None:
    screen = ready(screens.open_lab("twice", [LAB + "display(lab, panel.stage.pane)"]))
    screen.run("panel.controls.sliders['min_artefact_quality'].value = -100")
    for view in (0, 1):
        screen.until(f"Array.from({screen.model('calls', view)}.data.fill).every(v => v > 0)")
    screen.reload()
    for view in (0, 1):
        screen.until(
            f"{screen.model('calls', view)} && Array.from({screen.model('calls', view)}.data.fill).every(v => v > 0)"
        )
    screen.until("document.querySelector('.genolab-state')?.textContent.startsWith('done')")
    assert screen.evaluate("panel.thresholds.min_artefact_quality") == -100
    screen.check()


def test_code_is_shown_and_copied(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    screen.page.locator("button", has_text="Copy as code").first.click()
    text = screen.page.locator(".genolab-code pre").first.inner_text()
    assert "gl.call.call_variants(" in text
    screen.page.locator(".genolab-code button").first.click()
    screen.until("['copied', 'press Ctrl-C'].includes(document.querySelector('.genolab-code button').textContent)")
    screen.page.locator("button", has_text="Copy as code").first.click()
    screen.check()


def test_a_refusal_is_above_the_plot(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    box = screen.page.locator(".genolab-column input[placeholder^='chr20']").first
    good = box.input_value()
    box.fill("NC_001416.1:1-99,999")
    box.press("Enter")
    screen.until("document.querySelector('.genolab-refusal .genolab-text')?.textContent.includes('48,502')")
    screen.screenshot("refusal")
    box.fill(good)
    box.press("Enter")
    screen.until("getComputedStyle(document.querySelector('.genolab-refusal')).display === 'none'")
    screen.check()


def test_the_graph_behind_the_calls_opens(screens: Any, outside: list[str], place: str) -> None:
    screen = opened(screens, place)
    screen.page.locator("button", has_text="Open the graph").first.click()
    screen.until("document.querySelectorAll('.genolab-graph .node').length > 10")
    screen.screenshot("call_graph")
    screen.page.locator(".genolab-tabs button", has_text="Call").click()
    screen.until("document.querySelector('.genolab-stage').getBoundingClientRect().width > 300")
    screen.check()


def test_names_from_files_are_text(screens: Any, outside: list[str], place: str) -> None:
    screen = ready(screens.show(place, "hostile", HOSTILE, "panel"))
    assert screen.evaluate("panel.calls.sample") == screen.evaluate("evil")
    assert screen.evaluate("any('onerror' in name for name in panel.stage.genome.sources['bodies'].data['name'])")
    for track, model in (("reads_track", "bodies"), ("why_weights", "why_reads")):
        screen.until(f"{screen.model(model)}.data.name?.length > 3")
        at = screen.page.evaluate(
            f"""() => {{
              const view = {_view(screen, track)};
              const box = view.el.getBoundingClientRect();
              const row = view.frame.y_scale.compute(1);
              return [box.left + view.frame.bbox.left + view.frame.bbox.width * 0.52, box.top + row];
            }}"""
        )
        screen.page.mouse.move(at[0] - 3, at[1])
        screen.page.mouse.move(*at)
        screen.page.wait_for_timeout(300)
    screen.screenshot("hostile")
    assert screen.page.title() != "hacked"
    assert (
        screen.page.evaluate(
            "document.querySelectorAll('.genolab-panel img, .genolab-panel a[href^=javascript]').length"
        )
        == 0
    )
    screen.check()


def _view(screen: Any, name: str) -> str:
    """A JavaScript expression for the view of a figure, the first on the page."""
    pages = "[...globalThis[Symbol.for('genolab.bokeh')].values()]"
    return f"{pages}.map(page => page.root.Bokeh.index.find_one({screen.model(name)})).find(view => view)"


def test_the_truth_is_held_against_the_calls(screens: Any, outside: list[str]) -> None:
    screen = opened(screens, "lab")
    screen.run("panel.controls.sliders['min_depth'].value = 40; panel.stage.against.button.value = True")
    rows = f"{screen.model('differences')}?.data.position"
    screen.until(f"{rows}?.length > 0 && {screen.model('difference_table')} !== undefined")
    line = f"{screen.model('threshold')}?.location"
    assert screen.until(line) == 20
    screen.page.locator(".genolab-bar").scroll_into_view_if_needed()
    position = screen.page.evaluate(f"() => {rows}[0]")
    screen.page.locator(".slick-row:visible .slick-cell").first.click()
    screen.until(f"document.querySelector('.genolab-why-head')?.textContent.includes('{position:,}')")
    screen.evaluate("[setattr(panel.controls.sliders['min_quality'], 'value', 60)]")
    screen.until(f"{line} === 60")
    screen.screenshot("call_against_truth")
    screen.run("panel.controls.reset(); panel.stage.against.button.value = False")
    screen.check()


def test_no_word_of_the_truth_is_cut(screens: Any, tmp_path: Path) -> None:
    from genolab.plots import sites
    from genolab.plots.call_table import CallTable
    from genolab.plots.report import Figure, Section, write

    words = [sites.FOUND, sites.DIFFERS, sites.NOT_IN_TRUTH, sites.MISSED]
    texts = {"reference": "A", "alternate": "G", "genotype": "0/1", "filter": "PASS"}
    numbers = ("quality", "genotype_quality", "depth", "allele_balance", "fisher_strand")
    rows = {name: np.array([text] * len(words), dtype=object) for name, text in texts.items()}
    rows |= {name: np.full(len(words), 99.0) for name in numbers}
    rows |= {"position": 210_000_000 + np.arange(len(words)), "truth": np.array(words, dtype=object)}
    table = CallTable()
    table.show(rows, {name: values[:0] for name, values in rows.items()})
    path = write([Section("calls", figures=[Figure(table.layout, height=200)])], tmp_path / "calls.html")
    context = screens.context.browser.new_context(viewport={"width": 488, "height": 400}, offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    cells = page.locator(".slick-cell.l9")
    cells.nth(len(words) - 1).wait_for()
    assert page.locator(".plot").bounding_box()["width"] == 440, "what a page of 1280 leaves"
    room = "cells => cells.map(e => { const all = document.createRange(); all.selectNodeContents(e); const of = e"
    room += ".getBoundingClientRect(); return [e.textContent, of.right - all.getBoundingClientRect().right]; })"
    found = dict(cells.evaluate_all(room))
    assert sorted(found) == sorted(words)
    assert all(left > 2 for left in found.values()), found
    context.close()

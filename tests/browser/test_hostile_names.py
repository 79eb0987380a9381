"""Every panel and the report on files whose names try to run: they are text, and nothing leaves this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import hostile
import pytest

LAB = """
import warnings
import genolab as gl
from genolab.panels.align import AlignPanel
from genolab.panels.call import CallPanel
from genolab.panels.lab import Lab
from genolab.panels.predict import PredictPanel
from genolab.panels.prepare import PreparePanel
paths, evil, region = {paths!r}, {evil!r}, {region!r}
call = CallPanel(paths["reads"], paths["reference"], region, truth=paths["truth"], roots=[{folder!r}])
lab = Lab(call, roots=[{folder!r}])
"""
PANELS = {
    "Prepare": 'PreparePanel(paths["counts"], paths["samples"], roots=lab.roots)',
    "Align": 'AlignPanel(paths["sequences"], roots=lab.roots)',
    "Predict": 'PredictPanel(paths["labelled"], split="random", epochs=1, roots=lab.roots)',
}
"""Each on its file; the lab's own way would compute an example first."""

LOUD = """
import logging, threading
from genolab.scale import Latest
stop = threading.Event()
def work(progress):
    progress(0.5, evil)
    logging.getLogger("genolab").warning("a file says %s", evil)
    stop.wait(100)
    raise ValueError(evil)
queue = Latest(lab.board.watcher(evil))
job = queue.submit(work, name=evil)
lab.board.of_panel("Call", (evil,))
lab.shelf.add(evil)
lab.shelf.add(paths["truth"])
lab.menu.folder.value = evil
lab.menu.take_up()
lab.boxes.say(lab.selection.with_(gene=evil, sample=evil))
lab.bring("Graph")
lab._play()
lab.play.text.value = evil
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files."""
    return hostile.files(tmp_path_factory.mktemp("hostile") / "files")


def nothing_ran(screen: Any, shot: str) -> None:
    screen.screenshot(f"hostile_{shot}")
    assert hostile.made_by_names(screen.page, ".genolab-panel") == []
    screen.check()


def settled(screen: Any, panel: str) -> None:
    """Wait until a panel works no more, a little at a time, so that the kernel hears its page meanwhile."""
    for _ in range(100):
        if screen.evaluate(f"{panel}.wait(1)"):
            break
    assert screen.evaluate(f"getattr({panel}.refusal, 'text', {panel}.refusal)") == ""


def bring(screen: Any, name: str) -> None:
    """Open a panel on its file, in front of the others."""
    screen.run(f"panel = lab.panels[{name!r}] = {PANELS[name]}\nlab._hold({name!r}, panel)\nlab.bring({name!r})")
    settled(screen, "panel")


NIGHTLY = pytest.mark.skipif(not os.environ.get("GENOLAB_NIGHTLY"), reason="the same panels in a slower page: nightly")


@pytest.mark.parametrize("place", ["voila", pytest.param("lab", marks=NIGHTLY)])
def test_names_from_files_are_text_in_every_panel(
    screens: Any, place: str, outside: list[str], made: dict[str, Path], tmp_path: Path
) -> None:
    paths = {name: str(path) for name, path in made.items()}
    region = f"{hostile.CONTIG}:1-{hostile.LENGTH}"
    code = LAB.format(paths=paths, evil=hostile.EVIL, region=region, folder=str(made["reads"].parent))
    screen = screens.show(place, "hostile", code, "lab")
    screen.until(f"{screen.model('calls')}?.data.position?.length > 3")
    settled(screen, "call")
    assert screen.evaluate("call.calls.sample == evil and call.stage.loaded.truth.samples == (evil,)")
    screen.run("call.pick(1363)")
    for figure, model in (("reads_track", "bodies"), ("why_weights", "why_reads")):
        screen.until(f"{screen.model(model)}.data.name?.length > 3")
        hostile.hover(screen, figure)
    screen.run("call.stage.against.button.value = True")
    screen.until(f"{screen.model('differences')}?.data.position?.length > 0")
    nothing_ran(screen, "call")

    bring(screen, "Prepare")
    for figure in ("raw_pca", "raw_rle"):
        hostile.hover(screen, figure)
    screen.page.locator(".genolab-level").first.click()
    screen.until(f"{screen.model('chosen')}.indices.length > 0")
    nothing_ran(screen, "prepare")

    bring(screen, "Align")
    for figure in ("logo_figure", "blocks"):
        hostile.hover(screen, figure)
    nothing_ran(screen, "align_many")
    screen.run("panel.controls.start(panel.controls.query.value, paths['sequences']); panel.align()")
    screen.until(f"{screen.model('matrix_image')}?.data.image?.length === 1")
    hostile.hover(screen, "matrix")
    screen.page.mouse.down()
    screen.page.mouse.up()
    screen.until("document.querySelector('.genolab-of-Align .genolab-why strong')")
    nothing_ran(screen, "align")

    bring(screen, "Predict")
    screen.until(f"{screen.model('predict_contribution')}?.data.xs?.length > 3")
    for view in ("ROC", "confusion"):
        screen.page.locator(".genolab-predict .genolab-views button", has_text=view).first.click()
    screen.until(f"{screen.model('predict_cells')}?.data_source.data.count?.length === 4")
    hostile.hover(screen, "predict_confusion")
    nothing_ran(screen, "predict")
    screen.run("panel._open_graph('step')")
    screen.until("document.querySelectorAll('.genolab-graph .node').length > 10")
    nothing_ran(screen, "graph")

    report = screen.evaluate("__import__('genolab.panels.export').panels.export.report_text(lab)")
    screen.run(LOUD)
    screen.page.locator(".genolab-jobs-button").click()
    screen.until("!document.querySelector('.genolab-drawer-panel').hidden")
    screen.until("document.querySelector('.genolab-drawer-panel').textContent.includes('hacked')")
    screen.run("stop.set()")
    screen.until("document.querySelector('.genolab-jobs-button').dataset.live !== 'yes'")
    nothing_ran(screen, "lab")
    screen.run("stop.set(); lab.menu.wait(20) and lab.play.wait(20)")

    context = screens.context.browser.new_context(offline=True)
    try:
        page = context.new_page()
        (tmp_path / "report.html").write_text(report, encoding="utf-8")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "report.html").as_uri())
        page.wait_for_function("() => [...document.querySelectorAll('.plot')].every(p => p.dataset.drawn === 'yes')")
        assert "hacked.example" in page.locator("main").inner_text()
        assert hostile.made_by_names(page, "main") == []
        assert asked == [page.url]
    finally:
        context.close()

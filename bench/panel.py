"""How long the call panel takes: a slider from the key press to the pixels, and the first picture without caches.

    python bench/panel.py                            # in JupyterLab, twenty moves of each slider
    python bench/panel.py --frontend voila --moves 40

Slider: headless Chromium, the bundled example. The clock starts at the key press in the page and stops when the browser
has painted the genome view that it changed (two animation frames after the change arrived). First picture: a fresh
process with empty caches, from the click that starts the first example to the frame of the genome view (reads, coverage
and calls) that leaves for the browser, and to the last frame (the table, and why the first call was called); imports,
making the panel and reading the reads are timed beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from screens import MissingError, Screen, opened

PANEL = "import genolab as gl\nlab = gl.lab()\npanel = lab.call"
STARTS = {  # slider: its threshold, and a value around which each move changes what is drawn
    "base quality": ("min_base_quality", 24),
    "mapping quality": ("min_mapping_quality", 8),
    "QUAL": ("min_quality", 196),
    "GQ": ("min_genotype_quality", 90),
    "strand bias": ("max_strand_bias", 5),
}

# Notes when the first pane, the genome, has painted a new frame; a key press is the zero of the clock.
WATCH = """() => {
  globalThis.painted = null;
  let pressed = 0;
  document.addEventListener("keydown", () => { pressed = performance.now(); globalThis.painted = null; }, true);
  const pane = document.querySelector(".genolab-pane");
  new MutationObserver(() => { globalThis.painted ??= performance.now() - pressed; })
    .observe(pane, {attributes: true, attributeFilter: ["data-sequence"]});
}"""

FRESH = """
import json, time
began = time.perf_counter()
from genolab.panels import call, source
from genolab.plots.pane import BokehPane

left, reads = {}, []  # when the first frame of each pane was ready for the browser; when reading began and ended
post = BokehPane._post
def posted(pane, message, *content):
    post(pane, message, *content)
    if message["kind"] == "patch":
        left.setdefault(pane, time.perf_counter())
BokehPane._post = posted
collect = source.collect
def timed(*given, **named):
    reads.append(time.perf_counter())
    found = collect(*given, **named)
    reads.append(time.perf_counter())
    return found
source.collect = timed
start = call.CallPanel._start
call.CallPanel._start = lambda *given: None
imported = time.perf_counter()
panel = call.CallPanel()
made = time.perf_counter()
for pane in (panel.stage.pane, panel.stage.table_pane, panel.stage.why_pane):
    pane._receive(None, {"kind": "hello", "view": "page"}, [])
clicked = time.perf_counter()
start(panel, None, None, None, None)
panel.wait(120)
reading = reads[1] - reads[0]
seen = [at - clicked - reading for at in (left[panel.stage.pane], max(left.values()))]
print(json.dumps([imported - began, made - imported, *seen, reading]))
"""


def sliders(frontend: str, moves: int) -> dict[str, list[float]]:
    """Milliseconds of each move that changed the picture."""
    took: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder) / "notebooks", Path(folder) / "home", []) as screens,
    ):
        screen = screens.show(frontend, "call", PANEL, "lab")
        screen.until(f"{screen.model('calls')}?.data.position?.length > 3")
        screen.until("document.querySelector('.genolab-state')?.textContent.startsWith('done')")
        for threshold, value in STARTS.values():
            screen.run(f"panel.controls.sliders[{threshold!r}].value = {value}")
        screen.page.evaluate(WATCH)
        for label in STARTS:
            took[label] = _moves(screen, label, moves)
    return took


def _moves(screen: Screen, label: str, moves: int) -> list[float]:
    page = screen.page
    handle = screen.slider(label)
    handle.scroll_into_view_if_needed()
    handle.focus()
    found = []
    for move in range(moves + 2):  # two to warm up
        handle.press("PageUp" if move % 2 else "PageDown")
        page.wait_for_timeout(500)
        painted = page.evaluate("() => globalThis.painted")
        if move > 1 and painted is not None:
            found.append(painted)
    return found


def first_picture() -> list[float]:
    """Seconds without caches: imports, panel, click to picture and to all of it without reading, reading."""
    with tempfile.TemporaryDirectory() as folder:
        empty = {"PYTENSOR_FLAGS": f"base_compiledir={folder}/pytensor", "NUMBA_CACHE_DIR": f"{folder}/numba"}
        environment = os.environ | empty | {"XDG_CACHE_HOME": f"{folder}/cache"}
        done = subprocess.run(
            [sys.executable, "-c", FRESH], env=environment, capture_output=True, text=True, check=True, timeout=300
        )
        seconds: list[float] = json.loads(done.stdout.splitlines()[-1])
        return seconds


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frontend", choices=("lab", "notebook", "voila"), default="lab")
    parser.add_argument("--moves", type=int, default=20)
    given = parser.parse_args()
    runs = [first_picture() for _ in range(5)]
    imports, making, picture, everything, reading = (statistics.median(each) for each in zip(*runs, strict=True))
    print(f"click to first picture without caches: {picture:.2f} s ({min(run[2] for run in runs):.2f} at best of 5),")
    print(f"  with the table and the reasons {everything:.2f} s;")
    print(f"  beside it: imports {imports:.2f} s, making the panel {making:.2f} s, reading {reading:.2f} s")
    try:
        took = sliders(given.frontend, given.moves)
    except MissingError as missing:
        print(f"sliders not measured: {missing}", file=sys.stderr)
        return 1
    print(f"slider to pixels, {given.frontend}, ms: median, best, worst (moves that changed the picture)")
    for label, found in took.items():
        if found:
            figures = f"{statistics.median(found):5.0f} {min(found):5.0f} {max(found):5.0f}"
            print(f"  {label:16} {figures}  ({len(found)} of {given.moves})")
        else:
            print(f"  {label:16} no move changed the picture")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

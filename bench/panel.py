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

from slider import figures, moves, watch  # puts the tests' screens in reach

# isort: split
from screens import MissingError, opened

PANEL = "import genolab as gl\nlab = gl.lab()\npanel = lab.call"
STARTS = {  # slider: its threshold, and a value around which each move changes what is drawn
    "base quality": ("min_base_quality", 24),
    "mapping quality": ("min_mapping_quality", 8),
    "QUAL": ("min_quality", 196),
    "GQ": ("min_genotype_quality", 90),
    "strand bias": ("max_strand_bias", 5),
}

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


def sliders(frontend: str, count: int) -> dict[str, list[float]]:
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
        watch(screen)
        for label in STARTS:
            took[label], _ = moves(screen, label, count)
    return took


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
        print(f"  {label:16} {figures(found)}  ({len(found)} of {given.moves})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

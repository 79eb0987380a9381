"""How long the call panel takes: a slider from the key press to the pixels, and the first picture without caches.

    python bench/panel.py                            # in JupyterLab, twenty moves of each slider
    python bench/panel.py --frontend voila --moves 40

Slider: headless Chromium, the bundled example. The clock starts at the key press in the page and stops when the browser
has painted the genome view that it changed (two animation frames after the change arrived). First picture: a fresh
process with empty caches, from the click on Call to the frame of the genome view that leaves for the browser; making
the panel and reading the files are timed beside it.
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
    "QUAL": ("min_quality", 200),
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
begin = time.perf_counter()
from genolab.panels import source
from genolab.panels import call

def timed(function, spent):
    def run(*given, **named):
        start = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            spent.append((start, time.perf_counter() - start))
    return run

asked, read = [], []
call.load = timed(call.load, asked)
source.collect = timed(source.collect, read)
clicked = call.CallPanel.call
def click(self, *given):
    asked.append(time.perf_counter())
    clicked(self, *given)
call.CallPanel.call = click
made = time.perf_counter()
panel = call.CallPanel()
deadline = made + 120
while panel.calls is None and time.perf_counter() < deadline:
    time.sleep(0.001)
with panel.stage.lock:  # the whole frame is there
    panel.stage.pane._snapshot()
reading = sum(seconds for _, seconds in read)
print(json.dumps([made - begin, asked[0] - made, time.perf_counter() - asked[0] - reading, reading]))
panel.wait(120)
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
    """Seconds of a fresh process without caches: imports, panel, click to picture without reading, reading."""
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
    imports, making, picture, reading = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"click to first picture without caches: {picture:.2f} s ({min(run[2] for run in runs):.2f} at best of 5);")
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

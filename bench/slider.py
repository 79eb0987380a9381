"""From the key press on a panel's slider to the pixels, in headless Chromium: what the benchmarks of panels share.

The clock starts at the key press in the page and stops when the browser has painted a picture (two animation frames
after the change arrived); each picture is a pane of the panel.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))

SETTLED_MS = 500
"""After this long a move's frames have all been painted."""

# Notes, for each pane, when it painted the first and the last frame since the last key press.
_WATCH = """() => {
  globalThis.painted = {};
  let pressed = 0;
  document.addEventListener("keydown", () => { pressed = performance.now(); globalThis.painted = {}; }, true);
  document.querySelectorAll(".genolab-pane").forEach((pane, place) => {
    new MutationObserver(() => {
      const now = performance.now() - pressed;
      globalThis.painted[place] = [globalThis.painted[place]?.[0] ?? now, now];
    }).observe(pane, {attributes: true, attributeFilter: ["data-sequence"]});
  });
}"""


def watch(screen: Any) -> None:
    """Note from now on when the panes of the page are painted."""
    screen.page.evaluate(_WATCH)


def moves(screen: Any, label: str, count: int) -> tuple[list[float], list[float]]:
    """Milliseconds until the first pane's first frame, and until the last frame of all, of moves that painted it."""
    page, handle = screen.page, screen.slider(label)
    handle.scroll_into_view_if_needed()
    handle.focus()
    first, last = [], []
    for move in range(count + 2):  # two to warm up
        handle.press("PageUp" if move % 2 else "PageDown")
        page.wait_for_timeout(SETTLED_MS)
        painted = page.evaluate("() => globalThis.painted")
        if move > 1 and "0" in painted:
            first.append(painted["0"][0])
            last.append(max(end for _, end in painted.values()))
    return first, last


def figures(milliseconds: list[float]) -> str:
    """Median, best and worst."""
    if not milliseconds:
        return "no move changed it"
    return f"{statistics.median(milliseconds):5.0f} {min(milliseconds):5.0f} {max(milliseconds):5.0f}"

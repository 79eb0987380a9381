"""How long the align panel takes from a slider to the picture of 300 x 300 letters: aligned again, drawn and painted.

    python bench/align_panel.py                        # in JupyterLab, twenty moves of each slider
    python bench/align_panel.py --letters 600 --frontend voila --moves 40

Headless Chromium. The clock starts at the key press in the page and stops when the browser has painted the matrix with
its best path (two animation frames after the change arrived); beside it the last frame of all, with the alignment in
blocks below. For comparison, the kernel's share: from the new value until all frames have left, and its CPU time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from slider import figures, moves, watch  # puts the tests' screens in reach

# isort: split
from screens import MissingError, opened

PANEL = """
import time
import numpy as np
from genolab.align import Scoring
from genolab.panels.align import AlignPanel

random = np.random.default_rng(1)
query = random.choice(list("ACGT"), {letters})
target = np.where(random.random({letters}) < 0.15, random.choice(list("ACGT"), {letters}), query)
panel = AlignPanel("".join(query), "".join(target), scoring=Scoring(match=5, mismatch=-4, gap_open=10, gap_extend=1))

def kernel(name, values):
    found = []
    for value in values:
        began, cpu = time.perf_counter(), time.process_time()
        panel.controls.sliders[name].value = value
        panel.wait()
        found.append((1000 * (time.perf_counter() - began), 1000 * (time.process_time() - cpu)))
    return found
"""
SLIDERS = {"gap open": ("gap_open", [9, 10] * 5), "gap extend": ("gap_extend", [2, 1] * 5)}
"""Label: its name, and values for the kernel's share."""


def measure(frontend: str, letters: int, count: int) -> dict[str, tuple[list[float], list[float], list[Any]]]:
    """Milliseconds to the matrix, to the last frame, and of the kernel with its CPU, for each slider."""
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder) / "notebooks", Path(folder) / "home", []) as screens,
    ):
        screen: Any = screens.show(frontend, "align", PANEL.replace("{letters}", str(letters)), "panel")
        screen.until(f"{screen.model('matrix_image')}?.data.image?.length === 1")
        screen.until("document.querySelector('.genolab-state')?.textContent.startsWith('done')")
        watch(screen)
        took = {}
        for label, (name, values) in SLIDERS.items():
            took[label] = *moves(screen, label, count), screen.evaluate(f"kernel({name!r}, {values})")
        return took


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--letters", type=int, default=300)
    parser.add_argument("--frontend", choices=("lab", "notebook", "voila"), default="lab")
    parser.add_argument("--moves", type=int, default=20)
    given = parser.parse_args()
    try:
        took = measure(given.frontend, given.letters, given.moves)
    except MissingError as missing:
        print(f"not measured: {missing}", file=sys.stderr)
        return 1
    size = f"{given.letters} x {given.letters}"
    print(f"slider to pixels of {size}, {given.frontend}, ms: median, best, worst (asked 100)")
    for label, (matrix, everything, kernel) in took.items():
        wall, cpu = (statistics.median(each) for each in zip(*kernel, strict=True))
        print(f"  {label:10} matrix {figures(matrix)}; everything {figures(everything)}; ", end="")
        print(f"kernel {wall:.0f}, its CPU {cpu:.0f}  ({len(matrix)} of {given.moves} moves)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""How long a step's slider in the prepare panel takes from the key press to the pixels, on 5,000 genes x 100 samples.

    python bench/prepare_panel.py                      # in JupyterLab, twenty moves of each slider
    python bench/prepare_panel.py --frontend voila --moves 40

Headless Chromium; a simulated table, gene filter, TMM and ComBat. The clock starts at the key press in the page and
stops when the browser has painted the pictures that it changed (two animation frames after the change arrived). Beside
it: the CPU time of the kernel's process from the new value to the frame that leaves, which other work on the machine
hardly touches.
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
import genolab as gl
from genolab.panels.prepare import PreparePanel
from genolab.prepare.chain import Step

made = gl.data.simulate_counts(genes=5000, replicates=17, batches=3, seed=2)
steps = [
    Step("GeneFilter", {"min_count": 20.0}),
    Step("TMM", {"log": True}),
    Step("ComBat", {}, {"batch": "batch", "covariates": "condition"}),
]
panel = PreparePanel(made.counts.iloc[:100], made.samples.iloc[:100], steps=steps)

def cpu(step, name, values):
    found = []
    for value in values:
        began = time.process_time()
        panel.steps.rows[step].controls[name].value = value
        panel.wait()
        found.append(1000 * (time.process_time() - began))
    return found
"""
SLIDERS = {  # label: its step, its parameter, values for the CPU time
    "count": (0, "min_count", [12.0, 16.0, 22.0, 26.0, 20.0]),
    "M trim": (1, "ratio_trim", [0.28, 0.26, 0.24, 0.22, 0.3]),
}


def measure(frontend: str, count: int) -> dict[str, tuple[list[float], list[float]]]:
    """Milliseconds to the pixels, and of CPU, for each slider."""
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder) / "notebooks", Path(folder) / "home", []) as screens,
    ):
        screen: Any = screens.show(frontend, "prepare", PANEL, "panel")
        screen.until(f"{screen.model('prepared_samples')}?.data.pc1?.length === 100", 300_000)
        screen.until("document.querySelector('.genolab-state')?.textContent.startsWith('done')")
        watch(screen)
        took = {}
        for label, (step, name, values) in SLIDERS.items():
            screen.run(f"panel.steps._open(panel.steps.rows[{step}])")
            painted, _ = moves(screen, label, count)
            took[label] = painted, screen.evaluate(f"cpu({step}, {name!r}, {values})")
        return took


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--frontend", choices=("lab", "notebook", "voila"), default="lab")
    parser.add_argument("--moves", type=int, default=20)
    given = parser.parse_args()
    try:
        took = measure(given.frontend, given.moves)
    except MissingError as missing:
        print(f"not measured: {missing}", file=sys.stderr)
        return 1
    print(f"slider to pixels, {given.frontend}, ms: median, best, worst; CPU of the kernel")
    for label, (painted, cpu) in took.items():
        moved = f"({len(painted)} of {given.moves} moves)"
        print(f"  {label:8} {figures(painted)}   {statistics.median(cpu):5.0f}  {moved}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

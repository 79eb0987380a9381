"""From a slider of the align panel to the frames that leave for the browser: 300 x 300 letters, best of many.

    python bench/align_panel.py [letters]

The frames are serialised as for a page that has painted everything so far; painting itself is the browser's.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from genolab.panels.align import AlignPanel


def main(letters: int) -> None:
    """Move the gap slider back and forth and print how long each picture took."""
    rng = np.random.default_rng(1)
    query = rng.choice(list("ACGT"), letters)
    target = np.where(rng.random(letters) < 0.15, rng.choice(list("ACGT"), letters), query)
    panel = AlignPanel()
    panel.wait()
    panel.controls.start("".join(query), "".join(target))
    panel.controls.matrix.value = "DNA"
    panel.wait()
    sent = []
    for pane in (panel.stage.pane, panel.stage.blocks_pane):
        pane.send = lambda content, buffers=None: sent.append(
            len(content.get("content", "")) + sum(memoryview(b).nbytes for b in buffers or ())
        )
        pane._receive(pane, {"kind": "hello", "view": "v", "dark": False}, [])
    seconds = []
    for turn in range(30):
        sent.clear()
        began = time.perf_counter()
        panel.controls.sliders["gap_open"].value = 5 + turn % 2
        panel.wait()
        seconds.append(time.perf_counter() - began)
        for pane in (panel.stage.pane, panel.stage.blocks_pane):
            pane._receive(pane, {"kind": "painted", "view": "v", "sequence": pane._sequence}, [])
    said = f"median {1e3 * np.median(seconds):.0f} ms, best {1e3 * min(seconds):.0f} ms"
    print(f"{letters} x {letters}: slider to frames {said}, {sum(sent) / 1024:.0f} kB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)

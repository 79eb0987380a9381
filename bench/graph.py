"""The graph view measured: do the times of the nodes add up to the whole call, and how long does a drawing take.

python bench/graph.py times [--kernels a b]    every kernel on the input of ``workloads.py``
python bench/graph.py layout [--kernels a b]   every kernel and training step, as written, both directions

``times``: the nodes, PyTensor's own work between them, and their sum over the fastest call without clocks. ``own`` is
what PyTensor's own work is of that sum: most of it where a call takes microseconds.
``layout``: the fastest of three, and crossings of lines; a drawing of up to 200 nodes must take under 200 ms.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import combinations

import numpy as np
from workloads import WORKLOADS

import genolab as gl
from genolab.kernel import Kernel, profile
from genolab.kernel.graph_model import GraphModel
from genolab.predict.step import STEPS, training_step

NEAR = 0.15
MOST_NODES, MOST_SECONDS = 200, 0.2


def chosen(names: list[str], steps: bool) -> Iterator[Kernel]:
    """The kernels of these names, all of them without names."""
    for kernel in gl.kernels():
        if not names or kernel.name in names:
            yield kernel
    for name, architecture in STEPS.items() if steps else ():
        if not names or name in names:
            yield training_step(architecture)


def times(names: list[str]) -> None:
    """One line a kernel: the call, what its nodes took, what PyTensor took between them, and the sum over the call."""
    profile.MOST_SECONDS = 0.3  # of repeats a kernel: all of them within the minute and a half of a quiet machine
    far = []
    print(f"{'kernel':<28}{'nodes':>6}{'call':>12}{'in nodes':>12}{'between':>12}{'own':>6}{'ratio':>7}  input")
    for kernel in chosen(names, steps=True):
        made = WORKLOADS.get(kernel.name)
        arrays = made(np.random.default_rng(1)) if made else kernel.example()
        found = kernel.profile(*arrays)
        parts = (found.total_seconds, found.node_seconds, found.between_seconds)
        ratio = found.seconds / found.total_seconds
        print(f"{kernel.name:<28}{len(found.nodes):>6}" + "".join(f"{each * 1e6:>9,.0f} µs" for each in parts)
              + f"{found.between_seconds / found.seconds:>6.0%}{ratio:>7.2f}"
              f"  {'workload' if made else 'smallest'}", flush=True)  # fmt: skip
        if abs(ratio - 1) > NEAR:
            far.append(kernel.name)
    print(f"farther than {NEAR:.0%}: {', '.join(far) or 'none'}")


def crossings(model: GraphModel) -> int:
    """Lines of the drawing that cross between two layers."""
    pieces: dict[tuple[float, float], set[tuple[float, float]]] = {}
    for edge in model.draw().edges:
        for (x0, y0), (x1, y1) in zip(edge.points, edge.points[1:], strict=False):
            if y1 > y0:
                pieces.setdefault((y0, y1), set()).add((x0, x1))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0 for lines in pieces.values() for a, b in combinations(sorted(lines), 2)
    )


def layout(names: list[str]) -> None:
    """One line a kernel: nodes, the time of a drawing down and to the right, crossings."""
    slow = []
    print(f"{'kernel':<28}{'nodes':>6}{'down':>9}{'right':>9}{'crossings':>11}")
    for kernel in chosen(names, steps=True):
        model = kernel.graph_model("written")
        best = []
        for flow in ("down", "right"):
            taken = []
            for _ in range(3):
                began = time.perf_counter()
                model.draw(flow=flow)  # type: ignore[arg-type]  # the two that there are
                taken.append(time.perf_counter() - began)
            best.append(min(taken))
        drawn = "".join(f"{seconds * 1e3:>6.0f} ms" for seconds in best)
        print(f"{kernel.name:<28}{len(model.nodes):>6}{drawn}{crossings(model):>11}", flush=True)
        if len(model.nodes) <= MOST_NODES and max(best) > MOST_SECONDS:
            slow.append(kernel.name)
    print(f"up to {MOST_NODES} nodes and over {MOST_SECONDS * 1e3:.0f} ms: {', '.join(slow) or 'none'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["times", "layout"])
    parser.add_argument("--kernels", nargs="*", default=[])
    given = parser.parse_args()
    (times if given.what == "times" else layout)(given.kernels)


if __name__ == "__main__":
    main()

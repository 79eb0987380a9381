"""What each loop of align takes to compile, by Numba's own events: `bench/align.py --compile` prints it as a table.

Every workload runs in a fresh process, with empty caches and again with what that left. Imports, Numba's first look at
itself and the building of a kernel's graph are in `first call`, not in the seconds of a loop.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import genolab as gl
from genolab.align.usual import usual_alignments


def workloads() -> dict[str, Callable[[], object]]:
    """What to run, by name: the usual alignments, and whatever else has loops."""

    def matrix() -> object:
        filled = gl.align.fill_matrix("ACGTACGT", "ACGACGT")
        return filled.count, next(filled.paths())

    def soft() -> object:
        made = gl.align.soft_align(["ACGTACGTTT"] * 8, ["ACGTCGTTGT"] * 8, threads=1)
        return made.scores, made.expected_counts

    def mapping() -> object:
        from genolab.align.mapping.warm import run_all

        return run_all()

    return usual_alignments() | {
        "matrix of a pair, its walks": matrix,
        "all best alignments in a band": lambda: gl.align.align("ACGTACGT", "ACGACGT", band=3).co_optimal_count(),
        "dot plot": lambda: gl.align.dot_plot("ACGTACGTAC", "ACGTTCGTAC", word=4),
        "multiple alignment": lambda: gl.align.multiple(["ACGTACGT", "ACGACGT", "ACGTACG"]),
        "soft score and gradient": soft,
        "posterior of a pair": lambda: gl.align.soft_align("ACGTACGT", "ACGACGT").posterior(0),
        "posterior in log space": lambda: gl.align.soft_align("ACGTACGT", "ACGACGT", temperature=0.001).posterior(0),
        "mapping": mapping,
    }


def measure(name: str) -> dict[str, Any]:
    """Run one workload here: the loops that were compiled for it, and seconds and CPU seconds in all."""
    import numba
    from numba.core import event

    import genolab.align.loops.trace  # noqa: F401 - imports Numba and what it runs on

    run = workloads()[name]
    numba.njit(lambda x: x + 1)(1)
    open_: list[tuple[float, float]] = []
    loops: list[tuple[str, float, float]] = []

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            open_.append((time.perf_counter(), time.thread_time()))

        def on_end(self, event: Any) -> None:
            began, cpu = open_.pop()
            if not open_:  # what is compiled for another loop is part of that one
                loop = event.data["dispatcher"].py_func
                where = f"{loop.__module__.rsplit('.', 1)[-1]}.{loop.__name__}"
                loops.append((where, time.perf_counter() - began, time.thread_time() - cpu))

    event.register("numba:compile", Listener())
    began, cpu = time.perf_counter(), time.process_time()
    run()
    return {"loops": loops, "wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}


def table(only: str) -> Iterator[str]:
    """Line by line: each workload, its slowest loop (all of mapping's), and all of them together."""
    yield "| workload | loop | cold s | CPU s | all its loops, CPU s | first call s | with caches s |"
    yield "|---|---|---|---|---|---|---|"
    highest = 0.0
    for name in workloads():
        if only not in name:
            continue
        with tempfile.TemporaryDirectory() as caches:
            cold, warm = (_apart(name, caches) for _ in range(2))
        loops = sorted(cold["loops"], key=lambda each: -each[2])
        total = sum(cpu for _, _, cpu in loops)
        highest = max([highest, *(cpu for _, _, cpu in loops)])
        for number, (loop, wall, cpu) in enumerate(loops if name == "mapping" else loops[:1]):
            rest = f"{total:.1f} | {cold['wall']:.1f} | {warm['wall']:.2f}" if number == 0 else " | | "
            yield f"| {name if number == 0 else '':<32} | {loop:<28} | {wall:.2f} | {cpu:.2f} | {rest} |"
    yield f"\nThe slowest loop took {highest:.2f} CPU seconds."


def _apart(name: str, caches: str) -> dict[str, Any]:
    environment = os.environ | {"NUMBA_CACHE_DIR": caches}
    command = [sys.executable, __file__, name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))

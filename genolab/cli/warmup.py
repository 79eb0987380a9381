"""``genolab warmup``: compile every kernel now, so that no click waits for it."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

_LOOPS = ("usual alignments", "map_reads", "pair_hmm in lanes")
"""What is compiled beside kernels; the longest first, so that no worker is left with them at the end."""
_MOST_WORKERS = 4  # each takes half a gigabyte

Row = dict[str, Any]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    command.add_argument("--backend", choices=("numpy", "numba", "c", "jax"), help="instead of each kernel's own")
    command.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status. A process for each core shares the work, and the caches are theirs together."""
    import genolab

    names = [*_LOOPS, *(kernel.name for kernel in genolab.kernels())]
    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    rows: list[Row] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(warm, name, options.backend) for name in names]):
            for row in done.result():
                rows.append(row)
                if not options.json:
                    print("{kernel:<32} {backend:<6} {state:<9} {seconds:8.2f} s".format(**row), flush=True)
    if options.json:
        print(json.dumps(rows))
    return 0


def warm(name: str, backend: str | None = None) -> list[Row]:
    """Compile one kernel, or one of the sets of loops; a row for each that says how it went."""
    return [
        {"kernel": each, "backend": on, "state": state, "seconds": round(time.perf_counter() - began, 3)}
        for each, on, state, began in _warmed(name, backend)
    ]


def _warmed(name: str, backend: str | None) -> Iterator[tuple[str, str, str, float]]:
    began = time.perf_counter()
    if name == "usual alignments":
        from genolab.align.usual import compile_usual

        for loop, state, start in compile_usual():
            yield loop, "numba", state, start
    elif name == "map_reads":
        from genolab.align.mapper import prepare

        prepare()
        yield name, "numba", "compiled", began
    elif name == "pair_hmm in lanes":
        from genolab.call.forward import compile_lanes

        compile_lanes()
        yield name, "numba", "compiled", began
    else:
        import genolab

        (kernel,) = (each for each in genolab.kernels() if each.name == name)
        on = backend or kernel.backend
        kernel(*kernel.example(), backend=on)  # the first call compiles, a fast loop too
        yield name, on, kernel.state(on), began

"""``genolab warmup``: compile every kernel now, so that no click waits for it."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    command.add_argument("--backend", choices=("numpy", "numba", "c", "jax"), help="instead of each kernel's own")
    command.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status."""
    import genolab
    from genolab.align.mapper import prepare
    from genolab.align.usual import compile_usual
    from genolab.call.forward import compile_lanes

    rows: list[dict[str, Any]] = []

    def report(name: str, backend: str, state: str, began: float) -> None:
        seconds = round(time.perf_counter() - began, 3)
        rows.append({"kernel": name, "backend": backend, "state": state, "seconds": seconds})
        if not options.json:
            print("{kernel:<32} {backend:<6} {state:<9} {seconds:8.2f} s".format(**rows[-1]), flush=True)

    for kernel in genolab.kernels():
        backend = options.backend or kernel.backend
        began = time.perf_counter()
        kernel(*kernel.example(), backend=backend)  # the first call compiles, a fast loop too
        report(kernel.name, backend, kernel.state(backend), began)
    for name, ready in (("map_reads", prepare), ("pair_hmm in lanes", compile_lanes)):
        began = time.perf_counter()
        ready()
        report(name, "numba", "compiled", began)
    for name, state, began in compile_usual():
        report(name, "numba", state, began)
    if options.json:
        print(json.dumps(rows))
    return 0

"""``genolab warmup``: compile every kernel now, so that no click waits for it."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from itertools import zip_longest
from multiprocessing import get_context
from typing import Any

_MOST_WORKERS = 4  # each takes half a gigabyte

Row = dict[str, Any]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    command.add_argument("--backend", choices=("numpy", "numba", "c", "jax"), help="instead of each kernel's own")
    command.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit status. A process for each core shares the work, and the caches are theirs together."""
    import genolab

    names = [*_loops(), *_apart([kernel.name for kernel in genolab.kernels()])]
    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    rows: list[Row] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(warm, name, options.backend) for name in names]):
            row = done.result()
            rows.append(row)
            if not options.json:
                print("{kernel:<32} {backend:<6} {state:<9} {seconds:8.2f} s".format(**row), flush=True)
    if options.json:
        print(json.dumps(rows))
    return 0


def warm(name: str, backend: str | None = None) -> Row:
    """Compile one kernel, or one of the sets of loops; a row that says how it went."""
    import genolab

    began = time.perf_counter()
    loops = _loops()
    if name in loops:
        on, state = "numba", loops[name]()
    else:
        (kernel,) = (each for each in genolab.kernels() if each.name == name)
        on = backend or kernel.backend
        kernel(*kernel.example(), backend=on)  # the first call compiles, a fast loop too
        state = kernel.state(on)
    return {"kernel": name, "backend": on, "state": state, "seconds": round(time.perf_counter() - began, 3)}


def _apart(names: list[str]) -> list[str]:
    """The first half between the second: neighbours by name share loops, which two workers would both compile."""
    half = (len(names) + 1) // 2
    return [name for pair in zip_longest(names[:half], names[half:]) for name in pair if name is not None]


def _loops() -> dict[str, Callable[[], str]]:
    """What is compiled beside kernels, by name; before them, so that no worker is left with a long one at the end.

    The first of the alignments compiles what the others share, so the mapper's loops go between it and them.
    """
    from genolab.align.mapping.warm import sets_of_loops
    from genolab.align.usual import compile_usual, usual_alignments
    from genolab.call.forward import compile_lanes

    first, *others = (name for name in usual_alignments())
    found: dict[str, Callable[[], str]] = {first: partial(compile_usual, first)}
    found["pair_hmm in lanes"] = partial(_watched, compile_lanes)
    for name, run in sets_of_loops().items():
        found[f"map_reads, {name}"] = partial(_watched, run)
    for name in _apart(others):
        found[name] = partial(compile_usual, name)
    return found


def _watched(run: Callable[[], object]) -> str:
    from genolab.kernel.backends import numba_compilations

    with numba_compilations("numba") as compilations:
        run()
    return "compiled" if compilations else "cached"

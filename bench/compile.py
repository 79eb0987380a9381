"""What each kernel costs on each backend: to compile without caches, to compile again, and to run.

python bench/compile.py [--kernels a b] [--backends numpy numba] [--markdown FILE]
python bench/compile.py --together [--backends numpy] [--first]

Cold and warm are fresh processes, cold with empty cache folders of its own; imports are not counted. The time to run
is the smaller of their medians over calls on the input of ``workloads.py``; the difference is the largest from the
`numpy` results, relative to values beyond 1. It is what the graph panel shows under `backends`. ``--first`` asks for
answers as a panel does while a person waits: by the definition where the loop would have to be compiled.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from genolab.kernel.apart import own_caches


def in_turn(names: list[str], backend: str, first: bool) -> None:
    """Print CPU seconds of the first call of each kernel in this process, children's too; or why it does not run."""
    from contextlib import nullcontext

    import numba
    import pytensor.sparse  # noqa: F401 - part of what PyTensor imports late

    import genolab
    from genolab.kernel.at_once import at_once

    known = {each.name: each for each in genolab.kernels()}
    numba.njit(lambda x: x + 1)(1)
    for name in names:
        began = sum(os.times()[:4])
        try:
            with at_once() if first else nullcontext():
                known[name](*known[name].example(), backend=backend)
            found: float | str = sum(os.times()[:4]) - began
        except Exception as error:
            found = str(error).splitlines()[0][:60] or type(error).__name__
        print(json.dumps([name, found]), flush=True)


def column(
    names: list[str], backend: str, environment: dict[str, str], longest: float, first: bool
) -> dict[str, float | str]:
    """What :func:`in_turn` says of every kernel; one that takes longer than ``longest`` seconds is left there."""
    found: dict[str, float | str] = {}
    while len(found) < len(names):
        left = [name for name in names if name not in found]
        command = [sys.executable, __file__, "--in-turn", backend, "first" if first else "loops", *left]
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
        lines: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=_read, args=(child, lines), daemon=True)
        reader.start()
        for name in left:
            try:
                line = lines.get(timeout=longest)
                found[name] = json.loads(line)[1] if line else f"ended with {child.wait()}"
            except queue.Empty:
                found[name] = f"more than {longest:.0f}"
            if not isinstance(found[name], float) and str(found[name]).startswith(("ended", "more")):
                os.killpg(child.pid, signal.SIGKILL)
                break
        child.wait()
        reader.join()
    return found


def _read(child: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    """Hand on what a child prints, and an empty line behind it."""
    for line in child.stdout or ():
        lines.put(line)
    lines.put("")


def together(names: list[str], backends: list[str], longest: float, first: bool) -> list[str]:
    """The table of :func:`in_turn`, a row a kernel: cold and warm on each backend."""
    columns = []
    for backend in backends:
        with tempfile.TemporaryDirectory() as scratch:
            for when in ("cold", "warm"):
                columns.append(column(names, backend, own_caches(Path(scratch)), longest, first))
                print(f"{backend} {when}: {json.dumps(columns[-1])}", file=sys.stderr, flush=True)
    head = [f"{backend} {when}" for backend in backends for when in ("cold", "warm")]
    lines = [f"| kernel | {' | '.join(head)} |", f"|---|{'---|' * len(head)}"]
    for name in names:
        cells = [f"{each[name]:.2f}" if isinstance(each[name], float) else str(each[name]) for each in columns]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    sums = [sum(value for value in each.values() if isinstance(value, float)) for each in columns]
    return [*lines, f"| all | {' | '.join(f'{each:.1f}' for each in sums)} |"]


def apart(names: list[str], backends: list[str]) -> Iterator[str]:
    """The table of cold, warm and run, a row as soon as it is known."""
    import numpy as np
    from workloads import WORKLOADS

    import genolab
    from genolab.kernel.comparison import compare_backends

    known = {each.name: each for each in genolab.kernels()}
    yield "| kernel | backend | cold s | warm s | run ms | difference |"
    yield "|---|---|---|---|---|---|"
    for name in names:
        kernel = known[name]
        arrays = WORKLOADS[name](np.random.default_rng(1)) if name in WORKLOADS else kernel.example()
        for row in compare_backends(kernel, arrays, backends=tuple(dict.fromkeys(("numpy", *backends)))):
            shown = f"{row.backend}{' (declared)' if row.backend == kernel.backend else ''}"
            times = f"{row.cold_seconds:.2f} | {row.warm_seconds:.2f} | {1000 * row.run_seconds:.2f}"
            figures = f"{row.failure} | | | " if row.failure else f"{times} | {row.difference:.1g}"
            yield f"| {name} | {shown} | {figures} |"


def main() -> None:
    if sys.argv[1:2] == ["--in-turn"]:
        in_turn(sys.argv[4:], sys.argv[2], sys.argv[3] == "first")
        return
    import genolab
    from genolab.kernel import available_backends

    known = [each.name for each in genolab.kernels()]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", nargs="+", choices=known, default=known, metavar="KERNEL")
    parser.add_argument("--backends", nargs="+", choices=available_backends(), default=list(available_backends()))
    parser.add_argument("--markdown", type=Path, help="write the table here too")
    parser.add_argument("--together", action="store_true", help="one process for all kernels, CPU seconds")
    parser.add_argument("--first", action="store_true", help="with --together: first answers, as a panel wants them")
    parser.add_argument("--longest", type=float, default=120.0, help="seconds after which a kernel is given up")
    options = parser.parse_args()
    lines = []
    if options.together:
        table: Iterable[str] = together(options.kernels, options.backends, options.longest, options.first)
    else:
        table = apart(options.kernels, options.backends)
    for line in table:
        print(line, flush=True)
        lines.append(line)
    if options.markdown:
        options.markdown.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

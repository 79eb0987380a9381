"""What each kernel costs on each backend: to compile without caches, to compile again, and to run.

python bench/compile.py [--kernels a b] [--backends numpy numba] [--markdown FILE]
python bench/compile.py --together [--backends numpy]

Cold and warm are fresh processes, cold with empty cache folders of its own; imports are not counted. The time to run
is the smaller of their medians over calls on the input of ``workloads.py``; the difference is the largest from the
`numpy` results, relative to values beyond 1. It is what the graph panel shows under `backends`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from genolab.kernel.apart import own_caches


def in_turn(names: list[str], backend: str) -> dict[str, float | str]:
    """CPU seconds of the first call of each kernel in this process, children's too; or why it does not run."""
    import numba
    import pytensor.sparse  # noqa: F401 - part of what PyTensor imports late

    import genolab

    known = {each.name: each for each in genolab.kernels()}
    numba.njit(lambda x: x + 1)(1)
    found: dict[str, float | str] = {}
    for name in names:
        began = sum(os.times()[:4])
        try:
            known[name](*known[name].example(), backend=backend)
            found[name] = sum(os.times()[:4]) - began
        except Exception as error:
            found[name] = str(error).splitlines()[0][:60]
    return found


def together(names: list[str], backends: list[str]) -> list[str]:
    """The table of :func:`in_turn`, a row a kernel: cold and warm on each backend."""
    columns = []
    for backend in backends:
        with tempfile.TemporaryDirectory() as scratch:
            for _ in ("cold", "warm"):
                command = [sys.executable, __file__, "--in-turn", backend, *names]
                done = subprocess.run(
                    command, env=own_caches(Path(scratch)), capture_output=True, text=True, check=True
                )
                columns.append(json.loads(done.stdout.splitlines()[-1]))
    head = [f"{backend} {when}" for backend in backends for when in ("cold", "warm")]
    lines = [f"| kernel | {' | '.join(head)} |", f"|---|{'---|' * len(head)}"]
    for name in names:
        cells = [f"{each[name]:.2f}" if isinstance(each[name], float) else each[name] for each in columns]
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
        print(json.dumps(in_turn(sys.argv[3:], sys.argv[2])))
        return
    import genolab
    from genolab.kernel import available_backends

    known = [each.name for each in genolab.kernels()]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", nargs="+", choices=known, default=known, metavar="KERNEL")
    parser.add_argument("--backends", nargs="+", choices=available_backends(), default=list(available_backends()))
    parser.add_argument("--markdown", type=Path, help="write the table here too")
    parser.add_argument("--together", action="store_true", help="one process for all kernels, CPU seconds")
    options = parser.parse_args()
    lines = []
    for line in (together if options.together else apart)(options.kernels, options.backends):
        print(line, flush=True)
        lines.append(line)
    if options.markdown:
        options.markdown.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

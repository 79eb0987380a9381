"""What each kernel costs on each backend: to compile without caches, to compile again, and to run.

python bench/compile.py [--kernels a b] [--backends numpy numba] [--markdown FILE]
python bench/compile.py --together [--backends numpy]

Cold and warm are fresh processes, cold with empty cache folders of their own; imports are not counted. The time to run
is the smaller of their medians over calls on the input of ``workloads.py``; the difference is the largest from the
`numpy` results, relative to their size.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPEATS = 7


def measure(name: str, backend: str, results: Path) -> dict[str, Any]:
    """Compile and run one kernel here; its results go to a file for the comparison."""
    import numpy as np
    from workloads import WORKLOADS

    import genolab

    kernel = {each.name: each for each in genolab.kernels()}[name]
    values = WORKLOADS[name](np.random.default_rng(1)) if name in WORKLOADS else kernel.example()
    if backend == "numba":
        import numba  # noqa: F401 - half a second that is paid once a process, not once a kernel
    began = time.perf_counter()
    kernel(*kernel.example(), backend=backend)
    first = time.perf_counter() - began
    found = kernel(*values, backend=backend)
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        kernel(*values, backend=backend)
        times.append(time.perf_counter() - began)
    np.savez(results, *found)
    return {"first": first, "state": kernel.state(backend), "run": statistics.median(times)}


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
                done = subprocess.run(command, env=_caches(Path(scratch)), capture_output=True, text=True, check=True)
                columns.append(json.loads(done.stdout.splitlines()[-1]))
    head = [f"{backend} {when}" for backend in backends for when in ("cold", "warm")]
    lines = [f"| kernel | {' | '.join(head)} |", f"|---|{'---|' * len(head)}"]
    for name in names:
        cells = [f"{each[name]:.2f}" if isinstance(each[name], float) else each[name] for each in columns]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    sums = [sum(value for value in each.values() if isinstance(value, float)) for each in columns]
    return [*lines, f"| all | {' | '.join(f'{each:.1f}' for each in sums)} |"]


def _caches(folder: Path) -> dict[str, str]:
    """The environment with caches of its own."""
    flags = [os.environ.get("PYTENSOR_FLAGS", ""), f"base_compiledir={folder / 'pytensor'}"]
    own = {"NUMBA_CACHE_DIR": str(folder / "numba"), "GENOLAB_CACHE": str(folder / "genolab"), "GENOLAB_BACKEND": ""}
    return os.environ | own | {"PYTENSOR_FLAGS": ",".join(filter(None, flags))}


def fresh(name: str, backend: str, caches: Path, results: Path) -> dict[str, Any]:
    """:func:`measure` in a new process with caches of its own."""
    command = [sys.executable, __file__, "--measure", name, backend, str(results)]
    done = subprocess.run(command, env=_caches(caches), capture_output=True, text=True)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1]}
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def difference(expected: Path, found: Path) -> float:
    """The largest difference of two results, relative to the size of the values."""
    import numpy as np

    largest = 0.0
    with np.load(expected) as one, np.load(found) as other:
        for key in one.files:
            a, b = one[key].astype(float), other[key].astype(float)
            largest = max(largest, float(np.max(np.abs(a - b) / np.maximum(np.abs(a), 1.0), initial=0.0)))
    return largest


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        name, backend, results = sys.argv[2:]
        print(json.dumps(measure(name, backend, Path(results))))
        return
    if sys.argv[1:2] == ["--in-turn"]:
        print(json.dumps(in_turn(sys.argv[3:], sys.argv[2])))
        return
    import genolab
    from genolab.kernel import available_backends

    known = {each.name: each for each in genolab.kernels()}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", nargs="+", choices=known, default=list(known), metavar="KERNEL")
    parser.add_argument("--backends", nargs="+", choices=available_backends(), default=list(available_backends()))
    parser.add_argument("--markdown", type=Path, help="write the table here too")
    parser.add_argument("--together", action="store_true", help="one process for all kernels, CPU seconds")
    options = parser.parse_args()
    if options.together:
        table = "\n".join(together(options.kernels, options.backends))
        print(table)
        if options.markdown:
            options.markdown.write_text(table + "\n")
        return
    lines = ["| kernel | backend | cold s | warm s | run ms | difference |", "|---|---|---|---|---|---|"]
    print(*lines, sep="\n")
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.kernels:
            reference = Path(scratch, f"{name}.numpy.npz")
            for backend in dict.fromkeys(("numpy", *options.backends)):
                caches, results = Path(scratch, name, backend), Path(scratch, f"{name}.{backend}.npz")
                cold = fresh(name, backend, caches, results)
                warm = fresh(name, backend, caches, results) if "error" not in cold else cold
                shown = f"{backend}{' (declared)' if backend == known[name].backend else ''}"
                if "error" in warm:
                    row = f"| {name} | {shown} | {warm['error']} | | | |"
                else:
                    off = difference(reference, results)
                    row = (
                        f"| {name} | {shown} | {cold['first']:.2f} | {warm['first']:.2f} | "
                        f"{1000 * min(cold['run'], warm['run']):.2f} | {off:.1g} |"
                    )
                lines.append(row)
                print(row, flush=True)
    if options.markdown:
        options.markdown.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

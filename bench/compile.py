"""What each kernel costs on each backend: to compile without caches, to compile again, and to run.

python bench/compile.py [--kernels a b] [--backends numpy numba] [--markdown FILE]

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


def fresh(name: str, backend: str, caches: Path, results: Path) -> dict[str, Any]:
    """:func:`measure` in a new process with caches of its own."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(caches / "numba"), "GENOLAB_BACKEND": ""}
    flags = [environment.get("PYTENSOR_FLAGS", ""), f"base_compiledir={caches / 'pytensor'}"]
    environment["PYTENSOR_FLAGS"] = ",".join(filter(None, flags))
    command = [sys.executable, __file__, "--measure", name, backend, str(results)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
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
    import genolab
    from genolab.kernel import available_backends

    known = {each.name: each for each in genolab.kernels()}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", nargs="+", choices=known, default=list(known), metavar="KERNEL")
    parser.add_argument("--backends", nargs="+", choices=available_backends(), default=list(available_backends()))
    parser.add_argument("--markdown", type=Path, help="write the table here too")
    options = parser.parse_args()
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

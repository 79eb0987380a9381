"""A kernel measured in processes of its own: what it costs to compile without caches and with them, and to run.

A child process has cache folders of its own, so that cold means cold; it can be killed at any time, and this process
compiles nothing meanwhile. Arrays go there and back as npz without pickle; this module is the child's program as well.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from genolab.errors import GenolabError, GenolabWarning

if TYPE_CHECKING:
    from genolab.kernel.kernel import Kernel

REPEATS = 7
_ENOUGH = 1.0  # seconds of repeats
_LOOK = 0.1  # seconds between two looks at whether somebody has cancelled


class Measured(NamedTuple):
    """Seconds of the first call on the smallest input, median seconds of a call, its results, and what it warned of."""

    first: float
    run: float
    results: tuple[np.ndarray, ...]
    note: str


def measure_here(kernel: Kernel, backend: str, values: Sequence[Any]) -> Measured:
    """Compile and run in this process; imports are not counted."""
    if backend == "numba":
        import numba  # noqa: F401 - half a second that is paid once a process, not once a kernel
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        began = time.perf_counter()
        kernel(*kernel.example(), backend=backend)
        first = time.perf_counter() - began
        results = tuple(kernel(*values, backend=backend))
    times: list[float] = []
    while len(times) < REPEATS and sum(times) < _ENOUGH:
        began = time.perf_counter()
        kernel(*values, backend=backend)
        times.append(time.perf_counter() - began)
    note = " ".join(str(each.message) for each in caught if issubclass(each.category, GenolabWarning))
    return Measured(first, statistics.median(times), results, note)


def recipe(kernel: Kernel) -> str | None:
    """What another process finds the kernel by, as JSON; None for one that no module holds, as in a notebook's cell."""
    module = kernel._build.__module__
    held = None if module == "__main__" else getattr(sys.modules.get(module), kernel.name, None)
    if getattr(held, "_build", None) is not kernel._build:
        return None
    if (getattr(held, "_implementation", None) is None) != (kernel._implementation is None):  # its definition alone
        return None
    try:
        return json.dumps({"module": module, "name": kernel.name, "static": kernel.static, "dtype": kernel._dtype})
    except TypeError:  # a structural parameter that is no plain value
        return None


def measure_apart(
    found_by: str, backend: str, values: Sequence[np.ndarray], caches: Path, waiting: Callable[[], object]
) -> Measured:
    """:func:`measure_here` in a new process, with caches in a folder, which is empty the first time.

    Parameters
    ----------
    found_by
        The kernel's :func:`recipe`.
    waiting
        Called ten times a second; what it raises ends the child and is passed on.

    Raises
    ------
    GenolabError
        If the child failed; in the words of its last line.
    """
    command = [sys.executable, "-m", __name__, found_by, backend]
    environment = own_caches(caches) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with tempfile.TemporaryFile() as given:  # through a pipe, `communicate` sends no more after its first timeout
        given.write(_packed(values))
        given.seek(0)
        pipe = subprocess.PIPE
        # in a session of its own, so that a C compiler that it started ends with it
        process = subprocess.Popen(
            command, stdin=given, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
        )
    with process:
        try:
            while True:
                try:
                    out, said = process.communicate(timeout=_LOOK)
                    break
                except subprocess.TimeoutExpired:
                    waiting()
        finally:
            if process.poll() is None:
                _kill(process)
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or [f"ended with {process.returncode}"]
        raise GenolabError(lines[-1])
    figures, *results = _unpacked(out)
    told = json.loads(str(figures))
    return Measured(told["first"], told["run"], tuple(results), told["note"])


def own_caches(folder: Path) -> dict[str, str]:
    """The environment of a process that keeps what it compiles in this folder, and runs what a kernel declares."""
    flags = (os.environ.get("PYTENSOR_FLAGS", ""), f"base_compiledir={folder / 'pytensor'}")
    own = {"NUMBA_CACHE_DIR": str(folder / "numba"), "GENOLAB_CACHE": str(folder / "genolab"), "GENOLAB_BACKEND": ""}
    return os.environ | own | {"PYTENSOR_FLAGS": ",".join(filter(None, flags))}


def _kill(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _packed(arrays: Sequence[Any]) -> bytes:
    beside = io.BytesIO()
    np.savez(beside, *arrays)
    return beside.getvalue()


def _unpacked(packed: bytes) -> list[np.ndarray]:
    with np.load(io.BytesIO(packed)) as held:
        return [held[f"arr_{number}"] for number in range(len(held.files))]


def _child(found_by: str, backend: str) -> None:
    out = sys.stdout.buffer
    with contextlib.redirect_stdout(sys.stderr):
        told = json.loads(found_by)
        kernel = cast("Kernel", getattr(import_module(told["module"]), told["name"]))
        kernel = kernel.with_static(**{k: tuple(v) if isinstance(v, list) else v for k, v in told["static"].items()})
        kernel = kernel if told["dtype"] is None else kernel.at(told["dtype"])
        found = measure_here(kernel, backend, _unpacked(sys.stdin.buffer.read()))
        figures = json.dumps({"first": found.first, "run": found.run, "note": found.note})
    out.write(_packed([np.array(figures), *found.results]))


if __name__ == "__main__":
    _child(*sys.argv[1:])

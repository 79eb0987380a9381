"""One kernel on every backend: how long it compiles, how long it runs, and how far the results are apart."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import Cancelled
from genolab.kernel.apart import Measured, measure_apart, measure_here, recipe
from genolab.kernel.bind import bind_arrays
from genolab.kernel.choice import available_backends
from genolab.kernel.flow import duration

if TYPE_CHECKING:
    from genolab.kernel.kernel import Kernel

Waiting = Callable[[str, str], object]
"""Is told the backend that is measured and what it does, ten times a second; what it raises ends the measuring."""


@dataclass(frozen=True)
class BackendRow:
    """One backend. ``difference`` is the largest one to the first backend's results, relative to values beyond 1.

    ``cold_seconds`` is the first call in a process without caches, ``warm_seconds`` in another that has them; NaN where
    the kernel can only be compiled in this process. ``run_seconds`` is the smaller of the processes' median calls.
    ``failure`` says why a backend cannot run the kernel; its figures are then NaN. ``note`` is what it warned of.
    """

    backend: str
    cold_seconds: float
    warm_seconds: float
    run_seconds: float
    difference: float
    failure: str = ""
    note: str = ""

    def __str__(self) -> str:
        """In a line, without its name."""
        if self.failure:
            return f"cannot run it: {self.failure}"
        if np.isnan(self.warm_seconds):
            how = f"ready in {duration(self.cold_seconds)} in this process"
        else:
            how = f"ready in {duration(self.cold_seconds)} without caches, {duration(self.warm_seconds)} with them"
        if not np.isfinite(self.difference):
            apart = "results differ in shape or in what is infinite"
        else:
            apart = "the same numbers" if self.difference == 0 else f"{self.difference:.1e} apart at most"
        return f"{how}; runs in {duration(self.run_seconds)}; {apart}. {self.note}".rstrip()


def compare_backends(
    kernel: Kernel,
    arrays: Sequence[Any],
    named: dict[str, Any] | None = None,
    *,
    backends: Sequence[str] = (),
    waiting: Waiting = lambda _backend, _text: None,
) -> Iterator[BackendRow]:
    """Measure a kernel on backends, all of this machine unless said otherwise; one row as soon as it is known.

    Each is compiled in two processes after one another, the first without caches. A kernel that no module holds, as one
    of a notebook's cell, cannot be found by another process: it is compiled in this one.

    Raises
    ------
    InputError
        If an array has not the axes, dtype, range or matching lengths that its spec states.
    """
    values = bind_arrays(kernel.name, kernel.inputs, kernel.defaults, tuple(arrays), named or {}, writeable=True)
    first: tuple[np.ndarray, ...] | None = None
    for backend in backends or available_backends():
        try:
            cold, warm = _cold_and_warm(kernel, backend, values, waiting)
        except Cancelled:
            raise
        except Exception as error:
            words = str(error).strip().splitlines() or [type(error).__name__]
            yield BackendRow(backend, np.nan, np.nan, np.nan, np.nan, words[0][:200])
            continue
        first = cold.results if first is None else first
        apart = max((_apart(one, other) for one, other in zip(cold.results, first, strict=True)), default=0.0)
        warm_seconds, run = (np.nan, cold.run) if warm is None else (warm.first, min(cold.run, warm.run))
        yield BackendRow(backend, cold.first, warm_seconds, run, apart, note=cold.note)


def _cold_and_warm(
    kernel: Kernel, backend: str, values: list[np.ndarray], waiting: Waiting
) -> tuple[Measured, Measured | None]:
    """Without caches and with them; the second is None where the kernel is measured in this process."""
    found_by = recipe(kernel)
    if found_by is None:
        waiting(backend, "compiling in this process")
        return measure_here(kernel, backend, values), None

    def measured(how: str) -> Measured:
        return measure_apart(found_by, backend, values, Path(caches), lambda: waiting(backend, how))

    with tempfile.TemporaryDirectory(prefix="genolab-", ignore_cleanup_errors=True) as caches:
        return measured("compiling without caches"), measured("compiling with caches")


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference, relative to values beyond 1; NaN is equal to NaN."""
    if one.shape != other.shape:
        return float("inf")
    if not one.size:
        return 0.0
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    with np.errstate(invalid="ignore"):  # of two infinities
        difference = np.abs(a - b) / np.maximum(np.abs(b), 1.0)
        difference = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, difference)
    return float(np.nan_to_num(difference, nan=np.inf).max())

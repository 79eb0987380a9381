"""One kernel on every backend: how long it compiled, how long it runs, and how far the results are apart."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import GenolabWarning, InputError
from genolab.kernel.choice import available_backends
from genolab.kernel.flow import duration

if TYPE_CHECKING:
    from genolab.kernel.kernel import Kernel

REPEATS = 5
_ENOUGH = 1.0  # seconds of repeats


@dataclass(frozen=True)
class BackendRow:
    """One backend. ``difference`` is the largest absolute one to the first backend's results, NaN equal to NaN.

    ``compile_seconds`` is what this process needed; ``from_disk`` says that Numba's cache had the code already.
    ``failure`` says why a backend cannot run the kernel; its figures are then NaN. ``note`` is what it warned of.
    """

    backend: str
    compile_seconds: float
    from_disk: bool
    run_seconds: float
    difference: float
    failure: str = ""
    note: str = ""

    def __str__(self) -> str:
        """In a line, without its name."""
        if self.failure:
            return f"cannot run it: {self.failure}"
        how = "loaded from the disk cache" if self.from_disk else "compiled"
        if not np.isfinite(self.difference):
            apart = "results differ in shape or in what is infinite"
        else:
            apart = "the same numbers" if self.difference == 0 else f"{self.difference:.1e} apart at most"
        seconds = f"in {duration(self.compile_seconds)}; runs in {duration(self.run_seconds)}"
        return f"{how} {seconds}; {apart}. {self.note}".rstrip()


def compare_backends(kernel: Kernel, arrays: Sequence[Any], **named: Any) -> Iterator[BackendRow]:
    """Compile and run a kernel on every backend of this machine, one row as soon as it is known."""
    first: Any = None
    for backend in available_backends():
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                compiled = kernel.compiled(backend)
                result = kernel(*arrays, backend=backend, **named)
        except InputError:
            raise
        except Exception as error:
            words = str(error).strip().splitlines() or [type(error).__name__]
            yield BackendRow(backend, np.nan, False, np.nan, np.nan, f"{type(error).__name__}: {words[0][:160]}")
            continue
        first = result if first is None else first
        yield BackendRow(
            backend,
            compiled.seconds,
            compiled.state == "cached",
            _fastest(kernel, arrays, backend, named),
            max((_apart(one, other) for one, other in zip(result, first, strict=True)), default=0.0),
            note=" ".join(str(each.message) for each in caught if issubclass(each.category, GenolabWarning)),
        )


def _fastest(kernel: Kernel, arrays: Sequence[Any], backend: str, named: dict[str, Any]) -> float:
    best, spent = float("inf"), 0.0
    for _ in range(REPEATS):
        began = time.perf_counter()
        kernel(*arrays, backend=backend, **named)
        taken = time.perf_counter() - began
        best, spent = min(best, taken), spent + taken
        if spent > _ENOUGH:
            break
    return best


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    if one.shape != other.shape:
        return float("inf")
    if not one.size:
        return 0.0
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    with np.errstate(invalid="ignore"):  # of two infinities
        difference = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    return float(np.nan_to_num(difference, nan=np.inf).max())

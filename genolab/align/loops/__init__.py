"""Loops that run in place of the definitions, compiled by Numba; they need it, so nothing here is imported early."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

loop = njit(nogil=True, cache=True, error_model="numpy", no_cfunc_wrapper=True)
"""A loop that Python calls. Division by zero, which none of them does, is not looked for."""

part = njit(nogil=True, cache=True, error_model="numpy", no_cfunc_wrapper=True, no_cpython_wrapper=True)
"""What only other loops call: without the way in from Python it compiles a third faster."""

inlined = njit(nogil=True, cache=True, error_model="numpy", no_cfunc_wrapper=True, inline="always")
"""A short part, or the only one of a short loop: it compiles with its caller. Long ones would make that one slow."""

ZERO: Any = np.int64(0)
"""A 0 to start from that is given to a part: Numba would compile the part for a literal 0 once more."""


def get_ready() -> None:
    """Have Numba fill its tables, most of what loading a first loop takes; nothing is compiled."""
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target

    with global_compiler_lock:  # as where Numba does it: another thread may load a loop
        cpu_target.typing_context.refresh()
        cpu_target.target_context.refresh()

"""Arrays at a kernel's door: each must be what its spec says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from genolab.errors import InputError
from genolab.kernel.threads import spread
from genolab.spec import Spec

MANY = 1_000_000
"""Values from which threads are worth their start."""


def as_input(kernel: str, name: str, spec: Spec, value: Any, writeable: bool, ranges: bool = True) -> np.ndarray:
    """``value`` as an aligned C-contiguous array of the spec's dtype; refused where a value would change.

    Numba compiles anew for a read-only array, so its backend asks for a writeable one.
    Without ``ranges`` only single numbers are held to theirs.
    """
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        raise InputError(kernel, name, str(spec), "values that make no array") from None
    if array.ndim != len(spec.dims):
        axes = f"{len(spec.dims)} axes ({', '.join(spec.dims)})" if spec.dims else "a single number"
        raise InputError(kernel, name, f"{spec} with {axes}", f"shape {array.shape}")
    if array.dtype != spec.dtype:
        array = _converted(kernel, name, spec, array)
    if ranges or array.ndim == 0:
        _check_range(kernel, name, spec, array)
    return np.require(array, requirements=["C", "A", "W"] if writeable else ["C", "A"])


def _check_range(kernel: str, name: str, spec: Spec, array: np.ndarray) -> None:
    """Values outside their range are refused: a code beyond the last base would be counted for another position."""
    if array.size == 0 or (spec.low is None and spec.high is None):
        return
    # one look at each bound that there is: a table of counts is read once and not twice
    low_enough = spec.low is None or _bound(array, np.min) >= spec.low  # false for NaN
    if low_enough and (spec.high is None or _bound(array, np.max) <= spec.high):
        return
    low, high = (None if limit is None else f"{limit:g}" for limit in (spec.low, spec.high))
    span = f"at most {high}" if low is None else f"at least {low}" if high is None else f"between {low} and {high}"
    found = array.max() if low_enough else array.min()
    raise InputError(kernel, name, f"{spec.doc}, {span}{spec.unit and ' '}{spec.unit}", f"{found.item():g}")


def _bound(array: np.ndarray, bound: Callable[[Any], Any]) -> Any:
    """The smallest or largest value; of a large array by threads."""
    if array.size < MANY or not array.flags.c_contiguous:
        return bound(array)
    flat = array.reshape(-1)
    return bound(spread(lambda first, last: bound(flat[first:last]), flat.size))


def _converted(kernel: str, name: str, spec: Spec, array: np.ndarray) -> np.ndarray:
    wanted = np.dtype(spec.dtype)
    if array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and wanted.kind in "biu" and spec.dims):
        raise InputError(kernel, name, str(spec), f"dtype {array.dtype}", f"Convert it with `.astype({spec.dtype!r})`.")
    converted = array.astype(wanted)
    # floats may lose digits, integers may not lose their value
    if wanted.kind in "biu" and not np.array_equal(converted, array):
        raise InputError(kernel, name, str(spec), f"values that {spec.dtype} cannot hold")
    return converted


def check_axes(kernel: str, specs: Mapping[str, Spec], values: Sequence[np.ndarray]) -> None:
    """Axes of one name must have one length, and indices of an axis must lie on it."""
    seen: dict[str, tuple[str, int]] = {}
    for (name, spec), value in zip(specs.items(), values, strict=True):
        for axis, length, fixed in zip(spec.dims, value.shape, spec.lengths, strict=True):
            if fixed is not None and length != fixed:
                raise InputError(kernel, name, f"{fixed} long along `{axis}`", f"{length:,}")
            first, expected = seen.setdefault(axis, (name, length))
            if length != expected:
                raise InputError(kernel, name, f"{expected:,} long along `{axis}`, as `{first}` is", f"{length:,}")
    # compiled code does not look: an index off the axis would be written to memory that is not its own
    for (name, spec), value in zip(specs.items(), values, strict=True):
        if spec.index and value.size:
            first, length = seen[spec.index]
            smallest, largest = int(value.min()), int(value.max())
            if smallest < 0 or largest >= length:
                expected_range = f"at least 0 and below {length:,}, the length of `{first}` along `{spec.index}`"
                raise InputError(kernel, name, expected_range, f"{smallest if smallest < 0 else largest:,}")


def check_outputs(kernel: str, specs: Mapping[str, Spec], variables: Sequence[Any]) -> None:
    """A definition must produce what its result type states; this is an error of the kernel's author."""
    if len(specs) != len(variables):
        raise InputError(kernel, "outputs", f"{len(specs)} ({', '.join(specs)})", str(len(variables)))
    for (name, spec), variable in zip(specs.items(), variables, strict=True):
        if variable.type.dtype != spec.dtype or variable.type.ndim != len(spec.dims):
            found = f"{variable.type.dtype} with {variable.type.ndim} axes"
            raise InputError(kernel, name, f"{spec.dtype} with axes ({', '.join(spec.dims)})", found)

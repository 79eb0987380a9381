"""Every kernel on drawn arrays with extremes: 200 inputs each, 10,000 with ``GENOLAB_NIGHTLY=1``.

Whatever the values inside their ranges, a kernel refuses with an `InputError` or answers in the shapes and dtypes that
it declares, leaves its inputs as they were, and says the same again. Each runs as it does for users: its loop, where it
has one. What a spec says is drawn from the spec; where whole numbers must fit together beyond that (edges, starts,
codes of a table), ``fitting.py`` makes them fit.
"""

from __future__ import annotations

import os

import fitting
import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

import genolab as gl
from genolab.errors import InputError
from genolab.kernel import Kernel
from genolab.kernel.bind import bind_arrays
from genolab.spec import Spec

INPUTS = 10_000 if os.environ.get("GENOLAB_NIGHTLY") else 200
TOGETHER = 10  # inputs of one example
REALS = (0.0, -0.0, 1.0, -1.0, 1e-300, 1e-30, 1e-8, 0.5, 1e6, 3e7, 1e30, 1e300, -1e30, np.inf, -np.inf, np.nan)


KERNELS = {kernel.name: kernel for kernel in gl.kernels()}


def drawn(spec: Spec, lengths: dict[str, int], random: np.random.Generator, wild: bool) -> np.ndarray:
    """An array that a spec allows: mostly usual values, with extremes among them where `wild`."""
    shape = [fixed or lengths[axis] for axis, fixed in zip(spec.dims, spec.lengths, strict=True)]
    kind = np.dtype(spec.dtype).kind
    if kind == "b":
        return random.random(shape) < 0.5
    if kind in "iu":
        low = 0 if spec.low is None else int(spec.low)
        high = lengths[spec.index] - 1 if spec.index else 3 if spec.high is None else int(spec.high)
        return random.integers(low, max(low, min(high, low + 50)) + 1, shape).astype(spec.dtype)
    values = random.gamma(1.0, 3.0, shape) if spec.low is not None else random.normal(0, 3, shape)
    if wild:
        values = np.where(random.random(shape) < 0.3, random.choice(REALS, shape), values)
    with np.errstate(over="ignore"):
        values = np.asarray(values).astype(spec.dtype)
    if spec.low is not None or spec.high is not None:  # extremes that a range forbids become its ends
        low, high = (-np.inf if spec.low is None else spec.low), (np.inf if spec.high is None else spec.high)
        values = np.clip(np.nan_to_num(values, nan=low), low, high).astype(spec.dtype)
    return values


def usual(values: np.ndarray) -> bool:
    """Whether the numbers and the products of a few of them are finite in their dtype."""
    return values.dtype.kind != "f" or bool((np.abs(values) < float(np.finfo(values.dtype).max) ** 0.3).all())


def fits(kernel: Kernel, values: list[np.ndarray]) -> bool:
    """Whether the arrays are what the kernel's specs ask for."""
    try:
        bound = bind_arrays(kernel.name, kernel.inputs, kernel.defaults, tuple(values), {}, writeable=False)
        if kernel._fits is not None:
            kernel._fits(**dict(zip(kernel.inputs, bound, strict=True)))
    except InputError:
        return False
    return True


def answer(kernel: Kernel, values: list[np.ndarray]) -> tuple[np.ndarray, ...] | None:
    """What it answers; None where it refuses what does not fit, or numbers that cannot be computed with."""
    fit = fits(kernel, values)
    try:
        with np.errstate(all="ignore"):
            found = tuple(kernel(*values))
    except InputError:
        assert not fit or any(not usual(value) for value in values), "refused what its specs allow"
        return None
    assert fit
    return found


@pytest.mark.parametrize("name", list(KERNELS))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # infinities were drawn
def test_a_kernel_answers_or_refuses_whatever_it_is_given(name: str) -> None:
    kernel, answered = KERNELS[name], []
    axes = sorted({axis for spec in kernel.inputs.values() for axis in (*spec.dims, spec.index) if axis})

    def one(random: np.random.Generator, longest: int, wild: bool) -> None:
        sizes = random.integers(1, longest + 1, len(axes)).tolist()
        lengths = fitting.lengths(kernel, dict(zip(axes, sizes, strict=True)))
        named = {name: drawn(spec, lengths, random, wild) for name, spec in kernel.inputs.items()}
        values = list(fitting.fit(kernel, named, lengths, random).values())
        before = [value.tobytes() for value in values]
        found = answer(kernel, values)
        assert [value.tobytes() for value in values] == before
        if found is None:
            return
        answered.append(lengths)
        for each, spec in zip(found, kernel.outputs.values(), strict=True):
            assert each.dtype == spec.dtype
            assert each.ndim == len(spec.dims)
            assert all(fixed in (None, size) for fixed, size in zip(spec.lengths, each.shape, strict=True))
        said = [each.tobytes() for each in found]
        with np.errstate(all="ignore"):
            again = kernel(*values)
        assert [each.tobytes() for each in again] == said

    # what Hypothesis does around an example takes longer than most kernels: one number begins ten inputs
    @seed(1)
    @settings(max_examples=INPUTS // TOGETHER, database=None)
    @given(st.integers(0, 2**32))
    def inputs(number: int) -> None:
        for place in range(TOGETHER):  # the first has every axis of length 1; every other one extremes
            one(np.random.default_rng((number, place)), 5 if place else 1, place % 2 == 1)

    inputs()
    assert answered, "every input was refused"

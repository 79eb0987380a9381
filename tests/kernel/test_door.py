"""Arrays at a kernel's door: each must be what its spec says, and the refusal says which is not."""

from __future__ import annotations

import numpy as np
import pytest
from toy_kernels import scale_counts

from genolab.call.counts import allele_counts
from genolab.errors import InputError
from genolab.kernel import Kernel
from genolab.kernel.check import as_input
from genolab.spec import Spec

COUNTS, WEIGHT = np.ones((2, 3)), np.array([1.0, 2.0, 3.0])


@pytest.fixture(scope="module")
def scale() -> Kernel:
    return Kernel(scale_counts)


@pytest.mark.parametrize(
    ("arguments", "name", "expected", "found"),
    [
        pytest.param((COUNTS.astype(str), WEIGHT), "counts", "float64[sample, gene] (counts)", "dtype <U", id="text"),
        pytest.param((COUNTS + 1j, WEIGHT), "counts", "float64", "dtype complex128", id="complex"),
        pytest.param((WEIGHT, WEIGHT), "counts", "2 axes (sample, gene)", "shape (3,)", id="too few axes"),
        pytest.param((COUNTS[None], WEIGHT), "counts", "2 axes (sample, gene)", "shape (1, 2, 3)", id="too many axes"),
        pytest.param((np.ones((2, 4)), WEIGHT), "counts", "3 long along `gene`", "got 4", id="fixed length"),
        pytest.param((COUNTS, np.ones(4)), "weight", "3 long along `gene`, as `counts` is", "got 4", id="mismatch"),
        pytest.param((COUNTS, WEIGHT - 2), "weight", "between 0 and 100", "-1", id="array below its range"),
        pytest.param((COUNTS, WEIGHT * 99), "weight", "between 0 and 100", "297", id="array above its range"),
        pytest.param((COUNTS, WEIGHT * np.nan), "weight", "between 0 and 100", "nan", id="array not a number"),
        pytest.param((COUNTS, WEIGHT, 11), "factor", "scaling factor, between 0 and 10 fold", "got 11", id="above"),
        pytest.param((COUNTS, WEIGHT, -1), "factor", "scaling factor, between 0 and 10 fold", "got -1", id="below"),
        pytest.param((COUNTS, WEIGHT, np.nan), "factor", "between 0 and 10", "got nan", id="not a number"),
        pytest.param((COUNTS, WEIGHT, [1, 2]), "factor", "a single number", "shape (2,)", id="not a single number"),
        pytest.param((COUNTS, None), "weight", "float64[gene] (weight of the gene)", "shape ()", id="None"),
        pytest.param((COUNTS,), "weight", "float64[gene] (weight of the gene)", "got nothing", id="missing"),
        pytest.param((COUNTS, WEIGHT, 1, 1), "inputs", "3 arrays (counts, weight, factor)", "got 4", id="too many"),
    ],
)
def test_refusal_names_the_input(scale, arguments, name, expected, found):
    with pytest.raises(InputError) as refused:
        scale(*arguments)
    assert refused.value.who == "scale_counts"
    assert refused.value.name == name
    assert str(refused.value).startswith(f"scale_counts: `{name}` must be ")
    assert expected in str(refused.value)
    assert found in str(refused.value)


def test_unknown_and_doubled_names_are_refused(scale):
    with pytest.raises(InputError, match=r"`wieght` must be one of counts, weight, factor; got an unknown name"):
        scale(COUNTS, wieght=WEIGHT)
    with pytest.raises(InputError, match=r"`counts` must be given once; got .* by position and by name"):
        scale(COUNTS, WEIGHT, counts=COUNTS)


def test_ragged_input_is_refused_by_name(scale):
    with pytest.raises(InputError, match="`counts` must be"):
        scale([[1.0, 2.0, 3.0], [1.0]], WEIGHT)


def test_values_may_not_change_at_the_door():
    reference = np.zeros(5, np.uint8)
    with pytest.raises(InputError, match=r"`position` must be .* values that int32 cannot hold"):
        allele_counts(np.array([2**40]), np.array([0], np.uint8), reference)
    with pytest.raises(InputError, match=r"`position` must be .* dtype float64\. Convert it with `.astype\('int32'\)`"):
        allele_counts(np.array([1.5]), np.array([0], np.uint8), reference)
    wider = allele_counts(np.array([1]), np.array([2]), reference).counts
    np.testing.assert_array_equal(wider[1], [0, 0, 1, 0])


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("position", [-1, 5, 2**30])
def test_indices_must_lie_on_their_axis(position, backend):
    reference = np.zeros(5, np.uint8)
    expected = r"`position` must be at least 0 and below 5, the length of `reference_base` along `site`; got "
    with pytest.raises(InputError, match=expected + f"{position:,}"):
        allele_counts(np.array([0, position]), np.array([0, 0]), reference, backend=backend)


def test_base_codes_must_be_codes():
    with pytest.raises(InputError, match="`base` must be base code: A 0, C 1, G 2, T 3, between 0 and 3; got 4"):
        allele_counts(np.array([0]), np.array([4]), np.zeros(5, np.uint8))


def test_lists_wider_dtypes_and_strides_are_taken(scale):
    expected = scale(COUNTS * 3, WEIGHT).scaled
    for counts in ([[3] * 3] * 2, np.full((2, 3), 3, np.int16), np.full((4, 6), 3.0)[::2, ::2], np.full((3, 2), 3.0).T):
        np.testing.assert_array_equal(scale(counts, WEIGHT).scaled, expected)


def test_read_only_arrays_are_taken_and_inputs_never_change(scale):
    counts, weight = COUNTS.copy(), WEIGHT.copy()
    for backend in ("numpy", "numba"):
        for writeable in (True, False):
            counts.flags.writeable = weight.flags.writeable = writeable
            scale(counts, weight, backend=backend)
            np.testing.assert_array_equal(counts, COUNTS)
            np.testing.assert_array_equal(weight, WEIGHT)


def test_defaults_and_names(scale):
    np.testing.assert_array_equal(scale(COUNTS, WEIGHT).scaled, COUNTS * WEIGHT * 2.0)
    np.testing.assert_array_equal(
        scale(weight=WEIGHT, factor=3.0, counts=COUNTS).scaled, scale(COUNTS, WEIGHT, 3.0).scaled
    )


def test_a_spec_open_on_one_side():
    at_least = Spec("", "float64", "a depth", low=1)
    with pytest.raises(InputError, match="a depth, at least 1; got 0"):
        as_input("k", "depth", at_least, 0.0, writeable=False)
    at_most = Spec("value", "float64", "depths", high=5)
    with pytest.raises(InputError, match="at most 5; got 7"):
        as_input("k", "depth", at_most, np.array([1.0, 7.0]), writeable=False)
    assert as_input("k", "depth", at_least, 3, writeable=False) == 3


def test_results_are_named_tuples_of_arrays(scale):
    result = scale(COUNTS, WEIGHT)
    assert result._fields == tuple(scale.outputs) == ("scaled", "total")
    scaled, total = result
    assert isinstance(scaled, np.ndarray)
    np.testing.assert_array_equal(total, scaled.sum(axis=1))


def test_empty_axes_are_taken(scale):
    assert scale(np.empty((0, 3)), WEIGHT).total.shape == (0,)


def test_lengths_that_must_fit_together_are_refused_and_a_fault_of_the_kernel_keeps_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kernel = Kernel(scale_counts)

    @kernel.fits
    def more_samples(counts: np.ndarray, **_: np.ndarray) -> None:
        if len(counts) < 2:
            raise InputError(kernel.name, "counts", "at least 2 samples", str(len(counts)))

    assert kernel(COUNTS, WEIGHT)
    for each in (kernel, kernel.definition, kernel.at("float64")):
        with pytest.raises(InputError, match="at least 2 samples; got 1"):
            each(COUNTS[:1], WEIGHT)

    def wrong(*_: object) -> None:
        raise IndexError("a loop that counts too far")

    monkeypatch.setattr(kernel, "_run", wrong)
    with pytest.raises(IndexError, match="too far"):
        kernel(COUNTS, WEIGHT)

"""The pair-HMM: equal to the sum cell by cell, banded or not, for reads of any length and quality."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genolab.call.pairhmm import UNLIMITED, pair_hmm
from genolab.errors import InputError


def flat(pairs, diagonals) -> list[np.ndarray]:
    """Pairs of (bases, qualities, haplotype, opening) one after the other, as the kernel takes them."""
    sizes = np.array([len(pair[0]) for pair in pairs]), np.array([len(pair[2]) for pair in pairs])
    starts = [np.cumsum(each) - each for each in sizes]
    base, quality, haplotype, opening = (np.concatenate([pair[k] for pair in pairs]) for k in range(4))
    return [
        base.astype(np.uint8), quality.astype(np.float64), starts[0], sizes[0], haplotype.astype(np.uint8), opening,
        starts[1], sizes[1], np.array(diagonals),
    ]  # fmt: skip


def drawn(seed: int, count: int, noise: float = 0.03, longest: int = 40) -> tuple[list, list[int]]:
    """Reads of random haplotypes, with errors, gaps and N, and where each is from."""
    random = np.random.default_rng(seed)
    pairs, diagonals = [], []
    for number in range(count):
        n = int(random.integers(1, longest))
        haplotype = random.integers(0, 4 if number % 5 else 2, n)
        begin = int(random.integers(0, n))
        end = int(random.integers(begin + 1, n + 1))
        read = haplotype[begin:end]
        cut = int(random.integers(0, end - begin))
        gap = [[], random.integers(0, 5, 2), []][number % 3]
        read = np.concatenate([read[:cut], gap, read[cut + (number % 3 == 2) :]]).astype(int)
        read = np.where(random.random(read.size) < noise, random.integers(0, 5, read.size), read)
        read = read if read.size else haplotype[:1]
        pairs.append((read, random.integers(0, 60, read.size), haplotype, 10.0 ** -random.uniform(0.4, 5, n)))
        diagonals.append(begin)
    return pairs, diagonals


def by_hand(pairs, diagonals, band: int, extension: float = 0.1) -> list[float]:
    return [naive.pair_hmm(*pair, at, band, extension) for pair, at in zip(pairs, diagonals, strict=True)]


@given(seed=st.integers(0, 10_000), count=st.integers(1, 40), band=st.sampled_from([UNLIMITED, 30, 5, 2]))
@settings(max_examples=25)
def test_equals_the_sum_cell_by_cell(seed, count, band):
    pairs, diagonals = drawn(seed, count)
    found = pair_hmm(*flat(pairs, diagonals), band).log10_likelihood
    np.testing.assert_allclose(found, by_hand(pairs, diagonals, band), atol=1e-5)


@pytest.mark.parametrize(("size", "below"), [(40, -200), (120, -600)])
def test_reads_that_fit_nowhere_are_as_exact(size, below):
    # forty errors of quality 60 leave single precision, 120 leave double; gaps that hardly go on are no way out
    random = np.random.default_rng(size)
    haplotype = np.zeros(size + 10, int)
    pairs = [(random.integers(k, 3, size), np.full(size, 60.0), haplotype, np.full(size + 10, 1e-5)) for k in (0, 1)]
    found = pair_hmm(*flat(pairs, [0, 5]), gap_extension=1e-6).log10_likelihood
    expected = by_hand(pairs, [0, 5], UNLIMITED, 1e-6)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert expected[1] < below


@pytest.mark.parametrize("band", [UNLIMITED, 4])
def test_the_loop_computes_the_definition(band):
    pairs, diagonals = drawn(5, 30)
    arrays = flat(pairs, diagonals)
    definition = pair_hmm.definition(*arrays, band, 0.2).log10_likelihood
    np.testing.assert_allclose(definition, by_hand(pairs, diagonals, band, 0.2), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(pair_hmm(*arrays, band, 0.2).log10_likelihood, definition, atol=1e-5)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15)
def test_a_wider_band_never_lowers_a_likelihood(seed):
    pairs, diagonals = drawn(seed, 20)
    narrow, wide, whole = (pair_hmm(*flat(pairs, diagonals), band).log10_likelihood for band in (2, 8, UNLIMITED))
    assert (narrow <= wide + 1e-5).all()
    assert (wide <= whole + 1e-5).all()


def test_the_order_of_pairs_does_not_matter():
    pairs, diagonals = drawn(3, 50)
    order = np.random.default_rng(1).permutation(50)
    base, quality, *rest = flat(pairs, diagonals)
    one = pair_hmm(base, quality, *rest).log10_likelihood
    again = [each[order] if each.size == 50 and at not in (2, 3) else each for at, each in enumerate(rest)]
    np.testing.assert_array_equal(pair_hmm(base, quality, *again).log10_likelihood, one[order])


def test_no_pairs_and_wrong_input():
    pairs, diagonals = drawn(1, 2)
    arrays = flat(pairs, diagonals)
    empty = np.zeros(0, np.int64)
    none = [empty if at in (2, 3, 6, 7, 8) else each for at, each in enumerate(arrays)]
    assert pair_hmm(*none).log10_likelihood.size == 0
    with pytest.raises(InputError, match="gap_opening"):
        pair_hmm(*[np.full(each.size, 0.7) if at == 5 else each for at, each in enumerate(arrays)])


def test_numpy_gives_the_same_bits_as_the_lanes():
    from genolab.call import forward

    used = []
    for seed, band in ((1, UNLIMITED), (2, 30), (3, 4)):
        pairs, diagonals = drawn(seed, 60)
        base, quality, *rest = flat(pairs, diagonals)
        error = 10.0 ** (quality / -10.0)
        arrays = [each.astype(np.float32) for each in (1.0 - error, error / 3.0)]
        read_start, read_length, haplotype, opening, *others = rest
        places = (read_start, read_length, haplotype, opening.astype(np.float32), *others)
        reach = min(band, int(max(read_length.max(), others[1].max()) + max(diagonals)))
        numbers = (np.float32(0.1), np.float32(2.0**100), np.float32(1e-30))
        sizes = int(read_length.max()), int(max(others[1].max() + 2, read_length.max() + 2 * reach + 2))
        codes = np.where(base < 4, base, np.uint8(forward.NOTHING))
        given = (np.arange(60), codes, *arrays, *places, reach, *numbers, *sizes)
        used.append(forward.sums_by_arrays(*given))
        np.testing.assert_array_equal(used[-1], forward.sums_in_lanes(*given))
    assert all((each > 0).all() for each in used)

"""Four backends and one set of numbers; which backend is in force; what a machine lacks is said where it matters."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytensor
import pytest
from toy_kernels import matrix_product, mixed_terms, scale_counts

import genolab as gl
from genolab.call.error_model import STARTS, log_odds
from genolab.errors import GenolabWarning, InputError
from genolab.kernel import BACKENDS, Kernel, available_backends, backends, choice, set_backend
from genolab.kernel.backends import without_ufunc

ROOT = Path(__file__).parents[2]
KERNELS = {each.name: each for each in gl.kernels()}
CALL = [
    "allele_counts", "artefact_likelihoods", "candidate_alleles", "error_loss", "genotype_likelihoods",
    "genotype_posteriors", "rank_sum", "site_sensitivity", "strand_bias",
]  # fmt: skip
COUNTS, WEIGHT = np.ones((2, 3)), np.array([1.0, 2.0, 3.0])


def some_input(name: str) -> tuple[Any, ...]:
    """A small input of a kernel of calls, with the awkward values: an unknown reference, an empty site, ties."""
    random = np.random.default_rng(3)
    sites, size = 7, 40
    reference = np.array([0, 1, 2, 3, 4, 0, 2], np.uint8)
    site, base = np.sort(random.integers(0, sites - 1, size)), random.integers(0, 4, size).astype(np.uint8)
    counts = random.integers(0, 9, (sites, 4))
    counts[3] = 0
    quality = [random.integers(0, 61, size).astype(np.float64) for _ in range(2)]
    return {
        "allele_counts": (site.astype(np.int32), base, reference),
        "artefact_likelihoods": (site, *np.log10(random.uniform(1e-6, 1, (2, size))), base > 1, reference),
        "candidate_alleles": (counts, reference, 2, 0.2),
        "genotype_likelihoods": (site, base, *quality, reference),
        "genotype_posteriors": (random.uniform(-40, 0, (sites, 10)), reference, random.random((sites, 10)) < 0.8, 0.01),
        "strand_bias": (counts, np.arange(64)),
        "error_loss": (
            random.normal(0, 0.5, STARTS[-1]),
            np.array(STARTS[:3]) + random.integers(0, 3, (6, 3)),
            *(log_odds(random.uniform(5, 40, 6)), random.integers(0, 5, 6) * 1.0, random.integers(10, 90, 6) * 1.0),
            2.0,
        ),
        "site_sensitivity": (base, *quality, reference[:1], random.random((1, 10)) < 0.8),
        "rank_sum": (site, random.integers(0, 2, size), random.integers(0, 5, size), reference),
    }[name]


def close(found: Any, expected: Any) -> None:
    for name, one, other in zip(expected._fields, found, expected, strict=True):
        assert one.dtype == other.dtype, name
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.usefixtures("unoptimised_c")
@pytest.mark.parametrize("backend", BACKENDS[1:])
@pytest.mark.parametrize("name", CALL)
def test_backends_agree(name, backend):
    if backend not in available_backends():
        pytest.skip(f"the {backend} backend is not on this machine")
    kernel, values = KERNELS[name], some_input(name)
    found = kernel(*values, backend=backend)
    close(found, kernel(*values, backend="numpy"))
    assert [value.dtype for value in found] == [spec.dtype for spec in kernel.outputs.values()]


@pytest.mark.usefixtures("unoptimised_c")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["genotype_likelihoods"])
def test_backends_take_no_observations_and_no_sites(name, backend):
    if backend not in available_backends():
        pytest.skip(f"the {backend} backend is not on this machine")
    kernel = KERNELS[name]
    none = np.empty(0)
    found = kernel(none.astype(np.int64), none.astype(np.uint8), none, none, np.zeros(2, np.uint8), backend=backend)
    assert (found.log10_likelihood == 0).all()
    found = kernel(none.astype(np.int64), none.astype(np.uint8), none, none, none.astype(np.uint8), backend=backend)
    assert found.log10_likelihood.shape == (0, 10)


@pytest.mark.parametrize("name", KERNELS)
def test_no_node_runs_element_by_element(name):
    assert without_ufunc(KERNELS[name].compiled("numpy").function) == []


def test_the_rewrite_pass_serves_casts_long_sums_products_clips_and_second():
    kernel = Kernel(mixed_terms)
    number, real = np.array([1, -2, 3]), np.array([0.5, 1.5, -2.0], np.float32)
    found = kernel(number, real, 0.25)
    assert without_ufunc(kernel.compiled("numpy").function) == []
    real = np.clip(real, -1.5, 1.25)
    np.testing.assert_allclose(found.real, number + real + real**3 + 0.25)
    np.testing.assert_array_equal(found.whole, np.trunc(real * 10).astype(int) + number)
    np.testing.assert_array_equal(found.filled, [0.25] * 3)
    assert found.real.dtype == np.float32


def test_a_node_without_a_ufunc_would_be_found():
    x = pytensor.tensor.dvector()
    function = pytensor.function([x], pytensor.tensor.log1mexp(x), mode=backends.mode_of("numpy"))
    assert without_ufunc(function) == ["Log1mexp"]


# ---------------------------------------------------------------- which one


@pytest.fixture
def kernel(monkeypatch):
    monkeypatch.delenv("GENOLAB_BACKEND", raising=False)
    yield Kernel(scale_counts, backend="numba")
    set_backend(None)


def ran_on(kernel: Kernel, **options: Any) -> str:
    before = set(kernel._compiled)
    kernel(COUNTS, WEIGHT, **options)
    (new,) = set(kernel._compiled) - before
    return new


def test_argument_goes_before_set_backend_before_environment_before_declared(kernel, monkeypatch):
    assert ran_on(Kernel(scale_counts, backend="numba")) == "numba"
    assert ran_on(Kernel(scale_counts)) == "numpy"
    monkeypatch.setenv("GENOLAB_BACKEND", "numpy")
    assert ran_on(kernel) == "numpy"
    gl.set_backend("numba")
    assert ran_on(kernel) == "numba"
    kernel._compiled.clear()
    assert ran_on(kernel, backend="numpy") == "numpy"
    gl.set_backend(None)
    kernel._compiled.clear()
    assert ran_on(kernel) == "numpy"  # the environment again


def test_unknown_and_missing_backends_are_refused(kernel, monkeypatch):
    with pytest.raises(InputError, match="set_backend: `backend` must be one of numpy, numba, c, jax; got 'torch'"):
        gl.set_backend("torch")
    with pytest.raises(InputError, match="one of numpy, numba, c, jax"):
        kernel(COUNTS, WEIGHT, backend="cuda")
    monkeypatch.setenv("GENOLAB_BACKEND", "fortran")
    with pytest.raises(InputError, match="'fortran'"):
        kernel(COUNTS, WEIGHT)
    monkeypatch.setattr(choice, "available_backends", lambda: ("numpy", "numba"))
    with pytest.raises(InputError, match=r"'jax', which is missing\. Install it with `pip install \"genolab\[jax\]\"`"):
        kernel(COUNTS, WEIGHT, backend="jax")


# ---------------------------------------------------------------- BLAS


@pytest.fixture
def without_blas(monkeypatch):
    if "c" not in available_backends():
        pytest.skip("no C++ compiler on this machine")
    backends.mode_of("c")
    monkeypatch.setattr(backends, "_without_blas", True)


def test_no_blas_is_said_to_whom_it_concerns(without_blas):
    square = np.eye(3)
    with pytest.warns(GenolabWarning, match="matrix_product: the `c` backend found no BLAS"):
        found = Kernel(matrix_product)(square, square, backend="c")
    np.testing.assert_array_equal(found.product, square)


def test_no_blas_is_not_said_to_others(without_blas):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Kernel(scale_counts)(COUNTS, WEIGHT, backend="c")


def test_with_blas_nothing_is_said(without_blas, monkeypatch):
    monkeypatch.setattr(backends, "_without_blas", False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Kernel(matrix_product)(np.eye(3), np.eye(3), backend="c")


# ---------------------------------------------------------------- fresh processes


def fresh(code: str, caches: Path, *options: str) -> list[str]:
    """The lines that a new process prints, with cache folders of its own; it must say nothing else."""
    environment = os.environ | {
        "PYTENSOR_FLAGS": f"base_compiledir={caches / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(caches / "numba"),
        "GENOLAB_CACHE": str(caches / "genolab"),
    }
    environment.pop("GENOLAB_BACKEND", None)
    done = subprocess.run(
        [sys.executable, *options, "-c", code], env=environment, capture_output=True, text=True, cwd=ROOT, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


FIRST_RUN = """
import numpy as np
import genolab as gl
kernel = gl.kernels()[0]
kernel(*kernel.example())
print(kernel.state())
if "c" in gl.kernel.available_backends():
    from genolab.kernel import backends
    backends.mode_of("c")  # looks for BLAS, as the first compilation does
"""


def test_no_warning_on_import_or_first_run(tmp_path):
    assert fresh(FIRST_RUN, tmp_path, "-W", "error") == ["compiled"]


SECOND_RUN = """
import sys
sys.path.insert(0, "tests/kernel")
from genolab.kernel import on_compile
from toy_kernels import kernel_with_loop
stop = on_compile(lambda event: print(event.state))
kernel = kernel_with_loop()
kernel(*kernel.example(), backend="numba")
print(kernel.state("numba"))
"""


def test_a_second_process_says_that_its_code_came_from_the_cache(tmp_path):
    assert fresh(SECOND_RUN, tmp_path) == ["compiling", "compiled", "compiled"]
    assert fresh(SECOND_RUN, tmp_path) == ["compiling", "cached", "cached"]

"""A kernel measured in processes of its own: the same results, caches of its own, an end when somebody cancels."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_kernels import scale_counts

import genolab as gl
from genolab.errors import Cancelled, GenolabError
from genolab.kernel import Kernel, apart
from genolab.kernel.comparison import compare_backends


@pytest.fixture(scope="module")
def posteriors() -> Kernel:
    return next(kernel for kernel in gl.kernels() if kernel.name == "genotype_posteriors")


def test_another_process_finds_the_kernel_and_gives_its_results(posteriors: Kernel, tmp_path: Path) -> None:
    sites = 2_000  # more than a pipe holds
    values = [np.linspace(-9, 0, sites * 10).reshape(sites, 10), np.zeros(sites, np.uint8), np.ones((sites, 10), bool)]
    values += [np.asarray(each) for each in posteriors.example()[3:]]
    found = apart.measure_apart(str(apart.recipe(posteriors)), "numpy", values, tmp_path, lambda: None)
    expected = posteriors(*values, backend="numpy")
    for one, other in zip(found.results, expected, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    assert found.first > 0
    assert found.run > 0
    assert list((tmp_path / "genolab").rglob("*")), "what was compiled is kept in the caches that it was given"


def test_a_kernel_is_found_by_module_name_and_structure_or_not_at_all(posteriors: Kernel) -> None:
    assert '"name": "genotype_posteriors"' in str(apart.recipe(posteriors))
    assert '"dtype": "float64"' in str(apart.recipe(posteriors.at("float64")))
    assert apart.recipe(Kernel(scale_counts)) is None
    looped = next(kernel for kernel in gl.kernels() if kernel.name == "allele_counts")
    assert apart.recipe(looped) is not None
    assert apart.recipe(looped.definition) is None, "the other process would find the loop"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The processes that were started."""
    found: list[Any] = []
    start = subprocess.Popen

    def noted(*given: Any, **named: Any) -> Any:
        found.append(start(*given, **named))
        return found[-1]

    monkeypatch.setattr(apart.subprocess, "Popen", noted)
    return found


def test_a_cancel_ends_the_process(posteriors: Kernel, started: list[Any]) -> None:
    said = []

    def cancel(backend: str, text: str) -> None:
        said.append((backend, text))
        raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        list(compare_backends(posteriors, posteriors.example(), backends=("numpy",), waiting=cancel))
    assert said == [("numpy", "compiling without caches")]
    (process,) = started
    assert process.returncode not in (None, 0)


def test_what_the_process_says_last_is_the_reason(tmp_path: Path) -> None:
    with pytest.raises(GenolabError, match="nowhere"):
        apart.measure_apart(
            '{"module": "nowhere", "name": "x", "static": {}, "dtype": null}', "numpy", [], tmp_path, lambda: None
        )

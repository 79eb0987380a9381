"""What all tests share: where the shared files are, and how Hypothesis looks for examples."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
LONG = (
    "tests/test_notebooks.py", "tests/browser/", "tests/kernel/test_backends.py", "tests/scale/",
    "tests/predict/test_evaluation.py", "tests/prepare/test_prepare_kernels.py", "tests/prepare/test_distributions.py",
    "tests/call/test_pairhmm.py", "tests/align/test_soft.py", "tests/align/test_mapping_oracles.py",
    "tests/predict/test_network.py", "tests/call/test_accuracy.py",
)  # fmt: skip
"""Files and folders that take a minute or more, the longest first."""

# the first example of a test may compile a kernel, so time says nothing
settings.register_profile("genolab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("genolab")


@pytest.fixture(autouse=True)
def _own_files_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process of its own for each file that a test writes, which takes half a second; test_trust.py looks first."""
    monkeypatch.setenv("GENOLAB_TRUST", "1")


@pytest.fixture
def unoptimised_c() -> Iterator[None]:
    """C is compiled without optimisation, for tests that compare a few numbers: most of their time is the compiler's.

    The flags are part of a module's key, so optimised code in the cache is neither taken nor replaced.
    """
    from pytensor import config

    with config.change_flags(gcc__cxxflags=f"{config.gcc__cxxflags} -O0"):
        yield


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder of shared data: ``GENOLAB_SHARED``, or ``../shared`` beside the project."""
    folder = Path(os.environ.get("GENOLAB_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("the shared files are not on this machine (set GENOLAB_SHARED)")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files go first among several workers: one that came last would leave the others without work."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: next((place for place, name in enumerate(LONG) if name in item.nodeid), len(LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With several workers a file's tests share one, and so its compiled kernels; so do all that use one browser, and
    all that use one cluster. The file that compiles every kernel is shared out by kernel."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            shared = [room for room in ("tests/browser/", "tests/scale/") if nodeid.startswith(room)]
            path, _, name = nodeid.partition("::")
            if path == "tests/kernel/test_backends.py":  # names of kernels come first among the parameters
                return path + name.partition("[")[2].rstrip("]").partition("-")[0]
            return shared[0] if shared else path

    config.option.loadscopereorder = False  # it would put the files of many tests before those that take long
    return ByFile(config, log)

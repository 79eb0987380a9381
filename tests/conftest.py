"""What all tests share: where the shared files are, and how Hypothesis looks for examples."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

# the first example of a test may compile a kernel, so time says nothing
settings.register_profile("genolab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("genolab")


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder of shared data: ``GENOLAB_SHARED``, or ``../shared`` beside the project."""
    folder = Path(os.environ.get("GENOLAB_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("the shared files are not on this machine (set GENOLAB_SHARED)")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers a file's tests share one, and so its compiled kernels; all browser tests share another."""
    for item in items:
        room = item.path.parent if item.path.parent.name == "browser" else item.path
        item.add_marker(pytest.mark.xdist_group(str(room.relative_to(ROOT))))

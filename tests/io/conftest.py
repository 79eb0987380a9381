"""What the io tests share: a cache of their own, and the shared files where they are present."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has an empty cache folder."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("GENOLAB_CACHE", str(folder))
    return folder


@pytest.fixture
def shared() -> Path:
    """The folder of shared data and corpora: ``GENOLAB_SHARED`` or ``../shared`` beside the project."""
    folder = Path(os.environ.get("GENOLAB_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("the shared files are not on this machine (set GENOLAB_SHARED)")
    return folder

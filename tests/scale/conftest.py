"""One cluster for all tests of the room: starting workers, and what they compile first, is most of the time."""

from __future__ import annotations

import pytest
from scale_cluster import local


@pytest.fixture(scope="session")
def client():
    """Two workers of one thread, in processes of their own, which Dask starts again when they die."""
    pytest.importorskip("distributed", reason="distributed is not installed")
    with local(2) as client:
        yield client

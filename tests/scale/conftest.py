"""One cluster for all tests of the room: starting workers, and what they compile first, is most of the time."""

from __future__ import annotations

import pytest
from scale_cluster import WORKERS


@pytest.fixture(scope="session")
def client():
    """Two workers of one thread, in processes of their own, which Dask starts again when they die."""
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    with distributed.LocalCluster(n_workers=2, **WORKERS) as cluster, distributed.Client(cluster) as client:
        yield client

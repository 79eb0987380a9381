"""How the workers of the tests and of the benchmark are started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WORKERS: dict[str, Any] = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}


@contextmanager
def local(workers: int) -> Iterator[Any]:
    """A client of so many processes of one thread, which Dask starts again whenever they die."""
    from dask import config
    from distributed import Client, LocalCluster

    # Dask looks so long after a death whether the worker is there, and closes it for good if not: also one that came
    # back, died again and is only starting in that moment (`SpecCluster._update_worker_status`)
    kept = {"distributed.deploy.lost-worker-timeout": "1 hour"}
    with config.set(kept), LocalCluster(n_workers=workers, **WORKERS) as cluster, Client(cluster) as client:
        yield client

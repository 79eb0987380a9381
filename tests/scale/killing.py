"""Workers of a LocalCluster that are killed at random moments while a work runs; the benchmark uses it too."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable
from typing import Any


def killing(client: Any, kills: int, longest: float, work: Callable[[], Any], seed: int = 0) -> tuple[Any, int]:
    """What the work returns, and how many workers got SIGKILL meanwhile: at most ``kills``, each after a random wait of
    at most ``longest`` seconds."""
    draw, over, done = random.Random(seed), threading.Event(), 0

    def kill() -> None:
        nonlocal done
        while done < kills and not over.wait(draw.uniform(0, longest)):
            # one that is only starting is left alone: Dask does not start it again, and without any the work would wait
            known, nannies = client.nthreads(), client.cluster.workers.values()
            nannies = [each for each in nannies if each.worker_address in known and each.process is not None]
            pids = [each.process.pid for each in nannies if each.process.pid is not None]
            if pids:
                try:
                    os.kill(draw.choice(pids), signal.SIGKILL)
                    done += 1
                except ProcessLookupError:  # it ended in this moment
                    pass

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        return work(), done
    finally:
        over.set()
        killer.join()

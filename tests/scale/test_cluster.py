"""Tiles on a Dask cluster: order, bounds, faults, what is kept, and files with the serial ones' bytes."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from scale_cluster import WORKERS

import genolab as gl
from genolab import io
from genolab.errors import Cancelled, ClusterLost, FileError, IncompleteError, InputError
from genolab.io import budget
from genolab.scale import Cluster, Tile

distributed = pytest.importorskip("distributed", reason="distributed is not installed")
config = pytest.importorskip("dask").config

PHAGE = Path(gl.__file__).parent / "data" / "phage"
READS, REFERENCE = PHAGE / "reads.bam", PHAGE / "lambda.fa"
REGION = "NC_001416.1:10,001-16,000"


def tiles(count: int) -> list[Tile[int]]:
    return [Tile(f"chr1:{number}", 1 / count, number) for number in range(count)]


def results(cluster: Cluster, function, count: int, plan=None) -> list:
    return [found for _, found in cluster.map(function, plan, tiles(count))]


def test_results_come_in_order_and_few_are_under_way(client):
    asked, most = [], 0

    def source():
        for tile in tiles(40):
            asked.append(tile.value)
            yield tile

    def work(plan, value):
        time.sleep(0.05 if value % 7 == 0 else 0)  # later tiles are done before earlier ones
        return plan + value

    taken = []
    for tile, found in Cluster(client, "test", "adding").map(work, 100, source()):
        taken.append(found)
        most = max(most, len(asked) - tile.value)
    assert taken == [100 + number for number in range(40)]
    assert most <= 3 * 2 + 1


def test_progress_is_told_and_what_it_raises_cancels_the_tasks(client):
    told = []

    def tell(share, text):
        told.append((share, text))
        if share >= 0.2:
            raise Cancelled("enough")

    def work(plan, value):
        return value

    with pytest.raises(Cancelled):
        results(Cluster(client, "test", "adding", tell), work, 100)
    assert 0.2 <= max(share for share, _ in told) < 0.3
    assert told[-1][1].startswith("adding chr1:")
    assert told[-1][1].endswith("on 2 workers")


def test_a_poison_tile_is_named_and_the_rest_is_complete(client):
    def work(plan, value):
        if value == 5:
            raise FileError("reads.bam", record=7, expected="a record", found="noise")
        return value

    cluster = Cluster(client, "test", "adding")
    assert results(cluster, work, 8) == [0, 1, 2, 3, 4, 6, 7]
    with pytest.raises(
        IncompleteError, match=r"expected 8 tiles; found 1 not done \(chr1:5\).*reads.bam, record 7"
    ) as said:
        cluster.check_complete("the rest")
    assert said.value.result == "the rest"
    ((name, error),) = said.value.missing
    assert (name, type(error), error.record) == ("chr1:5", FileError, 7)


def test_where_no_tile_can_be_done_the_work_is_refused_with_their_error(client):
    def work(plan, value):
        raise InputError("work", "depth", "above 0", str(-1))

    with pytest.raises(InputError, match="`depth` must be above 0"):
        results(Cluster(client, "test", "adding"), work, 200)


def test_a_tile_that_kills_every_worker_is_missing_alone(client, monkeypatch):
    monkeypatch.setattr("genolab.scale.cluster.TRIES_ALONE", 1)

    def work(plan, value):
        if value == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return value

    with deaths_allowed(client, 0):
        cluster = Cluster(client, "test", "adding")
        found = results(cluster, work, 6)
    assert [name for name, _ in cluster.missing] == ["chr1:3"]
    assert found == [0, 1, 2, 4, 5]
    assert "every worker that began it died" in str(cluster.missing[0][1])


@contextmanager
def deaths_allowed(client, number: int):
    """How many workers may die of a task before Dask gives it up."""

    def change(value, dask_scheduler):
        before, dask_scheduler.allowed_failures = dask_scheduler.allowed_failures, value
        return before

    before = client.run_on_scheduler(change, number)
    try:
        yield
    finally:
        client.run_on_scheduler(change, before)


def test_a_call_goes_on_when_workers_come_back_and_ends_when_they_stay_away(tmp_path, monkeypatch):
    monkeypatch.setattr("genolab.scale.cluster._COUNT", 0.05)
    told = []

    def work(plan, value):
        return str(plan + value).encode()

    def tell(share, text):
        told.append(text)
        if comes_back and "(no worker for" in text:
            own.scale(1)
        elif not comes_back and share >= 0.3:
            own.scale(0)

    kept = io.KeptTiles(tmp_path / "out.vcf", {"reads": "sha256:1"})
    with (
        config.set({"genolab.wait-for-workers": "0.5s"}),
        distributed.LocalCluster(n_workers=1, processes=False, **WORKERS) as own,
        distributed.Client(own) as other,
    ):
        comes_back = False
        with pytest.raises(ClusterLost, match=r"test: no worker for 0.5 s. .*cluster.scale.* finished tiles are kept"):
            results(Cluster(other, "test", "adding", tell, kept), work, 40, 100)
        assert any("(no worker for" in text and text.endswith("ends after 0.5 s)") for text in told)
        assert 12 <= len(kept) < 40
        comes_back = True
        config.set({"genolab.wait-for-workers": "1 minute"})
        assert results(Cluster(other, "test", "adding", tell), work, 40, 100) == [b"%d" % (100 + n) for n in range(40)]


def test_what_is_cancelled_from_elsewhere_is_sent_again(client):
    def work(plan, value):
        time.sleep(0.02)
        return plan + value

    def source():
        for tile in tiles(20):
            if tile.value == 10:
                keys = [key for key in list(client.futures) if key.startswith("test-")]
                assert any("-plan-" in key for key in keys)
                client.cancel([distributed.Future(key, client) for key in keys], force=True)
            yield tile

    cluster = Cluster(client, "test", "adding")
    assert [found for _, found in cluster.map(work, 1, source())] == [1 + n for n in range(20)]
    assert cluster.missing == []


def test_a_lost_scheduler_leaves_finished_tiles_to_go_on_from(client, tmp_path):
    about = {"reads": "sha256:1"}

    def work(plan, value):
        return str(value).encode()

    kept = io.KeptTiles(tmp_path / "out.vcf", about)
    with (
        config.set({"distributed.comm.timeouts.connect": "1s"}),  # else its worker looks for it for half a minute
        distributed.LocalCluster(n_workers=1, processes=False, **WORKERS) as own,
        distributed.Client(own, timeout=1) as lost,
    ):

        def tell(share, text):
            if share >= 0.3:
                own.sync(own.scheduler.close)

        with pytest.raises(ClusterLost, match="finished tiles are kept"):
            results(Cluster(lost, "test", "adding", tell, kept), work, 12)
    there = len(kept)
    assert 4 <= there < 12

    begun = []

    def counted():
        for tile in tiles(12):
            begun.append(tile.name)
            yield tile

    def again(plan, value):
        return f"again {value}".encode()

    cluster = Cluster(client, "test", "adding", None, io.KeptTiles(tmp_path / "out.vcf", about))
    found = [value for _, value in cluster.map(again, None, counted())]
    assert sum(not value.startswith(b"again") for value in found) == there
    assert [value.removeprefix(b"again ") for value in found] == [str(number).encode() for number in range(12)]
    cluster.check_complete(None)
    assert list(tmp_path.iterdir()) == []


def test_kept_tiles_of_other_inputs_or_damaged_ones_are_not_taken(tmp_path):
    output = tmp_path / "out.vcf"
    kept = io.KeptTiles(output, {"reads": "sha256:1"})
    kept.put("chr1:1", b"one")
    kept.put("chr1:2", b"two")
    same = io.KeptTiles(output, {"reads": "sha256:1"})
    assert (same.get("chr1:1"), same.get("chr1:2"), same.get("chr1:3")) == (b"one", b"two", None)
    first = next(path for path in kept.folder.glob("*.tile") if path.read_bytes().endswith(b"one"))
    first.write_bytes(first.read_bytes()[:-1] + b"E")
    assert (same.get("chr1:1"), same.get("chr1:2")) == (None, b"two")
    other = io.KeptTiles(output, {"reads": "sha256:2"})
    assert other.get("chr1:2") is None
    other.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_client_is_refused():
    with pytest.raises(InputError, match=r"a distributed.Client \(not asynchronous\); got str"):
        gl.call.call_variants(READS, REFERENCE, REGION, client="tcp://127.0.0.1:8786")


def test_what_a_call_was_allowed_holds_on_the_workers(client, tmp_path):
    def looked(path, _):
        from genolab.io import budget

        return budget.memory(), budget.swells(), budget.memory(path), budget.memory(path.with_name("other"))

    large, other = tmp_path / "large.csv", tmp_path / "other"
    for path in (large, other):
        path.write_text("x")
    with io.limits(memory=1234.0, swells=7.0):
        (found,) = results(Cluster(client, "test", "looking"), looked, 1, large)
    assert found == (1234, 7.0, 1234, 1234)
    io.allow(large)
    try:
        with io.limits(memory=1234.0):
            (found,) = results(Cluster(client, "test", "looking"), looked, 1, large)
    finally:
        budget._allowed.clear()
    assert (found[0], found[3]) == (1234, 1234)
    assert found[2] > 2**60
    (found,) = results(Cluster(client, "test", "looking"), looked, 1, large)
    assert 1234 not in found, "a worker keeps nothing of what an earlier call was allowed"

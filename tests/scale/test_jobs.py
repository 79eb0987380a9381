"""Background jobs: states in order, progress, cancel, refusals. Events order the threads, never sleeps."""

from __future__ import annotations

import threading

import pytest

from genolab.errors import Cancelled, InputError
from genolab.scale import Job, Latest, State

SOON = 10.0  # seconds: how long a broken test may hang


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_job_runs_apart_and_keeps_its_result():
    threads = []
    job = Job(lambda progress: threads.append(threading.get_ident()) or 42).start()
    assert job.result(SOON) == 42
    assert threads != [threading.get_ident()]
    assert job.state is State.DONE
    assert job.fraction == 1


def test_states_are_told_in_order():
    clock, seen = Clock(), []

    def work(progress):
        progress(0.25, "reading")
        progress.compiling("posterior")
        progress(0.5, "calling")
        return "calls"

    job = Job(work, on_change=lambda job: seen.append(job.state), clock=clock)
    assert job.state is State.IDLE
    job.start().result(SOON)
    assert seen[0] is State.QUEUED
    assert [state for state, before in zip(seen[1:], seen, strict=False) if state is not before] == [
        State.RUNNING,
        State.COMPILING,
        State.RUNNING,
        State.DONE,
    ]


def test_a_kernel_that_compiles_inside_shows():
    from genolab.kernel.events import CompileEvent, announce

    seen = []

    def work(progress):
        announce(CompileEvent("posterior", "numba", "compiling"))
        announce(CompileEvent("posterior", "numba", "compiled", 1.0))

    Job(work, on_change=lambda job: seen.append(str(job))).start().result(SOON)
    assert "compiling posterior" in seen
    announce(CompileEvent("posterior", "numba", "compiling"))  # nobody listens any more
    assert seen[-1].startswith("done")


def test_a_cancel_takes_effect_at_the_next_progress():
    running, asked = threading.Event(), threading.Event()

    def work(progress):
        progress(0.1)
        running.set()
        assert asked.wait(SOON)
        assert progress.cancelled
        progress(0.2)
        raise AssertionError("work after the cancel")

    job = Job(work).start()
    assert running.wait(SOON)
    job.cancel()
    asked.set()
    with pytest.raises(Cancelled):
        job.result(SOON)
    assert job.state is State.CANCELLED
    assert job.error is None


def test_a_cancel_that_comes_too_late_does_not_hide_the_result():
    running, asked = threading.Event(), threading.Event()

    def work(progress):
        running.set()
        assert asked.wait(SOON)
        return "written"

    job = Job(work).start()
    running.wait(SOON)
    job.cancel()
    asked.set()
    assert job.result(SOON) == "written"


def test_a_job_cancelled_before_it_starts_never_runs():
    job = Job(lambda progress: pytest.fail("it ran"))
    job.cancel()
    assert job.state is State.CANCELLED
    assert job.wait(SOON)
    with pytest.raises(InputError, match="starts once"):
        job.start()


@pytest.mark.parametrize("error", [ValueError("chr99 is not in the file"), SystemExit(3), MemoryError()])
def test_whatever_is_raised_becomes_the_refusal(error):
    def work(progress):
        raise error

    job = Job(work).start()
    assert job.wait(SOON)
    assert job.state is State.REFUSED
    assert job.error is error
    with pytest.raises(type(error)):
        job.result()


def test_a_fraction_outside_its_range_is_refused():
    job = Job(lambda progress: progress(50)).start()
    with pytest.raises(InputError, match=r"`fraction` must be between 0 and 1; got 50"):
        job.result(SOON)


def test_a_broken_display_does_not_stop_the_work(caplog):
    def show(job):
        raise RuntimeError("no canvas")

    assert Job(lambda progress: 1, on_change=show).start().result(SOON) == 1
    assert {str(record.exc_info[1]) for record in caplog.records} == {"no canvas"}


def test_dispatch_moves_the_callbacks_to_another_thread():
    handed, seen = [], []
    job = Job(lambda progress: None, on_change=lambda job: seen.append(threading.get_ident()), dispatch=handed.append)
    job.start().result(SOON)
    assert seen == []
    while handed:
        handed.pop(0)()
    assert set(seen) == {threading.get_ident()}


def test_progress_is_told_at_a_bounded_rate():
    clock, seen = Clock(), []

    def work(progress):
        for step in range(1000):
            clock.now += 0.001
            progress(step / 1000)

    Job(work, on_change=seen.append, clock=clock).start().result(SOON)
    assert 15 <= len(seen) <= 25  # one second of work, a report every 50 ms, and the states


def test_time_left_counts_the_running_and_not_the_compiling():
    clock, left, lines = Clock(), [], []

    def work(progress):
        progress.compiling("posterior")
        clock.now += 100
        progress(0.0, "calling")
        clock.now += 2
        progress(0.01, "calling")
        left.append(job.time_left)
        progress(0.25, "calling")
        left.append(job.time_left)
        lines.append(str(job))

    job = Job(work, clock=clock)
    job.start().result(SOON)
    assert left == [None, 6.0]  # 2 s for a quarter: 6 s more
    assert lines == ["calling 25 % (6 s left)"]
    assert job.elapsed == 102
    assert str(job) == "done in 1 min 42 s"


def held(release: threading.Event, started: threading.Event, value: object):
    """Work that waits for a test's word."""

    def work(progress):
        started.set()
        assert release.wait(SOON)
        progress(0.5)
        return value

    return work


def test_the_newest_request_supersedes_what_waits():
    release, started = threading.Event(), threading.Event()
    latest = Latest()
    first = latest.submit(held(release, started, "first"))
    assert started.wait(SOON)
    second = latest.submit(lambda progress: pytest.fail("superseded, yet it ran"), cancel_running=False)
    third = latest.submit(lambda progress: "third", cancel_running=False)
    assert second.state is State.CANCELLED
    assert second.superseded
    assert first.superseded
    assert not third.superseded
    assert latest.current is third
    release.set()
    assert first.result(SOON) == "first"
    assert third.result(SOON) == "third"
    assert latest.wait(SOON)
    assert latest.current is None


def test_the_newest_request_cancels_what_runs():
    release, started = threading.Event(), threading.Event()
    latest = Latest()
    first = latest.submit(held(release, started, "first"))
    assert started.wait(SOON)
    second = latest.submit(lambda progress: "second")
    release.set()
    assert second.result(SOON) == "second"
    assert first.state is State.CANCELLED


def test_only_one_job_runs_at_a_time_and_the_last_one_wins():
    lock, ran = threading.Lock(), []

    def work(number):
        def run(progress):
            assert lock.acquire(blocking=False), "two at once"
            ran.append(number)
            lock.release()

        return run

    latest = Latest()
    jobs = [latest.submit(work(number), cancel_running=False) for number in range(200)]
    assert jobs[-1].wait(SOON)
    assert latest.wait(SOON)
    assert ran[-1] == 199
    assert ran == sorted(ran)
    assert all(job.state.finished for job in jobs)


def test_a_dragged_slider_asks_once():
    ran = []
    latest = Latest(debounce=3600)
    jobs = [latest.submit(lambda progress, value=value: ran.append(value)) for value in range(5)]
    assert ran == []
    latest.flush()  # the slider is let go
    assert jobs[-1].wait(SOON)
    assert ran == [4]


def test_cancel_empties_the_queue():
    latest = Latest(debounce=3600)
    job = latest.submit(lambda progress: pytest.fail("it ran"))
    latest.cancel()
    assert job.state is State.CANCELLED
    assert latest.wait(SOON)
    assert latest.submit(lambda progress: 1) is latest.current
    latest.flush()
    assert latest.wait(SOON)


def test_a_refusal_does_not_stop_the_next_request():
    latest = Latest()
    refused = latest.submit(lambda progress: 1 / 0)
    assert refused.wait(SOON)
    assert isinstance(refused.error, ZeroDivisionError)
    assert latest.submit(lambda progress: "next").result(SOON) == "next"

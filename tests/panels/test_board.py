"""The drawer: which jobs are listed, what their logs say, and where warnings go."""

from __future__ import annotations

import logging
import threading
import warnings

import pytest

from genolab.panels.board import Board
from genolab.panels.parts import Listener, StatusBar
from genolab.scale import Job, Latest, Progress


@pytest.fixture
def board() -> Board:
    return Board()


def run(board: Board, work, name: str = "call") -> Job:
    bar = StatusBar(lambda: None)
    bar.watchers.append(board.watcher("Call"))
    queue = Latest(Listener(bar, lambda _error: None))
    return queue.submit(work, name=name)


def test_a_running_job_is_listed_with_its_log_and_can_be_cancelled(board):
    told, go = threading.Event(), threading.Event()

    def work(progress: Progress) -> None:
        progress(0.25, "calling")
        told.set()
        go.wait(10)
        progress(0.5, "calling")

    job = run(board, work)
    assert told.wait(10)
    (line,) = board.jobs
    assert (line["panel"], line["name"], line["live"], line["fraction"]) == ("Call", "call", True, 0.25)
    assert "calling" in [text for _, text in line["log"]]
    board.drawer._heard(None, {"kind": "cancel", "id": line["id"]}, [])
    go.set()
    assert job.wait(10)
    assert board.jobs[0]["state"] == "cancelled"
    board.drawer._heard(None, {"kind": "clear", "what": "jobs"}, [])
    assert board.jobs == []


def test_what_was_done_at_once_leaves_no_line_and_a_refusal_does(board):
    assert run(board, lambda _progress: None).wait(10)

    def refuse(_progress: Progress) -> None:
        raise ValueError("no reads")

    assert run(board, refuse, "read").wait(10)
    assert [(line["name"], line["state"], line["text"]) for line in board.jobs] == [("read", "refused", "no reads")]


def test_a_warning_of_a_job_is_a_notice_and_one_of_the_user_is_not(recwarn, capsys):
    board = Board()

    def work(_progress: Progress) -> None:
        for _ in range(2):
            warnings.warn_explicit("overflow", RuntimeWarning, "/x/site-packages/numpy/core.py", 1, registry=None)
        logging.getLogger("pysam").warning("no index")

    assert run(board, work).wait(10)
    said = [(each["source"], each["text"], each["count"]) for each in board.notices]
    assert said == [("pysam", "no index", 1), ("numpy", "RuntimeWarning: overflow", 2)]
    warnings.warn("mine", UserWarning, stacklevel=1)
    assert len(board.notices) == 2
    assert [str(each.message) for each in recwarn.list] == ["mine"]
    assert "overflow" not in capsys.readouterr().err


def test_notices_of_a_panel_are_those_it_has_now(board):
    board.of_panel("Call", ("20 was taken for chr20", "no truth"))
    board.of_panel("Call", ("no truth",))
    board.of_panel("Align", ("the first of 8",))
    assert [each["text"] for each in board.notices] == ["the first of 8", "no truth"]


@pytest.mark.parametrize(
    "message", [None, {"kind": "cancel", "id": "1"}, {"kind": "clear", "what": "all"}, {"kind": 3}]
)
def test_what_a_page_makes_up_is_ignored(board, message):
    board.drawer._heard(None, message, [])

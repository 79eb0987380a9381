"""Undo and redo: what is one step, and what belongs to it."""

from __future__ import annotations

import threading

import ipywidgets
import pytest

from genolab.panels.history import History
from genolab.panels.parameters import Parameters


class Clock:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def boxes() -> dict[str, ipywidgets.Widget]:
    return {
        "slider": ipywidgets.IntSlider(value=1, max=100, description="slider"),
        "text": ipywidgets.Text(description="text"),
        "list": ipywidgets.Dropdown(options=[("one", 1), ("two", 2)], description="list"),
    }


@pytest.fixture
def history(boxes: dict[str, ipywidgets.Widget], clock: Clock) -> History:
    made = History(lambda: None, clock)
    made.hold("Call", ipywidgets.VBox([ipywidgets.HBox(list(boxes.values()))]))
    return made


def in_a_thread(act) -> None:
    thread = threading.Thread(target=act, name="genolab latest")
    thread.start()
    thread.join()


def test_a_dragged_slider_is_one_step_and_two_controls_are_two(history, boxes, clock):
    for value in range(2, 30):
        clock.now += 0.4
        boxes["slider"].value = value
    clock.now += 1
    boxes["list"].value = 2
    assert [str(step) for step in history.past] == ["slider 1 → 29", "list one → two"]
    history.undo()
    assert boxes["list"].value == 1
    history.undo()
    assert boxes["slider"].value == 1
    assert history.undo() is None
    history.redo()
    history.redo()
    assert (boxes["slider"].value, boxes["list"].value) == (29, 2)


def test_a_new_change_ends_what_could_be_redone(history, boxes, clock):
    boxes["slider"].value = 5
    history.undo()
    clock.now += 10
    boxes["text"].value = "new"
    assert history.redo() is None
    assert [str(step) for step in history.past] == ["text  → new"]


def test_what_a_choice_fills_in_goes_back_with_it(history, boxes, clock):
    boxes["text"].value = "before"
    clock.now += 10
    boxes["list"].observe(lambda change: setattr(boxes["text"], "value", f"example {change['new']}"), "value")
    boxes["list"].value = 2
    in_a_thread(lambda: setattr(boxes["slider"], "value", 77))  # a job writes what it read
    history.watch("Call")
    assert len(history.past) == 2
    history.undo()
    assert (boxes["list"].value, boxes["text"].value, boxes["slider"].value) == (1, "before", 1)


def test_moved_back_by_hand_is_no_step(history, boxes):
    boxes["slider"].value = 5
    boxes["slider"].value = 1
    assert history.past == []


def test_a_control_takes_only_what_it_could_have(boxes):
    parameters = Parameters(ipywidgets.VBox(list(boxes.values())))
    forged = {"slider": "import os", "text": 3, "list": "three", "gone": 1}
    assert parameters.write(forged) == list(forged)
    assert parameters.read() == {"slider": 1, "text": "", "list": "one"}
    assert parameters.write({"slider": 1e9}) == ["slider"], "a slider keeps its range"
    assert boxes["slider"].value == 100


def test_names_that_are_there_twice_are_told_apart():
    twice = ipywidgets.VBox([ipywidgets.Text("a", description="reads"), ipywidgets.Text("b", description="reads")])
    assert Parameters(twice).read() == {"reads": "a", "reads 2": "b"}


@pytest.fixture
def asked() -> list[int]:
    """The numbers that the page was asked to answer with."""
    return []


@pytest.fixture
def with_page(boxes, clock, asked) -> History:
    made = History(lambda: None, clock, asked.append)
    made.hold("Call", ipywidgets.VBox(list(boxes.values())))
    return made


def test_a_move_that_the_page_sends_after_the_undo_does_not_come_back(with_page, boxes, clock, asked):
    slider = boxes["slider"]
    slider.set_state({"value": 5})  # as a comm message does
    with_page.undo()
    slider.set_state({"value": 30})  # moved before the undo was clicked, sent after it
    assert slider.value == 1
    assert [str(step) for step in with_page.future] == ["slider 1 → 30"]
    assert not with_page.past
    with_page.settled(asked[-1] - 1)  # an earlier question's
    slider.set_state({"value": 31})
    assert slider.value == 1
    with_page.settled(asked[-1])
    with_page.redo()
    assert slider.value == 31
    with_page.settled(asked[-1])
    slider.set_state({"value": 40})
    assert [str(step) for step in with_page.past][-1:] == ["slider 1 → 40"]


def test_after_an_undo_other_controls_and_calls_move_as_ever(with_page, boxes, clock):
    boxes["slider"].value = 5
    with_page.undo()
    boxes["text"].set_state({"value": "x"})
    assert boxes["text"].value == "x"
    boxes["slider"].value = 7  # from Python
    assert boxes["slider"].value == 7
    clock.now += 10
    with_page.undo()
    clock.now += 60  # a page that is gone answers no more
    boxes["slider"].set_state({"value": 9})
    assert boxes["slider"].value == 9

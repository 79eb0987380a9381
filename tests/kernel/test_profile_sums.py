"""Times by node are each node's own, without the first run, and add up to the call: on a clock of the test's."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from genolab.kernel import profile


class Clock:
    """A clock that stands still unless an operation moves it on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: dict[int, int] = {}


class Takes(Op):
    """Gives its input back after so many seconds of the test's clock, ten times as many the first time."""

    __props__ = ("seconds",)

    def __init__(self, seconds: int, clock: Clock) -> None:
        self.seconds, self.clock = seconds, clock

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        number = self.clock.calls[self.seconds] = self.clock.calls.get(self.seconds, 0) + 1
        self.clock.now += self.seconds * (10 if number == 1 else 1)
        outputs[0][0] = inputs[0].copy()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(profile, "time", SimpleNamespace(perf_counter=lambda: made.now))
    return made


def test_times_are_each_nodes_own_and_add_up_to_the_call(clock: Clock) -> None:
    x = pt.vector("x")
    y = Takes(5, clock)(Takes(2, clock)(x)) + Takes(3, clock)(x)
    function = pytensor.function([x], [y], mode=pytensor.compile.mode.Mode(linker="py", optimizer=None))
    kept = []
    found = profile.profile_nodes("toy", function, [np.ones(3)], keep=lambda node, made: kept.append(node))
    took = {node.operation: node.seconds for node in found.nodes}
    assert {took[str(Takes(seconds, clock))] for seconds in (2, 3, 5)} == {2.0, 3.0, 5.0}
    assert sum(took.values()) == found.total_seconds == 10.0
    assert len(kept) == len(found.nodes)
    assert found.to_frame()["share"].tolist()[:3] == pytest.approx([0.5, 0.3, 0.2])

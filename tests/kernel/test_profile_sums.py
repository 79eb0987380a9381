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
from genolab.kernel.flow import timed_flow


class Clock:
    """A clock that stands still unless an operation moves it on."""

    def __init__(self) -> None:
        self.now, self.tick = 0.0, 0.0
        self.calls: dict[int, int] = {}

    def read(self) -> float:
        self.now += self.tick
        return self.now


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
    monkeypatch.setattr(profile, "time", SimpleNamespace(perf_counter=made.read))
    return made


def test_times_are_each_nodes_own_and_add_up_to_the_call(clock: Clock) -> None:
    x = pt.vector("x")
    y = Takes(5, clock)(Takes(2, clock)(x)) + Takes(3, clock)(x)
    function = pytensor.function([x], [y], mode=pytensor.compile.mode.Mode(linker="py", optimizer=None))
    kept = []
    found = profile.profile_nodes("toy", function, [np.ones(3)], keep=lambda node, made: kept.append((node, *made)))
    took = {node.operation: node.seconds for node in found.nodes}
    assert {took[str(Takes(seconds, clock))] for seconds in (2, 3, 5)} == {2.0, 3.0, 5.0}
    assert found.node_seconds == found.seconds == found.total_seconds == 10.0
    assert [node for node, _ in kept] == function.maker.fgraph.toposort()
    np.testing.assert_array_equal(kept[-1][1], [2.0, 2.0, 2.0])
    assert found.to_frame()["share"].tolist()[:3] == pytest.approx([0.5, 0.3, 0.2])


def test_what_is_between_the_nodes_is_a_row_of_its_own(clock: Clock) -> None:
    """A clock that goes on by a second whenever it is read, so that every reading between two nodes is to be found."""
    clock.tick = 1.0
    x = pt.vector("x")
    function = pytensor.function(
        [x], [Takes(5, clock)(Takes(2, clock)(x))], mode=pytensor.compile.mode.Mode("py", None)
    )
    found = profile.profile_nodes("toy", function, [np.ones(3)])
    assert [node.seconds for node in found.nodes] == [3.0, 6.0]
    assert found.between_seconds == 3.0, "before, between and after the two"
    assert found.seconds == 12.0
    assert found.total_seconds == 8.0, "the call itself is read once at either end"
    frame = found.to_frame().set_index("operation")
    assert frame.loc[profile.BETWEEN, "share"] == pytest.approx(3 / 12)
    assert frame["share"].sum() == pytest.approx(1)


def test_in_c_the_times_are_those_of_pytensors_own_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a C compiler its virtual machine runs Python, and the profile is the same one."""
    monkeypatch.setattr(profile, "MOST_SECONDS", 0.0)
    x = pt.matrix("x")
    built = []

    def build(stats):
        built.append(pytensor.function([x], [pt.sort(pt.exp(x), axis=0).sum()], mode="CVM", profile=stats))
        return built[-1]

    found = profile.profile_by_pytensor("toy", "c", build, [np.ones((300, 300))])
    order = built[0].maker.fgraph.toposort()
    assert [node.operation for node in found.nodes] == [str(node.op) for node in order]
    assert built[1].profile is None, "the whole call is timed without a profile"
    assert (found.backend, found.repeats) == ("c", profile.FEWEST)
    assert all(node.seconds > 0 for node in found.nodes)
    assert found.between_seconds > 0
    assert found.seconds == pytest.approx(found.node_seconds + found.between_seconds)


def test_a_profile_on_c_colours_the_nodes_by_time_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "MOST_SECONDS", 0.0)
    x = pt.matrix("x")
    total = pt.sort(pt.exp(x), axis=0).sum()
    flow = timed_flow(
        "toy",
        "c",
        lambda stats: pytensor.function([x], [total], mode="CVM", profile=stats),
        [np.ones((300, 300))],
        ["total"],
    )
    drawn = flow.coloured("time")
    shares = [node.share for node in drawn.nodes if node.share is not None]
    assert len(shares) == len(flow.times) == len(flow.profile.nodes)
    named, rest = flow.rest()
    assert named == profile.AROUND
    left = 1 - sum(shares)
    assert rest.endswith(f"{left:.0%}")
    assert left > 0
    assert flow.coloured("memory") == flow.model
    assert flow.values == {}

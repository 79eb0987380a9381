"""Every kernel and training step, drawn as written and as compiled: no box on another, no label outside its box."""

from __future__ import annotations

import pytest

import genolab as gl
from genolab.kernel import Kernel
from genolab.kernel.graph_drawing import LABEL_SIZE, TYPE_SIZE, GraphDrawing, GraphModel
from genolab.kernel.graph_layout import text_width
from genolab.predict.step import STEPS, training_step

KERNELS = {kernel.name: kernel for kernel in gl.kernels()}


MOST = 250  # nodes in one drawing: what a person still looks at


def opened(model: GraphModel) -> list[str]:
    """The ids of nodes to open, from outside inwards, while the drawing stays of a size that can be read."""
    found, room, level = [], MOST - len(model.nodes), list(model.nodes)
    while level:
        inside = [node for node in level if node.inner is not None and len(node.inner.nodes) <= room]
        level = []
        for node in inside:
            if len(node.inner.nodes) <= room:
                found.append(node.id)
                room -= len(node.inner.nodes)
                level += node.inner.nodes
    return found


def faults(drawing: GraphDrawing) -> list[str]:
    """Labels wider than their box, boxes that lie on another, and boxes outside the frame around them."""
    found = []
    frames = {placed.node.id: placed for placed in drawing.nodes if placed.is_open}
    for placed in drawing.nodes:
        node = placed.node
        line = text_width(node.label, LABEL_SIZE) + (22 if node.inner is not None else 0)
        type_line = 0.0 if node.kind == "constant" else text_width(node.measured or node.type, TYPE_SIZE)
        wide = line + type_line if placed.is_open else max(line, type_line)
        if wide > placed.width:
            found.append(f"{node.label}: {wide:.0f} in {placed.width:.0f}")
        frame = frames.get(placed.parent)
        if frame is not None and not (
            frame.x <= placed.x and placed.x + placed.width <= frame.x + frame.width
            and frame.y <= placed.y and placed.y + placed.height <= frame.y + frame.height
        ):  # fmt: skip
            found.append(f"{node.label} outside {frame.node.label}")
    rows = sorted(drawing.nodes, key=lambda placed: placed.y)
    for number, one in enumerate(rows):
        for other in rows[number + 1 :]:
            if other.y >= one.y + one.height:
                break
            if one.parent == other.parent and min(one.x + one.width, other.x + other.width) > max(one.x, other.x):
                found.append(f"{one.node.label} on {other.node.label}")
    return found


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_is_drawn_without_overlaps(name: str) -> None:
    kernel = KERNELS[name]
    written = kernel.graph_model("written")
    assert faults(written.draw()) == []
    assert faults(written.draw(opened(written), "right")) == []
    assert faults(kernel.graph_model("compiled", "numpy").draw()) == []


@pytest.mark.parametrize("name", STEPS)
def test_a_training_step_is_drawn_without_overlaps(name: str) -> None:
    kernel: Kernel = training_step(STEPS[name])
    written = kernel.graph_model("written")
    assert len(written.nodes) > 80
    assert faults(written.draw()) == []
    assert faults(written.draw(opened(written))) == []
    compiled = kernel.graph_model("compiled", "numpy")
    assert len(compiled.nodes) > 80
    assert faults(compiled.draw()) == []


def test_a_training_step_runs_as_the_trainer_does_and_every_rewrite_of_it_can_be_seen() -> None:
    kernel = training_step("deepbind", filters=4, units=3)
    result = kernel(*kernel.example())
    assert result.loss == pytest.approx(0.69, abs=0.1)
    before = dict(zip(kernel.inputs, kernel.example(), strict=True))
    assert (result.weights_after != before["weights"]).any()
    assert (result.memory0_after == before["memory0"]).sum() < before["memory0"].size
    history = kernel.rewrites("numpy")
    assert len(history) > 10
    assert len(history.model(0).nodes) > len(history.model(len(history)).nodes)
    model = kernel.graph_model("compiled", "numpy")
    assert faults(model.draw()) == []

"""The graph as data: what is read, and that it can be drawn without overlaps."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytensor.compile.builders import OpFromGraph

from genolab.kernel.graph_drawing import KINDS, GraphDrawing, GraphModel
from genolab.kernel.graph_layout import Box, Route, keep_apart, layered_layout, text_width
from genolab.kernel.graph_model import graph_text, model_of


def mixture() -> tuple[list, list]:
    x, w = pt.matrix("x", dtype="float32"), pt.vector("w", dtype="float32")
    largest = x.max(axis=1, keepdims=True)
    result = pt.log(pt.sum(pt.exp(x - largest) * w, axis=1)) + largest[:, 0]
    result.name = "log_likelihood"
    return [x, w], [result]


def nested() -> tuple[list, list]:
    inputs, outputs = mixture()
    kernel = OpFromGraph(inputs, outputs, name="mixture")
    state = pytensor.scan(
        lambda a, b: a * b + 1, sequences=[inputs[1]], outputs_info=[np.float32(0)], return_updates=False
    )
    return inputs, [kernel(*inputs) * 2.0, state]


def training_step() -> tuple[list, list]:
    x, y = pt.matrix("x"), pt.vector("y")
    weights = [pytensor.shared(np.ones(shape), name=f"w{i}") for i, shape in enumerate([(4, 8), (8, 8), (8,)])]
    hidden = x
    for weight in weights[:-1]:
        hidden = pt.tanh(hidden @ weight)
    loss = pt.mean((hidden @ weights[-1] - y) ** 2)
    loss.name = "loss"
    return [x, y], [loss, *(w - 0.1 * g for w, g in zip(weights, pt.grad(loss, weights), strict=True))]


GRAPHS = {"mixture": mixture, "nested": nested, "training step": training_step}


def openable(model: GraphModel) -> list[str]:
    return [node.id for node in model.walk() if node.inner is not None]


def overlaps(drawing: GraphDrawing) -> list[tuple[str, str]]:
    """Pairs of boxes with the same frame around them that cover each other."""
    return [
        (a.node.id, b.node.id)
        for a, b in itertools.combinations(drawing.nodes, 2)
        if a.parent == b.parent
        and min(a.x + a.width, b.x + b.width) > max(a.x, b.x)
        and min(a.y + a.height, b.y + b.height) > max(a.y, b.y)
    ]


@pytest.mark.parametrize("flow", ["down", "right"])
@pytest.mark.parametrize("name", GRAPHS)
def test_boxes_hold_their_labels_and_do_not_overlap(name, flow):
    model = model_of(*GRAPHS[name]())
    for opened in ((), openable(model)):
        drawing = model.draw(opened, flow)
        assert overlaps(drawing) == []
        boxes = {placed.node.id: placed for placed in drawing.nodes}
        for placed in drawing.nodes:
            assert placed.width >= text_width(placed.node.label, 13)
            assert min(placed.x, placed.y) >= -0.01  # of a pixel
            assert placed.x + placed.width <= drawing.width + 0.01
            assert placed.y + placed.height <= drawing.height + 0.01
            if placed.parent:  # inside its frame
                frame = boxes[placed.parent]
                assert frame.x < placed.x
                assert placed.x + placed.width < frame.x + frame.width
                assert frame.y < placed.y
                assert placed.y + placed.height < frame.y + frame.height


@pytest.mark.parametrize("flow", ["down", "right"])
def test_edges_start_and_end_at_their_nodes_and_follow_the_flow(flow):
    drawing = model_of(*training_step()).draw(flow=flow)
    boxes = {placed.node.id: placed for placed in drawing.nodes}
    along = 1 if flow == "down" else 0
    for placed in drawing.edges:
        source, target = boxes[placed.edge.source], boxes[placed.edge.target]
        for point, box in ((placed.points[0], source), (placed.points[-1], target)):
            assert box.x <= point[0] <= box.x + box.width + 0.01
            assert box.y <= point[1] <= box.y + box.height + 0.01
        steps = [point[along] for point in placed.points]
        assert steps == sorted(steps)


def test_what_is_read_of_a_graph():
    model = model_of(*nested())
    kinds = {node.label: node.kind for node in model.walk()}
    assert kinds["x"] == "input"
    assert kinds["mixture"] == "kernel"
    assert kinds["scan"] == "scan"
    assert kinds["max over axis 1"] == "reduction"
    assert kinds["exp"] == "elementwise"
    assert kinds["take [:, 0]"] == "index"
    assert kinds["expand dims"] == "shape"
    assert set(kinds.values()) <= set(KINDS)
    (x,) = (node for node in model.nodes if node.label == "x")
    assert (x.dtype, x.shape, x.type) == ("float32", "(?, ?)", "float32 (?, ?)")
    kernel = next(node for node in model.nodes if node.label == "mixture")
    assert kernel.inner is not None
    assert [node.label for node in kernel.inner.nodes if node.kind == "input"] == ["x", "w"]
    scan = next(node for node in model.nodes if node.kind == "scan")
    assert scan.inner is not None
    assert [node.label for node in scan.inner.nodes if node.kind == "input"] == ["step", "before"]


def test_a_matrix_product_a_shared_variable_and_a_random_draw():
    model = model_of(*training_step())
    assert "matrix product" in {node.kind for node in model.nodes}
    shared = [node for node in model.nodes if node.op == "a shared variable"]
    assert [node.label for node in shared] == ["w0", "w1", "w2"]
    draws = pt.random.normal(size=(3,), rng=pt.random.shared_rng(np.random.default_rng(1)), return_next_rng=True)
    assert "random" in {node.kind for node in model_of([], draws).nodes}


def test_a_compiled_graph_shows_what_was_fused_and_what_works_in_place():
    inputs, outputs = mixture()
    fgraph = pytensor.function(inputs, outputs, mode=pytensor.compile.mode.Mode("py", "fast_run")).maker.fgraph
    model = model_of(fgraph.inputs, fgraph.outputs)
    fused = [node for node in model.nodes if node.label.endswith("fused")]
    assert fused
    assert all(node.inner is not None for node in fused)
    assert any(node.in_place for node in model.nodes)
    assert any(node.view for node in model.nodes)


def test_ids_and_places_depend_on_the_graph_alone():
    first, second = (model_of(*nested()).to_json(["4"]) for _ in range(2))
    assert json.dumps(first) == json.dumps(second)


def test_opening_a_node_adds_what_is_inside():
    model = model_of(*nested())
    closed = {node["id"] for node in model.to_json()["nodes"]}
    for identity in openable(model):
        node = model.find(identity)
        assert node is not None
        assert node.inner is not None
        opened = {node["id"]: node for node in model.to_json([identity])["nodes"]}
        assert opened[identity]["open"]
        assert set(opened) - closed == {inside.id for inside in node.inner.nodes}


def test_names_may_be_given():
    x = pt.dvector()
    model = model_of([x], [pt.exp(x)], input_names=["quality"], output_names=["probability"])
    assert [node.label for node in model.nodes] == ["quality", "exp", "probability"]


def test_a_value_used_twice_is_one_edge_and_an_empty_graph_is_no_error():
    x = pt.dvector("x")
    assert len(model_of([x], [x * x]).edges) == 2
    assert model_of([], []).to_json()["nodes"] == []
    assert [node.kind for node in model_of([x], [x]).nodes] == ["input", "output"]


def test_text_for_a_terminal():
    assert "Exp" in graph_text(mixture()[1])


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 30))
    sizes = st.tuples(st.floats(20, 300), st.floats(20, 80))
    boxes = [Box(str(i), *draw(sizes)) for i in range(count)]
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    chosen = {(min(a, b), max(a, b)) for a, b in draw(st.lists(pairs, max_size=50)) if a != b}
    return boxes, [Route(str(a), str(b)) for a, b in sorted(chosen)]


@given(graphs())
def test_layout_of_any_graph(graph):
    boxes, routes = graph
    layout = layered_layout(boxes, routes)
    size = {box.id: box for box in boxes}
    for a, b in itertools.combinations(layout.corners, 2):
        (ax, ay), (bx, by) = layout.corners[a], layout.corners[b]
        apart_x = ax + size[a].width <= bx + 1e-6 or bx + size[b].width <= ax + 1e-6
        apart_y = ay + size[a].height <= by + 1e-6 or by + size[b].height <= ay + 1e-6
        assert apart_x or apart_y
    for route, points in zip(routes, layout.routes, strict=True):
        assert layout.corners[route.source][1] + size[route.source].height < layout.corners[route.target][1]
        # a line never passes through a box that is not at one of its ends
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            if x0 != x1:
                continue  # curves bend in the gaps between layers
            for name, (x, y) in layout.corners.items():
                inside = x + 1e-6 < x0 < x + size[name].width - 1e-6
                crosses = min(y1, y + size[name].height) - max(y0, y) > 1e-6
                assert not (inside and crosses) or name in (route.source, route.target)


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0.1, 5), st.floats(1, 30)), min_size=1, max_size=6))
def test_keep_apart_is_the_nearest_that_keeps_the_distances(items):
    wanted, weights, distances = (list(column) for column in zip(*items, strict=True))
    distances = distances[:-1]
    placed = keep_apart(wanted, weights, distances)

    def cost(places):
        return sum(w * (p - x) ** 2 for w, p, x in zip(weights, places, wanted, strict=True))

    def is_allowed(places):
        return all(b - a >= d - 1e-6 for (a, b), d in zip(itertools.pairwise(places), distances, strict=True))

    assert is_allowed(placed)
    # the problem is convex: no allowed step of any run of neighbours makes it better
    for start, stop in itertools.combinations(range(len(placed) + 1), 2):
        for step in (-0.01, 0.01):
            moved = [p + step * (start <= i < stop) for i, p in enumerate(placed)]
            assert (
                not all(b - a >= d for (a, b), d in zip(itertools.pairwise(moved), distances, strict=True))
                or cost(moved) >= cost(placed) - 1e-6
            )


def test_a_cycle_is_refused():
    with pytest.raises(ValueError, match="cycle"):
        layered_layout([Box("a", 1, 1), Box("b", 1, 1)], [Route("a", "b"), Route("b", "a")])


def test_a_formula_reads_without_its_markup():
    from genolab.plots.graph import readable

    said = readable(r".. math:: w \leftarrow \eta \frac{m_t / 2}{\sqrt{v} + 1} \cdot \tfrac12 \text{ (all)}")
    assert said == "w ← η (m_t / 2)/(√(v) + 1) · 1/2  (all)"
    assert readable("Of :func:`soft` and ``x``.") == "Of soft and x."
    assert readable(r"\frac{k}{P} \le \{a\} \\") == "k/P ≤ {a} "

"""Kernels opened: rewrites, values, times, memory, code, gradient and backends, on a kernel whose numbers are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from toy_kernels import matrix_product, mixed_terms, scale_counts

import genolab as gl
from genolab.errors import InputError
from genolab.kernel import Kernel
from genolab.kernel.comparison import compare_backends
from genolab.kernel.flow import duration, size, summary_of
from genolab.kernel.recording import recorded
from genolab.kernel.source import conversions


@pytest.fixture(scope="module")
def likelihoods() -> Kernel:
    return next(kernel for kernel in gl.kernels() if kernel.name == "genotype_likelihoods")


@pytest.mark.parametrize("backend", ["numpy", "numba", "c", "jax"])
def test_the_way_leads_from_what_is_written_to_what_runs(likelihoods: Kernel, backend: str) -> None:
    if backend not in gl.kernel.available_backends():
        pytest.skip(f"{backend} is not on this machine")
    history = likelihoods.rewrites(backend)
    assert len(history.steps) > (0 if backend == "numpy" else 20)
    written = history.model(0)
    assert sorted(node.label for node in written.nodes) == sorted(n.label for n in likelihoods.graph_model().nodes)
    for step, rewrite in enumerate(history.steps, 1):
        model = history.model(step)
        operations = [n for n in model.nodes if n.kind not in ("input", "output", "constant")]
        marked = sorted(node.label for node in model.nodes if node.marked)
        assert len(operations) <= rewrite.nodes
        assert set(marked) <= set(rewrite.added), str(rewrite)
    last = sorted(node.label for node in history.model(len(history)).nodes)
    if backend == "numpy":  # the others end with copies for the caller
        ran = likelihoods.graph_model("compiled", backend)
        assert last == sorted(node.label for node in ran.nodes)
    assert [node.label for node in history.model(0).nodes] == [node.label for node in written.nodes], "and back again"


def test_what_a_rewrite_does_is_said(likelihoods: Kernel) -> None:
    steps = likelihoods.rewrites("numba").steps
    effects = {each.effect for each in steps}
    assert {"merged", "folded", "fused", "replaced"} <= effects
    fused = next(each for each in steps if each.effect == "fused" and each.added)
    assert fused.about.startswith("Neighbouring elementwise nodes become one loop")
    assert "fused" in fused.added[0]
    assert fused.removed
    assert str(fused).startswith("FusionOptimizer: ")
    assert not any(each.name.startswith("(") for each in steps), "what was taken back is left out"


def test_every_node_has_its_value_time_and_memory() -> None:
    kernel = Kernel(mixed_terms)
    arrays = kernel.example()
    flow = kernel.data_flow(*arrays)
    result = kernel(*arrays, backend="numpy")
    for name, value in zip(kernel.outputs, result, strict=True):
        node = next(each for each in flow.model.nodes if each.kind == "output" and each.name == name)
        assert flow.values[node.id] == summary_of(value)
    shares = [node.share for node in flow.coloured("time").nodes if node.share is not None]
    whole, (named, rest) = flow.profile.seconds, flow.rest()
    assert sum(shares) == pytest.approx(flow.profile.node_seconds / whole)
    assert len(shares) == len(flow.times)
    assert named == "PyTensor's own work between the nodes"
    assert rest.startswith(duration(whole - flow.profile.node_seconds))
    memory = [node for node in flow.coloured("memory").nodes if node.share is not None]
    assert sum(node.share or 0 for node in memory) == pytest.approx(1)
    assert all("%" in node.measured for node in memory)


def test_a_value_in_numbers() -> None:
    summary = summary_of(np.array([0.0, 1.0, np.nan, np.inf, 3.0]))
    assert (summary.low, summary.high, summary.nan, summary.infinite, summary.zero) == (0.0, 3.0, 1, 1, 1)
    assert summary.mean == pytest.approx(4 / 3)
    assert sum(summary.counts) == 3
    assert len(summary.edges) == len(summary.counts) + 1
    assert summary.first == ("0", "1", "nan", "inf", "3")
    assert str(summary) == "float64 (5,), 0 to 3, mean 1.333, 1 NaN, 1 infinite"
    empty = summary_of(np.zeros((0, 3), np.float32))
    assert (empty.low, empty.counts, empty.shape) == (None, (), (0, 3))
    extreme = summary_of(np.array([-1e308, 1e308]))
    assert extreme.counts == (), "its width is beyond a double"
    assert summary_of(np.array(True)).high == 1.0


def test_times_and_sizes_read_well() -> None:
    assert [duration(each) for each in (2.0, 0.0123, 4.56e-6, 3e-8)] == ["2 s", "12.3 ms", "4.56 µs", "0.03 µs"]
    assert [size(each) for each in (12, 3400, 5.6e6, 7e9)] == ["12 B", "3.4 kB", "5.6 MB", "7 GB"]


def test_the_code_of_each_backend(likelihoods: Kernel) -> None:
    (calls,) = likelihoods.sources("numpy")
    assert "numpy.log10(" in calls.text
    assert calls.text.startswith("def genotype_likelihoods(site, base, ")
    numba = likelihoods.sources("numba")[0]
    assert "def numba_funcified_fgraph(" in numba.text
    loop = next(k for k in gl.kernels() if k.name == "allele_counts").sources("numpy")
    assert [each.title for each in loop][1:] == ["the hand-written loop", "its stand-in on numpy"]
    assert "counts[position[i], base[i]] += 1" in loop[1].text
    with pytest.raises(InputError, match="backend"):
        likelihoods.sources("cuda")


def test_machine_code_on_request() -> None:
    kernel = Kernel(scale_counts, backend="numba")
    found = {each.language: each.text for each in kernel.sources("numba", machine=True)}
    assert "define" in found["llvm"]
    assert len(found["assembly"]) > 500


def test_conversions_are_flagged(likelihoods: Kernel) -> None:
    said = conversions(likelihoods, "numpy")
    assert any("a copy, from" in each for each in said), said


def test_backends_side_by_side() -> None:
    kernel = Kernel(matrix_product)
    arrays = kernel.example()
    rows = list(compare_backends(kernel, arrays))
    assert [row.backend for row in rows] == list(gl.kernel.available_backends())
    for row in rows:
        assert row.failure == ""
        assert row.difference < 1e-4
        assert row.run_seconds > 0


def test_the_gradient_stands_beside_the_function(likelihoods: Kernel) -> None:
    model = likelihoods.graph_model("gradient")
    names = [node.label for node in model.nodes if node.kind == "output"]
    assert names[: len(likelihoods.outputs)] == list(likelihoods.outputs)
    assert "d / d base_quality" in names
    assert json.dumps(model.to_json())
    counts = next(kernel for kernel in gl.kernels() if kernel.name == "allele_counts")
    with pytest.raises(InputError, match="can be differentiated"):
        counts.graph_model("gradient")


def test_arguments_are_kept_only_while_somebody_listens() -> None:
    kernel = Kernel(scale_counts)
    with recorded() as calls:
        kernel(*kernel.example())
    assert list(calls) == ["scale_counts"]
    static, arrays = calls["scale_counts"]
    assert static == kernel.static
    assert len(arrays) == len(kernel.inputs)
    kernel(*kernel.example())
    assert len(calls) == 1

"""Kernels compile once a structure and never for a slider; they compose, differentiate and serve several threads."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytensor.gradient import verify_grad
from toy_kernels import matrix_product, running_total, scale_counts

import genolab as gl
from genolab.errors import InputError
from genolab.kernel import CompileEvent, Kernel, kernel, on_compile, registered
from genolab.kernel.backends import mode_of

COUNTS, WEIGHT = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0])


@pytest.fixture
def events():
    """What the compiler announced."""
    seen: list[CompileEvent] = []
    stop = on_compile(seen.append)
    yield seen
    stop()


@pytest.fixture(scope="module")
def scale() -> Kernel:
    return Kernel(scale_counts)


def states(events: list[CompileEvent]) -> list[tuple[str, str]]:
    return [(event.backend, event.state) for event in events]


# ---------------------------------------------------------------- compile


def test_compiling_is_announced_in_order_and_once(events):
    made = Kernel(scale_counts)
    assert made.state() == "idle"
    made(COUNTS, WEIGHT)
    made(COUNTS, WEIGHT)
    assert states(events) == [("numpy", "compiling"), ("numpy", "compiled")]
    assert {event.kernel for event in events} == {"scale_counts"}
    assert events[1].seconds == made.compiled("numpy").seconds > 0
    assert made.state() == "compiled"
    assert made.state("c") == "idle"


def test_listeners_see_the_state_that_is_announced(scale):
    made, seen = Kernel(scale_counts), []
    stop = on_compile(lambda event: seen.append(made.state(event.backend)))
    made.compiled()
    stop()
    stop()  # leaving twice is harmless
    assert seen == ["compiling", "compiled"]


def test_a_failed_compilation_leaves_the_kernel_idle_and_repeatable(events, monkeypatch):
    made = Kernel(scale_counts)
    with monkeypatch.context() as patch:
        patch.setattr(pytensor, "function", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            made(COUNTS, WEIGHT)
    assert states(events) == [("numpy", "compiling"), ("numpy", "idle")]
    assert made.state() == "idle"
    assert made(COUNTS, WEIGHT).total.shape == (2,)


@given(factor=st.floats(0, 10))
def test_a_slider_never_recompiles(factor):
    seen: list[CompileEvent] = []
    _SLIDING(COUNTS, WEIGHT)
    stop = on_compile(seen.append)
    result = _SLIDING(COUNTS, WEIGHT, factor)
    stop()
    assert seen == []
    np.testing.assert_allclose(result.scaled, COUNTS * WEIGHT * factor)


_SLIDING = Kernel(scale_counts)


def test_structure_compiles_separately_and_once(events):
    made = Kernel(scale_counts)
    np.testing.assert_allclose(made(COUNTS, WEIGHT, power=3).scaled, (COUNTS * WEIGHT * 2) ** 3)
    np.testing.assert_allclose(made(COUNTS, WEIGHT).scaled, COUNTS * WEIGHT * 2)
    np.testing.assert_allclose(made(COUNTS, WEIGHT, 1.0, power=3).scaled, (COUNTS * WEIGHT) ** 3)
    assert len(events) == 4  # two structures, compiling and compiled each
    assert made.with_static(power=3) is made.with_static(power=3)
    assert made.with_static(power=1) is made
    assert made.with_static(power=3).static == {"power": 3}


def test_unknown_structure_is_refused(scale):
    with pytest.raises(InputError, match="`exponent` must be a structural parameter"):
        scale.with_static(exponent=2)


def test_outputs_must_be_what_the_result_type_states():
    def one_output(counts, weight, factor=2.0, *, power=1):
        """Wrong."""
        return (counts,)

    one_output.__annotations__ = dict(scale_counts.__annotations__)
    one_output.__module__ = scale_counts.__module__
    one_output.__globals__.update(vars(__import__("toy_kernels")))
    with pytest.raises(InputError, match=r"one_output: `outputs` must be 2 \(scaled, total\); got 1"):
        _ = Kernel(one_output).graph


def test_names_are_unique(monkeypatch):
    monkeypatch.setattr(sys.modules["genolab.kernel.kernel"], "_registry", {})
    kernel()(running_total)
    clash = type(running_total)(running_total.__code__, running_total.__globals__, "running_total")
    clash.__annotations__, clash.__doc__, clash.__module__ = running_total.__annotations__, "Another.", "toy_kernels_2"
    clash.__defaults__ = running_total.__defaults__
    monkeypatch.setitem(sys.modules, "toy_kernels_2", sys.modules["toy_kernels"])
    with pytest.raises(InputError, match="'running_total'"):
        kernel()(clash)
    assert [each.name for each in registered()] == ["running_total"]


# ---------------------------------------------------------------- symbolic


def test_expressions_compose(scale):
    product = Kernel(matrix_product)
    counts, weight = pt.dmatrix("counts"), pt.dvector("weight")
    applied = scale.expr(counts, weight, pt.constant(3.0))
    assert applied._fields == ("scaled", "total")
    square = product.expr(applied.scaled, applied.scaled.T).product
    run = pytensor.function([counts, weight], [square, applied.total], mode=mode_of("numpy"))
    scaled = COUNTS * WEIGHT * 3
    for found, expected in zip(run(COUNTS, WEIGHT), (scaled @ scaled.T, scaled.sum(axis=1)), strict=True):
        np.testing.assert_allclose(found, expected)


def test_an_expression_is_one_named_node(scale):
    applied = scale.expr(pt.dmatrix(), pt.dvector(), pt.dscalar())
    assert applied.scaled.owner is applied.total.owner
    assert "scale_counts" in str(applied.scaled.owner.op)


def test_expressions_take_defaults_numbers_and_narrower_variables(scale):
    counts = pt.matrix("counts", dtype="int32")
    run = pytensor.function([counts], scale.expr(counts, WEIGHT).scaled, mode=mode_of("numpy"))
    np.testing.assert_allclose(run(COUNTS.astype("int32")), COUNTS * WEIGHT * 2)


def test_expressions_refuse_what_does_not_fit(scale):
    counts, weight = pt.dmatrix(), pt.dvector()
    with pytest.raises(InputError, match=r"scale_counts: `weight` must be .* a variable of float64 with 2 axes"):
        scale.expr(counts, counts)
    with pytest.raises(InputError, match=r"`counts` must be .* a variable of complex128"):
        scale.expr(pt.zmatrix(), weight)
    with pytest.raises(InputError, match="`factor` must be scaling factor, between 0 and 10 fold; got 11"):
        scale.expr(counts, weight, 11)
    with pytest.raises(InputError, match=r"`weight` must be .* got nothing"):
        scale.expr(counts)
    with pytest.raises(InputError, match=r"3 arrays .* got 4"):
        scale.expr(counts, weight, 1.0, 2.0)


@pytest.mark.parametrize("power", [1, 2])
def test_expressions_differentiate(scale, power):
    variant = scale.with_static(power=power)
    verify_grad(
        lambda counts, weight, factor: variant.expr(counts, weight, factor).scaled,
        [COUNTS + 1, WEIGHT, np.array(1.5)],
        rng=np.random.default_rng(0),
        mode=mode_of("numpy"),
    )


def test_the_graph_is_as_written(scale):
    graph = scale.graph
    assert [variable.name for variable in graph.inputs] == list(scale.inputs)
    assert [variable.name for variable in graph.outputs] == list(scale.outputs)
    assert graph.inputs[0].type.shape == (None, 3)
    assert scale.compiled("numpy").function.maker.fgraph.inputs[0].type.dtype == "float64"


# ---------------------------------------------------------------- threads


def test_two_threads_share_one_compilation_and_get_their_own_results(events):
    made = Kernel(scale_counts)
    wrong: list[int] = []
    gate = threading.Barrier(4)

    def work(number: int) -> None:
        gate.wait()
        for repeat in range(50):
            factor = (number + repeat) % 10
            power = 1 + number % 2
            found = made(COUNTS, WEIGHT, float(factor), power=power)
            if not np.allclose(found.scaled, (COUNTS * WEIGHT * factor) ** power):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert states(events).count(("numpy", "compiled")) == 2  # power 1 and power 2


def test_threads_may_compile_different_kernels_and_backends():
    results: dict[str, np.ndarray] = {}

    def work(name: str, backend: str) -> None:
        results[name + backend] = Kernel(scale_counts)(COUNTS, WEIGHT, backend=backend).scaled

    threads = [threading.Thread(target=work, args=pair) for pair in (("a", "numpy"), ("b", "numba"), ("c", "numba"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    for found in results.values():
        np.testing.assert_allclose(found, COUNTS * WEIGHT * 2)


# ---------------------------------------------------------------- opened


def test_the_profile_lists_every_node_with_what_it_made(scale):
    profile = scale.profile(COUNTS, WEIGHT, 2.0)
    order = scale.compiled("numpy").function.maker.fgraph.toposort()
    assert [node.operation for node in profile.nodes] == [str(node.op) for node in order]
    assert [node.index for node in profile.nodes] == list(range(len(order)))
    named = {node.name: node for node in profile.nodes}
    assert named["scaled"].shape == (2, 3)
    assert named["scaled"].bytes == 48
    assert named["total"].shape == (2,)
    assert named["total"].dtype == "float64"
    assert all(node.seconds >= 0 for node in profile.nodes)
    assert profile.total_seconds > 0
    assert profile.kernel == "scale_counts"
    assert profile.backend == "numpy"
    frame = profile.to_frame()
    assert frame["share"].sum() == pytest.approx(1)
    assert frame["seconds"].is_monotonic_decreasing


def test_every_kernel_is_listed_with_its_meaning():
    kernels = gl.kernels()
    names = [each.name for each in kernels]
    assert names == sorted(names)
    assert {"allele_counts", "candidate_alleles", "genotype_likelihoods", "genotype_posteriors"} <= set(names)
    assert {"strand_bias", "rank_sum"} <= set(names)
    for each in kernels:
        assert each.doc.splitlines()[0].endswith("."), f"{each.name}: a sentence"
        assert ".. math::" in each.doc, f"{each.name}: a formula"
        assert each.inputs
        assert each.outputs
        for name, spec in (each.inputs | each.outputs).items():
            assert spec.doc, f"{each.name}.{name}: a meaning"
        assert repr(each).startswith(f"{each.name}(")
        assert len(each.example()) == len(each.inputs)

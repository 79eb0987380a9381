"""One definition and one loop: the loop is what runs, on `numba` and `numpy`; the definition is what all else uses."""

from __future__ import annotations

import linecache
import types

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from pytensor.gradient import verify_grad
from toy_kernels import MARK, kernel_with_loop, marked_loop, running_total

from genolab.call.counts import allele_counts
from genolab.call.haplotypes import haplotype_copies, haplotype_genotypes
from genolab.kernel import Kernel, available_backends
from genolab.kernel.backends import compiling_for, mode_of
from genolab.kernel.fast import FastOp
from genolab.kernel.implementation import FastImplementation

VALUES = np.array([1.0, 2.0, 4.0])
DEFINED, LOOPED = np.array([1.0, 3.0, 7.0]), np.array([1.0, 3.0, 7.0]) + MARK


@pytest.fixture(scope="module")
def marked() -> Kernel:
    return kernel_with_loop()


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_the_loop_is_what_runs(marked, backend):
    np.testing.assert_array_equal(marked(VALUES, backend=backend).total, LOOPED)
    np.testing.assert_array_equal(marked(VALUES, 5.0, backend=backend).total, LOOPED + 5)


@pytest.mark.parametrize("backend", ["c", "jax"])
def test_the_definition_is_what_other_backends_run(marked, backend):
    if backend not in available_backends():
        pytest.skip(f"the {backend} backend is not on this machine")
    np.testing.assert_array_equal(marked(VALUES, backend=backend).total, DEFINED)


def test_the_definition_can_be_asked_for(marked):
    np.testing.assert_array_equal(marked.definition(VALUES).total, DEFINED)
    np.testing.assert_array_equal(marked.definition(VALUES, backend="numba").total, DEFINED)
    assert marked.definition.definition is marked.definition


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_the_loop_runs_inside_a_function_of_the_users_own(backend):
    fresh = kernel_with_loop()  # not compiled by us before
    values = pt.dvector("values")
    applied = 2 * fresh.expr(values).total
    with compiling_for(backend):
        function = pytensor.function([values], applied, mode="NUMBA" if backend == "numba" else mode_of("numpy"))
    np.testing.assert_array_equal(function(VALUES), 2 * LOOPED)


def test_the_graph_shows_one_node_that_opens_into_the_definition(marked):
    (output,) = marked.graph.outputs
    assert isinstance(output.owner.op, FastOp)
    assert output.owner.op.name == "running_total"
    compiled = marked.compiled("numpy").function.maker.fgraph
    assert [type(node.op).__name__ for node in compiled.toposort()] == ["RunningTotal"]
    opened = (
        output.owner.op.fgraph.unfreeze() if hasattr(output.owner.op.fgraph, "unfreeze") else output.owner.op.fgraph
    )
    inner = pytensor.function(opened.inputs, opened.outputs, mode=mode_of("numpy"))
    np.testing.assert_array_equal(inner(VALUES, 0.0)[0], DEFINED)


def test_gradients_come_from_the_definition(marked):
    values, start = pt.dvector("values"), pt.dscalar("start")
    total = marked.expr(values, start).total.sum()
    function = pytensor.function([values, start], pt.grad(total, [values, start]), mode=mode_of("numpy"))
    by_value, by_start = function(VALUES, 0.0)
    np.testing.assert_array_equal(by_value, [3, 2, 1])
    assert by_start == 3
    verify_grad(lambda values: marked.expr(values).total, [VALUES], rng=np.random.default_rng(0), mode=mode_of("numpy"))


def test_the_profile_times_the_loop_as_one_node(marked):
    (node,) = marked.profile(VALUES).nodes
    assert node.shape == (3,)
    assert node.bytes == 24


def source_module(name: str, added: str) -> types.ModuleType:
    """A module whose loop adds something, as a file would hold it."""
    source = f"def loop(values, start):\n    return values + {added}\n"
    module = types.ModuleType(name)
    file = f"<{name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), module.__dict__)
    module.loop.__module__ = name
    return module


def test_the_cache_key_changes_with_the_source_and_the_version():
    keys = []  # each is made before the next source takes the place of its own
    for added, version in (("1.0", 1), ("1.0", 1), ("2.0", 1), ("1.0", 2)):
        keys.append(FastImplementation(source_module("loops", added).loop, None, version).key)
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert all("loops.loop" in key for key in keys)


def test_numba_is_given_that_key(marked, monkeypatch):
    from pytensor.link.numba.dispatch.basic import numba_funcify_and_cache_key

    node = marked.graph.outputs[0].owner
    function, key = numba_funcify_and_cache_key(node.op, node=node)
    assert key == FastImplementation(marked_loop, None, 1).key
    assert function.py_func is marked_loop


def test_arrays_stand_in_for_the_loop_on_numpy_only():
    made = Kernel(running_total)
    made.fast(version=1, arrays=lambda values, start: np.cumsum(values) + start - 1)(marked_loop)
    np.testing.assert_array_equal(made(VALUES, backend="numpy").total, DEFINED - 1)
    np.testing.assert_array_equal(made(VALUES, backend="numba").total, LOOPED)


def test_a_stand_in_of_another_dtype_is_refused_not_cast():
    made = Kernel(running_total)
    made.fast(version=1, arrays=lambda values, start: np.array([1.0 + 1.0j] * 3))(marked_loop)
    with pytest.raises(TypeError):
        made(VALUES, backend="numpy")


# ---------------------------------------------------------------- the loops of the package


@st.composite
def bases_over_sites(draw):
    sites = draw(st.integers(1, 6))
    size = draw(st.integers(0, 12))
    position = draw(npst.arrays(np.int32, size, elements=st.integers(0, sites - 1)))
    base = draw(npst.arrays(np.uint8, size, elements=st.integers(0, 3)))
    return position, base, draw(npst.arrays(np.uint8, sites, elements=st.integers(0, 4)))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@given(values=bases_over_sites())
@settings(max_examples=50)
def test_allele_counts_loop_and_definition_agree(backend, values):
    expected = allele_counts.definition(*values).counts
    found = allele_counts(*values, backend=backend).counts
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


def test_every_loop_of_the_caller_is_held_to_its_definition():
    from genolab.call.provenance import KERNELS

    looped = {each.name for each in KERNELS if each.definition is not each}
    # pair_hmm is held to its definition in tests/call/test_pairhmm.py
    assert looped == {"allele_counts", "haplotype_genotypes", "pair_hmm"}, "add the new loop to the tests here"


@pytest.mark.parametrize("ploidy", [1, 2, 4])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=20)
def test_haplotype_genotypes_in_numpy_and_definition_agree(ploidy, seed):
    random = np.random.default_rng(seed)
    fragments, haplotypes = int(random.integers(1, 6)), int(random.integers(1, 4))
    copies = haplotype_copies(haplotypes, ploidy)
    kind = random.integers(0, 2, (2, len(copies)))
    values = (
        -random.uniform(0, 5, (fragments, haplotypes)),
        10.0 ** -random.uniform(1, 6, fragments),
        copies,
        -random.uniform(0, 4, len(copies)),
        kind[:, None, :] == np.arange(2)[None, :, None],
    )
    expected, found = haplotype_genotypes.definition(*values), haplotype_genotypes(*values)
    for name in expected._fields:
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-9)

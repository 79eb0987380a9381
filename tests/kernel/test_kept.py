"""What is kept for the next process: programs of NumPy calls and machine code, whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from test_backends import CALL, KERNELS, some_input

from genolab.kernel import store
from genolab.kernel.program import Program, keep_program, kept_program
from genolab.kernel.translation import translated

ROOT = Path(__file__).parents[2]
# a fit of an error model compiles with PyTensor: its logistic function is SciPy's, which a program does not call
PROGRAMS = [name for name in CALL if KERNELS[name]._implementation is None and name != "error_loss"]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gives_the_bits_of_pytensors_function(name, cache):
    kernel = KERNELS[name]
    assert keep_program(kernel) is not None
    program = kept_program(kernel)
    values = [
        np.asarray(value, spec.dtype) for value, spec in zip(some_input(name), kernel.inputs.values(), strict=False)
    ]
    values += [np.asarray(kernel.defaults[each]) for each in list(kernel.inputs)[len(values) :]]
    for one, other in zip(program(*values), kernel.compiled("numpy").function(*values), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
        assert one.tobytes() == other.tobytes()


def test_a_program_leaves_its_inputs_and_constants_alone():
    kernel = KERNELS["rank_sum"]
    program = Program(json.loads(json.dumps(translated(kernel.compiled("numpy").function.maker.fgraph, 1_000))))
    values = [np.asarray(each) for each in some_input("rank_sum")]
    before = [each.copy() for each in values]
    first, second = program(*values), program(*values)
    np.testing.assert_array_equal(first, second)
    for one, other in zip(values, before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_graph_with_an_unknown_node_or_a_large_constant_is_no_program():
    import pytensor
    import pytensor.tensor as pt

    from genolab.kernel.backends import mode_of

    x = pt.dvector("x")
    for result in (pt.argsort(x), pt.log1mexp(x)):
        function = pytensor.function([x], [result], mode=mode_of("numpy", simplify=False))
        assert translated(function.maker.fgraph, 1_000) is None
    function = pytensor.function([x], [x + np.arange(50.0)], mode=mode_of("numpy", simplify=False))
    assert translated(function.maker.fgraph, 49) is None
    assert translated(function.maker.fgraph, 50) is not None


def test_a_program_calls_nothing_that_is_not_on_the_list():
    text = {"inputs": 1, "constants": [], "outputs": [1]}
    for step in (["system", [], [0]], ["elementwise", ["load", "float64", None], [0]], ["elementwise", ["no"], [0]]):
        with pytest.raises((KeyError, ValueError, TypeError, AttributeError)):
            Program(text | {"steps": [step]})


def test_an_entry_is_whole_and_of_its_key_or_absent(cache):
    store.store("entry", "key", b"body\nof two lines")
    assert store.load("entry", "key") == b"body\nof two lines"
    assert store.load("entry", "another key") is None
    assert store.load("nothing", "key") is None
    (path,) = cache.rglob("entry")
    whole = path.read_bytes()
    for broken in (b"", whole[:-1], whole[:-1] + b"X", b"\n", whole[5:]):
        path.write_bytes(broken)
        assert store.load("entry", "key") is None


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path, monkeypatch):
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path / "file"))
    (tmp_path / "file").write_text("in the way")
    store.store("entry", "key", b"body")
    assert store.load("entry", "key") is None


def test_a_damaged_program_is_made_again(cache):
    kernel = KERNELS["candidate_alleles"]
    keep_program(kernel)
    (path,) = cache.rglob("*candidate_alleles*")
    path.write_bytes(path.read_bytes().replace(b"greater_equal", b"less_equal"))
    assert kept_program(kernel) is None
    keep_program(kernel)
    assert kept_program(kernel) is not None


# ---------------------------------------------------------------- other processes

LOOP = """
import math
from numba import njit

@njit(nogil=True, error_model="numpy")
def scaled(values, table, factor):
    part = values[1:]
    for i in range(part.size):
        for j in range(table.shape[1]):
            table[i, j] += factor * math.log10(part[i])

@njit
def allocating(values, table, factor):
    copy = values.copy()
    table[0, 0] = copy.sum() * factor
"""

RUN = """
import sys
import numpy as np
from genolab.kernel.machine import MachineLoop
loop = MachineLoop("toy_loops", sys.argv[1])
values, table = np.array([1.0, 10.0, 100.0], np.float32), np.ones((2, 3))
print(loop.ready(values, table, 2.0))
loop(values, table, 2.0)
print(table.tolist(), "numba" in sys.modules)
try:
    loop(values[::2], table, 2.0)
except ValueError as error:
    print(error)
"""


def fresh(code: str, folder: Path, *words: str) -> list[str]:
    environment = os.environ | {
        "GENOLAB_CACHE": str(folder / "cache"),
        "PYTENSOR_FLAGS": f"base_compiledir={folder / 'pytensor'}",
        "PYTHONPATH": str(folder),
    }
    environment.pop("GENOLAB_BACKEND", None)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *words],
        env=environment, capture_output=True, text=True, cwd=ROOT, timeout=300,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_machine_code_is_kept_loaded_without_numba_and_made_again_when_damaged(tmp_path):
    (tmp_path / "toy_loops.py").write_text(LOOP)
    table = "[[3.0, 3.0, 3.0], [5.0, 5.0, 5.0]]"
    refused = "scaled: an array that is not C-contiguous"
    assert fresh(RUN, tmp_path, "scaled") == ["False", f"{table} True", refused]
    assert fresh(RUN, tmp_path, "scaled") == ["True", f"{table} False", refused]
    (entry,) = (tmp_path / "cache").rglob("*.o")
    entry.write_bytes(entry.read_bytes()[:-9])
    assert fresh(RUN, tmp_path, "scaled") == ["False", f"{table} True", refused]
    (tmp_path / "toy_loops.py").write_text(LOOP.replace("+= factor", "+= 10 * factor"))
    assert fresh(RUN, tmp_path, "scaled")[:2] == ["False", "[[21.0, 21.0, 21.0], [41.0, 41.0, 41.0]] True"]


def test_two_processes_may_fill_an_empty_cache_at_once(tmp_path):
    (tmp_path / "toy_loops.py").write_text(LOOP)
    table = "[[3.0, 3.0, 3.0], [5.0, 5.0, 5.0]]"
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: fresh(RUN, tmp_path, "scaled"), range(2)))
    assert all(lines[1].startswith(table) for lines in both)
    assert len(list((tmp_path / "cache").rglob("*.o"))) == 1
    assert fresh(RUN, tmp_path, "scaled")[:2] == ["True", f"{table} False"], "what they left is whole"


EMITTED = """
import ctypes
import sys
from llvmlite import ir
from genolab.kernel import emitted

def emit(module, name):
    number = ir.IntType(64)
    made = ir.Function(module, ir.FunctionType(ir.VoidType(), [number.as_pointer()]), name)
    builder = ir.IRBuilder(made.append_basic_block("entry"))
    builder.store(builder.mul(builder.load(made.args[0]), number(STEP)), made.args[0])
    builder.ret_void()
"""

CALL = """
import ctypes
import sys
from toy_emitted import emit
from genolab.kernel import emitted
value = ctypes.c_int64(7)
ctypes.CFUNCTYPE(None, ctypes.c_void_p)(emitted.address_of("toy_emitted", "times", emit))(ctypes.addressof(value))
print(value.value, "numba" in sys.modules)
"""


def test_an_emitted_function_is_kept_by_sources_and_processor_and_made_again_when_damaged(tmp_path, monkeypatch):
    source = tmp_path / "toy_emitted.py"
    source.write_text(EMITTED.replace("STEP", "3"))
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: fresh(CALL, tmp_path), range(2)))
    assert [lines[0].split()[0] for lines in both] == ["21", "21"], "two processes may make it at once"
    (entry,) = (tmp_path / "cache").rglob("*.o")
    assert fresh(CALL, tmp_path) == ["21 False"], "what they left is whole, and needs no Numba"
    entry.write_bytes(entry.read_bytes()[:-9])
    assert fresh(CALL, tmp_path) == ["21 True"]
    entry.write_bytes(b"")
    assert fresh(CALL, tmp_path) == ["21 True"]
    assert fresh(CALL, tmp_path) == ["21 False"]
    source.write_text(EMITTED.replace("STEP", "5"))
    assert fresh(CALL, tmp_path) == ["35 True"], "other sources"
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    assert fresh(CALL, tmp_path) == ["35 True"], "another processor"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owner here")
def test_what_others_can_write_is_not_run(cache):
    store.store("loop.o", "key", b"code")
    (path,) = cache.rglob("loop.o")
    assert store.load("loop.o", "key") == b"code"
    path.chmod(0o646)
    assert store.load("loop.o", "key") is None
    path.chmod(0o644)
    assert store.load("loop.o", "key") == b"code"


def test_machine_code_that_needs_numba_runs_and_is_not_kept(tmp_path):
    (tmp_path / "toy_loops.py").write_text(LOOP)
    assert fresh(RUN, tmp_path, "allocating")[:2] == ["False", "[[222.0, 1.0, 1.0], [1.0, 1.0, 1.0]] True"]
    assert not list((tmp_path / "cache").rglob("*.o"))


CALLING = """
import hashlib, sys
import genolab as gl
phage = gl.data.example("phage")
calls = gl.call.call_variants(phage.reads, phage.reference, region="NC_001416.1:1-4,000")
said = repr([(p, r, a, g, q.round(9).tolist()) for p, r, a, g, q in zip(
    calls.position, calls.reference, calls.alternates, calls.genotype, calls.log10_likelihood)])
print(len(calls) > 3, hashlib.sha256(said.encode()).hexdigest())
print(len(calls.explain(calls.contig[0], int(calls.position[0]) + 1).read_columns["name"]) > 3)
print([name for name in ("pytensor", "numba", "pandas", "scipy", "bokeh") if name in sys.modules])
"""


def test_a_call_loads_pytensor_without_a_cache_and_nothing_with_one_and_says_the_same(tmp_path):
    first, second = fresh(CALLING, tmp_path), fresh(CALLING, tmp_path)
    assert first[:2] == second[:2]
    assert first[0].startswith("True")
    assert first[1:] == ["True", "['pytensor']"]
    assert second[2] == "[]"

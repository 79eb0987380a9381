"""Where a person waits the definition answers until the loop is compiled; a call from Python runs the loop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pytest

import genolab
from genolab.kernel.at_once import MOST, at_once
from genolab.kernel.into import into
from genolab.kernel.kernel import Kernel
from genolab.spec import Spec, Symbol

Values = Annotated[Symbol, Spec("place", "float64", "any numbers")]


class Doubled(NamedTuple):
    double: Values


def made(calls: list[str]) -> Kernel:
    """A kernel as a new process has it; its loop says that it ran."""

    def doubled(values: Values) -> Doubled:
        """Twice the values."""
        return Doubled(2 * values)

    one = Kernel(doubled, at_once=True)

    @one.driven
    def _loop(values: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        calls.append("loop")
        out = np.empty_like(values) if out is None else out
        return np.multiply(values, 2, out=out)

    return one


@pytest.fixture(autouse=True)
def _no_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path))
    monkeypatch.setattr("genolab.kernel.at_once._compiled", set())


def test_a_call_from_python_runs_the_loop() -> None:
    calls: list[str] = []
    assert made(calls)(np.ones(3)).double.tolist() == [2, 2, 2]
    assert calls == ["loop"]


def test_where_a_person_waits_the_definition_answers_until_the_loop_is_compiled() -> None:
    calls: list[str] = []
    doubled = made(calls)
    with at_once() as behind:
        for _ in range(2):
            assert doubled(np.arange(3.0)).double.tolist() == [0, 2, 4]
    assert calls == []
    assert len(behind) == 1
    assert list(behind.compile()) == ["doubled"]
    assert calls == ["loop"]
    assert len(behind) == 0
    with at_once() as behind:
        doubled(np.ones(3))
    assert calls == ["loop", "loop"]
    assert len(behind) == 0


def test_the_next_process_knows_what_an_earlier_one_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    made(calls)(np.ones(3))
    monkeypatch.setattr("genolab.kernel.at_once._compiled", set())
    with at_once() as behind:
        made(calls)(np.ones(3))
    assert calls == ["loop", "loop"]
    assert len(behind) == 0


def test_another_source_or_processor_has_compiled_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    made(calls)(np.ones(3))
    monkeypatch.setattr("genolab.kernel.at_once._compiled", set())
    monkeypatch.setattr("genolab.kernel.at_once._sources", lambda _package: "another")
    with at_once() as behind:
        made(calls)(np.ones(3))
    assert calls == ["loop"]
    assert len(behind) == 1


def test_what_takes_longer_than_a_compiler_goes_to_the_loop() -> None:
    calls: list[str] = []
    with at_once() as behind:
        made(calls)(np.ones(MOST + 1))
    assert calls == ["loop"]
    assert len(behind) == 0


def test_an_answer_goes_into_the_callers_array() -> None:
    calls: list[str] = []
    values = np.arange(3.0)
    with at_once():
        result = into(made(calls), values, values)
    assert result.double is values
    assert values.tolist() == [0, 2, 4]
    assert calls == []


def test_a_kernel_that_does_not_say_so_waits_for_its_loop() -> None:
    waiting = [each.name for each in genolab.kernels() if not each.at_once and each._implementation is not None]
    assert {"pairwise_scores", "dispersions", "copied_pairs"} <= set(waiting)  # recurrences


def test_every_kernel_that_answers_at_once_has_a_loop_and_its_definition_none() -> None:
    from pytensor.graph.traversal import ancestors
    from pytensor.scan.op import Scan

    for each in genolab.kernels():
        if each.at_once:
            assert each._implementation is not None, each.name
            found = ancestors(each.definition.graph.outputs)
            assert not any(isinstance(one.owner.op, Scan) for one in found if one.owner is not None), each.name

"""A loop as plain Python gives what the compiled one does, and only where a person waits for something small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numba import njit

from genolab.kernel import uncompiled
from genolab.kernel.at_once import at_once


@njit
def _twice(x):  # type: ignore[no-untyped-def]
    return 2 * x


@njit
def _fill(values, out):  # type: ignore[no-untyped-def]
    for k in range(values.size):
        out[k] += _twice(values[k])
    return out.sum()


@pytest.fixture(autouse=True)
def _new_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path))
    monkeypatch.setattr("genolab.kernel.at_once._compiled", set())
    monkeypatch.setattr(uncompiled, "_ran", set())


def test_python_answers_until_the_loop_is_compiled_on_copies() -> None:
    values, out = np.arange(3.0), np.zeros(3)
    with at_once() as behind:
        assert uncompiled.run(_fill, values, out) == 6
    assert out.tolist() == [0, 2, 4]
    assert not _fill.signatures
    assert not _twice.signatures
    assert list(behind.compile()) == ["_fill"]
    assert _fill.signatures
    assert out.tolist() == [0, 2, 4]
    with at_once() as behind:
        assert uncompiled.run(_fill, values, out) == 12
    assert len(behind) == 0

"""First answers of panels on a machine without caches, and the loops that are compiled behind them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from genolab.panels.align import AlignPanel
from genolab.panels.prepare import PreparePanel


def test_on_a_machine_without_caches_the_definitions_answer_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = PreparePanel()
    assert example.wait(300)
    assert example._compiling.wait(300)  # this one may have been the first on its machine
    example = PreparePanel()
    assert example.wait(300)
    asked = {"log_cpm", "tmm", "batch_moments", "correct_batches", "count_quantiles", "detected"}
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path))
    compiled: set[tuple[str, ...]] = set()
    monkeypatch.setattr("genolab.kernel.at_once._compiled", compiled)
    panel = PreparePanel()
    assert panel.wait(300)
    pd.testing.assert_frame_equal(panel.prepared, example.prepared, rtol=1e-5, atol=1e-5)  # single precision
    assert panel._compiling.wait(300)
    assert asked <= {name.rpartition(".")[2] for name, *_ in compiled}


def test_on_a_machine_without_caches_a_small_pair_is_aligned_before_the_loops_are_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = AlignPanel("GATTACA", "GATCA")
    assert panel.wait(300)
    assert panel._compiling.wait(300)  # this one may have been the first on its machine
    panel.align()
    assert panel.wait(300)
    wanted, engine = panel.alignments.to_frame(), panel.bar.engine.text
    monkeypatch.setenv("GENOLAB_CACHE", str(tmp_path))
    monkeypatch.setattr("genolab.kernel.at_once._compiled", set())
    monkeypatch.setattr("genolab.kernel.uncompiled._ran", set())
    fresh = AlignPanel("GATTACA", "GATCA")
    assert fresh.wait(300)
    pd.testing.assert_frame_equal(fresh.alignments.to_frame(), wanted)
    assert fresh.stage.shown.pair.matrix.count == panel.stage.shown.pair.matrix.count
    assert "plain Python" in fresh.bar.engine.text
    assert fresh._compiling.wait(300)
    fresh.align()
    assert fresh.wait(300)
    assert fresh.bar.engine.text == engine

"""`genolab train` and `genolab predict`, and a training whose process is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import genolab as gl
from genolab.cli import main


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    lines = ["sequence,label,family"]
    for k in range(120):
        text = "".join(rng.choice(list("ACGT"), 40))
        if k % 2:
            text = text[:12] + "TATAATG" + text[19:]
        lines.append(f"{text},{'with' if k % 2 else 'without'},f{k // 4}")
    path = tmp_path_factory.mktemp("table") / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_train_then_predict(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.glmodel"
    assert main(["train", str(table), "--output", str(model), "--network", "kmer_logistic", "--split", "family",
                 "--json"]) == 0  # fmt: skip
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert err.startswith("leak check: ")
    assert {row["of"] for row in told["scores"]} == {"model", "baseline (word counts)"}
    card = gl.predict.load(model).card_
    assert card["scores"] == told["scores"]
    fasta = tmp_path / "s.fa"
    fasta.write_text(">a\n" + "ACGTACGTACGTTATAATGACGTACGTACGTACGTACGTA\n")
    assert main(["predict", str(model), str(fasta), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["name"] == "a"
    assert row["with"] + row["without"] == pytest.approx(1)
    assert main(["predict", str(model)]) == 1
    assert "neither" in capsys.readouterr().err
    assert main(["train", str(table), "--output", str(model), "--split", "chromosome"]) == 1
    assert "Name a column" in capsys.readouterr().err


SCRIPT = """
import sys, time, numpy as np
import genolab as gl
table = gl.io.read_labelled(sys.argv[1])
model = gl.predict.SequenceClassifier("deepbind", epochs=4, seed=3, batch_size=16)
slow = (lambda *_: time.sleep(0.05)) if sys.argv[3] == "slow" else None
model.fit(table.sequences, table.labels, validation=0.2, checkpoint=sys.argv[2], checkpoint_seconds=0.0, resume=True,
          fused=False, check=False, on_step=slow)
np.savez(sys.argv[2] + ".npz", **model.weights_)
"""


def test_a_killed_training_goes_on_to_the_same_numbers(table: Path, tmp_path: Path) -> None:
    def start(name: str, kind: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", SCRIPT, str(table), str(tmp_path / name), kind])

    killed = start("killed", "slow")
    deadline = time.monotonic() + 120
    while not (tmp_path / "killed").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait(30) == -signal.SIGKILL
    assert not (tmp_path / "killed.npz").exists(), "it was killed before its end"
    assert start("killed", "fast").wait(120) == 0
    assert start("whole", "fast").wait(120) == 0
    one, other = (np.load(tmp_path / f"{name}.npz") for name in ("killed", "whole"))
    assert sorted(one) == sorted(other)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])

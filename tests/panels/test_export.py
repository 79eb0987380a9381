"""The notebook of plain calls, run whole in a kernel of its own: what it computes is what the panels show."""

from __future__ import annotations

from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

from genolab.panels.lab import Lab
from genolab.panels.predict import PredictPanel

SAVE = """
import numpy as np
alignments.to_frame().to_csv("alignments.csv", index=False)
prepared.to_csv("prepared.csv")
judged.table.to_csv("judged.csv")
np.save("output.npy", model.predict(table.sequences[:5]))
"""


@pytest.fixture
def bench(tmp_path: Path) -> Lab:
    """A lab with something of one's own in three panels."""
    draw = np.random.default_rng(1)
    texts = ["".join(draw.choice(list("ACGT"), 30)) for _ in range(80)]
    labels = [int(text.count("G") > text.count("C")) for text in texts]
    pd.DataFrame({"sequence": texts, "label": labels}).to_csv(tmp_path / "sequences.csv", index=False)
    counts = pd.DataFrame(draw.poisson(20, (30, 6)), index=[f"gene{n}" for n in range(30)], columns=list("abcdef"))
    counts.rename_axis("gene").to_csv(tmp_path / "counts.csv")
    (tmp_path / "pair.fa").write_text(f">one\n{texts[0]}{texts[1]}\n>two\n{texts[0][3:]}ACG{texts[1]}\n")

    made = Lab(first="Align", roots=[tmp_path])
    made.panel("Align").take("sequences", tmp_path / "pair.fa", None)
    made.panel("Prepare").take("counts", tmp_path / "counts.csv", None)
    table = tmp_path / "sequences.csv"
    made.panels["Predict"] = PredictPanel(table, split="random", architecture="kmer_logistic", roots=[tmp_path])
    made._hold("Predict", made.panels["Predict"])
    assert made.wait(120)
    return made


def test_align_prepare_and_predict_give_the_same_numbers(bench: Lab, tmp_path: Path) -> None:
    shown = [bench.panel(name) for name in ("Align", "Prepare", "Predict")]
    align, prepare, predict = shown
    assert [panel.refusal_text if panel is align else panel.refusal for panel in shown] == ["", "", ""]
    assert align.alignments is not None
    path = bench.export_notebook(tmp_path / "study.ipynb")
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    book.cells.append(nbformat.v4.new_code_cell(SAVE))
    NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    ours = {"alignments": align.alignments.to_frame(), "judged": predict.run.judged.table, "prepared": prepare.prepared}
    for name, frame in ours.items():
        frame.to_csv(tmp_path / "ours.csv", index=name != "alignments")
        assert (tmp_path / f"{name}.csv").read_text() == (tmp_path / "ours.csv").read_text(), name
    output = predict.run.model.predict(pd.read_csv(tmp_path / "sequences.csv")["sequence"].tolist()[:5])
    np.testing.assert_array_equal(np.load(tmp_path / "output.npy"), output)

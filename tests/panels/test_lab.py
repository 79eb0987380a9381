"""The workbench: one selection, the shelf, sessions that open elsewhere, and ways out of everything at once."""

from __future__ import annotations

import json
import shutil
import threading
import time
import zipfile
from dataclasses import fields
from pathlib import Path

import ipywidgets
import numpy as np
import pandas as pd
import pytest

from genolab import data
from genolab.call import Thresholds
from genolab.errors import FileError, GenolabError, InputError
from genolab.panels.align_controls import AlignControls
from genolab.panels.controls import ThresholdControls
from genolab.panels.lab import Lab, lab
from genolab.panels.parameters import Parameters
from genolab.panels.prepare_catalogue import KINDS, widget_of
from genolab.panels.seam import Selection

REGION = "NC_001416.1:1-5,000"


def wait_until(true) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One's own files: reads with their index, and their reference."""
    made = tmp_path_factory.mktemp("study")
    found = data.example("phage")
    for path in (found.reads, found.reference):
        for each in path.parent.glob(f"{path.name}*"):
            shutil.copy(each, made)
    return made


@pytest.fixture(scope="module")
def bench(folder: Path) -> Lab:
    """A lab on one's own files, moved a little from where it opened."""
    made = lab(folder / "reads.bam", folder / "lambda.fa", REGION, roots=[folder])
    assert made.wait()
    assert made.call.refusal == ""
    made.call.controls.sliders["min_quality"].value = 150
    made.call.pick(1_363, True)
    assert made.wait()
    return made


@pytest.fixture(scope="module")
def saved(bench: Lab, folder: Path) -> Path:
    return bench.save(folder / "session")


# --- shelf and selection


def test_the_shelf_says_what_is_loaded_with_its_digest(bench: Lab, folder: Path) -> None:
    from genolab.io import digest

    found = {entry.held.kind: entry for entry in bench.shelf.entries}
    assert found.keys() == {"reads", "reference", "calls"}
    assert found["reads"].digest == digest(folder / "reads.bam")
    assert found["calls"].held.path is None
    titles = [group["title"] for group in bench.shelf.widget.content["groups"]]
    assert titles == ["reads", "reference", "results"]


def test_a_file_is_put_on_the_shelf_and_one_outside_is_refused(bench: Lab, folder: Path) -> None:
    (folder / "more.csv").write_text("gene,a,b\nx,1,2\n")
    bench.shelf.widget._heard(None, {"kind": "add", "text": str(folder / "more.csv")}, [])
    assert bench.shelf.entries[-1].held.kind == "counts"
    assert [each["tab"] for each in bench.shelf.widget.content["groups"][-1]["items"][0]["opens"]][:1] == ["Prepare"]
    before = len(bench.shelf.entries)
    for text in ("/etc/passwd", str(folder / "missing.bam"), str(folder / "reads.bam.bai")):
        bench.shelf.widget._heard(None, {"kind": "add", "text": text}, [])
        assert bench.shelf.widget.content["said"]
    assert len(bench.shelf.entries) == before
    del bench.shelf.added[:]
    bench.shelf.refresh()


def test_one_selection_is_followed_both_ways(bench: Lab) -> None:
    assert bench.selection.region.startswith("NC_001416.1:1,244-")
    bench.boxes.boxes["region"].value = "NC_001416.1:2,001-2,200"
    assert bench.wait()
    assert bench.call.stage.genome.window.view == (2_000, 2_200)
    bench.call.stage.genome.window.look_at(3_000, 100)
    assert bench.wait()
    wait_until(lambda: bench.boxes.boxes["region"].value == bench.selection.region)
    assert bench.selection.region == "NC_001416.1:2,951-3,051"
    bench.select(Selection("chrUn:1-10"))  # a contig that these reads do not have
    assert bench.call.stage.genome.window.view[0] == 2_950
    bench.call.pick(1_363, True)
    assert bench.wait()


# --- sessions


def test_a_session_is_plain_data_and_opens_as_it_was(bench: Lab, saved: Path, folder: Path) -> None:
    assert sorted(path.suffix for path in saved.iterdir()) == [".json", ".npz"]
    with zipfile.ZipFile(next(saved.glob("*.npz"))) as archive:
        assert {each.removesuffix(".npy") for each in archive.namelist()} >= {"Call/position", "Call/quality"}
    again = lab(session=saved, roots=[folder])
    assert again.wait()
    assert again.call.thresholds == bench.call.thresholds
    assert again.call.calls is not None
    pd.testing.assert_frame_equal(again.call.calls.to_frame(), bench.call.calls.to_frame())
    assert again.call.view_state() == bench.call.view_state()
    assert again.call.code == bench.call.code
    assert again.history.past == []
    assert "are those that were saved" in again.board.notices[0]["text"]


def test_on_another_machine_it_says_what_is_missing_changed_and_moved(
    saved: Path, tmp_path: Path, folder: Path
) -> None:
    elsewhere = tmp_path / "study"
    shutil.copytree(folder, elsewhere)
    shutil.move(folder, folder.with_name("gone"))
    try:
        text = (elsewhere / "lambda.fa").read_text()
        (elsewhere / "lambda.fa").write_text(text.replace("GGGCGGCGACCT", "GGGCGGCGACCA", 1))
        made = Lab(roots=[elsewhere])
        found = made.restore(elsewhere / "session")
        assert [each.name for each in found.changed] == ["lambda.fa"]
        assert {each.name for each in found.moved} == {"reads.bam", "lambda.fa"}
        assert found.missing == []
        (elsewhere / "reads.bam").unlink()
        found = made.restore(elsewhere / "session")
        assert [(each.name, each.kind) for each in found.missing] == [("reads.bam", "reads")]
        assert "Missing: reads.bam (reads), it was" in str(found)
        assert made.wait()
    finally:
        shutil.move(folder.with_name("gone"), folder)


class Trap:
    """Becomes a call when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def test_a_forged_session_is_data_and_not_code(saved: Path, tmp_path: Path, folder: Path) -> None:
    import hashlib

    forged = tmp_path / "forged"
    shutil.copytree(saved, forged)
    card = json.loads((forged / "session.json").read_text())

    def write(changed: dict) -> Path:
        (forged / "session.json").write_text(json.dumps(changed))
        return forged

    made = Lab(roots=[folder])
    for name, value in (
        ("format", "other"), ("version", 2), ("panels", [1]), ("panels", {"Call": {"parameters": "x"}}), ("data", [{}]),
        ("selection", {"region": 3}), ("results", {"file": "../../x.npz"}), ("shown", None),
    ):  # fmt: skip
        with pytest.raises(FileError, match=r"session\.json"):
            made.restore(write(card | {name: value}))
    path = next(forged.glob("*.npz"))
    np.savez(path, trap=np.array([Trap()], dtype=object))
    with pytest.raises(FileError, match="other content"):
        made.restore(write(card))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(FileError, match=r"numbers or text|plain arrays"):
        made.restore(write(card | {"results": card["results"] | {"digest": f"sha256:{digest}"}}))
    shutil.copytree(saved, forged, dirs_exist_ok=True)
    parameters = {"reads": "/etc/passwd", "reference": "/etc/passwd", "QUAL": "__import__('os').abort()", "GQ": 1e12}
    panels = {"Call": {"parameters": parameters, "view": {"window": ["x"], "position": [1]}, "code": "1/0"}}
    found = made.restore(write(card | {"panels": panels | {"../x": panels["Call"]}, "data": []}))
    assert made.wait()
    assert found.left["../x"] == ["the whole panel"]
    assert "QUAL" in found.left["Call"]
    made.call.call()
    assert made.wait()
    assert "inside" in made.call.refusal


def test_a_folder_with_other_files_is_not_written_over(bench: Lab, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(FileError, match="a folder with other files"):
        bench.save(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_results_say_when_they_are_no_longer_the_same(
    bench: Lab, saved: Path, tmp_path: Path, folder: Path
) -> None:
    from genolab.io.sessions import read_session, write_session

    card, arrays = read_session(saved)
    arrays["Call/quality"][0] += 1
    copy = write_session(tmp_path / "copy", card, arrays)
    again = Lab(roots=[folder])
    found = again.restore(copy)
    assert again.wait()
    assert found.differs == {"Call": ["quality"]}
    assert any("other results than saved: quality" in each["text"] for each in again.board.notices)


# --- ways out


def test_the_notebook_gives_the_same_numbers(bench: Lab, tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    path = bench.export_notebook(tmp_path / "study.ipynb")
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    last = "import sys\ntable.to_csv('table.csv', index=False)\nprint('ipywidgets' in sys.modules, why.verdict)"
    book.cells.append(nbformat.v4.new_code_cell(last))
    NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    bench.call.calls.to_frame().to_csv(tmp_path / "ours.csv", index=False)
    assert (tmp_path / "table.csv").read_text() == (tmp_path / "ours.csv").read_text()
    assert book.cells[-1].outputs[0].text == "False called\n"
    with pytest.raises(InputError, match="ipynb"):
        bench.export_notebook(tmp_path / "study.py")


def test_the_report_holds_figures_table_and_provenance(bench: Lab, tmp_path: Path) -> None:
    text = bench.report(tmp_path / "study.html").read_text()
    (tmp_path / "again").mkdir()
    assert text == bench.report(tmp_path / "again" / "study.html").read_text(), "the same bytes"
    assert text.count('class="plot"') == 2
    assert "Why NC_001416.1:1,364 A&gt;G was called" in text
    assert next(e.digest for e in bench.shelf.entries if e.held.kind == "reads") in text
    assert f"<td>{bench.call.calls.sample}</td>" in text or bench.call.calls.sample in text
    with pytest.raises(InputError, match="html"):
        bench.report(tmp_path / "study.pdf")
    with pytest.raises(GenolabError, match="nothing to report"):
        Lab(call=None, first="Graph").report(tmp_path / "none.html")


# --- help, keys, and what does not wait


def test_a_click_hands_the_calls_on(bench: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    monkeypatch.setattr(bench.call, "on_variants", given.append)
    assert bench.call.onward.layout.display is None
    bench.call.onward.click()
    assert given == [bench.call.calls]


def test_every_control_has_help() -> None:
    nothing = [lambda *_: None] * 3
    controls = [*ThresholdControls().sliders.values()]
    controls += Parameters(ipywidgets.VBox([*(a := AlignControls(*nothing)).main, *a.more])).controls().values()
    for kind in KINDS:
        defaults = kind.parameters()
        controls += [widget_of(control, defaults[name]) for name, control in kind.controls.items()]
    assert len(controls) > 40
    wrong = []
    for each in controls:
        said, parts = each.tooltip or "", ("usually", "Too low", "Too high") if hasattr(each, "step") else ()
        wrong += [f"{each.description}: {said!r}"] if len(said) < 15 else []
        wrong += [f"{each.description} has no {part!r}" for part in parts if part not in said]
    assert wrong == []
    assert len(ThresholdControls().sliders) == len(fields(Thresholds))


def test_a_tab_is_in_front_before_its_panel_is_made(bench: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    real = bench.panel
    monkeypatch.setattr(bench, "panel", lambda tab: (go.wait(20), real(tab))[1])
    bench.tabs["Align"].click()
    assert bench.shown == "Align"
    assert bench._waiting.text.startswith("Opening Align")
    bench._key("tab 3")
    assert bench.shown == "Call"
    go.set()
    assert bench._opening.wait(60)
    assert bench.shown == "Call"
    assert bench.panels["Align"].body.layout.display == "none"
    assert bench.wait()
    del bench.panels["Align"]

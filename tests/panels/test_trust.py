"""A page that lies: messages that change what only the kernel may say, paths that lead elsewhere."""

from __future__ import annotations

from pathlib import Path

import ipywidgets
import pytest

from genolab.errors import InputError
from genolab.panels.page import Facts, Says
from genolab.panels.paths import Allowed
from genolab.panels.prepare import PreparePanel
from genolab.panels.trust import LONGEST, guard


def forge(widget: ipywidgets.Widget, **state: object) -> None:
    """What the kernel does with a message of the page."""
    widget._handle_msg({"content": {"data": {"method": "update", "state": state, "buffer_paths": []}}, "buffers": []})


def test_a_page_changes_values_and_nothing_else() -> None:
    slider = ipywidgets.IntSlider(min=0, max=10, value=3)
    text = ipywidgets.Text("a", disabled=True)
    choice = ipywidgets.Dropdown(options=["a", "b"])
    box = ipywidgets.VBox([slider, ipywidgets.HBox([text, choice])])
    guard(box)
    forge(slider, max=1000, value=900)
    assert (slider.max, slider.value) == (10, 10)
    forge(slider, value=4)
    assert slider.value == 4
    forge(text, disabled=False, value="b")
    forge(text, value="c")
    assert (text.disabled, text.value) == (True, "a")
    forge(choice, _options_labels=["a", "b", "/etc/passwd"], index=1)
    assert choice.value == "b"
    assert choice.options == ("a", "b")
    with pytest.raises(Exception, match="out of bounds"):
        choice.set_state({"index": 7})
    forge(box, children=[])
    assert len(box.children) == 2
    upload = ipywidgets.FileUpload(accept=".csv")
    box.children = (*box.children, upload)
    forge(upload, accept="", multiple=True)
    assert (upload.accept, upload.multiple) == (".csv", False)
    late = ipywidgets.Textarea()
    box.children = (*box.children, late)
    forge(late, value="x" * (LONGEST + 1))
    assert late.value == ""


def test_what_a_panel_says_is_not_changed_by_a_page_nor_turned_by_a_name() -> None:
    said = Says("reading \u202etxt.mab", details=["sample: \u2066x"])
    assert said.text == "reading \ufffdtxt.mab"
    assert said.content["details"] == ["sample: \ufffdx"]
    guard(said)
    forge(said, content={"text": "all is well"})
    assert said.text == "reading \ufffdtxt.mab"
    facts = Facts()
    facts.show([("file", "a\u200fb")])
    assert facts.rows == {"file": "a\ufffdb"}


@pytest.mark.parametrize(
    "name",
    ["https://h/x", "s3://b/x.bam", "x.bam##idx##y", "x\0.bam", "-o", "/dev/zero", "/etc/passwd", "a/../../../etc/x"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        Allowed([tmp_path]).check(name, "reads")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out.bam").write_bytes(b"x")
    (tmp_path / "in" / "link.bam").symlink_to(tmp_path / "out.bam")
    allowed = Allowed([tmp_path / "in"])
    with pytest.raises(InputError, match="inside"):
        allowed.check(str(tmp_path / "in" / "link.bam"), "reads")
    assert allowed.complete(str(tmp_path / "out"), (".bam",)) == []


def test_a_file_refused_for_its_size_is_read_anyway_when_its_button_is_pressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("gene,a,b,c\n" + "".join(f"g{i},{i},{i + 1},{i + 2}\n" for i in range(300)))
    panel = PreparePanel(table, roots=[tmp_path])
    assert panel.wait()
    button = panel.stage.refusal.anyway
    assert panel.stage.refusal.layout.display == "none"
    monkeypatch.setenv("GENOLAB_MEMORY", "0.000001")
    button.click()  # as a page may that shows no such button
    panel.read()
    assert panel.wait()
    assert "at most 1.1 kB of memory" in panel.refusal
    assert button.layout.display == "flex"
    button.click()
    assert panel.wait()
    assert panel.refusal == ""
    assert panel.loaded is not None
    panel.stage.refusal.show(InputError("x", "y", "one thing", "another"))
    assert button.layout.display == "none"

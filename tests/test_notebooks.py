"""The workshop: every notebook runs from top to bottom, and is stored without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = [*sorted((ROOT / "notebooks").glob("*.ipynb")), ROOT / "genolab" / "app.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_stored_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs(path, tmp_path):
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(MEMORY))
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    streams = [each.text for cell in code for each in cell.outputs if each.get("name") == "stderr"]
    assert streams == [], "a notebook that works says nothing on stderr"
    assert int(said(code[-1])) < 2e9, "it must run on a small machine"
    exercises = [said(cell) for cell in code if "# your turn" in cell.source]
    assert all("Nothing is" in text or "Right" not in text for text in exercises), exercises
    solutions = [said(cell) for cell in code if "solution" in cell.metadata.get("tags", ())]
    assert all("Right" in text for text in solutions), solutions
    assert path.name in ("00_start.ipynb", "app.ipynb") or len(exercises) >= len(solutions) >= 2


MEMORY = """
import re, resource, sys
from pathlib import Path
if sys.platform == "linux":  # there, getrusage counts what the parent of the process took as well
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
print(peak)
"""


def said(cell: nbformat.NotebookNode) -> str:
    """What a cell printed, and its value."""
    return "".join(each.get("text", "") or each.get("data", {}).get("text/plain", "") for each in cell.outputs)

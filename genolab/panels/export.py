"""Ways out of the whole lab: a notebook of plain calls, and a report."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolab import __version__
from genolab.errors import GenolabError, InputError
from genolab.io.atomic import save_text
from genolab.panels.session import references
from genolab.plots import report as reports

if TYPE_CHECKING:
    from genolab.panels.lab import Lab


def notebook_text(lab: Lab) -> str:
    """A notebook (nbformat 4.5) whose cells are the calls of every panel that shows something, as text.

    Raises
    ------
    GenolabError
        If no panel shows anything yet.
    """
    parts = [(name, panel.code) for name, panel in list(lab.panels.items()) if panel.code.strip()]
    if not parts:
        raise GenolabError("There is nothing to write yet: open something first.")
    cells = [_words(f"# What the lab showed\n\nPlain calls, written by genolab {__version__}. Run all cells.")]
    for name, code in parts:
        cells += [_words(f"## {name}"), _code(code)]
    for number, cell in enumerate(cells):
        cell["id"] = f"genolab-{number}"
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    made = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def write(lab: Lab, path: str | os.PathLike[str]) -> Path:
    """Write :func:`notebook_text` to a file that ends in .ipynb.

    Raises
    ------
    InputError, FileError
        If the name ends in something else, or the file cannot be written.
    """
    target = Path(path)
    if target.suffix != ".ipynb":
        raise InputError("export_notebook", "path", "a name that ends in .ipynb", repr(target.name))
    return save_text(target, notebook_text(lab), "export_notebook")


def sections(lab: Lab) -> list[reports.Section]:
    """The sections of every panel that shows something, the one in front first, and what all of it is from."""
    import pandas as pd

    order = sorted(lab.panels, key=lambda name: name != lab.shown)
    found = [each for name in order if hasattr(lab.panels[name], "report") for each in lab.panels[name].report()]
    if not found:
        raise GenolabError("There is nothing to report yet: open something first.")
    columns = ["panel", "kind", "name", "place", "size", "digest"]
    files = [vars(each) for each in references(lab, Path.cwd())]
    data = pd.DataFrame(files, columns=columns).rename(columns={"size": "bytes"})
    if len(data):
        said = ["Every file with the digest of its content, so that the same input can be told from another."]
        found.append(reports.Section("Data", said, tables={"Files": data}))
    return found


def report_text(lab: Lab) -> str:
    """The report of a lab as one HTML text."""
    return reports.page(sections(lab))


def report(lab: Lab, path: str | os.PathLike[str]) -> Path:
    """Write the report of a lab to a file that ends in .html."""
    return reports.write(sections(lab), path)


def _words(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> dict[str, Any]:
    source = text.rstrip("\n").splitlines(keepends=True)
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": source}

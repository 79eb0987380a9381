"""The documentation: docstrings, the notebooks as they are stored, and the pages here; built without a network.

make docs        # into build/docs
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

project = "genolab"
copyright = "the genolab authors, BSD-3-Clause"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_math_renderer = "mathml"
html_theme = "furo"
html_title = "genolab"
exclude_patterns = ["_build"]
suppress_warnings = ["misc.highlighting_failure"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
autodoc_typehints = "signature"
autodoc_member_order = "alphabetical"
napoleon_google_docstring = False


def notebook_text(path: Path) -> str:
    """A notebook as a page of MyST: its text and code in order, solutions folded."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = [f"```{{note}}\nThis is `notebooks/{path.name}`: open it with `genolab lab`, change it, run it.\n```"]
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
        elif "solution" in cell["metadata"].get("tags", ()):
            parts.append(f":::{{admonition}} Solution\n:class: dropdown\n```python\n{text}\n```\n:::")
        else:
            parts.append(f"```python\n{text}\n```")
    title = next(part for part in parts if part.startswith("# "))
    heading, _, rest = title.partition("\n")
    parts[parts.index(title)] = rest.strip()
    return "\n\n".join([heading, *parts]) + "\n"


def commands_text() -> str:
    """Every command with its help, as the parser prints it."""
    from genolab import cli

    parts = ["# Command line", "```text", cli._parser([]).format_help(), "```"]
    for name in cli.COMMANDS:
        parser = cli._parser([name])
        chosen = parser._subparsers._group_actions[0].choices[name]  # type: ignore[union-attr,index]
        chosen.formatter_class = _Narrow
        parts += [f"## genolab {name}", "```text", chosen.format_help(), "```"]
    return "\n".join(parts) + "\n"


def _Narrow(prog: str) -> Any:  # noqa: N802  argparse calls it as a class
    import argparse

    return argparse.HelpFormatter(prog, width=100)


def pages() -> Iterator[tuple[str, str]]:
    """Names and text of the pages that are made when the site is built."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        yield f"notebooks/{path.stem}", notebook_text(path)
    yield "reference/commands", commands_text()
    yield "made/architecture", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").replace("](docs/", "](../")


def skip_metadata(app: Any, what: str, name: str, member: Any, skip: bool, options: Any) -> bool:
    """scikit-learn's routing of metadata is none of ours to document."""
    return skip or name == "get_metadata_routing" or (name.startswith("set_") and name.endswith("_request"))


def write_math(translator: Any, node: Any) -> None:
    """Formulas as MathML, which the browser typesets: no script, no network."""
    from docutils import nodes
    from latex2mathml.converter import convert

    display = "inline" if isinstance(node, nodes.math) else "block"
    translator.body.append(convert(node.astext(), display=display))
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Write the pages that are made beside the others before Sphinx looks for them."""
    app.connect("autodoc-skip-member", skip_metadata)
    app.add_html_math_renderer("mathml", (write_math, None), (write_math, None))
    for name, text in pages():
        path = Path(app.srcdir) / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")

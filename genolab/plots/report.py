"""A report: one HTML file with live plots, tables and where everything is from. It opens anywhere and asks for nothing.

Every word that may come from a file is escaped here, and only here; figures travel as data that BokehJS reads. The page
forbids itself every request (Content-Security-Policy) and runs only the scripts that bear its nonce. It is dark where
the browser asks for dark, and white on paper.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genolab import __version__
from genolab.errors import InputError
from genolab.plots import style
from genolab.text import csv_of, plain

if TYPE_CHECKING:
    import pandas as pd
    from bokeh.document import Document
    from bokeh.model import Model

MOST_ROWS = 500
"""Rows of a table that are shown; all of them are in its CSV."""
_FILES = Path(__file__).parent
_MODEL = re.compile(r'"id":"(p\d+)"')


def escape(text: str) -> str:
    """Text from anywhere as HTML that shows it: no name makes an element, or turns the words around it."""
    return html.escape(plain(text, lines=True))


@dataclass(frozen=True)
class Figure:
    """A Bokeh model that no document has, with a sentence; ``height`` (pixels) where it fills what it is given."""

    model: Model
    caption: str = ""
    height: int | None = None


@dataclass(frozen=True)
class Section:
    """One result: sentences, numbers with their names, figures, tables, the calls that give it, and its provenance."""

    title: str
    sentences: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    code: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)


def write(sections: Sequence[Section], path: str | os.PathLike[str], title: str = "genolab report") -> Path:
    """Write :func:`page` to a file that ends in .html; an old one is replaced as a whole or not at all.

    Raises
    ------
    InputError, FileError
        If the name ends in something else, or the file cannot be written.
    """
    from genolab.io.atomic import save_text

    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError("report", "path", "a name that ends in .html", repr(target.name))
    return save_text(target, page(sections, title), "report")


def page(sections: Sequence[Section], title: str = "genolab report") -> str:
    """The report as one HTML text: the same sections give the same numbers, figures and words."""
    figures: list[dict[str, Any]] = []
    parts = [_section(number, each, figures) for number, each in enumerate(sections)]
    links = "".join(f'<a href="#section-{n}">{escape(each.title)}</a>' for n, each in enumerate(sections))
    body = (
        f"<header><h1>{escape(title)}</h1><p>made by genolab {escape(__version__)}; plots are live, nothing "
        f"leaves this page</p><nav>{links}</nav></header><main>{''.join(parts)}</main>"
    )
    data = _as_script_data(figures)
    scripts = [f'<script type="application/json" id="genolab-figures">{data}</script>'] if figures else []
    own = [*_bokeh(figures), (_FILES / "report.js").read_text(encoding="utf-8")]
    nonce = hashlib.sha256((body + data).encode()).hexdigest()[:24]
    scripts += [f'<script nonce="{nonce}">{code}</script>' for code in own]
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}' 'unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )
    look = (_FILES / "report.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>{look}</style></head><body>{body}{''.join(scripts)}</body></html>\n"
    )


def _section(number: int, section: Section, figures: list[dict[str, Any]]) -> str:
    parts = [f'<section id="section-{number}"><h2>{escape(section.title)}</h2>']
    parts += [f"<p>{escape(each)}</p>" for each in section.sentences]
    if section.facts:
        cells = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in section.facts.items())
        parts.append(f"<dl>{cells}</dl>")
    for figure in section.figures:
        name = f"figure-{len(figures)}"
        figures.append({"id": name, **_content(figure.model)})
        height = f' style="height: {int(figure.height)}px"' if figure.height is not None else ""
        caption = f"<figcaption>{escape(figure.caption)}</figcaption>" if figure.caption else ""
        parts.append(f'<figure><div class="plot" id="{name}"{height}></div>{caption}</figure>')
    parts += [_table(name, frame) for name, frame in section.tables.items()]
    if section.code:
        parts.append(f"<details><summary>The calls that give this</summary><pre>{escape(section.code)}</pre></details>")
    if section.provenance:
        text = json.dumps(section.provenance, indent=1, default=str, ensure_ascii=False)
        parts.append(f"<details><summary>Where it is from</summary><pre>{escape(text)}</pre></details>")
    return "".join([*parts, "</section>"])


def _table(title: str, frame: pd.DataFrame) -> str:
    shown = frame.head(MOST_ROWS)
    numeric = [str(kind) != "object" and getattr(kind, "kind", "O") in "iuf" for kind in frame.dtypes]
    head = "".join(
        f'<th scope="col"{" class=number" if number else ""}><button type="button">{escape(str(name))}</button></th>'
        for name, number in zip(frame.columns, numeric, strict=True)
    )
    rows = []
    for row in shown.itertuples(index=False):
        cells = zip(row, numeric, strict=True)
        rows.append(
            "".join(
                f'<td class="number" data-value="{_plain(value)}">{escape(_number(value))}</td>'
                if number
                else f"<td>{escape(plain(str(value)))}</td>"
                for value, number in cells
            )
        )
    count = f"{len(frame):,} rows" if len(shown) == len(frame) else f"the first {len(shown):,} of {len(frame):,} rows"
    csv = base64.b64encode(csv_of(frame).encode()).decode()
    link = f'<a download="{escape(_file_name(title))}.csv" href="data:text/csv;base64,{csv}">save all as CSV</a>'
    body = "".join(f"<tr>{each}</tr>" for each in rows)
    return (
        f"<h3>{escape(title)} <small>{count}; {link}</small></h3>"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _number(value: Any) -> str:
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return "" if math.isnan(value) else f"{value:,.4g}"


def _plain(value: Any) -> str:
    return repr(float(value))


def _file_name(title: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in title)[:80]


def _content(model: Model) -> dict[str, Any]:
    """A figure in the light theme, as the data that BokehJS reads, and what the dark theme changes in its models."""
    from bokeh.document import Document

    if model.document is not None:
        raise InputError("report", "figure", "a model that no document has", f"{model}", "make a new figure")
    document = Document(theme=style.theme(False))
    document.add_root(model)
    try:
        content = document.to_json(deferred=False)
        light = _themed(document)
        document.theme = style.theme(True)
        changes = [
            {"id": name, "values": values}
            for name, dark in _themed(document).items()
            if (values := {key: value for key, value in dark.items() if light[name].get(key) != value})
        ]
        made: dict[str, Any] = json.loads(_plain_json({"content": content, "dark": changes}))
    finally:
        document.clear()
    return made


def _themed(document: Document) -> dict[str, dict[str, Any]]:
    """What the models have of the theme, by their number; what a picture set itself is as it was set."""
    models = sorted(document.models, key=lambda each: (len(each.id), each.id))
    return {each.id: {name: getattr(each, name) for name in each.themed_values() or ()} for each in models}


def _plain_json(value: Any) -> str:
    """A document as JSON, its models numbered from 1, so that the same figure is the same text."""
    from bokeh.core.json_encoder import serialize_json

    numbers: dict[str, str] = {}
    text = str(serialize_json(value))
    return _MODEL.sub(lambda found: f'"id":"{numbers.setdefault(found[1], f"m{len(numbers) + 1}")}"', text)


def _as_script_data(value: Any) -> str:
    """JSON that cannot end the script it stands in."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _bokeh(figures: Sequence[dict[str, Any]]) -> list[str]:
    """BokehJS, of this installation: the parts that the figures need."""
    from bokeh.resources import Resources

    if not figures:
        return []
    text = json.dumps(figures)
    parts = ["bokeh"]
    if '"DataTable"' in text:
        parts += ["bokeh-widgets", "bokeh-tables"]
    found = []
    for name in parts:
        (code,) = Resources(mode="inline", components=[name], log_level="warn").js_raw[:1]
        found.append(code.replace("</script", "<\\/script"))
    return found

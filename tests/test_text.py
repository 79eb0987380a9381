"""Names that would do something on a page or in a spreadsheet do nothing."""

from __future__ import annotations

import csv
from io import StringIO

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genolab.plots import columns, style
from genolab.text import cell, csv_of, plain

HOSTILE = (
    "<img src=x onerror=alert(1)>", "$$\\href{javascript:alert(1)}{x}$$", "\u202egnp.exe", "a\u2066b", "x\0y",
    "a\r=1+1", "a\x1b[2Jb", "=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3",
    "javascript:alert(1)", "'><script>alert(1)</script>", "\\(x\\)",
)  # fmt: skip


def test_formatting_characters_are_shown_and_everything_else_stays() -> None:
    assert plain("sample 1, \u00e9 \u540d") == "sample 1, \u00e9 \u540d"
    assert plain("\u202egnp.exe") == "\ufffdgnp.exe"
    assert plain("a\nb") == "a\ufffdb"
    assert plain("a\nb\tc\r", lines=True) == "a\nb\tc\ufffd"


@given(st.text())
def test_plain_text_holds_nothing_unseen(text: str) -> None:
    shown = plain(text)
    assert len(shown) == len(text)
    assert not set(shown) & set(
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\0\x1b\r\n\x7f"
    )
    assert plain(shown) == shown


@given(st.lists(st.text(min_size=1) | st.sampled_from(HOSTILE), min_size=1, max_size=4))
def test_no_cell_of_a_csv_is_a_formula(names: list[str]) -> None:
    frame = pd.DataFrame({"=name": names, "value": range(len(names))}, index=[f"={name}" for name in names])
    rows = list(csv.reader(StringIO(csv_of(frame, index=True), newline="")))
    assert rows[0] == ["", "'=name", "value"]
    for name, row in zip(names, rows[1:], strict=True):
        shown = plain(name) if set("\r\n") & set(name) else name
        assert row[0] == f"'={shown}"
        assert row[1].lstrip("'") == shown.lstrip("'")
        assert row[1][:1] not in tuple("=+-@|\t\r") or _number(row[1])


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("value", ["-1.5", "+3", "-inf", "1e-5", -2, 3.5, None, "A-1"])
def test_numbers_stay_numbers(value: object) -> None:
    assert cell(value) == value


@pytest.mark.parametrize("name", HOSTILE)
def test_bokeh_gets_plain_text(name: str) -> None:
    shown = style.escape_text(name)
    assert type(shown).__name__ == "PlainText"  # never read as TeX
    assert shown.text == plain(name)
    import numpy as np
    from bokeh.models import ColumnDataSource

    source = ColumnDataSource()
    columns.fill(source, {"name": np.array([name, "x"], object)})
    assert source.data["name"][0] == plain(name, lines=True)
    columns.fill(source, {"name": ["x", name]})
    assert source.data["name"] == ["x", plain(name, lines=True)]

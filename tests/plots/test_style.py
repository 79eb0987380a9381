"""The house look."""

from __future__ import annotations

import re

import pytest
from bokeh.models import CustomJSTickFormatter, NumeralTickFormatter
from bokeh.models.text import PlainText

from genolab.plots import style


def luminance(colour: str) -> float:
    """WCAG's relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read(dark):
    look = style.look(dark)
    assert contrast(look.ink, look.background) >= 7
    assert contrast(look.soft, look.background) >= 4.5
    assert contrast(look.ink, look.match) >= 3


def test_bases_keep_their_colours_by_letter_and_by_code():
    assert tuple(style.BASE_COLOURS[base] for base in "ACGTN") == style.BASE_PALETTE
    assert len(set(style.BASE_PALETTE)) == 5


@pytest.mark.parametrize("size", [3, 11, 255])
def test_signed_ramp_is_white_at_zero(size):
    ramp = style.signed_palette(size)
    assert len(ramp) == size
    assert (ramp[0], ramp[size // 2], ramp[-1]) == ("#0072b2", "#ffffff", "#d55e00")


def test_text_is_drawn_as_it_is():
    made = style.figure(title="a $$x$$ b", x_label=r"\[n\]", x_unit="bp")
    assert isinstance(made.title.text, PlainText)
    assert made.title.text.text == "a $$x$$ b"
    assert made.xaxis[0].axis_label.text == r"\[n\] (bp)"
    assert style.escape_text("a\u202eb\x00").text == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"


def test_formatters_and_tools():
    made = style.figure(x_format="position", y_format="count", wheel_zooms=True)
    assert isinstance(made.xaxis[0].formatter, NumeralTickFormatter)
    assert isinstance(made.yaxis[0].formatter, CustomJSTickFormatter)
    assert made.toolbar.autohide
    assert type(made.toolbar.active_scroll).__name__ == "WheelZoomTool"
    assert style.figure().toolbar.active_scroll is None
    assert style.figure(x_range=["A", "C"]).x_range.factors == ["A", "C"]


def test_themes_name_colours_only_and_are_one_object():
    assert style.theme(True) is style.theme(True)
    assert style.theme(True) is not style.theme(False)
    light, dark = (style.theme(flag)._json["attrs"] for flag in (False, True))
    for model, values in light.items():
        for name, value in values.items():
            if value != dark[model][name]:
                assert re.search("color", name), f"{model}.{name} differs between the themes"

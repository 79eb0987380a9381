"""What a learner types: it computes what NumPy does, a mistake is told in two lines, and nothing else ever runs."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genolab.kernel.expression import EXAMPLES, ExpressionError, kernel_of


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES)
def test_examples_run_and_are_drawn(text: str) -> None:
    kernel = kernel_of(text)
    (result,) = kernel(*kernel.example())
    assert np.isfinite(result).all()
    assert len(kernel.graph_model().nodes) > 3


def test_it_computes_what_numpy_does() -> None:
    kernel = kernel_of("e = pt.exp(x - x.max(axis=1, keepdims=True))\ne / e.sum(axis=1, keepdims=True)")
    (x,) = kernel.example()
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    np.testing.assert_allclose(kernel(x).result, powers / powers.sum(axis=1, keepdims=True), rtol=1e-12)
    assert list(kernel.inputs) == ["x"]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("pt.exp(x", "line 1", "'(' was never closed."),
        ("y = 2\nx + q", "line 2: q", "There is no q; there are x, y, w, k, a, pt."),
        ("x.sum(axis=5)", "line 1: x.sum(axis=5)", "axis (5,) is out of bounds for array of dimension 2"),
        ("pt.dot(x, y)", "when it runs, with x (200, 30), y (200, 30)", "shapes (200,30) and (200,30) not aligned"),
        ("e = x", "the last line", "It must be the expression to compute, such as pt.exp(x)."),
        ("3 + 4", "the whole", "It uses none of the inputs x, y, w, k, a."),
        ("x if a else y", "line 1: x if a else y", "This is not read here"),
    ],
)
def test_a_mistake_is_told_in_two_lines(text: str, place: str, message: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        kernel_of(text)
    assert refused.value.place == place
    assert refused.value.message.startswith(message)
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true') + x",
        "x.__class__",
        "x.owner",
        "x.eval()",
        "pt.basic.np.load(x)",
        "().__class__.__bases__[0] + x",
        "open('/etc/passwd').read() + x",
        "[x for x in y][0]",
        "(lambda: x)()",
        "x.sum.__globals__",
        "pt.exp(*[x])",
        "pt.exp(**a)",
        "x.type",
        "f'{x}'",
        "import os\nx",
        "def f(): pass\nx",
        "del x\ny",
        "global x\ny",
        "pt.zeros((1000000000, 1000000000)) + x",
        "'a' * 999999999 + x",
        "(" * 3000 + "x" + ")" * 3000,
    ],
)
def test_nothing_but_mathematics_is_read(text: str) -> None:
    with pytest.raises(ExpressionError):
        kernel_of(text)


def test_whole_numbers_do_not_grow_without_end() -> None:
    kernel = kernel_of("9**9**9**9 + a")
    assert np.isinf(kernel(*kernel.example()).result)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="xywka.pt()[]+-*/0123456789:,= \nexp", max_size=30))
def test_any_text_is_a_kernel_or_a_refusal(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert kernel_of(text).outputs

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
        ("pt.exp(x", "line 1: pt.exp(x", "'(' was never closed."),
        ("a\nx +", "line 2: x +", "Invalid syntax."),
        ("pt.expp(x)", "line 1: pt.expp(x)", "There is no pt.expp here; did you mean pt.exp or pt.expm1?"),
        ("np.exp(x)", "line 1: np", "There is no np; there are x, y, w, k, a, pt."),
        ("x.maxx()", "line 1: x.maxx()", "There is no .maxx() here; did you mean .max"),
        ("exp(x)", "line 1: exp(x)", "Call a function of pt, such as pt.exp(x)"),
        ("pt.grad(w, w)", "line 1: pt.grad(w, w)", "The gradient has a view of its own"),
        ("x & a", "line 1: x & a", "input to a BitOp must have type (u)int8"),
        ("k[0.5]", "line 1: k[0.5]", "basic indices must be integers"),
        ("pt.concatenate([x, w])", "line 1: pt.concatenate([x, w])", "Only tensors with the same number of dimensions"),
        ("pt.switch(x, y)", "line 1: pt.switch(x, y)", "Wrong number of inputs for Switch.make_node"),
        ("x[500]", "when it runs, with x (200, 30)", "index 500 is out of bounds for axis 0 with size 200"),
        ("0 < x < 1", "line 1: 0 < x < 1", "Compare two things at a time, such as (0 < x) & (x < 1)."),
        ("while True: x", "the last line", "It must be the expression to compute"),
        ("pt.outer(pt.outer(x.flatten(), w).flatten(), x)", "the whole", "It would make an array of 1,080,000,000"),
        ("x[pt.argsort(x)][pt.argsort(x)]", "the whole", "It would make an array of"),
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
        "[1] * 999999999 + x",
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

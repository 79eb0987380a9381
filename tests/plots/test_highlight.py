from __future__ import annotations

import pytest

from genolab.kernel.source import Language
from genolab.plots.highlight import LEXERS, MOST, marks_of

CODE = {
    "python": ('def f(x):  # sum\n    return "é😀" + 1.5\n', {"keyword", "function", "comment", "string", "number"}),
    "c++": ("// sum\nstatic int f(double x) { return 2; }\n", {"keyword", "type", "function", "comment", "number"}),
    "jaxpr": ("{ lambda ; a:f32[3]. let b:f32[3] = exp a in (b,) }", {"keyword", "number"}),
    "llvm": ("; f\ndefine double @f(double %x) {\n  ret double 1.0\n}\n", {"keyword", "type", "comment", "number"}),
    "assembly": ("f:\n\tmovq\t$1, %rax # one\n", {"function", "comment", "number"}),
}


def test_every_language_of_the_sources_is_here() -> None:
    assert set(CODE) == set(LEXERS) == set(Language.__args__)


@pytest.mark.parametrize("language", CODE)
def test_kinds_cover_the_text_letter_by_letter(language: str) -> None:
    text, kinds = CODE[language]
    marks = marks_of(text, language)
    assert sum(length for length, _ in marks) == len(text.encode("utf-16-le")) // 2
    assert kinds <= {kind for _, kind in marks}


def test_a_long_text_is_coloured_at_its_beginning_and_an_unknown_language_not() -> None:
    assert sum(length for length, _ in marks_of("x = 1\n" * MOST, "python")) == MOST
    assert marks_of("x = 1", "cobol") == []

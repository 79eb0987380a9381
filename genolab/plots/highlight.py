"""Code in colours: how many letters are of which kind. The page makes text nodes of them; no markup is ever made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.token import _TokenType

LEXERS = {"python": "python", "c++": "cpp", "jaxpr": "python", "llvm": "llvm", "assembly": "gas"}
MOST = 60_000
"""Letters that are coloured: more would make a page slow, and are shown plain."""


def marks_of(text: str, language: str) -> list[tuple[int, str]]:
    """Runs of letters that together are the text, each with its kind: its length, and ``keyword``, ``string``, ...

    Lengths are in units of UTF-16, as the page counts them. The kind of plain text, and of a language that is not
    known, is empty.
    """
    if language not in LEXERS:
        return []
    from pygments.lexers import get_lexer_by_name

    lexer = get_lexer_by_name(LEXERS[language], stripnl=False, ensurenl=False)
    marks: list[tuple[int, str]] = []
    for token, part in lexer.get_tokens(text[:MOST]):
        length, kind = len(part.encode("utf-16-le")) // 2, _kind(token)
        if marks and marks[-1][1] == kind:
            marks[-1] = marks[-1][0] + length, kind
        else:
            marks.append((length, kind))
    return marks


def _kind(token: _TokenType) -> str:
    from pygments.token import Comment, Keyword, Name, Number, Operator, String

    kinds = {
        Comment: "comment", String: "string", Number: "number", Name.Constant: "number",
        Operator.Word: "keyword", Keyword.Type: "type",
        Keyword: "keyword", Name.Function: "function", Name.Class: "function", Name.Decorator: "function",
        Name.Builtin: "function",
    }  # fmt: skip
    return next((kind for each, kind in kinds.items() if token in each), "")

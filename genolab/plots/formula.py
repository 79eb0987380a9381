"""A docstring as parts to draw: text, code, and formulas as MathML, which browsers typeset without any program."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from typing import Any

TAGS = frozenset(
    ["math", "mi", "mo", "mn", "mrow", "msub", "msup", "msubsup", "mfrac", "msqrt", "mroot", "mover", "munder",
     "munderover", "mtext", "mspace", "mstyle", "mtable", "mtr", "mtd", "mpadded", "mphantom"]
)  # fmt: skip
"""What is drawn of MathML; the page makes these elements and no others."""

ATTRIBUTES = frozenset(
    ["display", "stretchy", "fence", "form", "movablelimits", "accent", "width", "linethickness", "mathvariant",
     "columnalign", "rowspacing", "columnspacing", "displaystyle", "lspace", "rspace", "minsize", "maxsize", "largeop"]
)  # fmt: skip

Part = dict[str, Any]
Tree = list[Any]
"""A MathML element: its tag, its attributes, and its text or its children."""

_PIECES = re.compile(
    r"^\.\. math::(?P<block>(?:.|\n)+?)(?=\n\s*\n|\Z)|:math:`(?P<math>[^`]+)`|:[a-z]+:`~?(?P<role>[^`]*)`"
    r"|``(?P<code>[^`]+)``|`(?P<word>[^`]+)`",
    re.MULTILINE,
)


def described(docstring: str, symbols: Mapping[str, str] | None = None) -> list[Part]:
    """The parts of a docstring in order: ``{"text": ...}``, ``{"code": ...}`` or ``{"math": tree, "block": bool}``.

    ``symbols`` says which symbol of the formulas (in LaTeX) is which variable; elements of that symbol carry the
    variable's name.
    """
    known = {_letters(formula_tree(symbol)): name for symbol, name in (symbols or {}).items() if symbol}
    parts: list[Part] = []
    end = 0
    for found in _PIECES.finditer(docstring):
        parts.append({"text": _flowing(docstring[end : found.start()])})
        formula = found["block"] or found["math"]
        if formula:
            tree = formula_tree(formula, block=found["block"] is not None)
            _name(tree, known)
            parts.append({"math": tree, "block": found["block"] is not None})
        else:
            parts.append({"code": found["code"] or found["role"] or found["word"]})
        end = found.end()
    parts.append({"text": _flowing(docstring[end:])})
    for before, part, after in zip(parts, parts[1:], parts[2:], strict=False):
        if part.get("block"):  # a formula of its own has a line of its own
            before["text"], after["text"] = before["text"].rstrip(), after["text"].lstrip()
    return [part for part in parts if part.get("text") != ""]


def _flowing(text: str) -> str:
    """The page breaks the lines; paragraphs stay."""
    return "\n".join(re.sub(r"\n[ ]*", " ", paragraph) for paragraph in re.split(r"\n\s*\n", text))


def formula_tree(latex: str, block: bool = False) -> Tree:
    """A LaTeX formula as a tree of MathML; one that cannot be read stands as its own text."""
    text = " ".join(latex.split())
    display = {"display": "block" if block else "inline"}
    try:
        lines = [text] if r"\begin" in text else text.split(r"\\")
        rows = [[_converted(cell) for cell in (line.split("&") if len(lines) > 1 else [line])] for line in lines]
    except Exception:  # of a formula that a reader of the code can still read
        return ["math", display, [["mtext", {}, text]]]
    if len(rows) == 1 and len(rows[0]) == 1:
        return ["math", display, rows[0]]
    table = [["mtr", {}, [["mtd", {}, [cell]] for cell in row]] for row in rows]
    return ["math", display, [["mtable", {"columnalign": "right left"}, table]]]


def _converted(latex: str) -> Tree:
    from latex2mathml.converter import convert

    return _plain(next(iter(ElementTree.fromstring(convert(latex)))))


def _plain(element: ElementTree.Element) -> Tree:
    tag = element.tag.rpartition("}")[2]
    attributes = {key: value for key, value in element.attrib.items() if key in ATTRIBUTES}
    children = [_plain(child) for child in element]
    return [tag if tag in TAGS else "mrow", attributes, children or (element.text or "")]


def _name(tree: Tree, known: Mapping[str, str]) -> None:
    """Give elements of a known symbol its variable's name; letters that count or index are none of them."""
    tag, attributes, inside = tree
    if tag in ("mi", "mrow", "mover") and _letters(tree) in known:
        attributes["name"] = known[_letters(tree)]
    elif tag in ("msub", "msup", "msubsup"):
        base = inside[0]
        name = known.get(_letters(tree)) or known.get(_letters(base))
        if name:
            attributes["name"] = name
        else:
            _name(base, known)
        if tag != "msub":
            _name(inside[-1], known)  # a power is computed with; what is below counts
    elif isinstance(inside, list):
        for child in inside:
            _name(child, known)


def _letters(tree: Tree) -> str:
    return "".join(_texts(tree))


def _texts(tree: Tree) -> Iterator[str]:
    inside = tree[2]
    if isinstance(inside, str):
        yield inside
    else:
        for child in inside:
            yield from _texts(child)

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
    ["display", "stretchy", "fence", "form", "movablelimits", "accent", "width", "height", "linethickness",
     "mathvariant", "columnalign", "rowspacing", "columnspacing", "displaystyle", "lspace", "rspace",
     "minsize", "maxsize", "largeop"]
)  # fmt: skip

_AS_TALL = ["mspace", {"width": "0", "height": "0.9em"}, ""]
"""Put into an index: without a font for formulas a browser lowers an index by its height, and a small r stays up."""

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

    ``symbols`` says which symbol of the formulas (in LaTeX, several parted by semicolons) is which variable; elements
    of that symbol carry the variable's name.
    """
    known = {
        _letters(formula_tree(symbol)): name
        for several, name in (symbols or {}).items()
        for symbol in several.split(";")
        if symbol.strip()
    }
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
    if (
        tag in ("msup", "msubsup") and children[-1][2] == "′"
    ):  # as high as it stands in most fonts, and part of the name
        primed = ["mrow", {}, [children[0], ["mo", {"lspace": "0", "rspace": "0"}, "′"]]]
        return primed if tag == "msup" else ["msub", attributes, [primed, _index(children[1])]]
    if tag in ("msub", "msubsup"):
        children[1] = _index(children[1])
    return [tag if tag in TAGS else "mrow", attributes, children or (element.text or "")]


def _index(tree: Tree) -> Tree:
    return ["mrow", {}, [_AS_TALL, tree]]


def _name(tree: Tree, known: Mapping[str, str]) -> None:
    """Give elements of a known symbol its variable's name; letters that count or index are none of them."""
    tag, attributes, inside = tree
    if tag != "math" and _letters(tree) in known:
        attributes["name"] = known[_letters(tree)]
    elif tag in ("msub", "msup", "msubsup"):
        base, above = inside[0], "" if tag == "msub" else _letters(inside[-1])
        whole = _letters(base) + above  # whatever the index between them
        name = known.get(whole if tag == "msubsup" else "") or known.get(_letters(base))
        if name:
            attributes["name"] = name
        else:
            _name(base, known)
        if above not in ("", "T") and whole not in known:
            _name(inside[-1], known)  # a power is computed with, if it is no transpose; what is below counts
    elif isinstance(inside, list) and not _is_one(inside):
        _join(inside, known)
        for child in inside:
            _name(child, known)


def _is_one(children: list[Tree]) -> bool:
    """Upright letters are one word, and a letter with a prime is another variable than without."""
    upright = all(child[1].get("mathvariant") == "normal" for child in children)
    return bool(children) and (upright or children[-1][2] == "′")


def _join(children: list[Tree], known: Mapping[str, str]) -> None:
    """Make one element of neighbours that are a symbol together, such as P(D | g); the longest come first."""
    longest = max(map(len, known), default=0)
    start = 0
    while start < len(children):
        letters, ends = "", []
        for end in range(start, len(children)):
            letters += _letters(children[end])
            if len(letters) > longest:
                break
            if letters in known and end > start:
                ends.append(end + 1)
        if ends and ends[-1] - start < len(children):
            children[start : ends[-1]] = [["mrow", {}, children[start : ends[-1]]]]
        start += 1


def _letters(tree: Tree) -> str:
    return "".join(_texts(tree))


def _texts(tree: Tree) -> Iterator[str]:
    inside = tree[2]
    if isinstance(inside, str):
        yield inside
    else:
        for child in inside:
            yield from _texts(child)

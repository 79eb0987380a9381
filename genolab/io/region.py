"""A stretch of a contig: 0-based and half-open inside, 1-based and inclusive as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genolab.errors import InputError

_NUMBER = r"\d[\d,_]{0,30}"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*(?:([-\u2013])\s*({_NUMBER})?)?\s*", re.ASCII)
_WHO = "parse_region"


@dataclass(frozen=True)
class Region:
    """``contig`` from ``start`` (0-based) to ``end`` (exclusive); as text 1-based: ``chr20:10,000,001-10,100,000``."""

    contig: str
    start: int
    end: int

    @property
    def length(self) -> int:
        """How many positions it spans."""
        return self.end - self.start

    def __str__(self) -> str:
        return f"{self.contig}:{self.start + 1:,}-{self.end:,}"


def parse_region(text: str | Region, contigs: Mapping[str, int], who: str = _WHO) -> Region:
    """Read ``contig``, ``contig:first-last``, ``contig:first-`` (to the end) or ``contig:position``, 1-based.

    Numbers may have commas. A contig whose own name holds a colon is found by its whole name, or is
    written ``{name}:first-last``. Refused with
    ``InputError``: an unknown contig, positions outside the contig, a first position after the last.
    """
    if isinstance(text, Region):
        return _inside(text.contig, text.start + 1, text.end, contigs, str(text), who)
    if not isinstance(text, str):
        raise InputError(who, "region", 'text such as "chr20:10,000,001-10,100,000"', type(text).__name__)
    whole = text.strip()
    name, colon, span = whole.rpartition(":")
    braced = re.fullmatch(r"\{(.+)\}(?::(.*))?", whole)
    if braced:
        whole, name, span = braced[1] if braced[2] is None else "", braced[1], braced[2] or ""
    match = _RANGE.fullmatch(span)
    ranged = bool(match and colon and name in contigs)
    if whole in contigs and ranged and not braced:
        fix = f"Write {{{whole}}} or {{{name}}}:{span}."
        raise InputError(who, "region", "clear", f"{text!r}, a contig and also a range of {name!r}", fix)
    if whole in contigs:
        return Region(whole, 0, contigs[whole])
    if not ranged or match is None:
        if name in contigs:
            raise InputError(who, "region", "contig:first-last in whole 1-based positions", repr(text))
        raise unknown_contig(name if match or braced else whole, contigs, who, "region")
    first = _whole(match[1])
    last = first if match[2] is None else contigs[name] if match[3] is None else _whole(match[3])
    return _inside(name, first, last, contigs, repr(text), who)


def unknown_contig(name: str, contigs: Iterable[str], who: str, what: str) -> InputError:
    """The refusal of a contig that is not in the file, with the names nearest to it."""
    known = list(contigs)
    close = close_names(name, known)
    fix = f"Did you mean {' or '.join(close)}?" if close else ""
    if not close and known:
        some = ", ".join(known[:5])
        fix = f"The file has {some}{f' and {len(known) - 5:,} more' if len(known) > 5 else ''}."
    found = repr(name) if known else f"{name!r}, and the file has no contigs"
    return InputError(who, what, "on a contig of the file", found, fix)


def close_names(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Known contig names that are the same but for case or ``chr``, else those spelt most alike."""
    names = list(known)
    same = [other for other in names if plain_name(other) == plain_name(name)]
    if same:
        return same[:count]
    import difflib

    return difflib.get_close_matches(name, names[:5000], count, 0.7)


def plain_name(name: str) -> str:
    """A contig's name without ``chr`` and case; the mitochondrion is ``m`` under each of its names."""
    plain = name.lower().removeprefix("chr")
    return "m" if plain in ("m", "mt") else plain


def _whole(digits: str) -> int:
    return int(digits.replace(",", "").replace("_", ""))


def _inside(contig: str, first: int, last: int, contigs: Mapping[str, int], shown: str, who: str) -> Region:
    if contig not in contigs:
        raise unknown_contig(contig, contigs, who, "region")
    length = contigs[contig]
    if first < 1:
        raise InputError(who, "region", "in 1-based positions", shown, "The first position of a contig is 1.")
    if max(first, last) > length:
        fix = f"Write {contig}:{first:,}-{length:,}." if first <= length else f"Its last position is {length:,}."
        raise InputError(who, "region", f"inside {contig}, which has {length:,} positions", shown, fix)
    if first > last:
        fix = f"Write {contig}:{last:,}-{first:,}." if last else ""
        raise InputError(who, "region", "first-last with first not after last", shown, fix)
    return Region(contig, first - 1, last)

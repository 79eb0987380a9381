"""What the VCF specification asks beyond what genolab uses: told with its line, never refused. Tables, not a parser.

VCF 4.1 to 4.3, sections 1.2 (meta-information lines) and 1.6 (reserved keys).
"""

from __future__ import annotations

import re
from collections import Counter

# name: type, number, and the first version that reserves it
_EVER, _SINCE_43 = "4.0", "4.3"
DECLARED: dict[str, dict[str, tuple[str, str, str]]] = {
    "INFO": {
        "AA": ("String", "1", _EVER), "AC": ("Integer", "A", _EVER), "AD": ("Integer", "R", _SINCE_43),
        "ADF": ("Integer", "R", _SINCE_43), "ADR": ("Integer", "R", _SINCE_43), "AF": ("Float", "A", _EVER),
        "AN": ("Integer", "1", _EVER), "BQ": ("Float", "1", _EVER), "CIGAR": ("String", "A", _EVER),
        "DB": ("Flag", "0", _EVER), "DP": ("Integer", "1", _EVER), "END": ("Integer", "1", _EVER),
        "H2": ("Flag", "0", _EVER), "H3": ("Flag", "0", _EVER), "MQ": ("Float", "1", _EVER),
        "MQ0": ("Integer", "1", _EVER), "NS": ("Integer", "1", _EVER), "SOMATIC": ("Flag", "0", _EVER),
        "VALIDATED": ("Flag", "0", _EVER), "1000G": ("Flag", "0", _EVER),
    },
    "FORMAT": {
        "AD": ("Integer", "R", _SINCE_43), "ADF": ("Integer", "R", _SINCE_43), "ADR": ("Integer", "R", _SINCE_43),
        "DP": ("Integer", "1", _EVER), "EC": ("Integer", "A", _EVER), "FT": ("String", "1", _EVER),
        "GL": ("Float", "G", _EVER), "GLE": ("String", "G", _EVER), "GP": ("Float", "G", _EVER),
        "GQ": ("Integer", "1", _EVER), "HQ": ("Integer", "2", _EVER), "MQ": ("Integer", "1", _EVER),
        "PL": ("Integer", "G", _EVER), "PQ": ("Integer", "1", _EVER), "PS": ("Integer", "1", _EVER),
    },
}  # fmt: skip

_TEXT = r'"(?:[^"\\]|\\.)*"'
_MORE = rf'(?:,[^\s,="<>]+=(?:{_TEXT}|[^,"]*))*'
_NUMBERS, _TYPES = r"(?:[0-9]+|[ARG.])", "(?:Integer|Float|Flag|Character|String)"
_ADDRESS = r"<?(?:[a-z]+://(?:[\w.-]+@)?[\w-]*(?:[A-Za-z][\w-]*|\.[\w.-]+)[\w.-]*(?::[0-9]+)?/.*|[^<>:]+)>?"
_NAMED = r"[\w.+-]+"
# key: the first and last version that a form is for, the form, and what it asks
FORMS: dict[str, tuple[tuple[str, str, re.Pattern[str], str], ...]] = {
    "ALT": (
        ("4.0", "4.2", re.compile(rf"<ID=(?:DEL|INS|DUP|INV|CNV|BND|NON_REF|\*)(?::[^\s,<>]+)*"
                                  rf"(?:,Number={_NUMBERS},Type={_TYPES})?,Description={_TEXT}{_MORE}>"),
         'ID=DEL, INS, DUP, INV or CNV (with :subtypes), then Description="text"'),
        ("4.3", "9.9", re.compile(rf"<ID=[^\s,<>]+(?:,Number={_NUMBERS},Type={_TYPES})?,Description={_TEXT}{_MORE}>"),
         'ID=name without spaces, commas and < >, then Description="text"'),
    ),
    "META": (
        ("4.3", "9.9", re.compile(rf"<ID=[^\s,]+,Number={_NUMBERS},Type={_TYPES},Values=\[[^\[\]]*\]{_MORE}>"),
         "ID, Number, Type and Values=[a, b] in this order"),
    ),
    "PEDIGREE": (
        ("4.0", "4.2", re.compile(rf"<{_NAMED}={_NAMED}(?:,{_NAMED}={_NAMED})*>"), "name=genome pairs of plain names"),
        ("4.3", "9.9", re.compile(rf"<ID={_NAMED}(?:,{_NAMED}={_NAMED})+>"), "ID first, then pairs of plain names"),
    ),
    "SAMPLE": (
        ("4.0", "4.2", re.compile(rf'<ID=[^\s,"<>]+,Genomes=[^,"]+,Mixture=[^,"]+,Description={_TEXT}{_MORE}>'),
         "ID, Genomes, Mixture without quotes, then Description"),
        ("4.3", "9.9", re.compile(rf'<ID={_NAMED}{_MORE}>'), "ID first, a plain name"),
    ),
    "assembly": (("4.0", "9.9", re.compile(_ADDRESS), "an address or a file name"),),
    "pedigreeDB": (("4.0", "9.9", re.compile(_ADDRESS), "an address"),),
}  # fmt: skip

COUNTS = frozenset({"AC", "AF", "AN", "DP", "END", "MQ", "MQ0", "NS", "BQ"})
"""INFO keys whose numbers are never below zero."""

VALUES = {"AA": re.compile(r"[^,]*"), "CIGAR": re.compile(r"(?:[0-9]+[MIDNSHPX=])+(?:,(?:[0-9]+[MIDNSHPX=])+)*|\.")}
"""INFO keys whose text has a form of its own."""

MOST_SAID = 20
"""Remarks on a header that are said one by one."""


class Said(Counter[str]):
    """Counts of what should be said of records, each with the place where it was seen first."""

    def __init__(self) -> None:
        super().__init__()
        self.place = ""
        self.first: dict[str, str] = {}

    def __setitem__(self, what: str, count: int) -> None:
        if what not in self.first:
            self.first[what] = self.place
        super().__setitem__(what, count)

    def sentences(self) -> list[str]:
        """``3 records are ..., first on line 12.``"""
        said = []
        for what, count in self.items():
            place = self.first[what]
            first = f" ({'first on ' if count > 1 else ''}{place})" if place else ""
            said.append(f"{count:,} {what}{first}.")
        return said


def of_line(key: str, value: str, version: str, pairs: dict[str, str] | None) -> str:
    """What the specification has against a meta-information line, or nothing; ``pairs`` are those of a definition."""
    for since, until, form, asked in FORMS.get(key, ()):
        if since <= version <= until and not form.fullmatch(value):
            return f"##{key}: the specification asks for {asked}; here is {value[:60]!r}"
    if pairs is None or key not in ("INFO", "FORMAT", "FILTER", "contig"):
        return ""
    if next(iter(pairs)) != "ID":
        return f"##{key}: the specification asks for ID first; here is {next(iter(pairs))}"
    name = pairs["ID"]
    kind, number, since = DECLARED.get(key, {}).get(name, ("", "", ""))
    given = pairs.get("Type", ""), pairs.get("Number", "")
    if kind and version >= since and given != (kind, number):
        return (
            f"##{key} {name}: the specification reserves Number={number}, Type={kind}; here are {given[1]}, {given[0]}"
        )
    return ""


def of_info(key: str, value: str) -> str:
    """What the specification has against the value of an INFO key, or nothing."""
    if (key in COUNTS and value.startswith("-")) or (key in COUNTS and ",-" in value):
        return f"values of INFO {key} are negative"
    if key in VALUES and not VALUES[key].fullmatch(value):
        return f"values of INFO {key} do not have the form that the specification gives it"
    return ""


def trimmed(position: int, reference: str, alternate: str) -> tuple[int, str, str]:
    """The shortest form of a variant: what both alleles end or begin with is taken off (one base is left)."""
    while len(reference) > 1 and len(alternate) > 1 and reference[-1] == alternate[-1]:
        reference, alternate = reference[:-1], alternate[:-1]
    start = 0
    while len(reference) > start + 1 and len(alternate) > start + 1 and reference[start] == alternate[start]:
        start += 1
    return position + start, reference[start:], alternate[start:]

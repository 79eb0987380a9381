"""How many copies of a place a sample has: one number, or rules by contig, region and sex."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from genolab.errors import InputError
from genolab.io import Region, read_ploidy
from genolab.io.region import plain_name

MAX_PLOIDY = 6
_WHO = "call_variants"
MALE, FEMALE = "M", "F"
_SEXES = {"m": MALE, "male": MALE, "1": MALE, "f": FEMALE, "female": FEMALE, "2": FEMALE}
_END = 2**31 - 1

_HUMAN = {
    "GRCh37": ((60_000, 2_699_520), (154_931_043, 155_270_560)),
    "GRCh38": ((10_000, 2_781_479), (155_701_382, 156_040_895)),
}
"""The pseudo-autosomal regions of X, 0-based and half-open, the telomere behind the second one with it."""


def check_ploidy(ploidy: int, least: int = 1) -> int:
    """``ploidy`` where it is one that can be called."""
    if isinstance(ploidy, bool) or ploidy not in range(least, MAX_PLOIDY + 1):
        raise InputError(_WHO, "ploidy", f"a whole number from {least} to {MAX_PLOIDY}", repr(ploidy))
    return int(ploidy)


@dataclass(frozen=True)
class Rule:
    """``ploidy`` copies from ``start`` to ``end`` of a contig, for one sex or both (None)."""

    contig: str
    start: int
    end: int
    sex: str | None
    ploidy: int


@dataclass(frozen=True)
class PloidyMap:
    """Copies by sample and place; where no rule speaks ``usual``. Of two rules the later one holds."""

    usual: int = 2
    rules: tuple[Rule, ...] = ()
    sexes: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    def at(self, sample: str, contig: str, position: int) -> int:
        """The copies that a sample has at a position (0-based), 0 to 6.

        Raises
        ------
        InputError
            If they depend on the sample's sex and nobody said which it is.
        """
        here = [rule for rule in self._of(contig) if rule.start <= position < rule.end]
        if sample not in self.sexes and any(rule.sex is not None for rule in here):
            fix = f'Give sex={{{sample!r}: "female"}} or "male", or a pedigree that says it.'
            raise InputError(_WHO, "sex", f"known for {sample} on {contig}", "no sex", fix)
        own = [rule.ploidy for rule in here if rule.sex in (None, self.sexes.get(sample))]
        return own[-1] if own else self.usual

    def pieces(self, region: Region) -> list[Region]:
        """The region, cut where a rule begins or ends."""
        edges = {region.start, region.end}
        for rule in self._of(region.contig):
            edges |= {at for at in (rule.start, rule.end) if region.start < at < region.end}
        ordered = sorted(edges)
        return [Region(region.contig, a, b) for a, b in pairwise(ordered)]

    def _of(self, contig: str) -> tuple[Rule, ...]:
        return self._by_contig.get(plain_name(contig), ())

    @cached_property
    def _by_contig(self) -> dict[str, tuple[Rule, ...]]:
        found: dict[str, tuple[Rule, ...]] = {}
        for rule in self.rules:
            found[plain_name(rule.contig)] = (*found.get(plain_name(rule.contig), ()), rule)
        return found

    def __str__(self) -> str:
        if not self.rules:
            return str(self.usual)
        return self.name or f"{self.usual}, {len(self.rules)} rules"


Ploidy = int | str | os.PathLike[str] | Mapping[str, int] | PloidyMap
"""What ``ploidy=`` takes: a number, "GRCh37", "GRCh38", a file of rules, regions with numbers, or a map."""


def ploidy_map(ploidy: Ploidy, sexes: Mapping[str, str] | None = None) -> PloidyMap:
    """What ``ploidy=`` and ``sex=`` say, as a map.

    A mapping goes from contig or region (1-based, ``"chrX:1-2,781,479"``) to copies, for both sexes. ``"GRCh37"`` and
    ``"GRCh38"`` are the human genomes: X has 1 copy in males but for the pseudo-autosomal regions (GRCh38
    10,001-2,781,479 and from 155,701,383 on; GRCh37 60,001-2,699,520 and from 154,931,044 on), Y 1 in males and none
    in females, MT 1. A path is a file of five columns, as bcftools takes them: contig, first, last, sex (M, F or *),
    copies; a line ``* * * M 2`` says what is usual.
    """
    known = {name: _sex(name, text) for name, text in (sexes or {}).items()}
    if isinstance(ploidy, PloidyMap):
        return PloidyMap(ploidy.usual, ploidy.rules, {**ploidy.sexes, **known}, ploidy.name)
    if isinstance(ploidy, Mapping):
        rules = tuple(_rule(text, copies) for text, copies in ploidy.items())
        return PloidyMap(2, rules, known)
    if isinstance(ploidy, str) and ploidy in _HUMAN:
        first, second = _HUMAN[ploidy]
        rules = (
            Rule("X", 0, first[0], MALE, 1),
            Rule("X", first[1], second[0], MALE, 1),
            Rule("Y", 0, _END, MALE, 1),
            Rule("Y", 0, _END, FEMALE, 0),
            Rule("MT", 0, _END, None, 1),
        )
        return PloidyMap(2, rules, known, ploidy)
    if isinstance(ploidy, str | os.PathLike):
        table = read_ploidy(ploidy)
        rows = tuple(Rule(*row[:3], None if row[3] == "*" else row[3], check_ploidy(row[4], 0)) for row in table.rows)
        return PloidyMap(check_ploidy(table.usual), rows, known, Path(ploidy).name)
    return PloidyMap(check_ploidy(ploidy), (), known)


def _rule(text: str, copies: int) -> Rule:
    """A rule from ``contig`` or ``contig:first-last``."""
    name, _, span = text.rpartition(":")
    first, dash, last = span.replace(",", "").replace("_", "").partition("-")
    if name and dash and first.isdigit() and (last.isdigit() or not last):
        start, end = int(first) - 1, int(last) if last else _END
        if not 0 <= start < end:
            raise InputError(_WHO, "ploidy", "regions with first not after last, from 1 on", repr(text))
        return Rule(name, start, end, None, check_ploidy(copies, 0))
    return Rule(text, 0, _END, None, check_ploidy(copies, 0))


def _sex(name: str, text: str) -> str:
    found = _SEXES.get(str(text).lower())
    if found is None:
        raise InputError(_WHO, "sex", '"male" or "female" for each sample', f"{text!r} for {name}")
    return found

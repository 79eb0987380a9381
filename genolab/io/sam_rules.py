"""What the SAM specification asks beyond what genolab uses: told with its line, never refused. Tables, not a parser.

SAM 1.6, sections 1.3 (header), 1.4 (mandatory fields) and 1.5 (optional fields).
"""

from __future__ import annotations

import re

from genolab.io.vcf_rules import Said

_PLATFORMS = "CAPILLARY|DNBSEQ|ELEMENT|HELICOS|ILLUMINA|IONTORRENT|LS454|ONT|PACBIO|SINGULAR|SOLID|ULTIMA"
_CLOCK = r"(?:[T ](?:[01]\d|2[0-3]):?[0-5]\d(?::?[0-6]\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
_DAY = r"\d{4}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])"
_NAME = r"[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*"
# line type, tag, the form of its value, what it asks
FORMS: dict[tuple[str, str], tuple[re.Pattern[str], str]] = {
    ("HD", "GO"): (re.compile("none|query|reference"), "none, query or reference"),
    ("HD", "SS"): (re.compile(r"(?:coordinate|queryname|unsorted)(?::[A-Za-z0-9_-]+)+"), "an order and its sub-order"),
    ("RG", "DT"): (re.compile(_DAY + _CLOCK), "a date of ISO 8601"),
    ("RG", "PL"): (re.compile(_PLATFORMS, re.I), _PLATFORMS.replace("|", ", ")),
    ("SQ", "M5"): (re.compile("[0-9a-f]{32}"), "32 digits and small letters a to f"),
    ("SQ", "TP"): (re.compile("linear|circular"), "linear or circular"),
    ("SQ", "AH"): (re.compile(rf"\*|=:[0-9]+-[0-9]+|{_NAME}"), "* or a place"),
}  # fmt: skip


def of_header(lines: list[tuple[int, str, dict[str, str]]]) -> list[str]:
    """Remarks on header lines (number, type, tags) whose values genolab does not use."""
    said = []
    programs = {tags.get("ID") for _, kind, tags in lines if kind == "PG"}
    names = [tags.get("SN", "") for _, kind, tags in lines if kind == "SQ"]
    taken = set(names)
    for number, kind, tags in lines:
        for tag, value in tags.items():
            form, asked = FORMS.get((kind, tag), (None, ""))
            if form is not None and not form.fullmatch(value.strip()):
                said.append(
                    f"Line {number:,}, @{kind} {tag}: the specification asks for {asked}; here is {value[:40]!r}."
                )
        if kind == "PG" and tags.get("PP", tags.get("ID")) not in programs:
            said.append(f"Line {number:,}, @PG PP: no program of the header is called {tags['PP'][:40]!r}.")
        if kind == "SQ" and "AN" in tags:
            others = tags["AN"].split(",")
            again = [name for name in others if name in taken and name != tags.get("SN")]
            if again:
                said.append(f"Line {number:,}, @SQ AN: another contig has the name {again[0][:40]!r} already.")
            taken.update(others)
    return said


_MATE_CIGAR = re.compile(r"(?:^|\t)MC:Z:([^\t]*)")
_CIGAR = re.compile(r"\*|(?:[0-9]+[MIDNSHPX=])+")
_LARGEST, _SMALLEST = 3.4028235e38, 1e-45


def of_tags(tags: str, said: Said) -> None:
    """Count optional fields whose values are not what the specification says of them."""
    for tag in tags.split("\t"):
        kind, value = tag[3:4], tag[5:]
        if kind == "f" and value.strip("+-0.eE") and not _SMALLEST < abs(float(value)) <= _LARGEST:
            said["optional fields of type f are outside single precision"] += 1
        elif tag.startswith("MC:") and not _CIGAR.fullmatch(value):
            said["mate CIGARs (MC) are no CIGARs"] += 1


class _Order:
    """Whether names rise, letter by letter or (as samtools has it) with their numbers as numbers."""

    def __init__(self) -> None:
        self._last: tuple[str, list[tuple[int, str]]] = ("", [])
        self.plain = self.natural = True

    def rises(self, name: str) -> bool:
        key = [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", name)]
        self.plain &= self._last[0] <= name
        self.natural &= self._last[1] <= key
        self._last = name, key
        return self.plain or self.natural


class Mates:
    """Whether reads of a pair tell each other's places; genolab finds mates by name, so it is only said."""

    def __init__(self, said: Said, by_name: bool) -> None:
        self._said, self._order = said, _Order() if by_name else None
        self._placed: dict[tuple[str, int], tuple[str, str, int, str]] = {}
        self._told: list[tuple[str, int, str, str, int, str, str]] = []
        self._unmapped: set[tuple[str, int]] = set()

    def add(self, parts: tuple[str, ...], place: str) -> None:
        """Take one line (the eleven fields and the optional ones, as text)."""
        said, bits = self._said, int(parts[1])
        name, _, contig, position, _, cigar, mate, mate_position, length = parts[:9]
        said.place = place
        if self._order and not self._order.rises(name):
            said["reads are not in the order of their names, though the header says SO:queryname"] += 1
            self._order = None
        if mate == contig != "*":
            said["records spell RNEXT out where = is usual"] += 1
        if cigar == "0M":
            said["reads have a CIGAR of length 0"] += 1
        if bits & 4:
            self._unplaced(name, bits, parts)
        if not bits & 1 and (mate != "*" or length != "0"):
            said["unpaired reads have a mate's place or a template length, which are not used"] += 1
        if not bits & 1 or bits & 0x100:
            return
        if not bits & 0x900:
            self._placed[name, bits & 0xC0] = contig, position, int(length), cigar
        if not bits & 12 and mate == "*":
            said["reads have a mapped mate by their flag and none by RNEXT"] += 1
        elif not bits & 12:
            told = _MATE_CIGAR.search(parts[11] or "")
            mate = contig if mate == "=" else mate
            self._told.append(
                (name, bits & 0xC0 ^ 0xC0, mate, mate_position, int(length), told[1] if told else "", place)
            )

    def _unplaced(self, name: str, bits: int, parts: tuple[str, ...]) -> None:
        if parts[5] != "*":
            self._said["unmapped reads have a CIGAR, which is not used"] += 1
        if (name, bits) in self._unmapped:
            self._said["unmapped reads appear twice (same name and flags)"] += 1
        self._unmapped.add((name, bits))

    def finish(self) -> None:
        """Compare what was told with what was found."""
        said = self._said
        for name, other, contig, position, length, cigar, place in self._told:
            found = self._placed.get((name, other))
            if found is None:
                continue
            said.place = place
            if found[:2] != (contig, position):
                said["reads give their mate another place (RNEXT, PNEXT) than it has; mates are found by name"] += 1
            elif abs(length) != abs(found[2]):
                said["reads disagree with their mate about the length of the template (TLEN), which is not used"] += 1
            elif cigar and cigar != found[3]:
                said["reads give their mate another CIGAR (MC) than it has; it is not used"] += 1

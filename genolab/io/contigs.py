"""Which contig of the reads is which contig of the reference: by name, length and, where the header has it, MD5."""

from __future__ import annotations

from dataclasses import dataclass, field

from genolab.errors import FileError
from genolab.io.alignments import Alignments
from genolab.io.reference import Reference
from genolab.io.region import close_names, plain_name

_FIX = "Use the reference that the reads were aligned to."


@dataclass(frozen=True)
class ContigMatch:
    """The reference's name of each contig of the reads that has one (``to_reference``), and what was decided."""

    to_reference: dict[str, str]
    notices: tuple[str, ...] = ()
    _refusals: dict[str, FileError] = field(default_factory=dict, repr=False)

    def name(self, contig: str) -> str:
        """The reference's name of a contig of the reads; a contig without a match is refused with the reason."""
        if contig not in self.to_reference:
            raise self._refusals[contig]
        return self.to_reference[contig]


def match_contigs(alignments: Alignments, reference: Reference, contig: str | None = None) -> ContigMatch:
    """Match contigs by name and length; ``chr20`` and ``20``, ``chrM`` and ``MT``, where the lengths agree.

    With ``contig`` that one must match, and its M5 (when the header has one) must be the reference's MD5; the others
    are matched by name and length. Without it at least one must match, and the M5 of every match is checked. Refused
    with ``FileError`` on the reference, both figures named.
    """
    by_plain: dict[str, list[str]] = {}
    for name in reference.contigs:
        by_plain.setdefault(plain_name(name), []).append(name)
    pairs: dict[str, str] = {}
    refusals: dict[str, FileError] = {}
    for name, length in alignments.contigs.items():
        others = [name] if name in reference.contigs else by_plain.get(plain_name(name), [])
        fits = [other for other in others if reference.contigs[other] == length]
        if len(fits) == 1:
            pairs[name] = fits[0]
        else:
            refusals[name] = _refusal(alignments, reference, name, others, fits)
    if contig is not None and contig in refusals:
        raise refusals[contig]
    if contig is None and not pairs and refusals:
        raise next(iter(refusals.values()))
    for name in [contig] if contig is not None else list(pairs):
        expected = alignments.md5.get(name)
        if expected and name in pairs and (found := reference.md5(pairs[name])) != expected:
            raise FileError(
                reference.path, field=f"contig {pairs[name]}",
                expected=f"MD5 {expected} (M5 in {alignments.path.name})",
                found=f"MD5 {found}", fix=f"The lengths agree, the bases do not. {_FIX}",
            )  # fmt: skip
    renamed = [(name, other) for name, other in pairs.items() if name != other and contig in (None, name)]
    notices = []
    if renamed:
        some = ", ".join(f"{name} is {other}" for name, other in renamed[:3])
        more = f" and {len(renamed) - 3:,} more" if len(renamed) > 3 else ""
        notices.append(f"Contigs were matched by length: {some}{more} in the reference.")
    if contig is None and refusals:
        some, more = ", ".join(list(refusals)[:3]), " ..." if len(refusals) > 3 else ""
        notices.append(f"{len(refusals):,} contigs of the reads have no match in the reference: {some}{more}.")
    return ContigMatch(pairs, tuple(notices), refusals)


def _refusal(alignments: Alignments, reference: Reference, name: str, others: list[str], fits: list[str]) -> FileError:
    wanted = f"contig {name} of {alignments.contigs[name]:,} positions (as {alignments.path.name} has it)"
    if len(fits) > 1:
        found = f"{' and '.join(fits)}, which fit equally"
    elif others:
        found = " and ".join(f"{other} of {reference.contigs[other]:,}" for other in others)
    else:
        close = close_names(name, reference.contigs)
        found = f"no such contig (it has {', '.join(close or list(reference.contigs)[:3])})"
    return FileError(reference.path, expected=wanted, found=found, fix=_FIX)

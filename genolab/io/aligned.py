"""Aligned sequences as text: FASTA with gaps, and CLUSTAL."""

from __future__ import annotations

import re
from collections.abc import Sequence

from genolab import __version__
from genolab.errors import InputError
from genolab.io.atomic import replacing
from genolab.io.paths import PathLike

WIDTH = 60
"""Columns of a line."""

FORMATS = ("fasta", "clustal")
_WHO = "aligned_text"


def aligned_text(names: Sequence[str], rows: Sequence[str], kind: str = "fasta", marks: str = "") -> str:
    """Rows of equal length, gaps as ``-``, as the text of a file.

    ``"fasta"``: lines of 60 letters. ``"clustal"``: blocks of 60 columns with ``marks`` below each. Blanks in names
    become ``_``, for both formats end a name at the first.

    Raises
    ------
    InputError
        If the rows differ in length, there is not one name a row, a name comes twice, or the format is another.
    """
    if kind not in FORMATS:
        raise InputError(_WHO, "kind", f"one of {', '.join(FORMATS)}", repr(kind))
    if len(names) != len(rows) or not rows:
        raise InputError(_WHO, "names", f"one for each of the {len(rows):,} rows", f"{len(names):,}")
    if len(set(map(len, rows))) != 1:
        raise InputError(_WHO, "rows", "of equal length", ", ".join(str(n) for n in sorted(set(map(len, rows)))[:5]))
    clean = [re.sub(r"\s+", "_", name.strip()).lstrip(">") or f"sequence_{k}" for k, name in enumerate(names, 1)]
    if len(set(clean)) != len(clean):
        twice = next(name for name in clean if clean.count(name) > 1)
        raise InputError(_WHO, "names", "different from each other", f"{twice!r} twice")
    starts = range(0, max(len(rows[0]), 1), WIDTH)
    if kind == "fasta":
        return "".join(
            f">{name}\n" + "".join(f"{row[at : at + WIDTH]}\n" for at in starts)
            for name, row in zip(clean, rows, strict=True)
        )
    longest = max(max(map(len, clean)) + 2, 16)
    blocks = [f"CLUSTAL multiple sequence alignment (genolab {__version__})\n"]
    for at in starts:
        lines = [f"{name:<{longest}}{row[at : at + WIDTH]}" for name, row in zip(clean, rows, strict=True)]
        lines.append((" " * longest + marks[at : at + WIDTH]).rstrip())
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def write_aligned(path: PathLike, names: Sequence[str], rows: Sequence[str], marks: str = "") -> None:
    """Write rows as CLUSTAL where the name ends in ``.aln`` or ``.clustal``, else as FASTA; beside, and renamed."""
    clustal = str(path).lower().endswith((".aln", ".clustal", ".clustalw"))
    text = aligned_text(names, rows, "clustal" if clustal else "fasta", marks)
    with replacing(path, who="write_aligned") as (beside,):
        beside.write_text(text, encoding="ascii", errors="replace", newline="\n")

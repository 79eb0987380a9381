"""What each variant of a VCF changes in a model's output: the sequence around it with either allele."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from genolab.errors import FileError, InputError
from genolab.predict.bases import encode

if TYPE_CHECKING:
    import pandas as pd

    from genolab.predict.model import SequenceModel

WINDOW = 201
"""Bases around a variant where the model takes any length."""
_BASES = re.compile("[ACGTN]+")


def variant_effects(
    model: SequenceModel, variants: str | os.PathLike[str], reference: str | os.PathLike[str], target: int = 0,
    region: Any = None,
) -> pd.DataFrame:  # fmt: skip
    """The output for the reference and for each alternate allele, and their difference, a row per allele.

    The variant lies in the middle of a window as long as the model's sequences (201 where it takes any); after an
    insertion or deletion the window's right end moves, so that its length stays. Beyond a contig's ends bases are
    unknown. ``position`` is 1-based. What is skipped is counted in ``.attrs["notices"]``.

    Raises
    ------
    FileError
        If a REF is not what the reference has there.
    InputError
        If the model has no such output.
    """
    import pandas as pd

    from genolab.io import open_reference, read_variants

    read = read_variants(variants, region)
    width = model.positions_ or WINDOW
    rows: list[tuple[Any, ...]] = []
    texts: list[str] = []
    skipped, outside = 0, 0
    with open_reference(reference) as opened:
        known = _names(read, opened)
        for contig, position, name, ref, alternates in zip(
            read.contig, read.position.tolist(), read.identifier, read.reference, read.alternates, strict=True
        ):
            if contig not in known:
                outside += len(alternates)
                continue
            there, length = known[contig], opened.contigs[known[contig]]
            found = opened.fetch_text(there, position, min(position + len(ref), length)).upper()
            if found != ref.upper():
                place = f"{contig}:{position + 1:,}"
                fix = "Give the reference that the variants were called on."
                raise FileError(read.path, field=f"REF at {place}", expected=found, found=ref, fix=fix)
            for alternate in alternates:
                if not _BASES.fullmatch(alternate.upper()) or max(len(ref), len(alternate)) >= width:
                    skipped += 1
                    continue
                texts += _windows(opened, there, position, ref, alternate.upper(), width, length)
                rows.append((contig, position + 1, name, ref, alternate))
    table = pd.DataFrame(rows, columns=["contig", "position", "id", "reference", "alternate"])
    output = np.zeros((0, 2))
    if texts:
        raw = model._raw(encode("variant_effects", "sequences", texts))
        if not 0 <= target < raw.shape[1]:
            raise InputError("variant_effects", "target", f"an output from 0 to {raw.shape[1] - 1}", repr(target))
        output = raw[:, target].reshape(-1, 2).astype(np.float64)
    table["output_reference"], table["output_alternate"] = output[:, 0], output[:, 1]
    table["effect"] = output[:, 1] - output[:, 0]
    table.attrs["notices"] = [
        *([f"{skipped:,} alleles that are no short sequence of bases were skipped."] if skipped else []),
        *([f"{outside:,} alleles on contigs that the reference does not have were skipped."] if outside else []),
    ]
    return table


def _names(read: Any, opened: Any) -> dict[str, str]:
    """The reference's name of each contig: its own, or with or without ``chr``."""
    names = {}
    for contig in dict.fromkeys(read.contig):
        for other in (contig, f"chr{contig}", contig.removeprefix("chr")):
            if other in opened.contigs:
                names[contig] = other
                break
    return names


def _windows(opened: Any, contig: str, position: int, ref: str, alternate: str, width: int, length: int) -> list[str]:
    """The window with the reference's allele, and with the other."""
    before = (width - 1) // 2
    start, end = position - before, position + width + len(ref)
    text = opened.fetch_text(contig, max(0, start), min(length, end))
    text = "N" * max(0, -start) + text + "N" * max(0, end - length)
    changed = text[:before] + alternate + text[before + len(ref) :]
    return [text[:width], changed[:width]]

"""Records read through their library to the last optional field, which the readers never touch.

Damage may end the process, so it is done only in one that may end.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pysam

from genolab.errors import FileError
from genolab.io import guard, htslib
from genolab.io.vcf_rules import Said

_BROKEN = (OSError, ValueError, EOFError, OverflowError, MemoryError, KeyError, TypeError)


INSIDE = "GENOLAB_LOOKING"
"""Set in a process that may end: the file where it marks how far it came."""

_place: list[mmap.mmap] = []


def mark(number: int) -> None:
    """Leave the number of the record that is read now where the process that waits can find it."""
    if not _place:
        where = os.environ.get(INSIDE)
        if not where:
            return
        with open(where, "r+b") as file:
            _place.append(mmap.mmap(file.fileno(), 8))
    struct.pack_into("<q", _place[0], 0, number)


def look_at(path: Path, reference: Path | None = None, most: int | None = None) -> list[str]:
    """Read the records of a BAM, CRAM or BCF file, at most so many, with every optional field; returns what to say.

    Raises
    ------
    FileError
        With the record: a field that its library cannot read.
    """
    seen = guard.nature(path, "check")
    said, number = Said(), 0
    try:
        with htslib.quiet(), htslib.no_end():
            for number, read in enumerate(islice(_records(seen, reference), most), 1):
                mark(number)
                said.place = f"record {number:,}"
                if seen.format == "BCF":
                    str(read)
                    continue
                read.get_tags()
                if read.is_paired and not (read.is_unmapped or read.mate_is_unmapped) and read.next_reference_id < 0:
                    said["reads have a mapped mate by their flag and none by RNEXT"] += 1
    except FileError:
        raise
    except UnicodeDecodeError:
        raise _damaged(path, number + 1, "text that is not ASCII in an optional field") from None
    except _BROKEN as error:
        if number or isinstance(error, KeyError | TypeError):  # else the reader says it better
            raise _damaged(path, number + 1, str(error) or type(error).__name__) from None
    return said.sentences()


def first_disorder(path: Path, reference: Path | None = None) -> int | None:
    """The number of the first read of a BAM or CRAM file that stands before an earlier one, or None."""
    before = (-1, -1)
    with suppress(*_BROKEN), htslib.quiet(), htslib.no_end():
        for number, read in enumerate(_records(guard.nature(path, "check"), reference), 1):
            place = (read.reference_id % 2**32, read.reference_start)  # reads without a place come last
            if place < before:
                return number
            before = place
    return None


def stay_local(path: Path, file: pysam.AlignmentFile, reference: Path | None) -> None:
    """Refuse a CRAM file that would have htslib fetch a sequence from an address that its header names.

    htslib takes a contig that the given reference lacks from where the header's UR says.
    """
    given: set[str] = set()
    if reference is not None:
        with pysam.FastaFile(str(reference)) as fasta:
            given = set(fasta.references)
    for row in file.header.to_dict().get("SQ", ()):
        address = row.get("UR", "")
        if "://" in address and not address.startswith("file:///") and row["SN"] not in given:
            raise FileError(
                path,
                field=f"@SQ UR of {row['SN'][:60]}",
                expected="a contig of the reference that was given",
                found=f"one that would be fetched from {address[:80]!r}",
                fix="Give the reference that has this contig.",
                offset=0,
            )


def _records(seen: guard.Nature, reference: Path | None) -> Iterator[Any]:
    if seen.format == "BCF":
        with pysam.VariantFile(str(seen.path)) as file:
            yield from file
    else:
        fasta = str(reference) if reference else None
        with pysam.AlignmentFile(str(seen.path), check_sq=False, reference_filename=fasta) as reads:
            if seen.format == "CRAM":
                stay_local(seen.path, reads, reference)
            yield from reads.fetch(until_eof=True)


def _damaged(path: Path, record: int, found: str) -> FileError:
    return FileError(path, record=record, expected="undamaged records", found=found[:160], fix=guard.SURE)

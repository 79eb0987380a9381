"""Write a BAM file: records as bytes in any order go in, a sorted and indexed file comes out."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pysam

from genolab.errors import FileError, InputError
from genolab.io import htslib, index
from genolab.io.atomic import replacing
from genolab.io.paths import PathLike, writable

MEMORY = 256
"""Megabytes that sorting may take; the rest lies on disk, beside the file."""


def check_bam_path(path: PathLike, who: str) -> Path:
    """Refuse, before the work, a name that does not end in ``.bam`` or a folder that is not there."""
    target = writable(path, who)
    if not target.name.lower().endswith(".bam"):
        raise InputError(who, "output", "a name that ends in .bam", repr(target.name))
    return target


@contextlib.contextmanager
def sorted_bam(
    path: PathLike, header: str, contigs: dict[str, int], *, threads: int = 1, who: str = "genolab.io"
) -> Iterator[Callable[[bytes], object]]:
    """A function that takes records as BAM holds them; at the end they are sorted, indexed and given their name.

    ``header`` is SAM text. Whatever is raised inside, the old file stays as it was. A full disk is a ``FileError``.
    """
    target = check_bam_path(path, who)
    suffix = ".csi" if max(contigs.values(), default=0) >= index._TALLEST_BAI else ".bai"
    text = header.encode()
    head = [b"BAM\1", struct.pack("<i", len(text)), text, struct.pack("<i", len(contigs))]
    for name, length in contigs.items():
        name_text = name.encode() + b"\0"
        head += [struct.pack("<i", len(name_text)), name_text, struct.pack("<i", length)]
    with replacing(target, suffix, who=who) as (beside, its_index):
        unsorted = beside.with_name(f"{beside.name}.unsorted")
        with htslib.quiet(), contextlib.closing(pysam.BGZFile(str(unsorted), "w1")) as stream:
            stream.write(b"".join(head))
            yield stream.write
        memory, workers = f"{max(MEMORY // threads, 8)}M", str(threads - 1)
        words = ["--no-PG", "-m", memory, "-@", workers, "-T", f"{beside}.part", "-O", "bam"]
        try:
            with index._commands, htslib.quiet():
                pysam.samtools.sort(*words, "-o", str(beside), str(unsorted))
        except pysam.SamtoolsError as error:
            fix = "Nothing was written. Free some space, or write to another folder."
            raise FileError(target, expected="to sort the reads", found=htslib.quote(str(error)), fix=fix) from error
        index.make("BAM", beside, (its_index,), suffix)

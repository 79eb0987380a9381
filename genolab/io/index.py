"""Indexes: found beside the file or in the cache, built atomically."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import shlex
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pysam

from genolab.errors import FileError, MissingIndexError
from genolab.io import bgzf, guard, htslib
from genolab.io.atomic import replacing
from genolab.io.cache import cache_folder, identity
from genolab.io.native import first_disorder
from genolab.io.paths import PathLike

_SUFFIXES = {
    "BAM": (".bai", ".csi"), "CRAM": (".crai",), "FASTA": (".fai",), "VCF": (".tbi", ".csi"), "BCF": (".csi",),
    "BED": (".tbi", ".csi"),
}  # fmt: skip
_BROKEN = (OSError, ValueError, EOFError)
_TALLEST_BAI = 2**29
_commands = threading.Lock()  # samtools in the process redirects the output of the whole process


def find_index(path: Path, form: str) -> Path | None:
    """The index of a file: beside it (``x.bam.bai`` or ``x.bai``), else in the cache for its present state."""
    for suffix in _SUFFIXES[form]:
        for beside in (path.with_name(path.name + suffix), path.with_suffix(suffix)):
            if beside.is_file():
                return beside
        kept = _kept(path, suffix)
        if kept.is_file():
            return kept
    return None


def is_stale(path: Path, index: Path) -> bool:
    """Whether the file changed after its index was made (a second's grace for copies)."""
    return path.stat().st_mtime > index.stat().st_mtime + 1


def missing(path: Path, form: str) -> MissingIndexError:
    """The refusal of a file without an index, with the lines that make one, in a shell and in Python."""
    kind = "index (" + " or ".join(_SUFFIXES[form]) + ")"
    fix = f"Build it: `genolab index {shlex.quote(str(path))}`, or genolab.io.build_index({str(path)!r}) in Python."
    return MissingIndexError(path, expected=f"an {kind}", found="none beside the file or in the cache", fix=fix)


def build_index(path: PathLike, cache: bool = False) -> Path:
    """Build the index of a BAM, CRAM, FASTA, VCF, BCF or BED file and return its path; the whole file is read.

    It lies beside the file, or in the cache folder when ``cache`` is true or the file's folder is read-only. Refused
    with ``FileError``: a damaged or cut file, reads that are not sorted, text that is not compressed with bgzip.
    """
    seen = guard.nature(path, "build_index")
    form = seen.format
    if form == "" and seen.path.name.endswith((".bed", ".bed.gz", ".bed.bgz")):
        form = "BED"
    if form == "SAM":
        raise FileError(seen.path, expected="BAM or CRAM", found="SAM text, which is read whole and needs no index")
    if form not in _SUFFIXES:
        guard.expect(path, "build_index", *_SUFFIXES)
    list(ended(seen))
    if form in ("BAM", "BCF"):  # of CRAM the indexer reads containers alone, without a reference
        from genolab.io.looking import first_look

        first_look(seen.path)
    if form in ("VCF", "BED") and seen.compression != "bgzf":
        raise FileError(seen.path, expected="text compressed with bgzip", found=seen.compression or "plain text",
                        fix="Plain text is read whole and needs no index; to have one, run bgzip first.")  # fmt: skip
    if form == "FASTA":
        from genolab.io.fasta_text import check_fasta

        check_fasta(seen)
    suffix = ".csi" if form == "BAM" and _tallest(seen) >= _TALLEST_BAI else _SUFFIXES[form][0]
    target = seen.path.with_name(seen.path.name + suffix)
    if cache or not os.access(seen.path.parent, os.W_OK):
        target = _kept(seen.path, suffix)
        with contextlib.suppress(OSError):
            target.parent.mkdir(parents=True, exist_ok=True)
    companions = (".gzi",) if form == "FASTA" and seen.compression == "bgzf" else ()
    with replacing(target, *companions, who="build_index") as new:
        try:
            make(form, seen.path, new, suffix)
        except (pysam.SamtoolsError, OSError, ValueError) as error:
            said = htslib.words(lambda: make(form, seen.path, new, suffix)) or str(error)
            full = os.strerror(errno.ENOSPC)
            raise (OSError(errno.ENOSPC, full) if full in str(said) else _refusal(seen, said)) from error
    return target


def ended(seen: guard.Nature) -> Iterator[str]:
    """Refuse a cut file; only one without contigs and reads may lack its end, and that is said."""
    try:
        guard.whole(seen)
    except FileError:
        if seen.format != "BAM" or not _is_blank(seen.path):
            raise
        yield "The file has no end-of-file marker, no contigs and no reads."


def _is_blank(path: Path) -> bool:
    """Whether a BAM file is a header without contigs and nothing else; htslib would complain of a cut file aloud."""
    try:
        with gzip.open(path) as stream:
            stream.read(4)
            stream.read(struct.unpack("<I", stream.read(4))[0])
            return stream.read() == bytes(4)
    except (OSError, EOFError, zlib.error, struct.error, OverflowError):
        return False


def gzi_of(fai: Path) -> Path:
    """The .gzi that goes with a .fai: ``x.fa.gz.gzi`` beside ``x.fa.gz.fai``, or ``....fai.gzi`` in the cache."""
    own = fai.with_name(fai.name + ".gzi")
    return own if own.is_file() else fai.with_suffix(".gzi")


def _kept(path: Path, suffix: str) -> Path:
    return cache_folder() / "index" / f"{identity(path)}{suffix}"


def make(form: str, path: Path, new: tuple[Path, ...], suffix: str) -> None:
    """Run htslib's indexer on a file of this kind, into ``new``."""
    out, source = str(new[0]), str(path)
    with _commands, htslib.quiet():
        if form in ("BAM", "CRAM"):
            threads = str(min(4, os.cpu_count() or 1) - 1)
            pysam.samtools.index(*(["-c"] if suffix == ".csi" else []), "-@", threads, "-o", out, source)
        elif form == "FASTA":
            pysam.samtools.faidx("--fai-idx", out, *(["--gzi-idx", str(new[1])] if len(new) > 1 else []), source)
        elif form == "BCF":
            from pysam import bcftools  # not loaded with pysam

            bcftools.index("-f", "-c", "-o", out, source)
        else:
            csi = suffix == ".csi"
            pysam.tabix_index(source, force=True, preset=form.lower(), keep_original=True, index=out, csi=csi)


def _tallest(seen: guard.Nature) -> int:
    try:
        with (
            htslib.quiet(),
            htslib.no_end(),
            pysam.AlignmentFile(str(seen.path), check_sq=False, ignore_truncation=True) as file,
        ):
            return max(file.lengths, default=0)
    except _BROKEN as error:
        found = f"one that cannot be read{htslib.quote(str(error))}"
        raise FileError(
            seen.path, field="header", expected="a BAM header", found=found, offset=0, fix=guard.SURE
        ) from error


def _refusal(seen: guard.Nature, words: str | tuple[str, ...]) -> FileError:
    said = htslib.quote(words)
    low = said.lower()
    if "unsorted" in low or "not in coordinate order" in low or "not continuous" in low or "chromosome blocks" in low:
        command = {"VCF": "bcftools sort -Oz", "BCF": "bcftools sort -Ob", "BED": "sort -k1,1 -k2,2n"}.get(
            seen.format, "samtools sort"
        )
        return FileError(
            seen.path,
            record=first_disorder(seen.path) if seen.format in ("BAM", "CRAM") else None,
            field="POS",
            expected="records sorted by position",
            found=f"unsorted ones{said}",
            fix=f"Run: {command}",
        )
    fault = bgzf.first_fault(seen.path) if seen.compression == "bgzf" else None
    offset, reason = fault or (None, "records that cannot be read")
    return FileError(
        seen.path, expected="a whole, undamaged file", found=f"{reason}{said}", offset=offset, fix=guard.SURE
    )

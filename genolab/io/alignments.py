"""BAM, CRAM and SAM: opened with all checks, read by region as flat arrays."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pysam

from genolab.errors import FileError, InputError, TooLargeError
from genolab.io import bgzf, budget, guard, htslib, native
from genolab.io.header import Header, parse_header
from genolab.io.index import build_index, ended, find_index, is_stale, missing
from genolab.io.looking import first_look
from genolab.io.paths import PathLike, readable
from genolab.io.reads import AlignedReads, Columns, assemble
from genolab.io.region import Region, parse_region
from genolab.io.sam_text import SamText, read_sam
from genolab.io.vcf_rules import MOST_SAID

_WHO = "open_alignments"
_OF_READ, _OF_READ_ALONE = 1800, 800  # bytes of memory: with 150 letters and their qualities, and without any
_MOST_OF_PACKED = 16  # bytes of memory for one of a BAM file
_TELL = 4_096  # reads from one word of progress to the next, about 20 ms
_SMALLER = "Read a smaller region, or tile by tile."
_BROKEN = (OSError, ValueError, EOFError, OverflowError, MemoryError, NotImplementedError)

Progress = Callable[[float], None]


class _StoppedError(Exception):
    """Whatever a listener raised: it ends the reading, and is no damage of the file."""

    def __init__(self, reason: Exception) -> None:
        self.reason = reason


def _tell(progress: Progress, share: float) -> None:
    try:
        progress(share)
    except Exception as reason:
        raise _StoppedError(reason) from reason


class Alignments:
    """An open BAM, CRAM or SAM file; made by :func:`open_alignments`, used as a context manager.

    ``path``, ``format`` ("BAM", "CRAM" or "SAM"), ``contigs`` (name to length), ``md5`` (name to the M5 of the header),
    ``samples``, ``has_index`` and ``notices`` (what was found or decided, one sentence each).
    """

    def __init__(self, path: Path, form: str, header: Header, notices: tuple[str, ...], has_index: bool) -> None:
        self.path, self.format, self.has_index, self.notices = path, form, has_index, notices
        self.contigs, self.md5, self.samples = header.contigs, header.md5, header.samples
        self._header = header
        self._file: pysam.AlignmentFile | None = None
        self._sam: SamText | None = None
        self._reference: Path | None = None
        self._lock = threading.Lock()  # one htslib handle has one place in the file

    def __enter__(self) -> Alignments:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"<Alignments {self.path.name}: {self.format}, {len(self.contigs):,} contigs, {len(self.samples)} samples>"
        )

    def close(self) -> None:
        """Close the file; reading afterwards is refused."""
        with self._lock:
            if self._file is not None:
                with contextlib.suppress(OSError):  # htslib reports a damaged file once more when it is closed
                    self._file.close()
            self._file = self._sam = None

    def read(self, region: Region | str, sample: str | None = None, progress: Progress | None = None) -> AlignedReads:
        """Every mapped read that overlaps the region, whatever its flags, in the order of positions.

        ``sample`` keeps the reads of its read groups; None keeps all. ``progress`` is told the share of the region that
        is read, every few thousand reads; what it raises ends the reading. Refused: a region outside the contigs, an
        unknown sample (``InputError``), a file without an index (``MissingIndexError``), damaged records
        (``FileError``).
        """
        place = parse_region(region, self.contigs, "Alignments.read")
        groups = self._groups(sample)
        with self._lock:
            if self._sam is not None:
                columns, left_out = self._from_sam(place, groups), 0
            elif self._file is None:
                raise InputError("Alignments.read", "alignments", "open", "a closed file", "Open it again.")
            elif not self.has_index:
                raise missing(self.path, self.format)
            else:
                self._ask(self._file, place)
                columns, left_out = self._fetch(self._file, place, groups, progress)
        reads = assemble(columns, self.path, place, sample, self.contigs[place.contig])
        said = []
        if left_out:
            said.append(f"{left_out:,} reads that count as mapped have no CIGAR and are left out.")
        if sample is None and len(self.samples) > 1:
            said.append(
                f"The reads of all {len(self.samples)} samples are taken together: {', '.join(self.samples[:5])}."
            )
        if said:
            object.__setattr__(reads, "notices", (*reads.notices, *said))
        return reads

    def _ask(self, file: pysam.AlignmentFile, place: Region) -> None:
        """Ask before a region is read that needs more memory than there may be, as far as the index can tell."""
        if self.format != "BAM" or self.path.stat().st_size * _MOST_OF_PACKED < budget.memory(self.path):
            return  # whatever the region, its reads fit; of CRAM the index does not tell
        with htslib.quiet():
            try:
                reads = self._by_offsets(file, place)
            except _BROKEN:
                return  # said by what reads
        budget.ask_memory(self.path, reads * _OF_READ, f"about {reads:,} reads of {place}", _SMALLER)

    def estimate(self, region: Region | str) -> int | None:
        """About how many reads overlap the region, from the index and the file's size; None where it cannot be told."""
        place = parse_region(region, self.contigs, "Alignments.estimate")
        with self._lock:
            if self._sam is not None:
                return len(self._from_sam(place, None).name)
            if self._file is None or self.format != "BAM" or not self.has_index:
                return None
            with htslib.quiet():
                try:
                    return self._by_offsets(self._file, place)
                except _BROKEN:
                    return None

    def _groups(self, sample: str | None) -> frozenset[str] | None:
        """The read groups to keep; None keeps every read."""
        if sample is None:
            return None
        if sample not in self.samples:
            known = ", ".join(self.samples[:10]) or "no sample at all"
            raise InputError("Alignments.read", "sample", "a sample of the file", repr(sample), f"It has {known}.")
        if len(self.samples) == 1:
            return None
        return frozenset(group for group, name in self._header.sample_of.items() if name == sample)

    def _fetch(
        self, file: pysam.AlignmentFile, place: Region, groups: frozenset[str] | None, progress: Progress | None
    ) -> tuple[Columns, int]:
        columns = Columns()
        name, flag, position = columns.name.append, columns.flag.append, columns.position.append
        mapping, cigar = columns.mapping_quality.append, columns.cigar.append
        sequence, quality = columns.sequence.append, columns.quality.append
        left_out = letters_read = 0
        allowed = budget.memory(self.path)
        try:
            with htslib.quiet():
                for read in file.fetch(place.contig, place.start, place.end):
                    bits = read.flag
                    if bits & 4 or (groups is not None and _group(read) not in groups):
                        continue
                    operations = read.cigarstring
                    if operations is None:
                        left_out += 1
                        continue
                    if progress is not None and len(columns.name) % _TELL == _TELL - 1:
                        share = (read.reference_start - place.start) / max(place.length, 1)
                        _tell(progress, min(max(share, 0.0), 1.0))
                    name(read.query_name)
                    flag(bits)
                    position(read.reference_start)
                    mapping(read.mapping_quality)
                    cigar(operations)
                    letters = read.query_sequence
                    sequence(letters)
                    letters_read += len(letters or "")
                    if _OF_READ_ALONE * len(columns.name) + 6 * letters_read > allowed:
                        needed = 2.0 * allowed  # at least
                        found = f"more than {len(columns.name):,} reads of {place}"
                        budget.ask_memory(self.path, needed, found, _SMALLER)
                    if letters is not None and len(letters) == 1:
                        quality(_one_quality(read))
                    else:
                        quality(read.query_qualities_str)
        except _StoppedError as stopped:
            raise stopped.reason from None
        except TooLargeError:
            raise
        except _BROKEN as error:
            raise self._damaged(error, place, len(columns.name)) from error
        if None in columns.name:
            columns.name = [text or "*" for text in columns.name]
        return columns, left_out

    def _damaged(self, error: Exception, place: Region, read: int) -> FileError:
        """What broke while reading, where, and in htslib's words."""
        offset, reason = None, f"{type(error).__name__}: {error}"
        if isinstance(error, UnicodeDecodeError):
            reason = "a read name or quality with values outside the format"
        said = htslib.quote(htslib.words(lambda: self._again(place)))
        if self.format == "BAM" and self._file is not None:
            at = self._file.tell() >> 16
            offset, reason = bgzf.first_fault(self.path, at, 64) or (at, reason)
        fix = guard.SURE
        if self.format == "CRAM":
            fix = f"Check that {self._reference} is the reference that the CRAM was made with, or copy the file again."
        found = f"{reason} after {read:,} reads of {place}{said}"
        return FileError(self.path, expected="undamaged records", found=found, offset=offset, fix=fix)

    def _again(self, place: Region) -> None:
        reference = str(self._reference) if self._reference else None
        index = find_index(self.path, self.format)
        with pysam.AlignmentFile(
            str(self.path), reference_filename=reference, index_filename=str(index), check_sq=False
        ) as file:
            for _ in file.fetch(place.contig, place.start, place.end):
                pass

    def _from_sam(self, place: Region, groups: frozenset[str] | None) -> Columns:
        assert self._sam is not None
        columns = self._sam.columns.get(place.contig, Columns())
        if not columns.name:
            return columns
        span = assemble(columns, self.path, place, None, self.contigs[place.contig])
        end = np.maximum(span.reference_end, span.position + 1)
        rows = np.flatnonzero((span.position < place.end) & (end > place.start)).tolist()
        if groups is not None:
            owners = self._sam.groups[place.contig]
            rows = [i for i in rows if owners[i] in groups]
        return columns.take(rows) if rows else Columns()

    def _by_offsets(self, file: pysam.AlignmentFile, place: Region) -> int:
        """Bytes of the file between the region's first read and the first after it, times the file's reads per byte."""
        counts = {row.contig: row.mapped + row.unmapped for row in file.get_index_statistics()}
        total = sum(counts.values()) + file.nocoordinate
        first = self._offset(file, place.contig, place.start)
        if first is None or not total:
            return 0
        last = self._offset(file, place.contig, place.end)
        if last is None:
            names = list(self.contigs)
            later = (name for name in names[names.index(place.contig) + 1 :] if counts.get(name))
            last = next((at for at in (self._offset(file, name, 0) for name in later) if at is not None), None)
        size = self.path.stat().st_size
        start = next(
            at for at in (self._offset(file, name, 0) for name in self.contigs if counts[name]) if at is not None
        )
        span = ((size if last is None else last) - first) / max(size - start, 1)
        return min(round(total * span), counts[place.contig])

    @staticmethod
    def _offset(file: pysam.AlignmentFile, contig: str, start: int) -> int | None:
        for read in file.fetch(contig, start):
            if read.reference_start >= start:
                return int(file.tell()) >> 16
        return None


def open_alignments(
    path: PathLike,
    reference: PathLike | None = None,
    index: Literal["build", "cache"] | None = None,
    threads: int = 1,
) -> Alignments:
    """Open a BAM, CRAM or SAM file; SAM text is read whole and needs no index, CRAM needs its reference.

    ``index`` says what to do when there is none: None refuses when reading, "build" makes one beside the file, "cache"
    in the cache folder. ``threads`` unpack blocks; more than one helps on regions of many megabytes. Refused with
    ``FileError``: a file of another kind, a cut file, a header that does not add up, and one that ends the process
    of its first look (:func:`genolab.io.first_look`).
    """
    if index not in (None, "build", "cache"):
        raise InputError(_WHO, "index", '"build", "cache" or None', repr(index))
    seen = guard.expect(path, _WHO, "BAM", "CRAM", "SAM")
    if seen.format == "SAM":
        sam = read_sam(seen)
        opened = Alignments(seen.path, "SAM", sam.header, sam.notices, True)
        opened._sam = sam
        for contig, columns in sam.columns.items():  # every CIGAR and end is checked now, while the lines are known
            length = sam.header.contigs[contig]
            assemble(columns, seen.path, Region(contig, 0, length), None, length)
        return opened
    fasta = None
    if seen.format == "CRAM":
        fasta = _cram_reference(seen.path, reference)
    first_look(seen.path, fasta)
    notices = list(ended(seen))
    blank = bool(notices)
    found = find_index(seen.path, seen.format)
    if found is None and index is not None:
        found = build_index(seen.path, cache=index == "cache")
        notices.append(f"An index was built: {found}.")
    elif found is not None and is_stale(seen.path, found):
        notices.append(f"The index {found.name} is older than the file; if reads are missing, build it again.")
    header, file = _open(seen, fasta, found, threads, blank)
    if found is None:
        notices.append("The file has no index.")
    notices += header.remarks[:MOST_SAID]
    if not header.contigs:
        notices.append("The header names no contigs.")
    opened = Alignments(seen.path, seen.format, header, tuple(notices), found is not None)
    opened._file, opened._reference = file, fasta
    return opened


def _open(
    seen: guard.Nature, fasta: Path | None, index: Path | None, threads: int, blank: bool
) -> tuple[Header, pysam.AlignmentFile]:
    def start(with_index: Path | None) -> pysam.AlignmentFile:
        with htslib.no_end():
            return pysam.AlignmentFile(
                str(seen.path),
                "rc" if seen.format == "CRAM" else "rb",
                check_sq=False,
                threads=1 if blank else threads,
                ignore_truncation=blank,
                index_filename=str(with_index) if with_index else None,
                reference_filename=str(fasta) if fasta else None,
            )

    try:
        with htslib.quiet():
            file = start(index)
    except _BROKEN as error:
        said = htslib.quote(htslib.words(lambda: start(index).close()) or str(error))
        if "not sorted" in said:
            fix = "Run: samtools sort, then build the index again."
            raise FileError(
                seen.path,
                record=native.first_disorder(seen.path, fasta),
                offset=0,
                field="POS",
                expected="reads sorted by position",
                found=f"unsorted ones{said}",
                fix=fix,
            ) from error
        if index is not None and "index" in said.lower():
            raise FileError(
                index, expected=f"an index of {seen.path.name}", found=f"one that cannot be read{said}",
                fix=f'Build it again: genolab.io.build_index("{seen.path}").',
            ) from error  # fmt: skip
        fault = bgzf.first_fault(seen.path, 0, 64) if seen.format == "BAM" else None
        offset, reason = fault or (0, "one that cannot be read")
        raise FileError(
            seen.path, field="header", expected=f"a {seen.format} header", found=f"{reason}{said}", offset=offset,
            fix=guard.SURE,
        ) from error  # fmt: skip
    try:
        if seen.format == "CRAM":
            native.stay_local(seen.path, file, fasta)
        return _header(file, seen.path), file
    except BaseException:
        file.close()
        raise


def _header(file: pysam.AlignmentFile, path: Path) -> Header:
    """The text header checked, with the contigs that the binary header has (they decide)."""
    try:
        lines = str(file.header).splitlines()
    except UnicodeDecodeError:
        raise FileError(path, field="header", expected="UTF-8 text", found="other bytes", fix=guard.SURE) from None
    header = parse_header([line for line in lines if line.strip("\0")], path, strict=False)
    header.contigs = dict(zip(file.references, file.lengths, strict=True))
    if header.contigs and bgzf.header_text(path).find(b"@SQ") < 0:
        header.remarks.append("The text of the header names no contigs (@SQ); those of its binary part are taken.")
    return header


def _cram_reference(path: Path, reference: PathLike | None) -> Path:
    if reference is None:
        raise FileError(
            path, expected="the reference that the CRAM was made with", found="no reference",
            fix='Give it: open_alignments(path, reference="reference.fa").',
        )  # fmt: skip
    fasta = readable(reference, _WHO)
    if not fasta.with_name(fasta.name + ".fai").is_file():
        raise missing(fasta, "FASTA")
    return fasta


def _one_quality(read: pysam.AlignedSegment) -> str | None:
    """The quality of a read of one base, as text.

    For one base pysam 0.24's ``query_qualities_str`` writes into Python's shared one-byte ``bytes`` object and so
    changes that byte for the whole process.
    """
    values = read.query_qualities
    return None if values is None else chr(min(values[0] + 33, 127))


def _group(read: pysam.AlignedSegment) -> str:
    return str(read.get_tag("RG")) if read.has_tag("RG") else ""
